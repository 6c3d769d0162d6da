/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Correlated misfortune on a large cloud: families of patterns, each drawn anew from its seed, played through the whole daemon. Two counts
 * have to be nought: harm to a living host, and hosts proven dead that were not recovered in time. doc/breaker-patterns.md says what counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "test/sim/realm.h"

enum { PATTERN_HOSTS = 1000, PATTERN_RACK = 25, PATTERN_RACKS = PATTERN_HOSTS / PATTERN_RACK };

/* How an operator wrote the racks down. */
enum pattern_layout { PATTERN_RACK_SEGMENTS = 0, PATTERN_NAME_SEGMENTS, PATTERN_ONE_SEGMENT, PATTERN_LAYOUT_N };

struct pattern_family {
	const char *name, *summary;
	void (*draw)(void); /* puts what happens into the queue */
};

/** pattern_family_at() - the families in turn; NULL at the end. @is_beyond: those that more hosts die in than can be recovered in time. */
const struct pattern_family *pattern_family_at(unsigned k, bool is_beyond);

struct pattern_order {
	uint64_t n, from; /* so many, from this seed on */
	bool is_traced, is_json;
	bool is_beyond; /* the bound is measured instead */
};

/** pattern_main() - osha-sim --patterns. Returns the exit status. */
int pattern_main(const struct pattern_order *order);
