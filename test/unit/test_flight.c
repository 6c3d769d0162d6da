/* SPDX-License-Identifier: Apache-2.0 */
/* The flight recorder: bounded, whole lines, in order, readable by time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "journal/flight.h"

enum { FILE_BYTES = 2 * JOURNAL_FLIGHT_LINE_MAX };

static char dir[256], path[300], older[320];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(dir, sizeof(dir), "%s/osha-flight-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/flight.jsonl", dir);
	snprintf(older, sizeof(older), "%s.1", path);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	unlink(older);
	rmdir(dir);
	return 0;
}

struct seen {
	size_t n;
	int64_t first, last;
};

static int see(void *arg, int64_t wall_ms, const char *line, size_t n, struct osha_err *reterr)
{
	struct seen *s = arg;
	cJSON *o = NULL;

	assert_int_equal(json_parse(line, n, &o, NULL), 0);
	assert_int_equal(json_int(o, "t", -1), wall_ms);
	assert_string_equal(json_str(o, "kind", ""), "evidence");
	assert_int_equal(json_int(json_object(o, "in"), "value", -1), wall_ms * 2);
	cJSON_Delete(o);
	if (s->n++)
		assert_true(wall_ms > s->last);
	else
		s->first = wall_ms;
	s->last = wall_ms;
	return 0;
}

static void add(struct journal_flight *f, int64_t t)
{
	char json[256];
	int n = snprintf(json, sizeof(json), "{\"value\":%" PRId64 ",\"more\":\"%0*d\"}", t * 2, 150, 0);

	journal_flight_add(f, t, "evidence", json, (size_t)n);
}

static void test_lines_survive_a_restart(void **state)
{
	struct journal_flight *f = NULL;
	struct seen s = {0};

	for (int64_t life = 0; life < 3; life++) {
		assert_int_equal(journal_flight_open(path, FILE_BYTES, &f, NULL), 0);
		for (int64_t t = 1; t <= 100; t++)
			add(f, life * 100 + t);
		assert_int_equal(journal_flight_dropped(f), 0);
		journal_flight_close(&f);
		assert_null(f);
	}
	assert_int_equal(journal_flight_read(path, 50, 249, see, &s, NULL), 0);
	assert_int_equal(s.n, 200);
	assert_int_equal(s.first, 50);
	assert_int_equal(s.last, 249);
}

static void test_two_files_of_bounded_size(void **state)
{
	struct journal_flight *f = NULL;
	struct seen s = {0};
	struct stat st;

	for (int64_t life = 0; life < 30; life++) {
		assert_int_equal(journal_flight_open(path, FILE_BYTES, &f, NULL), 0);
		for (int64_t t = 0; t < 100; t++)
			add(f, life * 100 + t);
		assert_int_equal(journal_flight_dropped(f), 0);
		journal_flight_close(&f);
	}
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1, FILE_BYTES);
	assert_int_equal(st.st_mode & 0007, 0);
	assert_int_equal(stat(older, &st), 0);
	assert_in_range(st.st_size, FILE_BYTES / 2, FILE_BYTES);
	assert_int_equal(journal_flight_read(path, 0, INT64_MAX, see, &s, NULL), 0);
	assert_int_equal(s.last, 2999);
	assert_int_equal(s.n, 2999 - s.first + 1); /* no hole between the two files */
}

static void test_bad_lines_are_dropped_and_counted(void **state)
{
	static char big[JOURNAL_FLIGHT_LINE_MAX];
	struct journal_flight *f = NULL;
	struct seen s = {0};

	memset(big, '1', sizeof(big));
	assert_int_equal(journal_flight_open(path, 100, &f, NULL), -OSHA_E_USAGE);
	assert_int_equal(journal_flight_open(path, FILE_BYTES, &f, NULL), 0);
	add(f, 1);
	journal_flight_add(f, 2, "evidence", big, sizeof(big));
	journal_flight_add(f, 3, "evidence", "1\n2", 3);
	assert_int_equal(journal_flight_dropped(f), 2);
	add(f, 4);
	journal_flight_close(&f);
	FILE *file = fopen(path, "a");
	fputs("{\"t\":5,\"kind\":\"evidence\",\"in\":{\"val", file); /* cut by a crash */
	fclose(file);
	assert_int_equal(journal_flight_read(path, 0, 100, see, &s, NULL), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.last, 4);
	/* the next life's first line is not lost behind it */
	assert_int_equal(journal_flight_open(path, FILE_BYTES, &f, NULL), 0);
	add(f, 6);
	journal_flight_close(&f);
	s = (struct seen){0};
	assert_int_equal(journal_flight_read(path, 0, 100, see, &s, NULL), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.last, 6);
}

static void test_nothing_there(void **state)
{
	struct journal_flight *f = NULL;
	struct osha_err err = {0};
	char none[400];

	assert_int_equal(journal_flight_read(path, 0, 1, see, NULL, &err), -OSHA_E_NOTFOUND);
	snprintf(none, sizeof(none), "%s/none/flight.jsonl", dir);
	assert_int_equal(journal_flight_open(none, FILE_BYTES, &f, &err), -OSHA_E_IO);
	assert_null(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(test_lines_survive_a_restart),
	    T(test_two_files_of_bounded_size),
	    T(test_bad_lines_are_dropped_and_counted),
	    T(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
