/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io/http.h and io/smtp.h in the simulator: requests travel to the cloud's face and its answers back, over paths that lose, delay and cut.
 * What was sent takes effect though its sender be dead by then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "base/strbuf.h"
#include "cloudsim/cloudface.h"
#include "io/http.h"
#include "io/smtp.h"
#include "test/sim/clockwork.h"
#include "test/sim/realm.h"
#include "test/sim/witness.h"

enum { HEADERS_MAX = 16, REFUSED_MS = 1 };

static const char CLOUD_URL[] = "http://cloud.sim";

/* A request or a mail under way. It lives until its last event has come by. */
struct io_http_call {
	LIST_ENTRY(io_http_call) link;
	struct sim_node *node;
	bool is_void;    /* told, cancelled, or its daemon is gone */
	unsigned events; /* that will still come by */
	io_http_fn fn;
	io_mail_fn mail_fn;
	void *arg;
	int64_t began_ms, deadline_ms;
	char *method, *target, *body;
	size_t body_size;
	struct cloudsim_header headers[HEADERS_MAX];
	size_t header_n;
	bool skip_faults;
	int result; /* of the transport */
	bool may_have_been_sent;
	const char *error;
	struct cloudsim_answer answer;
	size_t rcpt_n;
};

struct io_http {
	struct sim_node *node;
	LIST_HEAD(, io_http_call) calls;
};

struct io_mail_call {
	struct io_http_call call;
};

int io_http_create(
    struct io_loop *loop, const struct io_http_limits *limits, struct io_http **ret_http, struct osha_err *reterr)
{
	(void)limits;
	*ret_http = calloc(1, sizeof(**ret_http));
	if (!*ret_http)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	(*ret_http)->node = sim_node_of(loop);
	LIST_INIT(&(*ret_http)->calls);
	return 0;
}

static void call_free(struct io_http_call *c)
{
	for (size_t k = 0; k < c->header_n; k++)
		free((char *)(uintptr_t)c->headers[k].name);
	free(c->method);
	free(c->target);
	free(c->body);
	cloudsim_answer_free(&c->answer);
	free(c);
}

static void call_void(struct io_http_call *c)
{
	if (!c->is_void)
		LIST_REMOVE(c, link);
	c->is_void = true;
	if (!c->events)
		call_free(c);
}

void io_http_destroy(struct io_http *http)
{
	while (http && !LIST_EMPTY(&http->calls))
		call_void(LIST_FIRST(&http->calls));
	free(http);
}

void io_http_cancel(struct io_http_call *call)
{
	if (call)
		call_void(call);
}

void io_mail_cancel(struct io_mail_call *call)
{
	if (call)
		call_void(&call->call);
}

static void call_after(struct io_http_call *c, int64_t in_ms, sim_fn fn)
{
	c->events++;
	sim_after(in_ms, fn, c);
}

/* An event of the call came by: true when there is still somebody to hear of it now. */
static bool call_is_heard(struct io_http_call *c, sim_fn again)
{
	bool is_heard;

	if (!c->is_void && c->node->frozen_until_ms > sim.now_ms) {
		sim_after(c->node->frozen_until_ms - sim.now_ms, again, c);
		return false;
	}
	is_heard = !c->is_void && sim_enter(c->node); /* being told of a stall, the daemon may cancel this very call */
	c->events--;
	if (!c->is_void)
		return is_heard;
	if (!c->events)
		call_free(c);
	return false;
}

static char *header_block(const struct cloudsim_answer *a)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	for (size_t k = 0; k < a->n_headers; k++)
		strbuf_printf(&sb, "%s: %s\r\n", a->headers[k].name, a->headers[k].value);
	return strbuf_steal(&sb);
}

static void http_tell(void *arg)
{
	struct io_http_call *c = arg;
	STR_AUTO char *block = NULL;
	struct io_http_answer a = {0};
	io_http_fn fn = c->fn;
	void *fn_arg = c->arg;

	if (!call_is_heard(c, http_tell))
		return;
	block = header_block(&c->answer);
	a = (struct io_http_answer){.result = c->result,
	    .may_have_been_sent = c->may_have_been_sent,
	    .status = c->result ? 0 : c->answer.status,
	    .body = c->result || !c->answer.body ? "" : c->answer.body,
	    .body_size = c->result || !c->answer.body ? 0 : c->answer.body_len,
	    .total_ms = sim.now_ms - c->began_ms,
	    .error = c->result ? c->error : "",
	    .header_block = block};
	LIST_REMOVE(c, link);
	c->is_void = true;
	c->events++; /* it stays whole during the callback */
	fn(fn_arg, &a);
	if (!--c->events)
		call_free(c);
}

static void http_fail(struct io_http_call *c, int64_t in_ms, int result, bool may_have_been_sent, const char *error)
{
	c->result = result;
	c->may_have_been_sent = may_have_been_sent;
	c->error = error;
	call_after(c, in_ms, http_tell);
}

static void http_times_out(struct io_http_call *c, bool may_have_been_sent)
{
	http_fail(c, c->deadline_ms - sim.now_ms, -OSHA_E_TIMEOUT, may_have_been_sent, "no answer in time");
}

static void http_comes_back(struct io_http_call *c)
{
	int64_t back_ms = path_delay_ms(&realm.api, true);

	if (back_ms < 0 || c->answer.wire == CLOUDSIM_WIRE_HANG ||
	    sim.now_ms + back_ms + c->answer.delay_ms > c->deadline_ms)
		http_times_out(c, true);
	else if (c->answer.wire == CLOUDSIM_WIRE_LOST || c->answer.wire == CLOUDSIM_WIRE_CUT)
		http_fail(c, back_ms, -OSHA_E_NET, true, "connection cut");
	else if (c->answer.wire == CLOUDSIM_WIRE_ENDLESS)
		http_fail(c, back_ms, -OSHA_E_GARBAGE, true, "body too long");
	else
		http_fail(c, back_ms + c->answer.delay_ms, 0, true, "");
}

static void http_arrives(void *arg);

/* A late order was given up by the proxy before the API had a worker free for it: what is done then nobody is told of. */
static bool is_given_up(const struct io_http_call *c)
{
	return c->skip_faults && str_eq(c->method, "POST");
}

/* It waits for a free worker of the API. */
static void http_is_queued(struct io_http_call *c, int64_t ms)
{
	c->skip_faults = true;
	sim_after(ms, http_arrives, c);
	if (!c->is_void && is_given_up(c))
		http_fail(c, sim_between(500, 2000), -OSHA_E_NET, true, "connection cut");
}

static void http_arrives(void *arg)
{
	struct io_http_call *c = arg;
	struct cloudsim_request request = {.method = c->method,
	    .target = c->target,
	    .headers = c->headers,
	    .n_headers = c->header_n,
	    .body = c->body,
	    .body_len = c->body_size,
	    .skip_faults = c->skip_faults};

	if (sim.is_over) {
		c->events--;
		if (!c->events)
			call_free(c);
		return;
	}
	if (!c->skip_faults) /* a late one was seen when it came */
		witness_request(c->node, c->method, c->target, c->body);
	cloudsim_answer_free(&c->answer);
	cloudsim_http_handle(realm.cloud, sim.now_ms, &request, &c->answer);
	witness_world();
	if (!c->skip_faults)
		witness_answered(c->node, c->method, c->target, c->body, c->answer.status);
	if (c->answer.wire == CLOUDSIM_WIRE_LATE) {
		http_is_queued(c, c->answer.delay_ms);
		return;
	}
	c->events--;
	if (!c->is_void && !is_given_up(c))
		http_comes_back(c);
	else if (!c->events)
		call_free(c);
}

static void http_leaves(struct io_http_call *c)
{
	int64_t there_ms = path_delay_ms(&realm.api, false);

	if (there_ms < 0)
		http_times_out(c, !realm.api.is_cut);
	else if (realm.api_state == REALM_API_HANGS)
		http_times_out(c, true);
	else if (realm.api_state == REALM_API_REFUSES)
		http_fail(c, REFUSED_MS, -OSHA_E_NET, false, "connection refused");
	else
		call_after(c, there_ms, http_arrives);
}

static bool headers_take(struct io_http_call *c, const char *const *from)
{
	for (; from && *from && c->header_n < HEADERS_MAX; from++) {
		char *name = strdup(*from), *colon = name ? strchr(name, ':') : NULL;

		if (!colon) {
			free(name);
			return false;
		}
		*colon = '\0';
		c->headers[c->header_n++] = (struct cloudsim_header){name, colon + 2};
	}
	return true;
}

static struct io_http_call *call_new(struct io_http *http, int64_t timeout_ms, void *arg)
{
	struct io_http_call *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->node = http->node;
	c->arg = arg;
	c->began_ms = sim.now_ms;
	c->deadline_ms = sim.now_ms + timeout_ms;
	LIST_INSERT_HEAD(&http->calls, c, link);
	return c;
}

int io_http_start(struct io_http *http, const struct io_http_request *req, io_http_fn fn, void *arg,
    struct io_http_call **ret_call, struct osha_err *reterr)
{
	struct io_http_call *c = call_new(http, req->timeout_ms ? req->timeout_ms : IO_HTTP_TIMEOUT_MS, arg);

	c->fn = fn;
	if (ret_call)
		*ret_call = c;
	if (!headers_take(c, req->headers)) {
		call_void(c);
		return osha_err_set(reterr, OSHA_E_USAGE, "a header without a name");
	}
	c->method = strdup(req->method);
	c->body = req->body ? strndup(req->body, req->body_size) : NULL;
	c->body_size = req->body_size;
	c->target = strdup(str_starts(req->url, CLOUD_URL) ? req->url + sizeof(CLOUD_URL) - 1 : "/");
	if (str_eq(req->method, "GET") ? sim.current->is_dying : !sim_act())
		return 0;
	if (!str_eq(req->method, "GET") && !str_starts(c->target, "/identity/"))
		witness_begins(c->node, c->method);
	if (!str_starts(req->url, CLOUD_URL))
		http_fail(c, REFUSED_MS, -OSHA_E_NET, false, "name not known");
	else
		http_leaves(c);
	return 0;
}

const char *io_http_answer_header(const struct io_http_answer *answer, const char *name, char *buf, size_t size)
{
	size_t name_n = strlen(name);

	for (const char *line = answer->header_block; line && *line;) {
		size_t n = strcspn(line, "\r\n");

		if (strncasecmp(line, name, name_n) == 0 && line[name_n] == ':') {
			snprintf(buf, size, "%.*s", (int)(n - name_n - 2), line + name_n + 2);
			return buf;
		}
		line += n;
		line += strspn(line, "\r\n");
	}
	return NULL;
}

/* --- mail --- */

static void mail_tell(void *arg)
{
	struct io_http_call *c = arg;
	struct io_mail_rcpt_answer rcpt[IO_MAIL_RCPT_MAX];
	bool is_refused = c->result == -OSHA_E_REFUSED;
	struct io_mail_answer a = {.outcome = is_refused  ? IO_MAIL_REFUSED
					      : c->result ? IO_MAIL_TRANSIENT
							  : IO_MAIL_SENT,
	    .result = c->result,
	    .code = is_refused  ? 550
		    : c->result ? 0
				: 250,
	    .text = c->result ? c->error : "2.0.0 taken",
	    .rcpt = rcpt,
	    .rcpt_n = c->rcpt_n};
	io_mail_fn fn = c->mail_fn;
	void *fn_arg = c->arg;

	if (!call_is_heard(c, mail_tell))
		return;
	for (size_t k = 0; k < c->rcpt_n; k++)
		rcpt[k] = (struct io_mail_rcpt_answer){.outcome = a.outcome, .code = a.code};
	LIST_REMOVE(c, link);
	c->is_void = true;
	call_free(c);
	fn(fn_arg, &a);
}

int io_mail_start(struct io_http *http, const struct io_mail *mail, io_mail_fn fn, void *arg,
    struct io_mail_call **ret_call, struct osha_err *reterr)
{
	struct io_http_call *c = call_new(http, mail->timeout_ms ? mail->timeout_ms : IO_MAIL_TIMEOUT_MS, arg);
	int64_t there_ms = path_delay_ms(&realm.mail, false);

	(void)reterr;
	c->mail_fn = fn;
	c->rcpt_n = mail->to_n;
	if (ret_call)
		*ret_call = (struct io_mail_call *)c;
	if (!sim_act())
		return 0;
	witness_begins(c->node, "a mail");
	c->error = "no answer in time";
	if (there_ms < 0 || realm.mail_hangs) {
		c->result = -OSHA_E_TIMEOUT;
		call_after(c, c->deadline_ms - sim.now_ms, mail_tell);
		return 0;
	}
	if (realm.mail_refuses) {
		c->result = -OSHA_E_REFUSED;
		c->error = "5.7.1 not taken";
		call_after(c, there_ms, mail_tell);
		return 0;
	}
	witness_mail(mail);
	realm.mails++;
	call_after(c, there_ms + sim_between(5, 60), mail_tell);
	return 0;
}
