/* SPDX-License-Identifier: Apache-2.0 */
/* Edges of the workflow tables; see the header. Since not every row of an instance is recorded the engine is looked at, not its journal. */
#include "test/sim/scene_edges.h"

#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "engine/workflow.h"
#include "test/sim/clockwork.h"

_Static_assert((int)HOST_ROW_N <= (int)ROWS_MAX && (int)INSTANCE_ROW_N <= (int)ROWS_MAX, "a table has more rows");

/* --- trails --- */

static void step(struct trail *t, int row, trail_fn fn)
{
	memmove(t->row + 1, t->row, (TRAIL_LENGTH - 1) * sizeof(int));
	t->row[0] = row;
	if (fn)
		fn(t);
}

static bool is_ended_instance(const struct trail *t)
{
	return t->table == EDGES_OF_INSTANCES && t->row[0] &&
	       (instance_step_of((enum instance_row)t->row[0])->flags & STEP_FINAL);
}

static void move(struct trails *t, const struct record *rec, enum edge_table table, int row, trail_fn fn)
{
	char key[JOURNAL_KEY_SIZE];
	size_t k = 0;

	(void)journal_record_key(rec, key, sizeof(key));
	while (k < t->n && !str_eq(t->all[k].key, key))
		k++;
	if (k == TRAILS_MAX)
		return;
	if (k == t->n) {
		t->n++;
		t->all[k] = (struct trail){.table = table};
		str_copy(t->all[k].key, sizeof(t->all[k].key), key);
	}
	if (t->all[k].row[0] == row)
		return;
	/* what was ended and is tried again has waited in between, within one step of the engine */
	if (is_ended_instance(&t->all[k]) && row == INSTANCE_ROW_ASKING)
		step(&t->all[k], INSTANCE_ROW_WAITING, fn);
	step(&t->all[k], row, fn);
}

void trails_look(struct trails *t, trail_fn fn)
{
	const struct daemon *d = sim.node[0].daemon;
	const struct recovery_record *r = NULL;
	struct record rec;

	if (sim.node[0].starts != t->life)
		t->n = 0;
	t->life = sim.node[0].starts;
	if (!d || !d->engine || sim.node[0].is_dying || sim.node[0].is_opening)
		return;
	while ((r = engine_recovery_next(d->engine, r))) {
		rec = (struct record){.type = RECORD_RECOVERY, .recovery = *r};
		move(t, &rec, EDGES_OF_HOSTS, (int)r->row, fn);
		for (const struct instance_record *i = NULL; (i = engine_instance_next(d->engine, r, i));) {
			rec = (struct record){.type = RECORD_INSTANCE, .instance = *i};
			move(t, &rec, EDGES_OF_INSTANCES, (int)i->row, fn);
		}
	}
}

/* --- what the tables say there is --- */

static int row_n(enum edge_table table)
{
	return table == EDGES_OF_HOSTS ? (int)HOST_ROW_N : (int)INSTANCE_ROW_N;
}

const char *edges_row_name(enum edge_table table, int row)
{
	return table == EDGES_OF_HOSTS ? host_row_name((enum host_row)row) : instance_row_name((enum instance_row)row);
}

int edges_row_named(enum edge_table table, const char *text, size_t n)
{
	for (int k = 0; k < row_n(table); k++) {
		const char *name = edges_row_name(table, k);

		if (strlen(name) == n && strncmp(name, text, n) == 0)
			return k;
	}
	return -1;
}

static void host_edges(bool is[ROWS_MAX][ROWS_MAX])
{
	size_t n;
	const struct side_edge *side = host_side_edges(&n);

	for (int a = 0; a < HOST_ROW_N; a++) {
		for (int o = 0; o < OUTCOME_N; o++)
			is[a][host_step_of((enum host_row)a)->next[o]] = true;
	}
	for (size_t k = 0; k < n; k++) {
		for (int a = 0; a < HOST_ROW_N; a++) {
			if (side[k].from == a ||
			    (side[k].from == SIDE_UNDER_PROOF && (host_step_of((enum host_row)a)->flags & STEP_PROOF)))
				is[a][side[k].to] = true;
		}
	}
}

static void instance_edges(bool is[ROWS_MAX][ROWS_MAX])
{
	size_t n;
	const struct side_edge *side = instance_side_edges(&n);

	for (int a = 0; a < INSTANCE_ROW_N; a++) {
		for (int o = 0; o < OUTCOME_N; o++)
			is[a][instance_step_of((enum instance_row)a)->next[o]] = true;
	}
	for (size_t k = 0; k < n; k++)
		is[side[k].from][side[k].to] = true;
}

void edges_of(enum edge_table table, bool ret[ROWS_MAX][ROWS_MAX])
{
	memset(ret, 0, sizeof(bool[ROWS_MAX][ROWS_MAX]));
	(table == EDGES_OF_HOSTS ? host_edges : instance_edges)(ret);
	for (int k = 0; k < ROWS_MAX; k++)
		ret[k][k] = ret[0][k] = ret[k][0] = false;
}

/* --- the report --- */

static bool print_edge(FILE *to, enum edge_table table, const struct edge_way way[2], int a, int b, unsigned met[2])
{
	bool is_met = true;

	for (int w = 0; w < 2 && way[w].says; w++) {
		is_met &= way[w].times[a][b] != 0;
		met[w] += way[w].times[a][b] != 0;
	}
	fprintf(to, "  %-8s %s -> %s:", is_met ? "" : "MISSING", edges_row_name(table, a), edges_row_name(table, b));
	for (int w = 0; w < 2 && way[w].says; w++)
		fprintf(to, " %s %llu", way[w].says, (unsigned long long)way[w].times[a][b]);
	fprintf(to, "\n");
	return is_met;
}

bool edges_print(FILE *to, enum edge_table table, const struct edge_way way[2])
{
	bool is[ROWS_MAX][ROWS_MAX], ok = true;
	unsigned all = 0, met[2] = {0};

	edges_of(table, is);
	for (int k = 0; k < ROWS_MAX * ROWS_MAX; k++) {
		if (!is[k / ROWS_MAX][k % ROWS_MAX])
			continue;
		all++;
		ok &= print_edge(to, table, way, k / ROWS_MAX, k % ROWS_MAX, met);
	}
	for (int w = 0; w < 2 && way[w].says; w++)
		fprintf(to, "%s: %s %u of %u edges\n", table == EDGES_OF_HOSTS ? "hosts" : "instances", way[w].says,
		    met[w], all);
	return ok;
}
