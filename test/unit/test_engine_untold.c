/* SPDX-License-Identifier: Apache-2.0 */
/* Recoveries that have ended while nobody could be told of it: how many are kept beside the open ones, and whose place they take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

/* The host dies, which is only observed, and lives again; nobody could be told of it. */
static void die_and_come_back(struct bed *b, uint32_t host)
{
	char name[HOST_NAME_SIZE];

	snprintf(name, sizeof(name), "h%u", host + 1);
	bed_set(b, host, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	bed_end_look(b, host);
	assert_int_equal(bed_durable(b, name)->row, HOST_ROW_ABANDONED);
	bed_set(b, host, SIGN_ALIVE, SIGN_ALIVE);
}

/* As many ends as there is room for beside the hosts' own places, and the next one, which stays in its host's. */
static struct bed *full_of_untold_ends(uint32_t *ret_n)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);

	p.mode = MODE_OBSERVE;
	engine_host_set_policy(b->e, 0, &p);
	b->keep_untold = true;
	*ret_n = 0;
	do {
		die_and_come_back(b, 0);
		(*ret_n)++;
		assert_true(*ret_n < 1000);
	} while (!bed_recovery(b, 0));
	return b;
}

/* However many ends nobody could be told of, no other host goes without its guard for it. */
static void untold_ends_take_no_place_of_another_host(void **state)
{
	uint32_t n;
	struct bed *b = full_of_untold_ends(&n);

	(void)state;
	assert_true(n > 1);
	for (uint32_t h = 1; h < 3; h++) {
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
		assert_int_equal(bed_row(b, h), HOST_ROW_SUSPECT);
	}
	bed_free(b);
}

/* The one that found no room beside holds its own host's place no longer than until another one was told. */
static void an_untold_end_without_room_frees_its_host_when_there_is_room(void **state)
{
	uint32_t n;
	struct bed *b = full_of_untold_ends(&n);
	struct engine_event ev = {.type = ENGINE_TOLD};

	(void)state;
	for (uint32_t k = 0; k < b->durable_n && !ev.told.recovery; k++) {
		if (b->durable[k].type == RECORD_RECOVERY)
			ev.told.recovery = b->durable[k].recovery.id;
	}
	ev.told.moment = MOMENT_SKIPPED;
	bed_event(b, &ev, NULL);
	assert_null(bed_recovery(b, 0));
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	bed_free(b);
}

/* All of them are taken up again after a restart, and what was open beside them first of all. */
static void untold_ends_keep_no_open_recovery_out_at_a_restart(void **state)
{
	uint32_t n;
	struct bed *b = full_of_untold_ends(&n);

	(void)state;
	for (uint32_t h = 1; h < 3; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
	bed_restart(b);
	for (uint32_t h = 1; h < 3; h++)
		assert_int_equal(bed_row(b, h), HOST_ROW_SUSPECT);
	b->keep_untold = false;
	b->talk_n = 0;
	bed_restart(b);
	bed_pass(b, 1);
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), n);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(untold_ends_take_no_place_of_another_host),
	    cmocka_unit_test(an_untold_end_without_room_frees_its_host_when_there_is_room),
	    cmocka_unit_test(untold_ends_keep_no_open_recovery_out_at_a_restart)};

	return cmocka_run_group_tests_name("engine_untold", tests, NULL, NULL);
}
