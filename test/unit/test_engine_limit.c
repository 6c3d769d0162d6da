/* SPDX-License-Identifier: Apache-2.0 */
/* How many, how much and how often: the pure rules of limit.h, and who goes on when, across restarts and set clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "test/unit/engine_bed.h"

enum { MINUTE_MS = 60000 };

/* --- pure rules --- */

static void rows_that_run(void **state)
{
	static const enum host_row run[] = {HOST_ROW_FENCING, HOST_ROW_PROVING, HOST_ROW_FORCING_DOWN,
	    HOST_ROW_DISABLING, HOST_ROW_LISTING, HOST_ROW_EVACUATING, HOST_ROW_VERIFYING};
	uint32_t n = 0;

	for (int k = 0; k < HOST_ROW_N; k++)
		n += limit_row_runs((enum host_row)k);
	assert_int_equal(n, sizeof(run) / sizeof(run[0]));
	for (size_t k = 0; k < sizeof(run) / sizeof(run[0]); k++)
		assert_true(limit_row_runs(run[k]));
}

static void a_limit_is_full_at_its_number_and_none_at_zero(void **state)
{
	assert_false(limit_is_full(2, 3));
	assert_true(limit_is_full(3, 3));
	assert_true(limit_is_full(4, 3));
	assert_false(limit_is_full(1000, 0));
}

static void a_share_is_rounded_down(void **state)
{
	assert_int_equal(limit_up_least(3, 25), 0);
	assert_int_equal(limit_up_least(4, 25), 1);
	assert_int_equal(limit_up_least(7, 50), 3);
	assert_int_equal(limit_up_least(5, 100), 5);
	assert_int_equal(limit_up_least(5, 0), 0);
	assert_int_equal(limit_up_least(UINT32_MAX, 100), UINT32_MAX);
}

static void fences_are_counted_while_younger_than_the_window(void **state)
{
	struct host h = {.rec.fenced_wall_ms = {300, 200, 100}, .fenced_ms = {30, 20, 10}};

	assert_int_equal(limit_fences_within(&h, 40, 31), 3);
	assert_int_equal(limit_fences_within(&h, 40, 30), 2);
	assert_int_equal(limit_fences_within(&h, 40, 11), 1);
	assert_int_equal(limit_fences_within(&h, 40, 10), 0);
	for (int k = 0; k < FENCE_MEMORY_MAX; k++)
		h.rec.fenced_wall_ms[k] = 1;
	assert_int_equal(limit_fences_within(&h, 40, 1000), FENCE_MEMORY_MAX);
}

static void every_cause_of_ours_ends_by_off_and_the_breakers_too(void **state)
{
	for (int c = 0; c < HOLD_CAUSE_N; c++) {
		bool is_ours = limit_cause_is_ours((enum hold_cause)c);

		assert_int_equal(limit_cause_ends_by_off((enum hold_cause)c), is_ours || c == HOLD_MASS);
	}
	assert_true(limit_cause_is_ours(HOLD_LIMIT) && limit_cause_is_ours(HOLD_HEALTHY));
	assert_true(limit_cause_is_ours(HOLD_COOL_DOWN) && limit_cause_is_ours(HOLD_FLAPPING));
}

/* --- places --- */

static struct bed *cloud_of(uint32_t host_n, uint32_t at_once)
{
	struct engine_options o = engine_options_default();

	o.recoveries_n = at_once;
	o.mass_hosts_n = host_n;
	return bed_new(host_n, &o);
}

static void assert_waits(struct bed *b, uint32_t host, const char *why)
{
	assert_int_equal(bed_row(b, host), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, host)->hold, HOLD_LIMIT);
	assert_string_equal(bed_recovery(b, host)->why, why);
}

/* The one that is being fenced fails at every level, and is at rest. */
static void fails(struct bed *b, uint32_t host)
{
	for (int k = 0; k < 64 && bed_row(b, host) != HOST_ROW_HELD; k++) {
		if (bed_op(b, OP_POWER_OFF))
			bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
		else if (bed_op(b, OP_POWER_STATUS) && bed_row(b, host) == HOST_ROW_PROVING)
			bed_end_power(b, POWER_ON);
		else
			bed_pass(b, 1000);
	}
	assert_int_equal(bed_recovery(b, host)->hold, HOLD_FENCE_FAILED);
}

#define ONE_RUNS "1 recovery runs, no more than 1 at once"

static void who_waited_longest_is_next(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_dies(b, 3);
	assert_int_equal(bed_row(b, 3), HOST_ROW_FENCING);
	bed_dies(b, 2);
	bed_dies(b, 1);
	assert_waits(b, 2, ONE_RUNS);
	assert_waits(b, 1, ONE_RUNS);
	assert_int_equal(bed_told(b, MOMENT_HELD), 2);
	fails(b, 3);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_row(b, 1), HOST_ROW_HELD);
	bed_end_look(b, 2);
	assert_int_equal(bed_row(b, 2), HOST_ROW_FENCING);
	bed_free(b);
}

/* It has a place while it is looked at again: one that comes between does not take it. */
static void a_place_that_was_given_is_kept(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_dies(b, 3);
	bed_dies(b, 2);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	fails(b, 3);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	if (bed_row(b, 1) == HOST_ROW_SUSPECT)
		bed_pass(b, b->o.recheck_after_ms);
	assert_true(bed_row(b, 1) == HOST_ROW_CONFIRMING || bed_row(b, 1) == HOST_ROW_HELD);
	for (int k = 0; k < 2 && bed_row(b, 2) == HOST_ROW_CONFIRMING; k++)
		bed_end_look(b, 2);
	assert_int_equal(bed_row(b, 2), HOST_ROW_FENCING);
	assert_int_not_equal(bed_row(b, 1), HOST_ROW_FENCING);
	bed_free(b);
}

/* Whose turn it is and who turns out to be alive gives the turn to the next. */
static void a_place_that_is_not_needed_goes_on(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_dies(b, 3);
	bed_dies(b, 2);
	bed_dies(b, 1);
	fails(b, 3);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	bed_set(b, 2, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 2), HOST_ROW_NONE);
	assert_int_equal(bed_row(b, 1), HOST_ROW_CONFIRMING);
	bed_free(b);
}

/* Its rest has to be durable before another one starts: after a kill there would be two. */
static void a_place_is_free_when_the_rest_is_durable(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_dies(b, 3);
	bed_dies(b, 2);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h4", NULL, NULL), 0);
	b->store = BED_STORE_WAITS;
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_row(b, 3), HOST_ROW_ABANDONED);
	assert_int_equal(bed_row(b, 2), HOST_ROW_HELD);
	bed_settle_store(b, true);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	bed_free(b);
}

static void a_restart_counts_those_that_run(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_to_proven(b, 3);
	bed_dies(b, 2);
	assert_waits(b, 2, ONE_RUNS);
	bed_restart(b);
	bed_see(b, 3);
	bed_see(b, 2);
	assert_int_equal(bed_row(b, 2), HOST_ROW_HELD);
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 2);
	assert_waits(b, 2, ONE_RUNS);
	bed_free(b);
}

static void one_that_is_seen_on_does_not_wait(void **state)
{
	struct bed *b = cloud_of(6, 1);

	bed_to_listing(b, 0);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h2", NULL, NULL), 0);
	assert_int_equal(bed_row(b, 1), HOST_ROW_FORCING_DOWN);
	bed_pass(b, 1000);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	bed_free(b);
}

static void only_its_own_segment_counts(void **state)
{
	struct bed *b = cloud_of(6, 0);

	for (uint32_t h = 0; h < 6; h++) {
		struct host_policy p = bed_policy(h);

		p.segment = h / 3;
		p.recoveries_n = 1;
		snprintf(p.segment_name, sizeof(p.segment_name), "rack-%u", h / 3 + 1);
		engine_host_set_policy(b->e, h, &p);
	}
	bed_dies(b, 0);
	bed_dies(b, 1);
	bed_dies(b, 3);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_waits(b, 1, "1 recovery runs in segment rack-1, no more than 1 at once");
	assert_int_equal(bed_row(b, 3), HOST_ROW_FENCING);
	bed_free(b);
}

/* --- share, cool-down, memory --- */

static void share_set(struct bed *b, uint32_t percent)
{
	for (uint32_t h = 0; h < b->host_n; h++) {
		struct host_policy p = bed_policy(h);

		p.healthy_percent = percent;
		str_copy(p.segment_name, sizeof(p.segment_name), "rack");
		engine_host_set_policy(b->e, h, &p);
	}
}

static void a_share_has_to_stay_up(void **state)
{
	struct bed *b = cloud_of(4, 0);

	share_set(b, 75);
	bed_dies(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_dies(b, 1);
	assert_int_equal(bed_recovery(b, 1)->hold, HOLD_HEALTHY);
	assert_string_equal(
	    bed_recovery(b, 1)->why, "2 of 4 hosts of segment rack would be left up, at least 3 have to be (75%)");
	bed_free(b);
}

/* A host whose monitors disagree may be on its way down, and of one that a monitor cannot tell of nobody knows: neither is counted as up. */
static void a_host_in_doubt_is_not_up(void **state)
{
	static const enum sign doubts[][2] = {
	    {SIGN_ALIVE, SIGN_DEAD}, {SIGN_ALIVE, SIGN_UNKNOWN}, {SIGN_UNKNOWN, SIGN_ALIVE}};

	for (size_t k = 0; k < sizeof(doubts) / sizeof(doubts[0]); k++) {
		struct bed *b = cloud_of(4, 0);

		share_set(b, 75);
		bed_set(b, 3, doubts[k][0], doubts[k][1]);
		bed_dies(b, 0);
		assert_int_equal(bed_recovery(b, 0)->hold, HOLD_HEALTHY);
		bed_free(b);
	}
}

static struct host *host(struct bed *b, uint32_t k)
{
	return &b->e->hosts[k];
}

static void remember(struct bed *b, uint32_t k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		host(b, k)->rec.fenced_wall_ms[i] = b->e->wall_ms - i * MINUTE_MS - 1;
		host(b, k)->fenced_ms[i] = b->now_ms - (int64_t)i * MINUTE_MS - 1;
	}
}

static void a_power_off_is_remembered_once_for_a_recovery(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	assert_true(host(b, 0)->rec.fenced_wall_ms[0] > 0);
	assert_string_equal(host(b, 0)->rec.fenced_by, bed_recovery(b, 0)->id);
	for (int k = 0; k < 8 && b->started[OP_POWER_OFF] < 2; k++) {
		if (bed_op(b, OP_POWER_OFF))
			bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		else
			bed_pass(b, 1000);
	}
	assert_true(b->started[OP_POWER_OFF] >= 2);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[1], 0);
	bed_free(b);
}

static void flapping_waits_for_an_operator(void **state)
{
	struct bed *b = bed_new(3, NULL);

	remember(b, 0, b->o.flaps_n);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FLAPPING);
	assert_string_equal(
	    bed_recovery(b, 0)->why, "fenced 3 times within 24 h, no more than 3 by itself: somebody has to decide");
	memset(host(b, 0)->rec.fenced_wall_ms, 0, sizeof(host(b, 0)->rec.fenced_wall_ms));
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FLAPPING);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, bed_recovery(b, 0)->id, NULL, NULL), 0);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_non_null(strstr(b->log, "no limit, cool-down or flap memory holds it again"));
	bed_free(b);
}

static void one_fence_less_is_no_flapping(void **state)
{
	struct bed *b = bed_new(3, NULL);

	remember(b, 0, b->o.flaps_n - 1);
	bed_dies(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

static void a_cool_down_ends_to_the_second(void **state)
{
	struct bed *b = bed_new(3, NULL);

	b->o.cool_down_ms = 30000;
	engine_options_set(b->e, &b->o);
	host(b, 0)->rec.cooling_wall_ms = 1;
	host(b, 0)->rec.cooling_is_back = true;
	host(b, 0)->cooling_ms = b->now_ms;
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_COOL_DOWN);
	assert_non_null(strstr(bed_recovery(b, 0)->why, "it was taken back not long ago"));
	bed_pass(b, 30000 - b->o.recheck_after_ms - 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* A date ahead of the clock counts as now, and ages from then on: it neither blocks for ever nor is it thrown away. */
static void a_date_in_the_future_counts_as_now(void **state)
{
	struct bed *b = bed_new(3, NULL);

	host(b, 0)->rec.fenced_wall_ms[0] = INT64_C(4102444800000);
	host(b, 0)->rec.cooling_wall_ms = INT64_C(4102444800000);
	limit_host_taken(b->e, host(b, 0));
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[0], b->e->wall_ms);
	assert_int_equal(host(b, 0)->fenced_ms[0], b->e->now_ms);
	assert_int_equal(limit_cooling_left_ms(b->e, host(b, 0)), b->o.cool_down_ms);
	assert_int_equal(limit_fences_within(host(b, 0), b->e->now_ms + b->o.flap_window_ms, b->o.flap_window_ms), 0);
	bed_free(b);
}

static void old_fences_are_forgotten_and_said_to_be(void **state)
{
	struct bed *b = bed_new(3, NULL);

	host(b, 0)->rec.fenced_wall_ms[0] = 1;
	host(b, 0)->fenced_ms[0] = b->e->started_ms - b->o.flap_window_ms;
	bed_see(b, 0);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[0], 0);
	assert_non_null(strstr(b->log, "h1: 1 fence of before this start, by the wall clock older than"));
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_that_run),
	    cmocka_unit_test(a_limit_is_full_at_its_number_and_none_at_zero),
	    cmocka_unit_test(a_share_is_rounded_down),
	    cmocka_unit_test(fences_are_counted_while_younger_than_the_window),
	    cmocka_unit_test(every_cause_of_ours_ends_by_off_and_the_breakers_too),
	    cmocka_unit_test(who_waited_longest_is_next),
	    cmocka_unit_test(a_place_that_was_given_is_kept),
	    cmocka_unit_test(a_place_that_is_not_needed_goes_on),
	    cmocka_unit_test(a_place_is_free_when_the_rest_is_durable),
	    cmocka_unit_test(a_restart_counts_those_that_run),
	    cmocka_unit_test(one_that_is_seen_on_does_not_wait),
	    cmocka_unit_test(only_its_own_segment_counts),
	    cmocka_unit_test(a_share_has_to_stay_up),
	    cmocka_unit_test(a_host_in_doubt_is_not_up),
	    cmocka_unit_test(a_power_off_is_remembered_once_for_a_recovery),
	    cmocka_unit_test(flapping_waits_for_an_operator),
	    cmocka_unit_test(one_fence_less_is_no_flapping),
	    cmocka_unit_test(a_cool_down_ends_to_the_second),
	    cmocka_unit_test(a_date_in_the_future_counts_as_now),
	    cmocka_unit_test(old_fences_are_forgotten_and_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
