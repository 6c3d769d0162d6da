/* SPDX-License-Identifier: Apache-2.0 */
/* What is believed of one host, on whose evidence, and what follows from it, as text. */
#include <inttypes.h>

#include "report/text_part.h"

static void title(const cJSON *h, const struct text_style *style, struct strbuf *sb)
{
	const char *segment = json_str(h, "segment", ""), *verdict = json_str(h, "verdict", "?");

	text_toned(sb, style, TONE_STRONG, json_str(h, "name", "?"));
	strbuf_puts(sb, ": ");
	text_toned(sb, style, tone_of(verdict), verdict);
	if (segment[0]) {
		strbuf_puts(sb, ", segment ");
		text_toned(sb, style, TONE_PLAIN, segment);
	}
	if (!str_eq(json_str(h, "mode", "automatic"), "automatic"))
		strbuf_puts(sb, str_eq(json_str(h, "mode", ""), "ask") ? ", asks first" : ", only observed");
	strbuf_puts(sb, "\n");
}

static void evidence(const cJSON *h, int64_t now_ms, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"MONITOR", "PATH", "SAYS", "SEEN", "SINCE", "POLICY"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(h, "evidence"))
	{
		char seen[WHEN_SIZE], since[WHEN_SIZE];

		table_cell(&t, TONE_PLAIN, "%s", json_str(e, "monitor", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(e, "path", "?"));
		table_word(&t, json_str(e, "says", "?"));
		table_cell(&t, TONE_PLAIN, "%s", when_age(json_int(e, "seen_at_ms", 0), now_ms, seen));
		table_cell(&t, TONE_PLAIN, "%s", when_age(json_int(e, "since_at_ms", 0), now_ms, since));
		table_cell(&t, TONE_PLAIN, "%s", json_bool(e, "must_say_dead", false) ? "must say dead" : "not asked");
	}
	text_heading(sb, style, "Evidence");
	if (!t.n)
		strbuf_puts(sb, "  none\n");
	table_print(&t, style, 2, sb);
}

static void service(const cJSON *h, int64_t now_ms, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *s = json_object(h, "service"), *m = json_object(h, "maintenance");
	int64_t ends_ms = json_int(m, "until_at_ms", 0);
	char when[WHEN_SIZE], until[WHEN_SIZE];

	if (s)
		text_fact(sb, style, "nova-compute", "%s%s; %sforced down; last report %s",
		    json_bool(s, "disabled", false) ? "disabled" : "enabled",
		    json_bool(s, "disabled_by_osha", false) ? " by Osha" : "",
		    json_bool(s, "forced_down", false) ? "" : "not ",
		    when_both(json_int(s, "updated_at_ms", 0), now_ms, when));
	if (m)
		text_fact(sb, style, "maintenance", "by %s since %s%s%s", json_str(m, "by", "?"),
		    when_both(json_int(m, "since_at_ms", 0), now_ms, when), ends_ms ? ", until " : "",
		    ends_ms ? when_both(ends_ms, now_ms, until) : "");
}

static void next(const cJSON *h, int64_t now_ms, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *r = json_object(h, "recovery"), *n;
	const char *held = json_str(h, "held_back_by", ""), *obstacle = json_str(h, "not_fenceable_because", "");
	const char *verdict = json_str(h, "verdict", "");
	bool is_living =
	    str_eq(verdict, "up") || str_eq(verdict, "degraded"); /* that is what holds it back, and no news */
	bool is_to_fence = r && !json_bool(json_object(r, "proof"), "valid", false);
	char when[WHEN_SIZE];

	text_heading(sb, style, "What comes next");
	cJSON_ArrayForEach(n, json_array(h, "next"))
	    text_paragraph(sb, style, 2, cJSON_IsString(n) ? n->valuestring : "");
	if (json_str(r, "operation", NULL))
		text_fact(sb, style, "under way", "%s, to end by %s", json_str(r, "operation", ""),
		    when_both(json_int(r, "operation_ends_by_at_ms", 0), now_ms, when));
	if (json_int(r, "acts_again_at_ms", 0))
		text_fact(
		    sb, style, "acts by itself", "%s", when_both(json_int(r, "acts_again_at_ms", 0), now_ms, when));
	if (held[0] && !is_living)
		text_fact(sb, style, "held back by", "%s", held);
	if (obstacle[0] && is_to_fence && !str_eq(held, obstacle))
		text_fact(sb, style, "not fenceable", "%s", obstacle);
}

static void fences(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"LEVEL", "DEVICE", "USABLE", "BECAUSE", "LAST READ"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	bool has_readings = !str_eq(json_str(answer, "source", ""), "journal"); /* a journal keeps none */
	const cJSON *l;

	cJSON_ArrayForEach(l, json_array(json_object(answer, "host"), "fence_levels"))
	{
		STRBUF_AUTO struct strbuf read = STRBUF_INIT;
		bool is_wrong = json_bool(l, "reads_off_while_alive", false),
		     is_on = json_bool(l, "has_read_on", false);

		table_cell(&t, TONE_PLAIN, "%" PRId64, json_int(l, "level", 0));
		table_cell(&t, TONE_PLAIN, "%s", json_str(l, "device", "-"));
		text_reading(&read, l, json_int(answer, "now_at_ms", 0));
		table_word(&t, json_bool(l, "usable", false) ? "yes" : "no");
		table_cell(&t, TONE_PLAIN, "%s",
		    is_wrong ? "it reads off while the host is alive: another machine's"
		    : is_on  ? "it has read on while the host was alive"
			     : "it has not read on while the host was alive");
		table_cell(&t, TONE_PLAIN, "%s", has_readings && read.text ? read.text : "-");
	}
	text_heading(sb, style, "Fence levels");
	if (!t.n)
		strbuf_puts(sb, "  none\n");
	table_print(&t, style, 2, sb);
}

static void last(const cJSON *h, int64_t now_ms, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *r = json_object(h, "recovery") ? json_object(h, "recovery") : json_object(h, "last_recovery");
	STRBUF_AUTO struct strbuf proof = STRBUF_INIT;
	char when[WHEN_SIZE];

	text_heading(sb, style, json_object(h, "recovery") ? "Open recovery" : "Last recovery");
	if (!r) {
		strbuf_puts(sb, "  none\n");
		return;
	}
	text_proof(&proof, json_object(r, "proof"), now_ms);
	text_fact(sb, style, "id", "%s", json_str(r, "id", "?"));
	text_fact(sb, style, "state", "%s since %s", json_str(r, "state", "?"),
	    when_both(json_int(r, "state_at_ms", 0), now_ms, when));
	text_fact(sb, style, "why", "%s", json_str(r, "why", "-"));
	text_fact(sb, style, "proof", "%s", proof.text ? proof.text : "?");
}

void text_explain(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *h = json_object(answer, "host");
	int64_t now_ms = json_int(answer, "now_at_ms", 0);

	text_source(sb, style, answer);
	title(h, style, sb);
	evidence(h, now_ms, style, sb);
	service(h, now_ms, style, sb);
	next(h, now_ms, style, sb);
	fences(answer, style, sb);
	last(h, now_ms, style, sb);
}
