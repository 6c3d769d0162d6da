/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of osha: its words, its errors, and the pages made from its rows, which doc/generated holds. With OSHA_GOLDEN_WRITE set
 * the pages are written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/command.h"
#include "ctl/until.h"

static const char *root; /* of the source tree */

enum { WORDS_MAX = 10 };

static int line_read(const char *const *words, struct ctl *c, struct osha_err *err)
{
	char *argv[WORDS_MAX + 1];
	int n = 0;

	for (; words[n]; n++)
		argv[n] = (char *)(uintptr_t)words[n];
	memset(c, 0, sizeof(*c));
	return command_line_read(n, argv, c, err);
}
#define READ(c, err, ...) line_read((const char *const[]){"osha", __VA_ARGS__, NULL}, c, err)

static void understood(void **state)
{
	struct osha_err err = {0};
	struct ctl c;

	assert_int_equal(READ(&c, &err, "--json", "recovery", "show", "kq3f7m-1-1", "--socket=/s"), 0);
	assert_ptr_equal(c.command, &command_recovery_show);
	assert_string_equal(c.operands[0], "kq3f7m-1-1");
	assert_string_equal(c.socket_path, "/s");
	assert_true(c.is_json);
	assert_int_equal(READ(&c, &err, "confirm-dead", "c1", "--despite-life", "burning"), 0);
	assert_string_equal(c.despite_life, "burning");
	assert_int_equal(READ(&c, &err, "explain", "--", "--json"), 0);
	assert_string_equal(c.operands[0], "--json");
	assert_false(c.is_json);
	assert_int_equal(READ(&c, &err, "recoveries", "--all", "--state", "/d"), 0);
	assert_true(c.has_all);
	assert_string_equal(c.state_dir, "/d");
	assert_int_equal(READ(&c, &err, "suspend", "--until=18:00", "--segment", "rack-1", "new switches"), 0);
	assert_ptr_equal(c.command, &command_suspend);
	assert_string_equal(c.until, "18:00");
	assert_string_equal(c.segment, "rack-1");
	assert_string_equal(c.operands[0], "new switches");
	assert_int_equal(READ(&c, &err, "maintenance", "c1", "on", "--for", "2h"), 0);
	assert_string_equal(c.span, "2h");
	assert_int_equal(READ(&c, &err, "--version"), 0);
	assert_true(c.wants_version);
	assert_int_equal(READ(&c, &err, "release", "--help"), 0);
	assert_ptr_equal(c.command, &command_release);
}

/* Each refusal says what to do. */
static void refused(void **state)
{
	static const char *const lines[][WORDS_MAX] = {{"osha"}, {"osha", "stat"}, {"osha", "status", "x"},
	    {"osha", "config"}, {"osha", "fence", "off", "c1"}, {"osha", "--bogus", "status"},
	    {"osha", "status", "--socket"}, {"osha", "status", "--socket="}, {"osha", "status", "--all"},
	    {"osha", "release", "x", "--despite-life", "y"}, {"osha", "maintenance", "c1"},
	    {"osha", "status", "--for", "2h"}, {"osha", "release", "x", "--until", "18:00"},
	    {"osha", "maintenance", "c1", "on", "--segment", "x"}, {"osha", "suspend", "two", "words", "--for", "2h"},
	    {"osha", "explain", "a", "b"}, {"osha", "recovery", "shows", "x"}};
	char longest[OPERAND_SIZE_MAX + 10];
	struct ctl c;

	for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
		struct osha_err err = {0};

		assert_int_equal(line_read(lines[k], &c, &err), -OSHA_E_USAGE);
		if (!strstr(err.msg, "osha "))
			fail_msg("line %zu: \"%s\" does not say what to do", k, err.msg);
	}
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(READ(&c, NULL, "explain", longest), -OSHA_E_USAGE);
}

/* --for and --until, seen from 2026-01-01 12:00 UTC. */
static void until_is_read(void **state)
{
	static const struct {
		const char *span, *until;
		int result;
		const char *want;
	} cases[] = {{NULL, NULL, UNTIL_NONE, NULL}, {NULL, "resumed", UNTIL_RESUMED, NULL},
	    {"2h", NULL, UNTIL_MOMENT, "2026-01-01 14:00"}, {NULL, "18:00", UNTIL_MOMENT, "2026-01-01 18:00"},
	    {NULL, "12:00", UNTIL_MOMENT, "2026-01-02 12:00"}, {NULL, "09:30Z", UNTIL_MOMENT, "2026-01-02 09:30"},
	    {NULL, "2026-12-24 18:00", UNTIL_MOMENT, "2026-12-24 18:00"},
	    {NULL, "2026-01-01 12:00", -OSHA_E_USAGE, NULL}, {NULL, "2025-12-24 18:00", -OSHA_E_USAGE, NULL},
	    {"2h", "18:00", -OSHA_E_USAGE, NULL}, {"2", NULL, -OSHA_E_USAGE, NULL}, {NULL, "noon", -OSHA_E_USAGE, NULL},
	    {NULL, "18:00 CET", -OSHA_E_USAGE, NULL}};
	const int64_t noon_ms = 1767268800000;

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct ctl c = {.span = cases[k].span, .until = cases[k].until};
		struct osha_err err = {0};
		int64_t got_ms, want_ms = 0;

		assert_true(!cases[k].want || calendar_moment_read(cases[k].want, &want_ms));
		assert_int_equal(until_read(&c, noon_ms, &got_ms, &err), cases[k].result);
		if (cases[k].result == UNTIL_MOMENT)
			assert_int_equal(got_ms, want_ms);
	}
}

static void table_is_in_order(void **state)
{
	for (size_t k = 0; command_table[k]; k++) {
		assert_non_null(command_table[k]->run);
		assert_true(command_table[k]->operand_max <= OPERAND_MAX);
		if (k)
			assert_true(strcmp(command_table[k - 1]->name, command_table[k]->name) < 0);
	}
}

static void page_is_fresh(const char *name, void (*write)(struct strbuf *))
{
	STRBUF_AUTO struct strbuf made = STRBUF_INIT, kept = STRBUF_INIT;
	char path[500], bytes[4096];
	size_t n;
	FILE *f;

	write(&made);
	snprintf(path, sizeof(path), "%s/doc/generated/%s", root, name);
	if (getenv("OSHA_GOLDEN_WRITE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(made.text, 1, made.len, f), made.len);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		strbuf_add(&kept, bytes, n);
	fclose(f);
	assert_string_equal(kept.text, made.text);
}

static void pages_are_fresh(void **state)
{
	page_is_fresh("commands.md", command_markdown);
	page_is_fresh("osha.1", command_man);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(understood), cmocka_unit_test(refused),
	    cmocka_unit_test(until_is_read), cmocka_unit_test(table_is_in_order), cmocka_unit_test(pages_are_fresh)};

	root = argc > 1 ? argv[1] : ".";
	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
