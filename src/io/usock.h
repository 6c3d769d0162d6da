/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines over a Unix stream socket: the server side on the loop (for the daemon), a blocking call (for the command
 * line). One line asks, one line answers; what stands in them (JSON) is left to the callers. Every peer is known by its
 * uid.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "io/loop.h"

struct io_usock;

enum {
	IO_USOCK_LINE_MAX_BYTES = 1024 * 1024, /* a longer question ends the connection */
	IO_USOCK_CLIENTS_MAX = 64,             /* default; a further one is closed at once */
	IO_USOCK_REPLY_MAX_BYTES =
	    64 * 1024 * 1024,         /* unread answer bytes of one client; over it the client is closed */
	IO_USOCK_IDLE_MS = 60 * 1000, /* no progress for so long ends a connection that owes bytes or asks nothing */
};

/* Who asked. */
struct io_usock_peer {
	uint64_t client; /* for io_usock_reply(); never used again, so a late reply cannot reach somebody else */
	uid_t uid;       /* SO_PEERCRED: as of connect() */
	gid_t gid;
	pid_t pid;
};

/** One line, without its newline, NUL-terminated beyond @size; borrowed. May reply at once or later, may destroy
 * nothing of the server. */
typedef void (*io_usock_fn)(void *arg, const struct io_usock_peer *peer, const char *line, size_t size);

struct io_usock_spec {
	const char *path;   /* an abandoned socket there is replaced, one that answers is -OSHA_E_BUSY */
	mode_t mode;        /* e.g. 0660; set before anybody can connect */
	size_t clients_max; /* 0 = IO_USOCK_CLIENTS_MAX */
	io_usock_fn fn;     /* called for each line */
	void *arg;          /* borrowed, outlives the server */
};

/**
 * io_usock_create() - listen for lines.
 * @spec: borrowed for the duration of the call
 * @ret_server: ended by io_usock_destroy()
 *
 * Errors: -OSHA_E_BUSY, -OSHA_E_USAGE (path too long), -OSHA_E_REFUSED, -OSHA_E_IO, -OSHA_E_NOMEM.
 */
int io_usock_create(
    struct io_loop *loop, const struct io_usock_spec *spec, struct io_usock **ret_server, struct osha_err *reterr);

/** io_usock_destroy() - close all, remove the socket file. NULL is fine. Not from inside its own callback. */
void io_usock_destroy(struct io_usock *server);

/**
 * io_usock_reply() - send @size bytes and a newline to a client.
 * @line: borrowed, copied as far as the socket does not take it at once; a newline inside it would end the line early
 * and is refused
 *
 * Never blocks. Errors: -OSHA_E_NOTFOUND (the client is gone), -OSHA_E_FULL (it reads too slowly and was closed),
 * -OSHA_E_USAGE.
 */
int io_usock_reply(struct io_usock *server, uint64_t client, const char *line, size_t size);

/**
 * io_usock_is_trusted() - may this client give orders? Root, the user that the server runs as, and members of the group that owns the
 * socket file now; a client that is gone may not. Never blocks.
 */
bool io_usock_is_trusted(struct io_usock *server, uint64_t client);

/** io_usock_close() - close a client once all its replies are out. */
void io_usock_close(struct io_usock *server, uint64_t client);

/**
 * io_usock_call() - connect, send one line, wait for one line. Blocks up to @timeout_ms; needs no loop.
 * @line: without newline; borrowed
 * @ret_reply: without newline; the caller frees it
 *
 * Errors: -OSHA_E_NOTFOUND (nobody listens there), -OSHA_E_REFUSED (not permitted), -OSHA_E_TIMEOUT, -OSHA_E_NET (cut),
 * -OSHA_E_GARBAGE (reply over IO_USOCK_REPLY_MAX_BYTES), -OSHA_E_USAGE.
 */
int io_usock_call(const char *path, const char *line, int64_t timeout_ms, char **ret_reply, struct osha_err *reterr);
