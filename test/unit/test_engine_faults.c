/* SPDX-License-Identifier: Apache-2.0 */
/* Fencing that fails or lies, hosts that are seen on, operators, restarts, stalls, and the way back into service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* The power-off of a level is accepted, and every reading says on. */
static void off_is_a_lie(struct bed *b, uint32_t level)
{
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, level);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	for (uint32_t k = 0; k < b->o.power_status_attempts; k++) {
		assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.level, level);
		bed_end_power(b, POWER_ON);
		bed_pass(b, b->o.retry_max_ms / 3);
		bed_see(b, 0);
	}
}

static void an_accepted_off_that_stays_on_never_proves(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	off_is_a_lie(b, 0);
	off_is_a_lie(b, 0);
	off_is_a_lie(b, 1);
	off_is_a_lie(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FENCE_FAILED);
	assert_int_equal(bed_recovery(b, 0)->proof.kind, PROOF_NONE);
	assert_int_equal(b->started[OP_POWER_OFF], 4);
	assert_int_equal(b->started[OP_FORCE_DOWN], 0);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	/* on its schedule it looks again and begins with the first level */
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, 0);
	bed_free(b);
}

static void one_reading_of_on_between_two_of_off_starts_over(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_ON);
	bed_pass(b, b->o.retry_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_PROVING);
	bed_end_power(b, POWER_UNKNOWN);
	bed_pass(b, 2 * b->o.retry_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_PROVING);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_free(b);
}

/* A power-off whose answer was lost is sent again; two of them use the level up, then comes the next one. */
static void a_lost_power_off_is_repeated_then_the_next_level(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	bed_pass(b, 9000);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, 1);
	assert_int_equal(bed_durable(b, "h1")->off_attempt, 1);
	/* refused (already off, say): what counts is what it reads */
	bed_end(b, OP_POWER_OFF, OUTCOME_REFUSED, FAULT_STATE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	assert_string_equal(bed_recovery(b, 0)->proof.by, "bmc1-h1");
	bed_free(b);
}

/* Attempts are counted in the record: a daemon killed after each power-off cannot go beyond the budget of the level. */
static void attempts_are_counted_across_restarts(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	for (uint32_t k = 2; k <= 4; k++) {
		bed_restart(b);
		assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
		assert_null(bed_op(b, OP_POWER_OFF));
		bed_see(b, 1);
		bed_see(b, 2);
		bed_end_look(b, 0);
		assert_int_equal(b->started[OP_POWER_OFF], k);
		assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, (k - 1) / 2);
	}
	bed_restart(b);
	bed_see(b, 1);
	bed_see(b, 2);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(b->started[OP_POWER_OFF], 4);
	bed_free(b);
}

/* The device is read again before a restarted daemon does anything on the strength of a proof. */
static void power_is_read_again_after_a_restart(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 1000};

	bed_to_proven(b, 0);
	bed_restart(b);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	bed_end_power(b, POWER_OFF);
	/* whose marks the service carries is not known yet: Nova's listing comes first */
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	bed_service(b, 0, &down);
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_restart(b);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_true(bed_recovery(b, 0)->proof.is_void);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_free(b);
}

/* Nova may not list the host any more: the listing is waited for within bounds. */
static void a_listing_that_never_comes_is_not_waited_for(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	bed_restart(b);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	bed_pass(b, b->o.look_timeout_ms + b->o.retry_ms);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_free(b);
}

/* Another device under the same level: the record of what its predecessor read is not the new one's. */
static void another_device_at_a_restart_has_proven_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event ev = {.type = ENGINE_STARTED};
	struct host_policy p = bed_policy(0);

	p.level[0].key = 777;
	engine_destroy(b->e);
	b->e = engine_create(&b->o);
	assert_int_equal(engine_host_add(b->e, "h1"), 0);
	engine_host_set_policy(b->e, 0, &p);
	ev.records.all = b->durable;
	ev.records.n = b->durable_n;
	bed_event(b, &ev, NULL);
	assert_false(host_level_is_usable(&b->e->hosts[0], 0));
	assert_true(host_level_is_usable(&b->e->hosts[0], 1));
	bed_free(b);
}

static void seen_on_after_the_proof_stops_calls_and_fences_again(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v[2] = {bed_view(1, "h1"), bed_view(2, "h1")};

	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, v, 2);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_true(bed_durable(b, "h1")->proof.is_void);
	assert_int_equal(bed_durable(b, "h1")->refences, 1);
	assert_int_equal(bed_alerts(b, "seen-on/"), 1);
	while (bed_op(b, OP_ASK))
		bed_end_views(b, OP_ASK, str_eq(bed_op(b, OP_ASK)->start.instance, v[0].uuid) ? &v[0] : &v[1], 1);
	bed_pass(b, 3000);
	assert_int_equal(b->started[OP_EVACUATE], 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_LIST, v, 2);
	assert_int_equal(bed_row(b, 0), HOST_ROW_EVACUATING);
	bed_end_views(b, OP_ASK, &v[0], 1);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 1);
	bed_free(b);
}

/* The same by a monitor, and our own forced-down mark is not taken for an operator's. */
static void a_monitor_that_sees_life_after_the_proof_voids_it(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view s = {.forced_down = true, .updated_at_ms = 100};

	bed_to_proven(b, 0);
	b->sign[0][1] = SIGN_ALIVE;
	bed_see(b, 0); /* of the same moment as the proof: no news */
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_pass(b, 10);
	bed_service(b, 0, &s);
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	assert_int_equal(b->started[OP_DISABLE], 0);
	bed_free(b);
}

/* Maintenance forbids to fence it again, but what was begun is not dropped: it is held and paged. */
static void maintenance_in_the_middle_holds(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_listing(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h1", NULL, NULL), 0);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_PROOF_VOID);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_OFF, "h1", NULL, NULL), 0);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	bed_free(b);
}

static void no_power_off_once_it_is_taken_back(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_recovered(b, 0);
	bed_pass(b, 10);
	b->sign[0][1] = SIGN_ALIVE;
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	bed_pass(b, 60000);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	bed_free(b);
}

static void a_segment_may_let_it_return(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v[3] = {bed_view(1, "h1"), bed_view(2, "h1"), bed_view(3, "h1")}, moved;
	struct host_policy p = bed_policy(0);

	p.let_return = true;
	engine_host_set_policy(b->e, 0, &p);
	b->o.evacuate_per_host_n = 2;
	engine_options_set(b->e, &b->o);
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, v, 3);
	bed_end_views(b, OP_ASK, &v[0], 1); /* 1 is being called, 2 asked for, 3 waits */
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_pass(b, b->o.power_poll_ms - 1);
	while (bed_op(b, OP_MIGRATIONS))
		bed_end_views(b, OP_MIGRATIONS, v, 0);
	bed_pass(b, 1);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	assert_int_equal(bed_instance(b, 0, "uuid-3")->row, INSTANCE_ROW_REFUSED);
	bed_end_views(b, OP_ASK, &v[1], 1);
	assert_int_equal(bed_instance(b, 0, "uuid-2")->row, INSTANCE_ROW_REFUSED);
	/* the one that had been called is watched to its end */
	moved = bed_moved(1, "h1", "h2", 11);
	bed_pass(b, b->o.poll_ms);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_DONE);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

static void only_what_is_held_can_be_released(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct osha_err err = {0};

	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, &err), OPERATOR_NOT_FOUND);
	bed_to_fencing(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "fencing"));
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-11", NULL, &err), OPERATOR_NOT_FOUND);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h", NULL, &err), OPERATOR_NOT_FOUND);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h11", NULL, &err), OPERATOR_NOT_FOUND);
	assert_int_equal(bed_recovery(b, 0)->proof.kind, PROOF_NONE);
	bed_free(b);
}

static void confirm_dead_is_refused_while_life_is_seen(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);
	struct osha_err err = {0};

	p.must_be_dead = 1; /* the probe is not asked by the policy, and still it is a path */
	engine_host_set_policy(b->e, 0, &p);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "probe"));
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h9", NULL, &err), OPERATOR_NOT_FOUND);
	assert_int_equal(bed_recovery(b, 0)->proof.kind, PROOF_NONE);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", "unplugged by hand", &err), 0);
	assert_int_equal(bed_durable(b, "h1")->proof.kind, PROOF_OPERATOR);
	assert_string_equal(bed_durable(b, "h1")->proof.by, "ops (uid 1000)");
	assert_non_null(strstr(bed_durable(b, "h1")->why, "unplugged by hand"));
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	/* its readings do not overrule that word */
	bed_pass(b, 2 * b->o.power_poll_ms);
	assert_null(bed_op(b, OP_POWER_STATUS));
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", "again", &err), OPERATOR_REFUSED);
	bed_free(b);
}

static void confirm_dead_ends_a_hold(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	for (int k = 0; k < 4; k++)
		bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, NULL), 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	assert_int_equal(bed_durable(b, "h1")->proof.kind, PROOF_OPERATOR);
	bed_free(b);
}

/* A word while the power-off runs: that one is cancelled, and none begins after the proof. */
static void confirm_dead_cancels_the_power_off(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, NULL), 0);
	assert_null(bed_op(b, OP_POWER_OFF));
	assert_int_equal(b->cancelled, 1);
	bed_pass(b, 9000);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	bed_free(b);
}

/* Evidence from before a stall is no evidence, and what was about to start is looked at and recorded again. */
static void a_stall_throws_evidence_away(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event stall = {.type = ENGINE_STALLED, .stall_ms = 40000};

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->store = BED_STORE_WAITS;
	bed_end_look(b, 0);
	b->store = BED_STORE_CONFIRMS;
	b->now_ms += 40000;
	bed_event(b, &stall, NULL);
	bed_pass(b, 10);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_see(b, 1);
	bed_see(b, 2);
	bed_end_look(b, 0);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	bed_free(b);
}

static void a_stall_under_proof_reads_power_first(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event stall = {.type = ENGINE_STALLED, .stall_ms = 40000};

	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	b->store = BED_STORE_WAITS;
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	b->now_ms += 40000;
	bed_event(b, &stall, NULL);
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	bed_pass(b, 10);
	assert_int_equal(b->started[OP_FORCE_DOWN], 0);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	assert_int_equal(bed_recovery(b, 0)->attempt, 1);
	bed_free(b);
}

/* Answered before the stall and heard after it, or still to come: either way it may have been switched on since. */
static void a_reading_from_before_a_stall_proves_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event stall = {.type = ENGINE_STALLED, .stall_ms = 10000};
	uint32_t cancelled;

	(void)state;
	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	b->now_ms += 10000;
	bed_event(b, &stall, NULL);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_PROVING);
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_pass(b, b->o.power_poll_ms);
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	cancelled = b->cancelled;
	b->now_ms += 10000;
	bed_event(b, &stall, NULL);
	assert_int_equal(b->cancelled, cancelled + 1);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(b->started[OP_LIST], 0);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(b->started[OP_LIST], 1);
	bed_free(b);
}

/* Nothing will be done about it, so one monitor that says dead is enough to tell of it. */
/* Nobody waits for the readings of a hold. Once it goes on, the one that still waits in line is asked for anew, and the row waits for it. */
static void a_hold_under_proof_reads_patiently_until_it_goes_on(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_listing(b, 0);
	bed_pass(b, b->o.power_poll_ms);
	assert_false(bed_op(b, OP_POWER_STATUS)->start.is_patient); /* it is being worked on */
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_LIST, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, b->o.power_poll_ms);
	assert_true(bed_op(b, OP_POWER_STATUS)->start.is_patient);
	bed_pass(b, b->o.power_status_timeout_ms);
	bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE); /* no place was free for it */
	bed_pass(b, b->o.hold_retry_ms - b->o.power_poll_ms - b->o.power_status_timeout_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	assert_null(bed_op(b, OP_LIST));
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	assert_false(bed_op(b, OP_POWER_STATUS)->start.is_patient);
	bed_end_power(b, POWER_OFF);
	assert_non_null(bed_op(b, OP_LIST));
	assert_null(bed_op(b, OP_POWER_STATUS));
	bed_free(b);
}

/* After a restart nothing is done on the strength of a reading that was never taken, however often it found no place. */
static void a_reading_that_found_no_place_was_no_try(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_listing(b, 0);
	bed_restart(b);
	for (uint32_t k = 0; k < 2 * b->o.power_status_attempts; k++) {
		assert_non_null(bed_op(b, OP_POWER_STATUS));
		bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE);
		bed_pass(b, b->o.retry_ms);
		assert_null(bed_op(b, OP_LIST));
	}
	bed_end_power(b, POWER_OFF);
	assert_non_null(bed_op(b, OP_LIST));
	bed_free(b);
}

/* Nor does it use up a try of the proof: the level has not failed because others had all places. */
static void a_proof_that_found_no_place_is_asked_for_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);
	int64_t since_ms;

	(void)state;
	bed_to_fencing(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	since_ms = b->now_ms;
	for (uint32_t k = 0; k < 2 * b->o.power_status_attempts; k++) {
		bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE);
		bed_pass(b, b->o.retry_ms);
		assert_int_equal(bed_row(b, 0), HOST_ROW_PROVING);
		assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.since_ms, since_ms);
	}
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.since_ms, b->now_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_free(b);
}

static void a_hold_under_proof_that_was_just_read_goes_on_at_once(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_listing(b, 0);
	bed_end(b, OP_LIST, OUTCOME_REFUSED, FAULT_AUTH);
	for (int64_t ms = 0; ms < b->o.hold_retry_ms; ms += 1000) {
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		bed_pass(b, 1000);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	assert_non_null(bed_op(b, OP_LIST));
	bed_free(b);
}

static void a_death_in_maintenance_is_told_without_a_second_witness(void **state)
{
	struct bed *b = bed_new(3, NULL);

	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h1", NULL, NULL), 0);
	bed_set(b, 0, SIGN_DEAD, SIGN_UNKNOWN);
	bed_pass(b, b->o.recheck_after_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), 1);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(an_accepted_off_that_stays_on_never_proves),
	    cmocka_unit_test(one_reading_of_on_between_two_of_off_starts_over),
	    cmocka_unit_test(a_lost_power_off_is_repeated_then_the_next_level),
	    cmocka_unit_test(attempts_are_counted_across_restarts),
	    cmocka_unit_test(power_is_read_again_after_a_restart),
	    cmocka_unit_test(a_listing_that_never_comes_is_not_waited_for),
	    cmocka_unit_test(another_device_at_a_restart_has_proven_nothing),
	    cmocka_unit_test(seen_on_after_the_proof_stops_calls_and_fences_again),
	    cmocka_unit_test(a_monitor_that_sees_life_after_the_proof_voids_it),
	    cmocka_unit_test(maintenance_in_the_middle_holds), cmocka_unit_test(no_power_off_once_it_is_taken_back),
	    cmocka_unit_test(a_segment_may_let_it_return), cmocka_unit_test(only_what_is_held_can_be_released),
	    cmocka_unit_test(confirm_dead_is_refused_while_life_is_seen), cmocka_unit_test(confirm_dead_ends_a_hold),
	    cmocka_unit_test(confirm_dead_cancels_the_power_off), cmocka_unit_test(a_stall_throws_evidence_away),
	    cmocka_unit_test(a_stall_under_proof_reads_power_first),
	    cmocka_unit_test(a_reading_from_before_a_stall_proves_nothing),
	    cmocka_unit_test(a_hold_under_proof_reads_patiently_until_it_goes_on),
	    cmocka_unit_test(a_reading_that_found_no_place_was_no_try),
	    cmocka_unit_test(a_proof_that_found_no_place_is_asked_for_anew),
	    cmocka_unit_test(a_hold_under_proof_that_was_just_read_goes_on_at_once),
	    cmocka_unit_test(a_death_in_maintenance_is_told_without_a_second_witness)};

	return cmocka_run_group_tests_name("engine_faults", tests, NULL, NULL);
}
