/* SPDX-License-Identifier: Apache-2.0 */
/* The start of children on the loop's own thread: what may happen to one before it runs, what it is given, and that nothing is left behind. */
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

#include "io/file.h"
#include "test/unit/io_child_bed.h"

enum { GONE_MS = 20000 };

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
	    cmocka_unit_test_setup_teardown(test_loop_goes_on_while_a_start_hangs, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_cancel_while_starting, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_deadline_while_starting, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_loop_ends_while_a_start_hangs, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_many_at_once, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_cancels_at_any_moment, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_launcher_gets_what_is_its_own_only, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_ignored_sigchld, open_bed, close_bed),
	    cmocka_unit_test_setup_teardown(test_no_descriptors_left, open_bed, close_bed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
