/* SPDX-License-Identifier: Apache-2.0 */
/* What operators say for a time, at its bounds: which words are refused, who is woken when one ends, and what a lease or a start finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

enum { WALL_AHEAD_MS = 1000000 /* the bed's wall clock before its other one */, HOUR_MS = 3600000 };

static int say(struct bed *b, enum operator_verb verb, const char *segment, int64_t until_ms, struct osha_err *err)
{
	struct engine_event ev = {.type = ENGINE_OPERATOR,
	    .word = {.verb = verb,
		.segment = segment,
		.who = "ops (uid 1000)",
		.until_wall_ms = until_ms ? until_ms + WALL_AHEAD_MS : 0}};

	return bed_event(b, &ev, err);
}

/* @n segments: each has a suspension of its own. */
static void suspend_racks(struct bed *b, uint32_t n)
{
	char name[SEGMENT_NAME_SIZE];

	for (uint32_t k = 0; k < n; k++) {
		snprintf(name, sizeof(name), "rack-%u", k);
		assert_int_equal(say(b, OPERATOR_SUSPEND, name, 0, NULL), 0);
	}
}

static uint32_t active_n(struct bed *b)
{
	const struct suspension_record *s = NULL;
	uint32_t n = 0;

	while ((s = engine_suspension_next(b->e, s)))
		n++;
	return n;
}

static const struct suspension_record *durable(const struct bed *b, const char *segment)
{
	for (uint32_t k = 0; k < b->durable_n; k++) {
		if (b->durable[k].type == RECORD_SUSPENSION && str_eq(b->durable[k].suspension.segment, segment))
			return &b->durable[k].suspension;
	}
	fail_msg("no record of a suspension of %s", segment);
	return NULL;
}

static void lease(struct bed *b, uint64_t epoch)
{
	struct engine_event ev = {.type = ENGINE_LEASE, .epoch = epoch};

	bed_event(b, &ev, NULL);
}

static void rack_set(struct bed *b, uint32_t host, const char *segment, bool has_device)
{
	struct host_policy p = bed_policy(host);

	str_copy(p.segment_name, sizeof(p.segment_name), segment);
	p.level_n = has_device ? p.level_n : 0;
	engine_host_set_policy(b->e, host, &p);
}

/* --- which words are taken --- */

static void an_end_has_to_lie_ahead(void **state)
{
	struct bed *b = bed_new(2, NULL);
	struct osha_err err = {0};

	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, b->now_ms - 1, &err), OPERATOR_REFUSED);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, b->now_ms, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "is over already"));
	assert_int_equal(active_n(b), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, b->now_ms + 1, NULL), 0);
	assert_int_equal(active_n(b), 1);
	bed_free(b);
}

static void what_was_resumed_is_not_resumed_again(void **state)
{
	struct bed *b = bed_new(2, NULL);
	struct osha_err err = {0};

	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-1", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-1", 0, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "fencing of rack-1 is not suspended by a word of its own");
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	assert_int_equal(active_n(b), 1);
	bed_free(b);
}

static void nobody_is_resumed_where_every_place_is_anothers(void **state)
{
	struct bed *b = bed_new(2, NULL);
	struct osha_err err = {0};

	suspend_racks(b, ENGINE_SUSPENSIONS_MAX);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-other", 0, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "fencing of rack-other is not suspended by a word of its own");
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, &err), OPERATOR_REFUSED);
	assert_string_equal(err.msg, "fencing of every host is not suspended by a word of its own");
	assert_int_equal(active_n(b), ENGINE_SUSPENSIONS_MAX);
	bed_free(b);
}

/* --- starts and leases --- */

/* The journal holds more words than there are places; those that are over need none, wherever they stand in it. */
static void a_start_with_every_place_taken_keeps_what_is_active(void **state)
{
	struct bed *b = bed_new(2, NULL);

	suspend_racks(b, ENGINE_SUSPENSIONS_MAX);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-7", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-7", 0, NULL), 0);
	assert_false(durable(b, SUSPENSION_OF_ALL)->is_on);
	bed_restart(b);
	assert_int_equal(active_n(b), ENGINE_SUSPENSIONS_MAX);
	bed_free(b);
}

static void an_end_that_came_without_a_lease_is_recorded_with_the_next_one(void **state)
{
	struct bed *b = bed_new(2, NULL);

	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", b->now_ms + 5000, NULL), 0);
	lease(b, 0);
	bed_pass(b, 10000);
	assert_int_equal(active_n(b), 0);
	assert_true(durable(b, "rack-1")->is_on);
	lease(b, 9);
	assert_false(durable(b, "rack-1")->is_on);
	assert_non_null(
	    strstr(b->log, "fencing of rack-1 goes on: the time of its suspension by ops (uid 1000) is over"));
	bed_free(b);
}

/* Who does not lead may not end it; he does not ask for it over and over either. */
static void a_maintenance_that_ends_without_a_lease_is_ended_with_the_next_one(void **state)
{
	struct bed *b = bed_new(2, NULL);
	struct engine_event ev = {
	    .type = ENGINE_OPERATOR, .word = {.verb = OPERATOR_MAINTENANCE_ON, .host = "h1", .who = "ops (uid 1000)"}};

	ev.word.until_wall_ms = b->now_ms + 5000 + WALL_AHEAD_MS;
	assert_int_equal(bed_event(b, &ev, NULL), 0);
	lease(b, 0);
	bed_pass(b, 5000);
	assert_true(engine_next_deadline_ms(b->e) > b->now_ms);
	bed_pass(b, 5000);
	assert_true(engine_next_deadline_ms(b->e) > b->now_ms);
	assert_true(b->e->hosts[0].rec.maintenance);
	lease(b, 9);
	assert_false(b->e->hosts[0].rec.maintenance);
	bed_free(b);
}

/* --- who is woken --- */

static void the_end_of_a_suspension_wakes_only_what_it_held(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;
	uint32_t entry;

	o.mass_hosts_n = 6;
	b = bed_new(6, &o);
	rack_set(b, 0, "rack-1", true);
	rack_set(b, 1, "rack-2", false);
	rack_set(b, 2, "rack-2", true);
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	bed_dies(b, 0);
	bed_dies(b, 1);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_SUSPENDED);
	assert_int_equal(bed_recovery(b, 1)->hold, HOLD_NO_FENCE);
	entry = bed_recovery(b, 1)->entry;
	bed_set(b, 2, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-1", 0, NULL), 0);
	bed_pass(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_recovery(b, 1)->entry, entry);
	assert_int_equal(bed_row(b, 2), HOST_ROW_SUSPECT);
	bed_free(b);
}

/* Its end is looked for every minute, whatever the clock does; what it holds is asked on the hold's own schedule. */
static void a_suspension_that_lasts_wakes_nobody(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.hold_retry_ms = HOUR_MS;
	b = bed_new(3, &o);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, b->now_ms + 3 * HOUR_MS, NULL), 0);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_SUSPENDED);
	bed_set(b, 0, SIGN_UNKNOWN, SIGN_UNKNOWN);
	bed_pass(b, HOUR_MS / 2);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(b->started[OP_LOOK], 1);
	bed_pass(b, HOUR_MS / 2);
	assert_int_equal(b->started[OP_LOOK], 2);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_end_has_to_lie_ahead),
	    cmocka_unit_test(what_was_resumed_is_not_resumed_again),
	    cmocka_unit_test(nobody_is_resumed_where_every_place_is_anothers),
	    cmocka_unit_test(a_start_with_every_place_taken_keeps_what_is_active),
	    cmocka_unit_test(an_end_that_came_without_a_lease_is_recorded_with_the_next_one),
	    cmocka_unit_test(a_maintenance_that_ends_without_a_lease_is_ended_with_the_next_one),
	    cmocka_unit_test(the_end_of_a_suspension_wakes_only_what_it_held),
	    cmocka_unit_test(a_suspension_that_lasts_wakes_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
