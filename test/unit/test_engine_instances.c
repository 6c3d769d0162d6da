/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of a recovery: lost calls, failed ones, many at once, leftovers, tries again, and the host's way back into service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

static void to_calling(struct bed *b, struct instance_view *v)
{
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, v, 1);
	bed_end_views(b, OP_ASK, v, 1);
	assert_non_null(bed_op(b, OP_EVACUATE));
}

static struct instance_view failed(uint32_t number, int64_t migration)
{
	struct instance_view v = bed_moved(number, "h1", "h2", migration);

	str_copy(v.host, sizeof(v.host), "h1");
	v.state = SERVER_ERROR;
	v.evacuation.status = MIGRATION_FAILED;
	str_copy(v.fault, sizeof(v.fault), "No valid host was found.");
	return v;
}

/* Two readings of nothing, the second not before the settling time has gone by since the call. */
static void a_lost_call_is_repeated_only_after_two_readings(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");
	int64_t called_ms;

	to_calling(b, &v);
	called_ms = b->now_ms;
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	while (b->started[OP_EVACUATE] == 1) {
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &v, 1);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		if (b->started[OP_EVACUATE] == 1)
			bed_pass(b, 1000);
		assert_true(b->now_ms < called_ms + 300000);
	}
	assert_true(b->now_ms >= called_ms + b->o.evacuate_settle_ms);
	assert_true(b->started[OP_ASK] >= 3);
	bed_free(b);
}

static void a_lost_call_that_shows_up_is_watched(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11), under_way = moved;

	under_way.evacuation.status = MIGRATION_ACCEPTED;
	under_way.evacuation.dest[0] = '\0';
	str_copy(under_way.host, sizeof(under_way.host), "h1");
	to_calling(b, &v);
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end_views(b, OP_ASK, &under_way, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	bed_end_views(b, OP_ASK, &moved, 1);
	bed_end_views(b, OP_LIST, &moved, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

/* Killed with the call on its way: after the restart Nova is asked, and nothing is repeated before the settling time, counted anew. */
static void a_call_cut_off_by_a_crash_is_not_repeated_at_once(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");
	int64_t started_ms;

	to_calling(b, &v);
	bed_restart(b);
	started_ms = b->now_ms;
	bed_end_power(b, POWER_OFF);
	while (b->started[OP_EVACUATE] == 1 && b->now_ms < started_ms + 300000) {
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &v, 1);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		if (b->started[OP_EVACUATE] == 1)
			bed_pass(b, 1000);
	}
	assert_true(b->now_ms >= started_ms + b->o.evacuate_settle_ms);
	assert_int_equal(b->started[OP_EVACUATE], 2);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_EVACUATING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->attempt, 2);
	bed_free(b);
}

/* Fails each time: as many calls as allowed, then refused by name with Nova's reason, and the recovery is held. */
static void calls_end_with_their_budget(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), f = failed(1, 10);

	to_calling(b, &v);
	for (uint32_t n = 1; n <= b->o.evacuate_attempts; n++) {
		assert_int_equal(b->started[OP_EVACUATE], n);
		bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
		f.evacuation.id = 10 + n;
		while (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, &f, 1);
		if (!bed_op(b, OP_ASK))
			bed_pass(b, b->o.poll_ms);
		if (!bed_op(b, OP_ASK))
			bed_end_views(b, OP_MIGRATIONS, &f, 1);
		bed_end_views(b, OP_ASK, &f, 1);
		for (int k = 0; k < 40 && bed_instance(b, 0, "uuid-1")->row == INSTANCE_ROW_WAITING; k++) {
			bed_pass(b, 500);
			if (bed_op(b, OP_POWER_STATUS))
				bed_end_power(b, POWER_OFF);
		}
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &f, 1);
	}
	assert_int_equal(b->started[OP_EVACUATE], b->o.evacuate_attempts);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REFUSED);
	assert_non_null(strstr(bed_instance(b, 0, "uuid-1")->why, "No valid host"));
	bed_end_views(b, OP_LIST, &f, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_INSTANCES);
	bed_free(b);
}

/* Held by name; then an operator moved it, or it moved by itself: the next try of the recovery finds it where it is. */
static void what_moved_while_it_was_held_ends_well(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h3", 20);

	v.state = SERVER_PAUSED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REFUSED);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL);
	bed_end_views(b, OP_LIST, &moved, 1);
	bed_end_views(b, OP_ASK, &moved, 1);
	bed_end_views(b, OP_LIST, &moved, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	bed_free(b);
}

static void reset_is_tried_within_a_budget(void **state)
{
	struct engine_options o = engine_options_default();
	struct instance_view v = bed_view(1, "h1");
	struct bed *b;

	o.reset_unsupported = true;
	b = bed_new(3, &o);
	v.state = SERVER_PAUSED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	for (int k = 0; k < 1000 && bed_row(b, 0) == HOST_ROW_EVACUATING; k++) {
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &v, 1);
		else if (bed_op(b, OP_RESET_STATE))
			bed_end(b, OP_RESET_STATE, OUTCOME_REFUSED, FAULT_AUTH);
		else
			bed_pass(b, b->o.poll_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_VERIFYING);
	assert_int_equal(b->started[OP_RESET_STATE], b->o.cloud_attempts);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REFUSED);
	bed_free(b);
}

/* Nova does not answer for longer than a rebuild may take: held by name, not asked for ever in silence. */
static void an_instance_nobody_can_ask_about_is_held(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");
	int64_t until_ms;

	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	until_ms = b->now_ms + b->o.rebuild_timeout_ms + 20000;
	while (bed_row(b, 0) == HOST_ROW_EVACUATING && b->now_ms < until_ms) {
		if (bed_op(b, OP_ASK))
			bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		bed_pass(b, b->o.poll_ms);
	}
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_HELD);
	bed_free(b);
}

static void a_stopped_one_that_was_started_is_stopped_again(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11);

	v.state = SERVER_STOPPED;
	to_calling(b, &v);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->wanted, SERVER_STOPPED);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_non_null(bed_op(b, OP_STOP));
	bed_end(b, OP_STOP, OUTCOME_DONE, FAULT_NONE);
	bed_pass(b, b->o.poll_ms);
	moved.state = SERVER_STOPPED;
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_DONE);
	bed_free(b);
}

/*
 * h1's instance is on its way to h2, which dies, is recovered, and is at rest with its power off. @is_back: it was switched on since, and
 * its nova-compute took the waiting call up.
 */
static struct bed *destination_recovered(struct instance_view *on_way, bool is_back)
{
	struct bed *b = bed_new(5, NULL);
	struct instance_view v = bed_view(1, "h1");

	*on_way = bed_moved(1, "h1", "h2", 11);
	str_copy(on_way->host, sizeof(on_way->host), "h1");
	on_way->task = TASK_REBUILDING;
	on_way->evacuation.status = MIGRATION_ACCEPTED;
	on_way->evacuation.dest[0] = '\0'; /* it waits in the queue of h2, which Nova does not show */
	to_calling(b, &v);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_MIGRATIONS, on_way, 1);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	for (int k = 0; k < 400 && bed_row(b, 1) != HOST_ROW_RECOVERED; k++) {
		if (bed_op(b, OP_LOOK))
			bed_end_look(b, 1);
		if (bed_op(b, OP_POWER_OFF))
			bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		if (bed_op(b, OP_FORCE_DOWN))
			bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
		if (bed_op(b, OP_DISABLE))
			bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
		if (bed_op(b, OP_LIST))
			bed_end_views(b, OP_LIST, NULL, 0);
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, on_way, 1);
		bed_pass(b, 100);
	}
	assert_int_equal(bed_row(b, 1), HOST_ROW_RECOVERED);
	if (is_back) {
		bed_set(b, 1, SIGN_DEAD, SIGN_ALIVE);
		assert_int_equal(bed_row(b, 1), HOST_ROW_RETURNING);
	}
	str_copy(on_way->evacuation.dest, sizeof(on_way->evacuation.dest), "h2");
	on_way->evacuation.status = MIGRATION_PRE_MIGRATING;
	return b;
}

static void look_on(struct bed *b, const struct instance_view *on_way, int rounds, enum power power)
{
	while (rounds--) {
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, on_way, 1);
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, on_way, 1);
		if (power != POWER_UNKNOWN && bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, power);
		bed_pass(b, 100);
	}
}

/* The proof of a host that has come back since says nothing about what its nova-compute took up then. */
static void a_destination_that_came_back_is_not_dead(void **state)
{
	struct instance_view on_way;
	struct bed *b = destination_recovered(&on_way, true);

	(void)state;
	look_on(b, &on_way, 60, POWER_OFF);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

static void a_destination_at_rest_has_to_read_off(void **state)
{
	struct instance_view on_way;
	struct bed *b = destination_recovered(&on_way, false);

	(void)state;
	look_on(b, &on_way, 20, POWER_UNKNOWN);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	look_on(b, &on_way, 60, POWER_OFF);
	assert_int_equal(b->started[OP_EVACUATE], 2);
	bed_free(b);
}

static void a_destination_at_rest_that_reads_on_is_not_dead(void **state)
{
	struct instance_view on_way;
	struct bed *b = destination_recovered(&on_way, false);

	(void)state;
	look_on(b, &on_way, 60, POWER_ON);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

/* A destination that dies takes the instance along: called again only once that death is proven too. */
static void a_destination_that_dies_is_proven_dead_first(void **state)
{
	struct bed *b = bed_new(5, NULL);
	struct instance_view v = bed_view(1, "h1"), on_way = bed_moved(1, "h1", "h2", 11);

	str_copy(on_way.host, sizeof(on_way.host), "h1");
	on_way.task = TASK_REBUILDING;
	on_way.evacuation.status = MIGRATION_PRE_MIGRATING;
	to_calling(b, &v);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_MIGRATIONS, &on_way, 1);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	for (int k = 0; k < 60 && bed_row(b, 1) != HOST_ROW_FENCING; k++) {
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, &on_way, 1);
		if (bed_op(b, OP_LOOK))
			bed_end_look(b, 1);
		bed_pass(b, 100);
	}
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(b->started[OP_ASK], 1);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, 1), HOST_ROW_FORCING_DOWN);
	for (int k = 0; k < 40 && b->started[OP_EVACUATE] == 1; k++) {
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, &on_way, 1);
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &on_way, 1);
		bed_pass(b, 100);
	}
	assert_int_equal(b->started[OP_EVACUATE], 2);
	bed_free(b);
}

static void list_until_held(struct bed *b, const struct instance_view *v, uint32_t n)
{
	for (int k = 0; k < 1000 && bed_row(b, 0) != HOST_ROW_HELD; k++) {
		if (bed_op(b, OP_LIST))
			bed_end_views(b, OP_LIST, v, n);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		bed_pass(b, b->o.retry_ms);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(b->started[OP_EVACUATE], 0);
}

static void leftovers_hold(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), left = failed(1, 12);
	const struct recovery_record *r;

	v.state = SERVER_PAUSED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	left.unfinished.id = 11; /* behind a failed one, and the instance is still here */
	list_until_held(b, &left, 1);
	r = bed_recovery(b, 0);
	assert_int_equal(r->row, HOST_ROW_HELD);
	assert_int_equal(r->hold, HOLD_LEFTOVER);
	assert_non_null(strstr(r->why, "uuid-1"));
	bed_free(b);
}

/* Behind one that failed before its host died there is one that has not ended, and none of ours: no call on top of it. */
static void an_older_evacuation_that_has_not_ended_is_waited_for(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = failed(1, 12);

	v.unfinished.id = 11;
	str_copy(v.unfinished.dest, sizeof(v.unfinished.dest), "h2");
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_pass(b, 1000);
	assert_int_equal(b->started[OP_EVACUATE], 0);
	assert_int_equal(bed_instance(b, 0, v.uuid)->row, INSTANCE_ROW_REBUILDING);
	bed_free(b);
}

/* It was on its way here from a host without proof: held by name until it is not so any more. */
static void what_was_on_its_way_here_is_held_until_it_is_not(void **state)
{
	struct bed *b = bed_new(4, NULL);
	struct instance_view on_way = bed_moved(7, "h3", "h1", 11);

	str_copy(on_way.host, sizeof(on_way.host), "h3");
	on_way.evacuation.status = MIGRATION_PRE_MIGRATING;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &on_way, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_VERIFYING);
	bed_end_views(b, OP_LIST, &on_way, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_instance(b, 0, "uuid-7")->row, INSTANCE_ROW_HELD);
	bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL);
	bed_end_views(b, OP_LIST, &on_way, 1);
	bed_end_views(b, OP_LIST, &on_way, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL);
	bed_end_views(b, OP_LIST, &on_way, 0);
	bed_end_views(b, OP_LIST, &on_way, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	assert_int_equal(b->started[OP_EVACUATE], 0);
	bed_free(b);
}

/* Five hundred instances in one answer: all of them are selected, recorded, and go their way. */
static void many_at_once_lose_nothing(void **state)
{
	enum { MANY = 500 };
	struct engine_options o = engine_options_default();
	struct instance_view *v = calloc(MANY, sizeof(*v)), *moved = calloc(MANY, sizeof(*moved));
	struct bed *b;

	assert_true(v && moved);
	o.evacuate_per_host_n = o.evacuate_fleet_n = 32;
	b = bed_new(3, &o);
	for (uint32_t k = 0; k < MANY; k++) {
		v[k] = bed_view(k, "h1");
		moved[k] = bed_moved(k, "h1", "h2", k + 1);
	}
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, v, MANY);
	assert_true(b->again > 5);
	assert_int_equal(bed_recovery(b, 0)->instance_n, MANY);
	for (uint32_t round = 0; round < 200 && bed_row(b, 0) == HOST_ROW_EVACUATING; round++) {
		while (bed_op(b, OP_ASK)) {
			uint32_t n = (uint32_t)strtoul(bed_op(b, OP_ASK)->start.instance + 5, NULL, 10);
			bool is_called = bed_instance(b, 0, v[n].uuid)->attempt > 0;

			bed_end_views(b, OP_ASK, is_called ? &moved[n] : &v[n], 1);
			assert_true(b->op_n <= 32 + 2);
		}
		while (bed_op(b, OP_EVACUATE))
			bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, moved, MANY);
		else
			bed_pass(b, b->o.poll_ms);
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
	}
	assert_int_equal(b->started[OP_EVACUATE], MANY);
	bed_end_views(b, OP_LIST, moved, MANY);
	assert_int_equal(bed_row(b, 0), HOST_ROW_RECOVERED);
	assert_int_equal(bed_recovery(b, 0)->done_n, MANY);
	assert_int_equal(bed_durable(b, "h1")->done_n, MANY);
	free(v);
	free(moved);
	bed_free(b);
}

/* No memory for an instance that Nova lists: the host is never called empty. */
static void an_instance_without_room_is_not_forgotten(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view *v = calloc(3000, sizeof(*v));

	assert_non_null(v);
	for (uint32_t k = 0; k < 3000; k++)
		v[k] = bed_view(k, "h1");
	bed_to_listing(b, 0);
	list_until_held(b, v, 3000); /* the bed has made room for 2048 */
	assert_non_null(strstr(bed_recovery(b, 0)->why, "room"));
	free(v);
	bed_free(b);
}

/* Listed on it again and again: a hold, not "recovered". */
static void an_instance_that_does_not_leave_holds(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11);

	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	for (int k = 0; k < 20 && bed_row(b, 0) != HOST_ROW_HELD; k++) {
		if (bed_op(b, OP_ASK))
			bed_end_views(b, OP_ASK, &moved, 1);
		if (bed_op(b, OP_LIST))
			bed_end_views(b, OP_LIST, &v, 1);
		bed_pass(b, 100);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_INSTANCES);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_lost_call_is_repeated_only_after_two_readings),
	    cmocka_unit_test(a_lost_call_that_shows_up_is_watched),
	    cmocka_unit_test(a_call_cut_off_by_a_crash_is_not_repeated_at_once),
	    cmocka_unit_test(calls_end_with_their_budget), cmocka_unit_test(what_moved_while_it_was_held_ends_well),
	    cmocka_unit_test(reset_is_tried_within_a_budget),
	    cmocka_unit_test(an_instance_nobody_can_ask_about_is_held),
	    cmocka_unit_test(a_stopped_one_that_was_started_is_stopped_again),
	    cmocka_unit_test(a_destination_that_dies_is_proven_dead_first),
	    cmocka_unit_test(a_destination_that_came_back_is_not_dead),
	    cmocka_unit_test(a_destination_at_rest_has_to_read_off),
	    cmocka_unit_test(a_destination_at_rest_that_reads_on_is_not_dead), cmocka_unit_test(leftovers_hold),
	    cmocka_unit_test(an_older_evacuation_that_has_not_ended_is_waited_for),
	    cmocka_unit_test(what_was_on_its_way_here_is_held_until_it_is_not),
	    cmocka_unit_test(many_at_once_lose_nothing), cmocka_unit_test(an_instance_without_room_is_not_forgotten),
	    cmocka_unit_test(an_instance_that_does_not_leave_holds)};

	return cmocka_run_group_tests_name("engine_instances", tests, NULL, NULL);
}
