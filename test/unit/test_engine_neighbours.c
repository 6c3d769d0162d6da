/* SPDX-License-Identifier: Apache-2.0 */
/* Calls wait where Nova would send an instance to another host that died a moment ago; never long, and not for one that lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum { DEAD = 0, OTHER = 2, STEP_MS = 500 };

/* In quick succession: the evidence of the others stays fresh. */
static void see_others(struct bed *b)
{
	for (uint32_t h = 1; h < b->host_n; h++)
		bed_see(b, h);
}

static void reports(struct bed *b, uint32_t host)
{
	struct service_view v = {.state = SIGN_ALIVE, .updated_at_ms = b->now_ms};

	bed_service(b, host, &v);
}

/* h1 is listed with one instance, and h3 reported last @silent_ms before; from then on nothing answers at its address. */
static struct bed *two_die(uint32_t host_n, int64_t silent_ms)
{
	struct bed *b = bed_new(host_n, NULL);
	struct instance_view v = bed_view(1, "h1");

	bed_to_listing(b, DEAD);
	reports(b, OTHER);
	for (int64_t ms = 0; ms < silent_ms; ms += STEP_MS) {
		bed_pass(b, STEP_MS);
		see_others(b);
	}
	bed_set(b, OTHER, SIGN_ALIVE, SIGN_DEAD);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_pass(b, 1);
	return b;
}

/* How long until its instance is asked about; at most @most_ms. */
static int64_t waited_ms(struct bed *b, int64_t most_ms)
{
	int64_t from_ms = b->now_ms;

	while (!bed_op(b, OP_ASK) && b->now_ms - from_ms < most_ms) {
		bed_pass(b, STEP_MS);
		see_others(b);
	}
	return b->now_ms - from_ms;
}

static void calls_wait_until_nova_knows(void **state)
{
	struct bed *b = two_die(4, 40000);

	(void)state;
	assert_null(bed_op(b, OP_ASK));
	assert_true(waited_ms(b, 5000) >= 5000);
	bed_set(b, OTHER, SIGN_DEAD, SIGN_DEAD);
	assert_true(waited_ms(b, 5000) <= 2000);
	assert_non_null(strstr(b->log, "its instances wait a moment: Nova still calls h3 up, which looks dead"));
	bed_free(b);
}

/* Nova does not come to know of it: something else is wrong, and the instances are not left to wait for that. */
static void calls_wait_for_half_a_service_down_time_at_most(void **state)
{
	struct bed *b = two_die(4, 40000);
	int64_t ms = waited_ms(b, 120000);

	(void)state;
	assert_in_range(ms, b->o.service_down_time_ms / 2 - 2 * STEP_MS, b->o.service_down_time_ms / 2 + 2 * STEP_MS);
	bed_free(b);
}

/* It would take longer than the wait may: to wait in vain helps nobody. */
static void calls_do_not_wait_in_vain(void **state)
{
	struct bed *b = two_die(4, 20000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

/* One of many: that Nova chooses just this one is so unlikely that to wait costs more. */
static void calls_do_not_wait_for_one_of_many(void **state)
{
	struct bed *b = two_die(40, 40000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

static void calls_do_not_wait_for_a_host_that_reports(void **state)
{
	struct bed *b = two_die(4, 5000);

	(void)state;
	assert_int_equal(waited_ms(b, 5000), 0);
	bed_free(b);
}

static void calls_do_not_wait_for_a_host_that_nova_passes_over(void **state)
{
	struct service_view out[] = {
	    {.state = SIGN_ALIVE, .forced_down = true}, {.state = SIGN_ALIVE, .disabled = true}};

	(void)state;
	for (size_t k = 0; k < sizeof(out) / sizeof(out[0]); k++) {
		struct bed *b = two_die(4, 40000);

		assert_null(bed_op(b, OP_ASK));
		out[k].updated_at_ms = 1;
		bed_service(b, OTHER, &out[k]);
		assert_true(waited_ms(b, 5000) <= 2000);
		bed_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls_wait_until_nova_knows),
	    cmocka_unit_test(calls_wait_for_half_a_service_down_time_at_most),
	    cmocka_unit_test(calls_do_not_wait_in_vain), cmocka_unit_test(calls_do_not_wait_for_one_of_many),
	    cmocka_unit_test(calls_do_not_wait_for_a_host_that_reports),
	    cmocka_unit_test(calls_do_not_wait_for_a_host_that_nova_passes_over)};

	return cmocka_run_group_tests_name("engine_neighbours", tests, NULL, NULL);
}
