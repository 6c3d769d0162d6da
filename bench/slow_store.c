/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into oshad for bench/store: every fsync and fdatasync takes BENCH_SYNC_MS longer, and each turn of the main thread's loop that
 * took BENCH_TURN_US or more, from one wait for events to the next, is written to BENCH_TURNS at the end: "end_wall_us turn_us runnable_us
 * cpu_us starts", where runnable is the time in which it wanted a processor and others had it, and starts are the children whose start, on
 * whichever thread, began or ended in it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { TURNS_MAX = 1 << 18, SCHEDSTAT_SIZE = 96, SAMPLES_MAX = 8 };

struct sample {
	long long clock_us, cpu_us, runnable_us;
};

struct turn {
	long long end_wall_us, us, runnable_us, cpu_us, starts;
};

static long sync_ms, turn_us;
static const char *turns_path;
static int schedstat = -1;
static struct turn *turns;
static size_t turn_n;
static unsigned long long turns_all;
static atomic_llong starts; /* in this turn */
static bool is_measured, was_begun;
static struct sample begun;
static int (*real_epoll_wait)(int, struct epoll_event *, int, int);
static int (*real_epoll_pwait)(int, struct epoll_event *, int, int, const sigset_t *);
static int (*real_posix_spawn)(
    pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[], char *const[]);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);

static long long clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static long long runnable_us(void)
{
	char text[SCHEDSTAT_SIZE] = "", *end = text;

	if (schedstat < 0 || pread(schedstat, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	(void)strtoull(text, &end, 10); /* time on a processor */
	return (long long)(strtoull(end, NULL, 10) / 1000);
}

/* Put off the processor between two of the readings, they would not belong together: the wait would count as the loop's. */
static struct sample sample(void)
{
	struct sample s = {.runnable_us = runnable_us()};

	for (int k = 0; k < SAMPLES_MAX; k++) {
		long long before_us = s.runnable_us;

		s.clock_us = clock_us(CLOCK_MONOTONIC);
		s.cpu_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
		s.runnable_us = runnable_us();
		if (s.runnable_us == before_us)
			break;
	}
	return s;
}

static long env_long(const char *name, long def)
{
	const char *text = getenv(name);

	return text ? strtol(text, NULL, 10) : def;
}

__attribute__((constructor)) static void open_all(void)
{
	char name[64] = "", path[64];
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);

	*(void **)&real_epoll_wait = dlsym(RTLD_NEXT, "epoll_wait");
	*(void **)&real_epoll_pwait = dlsym(RTLD_NEXT, "epoll_pwait");
	*(void **)&real_posix_spawn = dlsym(RTLD_NEXT, "posix_spawn");
	*(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
	*(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	if (fd < 0 || read(fd, name, sizeof(name) - 1) < 0 || strcmp(name, "oshad\n") != 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	close(fd);
	sync_ms = env_long("BENCH_SYNC_MS", 0);
	turn_us = env_long("BENCH_TURN_US", 1000);
	turns_path = getenv("BENCH_TURNS");
	turns = calloc(TURNS_MAX, sizeof(*turns));
	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", getpid());
	schedstat = open(path, O_RDONLY | O_CLOEXEC);
	is_measured = turns_path && turns;
}

__attribute__((destructor)) static void write_all(void)
{
	FILE *f = is_measured ? fopen(turns_path, "we") : NULL;

	if (!f)
		return;
	fprintf(f, "# %llu turns\n", turns_all);
	for (size_t k = 0; k < turn_n; k++)
		fprintf(f, "%lld %lld %lld %lld %lld\n", turns[k].end_wall_us, turns[k].us, turns[k].runnable_us,
		    turns[k].cpu_us, turns[k].starts);
	fclose(f);
}

static bool is_main(void)
{
	return is_measured && gettid() == getpid();
}

static void turn_ends(void)
{
	struct sample now;

	if (!is_main() || !was_begun)
		return;
	turns_all++;
	if (clock_us(CLOCK_MONOTONIC) - begun.clock_us < turn_us || turn_n == TURNS_MAX)
		return;
	now = sample();
	turns[turn_n++] = (struct turn){clock_us(CLOCK_REALTIME), now.clock_us - begun.clock_us,
	    now.runnable_us - begun.runnable_us, now.cpu_us - begun.cpu_us, atomic_load(&starts)};
}

static void turn_begins(void)
{
	if (!is_main())
		return;
	begun = sample();
	atomic_store(&starts, 0);
	was_begun = true;
}

/* stands before the C library's own, whose header names its parameters with reserved words */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	int r;

	turn_ends();
	r = real_epoll_wait(fd, events, n, timeout);
	turn_begins();
	return r;
}

/* stands before the C library's own, whose header names its parameters with reserved words */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int epoll_pwait(int fd, struct epoll_event *events, int n, int timeout, const sigset_t *mask)
{
	int r;

	turn_ends();
	r = real_epoll_pwait(fd, events, n, timeout, mask);
	turn_begins();
	return r;
}

/* stands before the C library's own, whose header names its parameters with reserved words */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr,
    char *const argv[], char *const env[])
{
	int r;

	atomic_fetch_add(&starts, 1);
	r = real_posix_spawn(pid, path, actions, attr, argv, env);
	atomic_fetch_add(&starts, 1);
	return r;
}

static void delay(void)
{
	struct timespec t = {sync_ms / 1000, sync_ms % 1000 * 1000000};

	while (sync_ms && nanosleep(&t, &t) < 0)
		;
}

/* stands before the C library's own, whose header names its parameters with reserved words */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fsync(int fd)
{
	delay();
	return real_fsync(fd);
}

/* stands before the C library's own, whose header names its parameters with reserved words */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fdatasync(int fd)
{
	delay();
	return real_fdatasync(fd);
}
