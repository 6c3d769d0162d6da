/* SPDX-License-Identifier: Apache-2.0 */
/* One recovery from the first silence to the host's return, step by step, and the order "record, confirmation, start". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

static void a_host_dies_and_its_instance_moves(void **state)
{
	struct bed *b = bed_new(3, NULL);
	const struct recovery_record *r;

	bed_to_recovered(b, 0);
	r = bed_recovery(b, 0);
	assert_string_equal(r->id, "tsttst-1-1");
	assert_int_equal(r->proof.kind, PROOF_POWER);
	assert_string_equal(r->proof.by, "bmc0-h1");
	assert_int_equal(r->proof.epoch, 1);
	assert_int_equal(r->done_n, 1);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	assert_int_equal(b->started[OP_DISABLE], 1);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 1);
	assert_int_equal(bed_told(b, MOMENT_RECOVERED), 1);
	assert_int_equal(bed_told(b, MOMENT_HELD), 0);
	assert_string_equal(bed_durable(b, "h1")->id, r->id);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_RECOVERED);
	assert_true(engine_is_settled(b->e, b->now_ms));
	/* at rest: nothing is under way and no time is waited for */
	assert_int_equal(b->op_n, 0);
	assert_true(engine_next_deadline_ms(b->e) == NEVER_MS);
	bed_free(b);
}

/* A decision can be traced: the record that announces the power-off holds what every monitor said, and when it saw that. */
static void the_evidence_of_each_decision_is_durable(void **state)
{
	struct engine_options o = engine_options_default();
	const struct recovery_record *d;
	struct bed *b;
	int64_t died_ms, looked_ms;

	str_copy(o.monitor_path[0], MONITOR_PATH_SIZE, "bus");
	str_copy(o.monitor_path[1], MONITOR_PATH_SIZE, "management");
	b = bed_new(3, &o);
	bed_pass(b, 700);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	died_ms = b->now_ms;
	d = bed_durable(b, "h1");
	assert_int_equal(d->row, HOST_ROW_SUSPECT);
	assert_int_equal(d->weighed_wall_ms, d->opened_wall_ms);
	assert_int_equal(d->sightings[1].sign, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	looked_ms = b->now_ms;
	bed_end_look(b, 0);
	d = bed_durable(b, "h1");
	assert_int_equal(d->row, HOST_ROW_FENCING);
	assert_int_equal(d->weighed_wall_ms - d->sightings[0].seen_wall_ms, b->now_ms - looked_ms);
	for (int m = 0; m < 2; m++) {
		const struct sighting *s = &d->sightings[m];

		assert_string_equal(s->monitor, m ? "probe" : "nova");
		assert_string_equal(s->path, m ? "management" : "bus");
		assert_int_equal(s->sign, SIGN_DEAD);
		assert_true(s->is_asked);
		assert_int_equal(s->seen_wall_ms - s->since_wall_ms, looked_ms - died_ms);
	}
	assert_string_equal(d->sightings[2].monitor, "");
	bed_free(b);
}

/* A second look that cannot tell says which monitor it was; what was seen before it does not count. */
static void a_look_that_cannot_tell_says_whose_word_is_missing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	const struct recovery_record *d;

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->sign[0][1] = SIGN_UNKNOWN;
	for (uint32_t k = 0; k < 100 && bed_row(b, 0) == HOST_ROW_CONFIRMING; k++) {
		if (bed_op(b, OP_LOOK))
			bed_end_look(b, 0);
		bed_pass(b, b->o.retry_ms);
	}
	d = bed_durable(b, "h1");
	assert_int_equal(d->row, HOST_ROW_HELD);
	assert_int_equal(d->sightings[0].sign, SIGN_DEAD);
	assert_int_equal(d->sightings[1].sign, SIGN_UNKNOWN);
	bed_free(b);
}

static void an_operators_word_keeps_what_the_monitors_said(void **state)
{
	struct bed *b = bed_new(3, NULL);
	const struct recovery_record *d;

	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", "it burns", NULL), 0);
	d = bed_durable(b, "h1");
	assert_int_equal(d->proof.kind, PROOF_OPERATOR);
	assert_true(d->weighed_wall_ms);
	assert_int_equal(d->sightings[0].sign, SIGN_ALIVE);
	assert_int_equal(d->sightings[1].sign, SIGN_ALIVE);
	bed_free(b);
}

static void the_reason_carries_the_recovery_and_only_its_host_is_touched(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 1);
	assert_string_equal(bed_op(b, OP_FORCE_DOWN)->start.host_name, "h2");
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_non_null(strstr(bed_op(b, OP_DISABLE)->start.reason, "tsttst-1-1:"));
	assert_int_equal(bed_op(b, OP_DISABLE)->start.host, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	bed_free(b);
}

static void nothing_starts_before_its_record(void **state)
{
	struct bed *b = bed_new(3, NULL);

	b->store = BED_STORE_WAITS;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_settle_store(b, true);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(b->op_n, 0);
	bed_settle_store(b, true);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_null(bed_op(b, OP_POWER_OFF));
	bed_pass(b, 5000);
	bed_see(b, 0);
	assert_null(bed_op(b, OP_POWER_OFF));
	bed_settle_store(b, true);
	assert_non_null(bed_op(b, OP_POWER_OFF));
	assert_int_equal(bed_durable(b, "h1")->off_attempt, 1);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.deadline_ms, b->now_ms + 9000);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.start_by_ms, b->now_ms + b->o.start_window_ms);
	bed_free(b);
}

/* Who reads a line and asks the journal finds it there: a line is written on the confirmation of its record, each once, in order. */
static void a_transition_is_logged_when_it_is_durable(void **state)
{
	struct bed *b = bed_new(3, NULL);
	const char *first, *second;

	b->store = BED_STORE_REFUSES;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	assert_null(strstr(b->log, "-> suspect"));
	bed_pass(b, b->o.store_retry_ms);
	assert_null(strstr(b->log, "-> suspect"));
	b->store = BED_STORE_WAITS;
	bed_pass(b, b->o.store_retry_ms);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE); /* the next row is entered while the first one's record is on its way */
	assert_null(strstr(b->log, " -> "));
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	first = strstr(b->log, "tsttst-1-1: h1 none -> suspect: ");
	second = strstr(b->log, "tsttst-1-1: h1 suspect -> cleared: ");
	assert_true(first && second && first < second);
	assert_null(strstr(second, "-> suspect"));
	assert_string_equal(strchr(second, '\n'), "\n"); /* it is the last line */
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_CLEARED);
	bed_free(b);
}

/* More rows than lines are kept, while nothing can be recorded: none is dropped. */
static void no_transition_goes_unsaid(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event stall = {.type = ENGINE_STALLED, .stall_ms = 5000};
	uint32_t n = 0;

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	b->store = BED_STORE_WAITS;
	for (int k = 0; k < 9; k++)
		bed_event(b, &stall, NULL);
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	for (const char *at = b->log; (at = strstr(at, "confirming -> confirming: ")); at++)
		n++;
	assert_int_equal(n, 9);
	bed_free(b);
}

/* The caller says that the window had passed: recorded anew, started anew, not counted as an attempt. */
static void a_late_start_is_recorded_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	b->is_late = true;
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(b->started[OP_DISABLE], 2);
	assert_int_equal(bed_recovery(b, 0)->attempt, 1);
	assert_int_equal(bed_op(b, OP_DISABLE)->start.deadline_ms, b->now_ms + b->o.cloud_timeout_ms);
	bed_free(b);
}

static void a_late_power_off_does_not_use_up_the_level(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->is_late = true;
	bed_end_look(b, 0);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	assert_int_equal(bed_durable(b, "h1")->off_attempt, 1);
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.deadline_ms, b->now_ms + 9000);
	bed_free(b);
}

static void a_store_that_refuses_stops_everything_and_is_told_once(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_fencing(b, 0);
	b->store = BED_STORE_REFUSES;
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_pass(b, 10000);
	assert_int_equal(b->op_n, 0);
	assert_int_equal(bed_alerts(b, "store"), 1);
	b->store = BED_STORE_CONFIRMS;
	bed_pass(b, b->o.store_retry_ms);
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	bed_end_power(b, POWER_OFF);
	b->store = BED_STORE_REFUSES;
	bed_end_power(b, POWER_OFF);
	bed_pass(b, 2000);
	assert_null(bed_op(b, OP_FORCE_DOWN));
	assert_int_equal(bed_alerts(b, "store"), 2);
	b->store = BED_STORE_CONFIRMS;
	bed_pass(b, b->o.store_retry_ms);
	assert_non_null(bed_op(b, OP_FORCE_DOWN));
	bed_free(b);
}

/* An answer after the deadline is nobody's: the operation was cancelled and another one has begun. */
static void late_answers_are_nobodys(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event late = {.type = ENGINE_OP_ENDED};

	bed_to_proven(b, 0);
	late.op_end = (struct op_end){.op = bed_op(b, OP_FORCE_DOWN)->start.op, .outcome = OUTCOME_DONE};
	bed_pass(b, b->o.cloud_timeout_ms);
	assert_null(bed_op(b, OP_FORCE_DOWN));
	bed_event(b, &late, NULL);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_event(b, &late, NULL);
	assert_int_equal(bed_row(b, 0), HOST_ROW_DISABLING);
	bed_free(b);
}

/* The place of a closed recovery is used again: an answer to the one before must not fit the one after. */
static void late_answers_of_an_earlier_recovery_are_nobodys(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event late = {.type = ENGINE_OP_ENDED};

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	late.op_end = (struct op_end){.op = bed_op(b, OP_LOOK)->start.op, .outcome = OUTCOME_DONE};
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(b->cancelled, 1);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	assert_true(bed_op(b, OP_LOOK)->start.op != late.op_end.op);
	bed_event(b, &late, NULL);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_free(b);
}

static void life_while_in_doubt_clears(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_CLEARED);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	assert_int_equal(b->talk_n, 0);
	bed_free(b);
}

/* Seen alive between the confirmation of the verdict and that of the record: the power-off is not begun. */
static void life_before_the_record_is_durable_clears(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->store = BED_STORE_WAITS;
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	bed_pass(b, 100);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_CLEARED);
	bed_free(b);
}

static void a_look_that_cannot_tell_holds(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->sign[0][0] = SIGN_UNKNOWN;
	for (uint32_t k = 0; k < b->o.look_attempts; k++) {
		assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
		bed_end_look(b, 0);
		bed_pass(b, 4 * b->o.retry_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_UNCONFIRMED);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	bed_free(b);
}

/* A hold tries again on its schedule and says the same thing only once; another cause is said again, and so is the first after it. */
static void a_hold_is_told_once_a_cause(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	for (int round = 1; round <= 3; round++) {
		bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
		assert_int_equal(bed_recovery(b, 0)->hold, HOLD_CLOUD);
		assert_int_equal(bed_told(b, MOMENT_HELD), 1);
		bed_pass(b, b->o.hold_retry_ms);
		assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	}
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL), 0);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_told(b, MOMENT_HELD), 2);
	assert_int_equal(bed_recovery(b, 0)->held_n, 2);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 1);
	bed_free(b);
}

/* The second hold comes while the first is on its way to the outbox: it is told as well, under a key of its own. */
static void a_second_hold_is_not_lost_behind_the_first(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event told = {.type = ENGINE_TOLD, .told = {"tsttst-1-1", MOMENT_HELD}};

	bed_to_proven(b, 0);
	b->keep_untold = true;
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_event(b, &told, NULL);
	assert_int_equal(bed_told(b, MOMENT_HELD), 2);
	assert_int_equal(b->talk[b->talk_n - 1].held_n, 2);
	bed_event(b, &told, NULL);
	assert_int_equal(bed_recovery(b, 0)->due & ~bed_recovery(b, 0)->told, 0);
	bed_free(b);
}

/* A restart before the outbox had it: told again under the same key. */
static void what_was_not_told_is_told_after_a_restart(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 1000};

	bed_to_fencing(b, 0);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 1);
	bed_restart(b);
	bed_service(b, 0, &down);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 1);
	b->keep_untold = true;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_see(b, 1);
	bed_see(b, 2);
	bed_end_look(b, 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_restart(b);
	assert_int_equal(bed_told(b, MOMENT_HELD), 2);
	assert_int_equal(b->talk[0].held_n, b->talk[0].held_n);
	bed_free(b);
}

static void without_a_lease_nothing_is_done(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event lost = {.type = ENGINE_LEASE}, gained = {.type = ENGINE_LEASE, .epoch = 7};
	struct osha_err err = {0};

	bed_to_proven(b, 0);
	bed_event(b, &lost, NULL);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_null(bed_op(b, OP_DISABLE));
	assert_int_equal(b->waiting_n, 0);
	/* it waits for the lease, not for the processor */
	assert_true(engine_next_deadline_ms(b->e) > b->now_ms);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h2", "on the desk", &err), OPERATOR_REFUSED);
	bed_set(b, 2, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_row(b, 2), HOST_ROW_NONE);
	bed_event(b, &gained, NULL);
	assert_null(bed_op(b, OP_DISABLE)); /* another one may have led meanwhile: its power is read first */
	bed_end_power(b, POWER_OFF);
	assert_non_null(bed_op(b, OP_DISABLE));
	assert_int_equal(bed_durable(b, "h1")->epoch, 7);
	bed_free(b);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.dry_run = true;
	b = bed_new(3, &o);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_ABANDONED);
	assert_non_null(strstr(bed_durable(b, "h1")->why, "bmc0-h1"));
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), 1);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, NULL), OPERATOR_REFUSED);
	assert_int_equal(b->started[OP_POWER_OFF] + b->started[OP_FORCE_DOWN], 0);
	bed_free(b);
}

/* A dry run over a journal with a recovery under way: it is looked at, not carried on. */
static void a_dry_run_carries_nothing_on(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	b->o.dry_run = true;
	bed_restart(b);
	bed_end_power(b, POWER_OFF);
	bed_pass(b, 60000);
	assert_int_equal(b->started[OP_FORCE_DOWN], 1);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_host_dies_and_its_instance_moves),
	    cmocka_unit_test(the_evidence_of_each_decision_is_durable),
	    cmocka_unit_test(a_transition_is_logged_when_it_is_durable), cmocka_unit_test(no_transition_goes_unsaid),
	    cmocka_unit_test(a_look_that_cannot_tell_says_whose_word_is_missing),
	    cmocka_unit_test(an_operators_word_keeps_what_the_monitors_said),
	    cmocka_unit_test(the_reason_carries_the_recovery_and_only_its_host_is_touched),
	    cmocka_unit_test(nothing_starts_before_its_record), cmocka_unit_test(a_late_start_is_recorded_anew),
	    cmocka_unit_test(a_late_power_off_does_not_use_up_the_level),
	    cmocka_unit_test(a_store_that_refuses_stops_everything_and_is_told_once),
	    cmocka_unit_test(late_answers_are_nobodys),
	    cmocka_unit_test(late_answers_of_an_earlier_recovery_are_nobodys),
	    cmocka_unit_test(life_while_in_doubt_clears), cmocka_unit_test(life_before_the_record_is_durable_clears),
	    cmocka_unit_test(a_look_that_cannot_tell_holds), cmocka_unit_test(a_hold_is_told_once_a_cause),
	    cmocka_unit_test(a_second_hold_is_not_lost_behind_the_first),
	    cmocka_unit_test(what_was_not_told_is_told_after_a_restart),
	    cmocka_unit_test(without_a_lease_nothing_is_done), cmocka_unit_test(a_dry_run_changes_nothing),
	    cmocka_unit_test(a_dry_run_carries_nothing_on)};

	return cmocka_run_group_tests_name("engine_flow", tests, NULL, NULL);
}
