/* SPDX-License-Identifier: Apache-2.0 */
/* Children through osha-launch: what they end as, and that nothing of them outlives its bounds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/child.h"
#include "io/file.h"
#include "test/unit/io_bed.h"

enum { LONG_MS = 20000, GONE_MS = 20000 };

/* Starting, with the thread that does it held where it starts. */

static atomic_bool is_spawn_held;
static atomic_int spawns;
static sem_t spawn_reached, spawn_go;

int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *places,
    const posix_spawnattr_t *attr, char *const argv[], char *const env[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *places,
    const posix_spawnattr_t *attr, char *const argv[], char *const env[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *places,
    const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
	atomic_fetch_add(&spawns, 1);
	if (atomic_load(&is_spawn_held)) {
		sem_post(&spawn_reached);
		while (sem_wait(&spawn_go) < 0)
			continue;
	}
	return __real_posix_spawn(pid, path, places, attr, argv, env);
}

static void hold_spawns(void)
{
	sem_init(&spawn_reached, 0, 0);
	sem_init(&spawn_go, 0, 0);
	atomic_store(&spawns, 0);
	atomic_store(&is_spawn_held, true);
}

static void let_spawn(void)
{
	atomic_store(&is_spawn_held, false);
	sem_post(&spawn_go);
}

static int open_bed(void **state)
{
	atomic_store(&is_spawn_held, false);
	return bed_open(state);
}

/* A test that failed half way must not hold the others. */
static int close_bed(void **state)
{
	if (atomic_load(&is_spawn_held))
		let_spawn();
	return bed_close(state);
}

struct got {
	struct bed *bed;
	int calls;
	struct io_child_result r;
	char out[4096], err[4096];
};

static void on_child(void *arg, const struct io_child_result *r)
{
	struct got *g = arg;
	g->calls++;
	g->r = *r;
	str_copy(g->out, sizeof g->out, r->out);
	str_copy(g->err, sizeof g->err, r->err);
	bed_see(g->bed);
}

static struct io_child_spec spec_of(const char *const *argv)
{
	return (struct io_child_spec){
	    .launcher = bed_launcher(), .argv = argv, .uid = -1, .gid = -1, .deadline_ms = LONG_MS};
}

static struct got run(struct bed *bed, const struct io_child_spec *spec)
{
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_child_start(bed->loop, spec, on_child, &g, NULL, &err), 0);
	assert_int_equal(g.calls, 0);
	bed_wait(bed, &g.calls, 1);
	assert_int_equal(*io_loop_child_count(bed->loop), 0);
	return g;
}

static struct got run_shell(struct bed *bed, const char *script, int64_t deadline_ms)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	struct io_child_spec spec = spec_of(argv);
	spec.deadline_ms = deadline_ms;
	return run(bed, &spec);
}

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

/* Turn the loop until no child is left on it. */
static void await_none(struct bed *bed)
{
	int64_t end_ms = io_boot_ms() + GONE_MS;
	while (*io_loop_child_count(bed->loop) > 0) {
		int seen = bed->seen;
		struct io_timer moment = {0};
		io_timer_start(bed->loop, &moment, 2, 0, (io_loop_fn)bed_see, bed);
		bed_wait(bed, &bed->seen, seen + 1);
		io_timer_stop(&moment);
		assert_true(io_boot_ms() < end_ms);
	}
}

static int descriptors(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void test_loop_goes_on_while_a_start_hangs(void **state)
{
	struct bed *bed = *state;
	const char *argv[] = {"/bin/true", NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got g = {.bed = bed};
	struct io_timer timer = {0};
	hold_spawns();
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, NULL, NULL), 0);
	sem_wait(&spawn_reached);
	io_timer_start(bed->loop, &timer, 5, 0, (io_loop_fn)bed_see, bed);
	bed_wait(bed, &bed->seen, 1);
	assert_int_equal(g.calls, 0);
	let_spawn();
	bed_wait(bed, &g.calls, 1);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
}

static void test_cancel_while_starting(void **state)
{
	struct bed *bed = *state;
	char path[100];
	bed_path(bed, "was-here", path, sizeof path);
	const char *argv[] = {"/bin/mkdir", path, NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got g = {.bed = bed};
	struct io_child *first, *second;
	int before = descriptors();
	hold_spawns();
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, &first, NULL), 0);
	sem_wait(&spawn_reached);
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, &second, NULL), 0);
	io_child_cancel(second);
	io_child_cancel(first);
	/* Both are ours still: the thread has them. */
	assert_int_equal(*io_loop_child_count(bed->loop), 2);
	let_spawn();
	await_none(bed);
	assert_int_equal(g.calls, 0);
	assert_int_equal(atomic_load(&spawns), 1);
	/* A moment's run of the first cannot be excluded; a process that stays can. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	/* All but the thread's eventfd. */
	assert_int_equal(descriptors(), before + 1);
}

static void test_deadline_while_starting(void **state)
{
	struct bed *bed = *state;
	char path[100];
	bed_path(bed, "was-here", path, sizeof path);
	const char *argv[] = {"/bin/mkdir", path, NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got begun = {.bed = bed}, waiting = {.bed = bed};
	spec.deadline_ms = 10;
	hold_spawns();
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &begun, NULL, NULL), 0);
	sem_wait(&spawn_reached);
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &waiting, NULL, NULL), 0);
	bed_wait(bed, &waiting.calls, 1);
	assert_int_equal(waiting.r.end, IO_CHILD_NOT_STARTED);
	assert_int_equal(waiting.r.code, ETIMEDOUT);
	bed_wait(bed, &begun.calls, 1);
	assert_int_equal(begun.r.end, IO_CHILD_DEADLINE);
	let_spawn();
	await_none(bed);
	assert_int_equal(atomic_load(&spawns), 1);
	assert_int_equal(begun.calls + waiting.calls, 2);
	/* The launcher itself saw that it came too late, or did not live so long. */
	assert_false(io_file_exists(path));
}

static void test_loop_ends_while_a_start_hangs(void **state)
{
	struct bed *bed = *state;
	static struct io_starter *volatile lost; /* for the leak checker: it stays with its thread */
	const char *argv[] = {"/bin/sleep", "1000", NULL};
	struct io_child_spec spec = spec_of(argv);
	struct got g = {.bed = bed};
	struct io_child *child;
	hold_spawns();
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &g, &child, NULL), 0);
	sem_wait(&spawn_reached);
	io_child_cancel(child);
	lost = *io_loop_starter(bed->loop);
	assert_non_null(lost);
	io_http_destroy(bed->http);
	bed->http = NULL;
	io_loop_destroy(bed->loop);
	assert_int_equal(io_loop_create(&bed->loop, NULL), 0);
	let_spawn();
	/* It comes, and ends though nobody is left to end it. */
	int64_t end_ms = io_boot_ms() + GONE_MS;
	while (waitpid(-1, NULL, 0) <= 0)
		assert_true(io_boot_ms() < end_ms);
	assert_int_equal(g.calls, 0);
}

static void test_many_at_once(void **state)
{
	enum { MANY = 48 };
	struct bed *bed = *state;
	static struct got got[MANY];
	const char *argv[] = {"/bin/cat", NULL};
	struct io_child_spec spec = spec_of(argv);
	int before = descriptors(), *calls = &bed->seen;
	char text[32];
	spec.stdin_bytes = text;
	for (int i = 0; i < MANY; i++) {
		got[i] = (struct got){.bed = bed};
		snprintf(text, sizeof text, "number %d", i);
		spec.stdin_size = strlen(text);
		assert_int_equal(io_child_start(bed->loop, &spec, on_child, &got[i], NULL, NULL), 0);
	}
	assert_int_equal(*io_loop_child_count(bed->loop), MANY);
	bed_wait(bed, calls, MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "number %d", i);
		assert_int_equal(got[i].r.end, IO_CHILD_EXITED);
		assert_string_equal(got[i].out, text);
	}
	assert_int_equal(descriptors(), before + 1);
	*io_loop_child_count(bed->loop) = IO_CHILD_MAX;
	assert_int_equal(io_child_start(bed->loop, &spec, on_child, &got[0], NULL, NULL), -OSHA_E_FULL);
	*io_loop_child_count(bed->loop) = 0;
}

/* Children cancelled at any moment of their start, mixed with some that are let be. */
static void test_cancels_at_any_moment(void **state)
{
	enum { MANY = 60 };
	struct bed *bed = *state;
	unsigned seed = (unsigned)io_random_u64();
	print_message("seed %u\n", seed);
	const char *argv[] = {"/bin/sh", "-c", "echo $$; exec sleep 1000", NULL}, *brief[] = {"/bin/true", NULL};
	struct io_child_spec spec = spec_of(argv), brief_spec = spec_of(brief);
	struct got cancelled = {.bed = bed}, kept = {.bed = bed};
	int before = descriptors(), kept_n = 0;
	for (int i = 0; i < MANY; i++) {
		struct io_child *child;
		assert_int_equal(io_child_start(bed->loop, &spec, on_child, &cancelled, &child, NULL), 0);
		if (i % 4 == 0) {
			assert_int_equal(io_child_start(bed->loop, &brief_spec, on_child, &kept, NULL, NULL), 0);
			kept_n++;
		}
		struct timespec moment = {.tv_nsec = rand_r(&seed) % 4000 * 1000L};
		nanosleep(&moment, NULL);
		for (int turns = rand_r(&seed) % 3; turns > 0; turns--) {
			struct io_timer next = {0};
			int seen = bed->seen;
			io_timer_start(bed->loop, &next, 0, 0, (io_loop_fn)bed_see, bed);
			bed_wait(bed, &bed->seen, seen + 1);
			io_timer_stop(&next);
		}
		io_child_cancel(child);
	}
	bed_wait(bed, &kept.calls, kept_n);
	await_none(bed);
	assert_int_equal(cancelled.calls, 0);
	assert_int_equal(kept.calls, kept_n);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(descriptors(), before + 1);
}

/* A launcher of our own making shows what ours is given. */
static const char *make_launcher(struct bed *bed, const char *script, char *path, size_t size)
{
	bed_path(bed, "launcher", path, size);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static void test_launcher_gets_what_is_its_own_only(void **state)
{
	enum { MANY = 16 };
	struct bed *bed = *state;
	static struct got got[MANY];
	const char *argv[] = {"/bin/true", NULL};
	const char *env[] = {"PATH=/usr/bin:/bin", NULL};
	struct io_child_spec spec = spec_of(argv);
	char path[100];
	sigset_t some, was;
	spec.env = env;
	/* What the test itself was given may be meant for its children. */
	assert_int_equal(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC), 0);
	spec.launcher = make_launcher(bed,
	    "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo session\n"
	    /* 32 and 33 are the C library's */
	    "sed -n 's/Sig\\(Blk\\|Ign\\):.*\\(.......\\)$/\\1 \\2/p' /proc/self/status\n"
	    "cat\nexec ls /proc/self/fd",
	    path, sizeof path);
	spec.stdin_bytes = "given\n";
	spec.stdin_size = 6;
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigaddset(&some, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &some, &was);
	signal(SIGHUP, SIG_IGN);
	for (int i = 0; i < MANY; i++) {
		got[i] = (struct got){.bed = bed};
		assert_int_equal(io_child_start(bed->loop, &spec, on_child, &got[i], NULL, NULL), 0);
	}
	bed_wait(bed, &bed->seen, MANY);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	signal(SIGHUP, SIG_DFL);
	for (int i = 0; i < MANY; i++) {
		/* 4: ls reading the directory */
		assert_string_equal(got[i].out, "session\nBlk 0000000\nIgn 0000000\ngiven\n0\n1\n2\n3\n4\n");
		assert_int_equal(got[i].r.end, IO_CHILD_UNKNOWN); /* it went without a word */
	}
}

/* A process that ignores the end of its children starts some all the same. */
static void test_ignored_sigchld(void **state)
{
	signal(SIGCHLD, SIG_IGN);
	struct got g = run_shell(*state, "exit 3", LONG_MS);
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
	assert_int_equal(g.r.code, 3);
}

static void test_no_descriptors_left(void **state)
{
	struct bed *bed = *state;
	const char *argv[] = {"/bin/true", NULL};
	struct io_child_spec spec = spec_of(argv);
	struct rlimit was, few;
	struct got g = run(bed, &spec);
	int fd = dup(0), before = descriptors(), refused = 0;
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	for (int more = 0; more < 12; more++) {
		few = (struct rlimit){(rlim_t)(fd + more), was.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		g = run(bed, &spec);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		assert_true(
		    g.r.end == IO_CHILD_NOT_STARTED || g.r.end == IO_CHILD_UNKNOWN || g.r.end == IO_CHILD_EXITED);
		refused += g.r.end == IO_CHILD_NOT_STARTED && g.r.code == EMFILE;
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
		assert_int_equal(descriptors(), before - 1);
	}
	assert_true(refused > 0);
	assert_int_equal(g.r.end, IO_CHILD_EXITED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_exit_status_and_output, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_signal, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_program_missing, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_launcher_missing, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_too_late_is_not_started, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_stdin_and_environment, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_large_stdin_that_nobody_reads, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_deadline, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_closed_output_is_no_end, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_endless_output_is_cut, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_descendants_do_not_stay, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_breeding_descendants_are_killed, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_limits, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_other_user, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_cancel_kills, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_children_die_with_a_killed_parent, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_loop_goes_on_while_a_start_hangs, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_cancel_while_starting, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_deadline_while_starting, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_loop_ends_while_a_start_hangs, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_many_at_once, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_cancels_at_any_moment, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_launcher_gets_what_is_its_own_only, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_ignored_sigchld, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_no_descriptors_left, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_malformed_specs_are_refused, open_bed, close_bed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
