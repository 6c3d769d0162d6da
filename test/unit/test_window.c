/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of the calendar, and windows of wall time: tables of texts and moments, each said in UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/window.h"

static int64_t at(const char *text)
{
	int64_t wall_ms;

	if (!calendar_moment_read(text, &wall_ms))
		fail_msg("%s is no moment", text);
	return wall_ms;
}

static void moments(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* from `date -u -d TEXT +%s`; -1 = no moment */
	} cases[] = {{"1970-01-01 00:00", 0}, {"2026-01-01 00:16:40", 1767226600000},
	    {"2000-02-29 12:00", 951825600000}, {"2024-02-29T23:59:59Z", 1709251199000},
	    {"2026-12-24 18:00 UTC", 1798135200000}, {"2100-02-28 24:00", 4107542400000},
	    {"9999-12-31 00:00", 253402214400000}, {"2100-02-29 00:00", -1}, {"2026-02-29 00:00", -1},
	    {"2026-13-01 00:00", -1}, {"2026-00-01 00:00", -1}, {"2026-01-00 00:00", -1}, {"2026-04-31 00:00", -1},
	    {"1969-12-31 23:59", -1}, {"2026-01-01", -1}, {"2026-01-01 24:01", -1}, {"2026-01-01 12:60", -1},
	    {"2026-01-01 12:00:60", -1}, {"2026-1-1 00:00", -1}, {"2026-01-01 1:00", -1}, {"2026-01-01 12:00 CET", -1},
	    {"2026-01-01 12:00+01:00", -1}, {"", -1}, {"-2026-01-01 12:00", -1}};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		int64_t ms = -1;

		if (!calendar_moment_read(cases[k].text, &ms))
			ms = -1;
		if (ms != cases[k].ms)
			fail_msg("%s: %lld", cases[k].text, (long long)ms);
	}
}

static void texts(void **state)
{
	static const char *const moments_of[] = {"1970-01-01 00:00", "1970-12-31 23:59", "1999-12-31 23:59:59",
	    "2000-02-29 12:00", "2000-03-01 00:00", "2024-12-31 06:07:08", "2026-12-24 18:00", "2100-03-01 00:00",
	    "9999-12-31 23:59"};
	char text[CALENDAR_TEXT_SIZE], want[CALENDAR_TEXT_SIZE];

	for (size_t k = 0; k < sizeof(moments_of) / sizeof(moments_of[0]); k++) {
		snprintf(want, sizeof(want), "%s UTC", moments_of[k]);
		assert_string_equal(calendar_text(at(moments_of[k]), text), want);
		assert_int_equal(at(text), at(moments_of[k]));
	}
	(void)calendar_text(-1, text);
	(void)calendar_text(INT64_MAX, text);
	(void)calendar_text(INT64_MIN, text);
	assert_string_equal(calendar_text(-1, text), "-1 ms since 1970");
}

/* Every day of some centuries is the day after the one before. */
static void days_follow_one_another(void **state)
{
	char text[CALENDAR_TEXT_SIZE];

	for (int64_t ms = 0; ms < at("2401-01-01 00:00"); ms += CALENDAR_DAY_MS) {
		int64_t back;

		assert_true(calendar_moment_read(calendar_text(ms, text), &back));
		assert_int_equal(back, ms);
	}
}

static void spans(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {{"1s", 1000}, {"90s", 90000}, {"45m", 2700000}, {"2h", 7200000}, {"3d", 259200000},
	    {"3650d", 3650 * INT64_C(86400000)}, {"3651d", -1}, {"0s", -1}, {"", -1}, {"s", -1}, {"2", -1}, {"2 h", -1},
	    {"-2h", -1}, {"2hh", -1}, {"1.5h", -1}, {"99999999999999999999s", -1}};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		int64_t ms = -1;

		if (!calendar_span_read(cases[k].text, &ms))
			ms = -1;
		if (ms != cases[k].ms)
			fail_msg("%s: %lld", cases[k].text, (long long)ms);
	}
}

static void open_and_closed(void **state)
{
	/* 2026-01-01 is a Thursday, 2024-02-29 as well, 2026-12-27 and 2026-03-29 (summer time begins somewhere) are Sundays */
	static const struct {
		const char *window, *at, *until; /* NULL = closed */
	} cases[] = {
	    {"daily 02:00-04:00", "2026-01-01 01:59:59", NULL},
	    {"daily 02:00-04:00", "2026-01-01 02:00", "2026-01-01 04:00"},
	    {"daily 02:00-04:00", "2026-01-01 03:59:59", "2026-01-01 04:00"},
	    {"daily 02:00-04:00", "2026-01-01 04:00", NULL},
	    {"daily 02:00-04:00", "2026-03-29 02:30", "2026-03-29 04:00"},
	    {"daily 23:30-00:30", "2025-12-31 23:29:59", NULL},
	    {"daily 23:30-00:30", "2025-12-31 23:30", "2026-01-01 00:30"},
	    {"daily 23:30-00:30", "2026-01-01 00:00", "2026-01-01 00:30"},
	    {"daily 23:30-00:30", "2026-01-01 00:30", NULL},
	    {"daily 23:30-00:30", "2024-02-28 23:45", "2024-02-29 00:30"},
	    {"daily 23:30-00:30", "2024-02-29 23:45", "2024-03-01 00:30"},
	    {"daily 00:00-24:00", "2026-01-01 13:00", "2026-01-02 00:00"},
	    {"daily 22:00-24:00", "2026-01-01 23:59", "2026-01-02 00:00"},
	    {"daily 22:00-24:00", "2026-01-02 00:00", NULL},
	    {"sun 02:00-04:00", "2026-12-27 02:00", "2026-12-27 04:00"},
	    {"sun 02:00-04:00", "2026-12-28 02:00", NULL},
	    {"sun 02:00-04:00", "2026-12-26 02:00", NULL},
	    {"sun 23:00-01:00", "2026-12-27 23:30", "2026-12-28 01:00"},
	    {"sun 23:00-01:00", "2026-12-28 00:59", "2026-12-28 01:00"},
	    {"sun 23:00-01:00", "2026-12-28 01:00", NULL},
	    {"sun 23:00-01:00", "2026-12-27 00:30", NULL},
	    {"mon 00:00-24:00", "2026-12-28 00:00", "2026-12-29 00:00"},
	    {"mon 00:00-24:00", "2026-12-27 23:59:59", NULL},
	    {"thu 00:00-01:00", "1970-01-01 00:00", "1970-01-01 01:00"},
	    {"sat 20:00 - mon 06:00", "2026-12-26 19:59", NULL},
	    {"sat 20:00 - mon 06:00", "2026-12-26 20:00", "2026-12-28 06:00"},
	    {"sat 20:00 - mon 06:00", "2026-12-27 12:00", "2026-12-28 06:00"},
	    {"sat 20:00 - mon 06:00", "2026-12-28 05:59", "2026-12-28 06:00"},
	    {"sat 20:00 - mon 06:00", "2026-12-28 06:00", NULL},
	    {"mon 06:00 - mon 04:00", "2026-12-28 05:00", NULL},
	    {"mon 06:00 - mon 04:00", "2026-12-27 05:00", "2026-12-28 04:00"},
	    {"2026-12-24 18:00 - 2026-12-26 08:00", "2026-12-24 17:59:59", NULL},
	    {"2026-12-24 18:00 - 2026-12-26 08:00", "2026-12-24 18:00", "2026-12-26 08:00"},
	    {"2026-12-24 18:00 - 2026-12-26 08:00", "2026-12-26 08:00", NULL},
	    {"2024-02-28 12:00 - 2024-03-01 12:00", "2024-02-29 12:00", "2024-03-01 12:00"},
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		int64_t until_ms = 0;
		struct window w;
		bool is_open;

		if (!window_read(cases[k].window, &w))
			fail_msg("%s is no window", cases[k].window);
		is_open = window_is_open(&w, 1, at(cases[k].at), &until_ms);
		if (is_open != (cases[k].until != NULL) || (is_open && until_ms != at(cases[k].until)))
			fail_msg("%s at %s: %s", cases[k].window, cases[k].at, is_open ? "open" : "closed");
	}
}

/* A clock that was never set, or is set before 1970, is no reason to compute nonsense. */
static void before_1970(void **state)
{
	struct window daily, weekly, once;
	int64_t until_ms;

	assert_true(window_read("daily 23:00-01:00", &daily) && window_read("wed 22:00-23:00", &weekly) &&
		    window_read("1970-01-01 00:00 - 1970-01-02 00:00", &once));
	assert_true(window_is_open(&daily, 1, -1, &until_ms));
	assert_int_equal(until_ms, CALENDAR_HOUR_MS);
	assert_false(window_is_open(&daily, 1, -CALENDAR_HOUR_MS - 1, NULL));
	assert_true(window_is_open(&weekly, 1, -CALENDAR_HOUR_MS - 1, &until_ms));
	assert_int_equal(until_ms, -CALENDAR_HOUR_MS);
	assert_false(window_is_open(&weekly, 1, -1, NULL));
	assert_false(window_is_open(&once, 1, -1, NULL));
}

static void of_several_the_longest_counts(void **state)
{
	struct window w[3] = {0};
	int64_t until_ms;

	assert_true(window_read("daily 02:00-04:00", &w[0]) && window_read("thu 03:00-05:00", &w[1]));
	assert_true(window_is_open(w, 3, at("2026-01-01 03:30"), &until_ms));
	assert_int_equal(until_ms, at("2026-01-01 05:00"));
	assert_true(window_is_open(w, 3, at("2026-01-01 02:30"), &until_ms));
	assert_int_equal(until_ms, at("2026-01-01 04:00"));
	assert_false(window_is_open(w, 0, at("2026-01-01 03:30"), NULL));
}

static void no_windows(void **state)
{
	static const char *const texts_of[] = {"", "daily", "daily ", "daily 02:00", "daily 02:00-",
	    "daily 02:00-02:00", "daily 24:00-01:00", "daily 02:00-24:01", "daily 02:00-04:00 ",
	    "daily 02:00-04:00 UTC", "Daily 02:00-04:00", "sun", "sun 02:00", "sunday 02:00-04:00", "sun 02:00-04:00,",
	    "sun 02:00 - sun 02:00", "sun 24:00-01:00", "mon-fri 02:00-04:00", "2026-12-24 18:00",
	    "2026-12-24 18:00 - 20:00", "2026-12-24 18:00-2026-12-24 18:00", "2026-12-24 18:00 - 2026-12-23 18:00",
	    "2026-02-30 00:00 - 2026-03-03 00:00", "2026-12-24 - 2026-12-26", "02:00-04:00", "-", "daily 2:00-4:00",
	    "daily 02.00-04.00", "daily 02:00 to 04:00"};

	for (size_t k = 0; k < sizeof(texts_of) / sizeof(texts_of[0]); k++) {
		struct window w = {.kind = WINDOW_DAILY, .from_ms = 7};

		if (window_read(texts_of[k], &w) || w.from_ms != 7)
			fail_msg("\"%s\" was read", texts_of[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(moments), cmocka_unit_test(texts),
	    cmocka_unit_test(days_follow_one_another), cmocka_unit_test(spans), cmocka_unit_test(open_and_closed),
	    cmocka_unit_test(before_1970), cmocka_unit_test(of_several_the_longest_counts),
	    cmocka_unit_test(no_windows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
