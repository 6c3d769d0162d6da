/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays a cloud call against a script: each line says which request must come and what is answered. Shared by the tests
 * of the cloud room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cloud/call.h"

struct script_line {
	const char *method;
	const char *path;   /* exact path and query; NULL = any */
	const char *body;   /* exact request body; NULL = none expected */
	int status;         /* 0: no answer came */
	const char *answer; /* body; "@file" = a golden answer */
	int transport;      /* positive OSHA_E_*, with status 0 */
	bool was_sent;
};

/** script_golden() - the bytes of a golden answer; the caller frees them. Fails the test when the file is not there. */
char *script_golden(const char *name, size_t *ret_size);

/** script_play() - run a call over @n lines; every line must be asked for, and nothing more. The caller frees the call.
 */
struct cloud_call *script_play(const struct cloud_args *args, const struct script_line *lines, size_t n);

/** script_result() - the result of an ended call, printed when it is not as expected. */
const struct cloud_result *script_result(const struct cloud_call *call, enum outcome outcome, enum fault_class fault);
#define SCRIPT_PLAY(args, lines) script_play(args, lines, sizeof(lines) / sizeof((lines)[0]))
