/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite store: what it answered is there, what it refused is not, and nobody else gets in. */
#include "test/unit/journal_bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "test/unit/failing_vfs.h"

static int setup(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	bed_make(b);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bed_remove(*state);
	free(*state);
	return 0;
}

struct found {
	size_t n;
	struct record r[64];
};

static int collect(void *arg, const struct record *r, struct osha_err *reterr)
{
	struct found *f = arg;

	assert_true(f->n < 64);
	f->r[f->n++] = *r;
	return 0;
}

static struct found load(struct bed *b)
{
	struct found f = {0};
	struct osha_err err = {0};

	if (journal_load(b->j, collect, &f, &err) < 0)
		fail_msg("%s", err.msg);
	return f;
}

static void test_new_journal_is_empty_and_private(void **state)
{
	struct bed *b = *state;
	struct stat st;

	bed_open(b);
	assert_int_equal(load(b).n, 0);
	assert_int_equal(stat(b->path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
}

static void test_epoch_rises_with_each_start(void **state)
{
	struct bed *b = *state;
	struct store_record store;
	char tag[8] = "";

	for (unsigned i = 1; i <= 3; i++) {
		bed_open(b);
		assert_int_equal(journal_begin_epoch(b->j, &store, NULL), 0);
		assert_int_equal(store.epoch, i);
		assert_int_equal(strlen(store.tag), 6);
		assert_int_equal(strspn(store.tag, "abcdefghijklmnopqrstuvwxyz234567"), 6);
		if (i > 1)
			assert_string_equal(store.tag, tag);
		str_copy(tag, sizeof(tag), store.tag);
		bed_close(b);
	}
	bed_open(b);
	struct found f = load(b);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.r[0].type, RECORD_STORE);
	assert_int_equal(f.r[0].store.epoch, 3);
}

static void test_an_epoch_of_a_lease_has_to_be_higher(void **state)
{
	struct bed *b = *state;
	struct store_record store;
	struct osha_err err = {0};

	bed_open(b);
	assert_int_equal(journal_claim_epoch(b->j, 7, &store, NULL), 0);
	assert_int_equal(store.epoch, 7);
	assert_int_equal(journal_claim_epoch(b->j, 7, &store, &err), -OSHA_E_REFUSED);
	assert_non_null(strstr(err.msg, "epoch 7 is over: the store is in epoch 7"));
	assert_int_equal(journal_claim_epoch(b->j, 6, &store, NULL), -OSHA_E_REFUSED);
	assert_int_equal(journal_claim_epoch(b->j, 12, &store, NULL), 0);
	assert_int_equal(store.epoch, 12);
	assert_int_equal(journal_begin_epoch(b->j, &store, NULL), 0);
	assert_int_equal(store.epoch, 13);
}

static void test_newest_wins_and_order_holds(void **state)
{
	struct bed *b = *state;
	struct record old = bed_recovery("k-1", "c1", HOST_ROW_SUSPECT), new = bed_recovery("k-1", "c1", HOST_ROW_HELD);
	struct record inst = bed_instance("k-1", 7, INSTANCE_ROW_WAITING), host = bed_host(1, 9);

	bed_open(b);
	assert_int_equal(bed_put(b, 1, &inst), OUTCOME_DONE);
	assert_int_equal(bed_put(b, 2, &old), OUTCOME_DONE);
	assert_int_equal(bed_put(b, 3, &host), OUTCOME_DONE);
	assert_int_equal(bed_put(b, 4, &new), OUTCOME_DONE);
	bed_close(b);
	bed_open(b);
	struct found f = load(b);
	assert_int_equal(f.n, 3);
	assert_true(journal_record_equal(&f.r[0], &host));
	assert_true(journal_record_equal(&f.r[1], &new));
	assert_true(journal_record_equal(&f.r[2], &inst));
}

static void test_one_commit_takes_many(void **state)
{
	struct bed *b = *state;
	const unsigned n = 2000;

	b->opts.commit_delay_ms = 20;
	bed_open(b);
	for (unsigned i = 1; i <= n; i++) {
		struct record r = bed_instance("k-1", i, INSTANCE_ROW_CALLING);

		assert_int_equal(journal_submit(b->j, i, &r, 1, "calling", NULL), 0);
	}
	bed_wait(b, n);
	assert_true(b->is_ordered);
	for (unsigned i = 1; i <= n; i++)
		assert_int_equal(b->answer[i].outcome, OUTCOME_DONE);
	/* the first batch may be as small as one; what waited meanwhile goes together */
	assert_in_range(journal_commits(b->j), 1, n / 10);
	assert_int_equal(journal_pending(b->j), 0);
}

static void test_queue_is_bounded(void **state)
{
	struct bed *b = *state;
	struct record r = bed_host(1, 1);
	struct osha_err err = {0};

	b->opts.queue_max = 3;
	bed_open(b);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(journal_submit(b->j, i, &r, 1, NULL, &err), 0);
	assert_int_equal(journal_submit(b->j, 4, &r, 1, NULL, &err), -OSHA_E_FULL);
	assert_int_equal(journal_outbox_due(b->j, 5, 0, 1, &err), -OSHA_E_FULL);
	bed_wait(b, 3);
	assert_int_equal(bed_put(b, 6, &r), OUTCOME_DONE);
	assert_false(b->answer[4].is_there);
}

static void test_bad_record_is_refused_at_once(void **state)
{
	struct bed *b = *state;
	struct record r = {.type = RECORD_HOST};

	bed_open(b);
	assert_int_equal(journal_submit(b->j, 1, &r, 1, NULL, NULL), -OSHA_E_INTERNAL);
	assert_int_equal(journal_pending(b->j), 0);
}

static void test_long_note_is_cut_between_letters(void **state)
{
	struct bed *b = *state;
	struct record r = bed_host(1, 1);
	char note[1200];

	for (size_t i = 0; i < sizeof(note) - 2; i += 2)
		memcpy(note + i, "\xc3\xa4", 3);
	bed_open(b);
	assert_int_equal(journal_submit(b->j, 1, &r, 1, note, NULL), 0);
	bed_wait(b, 1);
	assert_int_equal(b->answer[1].outcome, OUTCOME_DONE);
}

static void test_second_one_is_told_who_holds_it(void **state)
{
	struct bed *b = *state;
	struct journal *other = NULL;
	struct journal_holder holder;
	struct osha_err err = {0};
	char pid[32];

	b->opts.now_wall_ms = 1700000000123;
	bed_open(b);
	assert_int_equal(journal_open(b->path, NULL, &other, &err), -OSHA_E_BUSY);
	assert_null(other);
	snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
	assert_non_null(strstr(err.msg, pid));
	assert_non_null(strstr(err.msg, "since 2023-11-14T22:13:20Z"));
	assert_int_equal(osha_err_exit_status(err.code), 2);
	assert_int_equal(journal_holder_read(b->path, &holder, &err), 0);
	assert_true(holder.is_held);
	assert_int_equal(holder.pid, getpid());
	assert_int_equal(holder.since_wall_ms, 1700000000123);
	bed_close(b);
	assert_int_equal(journal_holder_read(b->path, &holder, &err), 0);
	assert_false(holder.is_held);
	bed_open(b);
}

static void test_full_database_refuses_and_recovers_nothing(void **state)
{
	struct bed *b = *state;
	unsigned seq = 0, refused = 0;
	uint64_t last_done = 0;

	b->opts.page_max = 40;
	bed_open(b);
	while (refused < 3 && seq < 5000) {
		struct record r = bed_instance("k-1", 1, INSTANCE_ROW_CALLING);

		r.instance.epoch = ++seq;
		if (bed_put(b, seq, &r) == OUTCOME_DONE) {
			last_done = seq;
			continue;
		}
		assert_int_equal(b->answer[seq].outcome, OUTCOME_REFUSED);
		assert_int_equal(b->answer[seq].code, OSHA_E_NOSPACE);
		refused++;
	}
	assert_int_equal(refused, 3);
	assert_true(last_done > 10);
	bed_close(b);
	b->opts.page_max = 0;
	bed_open(b);
	struct found f = load(b);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.r[0].instance.epoch, last_done);
	assert_int_equal(bed_put(b, ++seq, &f.r[0]), OUTCOME_DONE);
}

static void test_injected_faults_say_what_they_do(void **state)
{
	static const struct {
		enum journal_fault fault;
		enum outcome outcome;
		int code;
		bool is_there;
	} rows[] = {
	    {JOURNAL_FAULT_FULL, OUTCOME_REFUSED, OSHA_E_NOSPACE, false},
	    {JOURNAL_FAULT_IO, OUTCOME_REFUSED, OSHA_E_IO, false},
	    {JOURNAL_FAULT_UNKNOWN_WRITTEN, OUTCOME_UNKNOWN, OSHA_E_IO, true},
	    {JOURNAL_FAULT_UNKNOWN_LOST, OUTCOME_UNKNOWN, OSHA_E_IO, false},
	};
	struct bed *b = *state;
	uint64_t seq = 0;

	bed_open(b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct record r = bed_host((unsigned)i, i + 1);
		char key[JOURNAL_KEY_SIZE];

		journal_record_key(&r, key, sizeof(key));
		journal_inject(b->j, rows[i].fault, 1);
		assert_int_equal(bed_put(b, ++seq, &r), rows[i].outcome);
		assert_int_equal(b->answer[seq].code, rows[i].code);
		assert_int_equal(journal_read(b->j, ++seq, key, NULL), 0);
		bed_wait(b, seq);
		assert_int_equal(b->answer[seq].outcome, OUTCOME_DONE);
		assert_int_equal(b->answer[seq].has_record, rows[i].is_there);
		if (rows[i].is_there)
			assert_true(journal_record_equal(&b->answer[seq].record, &r));
		assert_int_equal(bed_put(b, ++seq, &r), OUTCOME_DONE);
	}
	assert_int_equal(load(b).n, 4);
}

/* Real SQLite on a disk that fails: nothing answered DONE is lost, and an UNKNOWN is settled by reading or by submitting again. */
static void test_failing_disk(void **state)
{
	static const enum vfs_failure failures[] = {VFS_FULL, VFS_WRITE_ERROR, VFS_SYNC_ERROR};
	struct bed *b = *state;
	uint64_t seq = 0;

	vfs_register();
	b->opts.vfs = "failing";
	bed_open(b);
	for (size_t i = 0; i < 3; i++) {
		struct record before = bed_host(1, 100 + i), during = bed_host(1, 200 + i),
			      after = bed_host(2, 300 + i);
		int failed = atomic_load(&vfs_failed);
		bool is_during;

		assert_int_equal(bed_put(b, ++seq, &before), OUTCOME_DONE);
		atomic_store(&vfs_failure, failures[i]);
		/* a COMMIT that failed may be found by the next start: never "refused" */
		assert_int_equal(bed_put(b, ++seq, &during), OUTCOME_UNKNOWN);
		assert_int_not_equal(b->answer[seq].code, 0);
		assert_true(atomic_load(&vfs_failed) > failed);
		assert_int_equal(journal_read(b->j, ++seq, "host/c1", NULL), 0);
		bed_wait(b, seq);
		assert_int_equal(b->answer[seq].outcome, OUTCOME_UNKNOWN);
		atomic_store(&vfs_failure, VFS_WORKS);
		assert_int_equal(journal_read(b->j, ++seq, "host/c1", NULL), 0);
		bed_wait(b, seq);
		assert_int_equal(b->answer[seq].outcome, OUTCOME_DONE);
		is_during = journal_record_equal(&b->answer[seq].record, &during);
		assert_true(is_during || journal_record_equal(&b->answer[seq].record, &before));
		assert_int_equal(bed_put(b, ++seq, &after), OUTCOME_DONE);
		bed_close(b);
		bed_open(b);
		struct found f = load(b);
		assert_int_equal(f.n, 2);
		assert_true(journal_record_equal(&f.r[0], is_during ? &during : &before));
		assert_true(journal_record_equal(&f.r[1], &after));
	}
}

static void test_no_epoch_without_a_disk(void **state)
{
	struct bed *b = *state;
	struct store_record store = {0};
	struct osha_err err = {0};

	vfs_register();
	b->opts.vfs = "failing";
	bed_open(b);
	atomic_store(&vfs_failure, VFS_FULL);
	assert_int_equal(journal_begin_epoch(b->j, &store, &err), -OSHA_E_NOSPACE);
	assert_int_equal(store.epoch, 0);
	atomic_store(&vfs_failure, VFS_WORKS);
	assert_int_equal(journal_begin_epoch(b->j, &store, &err), 0);
	assert_true(store.epoch >= 1);
}

static void overwrite(const char *path, off_t at, size_t n)
{
	int fd = open(path, O_RDWR);
	char junk[512];

	memset(junk, 0x5a, sizeof(junk));
	assert_true(fd >= 0);
	for (size_t done = 0; done < n; done += sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at + (off_t)done), sizeof(junk));
	close(fd);
}

static void assert_damage_is_named(struct bed *b)
{
	struct journal *j = NULL;
	struct osha_err err = {0};

	assert_int_equal(journal_open(b->path, NULL, &j, &err), -OSHA_E_CORRUPT);
	assert_non_null(strstr(err.msg, b->path));
	assert_non_null(strstr(err.msg, "move it aside"));
}

static void fill(struct bed *b, unsigned n)
{
	bed_open(b);
	for (unsigned i = 1; i <= n; i++) {
		struct record r = bed_instance("k-1", i, INSTANCE_ROW_CALLING);

		assert_int_equal(journal_submit(b->j, i, &r, 1, "a note that takes its room", NULL), 0);
	}
	bed_wait(b, n);
	bed_close(b);
}

static void test_damaged_file_is_named(void **state)
{
	struct bed *b = *state;
	char wal[320];

	fill(b, 500);
	snprintf(wal, sizeof(wal), "%s-wal", b->path);
	assert_true(truncate(wal, 0) == 0); /* checkpointed at close: everything is in the file itself */
	overwrite(b->path, 3 * 4096, 20 * 4096);
	assert_damage_is_named(b);
	overwrite(b->path, 0, 512);
	assert_damage_is_named(b);
}

static void test_foreign_and_newer_files_are_left_alone(void **state)
{
	struct bed *b = *state;
	struct journal *j = NULL;
	struct osha_err err = {0};
	char cmd[400];
	int fd;

	fill(b, 1);
	fd = open(b->path, O_RDWR);
	assert_int_equal(pwrite(fd, "\0\0\0\x63", 4, 60), 4); /* user_version, as the file format of SQLite has it */
	close(fd);
	assert_int_equal(journal_open(b->path, NULL, &j, &err), -OSHA_E_CONFIG);
	assert_non_null(strstr(err.msg, "newer"));
	fd = open(b->path, O_RDWR);
	assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 68), 4); /* application_id */
	close(fd);
	assert_int_equal(journal_open(b->path, NULL, &j, &err), -OSHA_E_CONFIG);
	assert_non_null(strstr(err.msg, "not a journal"));
	snprintf(cmd, sizeof(cmd), "%s/none/journal.db", b->dir);
	assert_int_equal(journal_open(cmd, NULL, &j, &err), -OSHA_E_NOTFOUND);
	/* nobody can create a file there, not even root */
	assert_int_equal(journal_open("/sys/journal.db", NULL, &j, &err), -OSHA_E_IO);
	assert_null(j);
}

static int count_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	(*(size_t *)arg)++;
	return 0;
}

static int count_mail(void *arg, const struct journal_mail *mail, struct osha_err *reterr)
{
	(*(size_t *)arg)++;
	return 0;
}

static void assert_kept(struct bed *b, size_t want_lines, size_t want_mails)
{
	struct journal_reader *r = NULL;
	size_t lines = 0, mails = 0;

	assert_int_equal(journal_reader_open(b->path, &r, NULL), 0);
	assert_int_equal(journal_reader_history(r, NULL, count_line, &lines, NULL), 0);
	assert_int_equal(journal_reader_outbox(r, NULL, count_mail, &mails, NULL), 0);
	journal_reader_close(&r);
	assert_int_equal(lines, want_lines);
	assert_int_equal(mails, want_mails);
}

static void put_mails(struct bed *b, uint64_t seq)
{
	static const struct journal_mail mails[] = {
	    {.key = "k-1/queued", .recovery = "k-1", .state = MAIL_QUEUED, .address = "ops@example.com"},
	    {.key = "k-1/ended", .recovery = "k-1", .state = MAIL_UNDELIVERABLE, .ended_wall_ms = 20},
	    {.key = "k-2/ended", .recovery = "k-2", .state = MAIL_UNDELIVERABLE, .ended_wall_ms = 20},
	};

	assert_int_equal(journal_outbox_put(b->j, seq, mails, 3, NULL), 0);
	bed_wait(b, seq);
}

static void test_prune_forgets_what_ended(void **state)
{
	struct bed *b = *state;
	struct record a = bed_recovery("k-1", "c1", HOST_ROW_REENABLED), ai = bed_instance("k-1", 1, INSTANCE_ROW_DONE);
	struct record open = bed_recovery("k-2", "c2", HOST_ROW_HELD), host = bed_host(1, 1);

	bed_open(b);
	bed_put(b, 1, &a);
	bed_put(b, 2, &ai);
	bed_put(b, 3, &open);
	bed_put(b, 4, &host);
	put_mails(b, 5);
	assert_kept(b, 4, 3);
	assert_int_equal(
	    journal_prune(b->j, 6, NULL, 1000, NULL), 0); /* both recoveries stand: only the host's line may go */
	bed_wait(b, 6);
	assert_kept(b, 3, 3);
	assert_int_equal(
	    journal_prune(b->j, 7, "k-1", 15, NULL), 0); /* seq * 10 is their time: one line of k-1 is younger */
	bed_wait(b, 7);
	assert_kept(b, 2, 3);
	assert_int_equal(journal_prune(b->j, 8, "", 1000, NULL), 0);
	bed_wait(b, 8);
	assert_int_equal(b->answer[8].outcome, OUTCOME_DONE);
	assert_kept(b, 1, 2);
	struct found f = load(b);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.r[0].type, RECORD_HOST);
	assert_string_equal(f.r[1].recovery.id, "k-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(test_new_journal_is_empty_and_private),
	    T(test_epoch_rises_with_each_start),
	    T(test_an_epoch_of_a_lease_has_to_be_higher),
	    T(test_newest_wins_and_order_holds),
	    T(test_one_commit_takes_many),
	    T(test_queue_is_bounded),
	    T(test_bad_record_is_refused_at_once),
	    T(test_long_note_is_cut_between_letters),
	    T(test_second_one_is_told_who_holds_it),
	    T(test_full_database_refuses_and_recovers_nothing),
	    T(test_injected_faults_say_what_they_do),
	    T(test_failing_disk),
	    T(test_no_epoch_without_a_disk),
	    T(test_damaged_file_is_named),
	    T(test_foreign_and_newer_files_are_left_alone),
	    T(test_prune_forgets_what_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
