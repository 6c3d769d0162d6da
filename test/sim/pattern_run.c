/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays patterns and counts. A wrong go is a power-off that reaches a machine whose kernel runs. A wrong stop is a host whose death could
 * be known and whose recovery was not over 60 s later: from the moment on at which its power is off, its BMC answers, Nova's own records
 * call it down, the control plane works and the daemon runs, all of that without a break.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "test/sim/controller.h"
#include "test/sim/pattern.h"
#include "test/sim/pattern_deed.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

enum {
	LOOK_MS = 250,
	IN_TIME_MS = 60000,
	WARM_UP_MS = 240000, /* by then every device has been read, or something is wrong */
	SETTLE_MS = 12000,   /* a report of every host has come in since */
	TALE_MS = 330000,
	LOST_CALL_MS = 5000, /* no target that lives leaves a call unanswered for so long */
	BMC_LOW_MS = 30,
	BMC_HIGH_MS = 1000,
	FAMILIES_MAX = 64,
};

struct count {
	uint64_t patterns, wrong_goes, wrong_stops, violations, power_offs, deaths;
	uint64_t known, recovered, in_time; /* hosts whose death could be known, and what became of them */
	uint64_t lost_calls;                /* hosts with an instance that Nova sent to a dead one */
	uint64_t held;                      /* recoveries that the breaker held, of hosts that were not cut */
	int64_t longest_ms;                 /* from the moment it could be known */
};

static struct fate {
	int64_t known_ms;     /* since when its death can be known; 0 = it cannot */
	int64_t recovered_ms; /* 0 = it is not */
	bool is_judged, was_held, was_cut;
} fates[PATTERN_HOSTS];

static struct count totals[FAMILIES_MAX];
static struct count now;
static bool is_telling;
static bool is_beyond;

static const struct pattern_family *family_at(unsigned k)
{
	return pattern_family_at(k, is_beyond);
}

/* --- judging --- */

static bool cloud_works(void)
{
	for (int part = 0; part < CLOUDSIM_PART_N; part++) {
		if (!cloudsim_model_part_is_up(realm.cloud, (enum cloudsim_part)part))
			return false;
	}
	return !realm.api.is_cut && sim.node[0].daemon && sim.node[0].frozen_until_ms <= sim.now_ms;
}

static bool may_be_known(uint32_t host)
{
	const struct realm_host *h = &realm.host[host];

	return !realm_is_on(host) && realm_device_answers(&h->bmc, host) && !h->bmc_path.is_cut &&
	       !cloudsim_model_host_is_up(realm.cloud, sim.now_ms, host);
}

static void take_record(void *arg, const struct record *rec)
{
	const struct recovery_record *r = &rec->recovery;
	uint32_t host;
	int64_t ms;

	(void)arg;
	if (rec->type != RECORD_RECOVERY || (host = realm_host_find(r->host)) == UINT32_MAX)
		return;
	ms = r->stamp_wall_ms[HOST_ROW_RECOVERED];
	if (ms)
		fates[host].recovered_ms = ms - SIM_WALL_ZERO_MS;
	fates[host].was_held |= r->held_n > 0;
	fates[host].was_cut |= r->stamp_wall_ms[HOST_ROW_FENCING] != 0;
}

/* Nova has sent a call for an instance of this host to one that died before: it waits there, and nobody may send it again. */
static bool has_lost_call(uint32_t host)
{
	struct cloudsim_stamp s;

	for (size_t k = 0; k < cloudsim_model_stamp_count(realm.cloud); k++) {
		cloudsim_model_stamp(realm.cloud, k, &s);
		if (str_eq(s.source, realm_host_name(host)) && !s.ended_ms && !s.started_ms &&
		    sim.now_ms - s.accepted_ms > LOST_CALL_MS)
			return true;
	}
	return false;
}

static void judge_late(uint32_t host)
{
	struct fate *f = &fates[host];

	f->is_judged = true;
	if (f->recovered_ms && f->recovered_ms - f->known_ms <= IN_TIME_MS)
		return;
	if (cloud_works() && has_lost_call(host)) {
		now.lost_calls++;
		return;
	}
	now.wrong_stops++;
	sim_say("", "--- wrong stop: %s was known dead since %.3f", realm_host_name(host), (double)f->known_ms / 1000);
}

static void look(void *arg)
{
	bool works, is_due = false;

	(void)arg;
	if (sim.is_over || !is_telling)
		return;
	works = cloud_works();
	for (uint32_t h = 0; h < PATTERN_HOSTS; h++) {
		struct fate *f = &fates[h];

		/* once it is recovered nothing more is asked of it */
		if (!f->is_judged && (!works || !may_be_known(h)))
			f->known_ms = 0;
		else if (!f->known_ms)
			f->known_ms = sim.now_ms;
		is_due |= f->known_ms && !f->is_judged && sim.now_ms - f->known_ms > IN_TIME_MS;
	}
	if (is_due)
		store_each(sim.node[0].store, take_record, NULL);
	for (uint32_t h = 0; is_due && h < PATTERN_HOSTS; h++) {
		if (fates[h].known_ms && !fates[h].is_judged && sim.now_ms - fates[h].known_ms > IN_TIME_MS)
			judge_late(h);
	}
	sim_after(LOOK_MS, look, NULL);
}

static void judge(void)
{
	store_each(sim.node[0].store, take_record, NULL);
	for (uint32_t h = 0; h < PATTERN_HOSTS; h++) {
		const struct fate *f = &fates[h];

		now.wrong_goes += witness.host[h].offs_alive;
		now.held += f->was_held && !f->was_cut;
		now.recovered += f->recovered_ms != 0;
		now.known += f->is_judged;
		if (f->is_judged && f->recovered_ms - f->known_ms > now.longest_ms)
			now.longest_ms = f->recovered_ms - f->known_ms;
	}
	now.power_offs = witness.power_offs;
	now.deaths = witness.host_deaths;
	now.violations = sim.violation[0] != '\0';
}

/* --- one pattern --- */

static void segment_puts(struct strbuf *sb, const char *name, const char *hosts)
{
	strbuf_printf(sb,
	    "- {name: %s, hosts: [%s], fencing: [{name: bmc, agent: fence_sim, timeout: 20s, parameters: {plug: "
	    "'{host}'}}]}\n",
	    name, hosts);
}

static void rack_segments(struct strbuf *sb)
{
	for (uint32_t rack = 0; rack < PATTERN_RACKS; rack++) {
		STRBUF_AUTO struct strbuf hosts = STRBUF_INIT;
		char name[16];

		for (uint32_t k = 0; k < PATTERN_RACK; k++)
			strbuf_printf(&hosts, "%s%s", k ? ", " : "", realm_host_name(rack * PATTERN_RACK + k));
		snprintf(name, sizeof(name), "rack%u", rack + 1);
		segment_puts(sb, name, hosts.text);
	}
}

static void name_segments(struct strbuf *sb)
{
	segment_puts(sb, "row0", "'c[1-9]', 'c[1-9][0-9]'");
	for (int row = 1; row < 10; row++) {
		char name[16], hosts[64];

		snprintf(name, sizeof(name), "row%d", row);
		snprintf(hosts, sizeof(hosts), "'c%d[0-9][0-9]'", row);
		segment_puts(sb, name, hosts);
	}
	segment_puts(sb, "rest", "'*'");
}

static void configure(enum pattern_layout layout)
{
	STRBUF_AUTO struct strbuf extra = STRBUF_INIT;

	strbuf_puts(&extra, "segments:\n");
	if (layout == PATTERN_RACK_SEGMENTS)
		rack_segments(&extra);
	else if (layout == PATTERN_NAME_SEGMENTS)
		name_segments(&extra);
	else
		segment_puts(&extra, "all", "'*'");
	controller_configure(true, extra.text);
}

static void bmcs_take(int64_t low_ms, int64_t high_ms)
{
	for (uint32_t h = 0; h < PATTERN_HOSTS; h++) {
		realm.host[h].bmc.low_ms = low_ms;
		realm.host[h].bmc.high_ms = high_ms;
	}
}

static bool is_warm(void)
{
	const struct daemon *d = sim.node[0].daemon;
	struct host_snapshot s;

	if (!d || !d->engine || engine_host_n(d->engine) < PATTERN_HOSTS)
		return false;
	for (uint32_t h = 0; h < PATTERN_HOSTS; h++) {
		engine_host_snapshot(d->engine, h, sim.now_ms, &s);
		if (!s.record->seen_on)
			return false;
	}
	return true;
}

/* Every device has read on for its living host: what a daemon knows that has been running for a while. */
static bool warm_up(void)
{
	int64_t end_ms = sim.now_ms + WARM_UP_MS, look_ms = sim.now_ms;

	bmcs_take(1, 2);
	controller_start(&sim.node[0]);
	while (sim_turn(end_ms)) {
		if (sim.now_ms < look_ms)
			continue;
		look_ms = sim.now_ms + 1000;
		if (is_warm())
			break;
	}
	if (!is_warm())
		sim_violated("not every device was read within %d s", WARM_UP_MS / 1000);
	bmcs_take(BMC_LOW_MS, BMC_HIGH_MS);
	end_ms = sim.now_ms + SETTLE_MS;
	while (sim_turn(end_ms))
		;
	return !sim.violation[0];
}

static void play(const struct pattern_family *f, uint64_t seed)
{
	const struct realm_size size = {
	    .hosts = PATTERN_HOSTS, .instances = 2 * PATTERN_HOSTS, .projects = 8, .is_slow = true};
	int64_t end_ms;

	memset(&now, 0, sizeof(now));
	memset(fates, 0, sizeof(fates));
	now.patterns = 1;
	is_telling = false;
	sim_begin(seed);
	realm_begin(&size);
	configure((enum pattern_layout)sim_between(0, PATTERN_LAYOUT_N - 1));
	witness_begin();
	controller_mode_set(MODE_AUTOMATIC);
	deed_forget();
	if (warm_up()) {
		is_telling = true;
		end_ms = sim.now_ms + TALE_MS;
		sim_say("", "--- %s: %s", f->name, f->summary);
		f->draw();
		look(NULL);
		while (sim_turn(end_ms))
			;
	}
	judge();
	controller_stop(&sim.node[0]);
	store_free(sim.node[0].store);
	sim_end();
	realm_end();
	witness_end();
}

/* --- telling it --- */

static void add(struct count *to)
{
	to->patterns += now.patterns;
	to->wrong_goes += now.wrong_goes;
	to->wrong_stops += now.wrong_stops;
	to->violations += now.violations;
	to->power_offs += now.power_offs;
	to->deaths += now.deaths;
	to->known += now.known;
	to->recovered += now.recovered;
	to->held += now.held;
	to->lost_calls += now.lost_calls;
	to->longest_ms = now.longest_ms > to->longest_ms ? now.longest_ms : to->longest_ms;
}

static void print_line(const char *name, const struct count *c)
{
	printf("%-28s %8llu %10llu %11llu %10llu %6llu %9llu %6llu %11llu %9.1f\n", name,
	    (unsigned long long)c->patterns, (unsigned long long)c->wrong_goes, (unsigned long long)c->wrong_stops,
	    (unsigned long long)c->violations, (unsigned long long)c->known, (unsigned long long)c->recovered,
	    (unsigned long long)c->held, (unsigned long long)c->lost_calls, (double)c->longest_ms / 1000);
}

static void print_json_of(const char *name, const struct count *c)
{
	printf("%s%s%s\"patterns\":%llu,\"wrong_goes\":%llu,\"wrong_stops\":%llu,\"violations\":%llu,\"proven_dead\":%"
	       "llu,\"recovered\":%llu,\"held\":%llu,\"lost_calls\":%llu,\"power_offs\":%llu,\"host_deaths\":%llu,"
	       "\"longest_ms\":%lld",
	    name ? "{\"family\":\"" : "", name ? name : "", name ? "\"," : "", (unsigned long long)c->patterns,
	    (unsigned long long)c->wrong_goes, (unsigned long long)c->wrong_stops, (unsigned long long)c->violations,
	    (unsigned long long)c->known, (unsigned long long)c->recovered, (unsigned long long)c->held,
	    (unsigned long long)c->lost_calls, (unsigned long long)c->power_offs, (unsigned long long)c->deaths,
	    (long long)c->longest_ms);
}

static void print_all(const struct count *all, double wall_s, bool is_json)
{
	printf("%-28s %8s %10s %11s %10s %6s %9s %6s %11s %9s\n", "family", "patterns", "wrong goes", "wrong stops",
	    "violations", "proven", "recovered", "held", "lost calls", "longest s");
	for (unsigned k = 0; family_at(k); k++) {
		if (totals[k].patterns)
			print_line(family_at(k)->name, &totals[k]);
	}
	print_line("all", all);
	printf("%.1f s\n", wall_s);
	if (!is_json)
		return;
	printf("{");
	print_json_of(NULL, all);
	printf(",\"wall_s\":%.3f,\"families\":[", wall_s);
	for (unsigned k = 0, n = 0; family_at(k); k++) {
		if (!totals[k].patterns)
			continue;
		printf("%s", n++ ? "," : "");
		print_json_of(family_at(k)->name, &totals[k]);
		printf("}");
	}
	printf("]}\n");
}

int pattern_main(const struct pattern_order *order)
{
	struct count all = {0};
	struct timespec t0, t1;
	unsigned family_n = 0;

	is_beyond = order->is_beyond;
	while (family_at(family_n))
		family_n++;
	sim.is_traced = order->is_traced;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (uint64_t seed = order->from; family_n && seed < order->from + order->n; seed++) {
		unsigned k = (unsigned)((seed + family_n - 1) % family_n);

		play(family_at(k), seed);
		if (now.wrong_goes || now.wrong_stops || now.violations)
			printf("FAILED %s, seed %llu: %llu wrong goes, %llu wrong stops%s%s\n  again: osha-sim "
			       "--patterns 1%s --from %llu --trace\n",
			    family_at(k)->name, (unsigned long long)seed, (unsigned long long)now.wrong_goes,
			    (unsigned long long)now.wrong_stops, sim.violation[0] ? ", " : "", sim.violation,
			    is_beyond ? " --beyond" : "", (unsigned long long)seed);
		add(&totals[k]);
		add(&all);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	controller_unconfigure();
	print_all(&all, (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9, order->is_json);
	return all.wrong_goes || all.wrong_stops || all.violations ? 1 : 0;
}
