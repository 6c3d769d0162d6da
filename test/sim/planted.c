/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and runs the builds with a planted defect, which lie beside this program in test/sim/planted, as children: stories first, then drawn runs,
 * each round with further seeds, until one of them says FAILED.
 */
#include "test/sim/planted.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { LIMIT_S = 60, LINE_MAX_SIZE = 600, ROUNDS_MAX = 1000 };

static const char *const plans[][2] = {
    {"--story", "all"}, {"--profile", "dense"}, {"--profile", "operators"}, {"--profile", "default"}};

static const char *const promises[] = {
    "dual writer", "wrongful", "invariant", "second evacuate call", "without proof", "power-offs were sent", "record"};

struct hunt {
	char program[PATH_MAX];
	double began_s;
	char how[LINE_MAX_SIZE]; /* the line of the find; "" = none yet */
	bool is_broken;          /* it ended otherwise than a run may */
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double left_s(const struct hunt *h)
{
	return h->began_s + LIMIT_S - now_s();
}

static pid_t start(const struct hunt *h, const char *const args[], int *ret_fd)
{
	posix_spawn_file_actions_t files;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ends[1], 1);
	posix_spawn_file_actions_adddup2(&files, ends[1], 2);
	if (posix_spawn(&pid, h->program, &files, NULL, (char *const *)(const void *)args, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	close(ends[1]);
	*ret_fd = ends[0];
	if (pid < 0)
		close(ends[0]);
	return pid;
}

/* They are no part of a plain build, so that nobody waits for ten links more. */
static bool make_builds(const char *folder)
{
	const char *const args[] = {"ninja", "-C", folder, "planted", NULL};
	posix_spawn_file_actions_t files;
	int status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, 2, 1); /* what this program prints is read line by line */
	if (posix_spawnp(&pid, args[0], &files, NULL, (char *const *)(const void *)args, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void take_line(struct hunt *h, const char *line)
{
	if (h->how[0] || !str_starts(line, "FAILED "))
		return;
	for (size_t k = 0; k < sizeof(promises) / sizeof(promises[0]); k++) {
		if (strstr(line, promises[k]))
			str_copy(h->how, sizeof(h->how), line + sizeof("FAILED ") - 1);
	}
}

/* Read its lines until it ends, or the time is over. */
static void listen_to(struct hunt *h, int fd)
{
	char line[LINE_MAX_SIZE] = "";
	size_t n = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int wait_ms = (int)(left_s(h) * 1000);
		char c;

		if (wait_ms <= 0 || poll(&p, 1, wait_ms) <= 0 || read(fd, &c, 1) != 1)
			break;
		if (c != '\n' && n + 1 < sizeof(line)) {
			line[n++] = c;
			continue;
		}
		line[n] = '\0';
		n = 0;
		take_line(h, line);
	}
}

static void run_one(struct hunt *h, const char *const plan[2], unsigned seed, const char *seeds)
{
	char from[16];
	const char *const args[] = {h->program, plan[0], plan[1], "--from", from, "--seeds", seeds, "--first", NULL};
	int fd = -1, status = 0;
	pid_t pid;

	if (h->how[0] || h->is_broken || left_s(h) <= 0)
		return;
	snprintf(from, sizeof(from), "%u", seed);
	pid = start(h, args, &fd);
	if (pid < 0) {
		h->is_broken = true;
		return;
	}
	listen_to(h, fd);
	close(fd);
	if (h->how[0] || left_s(h) <= 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	h->is_broken |= !h->how[0] && left_s(h) > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) != 0);
}

/* @plan: where it is known to show soonest; then everything else, with ever further seeds. */
static bool hunt(const char *folder, const char *name, const char *const plan[2], bool is_json)
{
	struct hunt h = {.began_s = now_s()};
	double took_s;

	snprintf(h.program, sizeof(h.program), "%s/test/sim/planted/osha-sim-%s", folder, name);
	run_one(&h, plan, 1, "40");
	for (unsigned seed = 1; seed <= ROUNDS_MAX && !h.how[0] && !h.is_broken && left_s(&h) > 0; seed++) {
		for (size_t k = 0; k < sizeof(plans) / sizeof(plans[0]); k++)
			run_one(&h, plans[k], seed, "1");
	}
	took_s = now_s() - h.began_s;
	if (is_json)
		printf("{\"name\":\"%s\",\"found\":%s,\"by\":\"%s\",\"seconds\":%.1f}\n", name,
		    h.how[0] ? "true" : "false", h.how, took_s);
	else
		printf("%-20s %s after %.1f s%s%s\n", name,
		    h.how[0]      ? "found"
		    : h.is_broken ? "BROKEN: a run of it ended without a word"
				  : "NOT FOUND",
		    took_s, h.how[0] ? ": " : "", h.how);
	return h.how[0] != '\0';
}

int planted_run(bool is_json)
{
	char names[] = SIM_PLANTED, self[PATH_MAX] = "", *folder, *next = names, *line;
	unsigned passed = 0, failed = 0;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	folder = dirname(self);
	if (!make_builds(folder)) {
		fprintf(stderr, "osha-sim: ninja could not make the builds with a defect in %s\n", folder);
		return 1;
	}
	while ((line = strsep(&next, ";")) != NULL && *line) {
		const char *name = strsep(&line, " "), *kind = strsep(&line, " ");
		bool is_found = hunt(folder, name, (const char *const[2]){kind, line}, is_json);

		passed += is_found;
		failed += !is_found;
	}
	printf("%u passed, %u failed, 0 skipped\n", passed, failed);
	return failed || !passed;
}
