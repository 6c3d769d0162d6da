/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The password: as given, or as printed by password_script. The script is the operator's own text and runs as /bin/sh
 * -c, like in the field's agents. Leaves limits in time to the caller.
 */
#include "fence/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECRET_MAX_BYTES = 1024 };

/* The running script, leader of a group of its own; 0 when none runs. */
static volatile pid_t script_group;

void agent_script_kill(void)
{
	if (script_group > 0)
		kill(-script_group, SIGKILL);
}

/* Starts the script with its output in a pipe and nothing on its stdin. Returns the reading end, or -1 with errno set.
 */
static int spawn_script(const char *script, pid_t *ret_pid)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	posix_spawn_file_actions_t acts;
	posix_spawnattr_t attr;
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	rc = posix_spawn_file_actions_init(&acts);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&acts, fds[1], STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_addopen(&acts, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	if (!rc)
		rc = posix_spawn(ret_pid, "/bin/sh", &acts, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&acts);
	close(fds[1]);
	if (!rc)
		return fds[0];
	close(fds[0]);
	errno = rc;
	return -1;
}

/* Up to @size bytes, until the end. Returns how many, or -1. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

static int run_script(const char *script, char **ret_password, struct osha_err *reterr)
{
	char buf[SECRET_MAX_BYTES + 1];
	pid_t pid;
	int status = 0, fd = spawn_script(script, &pid);
	ssize_t n;

	if (fd < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "password_script");
	script_group = pid;
	n = read_all(fd, buf, sizeof(buf));
	close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	script_group = 0;
	if (n < 0)
		return osha_err_set(reterr, OSHA_E_IO, "password_script: its output cannot be read");
	if (n > SECRET_MAX_BYTES)
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "password_script: printed more than %d bytes", SECRET_MAX_BYTES);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return osha_err_set(reterr, OSHA_E_USAGE, "password_script: failed with status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	if (!n || memchr(buf, '\0', (size_t)n))
		return osha_err_set(reterr, OSHA_E_USAGE, "password_script: printed no password");
	*ret_password = strndup(buf, (size_t)n);
	explicit_bzero(buf, sizeof(buf));
	return *ret_password ? 0 : osha_err_set(reterr, OSHA_E_NOMEM, "password");
}

int agent_password_get(const struct agent *a, char **ret_password, struct osha_err *reterr)
{
	const char *given = agent_text(a, "password"), *script = agent_text(a, "password_script");

	*ret_password = NULL;
	if (!given && script)
		return run_script(script, ret_password, reterr);
	if (!given)
		return 0;
	*ret_password = strdup(given);
	return *ret_password ? 0 : osha_err_set(reterr, OSHA_E_NOMEM, "password");
}
