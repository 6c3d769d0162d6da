/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any end of a fence agent, with any output. Byte 0: action, byte 1: how it ended, byte 2: its code; then standard output up to byte
 * 0x1e and standard error. Off is never read out of anything but a status that exited 2 and says "off"; no secret and no control character
 * gets into the reason.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/fencer/agent/fence_judge.h"

enum { SEPARATOR = 0x1e, HEAD_BYTES = 3 };
#define SECRET "s3cret-word"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static char *copy(const uint8_t *bytes, size_t n)
{
	char *s = calloc(1, n + 1);

	must(s != NULL, "memory");
	if (s && n)
		memcpy(s, bytes, n);
	return s;
}

static bool says_off(const char *text, size_t n)
{
	for (size_t i = 0; i + 3 <= n; i++) {
		if (strncasecmp(text + i, "off", 3) == 0)
			return true;
	}
	return false;
}

static void check(enum fence_action action, const struct io_child_result *r, const struct fence_answer *a)
{
	bool has_exited_2 = r->end == IO_CHILD_EXITED && r->code == 2;

	must((unsigned)a->outcome < OUTCOME_N && (unsigned)a->power < POWER_N, "words are known");
	must(a->power != POWER_OFF || (action == FENCE_STATUS && has_exited_2), "off is a status that exited 2");
	must(a->power != POWER_OFF || says_off(r->out, r->out_size) || says_off(r->err, r->err_size), "off was said");
	must(a->outcome != OUTCOME_DONE || r->end == IO_CHILD_EXITED, "done: it came to its end");
	must((a->outcome == OUTCOME_DONE) == (a->reason[0] == '\0'), "what is not done has a reason");
	must(memchr(a->reason, '\0', sizeof(a->reason)) != NULL, "a reason is terminated");
	must(!strstr(a->reason, SECRET), "a reason holds no secret");
	for (const char *p = a->reason; *p; p++)
		must(!iscntrl((unsigned char)*p), "a reason stays on its line");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct config_fence level = {
	    .name = "bmc", .parameters = {{"password", SECRET, true}, {"ip", "192.0.2.1", false}}, .parameter_n = 2};
	const uint8_t *end;
	struct io_child_result r;
	struct fence_answer a = {0};
	enum fence_action action;
	char *out, *err;

	if (n < HEAD_BYTES)
		return 0;
	action = (enum fence_action)(bytes[0] % FENCE_ACTION_N);
	r = (struct io_child_result){.end = (enum io_child_end)(bytes[1] % IO_CHILD_END_N), .code = bytes[2] % 4};
	r.out_cut = bytes[0] & 0x80;
	bytes += HEAD_BYTES;
	n -= HEAD_BYTES;
	end = n ? memchr(bytes, SEPARATOR, n) : NULL;
	r.out_size = end ? (size_t)(end - bytes) : n;
	r.err_size = end ? n - r.out_size - 1 : 0;
	r.out = out = copy(bytes, r.out_size);
	r.err = err = copy(end ? end + 1 : bytes, r.err_size);
	fence_judge(&level, action, &r, &a);
	check(action, &r, &a);
	free(out);
	free(err);
	return 0;
}
