/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fence agent around another one that writes down when it ran: a line "begin_us end_us" of wall time into PATH.log, where PATH is the
 * name it was called by; the agent itself is PATH.real. Standard input, output and arguments go through untouched.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void stamp(const char *path, long long begin_us)
{
	char log[PATH_MAX], line[64];
	int n, fd;

	snprintf(log, sizeof(log), "%s.log", path);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	n = snprintf(line, sizeof(line), "%lld %lld\n", begin_us, wall_us());
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		perror(log);
}

int main(int argc, char **argv)
{
	long long begin_us = wall_us();
	char real[PATH_MAX];
	int status = 0;
	pid_t pid;

	snprintf(real, sizeof(real), "%s.real", argv[0]);
	pid = fork();
	if (pid == 0) {
		execv(real, argv);
		perror(real);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return 127;
	if (argc == 1)
		stamp(argv[0], begin_us);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
