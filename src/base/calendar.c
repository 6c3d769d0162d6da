/* SPDX-License-Identifier: Apache-2.0 */
/* Days to dates and back; see the header. */
#include "base/calendar.h"

#include <stdio.h>
#include <string.h>

enum { YEAR_FIRST = 1970, YEAR_LAST = 9999, DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

/* Days since 1970; a year is counted from March, so that a leap day is its last one. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * DAYS_OF_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Exactly @n digits. */
static bool digits_read(const char **at, int n, int *ret)
{
	*ret = 0;
	for (; n > 0; n--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*ret = *ret * 10 + (**at - '0');
	}
	return true;
}

static bool sign_read(const char **at, char sign)
{
	if (**at != sign)
		return false;
	(*at)++;
	return true;
}

bool calendar_date_read(const char *text, int64_t *ret_wall_ms, const char **ret_rest)
{
	int year, month, day;

	if (!digits_read(&text, 4, &year) || !sign_read(&text, '-') || !digits_read(&text, 2, &month) ||
	    !sign_read(&text, '-') || !digits_read(&text, 2, &day))
		return false;
	if (year < YEAR_FIRST || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
		return false;
	*ret_wall_ms = days_of(year, month, day) * CALENDAR_DAY_MS;
	*ret_rest = text;
	return true;
}

bool calendar_clock_read(const char *text, int64_t *ret_ms, const char **ret_rest)
{
	int hour, minute, second = 0;
	int64_t ms;

	if (!digits_read(&text, 2, &hour) || !sign_read(&text, ':') || !digits_read(&text, 2, &minute))
		return false;
	if (*text == ':' && (!sign_read(&text, ':') || !digits_read(&text, 2, &second)))
		return false;
	ms = (int64_t)hour * CALENDAR_HOUR_MS + (int64_t)minute * CALENDAR_MINUTE_MS +
	     (int64_t)second * CALENDAR_SECOND_MS;
	if (minute > 59 || second > 59 || ms > CALENDAR_DAY_MS)
		return false;
	*ret_ms = ms;
	*ret_rest = text;
	return true;
}

bool calendar_moment_read(const char *text, int64_t *ret_wall_ms)
{
	int64_t day_ms, clock_ms;

	if (!calendar_date_read(text, &day_ms, &text) || (*text != ' ' && *text != 'T'))
		return false;
	if (!calendar_clock_read(text + 1, &clock_ms, &text))
		return false;
	if (*text && strcmp(text, "Z") != 0 && strcmp(text, " UTC") != 0)
		return false;
	*ret_wall_ms = day_ms + clock_ms;
	return true;
}

bool calendar_span_read(const char *text, int64_t *ret_ms)
{
	static const char units[] = "smhd";
	static const int64_t unit_ms[] = {CALENDAR_SECOND_MS, CALENDAR_MINUTE_MS, CALENDAR_HOUR_MS, CALENDAR_DAY_MS};
	const int64_t most_ms = INT64_C(3650) * CALENDAR_DAY_MS;
	const char *unit;
	int64_t n = 0;

	for (; *text >= '0' && *text <= '9' && n <= most_ms; text++)
		n = n * 10 + (*text - '0');
	unit = *text ? strchr(units, *text) : NULL;
	if (!unit || text[1] || n < 1 || n > most_ms / unit_ms[unit - units])
		return false;
	*ret_ms = n * unit_ms[unit - units];
	return true;
}

const char *calendar_text(int64_t wall_ms, char *text)
{
	int64_t days = wall_ms / CALENDAR_DAY_MS, seconds = wall_ms % CALENDAR_DAY_MS / CALENDAR_SECOND_MS;
	int year = YEAR_FIRST, month = 1, n;

	if (wall_ms < 0 || days >= days_of(YEAR_LAST + 1, 1, 1)) {
		snprintf(text, CALENDAR_TEXT_SIZE, "%lld ms since 1970", (long long)wall_ms);
		return text;
	}
	for (year += (int)(days / 366); days_of(year + 1, 1, 1) <= days; year++)
		;
	for (; month < 12 && days_of(year, month + 1, 1) <= days; month++)
		;
	n = snprintf(text, CALENDAR_TEXT_SIZE, "%04d-%02d-%02d %02d:%02d", year, month,
	    (int)(days - days_of(year, month, 1)) + 1, (int)(seconds / 3600), (int)(seconds / 60 % 60));
	if (seconds % 60)
		n += snprintf(text + n, CALENDAR_TEXT_SIZE - (size_t)n, ":%02d", (int)(seconds % 60));
	snprintf(text + n, CALENDAR_TEXT_SIZE - (size_t)n, " UTC");
	return text;
}
