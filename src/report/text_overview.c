/* SPDX-License-Identifier: Apache-2.0 */
/* The answers that show many hosts or recoveries at once, as text. */
#include <inttypes.h>
#include <stdio.h>

#include "report/text_part.h"

static void status_daemon(const cJSON *answer, int64_t now_ms, struct strbuf *sb)
{
	const cJSON *d = json_object(answer, "daemon");
	char when[WHEN_SIZE];

	if (!d)
		return;
	strbuf_printf(sb, "oshad %s, pid %" PRId64 ", epoch %" PRId64 ", up since %s%s%s\n",
	    json_str(d, "version", "?"), json_int(d, "pid", 0), json_int(d, "epoch", 0),
	    when_both(json_int(d, "started_at_ms", 0), now_ms, when),
	    json_bool(d, "dry_run", false) ? "; DRY RUN: nothing is changed" : "",
	    json_bool(d, "looks_on", false) ? "; it does not lead: it looks on and does nothing" : "");
}

static void status_monitors(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"MONITOR", "PATH", "WORKS", "REASON"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *m;

	cJSON_ArrayForEach(m, json_array(answer, "monitors"))
	{
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "name", "?"));
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "path", "?"));
		table_word(&t, json_bool(m, "works", false) ? "yes" : "no");
		table_cell(&t, TONE_PLAIN, "%s", json_str(m, "reason", ""));
	}
	if (t.n)
		text_heading(sb, style, "Monitors");
	table_print(&t, style, 2, sb);
}

static void count(struct strbuf *sb, const struct text_style *style, const cJSON *n, const char *word)
{
	char text[64];

	if (!json_int(n, word, 0))
		return;
	strbuf_puts(sb, ", ");
	snprintf(text, sizeof(text), "%" PRId64 " %s", json_int(n, word, 0), word);
	text_toned(sb, style, tone_of(word), text);
}

static void status_hosts(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const words[] = {"up", "degraded", "suspect", "down", "unknown", "maintenance"};
	const cJSON *n = json_object(answer, "hosts_n");
	int64_t all = json_int(n, "all", 0), unfenceable = json_int(n, "not_fenceable", 0);

	strbuf_printf(sb, "%" PRId64 " host%s", all, all == 1 ? "" : "s");
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		count(sb, style, n, words[k]);
	strbuf_puts(sb, "\n");
	if (unfenceable)
		strbuf_printf(
		    sb, "%" PRId64 " of them could not be fenced now: `osha fence status` tells why\n", unfenceable);
}

static void status_suspensions(const cJSON *answer, const struct text_style *style, int64_t now_ms, struct strbuf *sb)
{
	int64_t windows = json_int(json_object(answer, "hosts_n"), "in_window", 0);
	const cJSON *s;

	cJSON_ArrayForEach(s, json_array(answer, "suspensions"))
	{
		int64_t ends_ms = json_int(s, "until_at_ms", 0);
		const char *reason = json_str(s, "reason", "");
		char since[WHEN_SIZE], until[WHEN_SIZE];

		text_toned(sb, style, TONE_WARN, "SUSPENDED");
		strbuf_puts(sb, json_str(s, "segment", NULL) ? ": segment " : ": every host");
		text_toned(sb, style, TONE_PLAIN, json_str(s, "segment", ""));
		strbuf_puts(sb, ", by ");
		text_toned(sb, style, TONE_PLAIN, json_str(s, "by", "?"));
		strbuf_printf(sb, " since %s until %s", when_both(json_int(s, "since_at_ms", 0), now_ms, since),
		    ends_ms ? when_both(ends_ms, now_ms, until) : "somebody says `osha resume`");
		strbuf_puts(sb, reason[0] ? ": " : "");
		text_toned(sb, style, TONE_PLAIN, reason);
		strbuf_puts(sb, "\n");
	}
	if (windows)
		strbuf_printf(sb, "%" PRId64 " host%s in a maintenance window: what dies there is told and held\n",
		    windows, windows == 1 ? " is" : "s are");
}

void text_status(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *all = json_array(answer, "recoveries");
	int64_t now_ms = json_int(answer, "now_at_ms", 0);

	text_source(sb, style, answer);
	status_daemon(answer, now_ms, sb);
	status_hosts(answer, style, sb);
	status_suspensions(answer, style, now_ms, sb);
	status_monitors(answer, style, sb);
	if (!cJSON_GetArraySize(all)) {
		strbuf_puts(sb, "\nNo recovery is open.\n");
		return;
	}
	text_heading(sb, style, "Open recoveries");
	text_recovery_table(sb, style, all, now_ms);
	text_held(answer, sb);
}

void text_recoveries(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	const cJSON *all = json_array(answer, "recoveries");

	text_source(sb, style, answer);
	if (cJSON_GetArraySize(all))
		text_recovery_table(sb, style, all, json_int(answer, "now_at_ms", 0));
	else
		strbuf_puts(sb, "No recovery.\n");
}

/* "dead 3 s" of each monitor, or "-" for one that never saw it. */
static void evidence_words(const cJSON *host, int64_t now_ms, struct strbuf *sb)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, json_array(host, "evidence"))
	{
		int64_t since_ms = json_int(e, "since_at_ms", 0);
		char span[WHEN_SIZE];

		strbuf_printf(
		    sb, "%s%s %s", sb->len ? ", " : "", json_str(e, "monitor", "?"), json_str(e, "says", "?"));
		if (since_ms && !str_eq(json_str(e, "says", ""), "unknown"))
			strbuf_printf(sb, " for %s", when_span(now_ms - since_ms, span));
	}
}

static const char *service_word(const cJSON *host)
{
	const cJSON *s = json_object(host, "service");
	bool disabled = json_bool(s, "disabled", false), forced = json_bool(s, "forced_down", false);

	if (!s)
		return "-";
	return disabled && forced ? "disabled, forced down"
	       : disabled         ? "disabled"
	       : forced           ? "forced down"
				  : "enabled";
}

static void host_row(struct table *t, const cJSON *h, int64_t now_ms)
{
	const cJSON *r = json_object(h, "recovery");
	STRBUF_AUTO struct strbuf seen = STRBUF_INIT;
	const char *fence = !cJSON_GetObjectItemCaseSensitive(h, "fenceable") ? "-"
			    : json_bool(h, "fenceable", false)                ? "yes"
									      : "no";

	evidence_words(h, now_ms, &seen);
	table_cell(t, TONE_STRONG, "%s", json_str(h, "name", "?"));
	table_cell(t, TONE_PLAIN, "%s", json_str(h, "segment", "-"));
	table_word(t, !json_bool(h, "listed", true)   ? "gone"
		      : json_object(h, "maintenance") ? "maintenance"
						      : json_str(h, "verdict", "?"));
	table_cell(t, TONE_PLAIN, "%s", service_word(h));
	table_word(t, fence);
	table_cell(
	    t, TONE_PLAIN, "%s%s%s", r ? json_str(r, "state", "") : "-", r ? " " : "", r ? json_str(r, "id", "") : "");
	table_cell(t, TONE_PLAIN, "%s", seen.text ? seen.text : "");
}

void text_hosts(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"HOST", "SEGMENT", "VERDICT", "SERVICE", "FENCE", "RECOVERY", "EVIDENCE"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *h;

	text_source(sb, style, answer);
	cJSON_ArrayForEach(h, json_array(answer, "hosts")) host_row(&t, h, json_int(answer, "now_at_ms", 0));
	if (!t.n)
		strbuf_puts(sb, "No host is known.\n");
	table_print(&t, style, 0, sb);
}

static const char *proven_word(const cJSON *level)
{
	return json_bool(level, "reads_off_while_alive", false) ? "WRONG MACHINE"
	       : json_bool(level, "has_read_on", false)         ? "has read on"
								: "has not read on";
}

/* From a journal there is no last reading: a device is read by a daemon, and what it said is not recorded. */
static void level_words(const cJSON *host, bool has_readings, int64_t now_ms, struct strbuf *sb)
{
	const cJSON *l;

	cJSON_ArrayForEach(l, json_array(host, "fence_levels"))
	{
		strbuf_printf(sb, "%s%" PRId64 " %s: %s", sb->len ? ", " : "", json_int(l, "level", 0),
		    json_str(l, "device", "device"), proven_word(l));
		if (!has_readings)
			continue;
		strbuf_puts(sb, " (last: ");
		text_reading(sb, l, now_ms);
		strbuf_puts(sb, ")");
	}
}

static void fence_row(struct table *t, const cJSON *h, bool has_readings, int64_t now_ms)
{
	const cJSON *proof = json_object(json_object(h, "recovery"), "proof");
	STRBUF_AUTO struct strbuf levels = STRBUF_INIT;
	const char *why = json_str(h, "not_fenceable_because", "");
	bool is_proven = json_bool(proof, "valid", false);

	level_words(h, has_readings, now_ms, &levels);
	table_cell(t, TONE_STRONG, "%s", json_str(h, "name", "?"));
	if (is_proven)
		table_cell(t, TONE_WARN, "proven dead");
	else
		table_word(t, !cJSON_GetObjectItemCaseSensitive(h, "fenceable") ? "-" : why[0] ? "no" : "yes");
	table_cell(t, TONE_PLAIN, "%s%s%s", levels.text ? levels.text : "no level", why[0] && !is_proven ? "; " : "",
	    is_proven ? "" : why);
}

void text_fences(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"HOST", "FENCEABLE", "LEVELS"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	bool has_readings = !str_eq(json_str(answer, "source", ""), "journal");
	const cJSON *h;

	text_source(sb, style, answer);
	if (!has_readings)
		text_prose(sb, style,
		    "The journal keeps what each device has proven; its last reading only a running daemon knows.");
	cJSON_ArrayForEach(h, json_array(answer, "hosts"))
	    fence_row(&t, h, has_readings, json_int(answer, "now_at_ms", 0));
	if (!t.n)
		strbuf_puts(sb, "No host is known.\n");
	table_print(&t, style, 0, sb);
}

void text_fence_test(const cJSON *answer, const struct text_style *style, struct strbuf *sb)
{
	static const char *const heads[] = {"LEVEL", "DEVICE", "READS", "TOOK", "REASON"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	const cJSON *l;

	cJSON_ArrayForEach(l, json_array(answer, "levels"))
	{
		char span[WHEN_SIZE];

		table_cell(&t, TONE_PLAIN, "%" PRId64, json_int(l, "level", 0));
		table_cell(&t, TONE_PLAIN, "%s", json_str(l, "device", "?"));
		table_word(&t, json_str(l, "reads", "unknown"));
		table_cell(&t, TONE_PLAIN, "%s", when_span(json_int(l, "took_ms", 0), span));
		table_cell(&t, TONE_PLAIN, "%s", json_str(l, "reason", ""));
	}
	if (!t.n)
		strbuf_puts(sb, "The configuration names no fence level for this host.\n");
	table_print(&t, style, 0, sb);
}
