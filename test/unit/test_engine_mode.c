/* SPDX-License-Identifier: Apache-2.0 */
/* What a segment's mode makes of a death: one that asks waits for its approval and for nothing less, one that only observes touches nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

#define ID "tsttst-1-1"

static void mode_set(struct bed *b, uint32_t host, enum host_mode mode)
{
	struct host_policy p = bed_policy(host);

	p.mode = mode;
	engine_host_set_policy(b->e, host, &p);
}

static struct bed *cloud_of(enum host_mode mode)
{
	struct bed *b = bed_new(5, NULL);

	for (uint32_t h = 0; h < 5; h++)
		mode_set(b, h, mode);
	return b;
}

static uint32_t touched(const struct bed *b)
{
	uint32_t n = 0;

	for (int k = 0; k < OP_KIND_N; k++)
		n += op_kind_changes_world((enum op_kind)k) ? b->started[k] : 0;
	return n;
}

static void assert_waits(struct bed *b)
{
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_APPROVAL);
	assert_int_equal(touched(b), 0);
}

static void one_that_asks_says_what_it_would_do(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	assert_waits(b);
	assert_string_equal(bed_durable(b, "h1")->why,
	    "asks first: would power off by bmc0-h1, force down, disable, evacuate; `osha approve " ID "`");
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	assert_int_equal(bed_told(b, MOMENT_CONFIRMED), 0);
	bed_free(b);
}

static void an_approval_is_durable_and_lets_it_go_on(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, NULL), 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_string_equal(bed_durable(b, "h1")->approved_by, "ops (uid 1000)");
	assert_true(bed_durable(b, "h1")->approved_wall_ms > 0);
	assert_non_null(strstr(bed_durable(b, "h1")->why, "approved by ops (uid 1000)"));
	assert_false(bed_recovery(b, 0)->operator_go);
	assert_int_equal(touched(b), 0); /* it is looked at again first */
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_non_null(bed_op(b, OP_POWER_OFF));
	bed_free(b);
}

/* Hours later, and whatever a restart forgets: nobody's silence is a yes. */
static void without_an_approval_it_waits_for_ever(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	for (int k = 0; k < 50; k++) {
		bed_pass(b, b->o.hold_retry_ms);
		assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
		bed_end_look(b, 0);
		assert_waits(b);
	}
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_restart(b);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	mode_set(b, 0, MODE_ASK);
	bed_see(b, 0);
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_waits(b);
	bed_free(b);
}

static void a_release_is_no_approval(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, ID, NULL, NULL), 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_end_look(b, 0);
	assert_waits(b);
	assert_string_equal(bed_durable(b, "h1")->approved_by, "");
	bed_free(b);
}

static void an_approval_is_refused_where_none_is_waited_for(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);
	struct osha_err err = {0};

	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, &err), OPERATOR_NOT_FOUND);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "recovery " ID " of h1 is suspect: it waits for no approval");
	bed_pass(b, b->o.recheck_after_ms); /* the first look: nothing has been asked yet */
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, &err), OPERATOR_REFUSED);
	b->e->hosts[0].rec.seen_on = 0;
	bed_end_look(b, 0);
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "recovery " ID " of h1 is held by no-fence: it waits for no approval");
	assert_string_equal(bed_durable(b, "h1")->approved_by, "");
	bed_free(b);
}

static void it_is_taken_while_the_hold_tries_again_and_once(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);
	struct osha_err err = {0};

	bed_dies(b, 0);
	bed_pass(b, b->o.hold_retry_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, NULL), 0);
	assert_string_equal(bed_durable(b, "h1")->approved_by, "ops (uid 1000)");
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, ID, NULL, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "recovery " ID " has been approved already, by ops (uid 1000)");
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* The breaker and the devices have not been asked by whoever approved. */
static void an_approval_lifts_no_other_gate(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	for (uint32_t h = 1; h < 4; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
	bed_say(b, OPERATOR_APPROVE, ID, NULL, NULL);
	bed_end_look(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_MASS);
	for (uint32_t h = 1; h < 4; h++)
		bed_set(b, h, SIGN_ALIVE, SIGN_ALIVE);
	b->e->hosts[0].rec.seen_on = 0;
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_NO_FENCE);
	assert_int_equal(touched(b), 0);
	bed_free(b);
}

static void life_clears_it_and_the_approval_is_over(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_CLEARED);
	bed_dies(b, 0);
	assert_waits(b);
	assert_int_equal(bed_say(b, OPERATOR_APPROVE, "tsttst-1-2", NULL, NULL), 0);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	bed_dies(b, 0);
	assert_waits(b);
	assert_string_equal(bed_recovery(b, 0)->approved_by, "");
	bed_free(b);
}

/* Approved, forced down and half evacuated: one that is seen on is a danger, and no second question. */
static void a_voided_proof_asks_nobody(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);
	struct instance_view v = bed_view(1, "h1");

	mode_set(b, 0, MODE_AUTOMATIC);
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	mode_set(b, 0, MODE_ASK);
	b->now_ms += 1000;
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	bed_free(b);
}

static void a_new_mode_counts_from_the_next_gate_on(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);

	bed_dies(b, 0);
	mode_set(b, 0, MODE_AUTOMATIC);
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
	b = cloud_of(MODE_ASK);
	bed_dies(b, 0);
	mode_set(b, 0, MODE_OBSERVE);
	bed_pass(b, b->o.hold_retry_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_ABANDONED);
	assert_true(bed_durable(b, "h1")->observed);
	assert_int_equal(touched(b), 0);
	bed_free(b);
}

/* Asked once more in the step that would cut the power. */
static void a_mode_that_changes_before_the_power_off_counts(void **state)
{
	static const enum host_mode modes[] = {MODE_ASK, MODE_OBSERVE};

	for (size_t k = 0; k < 2; k++) {
		struct bed *b = cloud_of(MODE_AUTOMATIC);

		bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
		bed_pass(b, b->o.recheck_after_ms);
		b->store = BED_STORE_WAITS;
		bed_end_look(b, 0);
		assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
		mode_set(b, 0, modes[k]);
		b->store = BED_STORE_CONFIRMS;
		bed_settle_store(b, true);
		assert_int_equal(touched(b), 0);
		assert_int_equal(bed_durable(b, "h1")->row, k ? HOST_ROW_ABANDONED : HOST_ROW_HELD);
		assert_false(bed_durable(b, "h1")->observed); /* what may have been begun was not only observed */
		bed_free(b);
	}
}

static void one_that_observes_writes_and_touches_nothing(void **state)
{
	struct bed *b = cloud_of(MODE_OBSERVE);
	struct osha_err err = {0};

	bed_dies(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_ABANDONED);
	assert_true(bed_durable(b, "h1")->observed);
	assert_string_equal(
	    bed_durable(b, "h1")->why, "observed only: would power off by bmc0-h1, force down, disable, evacuate");
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), 1);
	assert_int_equal(bed_say(b, OPERATOR_CONFIRM_DEAD, "h1", NULL, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "only observes"));
	bed_see(b, 0);
	bed_pass(b, 600000);
	bed_see(b, 0);
	bed_restart(b);
	mode_set(b, 0, MODE_OBSERVE);
	bed_see(b, 0);
	bed_pass(b, 600000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), 1);
	assert_int_equal(touched(b), 0);
	bed_free(b);
}

/* What another gate holds back would not have been done either. */
static void what_another_gate_holds_is_not_observed(void **state)
{
	struct bed *b = cloud_of(MODE_OBSERVE);

	b->e->hosts[0].rec.seen_on = 0;
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_NO_FENCE);
	assert_false(bed_recovery(b, 0)->observed);
	bed_free(b);
}

static void reads(struct bed *b, enum power power)
{
	struct engine_event ev = {.type = ENGINE_DEVICE, .device.host = 0, .device.power = power};

	bed_event(b, &ev, NULL);
}

static void what_follows_is_remembered_once_each(void **state)
{
	struct bed *b = cloud_of(MODE_OBSERVE);
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 5, .forced_down = true};
	const struct observed *o = &b->e->hosts[0].rec.observed;
	struct observed first;

	reads(b, POWER_ON);
	bed_service(b, 0, &down);
	assert_string_equal(o->recovery, "");
	assert_int_equal(o->on_wall_ms + o->forced_down_wall_ms, 0);
	down.forced_down = false;
	bed_service(b, 0, &down);
	bed_dies(b, 0);
	assert_string_equal(o->recovery, ID);
	assert_int_equal(o->alive_wall_ms, 0);
	reads(b, POWER_ON);
	bed_pass(b, 1000);
	reads(b, POWER_OFF);
	down.forced_down = true;
	bed_service(b, 0, &down);
	first = *o;
	assert_true(first.on_wall_ms && first.off_wall_ms > first.on_wall_ms && first.forced_down_wall_ms);
	bed_pass(b, 1000);
	reads(b, POWER_OFF);
	bed_service(b, 0, &down);
	assert_memory_equal(o, &first, sizeof(first));
	bed_restart(b);
	o = &b->e->hosts[0].rec.observed;
	assert_memory_equal(o, &first, sizeof(first));
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_true(o->alive_wall_ms > 0);
	bed_free(b);
}

/* A host that comes back without anybody's doing: nothing that is seen later belongs to that death. */
static void what_comes_after_its_life_is_another_story(void **state)
{
	struct bed *b = cloud_of(MODE_OBSERVE);
	struct service_view down = {.state = SIGN_DEAD, .updated_at_ms = 5, .forced_down = true};
	struct observed alive;

	bed_dies(b, 0);
	bed_pass(b, 5000);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	alive = b->e->hosts[0].rec.observed;
	assert_true(alive.alive_wall_ms > 0);
	bed_service(b, 0, &down);
	reads(b, POWER_ON);
	assert_memory_equal(&b->e->hosts[0].rec.observed, &alive, sizeof(alive));
	down.forced_down = false;
	bed_service(b, 0, &down);
	bed_dies(b, 0);
	assert_string_equal(b->e->hosts[0].rec.observed.recovery, "tsttst-1-2");
	assert_int_equal(b->e->hosts[0].rec.observed.alive_wall_ms, 0);
	bed_free(b);
}

static void the_snapshot_says_what_the_mode_would_do(void **state)
{
	struct bed *b = cloud_of(MODE_ASK);
	struct host_snapshot s;

	bed_dies(b, 0);
	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_non_null(strstr(s.held_back_by, "osha approve " ID));
	mode_set(b, 1, MODE_OBSERVE);
	bed_dies(b, 1);
	engine_host_snapshot(b->e, 1, b->now_ms, &s);
	assert_non_null(strstr(s.held_back_by, "observed only"));
	bed_free(b);
}

static void a_dry_run_says_it_whatever_the_mode(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.dry_run = true;
	b = bed_new(5, &o);
	mode_set(b, 0, MODE_ASK);
	mode_set(b, 1, MODE_OBSERVE);
	bed_dies(b, 0);
	bed_dies(b, 1);
	assert_string_equal(
	    bed_durable(b, "h1")->why, "dry run: would power off by bmc0-h1, force down, disable, evacuate");
	assert_non_null(strstr(bed_durable(b, "h2")->why, "dry run: would power off"));
	assert_false(bed_durable(b, "h2")->observed);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_that_asks_says_what_it_would_do),
	    cmocka_unit_test(an_approval_is_durable_and_lets_it_go_on),
	    cmocka_unit_test(without_an_approval_it_waits_for_ever), cmocka_unit_test(a_release_is_no_approval),
	    cmocka_unit_test(an_approval_is_refused_where_none_is_waited_for),
	    cmocka_unit_test(it_is_taken_while_the_hold_tries_again_and_once),
	    cmocka_unit_test(an_approval_lifts_no_other_gate),
	    cmocka_unit_test(life_clears_it_and_the_approval_is_over), cmocka_unit_test(a_voided_proof_asks_nobody),
	    cmocka_unit_test(a_new_mode_counts_from_the_next_gate_on),
	    cmocka_unit_test(a_mode_that_changes_before_the_power_off_counts),
	    cmocka_unit_test(one_that_observes_writes_and_touches_nothing),
	    cmocka_unit_test(what_another_gate_holds_is_not_observed),
	    cmocka_unit_test(what_follows_is_remembered_once_each),
	    cmocka_unit_test(what_comes_after_its_life_is_another_story),
	    cmocka_unit_test(the_snapshot_says_what_the_mode_would_do),
	    cmocka_unit_test(a_dry_run_says_it_whatever_the_mode)};

	return cmocka_run_group_tests_name("engine_mode", tests, NULL, NULL);
}
