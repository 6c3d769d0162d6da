/* SPDX-License-Identifier: Apache-2.0 */
/* When an operator's word that a host is dead is taken: what counts as a sign of life against it, until when, and where it comes too late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

static void sees(struct bed *b, uint32_t monitor, enum sign sign, int64_t for_ms)
{
	struct engine_evidence one = {0, monitor, sign, b->now_ms, b->now_ms + for_ms};
	struct engine_event ev = {.type = ENGINE_EVIDENCE, .evidence = {&one, 1}};

	bed_event(b, &ev, NULL);
}

/* Any monitor's word counts, the last one's as well, though no policy asks for it; and it is named. */
static void every_monitor_is_asked_for_a_sign_of_life(void **state)
{
	struct engine_options o = engine_options_default();
	struct osha_err err = {0};
	struct bed *b;

	(void)state;
	o.monitor_n = MONITOR_MAX;
	o.monitor_name[MONITOR_MAX - 1] = "the-last";
	b = bed_new(3, &o);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	sees(b, MONITOR_MAX - 1, SIGN_ALIVE, 60000);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "the-last sees h1 alive"));
	sees(b, MONITOR_MAX - 1, SIGN_UNKNOWN, 60000);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, NULL), 0);
	bed_free(b);
}

/* A sign of life counts until it expires, and not in that very millisecond any more: as everywhere. */
static void an_expired_sign_of_life_is_none(void **state)
{
	struct osha_err err = {0};

	(void)state;
	for (int is_expired = 0; is_expired < 2; is_expired++) {
		struct bed *b = bed_new(3, NULL);
		struct host_policy p = bed_policy(0);

		p.must_be_dead = 1;
		engine_host_set_policy(b->e, 0, &p);
		bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
		sees(b, 1, SIGN_ALIVE, 1000);
		bed_pass(b, 999 + is_expired);
		assert_int_equal(
		    bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, &err), is_expired ? 0 : OPERATOR_REFUSED);
		bed_free(b);
	}
}

/* It was seen on and may return: that word would force down, without a look, a host that is just taken back. */
static void a_host_on_its_way_back_is_not_confirmed_dead(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");
	struct host_policy p = bed_policy(0);
	struct osha_err err = {0};

	(void)state;
	p.let_return = true;
	engine_host_set_policy(b->e, 0, &p);
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "returning"));
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	assert_true(bed_recovery(b, 0)->proof.is_void);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_monitor_is_asked_for_a_sign_of_life),
	    cmocka_unit_test(an_expired_sign_of_life_is_none),
	    cmocka_unit_test(a_host_on_its_way_back_is_not_confirmed_dead)};

	return cmocka_run_group_tests_name("engine_operator", tests, NULL, NULL);
}
