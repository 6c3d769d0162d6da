/* SPDX-License-Identifier: Apache-2.0 */
/* Readings beside the main operation: which device is read for a hold and what it lets go, how long they go on, and how often Nova is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* Answer every reading under way: that of h1 so, those of others not at all. True: one of h1 was among them. */
static bool read_power(struct bed *b, enum power power)
{
	bool is_its = false;

	for (uint32_t k = b->op_n; k-- > 0;) {
		if (!bed_op(b, OP_POWER_STATUS))
			break;
		is_its |= bed_op(b, OP_POWER_STATUS)->start.host == 0;
		bed_end_power(b, bed_op(b, OP_POWER_STATUS)->start.host == 0 ? power : POWER_UNKNOWN);
	}
	return is_its;
}

/* --- held among many --- */

/* Three of six go silent: all of them are held. */
static struct bed *mass_held(struct bed *b)
{
	bed_die_together(b, 3);
	for (uint32_t h = 0; h < 3; h++)
		assert_int_equal(bed_recovery(b, h)->hold, HOLD_MASS);
	bed_pass(b, 1);
	return b;
}

static void one_of_many_that_reads_off_is_dead_whatever_else_is_silent(void **state)
{
	struct bed *b = mass_held(bed_new(6, NULL));

	(void)state;
	assert_true(read_power(b, POWER_OFF));
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, b->o.retry_ms);
	assert_true(read_power(b, POWER_OFF));
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_string_equal(
	    bed_durable(b, "h1")->why, "its fence device reads off: this one is dead, whatever else is silent");
	assert_int_equal(bed_row(b, 1), HOST_ROW_HELD);
	bed_free(b);
}

static void one_behind_a_limit_that_reads_off_has_nothing_to_wait_for(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	(void)state;
	o.recoveries_n = 1;
	b = bed_new(5, &o);
	bed_to_listing(b, 1);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_LIMIT);
	bed_pass(b, 1);
	assert_true(read_power(b, POWER_OFF));
	bed_pass(b, b->o.retry_ms);
	assert_true(read_power(b, POWER_OFF));
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_string_equal(
	    bed_durable(b, "h1")->why, "its fence device reads off: it is dead, there is nothing to wait for");
	bed_free(b);
}

/* A reading of off passes the breaker and the limits. It does not stand in for the monitors. */
static void off_alone_is_not_enough_where_a_monitor_cannot_tell(void **state)
{
	struct bed *b = mass_held(bed_new(6, NULL));

	(void)state;
	assert_true(read_power(b, POWER_OFF));
	bed_pass(b, b->o.retry_ms);
	bed_set(b, 0, SIGN_DEAD, SIGN_UNKNOWN);
	assert_true(read_power(b, POWER_OFF));
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_durable(b, "h1")->stamp_wall_ms[HOST_ROW_FENCING], 0);
	assert_int_equal(bed_durable(b, "h1")->off_attempt, 0);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 0);
	bed_free(b);
}

/* The device of its first level has never read on for it, so that it proves nothing: the next one is asked. */
static void a_hold_is_read_by_the_first_device_that_may_be_used(void **state)
{
	struct bed *b = bed_new(6, NULL);
	struct host_policy p = bed_policy(0);

	(void)state;
	p.level[0].key = 777;
	engine_host_set_policy(b->e, 0, &p);
	mass_held(b);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.host, 0);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.level, 1);
	assert_true(read_power(b, POWER_OFF));
	bed_pass(b, b->o.retry_ms);
	assert_true(read_power(b, POWER_OFF));
	assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, 1);
	bed_free(b);
}

/* The configuration gives it another device while it is held: that one has proven nothing yet, and the next level is read instead. */
static void a_device_that_is_replaced_during_a_hold_is_passed_over(void **state)
{
	struct bed *b = mass_held(bed_new(6, NULL));
	struct host_policy p = bed_policy(0);

	(void)state;
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.level, 0);
	assert_true(read_power(b, POWER_UNKNOWN));
	p.level[0].key = 777;
	engine_host_set_policy(b->e, 0, &p);
	bed_pass(b, b->o.power_poll_ms);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.host, 0);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.level, 1);
	bed_free(b);
}

/* --- under a proof --- */

/* What proved it is another device than the one that the configuration names now: nothing may be read in its name. */
static void a_device_that_is_replaced_under_a_proof_is_not_read(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);

	(void)state;
	bed_to_listing(b, 0);
	p.level[0].key = 777;
	engine_host_set_policy(b->e, 0, &p);
	bed_pass(b, 2 * b->o.power_poll_ms);
	assert_null(bed_op(b, OP_POWER_STATUS));
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	bed_free(b);
}

/* Whatever else its recovery does meanwhile: asked anew each time, a device that needs a while would never have answered. */
static void a_reading_under_way_is_not_begun_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");
	uint64_t op;

	(void)state;
	bed_to_listing(b, 0);
	bed_pass(b, b->o.power_poll_ms);
	op = bed_op(b, OP_POWER_STATUS)->start.op;
	bed_pass(b, 100);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_pass(b, 100);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_EVACUATING);
	assert_int_equal(b->cancelled, 0);
	assert_true(bed_op(b, OP_POWER_STATUS)->start.op == op);
	bed_free(b);
}

/* It is read for whom its death is needed by; a minute after the last question nobody needs it any more. */
static void a_host_at_rest_is_read_for_six_rounds(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t before;

	(void)state;
	bed_to_recovered(b, 0);
	before = b->started[OP_POWER_STATUS];
	(void)engine_host_is_proven_dead(b->e, "h1");
	for (uint32_t round = 0; round < 6; round++) {
		bed_pass(b, round ? b->o.power_poll_ms : 0);
		bed_pass(b, 0);
		assert_int_equal(b->started[OP_POWER_STATUS] - before, round + 1);
		bed_end_power(b, POWER_OFF);
	}
	bed_pass(b, b->o.power_poll_ms);
	assert_int_equal(b->started[OP_POWER_STATUS] - before, 7);
	bed_end_power(b, POWER_OFF);
	bed_pass(b, 3 * b->o.power_poll_ms);
	assert_int_equal(b->started[OP_POWER_STATUS] - before, 7);
	bed_free(b);
}

/* After a restart a device that does not answer is asked as often as in proving; then the record stands. */
static void a_device_that_does_not_answer_after_a_restart_is_asked_so_often(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 1000};

	(void)state;
	bed_to_proven(b, 0);
	bed_restart(b);
	bed_service(b, 0, &down);
	for (uint32_t k = 0; k < b->o.power_status_attempts; k++) {
		assert_int_equal(b->started[OP_FORCE_DOWN], 1);
		bed_end_power(b, POWER_UNKNOWN);
		bed_pass(b, b->o.retry_ms);
	}
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_free(b);
}

/* --- looks at the evacuations --- */

static struct bed *rebuilding(void)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");

	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	return b;
}

static void assert_looked_at_after(struct bed *b, int64_t ms)
{
	uint32_t before = b->started[OP_MIGRATIONS];

	bed_pass(b, ms - 1);
	assert_int_equal(b->started[OP_MIGRATIONS], before);
	bed_pass(b, 1);
	assert_int_equal(b->started[OP_MIGRATIONS], before + 1);
}

/* While the call is young and Nova answers at once: a tenth of the longest pause. */
static void a_young_call_is_looked_at_soon_again(void **state)
{
	struct bed *b = rebuilding();

	(void)state;
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	assert_looked_at_after(b, b->o.poll_ms / 10);
	bed_free(b);
}

static void a_look_that_failed_is_repeated_after_the_longest_pause(void **state)
{
	struct bed *b = rebuilding();

	(void)state;
	bed_end(b, OP_MIGRATIONS, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_looked_at_after(b, b->o.poll_ms);
	bed_end(b, OP_MIGRATIONS, OUTCOME_REFUSED, FAULT_TRANSIENT);
	assert_looked_at_after(b, b->o.poll_ms);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_of_many_that_reads_off_is_dead_whatever_else_is_silent),
	    cmocka_unit_test(one_behind_a_limit_that_reads_off_has_nothing_to_wait_for),
	    cmocka_unit_test(off_alone_is_not_enough_where_a_monitor_cannot_tell),
	    cmocka_unit_test(a_hold_is_read_by_the_first_device_that_may_be_used),
	    cmocka_unit_test(a_device_that_is_replaced_during_a_hold_is_passed_over),
	    cmocka_unit_test(a_device_that_is_replaced_under_a_proof_is_not_read),
	    cmocka_unit_test(a_reading_under_way_is_not_begun_anew),
	    cmocka_unit_test(a_host_at_rest_is_read_for_six_rounds),
	    cmocka_unit_test(a_device_that_does_not_answer_after_a_restart_is_asked_so_often),
	    cmocka_unit_test(a_young_call_is_looked_at_soon_again),
	    cmocka_unit_test(a_look_that_failed_is_repeated_after_the_longest_pause),
	};

	return cmocka_run_group_tests_name("engine_watch", tests, NULL, NULL);
}
