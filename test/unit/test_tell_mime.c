/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: encodings, lines, and that nothing in a value becomes a header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tell/mime.h"

static void header(const char *value, size_t column, const char *wanted)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;

	tell_header_text(&out, column, value);
	assert_string_equal(out.text ? out.text : "", wanted);
}

static void headers(void **state)
{
	(void)state;
	header("plain words", 9, "plain words");
	header("a\r\nBcc: b", 9, "a Bcc: b");
	header("  \r\n ", 9, "");
	header("Gr\xc3\xbc\xc3\x9f", 9, "=?UTF-8?B?R3LDvMOf?=");
	header("=?UTF-8?B?eA==?=", 9, "=?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?="); /* one that pretends to be encoded */
	header("Bob", 4, "Bob");
	header("a<b>", SIZE_MAX, "=?UTF-8?B?YTxiPg==?=");
	header("0123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789", 9,
	    "0123456789 123456789 123456789 123456789 123456789 123456789\r\n 123456789 123456789");
	/* 14 times three bytes: the cut comes between two characters */
	header("\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95\xe2"
	       "\x98\x95\xe2\x98\x95"
	       "\xe2\x98\x95\xe2\x98\x95\xe2\x98\x95x\xe2\x98\x95",
	    9, "=?UTF-8?B?4piV4piV4piV4piV4piV4piV4piV4piV4piV4piV4piV4piV4piV?=\r\n =?UTF-8?B?eOKYlQ==?=");
}

static void qp(const char *value, const char *wanted)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;

	tell_quoted_printable(&out, value);
	assert_string_equal(out.text ? out.text : "", wanted);
}

static void quoted_printable(void **state)
{
	(void)state;
	qp("a=b\nc\r\nd", "a=3Db\r\nc\r\nd");
	qp("blank at the end \nand tab\t\n", "blank at the end=20\r\nand tab=09\r\n");
	qp(".\n..x\nFrom here\nFar\n", "=2E\r\n=2E.x\r\n=46rom here\r\nFar\r\n");
	qp("a\rb", "a=0Db");
	qp("\xc3\xbc", "=C3=BC");
	qp("123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789",
	    "123456789 123456789 123456789 123456789 123456789 123456789 123456789 12345=\r\n6789");
}

static struct tell_mail sound(void)
{
	return (struct tell_mail){.from = "osha@example.com",
	    .to = "a@example.com",
	    .to_name = "",
	    .key = "id/held/1/a@example.com",
	    .thread = "id",
	    .moment = "held",
	    .subject = "s",
	    .text = "t",
	    .html = "h",
	    .wall_ms = 1700000000000};
}

static void messages(void **state)
{
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;
	struct tell_mail m = sound();

	(void)state;
	m.to_name = "x\r\nBcc: b@example.com";
	m.subject = "s\nBcc: b@example.com";
	assert_int_equal(tell_mail_write(&m, &out, NULL), 0);
	assert_null(strstr(out.text, "\nBcc"));
	assert_non_null(strstr(out.text, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
	assert_non_null(strstr(out.text, "\r\nMessage-ID: <id/held/1/a=40example.com@example.com>\r\n"));
	assert_non_null(strstr(out.text, "\r\nReferences: <id@example.com>\r\n"));
	for (const char *c = out.text; *c; c++) {
		if (*c == '\n')
			assert_int_equal(c[-1], '\r');
		if (*c == '\r')
			assert_int_equal(c[1], '\n');
		assert_true((unsigned char)*c < 0x7f);
	}
}

static void refused(void **state)
{
	static const char *const bad[] = {"", "a b@c", "a@b\r\nBcc: c@d"};
	STRBUF_AUTO struct strbuf out = STRBUF_INIT;

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct tell_mail m = sound();

		m.to = bad[k];
		assert_int_equal(tell_mail_write(&m, &out, NULL), -OSHA_E_USAGE);
		m = sound();
		m.from = bad[k];
		assert_int_equal(tell_mail_write(&m, &out, NULL), -OSHA_E_USAGE);
		m = sound();
		m.key = bad[k][0] ? "a b" : "";
		assert_int_equal(tell_mail_write(&m, &out, NULL), -OSHA_E_USAGE);
	}
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(headers), cmocka_unit_test(quoted_printable),
	    cmocka_unit_test(messages), cmocka_unit_test(refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
