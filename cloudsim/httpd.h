/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP port on loopback in the caller's libuv loop, by libmicrohttpd: requests in, struct cloudsim_answer out, and what the wire does to
 * an answer (late, cut, dripping, endless, lost). Leaves what is answered to its callback.
 */
#pragma once

#include <uv.h>

#include "cloudsim/cloudface.h"

enum {
	HTTPD_BODY_MAX_BYTES = 1 << 20, /* longer request bodies are cut off with the connection */
	HTTPD_LOG_MAX = 1 << 16,        /* requests remembered; the oldest goes */
};

struct httpd;

/** httpd_answer_fn - answer one request; called on the loop, must not block. */
typedef void (*httpd_answer_fn)(void *user, const struct cloudsim_request *request, struct cloudsim_answer *ret_answer);

/* One finished request, as the port saw it. Times in microseconds of uv_hrtime(). */
struct httpd_log {
	uint64_t begin_us, end_us;
	int status; /* 0 = no answer was sent */
	char method[8];
	char target[160];
};

struct httpd_options {
	uint16_t port;          /* of 127.0.0.1; 0 picks a free one */
	const char *cert, *key; /* PEM texts for TLS, borrowed for as long as it runs; NULL = plain HTTP */
	httpd_answer_fn answer;
	void *user; /* borrowed; handed to answer */
};

/**
 * httpd_start() - listen.
 * @options: copied
 * Errors: -OSHA_E_NET when the port is taken, -OSHA_E_TLS, -OSHA_E_NOMEM.
 */
int httpd_start(
    uv_loop_t *loop, const struct httpd_options *options, struct httpd **ret_httpd, struct osha_err *reterr);
uint16_t httpd_port(const struct httpd *h);
/** httpd_close_port() - stop listening, so that connects are refused, and cut what is open. httpd_open_port() listens again there. */
void httpd_close_port(struct httpd *h);
int httpd_open_port(struct httpd *h, struct osha_err *reterr);
/** httpd_log() - entry @i of the log, oldest first; NULL past its end. Borrowed until the next request. */
const struct httpd_log *httpd_log(const struct httpd *h, size_t i);
void httpd_log_clear(struct httpd *h);
/** httpd_stop() - end it; the loop must run once more to let its handles go. */
void httpd_stop(struct httpd *h);
