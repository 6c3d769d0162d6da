/* SPDX-License-Identifier: Apache-2.0 */
/* One recovery in full, as text. */
#include <inttypes.h>

#include "report/text_part.h"

static void facts(const cJSON *r, int64_t now_ms, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *hold = json_object(r, "hold"), *n = json_object(r, "instances_n");
	STRBUF_AUTO struct strbuf proof = STRBUF_INIT;
	char when[WHEN_SIZE];

	strbuf_puts(sb, "Recovery ");
	text_toned(sb, style, TONE_STRONG, json_str(r, "id", "?"));
	strbuf_puts(sb, " of host ");
	text_toned(sb, style, TONE_STRONG, json_str(r, "host", "?"));
	strbuf_puts(sb, ": ");
	text_toned(sb, style, tone_of(json_str(r, "state", "?")), json_str(r, "state", "?"));
	strbuf_puts(sb, "\n");
	text_fact(sb, style, "opened", "%s", when_both(json_int(r, "opened_at_ms", 0), now_ms, when));
	text_fact(sb, style, "since", "%s", when_both(json_int(r, "state_at_ms", 0), now_ms, when));
	if (json_str(r, "why", NULL))
		text_fact(sb, style, "why", "%s", json_str(r, "why", ""));
	if (hold) {
		text_fact(sb, style, "held by", "%s", json_str(hold, "cause", "?"));
		text_fact(sb, style, "released by", "%s", json_str(hold, "release", "?"));
	}
	if (json_object(r, "approval"))
		text_fact(sb, style, "approved", "by %s, %s", json_str(json_object(r, "approval"), "by", "?"),
		    when_both(json_int(json_object(r, "approval"), "approved_at_ms", 0), now_ms, when));
	text_proof(&proof, json_object(r, "proof"), now_ms);
	text_fact(sb, style, "proof", "%s", proof.text ? proof.text : "?");
	text_fact(sb, style, "instances", "%" PRId64 " selected, %" PRId64 " done", json_int(n, "selected", 0),
	    json_int(n, "done", 0));
}

/* A line that neither enters a state nor says why is a counter's: for the JSON only. */
static void steps(const cJSON *r, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"TIME", "AFTER", "STATE", "WHY"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	int64_t opened_ms = json_int(r, "opened_at_ms", 0);
	const cJSON *s;

	cJSON_ArrayForEach(s, json_array(r, "steps"))
	{
		const char *why = json_str(s, "why", "");
		int64_t at_ms = json_int(s, "written_at_ms", 0), after_ms = at_ms - opened_ms;
		char clock[WHEN_SIZE], span[WHEN_SIZE];

		if (!why[0] && !json_bool(s, "entered", false))
			continue;
		table_cell(&t, TONE_PLAIN, "%s", when_clock(at_ms, clock));
		table_cell(&t, TONE_PLAIN, "%s", when_span(after_ms > 0 ? after_ms : 0, span));
		table_word(&t, json_str(s, "state", "?"));
		table_cell(&t, TONE_PLAIN, "%s", why);
	}
	if (t.n)
		text_heading(sb, style, "Steps");
	table_print(&t, style, 2, sb);
}

/* How long before @until_ms; "-" where it never was. */
static const char *span_before(int64_t at_ms, int64_t until_ms, char *text)
{
	return at_ms > 0 ? when_span(until_ms > at_ms ? until_ms - at_ms : 0, text) : "-";
}

static void evidence_rows(struct table *t, const cJSON *step)
{
	int64_t weighed_ms = json_int(step, "weighed_at_ms", 0);
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(step, "evidence"))
	{
		int64_t since_ms = json_int(e, "since_at_ms", 0);
		bool is_known = !str_eq(json_str(e, "says", "unknown"), "unknown");
		char weighed[WHEN_SIZE], age[WHEN_SIZE], since[WHEN_SIZE];

		table_cell(t, TONE_PLAIN, "%s", when_clock(weighed_ms, weighed));
		table_word(t, json_str(step, "state", "?"));
		table_cell(t, TONE_PLAIN, "%s", json_str(e, "monitor", "?"));
		table_cell(t, TONE_PLAIN, "%s", json_str(e, "path", "-"));
		table_word(t, json_str(e, "says", "?"));
		table_cell(t, TONE_PLAIN, "%s", span_before(is_known ? since_ms : 0, weighed_ms, since));
		table_cell(t, TONE_PLAIN, "%s", span_before(json_int(e, "seen_at_ms", 0), weighed_ms, age));
		table_cell(t, TONE_PLAIN, "%s", json_bool(e, "must_say_dead", false) ? "asks it" : "-");
	}
}

/* What each decision was made on: the state that followed, and what every monitor said. */
static void evidence(const cJSON *r, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"WEIGHED", "STATE", "MONITOR", "PATH", "SAYS", "FOR", "AGE", "POLICY"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *s;

	cJSON_ArrayForEach(s, json_array(r, "steps")) evidence_rows(&t, s);
	text_heading(sb, style, "Evidence");
	if (!t.n)
		strbuf_puts(sb, "  none was recorded\n");
	table_print(&t, style, 2, sb);
}

static void instances(const cJSON *r, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"INSTANCE", "NAME", "STATE", "WANTED", "NOW ON", "CALLS", "WHY"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *i;

	cJSON_ArrayForEach(i, json_array(r, "instances"))
	{
		table_cell(&t, TONE_PLAIN, "%s", json_str(i, "uuid", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(i, "name", ""));
		table_word(&t, json_str(i, "state", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(i, "wanted", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(i, "destination", "-"));
		table_cell(&t, TONE_PLAIN, "%" PRId64, json_int(i, "calls", 0));
		table_cell(&t, TONE_PLAIN, "%s", json_str(i, "why", ""));
	}
	if (t.n)
		text_heading(sb, style, "Instances");
	table_print(&t, style, 2, sb);
}

static void mails(const cJSON *r, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"MOMENT", "FOR", "TO", "STATE", "AT", "ERROR"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *m;

	cJSON_ArrayForEach(m, json_array(r, "mails"))
	{
		int64_t ended_ms = json_int(m, "ended_at_ms", 0);
		char clock[WHEN_SIZE];

		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "moment", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "audience", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "to", "(no address)"));
		table_word(&t, json_str(m, "state", "?"));
		table_cell(
		    &t, TONE_PLAIN, "%s", when_clock(ended_ms ? ended_ms : json_int(m, "queued_at_ms", 0), clock));
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "error", ""));
	}
	if (t.n)
		text_heading(sb, style, "Mails");
	table_print(&t, style, 2, sb);
}

void text_recovery(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *r = json_object(answer, "recovery");

	text_source(sb, style, answer);
	facts(r, json_int(answer, "now_at_ms", 0), style, sb);
	steps(r, style, sb);
	evidence(r, style, sb);
	instances(r, style, sb);
	mails(r, style, sb);
}
