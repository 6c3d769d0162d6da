/* SPDX-License-Identifier: Apache-2.0 */
/* What holds a fence back when too much goes silent at once: counted by every sign of silence, not only by hosts that are down already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum { HOSTS = 6, ALLOWED = 2 };

static struct bed *bed_of_six(void)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.mass_hosts_n = ALLOWED;
	b = bed_new(HOSTS, &o);
	return b;
}

/* As many others as may be fenced at once answer no more, while Nova still says that they are up. */
static void others_go_silent(struct bed *b)
{
	for (uint32_t h = 1; h <= ALLOWED; h++)
		bed_set(b, h, SIGN_ALIVE, SIGN_DEAD);
}

/* Every monitor has looked at every host again, and found it as before. */
static void see_all(struct bed *b)
{
	for (uint32_t h = 0; h < HOSTS; h++)
		bed_see(b, h);
}

/* Longer than silence counts as new; the monitors look all the while. */
static void long_pass(struct bed *b)
{
	for (int64_t ms = 0; ms < b->o.service_down_time_ms + 10000; ms += 5000) {
		bed_pass(b, 5000);
		see_all(b);
	}
}

static void assert_held_for_mass(struct bed *b)
{
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_MASS);
}

/* The second look at a host that is seen dead. */
static void confirm(struct bed *b, uint32_t host)
{
	assert_int_equal(bed_row(b, host), HOST_ROW_SUSPECT);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, host), HOST_ROW_CONFIRMING);
	bed_end_look(b, host);
}

static void as_many_as_allowed_are_fenced(void **state)
{
	struct bed *b = bed_of_six();

	(void)state;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	confirm(b, 0);
	bed_end_look(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(bed_row(b, 1), HOST_ROW_FENCING);
	bed_free(b);
}

/* All went silent at one moment, but Nova finds out about them one after the other: the first one must not be fenced. */
static void silence_counts_before_nova_says_down(void **state)
{
	struct bed *b = bed_of_six();

	(void)state;
	others_go_silent(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	confirm(b, 0);
	assert_held_for_mass(b);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

/* Asked again in the step that would start the power-off: silence that came in between holds it. */
static void silence_that_comes_late_still_holds(void **state)
{
	struct bed *b = bed_of_six();

	(void)state;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	b->store = BED_STORE_WAITS;
	bed_end_look(b, 0);
	others_go_silent(b);
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	bed_pass(b, 1);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_MASS);
	bed_free(b);
}

static void report(struct bed *b, uint32_t host, int64_t updated_at_ms)
{
	struct service_view v = {.state = SIGN_ALIVE, .updated_at_ms = updated_at_ms};

	bed_service(b, host, &v);
}

static void watch_by_nova_alone(struct bed *b)
{
	for (uint32_t h = 0; h < HOSTS; h++) {
		struct host_policy p = bed_policy(h);

		p.must_be_dead = 1;
		engine_host_set_policy(b->e, h, &p);
		report(b, h, 1000);
	}
}

static struct bed *watched_by_nova_alone(void)
{
	struct bed *b = bed_of_six();

	watch_by_nova_alone(b);
	return b;
}

/* Without a second monitor: records that stand still for half of Nova's patience are silence too. */
static void records_that_stand_still_are_silence(void **state)
{
	struct bed *b = watched_by_nova_alone();

	(void)state;
	bed_pass(b, b->o.service_down_time_ms - 5000);
	see_all(b);
	for (uint32_t h = 0; h < HOSTS - 1; h++)
		report(b, h, 1000);
	report(b, HOSTS - 1, 50000);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	confirm(b, 0);
	assert_held_for_mass(b);
	bed_free(b);
}

/* All but two go silent; h1 is held among them. */
static struct bed *held_among_many(void)
{
	struct bed *b = bed_of_six();

	for (uint32_t h = 1; h < HOSTS - 2; h++) {
		struct host_policy p = bed_policy(h);

		p.level_n = 0; /* only h1 has a device that can be read */
		engine_host_set_policy(b->e, h, &p);
	}
	for (uint32_t h = 0; h < HOSTS - 2; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
	confirm(b, 0);
	while (bed_op(b, OP_LOOK))
		bed_end_look(b, bed_op(b, OP_LOOK)->start.host);
	assert_held_for_mass(b);
	bed_pass(b, 1);
	return b;
}

/* Reading is no fencing: where the device of a held host says off, that host is dead and is recovered in the middle of a mass failure. */
static void a_host_without_power_is_recovered_among_many(void **state)
{
	struct bed *b = held_among_many();

	(void)state;
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD); /* one reading is none */
	bed_pass(b, b->o.retry_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING); /* at once: a look between would make the reading old */
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	bed_free(b);
}

/* Until its announcement is durable somebody may switch it on: what was read long before counts no more. */
static void a_reading_of_off_is_soon_too_old(void **state)
{
	static const struct {
		int64_t share, then_ms;
		enum host_row row;
	} cases[] = {{2, 0, HOST_ROW_FENCING}, {2, 1, HOST_ROW_HELD}};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct bed *b = held_among_many();

		bed_end_power(b, POWER_OFF);
		bed_pass(b, b->o.retry_ms);
		b->store = BED_STORE_WAITS;
		bed_end_power(b, POWER_OFF);
		assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
		b->now_ms += b->o.power_poll_ms / cases[k].share + cases[k].then_ms;
		see_all(b);
		b->store = BED_STORE_CONFIRMS;
		bed_settle_store(b, true);
		assert_int_equal(bed_row(b, 0), cases[k].row);
		assert_int_equal(b->started[OP_POWER_OFF], cases[k].row == HOST_ROW_FENCING);
		bed_free(b);
	}
}

/*
 * What was read off lets one power-off through and no second one: between two of them somebody may have switched the host on. And as the
 * first one may have been lost on its way to a device that cannot do it, the next may go to the next device.
 */
static void readings_of_off_let_one_power_off_through(void **state)
{
	struct bed *b = held_among_many();

	(void)state;
	for (uint32_t n = 1; n <= 3; n++) {
		bed_end_power(b, POWER_OFF);
		bed_pass(b, b->o.retry_ms);
		bed_end_power(b, POWER_OFF);
		assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
		assert_int_equal(b->started[OP_POWER_OFF], n);
		assert_int_equal(bed_op(b, OP_POWER_OFF)->start.level, n <= 2 ? 0 : 1);
		bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		assert_held_for_mass(b);
		bed_pass(b, 1);
		assert_int_equal(b->started[OP_POWER_OFF], n);
	}
	bed_end_power(b, POWER_ON);
	long_pass(b);
	assert_int_equal(b->started[OP_POWER_OFF], 3);
	bed_free(b);
}

/* As many may be held at once as there are hosts: their readings step back behind a power-off, so they have time to wait for a place. */
static void readings_of_the_held_are_patient(void **state)
{
	struct bed *b = held_among_many();
	const struct engine_action *a = bed_op(b, OP_POWER_STATUS);

	(void)state;
	assert_non_null(a);
	assert_true(a->start.is_patient);
	assert_int_equal(a->start.since_ms, b->now_ms - 1);
	assert_int_equal(a->start.deadline_ms, b->now_ms - 1 + 2 * b->o.power_status_timeout_ms);
	bed_end_power(b, POWER_OFF);
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(engine_fencing_n(b->e), 0);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(engine_fencing_n(b->e), 1); /* from here on a place is kept for it */
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(engine_fencing_n(b->e), 1);
	a = bed_op(b, OP_POWER_STATUS);
	assert_non_null(a);
	assert_false(a->start.is_patient); /* it is to prove the power-off */
	assert_int_equal(a->start.since_ms, b->now_ms);
	assert_int_equal(a->start.deadline_ms, b->now_ms + b->o.power_status_timeout_ms);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	assert_int_equal(engine_fencing_n(b->e), 0);
	bed_free(b);
}

/* What found no place was no reading: it waits on from where it stood. */
static void a_held_host_keeps_its_place_in_the_line(void **state)
{
	struct bed *b = held_among_many();
	int64_t since_ms = bed_op(b, OP_POWER_STATUS)->start.since_ms;

	(void)state;
	bed_pass(b, b->o.power_status_timeout_ms);
	bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE); /* no place was free */
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.since_ms, since_ms);
	bed_end_power(b, POWER_ON);
	bed_pass(b, b->o.power_poll_ms);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.since_ms, b->now_ms);
	since_ms = b->now_ms;
	bed_end_power(b, POWER_OFF);
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(bed_op(b, OP_POWER_STATUS)->start.since_ms, since_ms); /* off once: it goes on before others */
	bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE);
	bed_pass(b, b->o.retry_ms);
	see_all(b);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* h1's hold is being tried again, and a reading of its power is under way. */
static struct bed *looked_at_again(void)
{
	struct bed *b = held_among_many();

	bed_end_power(b, POWER_OFF);
	bed_pass(b, b->o.retry_ms);
	for (int64_t ms = 0; ms < b->o.hold_retry_ms && bed_row(b, 0) == HOST_ROW_HELD; ms += 1000) {
		if (b->now_ms + 1000 >= bed_op(b, OP_POWER_STATUS)->start.deadline_ms) {
			bed_end(b, OP_POWER_STATUS, OUTCOME_REFUSED, FAULT_LATE);
			bed_pass(b, b->o.retry_ms);
		}
		bed_pass(b, 1000);
		for (uint32_t h = 0; h < HOSTS; h++)
			bed_see(b, h);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	return b;
}

static void end_looks(struct bed *b)
{
	while (bed_op(b, OP_LOOK))
		bed_end_look(b, bed_op(b, OP_LOOK)->start.host);
}

/* Where holds are tried again sooner than a slow device answers, it would else never be heard. */
static void a_hold_that_is_tried_again_does_not_give_up_its_reading(void **state)
{
	struct bed *b = looked_at_again();
	uint64_t op = bed_op(b, OP_POWER_STATUS)->start.op;

	(void)state;
	end_looks(b);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, 1);
	assert_true(bed_op(b, OP_POWER_STATUS)->start.op == op);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

static void off_in_the_middle_of_the_look_counts(void **state)
{
	struct bed *b = looked_at_again();

	(void)state;
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	end_looks(b);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* A host that hangs reads on: that is no sign of life. */
static void on_in_the_middle_of_the_look_clears_nobody(void **state)
{
	struct bed *b = looked_at_again();

	(void)state;
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	end_looks(b);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, 1);
	bed_end_power(b, POWER_OFF); /* the first in a row again */
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_free(b);
}

/* Once it is let go, nobody wants that reading any more. */
static void a_released_host_is_not_read_for_its_hold(void **state)
{
	struct bed *b = looked_at_again();

	(void)state;
	end_looks(b);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, bed_recovery(b, 0)->id, NULL, NULL), 0);
	end_looks(b);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_null(bed_op(b, OP_POWER_STATUS));
	bed_free(b);
}

/* The daemon stood still between two readings, and the second was asked before: the host may have been switched on since. */
static void readings_from_before_a_stall_do_not_count(void **state)
{
	struct bed *b = held_among_many();
	struct engine_event ev = {.type = ENGINE_STALLED, .stall_ms = 20000};

	(void)state;
	bed_end_power(b, POWER_OFF);
	bed_pass(b, b->o.retry_ms);
	assert_non_null(bed_op(b, OP_POWER_STATUS));
	b->now_ms += 20000;
	bed_event(b, &ev, NULL);
	see_all(b);
	bed_pass(b, 1);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, b->o.retry_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* A host that hangs reads on, and so does one that is only cut off from us: those stay held. */
/*
 * While it stood still one that was silent may have come back and gone again, with the others: nobody knows that its silence is the old one.
 * One that is proven dead needs no such doubt.
 */
static void an_old_silence_is_a_new_one_after_a_stall(void **state)
{
	struct engine_event ev = {.type = ENGINE_STALLED, .stall_ms = 5000};

	(void)state;
	for (int is_stalled = 0; is_stalled < 2; is_stalled++) {
		struct bed *b = bed_of_six();
		struct host_policy p = bed_policy(0);

		p.mode = MODE_ASK;
		engine_host_set_policy(b->e, 0, &p);
		bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
		confirm(b, 0);
		assert_int_equal(bed_recovery(b, 0)->hold, HOLD_APPROVAL);
		long_pass(b);
		if (bed_row(b, 0) == HOST_ROW_CONFIRMING)
			bed_end_look(b, 0);
		b->now_ms += 5000;
		if (is_stalled)
			bed_event(b, &ev, NULL);
		others_go_silent(b);
		see_all(b);
		if (bed_row(b, 0) == HOST_ROW_CONFIRMING)
			bed_end_look(b, 0);
		p.mode = MODE_AUTOMATIC;
		engine_host_set_policy(b->e, 0, &p);
		for (int k = 0; k < 100 && !bed_op(b, OP_LOOK); k++) {
			bed_pass(b, 1000);
			see_all(b);
		}
		bed_end_look(b, 0);
		if (is_stalled)
			assert_held_for_mass(b);
		else
			assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
		bed_free(b);
	}
}

static void a_host_with_power_stays_held(void **state)
{
	struct bed *b = held_among_many();

	(void)state;
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_OFF);
	bed_pass(b, b->o.retry_ms);
	bed_end_power(b, POWER_ON);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

/* Nova keeps whole seconds: where its patience is two of them, a record may stand still for half of it though its host reports. */
static void rounding_is_no_silence(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	(void)state;
	o.mass_hosts_n = ALLOWED;
	o.service_down_time_ms = 2000;
	o.recheck_after_ms = 300;
	b = bed_new(HOSTS, &o);
	watch_by_nova_alone(b);
	bed_pass(b, 1400);
	for (uint32_t h = 0; h < HOSTS; h++) {
		bed_see(b, h);
		report(b, h, 1000);
	}
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	confirm(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* Nova was not asked for a while, so nobody has seen the records stand still. */
static void records_not_asked_for_are_no_silence(void **state)
{
	struct bed *b = watched_by_nova_alone();

	(void)state;
	bed_pass(b, b->o.service_down_time_ms - 5000);
	see_all(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	confirm(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

static void one_among_hosts_that_report_is_fenced(void **state)
{
	struct bed *b = watched_by_nova_alone();

	(void)state;
	bed_pass(b, b->o.service_down_time_ms - 5000);
	for (uint32_t h = 1; h < HOSTS; h++)
		report(b, h, 50000);
	see_all(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	confirm(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* This host's prober was cut long ago; then all go silent, this one too. Its first silence is old, its death is not. */
static void a_death_counts_beside_an_old_silence(void **state)
{
	struct bed *b = bed_of_six();

	(void)state;
	bed_set(b, 0, SIGN_ALIVE, SIGN_DEAD);
	long_pass(b);
	others_go_silent(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	confirm(b, 0);
	assert_held_for_mass(b);
	bed_free(b);
}

/* A nova-compute that crashed long ago on a host that answers is no part of a failure of today. */
static void old_silence_does_not_count(void **state)
{
	struct bed *b = bed_of_six();

	(void)state;
	for (uint32_t h = 1; h <= ALLOWED; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_ALIVE);
	long_pass(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	confirm(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_many_as_allowed_are_fenced),
	    cmocka_unit_test(silence_counts_before_nova_says_down),
	    cmocka_unit_test(silence_that_comes_late_still_holds),
	    cmocka_unit_test(records_that_stand_still_are_silence),
	    cmocka_unit_test(records_not_asked_for_are_no_silence), cmocka_unit_test(rounding_is_no_silence),
	    cmocka_unit_test(one_among_hosts_that_report_is_fenced),
	    cmocka_unit_test(a_host_without_power_is_recovered_among_many),
	    cmocka_unit_test(a_reading_of_off_is_soon_too_old),
	    cmocka_unit_test(readings_of_off_let_one_power_off_through),
	    cmocka_unit_test(an_old_silence_is_a_new_one_after_a_stall), cmocka_unit_test(a_host_with_power_stays_held),
	    cmocka_unit_test(readings_from_before_a_stall_do_not_count),
	    cmocka_unit_test(readings_of_the_held_are_patient),
	    cmocka_unit_test(a_held_host_keeps_its_place_in_the_line),
	    cmocka_unit_test(a_hold_that_is_tried_again_does_not_give_up_its_reading),
	    cmocka_unit_test(off_in_the_middle_of_the_look_counts),
	    cmocka_unit_test(on_in_the_middle_of_the_look_clears_nobody),
	    cmocka_unit_test(a_released_host_is_not_read_for_its_hold),
	    cmocka_unit_test(a_death_counts_beside_an_old_silence), cmocka_unit_test(old_silence_does_not_count)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
