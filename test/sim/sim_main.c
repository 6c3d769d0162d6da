/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osha-sim: runs of the whole daemon in a simulated world, one from each seed. Prints counters, and for a run that failed its seed, what
 * broke, when, and the command that shows it again.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "test/sim/controller.h"
#include "test/sim/fixed.h"
#include "test/sim/jobs.h"
#include "test/sim/pattern.h"
#include "test/sim/planted.h"
#include "test/sim/play.h"
#include "test/sim/replay.h"
#include "test/sim/scene.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/story_bytes.h"
#include "test/sim/witness.h"

enum { PATTERNS = 200 };

struct totals {
	struct witness w;
	struct closing_counts j;
	uint64_t violations, faults, starts, begun[STORY_N];
	int64_t simulated_ms;
	uint64_t hash;
	uint64_t acts; /* of the newest run */
};

struct arguments {
	uint64_t from, seeds, kill_at_act;
	uint64_t jobs, deaths; /* processes at a time; end after so many deaths of hosts, 0 = by seeds */
	int64_t until_s;
	const struct story_profile *profile;
	const struct fixed_story *fixed; /* NULL: drawn from the profile */
	bool all_fixed, matrix, scenario, coverage, complete;
	bool takeover; /* two controllers: who is killed stays dead */
	bool trace, json;
	bool bytes;         /* stories told by bytes, in files */
	bool planted;       /* the builds with a defect are run instead */
	bool recorded;      /* each run is recorded and replayed */
	const char *replay; /* a file of a flight recorder */
	bool first;         /* nothing more after a run that failed */
	bool beyond;        /* those that are too much for a minute */
	bool patterns;      /* correlated misfortune on a large cloud instead */
};

static void add(struct totals *t, const struct closing_counts *j)
{
	const uint64_t *from = (const uint64_t *)(const void *)j;
	uint64_t *to = (uint64_t *)(void *)&t->j;

	for (size_t k = 0; k < sizeof(*j) / sizeof(uint64_t); k++)
		to[k] += from[k];
	t->w.dual_writers += witness.dual_writers;
	t->w.dual_writers_by_operator += witness.dual_writers_by_operator;
	t->w.wrongful_fences += witness.wrongful_fences;
	t->w.fenced_alive += witness.fenced_alive;
	t->w.host_deaths += witness.host_deaths;
	t->w.power_offs += witness.power_offs;
	t->w.evacuate_calls += witness.evacuate_calls;
	t->w.mails += witness.mails;
	t->violations += sim.violation[0] != '\0';
	t->faults += story.faults;
	t->starts += sim.node[0].starts + sim.node[1].starts;
	for (int k = 0; k < STORY_N; k++)
		t->begun[k] += story.begun[k];
	t->hash = t->hash * 31 + sim.hash;
}

static void print_failure(const struct arguments *a, uint64_t seed, int64_t at_ms)
{
	char kill[60] = "";

	if (a->kill_at_act)
		snprintf(kill, sizeof(kill), "%s --kill-at %llu", a->takeover ? " --takeover" : "",
		    (unsigned long long)a->kill_at_act);
	printf("FAILED %s, seed %llu%s, at %.3f s: %s\n  again: osha-sim --%s %s --from %llu --seeds 1%s --trace\n",
	    a->fixed ? a->fixed->name : a->profile->name, (unsigned long long)seed, kill, (double)at_ms / 1000,
	    sim.violation, a->fixed ? "story" : "profile", a->fixed ? a->fixed->name : a->profile->name,
	    (unsigned long long)seed, kill);
}

static void look(void *arg, const struct closing_counts *counts, int64_t simulated_ms)
{
	struct totals *t = arg;

	add(t, counts);
	t->simulated_ms += simulated_ms;
	t->acts = sim.acts;
}

static bool run(const struct arguments *a, uint64_t seed, struct totals *t)
{
	struct play p = {.profile = a->fixed ? fixed_profile(a->fixed) : a->profile,
	    .fixed = a->fixed,
	    .seed = seed,
	    .kill_at_act = a->kill_at_act,
	    .until_s = a->until_s,
	    .is_takeover = a->takeover,
	    .is_recorded = a->recorded,
	    .is_traced = a->trace};
	int64_t at_ms;
	bool ok = play_run(&p, look, t, &at_ms);

	if (!ok)
		print_failure(a, seed, at_ms);
	return ok;
}

static void print_json(const struct totals *t, double wall_s)
{
	printf("{\"host_deaths\":%llu,\"dual_writers\":%llu,\"dual_writers_by_operator\":%llu,\"wrongful_fences\":%llu,"
	       "\"fenced_alive\":%llu,"
	       "\"violations\":%llu,\"recoveries\":%llu,\"recovered\":%llu,\"held\":%llu,\"faults\":%llu,",
	    (unsigned long long)t->w.host_deaths, (unsigned long long)t->w.dual_writers,
	    (unsigned long long)t->w.dual_writers_by_operator, (unsigned long long)t->w.wrongful_fences,
	    (unsigned long long)t->w.fenced_alive, (unsigned long long)t->violations,
	    (unsigned long long)t->j.recoveries, (unsigned long long)t->j.recovered, (unsigned long long)t->j.held,
	    (unsigned long long)t->faults);
	printf("\"recoveries_by_end\":{\"recovered\":%llu,\"returned\":%llu,\"cleared\":%llu,\"held\":%llu,"
	       "\"abandoned\":%llu},\"kinds\":{",
	    (unsigned long long)(t->j.recovered - t->j.returned), (unsigned long long)t->j.returned,
	    (unsigned long long)t->j.cleared, (unsigned long long)t->j.held, (unsigned long long)t->j.abandoned);
	for (int k = 0; k < STORY_N; k++)
		printf("%s\"%s\":%llu", k ? "," : "", story_kind_name((enum story_kind)k),
		    (unsigned long long)t->begun[k]);
	printf("},\"starts\":%llu,\"power_offs\":%llu,\"evacuate_calls\":%llu,\"mails\":%llu,\"trace_hash\":\"%"
	       "016llx\",\"simulated_s\":%lld,"
	       "\"wall_s\":%.3f}\n",
	    (unsigned long long)t->starts, (unsigned long long)t->w.power_offs, (unsigned long long)t->w.evacuate_calls,
	    (unsigned long long)t->w.mails, (unsigned long long)t->hash, (long long)(t->simulated_ms / 1000), wall_s);
}

static void print_text(const struct totals *t, double wall_s)
{
	printf("host deaths %llu, recoveries %llu: %llu recovered, %llu cleared, %llu held; faults %llu, starts of "
	       "oshad %llu\n"
	       "dual writers %llu (by an operator's wrong word %llu), wrongful fences %llu, living hosts fenced %llu, "
	       "violations %llu\n"
	       "simulated %lld s in %.3f s: %.0f times real time; trace %016llx\n",
	    (unsigned long long)t->w.host_deaths, (unsigned long long)t->j.recoveries,
	    (unsigned long long)t->j.recovered, (unsigned long long)t->j.cleared, (unsigned long long)t->j.held,
	    (unsigned long long)t->faults, (unsigned long long)t->starts, (unsigned long long)t->w.dual_writers,
	    (unsigned long long)t->w.dual_writers_by_operator, (unsigned long long)t->w.wrongful_fences,
	    (unsigned long long)t->w.fenced_alive, (unsigned long long)t->violations,
	    (long long)(t->simulated_ms / 1000), wall_s, (double)t->simulated_ms / 1000 / wall_s,
	    (unsigned long long)t->hash);
}

static int usage(FILE *to)
{
	fputs("usage: osha-sim [--seeds N] [--from S] [--profile P | --story NAME|all] [--matrix] [--takeover] [--jobs "
	      "N] [--deaths "
	      "N] [--until SECONDS] "
	      "[--kill-at K] [--first] [--trace] [--json]\n"
	      "       osha-sim --planted [--json]\n"
	      "       osha-sim --patterns [N] [--beyond] [--from S] [--trace] [--json]\n"
	      "       osha-sim --bytes [--trace] FILE...\n"
	      "       osha-sim --replay FILE [--trace] [--json]\n"
	      "       osha-sim --scenario [--coverage|--complete] [--trace] FILE...\n"
	      "       osha-sim --scenario --matrix [--jobs N] [--kill-at K] [--trace] FILE...\n"
	      "  --scenario each file is played and judged; --coverage: the edges of the workflow tables that were "
	      "taken;\n"
	      "             --complete: all of them and no others have to be\n"
	      "  --story    a written story on a small cloud instead of one drawn from a profile\n"
	      "  --matrix   once more for each outward act of the run, with the daemon killed right before it; of "
	      "scenarios it "
	      "prints\n"
	      "             which step boundaries were met, and all of them have to be\n"
	      "  --jobs     so many processes at a time, in rounds; --deaths N ends once so many hosts have died\n"
	      "  --until    end each run after so much simulated time\n"
	      "  --takeover two controllers: the one that --matrix or --kill-at kills stays dead\n"
	      "  --kill-at  kill the daemon at its K-th outward act\n"
	      "  --first    end with the first run that fails\n"
	      "  --recorded record each run and replay it\n"
	      "  --replay   feed what a daemon recorded (flight.jsonl) to this engine: does it decide the same?\n"
	      "  --planted  run the builds that have a defect, until each is found\n"
	      "  --bytes    stories told by bytes, as tools/fuzz story N finds them\n"
	      "  --patterns N correlated failures of a cloud of 1,000 hosts, 200 where no number is given; --beyond: "
	      "those that "
	      "are too much for a minute\n"
	      "  --trace    the daemon's log lines and what befalls the cloud\nprofiles:\n",
	    to);
	for (unsigned k = 0; story_profile_at(k); k++)
		fprintf(to, "  %-10s %s\n", story_profile_at(k)->name, story_profile_at(k)->summary);
	fputs("stories:", to);
	for (unsigned k = 0; fixed_at(k); k++)
		fprintf(to, " %s", fixed_at(k)->name);
	fputs("\n", to);
	return to == stderr ? 2 : 0;
}

/* The word that takes no value and only says yes; NULL for any other. */
static bool *switch_of(struct arguments *a, int letter)
{
	switch (letter) {
	case 'S':
		return &a->scenario;
	case 'c':
		return &a->coverage;
	case 'C':
		return &a->complete;
	case 'm':
		return &a->matrix;
	case 'T':
		return &a->takeover;
	case '1':
		return &a->first;
	case 'B':
		return &a->bytes;
	case 'R':
		return &a->recorded;
	case 'P':
		return &a->planted;
	case 'b':
		return &a->beyond;
	case 'A':
		return &a->patterns;
	case 't':
		return &a->trace;
	case 'j':
		return &a->json;
	default:
		return NULL;
	}
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {{"seeds", 1, 0, 'n'}, {"from", 1, 0, 'f'}, {"profile", 1, 0, 'p'},
	    {"until", 1, 0, 'u'}, {"jobs", 1, 0, 'J'}, {"deaths", 1, 0, 'd'}, {"story", 1, 0, 's'},
	    {"matrix", 0, 0, 'm'}, {"takeover", 0, 0, 'T'}, {"kill-at", 1, 0, 'k'}, {"first", 0, 0, '1'},
	    {"planted", 0, 0, 'P'}, {"bytes", 0, 0, 'B'}, {"trace", 0, 0, 't'}, {"json", 0, 0, 'j'},
	    {"scenario", 0, 0, 'S'}, {"coverage", 0, 0, 'c'}, {"complete", 0, 0, 'C'}, {"replay", 1, 0, 'r'},
	    {"recorded", 0, 0, 'R'}, {"patterns", 0, 0, 'A'}, {"beyond", 0, 0, 'b'}, {"help", 0, 0, 'h'}, {0}};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'n':
			a->seeds = strtoull(optarg, NULL, 10);
			break;
		case 'f':
			a->from = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			a->profile = story_profile_named(optarg);
			break;
		case 'J':
			a->jobs = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			a->deaths = strtoull(optarg, NULL, 10);
			a->seeds = UINT32_MAX;
			break;
		case 's':
			a->profile = fixed_profile(NULL);
			a->all_fixed = str_eq(optarg, "all");
			a->fixed = fixed_named(optarg);
			if (!a->fixed && !a->all_fixed)
				return usage(stderr);
			break;
		case 'u':
			a->until_s = strtoll(optarg, NULL, 10);
			break;
		case 'r':
			a->replay = optarg;
			break;
		case 'k':
			a->kill_at_act = strtoull(optarg, NULL, 10);
			break;
		default:
			if (!switch_of(a, o))
				return usage(o == 'h' ? stdout : stderr);
			*switch_of(a, o) = true;
		}
	}
	if (a->jobs < 1 || a->jobs > JOBS_MAX) {
		fprintf(stderr, "osha-sim: --jobs: 1 to %d expected\n", JOBS_MAX);
		return 2;
	}
	return a->profile ? -1 : usage(stderr);
}

/* Kill at each outward act in turn, until a run ends before its turn comes. */
static bool run_matrix(struct arguments *a, uint64_t seed, struct totals *t)
{
	bool ok = true;

	for (a->kill_at_act = 1; ok; a->kill_at_act++) {
		ok = run(a, seed, t);
		if (t->acts < a->kill_at_act)
			break;
	}
	a->kill_at_act = 0;
	return ok;
}

static bool run_seeds(struct arguments *a, struct totals *t)
{
	bool ok = true;

	for (uint64_t seed = a->from; seed < a->from + a->seeds && (ok || !a->first); seed++) {
		ok &= run(a, seed, t);
		if (a->matrix)
			ok &= run_matrix(a, seed, t);
	}
	return ok;
}

static bool run_all(struct arguments *a, struct totals *t)
{
	bool ok = true;

	if (!a->all_fixed)
		return run_seeds(a, t);
	for (unsigned k = 0; fixed_at(k) && (ok || !a->first); k++) {
		a->fixed = fixed_at(k);
		ok &= run_seeds(a, t);
	}
	return ok;
}

static bool run_chunk(void *arg, uint64_t from, uint64_t n, uint64_t *totals)
{
	struct arguments a = *(const struct arguments *)arg;
	struct totals t = {0};
	bool ok;

	a.from = from;
	a.seeds = n;
	ok = run_all(&a, &t);
	memcpy(totals, &t, sizeof(t));
	return ok;
}

enum { CHUNK = 25 }; /* seeds of a process in one round */

/* In rounds, with a line about each to whoever waits; the last line says where to go on. */
static bool run_rounds(struct arguments *a, struct totals *t)
{
	uint64_t end = a->from + a->seeds, done;
	const struct jobs jobs = {.fn = run_chunk, .arg = a, .n = (unsigned)a->jobs, .chunk = CHUNK};
	bool ok = true;

	while (a->from < end && (!a->deaths || t->w.host_deaths < a->deaths)) {
		ok &= jobs_round(
		    &jobs, a->from, end - a->from, &done, (uint64_t *)(void *)t, sizeof(*t) / sizeof(uint64_t));
		a->from += done;
		fprintf(stderr, "%llu host deaths, %llu violations; to go on: --from %llu\n",
		    (unsigned long long)t->w.host_deaths, (unsigned long long)t->violations,
		    (unsigned long long)a->from);
		if (!done)
			break;
	}
	return ok;
}

/* Stories that a fuzzer wrote, each in a file of its own. */
static bool run_bytes(const struct arguments *a, char **paths, size_t n, struct totals *t)
{
	static uint8_t bytes[STORY_BYTES_MAX];
	bool ok = true;

	for (size_t k = 0; k < n; k++) {
		FILE *f = fopen(paths[k], "rb");
		struct play p = {.profile = a->profile, .bytes = bytes, .is_traced = a->trace};
		int64_t at_ms;

		if (!f) {
			perror(paths[k]);
			return false;
		}
		p.byte_n = fread(bytes, 1, sizeof(bytes), f);
		fclose(f);
		p.seed = story_bytes_seed(bytes, p.byte_n);
		if (play_run(&p, look, t, &at_ms))
			continue;
		ok = false;
		printf("FAILED %s, at %.3f s: %s\n  again: osha-sim --bytes --trace %s\n", paths[k],
		    (double)at_ms / 1000, sim.violation, paths[k]);
	}
	return ok && n;
}

static int play_patterns(const struct arguments *a, const char *n)
{
	const struct pattern_order order = {.n = n ? strtoull(n, NULL, 10) : PATTERNS,
	    .from = a->from,
	    .is_traced = a->trace,
	    .is_json = a->json,
	    .is_beyond = a->beyond};

	return pattern_main(&order);
}

int main(int argc, char **argv)
{
	struct arguments a = {.from = 1, .seeds = 100, .jobs = 1, .profile = story_profile_at(0)};
	struct totals t = {0};
	struct timespec t0, t1;
	double wall_s;
	bool ok;
	int status = parse(&a, argc, argv);

	if (status >= 0)
		return status;
	if (a.planted)
		return planted_run(a.json);
	if (a.replay)
		return replay_main(a.replay, a.trace, a.json);
	setvbuf(stdout, NULL, _IOLBF, 0); /* what a run said is seen even if it never ends */
	if (a.patterns)
		return play_patterns(&a, optind < argc ? argv[optind] : NULL);
	if (a.scenario && (a.matrix || a.kill_at_act))
		return scene_matrix_main(
		    argv + optind, (size_t)(argc - optind), (unsigned)a.jobs, a.kill_at_act, a.trace);
	if (a.scenario)
		return scene_main(argv + optind, (size_t)(argc - optind), a.trace,
		    a.complete   ? COVERAGE_WHOLE
		    : a.coverage ? COVERAGE_PRINTED
				 : COVERAGE_NONE);
	if (a.bytes)
		a.profile = story_profile_named("bytes");
	play_configure(a.profile, a.from);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	ok = a.bytes                  ? run_bytes(&a, argv + optind, (size_t)(argc - optind), &t)
	     : a.jobs > 1 || a.deaths ? run_rounds(&a, &t)
				      : run_all(&a, &t);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	controller_unconfigure();
	wall_s = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	(a.json ? print_json : print_text)(&t, wall_s);
	return ok ? 0 : 1;
}
