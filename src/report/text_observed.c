/* SPDX-License-Identifier: Apache-2.0 */
/* Deaths that were only observed, and what followed each, as text. */
#include <inttypes.h>

#include "report/text_part.h"

static void then_add(struct strbuf *sb, const cJSON *d, const char *key, const char *what)
{
	int64_t at_ms = json_int(d, key, 0), since_ms = json_int(d, "would_act_at_ms", 0);
	char span[WHEN_SIZE];

	if (!at_ms)
		return;
	strbuf_printf(
	    sb, "%s%s after %s", sb->len ? "; " : "", what, when_span(at_ms > since_ms ? at_ms - since_ms : 0, span));
}

static void death_row(struct table *t, const cJSON *d)
{
	STRBUF_AUTO struct strbuf then = STRBUF_INIT;
	char when[WHEN_SIZE];

	then_add(&then, d, "read_on_at_ms", "its device read on");
	then_add(&then, d, "read_off_at_ms", "its device read off");
	then_add(&then, d, "forced_down_at_ms", "an operator forced it down");
	then_add(&then, d, "alive_at_ms", "seen alive");
	table_cell(t, TONE_STRONG, "%s", json_str(d, "host", "?"));
	table_cell(t, TONE_PLAIN, "%s", json_str(d, "recovery", "?"));
	table_cell(t, TONE_PLAIN, "%s", when_full(json_int(d, "would_act_at_ms", 0), when));
	table_cell(t, TONE_PLAIN, "%s", json_str(d, "followed", "?"));
	table_cell(t, TONE_PLAIN, "%s", then.len && !then.failed ? then.text : "nothing was seen");
}

void text_observed(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"HOST", "RECOVERY", "WOULD HAVE ACTED", "FOLLOWED", "WHAT WAS SEEN"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *d, *all = json_array(answer, "deaths");

	text_source(sb, style, answer);
	cJSON_ArrayForEach(d, all) death_row(&t, d);
	if (!t.n)
		strbuf_puts(sb, "No death was only observed.\n");
	table_print(&t, style, 2, sb);
}
