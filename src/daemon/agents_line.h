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
	bool is_in_line;
	void *of; /* the caller's */
};

/* Its bound is its caller's: as many as there are operations under way. */
struct agents_line {
	TAILQ_HEAD(agents_waiters, agents_waiter) waiting[AGENTS_RANK_N];
};

void agents_line_init(struct agents_line *line);
/** agents_line_join() - behind all who wait with this rank already. It must not stand in the line. */
void agents_line_join(struct agents_line *line, struct agents_waiter *w, enum agents_rank rank);
/** agents_line_leave() - out of the line, if it stands there. */
void agents_line_leave(struct agents_line *line, struct agents_waiter *w);

/**
 * agents_line_next() - who goes next where @taken of @places are taken; NULL when nobody may. It stays in the line until it leaves.
 * The lowest rank first, within a rank the one that has waited longest.
 */
struct agents_waiter *agents_line_next(const struct agents_line *line, uint32_t places, uint32_t taken);

/**
 * agents_line_has_room() - may one of this rank take a place now? One that nobody waits for leaves a quarter of the places free, at
 * least one; where there is a single place it takes that.
 */
bool agents_line_has_room(enum agents_rank rank, uint32_t places, uint32_t taken);
