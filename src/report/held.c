/* SPDX-License-Identifier: Apache-2.0 */
/* Held recoveries counted by what holds them: numbers for a monitoring system, and a line for people. */
#include "base/strbuf.h"
#include "report/part.h"
#include "report/text_part.h"

void part_held_add(cJSON *o)
{
	uint32_t n[HOLD_CAUSE_N] = {0};
	const cJSON *r;
	cJSON *by;

	cJSON_ArrayForEach(r, json_array(o, "recoveries"))
	{
		const char *cause = json_str(json_object(r, "hold"), "cause", "");

		for (int c = HOLD_NONE + 1; c < HOLD_CAUSE_N; c++)
			n[c] += str_eq(cause, hold_cause_name((enum hold_cause)c));
	}
	by = cJSON_AddObjectToObject(o, "held_by_n");
	for (int c = HOLD_NONE + 1; c < HOLD_CAUSE_N; c++)
		cJSON_AddNumberToObject(by, hold_cause_name((enum hold_cause)c), n[c]);
}

void text_held(const cJSON *answer, struct strbuf *sb)
{
	const char *between = "\nHeld by ";
	const cJSON *n;

	if (!json_int(answer, "held_n", 0))
		return;
	cJSON_ArrayForEach(n, json_object(answer, "held_by_n"))
	{
		if (n->valuedouble <= 0)
			continue;
		strbuf_printf(sb, "%s%s: %.0f", between, n->string, n->valuedouble);
		between = ", ";
	}
	strbuf_puts(sb, "\nHeld recoveries wait for you: `osha recovery show ID` tells what releases one.\n");
}
