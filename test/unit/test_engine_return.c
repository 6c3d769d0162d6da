/* SPDX-License-Identifier: Apache-2.0 */
/* The way back into service: what counts as a report, when the marks are taken off, and when it is held instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* nova's record of the host as this recovery left it, moved at @updated_ms */
/* The first record after our own PUTs is what later ones are compared with; one that has not moved says nothing. */
static void only_a_newer_updated_at_is_a_report(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_recovered(b, 0);
	bed_marked_service(b, 1000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	bed_marked_service(b, 1000);
	bed_marked_service(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	bed_marked_service(b, 2000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	bed_free(b);
}

/* Killed and started again while the host's cell cannot be reached: the empty record is nothing that a later one could be newer than. */
static void a_record_of_an_unreachable_cell_says_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view empty = {.state = SIGN_UNKNOWN};

	(void)state;
	bed_to_recovered(b, 0);
	bed_marked_service(b, 1000);
	bed_restart(b);
	bed_pass(b, 1);
	bed_service(b, 0, &empty);
	bed_pass(b, 1000);
	bed_marked_service(b, 1000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	bed_marked_service(b, 2000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	bed_free(b);
}

static void an_operators_mark_stays_known_while_its_cell_is_away(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view mark = {
	    .state = SIGN_ALIVE, .disabled = true, .disabled_reason = "bad RAM", .updated_at_ms = 100};
	struct service_view empty = {.state = SIGN_UNKNOWN};
	struct host_snapshot s;

	(void)state;
	bed_service(b, 0, &mark);
	bed_service(b, 0, &empty);
	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_true(s.disabled);
	assert_int_equal(s.updated_at_ms, 100);
	bed_free(b);
}

static void a_record_asked_for_before_our_put_is_no_baseline(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view v = {.forced_down = true, .updated_at_ms = 500};
	struct engine_service s = {0, 0, &v};
	struct engine_event ev = {.type = ENGINE_SERVICES, .services = {&s, 1}};

	bed_to_proven(b, 0);
	s.asked_ms = b->now_ms;
	bed_pass(b, 50);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	bed_event(b, &ev, NULL);     /* late answer to an early question */
	bed_marked_service(b, 1000); /* moved by our PUT */
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	bed_marked_service(b, 1001);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING); /* its nova-compute lives: fenced again */
	bed_free(b);
}

/* Killed while forcing down: the repeated PUT moves updated_at, and that is no sign of life. */
static void our_own_put_after_a_restart_is_no_report(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	bed_restart(b);
	bed_marked_service(b, 1000);
	bed_end_power(b, POWER_OFF);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_marked_service(b, 2000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_DISABLING);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	bed_marked_service(b, 3000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	bed_free(b);
}

static void to_cleaning(struct bed *b)
{
	bed_to_recovered(b, 0);
	bed_marked_service(b, 1000);
	bed_pass(b, 10);
	b->sign[0][1] = SIGN_ALIVE;
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	bed_marked_service(b, 1000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	bed_marked_service(b, 2000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
}

static void to_reenabled(struct bed *b)
{
	struct instance_view v = bed_moved(1, "h1", "h2", 11);

	to_cleaning(b);
	v.evacuation.status = MIGRATION_COMPLETED;
	bed_end_views(b, OP_MIGRATIONS, &v, 1);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_end(b, OP_ENABLE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_REENABLED);
}

/* The addresses of those who are to be told cannot be had for an hour. The host is in service, and guarded, all the same. */
static void it_is_guarded_again_before_its_return_is_told(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct recovery_record first;

	(void)state;
	b->keep_untold = true;
	to_reenabled(b);
	first = *bed_durable(b, "h1");
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	assert_string_not_equal(bed_recovery(b, 0)->id, first.id);
	bed_free(b);
}

/* The same after a restart: the ended recovery is taken up to be told, and does not stand in the new one's way. */
static void what_is_left_to_tell_survives_a_restart_beside_a_new_recovery(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t before;

	(void)state;
	b->keep_untold = true;
	to_reenabled(b);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	before = b->talk_n;
	b->keep_untold = false;
	bed_restart(b);
	bed_see(b, 0);
	bed_pass(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	assert_true(b->talk_n > before);
	assert_true(bed_told(b, MOMENT_RETURNED));
	bed_free(b);
}

static void it_is_taken_back_once_it_is_clean(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_moved(1, "h1", "h2", 11);

	to_cleaning(b);
	assert_false(bed_op(b, OP_MIGRATIONS)->start.is_brief); /* what it lacks counts here */
	bed_end_views(b, OP_MIGRATIONS, &v, 1); /* still `done`: its nova-compute has not removed the copy */
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	assert_int_equal(b->started[OP_CLEAR_DOWN], 0);
	bed_pass(b, b->o.retry_ms);
	v.evacuation.status = MIGRATION_COMPLETED;
	bed_end_views(b, OP_MIGRATIONS, &v, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEARING_DOWN);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_ENABLING);
	bed_end(b, OP_ENABLE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_REENABLED);
	assert_int_equal(bed_told(b, MOMENT_RETURNED), 1);
	assert_int_equal(b->started[OP_POWER_OFF], 1);
	bed_free(b);
}

/*
 * Let return in the middle: its nova-compute calls the record of a rebuild that is still running elsewhere completed, at its start. The
 * marks stay until that instance is at its end, since the copy that arrives may yet fail and be called for again.
 */
static void it_is_not_taken_back_while_an_instance_is_on_its_way(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), on_its_way = bed_moved(1, "h1", "h2", 11), moved;
	struct host_policy p = bed_policy(0);

	p.let_return = true;
	engine_host_set_policy(b->e, 0, &p);
	bed_to_listing(b, 0);
	bed_marked_service(b, 1000);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_marked_service(b, 2000); /* it is on, and its nova-compute reports */
	assert_int_equal(bed_row(b, 0), HOST_ROW_RETURNING);
	bed_marked_service(b, 3000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	on_its_way.evacuation.status = MIGRATION_COMPLETED;
	str_copy(on_its_way.host, sizeof(on_its_way.host), "h1");
	on_its_way.task = TASK_REBUILDING;
	for (int k = 0; k < 20; k++) {
		while (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, &on_its_way, 1);
		while (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &on_its_way, 1);
		bed_pass(b, b->o.retry_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	assert_int_equal(b->started[OP_CLEAR_DOWN], 0);
	moved = on_its_way;
	moved.task = TASK_NONE;
	str_copy(moved.host, sizeof(moved.host), "h2");
	for (int k = 0; k < 20 && bed_row(b, 0) == HOST_ROW_CLEANING; k++) {
		while (bed_op(b, OP_MIGRATIONS) && bed_row(b, 0) == HOST_ROW_CLEANING)
			bed_end_views(b, OP_MIGRATIONS, &moved, 1);
		while (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &moved, 1);
		bed_pass(b, b->o.retry_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEARING_DOWN);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_DONE);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

static void stale_copies_hold_with_what_to_do(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_moved(1, "h1", "h2", 11);

	to_cleaning(b);
	for (int k = 0; k < 2000 && bed_row(b, 0) == HOST_ROW_CLEANING; k++) {
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, &v, 1);
		bed_pass(b, b->o.retry_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_RESTART_COMPUTE);
	assert_non_null(strstr(bed_recovery(b, 0)->why, "restart nova-compute on h1"));
	bed_free(b);
}

static void a_refused_clearing_says_restart_nova_compute(void **state)
{
	struct bed *b = bed_new(3, NULL);

	to_cleaning(b);
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_REFUSED, FAULT_LEFTOVER);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_RESTART_COMPUTE);
	assert_non_null(strstr(bed_recovery(b, 0)->why, "restart nova-compute on h1"));
	/* its start is seen, and it goes on by itself */
	bed_marked_service(b, 9000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CLEANING);
	bed_free(b);
}

static void a_host_that_is_on_without_a_report_is_held(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_recovered(b, 0);
	bed_pass(b, 10);
	b->sign[0][1] = SIGN_ALIVE;
	bed_see(b, 0);
	bed_pass(b, b->o.return_timeout_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_RESTART_COMPUTE);
	bed_free(b);
}

/* A hold of the same cause as one before "recovered" is news. */
static void a_hold_on_the_way_back_is_told(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_to_proven(b, 0);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_LIST, NULL, 0);
	bed_end_views(b, OP_LIST, NULL, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	bed_marked_service(b, 1000);
	bed_marked_service(b, 2000);
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_DONE, FAULT_NONE);
	bed_end(b, OP_ENABLE, OUTCOME_REFUSED, FAULT_AUTH);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_CLOUD);
	assert_int_equal(bed_told(b, MOMENT_HELD), 2);
	bed_free(b);
}

/* Disabled by an operator, recovered because its segment says so: his reason is not written over, and he enables it. */
static void what_an_operator_disabled_stays_his(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);
	struct service_view s = {.disabled = true, .disabled_reason = "bad RAM, ticket 7", .updated_at_ms = 100};

	p.recover_disabled = true;
	engine_host_set_policy(b->e, 0, &p);
	bed_service(b, 0, &s);
	bed_to_proven(b, 0);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_LISTING);
	bed_end_views(b, OP_LIST, NULL, 0);
	bed_end_views(b, OP_LIST, NULL, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	s.forced_down = true;
	s.updated_at_ms = 200;
	bed_service(b, 0, &s);
	s.updated_at_ms = 300;
	bed_service(b, 0, &s);
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_REENABLED);
	assert_int_equal(b->started[OP_DISABLE] + b->started[OP_ENABLE], 0);
	bed_free(b);
}

/* An operator wrote his own reason over ours while the host was away: it is his now. */
static void what_an_operator_took_over_stays_his(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view s = {.disabled = true, .disabled_reason = "kept out by hand", .updated_at_ms = 3000};

	to_cleaning(b);
	bed_service(b, 0, &s);
	bed_end_views(b, OP_MIGRATIONS, NULL, 0);
	bed_end(b, OP_CLEAR_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_REENABLED);
	assert_non_null(strstr(bed_durable(b, "h1")->why, "left disabled"));
	assert_int_equal(b->started[OP_ENABLE], 0);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(only_a_newer_updated_at_is_a_report),
	    cmocka_unit_test(a_record_of_an_unreachable_cell_says_nothing),
	    cmocka_unit_test(an_operators_mark_stays_known_while_its_cell_is_away),
	    cmocka_unit_test(a_record_asked_for_before_our_put_is_no_baseline),
	    cmocka_unit_test(our_own_put_after_a_restart_is_no_report),
	    cmocka_unit_test(it_is_guarded_again_before_its_return_is_told),
	    cmocka_unit_test(what_is_left_to_tell_survives_a_restart_beside_a_new_recovery),
	    cmocka_unit_test(it_is_taken_back_once_it_is_clean),
	    cmocka_unit_test(it_is_not_taken_back_while_an_instance_is_on_its_way),
	    cmocka_unit_test(stale_copies_hold_with_what_to_do),
	    cmocka_unit_test(a_refused_clearing_says_restart_nova_compute),
	    cmocka_unit_test(a_host_that_is_on_without_a_report_is_held),
	    cmocka_unit_test(a_hold_on_the_way_back_is_told), cmocka_unit_test(what_an_operator_disabled_stays_his),
	    cmocka_unit_test(what_an_operator_took_over_stays_his)};

	return cmocka_run_group_tests_name("engine_return", tests, NULL, NULL);
}
