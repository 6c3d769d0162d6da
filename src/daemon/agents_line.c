/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes next where fence agents wait for a place; see the header. */
#include "daemon/agents_line.h"

#include <stddef.h>

enum { FREE_SHARE = 4 }; /* one of so many places is kept free of those that nobody waits for */

void agents_line_init(struct agents_line *line)
{
	for (int k = 0; k < AGENTS_RANK_N; k++)
		TAILQ_INIT(&line->waiting[k]);
}

void agents_line_join(struct agents_line *line, struct agents_waiter *w, enum agents_rank rank)
{
	w->rank = rank;
	w->is_in_line = true;
	TAILQ_INSERT_TAIL(&line->waiting[rank], w, link);
}

void agents_line_leave(struct agents_line *line, struct agents_waiter *w)
{
	if (w->is_in_line)
		TAILQ_REMOVE(&line->waiting[w->rank], w, link);
	w->is_in_line = false;
}

bool agents_line_has_room(enum agents_rank rank, uint32_t places, uint32_t taken)
{
	uint32_t kept = rank == AGENTS_PATIENT && places > 1 ? (places + FREE_SHARE - 1) / FREE_SHARE : 0;

	return taken + kept < places;
}

struct agents_waiter *agents_line_next(const struct agents_line *line, uint32_t places, uint32_t taken)
{
	for (int k = 0; k < AGENTS_RANK_N; k++) {
		struct agents_waiter *w = TAILQ_FIRST(&line->waiting[k]);

		if (w)
			return agents_line_has_room(w->rank, places, taken) ? w : NULL;
	}
	return NULL;
}
