/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osha-sim: the production engine in a simulated world, from one seed. Runs seeds and a crash matrix, prints counters, and for a
 * failure the seed, what broke, and the command that shows it again.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/sim/puppet.h"

enum { RUN_MS = 420000, FAULTS_END_MS = 120000, MATRIX_MAX = 2000 };

struct sim_counts {
	uint64_t host_deaths, dual_writers, violations, recoveries, recovered, held, fenced_alive, faults, crashes;
	int64_t simulated_ms;
};

/* How a run has to end. */
enum expected {
	MUST_RECOVER, /* recovered, or taken back */
	MAY_HOLD,     /* recovered or held, as the seed has it */
	MUST_HOLD,    /* held, nothing evacuated */
	UNTOUCHED,    /* no power-off was sent at all */
};

struct sim_scenario {
	const char *name;
	void (*prepare)(struct sim_world *w);
	enum expected expected;
};

static void plain(struct sim_world *w)
{
	sim_later(w, 10000, SIM_DEATH, 0, 0, 0);
}

static void bmc_dies_with_host(struct sim_world *w)
{
	plain(w);
	sim_later(w, 10000, SIM_BMC_DIES, 0, 0, 0);
}

static void hung_and_bmc_lies(struct sim_world *w)
{
	w->host[0].bmc_lies = true;
	sim_later(w, 10000, SIM_HANG, 0, 0, 0);
}

static void compute_crashes(struct sim_world *w)
{
	sim_later(w, 10000, SIM_COMPUTE_DIES, 0, 0, 0);
}

static void three_of_four_silent(struct sim_world *w)
{
	for (uint32_t h = 0; h < 3; h++)
		sim_later(w, 10000 + rng_range(&w->rng, 0, 1500), SIM_CUT, h, 0, 0);
}

static void slow_bmc(struct sim_world *w)
{
	w->host[0].bmc_delay_ms = 4000;
	w->host[0].cut = false;
	plain(w);
}

static void hung_host(struct sim_world *w)
{
	sim_later(w, 10000, SIM_HANG, 0, 0, 0);
}

static void returns_later(struct sim_world *w)
{
	plain(w);
	sim_later(w, 150000, SIM_RETURN, 0, 0, 0);
}

static void returns_early(struct sim_world *w)
{
	plain(w);
	sim_later(w, 26000 + rng_range(&w->rng, 0, 8000), SIM_RETURN, 0, 0, 0);
}

static void lost_replies(struct sim_world *w)
{
	plain(w);
	w->lost_reply_per_mille = 250;
	w->error_per_mille = 100;
}

static void failing_rebuilds(struct sim_world *w)
{
	plain(w);
	w->fail_rebuild_per_mille = 300;
}

static void second_death(struct sim_world *w)
{
	plain(w);
	sim_later(w, 24000 + rng_range(&w->rng, 0, 6000), SIM_DEATH, 1, 0, 0);
}

static const struct sim_scenario scenarios[] = {
    {"plain", plain, MUST_RECOVER},
    {"bmc-dies-with-host", bmc_dies_with_host, MUST_HOLD},
    {"bmc-slow", slow_bmc, MUST_RECOVER},
    {"hung-host", hung_host, MUST_RECOVER},
    {"hung-and-bmc-lies", hung_and_bmc_lies, MUST_HOLD},
    {"compute-crashes", compute_crashes, UNTOUCHED},
    {"three-of-four-silent", three_of_four_silent, UNTOUCHED},
    {"returns-later", returns_later, MUST_RECOVER},
    {"returns-early", returns_early, MAY_HOLD},
    {"lost-replies", lost_replies, MUST_RECOVER},
    {"failing-rebuilds", failing_rebuilds, MAY_HOLD},
    {"second-death", second_death, MUST_RECOVER},
};
enum { SCENARIO_N = sizeof(scenarios) / sizeof(scenarios[0]) };

/* Faults stop; what is still wrong after that is the engine's. */
static void faults_end(struct sim_world *w)
{
	w->lost_reply_per_mille = w->error_per_mille = w->fail_rebuild_per_mille = 0;
	w->api_down = false;
}

static void check_guests(struct sim_world *w)
{
	for (uint32_t g = 0; g < SIM_GUESTS; g++) {
		if (w->guest[g].host == 0)
			sim_violated(w, "invariant 7: guest %u is still on the dead host of a recovered recovery", g);
		if (w->guest[g].wanted != w->guest[g].state)
			sim_violated(w, "invariant 7: guest %u is %s, wanted %s", g,
			    server_state_name(w->guest[g].state), server_state_name(w->guest[g].wanted));
	}
}

static void check_end(const struct sim_scenario *s, struct sim_world *w, struct puppet *p, struct sim_counts *c)
{
	const struct recovery_record *r = puppet_recovery(p, 0);
	enum host_row row = r ? r->row : HOST_ROW_NONE;
	bool recovered = row == HOST_ROW_RECOVERED || row == HOST_ROW_REENABLED;

	c->recoveries += r != NULL;
	c->recovered += recovered;
	c->held += row == HOST_ROW_HELD;
	if (s->expected == UNTOUCHED && p->power_offs)
		sim_violated(w, "%u power-offs were sent to living hosts", p->power_offs);
	if (s->expected == MUST_RECOVER && !recovered)
		sim_violated(
		    w, "invariant 8: the recovery ended in %s: %s", host_row_name(row), r ? r->why : "none was opened");
	if (s->expected == MUST_HOLD && (recovered || p->evacuate_calls))
		sim_violated(
		    w, "without proof it ended in %s with %u evacuate calls", host_row_name(row), p->evacuate_calls);
	if (s->expected == MAY_HOLD && !recovered && row != HOST_ROW_HELD)
		sim_violated(w, "invariant 8: the recovery ended in %s", host_row_name(row));
	if (row == HOST_ROW_RECOVERED)
		check_guests(w);
}

/* One run. Returns the number of the engine's actions, so that a crash matrix knows its length. */
static uint64_t run_one(const struct sim_scenario *s, uint64_t seed, uint64_t crash_after, bool trace,
    struct sim_counts *c, char *ret_wrong)
{
	static struct sim_world w; /* large */
	static struct puppet p;
	struct sim_event ev;
	bool faults_over = false;
	int64_t begin_ms;

	sim_world_init(&w, seed);
	puppet_init(&p, &w);
	p.trace = trace;
	p.crash_after = crash_after;
	begin_ms = w.now_ms;
	puppet_start(&p);
	s->prepare(&w);
	while (w.now_ms < begin_ms + RUN_MS && !w.violation[0] && sim_next(&w, &ev)) {
		if (!faults_over && w.now_ms > begin_ms + FAULTS_END_MS) {
			faults_over = true;
			faults_end(&w);
		}
		if (!sim_world_happen(&w, &ev))
			puppet_happen(&p, &ev);
	}
	if (!w.violation[0])
		check_end(s, &w, &p, c);
	c->host_deaths++;
	c->dual_writers += w.dual_writers;
	c->violations += w.violation[0] != '\0';
	c->crashes += p.starts - 1;
	c->simulated_ms += w.now_ms - begin_ms;
	snprintf(ret_wrong, sizeof(w.violation), "%s", w.violation);
	puppet_fini(&p);
	return p.actions;
}

static bool report_wrong(const struct sim_scenario *s, uint64_t seed, uint64_t crash, const char *wrong)
{
	if (!wrong[0])
		return false;
	printf("FAILED scenario=%s seed=%llu crash-after=%llu: %s\n  again: build/osha-sim --scenario %s --from %llu "
	       "--seeds 1 --crash %llu --trace\n",
	    s->name, (unsigned long long)seed, (unsigned long long)crash, wrong, s->name, (unsigned long long)seed,
	    (unsigned long long)crash);
	return true;
}

struct sim_args {
	uint64_t from, seeds, crash;
	const char *scenario;
	bool trace, json, matrix;
};

/* Kill after each action in turn, once, until a run ends before its turn comes. */
static bool run_matrix(const struct sim_scenario *s, uint64_t seed, struct sim_counts *c)
{
	char wrong[256];
	uint64_t n = 1;

	for (uint64_t k = 1; k <= n && k < MATRIX_MAX; k++) {
		n = run_one(s, seed, k, false, c, wrong);
		if (report_wrong(s, seed, k, wrong))
			return false;
	}
	return true;
}

static bool run_all(const struct sim_args *a, struct sim_counts *c)
{
	char wrong[256];
	bool ok = true;

	for (uint32_t k = 0; k < SCENARIO_N; k++) {
		const struct sim_scenario *s = &scenarios[k];

		if (a->scenario && strcmp(a->scenario, s->name) != 0)
			continue;
		for (uint64_t seed = a->from; seed < a->from + a->seeds; seed++) {
			run_one(s, seed, a->crash, a->trace, c, wrong);
			ok &= !report_wrong(s, seed, a->crash, wrong);
			if (a->matrix)
				ok &= run_matrix(s, seed, c);
		}
	}
	return ok;
}

static void print_counts(const struct sim_args *a, const struct sim_counts *c, double wall_s)
{
	const char *form =
	    a->json
		? "{\"host_deaths\":%llu,\"dual_writers\":%llu,\"violations\":%llu,\"recoveries\":%llu,"
		  "\"recovered\":%llu,\"held\":%llu,\"crashes\":%llu,\"simulated_s\":%lld,\"wall_s\":%.3f}\n"
		: "host deaths %llu, dual writers %llu, violations %llu, recoveries %llu, recovered %llu, held %llu, "
		  "crashes %llu, simulated %lld s in %.3f s\n";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(form, (unsigned long long)c->host_deaths, (unsigned long long)c->dual_writers,
	    (unsigned long long)c->violations, (unsigned long long)c->recoveries, (unsigned long long)c->recovered,
	    (unsigned long long)c->held, (unsigned long long)c->crashes, (long long)(c->simulated_ms / 1000), wall_s);
#pragma GCC diagnostic pop
}

static int usage(FILE *to)
{
	fprintf(to,
	    "usage: osha-sim [--seeds N] [--from S] [--scenario NAME] [--matrix] [--crash K] [--trace] [--json]\n"
	    "  --matrix   kill the daemon after each of its actions in turn, per seed\nscenarios:");
	for (uint32_t k = 0; k < SCENARIO_N; k++)
		fprintf(to, " %s", scenarios[k].name);
	fprintf(to, "\n");
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seeds", 1, 0, 'n'}, {"from", 1, 0, 'f'}, {"scenario", 1, 0, 's'},
	    {"crash", 1, 0, 'c'}, {"matrix", 0, 0, 'm'}, {"trace", 0, 0, 't'}, {"json", 0, 0, 'j'}, {"help", 0, 0, 'h'},
	    {0}};
	struct sim_args a = {.from = 1, .seeds = 100};
	struct sim_counts c = {0};
	struct timespec t0, t1;
	bool ok;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'n':
			a.seeds = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			a.from = strtoull(optarg, NULL, 10);
			break;
		case 's':
			a.scenario = optarg;
			break;
		case 'c':
			a.crash = strtoull(optarg, NULL, 10);
			break;
		case 'm':
			a.matrix = true;
			break;
		case 't':
			a.trace = true;
			break;
		case 'j':
			a.json = true;
			break;
		default:
			return usage(o == 'h' ? stdout : stderr);
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* what a run said is seen even if it never ends */
	clock_gettime(CLOCK_MONOTONIC, &t0);
	ok = run_all(&a, &c);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	print_counts(&a, &c, (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9);
	return ok ? 0 : 1;
}
