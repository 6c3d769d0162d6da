/* SPDX-License-Identifier: Apache-2.0 */
/* Windows of wall time: some hours of each day, of a day of each week, or of once. UTC. Pure: the caller says what time it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WINDOW_MAX = 16 /* of one segment */ };

enum window_kind { WINDOW_NONE = 0, WINDOW_DAILY, WINDOW_WEEKLY, WINDOW_ONCE };

struct window {
	enum window_kind kind;
	/*
	 * DAILY: of the day; WEEKLY: of the week, from Monday 00:00 on; ONCE: since 1970. @until_ms is no part of it. One that ends the day
	 * or the week after has an end beyond that day's or week's length.
	 */
	int64_t from_ms, until_ms;
};

/** window_read() - "daily 23:30-00:30", "sun 02:00-04:00", "sat 20:00 - mon 06:00", "2026-12-24 18:00 - 2026-12-26 08:00". */
bool window_read(const char *text, struct window *ret);

/**
 * window_is_open() - is one of these @n open at @wall_ms?
 * @ret_until_ms: when the one that stays open longest ends; another may open by then. May be NULL.
 */
bool window_is_open(const struct window *all, size_t n, int64_t wall_ms, int64_t *ret_until_ms);
