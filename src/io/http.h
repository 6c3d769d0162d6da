/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP(S) client on the loop: sends the bytes it is given and hands back what came, within bounds of time and size.
 * Judging a status or a body is left to the callers. HTTP/1.1 only, no redirect is ever followed, no cookie kept, no
 * proxy used unless named, no file read but the certificates named. One pool is shared by HTTP and mail (smtp.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct io_http;      /* the pool */
struct io_http_call; /* one request under way */

enum {
	IO_HTTP_CALLS_MAX = 4096,                  /* requests and mails under way in one pool */
	IO_HTTP_BODY_MAX_BYTES = 32 * 1024 * 1024, /* default cap of an answer's body */
	IO_HTTP_HEADERS_MAX_BYTES = 64 * 1024,     /* cap of an answer's header block */
	IO_HTTP_TIMEOUT_MS = 60 * 1000,
	IO_HTTP_CONNECT_TIMEOUT_MS = 10 * 1000,
};

struct io_http_limits {
	int per_host;      /* connections to one host:port; 0 = 64. Further requests wait inside their own timeout */
	int total;         /* connections in all; 0 = 256 */
	int idle_max_s;    /* an idle connection older than this is not used again; 0 = 30 */
	const char *proxy; /* URL of a proxy to use; NULL = none. The *_proxy environment variables are never looked at.
			      Copied */
};

/* All pointers are borrowed for the duration of io_http_start() and copied there. */
struct io_http_request {
	const char *method;         /* "GET", "POST", ... */
	const char *url;            /* http:// or https:// only */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL = none. CR or LF inside one is refused */
	const char *body;           /* NULL = none; may hold NULs */
	size_t body_size;
	int64_t timeout_ms; /* of the whole exchange, waiting for a connection included; 0 = IO_HTTP_TIMEOUT_MS */
	int64_t connect_timeout_ms; /* name, TCP and TLS; 0 = IO_HTTP_CONNECT_TIMEOUT_MS */
	size_t max_body_bytes;      /* 0 = IO_HTTP_BODY_MAX_BYTES */
	const char *cacert;         /* PEM file or NULL for the system's */
	bool insecure;              /* certificate and name unchecked: only because the operator wrote so */
	const char *client_cert;    /* PEM file or NULL */
	const char *client_key;     /* PEM file or NULL */
};

/* Valid inside the callback only. */
struct io_http_answer {
	int result; /* 0: an answer came whole; else -OSHA_E_NET, _TIMEOUT, _TLS, _GARBAGE (not HTTP, over a cap) or
		       _NOMEM */
	/* Could the server have seen (a part of) this request? False only when the name, the TCP or the TLS connection
	 * failed before a byte of the request left: then it was certainly not done. Meaningful with result != 0; true
	 * when result is 0. */
	bool may_have_been_sent;
	int status;       /* 200, 404, ...; also set when the body then broke off; 0 = no status came */
	const char *body; /* NUL-terminated beyond its end; never NULL; what came so far when result != 0 */
	size_t body_size;
	int64_t total_ms;         /* from start to this call */
	const char *error;        /* one line for people, without URL, headers or secrets; "" when result is 0 */
	const char *header_block; /* "Name: value" lines, NUL-terminated; use io_http_answer_header() */
};

/** Called exactly once per started request, on the loop, never from inside io_http_start(). The handle is void from
 * here on. */
typedef void (*io_http_fn)(void *arg, const struct io_http_answer *answer);

/**
 * io_http_create() - a pool of connections on a loop.
 * @loop: borrowed, outlives the pool
 * @limits: copied; NULL = defaults
 * @ret_http: ended by io_http_destroy()
 */
int io_http_create(
    struct io_loop *loop, const struct io_http_limits *limits, struct io_http **ret_http, struct osha_err *reterr);

/** io_http_destroy() - cancel all that is under way (no callback) and free the pool. NULL is fine. Not from inside a
 * callback of its own. */
void io_http_destroy(struct io_http *http);

/**
 * io_http_start() - send one request.
 * @fn, @arg: the one callback; @arg is borrowed until it was called or the call cancelled
 * @ret_call: handle for io_http_cancel(); NULL when not wanted
 *
 * Never blocks (names are resolved by a thread). Anything but GET and HEAD goes over a connection of its own making,
 * never a reused one: libcurl silently sends a request again when a reused connection dies before the first byte of the
 * answer, and a repeated write may have been done twice. Errors (then no callback comes): -OSHA_E_USAGE (request
 * malformed), -OSHA_E_FULL (IO_HTTP_CALLS_MAX under way), -OSHA_E_NOMEM.
 */
int io_http_start(struct io_http *http, const struct io_http_request *req, io_http_fn fn, void *arg,
    struct io_http_call **ret_call, struct osha_err *reterr);

/** io_http_cancel() - drop a request: after this returns no callback comes. The server may have done it all the same.
 * Also from inside other requests' callbacks; not for a handle whose own callback was called. NULL is fine. */
void io_http_cancel(struct io_http_call *call);

/** io_http_answer_header() - value of the last header of that name (any case), without surrounding blanks.
 * @buf: @size bytes, filled and terminated; a longer value is cut. Returns @buf, or NULL when there is no such header.
 */
const char *io_http_answer_header(const struct io_http_answer *answer, const char *name, char *buf, size_t size);
