/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of limit.h at their bounds: full memories, last milliseconds, who keeps a place while others wait, and what a kill may lose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "test/unit/engine_bed.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };

static struct bed *cloud_of(uint32_t host_n, uint32_t at_once, int64_t hold_retry_ms)
{
	struct engine_options o = engine_options_default();

	o.recoveries_n = at_once;
	o.mass_hosts_n = host_n;
	o.hold_retry_ms = hold_retry_ms;
	return bed_new(host_n, &o);
}

static struct host *host(struct bed *b, uint32_t k)
{
	return &b->e->hosts[k];
}

static void share_set(struct bed *b, uint32_t k, uint32_t segment, bool is_in_segment)
{
	struct host_policy p = bed_policy(k);

	p.healthy_percent = 75;
	p.segment = segment;
	p.is_in_segment = is_in_segment;
	str_copy(p.segment_name, sizeof(p.segment_name), "rack");
	engine_host_set_policy(b->e, k, &p);
}

/* So many fences of this host, the newest a minute ago, a minute between each. */
static void remember(struct bed *b, uint32_t k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		host(b, k)->rec.fenced_wall_ms[i] = b->e->wall_ms - (int64_t)(i + 1) * MINUTE_MS;
		host(b, k)->fenced_ms[i] = b->e->now_ms - (int64_t)(i + 1) * MINUTE_MS;
	}
}

/* --- memory and cool-down --- */

static void a_cool_down_lasts_to_its_last_millisecond(void **state)
{
	struct bed *b = bed_new(2, NULL);

	host(b, 0)->rec.cooling_wall_ms = 1;
	host(b, 0)->cooling_ms = b->e->now_ms - b->o.cool_down_ms + 1;
	assert_int_equal(limit_cooling_left_ms(b->e, host(b, 0)), 1);
	host(b, 0)->cooling_ms--;
	assert_int_equal(limit_cooling_left_ms(b->e, host(b, 0)), 0);
	bed_free(b);
}

static void a_full_memory_is_dated_anew_at_a_start(void **state)
{
	struct bed *b = bed_new(2, NULL);

	for (uint32_t i = 0; i < FENCE_MEMORY_MAX; i++)
		host(b, 0)->rec.fenced_wall_ms[i] = b->e->wall_ms - i;
	limit_host_taken(b->e, host(b, 0));
	for (uint32_t i = 0; i < FENCE_MEMORY_MAX; i++) {
		assert_int_equal(host(b, 0)->fenced_ms[i], b->e->now_ms - i);
		assert_int_equal(host(b, 0)->rec.fenced_wall_ms[i], b->e->wall_ms - i);
	}
	assert_false(host(b, 0)->work.dirty); /* not one of them lies ahead: there is nothing to write */
	bed_free(b);
}

static void a_full_memory_is_forgotten_as_a_whole(void **state)
{
	struct bed *b = bed_new(2, NULL);

	for (uint32_t i = 0; i < FENCE_MEMORY_MAX; i++) {
		host(b, 0)->rec.fenced_wall_ms[i] = 1;
		host(b, 0)->fenced_ms[i] = b->e->started_ms - b->o.flap_window_ms;
	}
	bed_see(b, 0);
	for (uint32_t i = 0; i < FENCE_MEMORY_MAX; i++)
		assert_int_equal(host(b, 0)->rec.fenced_wall_ms[i], 0);
	assert_non_null(strstr(b->log, "fences of before this start, by the wall clock older than"));
	bed_free(b);
}

/* Only of a fence that it has by the wall clock alone does it say that it was forgotten. */
static void a_fence_since_this_start_is_forgotten_without_a_word(void **state)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.flap_window_ms = MINUTE_MS;
	b = bed_new(2, &o);
	host(b, 0)->rec.fenced_wall_ms[0] = b->e->wall_ms;
	host(b, 0)->fenced_ms[0] = b->e->started_ms;
	bed_pass(b, MINUTE_MS - 1);
	bed_see(b, 0);
	assert_int_not_equal(host(b, 0)->rec.fenced_wall_ms[0], 0);
	bed_pass(b, 1);
	bed_see(b, 0);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[0], 0);
	assert_null(strstr(b->log, "by the wall clock"));
	bed_free(b);
}

static void a_window_of_an_hour_is_told_in_hours(void **state)
{
	static const struct {
		int64_t window_ms;
		const char *text;
	} told[] = {{HOUR_MS, "within 1 h,"}, {HOUR_MS - MINUTE_MS, "within 59 min,"}};

	for (size_t k = 0; k < sizeof(told) / sizeof(told[0]); k++) {
		struct engine_options o = engine_options_default();
		struct bed *b;

		o.flap_window_ms = told[k].window_ms;
		b = bed_new(3, &o);
		remember(b, 0, o.flaps_n);
		bed_dies(b, 0);
		assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FLAPPING);
		assert_non_null(strstr(bed_recovery(b, 0)->why, told[k].text));
		bed_free(b);
	}
}

/* What holds it is not the cool-down: that one's end is none of this hold. */
static void flapping_is_asked_on_the_holds_own_schedule(void **state)
{
	struct bed *b = cloud_of(3, 0, HOUR_MS);
	uint32_t entry;

	remember(b, 0, b->o.flaps_n);
	host(b, 0)->rec.cooling_wall_ms = 1;
	host(b, 0)->cooling_ms = b->e->now_ms - b->o.cool_down_ms + MINUTE_MS;
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FLAPPING);
	entry = bed_recovery(b, 0)->entry;
	bed_pass(b, 2 * MINUTE_MS);
	assert_int_equal(bed_row(b, 0), HOST_ROW_HELD);
	assert_int_equal(bed_recovery(b, 0)->entry, entry);
	bed_free(b);
}

/* --- who is not held --- */

static void a_release_counts_while_the_memory_is_full(void **state)
{
	struct bed *b = bed_new(3, NULL);

	remember(b, 0, b->o.flaps_n);
	bed_dies(b, 0);
	assert_int_equal(bed_recovery(b, 0)->hold, HOLD_FLAPPING);
	assert_int_equal(bed_say(b, OPERATOR_RELEASE, bed_recovery(b, 0)->id, NULL, NULL), 0);
	bed_pass(b, 1);
	bed_end_look(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* Half of its instances may run elsewhere: to leave it on is worse than one host less. */
static void one_that_is_seen_on_is_fenced_though_too_few_are_up(void **state)
{
	struct bed *b = cloud_of(4, 0, MINUTE_MS);

	for (uint32_t k = 0; k < 4; k++)
		share_set(b, k, 0, true);
	bed_to_listing(b, 0);
	bed_set(b, 1, SIGN_ALIVE, SIGN_DEAD);
	bed_pass(b, 1000);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	assert_int_equal(b->started[OP_POWER_OFF], 2);
	bed_free(b);
}

/* Those of another segment count neither for nor against it, nor do those of none, though their number is the same. */
static void a_share_is_of_the_hosts_of_its_own_segment(void **state)
{
	for (int is_in_segment = 0; is_in_segment < 2; is_in_segment++) {
		struct bed *b = cloud_of(8, 0, MINUTE_MS);

		for (uint32_t k = 0; k < 8; k++)
			share_set(b, k, k >= 4 && is_in_segment ? 1 : 0, k < 4 || is_in_segment);
		bed_set(b, 6, SIGN_ALIVE, SIGN_DEAD);
		bed_set(b, 7, SIGN_ALIVE, SIGN_DEAD);
		bed_dies(b, 0);
		assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
		bed_dies(b, 1);
		assert_int_equal(bed_recovery(b, 1)->hold, HOLD_HEALTHY);
		assert_non_null(strstr(bed_recovery(b, 1)->why, "2 of 4 hosts"));
		bed_free(b);
	}
}

static void a_share_is_reckoned_where_there_is_room_for_no_further_host(void **state)
{
	struct bed *b = cloud_of(4, 0, MINUTE_MS);
	char name[HOST_NAME_SIZE];

	for (uint32_t k = 0; k < 4; k++)
		share_set(b, k, 0, true);
	for (uint32_t k = 4; k < b->e->host_cap; k++) {
		snprintf(name, sizeof(name), "spare-%u", k);
		assert_int_equal(engine_host_add(b->e, name), k);
	}
	assert_int_equal(engine_host_add(b->e, "one-too-many"), NIL);
	bed_dies(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_free(b);
}

/* --- who keeps a place, and who gets one --- */

/* A place may be free just while the next one is looked at on its hold's own schedule: it is not passed over for that. */
static void who_is_looked_at_again_keeps_its_turn(void **state)
{
	struct bed *b = cloud_of(6, 1, 6000);

	bed_dies(b, 3);
	bed_set(b, 2, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, 1);
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms - 1);
	bed_end_look(b, 2);
	bed_pass(b, 1);
	bed_see(b, 1);
	bed_end(b, OP_LOOK, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_recovery(b, 2)->hold, HOLD_LIMIT);
	assert_int_equal(bed_recovery(b, 1)->hold, HOLD_LIMIT);
	bed_pass(b, 5999);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_row(b, 1), HOST_ROW_HELD);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h4", NULL, NULL), 0);
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_row(b, 1), HOST_ROW_HELD);
	bed_end_look(b, 2);
	assert_int_equal(bed_row(b, 2), HOST_ROW_FENCING);
	bed_free(b);
}

/* It was being fenced when the daemon died: nobody else is let go while it is looked at again. */
static void one_that_was_being_fenced_keeps_its_place_over_a_start(void **state)
{
	struct bed *b = cloud_of(6, 1, HOUR_MS);

	bed_to_fencing(b, 3);
	bed_dies(b, 2);
	assert_int_equal(bed_recovery(b, 2)->hold, HOLD_LIMIT);
	bed_restart(b);
	for (uint32_t k = 0; k < 6; k++)
		bed_see(b, k);
	assert_int_equal(bed_row(b, 3), HOST_ROW_CONFIRMING);
	assert_int_equal(bed_row(b, 2), HOST_ROW_HELD);
	bed_end_look(b, 3);
	assert_int_equal(bed_row(b, 3), HOST_ROW_FENCING);
	assert_int_equal(bed_row(b, 2), HOST_ROW_HELD);
	bed_free(b);
}

/* The store confirms the oldest record that it was given, and nothing else. */
static void confirm_one(struct bed *b)
{
	struct engine_event ev = {.type = ENGINE_PERSISTED, .persisted = {.seq = b->seq[0], .outcome = OUTCOME_DONE}};

	assert_true(b->waiting_n > 0);
	b->waiting_n--;
	memmove(b->on_its_way, b->on_its_way + 1, b->waiting_n * sizeof(*b->on_its_way));
	memmove(b->seq, b->seq + 1, b->waiting_n * sizeof(*b->seq));
	bed_event(b, &ev, NULL);
}

/* A record that was on its way before it came to rest shows it still being fenced: after a kill there would be two. */
static void an_older_record_frees_no_place(void **state)
{
	struct engine_event told = {.type = ENGINE_TOLD, .told = {.moment = MOMENT_CONFIRMED}};
	struct bed *b = cloud_of(6, 1, HOUR_MS);

	bed_dies(b, 3);
	bed_dies(b, 2);
	assert_int_equal(bed_recovery(b, 2)->hold, HOLD_LIMIT);
	assert_int_equal(bed_say(b, OPERATOR_MAINTENANCE_ON, "h4", NULL, NULL), 0);
	b->store = BED_STORE_WAITS;
	told.told.recovery = bed_recovery(b, 3)->id;
	bed_event(b, &told, NULL);
	assert_int_equal(b->waiting_n, 1);
	bed_end(b, OP_POWER_OFF, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(bed_row(b, 3), HOST_ROW_ABANDONED);
	confirm_one(b);
	assert_int_equal(bed_row(b, 2), HOST_ROW_HELD);
	bed_settle_store(b, true);
	assert_int_equal(bed_row(b, 2), HOST_ROW_CONFIRMING);
	bed_free(b);
}

/* --- what a kill may lose --- */

/* As if the store had been killed before it took the host's newest record. */
static void lose_host_record(struct bed *b, const char *name)
{
	for (uint32_t k = 0; k < b->durable_n; k++) {
		if (b->durable[k].type == RECORD_HOST && str_eq(b->durable[k].host.name, name)) {
			memset(b->durable[k].host.fenced_wall_ms, 0, sizeof(b->durable[k].host.fenced_wall_ms));
			b->durable[k].host.fenced_by[0] = '\0';
			b->durable[k].host.cooling_wall_ms = 0;
		}
	}
}

static void a_power_off_whose_host_record_was_lost_is_remembered(void **state)
{
	struct bed *b = bed_new(3, NULL);
	int64_t cut_wall_ms;

	bed_to_fencing(b, 0);
	cut_wall_ms = bed_durable(b, "h1")->stamp_wall_ms[HOST_ROW_FENCING];
	assert_int_equal(bed_durable(b, "h1")->off_attempt, 1);
	assert_int_equal(bed_durable(b, "h1")->proof.kind, PROOF_NONE);
	lose_host_record(b, "h1");
	bed_pass(b, 1000);
	bed_restart(b);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[0], cut_wall_ms);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[1], 0);
	assert_string_equal(host(b, 0)->rec.fenced_by, bed_durable(b, "h1")->id);
	bed_restart(b);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[1], 0); /* once, however often it is read */
	bed_free(b);
}

static void one_whose_power_was_never_cut_is_not_remembered_as_fenced(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, 0), HOST_ROW_CONFIRMING);
	bed_restart(b);
	assert_int_equal(host(b, 0)->rec.fenced_wall_ms[0], 0);
	assert_string_equal(host(b, 0)->rec.fenced_by, "");
	assert_int_equal(limit_cooling_left_ms(b->e, host(b, 0)), 0);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cool_down_lasts_to_its_last_millisecond),
	    cmocka_unit_test(a_full_memory_is_dated_anew_at_a_start),
	    cmocka_unit_test(a_full_memory_is_forgotten_as_a_whole),
	    cmocka_unit_test(a_fence_since_this_start_is_forgotten_without_a_word),
	    cmocka_unit_test(a_window_of_an_hour_is_told_in_hours),
	    cmocka_unit_test(flapping_is_asked_on_the_holds_own_schedule),
	    cmocka_unit_test(a_release_counts_while_the_memory_is_full),
	    cmocka_unit_test(one_that_is_seen_on_is_fenced_though_too_few_are_up),
	    cmocka_unit_test(a_share_is_of_the_hosts_of_its_own_segment),
	    cmocka_unit_test(a_share_is_reckoned_where_there_is_room_for_no_further_host),
	    cmocka_unit_test(who_is_looked_at_again_keeps_its_turn),
	    cmocka_unit_test(one_that_was_being_fenced_keeps_its_place_over_a_start),
	    cmocka_unit_test(an_older_record_frees_no_place),
	    cmocka_unit_test(a_power_off_whose_host_record_was_lost_is_remembered),
	    cmocka_unit_test(one_whose_power_was_never_cut_is_not_remembered_as_fenced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
