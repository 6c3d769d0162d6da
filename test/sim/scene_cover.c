/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which edges of the two workflow tables were taken: of hosts by the daemon's own lines, which name each one; of instances by looking at
 * the engine whenever something has happened.
 */
#include <string.h>

#include "test/sim/scene.h"
#include "test/sim/scene_edges.h"

static uint64_t taken[2][ROWS_MAX][ROWS_MAX]; /* by enum edge_table */
static struct trails trails;

void scene_cover_begin(void)
{
	trails.n = 0;
}

/* "ID: HOST FROM -> TO: WHY" */
void scene_cover_line(const char *line)
{
	const char *arrow = strstr(line, " -> "), *from = arrow, *to = arrow ? arrow + 4 : NULL;
	int a, b;

	if (!arrow || !to)
		return;
	while (from > line && from[-1] != ' ')
		from--;
	a = edges_row_named(EDGES_OF_HOSTS, from, (size_t)(arrow - from));
	b = edges_row_named(EDGES_OF_HOSTS, to, strcspn(to, ":"));
	if (a >= 0 && b >= 0)
		taken[EDGES_OF_HOSTS][a][b]++;
}

static void step(const struct trail *t)
{
	if (t->table == EDGES_OF_INSTANCES)
		taken[EDGES_OF_INSTANCES][t->row[1]][t->row[0]]++;
}

void scene_cover_turn(void)
{
	trails_look(&trails, step);
}

/* Edges that were taken and that the table does not have. */
static unsigned print_beside(FILE *to, enum edge_table table)
{
	bool is[ROWS_MAX][ROWS_MAX];
	unsigned beside = 0;

	edges_of(table, is);
	for (int k = 0; k < ROWS_MAX * ROWS_MAX; k++) {
		int a = k / ROWS_MAX, b = k % ROWS_MAX;

		if (!a || a == b || is[a][b] || !taken[table][a][b])
			continue;
		beside++;
		fprintf(to, "  BESIDE   %s -> %s: %llu\n", edges_row_name(table, a), edges_row_name(table, b),
		    (unsigned long long)taken[table][a][b]);
	}
	return beside;
}

bool scene_cover_print(FILE *to)
{
	bool ok = true;

	for (int k = EDGES_OF_HOSTS; k <= EDGES_OF_INSTANCES; k++) {
		ok &= edges_print(to, (enum edge_table)k, (const struct edge_way[2]){{"taken", taken[k]}});
		ok &= print_beside(to, (enum edge_table)k) == 0;
	}
	return ok;
}
