/* SPDX-License-Identifier: Apache-2.0 */
/* splitmix64, after the reference constants published by its author (public domain, 2015). */
#include "base/rng.h"

uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
	return n ? rng_next(r) % n : 0;
}

int64_t rng_range(struct rng *r, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(r, (uint64_t)(high - low) + 1);
}

bool rng_chance(struct rng *r, unsigned per_mille)
{
	return rng_below(r, 1000) < per_mille;
}
