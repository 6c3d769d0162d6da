/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a scripted server that behaves well, badly and not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/http.h"
#include "test/unit/io_bed.h"

struct got {
	struct bed *bed;
	int calls;
	int result, status;
	bool may_have_been_sent;
	char body[256];
	size_t body_size;
	char error[256];
	char location[64];
};

static void on_answer(void *arg, const struct io_http_answer *a)
{
	struct got *g = arg;
	g->calls++;
	g->result = a->result;
	g->status = a->status;
	g->may_have_been_sent = a->may_have_been_sent;
	str_copy(g->body, sizeof g->body, a->body);
	g->body_size = a->body_size;
	str_copy(g->error, sizeof g->error, a->error);
	io_http_answer_header(a, "LOCATION", g->location, sizeof g->location);
	assert_true((a->result == 0) == (a->error[0] == '\0'));
	bed_see(g->bed);
}

static char url[128];

static struct io_http_request request_to(const char *scheme, uint16_t port)
{
	snprintf(url, sizeof url, "%s://127.0.0.1:%u/x", scheme, (unsigned)port);
	return (struct io_http_request){.method = "GET", .url = url, .timeout_ms = 20000};
}

static struct got ask(struct bed *bed, const struct io_http_request *req)
{
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_http_start(bed->http, req, on_answer, &g, NULL, &err), 0);
	assert_int_equal(g.calls, 0);
	bed_wait(bed, &g.calls, 1);
	return g;
}

/* One script, one request, one answer. */
static struct got serve_one(struct bed *bed, peer_fn fn, struct io_http_request req)
{
	struct server s = {0};
	server_start(&s, bed, fn);
	struct io_http_request to = request_to("http", s.port);
	req.url = to.url;
	req.method = req.method != NULL ? req.method : to.method;
	req.timeout_ms = req.timeout_ms > 0 ? req.timeout_ms : to.timeout_ms;
	struct got g = ask(bed, &req);
	server_stop(&s);
	return g;
}

static void echo_script(struct peer *p)
{
	if (!peer_expect(p, "\r\n\r\n"))
		return;
	bool is_whole = strstr(p->taken, "POST /x HTTP/1.1\r\n") != NULL && strstr(p->taken, "X-A: b\r\n") != NULL &&
			strstr(p->taken, "Content-Length: 5\r\n") != NULL && strstr(p->taken, "Expect") == NULL &&
			strstr(p->taken, "Content-Type") == NULL;
	if (!is_whole || !peer_expect(p, "hello"))
		return;
	peer_send(p, "HTTP/1.1 100 Continue\r\nLocation: interim\r\n\r\n"
		     "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nlocation:  /there \r\n\r\nok");
}

static void test_exchange(void **state)
{
	const char *headers[] = {"X-A: b", NULL};
	struct io_http_request req = {.method = "POST", .headers = headers, .body = "hello", .body_size = 5};
	struct got g = serve_one(*state, echo_script, req);
	assert_int_equal(g.result, 0);
	assert_int_equal(g.status, 201);
	assert_string_equal(g.body, "ok");
	assert_string_equal(g.location, "/there");
	assert_true(g.may_have_been_sent);
}

static void redirect_script(struct peer *p)
{
	p->server->counted++;
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
	peer_await_close(p);
}

static void test_redirect_is_not_followed(void **state)
{
	struct got g = serve_one(*state, redirect_script, (struct io_http_request){0});
	assert_int_equal(g.result, 0);
	assert_int_equal(g.status, 302);
	assert_string_equal(g.location, "http://127.0.0.1:1/");
}

static void slow_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
	peer_await_close(p);
}

static void test_slow_answer_ends_at_its_time(void **state)
{
	struct got g = serve_one(*state, slow_script, (struct io_http_request){.timeout_ms = 200});
	assert_int_equal(g.result, -OSHA_E_TIMEOUT);
	assert_int_equal(g.status, 200);
	assert_true(g.may_have_been_sent);
	assert_string_equal(g.body, "ab");
}

static void cut_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
}

static void test_cut_body(void **state)
{
	struct got g = serve_one(*state, cut_script, (struct io_http_request){0});
	assert_int_equal(g.result, -OSHA_E_NET);
	assert_int_equal(g.status, 200);
	assert_true(g.may_have_been_sent);
	assert_int_equal(g.body_size, 10);
}

static void endless_script(struct peer *p)
{
	if (!peer_expect(p, "\r\n\r\n") || !peer_send(p, "HTTP/1.1 200 OK\r\n\r\n"))
		return;
	while (peer_send(p, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"))
		continue;
}

static void test_endless_body_is_capped(void **state)
{
	struct got g = serve_one(*state, endless_script, (struct io_http_request){.max_body_bytes = 100000});
	assert_int_equal(g.result, -OSHA_E_GARBAGE);
	assert_true(g.body_size <= 100000);
	assert_string_equal(g.error, "body over its cap");
}

static void exact_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd");
}

static void test_body_at_its_cap(void **state)
{
	struct got g = serve_one(*state, exact_script, (struct io_http_request){.max_body_bytes = 4});
	assert_int_equal(g.result, 0);
	g = serve_one(*state, exact_script, (struct io_http_request){.max_body_bytes = 3});
	assert_int_equal(g.result, -OSHA_E_GARBAGE);
}

static void header_flood_script(struct peer *p)
{
	if (!peer_expect(p, "\r\n\r\n") || !peer_send(p, "HTTP/1.1 200 OK\r\n"))
		return;
	while (peer_send(p, "X-Flood: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"))
		continue;
}

static void test_header_flood(void **state)
{
	struct got g = serve_one(*state, header_flood_script, (struct io_http_request){0});
	assert_int_equal(g.result, -OSHA_E_GARBAGE);
	assert_true(g.may_have_been_sent);
}

static void garbage_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "\x01\x02 what\r\nis: this\r\n\r\n");
}

static void strange_status_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n");
}

static void test_garbage_answers(void **state)
{
	struct got g = serve_one(*state, garbage_script, (struct io_http_request){0});
	assert_int_equal(g.result, -OSHA_E_GARBAGE);
	g = serve_one(*state, strange_status_script, (struct io_http_request){0});
	assert_int_equal(g.result, -OSHA_E_GARBAGE);
}

static void reset_script(struct peer *p)
{
	peer_expect(p, "\r\n\r\n");
	peer_reset(p);
}

static void test_reset_after_request_may_have_been_done(void **state)
{
	struct got g = serve_one(*state, reset_script, (struct io_http_request){.method = "POST"});
	assert_int_equal(g.result, -OSHA_E_NET);
	assert_true(g.may_have_been_sent);
}

static void test_refused_connection_was_not_sent(void **state)
{
	struct io_http_request req = request_to("http", port_unused());
	struct got g = ask(*state, &req);
	assert_int_equal(g.result, -OSHA_E_NET);
	assert_false(g.may_have_been_sent);
}

static void test_deaf_server_was_not_sent(void **state)
{
	struct deaf d;
	deaf_open(&d);
	struct io_http_request req = request_to("http", d.port);
	req.connect_timeout_ms = 200;
	struct got g = ask(*state, &req);
	assert_int_equal(g.result, -OSHA_E_TIMEOUT);
	assert_false(g.may_have_been_sent);
	req = request_to("http", d.port);
	req.timeout_ms = 200;
	g = ask(*state, &req);
	assert_int_equal(g.result, -OSHA_E_TIMEOUT);
	assert_false(g.may_have_been_sent);
	deaf_close(&d);
}

static void mute_script(struct peer *p)
{
	peer_await_close(p);
}

static void test_silent_tls_was_not_sent(void **state)
{
	struct server s = {0};
	server_start(&s, *state, mute_script);
	struct io_http_request req = request_to("https", s.port);
	req.timeout_ms = 200;
	struct got g = ask(*state, &req);
	assert_int_equal(g.result, -OSHA_E_TIMEOUT);
	assert_false(g.may_have_been_sent);
	server_stop(&s);
}

static void hello_script(struct peer *p)
{
	if (peer_expect(p, "\r\n\r\n"))
		peer_send(p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
}

static struct got ask_tls(struct bed *bed, const char *cert, const char *ca, bool insecure)
{
	struct server s = {0};
	char path[128];
	server_start_tls(&s, bed, hello_script, cert, true);
	struct io_http_request req = request_to("https", s.port);
	req.cacert = ca != NULL ? bed_path(bed, ca, path, sizeof path) : NULL;
	req.insecure = insecure;
	struct got g = ask(bed, &req);
	server_stop(&s);
	return g;
}

static void test_tls(void **state)
{
	bed_make_certs(*state);
	struct got g = ask_tls(*state, "good", "ca.pem", false);
	assert_int_equal(g.result, 0);
	assert_string_equal(g.body, "hi");
	const char *const cas[] = {NULL, "other-ca.pem", "missing.pem"};
	for (size_t i = 0; i < sizeof cas / sizeof cas[0]; i++) {
		g = ask_tls(*state, "good", cas[i], false);
		assert_int_equal(g.result, -OSHA_E_TLS);
		assert_false(g.may_have_been_sent);
	}
	g = ask_tls(*state, "wrong", "ca.pem", false);
	assert_int_equal(g.result, -OSHA_E_TLS);
	assert_false(g.may_have_been_sent);
	g = ask_tls(*state, "wrong", NULL, true);
	assert_int_equal(g.result, 0);
}

static int writes_seen;

static void *end_without_answer(void *arg)
{
	static __thread struct peer p;
	p = (struct peer){.fd = *(int *)arg};
	while (peer_expect(&p, "\r\n\r\n")) {
		if (strncmp(p.taken, "POST", 4) == 0) {
			__atomic_add_fetch(&writes_seen, 1, __ATOMIC_SEQ_CST);
			break;
		}
		peer_send(&p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
	}
	close(p.fd);
	return NULL;
}

/* Every connection on a thread of its own: reads are answered, a write is counted and then the connection is closed without a word. */
static void many_script(struct peer *p)
{
	pthread_t thread;
	static int fds[8];
	static int n;
	fds[n] = dup(p->fd);
	assert_int_equal(pthread_create(&thread, NULL, end_without_answer, &fds[n++]), 0);
	pthread_detach(thread);
}

static void test_write_is_never_sent_twice(void **state)
{
	struct server s = {0};
	server_start(&s, *state, many_script);
	struct io_http_request req = request_to("http", s.port);
	struct got g = ask(*state, &req);
	assert_int_equal(g.result, 0);
	g = ask(*state, &req);
	assert_int_equal(g.result, 0);
	assert_int_equal(s.connections, 1); /* reads share one */
	req.method = "POST";
	g = ask(*state, &req);
	assert_int_equal(g.result, -OSHA_E_NET);
	assert_true(g.may_have_been_sent);
	assert_int_equal(__atomic_load_n(&writes_seen, __ATOMIC_SEQ_CST), 1);
	server_stop(&s);
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
	char proxy[64];
	snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", (unsigned)port_unused());
	setenv("http_proxy", proxy, 1);
	setenv("ALL_PROXY", proxy, 1);
	struct got g = serve_one(*state, exact_script, (struct io_http_request){0});
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(g.result, 0);
}

static void test_waiting_for_a_connection_was_not_sent(void **state)
{
	struct bed *bed = *state;
	struct io_http_limits limits = {.per_host = 1};
	struct io_http *narrow;
	struct osha_err err = {0};
	struct server s = {0};
	server_start(&s, bed, mute_script);
	assert_int_equal(io_http_create(bed->loop, &limits, &narrow, &err), 0);
	struct io_http_request req = request_to("http", s.port);
	struct got first = {.bed = bed}, second = {.bed = bed};
	assert_int_equal(io_http_start(narrow, &req, on_answer, &first, NULL, &err), 0);
	req.timeout_ms = 200;
	assert_int_equal(io_http_start(narrow, &req, on_answer, &second, NULL, &err), 0);
	bed_wait(bed, &second.calls, 1);
	assert_int_equal(second.result, -OSHA_E_TIMEOUT);
	assert_false(second.may_have_been_sent);
	io_http_destroy(narrow);
	bed_wait(bed, &bed->posted, 1);
	assert_int_equal(first.calls, 0);
	server_stop(&s);
}

static void noted_script(struct peer *p)
{
	peer_expect(p, "\r\n\r\n");
	io_loop_post(p->server->bed->loop, (io_loop_fn)bed_see, p->server->bed);
	peer_await_close(p);
}

static void test_cancel_while_answer_is_awaited(void **state)
{
	struct bed *bed = *state;
	struct server s = {0};
	server_start(&s, bed, noted_script);
	struct io_http_request req = request_to("http", s.port);
	struct got g = {.bed = bed};
	struct io_http_call *call;
	struct osha_err err = {0};
	assert_int_equal(io_http_start(bed->http, &req, on_answer, &g, &call, &err), 0);
	bed_wait(bed, &bed->seen, 1);
	io_http_cancel(call);
	bed_wait(bed, &bed->posted, 1);
	assert_int_equal(g.calls, 0);
	server_stop(&s);
}

static void test_cancel_before_anything(void **state)
{
	struct bed *bed = *state;
	struct io_http_request req = request_to("http", port_unused());
	struct got g = {.bed = bed}, other = {.bed = bed};
	struct io_http_call *call;
	struct osha_err err = {0};
	assert_int_equal(io_http_start(bed->http, &req, on_answer, &g, &call, &err), 0);
	io_http_cancel(call);
	assert_int_equal(io_http_start(bed->http, &req, on_answer, &other, NULL, &err), 0);
	bed_wait(bed, &other.calls, 1);
	assert_int_equal(g.calls, 0);
}

struct pair {
	struct got first;
	struct io_http_call *calls[2];
	struct got second;
};

static void on_first_of_pair(void *arg, const struct io_http_answer *a)
{
	struct pair *pair = arg;
	if (pair->calls[1] != NULL)
		io_http_cancel(pair->calls[1]);
	pair->calls[1] = NULL;
	on_answer(&pair->first, a);
}

static void on_second_of_pair(void *arg, const struct io_http_answer *a)
{
	struct pair *pair = arg;
	if (pair->calls[0] != NULL)
		io_http_cancel(pair->calls[0]);
	pair->calls[0] = NULL;
	on_answer(&pair->second, a);
}

static void test_cancel_of_another_in_a_callback(void **state)
{
	struct bed *bed = *state;
	struct io_http_request req = request_to("http", port_unused());
	struct pair pair = {.first.bed = bed, .second.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_http_start(bed->http, &req, on_first_of_pair, &pair, &pair.calls[0], &err), 0);
	assert_int_equal(io_http_start(bed->http, &req, on_second_of_pair, &pair, &pair.calls[1], &err), 0);
	bed_wait(bed, &bed->seen, 1);
	/* Both were refused in the same turn; whichever came first took the other down. */
	struct got last = ask(bed, &req);
	assert_int_equal(last.calls, 1);
	assert_int_equal(pair.first.calls + pair.second.calls, 1);
}

static void test_malformed_requests_are_refused(void **state)
{
	struct bed *bed = *state;
	const char *bad[] = {"X: a\r\nY: b", NULL};
	const struct io_http_request requests[] = {
	    {.method = "GET", .url = "file:///etc/passwd"},
	    {.method = "get it", .url = "http://127.0.0.1/"},
	    {.method = "GET", .url = "http://127.0.0.1/a b"},
	    {.method = "GET", .url = "http://127.0.0.1/a\r\nX: b"},
	    {.method = "GET", .url = "http://127.0.0.1/", .headers = bad},
	    {.method = "GET", .url = "http://127.0.0.1/", .timeout_ms = -1},
	    {.method = NULL, .url = "http://127.0.0.1/"},
	    {.method = "GET", .url = NULL},
	};
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct osha_err err = {0};
		assert_int_equal(io_http_start(bed->http, &requests[i], on_answer, bed, NULL, &err), -OSHA_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_exchange, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_redirect_is_not_followed, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_slow_answer_ends_at_its_time, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cut_body, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_endless_body_is_capped, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_body_at_its_cap, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_header_flood, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_garbage_answers, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_reset_after_request_may_have_been_done, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_refused_connection_was_not_sent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_deaf_server_was_not_sent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_silent_tls_was_not_sent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_tls, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_write_is_never_sent_twice, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_proxy_of_the_environment_is_ignored, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_waiting_for_a_connection_was_not_sent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel_while_answer_is_awaited, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel_before_anything, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel_of_another_in_a_callback, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_malformed_requests_are_refused, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
