/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a session, shared by session.c (calls and their turn), session_send.c (one request) and session_login.c (token and version).
 * For nobody else.
 */
#pragma once

#include <sys/queue.h>

#include "cloud/identity.h"
#include "cloud/session.h"
#include "io/http.h"
#include "io/loop.h"

enum {
	SESSION_LOGIN_TIMEOUT_MS = 30000,
	SESSION_RENEWALS_MAX = 1, /* new tokens that one request may cost by answers of 401 */
	SESSION_RENEW_EARLY_MS =
	    600000, /* and never more than a quarter of its life: keystone may be away that long unnoticed */
	SESSION_RENEW_AGAIN_MS = 10000,
};

/* A call is in the queue (its next request waits for a turn), in flight, or over and about to be told. */
enum op_state { OP_QUEUED = 0, OP_IN_FLIGHT, OP_OVER };

struct cloud_op {
	TAILQ_ENTRY(cloud_op) link; /* in session->queue while queued, else in session->busy */
	struct cloud_session *session;
	struct cloud_call *call;
	enum op_state state;
	struct cloud_waiter waiter;
	struct io_timer timer; /* the deadline; once over: the next turn of the loop */
	int64_t deadline_ms;
	struct io_http_call *http;
	uint64_t token_number; /* of the token that the request in flight carries */
	unsigned renewals;
	bool was_sent; /* a request of it */
};
TAILQ_HEAD(op_list, cloud_op);

struct cloud_session {
	struct io_loop *loop;
	struct io_http *http;
	struct cloud_credentials credentials;
	char user_agent[64];
	unsigned parallel;

	struct op_list queue, busy;
	unsigned n_ops;
	unsigned in_flight;

	struct cloud_token token;
	uint64_t token_number; /* raised with each token, so that many answers of 401 to one token cost one new token */
	int64_t renew_at_ms, token_ends_ms; /* of the loop's clock */
	struct cloud_versions versions;
	char versions_url[CLOUD_URL_SIZE]; /* that `versions` speaks of; "" = not asked yet */

	struct io_http_call *login; /* request for a token or the versions, at most one */
	int64_t login_began_ms;

	struct cloud_session_stats stats;
};

/** session_is_ready() - is there a token good for a while, and a version agreed on? */
bool session_is_ready(const struct cloud_session *s);
/** session_login_start() - get what is missing; one at a time. Ends in session_login_ended(). Errors: as io_http_start(). */
int session_login_start(struct cloud_session *s, struct osha_err *reterr);
/** session_login_ended() - called once per started login; @result 0 or -OSHA_E_* with the detail in @err. */
void session_login_ended(struct cloud_session *s, int result, const struct osha_err *err);
/** session_token_drop() - forget the token, after a 401 to a request that carried it. */
void session_token_drop(struct cloud_session *s);

/** session_send() - send the current request of a call. Ends in session_answered(). Errors: then nothing was sent. */
int session_send(struct cloud_op *op, struct osha_err *reterr);
/** session_answered() - called once per sent request. */
void session_answered(struct cloud_op *op, const struct io_http_answer *answer);

/** session_retry_after_s() - the header of that name in whole seconds, 0 when there is none or it is a date. */
unsigned session_retry_after_s(const struct io_http_answer *answer);
/** session_request_base() - a request with the session's certificates and bounds filled in. */
struct io_http_request session_request_base(const struct cloud_session *s);
