/* SPDX-License-Identifier: Apache-2.0 */
/* Calls wait where Nova would send an instance to another host that died a moment ago; never long, and not for one that lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum { DEAD = 0, OTHER = 2, STEP_MS = 500 };

/* In quick succession: the evidence of the others stays fresh. */
static void see_others(struct bed *b)
{
	for (uint32_t h = 1; h < b->host_n; h++)
		bed_see(b, h);
}

static void reports(struct bed *b, uint32_t host)
{
	struct service_view v = {.state = SIGN_ALIVE, .updated_at_ms = b->now_ms};

	bed_service(b, host, &v);
}

/* h1 is listed with one instance, and h3 reported last @silent_ms before; from then on nothing answers at its address. */
static struct bed *two_die(uint32_t host_n, int64_t silent_ms)
{
	struct bed *b = bed_new(host_n, NULL);
	struct instance_view v = bed_view(1, "h1");

	bed_to_listing(b, DEAD);
	reports(b, OTHER);
	for (int64_t ms = 0; ms < silent_ms; ms += STEP_MS) {
		bed_pass(b, silent_ms - ms < STEP_MS ? silent_ms - ms : STEP_MS);
		see_others(b);
	}
	bed_set(b, OTHER, SIGN_ALIVE, SIGN_DEAD);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_pass(b, 1);
	return b;
}

/* How long until its instance is asked about; at most @most_ms. */
static int64_t waited_ms(struct bed *b, int64_t most_ms)
{
	int64_t from_ms = b->now_ms;

	while (!bed_op(b, OP_ASK) && b->now_ms - from_ms < most_ms) {
		bed_pass(b, STEP_MS);
		see_others(b);
	}
	return b->now_ms - from_ms;
}

static void calls_wait_until_nova_knows(void **state)
{
	struct bed *b = two_die(4, 40000);

	(void)state;
	assert_null(bed_op(b, OP_ASK));
	assert_true(waited_ms(b, 5000) >= 5000);
	bed_set(b, OTHER, SIGN_DEAD, SIGN_DEAD);
	assert_true(waited_ms(b, 5000) <= 2000);
	assert_non_null(strstr(b->log, "its instances wait a moment: Nova still calls h3 up, which looks dead"));
	bed_free(b);
}

/* Nova does not come to know of it: something else is wrong, and the instances are not left to wait for that. */
static void calls_wait_for_half_a_service_down_time_at_most(void **state)
{
	struct bed *b = two_die(4, 40000);
	int64_t ms = waited_ms(b, 120000);

	(void)state;
	assert_in_range(ms, b->o.service_down_time_ms / 2 - 2 * STEP_MS, b->o.service_down_time_ms / 2 + 2 * STEP_MS);
	bed_free(b);
}

/* It would take longer than the wait may: to wait in vain helps nobody. */
static void calls_do_not_wait_in_vain(void **state)
{
	struct bed *b = two_die(4, 20000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

static void calls_wait_where_it_takes_just_as_long_as_they_may(void **state)
{
	(void)state;
	for (int is_in_time = 0; is_in_time < 2; is_in_time++) {
		struct bed *b = two_die(4, 30999 + is_in_time); /* reported in whole seconds, out after 60 of them */

		assert_int_equal(bed_op(b, OP_ASK) == NULL, is_in_time);
		bed_free(b);
	}
}

/* h1 has two instances, which go one by one; the second one's turn comes so long after the first one's, and just then h3 looks dead. */
static struct bed *turn_comes(int64_t after_ms)
{
	struct engine_options o = engine_options_default();
	struct instance_view v[] = {bed_view(1, "h1"), bed_view(2, "h1")};
	struct bed *b;

	o.evacuate_per_host_n = 1;
	o.cloud_timeout_ms = 2 * after_ms;
	b = bed_new(4, &o);
	bed_to_listing(b, DEAD);
	reports(b, OTHER);
	bed_pass(b, o.service_down_time_ms + 2000);
	bed_end_views(b, OP_LIST, v, 2);
	assert_string_equal(bed_op(b, OP_ASK)->start.instance, "uuid-1");
	bed_pass(b, after_ms);
	see_others(b);
	bed_set(b, OTHER, SIGN_ALIVE, SIGN_DEAD);
	v[0].exists = false;
	bed_end_views(b, OP_ASK, v, 1);
	bed_pass(b, 0);
	return b;
}

/* Whoever died meanwhile; and what does not wait is not said to. */
static void no_call_waits_once_that_time_is_over(void **state)
{
	int64_t over_ms = engine_options_default().service_down_time_ms / 2;
	struct bed *b = turn_comes(over_ms - 1);

	(void)state;
	assert_null(bed_op(b, OP_ASK));
	bed_pass(b, 1);
	bed_pass(b, 0);
	assert_non_null(bed_op(b, OP_ASK));
	bed_free(b);
	b = turn_comes(over_ms);
	assert_non_null(bed_op(b, OP_ASK));
	assert_null(strstr(b->log, "wait a moment"));
	bed_free(b);
}

/* A fleet that takes all the room that there is. */
static void a_full_fleet_is_looked_through_to_its_end(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b = bed_new(20, &o);
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	assert_int_equal(engine_host_add(b->e, "x1"), 20);
	assert_int_equal(engine_host_add(b->e, "x2"), 21);
	assert_int_equal(b->e->host_n, b->e->host_cap);
	bed_to_listing(b, DEAD);
	reports(b, OTHER);
	bed_pass(b, o.service_down_time_ms + 2000);
	see_others(b);
	bed_set(b, OTHER, SIGN_ALIVE, SIGN_DEAD);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_null(bed_op(b, OP_ASK));
	assert_true(waited_ms(b, 60000) <= 31000);
	v.exists = false;
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(bed_row(b, DEAD), HOST_ROW_VERIFYING);
	bed_free(b);
}

/* One of many: that Nova chooses just this one is so unlikely that to wait costs more. */
static void calls_do_not_wait_for_one_of_many(void **state)
{
	struct bed *b = two_die(40, 40000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

static void calls_do_not_wait_for_a_host_that_reports(void **state)
{
	struct bed *b = two_die(4, 5000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

static void calls_do_not_wait_for_a_host_that_nova_passes_over(void **state)
{
	struct service_view out[] = {
	    {.state = SIGN_ALIVE, .forced_down = true}, {.state = SIGN_ALIVE, .disabled = true}};

	(void)state;
	for (size_t k = 0; k < sizeof(out) / sizeof(out[0]); k++) {
		struct bed *b = two_die(4, 40000);

		assert_null(bed_op(b, OP_ASK));
		out[k].updated_at_ms = 1;
		bed_service(b, OTHER, &out[k]);
		assert_true(waited_ms(b, 5000) <= 2000);
		bed_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls_wait_until_nova_knows),
	    cmocka_unit_test(calls_wait_for_half_a_service_down_time_at_most),
	    cmocka_unit_test(calls_do_not_wait_in_vain),
	    cmocka_unit_test(calls_wait_where_it_takes_just_as_long_as_they_may),
	    cmocka_unit_test(no_call_waits_once_that_time_is_over),
	    cmocka_unit_test(a_full_fleet_is_looked_through_to_its_end),
	    cmocka_unit_test(calls_do_not_wait_for_one_of_many),
	    cmocka_unit_test(calls_do_not_wait_for_a_host_that_reports),
	    cmocka_unit_test(calls_do_not_wait_for_a_host_that_nova_passes_over)};

	return cmocka_run_group_tests_name("engine_neighbours", tests, NULL, NULL);
}
