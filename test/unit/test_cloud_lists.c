/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what is there: one server, the servers of a host, evacuations, the inventory; paging, other hosts' rows, parts of the cloud away. */
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

static struct cloud_call *ask(const char *server, const char *moves)
{
	const struct script_line lines[] = {
	    {"GET", "/servers/" A, NULL, 200, server, 0, 0},
	    {"GET", HISTORY_PATH(A), NULL, 200, moves, 0, 0},
	};
	const struct cloud_args args = on_a(CLOUD_ASK);

	return SCRIPT_PLAY(&args, lines);
}

/* The moment when the server looks untouched although its evacuation is ending: the record tells. */
static void test_ask_in_the_gap(void **state)
{
	CLOUD_CALL_AUTO struct cloud_call *call = ask("{\"server\":" ROW(A, "active", "null", "\"c1\"") "}",
	    MOVES(MOVE("7", A, "pre-migrating", "c1", "\"c2\"")));
	const struct instance_view *v = script_result(call, OUTCOME_DONE, FAULT_NONE)->instances;

	assert_true(v->exists);
	assert_int_equal(v->state, SERVER_ACTIVE);
	assert_int_equal(v->task, TASK_NONE);
	assert_string_equal(v->host, "c1");
	assert_int_equal(v->evacuation.status, MIGRATION_PRE_MIGRATING);
	assert_string_equal(v->evacuation.dest, "c2");
	assert_int_equal(v->evacuation.created_at_ms, INT64_C(1795343510000));
}

static void test_ask_completed(void **state)
{
	CLOUD_CALL_AUTO struct cloud_call *call = ask("{\"server\":" ROW(A, "active", "null", "\"c2\"") "}",
	    MOVES(MOVE("7", A, "failed", "c1", "\"c3\"") "," MOVE("9", A, "done", "c1", "\"c2\"")));
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_instances, 1);
	assert_string_equal(r->instances->host, "c2");
	assert_int_equal(r->instances->evacuation.id, 9);
	assert_int_equal(r->instances->evacuation.status, MIGRATION_DONE);
	assert_int_equal(r->n_unfinished, 1);
}

static void test_ask_no_valid_host(void **state)
{
	const struct script_line lines[] = {
	    {"GET", NULL, NULL, 200, "@nova__GET___v2.1_servers_{id}__mv2.90__200__no-valid-host.json", 0, 0},
	    {"GET", NULL, NULL, 200,
		"@nova__GET___v2.1_os-migrations@instance_uuid={id}__mv2.90__200__no-valid-host.json", 0, 0},
	};
	const struct cloud_args args = {.kind = CLOUD_ASK, .instance = "c3c940b1-624b-48cd-8759-762cc4cce535"};
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct instance_view *v = script_result(call, OUTCOME_DONE, FAULT_NONE)->instances;

	assert_int_equal(v->state, SERVER_ERROR);
	assert_string_equal(v->host, "cmp-01");
	assert_string_equal(v->name, "e-nohost");
	assert_string_equal(v->project, "eaa1c7e1031646ed8b8410b17c8ccfd9");
	assert_string_equal(v->fault, "No valid host was found. There are not enough hosts available.");
	assert_int_equal(v->fault_at_ms, INT64_C(1795343525000));
	assert_int_equal(v->evacuation.id, 432);
	assert_int_equal(v->evacuation.status, MIGRATION_FAILED);
	assert_string_equal(v->evacuation.dest, "");
}

/* The damage of a second evacuate call: the newest record is under way, the older one failed. */
static void test_ask_double_evacuation(void **state)
{
	const struct script_line lines[] = {
	    {"GET", NULL, NULL, 200, "@nova__GET___v2.1_servers_{id}__mv2.90__200__evacuating-rebuild_spawning.json", 0,
		0},
	    {"GET", NULL, NULL, 200, "@nova__GET___v2.1_os-migrations@instance_uuid={id}__mv2.90__200__evacuating.json",
		0, 0},
	};
	const struct cloud_args args = {.kind = CLOUD_ASK, .instance = "5078f212-25f8-440c-b507-58113c1e7c39"};
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->instances->state, SERVER_ERROR);
	assert_int_equal(r->instances->evacuation.id, 428);
	assert_int_equal(r->instances->evacuation.status, MIGRATION_ACCEPTED);
	assert_int_equal(r->n_unfinished, 1);
	assert_true(strncmp(r->instances->fault, "Conflict updating instance 5078f212", 35) == 0);
}

/* The other order: an older record still under way is not hidden by a newer one that failed. */
static void test_ask_hidden_record(void **state)
{
	CLOUD_CALL_AUTO struct cloud_call *call = ask("{\"server\":" ROW(A, "error", "null", "\"c1\"") "}",
	    MOVES(MOVE("8", A, "failed", "c1", "\"c3\"") "," MOVE("7", A, "pre-migrating", "c1", "\"c2\"")));
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->instances->evacuation.id, 8);
	assert_int_equal(r->n_unfinished, 1);
	assert_int_equal(r->unfinished->id, 7);
	assert_int_equal(r->instances[0].unfinished.id, 7);
}

static void test_ask_other_rows_are_left_out(void **state)
{
	CLOUD_CALL_AUTO struct cloud_call *call = ask("{\"server\":" ROW(A, "stopped", "\"powering-off\"", "null") "}",
	    MOVES(MOVE(
		"9", B, "done", "c1", "\"c2\"") ",{\"id\":10,\"uuid\":\"m\",\"instance_uuid\":\"" A
						"\",\"status\":\"running\",\"migration_type\":\"live-migration\"}"));
	const struct instance_view *v = script_result(call, OUTCOME_DONE, FAULT_NONE)->instances;

	assert_int_equal(v->evacuation.id, 0);
	assert_int_equal(v->evacuation.status, MIGRATION_NONE);
	assert_string_equal(v->host, "");
	assert_int_equal(v->task, TASK_OTHER);
}

static void test_ask_gone(void **state)
{
	const struct script_line gone[] = {
	    {"GET", "/servers/" A, NULL, 404, GONE, 0, 0},
	    {"GET", HISTORY_PATH(A), NULL, 200, MOVES(MOVE("3", A, "done", "c1", "\"c2\"")), 0, 0},
	};
	const struct script_line lost[] = {{"GET", "/servers/" A, NULL, 404, "<html>", 0, 0}};
	const struct cloud_args args = on_a(CLOUD_ASK);
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&args, gone);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&args, lost);
	const struct instance_view *v = script_result(one, OUTCOME_DONE, FAULT_NONE)->instances;

	assert_false(v->exists);
	assert_string_equal(v->uuid, A);
	assert_int_equal(v->evacuation.id, 3);
	script_result(two, OUTCOME_REFUSED, FAULT_TRANSIENT);
}

/* A server of a cell that cannot be reached, and an answer about another server: nothing is known. */
static void test_ask_untrustworthy(void **state)
{
	static const char *const answers[] = {
	    "{\"server\":{\"id\":\"" A
	    "\",\"status\":\"UNKNOWN\",\"tenant_id\":\"p1\",\"created\":\"2026-11-22T11:11:08Z\"}}",
	    "{\"server\":" ROW(B, "active", "null", "\"c1\"") "}",
	    "{\"server\":[]}",
	    "[]",
	    "{\"server\":{\"id\":\"" A "\",\"OS-EXT-SRV-ATTR:host\":7}}",
	};
	const struct cloud_args args = on_a(CLOUD_ASK);

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		const struct script_line lines[] = {{"GET", "/servers/" A, NULL, 200, answers[i], 0, 0}};
		CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

		assert_int_equal(script_result(call, OUTCOME_REFUSED, FAULT_TRANSIENT)->n_instances, 0);
	}
}

/* One request each, and what was not asked for is said to be lacking. */
static void test_brief_forms(void **state)
{
	const struct script_line server[] = {
	    {"GET", "/servers/" A, NULL, 200, "{\"server\":" ROW(A, "active", "null", "\"c2\"") "}", 0, 0}};
	const struct script_line migrations[] = {
	    {"GET", "/os-migrations?migration_type=evacuation&source_compute=c1&limit=500", NULL, 200,
		MOVES(MOVE("3", A, "done", "c1", "\"c2\"")), 0, 0}};
	const struct cloud_args ask = {.kind = CLOUD_ASK, .instance = A, .is_brief = true};
	const struct cloud_args from = {.kind = CLOUD_MIGRATIONS_FROM, .host = "c1", .is_brief = true};
	const struct cloud_args inventory = {.kind = CLOUD_INVENTORY, .host = "c1", .is_brief = true};
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&ask, server);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&from, migrations);
	CLOUD_CALL_AUTO struct cloud_call *three = NULL;
	const struct cloud_result *r = script_result(one, OUTCOME_DONE, FAULT_NONE);

	(void)state;
	assert_int_equal(r->n_instances, 1);
	assert_true(r->instances[0].lacks_history);
	assert_string_equal(r->instances[0].host, "c2");
	assert_int_equal(r->instances[0].evacuation.id, 0);
	r = script_result(two, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(r->n_migrations, 1);
	assert_int_equal(r->migrations[0].status, MIGRATION_DONE);
	assert_true(cloud_call_begin(&inventory, &three, NULL) < 0);
}

static void test_servers_paged(void **state)
{
	const struct script_line lines[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 200,
		"{\"servers\":[" ROW(B, "active", "null", "\"c1\"") "," ROW(C, "active", "null", "\"c10\"") "]," NEXT(
		    "servers_links") "}",
		0, 0},
	    {"GET", DETAIL_PATH "&marker=" C, NULL, 200,
		SERVERS(ROW(A, "stopped", "null", "\"c1\"") "," ROW(B, "active", "null", "\"c1\"")), 0, 0},
	    FIND,
	};
	const struct cloud_args args = on_c1(CLOUD_SERVERS_OF_HOST);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_instances, 2);
	assert_string_equal(r->instances[0].uuid, A);
	assert_int_equal(r->instances[0].state, SERVER_STOPPED);
	assert_string_equal(r->instances[1].uuid, B);
	assert_false(r->is_partial);
}

static void test_pages_that_repeat(void **state)
{
	const char *const page = "{\"servers\":[" ROW(A, "active", "null", "\"c1\"") "]," NEXT("servers_links") "}";
	const char *const empty = "{\"servers\":[]," NEXT("servers_links") "}";
	const struct script_line repeated[] = {FIND, {"GET", DETAIL_PATH, NULL, 200, page, 0, 0},
	    {"GET", DETAIL_PATH "&marker=" A, NULL, 200, page, 0, 0}};
	const struct script_line nothing[] = {FIND, {"GET", DETAIL_PATH, NULL, 200, empty, 0, 0}};
	const struct cloud_args args = on_c1(CLOUD_SERVERS_OF_HOST);
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&args, repeated);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&args, nothing);

	script_result(one, OUTCOME_REFUSED, FAULT_TRANSIENT);
	script_result(two, OUTCOME_REFUSED, FAULT_TRANSIENT);
}

static void test_pages_without_end(void **state)
{
	const struct cloud_args args = {.kind = CLOUD_MIGRATIONS_FROM, .host = "c1"};
	CLOUD_CALL_AUTO struct cloud_call *call = NULL;
	char page[512];
	int requests = 1;

	assert_int_equal(cloud_call_begin(&args, &call, NULL), 0);
	cloud_call_answer(call, &(struct cloud_answer){.status = 200, .body = C1_DOWN, .body_size = strlen(C1_DOWN)});
	do {
		snprintf(page, sizeof(page),
		    "{\"migrations\":[{\"id\":%d,\"uuid\":\"m-%d\",\"instance_uuid\":\"i\",\"status\":\"done\","
		    "\"migration_type\":\"evacuation\",\"source_compute\":\"c1\",\"dest_compute\":\"c2\"}]," NEXT(
			"migrations_links") "}",
		    requests, requests);
		requests++;
	} while (cloud_call_answer(call,
		     &(struct cloud_answer){.status = 200, .body = page, .body_size = strlen(page)}) == CLOUD_MORE);
	assert_int_equal(requests, CLOUD_PAGES_MAX + 1);
	script_result(call, OUTCOME_REFUSED, FAULT_TRANSIENT);
}

static void test_marker_has_gone(void **state)
{
	const struct script_line lines[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 200,
		"{\"servers\":[" ROW(A, "active", "null", "\"c1\"") "]," NEXT("servers_links") "}", 0, 0},
	    {"GET", NULL, NULL, 400, "{\"badRequest\":{\"code\":400,\"message\":\"Marker aaaa could not be found.\"}}",
		0, 0},
	};
	const struct cloud_args args = on_c1(CLOUD_SERVERS_OF_HOST);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);

	script_result(call, OUTCOME_REFUSED, FAULT_TRANSIENT);
}

/* Neutron away: long list 500, short list fine, single servers 500 as well. All are listed, none is known. */
static void test_neutron_away(void **state)
{
	const struct script_line lines[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 500, BROKEN, 0, 0},
	    {"GET", SHORT_PATH, NULL, 200,
		SERVERS("{\"id\":\"" A "\",\"name\":\"a\"},{\"id\":\"" B "\",\"name\":\"b\"},{\"id\":\"" C
			"\",\"name\":\"c\"}"),
		0, 0},
	    {"GET", "/servers/" A, NULL, 500, BROKEN, 0, 0},
	    {"GET", "/servers/" B, NULL, 0, NULL, OSHA_E_TIMEOUT, true},
	    {"GET", MIGRATIONS_PATH, NULL, 200, MOVES(MOVE("4", B, "accepted", "c1", "null")), 0, 0},
	    FIND,
	};
	const struct cloud_args args = on_c1(CLOUD_INVENTORY);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_true(r->is_partial);
	assert_int_equal(r->n_instances, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(r->instances[i].exists);
		assert_int_equal(r->instances[i].state, SERVER_UNKNOWN);
		assert_int_equal(r->instances[i].task, TASK_UNKNOWN);
		assert_string_equal(r->instances[i].host, "c1");
	}
	assert_int_equal(r->instances[1].evacuation.id, 4);
}

/* One server that nova cannot show spoils the long list; the others are read one by one. */
static void test_one_bad_server(void **state)
{
	const struct script_line lines[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 0, NULL, OSHA_E_TIMEOUT, true},
	    {"GET", SHORT_PATH, NULL, 200,
		"@nova__GET___v2.1_servers@host=cmp-01&all_tenants=1__mv2.90__200__short.json", 0, 0},
	    {"GET", "/servers/57551399-55b8-44ea-ac16-93b7bf601cb1", NULL, 500, BROKEN, 0, 0},
	    {"GET", "/servers/86389e77-849b-4a59-8a4c-c1469b6cfab6", NULL, 200,
		"{\"server\":" ROW("86389e77-849b-4a59-8a4c-c1469b6cfab6", "paused", "null", "\"c1\"") "}", 0, 0},
	    {"GET", "/servers/b5acfa83-0d2c-45ac-8cb4-a5326794fa7d", NULL, 200,
		"{\"server\":" ROW("b5acfa83-0d2c-45ac-8cb4-a5326794fa7d", "active", "null", "\"c3\"") "}", 0, 0},
	    FIND,
	};
	const struct cloud_args args = on_c1(CLOUD_SERVERS_OF_HOST);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_instances, 2);
	assert_string_equal(r->instances[0].name, "g-meta");
	assert_int_equal(r->instances[0].state, SERVER_UNKNOWN);
	assert_int_equal(r->instances[1].state, SERVER_PAUSED);
	assert_true(r->is_partial);
}

/* On the host, leaving it, and on the way to it: A sits there, B is being evacuated from c5 onto it, C's record is stale. */
static void test_inventory(void **state)
{
	const struct script_line lines[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 200, SERVERS(ROW(A, "active", "\"rebuild_spawning\"", "\"c1\"")), 0, 0},
	    {"GET", MIGRATIONS_PATH, NULL, 200,
		MOVES(MOVE("21", A, "pre-migrating", "c1", "\"c2\"") "," MOVE("20", B, "pre-migrating", "c5",
		    "\"c1\"") "," MOVE("19", C, "accepted", "c6", "\"c1\"") "," MOVE("18", C, "done", "c1",
		    "\"c6\"") "," MOVE("17", B, "pre-migrating", "c7", "\"c8\"")),
		0, 0},
	    {"GET", "/servers/" B, NULL, 200, "{\"server\":" ROW(B, "stopped", "\"rebuilding\"", "\"c5\"") "}", 0, 0},
	    {"GET", HISTORY_PATH(B), NULL, 200, MOVES(MOVE("20", B, "pre-migrating", "c5", "\"c1\"")), 0, 0},
	    {"GET", "/servers/" C, NULL, 200, "{\"server\":" ROW(C, "active", "null", "\"c9\"") "}", 0, 0},
	    {"GET", HISTORY_PATH(C), NULL, 200,
		MOVES(MOVE("19", C, "accepted", "c6", "\"c1\"") "," MOVE("22", C, "done", "c6", "\"c9\"")), 0, 0},
	    FIND,
	};
	const struct cloud_args args = on_c1(CLOUD_INVENTORY);
	CLOUD_CALL_AUTO struct cloud_call *call = SCRIPT_PLAY(&args, lines);
	const struct cloud_result *r = script_result(call, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_instances, 2);
	assert_false(r->is_partial);
	assert_string_equal(r->instances[0].uuid, A);
	assert_int_equal(r->instances[0].task, TASK_REBUILDING);
	assert_int_equal(r->instances[0].evacuation.id, 21);
	assert_string_equal(r->instances[1].uuid, B);
	assert_string_equal(r->instances[1].host, "c5");
	assert_int_equal(r->instances[1].state, SERVER_STOPPED);
	assert_string_equal(r->instances[1].evacuation.dest, "c1");
	assert_int_equal(r->n_unfinished, 4);
}

/* nova leaves out the servers of a cell it cannot reach: the empty list must not be believed, before or after. */
static void test_cell_away(void **state)
{
	const char *const away = SERVICES("{\"binary\":\"nova-compute\",\"host\":\"c1\",\"status\":\"UNKNOWN\"}");
	const struct script_line before[] = {{"GET", FIND_PATH, NULL, 200, away, 0, 0}};
	const struct script_line after[] = {
	    FIND,
	    {"GET", DETAIL_PATH, NULL, 200, SERVERS(""), 0, 0},
	    {"GET", MIGRATIONS_PATH, NULL, 200, MOVES(""), 0, 0},
	    {"GET", FIND_PATH, NULL, 200, away, 0, 0},
	};
	const struct cloud_args args = on_c1(CLOUD_INVENTORY);
	const struct cloud_args look = on_c1(CLOUD_SERVICE_OF_HOST);
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&args, before);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&args, after);
	CLOUD_CALL_AUTO struct cloud_call *three = SCRIPT_PLAY(&look, before);

	script_result(one, OUTCOME_REFUSED, FAULT_TRANSIENT);
	script_result(two, OUTCOME_REFUSED, FAULT_TRANSIENT);
	assert_int_equal(script_result(three, OUTCOME_DONE, FAULT_NONE)->services[0].view.state, SIGN_UNKNOWN);
}

static void test_migrations_both_ways(void **state)
{
	const char *const moves = MOVES(MOVE("1", A, "completed", "c1", "\"c2\"") "," MOVE(
	    "2", A, "done", "c1", "\"c3\"") "," MOVE("3", B, "accepted", "c10", "\"c1\"") "," MOVE("4", C, "error",
	    "c1", "null") "," MOVE("2", C, "accepted", "c1", "null"));
	const struct script_line from[] = {FIND,
	    {"GET", "/os-migrations?migration_type=evacuation&source_compute=c1&limit=500", NULL, 200, moves, 0, 0},
	    FIND};
	const struct script_line onto[] = {FIND, {"GET", MIGRATIONS_PATH, NULL, 200, moves, 0, 0}, FIND};
	const struct cloud_args args_from = on_c1(CLOUD_MIGRATIONS_FROM);
	const struct cloud_args args_onto = on_c1(CLOUD_MIGRATIONS_ONTO);
	CLOUD_CALL_AUTO struct cloud_call *one = SCRIPT_PLAY(&args_from, from);
	CLOUD_CALL_AUTO struct cloud_call *two = SCRIPT_PLAY(&args_onto, onto);
	const struct cloud_result *r = script_result(one, OUTCOME_DONE, FAULT_NONE);

	assert_int_equal(r->n_migrations, 2);
	assert_int_equal(r->migrations[0].id, 2);
	assert_int_equal(r->migrations[1].id, 4);
	assert_int_equal(r->n_unfinished, 2);
	assert_int_equal(r->unfinished[0].status, MIGRATION_DONE);
	assert_int_equal(r->unfinished[1].status, MIGRATION_ACCEPTED);
	r = script_result(two, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(r->n_migrations, 1);
	assert_string_equal(r->migrations[0].source, "c10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ask_in_the_gap),
	    cmocka_unit_test(test_ask_completed),
	    cmocka_unit_test(test_ask_no_valid_host),
	    cmocka_unit_test(test_ask_double_evacuation),
	    cmocka_unit_test(test_ask_hidden_record),
	    cmocka_unit_test(test_ask_other_rows_are_left_out),
	    cmocka_unit_test(test_ask_gone),
	    cmocka_unit_test(test_ask_untrustworthy),
	    cmocka_unit_test(test_brief_forms),
	    cmocka_unit_test(test_servers_paged),
	    cmocka_unit_test(test_pages_that_repeat),
	    cmocka_unit_test(test_pages_without_end),
	    cmocka_unit_test(test_marker_has_gone),
	    cmocka_unit_test(test_neutron_away),
	    cmocka_unit_test(test_one_bad_server),
	    cmocka_unit_test(test_inventory),
	    cmocka_unit_test(test_cell_away),
	    cmocka_unit_test(test_migrations_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
