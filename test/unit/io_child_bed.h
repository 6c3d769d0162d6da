/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of children share: one that is started, waited for, and what it ended as. */
#pragma once

#include "io/child.h"
#include "test/unit/io_bed.h"

enum { LONG_MS = 20000 };

struct got {
	struct bed *bed;
	int calls;
	struct io_child_result r;
	char out[4096], err[4096];
};

/* An io_child_fn; @arg is a struct got. */
void on_child(void *arg, const struct io_child_result *r);
/* Through osha-launch, as ourselves, within LONG_MS. */
struct io_child_spec spec_of(const char *const *argv);
/* Start it and wait for its end. */
struct got run(struct bed *bed, const struct io_child_spec *spec);
struct got run_shell(struct bed *bed, const char *script, int64_t deadline_ms);
