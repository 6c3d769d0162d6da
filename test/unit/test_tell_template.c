/* SPDX-License-Identifier: Apache-2.0 */
/* The language of the templates: what it says, what it refuses and where, and that no bytes upset it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/rng.h"
#include "tell/letter.h"

static struct tell_template *parsed(enum tell_kind kind, enum tell_format format, const char *text)
{
	struct tell_source source = {kind, format, text, strlen(text)};
	struct tell_template *t = NULL;
	struct osha_err err = {0};
	int line = 0;

	if (tell_template_parse(&source, &line, &t, &err) < 0)
		fail_msg("line %d: %s", line, err.msg);
	return t;
}

static void renders(enum tell_format format, const char *text, const char *facts, const char *wanted)
{
	TELL_TEMPLATE_AUTO struct tell_template *t = parsed(TELL_USER_HELD, format, text);
	JSON_AUTO cJSON *json = cJSON_Parse(facts);
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;

	assert_non_null(json);
	tell_template_render(t, json, &out);
	assert_false(out.failed);
	assert_string_equal(out.text ? out.text : "", wanted);
}

static void refuses(enum tell_kind kind, enum tell_format format, const char *text, int wanted_line, const char *word)
{
	struct tell_source source = {kind, format, text, strlen(text)};
	struct tell_template *t = NULL;
	struct osha_err err = {0};
	int line = 0;

	assert_int_equal(tell_template_parse(&source, &line, &t, &err), -OSHA_E_CONFIG);
	assert_null(t);
	if (line != wanted_line || !strstr(err.msg, word))
		fail_msg("line %d, wanted %d: %s", line, wanted_line, err.msg);
}

static void values(void **state)
{
	(void)state;
	renders(TELL_HTML, "a {{person}} b", "{\"person\":\"<i>\\\"&'\"}", "a &lt;i&gt;&quot;&amp;&#39; b");
	renders(TELL_TEXT, "Subject: x\n\na {{ person }} b", "{\"person\":\"<i>&\"}", "a <i>& b");
	renders(TELL_HTML, "[{{person}}]", "{}", "[]");
	renders(TELL_HTML, "[{{person}}]", "{\"person\":7}", "[]");
	renders(TELL_HTML, "no tags", "{}", "no tags");
	renders(TELL_HTML, "{ { {x} }} }", "{}", "{ { {x} }} }");
	renders(TELL_HTML, "", "{}", "");
}

static void sections(void **state)
{
	static const char facts[] =
	    "{\"person\":\"p\",\"projects\":[{\"project\":\"one\",\"instances\":[{\"name\":\"a\"},{\"name\":"
	    "\"b\"}]},{\"project\":\"two\",\"instances\":[]}]}";

	(void)state;
	renders(TELL_HTML,
	    "{{#projects}}{{project}}:{{#instances}} {{name}}{{/instances}}{{^instances}} "
	    "none{{/instances}};{{/projects}}",
	    facts, "one: a b;two: none;");
	renders(TELL_HTML, "{{#projects}}{{#instances}}{{person}}{{project}}{{name}} {{/instances}}{{/projects}}",
	    facts, "ponea poneb ");
	renders(TELL_HTML, "{{#person}}yes{{/person}}{{^person}}no{{/person}}", facts, "yes");
	renders(TELL_HTML, "{{#person}}yes{{/person}}{{^person}}no{{/person}}", "{\"person\":\"\"}", "no");
	renders(TELL_HTML, "{{^projects}}nothing{{/projects}}", "{}", "nothing");
}

static void lines(void **state)
{
	(void)state;
	renders(TELL_HTML, "a\n  {{#person}}  \nb {{person}}\n{{/person}}\n{{! gone }}\nc\n", "{\"person\":\"x\"}",
	    "a\nb x\nc\n");
	renders(TELL_HTML, "a\r\n{{#person}}\r\nb\r\n{{/person}}\r\nc\r\n", "{\"person\":\"x\"}", "a\r\nb\r\nc\r\n");
	renders(TELL_HTML, "a\n{{person}}\nb\n", "{}", "a\n\nb\n");
	renders(TELL_HTML, "{{#person}}\nb{{/person}}", "{\"person\":\"x\"}", "b");
}

static void subjects(void **state)
{
	TELL_TEMPLATE_AUTO struct tell_template *t = parsed(
	    TELL_USER_HELD, TELL_TEXT, "Subject: about {{person}}{{#failed_n}} ({{failed_n}}){{/failed_n}}\n\nbody\n");
	JSON_AUTO cJSON *json = cJSON_Parse("{\"person\":\"a\\r\\nBcc: b\",\"failed_n\":\"2\"}");
	STRBUF_AUTO struct strbuf subject = STRBUF_INIT, body = STRBUF_INIT;

	(void)state;
	tell_template_subject(t, json, &subject);
	tell_template_render(t, json, &body);
	assert_string_equal(subject.text, "about a  Bcc: b (2)");
	assert_string_equal(body.text, "body\n");
	refuses(TELL_USER_HELD, TELL_TEXT, "hello\n\nbody\n", 1, "Subject: ");
	refuses(TELL_USER_HELD, TELL_TEXT, "Subject: x\nbody\n", 1, "Subject: ");
	refuses(TELL_USER_HELD, TELL_TEXT, "Subject: {{#person}}\n\n{{/person}}\n", 1, "{{/person}}");
	refuses(TELL_USER_HELD, TELL_TEXT, "", 1, "Subject: ");
	refuses(TELL_USER_HELD, TELL_TEXT, "Subject: x\n\nb\n{{nothing}}\n", 4, "{{nothing}}");
}

static void wrong(void **state)
{
	(void)state;
	refuses(TELL_USER_HELD, TELL_HTML, "a\nb {{persn}}\n", 2, "{{persn}}");
	refuses(TELL_USER_HELD, TELL_HTML, "a\n\n{{host}}\n", 3, "{{host}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{#projects}}\n{{#instances}}\n{{why}}\n{{/instances}}{{/projects}}", 3,
	    "{{why}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{name}}\n", 1, "{{name}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{projects}}\n", 1, "list");
	refuses(TELL_USER_HELD, TELL_HTML, "x\n{{#person}}\ny\n", 2, "{{/person}}");
	refuses(TELL_USER_HELD, TELL_HTML, "x\n{{/person}}\n", 2, "{{/person}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{#person}}\n{{#failed_n}}\n{{/person}}\n", 3, "expected {{/failed_n}}");
	refuses(TELL_USER_HELD, TELL_HTML, "x\ny {{person\n}}", 2, "}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{}}", 1, "{{name}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{{person}}}", 1, "{{name}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{person.x}}", 1, "{{name}}");
	refuses(TELL_USER_HELD, TELL_HTML, "{{>part}}", 1, "{{name}}");
	refuses(TELL_ADMIN_ALERT, TELL_HTML, "{{person}}", 1, "{{person}}");
	refuses(TELL_USER_HELD, TELL_HTML,
	    "{{#person}}{{#person}}{{#person}}{{#person}}{{#person}}{{#person}}{{#person}}{{#person}}{{#person}}", 1,
	    "sections");
}

static void too_much(void **state)
{
	STRBUF_AUTO struct strbuf text = STRBUF_INIT;

	(void)state;
	for (int k = 0; k < 600; k++)
		strbuf_puts(&text, "{{person}}");
	refuses(TELL_USER_HELD, TELL_HTML, text.text, 1, "at most");
	while (text.len <= TELL_TEMPLATE_MAX_BYTES)
		strbuf_puts(&text, "words and more words\n");
	refuses(TELL_USER_HELD, TELL_HTML, text.text, 1, "at most");
}

static void hostile_text(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {{"a\r\nb\tc", "a  b c"}, {"\xe2\x80\xaetxt", "?txt"}, {"\xff\xfe", "??"}, {"\xc3", "?"},
	    {"Gr\xc3\xbc\xc3\x9f", "Gr\xc3\xbc\xc3\x9f"}, {"\xc0\xaf", "??"}, {"\xed\xa0\x80", "???"},
	    {"\xf0\x9f\x92\xa5", "\xf0\x9f\x92\xa5"}, {"\x1b[2J", " [2J"}, {"\xc2\x9b", "?"}, {"\xe2\x80\xa8", "?"},
	    {"{{person}}", "{{person}}"}};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		STRBUF_AUTO struct strbuf out = STRBUF_INIT;

		tell_text_add(&out, TELL_TEXT, rows[k].in);
		assert_string_equal(out.text, rows[k].out);
	}
}

/* Pieces of the language in any order: parsing ends, and what was accepted renders. */
static void any_bytes(void **state)
{
	static const char *const pieces[] = {"{{", "}}", "{{#projects}}", "{{/projects}}", "{{#instances}}",
	    "{{/instances}}", "{{name}}", "{{person}}", "{{^person}}", "{{/person}}", "{{! x }}", "\n", " ", "x",
	    "\xff", "{", "#", "{{#person}}"};
	JSON_AUTO cJSON *json =
	    cJSON_Parse("{\"person\":\"x\",\"projects\":[{\"instances\":[{\"name\":\"a\"}]},{\"instances\":[]}]}");
	const char *given = getenv("OSHA_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : 20240611;
	struct rng rng;
	int accepted = 0;

	(void)state;
	print_message("OSHA_SEED=%llu\n", (unsigned long long)seed);
	rng = (struct rng){seed};
	for (int round = 0; round < 20000; round++) {
		STRBUF_AUTO struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
		TELL_TEMPLATE_AUTO struct tell_template *t = NULL;
		struct tell_source source = {.kind = TELL_USER_HELD, .format = TELL_HTML};
		struct osha_err err = {0};
		int line = 0;

		for (uint64_t n = rng_below(&rng, 12); n > 0; n--)
			strbuf_puts(&text, pieces[rng_below(&rng, sizeof(pieces) / sizeof(pieces[0]))]);
		source.bytes = text.text ? text.text : "";
		source.size_bytes = text.len;
		if (tell_template_parse(&source, &line, &t, &err) < 0) {
			assert_true(line >= 1 && err.msg[0]);
			continue;
		}
		accepted++;
		tell_template_render(t, json, &out);
		assert_false(out.failed);
	}
	assert_true(accepted > 1000);
}

/* Each name of the list is filled by letter.c is held by the golden mails; here: each built-in template is sound. */
static void builtin(void **state)
{
	TELL_TEMPLATES_AUTO struct tell_templates t = {0};
	struct osha_err err = {0};

	(void)state;
	if (tell_builtin_load(&t, &err) < 0)
		fail_msg("%s", err.msg);
	for (int k = 0; k < TELL_KIND_N * TELL_FORMAT_N; k++)
		assert_non_null(t.all[k / TELL_FORMAT_N][k % TELL_FORMAT_N]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(sections),
	    cmocka_unit_test(lines), cmocka_unit_test(subjects), cmocka_unit_test(wrong), cmocka_unit_test(too_much),
	    cmocka_unit_test(hostile_text), cmocka_unit_test(any_bytes), cmocka_unit_test(builtin)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
