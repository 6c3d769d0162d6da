/* SPDX-License-Identifier: Apache-2.0 */
/* Could this host be fenced, and what happens next to it: sentences for `osha explain` and `osha fence status`. */
#include <stdarg.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "engine/workflow.h"
#include "report/part.h"

static bool has_usable_level(const struct host_snapshot *s)
{
	uint32_t usable = s->record->seen_on & ~s->record->miswired;

	return (usable & ((1u << s->policy->level_n) - 1)) != 0;
}

static const char *level_obstacle(const struct host_snapshot *s)
{
	if (!s->policy->level_n)
		return "the configuration names no fence level for it";
	if (has_usable_level(s))
		return "";
	if (s->record->miswired)
		return "its fence device reads off while it is alive: it belongs to another machine, correct the "
		       "configuration";
	return "no fence device has read on for it while it was alive: `osha fence test HOST` reads them now";
}

static bool has_failed(const struct recovery_record *r)
{
	return r && r->row == HOST_ROW_HELD &&
	       (r->hold == HOLD_FENCE_FAILED || r->hold == HOLD_NO_FENCE || r->hold == HOLD_PROOF_VOID);
}

/* In the order in which the engine asks; a dead host's own verdict does not count here, since the question is "if it died". */
void fence_obstacle(const struct host_snapshot *s, char *why)
{
	bool is_forced_by_us = s->recovery && s->recovery->we_forced_down;
	const char *text = level_obstacle(s);

	if (s->record->maintenance)
		text = "it is in maintenance";
	else if (!s->policy->is_in_segment)
		text = "it is in no segment of the configuration";
	else if (s->forced_down && !is_forced_by_us)
		text = "an operator forced it down";
	else if (s->disabled && !s->disabled_by_us && !s->policy->recover_disabled)
		text = "an operator disabled it (its segment does not say recover-disabled)";
	else if (s->calm[0])
		text = s->calm;
	if (!text[0] && has_failed(s->recovery))
		snprintf(why, FENCE_WHY_SIZE, "fencing it failed: %s", s->recovery->why);
	else
		str_copy(why, FENCE_WHY_SIZE, text);
}

static void say(cJSON *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(cJSON *a, const char *fmt, ...)
{
	char text[2 * HOLD_TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(a, cJSON_CreateString(text));
}

static void next_of_recovery(cJSON *a, const struct host_snapshot *s)
{
	const struct recovery_record *r = s->recovery;
	const struct host_step *step = host_step_of(r->row);
	enum host_row done = step->next[OUTCOME_DONE];
	char release[HOLD_TEXT_SIZE];

	say(a, "%s: %s", host_row_name(r->row), step->why);
	if (r->row == HOST_ROW_HELD) {
		say(a, "on its own it goes on with %s, once what holds it is over", host_row_name(r->back_row));
		say(a, "what releases it: %s", hold_release(r, release));
		return;
	}
	if (r->row == HOST_ROW_RECOVERED) {
		say(a, "once it is seen on again, it is taken back: %s", host_step_of(HOST_ROW_CLEANING)->why);
		return;
	}
	if (done != HOST_ROW_NONE && done != r->row)
		say(a, "then %s: %s", host_row_name(done), host_step_of(done)->why);
}

static void next_if_it_died(cJSON *a, const struct host_snapshot *s)
{
	char why[FENCE_WHY_SIZE];

	fence_obstacle(s, why);
	if (why[0])
		say(a, "if it died now it would be told of and not fenced: %s", why);
	else if (s->policy->mode == MODE_OBSERVE)
		say(a, "if it died now: looked at again, then told what would be done; its segment only observes");
	else
		say(a, "if it died now: looked at again, then %spowered off by its fence level%s, then evacuated",
		    s->policy->mode == MODE_ASK ? "held until somebody approves, then " : "",
		    s->policy->level_n == 1 ? "" : "s, in order");
}

cJSON *explain_next(const struct host_snapshot *s)
{
	cJSON *a = cJSON_CreateArray();

	if (s->recovery) {
		next_of_recovery(a, s);
		return a;
	}
	switch (s->verdict) {
	case VERDICT_UP:
		say(a, "nothing: it is up");
		next_if_it_died(a, s);
		break;
	case VERDICT_DEGRADED:
		say(a, "the monitors disagree: the admins are told when it lasts, it is not fenced");
		break;
	case VERDICT_UNKNOWN:
		say(a, "it waits for evidence: silence is not death");
		next_if_it_died(a, s);
		break;
	default:
		if (s->record->death_told)
			say(a,
			    "nothing: this death was dealt with; a recovery opens only after it was seen alive again");
		else
			say(a, "a recovery opens with the next evidence that says dead");
	}
	return a;
}
