/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud's answers: refusals, pages, filters, tokens, and what faults make of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/unit/cloud_client.h"

static void test_disabling_a_dead_host_that_counts_as_up_waits(void **state)
{
	struct fixture *f = *state;
	struct cloudsim_header headers[] = {{"X-Auth-Token", f->token}, {"OpenStack-API-Version", "compute 2.90"}};
	char target[128];
	struct cloudsim_request q = {"PUT", target, headers, 2, "{\"status\":\"disabled\"}", 21, false};
	struct cloudsim_answer a;

	snprintf(target, sizeof(target), "/v2.1/os-services/%s", service_text(f, "compute-1", "id"));
	cloudsim_model_power(f->m, f->now, "compute-1", false);
	cloudsim_http_handle(f->m, f->now, &q, &a);
	assert_int_equal(a.delay_ms, 60000);
	cloudsim_answer_free(&a);
	service_put(f, "compute-1", "{\"forced_down\":true}");
	cloudsim_http_handle(f->m, f->now, &q, &a);
	assert_int_equal(a.delay_ms, 0);
	cloudsim_answer_free(&a);
}

static void test_states_that_are_refused(void **state)
{
	static const char *const states[] = {"paused", "suspended", "rescued", "building"};
	struct fixture *f = *state;

	host_die(f, "compute-1");
	for (size_t i = 0; i < 4; i++) {
		struct cloudsim_instance_set set = {
		    .vm_state = states[i], .locked = -1, .unplaceable = -1, .deleted = -1};
		char want[200];

		cloudsim_model_instance_set(f->m, f->now, vm(f, 0), &set);
		evacuate(f, 0);
		assert_int_equal(f->status, 409);
		snprintf(want, sizeof(want), "Cannot 'evacuate' instance %s while it is in vm_state %s", vm(f, 0),
		    states[i]);
		assert_string_equal(message(f), want);
	}
	act(f, 0, "{\"os-resetState\":{\"state\":\"error\"}}");
	assert_int_equal(f->status, 202);
	evacuate(f, 0);
	assert_int_equal(f->status, 200);
}

static void test_neutron_away(void **state)
{
	struct fixture *f = *state;

	host_die(f, "compute-1");
	cloudsim_model_part(f->m, f->now, CLOUDSIM_NEUTRON, false);
	ask(f, "GET", "/v2.1/servers/detail?host=compute-1&all_tenants=1", NULL);
	assert_int_equal(f->status, 500);
	ask(f, "GET", "/v2.1/servers?host=compute-1&all_tenants=1", NULL);
	assert_int_equal(f->status, 200);
	assert_int_equal(cJSON_GetArraySize(json_array(f->json, "servers")), 3);
	evacuate(f, 0);
	assert_int_equal(f->status, 500);
	cloudsim_model_part(f->m, f->now, CLOUDSIM_NEUTRON, true);
	assert_string_equal(server_text(f, 0, "status"), "ACTIVE");
	cloudsim_model_part(f->m, f->now, CLOUDSIM_PLACEMENT, false);
	evacuate(f, 0);
	pass(f, 1000);
	assert_string_equal(json_str(json_object(server(f, 0), "fault"), "message", ""), "No valid host was found. ");
}

static void test_pages_hold_every_server_once(void **state)
{
	struct fixture *f = *state;
	char target[512] = "/v2.1/servers?all_tenants=1&limit=5", last[CLOUDSIM_ID_SIZE] = "";
	int seen = 0, pages = 0;

	while (target[0]) {
		const cJSON *s, *links;
		const char *href;

		ask(f, "GET", target, NULL);
		assert_int_equal(f->status, 200);
		cJSON_ArrayForEach(s, json_array(f->json, "servers"))
		{
			seen++;
			str_copy(last, sizeof(last), json_str(s, "id", ""));
		}
		links = json_array(f->json, "servers_links");
		href = json_str(cJSON_GetArrayItem(links, 0), "href", NULL);
		str_copy(target, sizeof(target), href ? strstr(href, "/v2.1/") : "");
		assert_true(++pages < 10);
	}
	assert_int_equal(seen, 12);
	assert_int_equal(pages, 3);
	assert_string_equal(last, vm(f, 0));
	ask(f, "GET", "/v2.1/servers?all_tenants=1&marker=nobody", NULL);
	assert_int_equal(f->status, 400);
}

static void test_host_filter_is_exact_and_pattern_is_not(void **state)
{
	struct fixture *f = *state;

	cloudsim_model_free(f->m);
	f->config.hosts = 12;
	f->config.instances = 24;
	fixture_build(f);
	ask(f, "GET", "/v2.1/servers?all_tenants=1&host=compute-1", NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(f->json, "servers")), 2);
	ask(f, "GET", "/v2.1/os-services?host=compute-1", NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(f->json, "services")), 1);
	ask(f, "GET", "/v2.1/os-hypervisors?hypervisor_hostname_pattern=compute-1", NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(f->json, "hypervisors")), 4);
}

static void test_keystone_judges(void **state)
{
	struct fixture *f = *state;
	char admin[200], target[300];

	str_copy(admin, sizeof(admin), f->token);
	log_in(f, "admin", "wrong", "admin");
	assert_int_equal(f->status, 401);
	log_in(f, "owner-1", f->config.user_password, "project-2");
	assert_int_equal(f->status, 401);
	log_in(f, "owner-1", f->config.user_password, "project-1");
	assert_int_equal(f->status, 201);
	ask(f, "GET", "/v2.1/os-services", NULL);
	assert_int_equal(f->status, 403);
	evacuate(f, 0);
	assert_int_equal(f->status, 403);
	evacuate(f, 4); /* of project 2 */
	assert_int_equal(f->status, 404);
	str_copy(f->token, sizeof(f->token), admin);
	snprintf(target, sizeof(target), "/identity/v3/role_assignments?scope.project.id=%s&effective&include_names",
	    cloudsim_model_project_id(f->m, 1));
	ask(f, "GET", target, NULL);
	assert_int_equal(cJSON_GetArraySize(json_array(f->json, "role_assignments")), 5);
	cloudsim_model_expire_tokens(f->m);
	ask(f, "GET", target, NULL);
	assert_int_equal(f->status, 401);
	ask(f, "GET", "/v2.1/os-services", NULL);
	assert_int_equal(f->status, 401);
}

static void test_faults_hit_the_nth(void **state)
{
	struct fixture *f = *state;
	struct cloudsim_fault fault = {.method = "POST",
	    .path = "*/action",
	    .body = "evacuate",
	    .skip = 1,
	    .count = 1,
	    .effect = CLOUDSIM_FAULT_STATUS,
	    .status = 429,
	    .retry_after_s = 3};

	host_die(f, "compute-1");
	assert_int_equal(cloudsim_model_fault_add(f->m, &fault), 0);
	evacuate(f, 0);
	assert_int_equal(f->status, 200);
	evacuate(f, 4);
	assert_int_equal(f->status, 429);
	evacuate(f, 4);
	assert_int_equal(f->status, 200);
}

static void test_lost_reply_is_done_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct cloudsim_fault fault = {.path = "*/action", .effect = CLOUDSIM_FAULT_LOST};
	struct cloudsim_header headers[] = {{"X-Auth-Token", f->token}, {"X-OpenStack-Nova-API-Version", "2.90"}};
	char target[128];
	struct cloudsim_request q = {"POST", target, headers, 2, "{\"evacuate\":{}}", 15, false};
	struct cloudsim_answer a;

	host_die(f, "compute-1");
	snprintf(target, sizeof(target), "/v2.1/servers/%s/action", vm(f, 0));
	cloudsim_model_fault_add(f->m, &fault);
	cloudsim_http_handle(f->m, f->now, &q, &a);
	assert_int_equal(a.wire, CLOUDSIM_WIRE_LOST);
	cloudsim_answer_free(&a);
	pass(f, 5000);
	assert_string_equal(migration_text(f, 0, "status"), "done");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(test_disabling_a_dead_host_that_counts_as_up_waits),
	    CASE(test_states_that_are_refused),
	    CASE(test_neutron_away),
	    CASE(test_pages_hold_every_server_once),
	    CASE(test_host_filter_is_exact_and_pattern_is_not),
	    CASE(test_keystone_judges),
	    CASE(test_faults_hit_the_nth),
	    CASE(test_lost_reply_is_done_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
