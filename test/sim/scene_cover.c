/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which edges of the two workflow tables were taken: of hosts by the daemon's own lines, which name each one; of instances by looking at
 * the engine whenever something has happened, since not every row of theirs is recorded.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/daemon.h"
#include "engine/workflow.h"
#include "test/sim/clockwork.h"
#include "test/sim/scene.h"

enum { KNOWN_MAX = 64 };

static unsigned host_taken[HOST_ROW_N][HOST_ROW_N];
static unsigned instance_taken[INSTANCE_ROW_N][INSTANCE_ROW_N];

/* Rows of the instances as last seen, of one daemon's life. */
static struct {
	uint32_t life;
	size_t n;
	struct {
		char recovery[RECOVERY_ID_SIZE], uuid[UUID_SIZE];
		enum instance_row row;
	} all[KNOWN_MAX];
} known;

static int host_row_named(const char *text, size_t n)
{
	for (int k = 0; k < HOST_ROW_N; k++) {
		const char *name = host_row_name((enum host_row)k);

		if (strlen(name) == n && strncmp(name, text, n) == 0)
			return k;
	}
	return -1;
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
	a = host_row_named(from, (size_t)(arrow - from));
	b = host_row_named(to, strcspn(to, ":"));
	if (a >= 0 && b >= 0)
		host_taken[a][b]++;
}

/* What was ended and is tried again has waited in between, within one step. */
static void count_move(enum instance_row from, enum instance_row to)
{
	bool was_ended = from != INSTANCE_ROW_NONE && (instance_step_of(from)->flags & STEP_FINAL);

	if (from == to)
		return;
	if (was_ended && to == INSTANCE_ROW_ASKING) {
		instance_taken[from][INSTANCE_ROW_WAITING]++;
		from = INSTANCE_ROW_WAITING;
	}
	instance_taken[from][to]++;
}

static void look(const struct instance_record *i)
{
	size_t k = 0;

	while (k < known.n && (!str_eq(known.all[k].recovery, i->recovery) || !str_eq(known.all[k].uuid, i->uuid)))
		k++;
	if (k == KNOWN_MAX)
		return;
	if (k == known.n) {
		known.n++;
		str_copy(known.all[k].recovery, sizeof(known.all[k].recovery), i->recovery);
		str_copy(known.all[k].uuid, sizeof(known.all[k].uuid), i->uuid);
		known.all[k].row = INSTANCE_ROW_NONE;
	}
	count_move(known.all[k].row, i->row);
	known.all[k].row = i->row;
}

void scene_cover_turn(void)
{
	const struct recovery_record *r = NULL;
	const struct daemon *d = sim.node[0].daemon;
	uint32_t life = sim.node[0].starts;

	if (life != known.life || sim.now_ms < 1000100)
		known.n = 0;
	known.life = life;
	if (!d || !d->engine || sim.node[0].is_dying)
		return;
	while ((r = engine_recovery_next(d->engine, r))) {
		for (const struct instance_record *i = NULL; (i = engine_instance_next(d->engine, r, i));)
			look(i);
	}
}

/* --- what the tables say there is --- */

void scene_host_edges(bool is[HOST_ROW_N][HOST_ROW_N])
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

void scene_instance_edges(bool is[INSTANCE_ROW_N][INSTANCE_ROW_N])
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

struct table {
	const char *name;
	int rows;
	const char *(*row_name)(int row);
	const bool *is;
	const unsigned *taken;
};

static const char *host_name(int row)
{
	return host_row_name((enum host_row)row);
}

static const char *instance_name(int row)
{
	return instance_row_name((enum instance_row)row);
}

/* An edge to itself is a repeated attempt and shows in no row; what leads to none cannot happen. */
static bool table_print(FILE *to, const struct table *t)
{
	unsigned all = 0, taken = 0, beside = 0;

	for (int k = 0; k < t->rows * t->rows; k++) {
		int a = k / t->rows, b = k % t->rows;

		if (!a || !b || a == b || !t->is[k])
			continue;
		all++;
		taken += t->taken[k] != 0;
		fprintf(to, "  %-8s %s -> %s: %u\n", t->taken[k] ? "" : "MISSING", t->row_name(a), t->row_name(b),
		    t->taken[k]);
	}
	for (int k = 0; k < t->rows * t->rows; k++) {
		if (!(k / t->rows) || k / t->rows == k % t->rows || !t->taken[k] || t->is[k])
			continue;
		beside++;
		fprintf(
		    to, "  BESIDE   %s -> %s: %u\n", t->row_name(k / t->rows), t->row_name(k % t->rows), t->taken[k]);
	}
	fprintf(to, "%s: %u of %u edges of its table were taken, and %u that it does not have\n", t->name, taken, all,
	    beside);
	return taken == all && !beside;
}

bool scene_cover_print(FILE *to)
{
	bool hosts[HOST_ROW_N][HOST_ROW_N] = {0}, instances[INSTANCE_ROW_N][INSTANCE_ROW_N] = {0}, ok;

	scene_host_edges(hosts);
	scene_instance_edges(instances);
	ok = table_print(to, &(struct table){"hosts", HOST_ROW_N, host_name, &hosts[0][0], &host_taken[0][0]});
	ok &= table_print(
	    to, &(struct table){"instances", INSTANCE_ROW_N, instance_name, &instances[0][0], &instance_taken[0][0]});
	return ok;
}
