/* SPDX-License-Identifier: Apache-2.0 */
/* Entering and leaving the rows of the host's table: when, with which sentence, at which fence level, and what a restart makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

#define TIME_IS_OVER "the hold's time is over: it tries again"

/* --- is another host proven dead? --- */

/* Written and not yet durable, or durable and not read again since the start: nobody may rely on it. */
static void a_proof_counts_for_others_once_it_is_durable_and_read_again(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	b->store = BED_STORE_WAITS;
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	assert_false(engine_host_is_proven_dead(b->e, "h1"));
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	assert_true(engine_host_is_proven_dead(b->e, "h1"));
	bed_restart(b);
	assert_false(engine_host_is_proven_dead(b->e, "h1"));
	bed_end_power(b, POWER_OFF);
	assert_true(engine_host_is_proven_dead(b->e, "h1"));
	bed_free(b);
}

/* One at rest: a reading of off is good until the one after it would have to be there. */
static void a_reading_of_off_at_rest_is_good_for_one_round(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_recovered(b, 0);
	assert_false(engine_host_is_proven_dead(b->e, "h1"));
	bed_pass(b, 1); /* to ask is to have it read */
	bed_end_power(b, POWER_OFF);
	assert_true(engine_host_is_proven_dead(b->e, "h1"));
	bed_pass(b, b->o.power_poll_ms + b->o.power_status_timeout_ms);
	assert_true(engine_host_is_proven_dead(b->e, "h1"));
	bed_pass(b, 1);
	assert_false(engine_host_is_proven_dead(b->e, "h1"));
	bed_free(b);
}

/* --- when --- */

static void pauses_double_up_to_their_longest(void **state)
{
	static const int64_t pause_ms[] = {500, 1000, 2000, 3000, 3000};
	struct engine_options o = engine_options_default();
	struct bed *b;

	(void)state;
	o.retry_ms = 500;
	o.retry_max_ms = 3000;
	b = bed_new(3, &o);
	bed_to_proven(b, 0);
	for (uint32_t k = 0; k < sizeof(pause_ms) / sizeof(pause_ms[0]); k++) {
		bed_end(b, OP_FORCE_DOWN, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		bed_pass(b, pause_ms[k] - 1);
		assert_int_equal(b->started[OP_FORCE_DOWN], k + 1);
		bed_pass(b, 1);
		assert_int_equal(b->started[OP_FORCE_DOWN], k + 2);
	}
	bed_free(b);
}

/* Restarted while it is forced down, and Nova lists nothing: the listing is waited for as long as one look may take. */
static void a_listing_is_waited_for_as_long_as_a_look(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	(void)state;
	o.look_timeout_ms = 4 * o.retry_ms;
	b = bed_new(3, &o);
	bed_to_proven(b, 0);
	bed_restart(b);
	bed_end_power(b, POWER_OFF);
	bed_pass(b, o.look_timeout_ms - 1);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	bed_pass(b, 1);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_free(b);
}

/* --- what is said --- */

static void a_row_entered_without_a_reason_gives_its_own(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_proven(b, 0);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_string_equal(bed_durable(b, "h1")->why, host_step_of(HOST_ROW_DISABLING)->why);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	assert_string_equal(bed_durable(b, "h1")->why, host_step_of(HOST_ROW_LISTING)->why);
	bed_free(b);
}

/* Who is woken by his log's priorities has to be woken by a hold and warned of a fence, and by no other row. */
static void a_hold_is_critical_and_a_fence_a_warning(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0); /* suspect, confirming, fencing */
	assert_int_equal(b->line_n[4], 1);
	assert_int_equal(b->line_n[2], 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(b->line_n[4], 1);
	assert_int_equal(b->line_n[2], 1);
	assert_int_equal(b->line_n[5], 4); /* suspect, confirming, proving, forcing-down */
	bed_free(b);
}

/* What the monitors said when the gate let it go is durable: not what they had said when it was let in. */
static void what_the_gate_saw_is_recorded(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->store = BED_STORE_WAITS;
	bed_end_look(b, 0);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_CLEARED);
	assert_int_equal(bed_durable(b, "h1")->sightings[0].sign, SIGN_DEAD);
	assert_int_equal(bed_durable(b, "h1")->sightings[1].sign, SIGN_ALIVE);
	bed_free(b);
}

static void a_second_cut_says_what_the_first_one_came_to(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	for (uint32_t k = 0; k < b->o.power_status_attempts; k++) {
		bed_end_power(b, POWER_ON);
		bed_pass(b, b->o.retry_max_ms / 3);
	}
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	assert_string_equal(bed_durable(b, "h1")->why, "bmc0-h1 still reads on: its power is cut again");
	bed_free(b);
}

/* h1 of a segment that asks first has died. */
static struct bed *asked_first(void)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);

	p.mode = MODE_ASK;
	engine_host_set_policy(b->e, 0, &p);
	bed_dies(b, 0);
	return b;
}

/* Its time is over, and nobody has said anything: the next look must not be put down to somebody. */
static void a_hold_for_approval_that_runs_out_was_not_approved(void **state)
{
	struct bed *b = asked_first();

	(void)state;
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_APPROVAL);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_string_equal(bed_durable(b, "h1")->why, TIME_IS_OVER);
	bed_free(b);
}

/* Approved before, and held for something else since: that word is not the reason for the next try. */
static void another_hold_of_an_approved_one_runs_out_by_itself(void **state)
{
	struct bed *b = asked_first();

	(void)state;
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, "tsttst-1-1", NULL, NULL), 0);
	bed_end_look(b, 0);
	for (int k = 0; k < 4; k++)
		bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FENCE_FAILED);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_string_equal(bed_durable(b, "h1")->why, TIME_IS_OVER);
	bed_free(b);
}

/* The one that runs still runs: it is looked at again, and it is not its turn. */
static void a_hold_for_want_of_a_place_that_runs_out_was_given_none(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	(void)state;
	o.recoveries_n = 1;
	b = bed_new(5, &o);
	bed_to_listing(b, 0);
	bed_dies(b, 1);
	assert_int_equal(bed_recovery(b, 1)->hold, HOLD_LIMIT);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	assert_int_equal(bed_row(b, 1), HOST_ROW_CONFIRMING);
	assert_string_equal(bed_durable(b, "h2")->why, TIME_IS_OVER);
	bed_free(b);
}

/* --- at which level --- */

/* Seen on again and every level failed: with each new try it begins with the first level, as the first fence does. */
static void a_void_proof_is_tried_again_from_the_first_level(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_listing(b, 0);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	for (uint32_t k = 0; k < 4; k++) {
		assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, k / 2);
		bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	}
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_PROOF_VOID);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, 0);
	bed_free(b);
}

/* The device that proved it is the one that is read while the proof is used, after a hold as well. */
static void a_hold_under_proof_keeps_the_level_that_proved_it(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL), 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_pass(b, b->o.power_poll_ms);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.level, 1);
	bed_free(b);
}

/* --- restarts --- */

/* A daemon that is killed again and again may not begin its budget anew each time; once it is used up the row is entered anew. */
static void a_restart_counts_the_attempts_of_before(void **state)
{
	struct engine_options o = engine_options_default();
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 1000};
	struct bed *b;
	uint32_t entry;

	(void)state;
	o.cloud_attempts = 3;
	b = bed_new(3, &o);
	bed_to_proven(b, 0);
	entry = bed_durable(b, "h1")->entry;
	for (uint32_t attempt = 2; attempt <= 4; attempt++) {
		bed_restart(b);
		bed_service(b, 0, &down);
		bed_end_power(b, POWER_OFF);
		assert_int_equal(b->started[OP_FORCE_DOWN], attempt);
		assert_int_equal(bed_durable(b, "h1")->attempt, attempt < 4 ? attempt : 1);
		assert_int_equal(bed_durable(b, "h1")->entry, attempt < 4 ? entry : entry + 1);
	}
	bed_free(b);
}

/* Restarted in the very row that comes behind our last PUT: what moves nova's record from now on is its nova-compute. */
static void a_report_is_noticed_after_a_restart_while_listing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view s = {.state = SIGN_DEAD, .forced_down = true, .updated_at_ms = 1000};

	(void)state;
	bed_to_listing(b, 0);
	bed_restart(b);
	bed_end_power(b, POWER_OFF);
	bed_service(b, 0, &s);
	s.updated_at_ms = 2000;
	bed_service(b, 0, &s);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_true(bed_durable(b, "h1")->proof.is_void);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_proof_counts_for_others_once_it_is_durable_and_read_again),
	    cmocka_unit_test(a_reading_of_off_at_rest_is_good_for_one_round),
	    cmocka_unit_test(pauses_double_up_to_their_longest),
	    cmocka_unit_test(a_listing_is_waited_for_as_long_as_a_look),
	    cmocka_unit_test(a_row_entered_without_a_reason_gives_its_own),
	    cmocka_unit_test(a_hold_is_critical_and_a_fence_a_warning),
	    cmocka_unit_test(what_the_gate_saw_is_recorded),
	    cmocka_unit_test(a_second_cut_says_what_the_first_one_came_to),
	    cmocka_unit_test(a_hold_for_approval_that_runs_out_was_not_approved),
	    cmocka_unit_test(another_hold_of_an_approved_one_runs_out_by_itself),
	    cmocka_unit_test(a_hold_for_want_of_a_place_that_runs_out_was_given_none),
	    cmocka_unit_test(a_void_proof_is_tried_again_from_the_first_level),
	    cmocka_unit_test(a_hold_under_proof_keeps_the_level_that_proved_it),
	    cmocka_unit_test(a_restart_counts_the_attempts_of_before),
	    cmocka_unit_test(a_report_is_noticed_after_a_restart_while_listing),
	};

	return cmocka_run_group_tests_name("engine_rows", tests, NULL, NULL);
}
