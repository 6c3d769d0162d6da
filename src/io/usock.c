/* SPDX-License-Identifier: Apache-2.0 */
/* The server of lines on a Unix socket. The blocking caller is usock_call.c. */
#include "io/usock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { READ_BYTES = 65536, BACKLOG = 64, LINES_PER_TURN = 64, GROUPS_MAX = 1024 };

struct client {
	struct io_usock *server;
	struct client *next;
	struct io_usock_peer peer;
	int fd;
	struct io_watch *watch;
	struct strbuf in, out;
	size_t out_at;       /* bytes of @out already sent */
	size_t asked;        /* lines that wait for their reply */
	bool is_ending;      /* asks no more; closed once @out is sent and nothing is owed */
	bool is_told_to_end; /* by us: what is owed does not count */
	bool is_dead;        /* closed; freed when nothing uses it any more */
	struct io_timer idle;
	struct io_timer again; /* lines left over from this turn */
};

struct io_usock {
	struct io_loop *loop;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
	dev_t dev;
	ino_t ino;
	int fd;
	struct io_watch *watch;
	struct client *clients;
	size_t client_n, clients_max;
	uint64_t last_client;
	io_usock_fn fn;
	void *arg;
	int depth; /* inside callbacks: dead clients stay until we are out */
};

static void kill_client(struct client *c)
{
	if (c->is_dead)
		return;
	c->is_dead = true;
	io_timer_stop(&c->idle);
	io_timer_stop(&c->again);
	io_watch_stop(c->watch);
	close(c->fd);
	c->server->client_n--;
}

static void bury_dead(struct io_usock *server)
{
	if (server->depth > 0)
		return;
	for (struct client **at = &server->clients; *at != NULL;) {
		struct client *c = *at;
		if (!c->is_dead) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		strbuf_free(&c->in);
		strbuf_free(&c->out);
		free(c);
	}
}

static void on_idle(void *arg)
{
	struct client *c = arg;
	kill_client(c);
	bury_dead(c->server);
}

/* A client that waits for us may wait long; one that we wait for may not. */
static void restart_idle(struct client *c)
{
	bool owes = c->out.len > c->out_at;
	if (c->asked > 0 && !owes)
		io_timer_stop(&c->idle);
	else
		io_timer_start(c->server->loop, &c->idle, IO_USOCK_IDLE_MS, 0, on_idle, c);
}

static void send_out(struct client *c)
{
	while (c->out.len > c->out_at) {
		ssize_t n = send(c->fd, c->out.text + c->out_at, c->out.len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			kill_client(c);
			return;
		}
		c->out_at += (size_t)n;
		restart_idle(c);
	}
	if (c->out_at == c->out.len) {
		strbuf_free(&c->out);
		c->out = (struct strbuf){.max_bytes = IO_USOCK_REPLY_MAX_BYTES};
		c->out_at = 0;
	}
}

static bool has_line(const struct client *c)
{
	return c->in.len > 0 && memchr(c->in.text, '\n', c->in.len) != NULL;
}

static void take_lines(struct client *c);
static void settle(struct client *c);

static void on_again(void *arg)
{
	struct client *c = arg;
	struct io_usock *server = c->server;
	server->depth++;
	take_lines(c);
	settle(c);
	server->depth--;
	bury_dead(server);
}

/* Hand out the whole lines in the buffer, a bounded number a turn. */
static void take_lines(struct client *c)
{
	struct io_usock *server = c->server;
	size_t at = 0;
	for (int i = 0; i < LINES_PER_TURN && !c->is_dead && !c->is_ending; i++) {
		char *end = c->in.len > at ? memchr(c->in.text + at, '\n', c->in.len - at) : NULL;
		if (end == NULL)
			break;
		*end = '\0';
		char *line = c->in.text + at;
		at += (size_t)(end - line) + 1;
		c->asked++;
		server->fn(server->arg, &c->peer, line, (size_t)(end - line));
	}
	if (at > 0) {
		memmove(c->in.text, c->in.text + at, c->in.len - at);
		c->in.len -= at;
	}
	if (!c->is_dead && !c->is_ending && has_line(c))
		io_timer_start(server->loop, &c->again, 0, 0, on_again, c);
}

static void read_in(struct client *c)
{
	char buf[READ_BYTES];
	ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* The end of its questions; answers that we still owe go out, as far as it reads them. */
		c->is_ending = true;
		return;
	}
	strbuf_add(&c->in, buf, (size_t)n);
	if (c->in.failed || (c->in.len > IO_USOCK_LINE_MAX_BYTES && !has_line(c)))
		kill_client(c);
	else
		take_lines(c);
}

/* What to wait for after something happened. */
static void settle(struct client *c)
{
	if (c->is_dead)
		return;
	bool has_out = c->out.len > c->out_at;
	if (c->is_ending && !has_out && (c->asked == 0 || c->is_told_to_end)) {
		kill_client(c);
		return;
	}
	/* While it does not read, it is not read from: its questions stay bounded by the socket's own buffer. */
	int events = has_out ? IO_WRITABLE : c->is_ending || has_line(c) ? 0 : IO_READABLE;
	if (io_watch_change(c->watch, events, NULL) < 0)
		kill_client(c);
	else
		restart_idle(c);
}

static void on_client(void *arg, int events)
{
	struct client *c = arg;
	struct io_usock *server = c->server;
	server->depth++;
	if (c->out.len > c->out_at)
		send_out(c);
	else if (events & IO_READABLE)
		read_in(c);
	settle(c);
	server->depth--;
	bury_dead(server);
}

static void accept_client(struct io_usock *server, int fd)
{
	struct ucred cred;
	socklen_t size = sizeof cred;
	struct client *c = server->client_n < server->clients_max ? calloc(1, sizeof *c) : NULL;
	if (c == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0 ||
	    (c->watch = io_watch_start(server->loop, fd, IO_READABLE, on_client, c, NULL)) == NULL) {
		free(c);
		close(fd);
		return;
	}
	c->server = server;
	c->fd = fd;
	c->in.max_bytes = IO_USOCK_LINE_MAX_BYTES + READ_BYTES;
	c->out.max_bytes = IO_USOCK_REPLY_MAX_BYTES;
	c->peer = (struct io_usock_peer){++server->last_client, cred.uid, cred.gid, cred.pid};
	c->next = server->clients;
	server->clients = c;
	server->client_n++;
	restart_idle(c);
}

static void on_listener(void *arg, int events)
{
	struct io_usock *server = arg;
	(void)events;
	for (int i = 0; i < BACKLOG; i++) {
		int fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		accept_client(server, fd);
	}
}

static int fail(struct osha_err *reterr, const char *path, const char *what)
{
	int e = errno;
	return osha_err_set_errno(
	    reterr, e == EACCES || e == EPERM ? OSHA_E_REFUSED : OSHA_E_IO, e, "%s %s", what, path);
}

/* A socket that nobody listens on is what a killed daemon leaves behind. */
static int remove_abandoned(const struct sockaddr_un *at, struct osha_err *reterr)
{
	struct stat st;
	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : fail(reterr, at->sun_path, "look at");
	if (!S_ISSOCK(st.st_mode))
		return osha_err_set(reterr, OSHA_E_IO, "%s is there and is no socket", at->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(reterr, at->sun_path, "look at");
	int r = connect(fd, (const struct sockaddr *)at, sizeof *at);
	int e = errno;
	close(fd);
	if (r == 0 || e == EAGAIN)
		return osha_err_set(reterr, OSHA_E_BUSY, "somebody listens on %s", at->sun_path);
	if (e == ECONNREFUSED && unlink(at->sun_path) < 0)
		return fail(reterr, at->sun_path, "remove");
	return 0;
}

static int listen_at(struct io_usock *server, mode_t mode, struct osha_err *reterr)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	str_copy(at.sun_path, sizeof at.sun_path, server->path);
	int r = remove_abandoned(&at, reterr);
	if (r < 0)
		return r;
	server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Until listen() nobody can connect, so the mode stands in time. */
	if (server->fd < 0 || bind(server->fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return fail(reterr, server->path, "listen on");
	if (chmod(server->path, mode) < 0 || listen(server->fd, BACKLOG) < 0 || lstat(server->path, &st) < 0)
		return fail(reterr, server->path, "listen on");
	server->dev = st.st_dev;
	server->ino = st.st_ino;
	server->watch = io_watch_start(server->loop, server->fd, IO_READABLE, on_listener, server, reterr);
	return server->watch != NULL ? 0 : -OSHA_E_IO;
}

int io_usock_create(
    struct io_loop *loop, const struct io_usock_spec *spec, struct io_usock **ret_server, struct osha_err *reterr)
{
	struct io_usock *server = calloc(1, sizeof *server);
	if (server == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "listen on %s", spec->path);
	server->loop = loop;
	server->fd = -1;
	server->fn = spec->fn;
	server->arg = spec->arg;
	server->clients_max = spec->clients_max > 0 ? spec->clients_max : IO_USOCK_CLIENTS_MAX;
	int r = 0;
	if (!str_copy(server->path, sizeof server->path, spec->path))
		r = osha_err_set(reterr, OSHA_E_USAGE, "socket path longer than %zu bytes", sizeof server->path - 1);
	else
		r = listen_at(server, spec->mode, reterr);
	if (r < 0) {
		io_usock_destroy(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void io_usock_destroy(struct io_usock *server)
{
	if (server == NULL)
		return;
	for (struct client *c = server->clients; c != NULL; c = c->next)
		kill_client(c);
	bury_dead(server);
	io_watch_stop(server->watch);
	struct stat st;
	/* Only our own: a successor may have put his there. */
	if (server->ino != 0 && lstat(server->path, &st) == 0 && st.st_dev == server->dev && st.st_ino == server->ino)
		unlink(server->path);
	if (server->fd >= 0)
		close(server->fd);
	free(server);
}

static struct client *client_of(struct io_usock *server, uint64_t id)
{
	for (struct client *c = server->clients; c != NULL; c = c->next)
		if (c->peer.client == id && !c->is_dead)
			return c;
	return NULL;
}

int io_usock_reply(struct io_usock *server, uint64_t client, const char *line, size_t size)
{
	struct client *c = client_of(server, client);
	if (memchr(line, '\n', size) != NULL)
		return -OSHA_E_USAGE;
	if (c == NULL)
		return -OSHA_E_NOTFOUND;
	if (c->out.len == 0)
		c->out_at = 0;
	strbuf_add(&c->out, line, size);
	strbuf_add(&c->out, "\n", 1);
	if (c->asked > 0)
		c->asked--;
	int r = c->out.failed ? -OSHA_E_FULL : 0;
	if (r < 0)
		kill_client(c);
	else
		send_out(c);
	settle(c);
	bury_dead(server);
	return r;
}

/* SO_PEERCRED tells the first group only; the others decide as well (unix(7), SO_PEERGROUPS). */
static bool is_in_group(const struct client *c, gid_t gid)
{
	gid_t all[GROUPS_MAX];
	socklen_t size = sizeof all;
	if (c->peer.gid == gid)
		return true;
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, all, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof all[0]; i++)
		if (all[i] == gid)
			return true;
	return false;
}

bool io_usock_is_trusted(struct io_usock *server, uint64_t client)
{
	struct client *c = client_of(server, client);
	struct stat st;
	if (c == NULL)
		return false;
	if (c->peer.uid == 0 || c->peer.uid == geteuid())
		return true;
	return lstat(server->path, &st) == 0 && st.st_ino == server->ino && is_in_group(c, st.st_gid);
}

void io_usock_close(struct io_usock *server, uint64_t client)
{
	struct client *c = client_of(server, client);
	if (c == NULL)
		return;
	c->is_ending = c->is_told_to_end = true;
	settle(c);
	bury_dead(server);
}
