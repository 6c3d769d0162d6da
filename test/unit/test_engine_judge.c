/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means for the host's row: what is tried again, what is said of it, and which instances a list makes ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* --- answers without more to them than done or not --- */

/* Nova says no, but not for good (409, 503): it is asked again. What it says for good is not. */
static void a_refusal_that_may_pass_is_tried_again(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_proven(b, 0);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_TRANSIENT);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FORCING_DOWN);
	bed_pass(b, b->o.retry_ms);
	assert_int_equal(b->started[OP_FORCE_DOWN], 2);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_STATE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_free(b);
}

static void a_hold_says_what_the_cloud_said(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_proven(b, 0);
	bed_end_why(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH, "403: not allowed to force down");
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_string_equal(bed_durable(b, "h1")->why, "403: not allowed to force down");
	bed_free(b);
}

/* A success may come with a sentence as well: why the next row is entered is the table's to say. */
static void the_sentence_of_a_success_explains_no_row(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	bed_end_why(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE, "Success: Powered OFF");
	assert_string_equal(bed_durable(b, "h1")->why, host_step_of(HOST_ROW_PROVING)->why);
	bed_end_power(b, POWER_OFF);
	bed_end_power(b, POWER_OFF);
	bed_end_why(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE, "200 OK");
	assert_int_equal(bed_row(b, 0), HOST_ROW_DISABLING);
	assert_string_equal(bed_durable(b, "h1")->why, host_step_of(HOST_ROW_DISABLING)->why);
	bed_free(b);
}

static void forced_down_is_sure_once_nova_has_said_so(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_proven(b, 0);
	assert_true(bed_durable(b, "h1")->we_forced_down);
	assert_false(bed_durable(b, "h1")->forced_down_sure);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_TRANSIENT);
	bed_pass(b, b->o.retry_ms);
	assert_false(bed_durable(b, "h1")->forced_down_sure);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_true(bed_durable(b, "h1")->forced_down_sure);
	bed_free(b);
}

/* --- lists: instances that were on their way --- */

/* uuid-1 of h1 is being rebuilt on h2, as Nova's lists show it. */
static struct instance_view on_its_way(uint32_t number)
{
	struct instance_view v = bed_moved(number, "h1", "h2", 11);

	str_copy(v.host, sizeof(v.host), "h1");
	v.task = TASK_REBUILDING;
	v.evacuation.status = MIGRATION_PRE_MIGRATING;
	return v;
}

/* The list of the destination shows it: its own recovery need not wait for its next look at the evacuations. */
static void a_rebuild_on_a_host_proven_dead_is_asked_about_at_once(void **state)
{
	struct bed *b = bed_new(5, NULL);
	struct instance_view v = bed_view(1, "h1"), way = on_its_way(1);

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_to_listing(b, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	bed_end_views(b, OP_LIST, &way, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_ASKING);
	assert_string_equal(bed_instance(b, 0, "uuid-1")->why, "its destination was proven dead");
	assert_null(bed_instance(b, 1, "uuid-1"));
	bed_free(b);
}

/* Refused by its own recovery, which is held for it, and moved by hand to a host that dies: that hold need not run out. */
static void a_held_recovery_hears_that_its_instances_destination_died(void **state)
{
	struct bed *b = bed_new(5, NULL);
	struct instance_view v = bed_view(1, "h1"), way = on_its_way(1);

	(void)state;
	v.state = SERVER_PAUSED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REFUSED);
	bed_to_listing(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_end_views(b, OP_LIST, &way, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	bed_free(b);
}

/* It came here once and has moved on since: Nova's list of evacuations to this host still has it. */
static void what_came_here_and_moved_on_is_not_ours(void **state)
{
	struct bed *b = bed_new(4, NULL);
	struct instance_view gone = bed_moved(7, "h2", "h1", 5);

	(void)state;
	str_copy(gone.host, sizeof(gone.host), "h3");
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &gone, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_VERIFYING);
	assert_null(bed_instance(b, 0, "uuid-7"));
	bed_free(b);
}

/* Nova never shows an evacuation from a host to itself. Should it, the instance is held by name, not taken for moved by somebody. */
static void an_evacuation_from_a_host_to_itself_is_held_by_name(void **state)
{
	struct bed *b = bed_new(4, NULL);
	struct instance_view odd = bed_moved(7, "h1", "h1", 5);

	(void)state;
	str_copy(odd.host, sizeof(odd.host), "h3");
	odd.evacuation.status = MIGRATION_PRE_MIGRATING;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &odd, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-7")->row, INSTANCE_ROW_HELD);
	bed_free(b);
}

/* h2 has died with uuid-7 of h1 on its way to it, and nobody has proven h1 dead: its recovery holds that instance by name. */
static struct bed *destination_is_held(void)
{
	struct bed *b = bed_new(5, NULL);
	struct instance_view way = on_its_way(7);

	bed_to_listing(b, 1);
	bed_end_views(b, OP_LIST, &way, 1);
	bed_end_views(b, OP_LIST, NULL, 0);
	assert_int_equal(bed_row(b, 1), HOST_ROW_HELD);
	assert_int_equal(bed_instance(b, 1, "uuid-7")->row, INSTANCE_ROW_HELD);
	return b;
}

/* The source dies too, and its list lacks that instance: nobody moves it, so it stays held by name. */
static void what_its_source_does_not_list_stays_held(void **state)
{
	struct bed *b = destination_is_held();
	struct instance_view other = bed_view(1, "h1");

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &other, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_EVACUATING);
	assert_int_equal(bed_instance(b, 1, "uuid-7")->row, INSTANCE_ROW_HELD);
	bed_free(b);
}

/* Its evacuation had ended before the source died: what the list of the destination said of it stands. */
static void what_is_no_longer_on_its_way_is_not_touched_again(void **state)
{
	struct bed *b = destination_is_held();
	struct instance_view v = bed_view(7, "h1");

	(void)state;
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL), 0);
	bed_end_views(b, OP_LIST, NULL, 0);
	bed_end_views(b, OP_LIST, NULL, 0);
	assert_int_equal(bed_row(b, 1), HOST_ROW_RECOVERED);
	assert_string_equal(bed_instance(b, 1, "uuid-7")->why, "no longer on its way here");
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-7")->row, INSTANCE_ROW_ASKING);
	assert_int_equal(bed_instance(b, 1, "uuid-7")->row, INSTANCE_ROW_GONE);
	assert_string_equal(bed_instance(b, 1, "uuid-7")->why, "no longer on its way here");
	bed_free(b);
}

/* --- verifying --- */

/* Nova says of each of its instances that it is elsewhere, and lists it here again: three rounds more, then somebody has to look. */
static void three_more_rounds_for_what_is_still_listed(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11);

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	for (int more = 3; more >= 0; more--) {
		bed_end_views(b, OP_ASK, &moved, 1);
		assert_int_equal(bed_row(b, 0), HOST_ROW_VERIFYING);
		bed_end_views(b, OP_LIST, &v, 1);
		assert_int_equal(bed_row(b, 0), more ? HOST_ROW_EVACUATING : HOST_ROW_HELD);
	}
	assert_string_equal(bed_durable(b, "h1")->why, "instances are still listed on it");
	bed_free(b);
}

static void leftover_is(uint32_t n, const char *why)
{
	struct engine_options o = engine_options_default();
	struct instance_view left[2] = {bed_moved(1, "h1", "h2", 11), bed_moved(2, "h1", "h2", 12)};
	struct bed *b;

	o.cloud_attempts = 1;
	b = bed_new(3, &o);
	left[0].evacuation.status = left[1].evacuation.status = MIGRATION_PRE_MIGRATING;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, NULL, 0);
	bed_end_views(b, OP_LIST, left, n);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_LEFTOVER);
	assert_string_equal(bed_durable(b, "h1")->why, why);
	bed_free(b);
}

static void evacuations_under_way_are_counted_and_the_first_is_named(void **state)
{
	(void)state;
	leftover_is(1, "1 evacuation still under way: keep h1 off, it would destroy uuid-1");
	leftover_is(2, "2 evacuations still under way: keep h1 off, it would destroy uuid-1 and others");
}

/* --- the way back --- */

static struct bed *cleaning(int64_t return_timeout_ms)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.return_timeout_ms = return_timeout_ms;
	b = bed_new(3, &o);
	bed_to_recovered(b, 0);
	bed_marked_service(b, 1000);
	bed_marked_service(b, 2000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	return b;
}

/* Looked at as its time runs out, and one millisecond before. */
static void stale_copies_have_their_time_and_not_longer(void **state)
{
	struct instance_view stale = bed_moved(1, "h1", "h2", 11);

	(void)state;
	for (int64_t left_ms = 0; left_ms < 2; left_ms++) {
		struct bed *b = cleaning(engine_options_default().retry_ms + left_ms);

		bed_end_views(b, OP_MIGRATIONS, &stale, 1);
		bed_pass(b, b->o.retry_ms);
		bed_end_views(b, OP_MIGRATIONS, &stale, 1);
		assert_int_equal(bed_row(b, 0), left_ms ? HOST_ROW_CLEANING : HOST_ROW_HELD);
		bed_free(b);
	}
}

/* Only where Nova names what is left does a restart of nova-compute help. */
static void another_refusal_to_clear_it_is_said_as_it_is(void **state)
{
	struct bed *b = cleaning(600000);

	(void)state;
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	bed_end_why(b, OP_CLEAR_DOWN, OUTCOME_REFUSED, FAULT_AUTH, "403: not allowed to clear it");
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_string_equal(bed_durable(b, "h1")->why, "403: not allowed to clear it");
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refusal_that_may_pass_is_tried_again),
	    cmocka_unit_test(a_hold_says_what_the_cloud_said),
	    cmocka_unit_test(the_sentence_of_a_success_explains_no_row),
	    cmocka_unit_test(forced_down_is_sure_once_nova_has_said_so),
	    cmocka_unit_test(a_rebuild_on_a_host_proven_dead_is_asked_about_at_once),
	    cmocka_unit_test(a_held_recovery_hears_that_its_instances_destination_died),
	    cmocka_unit_test(what_came_here_and_moved_on_is_not_ours),
	    cmocka_unit_test(an_evacuation_from_a_host_to_itself_is_held_by_name),
	    cmocka_unit_test(what_its_source_does_not_list_stays_held),
	    cmocka_unit_test(what_is_no_longer_on_its_way_is_not_touched_again),
	    cmocka_unit_test(three_more_rounds_for_what_is_still_listed),
	    cmocka_unit_test(evacuations_under_way_are_counted_and_the_first_is_named),
	    cmocka_unit_test(stale_copies_have_their_time_and_not_longer),
	    cmocka_unit_test(another_refusal_to_clear_it_is_said_as_it_is),
	};

	return cmocka_run_group_tests_name("engine_judge", tests, NULL, NULL);
}
