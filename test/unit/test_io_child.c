/* SPDX-License-Identifier: Apache-2.0 */
/* Children through osha-launch: what they end as, and that nothing of them outlives its bounds. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/child.h"
#include "io/file.h"
#include "test/unit/io_child_bed.h"

enum { GONE_MS = 20000 };

static void await_gone(pid_t pid)
{
	int64_t end_ms = io_boot_ms() + GONE_MS;
	struct timespec moment = {.tv_nsec = 2000000};
	while (kill(pid, 0) == 0 || errno != ESRCH) {
		/* A container's first process may be slow to bury, or never bury, what is dead. */
		char path[64], *stat = NULL;
		snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
		bool is_dead = io_file_read(path, 0, false, &stat, NULL, NULL) != 0 || strstr(stat, ") Z ") != NULL;
		free(stat);
		if (is_dead)
			return;
		if (io_boot_ms() > end_ms)
			fail_msg("process %d is still there", (int)pid);
		nanosleep(&moment, NULL);
	}
}

static void test_exit_status_and_output(void **state)
{
	struct got g = run_shell(*state, "echo out; echo err >&2; exit 7", LONG_MS);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_int_equal(g.r.code, 7);
	assert_string_equal(g.out, "out\n");
	assert_string_equal(g.err, "err\n");
	assert_false(g.r.out_cut || g.r.err_cut || g.r.has_stragglers);
	g = run_shell(*state, "exit 0", LONG_MS);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_int_equal(g.r.code, 0);
}

static void test_signal(void **state)
{
	struct got g = run_shell(*state, "kill -9 $$", LONG_MS);
	assert_int_equal(g.r.end, IO_CHILD_SIGNALLED);
	assert_int_equal(g.r.code, SIGKILL);
}

static void test_program_missing(void **state)
{
	const char *argv[] = {"/nonexistent/program", NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got g = run(*state, &spec);
	assert_int_equal(g.r.end, IO_CHILD_NOT_STARTED);
	assert_int_equal(g.r.code, ENOENT);
}

static void test_launcher_missing(void **state)
{
	struct bed *bed = *state;
	const char *argv[] = {"/bin/true", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.launcher = "/nonexistent/launcher";
	struct got g = run(bed, &spec);
	assert_int_equal(g.r.end, IO_CHILD_NOT_STARTED);
	assert_int_equal(g.r.code, ENOENT);
	spec.launcher = bed->dir;
	g = run(bed, &spec);
	assert_int_equal(g.r.end, IO_CHILD_NOT_STARTED);
	assert_int_equal(g.r.code, EACCES);
}

static void test_too_late_is_not_started(void **state)
{
	struct bed *bed = *state;
	char path[100];
	bed_path(bed, "was-here", path, sizeof path);
	const char *argv[] = {"/bin/mkdir", path, NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.start_by_ms = io_boot_ms() - 1;
	struct got g = run(bed, &spec);
	assert_int_equal(g.r.end, IO_CHILD_NOT_STARTED);
	assert_int_equal(g.r.code, ETIME);
	assert_false(io_file_exists(path));
	spec.start_by_ms = io_boot_ms() + LONG_MS;
	g = run(bed, &spec);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_true(io_file_exists(path));
}

static void test_stdin_and_environment(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "cat; echo $A; echo ${HOME-none}; echo $OSHA_OURS", NULL};
	const char *env[] = {"A=given", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.env = env;
	spec.stdin_bytes = "password=x\n";
	spec.stdin_size = 11;
	struct got g = run(*state, &spec);
	assert_string_equal(g.out, "password=x\ngiven\nnone\n\n");
	setenv("OSHA_OURS", "ours", 1);
	setenv("A", "ours", 1);
	spec.inherit_env = true;
	g = run(*state, &spec);
	assert_non_null(strstr(g.out, "\ngiven\n"));
	assert_non_null(strstr(g.out, "\nours\n"));
	unsetenv("A");
}

static void test_large_stdin_that_nobody_reads(void **state)
{
	static char much[IO_CHILD_STDIN_MAX_BYTES];
	memset(much, 'x', sizeof much);
	const char *argv[] = {"/bin/sh", "-c", "exec 0<&-; echo done", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.stdin_bytes = much;
	spec.stdin_size = sizeof much;
	struct got g = run(*state, &spec);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_string_equal(g.out, "done\n");
	argv[2] = "wc -c";
	g = run(*state, &spec);
	assert_int_equal(strtol(g.out, NULL, 10), IO_CHILD_STDIN_MAX_BYTES);
}

static void test_deadline(void **state)
{
	struct got g = run_shell(*state, "trap 'echo asked; exit 0' TERM; while :; do sleep 0.01; done", 1000);
	assert_int_equal(g.r.end, IO_CHILD_DEADLINE);
	assert_string_equal(g.out, "asked\n");
	g = run_shell(*state, "trap '' TERM; echo $$; while :; do sleep 1; done", 1000);
	assert_int_equal(g.r.end, IO_CHILD_DEADLINE);
	await_gone((pid_t)strtol(g.out, NULL, 10));
	g = run_shell(*state, "echo $$; kill -STOP $$", 1000);
	assert_int_equal(g.r.end, IO_CHILD_DEADLINE);
	await_gone((pid_t)strtol(g.out, NULL, 10));
}

static void test_closed_output_is_no_end(void **state)
{
	struct got g = run_shell(*state, "exec >&- 2>&-; sleep 1000", 1000);
	assert_int_equal(g.r.end, IO_CHILD_DEADLINE);
}

static void test_endless_output_is_cut(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.deadline_ms = 1000;
	spec.output_max_bytes = 1000;
	struct got g = run(*state, &spec);
	assert_int_equal(g.r.end, IO_CHILD_DEADLINE);
	assert_true(g.r.out_cut);
	assert_false(g.r.err_cut);
	assert_int_equal(g.r.out_size, 1000);
}

static void test_descendants_do_not_stay(void **state)
{
	struct got g = run_shell(*state,
	    "trap 'exit 5' USR1; export P=$$; setsid sh -c 'echo $$; trap \"\" TERM HUP; (sleep 1000 & exit 0); kill "
	    "-USR1 $P; "
	    "sleep 1000' & while :; do wait; done",
	    LONG_MS);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_int_equal(g.r.code, 5);
	assert_true(g.r.has_stragglers);
	await_gone((pid_t)strtol(g.out, NULL, 10));
}

static void test_breeding_descendants_are_killed(void **state)
{
	/* Each forks the next and dies, in a session of its own, forever. */
	struct got g =
	    run_shell(*state, "s='setsid sh -c \"$0\" \"$0\" & sleep 0.01'; sh -c \"$s\" \"$s\"; exit 0", LONG_MS);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	g = run_shell(*state,
	    "for i in 1 2 3 4 5 6 7 8 9; do (for j in 1 2 3 4 5; do setsid sleep 1000 & done); done; echo ok", LONG_MS);
	assert_string_equal(g.out, "ok\n");
	assert_true(g.r.has_stragglers);
}

static void test_limits(void **state)
{
	const char *argv[] = {"/bin/sh", "-c", "ulimit -n; ulimit -t; ulimit -v; ulimit -c; while :; do :; done", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.max_files = 17;
	spec.max_cpu_s = 1;
	spec.max_memory_bytes = 1ULL << 30;
	struct got g = run(*state, &spec);
	assert_string_equal(g.out, "17\n1\n1048576\n0\n");
	assert_int_equal(g.r.end, IO_CHILD_SIGNALLED);
}

static void test_other_user(void **state)
{
	if (getuid() != 0)
		skip();
	const char *argv[] = {
	    "/bin/sh", "-c", "id -u; id -g; id -G; grep NoNewPrivs /proc/self/status; ls /proc/self/fd", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.uid = spec.gid = 65534;
	struct got g = run(*state, &spec);
	assert_string_equal(
	    g.out, "65534\n65534\n65534\nNoNewPrivs:\t1\n0\n1\n2\n3\n"); /* 3: ls reading the directory */
}

static void test_cancel_kills(void **state)
{
	struct bed *bed = *state;
	char path[100], script[512];
	bed_path(bed, "pid", path, sizeof path);
	snprintf(script, sizeof script, "trap '' TERM; echo $$ >%s.tmp; mv %s.tmp %s; while :; do sleep 1; done", path,
	    path, path);
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const char *env[] = {"PATH=/usr/bin:/bin", NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.env = env;
	struct got g = {.bed = bed};
	struct io_child *child;
	struct osha_err err = {0};
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, &child, &err), 0);
	while (!io_file_exists(path)) {
		io_loop_post(bed->loop, (io_loop_fn)bed_see, bed);
		bed_wait(bed, &bed->seen, bed->seen + 1);
		assert_int_equal(g.calls, 0);
	}
	char *pid = NULL;
	assert_int_equal(io_file_read(path, 0, false, &pid, NULL, &err), 0);
	io_child_cancel(child);
	await_gone((pid_t)strtol(pid, NULL, 10));
	free(pid);
	assert_int_equal(g.calls, 0);
	/* At once, too. */
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, &child, &err), 0);
	io_child_cancel(child);
	assert_int_equal(g.calls, 0);
}

/* A daemon of its own that starts a child and is killed without a warning. */
static void be_killed_daemon(struct bed *bed, const char *script)
{
	struct io_loop *loop;
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const char *env[] = {"PATH=/usr/bin:/bin", NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got g = {.bed = bed};
	spec.env = env;
	if (io_loop_create(&loop, NULL) == 0 && io_child_start(loop, &spec, on_child, &g, NULL, NULL) == 0)
		io_loop_run(loop, NULL);
	_exit(1);
}

static void test_children_die_with_a_killed_parent(void **state)
{
	struct bed *bed = *state;
	char path[100], script[1024];
	bed_path(bed, "pids", path, sizeof path);
	snprintf(script, sizeof script,
	    "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ >%s.2; sleep 1000' & "
	    "until [ -s %s.2 ]; do sleep 0.01; done; echo $$ $PPID $(cat %s.2) >%s.tmp; mv %s.tmp %s; while :; do "
	    "sleep 1; done",
	    path, path, path, path, path, path);
	pid_t daemon = fork();
	if (daemon == 0)
		be_killed_daemon(bed, script);
	int64_t end_ms = io_boot_ms() + GONE_MS;
	while (!io_file_exists(path))
		assert_true(io_boot_ms() < end_ms);
	char *pids = NULL;
	assert_int_equal(io_file_read(path, 0, false, &pids, NULL, NULL), 0);
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	char *at = pids;
	for (int i = 0; i < 3; i++)
		await_gone((pid_t)strtol(at, &at, 10));
	free(pids);
}

static void test_malformed_specs_are_refused(void **state)
{
	struct bed *bed = *state;
	const char *none[] = {NULL}, *searched[] = {"sh", NULL}, *fine[] = {"/bin/true", NULL};
	struct io_child_spec specs[] = {spec_of(none), spec_of(searched), spec_of(fine), spec_of(fine)};
	specs[2].deadline_ms = 0;
	specs[3].stdin_bytes = "";
	specs[3].stdin_size = IO_CHILD_STDIN_MAX_BYTES + 1;
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct osha_err err = {0};
		assert_int_equal(io_child_start(bed->loop, &specs[i], on_child, bed, NULL, &err), -OSHA_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_exit_status_and_output, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_signal, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_program_missing, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_launcher_missing, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_too_late_is_not_started, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_stdin_and_environment, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_large_stdin_that_nobody_reads, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_deadline, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_closed_output_is_no_end, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_endless_output_is_cut, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_descendants_do_not_stay, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_breeding_descendants_are_killed, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_limits, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_other_user, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel_kills, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_children_die_with_a_killed_parent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_malformed_specs_are_refused, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
