/* SPDX-License-Identifier: Apache-2.0 */
/* See httpd.h. libmicrohttpd works inside its own epoll set, which libuv watches as one descriptor. */
#include "cloudsim/httpd.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum { HEADERS_IN_MAX = 32, DRIP_BYTES = 8, DRIP_WAIT_MS = 100 };

/* One request under way. Lives from its first line to MHD's word that it is over. */
struct exchange {
	struct httpd *h;
	struct MHD_Connection *connection;
	struct exchange *next, *prev;
	uv_timer_t timer;
	bool is_suspended, is_answered, has_waited;
	struct strbuf body;
	struct cloudsim_answer answer;
	size_t sent;
	struct httpd_log log;
	char *target;
};

struct httpd {
	uv_loop_t *loop;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;
	uv_timer_t timer;
	bool is_ending;
	int closing; /* handles still to close before it may be freed */
	uint16_t port;
	const char *cert, *key;
	httpd_answer_fn answer;
	void *user;
	struct exchange *open;
	struct httpd_log *log;
	size_t n_log;
};

static void httpd_run(struct httpd *h);

static void exchange_freed(uv_handle_t *handle)
{
	struct exchange *ex = handle->data;

	str_free(&ex->target);
	strbuf_free(&ex->body);
	cloudsim_answer_free(&ex->answer);
	free(ex);
}

static void exchange_resume(struct exchange *ex)
{
	if (!ex->is_suspended)
		return;
	ex->is_suspended = false;
	MHD_resume_connection(ex->connection);
}

static void exchange_timer_up(uv_timer_t *timer)
{
	struct exchange *ex = timer->data;
	struct httpd *h = ex->h;

	exchange_resume(ex);
	httpd_run(h);
}

static void exchange_suspend(struct exchange *ex, int64_t ms)
{
	ex->is_suspended = true;
	MHD_suspend_connection(ex->connection);
	if (ms >= 0)
		uv_timer_start(&ex->timer, exchange_timer_up, (uint64_t)ms, 0);
}

static void *uri_seen(void *user, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *ex = calloc(1, sizeof(*ex));

	if (!ex)
		return NULL;
	ex->h = user;
	ex->connection = connection;
	ex->target = strdup(uri);
	ex->body.max_bytes = HTTPD_BODY_MAX_BYTES;
	ex->log.begin_us = uv_hrtime() / 1000;
	uv_timer_init(ex->h->loop, &ex->timer);
	ex->timer.data = ex;
	ex->next = ex->h->open;
	if (ex->next)
		ex->next->prev = ex;
	ex->h->open = ex;
	return ex;
}

static void exchange_over(
    void *user, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
	struct exchange *ex = *context;
	struct httpd *h = user;

	if (!ex)
		return;
	*context = NULL;
	ex->log.end_us = uv_hrtime() / 1000;
	str_copy(ex->log.target, sizeof(ex->log.target), ex->target);
	h->log[h->n_log++ % HTTPD_LOG_MAX] = ex->log;
	if (ex->next)
		ex->next->prev = ex->prev;
	if (ex->prev)
		ex->prev->next = ex->next;
	else
		h->open = ex->next;
	uv_close((uv_handle_t *)&ex->timer, exchange_freed);
}

struct header_list {
	struct cloudsim_header rows[HEADERS_IN_MAX];
	size_t n;
};

static enum MHD_Result header_seen(void *user, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct header_list *l = user;

	if (l->n < HEADERS_IN_MAX)
		l->rows[l->n++] = (struct cloudsim_header){name, value ? value : ""};
	return MHD_YES;
}

static void exchange_ask(struct exchange *ex, bool skip_faults)
{
	struct header_list headers = {.n = 0};
	struct cloudsim_request request = {.method = ex->log.method,
	    .target = ex->target,
	    .body = ex->body.text,
	    .body_len = ex->body.len,
	    .skip_faults = skip_faults};

	MHD_get_connection_values(ex->connection, MHD_HEADER_KIND, header_seen, &headers);
	request.headers = headers.rows;
	request.n_headers = headers.n;
	cloudsim_answer_free(&ex->answer);
	ex->h->answer(ex->h->user, &request, &ex->answer);
}

/* Body reader for answers that misbehave. */
static ssize_t body_read(void *user, uint64_t pos, char *buf, size_t max)
{
	struct exchange *ex = user;
	size_t left = ex->answer.body_len - ex->sent, n;

	if (ex->answer.wire == CLOUDSIM_WIRE_ENDLESS) {
		memset(buf, ' ', max);
		return (ssize_t)max;
	}
	if (ex->answer.wire == CLOUDSIM_WIRE_CUT) {
		left = ex->answer.body_len / 2 - ex->sent;
		if (left == 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	n = left < max ? left : max;
	if (ex->answer.wire == CLOUDSIM_WIRE_DRIP) {
		if (!ex->has_waited) {
			ex->has_waited = true; /* the next call comes when the wait before these bytes is over */
			exchange_suspend(ex, DRIP_WAIT_MS);
			return 0;
		}
		ex->has_waited = false;
		n = n < DRIP_BYTES ? n : DRIP_BYTES;
	}
	memcpy(buf, ex->answer.body + ex->sent, n);
	ex->sent += n;
	return (ssize_t)n;
}

static struct MHD_Response *response_make(struct exchange *ex)
{
	struct cloudsim_answer *a = &ex->answer;

	if (a->wire == CLOUDSIM_WIRE_ENDLESS)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, body_read, ex, NULL);
	if (a->wire == CLOUDSIM_WIRE_CUT)
		return MHD_create_response_from_callback(a->body_len ? a->body_len : 100, 4096, body_read, ex, NULL);
	if (a->wire == CLOUDSIM_WIRE_DRIP && a->body_len)
		return MHD_create_response_from_callback(a->body_len, 4096, body_read, ex, NULL);
	return MHD_create_response_from_buffer(a->body_len, a->body ? a->body : (char *)"", MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result exchange_send(struct exchange *ex)
{
	struct MHD_Response *response = response_make(ex);
	enum MHD_Result r;

	if (!response)
		return MHD_NO;
	for (size_t i = 0; i < ex->answer.n_headers; i++)
		MHD_add_response_header(response, ex->answer.headers[i].name, ex->answer.headers[i].value);
	r = MHD_queue_response(ex->connection, (unsigned)ex->answer.status, response);
	ex->log.status = ex->answer.status;
	MHD_destroy_response(response);
	return r;
}

/* The whole request is here: ask for its answer, then send it, now or later, or not at all. */
static enum MHD_Result exchange_serve(struct exchange *ex)
{
	if (!ex->is_answered) {
		ex->is_answered = true;
		exchange_ask(ex, false);
		if (ex->answer.wire == CLOUDSIM_WIRE_HANG) {
			exchange_suspend(ex, -1);
			return MHD_YES;
		}
		if (ex->answer.delay_ms > 0) {
			exchange_suspend(ex, ex->answer.delay_ms);
			return MHD_YES;
		}
	}
	if (ex->answer.wire == CLOUDSIM_WIRE_LATE)
		exchange_ask(ex, true);
	if (ex->answer.wire == CLOUDSIM_WIRE_LOST || ex->answer.wire == CLOUDSIM_WIRE_HANG)
		return MHD_NO;
	return exchange_send(ex);
}

static enum MHD_Result request_seen(void *user, struct MHD_Connection *connection, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_len, void **context)
{
	struct exchange *ex = *context;

	if (!ex)
		return MHD_NO;
	if (!ex->log.method[0]) {
		str_copy(ex->log.method, sizeof(ex->log.method), method);
		return MHD_YES;
	}
	if (*upload_len) {
		strbuf_add(&ex->body, upload, *upload_len);
		*upload_len = 0;
		return ex->body.failed ? MHD_NO : MHD_YES;
	}
	return exchange_serve(ex);
}

static void timer_up(uv_timer_t *timer)
{
	httpd_run(timer->data);
}

static void poll_up(uv_poll_t *poll, int status, int events)
{
	httpd_run(poll->data);
}

static void httpd_run(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	if (!h->daemon)
		return;
	MHD_run(h->daemon);
	if (MHD_get_timeout(h->daemon, &wait_ms) == MHD_YES)
		uv_timer_start(&h->timer, timer_up, wait_ms, 0);
	else
		uv_timer_stop(&h->timer);
}

static struct MHD_Daemon *daemon_start(struct httpd *h)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(h->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (h->cert ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)h->cert},
	    {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)h->key}, {MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(flags, 0, NULL, NULL, request_seen, h, MHD_OPTION_SOCK_ADDR, &address,
	    MHD_OPTION_URI_LOG_CALLBACK, uri_seen, h, MHD_OPTION_NOTIFY_COMPLETED, exchange_over, h,
	    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u, MHD_OPTION_LISTEN_BACKLOG_SIZE, 1024u, MHD_OPTION_CONNECTION_LIMIT,
	    4096u, h->cert ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls, MHD_OPTION_END);
}

int httpd_open_port(struct httpd *h, struct osha_err *reterr)
{
	const union MHD_DaemonInfo *info;

	if (h->daemon)
		return 0;
	h->daemon = daemon_start(h);
	if (!h->daemon)
		return osha_err_set(
		    reterr, h->cert ? OSHA_E_TLS : OSHA_E_NET, "cannot listen on 127.0.0.1:%u", h->port);
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT);
	h->port = info ? info->port : h->port;
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	uv_poll_init(h->loop, &h->poll, info->epoll_fd);
	h->poll.data = h;
	uv_poll_start(&h->poll, UV_READABLE, poll_up);
	return 0;
}

static void poll_closed(uv_handle_t *handle)
{
	struct httpd *h = handle->data;

	if (--h->closing == 0 && h->is_ending) {
		free(h->log);
		free(h);
	}
}

/* MHD must not be stopped while it runs nor while connections sleep: they are woken into their end first. */
void httpd_close_port(struct httpd *h)
{
	if (!h->daemon)
		return;
	uv_timer_stop(&h->timer);
	for (struct exchange *ex = h->open; ex; ex = ex->next) {
		ex->answer.wire = CLOUDSIM_WIRE_LOST;
		exchange_resume(ex);
	}
	h->closing++;
	uv_poll_stop(&h->poll);
	uv_close((uv_handle_t *)&h->poll, poll_closed);
	MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
}

int httpd_start(uv_loop_t *loop, const struct httpd_options *options, struct httpd **ret_httpd, struct osha_err *reterr)
{
	struct httpd *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for an HTTP port");
	*h = (struct httpd){.loop = loop,
	    .port = options->port,
	    .cert = options->cert,
	    .key = options->key,
	    .answer = options->answer,
	    .user = options->user};
	h->log = calloc(HTTPD_LOG_MAX, sizeof(*h->log));
	if (!h->log) {
		free(h);
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for an HTTP port");
	}
	r = httpd_open_port(h, reterr);
	if (r < 0) {
		free(h->log);
		free(h);
		return r;
	}
	uv_timer_init(loop, &h->timer);
	h->timer.data = h;
	*ret_httpd = h;
	return 0;
}

uint16_t httpd_port(const struct httpd *h)
{
	return h->port;
}

const struct httpd_log *httpd_log(const struct httpd *h, size_t i)
{
	size_t first = h->n_log > HTTPD_LOG_MAX ? h->n_log - HTTPD_LOG_MAX : 0;

	return first + i < h->n_log ? &h->log[(first + i) % HTTPD_LOG_MAX] : NULL;
}

void httpd_log_clear(struct httpd *h)
{
	h->n_log = 0;
}

void httpd_stop(struct httpd *h)
{
	httpd_close_port(h);
	h->is_ending = true;
	h->closing++;
	uv_close((uv_handle_t *)&h->timer, poll_closed);
}
