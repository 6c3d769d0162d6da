/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without a lease: it looks on, and nothing of it leaves a trace, on whichever way it would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum { LONG_MS = 3600000 };

static void lose(struct bed *b)
{
	struct engine_event lost = {.type = ENGINE_LEASE};

	bed_event(b, &lost, NULL);
}

static void gain(struct bed *b, uint64_t epoch)
{
	struct engine_event gained = {.type = ENGINE_LEASE, .epoch = epoch};

	bed_event(b, &gained, NULL);
}

static uint32_t acts(const struct bed *b)
{
	uint32_t n = 0;

	for (int k = 0; k < OP_KIND_N; k++)
		n += op_kind_changes_world((enum op_kind)k) ? b->started[k] : 0;
	return n;
}

static void what_is_confirmed_too_late_is_announced_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t offs;

	bed_to_proven(b, 0);
	b->store = BED_STORE_WAITS;
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(b->waiting_n, 1);
	lose(b);
	offs = acts(b);
	bed_settle_store(b, true); /* the intent is durable, and the lease is gone */
	assert_null(bed_op(b, OP_DISABLE));
	assert_int_equal(acts(b), offs);
	b->store = BED_STORE_CONFIRMS;
	gain(b, 9);
	bed_end_power(b, POWER_OFF);
	assert_non_null(bed_op(b, OP_DISABLE));
	assert_int_equal(bed_durable(b, "h1")->epoch, 9);
	(void)state;
	bed_free(b);
}

static void time_alone_moves_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t begun;

	bed_to_fencing(b, 0);
	lose(b);
	begun = acts(b);
	b->store = BED_STORE_WAITS;
	bed_pass(b, LONG_MS); /* deadlines, back-offs, the end of the power-off under way */
	assert_int_equal(acts(b), begun);
	assert_int_equal(b->waiting_n, 0);
	assert_true(engine_next_deadline_ms(b->e) > b->now_ms);
	(void)state;
	bed_free(b);
}

static void a_death_opens_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);

	lose(b);
	b->store = BED_STORE_WAITS;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, 60000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(b->waiting_n, 0);
	assert_int_equal(b->started[OP_LOOK], 0);
	(void)state;
	bed_free(b);
}

static void nobody_is_told(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event ill = {
	    .type = ENGINE_MONITOR_HEALTH, .health.monitor = 1, .health.is_ok = false, .health.reason = "no network"};

	b->keep_untold = true;
	bed_to_fencing(b, 0);
	lose(b);
	b->talk_n = 0;
	bed_event(b, &ill, NULL);
	bed_end(b, OP_POWER_OFF, OUTCOME_REFUSED, FAULT_STATE);
	bed_set(b, 1, SIGN_ALIVE, SIGN_DEAD); /* one that would be told as degraded */
	bed_pass(b, b->o.degraded_after_ms * 2);
	assert_int_equal(b->talk_n, 0);
	(void)state;
	bed_free(b);
}

static void power_is_not_read(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t readings;

	bed_to_listing(b, 0); /* under proof its power is read again and again */
	lose(b);
	readings = b->started[OP_POWER_STATUS];
	bed_pass(b, b->o.power_poll_ms * 5);
	assert_int_equal(b->started[OP_POWER_STATUS], readings);
	assert_true(engine_next_deadline_ms(b->e) > b->now_ms);
	gain(b, 9);
	assert_int_equal(b->started[OP_POWER_STATUS], readings + 1);
	(void)state;
	bed_free(b);
}

static void a_routine_reading_is_not_recorded(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event off = {.type = ENGINE_DEVICE, .device = {0, 0, POWER_OFF}};

	lose(b);
	b->store = BED_STORE_WAITS;
	bed_event(b, &off, NULL);
	for (int k = 0; k < 30; k++) {
		bed_pass(b, b->o.recheck_after_ms);
		bed_see(b, 0);
		bed_event(b, &off, NULL);
	}
	assert_int_equal(b->waiting_n, 0);
	assert_int_equal(bed_alerts(b, "miswired"), 0);
	(void)state;
	bed_free(b);
}

static void no_word_of_an_operator_is_taken(void **state)
{
	struct bed *b = bed_new(3, NULL);

	lose(b);
	b->store = BED_STORE_WAITS;
	for (int verb = 0; verb < OPERATOR_VERB_N; verb++) {
		struct osha_err err = {0};

		assert_int_equal(bed_say(b, (enum operator_verb)verb, "h1", NULL, &err), OPERATOR_REFUSED);
		assert_string_equal(err.msg, "this daemon does not lead: nothing can be recorded");
	}
	assert_int_equal(b->waiting_n, 0);
	(void)state;
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_confirmed_too_late_is_announced_anew),
	    cmocka_unit_test(time_alone_moves_nothing), cmocka_unit_test(a_death_opens_nothing),
	    cmocka_unit_test(nobody_is_told), cmocka_unit_test(power_is_not_read),
	    cmocka_unit_test(a_routine_reading_is_not_recorded), cmocka_unit_test(no_word_of_an_operator_is_taken)};

	return cmocka_run_group_tests_name("engine_lease", tests, NULL, NULL);
}
