/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface on the loop. libcurl says which descriptors and which one timer it wants; every transfer has besides a deadline
 * of its own here, because libcurl's does not run while a transfer waits for a free connection.
 */
#include "io/curl_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum { PER_HOST = 64, TOTAL = 256, IDLE_MAX_S = 30 };

struct io_http {
	struct io_loop *loop;
	CURLM *multi;
	struct io_timer timer;
	struct curl_transfer *transfers;
	size_t transfer_n;
	int idle_max_s;
	char *proxy;
};

static void tell_ended(struct io_http *http)
{
	CURLMsg *msg;
	int left;
	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct curl_transfer *t = NULL;
		CURLcode code = msg->data.result;
		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		t->end_fn(t, code);
	}
}

static void act_on(struct io_http *http, curl_socket_t fd, int mask)
{
	int running;
	curl_multi_socket_action(http->multi, fd, mask, &running);
	tell_ended(http);
}

static void on_timer(void *arg)
{
	act_on(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct io_http *http = arg;
	(void)multi;
	if (timeout_ms < 0)
		io_timer_stop(&http->timer);
	else
		io_timer_start(http->loop, &http->timer, timeout_ms, 0, on_timer, http);
	return 0;
}

struct curl_socket {
	struct io_http *http;
	struct io_watch *watch;
	curl_socket_t fd;
};

static void on_socket(void *arg, int events)
{
	struct curl_socket *s = arg;
	int mask = 0;
	if (events & IO_READABLE)
		mask |= CURL_CSELECT_IN;
	if (events & IO_WRITABLE)
		mask |= CURL_CSELECT_OUT;
	act_on(s->http, s->fd, mask); /* may free s */
}

static int drop_socket(struct curl_socket *s)
{
	if (s == NULL)
		return 0;
	io_watch_stop(s->watch);
	curl_multi_assign(s->http->multi, s->fd, NULL);
	free(s);
	return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct io_http *http = arg;
	struct curl_socket *s = socket_arg;
	(void)easy;
	if (what == CURL_POLL_REMOVE)
		return drop_socket(s);
	int events = (what & CURL_POLL_IN ? IO_READABLE : 0) | (what & CURL_POLL_OUT ? IO_WRITABLE : 0);
	if (s != NULL)
		return io_watch_change(s->watch, events, NULL) < 0 ? -1 : 0;
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return -1;
	s->http = http;
	s->fd = fd;
	s->watch = io_watch_start(http->loop, fd, events, on_socket, s, NULL);
	if (s->watch == NULL) {
		free(s);
		return -1;
	}
	curl_multi_assign(http->multi, fd, s);
	return 0;
}

int io_http_create(
    struct io_loop *loop, const struct io_http_limits *limits, struct io_http **ret_http, struct osha_err *reterr)
{
	static const struct io_http_limits none;
	if (limits == NULL)
		limits = &none;
	struct io_http *http = calloc(1, sizeof *http);
	if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
		free(http);
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the HTTP client");
	}
	http->loop = loop;
	http->idle_max_s = limits->idle_max_s > 0 ? limits->idle_max_s : IDLE_MAX_S;
	http->proxy = strdup(limits->proxy != NULL ? limits->proxy : "");
	http->multi = curl_multi_init();
	if (http->proxy == NULL || http->multi == NULL) {
		io_http_destroy(http);
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the HTTP client");
	}
	long total = limits->total > 0 ? limits->total : TOTAL;
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(
	    http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)(limits->per_host > 0 ? limits->per_host : PER_HOST));
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, total);
	*ret_http = http;
	return 0;
}

void io_http_destroy(struct io_http *http)
{
	if (http == NULL)
		return;
	while (http->transfers != NULL)
		http->transfers->free_fn(http->transfers);
	if (http->multi != NULL)
		curl_multi_cleanup(http->multi);
	io_timer_stop(&http->timer);
	free(http->proxy);
	free(http);
	curl_global_cleanup();
}

/* The connection stands; from here on the server may see what we send. */
static int on_connected(void *arg, char *remote, char *local, int remote_port, int local_port)
{
	struct curl_transfer *t = arg;
	(void)remote;
	(void)local;
	(void)remote_port;
	(void)local_port;
	t->is_sending = true;
	return CURL_PREREQFUNC_OK;
}

int curl_transfer_init(struct curl_transfer *t, struct io_http *http, struct osha_err *reterr)
{
	if (http->transfer_n >= IO_HTTP_CALLS_MAX)
		return osha_err_set(reterr, OSHA_E_FULL, "%d requests are under way", IO_HTTP_CALLS_MAX);
	t->http = http;
	t->easy = curl_easy_init();
	if (t->easy == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a request");
	CURL *e = t->easy;
	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* Else dropping a transfer whose name is being resolved would wait for the resolver's thread. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, http->proxy); /* "" also switches the environment's off */
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)http->idle_max_s);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	return 0;
}

static void on_deadline(void *arg)
{
	struct curl_transfer *t = arg;
	t->end_fn(t, CURLE_OPERATION_TIMEDOUT);
}

int curl_transfer_start(struct curl_transfer *t, int64_t timeout_ms, struct osha_err *reterr)
{
	struct io_http *http = t->http;
	if (curl_multi_add_handle(http->multi, t->easy) != CURLM_OK)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a request");
	t->start_ms = io_now_ms(http->loop);
	t->next = http->transfers;
	if (t->next != NULL)
		t->next->prev = t;
	http->transfers = t;
	http->transfer_n++;
	io_timer_start(http->loop, &t->deadline, timeout_ms, 0, on_deadline, t);
	return 0;
}

void curl_transfer_close(struct curl_transfer *t)
{
	struct io_http *http = t->http;
	io_timer_stop(&t->deadline);
	if (t->next != NULL)
		t->next->prev = t->prev;
	if (t->prev != NULL)
		t->prev->next = t->next;
	if (t->prev != NULL || http->transfers == t)
		http->transfer_n--;
	if (http->transfers == t)
		http->transfers = t->next;
	t->next = t->prev = NULL;
	if (t->easy == NULL)
		return;
	curl_multi_remove_handle(http->multi, t->easy);
	curl_easy_cleanup(t->easy);
	t->easy = NULL;
}

bool curl_transfer_tls(CURL *easy, const char *cacert, bool is_insecure)
{
	CURLcode r = CURLE_OK;
	if (cacert != NULL)
		r = curl_easy_setopt(easy, CURLOPT_CAINFO, cacert);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, is_insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, is_insecure ? 0L : 2L);
	return r == CURLE_OK;
}

int curl_transfer_result(const struct curl_transfer *t, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OPERATION_TIMEDOUT:
		return -OSHA_E_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
		return -OSHA_E_NOMEM;
	case CURLE_LOGIN_DENIED:
		return -OSHA_E_AUTH;
	case CURLE_SSL_CONNECT_ERROR:
		/* Also what libcurl calls a connection that broke during the handshake. */
		if (strstr(t->error, "reset by peer") != NULL || strstr(t->error, "SSL_ERROR_SYSCALL") != NULL)
			return -OSHA_E_NET;
		return -OSHA_E_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_CLIENTCERT:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return -OSHA_E_TLS;
	case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR: /* our own caps */
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_FILESIZE_EXCEEDED:
		return -OSHA_E_GARBAGE;
	default:
		return -OSHA_E_NET;
	}
}

const char *curl_transfer_text(struct curl_transfer *t, CURLcode code)
{
	if (code == CURLE_OK)
		return "";
	if (code == CURLE_OPERATION_TIMEDOUT)
		return t->is_sending ? "no whole answer in time" : "no connection in time";
	if (t->error[0] == '\0')
		str_copy(t->error, sizeof t->error, curl_easy_strerror(code));
	for (char *c = t->error; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
			*c = ' ';
	return t->error;
}

int64_t curl_transfer_ms(const struct curl_transfer *t)
{
	return io_now_ms(t->http->loop) - t->start_ms;
}

struct io_loop *curl_transfer_loop(const struct curl_transfer *t)
{
	return t->http->loop;
}
