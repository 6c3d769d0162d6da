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

static void holds(struct bed *b, const char *says)
{
	char why[REASON_SIZE] = "";
	bool is_held = breaker_holds(b->e, &b->e->hosts[0], b->now_ms, why, sizeof(why));

	if (is_held != (says != NULL) || (says && !strstr(why, says)))
		fail_msg("expected \"%s\", it says \"%s\"", says ? says : "nothing", why);
	bed_free(b);
}

static void one_path_weighs_by_its_share(void **state)
{
	struct bed *b = cloud_of(40, 2);

	(void)miss(b, 1, 3, SIGN_ALIVE, SIGN_DEAD);
	holds(b, NULL); /* four with the dead one: ten per cent */
	b = cloud_of(40, 2);
	(void)miss(b, 1, 4, SIGN_ALIVE, SIGN_DEAD);
	holds(b, "5 of 40 hosts went silent within 60 s, more than 4");
}

static void every_path_weighs_by_number(void **state)
{
	struct bed *b = cloud_of(100, 2);

	(void)miss(b, 1, 1, SIGN_DEAD, SIGN_DEAD);
	holds(b, NULL);
	b = cloud_of(100, 2);
	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	holds(b, "3 hosts went silent on every path within 60 s, more than 2");
	b = cloud_of(100, 3);
	(void)miss(b, 1, 2, SIGN_DEAD, SIGN_DEAD);
	holds(b, NULL);
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

	holds(segment_of(2, 2), NULL); /* two are no segment that could fail as one */
	holds(segment_of(3, 3), "3 of the 3 hosts of its segment");
	holds(segment_of(4, 3), NULL);
	holds(segment_of(10, 9), "9 of the 10 hosts of its segment");
	holds(segment_of(10, 8), NULL);
	b = segment_of(4, 3);
	b->e->hosts[3].rec.maintenance = true; /* no member meanwhile */
	holds(b, "3 of the 3 hosts of its segment");
	b = segment_of(3, 3);
	b->e->hosts[0].policy.is_in_segment = false;
	holds(b, NULL);
	b = segment_of(3, 3);
	b->e->hosts[2].policy.is_in_segment = false;
	holds(b, NULL);
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

	holds(probe_misses(8), NULL);
	holds(probe_misses(9), "monitor probe calls 9 of 10 hosts dead and nova does not");
	b = probe_misses(9);
	b->e->hosts[0].policy.must_be_dead = 1; /* its policy does not ask the prober */
	holds(b, NULL);
}

static void chance_on_two_noisy_paths_is_held(void **state)
{
	struct bed *b = cloud_of(400, 2);

	(void)miss(b, miss(b, 1, 3, SIGN_ALIVE, SIGN_DEAD), 1, SIGN_DEAD, SIGN_ALIVE);
	holds(b, NULL); /* seven thousandths of a host */
	b = cloud_of(400, 2);
	(void)miss(b, miss(b, 1, 4, SIGN_ALIVE, SIGN_DEAD), 1, SIGN_DEAD, SIGN_ALIVE);
	holds(b, "may be so on all by chance");
	b = cloud_of(400, 2);
	(void)miss(b, 1, 39, SIGN_ALIVE, SIGN_DEAD);
	holds(b, NULL); /* one noisy path is no chance on two */
}

/* --- the rate --- */

static struct recovery *held_before(struct bed *b, uint32_t host)
{
	struct recovery *r = &b->e->recoveries[b->e->hosts[host].recovery];

	r->rec.mass_held = true;
	return r;
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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_path_weighs_by_its_share),
	    cmocka_unit_test(every_path_weighs_by_number), cmocka_unit_test(a_whole_segment_is_held),
	    cmocka_unit_test(a_blind_monitor_is_no_witness), cmocka_unit_test(chance_on_two_noisy_paths_is_held),
	    cmocka_unit_test(after_a_start_the_others_are_heard_first),
	    cmocka_unit_test(after_a_start_a_mass_failure_is_found_too),
	    cmocka_unit_test(after_a_start_nobody_waits_for_long), cmocka_unit_test(the_second_one_waits_for_its_turn),
	    cmocka_unit_test(the_proven_and_the_unlimited_do_not_wait)};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
