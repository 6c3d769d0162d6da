/* SPDX-License-Identifier: Apache-2.0 */
/* The fence agents' shared part: stdin's lines, option rows, metadata. Devices are tested by test/system/fence. */
#include "fence/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static int check_port(const struct agent *a, struct osha_err *reterr)
{
	return agent_number(a, "ipport") == 666 ? osha_err_set(reterr, OSHA_E_USAGE, "ipport: cursed") : 0;
}

static const struct agent_option rows[] = {
    {.name = "ip",
	.obsolete = "ipaddr",
	.long_opt = "ip",
	.letter = 'a',
	.is_required = true,
	.max_bytes = 20,
	.text = "A <b> & \"c\""},
    {.name = "ipport",
	.long_opt = "ipport",
	.letter = 'u',
	.type = AGENT_INTEGER,
	.fallback = "623",
	.min = 1,
	.max = 65535,
	.text = "Port"},
    {.name = "lanplus", .long_opt = "lanplus", .letter = 'P', .type = AGENT_BOOLEAN, .text = "Flag"},
    {.name = "cipher", .long_opt = "cipher", .type = AGENT_SELECT, .choices = "3|17", .text = "Suite"},
    AGENT_ROWS_LOGIN,
};

static const struct agent_desc desc = {.name = "fence_test",
    .shortdesc = "short",
    .longdesc = "long <text>",
    .options = rows,
    .options_n = sizeof(rows) / sizeof(rows[0]),
    .check = check_port};

struct fixture {
	struct agent a;
	struct osha_err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	agent_init(&f->a, &desc);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	agent_release(&f->a);
	free(f);
	return 0;
}

static int read_text(struct fixture *f, const char *text)
{
	return agent_options_read_text(&f->a, text, strlen(text), &f->err);
}

static void test_lines(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    read_text(
		f, "# comment\n\n  ip = 192.0.2.1\r\npassword=a=b c#d\nlanplus=Yes\naction=off\nlogin_timeout=1.25"),
	    0);
	assert_string_equal(agent_text(&f->a, "ip"), " 192.0.2.1");
	assert_string_equal(agent_text(&f->a, "password"), "a=b c#d");
	assert_true(agent_is_set(&f->a, "lanplus"));
	assert_string_equal(agent_text(&f->a, "action"), "off");
	assert_int_equal(agent_ms(&f->a, "login_timeout"), 1250);
	assert_int_equal(agent_number(&f->a, "ipport"), 623);
	assert_null(agent_text(&f->a, "cipher"));
	assert_int_equal(agent_options_check(&f->a, &f->err), 0);
}

static void test_default_action_is_reboot(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(agent_text(&f->a, "action"), "reboot");
	assert_int_equal(read_text(f, "option=status\nipaddr=h\n"), 0);
	assert_string_equal(agent_text(&f->a, "action"), "status");
	assert_string_equal(agent_text(&f->a, "ip"), "h");
}

static void test_refused_lines(void **state)
{
	static const char *const texts[] = {"action", "=off", "action=OFF", "action=of", "action=off|on",
	    "action=", "ipport=0", "ipport=65536", "ipport=623.5", "ipport=+5", "ipport= 5",
	    "ipport=99999999999999999999", "power_timeout=1.2345", "power_timeout=", "power_timeout=-1",
	    "power_timeout=1e3", "lanplus=maybe", "cipher=1", "ip=123456789012345678901", "ip=a\nip=b",
	    "ipaddr=a\nip=b"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int rc;

		agent_release(&f->a);
		agent_init(&f->a, &desc);
		rc = read_text(f, texts[i]);
		/* "=off" is a key that nobody knows. */
		if (str_eq(texts[i], "=off"))
			assert_int_equal(f->a.unknown_n, 1);
		else
			assert_int_equal(rc, -OSHA_E_USAGE);
	}
	assert_int_equal(read_text(f, "x\n"), -OSHA_E_USAGE);
	assert_non_null(strstr(f->err.msg, "line 1"));
	assert_int_equal(agent_options_read_text(&f->a, "action=on\0\n", 11, &f->err), -OSHA_E_USAGE);
}

static void test_errors_hold_no_values(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "password=hunter-one\npassword=hunter-two\n"), -OSHA_E_USAGE);
	assert_null(strstr(f->err.msg, "hunter"));
	assert_int_equal(read_text(f, "hunter-three\n"), -OSHA_E_USAGE);
	assert_null(strstr(f->err.msg, "hunter"));
	assert_int_equal(read_text(f, "cipher=hunter-four\n"), -OSHA_E_USAGE);
	assert_null(strstr(f->err.msg, "hunter"));
}

static void test_same_value_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_text(f, "ip=a\nipaddr=a\nip=a\n"), 0);
	assert_string_equal(agent_text(&f->a, "ip"), "a");
}

static void test_unknown_keys(void **state)
{
	struct fixture *f = *state;
	STRBUF_AUTO struct strbuf many = STRBUF_INIT;

	for (int i = 0; i < 20; i++)
		strbuf_printf(&many, "colour%d=red\n", i);
	for (int i = 0; i < 200; i++)
		strbuf_puts(&many, "x");
	strbuf_puts(&many, "=1\nnodename=compute-1\n");
	assert_int_equal(read_text(f, many.text), 0);
	assert_int_equal(f->a.unknown_n, 21);
	assert_string_equal(f->a.unknown[0], "colour0");
}

static void test_check(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(agent_options_check(&f->a, &f->err), -OSHA_E_USAGE);
	assert_string_equal(f->err.msg, "ip: missing");
	assert_int_equal(read_text(f, "ip=a\nipport=666\n"), 0);
	assert_int_equal(agent_options_check(&f->a, &f->err), -OSHA_E_USAGE);
	assert_string_equal(f->err.msg, "ipport: cursed");
}

static void test_argv(void **state)
{
	char *good[] = {"fence_test", "-o", "status", "--ip=h", "-u", "99", "-P", "-l", "root", NULL};
	char *bad[][5] = {
	    {"f", "-Z"}, {"f", "-o"}, {"f", "--ipport"}, {"f", "word"}, {"f", "-u", "x"}, {"f", "--lanplus=1"}};
	struct fixture *f = *state;

	assert_int_equal(agent_options_read_argv(&f->a, 9, good, &f->err), 0);
	assert_string_equal(agent_text(&f->a, "action"), "status");
	assert_string_equal(agent_text(&f->a, "ip"), "h");
	assert_int_equal(agent_number(&f->a, "ipport"), 99);
	assert_true(agent_is_set(&f->a, "lanplus"));
	assert_string_equal(agent_text(&f->a, "username"), "root");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int argc = bad[i][2] ? 3 : 2;

		agent_release(&f->a);
		agent_init(&f->a, &desc);
		assert_int_equal(agent_options_read_argv(&f->a, argc, bad[i], &f->err), -OSHA_E_USAGE);
	}
}

static char *metadata_of(const struct agent *a)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	agent_metadata_print(a, out);
	fclose(out);
	return text;
}

static void test_metadata(void **state)
{
	static const char *const actions[] = {"on", "off", "reboot", "status", "monitor", "metadata", "validate-all"};
	struct fixture *f = *state;
	char wanted[80];
	char *text;

	assert_int_equal(read_text(f, "ip=h\npassword=hunter-five\n"), 0);
	text = metadata_of(&f->a);
	assert_null(strstr(text, "hunter"));
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		snprintf(wanted, sizeof(wanted), "<action name=\"%s\"", actions[i]);
		assert_non_null(strstr(text, wanted));
	}
	assert_null(strstr(text, "<action name=\"list\""));
	assert_non_null(strstr(text, "<parameter name=\"ip\" unique=\"0\" required=\"1\" obsoletes=\"ipaddr\">"));
	assert_non_null(strstr(text, "<parameter name=\"ipaddr\" unique=\"0\" required=\"0\" deprecated=\"1\">"));
	assert_non_null(strstr(text, "A &lt;b&gt; &amp; &quot;c&quot;"));
	assert_non_null(strstr(text, "<content type=\"integer\" default=\"623\" />"));
	assert_non_null(strstr(text, "<option value=\"17\" />"));
	assert_non_null(strstr(text, "<getopt mixed=\"-u, --ipport=[ipport]\" />"));
	for (size_t i = 0; i < f->a.options_n; i++) {
		snprintf(wanted, sizeof(wanted), "<parameter name=\"%s\"", f->a.options[i]->name);
		assert_non_null(strstr(text, wanted));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_default_action_is_reboot, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_errors_hold_no_values, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_same_value_twice, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_unknown_keys, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_check, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_argv, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_metadata, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
