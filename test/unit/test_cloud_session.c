/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session against a scripted keystone and nova: tokens, limits, deadlines, wrong answers. Every test sets what it wants otherwise.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>
#include <microhttpd.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "io/loop.h"

#define PASSWORD "s3cr3t-never-shown"
#define INSTANCE "aaaaaaaa-0000-4000-8000-000000000001"

enum how { HOW_ANSWER = 0, HOW_CUT, HOW_HANG };

struct rig {
	struct MHD_Daemon *daemon;
	uint16_t port;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_closing;

	/* settings */
	int token_status;
	int token_life_s;
	bool no_catalog;
	const char *nova_version;
	const char *good_token; /* nova answers 401 to any other; NULL = every token is good */
	bool is_inner_401;      /* the answer of 401 does not come from the door */
	bool is_late_token;     /* keystone waits until the test says so */
	int status;             /* of nova's answers to calls */
	const char *body;
	const char *retry_after;
	enum how how;

	/* seen */
	int tokens, versions, calls;
	int open_calls, open_calls_max;
	char microversion[2][64];
	char token[64];

	/* the client */
	struct io_loop *loop;
	struct cloud_session *session;
	struct io_timer bound;
	int wanted, ended;
	struct cloud_result last; /* arrays of it are gone */
};

static const char services[] = "{\"services\":[{\"binary\":\"nova-compute\",\"host\":\"c1\",\"id\":\"id1\","
			       "\"status\":\"enabled\",\"state\":\"up\"}]}";

static ssize_t read_cut(void *arg, uint64_t pos, char *buf, size_t max)
{
	if (pos > 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	memcpy(buf, services, 13);
	return 13;
}

static enum MHD_Result reply(
    struct MHD_Connection *c, unsigned status, const char *body, const char *header, const char *value)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (header)
		MHD_add_response_header(r, header, value);
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result answer_token(struct rig *rig, struct MHD_Connection *c)
{
	char body[1024], token[32];

	while (rig->is_late_token && !rig->is_closing)
		pthread_cond_wait(&rig->wake, &rig->lock);
	snprintf(token, sizeof(token), "token-%d", ++rig->tokens);
	if (rig->token_status != 201)
		return reply(c, (unsigned)rig->token_status,
		    "{\"error\":{\"code\":401,\"message\":\"The request you have made requires authentication.\"}}",
		    NULL, NULL);
	snprintf(body, sizeof(body),
	    "{\"token\":{\"issued_at\":\"2026-11-22T11:00:00.000000Z\",\"expires_at\":\"2026-11-22T11:%02d:%02d."
	    "000000Z\",\"catalog\":["
	    "{\"type\":\"%s\",\"endpoints\":[{\"interface\":\"public\",\"region_id\":\"R\",\"url\":\"http://"
	    "127.0.0.1:%u/v2.1\"}]}]}}",
	    rig->token_life_s / 60, rig->token_life_s % 60, rig->no_catalog ? "volume" : "compute", rig->port);
	return reply(c, 201, body, "X-Subject-Token", token);
}

static enum MHD_Result answer_versions(struct rig *rig, struct MHD_Connection *c)
{
	char body[256];

	rig->versions++;
	snprintf(body, sizeof(body), "{\"version\":{\"version\":\"%s\",\"min_version\":\"2.1\"}}", rig->nova_version);
	return reply(c, 200, body, NULL, NULL);
}

static enum MHD_Result answer_cut(struct MHD_Connection *c)
{
	struct MHD_Response *r = MHD_create_response_from_callback(100, 64, read_cut, NULL, NULL);
	enum MHD_Result result = MHD_queue_response(c, 200, r);

	MHD_destroy_response(r);
	return result;
}

static void see_header(struct MHD_Connection *c, const char *name, char *dst)
{
	const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	str_copy(dst, 64, value ? value : "");
}

static enum MHD_Result answer_call(struct rig *rig, struct MHD_Connection *c)
{
	rig->calls++;
	see_header(c, "X-Auth-Token", rig->token);
	see_header(c, "OpenStack-API-Version", rig->microversion[0]);
	see_header(c, "X-OpenStack-Nova-API-Version", rig->microversion[1]);
	if (rig->good_token && strcmp(rig->good_token, rig->token) != 0)
		return reply(c, 401, "{\"error\":{\"message\":\"The request you have made requires authentication.\"}}",
		    rig->is_inner_401 ? NULL : "WWW-Authenticate", "Keystone uri=\"http://127.0.0.1/v3\"");
	while (rig->how == HOW_HANG && !rig->is_closing)
		pthread_cond_wait(&rig->wake, &rig->lock);
	if (rig->how == HOW_CUT)
		return answer_cut(c);
	return reply(c, (unsigned)rig->status, rig->body, rig->retry_after ? "Retry-After" : NULL, rig->retry_after);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct rig *rig = arg;
	enum MHD_Result result;

	if (!*state) {
		*state = rig;
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&rig->lock);
	if (strcmp(url, "/v3/auth/tokens") == 0) {
		result = answer_token(rig, c);
	} else if (strcmp(url, "/v2.1/") == 0) {
		result = answer_versions(rig, c);
	} else {
		rig->open_calls++;
		if (rig->open_calls > rig->open_calls_max)
			rig->open_calls_max = rig->open_calls;
		pthread_mutex_unlock(&rig->lock);
		sched_yield();
		pthread_mutex_lock(&rig->lock);
		result = answer_call(rig, c);
		rig->open_calls--;
	}
	pthread_mutex_unlock(&rig->lock);
	return result;
}

static void on_bound(void *arg)
{
	fail_msg("the calls did not end within the bound");
}

static void session_make(struct rig *rig, unsigned parallel)
{
	const struct cloud_session_options options = {.parallel = parallel};
	struct osha_err err = {0};
	char url[64];
	struct cloud_credentials c = {.auth_url = url,
	    .username = "admin",
	    .user_domain_id = "default",
	    .password = PASSWORD,
	    .project_name = "admin",
	    .project_domain_id = "default",
	    .verify = true};

	cloud_session_free(&rig->session);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", rig->port);
	if (cloud_session_new(rig->loop, &c, &options, &rig->session, &err) < 0)
		fail_msg("session: %s", err.msg);
}

static int rig_open(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_non_null(rig);
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->wake, NULL);
	rig->token_status = 201;
	rig->token_life_s = 3599;
	rig->nova_version = "2.93";
	rig->status = 200;
	rig->body = services;
	rig->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL, NULL,
	    on_request, rig, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_END);
	assert_non_null(rig->daemon);
	rig->port = MHD_get_daemon_info(rig->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
	assert_int_equal(io_loop_create(&rig->loop, NULL), 0);
	session_make(rig, 0);
	*state = rig;
	return 0;
}

static int rig_close(void **state)
{
	struct rig *rig = *state;

	cloud_session_free(&rig->session);
	io_timer_stop(&rig->bound);
	io_loop_destroy(rig->loop);
	pthread_mutex_lock(&rig->lock);
	rig->is_closing = true;
	pthread_cond_broadcast(&rig->wake);
	pthread_mutex_unlock(&rig->lock);
	if (rig->daemon)
		MHD_stop_daemon(rig->daemon);
	pthread_mutex_destroy(&rig->lock);
	pthread_cond_destroy(&rig->wake);
	free(rig);
	return 0;
}

static void on_done(void *arg, const struct cloud_result *result)
{
	struct rig *rig = arg;

	rig->last = *result;
	assert_null(strstr(result->reason, PASSWORD));
	assert_null(strstr(result->reason, "token-"));
	if (++rig->ended >= rig->wanted)
		io_loop_stop(rig->loop);
}

static struct cloud_op *start(struct rig *rig, enum cloud_kind kind, int64_t timeout_ms)
{
	const struct cloud_args args = {
	    .kind = kind, .instance = INSTANCE, .host = "c1", .project = "p1", .reason = "r"};
	const struct cloud_waiter waiter = {.timeout_ms = timeout_ms, .done = on_done, .arg = rig};
	struct cloud_op *op = NULL;
	struct osha_err err = {0};

	if (cloud_session_start(rig->session, &args, &waiter, &op, &err) < 0)
		fail_msg("start: %s", err.msg);
	return op;
}

/* Runs until @n more calls have ended. */
static void wait_for(struct rig *rig, int n)
{
	rig->ended = 0;
	rig->wanted = n;
	io_timer_start(rig->loop, &rig->bound, 30000, 0, on_bound, rig);
	assert_int_equal(io_loop_run(rig->loop, NULL), 0);
	io_timer_stop(&rig->bound);
	assert_int_equal(rig->ended, n);
}

static void expect_last(const struct rig *rig, enum outcome outcome, enum fault_class fault, const char *says)
{
	if (rig->last.outcome != outcome || rig->last.fault != fault || !strstr(rig->last.reason, says))
		fail_msg("%s/%s \"%s\", expected %s/%s \"%s\"", outcome_name(rig->last.outcome),
		    fault_class_name(rig->last.fault), rig->last.reason, outcome_name(outcome), fault_class_name(fault),
		    says);
}

static void run_one(struct rig *rig, enum cloud_kind kind, int64_t timeout_ms)
{
	start(rig, kind, timeout_ms);
	wait_for(rig, 1);
}

static void test_token_is_shared(void **state)
{
	struct rig *rig = *state;
	struct cloud_session_stats stats;

	for (int i = 0; i < 40; i++)
		start(rig, CLOUD_SERVICES, 20000);
	wait_for(rig, 40);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	assert_int_equal(rig->last.n_services, 1);
	assert_int_equal(rig->tokens, 1);
	assert_int_equal(rig->versions, 1);
	assert_int_equal(rig->calls, 40);
	assert_string_equal(rig->token, "token-1");
	assert_string_equal(rig->microversion[0], "compute 2.90");
	assert_string_equal(rig->microversion[1], "2.90");
	cloud_session_stats_get(rig->session, &stats);
	assert_int_equal(stats.calls, 40);
	assert_int_equal(stats.requests, 42);
	assert_int_equal(stats.in_flight, 0);
	assert_int_equal(stats.waiting, 0);
}

static void test_limit(void **state)
{
	struct rig *rig = *state;

	session_make(rig, 3);
	for (int i = 0; i < 60; i++)
		start(rig, i % 2 ? CLOUD_EVACUATE : CLOUD_SERVICES, 20000);
	wait_for(rig, 60);
	assert_int_equal(rig->calls, 60);
	assert_in_range(rig->open_calls_max, 1, 3);
}

static void test_wrong_password(void **state)
{
	struct rig *rig = *state;

	rig->token_status = 401;
	start(rig, CLOUD_SERVICES, 20000);
	start(rig, CLOUD_EVACUATE, 20000);
	wait_for(rig, 2);
	expect_last(rig, OUTCOME_REFUSED, FAULT_AUTH, "token from keystone: HTTP 401");
	assert_int_equal(rig->tokens, 1);
	assert_int_equal(rig->calls, 0);
}

static void test_keystone_ails(void **state)
{
	struct rig *rig = *state;

	rig->token_status = 503;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "token from keystone: HTTP 503");
	rig->token_status = 302;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "redirect");
	rig->token_status = 404;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_STATE, "404");
	rig->token_status = 201;
	run_one(rig, CLOUD_SERVICES, 20000);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
}

static void test_no_endpoint(void **state)
{
	struct rig *rig = *state;

	rig->no_catalog = true;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_STATE, "no usable compute endpoint for interface public");
}

static void test_old_cloud(void **state)
{
	struct rig *rig = *state;

	rig->nova_version = "2.60";
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_STATE, "too old");
	assert_int_equal(rig->calls, 0);
	rig->nova_version = "2.79";
	run_one(rig, CLOUD_SERVICES, 20000);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	assert_string_equal(rig->microversion[0], "compute 2.79");
}

/* The token was revoked: many answers of 401 cost one new token, and even an evacuate call is then sent again. */
static void test_revoked_token(void **state)
{
	struct rig *rig = *state;

	run_one(rig, CLOUD_SERVICES, 20000);
	rig->good_token = "token-2";
	for (int i = 0; i < 10; i++)
		start(rig, CLOUD_EVACUATE, 20000);
	wait_for(rig, 10);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	assert_int_equal(rig->tokens, 2);
}

/* A 401 from inside nova is no proof that an evacuate call was not begun: it is not sent again. A question is. */
static void test_inner_401(void **state)
{
	struct rig *rig = *state;

	rig->good_token = "token-2";
	rig->is_inner_401 = true;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_AUTH, "authentication");
	assert_int_equal(rig->calls, 1);
	run_one(rig, CLOUD_SERVICES, 20000);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	assert_int_equal(rig->calls, 3);
}

static void test_endless_401(void **state)
{
	struct rig *rig = *state;

	rig->good_token = "never";
	for (int i = 0; i < 5; i++)
		start(rig, CLOUD_SERVICES, 20000);
	wait_for(rig, 5);
	expect_last(rig, OUTCOME_REFUSED, FAULT_AUTH, "authentication");
	assert_int_equal(rig->calls, 10);
	assert_in_range(rig->tokens, 2, 6);
}

static void test_renewed_before_its_end(void **state)
{
	struct rig *rig = *state;

	int64_t token_ms = 0;

	rig->token_life_s = 2;
	/* a token of 2 s is renewed after 1.5 s: calls go on until that was seen */
	while (rig->tokens < 2) {
		token_ms = io_boot_ms();
		run_one(rig, CLOUD_SERVICES, 20000);
		expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	}
	assert_int_equal(rig->versions, 1);
	/* keystone away from now on: the token serves to its end, and not beyond */
	rig->token_status = 503;
	while (rig->last.outcome == OUTCOME_DONE)
		run_one(rig, CLOUD_SERVICES, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "503");
	assert_true(io_boot_ms() - token_ms >= 2000);
	assert_in_range(rig->tokens, 3, 5);
}

static void test_bad_answers(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum how how;
		enum outcome get, post;
		enum fault_class get_fault, post_fault;
	} rows[] = {
	    {200, "garbage", HOW_ANSWER, OUTCOME_REFUSED, OUTCOME_DONE, FAULT_TRANSIENT, FAULT_NONE},
	    {200, "{\"services\":[", HOW_ANSWER, OUTCOME_REFUSED, OUTCOME_DONE, FAULT_TRANSIENT, FAULT_NONE},
	    {200, "", HOW_CUT, OUTCOME_REFUSED, OUTCOME_UNKNOWN, FAULT_TRANSIENT, FAULT_TRANSIENT},
	    {503, "", HOW_ANSWER, OUTCOME_REFUSED, OUTCOME_UNKNOWN, FAULT_TRANSIENT, FAULT_TRANSIENT},
	    {302, "", HOW_ANSWER, OUTCOME_REFUSED, OUTCOME_REFUSED, FAULT_STATE, FAULT_STATE},
	    {429, "", HOW_ANSWER, OUTCOME_REFUSED, OUTCOME_REFUSED, FAULT_TRANSIENT, FAULT_TRANSIENT},
	};
	struct rig *rig = *state;

	rig->retry_after = "7";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig->status = rows[i].status;
		rig->body = rows[i].body;
		rig->how = rows[i].how;
		run_one(rig, CLOUD_SERVICES, 20000);
		expect_last(rig, rows[i].get, rows[i].get_fault, "");
		run_one(rig, CLOUD_EVACUATE, 20000);
		expect_last(rig, rows[i].post, rows[i].post_fault, "");
	}
	assert_int_equal(rig->last.retry_after_s, 7);
}

static void test_deadline(void **state)
{
	struct rig *rig = *state;

	run_one(rig, CLOUD_SERVICES, 20000);
	rig->how = HOW_HANG;
	run_one(rig, CLOUD_SERVICES, 200);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "");
	run_one(rig, CLOUD_EVACUATE, 200);
	expect_last(rig, OUTCOME_UNKNOWN, FAULT_TRANSIENT, "");
}

/* A call whose turn never came was certainly not made. */
static void test_deadline_in_the_queue(void **state)
{
	struct rig *rig = *state;

	session_make(rig, 1);
	run_one(rig, CLOUD_SERVICES, 20000);
	rig->how = HOW_HANG;
	start(rig, CLOUD_EVACUATE, 20000);
	run_one(rig, CLOUD_EVACUATE, 200);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "not sent in time");
}

static void test_deadline_without_token(void **state)
{
	struct rig *rig = *state;

	rig->is_late_token = true;
	run_one(rig, CLOUD_EVACUATE, 100);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "no token");
	assert_int_equal(rig->calls, 0);
}

static void test_nobody_there(void **state)
{
	struct rig *rig = *state;

	MHD_stop_daemon(rig->daemon);
	rig->daemon = NULL;
	run_one(rig, CLOUD_EVACUATE, 20000);
	expect_last(rig, OUTCOME_REFUSED, FAULT_TRANSIENT, "token from keystone");
}

static void test_cancel(void **state)
{
	struct rig *rig = *state;
	struct cloud_op *first, *second;

	run_one(rig, CLOUD_SERVICES, 20000);
	rig->how = HOW_HANG;
	first = start(rig, CLOUD_EVACUATE, 20000);
	rig->ended = 0;
	cloud_session_cancel(rig->session, first);
	rig->how = HOW_ANSWER;
	session_make(rig, 1);
	first = start(rig, CLOUD_EVACUATE, 20000);
	second = start(rig, CLOUD_EVACUATE, 20000);
	start(rig, CLOUD_SERVICES, 20000);
	cloud_session_cancel(rig->session, second);
	cloud_session_cancel(rig->session, first);
	wait_for(rig, 1);
	expect_last(rig, OUTCOME_DONE, FAULT_NONE, "");
	assert_int_equal(rig->last.n_services, 1);
}

static void test_start_window(void **state)
{
	struct cloud_args call = {.kind = CLOUD_EVACUATE, .instance = INSTANCE};
	struct cloud_waiter late = {.timeout_ms = 20000, .done = on_done, .arg = *state, .start_by_ms = 1};

	cloud_session_start(((struct rig *)*state)->session, &call, &late, NULL, NULL);
	wait_for(*state, 1);
	expect_last(*state, OUTCOME_REFUSED, FAULT_TRANSIENT, "start window");
}
static void test_bounds(void **state)
{
	const struct cloud_args args = {.kind = CLOUD_SERVICES};
	const struct cloud_args bad = {.kind = CLOUD_EVACUATE, .instance = "/"};
	struct cloud_waiter waiter = {.timeout_ms = 20000, .done = on_done, .arg = *state};
	struct rig *rig = *state;
	struct osha_err err;

	rig->is_late_token = true;
	assert_int_equal(cloud_session_start(rig->session, &bad, &waiter, NULL, &err), -OSHA_E_USAGE);
	for (int i = 0; i < CLOUD_SESSION_QUEUE_MAX; i++)
		start(rig, CLOUD_SERVICES, 20000);
	assert_int_equal(cloud_session_start(rig->session, &args, &waiter, NULL, &err), -OSHA_E_FULL);
	waiter.timeout_ms = 0;
	assert_int_equal(cloud_session_start(rig->session, &args, &waiter, NULL, &err), -OSHA_E_USAGE);
}

int main(void)
{
#define RIGGED(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)
	const struct CMUnitTest tests[] = {
	    RIGGED(test_token_is_shared),
	    RIGGED(test_start_window),
	    RIGGED(test_limit),
	    RIGGED(test_wrong_password),
	    RIGGED(test_keystone_ails),
	    RIGGED(test_no_endpoint),
	    RIGGED(test_old_cloud),
	    RIGGED(test_revoked_token),
	    RIGGED(test_inner_401),
	    RIGGED(test_endless_401),
	    RIGGED(test_renewed_before_its_end),
	    RIGGED(test_bad_answers),
	    RIGGED(test_deadline),
	    RIGGED(test_deadline_in_the_queue),
	    RIGGED(test_deadline_without_token),
	    RIGGED(test_nobody_there),
	    RIGGED(test_cancel),
	    RIGGED(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
