/* SPDX-License-Identifier: Apache-2.0 */
/* What holds a fence back: whose death it is, the mass rule at its boundaries, devices, and whose mark a disabled reason is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

static enum gate ask(struct bed *b, uint32_t host, struct gate_answer *ret)
{
	struct host *h = &b->e->hosts[host];
	struct recovery none = {0};

	*ret = (struct gate_answer){.cause = HOLD_NONE};
	return fence_gate(b->e, h, h->recovery == NIL ? &none : &b->e->recoveries[h->recovery], b->now_ms, ret);
}

static struct bed *dead_host(void)
{
	struct bed *b = bed_new(5, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	return b;
}

static void a_dead_host_of_ours_goes(void **state)
{
	struct bed *b = dead_host();
	struct gate_answer a;

	assert_int_equal(ask(b, 0, &a), GATE_GO);
	assert_int_equal(ask(b, 1, &a), GATE_CLEAR);
	bed_set(b, 0, SIGN_DEAD, SIGN_UNKNOWN);
	assert_int_equal(ask(b, 0, &a), GATE_WAIT);
	assert_int_equal(a.cause, HOLD_UNCONFIRMED);
	bed_free(b);
}

struct skip_case {
	const char *says;
	bool maintenance, no_segment, forced_down, disabled, recover_disabled, ours_down, ours_disabled;
	enum gate want;
};

static void deaths_that_are_not_ours_are_left(void **state)
{
	static const struct skip_case cases[] = {
	    {"maintenance", .maintenance = true, .want = GATE_SKIP},
	    {"maintenance", .maintenance = true, .disabled = true, .recover_disabled = true, .want = GATE_SKIP},
	    {"segment", .no_segment = true, .want = GATE_SKIP},
	    {"forced it down", .forced_down = true, .want = GATE_SKIP},
	    {"forced it down", .forced_down = true, .disabled = true, .recover_disabled = true, .want = GATE_SKIP},
	    {"", .forced_down = true, .ours_down = true, .want = GATE_GO},
	    {"disabled it", .disabled = true, .want = GATE_SKIP},
	    {"disabled it", .disabled = true, .forced_down = true, .ours_down = true, .want = GATE_SKIP},
	    {"", .disabled = true, .recover_disabled = true, .want = GATE_GO},
	    {"", .disabled = true, .ours_disabled = true, .want = GATE_GO},
	};
	struct bed *b = dead_host();

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct host *h = &b->e->hosts[0];
		struct recovery *r = &b->e->recoveries[h->recovery];
		struct gate_answer a;

		h->rec.maintenance = cases[k].maintenance;
		h->policy.is_in_segment = !cases[k].no_segment;
		h->policy.recover_disabled = cases[k].recover_disabled;
		h->forced_down = cases[k].forced_down;
		h->disabled = cases[k].disabled;
		r->rec.we_forced_down = cases[k].ours_down;
		r->rec.we_disabled = cases[k].ours_disabled;
		if (ask(b, 0, &a) != cases[k].want || !strstr(a.why, cases[k].says))
			fail_msg("case %zu: \"%s\"", k, a.why);
	}
	bed_free(b);
}

/* Skipped deaths are told once, and opened again only after the host was seen alive or the reason is gone. */
static void a_skipped_death_is_told_once(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_say(b, OPERATOR_MAINTENANCE_ON, "h1", NULL, NULL);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	bed_end_look(b, 0);
	assert_int_equal(bed_durable(b, "h1")->row, HOST_ROW_ABANDONED);
	assert_int_equal(bed_told(b, MOMENT_SKIPPED), 1);
	bed_see(b, 0);
	bed_restart(b);
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	bed_say(b, OPERATOR_MAINTENANCE_OFF, "h1", NULL, NULL);
	bed_see(b, 0);
	assert_int_equal(bed_row(b, 0), HOST_ROW_SUSPECT);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

/* @host_n hosts, @down_n of them silent within one window: may the last one be fenced? */
static enum gate mass(uint32_t host_n, uint32_t down_n, int64_t apart_ms, bool go_anyway)
{
	struct bed *b = bed_new(host_n, NULL);
	struct gate_answer a;
	enum gate g;

	for (uint32_t k = 0; k < down_n; k++) {
		bed_set(b, k, SIGN_DEAD, SIGN_DEAD);
		b->now_ms += apart_ms;
	}
	b->e->recoveries[b->e->hosts[down_n - 1].recovery].rec.operator_go = go_anyway;
	g = ask(b, down_n - 1, &a);
	if (g == GATE_HOLD)
		assert_int_equal(a.cause, HOLD_MASS);
	bed_free(b);
	return g;
}

static void the_mass_rule_holds_above_two(void **state)
{
	assert_int_equal(mass(5, 2, 0, false), GATE_GO);
	assert_int_equal(mass(5, 3, 0, false), GATE_HOLD);
	assert_int_equal(mass(29, 2, 0, false), GATE_GO);
	assert_int_equal(mass(29, 3, 0, false), GATE_HOLD);
	assert_int_equal(mass(40, 2, 0, false), GATE_GO);
	assert_int_equal(mass(40, 3, 0, false), GATE_HOLD); /* below ten per cent, but silent on every path */
	assert_int_equal(mass(5, 3, 0, true), GATE_GO);     /* an operator let it go */
}

/* One after the other, more than a service_down_time apart, is bad luck and no mass failure. */
static void the_mass_rule_counts_one_window(void **state)
{
	int64_t window_ms = engine_options_default().service_down_time_ms;

	assert_int_equal(mass(10, 3, window_ms / 2, false), GATE_HOLD);
	assert_int_equal(mass(10, 3, window_ms / 2 + 1, false), GATE_GO);
	assert_int_equal(mass(10, 5, window_ms + 1, false), GATE_GO);
}

static void all_hosts_together_is_the_clouds_failure(void **state)
{
	assert_int_equal(mass(2, 2, 0, false), GATE_HOLD);
	assert_int_equal(mass(1, 1, 0, false), GATE_GO); /* the only host there is */
	assert_int_equal(mass(3, 2, 0, false), GATE_GO);
}

/* The way it goes: everything silent at once, held, nothing fenced; back again, cleared. */
static void a_silent_cloud_fences_nothing(void **state)
{
	struct bed *b = bed_new(4, NULL);

	bed_die_together(b, 4);
	for (uint32_t h = 0; h < 4; h++) {
		assert_int_equal(bed_row(b, h), HOST_ROW_HELD);
		assert_int_equal(bed_recovery(b, h)->hold, HOLD_MASS);
	}
	for (uint32_t h = 0; h < 4; h++)
		bed_set(b, h, SIGN_ALIVE, SIGN_ALIVE);
	for (uint32_t h = 0; h < 4; h++)
		assert_int_equal(bed_row(b, h), HOST_ROW_NONE);
	assert_int_equal(b->started[OP_POWER_OFF], 0);
	assert_int_equal(bed_told(b, MOMENT_HELD), 4);
	bed_free(b);
}

static void a_device_that_never_read_on_cannot_prove(void **state)
{
	struct bed *b = dead_host();
	struct host *h = &b->e->hosts[0];
	struct gate_answer a;

	h->rec.seen_on = 0;
	assert_int_equal(ask(b, 0, &a), GATE_HOLD);
	assert_int_equal(a.cause, HOLD_NO_FENCE);
	h->rec.seen_on = 2; /* the second level may */
	assert_int_equal(ask(b, 0, &a), GATE_GO);
	assert_int_equal(host_next_level(h, 0), 1);
	h->rec.miswired = 2;
	assert_int_equal(ask(b, 0, &a), GATE_HOLD);
	h->policy.level_n = 0;
	h->rec.seen_on = 3;
	h->rec.miswired = 0;
	assert_int_equal(ask(b, 0, &a), GATE_HOLD);
	assert_int_equal(host_next_level(h, 0), NIL);
	h->policy.level_n = 1; /* what another device read on the level behind it counts for nothing */
	assert_true(host_level_is_usable(h, 0));
	assert_false(host_level_is_usable(h, 1));
	assert_int_equal(host_next_level(h, 1), NIL);
	bed_free(b);
}

static void every_level_used_up_is_said_so(void **state)
{
	struct bed *b = dead_host();
	struct gate_answer a;

	b->e->recoveries[b->e->hosts[0].recovery].rec.level = 2;
	assert_int_equal(ask(b, 0, &a), GATE_HOLD);
	assert_int_equal(a.cause, HOLD_FENCE_FAILED);
	bed_free(b);
}

/* A voided proof is no doubt any more: it is cut again although it is seen alive, and the mass rule has been passed before. */
static void a_voided_proof_is_fenced_again_while_alive(void **state)
{
	struct bed *b = dead_host();
	struct recovery *r = &b->e->recoveries[b->e->hosts[0].recovery];
	struct gate_answer a;

	r->rec.proof = (struct proof){.kind = PROOF_POWER, .is_void = true};
	for (uint32_t h = 1; h < 5; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
	b->e->hosts[0].evidence[1].sign = SIGN_ALIVE;
	assert_int_equal(ask(b, 0, &a), GATE_GO);
	b->e->hosts[0].rec.maintenance = true;
	assert_int_equal(ask(b, 0, &a), GATE_SKIP);
	bed_free(b);
}

static void a_reason_is_ours_by_the_whole_id(void **state)
{
	static const struct {
		const char *reason;
		bool is_ours;
	} cases[] = {{"osha recovery kq3f7m-1-1: host failed", true}, {"kq3f7m-1-1", true},
	    {"osha recovery kq3f7m-1-1 (see ticket 7)", true}, {"osha recovery kq3f7m-1-12: host failed", false},
	    {"osha recovery kq3f7m-1-11: as kq3f7m-1-1: was", true}, {"osha recovery xkq3f7m-1-1: host failed", false},
	    {"osha recovery kq3f7m-1-1x", false}, {"osha recovery kq3f7m-1-", false}, {"", false}, {"upgrade", false}};
	struct host h = {.disabled = true};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		str_copy(h.disabled_reason, sizeof(h.disabled_reason), cases[k].reason);
		if (host_is_disabled_by(&h, "kq3f7m-1-1") != cases[k].is_ours)
			fail_msg("\"%s\"", cases[k].reason);
	}
	str_copy(h.disabled_reason, sizeof(h.disabled_reason), "osha recovery kq3f7m-1-1: host failed");
	assert_false(host_is_disabled_by(&h, ""));
	h.disabled = false; /* enabled again by hand: the old reason says nothing */
	assert_false(host_is_disabled_by(&h, "kq3f7m-1-1"));
}

static void the_snapshot_says_what_holds_it_back(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_snapshot s;

	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_string_equal(s.held_back_by, "a monitor sees it alive");
	bed_say(b, OPERATOR_MAINTENANCE_ON, "h1", NULL, NULL);
	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_string_equal(s.held_back_by, "it is in maintenance");
	assert_string_equal(s.record->maintenance_by, "ops (uid 1000)");
	bed_set(b, 1, SIGN_DEAD, SIGN_DEAD);
	engine_host_snapshot(b->e, 1, b->now_ms, &s);
	assert_string_equal(s.held_back_by, "");
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_dead_host_of_ours_goes),
	    cmocka_unit_test(deaths_that_are_not_ours_are_left), cmocka_unit_test(a_skipped_death_is_told_once),
	    cmocka_unit_test(the_mass_rule_holds_above_two), cmocka_unit_test(the_mass_rule_counts_one_window),
	    cmocka_unit_test(all_hosts_together_is_the_clouds_failure), cmocka_unit_test(a_silent_cloud_fences_nothing),
	    cmocka_unit_test(a_device_that_never_read_on_cannot_prove),
	    cmocka_unit_test(every_level_used_up_is_said_so),
	    cmocka_unit_test(a_voided_proof_is_fenced_again_while_alive),
	    cmocka_unit_test(a_reason_is_ours_by_the_whole_id), cmocka_unit_test(the_snapshot_says_what_holds_it_back)};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
