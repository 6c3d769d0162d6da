/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that change something, and the small ones: which requests come, and what each answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/cloud_answers.h"
#include "test/unit/cloud_script.h"

static struct cloud_args on_c1(enum cloud_kind kind)
{
	return (struct cloud_args){.kind = kind, .host = "c1", .reason = "osha kq3f7m-42"};
}

static struct cloud_args on_a(enum cloud_kind kind)
{
	return (struct cloud_args){.kind = kind, .instance = A};
}

static void test_force_down(void **state)
{
	const struct script_line lines[] = {
	    {"GET", FIND_PATH, NULL, 200,
		SERVICES(SERVICE("c10", "enabled", "up", "false") "," SERVICE("c1", "enabled", "down", "false")), 0, 0},
	    {"PUT", "/os-services/id-c1", "{\"forced_down\":true}", 200,
		"{\"service\":" SERVICE("c1", "enabled", "down", "true") "}", 0, 0},
	};
	const struct cloud_args args = on_c1(CLOUD_FORCE_DOWN);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_false(r->was_already);
	assert_int_equal(r->n_services, 1);
	assert_string_equal(r->services[0].host, "c1");
	assert_true(r->services[0].view.forced_down);
}

static void test_already_forced_down(void **state)
{
	const struct script_line lines[] = {FIND};
	const struct cloud_args args = on_c1(CLOUD_FORCE_DOWN);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

	assert_true(script_result(call, OUTCOME_DONE, FAULT_NONE)->was_already);
}

/* A filter that answers with other hosts must not make us force down another host. */
static void test_host_is_exact(void **state)
{
	static const char *const others[] = {
	    SERVICES(SERVICE("c10", "enabled", "up", "false")),
	    SERVICES(SERVICE("C1", "enabled", "up", "false")),
	    SERVICES(SERVICE("c1-example", "enabled", "up", "false")),
	    SERVICES(""),
	    SERVICES(
		"{\"binary\":\"nova-conductor\",\"host\":\"c1\",\"id\":\"x\",\"status\":\"enabled\",\"state\":\"up\"}"),
	};
	const struct cloud_args args = on_c1(CLOUD_FORCE_DOWN);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const struct script_line lines[] = {{"GET", FIND_PATH, NULL, 200, others[i], 0, 0}};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

		script_result(call, OUTCOME_REFUSED, FAULT_MISSING);
	}
}

static void test_two_services_of_one_name(void **state)
{
	const struct script_line lines[] = {
	    {"GET", FIND_PATH, NULL, 200,
		SERVICES(SERVICE("c1", "enabled", "up", "false") "," SERVICE("c1", "enabled", "down", "false")), 0, 0},
	};
	const struct cloud_args args = on_c1(CLOUD_FORCE_DOWN);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

	script_result(call, OUTCOME_REFUSED, FAULT_STATE);
}

static void test_disable_and_enable(void **state)
{
	const struct script_line disable[] = {
	    FIND_UP,
	    {"PUT", "/os-services/id-c1", "{\"status\":\"disabled\",\"disabled_reason\":\"osha kq3f7m-42\"}", 200,
		"{\"service\":{\"binary\":\"nova-compute\",\"host\":\"c1\",\"id\":\"id-c1\",\"status\":\"disabled\","
		"\"state\":\"up\","
		"\"disabled_reason\":\"osha kq3f7m-42\",\"forced_down\":false}}",
		0, 0},
	};
	const struct script_line enable[] = {
	    {"GET", FIND_PATH, NULL, 200, SERVICES(SERVICE("c1", "disabled", "up", "false")), 0, 0},
	    {"PUT", "/os-services/id-c1", "{\"status\":\"enabled\"}", 200,
		"{\"service\":" SERVICE("c1", "enabled", "up", "false") "}", 0, 0},
	};
	const struct cloud_args off = on_c1(CLOUD_DISABLE);
	const struct cloud_args on = on_c1(CLOUD_ENABLE);
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&off, disable);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&on, enable);

	assert_string_equal(
	    script_result(one, OUTCOME_DONE, FAULT_NONE)->services[0].view.disabled_reason, "osha kq3f7m-42");
	script_result(two, OUTCOME_DONE, FAULT_NONE);
}

/* What becomes of a PUT whose answer does not say that it was done. */
static void test_put_answers(void **state)
{
	static const struct {
		struct script_line line;
		enum outcome outcome;
		enum fault_class fault;
	} rows[] = {
	    {{"PUT", NULL, "{\"forced_down\":false}", 200, "garbage", 0, 0}, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 200, "", 0, 0}, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 200, "{\"service\":" SERVICE("c2", "enabled", "up", "false") "}",
		 0, 0},
		OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 200, "{\"service\":" SERVICE("c1", "enabled", "down", "true") "}",
		 0, 0},
		OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 503, NULL, 0, 0}, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 302, NULL, 0, 0}, OUTCOME_REFUSED, FAULT_STATE},
	    {{"PUT", NULL, "{\"forced_down\":false}", 0, NULL, OSHA_E_NET, false}, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 0, NULL, OSHA_E_TIMEOUT, true}, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {{"PUT", NULL, "{\"forced_down\":false}", 400,
		 "{\"badRequest\":{\"code\":400,\"message\":\"Unable to force up host c1 as `done` evacuation "
		 "migration records "
		 "remain associated with the host.\"}}",
		 0, 0},
		OUTCOME_REFUSED, FAULT_LEFTOVER},
	};
	const struct cloud_args args = on_c1(CLOUD_UNFORCE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct script_line lines[] = {FIND, rows[i].line};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

		assert_int_equal(script_result(call, rows[i].outcome, rows[i].fault)->n_services, 0);
	}
}

/* Every way an evacuate call can end. */
static void test_evacuate_answers(void **state)
{
	static const struct {
		int status;
		const char *answer;
		int transport;
		bool was_sent;
		enum outcome outcome;
		enum fault_class fault;
	} rows[] = {
	    {200, NULL, 0, 0, OUTCOME_DONE, FAULT_NONE},
	    {200, "<html>garbage", 0, 0, OUTCOME_DONE, FAULT_NONE},
	    {202, "{}", 0, 0, OUTCOME_DONE, FAULT_NONE},
	    {0, NULL, OSHA_E_NET, false, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {0, NULL, OSHA_E_NET, true, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {0, NULL, OSHA_E_TIMEOUT, true, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {0, NULL, OSHA_E_TLS, false, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {0, NULL, OSHA_E_AUTH, false, OUTCOME_REFUSED, FAULT_AUTH},
	    {0, NULL, OSHA_E_CONFIG, false, OUTCOME_REFUSED, FAULT_STATE},
	    {0, NULL, OSHA_E_AUTH, true, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {301, NULL, 0, 0, OUTCOME_REFUSED, FAULT_STATE},
	    {307, NULL, 0, 0, OUTCOME_REFUSED, FAULT_STATE},
	    {400, NULL, 0, 0, OUTCOME_REFUSED, FAULT_STATE},
	    {401, NULL, 0, 0, OUTCOME_REFUSED, FAULT_AUTH},
	    {403, NULL, 0, 0, OUTCOME_REFUSED, FAULT_AUTH},
	    {404, GONE, 0, 0, OUTCOME_REFUSED, FAULT_MISSING},
	    {404, "<html>not here</html>", 0, 0, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {405, NULL, 0, 0, OUTCOME_REFUSED, FAULT_STATE},
	    {408, NULL, 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {409,
		"{\"conflictingRequest\":{\"code\":409,\"message\":\"Cannot 'evacuate' instance x while it is in "
		"vm_state paused\"}}",
		0, 0, OUTCOME_REFUSED, FAULT_STATE},
	    {409,
		"{\"conflictingRequest\":{\"code\":409,\"message\":\"Cannot 'stop' instance x while it is in "
		"task_state deleting\"}}",
		0, 0, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {409, NULL, 0, 0, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {413, NULL, 0, 0, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {429, NULL, 0, 0, OUTCOME_REFUSED, FAULT_TRANSIENT},
	    {500, BROKEN, 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {502, "<html>", 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {503, NULL, 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {99, NULL, 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	    {777, NULL, 0, 0, OUTCOME_UNKNOWN, FAULT_TRANSIENT},
	};
	const struct cloud_args args = on_a(CLOUD_EVACUATE);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct script_line lines[] = {{"POST", "/servers/" A "/action", "{\"evacuate\":{}}",
		    rows[i].status, rows[i].answer, rows[i].transport, rows[i].was_sent}};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
		const struct cloud_result *r = script_result(call, rows[i].outcome, rows[i].fault);

		assert_int_equal(r->reason[0] == '\0', rows[i].outcome == OUTCOME_DONE);
	}
}

static void test_actions(void **state)
{
	static const struct {
		enum cloud_kind kind;
		const char *body;
	} rows[] = {
	    {CLOUD_STOP, "{\"os-stop\":null}"},
	    {CLOUD_START, "{\"os-start\":null}"},
	    {CLOUD_RESET_STATE, "{\"os-resetState\":{\"state\":\"error\"}}"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct cloud_args args = on_a(rows[i].kind);
		const struct script_line lines[] = {{"POST", "/servers/" A "/action", rows[i].body, 202, NULL, 0, 0}};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

		script_result(call, OUTCOME_DONE, FAULT_NONE);
	}
}

static void test_health(void **state)
{
	static const struct {
		const char *answer;
		enum sign scheduler, conductor;
	} rows[] = {
	    {SERVICES(""), SIGN_UNKNOWN, SIGN_UNKNOWN},
	    {SERVICES(
		 "{\"binary\":\"nova-scheduler\",\"host\":\"k1\",\"id\":\"1\",\"status\":\"enabled\",\"state\":"
		 "\"down\"},"
		 "{\"binary\":\"nova-scheduler\",\"host\":\"k2\",\"id\":\"2\",\"status\":\"enabled\",\"state\":\"up\"},"
		 "{\"binary\":\"nova-conductor\",\"host\":\"k1\",\"id\":\"3\",\"status\":\"enabled\",\"state\":"
		 "\"down\"}"),
		SIGN_ALIVE, SIGN_DEAD},
	    {SERVICES(
		 "{\"binary\":\"nova-scheduler\",\"host\":\"k2\",\"id\":\"2\",\"status\":\"enabled\",\"state\":\"up\"},"
		 "{\"binary\":\"nova-scheduler\",\"host\":\"k1\",\"id\":\"1\",\"status\":\"enabled\",\"state\":"
		 "\"down\"},"
		 "{\"binary\":\"nova-conductor\",\"host\":\"k1\",\"status\":\"UNKNOWN\"}"),
		SIGN_ALIVE, SIGN_UNKNOWN},
	};
	const struct cloud_args args = {.kind = CLOUD_HEALTH};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct script_line lines[] = {{"GET", "/os-services", NULL, 200, rows[i].answer, 0, 0}};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
		const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

		assert_int_equal(r->scheduler, rows[i].scheduler);
		assert_int_equal(r->conductor, rows[i].conductor);
	}
}

#define ASSIGNED(user)                                                                                                 \
	"{\"user\":{\"id\":\"" user "\",\"name\":\"n-" user                                                            \
	"\"},\"scope\":{\"project\":{\"id\":\"p1\"}},\"role\":{\"id\":\"r\"}}"

static void test_people(void **state)
{
	const struct script_line lines[] = {
	    {"GET", "/projects/p1", NULL, 200, "{\"project\":{\"id\":\"p1\",\"name\":\"demo\"}}", 0, 0},
	    {"GET", "/role_assignments?scope.project.id=p1&effective&include_names", NULL, 200,
		"{\"role_assignments\":[" ASSIGNED("u1") "," ASSIGNED("u2") "," ASSIGNED(
		    "u1") ",{\"group\":{\"id\":\"g\"}},"
			  "{\"user\":{\"id\":\"u9\"},\"scope\":{\"project\":{\"id\":\"p10\"}}}," ASSIGNED(
			      "u3") "," ASSIGNED("u4") "]}",
		0, 0},
	    {"GET", "/users/u1", NULL, 200,
		"{\"user\":{\"id\":\"u1\",\"name\":\"alice\",\"email\":\"alice@example.org\",\"enabled\":true}}", 0, 0},
	    {"GET", "/users/u2", NULL, 200,
		"{\"user\":{\"id\":\"u2\",\"name\":\"bob\",\"email\":\"bob@x\\nBcc: all\",\"enabled\":false}}", 0, 0},
	    {"GET", "/users/u3", NULL, 404, "{\"error\":{\"code\":404,\"message\":\"Could not find user: u3.\"}}", 0,
		0},
	    {"GET", "/users/u4", NULL, 502, NULL, 0, 0},
	};
	const struct cloud_args args = {.kind = CLOUD_PEOPLE_OF_PROJECT, .project = "p1"};
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_string_equal(r->project_name, "demo");
	assert_int_equal(r->n_people, 4);
	assert_string_equal(r->people[0].name, "alice");
	assert_string_equal(r->people[0].email, "alice@example.org");
	assert_true(r->people[0].is_enabled);
	assert_string_equal(r->people[1].email, "");
	assert_false(r->people[1].is_enabled);
	assert_int_equal(r->people[2].fault, FAULT_MISSING);
	assert_string_equal(r->people[2].name, "n-u3");
	assert_int_equal(r->people[3].fault, FAULT_TRANSIENT);
}

static void test_people_golden(void **state)
{
	const struct script_line lines[] = {
	    {"GET", NULL, NULL, 200, "@keystone__GET___v3_projects_{id}__200.json", 0, 0},
	    {"GET", NULL, NULL, 200,
		"@keystone__GET___v3_role_assignments@scope.project.id={id}&include_names__200.json", 0, 0},
	    {"GET", NULL, NULL, 200, "@keystone__GET___v3_users_{id}__200__with-email.json", 0, 0},
	};
	const struct cloud_args args = {.kind = CLOUD_PEOPLE_OF_PROJECT, .project = "bd34711f75144e478e88211d58a2b54a"};
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_people, 1);
	assert_string_equal(r->people[0].email, "alice@example.org");
}

static void test_arguments(void **state)
{
	static const struct cloud_args bad[] = {
	    {.kind = CLOUD_KIND_N},
	    {.kind = (enum cloud_kind) - 1},
	    {.kind = CLOUD_FORCE_DOWN},
	    {.kind = CLOUD_INVENTORY, .host = ""},
	    {.kind = CLOUD_EVACUATE, .instance = "../os-services"},
	    {.kind = CLOUD_EVACUATE},
	    {.kind = CLOUD_DISABLE, .host = "c1"},
	    {.kind = CLOUD_PEOPLE_OF_PROJECT, .project = "a b"},
	};
	const struct cloud_args odd = {.kind = CLOUD_FORCE_DOWN, .host = "c1&host=c2 #"};
	CLOUD_CALL_AUTO struct cloud_call *call = NULL;
	struct cloud_request request;
	struct osha_err err = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(cloud_call_begin(&bad[i], &call, &err), -OSHA_E_USAGE);
	assert_null(call);
	assert_int_equal(cloud_call_begin(&odd, &call, &err), 0);
	assert_true(cloud_call_request(call, &request));
	assert_string_equal(request.path, "/os-services?binary=nova-compute&host=c1%26host%3Dc2%20%23");
}

static void test_abandon(void **state)
{
	const struct cloud_args args = on_a(CLOUD_EVACUATE);
	CLOUD_CALL_AUTO struct cloud_call *sent = NULL, *unsent = NULL;

	assert_int_equal(cloud_call_begin(&args, &sent, NULL), 0);
	assert_int_equal(cloud_call_begin(&args, &unsent, NULL), 0);
	assert_null(cloud_call_result(sent));
	cloud_call_abandon(sent, -OSHA_E_TIMEOUT, true, "no answer within 30 s");
	cloud_call_abandon(unsent, -OSHA_E_TIMEOUT, false, NULL);
	assert_string_equal(script_result(sent, OUTCOME_UNKNOWN, FAULT_TRANSIENT)->reason, "no answer within 30 s");
	script_result(unsent, OUTCOME_REFUSED, FAULT_TRANSIENT);
	/* what comes after the end changes nothing */
	assert_int_equal(cloud_call_answer(sent, &(struct cloud_answer){.status = 200}), CLOUD_END);
	script_result(sent, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
}

static void test_oversized(void **state)
{
	const struct cloud_args args = {.kind = CLOUD_SERVICES};
	CLOUD_CALL_AUTO struct cloud_call *call = NULL;
	static const char empty[] = "{\"services\":[]}";
	const size_t size = CLOUD_BODY_MAX_BYTES + 1;
	char *body = malloc(size);

	assert_non_null(body);
	memset(body, ' ', size);
	memcpy(body, empty, sizeof(empty) - 1);
	assert_int_equal(cloud_call_begin(&args, &call, NULL), 0);
	cloud_call_answer(call, &(struct cloud_answer){.status = 200, .body = body, .body_size = size});
	script_result(call, OUTCOME_REFUSED, FAULT_TRANSIENT);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_force_down),
	    cmocka_unit_test(test_already_forced_down),
	    cmocka_unit_test(test_host_is_exact),
	    cmocka_unit_test(test_two_services_of_one_name),
	    cmocka_unit_test(test_disable_and_enable),
	    cmocka_unit_test(test_put_answers),
	    cmocka_unit_test(test_evacuate_answers),
	    cmocka_unit_test(test_actions),
	    cmocka_unit_test(test_health),
	    cmocka_unit_test(test_people),
	    cmocka_unit_test(test_people_golden),
	    cmocka_unit_test(test_arguments),
	    cmocka_unit_test(test_abandon),
	    cmocka_unit_test(test_oversized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
