/* SPDX-License-Identifier: Apache-2.0 */
/* A small seeded generator (splitmix64) for jitter and simulation: same seed, same numbers, everywhere. Not for secrets. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/** rng_next() - the next 64 bits. */
uint64_t rng_next(struct rng *r);
/** rng_below() - a number in [0, @n); 0 when @n is 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
/** rng_range() - a number in [@low, @high], both ends included; needs @low <= @high. */
int64_t rng_range(struct rng *r, int64_t low, int64_t high);
/** rng_chance() - true @per_mille times in 1000. */
bool rng_chance(struct rng *r, unsigned per_mille);
