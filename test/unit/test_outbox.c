/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox and the reader: mails put once, listed when due, marked when ended; and all of it read from outside. */
#include "test/unit/journal_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

static int setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	bed_make(b);
	bed_open(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bed_remove(*state);
	free(*state);
	return 0;
}

static struct journal_mail mail(const char *key, int64_t next_wall_ms, const void *body, size_t body_size)
{
	struct journal_mail m = {.moment = MOMENT_RECOVERED,
	    .state = MAIL_QUEUED,
	    .for_admin = true,
	    .created_wall_ms = 5,
	    .next_wall_ms = next_wall_ms,
	    .body = body,
	    .body_size = body_size};

	str_copy(m.key, sizeof(m.key), key);
	str_copy(m.recovery, sizeof(m.recovery), "k-1");
	str_copy(m.address, sizeof(m.address), "ops@example.com");
	str_copy(m.subject, sizeof(m.subject), "c1 has failed");
	return m;
}

static void list(struct bed *b, uint64_t seq, int64_t now, size_t max)
{
	assert_int_equal(journal_outbox_due(b->j, seq, now, max, NULL), 0);
	bed_wait(b, seq);
	assert_int_equal(b->answer[seq].outcome, OUTCOME_DONE);
}

static void mark(struct bed *b, uint64_t seq, const char *key, struct journal_mail_end end)
{
	assert_int_equal(journal_outbox_mark(b->j, seq, key, &end, NULL), 0);
	bed_wait(b, seq);
}

static void test_put_once_list_when_due(void **state)
{
	struct bed *b = *state;
	struct journal_mail m[3] = {mail("a", 100, "first", 5), mail("b", 200, "", 0), mail("c", 300, "z", 1)};

	assert_int_equal(journal_outbox_put(b->j, 1, m, 3, NULL), 0);
	list(b, 2, 99, 32);
	assert_int_equal(b->mail_n, 0);
	assert_int_equal(b->mail_next, 100);
	list(b, 3, 200, 32);
	assert_int_equal(b->mail_n, 2);
	assert_string_equal(b->mail[0].key, "a");
	assert_string_equal(b->mail[0].recovery, "k-1");
	assert_string_equal(b->mail[0].address, "ops@example.com");
	assert_string_equal(b->mail[0].subject, "c1 has failed");
	assert_int_equal(b->mail[0].moment, MOMENT_RECOVERED);
	assert_true(b->mail[0].for_admin);
	assert_int_equal(b->mail[0].created_wall_ms, 5);
	assert_int_equal(b->mail_first_byte, 'f');
	assert_int_equal(b->mail_bytes, 5);
	assert_int_equal(b->mail_next, 300);
	assert_int_equal(b->mail_count[MAIL_QUEUED], 3);
	list(b, 4, 1000, 1);
	assert_int_equal(b->mail_n, 1);
	assert_int_equal(b->mail_next, 200);

	/* again under the same key: the first one stays */
	m[0].next_wall_ms = 1;
	m[0].body = (const uint8_t *)"other";
	assert_int_equal(journal_outbox_put(b->j, 5, m, 1, NULL), 0);
	list(b, 6, 99, 32);
	assert_int_equal(b->answer[5].outcome, OUTCOME_DONE);
	assert_int_equal(b->mail_n, 0);
	assert_int_equal(b->mail_count[MAIL_QUEUED], 3);
}

static void test_marks(void **state)
{
	struct bed *b = *state;
	struct journal_mail m[3] = {mail("a", 1, "x", 1), mail("b", 1, "x", 1), mail("c", 1, "x", 1)};

	assert_int_equal(journal_outbox_put(b->j, 1, m, 3, NULL), 0);
	mark(b, 2, "a", (struct journal_mail_end){.state = MAIL_SENT, .wall_ms = 50});
	mark(b, 3, "b", (struct journal_mail_end){.state = MAIL_QUEUED, .wall_ms = 90, .error = "451 try again"});
	mark(b, 4, "c", (struct journal_mail_end){.state = MAIL_UNDELIVERABLE, .wall_ms = 60, .error = "550 unknown"});
	mark(b, 5, "none", (struct journal_mail_end){.state = MAIL_SENT, .wall_ms = 60});
	assert_int_equal(b->answer[4].outcome, OUTCOME_DONE);
	assert_int_equal(b->answer[5].outcome, OUTCOME_REFUSED);
	assert_int_equal(b->answer[5].code, OSHA_E_NOTFOUND);
	/* a late report of failure does not take back what a server accepted */
	mark(b, 6, "a", (struct journal_mail_end){.state = MAIL_QUEUED, .wall_ms = 1});
	list(b, 7, 89, 32);
	assert_int_equal(b->mail_n, 0);
	assert_int_equal(b->mail_count[MAIL_SENT], 1);
	assert_int_equal(b->mail_count[MAIL_QUEUED], 1);
	assert_int_equal(b->mail_count[MAIL_UNDELIVERABLE], 1);
	list(b, 8, 90, 32);
	assert_int_equal(b->mail_n, 1);
	assert_string_equal(b->mail[0].last_error, "451 try again");
	assert_int_equal(b->mail[0].attempts, 1);
}

static void test_bounds(void **state)
{
	struct bed *b = *state;
	uint8_t *big = calloc(1, JOURNAL_MAIL_BODY_MAX + 1);
	struct journal_mail m = mail("a", 1, big, JOURNAL_MAIL_BODY_MAX + 1);
	struct osha_err err = {0};

	memset(big, 'q', JOURNAL_MAIL_BODY_MAX + 1);
	big[JOURNAL_MAIL_BODY_MAX - 1] = 'e';
	assert_int_equal(journal_outbox_put(b->j, 1, &m, 1, &err), -OSHA_E_USAGE);
	m.body_size--;
	assert_int_equal(journal_outbox_put(b->j, 1, &m, 1, &err), 0);
	free(big); /* copied */
	list(b, 2, 1, 32);
	assert_int_equal(b->mail_bytes, JOURNAL_MAIL_BODY_MAX);
	assert_int_equal(b->mail_last_byte, 'e');
	m = mail("", 1, NULL, 0);
	assert_int_equal(journal_outbox_put(b->j, 3, &m, 1, &err), -OSHA_E_USAGE);
	m = mail("n", 1, NULL, 0);
	m.address[0] = '\0';
	assert_int_equal(journal_outbox_put(b->j, 3, &m, 1, &err), -OSHA_E_USAGE);
	m.state = MAIL_UNDELIVERABLE;
	assert_int_equal(journal_outbox_put(b->j, 3, &m, 1, &err), 0);
	m.state = MAIL_SENT;
	assert_int_equal(journal_outbox_put(b->j, 4, &m, 1, &err), -OSHA_E_USAGE);
	assert_int_equal(journal_outbox_put(b->j, 4, &m, 0, &err), -OSHA_E_USAGE);
	bed_wait(b, 3);
}

static void test_mails_and_records_fail_apart(void **state)
{
	struct bed *b = *state;
	struct record r = bed_host(1, 1);
	struct journal_mail m = mail("a", 1, "x", 1);

	journal_inject(b->j, JOURNAL_FAULT_FULL, 1);
	assert_int_equal(journal_outbox_put(b->j, 1, &m, 1, NULL), 0);
	assert_int_equal(journal_submit(b->j, 2, &r, 1, NULL, NULL), 0);
	bed_wait(b, 2);
	assert_int_equal(b->answer[1].outcome, OUTCOME_DONE);
	assert_int_equal(b->answer[2].outcome, OUTCOME_REFUSED);
}

/* ---- from outside ---- */

struct seen {
	size_t records, lines, mails;
	uint64_t last_line;
	char keys[512];
	char notes[512];
	size_t body_size;
};

static int see_record(void *arg, const struct record *r, struct osha_err *reterr)
{
	((struct seen *)arg)->records++;
	return 0;
}

static int see_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	struct seen *s = arg;
	size_t k = strlen(s->keys), n = strlen(s->notes);

	assert_true(line->seq > s->last_line);
	assert_int_equal(line->wall_ms % 10, 0);
	snprintf(s->keys + k, sizeof(s->keys) - k, "%s %u;", line->key, journal_record_row(line->record));
	snprintf(s->notes + n, sizeof(s->notes) - n, "%s;", line->note);
	s->last_line = line->seq;
	s->lines++;
	return 0;
}

static int see_mail(void *arg, const struct journal_mail *m, struct osha_err *reterr)
{
	struct seen *s = arg;

	s->body_size += m->body_size;
	s->mails++;
	return 0;
}

static int refuse(void *arg, const struct record *r, struct osha_err *reterr)
{
	return osha_err_set(reterr, OSHA_E_CANCELLED, "enough");
}

static void look(const char *path, struct seen *s)
{
	struct journal_reader *r = NULL;
	struct osha_err err = {0};

	*s = (struct seen){0};
	if (journal_reader_open(path, &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(journal_reader_records(r, see_record, s, &err), 0);
	assert_int_equal(journal_reader_history(r, "k-1", see_line, s, &err), 0);
	assert_int_equal(journal_reader_outbox(r, "k-1", see_mail, s, &err), 0);
	assert_int_equal(journal_reader_outbox(r, "k-2", see_mail, s, &err), 0);
	assert_int_equal(journal_reader_outbox(r, NULL, see_mail, s, &err), 0);
	assert_int_equal(journal_reader_records(r, refuse, s, &err), -OSHA_E_CANCELLED);
	journal_reader_close(&r);
	assert_null(r);
}

static void test_reader_beside_and_after_the_daemon(void **state)
{
	struct bed *b = *state;
	struct record r1 = bed_recovery("k-1", "c1", HOST_ROW_SUSPECT),
		      i1 = bed_instance("k-1", 1, INSTANCE_ROW_CALLING);
	struct record other = bed_recovery("k-2", "c2", HOST_ROW_SUSPECT),
		      r2 = bed_recovery("k-1", "c1", HOST_ROW_FENCING);
	struct journal_mail m = mail("a", 1, "x", 1);
	struct seen s;

	bed_put(b, 1, &r1);
	bed_put(b, 2, &i1);
	bed_put(b, 3, &other);
	bed_put(b, 4, &r2);
	assert_int_equal(journal_outbox_put(b->j, 5, &m, 1, NULL), 0);
	bed_wait(b, 5);
	for (int i = 0; i < 2; i++) {
		look(b->path, &s);
		assert_int_equal(s.records, 3);
		assert_int_equal(s.lines, 3);
		assert_string_equal(
		    s.keys, "recovery/k-1 1;instance/k-1/00000000-0000-4000-8000-000000000001 4;recovery/k-1 3;");
		assert_string_equal(s.notes, "a reason;a reason;a reason;");
		assert_int_equal(s.mails, 2);
		assert_int_equal(s.body_size, 0);
		bed_close(b); /* and once more without anybody holding it */
	}
}

static void test_reader_of_nothing(void **state)
{
	struct bed *b = *state;
	struct journal_reader *r = NULL;
	struct osha_err err = {0};
	char path[320];
	FILE *f;

	snprintf(path, sizeof(path), "%s.none", b->path);
	assert_int_equal(journal_reader_open(path, &r, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(access(path, F_OK), -1); /* reading creates nothing */
	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fputs("not a database", f);
	fclose(f);
	assert_int_equal(journal_reader_open(path, &r, &err), -OSHA_E_CORRUPT);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(journal_reader_open(path, &r, &err), -OSHA_E_NOTFOUND);
	assert_null(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(test_put_once_list_when_due),
	    T(test_marks),
	    T(test_bounds),
	    T(test_mails_and_records_fail_apart),
	    T(test_reader_beside_and_after_the_daemon),
	    T(test_reader_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
