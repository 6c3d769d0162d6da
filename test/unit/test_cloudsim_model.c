/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud's model on simulated time: evacuations leg by leg, what two calls do to one server, the source's return, the gap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "test/unit/cloud_client.h"

static void test_service_goes_down_by_silence(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(service_text(f, "compute-1", "state"), "up");
	cloudsim_model_power(f->m, f->now, "compute-1", false);
	pass(f, 2000);
	assert_string_equal(service_text(f, "compute-1", "state"), "up");
	evacuate(f, 0);
	assert_int_equal(f->status, 400);
	assert_string_equal(message(f), "Compute service of compute-1 is still in use.");
	pass(f, 3100);
	assert_string_equal(service_text(f, "compute-1", "state"), "down");
	assert_string_equal(service_text(f, "compute-2", "state"), "up");
}

static void test_bus_silences_all_hosts(void **state)
{
	struct fixture *f = *state;

	cloudsim_model_part(f->m, f->now, CLOUDSIM_CONDUCTOR, false);
	pass(f, 6000);
	for (int i = 1; i <= 4; i++) {
		char host[32];

		snprintf(host, sizeof(host), "compute-%d", i);
		assert_string_equal(service_text(f, host, "state"), "down");
	}
	cloudsim_model_part(f->m, f->now, CLOUDSIM_CONDUCTOR, true);
	pass(f, 500);
	assert_string_equal(service_text(f, "compute-3", "state"), "up");
}

static void test_forced_down_moves_updated_at_and_hides_life(void **state)
{
	struct fixture *f = *state;
	char before[64];

	str_copy(before, sizeof(before), service_text(f, "compute-1", "updated_at"));
	service_put(f, "compute-1", "{\"forced_down\":true}");
	pass(f, 3000);
	assert_string_equal(service_text(f, "compute-1", "state"), "down");
	assert_true(strcmp(before, service_text(f, "compute-1", "updated_at")) < 0);
	service_put(f, "compute-1", "{\"forced_down\":false}");
	assert_int_equal(f->status, 200);
	assert_string_equal(service_text(f, "compute-1", "state"), "up");
}

static void test_timeline(void **state)
{
	struct fixture *f = *state;

	host_die(f, "compute-1");
	evacuate(f, 0);
	assert_int_equal(f->status, 200);
	assert_null(f->json);
	assert_string_equal(server_text(f, 0, "status"), "REBUILD");
	assert_string_equal(server_text(f, 0, "OS-EXT-STS:task_state"), "rebuilding");
	assert_string_equal(migration_text(f, 0, "status"), "accepted");
	assert_string_equal(migration_text(f, 0, "dest_compute"), "(null)");
	pass(f, 110);
	assert_string_equal(migration_text(f, 0, "status"), "pre-migrating");
	assert_string_not_equal(migration_text(f, 0, "dest_compute"), "(null)");
	pass(f, 200);
	assert_string_equal(server_text(f, 0, "OS-EXT-STS:task_state"), "rebuild_block_device_mapping");
	pass(f, 200);
	assert_string_equal(server_text(f, 0, "OS-EXT-STS:task_state"), "rebuild_spawning");
	assert_string_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
	pass(f, 600);
	/* the gap: it looks like a server that still has to be evacuated */
	assert_string_equal(server_text(f, 0, "status"), "ACTIVE");
	assert_string_equal(server_text(f, 0, "OS-EXT-STS:task_state"), "(null)");
	assert_string_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
	assert_string_equal(migration_text(f, 0, "status"), "pre-migrating");
	pass(f, 50);
	assert_string_equal(migration_text(f, 0, "status"), "done");
	assert_string_not_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
	assert_int_equal(cloudsim_model_dual_seen(f->m, NULL), 0);
	evacuate(f, 0);
	assert_int_equal(f->status, 400);
}

static void test_stopped_stays_stopped_and_error_comes_back_active(void **state)
{
	struct fixture *f = *state;
	struct cloudsim_instance_set stopped = {.vm_state = "stopped", .locked = -1, .unplaceable = -1, .deleted = -1};
	struct cloudsim_instance_set error = {.vm_state = "error", .locked = 1, .unplaceable = -1, .deleted = -1};

	cloudsim_model_instance_set(f->m, f->now, vm(f, 0), &stopped);
	cloudsim_model_instance_set(f->m, f->now, vm(f, 4), &error);
	host_die(f, "compute-1");
	evacuate(f, 0);
	assert_string_equal(server_text(f, 0, "status"), "REBUILD");
	evacuate(f, 4);
	pass(f, 5000);
	assert_string_equal(server_text(f, 0, "status"), "SHUTOFF");
	assert_string_equal(server_text(f, 4, "status"), "ACTIVE");
	assert_string_equal(migration_text(f, 0, "status"), "done");
	assert_string_equal(migration_text(f, 4, "status"), "done");
}

/* Whenever the second call comes while the first is under way, it is accepted and the server is damaged. */
static void test_second_call_damages_at_every_moment(void **state)
{
	struct fixture *f = *state;

	for (int64_t wait = 0; wait < 1100; wait += 50) {
		cloudsim_model_free(f->m);
		f->config.seed = (uint64_t)wait + 1;
		fixture_build(f);
		host_die(f, "compute-1");
		evacuate(f, 0);
		pass(f, wait);
		evacuate(f, 0);
		assert_int_equal(f->status, 200);
		pass(f, 10000);
		assert_int_equal(cloudsim_model_double_posts(f->m), 1);
		assert_string_equal(server_text(f, 0, "status"), "ERROR");
	}
}

static void test_double_damage_reads_as_nova_words_it(void **state)
{
	struct fixture *f = *state;
	const cJSON *fault;

	host_die(f, "compute-1");
	evacuate(f, 0);
	pass(f, 700); /* spawning */
	evacuate(f, 0);
	pass(f, 10000);
	fault = json_object(server(f, 0), "fault");
	assert_non_null(fault);
	assert_non_null(strstr(json_str(fault, "message", ""), "Conflict updating instance"));
	assert_non_null(strstr(json_str(fault, "message", ""), "Expected: {'task_state': ['"));
}

static void test_no_valid_host(void **state)
{
	struct fixture *f = *state;
	struct cloudsim_instance_set set = {.locked = -1, .unplaceable = 1, .deleted = -1};

	cloudsim_model_instance_set(f->m, f->now, vm(f, 0), &set);
	host_die(f, "compute-1");
	evacuate(f, 0);
	assert_int_equal(f->status, 200);
	pass(f, 1000);
	assert_string_equal(server_text(f, 0, "status"), "ERROR");
	assert_string_equal(json_str(json_object(server(f, 0), "fault"), "message", ""),
	    "No valid host was found. There are not enough hosts available.");
	assert_string_equal(migration_text(f, 0, "status"), "error");
	assert_string_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
	set.unplaceable = 0;
	cloudsim_model_instance_set(f->m, f->now, vm(f, 0), &set);
	evacuate(f, 0);
	pass(f, 5000);
	assert_string_equal(server_text(f, 0, "status"), "ACTIVE");
}

static void test_capacity_is_never_overrun_by_a_burst(void **state)
{
	struct fixture *f = *state;

	cloudsim_model_capacity(f->m, 4); /* six have to move, two hosts with three each have room for one more each */
	host_die(f, "compute-1");
	host_die(f, "compute-2");
	for (size_t i = 0; i < 12; i++)
		if (i % 4 < 2)
			evacuate(f, i);
	pass(f, 20000);
	for (size_t h = 2; h < 4; h++) {
		int n = 0;

		for (size_t i = 0; i < 12; i++)
			n += cloudsim_model_instance_has_guest(f->m, i, h);
		assert_int_equal(n, 4);
	}
}

static void test_spawn_failure(void **state)
{
	struct fixture *f = *state;

	for (size_t h = 1; h < 4; h++)
		cloudsim_model_spawn_failures(f->m, cloudsim_model_host_name(f->m, h), 1);
	host_die(f, "compute-1");
	evacuate(f, 0);
	pass(f, 5000);
	assert_string_equal(migration_text(f, 0, "status"), "failed");
	assert_string_equal(server_text(f, 0, "status"), "ERROR");
	assert_string_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
}

static void test_target_dies_in_the_middle(void **state)
{
	struct fixture *f = *state;
	char dest[64];

	host_die(f, "compute-1");
	evacuate(f, 0);
	pass(f, 700);
	str_copy(dest, sizeof(dest), migration_text(f, 0, "dest_compute"));
	host_die(f, dest);
	pass(f, 60000);
	assert_string_equal(server_text(f, 0, "status"), "REBUILD");
	assert_string_equal(server_text(f, 0, "OS-EXT-STS:task_state"), "rebuild_spawning");
	assert_string_equal(migration_text(f, 0, "status"), "pre-migrating");
	cloudsim_model_power(f->m, f->now, dest, true);
	pass(f, 60000);
	assert_string_equal(migration_text(f, 0, "status"), "pre-migrating");
	evacuate(f, 0);
	pass(f, 5000);
	assert_string_equal(server_text(f, 0, "status"), "ACTIVE");
	assert_string_equal(migration_text(f, 0, "status"), "done");
	assert_int_equal(cloudsim_model_dual_seen(f->m, NULL), 0);
}

static void test_source_returns_after_all_is_done(void **state)
{
	struct fixture *f = *state;

	host_die(f, "compute-1");
	evacuate(f, 0);
	pass(f, 5000);
	service_put(f, "compute-1", "{\"forced_down\":false}");
	assert_int_equal(f->status, 400);
	assert_non_null(
	    strstr(message(f), "Unable to force up host compute-1 as `done` evacuation migration records remain"));
	cloudsim_model_power(f->m, f->now, "compute-1", true);
	pass(f, 3000);
	assert_string_equal(migration_text(f, 0, "status"), "completed");
	assert_string_equal(service_text(f, "compute-1", "state"), "down");
	service_put(f, "compute-1", "{\"forced_down\":false}");
	assert_int_equal(f->status, 200);
	assert_string_equal(service_text(f, "compute-1", "state"), "up");
	assert_int_equal(cloudsim_model_dual_guests(f->m), 0);
}

/* `completed` while the target is still at work is no success, and the record is `done` once more afterwards. */
static void test_source_returns_in_the_middle(void **state)
{
	struct fixture *f = *state;

	host_die(f, "compute-1");
	evacuate(f, 0);
	cloudsim_model_power(f->m, f->now, "compute-1", true);
	pass(f, 1010);
	assert_string_equal(migration_text(f, 0, "status"), "completed");
	assert_string_equal(server_text(f, 0, "OS-EXT-SRV-ATTR:host"), "compute-1");
	pass(f, 3000);
	assert_string_equal(migration_text(f, 0, "status"), "done");
	service_put(f, "compute-1", "{\"forced_down\":false}");
	assert_int_equal(f->status, 400);
	cloudsim_model_compute(f->m, f->now, "compute-1", CLOUDSIM_COMPUTE_DOWN);
	cloudsim_model_compute(f->m, f->now, "compute-1", CLOUDSIM_COMPUTE_UP);
	pass(f, 3000);
	service_put(f, "compute-1", "{\"forced_down\":false}");
	assert_int_equal(f->status, 200);
}

static void test_unfenced_evacuation_is_seen_as_two_guests(void **state)
{
	struct fixture *f = *state;
	const struct cloudsim_dual *d = NULL;

	service_put(f, "compute-1", "{\"forced_down\":true}");
	evacuate(f, 0);
	pass(f, 80000);
	assert_int_equal(cloudsim_model_dual_guests(f->m), 1);
	assert_int_equal(cloudsim_model_dual_seen(f->m, &d), 1);
	assert_string_equal(d[0].instance, vm(f, 0));
	assert_true(cloudsim_model_instance_has_guest(f->m, 0, host_of_name(f, "compute-1")));
	cloudsim_model_compute(f->m, f->now, "compute-1", CLOUDSIM_COMPUTE_DOWN);
	cloudsim_model_compute(f->m, f->now, "compute-1", CLOUDSIM_COMPUTE_UP);
	pass(f, 3000);
	assert_int_equal(cloudsim_model_dual_guests(f->m), 0);
	assert_int_equal(cloudsim_model_dual_seen(f->m, NULL), 1);
}

static void test_conductor_away_only_delays(void **state)
{
	struct fixture *f = *state;

	host_die(f, "compute-1");
	cloudsim_model_part(f->m, f->now, CLOUDSIM_CONDUCTOR, false);
	evacuate(f, 0);
	assert_int_equal(f->status, 200);
	pass(f, 30000);
	assert_string_equal(migration_text(f, 0, "status"), "accepted");
	cloudsim_model_part(f->m, f->now, CLOUDSIM_CONDUCTOR, true);
	pass(f, 5000);
	assert_string_equal(migration_text(f, 0, "status"), "done");
}

/* Hosts die, return and are evacuated in any order, always fenced: no guest may ever be seen twice, and all ends well. */
static void test_fenced_story_never_shows_two_guests(void **state)
{
	struct fixture *f = *state;
	const char *text = getenv("OSHA_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 20240607;
	struct rng rng = {seed};

	print_message("seed %llu (OSHA_TEST_SEED)\n", (unsigned long long)seed);
	for (int round = 0; round < 60; round++) {
		size_t h = rng_below(&rng, 4);
		const char *host = cloudsim_model_host_name(f->m, h);

		host_die(f, host);
		for (size_t i = 0; i < 12; i++)
			if (strcmp(cloudsim_model_instance_host(f->m, i), host) == 0)
				evacuate(f, i);
		pass(f, 20000);
		cloudsim_model_power(f->m, f->now, host, true);
		pass(f, 5000);
		service_put(f, host, "{\"forced_down\":false}");
		assert_int_equal(f->status, 200);
		assert_int_equal(cloudsim_model_dual_seen(f->m, NULL), 0);
		for (size_t i = 0; i < 12; i++)
			assert_string_equal(cloudsim_model_instance_vm_state(f->m, i), "active");
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    CASE(test_service_goes_down_by_silence),
	    CASE(test_bus_silences_all_hosts),
	    CASE(test_forced_down_moves_updated_at_and_hides_life),
	    CASE(test_timeline),
	    CASE(test_stopped_stays_stopped_and_error_comes_back_active),
	    CASE(test_second_call_damages_at_every_moment),
	    CASE(test_double_damage_reads_as_nova_words_it),
	    CASE(test_no_valid_host),
	    CASE(test_capacity_is_never_overrun_by_a_burst),
	    CASE(test_spawn_failure),
	    CASE(test_target_dies_in_the_middle),
	    CASE(test_source_returns_after_all_is_done),
	    CASE(test_source_returns_in_the_middle),
	    CASE(test_unfenced_evacuation_is_seen_as_two_guests),
	    CASE(test_conductor_away_only_delays),
	    CASE(test_fenced_story_never_shows_two_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
