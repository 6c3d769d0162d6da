/* SPDX-License-Identifier: Apache-2.0 */
/* Reading windows, and whether one is open. */
#include "base/window.h"

#include <string.h>

#include "base/calendar.h"

/* 1970 began on a Thursday: its week on the Monday before. */
static const int64_t WEEK_ZERO_MS = INT64_C(-3) * CALENDAR_DAY_MS;

static const char *const DAYS[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
enum { DAY_N = 7, DAY_LENGTH = 3 };

static void skip_blanks(const char **at)
{
	while (**at == ' ')
		(*at)++;
}

static bool dash_read(const char **at)
{
	skip_blanks(at);
	if (**at != '-')
		return false;
	(*at)++;
	skip_blanks(at);
	return true;
}

/* "sun " as the beginning of that day of the week. */
static bool day_read(const char **at, int64_t *ret_ms)
{
	for (int k = 0; k < DAY_N; k++) {
		if (strncmp(*at, DAYS[k], DAY_LENGTH) != 0 || (*at)[DAY_LENGTH] != ' ')
			continue;
		*ret_ms = (int64_t)k * CALENDAR_DAY_MS;
		*at += DAY_LENGTH;
		skip_blanks(at);
		return true;
	}
	return false;
}

static bool clock_read(const char **at, int64_t *ret_ms)
{
	return calendar_clock_read(*at, ret_ms, at);
}

static bool daily_read(const char *at, struct window *ret)
{
	ret->kind = WINDOW_DAILY;
	skip_blanks(&at);
	if (!clock_read(&at, &ret->from_ms) || !dash_read(&at) || !clock_read(&at, &ret->until_ms) || *at ||
	    ret->until_ms == ret->from_ms || ret->from_ms == CALENDAR_DAY_MS)
		return false;
	if (ret->until_ms < ret->from_ms)
		ret->until_ms += CALENDAR_DAY_MS;
	return true;
}

static bool weekly_read(const char *at, struct window *ret)
{
	int64_t first_ms, last_ms, from_ms, until_ms;
	bool has_last;

	ret->kind = WINDOW_WEEKLY;
	if (!day_read(&at, &first_ms) || !clock_read(&at, &from_ms) || !dash_read(&at))
		return false;
	has_last = day_read(&at, &last_ms);
	if (!clock_read(&at, &until_ms) || *at || from_ms == CALENDAR_DAY_MS)
		return false;
	ret->from_ms = first_ms + from_ms;
	ret->until_ms = (has_last ? last_ms : first_ms) + until_ms;
	if (ret->until_ms == ret->from_ms)
		return false;
	if (ret->until_ms < ret->from_ms)
		ret->until_ms += has_last ? CALENDAR_WEEK_MS : CALENDAR_DAY_MS;
	return true;
}

static bool moment_read(const char **at, int64_t *ret_ms)
{
	int64_t day_ms, clock_ms;

	if (!calendar_date_read(*at, &day_ms, at) || **at != ' ')
		return false;
	skip_blanks(at);
	if (!clock_read(at, &clock_ms))
		return false;
	*ret_ms = day_ms + clock_ms;
	return true;
}

static bool once_read(const char *at, struct window *ret)
{
	ret->kind = WINDOW_ONCE;
	return moment_read(&at, &ret->from_ms) && dash_read(&at) && moment_read(&at, &ret->until_ms) && !*at &&
	       ret->until_ms > ret->from_ms;
}

bool window_read(const char *text, struct window *ret)
{
	struct window w = {0};
	bool is_good;

	if (strncmp(text, "daily ", 6) == 0)
		is_good = daily_read(text + 6, &w);
	else if (*text >= '0' && *text <= '9')
		is_good = once_read(text, &w);
	else
		is_good = weekly_read(text, &w);
	if (is_good)
		*ret = w;
	return is_good;
}

/* The rest of an open one; 0 when it is not open. */
static int64_t rest_ms(const struct window *w, int64_t wall_ms)
{
	int64_t period_ms = w->kind == WINDOW_DAILY ? CALENDAR_DAY_MS : CALENDAR_WEEK_MS;
	int64_t at_ms = (wall_ms - (w->kind == WINDOW_WEEKLY ? WEEK_ZERO_MS : 0)) % period_ms;

	if (w->kind == WINDOW_NONE)
		return 0;
	if (w->kind == WINDOW_ONCE)
		return wall_ms >= w->from_ms && wall_ms < w->until_ms ? w->until_ms - wall_ms : 0;
	if (at_ms < 0)
		at_ms += period_ms;
	if (at_ms >= w->from_ms && at_ms < w->until_ms)
		return w->until_ms - at_ms;
	/* it began in the period before */
	return at_ms + period_ms < w->until_ms ? w->until_ms - at_ms - period_ms : 0;
}

bool window_is_open(const struct window *all, size_t n, int64_t wall_ms, int64_t *ret_until_ms)
{
	int64_t longest_ms = 0;

	for (size_t k = 0; k < n; k++) {
		int64_t ms = rest_ms(&all[k], wall_ms);

		longest_ms = ms > longest_ms ? ms : longest_ms;
	}
	if (ret_until_ms)
		*ret_until_ms = wall_ms + longest_ms;
	return longest_ms > 0;
}
