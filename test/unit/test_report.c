/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a small cloud (report_bed.c), live and from its journal: JSON and text against test/golden/report. With
 * OSHA_GOLDEN_WRITE set the expectations are written anew, to be read in the diff. Also: every key stands in doc/json.md.
 */
#include "test/unit/report_bed.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "report/archive.h"
#include "report/table.h"

static const char *root; /* of the source tree */
static struct cloud cloud;

static void file_take(const char *path, struct strbuf *sb)
{
	char bytes[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	while (f && (n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		strbuf_add(sb, bytes, n);
	if (f)
		fclose(f);
}

static void golden(const char *name, const char *made)
{
	STRBUF_AUTO struct strbuf kept = STRBUF_INIT;
	char path[500];

	assert_non_null(made);
	snprintf(path, sizeof(path), "%s/test/golden/report/%s", root, name);
	if (getenv("OSHA_GOLDEN_WRITE")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		assert_int_equal(fwrite(made, 1, strlen(made), f), strlen(made));
		fclose(f);
	}
	file_take(path, &kept);
	if (!kept.text || strcmp(kept.text, made) != 0)
		print_error("%s is not what is made now:\n%s", path, made);
	assert_non_null(kept.text);
	assert_string_equal(kept.text, made);
}

static void keys_are_documented(const cJSON *o, const char *doc)
{
	const cJSON *x;

	cJSON_ArrayForEach(x, o)
	{
		char quoted[100];

		snprintf(quoted, sizeof(quoted), "`%s`", x->string ? x->string : "ok");
		if (!strstr(doc, quoted))
			fail_msg("doc/json.md does not tell of %s", quoted);
		keys_are_documented(x, doc);
	}
}

static cJSON *find_id(cJSON *answer, const char *host)
{
	cJSON *r;

	cJSON_ArrayForEach(r, (cJSON *)(uintptr_t)json_array(answer, "recoveries"))
	{
		if (str_eq(json_str(r, "host", ""), host))
			return r;
	}
	fail_msg("no recovery of %s", host);
	return NULL;
}

/* One answer as JSON and as text at the widths that matter. */
static void answer_is(
    const char *name, cJSON *answer, void (*text)(const cJSON *, const struct text_style *, struct strbuf *))
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT, doc = STRBUF_INIT;
	STR_AUTO char *json = NULL;
	char file[100];

	assert_non_null(answer);
	snprintf(file, sizeof(file), "%s/doc/json.md", root);
	{
		char path[500];

		snprintf(path, sizeof(path), "%s/doc/json.md", root);
		file_take(path, &doc);
	}
	if (json_str(answer, "journal", NULL))
		cJSON_ReplaceItemInObjectCaseSensitive(answer, "journal", cJSON_CreateString("JOURNAL"));
	json = cJSON_Print(answer);
	snprintf(file, sizeof(file), "%s.json", name);
	golden(file, json);
	keys_are_documented(answer, doc.text ? doc.text : "");
	for (int width = 0; width <= 120; width += width ? 40 : 80) {
		const struct text_style style = {.width = width};

		strbuf_printf(&sb, "--- %d columns\n", width);
		text(answer, &style, &sb);
	}
	snprintf(file, sizeof(file), "%s.text", name);
	golden(file, sb.text);
	assert_null(strchr(sb.text, '\033'));
}

static void live_answers(void **state)
{
	struct report_live l = cloud_live(&cloud);
	JSON_AUTO cJSON *status = report_status(&l), *hosts = report_hosts(&l), *recoveries = report_recoveries(&l);
	JSON_AUTO cJSON *fences = report_fences(&l), *up = report_explain(&l, "compute-1");
	JSON_AUTO cJSON *held = report_explain(&l, "compute-3"), *wrong = report_explain(&l, "compute-10");

	answer_is("live-status", status, text_status);
	answer_is("live-hosts", hosts, text_hosts);
	answer_is("live-recoveries", recoveries, text_recoveries);
	answer_is("live-fences", fences, text_fences);
	answer_is("live-explain-up", up, text_explain);
	answer_is("live-explain-held", held, text_explain);
	answer_is("live-explain-miswired", wrong, text_explain);
	assert_null(report_explain(&l, "compute"));
}

static void journal_answers(void **state)
{
	const struct archive a = {.path = cloud.bed.path, .wall_ms = cloud_wall_ms(&cloud)};
	JSON_AUTO cJSON *status = NULL, *hosts = NULL, *all = NULL, *one = NULL, *held = NULL, *explain = NULL,
			*last = NULL;
	struct osha_err err = {0};

	assert_int_equal(archive_status(&a, &status, &err), 0);
	assert_int_equal(archive_hosts(&a, &hosts, &err), 0);
	assert_int_equal(archive_recoveries(&a, true, &all, &err), 0);
	assert_int_equal(archive_recovery(&a, json_str(find_id(all, "compute-2"), "id", ""), &one, &err), 0);
	assert_int_equal(archive_recovery(&a, json_str(find_id(all, "compute-3"), "id", ""), &held, &err), 0);
	assert_int_equal(archive_explain(&a, "compute-3", &explain, &err), 0);
	assert_int_equal(archive_last_of(&a, "compute-1", &last, &err), 0);
	assert_true(cJSON_IsNull(last));
	answer_is("journal-status", status, text_status);
	answer_is("journal-hosts", hosts, text_hosts);
	answer_is("journal-recoveries", all, text_recoveries);
	answer_is("journal-recovery", one, text_recovery);
	answer_is("journal-recovery-held", held, text_recovery);
	answer_is("journal-explain", explain, text_explain);
}

/* A recovery that a version without that field wrote: nothing is made up. */
static void a_record_without_evidence_says_so(void **state)
{
	const struct archive a = {.path = cloud.bed.path, .wall_ms = cloud_wall_ms(&cloud)};
	struct record r = {.type = RECORD_RECOVERY,
	    .recovery = {.id = "kq3f7m-1-1", .host = "compute-1", .row = HOST_ROW_REENABLED, .opened_wall_ms = 5}};
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	const struct text_style style = {0};
	JSON_AUTO cJSON *o = NULL;
	const cJSON *got;

	assert_int_equal(journal_submit(cloud.bed.j, ++cloud.seq, &r, 6, "", NULL), 0);
	bed_wait(&cloud.bed, cloud.bed.answered + journal_pending(cloud.bed.j));
	assert_int_equal(archive_recovery(&a, "kq3f7m-1-1", &o, NULL), 0);
	got = json_object(o, "recovery");
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(got, "evidence")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(got, "weighed_at_ms")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json_array(got, "steps")->child, "evidence")));
	text_recovery(o, &style, &sb);
	assert_non_null(strstr(sb.text, "Evidence\n  none was recorded\n"));
}

static void put(struct record r, int64_t wall_ms)
{
	assert_int_equal(journal_submit(cloud.bed.j, ++cloud.seq, &r, wall_ms, "", NULL), 0);
	bed_wait(&cloud.bed, cloud.bed.answered + journal_pending(cloud.bed.j));
}

#define OBSERVED_AT 1772370000000 /* 2026-03-01 13:00:00 UTC */

static void observed_death(const char *id, const char *host, int64_t at_ms)
{
	struct record r = {.type = RECORD_RECOVERY,
	    .recovery = {.row = HOST_ROW_ABANDONED, .observed = true, .opened_wall_ms = at_ms, .row_wall_ms = at_ms}};

	str_copy(r.recovery.id, sizeof(r.recovery.id), id);
	str_copy(r.recovery.host, sizeof(r.recovery.host), host);
	str_copy(r.recovery.why, sizeof(r.recovery.why), "observed only: would power off by ipmi");
	r.recovery.stamp_wall_ms[HOST_ROW_SUSPECT] = at_ms - 5000;
	put(r, at_ms);
}

static void observed_after(const char *host, struct observed o)
{
	struct record r = {.type = RECORD_HOST, .host = {.observed = o}};

	str_copy(r.host.name, sizeof(r.host.name), host);
	put(r, OBSERVED_AT);
}

/* Every way in which a death that was only observed goes on, an earlier death of the same host included. */
static void what_followed_a_death_that_was_observed(void **state)
{
	const struct archive a = {.path = cloud.bed.path, .wall_ms = cloud_wall_ms(&cloud)};
	const int64_t at = OBSERVED_AT;
	JSON_AUTO cJSON *none = NULL, *o = NULL;
	struct osha_err err = {0};

	assert_int_equal(archive_observed(&a, &none, &err), 0);
	assert_int_equal(cJSON_GetArraySize(json_array(none, "deaths")), 0);
	observed_death("kq3f7m-9-1", "lab-1", at);
	observed_after("lab-1", (struct observed){"kq3f7m-9-1", .on_wall_ms = at + 2000});
	observed_after("lab-1", (struct observed){"kq3f7m-9-1", .on_wall_ms = at + 2000, .alive_wall_ms = at + 240000});
	observed_death("kq3f7m-9-2", "lab-1", at + 600000);
	observed_after("lab-1", (struct observed){"kq3f7m-9-2", .on_wall_ms = at + 601000, .off_wall_ms = at + 660000,
				    .forced_down_wall_ms = at + 670000});
	observed_death("kq3f7m-9-3", "lab-2", at + 1000);
	observed_after("lab-2", (struct observed){"kq3f7m-9-3", .on_wall_ms = at + 3000, .off_wall_ms = at + 93000});
	observed_death("kq3f7m-9-4", "lab-3", at + 2000);
	observed_after("lab-3", (struct observed){"kq3f7m-9-4", .off_wall_ms = at + 3000});
	observed_death("kq3f7m-9-5", "lab-4", at + 3000);
	observed_after("lab-4", (struct observed){.recovery = "kq3f7m-9-5"});
	observed_death("kq3f7m-9-6", "lab-4", at + 700000);
	observed_after("lab-4", (struct observed){.recovery = "kq3f7m-9-6"});
	assert_int_equal(archive_observed(&a, &o, &err), 0);
	answer_is("journal-observed", o, text_observed);
}

static void unknown_names(void **state)
{
	const struct archive a = {.path = cloud.bed.path, .wall_ms = 1}, nowhere = {.path = "/nowhere/journal.db"};
	struct osha_err err = {0};
	cJSON *o = NULL;

	assert_int_equal(archive_recovery(&a, "nope-1-1", &o, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(archive_explain(&a, "compute", &o, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(archive_status(&nowhere, &o, &err), -OSHA_E_NOTFOUND);
	assert_null(o);
}

#define NONSENSE_KEYS                                                                                                  \
	"{\"recovery\":{\"steps\":[{}],\"mails\":[{}],\"instances\":[{}],\"hold\":{}},\"host\":{\"next\":[{}],"        \
	"\"evidence\":[{}],\"fence_levels\":[{}],\"recovery\":{}},\"monitors\":[{}],\"deaths\":[{}],\"levels\":[{}]}"

/* A renderer takes what a stranger on the socket says: anything. */
static void texts_bear_nonsense(void **state)
{
	static const char *const nonsense[] = {
	    "{}", "[]", "{\"hosts\":[1,null,{}],\"recoveries\":[{}],\"recovery\":3}", (NONSENSE_KEYS)};
	void (*const all[])(const cJSON *, const struct text_style *, struct strbuf *) = {text_status, text_hosts,
	    text_recoveries, text_observed, text_recovery, text_explain, text_fences, text_fence_test};
	const struct text_style style = {.width = 20, .has_colour = true};

	for (size_t k = 0; k < sizeof(nonsense) / sizeof(nonsense[0]); k++) {
		JSON_AUTO cJSON *o = cJSON_Parse(nonsense[k]);

		for (size_t f = 0; f < sizeof(all) / sizeof(all[0]); f++) {
			STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

			all[f](o, &style, &sb);
			assert_false(sb.failed);
		}
	}
}

static void tables(void **state)
{
	static const char *const heads[] = {"A", "LONGER", "LAST"};
	TABLE_AUTO struct table t = TABLE_INIT(heads);
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	const struct text_style wide = {0}, narrow = {.width = 40}, tight = {.width = 24},
				coloured = {.has_colour = true};

	table_cell(&t, TONE_PLAIN, "\xe6\x97\xa5");
	table_word(&t, "up");
	table_cell(&t, TONE_PLAIN, "words that have to be wrapped somewhere");
	table_cell(&t, TONE_PLAIN, "b\033]0;x\a\xff\xe2\x80\xae");
	table_word(&t, "held");
	table_cell(&t, TONE_PLAIN, "%s", "");
	table_print(&t, &wide, 0, &sb);
	strbuf_puts(&sb, "---\n");
	table_print(&t, &narrow, 2, &sb);
	strbuf_puts(&sb, "---\n");
	table_print(&t, &tight, 0, &sb);
	strbuf_puts(&sb, "---\n");
	table_print(&t, &coloured, 0, &sb);
	golden("tables.text", sb.text);
}

static int story(void **state)
{
	setenv("TZ", "CET-1", 1); /* a zone that is not UTC, without summer time and without a file */
	cloud_story(&cloud);
	return 0;
}

static int story_ends(void **state)
{
	cloud_remove(&cloud);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(live_answers), cmocka_unit_test(journal_answers),
	    cmocka_unit_test(unknown_names), cmocka_unit_test(a_record_without_evidence_says_so),
	    cmocka_unit_test(what_followed_a_death_that_was_observed), cmocka_unit_test(texts_bear_nonsense),
	    cmocka_unit_test(tables)};

	root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests_name("report", tests, story, story_ends);
}
