/* SPDX-License-Identifier: Apache-2.0 */
/* See io_child_bed.h. */
#include "test/unit/io_child_bed.h"

#include "base/strbuf.h"

void on_child(void *arg, const struct io_child_result *r)
{
	struct got *g = arg;
	g->calls++;
	g->r = *r;
	str_copy(g->out, sizeof g->out, r->out);
	str_copy(g->err, sizeof g->err, r->err);
	bed_see(g->bed);
}

struct io_child_spec spec_of(const char *const *argv)
{
	return (struct io_child_spec){
	    .launcher = bed_launcher(), .argv = argv, .uid = -1, .gid = -1, .deadline_ms = LONG_MS};
}

struct got run(struct bed *bed, const struct io_child_spec *spec)
{
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_child_start(bed->loop, spec, on_child, &g, NULL, &err), 0);
	assert_int_equal(g.calls, 0);
	bed_wait(bed, &g.calls, 1);
	assert_int_equal(*io_loop_child_count(bed->loop), 0);
	return g;
}

struct got run_shell(struct bed *bed, const char *script, int64_t deadline_ms)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.deadline_ms = deadline_ms;
	return run(bed, &spec);
}
