/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded answer of a real nova and keystone, judged: a table says what each file must come out as, and a file
 * that the table does not name fails the test. test_cloud_call.c plays the sequences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cloud/call.h"
#include "cloud/identity.h"
#include "test/unit/cloud_script.h"

enum { NOT_A_CALL = -1 }; /* judged elsewhere (tokens, versions), or a request that we never make */

struct expectation {
	const char *match; /* part of the file's name; the first row that matches counts */
	int kind;
	enum outcome outcome;
	enum fault_class fault;
	const char *reason; /* part of it */
	size_t rows;        /* services, instances or migrations */
};

static const struct expectation expectations[] = {
    {"keystone__GET___v3_projects", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"keystone__GET___v3_role", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"keystone__GET___v3_users", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"keystone__POST", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"nova__GET_____200", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"nova__GET___v2.1___200", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"mv2.1__", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"mv2.13__", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"mv2.53__", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"mv2.67__", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"{id}_migrations", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"os-services@host=cmp-01", CLOUD_SERVICE_OF_HOST, OUTCOME_DONE, FAULT_NONE, "", 1},
    {"os-services@binary", CLOUD_SERVICES, OUTCOME_DONE, FAULT_NONE, "", 3},
    {"os-services__mv2.90__200", CLOUD_HEALTH, OUTCOME_DONE, FAULT_NONE, "", 5},
    {"os-services__mv2.90__401", CLOUD_HEALTH, OUTCOME_REFUSED, FAULT_AUTH, "requires authentication", 0},
    {"os-services__mv2.90__403", CLOUD_SERVICES, OUTCOME_REFUSED, FAULT_AUTH, "Policy doesn't allow", 0},
    {"PUT___v2.1_os-services_{id}__mv2.90__200__cleared", CLOUD_UNFORCE, OUTCOME_DONE, FAULT_NONE, "", 1},
    {"PUT___v2.1_os-services_{id}__mv2.90__200__forced", CLOUD_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE, "", 1},
    {"PUT___v2.1_os-services_{id}__mv2.90__400", CLOUD_UNFORCE, OUTCOME_REFUSED, FAULT_LEFTOVER,
	"Unable to force up host cmp-01", 0},
    {"os-migrations@source_compute=cmp-01&migration_type=evacuation&limit=5", CLOUD_MIGRATIONS_FROM, OUTCOME_DONE,
	FAULT_NONE, "", 3},
    {"os-migrations@instance_uuid", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"servers@host=cmp-01", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"limit=1__mv2.90__200__page", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"detail@host=cmp-01&all_tenants=1__mv2.90__200__one-server", CLOUD_SERVERS_OF_HOST, OUTCOME_DONE, FAULT_NONE, "",
	23},
    {"detail@host=cmp-01&all_tenants=1__mv2.90__200", CLOUD_SERVERS_OF_HOST, OUTCOME_DONE, FAULT_NONE, "", 3},
    {"detail@host=cmp-01&all_tenants=1__mv2.90__500", NOT_A_CALL, OUTCOME_UNKNOWN, FAULT_NONE, "", 0},
    {"servers_detail__mv2.90__200__host-down-as-tenant", CLOUD_SERVERS_OF_HOST, OUTCOME_REFUSED, FAULT_AUTH,
	"no administrator", 0},
    {"GET___v2.1_servers_{id}__mv2.90__200__as-tenant", CLOUD_ASK, OUTCOME_REFUSED, FAULT_AUTH, "no administrator", 0},
    {"GET___v2.1_servers_{id}__mv2.90", CLOUD_ASK, OUTCOME_DONE, FAULT_NONE, "", 1},
    {"POST___v2.1_servers_{id}_action__mv2.90__200", CLOUD_EVACUATE, OUTCOME_DONE, FAULT_NONE, "", 0},
    {"400__after-reset-state", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_BUSY, "cmp-02 is still in use", 0},
    {"400__again-on-live-host", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_BUSY, "cmp-02 is still in use", 0},
    {"400__host-", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_BUSY, "Compute service of cmp-01 is still in use.", 0},
    {"400__force-not", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_STATE, "Additional properties", 0},
    {"400__onShared", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_STATE, "Additional properties", 0},
    {"400__target-is-source", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_STATE, "can't be the same one", 0},
    {"action__mv2.90__403", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_AUTH, "os-evacuate", 0},
    {"action__mv2.90__404", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_MISSING, "not", 0},
    {"action__mv2.90__409", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_STATE, "while it is in vm_state", 0},
    {"action__mv2.90__500", CLOUD_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT, "ConnectFailure", 0},
    {"action__mv2.95__406", CLOUD_EVACUATE, OUTCOME_REFUSED, FAULT_STATE, "microversion refused: Version 2.95", 0},
};

static const struct expectation *expectation_of(const char *file)
{
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++)
		if (strstr(file, expectations[i].match))
			return &expectations[i];
	fail_msg("no expectation for %s", file);
	return NULL;
}

/* The requests around the one that the file answers. A service in the opposite state makes a PUT necessary. */
static void answer_around(struct cloud_call *call, enum cloud_kind kind, const char *path)
{
	static const char service[] =
	    "{\"services\":[{\"binary\":\"nova-compute\",\"host\":\"cmp-01\",\"id\":\"360b897d\","
	    "\"status\":\"enabled\",\"state\":\"down\",\"forced_down\":%s}]}";
	char body[512];
	struct cloud_answer answer = {.status = 200};

	if (strstr(path, "binary=nova-compute&host="))
		snprintf(body, sizeof(body), service, kind == CLOUD_UNFORCE ? "true" : "false");
	else
		snprintf(body, sizeof(body), "{\"migrations\":[]}");
	answer.body = body;
	answer.body_size = strlen(body);
	cloud_call_answer(call, &answer);
}

/* Is the current request the one that a file with this method, for this kind, answers? */
static bool request_is_meant(const struct cloud_request *request, const char *method, enum cloud_kind kind)
{
	if (strcmp(request->method, method) != 0)
		return false;
	if (kind == CLOUD_SERVERS_OF_HOST)
		return strstr(request->path, "/servers/detail") != NULL;
	if (kind == CLOUD_MIGRATIONS_FROM)
		return strstr(request->path, "/os-migrations") != NULL;
	return kind != CLOUD_ASK || !strstr(request->path, "/os-migrations");
}

static void id_of_path(const char *path, char id[UUID_SIZE])
{
	const char *p = strstr(path, "/servers/");

	str_copy(id, UUID_SIZE, p ? p + 9 : "5078f212-25f8-440c-b507-58113c1e7c39");
	id[strcspn(id, "/?")] = '\0';
	if (strcmp(id, "detail") == 0)
		str_copy(id, UUID_SIZE, "unused");
}

/* Our own call must be the recorded one, where that named neither a target nor another microversion. */
static void check_request(const struct cloud_request *request, const cJSON *row, const struct expectation *e)
{
	const cJSON *evacuate = json_object(json_object(row, "request_body"), "evacuate");
	char path[512];

	if (e->kind != CLOUD_EVACUATE || evacuate->child || !strstr(json_str(row, "microversion", ""), "2.90"))
		return;
	snprintf(path, sizeof(path), "/v2.1%s", request->path);
	assert_string_equal(path, json_str(row, "path", ""));
	assert_string_equal(request->microversion, "2.90");
	assert_string_equal(request->body, "{\"evacuate\":{}}");
}

static void check_result(const struct cloud_call *call, const struct expectation *e, int status, const char *file)
{
	const struct cloud_result *r = script_result(call, e->outcome, e->fault);

	if (!strstr(r->reason, e->reason))
		fail_msg("%s: reason is \"%s\"", file, r->reason);
	if (r->outcome != OUTCOME_DONE)
		assert_int_equal(r->http_status, status);
	if (e->kind == CLOUD_ASK || e->kind == CLOUD_SERVERS_OF_HOST)
		assert_int_equal(r->n_instances, e->rows);
	else if (e->kind == CLOUD_MIGRATIONS_FROM)
		assert_int_equal(r->n_migrations, e->rows);
	else if (e->kind != CLOUD_EVACUATE)
		assert_int_equal(r->n_services, e->rows);
}

static void judge_file(const cJSON *row, const struct expectation *e)
{
	CLOUD_CALL_AUTO struct cloud_call *call = NULL;
	const char *file = json_str(row, "file", "");
	const char *method = json_str(row, "method", "");
	const int status = (int)json_int(row, "status", 0);
	char id[UUID_SIZE];
	struct cloud_args args = {.kind = (enum cloud_kind)e->kind, .host = "cmp-01", .instance = id};
	struct cloud_request request;
	struct cloud_answer answer = {.status = status};
	char *bytes;
	bool was_fed = false;

	id_of_path(json_str(row, "path", ""), id);
	bytes = script_golden(file, &answer.body_size);
	answer.body = bytes;
	assert_int_equal(cloud_call_begin(&args, &call, NULL), 0);
	while (cloud_call_request(call, &request)) {
		if (was_fed || !request_is_meant(&request, method, args.kind)) {
			answer_around(call, args.kind, request.path);
			continue;
		}
		check_request(&request, row, e);
		was_fed = true;
		cloud_call_answer(call, &answer);
	}
	assert_true(was_fed);
	check_result(call, e, status, file);
	free(bytes);
}

static void test_every_file(void **state)
{
	JSON_AUTO cJSON *index = NULL;
	const cJSON *row;
	size_t size;
	char *bytes = script_golden("index.json", &size);
	int judged = 0;

	assert_int_equal(json_parse(bytes, size, &index, NULL), 0);
	free(bytes);
	cJSON_ArrayForEach(row, index)
	{
		const struct expectation *e = expectation_of(json_str(row, "file", ""));

		if (e->kind == NOT_A_CALL)
			continue;
		judge_file(row, e);
		judged++;
	}
	assert_true(judged > 50);
}

/* A cut answer is never taken for a shorter list: every prefix of every list is garbage. */
static void test_cut_lists(void **state)
{
	const char *const file = "nova__GET___v2.1_os-services@binary=nova-compute__mv2.90__200__one-down.json";
	const struct cloud_args args = {.kind = CLOUD_SERVICES};
	size_t size;
	char *bytes = script_golden(file, &size);

	while (size > 0 && (bytes[size - 1] == '\n' || bytes[size - 1] == ' '))
		size--;
	for (size_t n = 0; n < size; n++) {
		CLOUD_CALL_AUTO struct cloud_call *call = NULL;
		char *cut = malloc(n + 1);

		assert_non_null(cut);
		memcpy(cut, bytes, n);
		assert_int_equal(cloud_call_begin(&args, &call, NULL), 0);
		cloud_call_answer(call, &(struct cloud_answer){.status = 200, .body = cut, .body_size = n});
		script_result(call, OUTCOME_REFUSED, FAULT_TRANSIENT);
		free(cut);
	}
	free(bytes);
}

static const struct cloud_service *service_named(const struct cloud_result *r, const char *host)
{
	for (size_t i = 0; i < r->n_services; i++)
		if (strcmp(r->services[i].host, host) == 0)
			return &r->services[i];
	fail_msg("no service of %s", host);
	return NULL;
}

static void play_services(const char *file, struct cloud_call **ret_call)
{
	const struct cloud_args args = {.kind = CLOUD_SERVICES};
	char answer[256];
	const struct script_line line = {
	    .method = "GET", .path = "/os-services?binary=nova-compute", .status = 200, .answer = answer};

	snprintf(answer, sizeof(answer), "@nova__GET___v2.1_os-services@binary=nova-compute__%s.json", file);
	*ret_call = script_play(&args, &line, 1);
}

static void test_service_views(void **state)
{
	CLOUD_CALL_AUTO struct cloud_call *down = NULL, *forced = NULL, *disabled = NULL;
	const struct service_view *v;

	play_services("mv2.90__200__one-down", &down);
	v = &service_named(cloud_call_result(down), "cmp-01")->view;
	assert_int_equal(v->state, SIGN_DEAD);
	assert_false(v->forced_down);
	assert_false(v->disabled);
	assert_int_equal(v->updated_at_ms, INT64_C(1795343496000));
	assert_string_equal(v->service_id, "360b897d-a169-4fc7-913d-6615116191fc");
	assert_int_equal(service_named(cloud_call_result(down), "cmp-02")->view.state, SIGN_ALIVE);

	play_services("mv2.90__200__one-forced-down", &forced);
	v = &service_named(cloud_call_result(forced), "cmp-01")->view;
	assert_int_equal(v->state, SIGN_DEAD);
	assert_true(v->forced_down);

	play_services("mv2.90__200__one-disabled", &disabled);
	v = &service_named(cloud_call_result(disabled), "cmp-01")->view;
	assert_int_equal(v->state, SIGN_ALIVE);
	assert_true(v->disabled);
	assert_string_equal(v->disabled_reason, "maintenance by operator");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_file),
	    cmocka_unit_test(test_cut_lists),
	    cmocka_unit_test(test_service_views),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
