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

/** pattern_family_at() - the families in turn; NULL at the end. */
const struct pattern_family *pattern_family_at(unsigned k);
/** pattern_forget() - what was still to happen in the pattern before does not happen any more. */
void pattern_forget(void);
/** pattern_main() - osha-sim --patterns: @n of them from seed @from on. Returns the exit status. */
int pattern_main(uint64_t n, uint64_t from, bool is_traced, bool is_json);
