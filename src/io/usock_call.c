/* SPDX-License-Identifier: Apache-2.0 */
/* One question over a Unix socket, waiting for its answer: for commands, which have no loop. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/loop.h"
#include "io/usock.h"

enum { READ_BYTES = 65536 };

static int wait_until(int fd, short events, int64_t end_ms, struct osha_err *reterr)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left_ms = end_ms - io_boot_ms();
		int n = left_ms > 0 ? poll(&p, 1, left_ms > 1000 ? 1000 : (int)left_ms) : 0;
		if (n > 0)
			return 0;
		if (n == 0 && left_ms <= 0)
			return osha_err_set(reterr, OSHA_E_TIMEOUT, "no answer from the daemon");
		if (n < 0 && errno != EINTR)
			return osha_err_set_errno(reterr, OSHA_E_IO, errno, "wait for the daemon");
	}
}

static int connect_to(int fd, const char *path, int64_t end_ms, struct osha_err *reterr)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	if (!str_copy(at.sun_path, sizeof at.sun_path, path))
		return osha_err_set(reterr, OSHA_E_USAGE, "socket path too long");
	while (connect(fd, (const struct sockaddr *)&at, sizeof at) < 0) {
		int e = errno;
		if (e == EAGAIN && io_boot_ms() < end_ms) {
			/* Its queue is full, which no descriptor tells the end of. */
			poll(NULL, 0, 10);
			continue;
		}
		if (e == EINTR)
			continue;
		int code = e == ENOENT || e == ECONNREFUSED ? OSHA_E_NOTFOUND
			   : e == EACCES || e == EPERM      ? OSHA_E_REFUSED
			   : e == EAGAIN                    ? OSHA_E_TIMEOUT
							    : OSHA_E_IO;
		return osha_err_set_errno(reterr, code, e, "connect to %s", path);
	}
	return 0;
}

static int send_line(int fd, const char *line, int64_t end_ms, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	strbuf_puts(&sb, line);
	strbuf_puts(&sb, "\n");
	if (sb.failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "ask the daemon");
	for (size_t at = 0; at < sb.len;) {
		int r = wait_until(fd, POLLOUT, end_ms, reterr);
		if (r < 0)
			return r;
		ssize_t n = send(fd, sb.text + at, sb.len - at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return osha_err_set_errno(reterr, OSHA_E_NET, errno, "ask the daemon");
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int receive_line(int fd, int64_t end_ms, char **ret_reply, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = {.max_bytes = IO_USOCK_REPLY_MAX_BYTES};
	char buf[READ_BYTES];
	for (;;) {
		int r = wait_until(fd, POLLIN, end_ms, reterr);
		if (r < 0)
			return r;
		ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return osha_err_set_errno(reterr, OSHA_E_NET, errno, "hear the daemon");
		if (n == 0)
			return osha_err_set(reterr, OSHA_E_NET, "the daemon hung up");
		char *end = memchr(buf, '\n', (size_t)n);
		strbuf_add(&sb, buf, end != NULL ? (size_t)(end - buf) : (size_t)n);
		if (sb.failed)
			return osha_err_set(reterr, OSHA_E_GARBAGE, "the daemon's answer is too long");
		if (end == NULL)
			continue;
		*ret_reply = strbuf_steal(&sb);
		return *ret_reply != NULL ? 0 : osha_err_set(reterr, OSHA_E_NOMEM, "hear the daemon");
	}
}

int io_usock_call(const char *path, const char *line, int64_t timeout_ms, char **ret_reply, struct osha_err *reterr)
{
	if (strchr(line, '\n') != NULL || strlen(line) > IO_USOCK_LINE_MAX_BYTES)
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "a question is one line of at most %d bytes", IO_USOCK_LINE_MAX_BYTES);
	int64_t end_ms = io_boot_ms() + timeout_ms;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "ask the daemon");
	int r = connect_to(fd, path, end_ms, reterr);
	if (r == 0)
		r = send_line(fd, line, end_ms, reterr);
	if (r == 0)
		r = receive_line(fd, end_ms, ret_reply, reterr);
	close(fd);
	return r;
}
