/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls and their turn: who waits, who is in flight, who is told. A call that has ended is told in the next turn of the loop, never from
 * inside the function that ended it, so that a callback may start and cancel whatever it likes.
 */
#include "cloud/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "cloud/session_private.h"

static void session_pump(struct cloud_session *s);

static void op_unlink(struct cloud_op *op)
{
	struct cloud_session *s = op->session;

	TAILQ_REMOVE(op->state == OP_QUEUED ? &s->queue : &s->busy, op, link);
	if (op->state == OP_IN_FLIGHT)
		s->in_flight--;
}

static void op_enter(struct cloud_op *op, enum op_state state)
{
	struct cloud_session *s = op->session;

	op_unlink(op);
	op->state = state;
	/* A call that has begun goes before those that have not: it is older, and others wait for its end. */
	if (state == OP_QUEUED)
		TAILQ_INSERT_HEAD(&s->queue, op, link);
	else
		TAILQ_INSERT_TAIL(&s->busy, op, link);
	if (state == OP_IN_FLIGHT)
		s->in_flight++;
}

/* Gives back what a call holds; it stands in no list any more. */
static void op_release(struct cloud_op *op)
{
	io_timer_stop(&op->timer);
	io_http_cancel(op->http);
	cloud_call_free(&op->call);
	free(op);
}

static void op_free(struct cloud_op *op)
{
	op_unlink(op);
	op->session->n_ops--;
	op_release(op);
}

static void op_tell(void *arg)
{
	struct cloud_op *op = arg;
	const struct cloud_waiter waiter = op->waiter;
	struct cloud_call *call = op->call;

	op->call = NULL;
	op->session->stats.calls++;
	op_free(op);
	waiter.done(waiter.arg, cloud_call_result(call));
	cloud_call_free(&call);
}

static void op_over(struct cloud_op *op)
{
	op_enter(op, OP_OVER);
	io_timer_start(op->session->loop, &op->timer, 0, 0, op_tell, op);
}

static void op_abandon(struct cloud_op *op, int result, const char *detail)
{
	/* Of a request in flight it cannot be known how far it came. */
	const bool was_sent = op->state == OP_IN_FLIGHT;

	io_http_cancel(op->http);
	op->http = NULL;
	cloud_call_abandon(op->call, result, was_sent, detail);
	op_over(op);
}

static void on_deadline(void *arg)
{
	struct cloud_op *op = arg;
	struct cloud_session *s = op->session;
	const char *what = op->state == OP_IN_FLIGHT ? "no answer in time"
			   : s->login                ? "no token or version from the cloud in time"
						     : "too many calls at once: not sent in time";

	op_abandon(op, -OSHA_E_TIMEOUT, what);
	session_pump(s);
}

static void queue_fail(struct cloud_session *s, int result, const struct osha_err *err)
{
	struct cloud_op *op, *next;

	for (op = TAILQ_FIRST(&s->queue); op; op = next) {
		next = TAILQ_NEXT(op, link);
		op_abandon(op, result, err->msg);
	}
}

void session_login_ended(struct cloud_session *s, int result, const struct osha_err *err)
{
	if (result < 0)
		queue_fail(s, result, err);
	session_pump(s);
}

/* Sends what may be sent. Calls nobody back: what fails here is told in the next turn. */
static void session_pump(struct cloud_session *s)
{
	struct cloud_op *op;
	struct osha_err err = {0};
	int r;

	while (s->in_flight < s->parallel && (op = TAILQ_FIRST(&s->queue))) {
		if (!session_is_ready(s)) {
			r = session_login_start(s, &err);
			if (r < 0)
				queue_fail(s, r, &err);
			return;
		}
		r = session_send(op, &err);
		if (r < 0)
			op_abandon(op, r, err.msg);
		else
			op_enter(op, OP_IN_FLIGHT);
	}
}

/*
 * Was the request turned away at the door for its token? Then it may be sent again with a new one. For a PUT or POST only the door's own
 * answer counts, which names where tokens come from: a 401 from further inside may have come after something was begun.
 * Source: RFC 9110, 11.6.1; keystonemiddleware's auth_token.
 */
static bool answer_is_stale_token(const struct cloud_op *op, const struct io_http_answer *answer)
{
	struct cloud_request request;
	char challenge[16];

	if (answer->result < 0 || answer->status != 401 || op->renewals >= SESSION_RENEWALS_MAX)
		return false;
	if (!cloud_call_request(op->call, &request))
		return false;
	return !request.is_mutating || io_http_answer_header(answer, "WWW-Authenticate", challenge, sizeof(challenge));
}

static void op_renew(struct cloud_op *op)
{
	struct cloud_session *s = op->session;

	op->renewals++;
	if (op->token_number == s->token_number)
		session_token_drop(s);
	op_enter(op, OP_QUEUED);
}

void session_answered(struct cloud_op *op, const struct io_http_answer *answer)
{
	struct cloud_session *s = op->session;
	struct cloud_answer a = {
	    .transport_result = answer->result,
	    .may_have_been_sent = answer->may_have_been_sent,
	    .status = answer->status,
	    .body = answer->body,
	    .body_size = answer->body_size,
	    .retry_after_s = session_retry_after_s(answer),
	    .detail = answer->error,
	};

	op->http = NULL;
	if (answer_is_stale_token(op, answer)) {
		op_renew(op);
	} else if (cloud_call_answer(op->call, &a) == CLOUD_MORE) {
		op->renewals = 0; /* each request of a call may meet the end of a token */
		op_enter(op, OP_QUEUED);
	} else {
		op_over(op);
	}
	session_pump(s);
}

int cloud_session_new(struct io_loop *loop, const struct cloud_credentials *c,
    const struct cloud_session_options *options, struct cloud_session **ret_session, struct osha_err *reterr)
{
	const unsigned wanted = options && options->parallel ? options->parallel : CLOUD_SESSION_PARALLEL_DEFAULT;
	struct io_http_limits limits = {0};
	struct cloud_session *s;
	int r = cloud_credentials_check(c, reterr);

	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return osha_err_set(reterr, OSHA_E_NOMEM, "cloud session: out of memory");
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->busy);
	s->loop = loop;
	s->parallel = wanted < CLOUD_SESSION_PARALLEL_MAX ? wanted : CLOUD_SESSION_PARALLEL_MAX;
	snprintf(s->user_agent, sizeof(s->user_agent), "User-Agent: %s",
	    options && options->user_agent ? options->user_agent : "osha");
	limits.per_host = (int)s->parallel + 1;
	r = cloud_credentials_copy(c, &s->credentials, reterr);
	if (r == 0)
		r = io_http_create(loop, &limits, &s->http, reterr);
	if (r < 0) {
		cloud_session_free(&s);
		return r;
	}
	*ret_session = s;
	return 0;
}

void cloud_session_free(struct cloud_session **session)
{
	struct cloud_session *s = *session;
	struct cloud_op *op, *next;

	if (!s)
		return;
	TAILQ_CONCAT(&s->queue, &s->busy, link);
	for (op = TAILQ_FIRST(&s->queue); op; op = next) {
		next = TAILQ_NEXT(op, link);
		op_release(op);
	}
	io_http_cancel(s->login);
	io_http_destroy(s->http);
	cloud_token_clear(&s->token);
	cloud_credentials_wipe(&s->credentials);
	free(s);
	*session = NULL;
}

int cloud_session_start(struct cloud_session *session, const struct cloud_args *args, const struct cloud_waiter *waiter,
    struct cloud_op **ret_op, struct osha_err *reterr)
{
	struct cloud_op *op;
	int r;

	if (waiter->timeout_ms <= 0 || !waiter->done)
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: no time or nobody to tell", cloud_kind_name(args->kind));
	if (session->n_ops >= CLOUD_SESSION_QUEUE_MAX)
		return osha_err_set(
		    reterr, OSHA_E_FULL, "%s: %u calls are open", cloud_kind_name(args->kind), session->n_ops);
	op = calloc(1, sizeof(*op));
	if (!op)
		return osha_err_set(reterr, OSHA_E_NOMEM, "%s: out of memory", cloud_kind_name(args->kind));
	r = cloud_call_begin(args, &op->call, reterr);
	if (r < 0) {
		free(op);
		return r;
	}
	op->session = session;
	op->waiter = *waiter;
	op->deadline_ms = io_now_ms(session->loop) + waiter->timeout_ms;
	TAILQ_INSERT_TAIL(&session->queue, op, link);
	session->n_ops++;
	io_timer_start(session->loop, &op->timer, waiter->timeout_ms, 0, on_deadline, op);
	if (ret_op)
		*ret_op = op;
	session_pump(session);
	return 0;
}

void cloud_session_cancel(struct cloud_session *session, struct cloud_op *op)
{
	op_free(op);
	session_pump(session);
}

void cloud_session_stats_get(const struct cloud_session *session, struct cloud_session_stats *ret_stats)
{
	const struct cloud_op *op;

	*ret_stats = session->stats;
	ret_stats->in_flight = session->in_flight;
	TAILQ_FOREACH(op, &session->queue, link)
	ret_stats->waiting++;
}
