/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line of those that wait for a place among the fence agents that may run at once, and who of them goes next. Pure: it counts no
 * agents, starts none and knows no clock; perform.c does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

enum agents_rank {
	AGENTS_CUT,     /* a power-off: it starts within its window or has to be announced anew */
	AGENTS_AWAITED, /* a reading that a recovery waits for, or on whose strength calls are being made */
	AGENTS_PATIENT, /* a reading that nobody waits for */
	AGENTS_RANK_N
};

/* One that may wait; part of what the caller owns. */
struct agents_waiter {
	TAILQ_ENTRY(agents_waiter) link;
	enum agents_rank rank;
	int64_t since_ms;
	bool is_in_line;
	void *of; /* the caller's */
};

/* Its bound is its caller's: as many as there are operations under way. */
struct agents_line {
	TAILQ_HEAD(agents_waiters, agents_waiter) waiting[AGENTS_RANK_N];
};

void agents_line_init(struct agents_line *line);
/**
 * agents_line_join() - behind all of this rank who have waited as long or longer. It must not stand in the line.
 * @since_ms: since when it is wanted, by the caller's clock; it may have left the line and come back since
 */
void agents_line_join(struct agents_line *line, struct agents_waiter *w, enum agents_rank rank, int64_t since_ms);
/** agents_line_leave() - out of the line, if it stands there. */
void agents_line_leave(struct agents_line *line, struct agents_waiter *w);

/* The places as they are at this moment. */
struct agents_places {
	uint32_t all, taken;
	uint32_t patient; /* so many of those taken, by those that nobody waits for */
	uint32_t wanted;  /* recoveries being fenced: each has a place, or is about to want one */
};

/** agents_line_has_room() - may one of this rank take a place now?
 *
 * One that nobody waits for leaves a quarter of the places free, at least one, and beside those one for each recovery that is being fenced:
 * between its power-off and its readings it has none. Of several places the patient may always have one, as far as the quarter allows.
 * A single place they take only while no host is being fenced.
 */
bool agents_line_has_room(enum agents_rank rank, const struct agents_places *places);

/**
 * agents_line_next() - who goes next; NULL when nobody may. It stays in the line until it leaves.
 * The lowest rank first, within a rank the one that has waited longest.
 */
struct agents_waiter *agents_line_next(const struct agents_line *line, const struct agents_places *places);
