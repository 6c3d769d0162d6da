/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes next where fence agents wait for a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/agents_line.h"

enum { WAITERS = 8, ALL = 8 };

struct bench {
	struct agents_line line;
	struct agents_waiter w[WAITERS];
};

/* Waiters with these ranks, in the order of their coming. */
static void bench_of(struct bench *b, const enum agents_rank *ranks, int n)
{
	agents_line_init(&b->line);
	for (int k = 0; k < n; k++)
		agents_line_join(&b->line, &b->w[k], ranks[k], k);
}

static void assert_next(struct bench *b, int k, uint32_t all, uint32_t taken)
{
	struct agents_places places = {.all = all, .taken = taken};

	assert_ptr_equal(agents_line_next(&b->line, &places), k < 0 ? NULL : &b->w[k]);
	if (k >= 0)
		agents_line_leave(&b->line, &b->w[k]);
}

static bool has_room(enum agents_rank rank, uint32_t all, uint32_t taken, uint32_t patient, uint32_t wanted)
{
	struct agents_places places = {.all = all, .taken = taken, .patient = patient, .wanted = wanted};

	return agents_line_has_room(rank, &places);
}

static void nobody_waits(void **state)
{
	struct bench b = {0};

	(void)state;
	bench_of(&b, NULL, 0);
	assert_next(&b, -1, ALL, 0);
	agents_line_leave(&b.line, &b.w[0]); /* it never stood there */
	assert_next(&b, -1, ALL, 0);
}

static void a_cut_goes_before_what_is_awaited_and_that_before_the_patient(void **state)
{
	static const enum agents_rank ranks[] = {AGENTS_PATIENT, AGENTS_AWAITED, AGENTS_CUT};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 3);
	assert_next(&b, 2, ALL, 0);
	assert_next(&b, 1, ALL, 0);
	assert_next(&b, 0, ALL, 0);
	assert_next(&b, -1, ALL, 0);
}

static void within_a_rank_the_first_comes_first(void **state)
{
	static const enum agents_rank ranks[] = {
	    AGENTS_PATIENT, AGENTS_PATIENT, AGENTS_AWAITED, AGENTS_CUT, AGENTS_AWAITED, AGENTS_CUT};
	static const int order[] = {3, 5, 2, 4, 0, 1};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 6);
	for (int k = 0; k < 6; k++)
		assert_next(&b, order[k], ALL, 0);
}

/* Who left the line and came back goes by when it first came, or those behind would wait for ever. */
static void who_has_waited_longest_comes_first(void **state)
{
	static const int64_t since[] = {30, 10, 20, 10, 40};
	static const int order[] = {1, 3, 2, 0, 4};
	struct bench b = {0};

	(void)state;
	bench_of(&b, NULL, 0);
	for (int k = 0; k < 5; k++)
		agents_line_join(&b.line, &b.w[k], AGENTS_PATIENT, since[k]);
	for (int k = 0; k < 5; k++)
		assert_next(&b, order[k], ALL, 0);
}

static void one_that_left_is_passed_over(void **state)
{
	static const enum agents_rank ranks[] = {AGENTS_CUT, AGENTS_CUT, AGENTS_AWAITED};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 3);
	agents_line_leave(&b.line, &b.w[0]);
	agents_line_leave(&b.line, &b.w[0]);
	assert_next(&b, 1, ALL, 0);
	agents_line_join(&b.line, &b.w[0], AGENTS_CUT, WAITERS); /* announced anew */
	assert_next(&b, 0, ALL, 0);
	assert_next(&b, 2, ALL, 0);
}

static void nobody_goes_where_no_place_is_free(void **state)
{
	static const enum agents_rank ranks[] = {AGENTS_CUT, AGENTS_AWAITED, AGENTS_PATIENT};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 3);
	assert_next(&b, -1, 2, 2);
	assert_next(&b, -1, 2, 5); /* fewer may run since a reload */
	assert_next(&b, 0, 2, 1);
	assert_next(&b, 1, 2, 1);
}

static void the_patient_leave_places_free_for_the_urgent(void **state)
{
	/* of so many places so many may be taken by the patient */
	static const uint32_t shares[][2] = {{1, 1}, {2, 1}, {3, 2}, {4, 3}, {5, 3}, {8, 6}, {9, 6}, {128, 96}};

	(void)state;
	for (size_t k = 0; k < sizeof(shares) / sizeof(shares[0]); k++) {
		uint32_t places = shares[k][0], most = shares[k][1];

		assert_true(has_room(AGENTS_PATIENT, places, most - 1, most - 1, 0));
		assert_false(has_room(AGENTS_PATIENT, places, most, most, 0));
		assert_true(has_room(AGENTS_AWAITED, places, places - 1, 0, 0));
		assert_false(has_room(AGENTS_AWAITED, places, places, 0, 0));
		assert_true(has_room(AGENTS_CUT, places, places - 1, 0, 0));
		assert_false(has_room(AGENTS_CUT, places, places, places, 0));
	}
}

/* A recovery that is being fenced has no agent between its power-off and its readings: its place is not given away. */
static void the_patient_leave_a_place_for_each_that_is_being_fenced(void **state)
{
	(void)state;
	assert_true(has_room(AGENTS_PATIENT, 8, 4, 4, 1));
	assert_false(has_room(AGENTS_PATIENT, 8, 5, 5, 1));
	assert_true(has_room(AGENTS_PATIENT, 8, 3, 2, 3));
	assert_false(has_room(AGENTS_PATIENT, 8, 4, 3, 3));
	assert_true(has_room(AGENTS_PATIENT, 8, 5, 2, 3)); /* all three have theirs */
	assert_false(has_room(AGENTS_PATIENT, 8, 6, 3, 3));
	assert_true(has_room(AGENTS_AWAITED, 8, 7, 6, 5));
	assert_true(has_room(AGENTS_CUT, 8, 7, 6, 5));
}

/* However many are being fenced without end, one reading at a time goes on. */
static void the_patient_have_one_place_of_several(void **state)
{
	(void)state;
	assert_true(has_room(AGENTS_PATIENT, 8, 0, 0, 50));
	assert_true(has_room(AGENTS_PATIENT, 8, 5, 0, 50));
	assert_false(has_room(AGENTS_PATIENT, 8, 6, 0, 50));
	assert_false(has_room(AGENTS_PATIENT, 8, 1, 1, 50));
	assert_true(has_room(AGENTS_PATIENT, 2, 0, 0, 50));
	assert_false(has_room(AGENTS_PATIENT, 1, 0, 0, 1)); /* but not of one */
	assert_true(has_room(AGENTS_CUT, 1, 0, 0, 1));
}

/* What counts is how many places are free, whoever has the others. */
static void the_patient_wait_though_a_place_is_free(void **state)
{
	static const enum agents_rank ranks[] = {AGENTS_PATIENT, AGENTS_AWAITED};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 2);
	assert_next(&b, 1, 2, 1);
	assert_next(&b, -1, 2, 1);
	assert_next(&b, 0, 2, 0);
}

static void a_single_place_goes_to_the_patient_when_nobody_else_waits(void **state)
{
	static const enum agents_rank ranks[] = {AGENTS_PATIENT, AGENTS_AWAITED};
	struct bench b = {0};

	(void)state;
	bench_of(&b, ranks, 2);
	assert_next(&b, 1, 1, 0);
	assert_next(&b, -1, 1, 1);
	assert_next(&b, 0, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_waits),
	    cmocka_unit_test(a_cut_goes_before_what_is_awaited_and_that_before_the_patient),
	    cmocka_unit_test(within_a_rank_the_first_comes_first),
	    cmocka_unit_test(who_has_waited_longest_comes_first),
	    cmocka_unit_test(one_that_left_is_passed_over),
	    cmocka_unit_test(nobody_goes_where_no_place_is_free),
	    cmocka_unit_test(the_patient_leave_places_free_for_the_urgent),
	    cmocka_unit_test(the_patient_leave_a_place_for_each_that_is_being_fenced),
	    cmocka_unit_test(the_patient_have_one_place_of_several),
	    cmocka_unit_test(the_patient_wait_though_a_place_is_free),
	    cmocka_unit_test(a_single_place_goes_to_the_patient_when_nobody_else_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
