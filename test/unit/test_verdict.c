/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence to verdict: the truth table of the default policy, expiry, monitors that do not work, and what fence devices read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* What one monitor may have to say: alive, dead, unknown, something that has expired, nothing ever. */
enum said { SAID_ALIVE, SAID_DEAD, SAID_UNKNOWN, SAID_EXPIRED_DEAD, SAID_EXPIRED_ALIVE, SAID_NEVER, SAID_N };

static void say(struct engine *e, struct host *h, uint32_t m, enum said s)
{
	static const enum sign signs[SAID_N] = {
	    SIGN_ALIVE, SIGN_DEAD, SIGN_UNKNOWN, SIGN_DEAD, SIGN_ALIVE, SIGN_UNKNOWN};

	h->evidence[m].sign = signs[s];
	h->evidence[m].seen_ms = s == SAID_NEVER ? 0 : 1000;
	h->evidence[m].expires_ms = s == SAID_NEVER ? 0 : s >= SAID_EXPIRED_DEAD ? 2000 : 9000;
	e->monitor_bad[m] = false;
}

static enum verdict wanted(enum said nova, enum said probe)
{
	enum sign a = nova == SAID_ALIVE ? SIGN_ALIVE : nova == SAID_DEAD ? SIGN_DEAD : SIGN_UNKNOWN;
	enum sign b = probe == SAID_ALIVE ? SIGN_ALIVE : probe == SAID_DEAD ? SIGN_DEAD : SIGN_UNKNOWN;

	if (a == SIGN_DEAD && b == SIGN_DEAD)
		return VERDICT_DOWN;
	if (a == SIGN_ALIVE || b == SIGN_ALIVE)
		return a == SIGN_DEAD || b == SIGN_DEAD ? VERDICT_DEGRADED : VERDICT_UP;
	return a == SIGN_DEAD || b == SIGN_DEAD ? VERDICT_SUSPECT : VERDICT_UNKNOWN;
}

static void the_truth_table_of_two_monitors(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct host *h = &b->e->hosts[0];

	for (int k = 0; k < SAID_N * SAID_N; k++) {
		enum said nova = (enum said)(k / SAID_N), probe = (enum said)(k % SAID_N);
		enum verdict got;

		say(b->e, h, 0, nova);
		say(b->e, h, 1, probe);
		got = host_verdict(b->e, h, 2000, 0);
		if (got != wanted(nova, probe))
			fail_msg("nova %d, probe %d: %s", (int)nova, (int)probe, verdict_name(got));
	}
	bed_free(b);
}

/* Nothing but "every monitor that the policy names says dead, now" may ever be down. */
static void one_source_counts_alone_only_where_the_policy_says_so(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct host *h = &b->e->hosts[0];

	say(b->e, h, 0, SAID_DEAD);
	say(b->e, h, 1, SAID_ALIVE);
	h->policy.must_be_dead = 1;
	assert_int_equal(host_verdict(b->e, h, 1500, 0), VERDICT_DOWN);
	h->policy.must_be_dead = 2;
	assert_int_equal(host_verdict(b->e, h, 1500, 0), VERDICT_UP);
	h->policy.must_be_dead = 0; /* names nobody: nobody can say it is dead */
	assert_int_equal(host_verdict(b->e, h, 1500, 0), VERDICT_UNKNOWN);
	h->policy.must_be_dead = 1u << 5; /* names a monitor that is not there */
	assert_int_equal(host_verdict(b->e, h, 1500, 0), VERDICT_UNKNOWN);
	bed_free(b);
}

static void evidence_counts_until_it_expires_and_from_when_it_was_seen(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct host *h = &b->e->hosts[0];

	say(b->e, h, 0, SAID_DEAD);
	say(b->e, h, 1, SAID_DEAD);
	assert_int_equal(host_verdict(b->e, h, 8999, 0), VERDICT_DOWN);
	assert_int_equal(host_verdict(b->e, h, 9000, 0), VERDICT_UNKNOWN);
	/* the second look counts only what was seen since it began */
	assert_int_equal(host_verdict(b->e, h, 1500, 1000), VERDICT_DOWN);
	assert_int_equal(host_verdict(b->e, h, 1500, 1001), VERDICT_UNKNOWN);
	h->evidence[1].seen_ms = 1001;
	assert_int_equal(host_verdict(b->e, h, 1500, 1001), VERDICT_SUSPECT);
	bed_free(b);
}

static void health(struct bed *b, uint32_t monitor, bool is_ok)
{
	struct engine_event ev = {.type = ENGINE_MONITOR_HEALTH, .health = {monitor, is_ok, "401"}};

	bed_event(b, &ev, NULL);
}

static void a_monitor_that_does_not_work_knows_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_snapshot s;

	health(b, 0, false);
	health(b, 0, false);
	assert_int_equal(bed_alerts(b, "nova"), 1);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_int_equal(s.verdict, VERDICT_SUSPECT);
	assert_int_equal(s.evidence[0].sign, SIGN_UNKNOWN);
	health(b, 0, true);
	engine_host_snapshot(b->e, 0, b->now_ms, &s);
	assert_int_equal(s.verdict, VERDICT_DOWN);
	health(b, 77, false);
	bed_free(b);
}

/* A crashed nova-compute on a healthy host: told once it has lasted, never fenced, told again only after it was well. */
static void degraded_is_told_once(void **state)
{
	struct bed *b = bed_new(3, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	b->now_ms += b->o.degraded_after_ms - 1;
	bed_see(b, 0);
	assert_int_equal(bed_alerts(b, "degraded/h1"), 0);
	b->now_ms += 1;
	for (int k = 0; k < 5; k++) {
		bed_see(b, 0);
		b->now_ms += b->o.degraded_after_ms;
	}
	assert_int_equal(bed_alerts(b, "degraded/h1"), 1);
	assert_non_null(strstr(b->talk[0].text, "Nova says down"));
	bed_restart(b); /* remembered */
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	b->now_ms += b->o.degraded_after_ms;
	bed_see(b, 0);
	assert_int_equal(bed_alerts(b, "degraded/h1"), 1);
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	bed_set(b, 0, SIGN_ALIVE, SIGN_DEAD);
	/* a host that just died looks like this for a service_down_time: only after it is it something to tell */
	b->now_ms += b->o.degraded_after_ms;
	bed_see(b, 0);
	assert_int_equal(bed_alerts(b, "degraded/h1"), 1);
	b->now_ms += b->o.service_down_time_ms;
	bed_see(b, 0);
	assert_int_equal(bed_alerts(b, "degraded/h1"), 2);
	assert_non_null(strstr(b->talk[1].text, "another monitor says dead"));
	assert_int_equal(bed_row(b, 0), HOST_ROW_NONE);
	assert_int_equal(b->started[OP_LOOK] + b->started[OP_POWER_OFF], 0);
	bed_free(b);
}

static void a_disabled_host_is_not_called_degraded(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct service_view s = {.state = SIGN_ALIVE, .disabled = true, .disabled_reason = "upgrade"};

	bed_service(b, 0, &s);
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	b->now_ms += 2 * b->o.degraded_after_ms;
	bed_see(b, 0);
	assert_int_equal(bed_alerts(b, "degraded/"), 0);
	bed_free(b);
}

static void device(struct bed *b, uint32_t level, enum power power)
{
	struct engine_event ev = {.type = ENGINE_DEVICE, .device = {0, level, power}};

	bed_event(b, &ev, NULL);
}

/* A host that died a moment ago still looks alive: one that reads off is another machine's only when it lives on and on. */
static void off_for_a_living_host_is_wrongly_mapped_after_a_while(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host *h = &b->e->hosts[0];
	int64_t patience_ms = b->o.service_down_time_ms + b->o.recheck_after_ms;

	device(b, 0, POWER_OFF);
	assert_true(host_level_is_usable(h, 0));
	b->now_ms += patience_ms;
	bed_see(b, 0);
	device(b, 0, POWER_OFF);
	assert_true(host_level_is_usable(h, 0));
	b->now_ms += 1;
	device(b, 0, POWER_OFF);
	device(b, 0, POWER_OFF);
	assert_false(host_level_is_usable(h, 0));
	assert_true(host_level_is_usable(h, 1));
	assert_int_equal(bed_alerts(b, "miswired/h1/0"), 1);
	bed_restart(b); /* remembered */
	assert_false(host_level_is_usable(&b->e->hosts[0], 0));
	bed_see(b, 0);
	device(b, 0, POWER_ON); /* corrected */
	assert_true(host_level_is_usable(&b->e->hosts[0], 0));
	bed_free(b);
}

static void a_doubt_in_between_starts_the_patience_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host *h = &b->e->hosts[0];

	device(b, 0, POWER_OFF);
	b->now_ms += b->o.service_down_time_ms;
	bed_set(b, 0, SIGN_UNKNOWN, SIGN_ALIVE); /* up still */
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);    /* not any more */
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	b->now_ms += b->o.service_down_time_ms;
	device(b, 0, POWER_OFF);
	device(b, 0, POWER_UNKNOWN); /* says nothing */
	assert_true(host_level_is_usable(h, 0));
	device(b, 0, POWER_ON);
	b->now_ms += b->o.service_down_time_ms;
	device(b, 0, POWER_OFF);
	assert_true(host_level_is_usable(h, 0));
	assert_int_equal(bed_alerts(b, "miswired/"), 0);
	bed_free(b);
}

/* A reading counts only of a host that is up, and on never comes from one that is not. */
static void on_counts_only_while_it_lives(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host *h = &b->e->hosts[0];
	struct host_policy p = bed_policy(0);

	p.level[1].key = 4711; /* another device: it has read nothing yet */
	engine_host_set_policy(b->e, 0, &p);
	assert_true(host_level_is_usable(h, 0));
	assert_false(host_level_is_usable(h, 1));
	bed_set(b, 0, SIGN_UNKNOWN, SIGN_UNKNOWN);
	device(b, 1, POWER_ON);
	assert_false(host_level_is_usable(h, 1));
	bed_set(b, 0, SIGN_DEAD, SIGN_ALIVE);
	device(b, 1, POWER_ON);
	assert_false(host_level_is_usable(h, 1));
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	device(b, 1, POWER_ON);
	assert_true(host_level_is_usable(h, 1));
	device(b, 3, POWER_ON); /* no such level */
	device(b, 99, POWER_ON);
	assert_int_equal(h->rec.seen_on, 3);
	bed_free(b);
}

static void names_are_exact(void **state)
{
	struct bed *b = bed_new(12, NULL);

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	for (uint32_t h = 1; h < 12; h++)
		assert_int_equal(bed_row(b, h), HOST_ROW_NONE);
	assert_int_equal(engine_host_find(b->e, "h1"), 0);
	assert_int_equal(engine_host_find(b->e, "h10"), 9);
	assert_int_equal(engine_host_find(b->e, "h"), UINT32_MAX);
	assert_int_equal(engine_host_find(b->e, "H1"), UINT32_MAX);
	assert_int_equal(engine_host_find(b->e, "h1.example"), UINT32_MAX);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_truth_table_of_two_monitors),
	    cmocka_unit_test(one_source_counts_alone_only_where_the_policy_says_so),
	    cmocka_unit_test(evidence_counts_until_it_expires_and_from_when_it_was_seen),
	    cmocka_unit_test(a_monitor_that_does_not_work_knows_nothing), cmocka_unit_test(degraded_is_told_once),
	    cmocka_unit_test(a_disabled_host_is_not_called_degraded),
	    cmocka_unit_test(off_for_a_living_host_is_wrongly_mapped_after_a_while),
	    cmocka_unit_test(a_doubt_in_between_starts_the_patience_anew),
	    cmocka_unit_test(on_counts_only_while_it_lives), cmocka_unit_test(names_are_exact)};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
