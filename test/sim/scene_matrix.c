/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash matrix: every scenario is played again for each outward act of it, with the daemon killed right before that act, and comes to the
 * same end. Which boundaries of the two workflow tables were met on the way is counted: edges that the daemon had taken and whose record was
 * lost with it, and edges whose record was the newest on disk, from where the next one went on. Of an instance not every row is recorded: all the
 * edges count that it took since the newest one on disk, or the one that led there.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"
#include "test/sim/clockwork.h"
#include "test/sim/controller.h"
#include "test/sim/jobs.h"
#include "test/sim/replay.h"
#include "test/sim/scene.h"
#include "test/sim/scene_edges.h"
#include "test/sim/store.h"

/* All of uint64_t: what processes of their own count is added up. */
struct boundaries {
	uint64_t kills, others, passed, failed; /* others: kills that made it another story */
	uint64_t host_lost[ROWS_MAX][ROWS_MAX], host_kept[ROWS_MAX][ROWS_MAX];
	uint64_t instance_met[ROWS_MAX][ROWS_MAX];
};

static struct boundaries bounds;
static struct trails known;
static bool is_dead; /* it was just killed: what its disk kept is to be seen */

void scene_kill_turn(void)
{
	trails_look(&known, NULL);
}

void scene_kill_dying(void)
{
	if (sim.current != &sim.node[0] || sim.node[0].is_opening || !sim.node[0].daemon || !sim.node[0].daemon->engine)
		return;
	trails_look(&known, NULL);
	is_dead = true;
}

static void count_instance(const struct trail *s, int disk)
{
	size_t k = 0;

	do {
		bounds.instance_met[s->row[k + 1]][s->row[k]]++;
		k++;
	} while (k + 1 < TRAIL_LENGTH && s->row[k - 1] != disk && s->row[k]);
}

static void count_recovery(const struct trail *s, int disk)
{
	if (disk == s->row[0])
		bounds.host_kept[s->row[1]][s->row[0]]++;
	else
		bounds.host_lost[s->row[1]][s->row[0]]++;
	if (disk != s->row[0] && disk == s->row[1])
		bounds.host_kept[s->row[2]][s->row[1]]++;
}

static void count(const struct trail *s)
{
	struct record rec = {0};
	bool is_there = store_record(sim.node[0].store, s->key, &rec);

	if (s->table == EDGES_OF_INSTANCES)
		count_instance(s, is_there ? (int)rec.instance.row : 0);
	else
		count_recovery(s, is_there ? (int)rec.recovery.row : 0);
}

void scene_kill_buried(void)
{
	if (!is_dead || sim.node[0].is_dying)
		return;
	for (size_t k = 0; k < known.n; k++)
		count(&known.all[k]);
	known.n = 0;
	is_dead = false;
}

/* --- all of them --- */

struct order {
	char **paths;
	size_t n;
	unsigned jobs;
	uint64_t kill_at; /* here alone; 0: everywhere */
	bool is_traced;
};

static bool run_everywhere(struct scene *s, const struct order *o)
{
	struct scene_killed came = {0};
	bool ok = scene_run(s, false);

	for (uint64_t k = o->kill_at ? o->kill_at : 1; !came.was_last && (!o->kill_at || k == o->kill_at); k++) {
		known.n = 0;
		known.life = 0;
		is_dead = false;
		scene_run_killed(s, k, o->is_traced, &came);
		bounds.kills++;
		bounds.others += came.is_other_story;
		ok &= came.ok;
	}
	return ok;
}

enum { SAY_EVERY = 50 };

/* Every so manieth one of them, so that each process has its share of the long ones. */
static bool run_some(void *arg, uint64_t from, uint64_t n, uint64_t *totals)
{
	const struct order *o = arg;
	static struct scene s;

	(void)n;
	for (uint64_t k = from; k < o->n; k += o->jobs) {
		bool ok = scene_read(o->paths[k], &s) && run_everywhere(&s, o);

		bounds.passed += ok;
		bounds.failed += !ok;
		scene_free(&s);
		if (!from && k / SAY_EVERY != (k + o->jobs) / SAY_EVERY)
			fprintf(stderr, "%zu of %zu scenarios\n", (size_t)k + o->jobs, o->n);
	}
	controller_unconfigure();
	flight_forget();
	memcpy(totals, &bounds, sizeof(bounds));
	return true;
}

int scene_matrix_main(char **paths, size_t n, unsigned jobs, uint64_t kill_at, bool is_traced)
{
	struct order o = {paths, n, jobs, kill_at, is_traced};
	const struct jobs all_jobs = {.fn = run_some, .arg = &o, .n = jobs, .chunk = 1};
	static struct boundaries all;
	bool ok = true, is_covered;
	uint64_t done;

	ok = jobs_round(&all_jobs, 0, jobs, &done, (uint64_t *)(void *)&all, sizeof(all) / sizeof(uint64_t));
	if (kill_at)
		return ok && !all.failed ? 0 : 1;
	is_covered = edges_print(stdout, EDGES_OF_HOSTS,
	    (const struct edge_way[2]){{"record lost", all.host_lost}, {"record kept", all.host_kept}});
	is_covered &= edges_print(stdout, EDGES_OF_INSTANCES, (const struct edge_way[2]){{"met", all.instance_met}});
	printf("%llu kills in %zu scenarios; %llu of them came before what the scenario waits for, which then was not "
	       "set off\n",
	    (unsigned long long)all.kills, n, (unsigned long long)all.others);
	printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)all.passed,
	    (unsigned long long)all.failed + !is_covered + !ok);
	return ok && is_covered && !all.failed && n ? 0 : 1;
}
