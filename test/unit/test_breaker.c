/* SPDX-License-Identifier: Apache-2.0 */
/* What the breaker weighs, at the boundaries of each of its rules, and the rate at which it lets go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum { SEGMENTS_APART = 7 };

/* Hosts in segments of their own, so that no segment falls silent as a whole; host 0 is dead for all. */
static struct bed *cloud_of(uint32_t host_n, uint32_t mass_hosts_n)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.mass_hosts_n = mass_hosts_n;
	b = bed_new(host_n, &o);
	for (uint32_t k = 0; k < host_n; k++)
		b->e->hosts[k].policy.segment = k;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	return b;
}

/* The next @n hosts that nobody has made dead yet are so to one monitor, or to both. */
static uint32_t miss(struct bed *b, uint32_t from, uint32_t n, enum sign nova, enum sign probe)
{
	for (uint32_t k = from; k < from + n; k++)
		bed_set(b, k, nova, probe);
	return from + n;
}

static void one_path_weighs_by_its_share(void **state)
{
	struct bed *b = cloud_of(40, 2);

	(void)miss(b, 1, 3, SIGN_ALIVE, SIGN_DEAD);
	bed_breaker_says(b, NULL); /* four with the dead one: ten per cent */
	b = cloud_of(40, 2);
	(void)miss(b, 1, 4, SIGN_ALIVE, SIGN_DEAD);
	bed_breaker_says(b, "5 of 40 hosts went silent within 60 s, more than 4");
}

static void every_path_weighs_by_number(void **state)
{
	struct bed *b = cloud_of(100, 2);

	(void)miss(b, 1, 1, SIGN_DEAD, SIGN_DEAD);
	bed_breaker_says(b, NULL);
	b = cloud_of(100, 2);
	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	bed_breaker_says(b, "3 hosts went silent on every path within 60 s, more than 2");
	b = cloud_of(100, 3);
	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	bed_breaker_says(b, NULL);
}

static struct bed *segment_of(uint32_t members, uint32_t silent)
{
	struct bed *b = cloud_of(100, 20);

	for (uint32_t k = 0; k < members; k++)
		b->e->hosts[k].policy.segment = SEGMENTS_APART * 100;
	(void)miss(b, 1, silent - 1, SIGN_DEAD, SIGN_DEAD);
	return b;
}

static void a_whole_segment_is_held(void **state)
{
	struct bed *b;

	bed_breaker_says(segment_of(2, 2), NULL); /* two are no segment that could fail as one */
	bed_breaker_says(segment_of(3, 3), "3 of the 3 hosts of its segment");
	bed_breaker_says(segment_of(4, 3), NULL);
	bed_breaker_says(segment_of(10, 9), "9 of the 10 hosts of its segment");
	bed_breaker_says(segment_of(10, 8), NULL);
	b = segment_of(4, 3);
	b->e->hosts[3].rec.maintenance = true; /* no member meanwhile */
	bed_breaker_says(b, "3 of the 3 hosts of its segment");
	b = segment_of(3, 3);
	b->e->hosts[0].policy.is_in_segment = false;
	bed_breaker_says(b, NULL);
	b = segment_of(3, 3);
	b->e->hosts[2].policy.is_in_segment = false;
	bed_breaker_says(b, NULL);
}

/* @n of ten hosts are dead to the prober, one after the other, so that no window holds many of them. */
static struct bed *probe_misses(uint32_t n)
{
	struct bed *b = cloud_of(10, 9);

	for (uint32_t k = 1; k < n; k++) {
		b->now_ms += 2 * b->o.service_down_time_ms;
		bed_set(b, k, SIGN_ALIVE, SIGN_DEAD);
	}
	return b;
}

static void a_blind_monitor_is_no_witness(void **state)
{
	struct bed *b;

	bed_breaker_says(probe_misses(8), NULL);
	bed_breaker_says(probe_misses(9), "monitor probe calls 9 of 10 hosts dead and nova does not");
	b = probe_misses(9);
	b->e->hosts[0].policy.must_be_dead = 1; /* its policy does not ask the prober */
	bed_breaker_says(b, NULL);
}

/* Only the prober is asked about all ten hosts; nova about @asked_n of them, none of which it calls dead. */
static struct bed *nova_contradicts_for(uint32_t asked_n)
{
	struct bed *b = probe_misses(9);

	for (uint32_t k = 0; k < 10; k++)
		b->e->hosts[k].policy.must_be_dead = k >= 1 && k <= asked_n ? 3 : 2;
	return b;
}

/* The prober calls nine of ten hosts dead, nova @n of them. */
static struct bed *nova_agrees_on(uint32_t n)
{
	struct bed *b = probe_misses(9);

	for (uint32_t k = 1; k < n; k++) {
		b->now_ms += 2 * b->o.service_down_time_ms;
		bed_set(b, k, SIGN_DEAD, SIGN_DEAD);
	}
	return b;
}

static void who_calls_another_blind_sees_enough_itself(void **state)
{
	bed_breaker_says(nova_contradicts_for(2), NULL);
	bed_breaker_says(nova_contradicts_for(3), "monitor probe calls 9 of 10 hosts dead and nova does not");
	bed_breaker_says(nova_agrees_on(5), NULL); /* half of them are dead to both */
	bed_breaker_says(nova_agrees_on(4), "monitor probe calls 9 of 10 hosts dead and nova does not");
}

/* From one edge of the window to the other, whichever of them was first. */
static void together_is_within_one_window_before_and_after(void **state)
{
	for (int late_ms = 0; late_ms <= 1; late_ms++) {
		struct bed *b = cloud_of(100, 2);

		b->now_ms += b->o.service_down_time_ms + late_ms;
		(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
		bed_breaker_says(b, late_ms ? NULL : "3 hosts went silent on every path");
		b = cloud_of(100, 2);
		b->now_ms -= b->o.service_down_time_ms + late_ms;
		(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
		bed_breaker_says(b, late_ms ? NULL : "3 hosts went silent on every path");
	}
}

static void chance_on_two_noisy_paths_is_held(void **state)
{
	struct bed *b = cloud_of(400, 2);

	(void)miss(b, miss(b, 1, 3, SIGN_ALIVE, SIGN_DEAD), 1, SIGN_DEAD, SIGN_ALIVE);
	bed_breaker_says(b, NULL); /* seven thousandths of a host */
	b = cloud_of(400, 2);
	(void)miss(b, miss(b, 1, 4, SIGN_ALIVE, SIGN_DEAD), 1, SIGN_DEAD, SIGN_ALIVE);
	bed_breaker_says(b, "may be so on all by chance");
	b = cloud_of(400, 2);
	(void)miss(b, 1, 39, SIGN_ALIVE, SIGN_DEAD);
	bed_breaker_says(b, NULL); /* one noisy path is no chance on two */
	b = cloud_of(40, 20);
	b->e->hosts[0].policy.must_be_dead = 1;
	(void)miss(b, 1, 5, SIGN_DEAD, SIGN_ALIVE);
	bed_breaker_says(b, NULL); /* nor where there is only one */
}

/* A new configuration has one monitor less; the policies that name it, and what it said, stand there still. */
static struct bed *third_dropped(uint32_t host_n)
{
	struct bed *b = cloud_of(host_n, 2);

	for (uint32_t k = 0; k < host_n; k++)
		b->e->hosts[k].policy.must_be_dead = 7;
	return b;
}

static void a_monitor_that_was_dropped_is_no_path(void **state)
{
	struct bed *b = third_dropped(400);

	(void)miss(b, miss(b, 1, 4, SIGN_ALIVE, SIGN_DEAD), 1, SIGN_DEAD, SIGN_ALIVE);
	bed_breaker_says(b, "may be so on all by chance");
}

/* --- the rate --- */

static struct recovery *held_before(struct bed *b, uint32_t host)
{
	struct recovery *r = &b->e->recoveries[b->e->hosts[host].recovery];

	r->rec.mass_held = true;
	return r;
}

/* h1 and two that are silent with it: three are too many. The two were proven dead before this start. */
static struct bed *proven_before(void)
{
	struct bed *b = cloud_of(100, 2);

	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	for (uint32_t k = 1; k <= 2; k++) {
		struct recovery *r = &b->e->recoveries[b->e->hosts[k].recovery];

		r->rec.proof.kind = PROOF_POWER;
		r->proof_ms = 0;
	}
	return b;
}

static void what_was_proven_before_the_start_is_no_news(void **state)
{
	struct bed *b = proven_before();

	b->e->hosts[0].recovery = NIL; /* asked about before it has one */
	bed_breaker_says(b, NULL);
	bed_breaker_says(proven_before(), NULL);
	for (int what = 0; what < 3; what++) {
		b = proven_before();
		for (uint32_t k = 1; k <= 2; k++) {
			struct recovery *r = &b->e->recoveries[b->e->hosts[k].recovery];

			r->proof_ms = what == 0 ? b->now_ms : 0; /* proven behind it */
			r->rec.proof.is_void = what == 1;
			r->rec.proof.kind = what == 2 ? PROOF_NONE : PROOF_POWER;
		}
		bed_breaker_says(b, "3 hosts went silent on every path");
	}
}

static void but_for_one_that_was_held_with_them_it_is(void **state)
{
	const int64_t window_ms = engine_options_default().service_down_time_ms;
	const struct {
		bool own_held, its_held;
		int64_t later_ms;
		bool counts;
	} row[] = {{true, true, 0, true}, {true, false, 0, false}, {false, true, 0, false},
	    {true, true, window_ms, true}, {true, true, -window_ms, true}, {true, true, window_ms + 1, false},
	    {true, true, -window_ms - 1, false}};

	for (size_t k = 0; k < sizeof(row) / sizeof(row[0]); k++) {
		struct bed *b = proven_before();
		struct recovery *own = &b->e->recoveries[b->e->hosts[0].recovery];
		struct recovery *its = &b->e->recoveries[b->e->hosts[1].recovery];

		b->e->recoveries[b->e->hosts[2].recovery].proof_ms = b->now_ms; /* counts anyway */
		own->rec.mass_held = row[k].own_held;
		its->rec.mass_held = row[k].its_held;
		its->rec.opened_wall_ms = own->rec.opened_wall_ms + row[k].later_ms;
		bed_breaker_says(b, row[k].counts ? "3 hosts went silent on every path" : NULL);
	}
}

static bool is_paced(struct bed *b, const struct recovery *r)
{
	struct gate_answer a = {.cause = HOLD_NONE};

	return breaker_paces(b->e, r, b->now_ms, &a);
}

static void the_second_one_waits_for_its_turn(void **state)
{
	struct bed *b = cloud_of(100, 20);
	struct recovery *first, *second, *third;
	struct gate_answer a = {.cause = HOLD_NONE};

	(void)miss(b, 1, 3, SIGN_DEAD, SIGN_DEAD);
	first = held_before(b, 0);
	second = held_before(b, 1);
	third = held_before(b, 2);
	assert_false(is_paced(b, first)); /* nobody has gone yet */
	breaker_take_turn(b->e, first);
	assert_false(is_paced(b, first));
	assert_true(breaker_paces(b->e, second, b->now_ms, &a));
	assert_string_equal(
	    a.why, "let go after a mass failure, 2 a minute: 1 of 3 have been fenced, the next one in 30 s");
	assert_int_equal(a.again_ms, b->now_ms + 30000);
	assert_true(breaker_paces(b->e, third, b->now_ms, &a));
	assert_int_equal(a.again_ms, b->now_ms + 60000);
	assert_false(is_paced(b, &b->e->recoveries[b->e->hosts[3].recovery])); /* was never held */
	b->now_ms += 29999;
	assert_true(is_paced(b, second));
	b->now_ms += 1;
	assert_false(is_paced(b, second));
	bed_free(b);
}

static void the_proven_and_the_unlimited_do_not_wait(void **state)
{
	struct bed *b = cloud_of(100, 20);
	struct recovery *first, *second;

	(void)miss(b, 1, 1, SIGN_DEAD, SIGN_DEAD);
	first = held_before(b, 0);
	second = held_before(b, 1);
	breaker_take_turn(b->e, first);
	assert_true(is_paced(b, second));
	second->powerless_ms = b->e->now_ms;
	assert_false(is_paced(b, second));
	second->powerless_ms = 0;
	b->e->o.mass_resume_n = 0;
	assert_false(is_paced(b, second));
	bed_free(b);
}

/* A turn taken twice, or by one that needs none, would keep the others waiting for longer than the rate says. */
static void a_turn_is_taken_once_and_only_by_one_that_was_held(void **state)
{
	struct bed *b = cloud_of(100, 20);
	struct recovery *first, *second;

	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	first = held_before(b, 0);
	second = held_before(b, 1);
	breaker_take_turn(b->e, &b->e->recoveries[b->e->hosts[2].recovery]); /* was never held */
	assert_false(is_paced(b, second));
	breaker_take_turn(b->e, first);
	b->now_ms += 30000;
	bed_see(b, 50);
	breaker_take_turn(b->e, first);
	assert_false(is_paced(b, second));
	bed_free(b);
}

/* Only one that was held and whose power was cut can have had its turn just before the restart. */
static void after_a_restart_the_rate_goes_on_where_it_was_in_use(void **state)
{
	for (uint32_t bits = 0; bits < 8; bits++) {
		struct bed *b = cloud_of(100, 20);
		struct recovery *r = &b->e->recoveries[b->e->hosts[0].recovery];

		r->is_used = bits & 1;
		r->rec.mass_held = bits & 2;
		r->rec.stamp_wall_ms[HOST_ROW_FENCING] = bits & 4;
		breaker_resume(b->e);
		assert_int_equal(b->e->turn_ms, bits == 7 ? b->e->now_ms : 0);
		bed_free(b);
	}
}

/* h1 of six is silent, and was being confirmed when the daemon was killed: of the others nobody has heard yet. */
static struct bed *started_again(void)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.mass_hosts_n = 2;
	o.mass_per_mille = 0;
	b = bed_new(6, &o);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	b->now_ms += 1000;
	bed_restart(b);
	b->now_ms += 1000;
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	return b;
}

/* Its look is repeated, without an attempt counted, and ends as before; what the others' monitors say @nova and @probe is heard by then. */
static void look_again(struct bed *b, uint32_t heard_n, enum sign nova, enum sign probe)
{
	for (uint32_t h = 1; h < 6; h++)
		bed_set(b, h, h <= heard_n ? nova : SIGN_ALIVE, h <= heard_n ? probe : SIGN_ALIVE);
	for (int k = 0; k < 20 && !bed_op(b, OP_LOOK); k++)
		bed_pass(b, b->o.retry_ms / 4);
	bed_end_look(b, 0);
}

static void after_a_start_the_others_are_heard_first(void **state)
{
	struct bed *b = started_again();

	for (int k = 0; k < 3; k++)
		look_again(b, 3, SIGN_ALIVE, SIGN_UNKNOWN);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	look_again(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

static void after_a_start_a_mass_failure_is_found_too(void **state)
{
	struct bed *b = started_again();

	look_again(b, 3, SIGN_ALIVE, SIGN_DEAD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_MASS);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

/* One of two that are not heard cannot make too many; and whoever is not heard for long will not be. */
static void after_a_start_nobody_waits_for_long(void **state)
{
	struct bed *b = started_again();

	look_again(b, 1, SIGN_ALIVE, SIGN_UNKNOWN);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
	b = started_again();
	for (int k = 0; k < 30 && bed_row(b, 0) == HOST_ROW_CONFIRMING; k++)
		look_again(b, 3, SIGN_ALIVE, SIGN_UNKNOWN);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_in_range(b->now_ms - b->e->started_ms, b->o.look_timeout_ms, b->o.look_timeout_ms + 2 * b->o.retry_ms);
	bed_free(b);
}

/* h1 of @host_n is silent since before the daemon stood still for a moment; of the others nobody has heard since. */
static struct bed *stood_still(uint32_t host_n)
{
	struct engine_event stalled = {.type = ENGINE_STALLED, .stall_ms = 900};
	struct bed *b = cloud_of(host_n, 2);

	b->now_ms += 1000;
	bed_event(b, &stalled, NULL);
	bed_see(b, 0);
	return b;
}

static bool is_early(const struct bed *b, int64_t after_ms)
{
	return breaker_is_early(b->e, &b->e->hosts[0], b->now_ms + after_ms);
}

static void the_others_are_waited_for_as_long_as_a_look_may_take(void **state)
{
	struct bed *b = stood_still(6);

	assert_true(is_early(b, 0));
	assert_true(is_early(b, b->o.look_timeout_ms - 1));
	assert_false(is_early(b, b->o.look_timeout_ms));
	for (uint32_t k = 1; k < 6; k++) {
		assert_true(is_early(b, 0) || k > 4); /* one that is not heard cannot make too many */
		bed_see(b, k);
	}
	assert_false(is_early(b, 0));
	for (uint32_t k = 0; k < 6; k++)
		b->e->hosts[k].policy.must_be_dead = 7; /* names one that a new configuration has dropped */
	assert_false(is_early(b, 0));
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_path_weighs_by_its_share),
	    cmocka_unit_test(every_path_weighs_by_number), cmocka_unit_test(a_whole_segment_is_held),
	    cmocka_unit_test(a_blind_monitor_is_no_witness), cmocka_unit_test(chance_on_two_noisy_paths_is_held),
	    cmocka_unit_test(after_a_start_the_others_are_heard_first),
	    cmocka_unit_test(after_a_start_a_mass_failure_is_found_too),
	    cmocka_unit_test(after_a_start_nobody_waits_for_long), cmocka_unit_test(the_second_one_waits_for_its_turn),
	    cmocka_unit_test(the_proven_and_the_unlimited_do_not_wait),
	    cmocka_unit_test(what_was_proven_before_the_start_is_no_news),
	    cmocka_unit_test(but_for_one_that_was_held_with_them_it_is),
	    cmocka_unit_test(who_calls_another_blind_sees_enough_itself),
	    cmocka_unit_test(together_is_within_one_window_before_and_after),
	    cmocka_unit_test(a_monitor_that_was_dropped_is_no_path),
	    cmocka_unit_test(a_turn_is_taken_once_and_only_by_one_that_was_held),
	    cmocka_unit_test(after_a_restart_the_rate_goes_on_where_it_was_in_use),
	    cmocka_unit_test(the_others_are_waited_for_as_long_as_a_look_may_take)};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
