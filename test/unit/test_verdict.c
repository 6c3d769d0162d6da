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

static void take_evidence(struct bed *b, uint32_t host, uint32_t monitor, enum sign sign)
{
	struct engine_evidence one = {host, monitor, sign, b->now_ms, b->now_ms + 3600000};
	struct engine_event ev = {.type = ENGINE_EVIDENCE, .evidence = {&one, 1}};

	bed_event(b, &ev, NULL);
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
	device(b, 2, POWER_ON); /* no such level */
	device(b, 3, POWER_ON);
	device(b, 99, POWER_ON);
	assert_int_equal(h->rec.seen_on, 3);
	bed_free(b);
}

/* Nothing changed, nothing written: the routine readings of a thousand hosts are no work for the journal. */
static void a_reading_that_says_nothing_new_is_not_recorded(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);

	b->store = BED_STORE_WAITS;
	device(b, 0, POWER_ON);
	device(b, 1, POWER_ON);
	assert_int_equal(b->waiting_n, 0);
	p.level[1].key = 4711;
	engine_host_set_policy(b->e, 0, &p);
	device(b, 1, POWER_ON);
	assert_int_equal(b->waiting_n, 1);
	assert_int_equal(b->on_its_way[0].host.seen_on, 3);
	assert_int_equal(b->on_its_way[0].host.device_key[1], 4711);
	bed_free(b);
}

/* It never proved itself, so nothing is taken from it; that it is another machine's is told and remembered all the same. */
static void one_that_only_ever_read_off_is_called_wrongly_mapped_too(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host_policy p = bed_policy(0);

	p.level[1].key = 4711;
	engine_host_set_policy(b->e, 0, &p);
	device(b, 1, POWER_OFF);
	b->now_ms += b->o.service_down_time_ms + b->o.recheck_after_ms + 1;
	bed_see(b, 0);
	for (int k = 0; k < 3; k++)
		device(b, 1, POWER_OFF);
	assert_int_equal(b->e->hosts[0].rec.miswired, 2);
	assert_int_equal(bed_alerts(b, "miswired/h1/1"), 1);
	bed_free(b);
}

static void a_level_that_was_taken_out_has_to_prove_itself_anew(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct host *h = &b->e->hosts[0];
	struct host_policy p = bed_policy(0);

	p.level_n = 1; /* of the second one everything else still stands there */
	engine_host_set_policy(b->e, 0, &p);
	assert_true(host_level_is_usable(h, 0));
	assert_int_equal(h->rec.seen_on, 1);
	p.level_n = 2;
	engine_host_set_policy(b->e, 0, &p);
	assert_false(host_level_is_usable(h, 1));
	bed_free(b);
}

/* --- silences --- */

static void seen_up_takes_every_monitor_of_the_policy(void **state)
{
	static const struct {
		enum said nova, probe;
		uint32_t must_be_dead;
		bool is_up;
	} cases[] = {{SAID_ALIVE, SAID_ALIVE, 3, true}, {SAID_ALIVE, SAID_UNKNOWN, 3, false},
	    {SAID_DEAD, SAID_ALIVE, 3, false}, {SAID_ALIVE, SAID_DEAD, 1, true}, {SAID_DEAD, SAID_ALIVE, 2, true},
	    {SAID_ALIVE, SAID_ALIVE, 0, false}}; /* who asks nobody sees nobody */
	struct bed *b = bed_new(1, NULL);
	struct host *h = &b->e->hosts[0];

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		say(b->e, h, 0, cases[k].nova);
		say(b->e, h, 1, cases[k].probe);
		h->policy.must_be_dead = cases[k].must_be_dead;
		if (host_is_seen_up(b->e, h, 2000) != cases[k].is_up)
			fail_msg("case %zu", k);
	}
	bed_free(b);
}

/* Nova is mistaken about a host from a quarter of a service_down_time without a report on; nova's whole seconds are allowed for. */
static void nova_is_mistaken_once_a_dead_host_misses_its_report(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct host *h = &b->e->hosts[0];
	int64_t down_ms = b->o.service_down_time_ms, from_ms = b->now_ms + 1000;

	bed_set(b, 0, SIGN_ALIVE, SIGN_DEAD);
	h->reported_ms = b->now_ms;
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms / 4 - 1), -1);
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms / 4), down_ms - down_ms / 4);
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms - 1), 1);
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms), 0);
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + 2 * down_ms), 0);
	h->reported_ms = 0; /* how long it has not reported is not known */
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms), -1);
	h->reported_ms = b->now_ms;
	h->policy.must_be_dead = 1; /* nobody asks the one that calls it dead */
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms), -1);
	h->policy.must_be_dead = 3;
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms), -1);
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD); /* nova knows */
	assert_int_equal(host_mistaken_ms(b->e, h, from_ms + down_ms), -1);
	bed_free(b);
}

static void a_record_that_stands_still_is_a_silence_from_half_the_patience_on(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct service_view v = {.state = SIGN_ALIVE, .updated_at_ms = 1};
	int64_t ms[SILENCES_MAX], since_ms = b->now_ms + b->o.service_down_time_ms / 2 + 1000;

	bed_service(b, 0, &v);
	b->now_ms = since_ms - 1;
	bed_service(b, 0, &v);
	assert_int_equal(host_silences(b->e, &b->e->hosts[0], b->now_ms, ms), 0);
	assert_int_equal(host_silent_paths(b->e, &b->e->hosts[0], b->now_ms), 0);
	b->now_ms = since_ms;
	bed_service(b, 0, &v);
	assert_int_equal(host_silences(b->e, &b->e->hosts[0], b->now_ms, ms), 1);
	assert_int_equal(ms[0], since_ms);
	assert_int_equal(host_silent_paths(b->e, &b->e->hosts[0], b->now_ms), 1);
	v.updated_at_ms++;
	bed_service(b, 0, &v);
	assert_int_equal(host_silences(b->e, &b->e->hosts[0], b->now_ms, ms), 0);
	bed_free(b);
}

/* A new configuration has one monitor less: what that one said last, and the policies that name it, stand there still. */
static struct bed *third_dropped(enum sign its)
{
	struct engine_options o = engine_options_default();
	struct bed *b;

	o.monitor_n = 3;
	o.monitor_name[2] = "third";
	b = bed_new(1, &o);
	b->e->hosts[0].policy.must_be_dead = 7;
	take_evidence(b, 0, 2, its);
	assert_int_equal(b->e->hosts[0].evidence[2].sign, its);
	b->o.monitor_n = 2;
	engine_options_set(b->e, &b->o);
	return b;
}

static void a_monitor_that_was_dropped_says_nothing(void **state)
{
	struct bed *b = third_dropped(SIGN_ALIVE);
	struct recovery_record weighed = {0};
	struct host *h = &b->e->hosts[0];
	int64_t ms[SILENCES_MAX];

	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_DOWN);
	bed_free(b);
	b = third_dropped(SIGN_DEAD);
	h = &b->e->hosts[0];
	bed_set(b, 0, SIGN_ALIVE, SIGN_ALIVE);
	h->reported_ms = b->now_ms;
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_UP);
	assert_true(host_is_seen_up(b->e, h, b->now_ms));
	assert_int_equal(host_mistaken_ms(b->e, h, b->now_ms + b->o.service_down_time_ms), -1);
	assert_int_equal(host_silences(b->e, h, b->now_ms, ms), 0);
	assert_int_equal(host_silent_paths(b->e, h, b->now_ms), 0);
	host_weigh(b->e, h, 0, &weighed);
	assert_string_equal(weighed.sightings[1].monitor, "probe");
	assert_string_equal(weighed.sightings[2].monitor, "");
	bed_free(b);
}

/* Whom the policy asks stands first; the others' word is kept too, and nobody's twice. */
static void every_monitor_is_written_down_once(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct recovery_record weighed = {0};
	struct host *h = &b->e->hosts[0];

	for (uint32_t must_be_dead = 0; must_be_dead <= 3; must_be_dead++) {
		bool is_probe_first = must_be_dead == 2;

		h->policy.must_be_dead = must_be_dead;
		host_weigh(b->e, h, 0, &weighed);
		assert_string_equal(weighed.sightings[0].monitor, is_probe_first ? "probe" : "nova");
		assert_string_equal(weighed.sightings[1].monitor, is_probe_first ? "nova" : "probe");
		assert_int_equal(weighed.sightings[0].is_asked, must_be_dead != 0);
		assert_int_equal(weighed.sightings[1].is_asked, must_be_dead == 3);
		assert_string_equal(weighed.sightings[2].monitor, "");
	}
	bed_free(b);
}

/* --- what is not known is not taken --- */

static void evidence_of_no_host_and_of_no_monitor_is_not_taken(void **state)
{
	struct bed *b = bed_new(1, NULL);
	struct service_view v = {.state = SIGN_ALIVE, .disabled = true};
	struct host *h = &b->e->hosts[0];

	take_evidence(b, 1, 0, SIGN_DEAD);
	take_evidence(b, UINT32_MAX, 0, SIGN_DEAD);
	take_evidence(b, 1, 2, SIGN_DEAD);
	take_evidence(b, 0, 2, SIGN_DEAD);
	take_evidence(b, 0, UINT32_MAX, SIGN_DEAD);
	bed_service(b, 1, &v);
	bed_service(b, UINT32_MAX, &v);
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_UP);
	assert_false(h->disabled || h->service_known);
	b->o.monitor_n = 3; /* one is added: it has not said anything yet */
	engine_options_set(b->e, &b->o);
	h->policy.must_be_dead = 4;
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_UNKNOWN);
	bed_free(b);
}

/* --- what follows a death that is only observed --- */

static struct bed *observed_death(void)
{
	struct bed *b = bed_new(3, NULL);

	host_observe(b->e, &b->e->hosts[0], "tsttst-1-1");
	b->e->hosts[0].rec.death_told = true; /* dealt with: no recovery opens */
	for (uint32_t m = 0; m < 2; m++)
		b->e->hosts[0].evidence[m].expires_ms = 0;
	return b;
}

static void an_observed_one_came_back_when_a_monitor_sees_it_alive(void **state)
{
	static const struct {
		enum sign nova, probe;
		bool is_back;
	} cases[] = {{SIGN_DEAD, SIGN_DEAD, false}, {SIGN_DEAD, SIGN_UNKNOWN, false},
	    {SIGN_UNKNOWN, SIGN_UNKNOWN, false}, {SIGN_DEAD, SIGN_ALIVE, true}, {SIGN_ALIVE, SIGN_DEAD, true},
	    {SIGN_ALIVE, SIGN_ALIVE, true}, {SIGN_UNKNOWN, SIGN_ALIVE, true}};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct bed *b = observed_death();

		take_evidence(b, 0, 0, cases[k].nova);
		take_evidence(b, 0, 1, cases[k].probe);
		if ((b->e->hosts[0].rec.observed.alive_wall_ms != 0) != cases[k].is_back)
			fail_msg("case %zu", k);
		bed_free(b);
	}
}

static void an_observed_one_was_forced_down_by_others_than_us(void **state)
{
	struct bed *b = observed_death();
	struct host *h = &b->e->hosts[0];
	struct service_view v = {.state = SIGN_DEAD, .updated_at_ms = 5};
	const struct observed *o = &h->rec.observed;

	bed_service(b, 0, &v);
	assert_int_equal(o->forced_down_wall_ms, 0);
	h->rec.death_told = false;
	bed_set(b, 0, SIGN_DEAD, SIGN_DEAD); /* and now it is ours */
	assert_int_not_equal(h->recovery, NIL);
	bed_service(b, 0, &v);
	assert_int_equal(o->forced_down_wall_ms, 0);
	v.forced_down = true;
	b->e->recoveries[h->recovery].rec.we_forced_down = true;
	bed_service(b, 0, &v);
	assert_int_equal(o->forced_down_wall_ms, 0);
	b->e->recoveries[h->recovery].rec.we_forced_down = false;
	bed_service(b, 0, &v);
	assert_true(o->forced_down_wall_ms > 0);
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
	    cmocka_unit_test(on_counts_only_while_it_lives),
	    cmocka_unit_test(a_reading_that_says_nothing_new_is_not_recorded),
	    cmocka_unit_test(one_that_only_ever_read_off_is_called_wrongly_mapped_too),
	    cmocka_unit_test(a_level_that_was_taken_out_has_to_prove_itself_anew),
	    cmocka_unit_test(seen_up_takes_every_monitor_of_the_policy),
	    cmocka_unit_test(nova_is_mistaken_once_a_dead_host_misses_its_report),
	    cmocka_unit_test(a_record_that_stands_still_is_a_silence_from_half_the_patience_on),
	    cmocka_unit_test(a_monitor_that_was_dropped_says_nothing),
	    cmocka_unit_test(every_monitor_is_written_down_once),
	    cmocka_unit_test(evidence_of_no_host_and_of_no_monitor_is_not_taken),
	    cmocka_unit_test(an_observed_one_came_back_when_a_monitor_sees_it_alive),
	    cmocka_unit_test(an_observed_one_was_forced_down_by_others_than_us), cmocka_unit_test(names_are_exact)};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
