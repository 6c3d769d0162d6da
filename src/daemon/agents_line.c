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

void agents_line_join(struct agents_line *line, struct agents_waiter *w, enum agents_rank rank, int64_t since_ms)
{
	struct agents_waiter *before = TAILQ_LAST(&line->waiting[rank], agents_waiters);

	w->rank = rank;
	w->since_ms = since_ms;
	w->is_in_line = true;
	while (before && before->since_ms > since_ms)
		before = TAILQ_PREV(before, agents_waiters, link);
	if (before)
		TAILQ_INSERT_AFTER(&line->waiting[rank], before, w, link);
	else
		TAILQ_INSERT_HEAD(&line->waiting[rank], w, link);
}

void agents_line_leave(struct agents_line *line, struct agents_waiter *w)
{
	if (w->is_in_line)
		TAILQ_REMOVE(&line->waiting[w->rank], w, link);
	w->is_in_line = false;
}

bool agents_line_has_room(enum agents_rank rank, const struct agents_places *p)
{
	uint32_t kept = p->all > 1 ? (p->all + FREE_SHARE - 1) / FREE_SHARE : 0;
	uint32_t urgent = p->taken - p->patient > p->wanted ? p->taken - p->patient : p->wanted;

	if (rank != AGENTS_PATIENT)
		return p->taken < p->all;
	if (p->taken + kept >= p->all)
		return false;
	return p->patient + urgent + kept < p->all || (!p->patient && p->all > 1);
}

struct agents_waiter *agents_line_next(const struct agents_line *line, const struct agents_places *places)
{
	for (int k = 0; k < AGENTS_RANK_N; k++) {
		struct agents_waiter *w = TAILQ_FIRST(&line->waiting[k]);

		if (w)
			return agents_line_has_room(w->rank, places) ? w : NULL;
	}
	return NULL;
}
