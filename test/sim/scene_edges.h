/* SPDX-License-Identifier: Apache-2.0 */
/* The edges of the two workflow tables: which there are, which ones a daemon takes, and the report of how often each was met. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "journal/codec.h"

/* ROWS_MAX: more than either table has rows. TRAIL_LENGTH: so many of the newest rows are kept. */
enum { ROWS_MAX = 24, TRAIL_LENGTH = 5, TRAILS_MAX = 128 };

enum edge_table { EDGES_OF_HOSTS = 0, EDGES_OF_INSTANCES };

/* A recovery, or an instance of one, and the rows that the daemon which runs last moved it through: the newest is row[0]. */
struct trail {
	char key[JOURNAL_KEY_SIZE];
	int row[TRAIL_LENGTH];
	enum edge_table table;
};

struct trails {
	uint32_t life; /* of the daemon that they are of */
	size_t n;
	struct trail all[TRAILS_MAX];
};

/* It came from row[1], 0 where it was not known, to row[0]. */
typedef void (*trail_fn)(const struct trail *t);

/** trails_look() - see where the first controller's daemon has moved things; after every turn. A new life begins new trails. @fn: or NULL */
void trails_look(struct trails *t, trail_fn fn);

/* How often each edge was met in one way, by [from][to]. */
struct edge_way {
	const char *says; /* NULL: there is no second way */
	const uint64_t (*times)[ROWS_MAX];
};

/** edges_of() - those that a table has, by [from][to]. */
void edges_of(enum edge_table table, bool ret[ROWS_MAX][ROWS_MAX]);
/** edges_row_name() - the name of a row of that table; edges_row_named() - the row of @n characters of text, -1 = none. */
const char *edges_row_name(enum edge_table table, int row);
int edges_row_named(enum edge_table table, const char *text, size_t n);
/**
 * edges_print() - a line for each edge and a sum for each way. True: each edge was met in each way.
 * An edge to itself is a repeated attempt and shows in no row; what leads to none cannot happen.
 */
bool edges_print(FILE *to, enum edge_table table, const struct edge_way way[2]);
