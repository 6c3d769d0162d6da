/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash matrix: every scenario is played again for each outward act of it, with the daemon killed right before that act, and comes to the
 * same end. Which boundaries of the two workflow tables were met on the way is counted: edges that the daemon had taken and whose record was
 * lost with it, and edges whose record was the newest on disk, from where the next one went on. Of an instance not every row is recorded: all the
 * edges count that it took since the newest one on disk, or the one that led there.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "engine/workflow.h"
#include "journal/codec.h"
#include "test/sim/clockwork.h"
#include "test/sim/controller.h"
#include "test/sim/jobs.h"
#include "test/sim/replay.h"
#include "test/sim/scene.h"
#include "test/sim/store.h"

enum { KNOWN_MAX = 64, ROWS_MAX = 24, TRAIL = 5 };

_Static_assert((int)HOST_ROW_N <= (int)ROWS_MAX && (int)INSTANCE_ROW_N <= (int)ROWS_MAX, "a table has more rows");

/* All of uint64_t: what processes of their own count is added up. */
struct boundaries {
	uint64_t kills, others, passed, failed; /* others: kills that made it another story */
	uint64_t host_lost[ROWS_MAX][ROWS_MAX], host_kept[ROWS_MAX][ROWS_MAX];
	uint64_t instance_met[ROWS_MAX][ROWS_MAX];
};

/* A recovery, or an instance of one, and the rows that the daemon which runs last moved it through: the newest is row[0]. */
struct seen {
	char key[JOURNAL_KEY_SIZE];
	int row[TRAIL];
	bool is_instance;
};

static struct boundaries bounds;
static struct {
	uint32_t life;
	size_t n;
	struct seen all[KNOWN_MAX];
	bool is_dead; /* it was just killed: what its disk kept is to be seen */
} known;

static void step(struct seen *s, int row)
{
	memmove(s->row + 1, s->row, (TRAIL - 1) * sizeof(int));
	s->row[0] = row;
}

static bool is_ended_instance(const struct seen *s)
{
	return s->is_instance && s->row[0] && (instance_step_of((enum instance_row)s->row[0])->flags & STEP_FINAL);
}

static void move(const char *key, bool is_instance, int row)
{
	size_t k = 0;

	while (k < known.n && !str_eq(known.all[k].key, key))
		k++;
	if (k == KNOWN_MAX)
		return;
	if (k == known.n) {
		known.n++;
		known.all[k] = (struct seen){.row = {row}, .is_instance = is_instance};
		str_copy(known.all[k].key, sizeof(known.all[k].key), key);
		return;
	}
	if (known.all[k].row[0] == row)
		return;
	if (is_ended_instance(&known.all[k]) && row == INSTANCE_ROW_ASKING)
		step(&known.all[k], INSTANCE_ROW_WAITING); /* within one step of the engine */
	step(&known.all[k], row);
}

static void look(const struct daemon *d)
{
	const struct recovery_record *r = NULL;
	struct record rec;
	char key[JOURNAL_KEY_SIZE];

	while ((r = engine_recovery_next(d->engine, r))) {
		rec = (struct record){.type = RECORD_RECOVERY, .recovery = *r};
		(void)journal_record_key(&rec, key, sizeof(key));
		move(key, false, (int)r->row);
		for (const struct instance_record *i = NULL; (i = engine_instance_next(d->engine, r, i));) {
			rec = (struct record){.type = RECORD_INSTANCE, .instance = *i};
			(void)journal_record_key(&rec, key, sizeof(key));
			move(key, true, (int)i->row);
		}
	}
}

void scene_kill_turn(void)
{
	const struct daemon *d = sim.node[0].daemon;

	if (sim.node[0].starts != known.life)
		known.n = 0;
	known.life = sim.node[0].starts;
	if (d && d->engine && !sim.node[0].is_dying && !sim.node[0].is_opening)
		look(d);
}

void scene_kill_dying(void)
{
	if (sim.current != &sim.node[0] || sim.node[0].is_opening || !sim.node[0].daemon || !sim.node[0].daemon->engine)
		return;
	look(sim.node[0].daemon);
	known.is_dead = true;
}

static void count_instance(const struct seen *s, int disk)
{
	size_t k = 0;

	do {
		bounds.instance_met[s->row[k + 1]][s->row[k]]++;
		k++;
	} while (k + 1 < TRAIL && s->row[k - 1] != disk && s->row[k]);
}

static void count_recovery(const struct seen *s, int disk)
{
	if (disk == s->row[0])
		bounds.host_kept[s->row[1]][s->row[0]]++;
	else
		bounds.host_lost[s->row[1]][s->row[0]]++;
	if (disk != s->row[0] && disk == s->row[1])
		bounds.host_kept[s->row[2]][s->row[1]]++;
}

static void count(const struct seen *s)
{
	struct record rec = {0};
	bool is_there = store_record(sim.node[0].store, s->key, &rec);

	if (s->is_instance)
		count_instance(s, is_there ? (int)rec.instance.row : 0);
	else
		count_recovery(s, is_there ? (int)rec.recovery.row : 0);
}

void scene_kill_buried(void)
{
	if (!known.is_dead || sim.node[0].is_dying)
		return;
	for (size_t k = 0; k < known.n; k++)
		count(&known.all[k]);
	known.n = 0;
	known.is_dead = false;
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
		known.is_dead = false;
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

struct table {
	const char *name;
	int rows;
	const bool *is;
	const char *(*row_name)(int row);
	struct {
		const char *says;
		const uint64_t (*times)[ROWS_MAX];
	} way[2];
};

static bool print_edge(const struct table *t, int a, int b, unsigned met[2])
{
	bool is_met = true;

	for (int w = 0; w < 2 && t->way[w].says; w++) {
		is_met &= t->way[w].times[a][b] != 0;
		met[w] += t->way[w].times[a][b] != 0;
	}
	printf("  %-8s %s -> %s:", is_met ? "" : "MISSING", t->row_name(a), t->row_name(b));
	for (int w = 0; w < 2 && t->way[w].says; w++)
		printf(" %s %llu", t->way[w].says, (unsigned long long)t->way[w].times[a][b]);
	printf("\n");
	return is_met;
}

/* True: every edge of the table was met in each way. */
static bool print_table(const struct table *t)
{
	unsigned all = 0, met[2] = {0};
	bool ok = true;

	for (int k = 0; k < t->rows * t->rows; k++) {
		int a = k / t->rows, b = k % t->rows;

		if (!a || !b || a == b || !t->is[k])
			continue;
		all++;
		ok &= print_edge(t, a, b, met);
	}
	for (int w = 0; w < 2 && t->way[w].says; w++)
		printf("%s: boundaries %s: %u of %u\n", t->name, t->way[w].says, met[w], all);
	return ok;
}

static const char *host_name(int row)
{
	return host_row_name((enum host_row)row);
}

static const char *instance_name(int row)
{
	return instance_row_name((enum instance_row)row);
}

int scene_matrix_main(char **paths, size_t n, unsigned jobs, uint64_t kill_at, bool is_traced)
{
	struct order o = {paths, n, jobs, kill_at, is_traced};
	const struct jobs all_jobs = {.fn = run_some, .arg = &o, .n = jobs, .chunk = 1};
	bool hosts[HOST_ROW_N][HOST_ROW_N] = {0}, instances[INSTANCE_ROW_N][INSTANCE_ROW_N] = {0};
	static struct boundaries all;
	bool ok = true, is_covered;
	uint64_t done;

	ok = jobs_round(&all_jobs, 0, jobs, &done, (uint64_t *)(void *)&all, sizeof(all) / sizeof(uint64_t));
	if (kill_at)
		return ok && !all.failed ? 0 : 1;
	scene_host_edges(hosts);
	scene_instance_edges(instances);
	is_covered = print_table(&(struct table){"hosts", HOST_ROW_N, &hosts[0][0], host_name,
	    {{"record lost", all.host_lost}, {"record kept", all.host_kept}}});
	is_covered &= print_table(
	    &(struct table){"instances", INSTANCE_ROW_N, &instances[0][0], instance_name, {{"met", all.instance_met}}});
	printf("%llu kills in %zu scenarios; %llu of them came before what the scenario waits for, which then was not "
	       "set off\n",
	    (unsigned long long)all.kills, n, (unsigned long long)all.others);
	printf("%llu passed, %llu failed, 0 skipped\n", (unsigned long long)all.passed,
	    (unsigned long long)all.failed + !is_covered + !ok);
	return ok && is_covered && !all.failed && n ? 0 : 1;
}
