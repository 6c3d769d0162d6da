/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on several processors: rounds of processes of our own, each with a range of seeds, whose counts are added up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOBS_MAX = 64 };

/**
 * jobs_fn() - run the seeds [@from, @from + @n) and add to @totals, an array of 64-bit counters.
 * Returns false when a run failed.
 */
typedef bool (*jobs_fn)(void *arg, uint64_t from, uint64_t n, uint64_t *totals);

struct jobs {
	jobs_fn fn;
	void *arg;
	unsigned n;     /* processes at a time, at most JOBS_MAX */
	uint64_t chunk; /* seeds for each of them */
};

/**
 * jobs_round() - one round: a chunk of seeds for each process, none beyond @from + @left.
 * @ret_done: how many seeds were run; the next round begins behind them
 * @totals: @n counters, added to
 */
bool jobs_round(const struct jobs *jobs, uint64_t from, uint64_t left, uint64_t *ret_done, uint64_t *totals, size_t n);
