/* SPDX-License-Identifier: Apache-2.0 */
/* Times, ids, encoding, clean text, and the folding of nova's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "cloud/rows.h"
#include "cloud/wire.h"

static void test_time_good(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
	    {"1970-01-01T00:00:00", 0},
	    {"1970-01-01T00:00:00.001Z", 1},
	    {"2026-11-22T10:31:41.000000", INT64_C(1795343501000)},
	    {"2026-11-22T11:11:08Z", INT64_C(1795345868000)},
	    {"2026-11-22T12:11:15.000000Z", INT64_C(1795349475000)},
	    {"2026-11-22T11:11:23.895217", INT64_C(1795345883895)},
	    {"2024-02-29T23:59:59.9+00:00", INT64_C(1709251199900)},
	    {"2000-03-01T00:00:00", INT64_C(951868800000)},
	    {"9999-12-31T23:59:59.999999999", INT64_C(253402300799999)},
	};
	int64_t ms;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(cloud_time_parse(rows[i].text, &ms));
		assert_int_equal(ms, rows[i].ms);
	}
}

static void test_time_bad(void **state)
{
	static const char *const rows[] = {
	    "",
	    "2026-11-22",
	    "2026-11-22 10:31:41",
	    "2026-11-22T10:31:41.",
	    "2026-11-22T10:31:41.0000000001",
	    "2026-11-22T10:31:41+01:00",
	    "2026-11-22T10:31:41Zx",
	    "2026-11-22T10:31:60",
	    "2026-11-22T24:00:00",
	    "2026-13-22T10:31:41",
	    "2026-00-22T10:31:41",
	    "2026-11-31T10:31:41",
	    "2025-02-29T10:31:41",
	    "2100-02-29T10:31:41",
	    "1969-12-31T23:59:59",
	    "2026-11-22T1o:31:41",
	    "+026-11-22T10:31:41",
	    "2026-11-22T10:31:-1",
	};
	int64_t ms = 42;

	assert_false(cloud_time_parse(NULL, &ms));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (cloud_time_parse(rows[i], &ms))
			fail_msg("taken for a time: %s", rows[i]);
	assert_int_equal(ms, 42);
}

static void test_text_clean(void **state)
{
	static const struct {
		const char *text, *clean;
	} rows[] = {
	    {NULL, ""},
	    {"", ""},
	    {"plain", "plain"},
	    {"  two\r\n\tlines \n", "two lines"},
	    {"\033[31mred\033[0m", "[31mred [0m"},
	    {"bad \xff\xc0\x80 bytes", "bad ??? bytes"},
	    {"cut \xc3", "cut ?"},
	    {"\xe2\x80\xaegnp.exe", "gnp.exe"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"surrogate \xed\xa0\x80", "surrogate ???"},
	};
	char text[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cloud_text_clean(text, sizeof(text), rows[i].text);
		assert_string_equal(text, rows[i].clean);
	}
	/* never split in a character */
	cloud_text_clean(text, 5, "abc\xc3\xbc");
	assert_string_equal(text, "abc");
	cloud_text_clean(text, 6, "abc\xc3\xbc");
	assert_string_equal(text, "abc\xc3\xbc");
	cloud_text_clean(text, 1, "abc");
	assert_string_equal(text, "");
}

static void test_ids_and_hosts(void **state)
{
	char host[HOST_NAME_SIZE + 1];

	assert_true(cloud_id_is_valid("5078f212-25f8-440c-b507-58113c1e7c39", UUID_SIZE));
	assert_false(cloud_id_is_valid("5078f212/../x", UUID_SIZE));
	assert_false(cloud_id_is_valid("", UUID_SIZE));
	assert_false(cloud_id_is_valid(NULL, UUID_SIZE));
	assert_false(cloud_id_is_valid("0123456789012345678901234567890123456789", UUID_SIZE));
	memset(host, 'h', sizeof(host));
	host[HOST_NAME_SIZE] = '\0';
	assert_false(cloud_host_is_valid(host));
	host[HOST_NAME_SIZE - 1] = '\0';
	assert_true(cloud_host_is_valid(host));
	assert_false(cloud_host_is_valid("a\nb"));
}

static void test_url_encode(void **state)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	cloud_url_encode(&sb, "c1 &host=c10/%\xc3\xbc-._~");
	assert_string_equal(sb.text, "c1%20%26host%3Dc10%2F%25%C3%BC-._~");
}

static void test_email(void **state)
{
	static const char *const good[] = {"alice@example.org", "a.b+c@sub.example.com", "ops@localhost"};
	static const char *const bad[] = {"", "alice", "@example.org", "alice@", "a@b@c", "a b@example.org",
	    "a@example.org\nBcc: x@y", "<a@b.c>", "a@b.c,d@e.f", "a@.org", "a@b.", "a\r@b.c"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(cloud_email_is_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(cloud_email_is_valid(bad[i]));
	assert_false(cloud_email_is_valid(NULL));
}

static enum server_task fold_task(const char *json)
{
	cJSON *task = cJSON_Parse(json);
	enum server_task t = cloud_server_task_fold(task);

	cJSON_Delete(task);
	return t;
}

static void test_words(void **state)
{
	assert_int_equal(cloud_server_state_fold("active", "REBUILD"), SERVER_ACTIVE);
	assert_int_equal(cloud_server_state_fold("stopped", NULL), SERVER_STOPPED);
	assert_int_equal(cloud_server_state_fold("soft-delete", NULL), SERVER_SOFT_DELETED);
	assert_int_equal(cloud_server_state_fold("shelved_offloaded", NULL), SERVER_SHELVED);
	assert_int_equal(cloud_server_state_fold("crashed", NULL), SERVER_OTHER);
	assert_int_equal(cloud_server_state_fold(NULL, "SHUTOFF"), SERVER_STOPPED);
	assert_int_equal(cloud_server_state_fold(NULL, "UNKNOWN"), SERVER_UNKNOWN);
	assert_int_equal(cloud_server_state_fold(NULL, NULL), SERVER_UNKNOWN);
	assert_int_equal(fold_task("null"), TASK_NONE);
	assert_int_equal(fold_task("\"rebuild_block_device_mapping\""), TASK_REBUILDING);
	assert_int_equal(fold_task("\"resize_migrated\""), TASK_MIGRATING);
	assert_int_equal(fold_task("\"soft-deleting\""), TASK_DELETING);
	assert_int_equal(fold_task("\"powering-off\""), TASK_OTHER);
	assert_int_equal(fold_task("\"dancing\""), TASK_UNKNOWN);
	assert_int_equal(fold_task("7"), TASK_UNKNOWN);
	assert_int_equal(cloud_server_task_fold(NULL), TASK_UNKNOWN);
	assert_int_equal(cloud_migration_status_fold("pre-migrating"), MIGRATION_PRE_MIGRATING);
	assert_int_equal(cloud_migration_status_fold("error"), MIGRATION_FAILED);
	assert_int_equal(cloud_migration_status_fold("elsewhere"), MIGRATION_OTHER);
}

static void test_arrays(void **state)
{
	struct migration_view *m = NULL;
	size_t n = 0;

	for (int i = 0; i < 1000; i++) {
		struct migration_view *one = cloud_array_add(&m, &n, sizeof(*m));

		assert_non_null(one);
		one->id = (i * 7) % 1000 + 1;
		one->instance[0] = (char)('a' + one->id % 5);
	}
	cloud_migrations_sort(m, &n);
	assert_int_equal(n, 1000);
	cloud_migrations_newest(m, &n);
	assert_int_equal(n, 5);
	assert_int_equal(cloud_migrations_find(m, n, "a")->id, 1000);
	assert_int_equal(cloud_migrations_find(m, n, "e")->id, 999);
	assert_null(cloud_migrations_find(m, n, "f"));
	/* it shrank and grows again over the old bounds */
	for (int i = 0; i < 100; i++)
		assert_non_null(cloud_array_add(&m, &n, sizeof(*m)));
	assert_int_equal(n, 105);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_time_good),
	    cmocka_unit_test(test_time_bad),
	    cmocka_unit_test(test_text_clean),
	    cmocka_unit_test(test_ids_and_hosts),
	    cmocka_unit_test(test_url_encode),
	    cmocka_unit_test(test_email),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
