/* SPDX-License-Identifier: Apache-2.0 */
/* What a lease has left, by the clock of who holds it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/lease.h"

static void a_margin_of_it_is_never_used(void **state)
{
	const struct lease l = {.until_ms = 10000, .margin_ms = 2000};

	(void)state;
	assert_int_equal(lease_left_ms(&l, 0), 8000);
	assert_int_equal(lease_left_ms(&l, 7999), 1);
	assert_int_equal(lease_left_ms(&l, 8000), 0);
	assert_int_equal(lease_left_ms(&l, 9000), 0);
	assert_int_equal(lease_left_ms(&l, INT64_MAX), 0);
}

static void what_is_not_held_has_nothing_left(void **state)
{
	const struct lease l = {.margin_ms = 2000};

	(void)state;
	assert_int_equal(lease_left_ms(&l, 0), 0);
	assert_int_equal(lease_left_ms(&l, 5000), 0);
}

static void gained(void *arg, uint64_t epoch)
{
	*(uint64_t *)arg += 1 + epoch;
}

static void lost(void *arg, const char *why)
{
	(void)arg;
	fail_msg("lost: %s", why);
}

static void who_is_alone_leads_at_once_and_for_ever(void **state)
{
	uint64_t gains = 0;
	const struct lease_spec spec = {.name = "test", .ttl_ms = 1000, .sink = {&gains, gained, lost}};
	struct lease *l = NULL;

	(void)state;
	assert_int_equal(lease_alone.open(&spec, &l, NULL), 0);
	assert_int_equal(gains, 1); /* with epoch 0: the store counts */
	assert_true(lease_left_ms(l, INT64_MAX) == INT64_MAX);
	l->driver->yield(l);
	assert_true(lease_left_ms(l, 5000) == INT64_MAX);
	l->driver->close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_margin_of_it_is_never_used),
	    cmocka_unit_test(what_is_not_held_has_nothing_left),
	    cmocka_unit_test(who_is_alone_leads_at_once_and_for_ever)};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
