/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the simulation, from time zero to its judgement: a cloud, its daemons, and a story that befalls them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/closing.h"

struct fixed_story;
struct story_profile;

struct play {
	const struct story_profile
	    *profile;                    /* size and length; the story is drawn from it where nothing else tells one */
	const struct fixed_story *fixed; /* a written story, or NULL */
	const uint8_t *bytes;            /* a story told by bytes (story_bytes.h), or NULL; borrowed */
	size_t byte_n;
	uint64_t seed, kill_at_act; /* the daemon is killed at this outward act; 0 = never */
	int64_t until_s;            /* end here, without judgement; 0 = not */
	bool is_takeover;           /* two controllers: who is killed stays dead */
	bool is_recorded;           /* and replayed at the end: what differs is a violation */
	bool is_traced;
};

/* What came out, while the world still stands: sim, realm, story and witness can be looked at. @simulated_ms: so long it took. */
typedef void (*play_fn)(void *arg, const struct closing_counts *counts, int64_t simulated_ms);

/** play_configure() - write what a daemon of this profile reads, once before the first run. */
void play_configure(const struct story_profile *p, uint64_t seed);
/** play_run() - true: nothing was violated; else sim.violation says what, and the result is how long after the beginning. */
bool play_run(const struct play *p, play_fn fn, void *arg, int64_t *ret_violation_ms);
