/* SPDX-License-Identifier: Apache-2.0 */
/* Moments as people read them, headings, facts, and the tables that several texts show. */
#include "report/text_part.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LABEL_WIDTH = 16 };

static bool local_time(int64_t at_ms, struct tm *ret)
{
	time_t at_s = (time_t)(at_ms / 1000);

	return at_ms > 0 && localtime_r(&at_s, ret);
}

const char *when_full(int64_t at_ms, char *text)
{
	struct tm tm;

	if (!local_time(at_ms, &tm) || !strftime(text, WHEN_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm))
		str_copy(text, WHEN_SIZE, "-");
	return text;
}

const char *when_clock(int64_t at_ms, char *text)
{
	struct tm tm;

	if (local_time(at_ms, &tm))
		snprintf(text, WHEN_SIZE, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at_ms % 1000));
	else
		str_copy(text, WHEN_SIZE, "-");
	return text;
}

const char *when_span(int64_t span_ms, char *text)
{
	int64_t s = span_ms / 1000;

	if (span_ms < 10000)
		snprintf(text, WHEN_SIZE, "%" PRId64 ".%03d s", s, (int)(span_ms % 1000));
	else if (s < 120)
		snprintf(text, WHEN_SIZE, "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(text, WHEN_SIZE, "%" PRId64 " min %d s", s / 60, (int)(s % 60));
	else if (s < 172800)
		snprintf(text, WHEN_SIZE, "%" PRId64 " h %d min", s / 3600, (int)(s / 60 % 60));
	else
		snprintf(text, WHEN_SIZE, "%" PRId64 " d %d h", s / 86400, (int)(s / 3600 % 24));
	return text;
}

const char *when_age(int64_t at_ms, int64_t now_ms, char *text)
{
	char span[WHEN_SIZE];
	int64_t age_ms = now_ms - at_ms;

	if (at_ms <= 0)
		str_copy(text, WHEN_SIZE, "-");
	else if (age_ms > -1000 && age_ms < 1000)
		str_copy(text, WHEN_SIZE, "now");
	else if (age_ms >= 0 && age_ms < 10000)
		snprintf(text, WHEN_SIZE, "%d.%d s ago", (int)(age_ms / 1000), (int)(age_ms / 100 % 10));
	else if (age_ms >= 0)
		snprintf(text, WHEN_SIZE, "%.60s ago", when_span(age_ms, span));
	else
		snprintf(text, WHEN_SIZE, "in %.60s", when_span(-age_ms, span));
	return text;
}

const char *when_both(int64_t at_ms, int64_t now_ms, char *text)
{
	char full[WHEN_SIZE], age[WHEN_SIZE];

	if (at_ms <= 0)
		return when_full(at_ms, text);
	snprintf(text, WHEN_SIZE, "%.40s (%.50s)", when_full(at_ms, full), when_age(at_ms, now_ms, age));
	return text;
}

void text_heading(struct strbuf *sb, const struct text_style *style, const char *text)
{
	strbuf_puts(sb, "\n");
	text_toned(sb, style, TONE_STRONG, text);
	strbuf_puts(sb, "\n");
}

void text_entry(struct strbuf *sb, const struct text_style *style, int at, const char *label, const char *text)
{
	STRBUF_AUTO struct strbuf lines = STRBUF_INIT;

	text_paragraph(&lines, style, at, text);
	strbuf_printf(sb, "  %-*s", at - 2, label);
	strbuf_puts(sb, lines.text ? lines.text + at : "\n");
	sb->failed = sb->failed || lines.failed;
}

void text_fact(struct strbuf *sb, const struct text_style *style, const char *label, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_entry(sb, style, LABEL_WIDTH + 2, label, text);
}

void text_source(struct strbuf *sb, const struct text_style *style, const cJSON *answer)
{
	char when[WHEN_SIZE];

	if (!str_eq(json_str(answer, "source", ""), "journal"))
		return;
	strbuf_printf(sb, "As the journal has it, %s; no daemon runs, nothing is watched.\n",
	    when_full(json_int(answer, "now_at_ms", 0), when));
}

/* Why it stands where it stands, and for a held one what releases it, belongs in the last column. */
static void recovery_row(struct table *t, const cJSON *r, int64_t now_ms)
{
	const cJSON *n = json_object(r, "instances_n"), *hold = json_object(r, "hold");
	char age[WHEN_SIZE];
	const char *why = json_str(r, "why", "");

	table_cell(t, TONE_STRONG, "%s", json_str(r, "id", "?"));
	table_cell(t, TONE_PLAIN, "%s", json_str(r, "host", "?"));
	table_word(t, json_str(r, "state", "?"));
	table_cell(t, TONE_PLAIN, "%s", when_age(json_int(r, "state_at_ms", 0), now_ms, age));
	table_cell(t, TONE_PLAIN, "%" PRId64 "/%" PRId64, json_int(n, "done", 0), json_int(n, "selected", 0));
	table_cell(t, TONE_PLAIN, "%s%s%s", hold ? json_str(hold, "cause", "") : "", hold && why[0] ? ": " : "", why);
}

void text_recovery_table(struct strbuf *sb, const struct text_style *style, const cJSON *all, int64_t now_ms)
{
	static const char *const heads[] = {"ID", "HOST", "STATE", "SINCE", "DONE", "WHY"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *r;

	cJSON_ArrayForEach(r, all) recovery_row(&t, r, now_ms);
	table_print(&t, style, 2, sb);
}

void text_proof(struct strbuf *sb, const cJSON *proof, int64_t now_ms)
{
	const char *kind = json_str(proof, "kind", "");
	char when[WHEN_SIZE];

	if (!kind[0]) {
		strbuf_puts(sb, "none");
		return;
	}
	strbuf_printf(sb, "%s %s, %s%s", str_eq(kind, "power") ? "power read off by" : "the word of",
	    json_str(proof, "by", "?"), when_both(json_int(proof, "written_at_ms", 0), now_ms, when),
	    json_bool(proof, "valid", false) ? "" : "; void: the host was seen on since");
}

void text_reading(struct strbuf *sb, const cJSON *level, int64_t now_ms)
{
	const cJSON *r = json_object(level, "last_reading");
	const char *reads = json_str(r, "reads", "unknown"), *reason = json_str(r, "reason", "");
	char age[WHEN_SIZE];

	if (!r) {
		strbuf_puts(sb, "not read yet");
		return;
	}
	strbuf_printf(sb, "%s %s%s%s", str_eq(reads, "unknown") ? "unreadable" : reads,
	    when_age(json_int(r, "read_at_ms", 0), now_ms, age), reason[0] ? ": " : "", reason);
}

void text_prose(struct strbuf *sb, const struct text_style *style, const char *text)
{
	text_paragraph(sb, style, 0, text);
}

void text_line(struct strbuf *sb, const char *text)
{
	glyph_clean(sb, text);
}
