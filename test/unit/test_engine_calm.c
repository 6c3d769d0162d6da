/* SPDX-License-Identifier: Apache-2.0 */
/* Suspensions, windows and hosts of the control plane: what holds a fence for a while, and when to the millisecond it goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

enum { WALL_AHEAD_MS = 1000000 /* the bed's wall clock before its other one */ };

static int say(struct bed *b, enum operator_verb verb, const char *segment, int64_t until_ms, struct osha_err *err)
{
	struct engine_event ev = {.type = ENGINE_OPERATOR,
	    .word = {.verb = verb,
		.segment = segment,
		.who = "ops (uid 1000)",
		.reason = "cabling",
		.until_wall_ms = until_ms ? until_ms + WALL_AHEAD_MS : 0}};

	return bed_event(b, &ev, err);
}

static void policy_set(struct bed *b, uint32_t host, const char *segment, const char *window, bool is_control_plane)
{
	struct host_policy p = bed_policy(host);

	str_copy(p.segment_name, sizeof(p.segment_name), segment);
	p.is_control_plane = is_control_plane;
	p.window_n = window != NULL;
	assert_true(!window || window_read(window, &p.window[0]));
	engine_host_set_policy(b->e, host, &p);
}

static const char *held_back(struct bed *b, uint32_t host, bool is_calm)
{
	static struct host_snapshot s;

	engine_host_snapshot(b->e, host, b->now_ms, &s);
	return is_calm ? s.calm : s.held_back_by;
}

/* What is told of a living host is what would hold it, so that `osha explain` can say it before anything happens. */
static void a_living_host_shows_what_would_hold_it(void **state)
{
	struct bed *b = bed_new(3, NULL);

	policy_set(b, 0, "rack-1", NULL, false);
	policy_set(b, 1, "rack-2", NULL, false);
	policy_set(b, 2, "rack-1", NULL, true);
	assert_string_equal(held_back(b, 0, true), "");
	assert_string_equal(held_back(b, 2, true),
	    "it carries the control plane's own quorum: it is fenced only on an operator's word");
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	assert_string_equal(held_back(b, 0, true), "suspended by ops (uid 1000) until it is resumed: cabling");
	assert_string_equal(held_back(b, 0, false), "a monitor sees it alive");
	assert_string_equal(held_back(b, 1, true), "");
	bed_dies(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_string_equal(held_back(b, 0, false), "suspended by ops (uid 1000) until it is resumed: cabling");
	bed_free(b);
}

/* Neither the hold's own schedule nor a minute's grain: it goes on when its time has come, and not one millisecond before. */
static void it_ends_to_the_millisecond(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;
	int64_t until_ms;

	o.hold_retry_ms = 3600000;
	b = bed_new(3, &o);
	until_ms = b->now_ms + 200123;
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, until_ms, NULL), 0);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_SUSPENDED);
	while (b->now_ms < until_ms - 1) {
		bed_pass(b, until_ms - 1 - b->now_ms < 5000 ? until_ms - 1 - b->now_ms : 5000);
		bed_see(b, 0);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_pass(b, 1);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	assert_null(engine_suspension_next(b->e, NULL));
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(bed_told(b, MOMENT_HELD), 1);
	bed_free(b);
}

/* While the same holds on, its schedule asks and changes nothing: no look, no line, no record of hours of waiting. */
static void a_hold_that_goes_on_is_silent(void **state)
{
	struct bed *b = bed_new(3, NULL);
	uint32_t entry;

	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	bed_dies(b, 0);
	entry = bed_recovery(b, 0)->entry;
	for (int k = 0; k < 100; k++) {
		bed_pass(b, 10000);
		bed_see(b, 0);
	}
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->entry, entry);
	assert_int_equal(b->started[OP_LOOK], 1);
	bed_free(b);
}

/* What a crash would bring back is not acted against. */
static void resumed_only_once_it_is_durable(void **state)
{
	struct bed *b = bed_new(3, NULL);

	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	bed_dies(b, 0);
	b->store = BED_STORE_WAITS;
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, NULL), 0);
	bed_pass(b, 100);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_non_null(engine_suspension_next(b->e, NULL));
	b->store = BED_STORE_CONFIRMS;
	bed_settle_store(b, true);
	bed_pass(b, 100);
	assert_null(engine_suspension_next(b->e, NULL));
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_free(b);
}

static void two_words_end_one_by_one(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct osha_err err = {0};

	policy_set(b, 0, "rack-1", NULL, false);
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, &err), OPERATOR_REFUSED);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", b->now_ms + 5000, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-2", 0, &err), OPERATOR_REFUSED);
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, NULL), 0);
	assert_string_not_equal(held_back(b, 0, true), "");
	assert_string_equal(held_back(b, 1, true), "");
	bed_pass(b, 5000);
	assert_string_equal(held_back(b, 0, true), "");
	bed_free(b);
}

/* Of both the one that ends last is told: it is what is waited for. */
static void the_longer_one_is_told(void **state)
{
	struct bed *b = bed_new(3, NULL);

	policy_set(b, 0, "rack-1", NULL, false);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, b->now_ms + 5000, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	assert_non_null(strstr(held_back(b, 0, true), "until it is resumed"));
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", b->now_ms + 1000, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	assert_non_null(strstr(held_back(b, 0, true), "until it is resumed"));
	bed_free(b);
}

/* There are places for so many; one that is over gives its place away, one that is not does not. */
static void places_are_counted(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct osha_err err = {0};
	char name[SEGMENT_NAME_SIZE];

	for (int k = 0; k < ENGINE_SUSPENSIONS_MAX; k++) {
		snprintf(name, sizeof(name), "rack-%d", k);
		assert_int_equal(say(b, OPERATOR_SUSPEND, name, 0, NULL), 0);
	}
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, &err), OPERATOR_REFUSED);
	assert_non_null(strstr(err.msg, "64 segments"));
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-7", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-7", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	bed_free(b);
}

static void it_is_there_after_a_restart(void **state)
{
	struct bed *b = bed_new(3, NULL);
	int64_t until_ms = b->now_ms + 300000;

	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, until_ms, NULL), 0);
	assert_int_equal(say(b, OPERATOR_SUSPEND, "rack-1", 0, NULL), 0);
	assert_int_equal(say(b, OPERATOR_RESUME, "rack-1", 0, NULL), 0);
	bed_restart(b);
	assert_non_null(engine_suspension_next(b->e, NULL));
	assert_null(engine_suspension_next(b->e, engine_suspension_next(b->e, NULL)));
	bed_see(b, 1);
	bed_see(b, 2);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_SUSPENDED);
	bed_restart(b);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, 1000);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	bed_free(b);
}

/* A release counts for what held it when it was said, and for nothing that holds it later. */
static void a_release_lifts_what_held_it(void **state)
{
	struct bed *b = bed_new(4, NULL);
	struct osha_err err = {0};

	policy_set(b, 0, "rack-1", "daily 00:00-24:00", true);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_WINDOW);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL), 0);
	bed_pass(b, 1);
	bed_end_look(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_CONTROL_PLANE);
	assert_int_equal(say(b, OPERATOR_SUSPEND, NULL, 0, NULL), 0);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, NULL), 0);
	bed_pass(b, 1);
	bed_end_look(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_SUSPENDED);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, "tsttst-1-1", NULL, &err), OPERATOR_REFUSED);
	assert_int_equal(say(b, OPERATOR_RESUME, NULL, 0, NULL), 0);
	bed_pass(b, 1);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* Maintenance with an end of its own, to the millisecond; what is dead then is looked at with the next evidence. */
static void maintenance_ends_by_itself(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event ev = {
	    .type = ENGINE_OPERATOR, .word = {.verb = OPERATOR_MAINTENANCE_ON, .host = "h1", .who = "ops (uid 1000)"}};
	int64_t until_ms = b->now_ms + 130001;

	ev.word.until_wall_ms = until_ms + WALL_AHEAD_MS;
	assert_int_equal(bed_event(b, &ev, NULL), 0);
	bed_dies(b, 0);
	assert_true(b->e->hosts[0].rec.death_told);
	while (b->now_ms < until_ms - 1) {
		bed_pass(b, until_ms - 1 - b->now_ms < 5000 ? until_ms - 1 - b->now_ms : 5000);
		bed_see(b, 0);
	}
	assert_true(b->e->hosts[0].rec.maintenance);
	assert_null(bed_recovery(b, 0));
	bed_pass(b, 1);
	assert_false(b->e->hosts[0].rec.maintenance);
	assert_int_equal(b->e->hosts[0].rec.maintenance_until_wall_ms, 0);
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	bed_free(b);
}

/* Without an end it lasts, and a newer word without one takes the end of the older away. */
static void the_newer_word_counts(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct engine_event ev = {
	    .type = ENGINE_OPERATOR, .word = {.verb = OPERATOR_MAINTENANCE_ON, .host = "h1", .who = "ops (uid 1000)"}};
	struct osha_err err = {0};

	ev.word.until_wall_ms = b->now_ms + 5000 + WALL_AHEAD_MS;
	assert_int_equal(bed_event(b, &ev, NULL), 0);
	ev.word.until_wall_ms = 0;
	assert_int_equal(bed_event(b, &ev, NULL), 0);
	bed_pass(b, 600000);
	assert_true(b->e->hosts[0].rec.maintenance);
	ev.word.until_wall_ms = b->now_ms + WALL_AHEAD_MS;
	assert_int_equal(bed_event(b, &ev, &err), OPERATOR_REFUSED);
	assert_true(b->e->hosts[0].rec.maintenance);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_living_host_shows_what_would_hold_it),
	    cmocka_unit_test(it_ends_to_the_millisecond), cmocka_unit_test(a_hold_that_goes_on_is_silent),
	    cmocka_unit_test(resumed_only_once_it_is_durable), cmocka_unit_test(two_words_end_one_by_one),
	    cmocka_unit_test(the_longer_one_is_told), cmocka_unit_test(places_are_counted),
	    cmocka_unit_test(it_is_there_after_a_restart), cmocka_unit_test(a_release_lifts_what_held_it),
	    cmocka_unit_test(maintenance_ends_by_itself), cmocka_unit_test(the_newer_word_counts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
