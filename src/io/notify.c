/* SPDX-License-Identifier: Apache-2.0 */
/* sd_notify(3)'s datagrams, without its library. */
#include "io/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"

bool notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (path == NULL || (path[0] != '/' && path[0] != '@') || !str_copy(to.sun_path, sizeof to.sun_path, path))
		return false;
	if (path[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	size_t n = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	ssize_t sent =
	    sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to, (socklen_t)n);
	close(fd);
	return sent >= 0;
}

bool notify_ready(void)
{
	return notify_send("READY=1");
}

bool notify_reloading(void)
{
	struct timespec ts;
	char text[64];
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(
	    text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	return notify_send(text);
}

bool notify_stopping(void)
{
	return notify_send("STOPPING=1");
}

bool notify_watchdog(void)
{
	return notify_send("WATCHDOG=1");
}

bool notify_status(const char *text)
{
	char line[512];
	snprintf(line, sizeof line, "STATUS=%s", text);
	for (char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	return notify_send(line);
}

int64_t notify_watchdog_ms(void)
{
	const char *us = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	if (us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid()))
		return 0;
	long long n = strtoll(us, NULL, 10);
	return n > 0 ? n / 2000 : 0;
}
