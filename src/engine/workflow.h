/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two workflow tables. A row says what is done in it, how long and how often, where each outcome leads, what a restart does, and
 * why, in one sentence that becomes the log line and the diagram. The interpreters are host_flow.c and instance_flow.c.
 */
#pragma once

#include "engine/engine.h"

/* What a restart or a take-over does with a row that was under way. */
enum resume {
	RESUME_AGAIN, /* idempotent: enter the operation anew */
	RESUME_ASK,   /* look first: it may have been done */
	RESUME_STAY,  /* nothing was under way */
};

enum {
	STEP_INITIAL = 1,
	STEP_FINAL = 2,  /* the record is closed */
	STEP_REST = 4,   /* nothing happens by itself but a retry: the recovery counts as settled */
	STEP_PROOF = 8,  /* may only be entered and left with a valid proof; power is re-read meanwhile */
	STEP_DOUBT = 16, /* a sign of life clears the recovery */
};

struct host_step {
	enum op_kind op;
	int64_t (*budget_ms)(const struct engine_options *o); /* of one attempt; NULL = waits for events only */
	uint32_t (*attempts)(const struct engine_options *o); /* NULL = one */
	enum host_row next[OUTCOME_N]; /* unknown, done, refused; HOST_ROW_NONE = cannot happen */
	enum resume resume;
	unsigned flags;
	enum hold_cause hold; /* cause written when an edge leads to held */
	int moment;           /* told on entry, -1 = nobody */
	const char *why;
};

struct instance_step {
	enum op_kind op;
	int64_t (*budget_ms)(const struct engine_options *o);
	enum instance_row next[OUTCOME_N]; /* the plain edges; what an answer means is decided in instance_decide.c */
	enum resume resume;
	unsigned flags;
	const char *why;
};

/* An edge that an interpreter takes beside the table's outcomes, for the diagram and the tests of the tables. No other is ever taken. */
struct side_edge {
	int from, to;       /* rows; from = SIDE_UNDER_PROOF: every row with STEP_PROOF */
	const char *why;    /* a few words */
	bool carries_proof; /* taken with a proof that was written before, or that is written with it */
};
enum { SIDE_UNDER_PROOF = -1 };

/** host_side_edges() / instance_side_edges() - all of them; @ret_n: how many. */
const struct side_edge *host_side_edges(size_t *ret_n);
const struct side_edge *instance_side_edges(size_t *ret_n);

/** host_step_of() - the row; never NULL for a value in range. */
const struct host_step *host_step_of(enum host_row row);
/** instance_step_of() - likewise. */
const struct instance_step *instance_step_of(enum instance_row row);
