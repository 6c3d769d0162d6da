/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on several processors: rounds of processes of our own, each with a range of seeds, whose counts are added up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JOBS_MAX = 64, JOBS_CHUNK = 25 };

/**
 * jobs_fn() - run the seeds [@from, @from + @n) and add to @totals, an array of 64-bit counters.
 * Returns false when a run failed.
 */
typedef bool (*jobs_fn)(void *arg, uint64_t from, uint64_t n, uint64_t *totals);

/**
 * jobs_round() - one round: @jobs processes, JOBS_CHUNK seeds each, none beyond @from + @left.
 * @ret_done: how many seeds were run; the next round begins behind them
 * @totals: @n counters, added to
 */
bool jobs_round(
    jobs_fn fn, void *arg, unsigned jobs, uint64_t from, uint64_t left, uint64_t *ret_done, uint64_t *totals, size_t n);
