/* SPDX-License-Identifier: Apache-2.0 */
/* See journal_bed.h. */
#include "test/unit/journal_bed.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"

void bed_make(struct bed *b)
{
	const char *tmp = getenv("TMPDIR");

	*b = (struct bed){.is_ordered = true};
	snprintf(b->dir, sizeof(b->dir), "%s/osha-journal-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/journal.db", b->dir);
	b->answer = calloc(BED_ANSWERS, sizeof(*b->answer));
	assert_non_null(b->answer);
	sem_init(&b->woken, 0, 0);
}

void bed_remove(struct bed *b)
{
	DIR *d;
	struct dirent *entry;

	journal_closep(&b->j);
	d = opendir(b->dir);
	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(b->dir);
	sem_destroy(&b->woken);
	free(b->answer);
}

static void keep_mails(struct bed *b, const struct journal_mails *mails)
{
	b->mail_n = mails->n;
	b->mail_bytes = 0;
	for (size_t i = 0; i < mails->n; i++) {
		b->mail[i] = mails->mail[i];
		b->mail_bytes += mails->mail[i].body_size;
	}
	if (mails->n && mails->mail[0].body_size) {
		b->mail_first_byte = mails->mail[0].body[0];
		b->mail_last_byte = mails->mail[0].body[mails->mail[0].body_size - 1];
	}
	memcpy(b->mail_count, mails->count, sizeof(b->mail_count));
	b->mail_next = mails->next_wall_ms;
}

static void on_answer(void *arg, const struct journal_answer *a)
{
	struct bed *b = arg;
	struct bed_answer *kept = &b->answer[a->seq];

	assert_true(a->seq < BED_ANSWERS);
	assert_false(kept->is_there);
	*kept = (struct bed_answer){.is_there = true, .op = a->op, .outcome = a->outcome, .has_record = a->record};
	if (a->record)
		kept->record = *a->record;
	assert_true((a->outcome == OUTCOME_DONE) == (a->err == NULL));
	if (a->err)
		kept->code = a->err->code;
	if (a->mails)
		keep_mails(b, a->mails);
	if (a->op < JOURNAL_OP_MAIL_PUT) {
		b->is_ordered &= a->seq > b->last_seq || b->last_seq == 0;
		b->last_seq = a->seq;
	}
	b->answered++;
}

static void on_notify(void *arg)
{
	sem_post(&((struct bed *)arg)->woken);
}

void bed_open(struct bed *b)
{
	struct osha_err err = {0};

	b->opts.notify = on_notify;
	b->opts.answer = on_answer;
	b->opts.notify_arg = b->opts.answer_arg = b;
	if (journal_open(b->path, &b->opts, &b->j, &err) < 0)
		fail_msg("%s", err.msg);
}

void bed_close(struct bed *b)
{
	journal_closep(&b->j);
}

void bed_wait(struct bed *b, size_t n)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += BED_WAIT_S;
	while (journal_drain(b->j), b->answered < n) {
		if (sem_timedwait(&b->woken, &until) < 0 && errno == ETIMEDOUT)
			fail_msg("%zu of %zu answers after %d s", b->answered, n, BED_WAIT_S);
	}
}

enum outcome bed_put(struct bed *b, uint64_t seq, const struct record *r)
{
	struct osha_err err = {0};

	if (journal_submit(b->j, seq, r, (int64_t)seq * 10, "a reason", &err) < 0)
		fail_msg("%s", err.msg);
	bed_wait(b, b->answered + journal_pending(b->j));
	assert_true(b->answer[seq].is_there);
	return b->answer[seq].outcome;
}

struct record bed_host(unsigned n, uint64_t value)
{
	struct record r = {.type = RECORD_HOST};

	snprintf(r.host.name, sizeof(r.host.name), "c%u", n);
	r.host.device_key[0] = value;
	return r;
}

struct record bed_recovery(const char *id, const char *host, enum host_row row)
{
	struct record r = {.type = RECORD_RECOVERY};

	str_copy(r.recovery.id, sizeof(r.recovery.id), id);
	str_copy(r.recovery.host, sizeof(r.recovery.host), host);
	r.recovery.row = row;
	return r;
}

struct record bed_instance(const char *id, unsigned n, enum instance_row row)
{
	struct record r = {.type = RECORD_INSTANCE};

	str_copy(r.instance.recovery, sizeof(r.instance.recovery), id);
	snprintf(r.instance.uuid, sizeof(r.instance.uuid), "00000000-0000-4000-8000-%012u", n);
	str_copy(r.instance.source, sizeof(r.instance.source), "c1");
	r.instance.row = row;
	return r;
}
