/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal on SQLite: the queue between the owner and the thread, and the thread. What a batch does is commit.c's
 * matter, the file itself database.c's.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "journal/lockfile.h"
#include "journal/queue.h"

/* Operations in one transaction: large enough that a slow disk is paid once for many, small enough that the first is
 * not kept waiting. */
enum { BATCH_MAX = 4096 };

struct journal {
	struct journal_opts opts;
	char *path;
	int lock_fd;
	pthread_t thread;
	bool has_thread;

	/* owner's thread only */
	size_t pending, pending_bytes;
	bool is_draining;
	struct journal_list staged_records,
	    staged_mails; /* submitted by answers: handed over together, or the first goes alone */

	pthread_mutex_t queue_mutex; /* guards what follows; held for list surgery only */
	struct journal_list records, mails, done;
	bool is_closing;

	/* Posted whenever the lists begin to hold something. Not a condition variable: signalling one may wait for the thread it woke
	 * before, and on a busy machine the loop would stand still that long. */
	sem_t work;

	pthread_mutex_t
	    db_mutex; /* guards db: the thread while it commits, the owner in the blocking calls of the start */
	struct database db;
	bool is_suspect; /* open it anew before the next batch */

	atomic_uint fault, fault_commits;
	atomic_uint_fast64_t commits;
};

static struct database_opts db_opts(const struct journal *j)
{
	return (struct database_opts){.page_max = j->opts.page_max, .vfs = j->opts.vfs};
}

static enum journal_fault take_fault(struct journal *j)
{
	unsigned left = atomic_load(&j->fault_commits);

	while (left > 0 && !atomic_compare_exchange_weak(&j->fault_commits, &left, left - 1))
		;
	return left > 0 ? (enum journal_fault)atomic_load(&j->fault) : JOURNAL_FAULT_NONE;
}

/* After an I/O error the connection may be stuck for good; a new one is not, and it reads what the disk really holds.
 */
static int reopen(struct journal *j, struct osha_err *reterr)
{
	struct database_opts opts = db_opts(j);
	int e;

	if (!j->is_suspect)
		return 0;
	journal_db_close(&j->db);
	e = journal_db_open(&j->db, j->path, &opts, reterr);
	j->is_suspect = e < 0;
	return e;
}

static void refuse_all(struct journal_list *items, const struct osha_err *err)
{
	for (struct journal_item *i = items->first; i; i = i->next)
		journal_item_end(i, i->op == JOURNAL_OP_READ ? OUTCOME_UNKNOWN : OUTCOME_REFUSED, err);
}

static void publish(struct journal *j, struct journal_list *ended)
{
	pthread_mutex_lock(&j->queue_mutex);
	journal_list_join(&j->done, ended);
	pthread_mutex_unlock(&j->queue_mutex);
	if (j->opts.notify)
		j->opts.notify(j->opts.notify_arg);
}

static void commit_batch(struct journal *j, struct journal_list *batch, bool are_records)
{
	struct journal_commit c = {.db = &j->db, .delay_ms = j->opts.commit_delay_ms};
	struct osha_err err = {0};

	if (!batch->first)
		return;
	pthread_mutex_lock(&j->db_mutex);
	if (reopen(j, &err) < 0) {
		refuse_all(batch, &err);
	} else if (are_records) {
		c.fault = take_fault(j);
		journal_commit_records(&c, batch);
	} else {
		journal_commit_mails(&c, batch);
	}
	if (c.is_suspect)
		j->is_suspect = true;
	pthread_mutex_unlock(&j->db_mutex);
	atomic_fetch_add(&j->commits, 1);
	publish(j, batch);
}

static void *journal_thread(void *arg)
{
	struct journal *j = arg;
	struct journal_list records, mails;
	bool is_last, has_more;

	do {
		while (sem_wait(&j->work) < 0 && errno == EINTR)
			;
		pthread_mutex_lock(&j->queue_mutex);
		journal_list_take(&j->records, BATCH_MAX, &records);
		journal_list_take(&j->mails, BATCH_MAX, &mails);
		has_more = j->records.first || j->mails.first;
		is_last = j->is_closing && !has_more;
		pthread_mutex_unlock(&j->queue_mutex);
		if (has_more)
			sem_post(&j->work);
		commit_batch(j, &records, true);
		commit_batch(j, &mails, false);
	} while (!is_last);
	return NULL;
}

static int journal_start(struct journal *j, struct osha_err *reterr)
{
	struct database_opts opts = db_opts(j);
	int e;

	e = journal_lock_take(j->path, j->opts.now_wall_ms, &j->lock_fd, reterr);
	if (e == 0)
		e = journal_db_open(&j->db, j->path, &opts, reterr);
	if (e < 0)
		return e;
	e = pthread_create(&j->thread, NULL, journal_thread, j);
	if (e)
		return osha_err_set_errno(reterr, OSHA_E_NOMEM, e, "journal %s: start its thread", j->path);
	j->has_thread = true;
	return 0;
}

int journal_open(const char *path, const struct journal_opts *opts, struct journal **ret_j, struct osha_err *reterr)
{
	struct journal *j = calloc(1, sizeof(*j));
	int e;

	if (!j || !(j->path = strdup(path))) {
		free(j);
		return osha_err_set(reterr, OSHA_E_NOMEM, "open journal %s", path);
	}
	if (opts)
		j->opts = *opts;
	if (j->opts.queue_max == 0 || j->opts.queue_max > JOURNAL_QUEUE_MAX)
		j->opts.queue_max = JOURNAL_QUEUE_MAX;
	j->lock_fd = -1;
	pthread_mutex_init(&j->queue_mutex, NULL);
	pthread_mutex_init(&j->db_mutex, NULL);
	sem_init(&j->work, 0, 0);
	e = journal_start(j, reterr);
	if (e < 0)
		journal_close(j);
	else
		*ret_j = j;
	return e;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->has_thread) {
		pthread_mutex_lock(&j->queue_mutex);
		j->is_closing = true;
		pthread_mutex_unlock(&j->queue_mutex);
		sem_post(&j->work);
		pthread_join(j->thread, NULL);
	}
	journal_list_free(&j->done);
	journal_db_close(&j->db);
	if (j->lock_fd >= 0)
		close(j->lock_fd);
	sem_destroy(&j->work);
	pthread_mutex_destroy(&j->queue_mutex);
	pthread_mutex_destroy(&j->db_mutex);
	free(j->path);
	free(j);
}

void journal_closep(struct journal **j)
{
	journal_close(*j);
	*j = NULL;
}

int journal_queue_has_room(struct journal *j, size_t bytes, struct osha_err *reterr)
{
	if (j->pending >= j->opts.queue_max)
		return osha_err_set(reterr, OSHA_E_FULL, "journal: %zu operations wait for the disk", j->pending);
	if (bytes > JOURNAL_QUEUE_BYTES_MAX - j->pending_bytes)
		return osha_err_set(reterr, OSHA_E_FULL, "journal: %zu bytes wait for the disk", j->pending_bytes);
	return 0;
}

static void hand_over(struct journal *j)
{
	bool was_empty;

	if (!j->staged_records.first && !j->staged_mails.first)
		return;
	pthread_mutex_lock(&j->queue_mutex);
	was_empty = !j->records.first && !j->mails.first;
	journal_list_join(&j->records, &j->staged_records);
	journal_list_join(&j->mails, &j->staged_mails);
	pthread_mutex_unlock(&j->queue_mutex);
	if (was_empty)
		sem_post(&j->work);
}

void journal_queue_push(struct journal *j, struct journal_item *item)
{
	bool is_mail = item->op >= JOURNAL_OP_MAIL_PUT;

	j->pending++;
	j->pending_bytes += item->size_bytes;
	journal_list_push(is_mail ? &j->staged_mails : &j->staged_records, item);
	if (!j->is_draining)
		hand_over(j);
}

size_t journal_drain(struct journal *j)
{
	struct journal_list done = {0};
	size_t n = 0;

	pthread_mutex_lock(&j->queue_mutex);
	journal_list_join(&done, &j->done);
	pthread_mutex_unlock(&j->queue_mutex);
	j->is_draining = true;
	for (struct journal_item *i = done.first, *next; i; i = next, n++) {
		struct journal_answer a = {.seq = i->seq, .op = i->op, .outcome = i->outcome, .record = i->found};
		static const struct osha_err no_memory = {.code = OSHA_E_NOMEM, .msg = "out of memory"};

		if (i->outcome != OUTCOME_DONE)
			a.err = i->err ? i->err : &no_memory;
		else if (i->op == JOURNAL_OP_MAIL_LIST)
			a.mails = &i->list;
		next = i->next;
		j->pending--;
		j->pending_bytes -= i->size_bytes;
		if (j->opts.answer)
			j->opts.answer(j->opts.answer_arg, &a);
		journal_item_free(i);
	}
	j->is_draining = false;
	hand_over(j);
	return n;
}

size_t journal_pending(struct journal *j)
{
	return j->pending;
}

void journal_inject(struct journal *j, enum journal_fault fault, uint32_t commits)
{
	atomic_store(&j->fault, (unsigned)fault);
	atomic_store(&j->fault_commits, commits);
}

uint64_t journal_commits(struct journal *j)
{
	return atomic_load(&j->commits);
}

int journal_load(struct journal *j, journal_record_fn fn, void *arg, struct osha_err *reterr)
{
	struct osha_err err = {0};
	int e;

	pthread_mutex_lock(&j->db_mutex);
	e = reopen(j, reterr ? reterr : &err);
	if (e == 0)
		e = journal_db_each_record(&j->db, fn, arg, reterr ? reterr : &err);
	pthread_mutex_unlock(&j->db_mutex);
	return e < 0 ? osha_err_wrap(reterr ? reterr : &err, "load journal %s", j->path) : 0;
}

int journal_begin_epoch(struct journal *j, struct store_record *ret_store, struct osha_err *reterr)
{
	return journal_claim_epoch(j, 0, ret_store, reterr);
}

int journal_claim_epoch(struct journal *j, uint64_t epoch, struct store_record *ret_store, struct osha_err *reterr)
{
	struct osha_err err = {0};
	int e;

	pthread_mutex_lock(&j->db_mutex);
	e = reopen(j, reterr ? reterr : &err);
	if (e == 0)
		e = journal_db_begin_epoch(&j->db, j->opts.now_wall_ms, epoch, ret_store, reterr ? reterr : &err);
	if (e < 0)
		j->is_suspect = true;
	pthread_mutex_unlock(&j->db_mutex);
	return e < 0 ? osha_err_wrap(reterr ? reterr : &err, "begin an epoch in journal %s", j->path) : 0;
}
