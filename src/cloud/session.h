/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cloud as the daemon talks to it: takes calls (cloud/call.h), gets and shares the token, finds the endpoints,
 * agrees on the microversion, sends the requests with a limit on how many at once, and answers each call exactly once
 * before its deadline. It repeats nothing that could have changed the cloud; whether a call is made again is the
 * engine's decision. Belongs to one loop and its thread; nothing here blocks.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "cloud/call.h"
#include "cloud/credentials_check.h"

struct io_loop;
struct cloud_session;
struct cloud_op;

enum {
	CLOUD_SESSION_QUEUE_MAX = 4096, /* calls open at once, waiting ones included */
	CLOUD_SESSION_PARALLEL_DEFAULT = 16,
	CLOUD_SESSION_PARALLEL_MAX = 128,
};

struct cloud_session_options {
	unsigned parallel;      /* requests in flight at once; 0 = CLOUD_SESSION_PARALLEL_DEFAULT */
	const char *user_agent; /* NULL = "osha"; borrowed, copied */
};

/**
 * cloud_session_new() - make a session; sends nothing yet.
 * @loop: borrowed, must outlive the session
 * @c: borrowed, deep-copied
 * @options: NULL = defaults
 * @ret_session: the caller frees it
 *
 * Errors: -OSHA_E_CONFIG (credentials that cannot work), -OSHA_E_NOMEM, and what io says about certificate files.
 */
int cloud_session_new(struct io_loop *loop, const struct cloud_credentials *c,
    const struct cloud_session_options *options, struct cloud_session **ret_session, struct osha_err *reterr);

/** cloud_session_free() - cancel all calls without calling anybody back, wipe the token, free. NULL inside is fine. */
void cloud_session_free(struct cloud_session **session);

/** cloud_done_fn - a call has ended. @result is borrowed for the duration of the callback; the op is void from here on.
 * May start and cancel calls and free the session. */
typedef void (*cloud_done_fn)(void *arg, const struct cloud_result *result);

/* Who waits for a call, and how long. Copied. */
struct cloud_waiter {
	int64_t timeout_ms; /* > 0, of the whole call, waiting for its turn and for a token included */
	cloud_done_fn done;
	void *arg; /* borrowed until @done was called or the call cancelled */
	/* A call that begins with a PUT or POST is not sent after this (CLOCK_BOOTTIME) and ends refused; 0 = any time. One
	 * that looks first may change what it found whenever the answer came: those changes are idempotent. */
	int64_t start_by_ms;
};

/**
 * cloud_session_start() - start a call.
 * @args: borrowed, copied
 * @waiter: its @done is called exactly once from the loop, never from inside this function, unless the call is
 *          cancelled or the session freed
 * @ret_op: may be NULL; valid until @done is called
 *
 * Errors: -OSHA_E_USAGE, -OSHA_E_FULL (CLOUD_SESSION_QUEUE_MAX calls are open), -OSHA_E_NOMEM; @done is then never
 * called.
 */
int cloud_session_start(struct cloud_session *session, const struct cloud_args *args, const struct cloud_waiter *waiter,
    struct cloud_op **ret_op, struct osha_err *reterr);

/** cloud_session_cancel() - forget a call: @done is not called. Cancelling is not undoing: a PUT or POST may have been
 * done. */
void cloud_session_cancel(struct cloud_session *session, struct cloud_op *op);

struct cloud_session_stats {
	uint64_t calls;        /* ended */
	uint64_t requests;     /* sent to services, tokens included */
	uint64_t tokens;       /* tokens asked for */
	unsigned waiting;      /* calls not yet in flight */
	unsigned in_flight;    /* requests */
	int64_t clock_skew_ms; /* keystone's clock minus ours at the last token; 0 before */
};

/** cloud_session_stats_get() - counters for reports. */
void cloud_session_stats_get(const struct cloud_session *session, struct cloud_session_stats *ret_stats);
