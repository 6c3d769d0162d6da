/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. Times are UTC, as in the configuration's windows. */
#include "ctl/until.h"

#include "base/strbuf.h"

/* "18:00": the next time that it is so late. */
static bool next_clock_read(const char *text, int64_t wall_ms, int64_t *ret_wall_ms)
{
	int64_t clock_ms, day_ms = wall_ms - wall_ms % CALENDAR_DAY_MS;
	const char *rest;

	if (!calendar_clock_read(text, &clock_ms, &rest) || (*rest && !str_eq(rest, "Z") && !str_eq(rest, " UTC")))
		return false;
	*ret_wall_ms = day_ms + clock_ms + (day_ms + clock_ms > wall_ms ? 0 : CALENDAR_DAY_MS);
	return true;
}

int until_read(const struct ctl *c, int64_t wall_ms, int64_t *ret_wall_ms, struct osha_err *reterr)
{
	int64_t span_ms;

	*ret_wall_ms = 0;
	if (c->span && c->until)
		return osha_err_set(reterr, OSHA_E_USAGE, "expected --for or --until, found both");
	if (!c->span && !c->until)
		return UNTIL_NONE;
	if (c->until && str_eq(c->until, "resumed"))
		return UNTIL_RESUMED;
	if (c->span && !calendar_span_read(c->span, &span_ms))
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "expected a duration such as 90s, 45m, 2h or 3d behind --for, found \"%.40s\"", c->span);
	if (c->span)
		*ret_wall_ms = wall_ms + span_ms;
	else if (!calendar_moment_read(c->until, ret_wall_ms) && !next_clock_read(c->until, wall_ms, ret_wall_ms))
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "expected a time in UTC such as 18:00 or \"2026-12-24 18:00\" behind --until, found \"%.40s\"",
		    c->until);
	/* the record has whole seconds: one that is begun counts */
	*ret_wall_ms += CALENDAR_SECOND_MS - 1;
	*ret_wall_ms -= *ret_wall_ms % CALENDAR_SECOND_MS;
	if (*ret_wall_ms <= wall_ms)
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "expected a time that is still to come behind --until, found \"%.40s\"", c->until);
	return UNTIL_MOMENT;
}

void until_add(cJSON *request, int64_t wall_ms)
{
	char text[CALENDAR_TEXT_SIZE];

	cJSON_AddStringToObject(request, "until", calendar_text(wall_ms, text));
}
