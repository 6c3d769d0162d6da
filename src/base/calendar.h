/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates of people's calendar, always UTC: no summer time, so that no hour is there twice or missing. Pure on numbers and text; asks no
 * clock. The windows of time that repeat by the day or the week stand in window.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CALENDAR_SECOND_MS = 1000,
	CALENDAR_MINUTE_MS = 60000,
	CALENDAR_HOUR_MS = 3600000,
	CALENDAR_DAY_MS = 86400000,
	CALENDAR_WEEK_MS = 604800000,
	CALENDAR_TEXT_SIZE = 48, /* "2026-12-24 18:00:00 UTC" */
};

/** calendar_date_read() - "2026-12-24": the day's beginning in milliseconds since 1970; *ret_rest is what follows it. Years 1970 to 9999. */
bool calendar_date_read(const char *text, int64_t *ret_wall_ms, const char **ret_rest);
/** calendar_clock_read() - "18:00" or "18:00:30", 24:00 at the latest, as milliseconds of a day; *ret_rest is what follows it. */
bool calendar_clock_read(const char *text, int64_t *ret_ms, const char **ret_rest);
/** calendar_moment_read() - "2026-12-24 18:00", with T for the blank and Z or UTC behind it if wanted, and nothing else. */
bool calendar_moment_read(const char *text, int64_t *ret_wall_ms);
/** calendar_span_read() - "90s", "45m", "2h", "3d": whole numbers above 0, at most some 10 years. */
bool calendar_span_read(const char *text, int64_t *ret_ms);
/** calendar_text() - "2026-12-24 18:00 UTC", with seconds where there are any, into @text of CALENDAR_TEXT_SIZE bytes, which is returned. */
const char *calendar_text(int64_t wall_ms, char *text);
