/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal/journal.h, outbox.h and reader.h in the simulator: operations are queued, committed in batches after a while by the disk's mood,
 * and answered through the daemon's own loop. A kill tears the batch under way as a whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/strbuf.h"
#include "journal/outbox.h"
#include "journal/reader.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

struct operation {
	STAILQ_ENTRY(operation) link;
	struct journal_answer answer;
	char *key;
	struct record record;
	struct journal_mail *mails;
	size_t mail_n, max;
	uint64_t epoch; /* it was submitted under */
	int64_t wall_ms;
	struct journal_mail_end end;
	struct osha_err err;
	struct journal_mails list;
};

STAILQ_HEAD(operations, operation);

struct journal {
	struct sim_store *store;
	struct sim_node *node;
	struct journal_opts opts;
	struct operations queued, under_way, ended;
	bool is_committing;
	size_t pending;
	uint64_t commits, epoch;
	bool is_closed; /* its last event frees it */
	unsigned events;
};

/* --- operations --- */

static void operation_free(struct operation *o)
{
	for (size_t k = 0; k < o->mail_n; k++)
		free((void *)(uintptr_t)o->mails[k].body);
	free(o->mails);
	free((void *)(uintptr_t)o->list.mail);
	free((void *)(uintptr_t)o->end.error);
	free(o->key);
	free(o);
}

static void operations_free(struct operations *all)
{
	while (!STAILQ_EMPTY(all)) {
		struct operation *o = STAILQ_FIRST(all);

		STAILQ_REMOVE_HEAD(all, link);
		operation_free(o);
	}
}

static void mails_list(struct sim_store *s, struct operation *o)
{
	struct journal_mail *due = calloc(JOURNAL_MAIL_LIST_MAX, sizeof(*due));

	if (!due)
		abort();
	o->list.mail = due;
	for (struct kept_mail *m = s->mails; m; m = m->next) {
		o->list.count[m->mail.state]++;
		if (m->mail.state != MAIL_QUEUED)
			continue;
		if (m->mail.next_wall_ms <= o->wall_ms && o->list.n < o->max)
			due[o->list.n++] = m->mail;
		else if (!o->list.next_wall_ms || m->mail.next_wall_ms < o->list.next_wall_ms)
			o->list.next_wall_ms = m->mail.next_wall_ms;
	}
	o->answer.mails = &o->list;
}

static void mail_mark(struct sim_store *s, struct operation *o)
{
	struct kept_mail *m = store_mail_find(s, o->key);

	if (!m) {
		o->answer.outcome = OUTCOME_REFUSED;
		o->answer.err = &o->err;
		return;
	}
	if (m->mail.state == MAIL_SENT)
		return;
	m->mail.state = o->end.state;
	m->mail.attempts++;
	if (o->end.state == MAIL_QUEUED)
		m->mail.next_wall_ms = o->end.wall_ms;
	else
		m->mail.ended_wall_ms = o->end.wall_ms;
	str_copy(m->mail.last_error, sizeof(m->mail.last_error), o->end.error);
}

static void operation_apply(struct journal *j, struct operation *o)
{
	struct sim_store *s = j->store;

	if (o->answer.op != JOURNAL_OP_READ && o->answer.op != JOURNAL_OP_MAIL_LIST && o->epoch != s->epoch) {
		sim_say("", "--- the store refuses a write of epoch %llu: it is in epoch %llu",
		    (unsigned long long)o->epoch, (unsigned long long)s->epoch);
		osha_err_set(&o->err, OSHA_E_REFUSED, "epoch %llu is over", (unsigned long long)o->epoch);
		o->answer.outcome = OUTCOME_REFUSED;
		o->answer.err = &o->err;
		return;
	}
	o->answer.outcome = OUTCOME_DONE;
	if (o->answer.op != JOURNAL_OP_READ && o->answer.op != JOURNAL_OP_MAIL_LIST)
		witness_write(j->node, o->epoch);
	switch (o->answer.op) {
	case JOURNAL_OP_RECORD:
		if (!store_write(s, j->node, &o->record))
			sim_violated("a record cannot be written");
		break;
	case JOURNAL_OP_READ:
		o->answer.record = store_record(s, o->key, &o->record) ? &o->record : NULL;
		break;
	case JOURNAL_OP_MAIL_PUT:
		for (size_t k = 0; k < o->mail_n; k++)
			store_mail_keep(s, &o->mails[k]);
		break;
	case JOURNAL_OP_MAIL_LIST:
		mails_list(s, o);
		break;
	case JOURNAL_OP_MAIL_MARK:
		mail_mark(s, o);
		break;
	default:
		break;
	}
}

static void operation_refuse(struct journal *j, struct operation *o)
{
	bool is_unsure = j->store->state == STORE_UNSURE;

	if (is_unsure && rng_chance(&sim.rng, 500))
		operation_apply(j, o);
	o->answer.outcome = is_unsure ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
	osha_err_set(&o->err, j->store->state == STORE_FULL ? OSHA_E_NOSPACE : OSHA_E_IO, "%s",
	    j->store->state == STORE_FULL ? "no space left" : "input/output error");
	o->answer.err = &o->err;
}

static void commit_begin(struct journal *j);

static void commit_ended(void *arg)
{
	struct journal *j = arg;
	struct operation *o;

	j->events--;
	if (j->is_closed) {
		if (!j->events)
			free(j);
		return;
	}
	j->commits++;
	STAILQ_FOREACH(o, &j->under_way, link)
	{
		if (j->store->state == STORE_WORKS || o->answer.op == JOURNAL_OP_MAIL_LIST ||
		    o->answer.op == JOURNAL_OP_READ)
			operation_apply(j, o);
		else
			operation_refuse(j, o);
	}
	STAILQ_CONCAT(&j->ended, &j->under_way);
	j->is_committing = false;
	if (j->opts.notify)
		j->opts.notify(j->opts.notify_arg);
	if (!STAILQ_EMPTY(&j->queued))
		commit_begin(j);
}

static void commit_begin(struct journal *j)
{
	if (j->is_committing || STAILQ_EMPTY(&j->queued))
		return;
	j->is_committing = true;
	STAILQ_CONCAT(&j->under_way, &j->queued);
	j->events++;
	sim_after(sim_between(j->store->low_ms, j->store->high_ms), commit_ended, j);
}

static struct operation *operation_add(struct journal *j, uint64_t seq, enum journal_op op)
{
	struct operation *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->answer.seq = seq;
	o->answer.op = op;
	o->epoch = j->epoch;
	STAILQ_INSERT_TAIL(&j->queued, o, link);
	j->pending++;
	return o;
}

/* --- journal/journal.h --- */

int journal_open(const char *path, const struct journal_opts *opts, struct journal **ret_j, struct osha_err *reterr)
{
	struct journal *j = calloc(1, sizeof(*j));

	(void)path;
	if (!j)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	j->store = sim.current->store;
	j->node = sim.current;
	if (opts)
		j->opts = *opts;
	STAILQ_INIT(&j->queued);
	STAILQ_INIT(&j->under_way);
	STAILQ_INIT(&j->ended);
	*ret_j = j;
	return 0;
}

/* An orderly end commits what is queued; after a kill the batch under way may have come through or not, as a whole. */
void journal_close(struct journal *j)
{
	struct operation *o;
	bool is_written;

	if (!j)
		return;
	is_written = j->node->is_dying ? rng_chance(&sim.rng, 500) : j->store->state == STORE_WORKS;
	STAILQ_FOREACH(o, &j->under_way, link)
	{
		if (is_written)
			operation_apply(j, o);
	}
	STAILQ_FOREACH(o, &j->queued, link)
	{
		if (is_written && !j->node->is_dying)
			operation_apply(j, o);
	}
	operations_free(&j->queued);
	operations_free(&j->under_way);
	operations_free(&j->ended);
	j->is_closed = true;
	if (!j->events)
		free(j);
}

void journal_closep(struct journal **j)
{
	journal_close(*j);
	*j = NULL;
}

int journal_claim_epoch(struct journal *j, uint64_t epoch, struct store_record *ret_store, struct osha_err *reterr)
{
	struct record r = {.type = RECORD_STORE};

	if (!store_record(j->store, "store", &r))
		snprintf(r.store.tag, sizeof(r.store.tag), "%s", "simsim");
	if (epoch && epoch <= r.store.epoch)
		return osha_err_set(reterr, OSHA_E_REFUSED, "epoch %llu is over", (unsigned long long)epoch);
	r.store.epoch = epoch ? epoch : r.store.epoch + 1;
	if (j->store->state != STORE_WORKS)
		return osha_err_set(reterr, OSHA_E_IO, "the store cannot be written");
	store_write(j->store, j->node, &r);
	*ret_store = r.store;
	j->epoch = j->store->epoch = r.store.epoch;
	return 0;
}

struct loading {
	journal_record_fn fn;
	void *arg;
	struct osha_err *reterr;
	int result;
};

static void load_one(void *arg, const struct record *r)
{
	struct loading *l = arg;

	if (l->result == 0)
		l->result = l->fn(l->arg, r, l->reterr);
}

int journal_load(struct journal *j, journal_record_fn fn, void *arg, struct osha_err *reterr)
{
	struct loading l = {fn, arg, reterr, 0};

	store_in_order(j->store, load_one, &l);
	return l.result;
}

int journal_submit(
    struct journal *j, uint64_t seq, const struct record *r, int64_t wall_ms, const char *note, struct osha_err *reterr)
{
	(void)wall_ms;
	(void)note;
	(void)reterr;
	if (!sim_act())
		return 0;
	operation_add(j, seq, JOURNAL_OP_RECORD)->record = *r;
	commit_begin(j);
	return 0;
}

int journal_read(struct journal *j, uint64_t seq, const char *key, struct osha_err *reterr)
{
	(void)reterr;
	operation_add(j, seq, JOURNAL_OP_READ)->key = strdup(key);
	commit_begin(j);
	return 0;
}

int journal_prune(
    struct journal *j, uint64_t seq, const char *recovery, int64_t before_wall_ms, struct osha_err *reterr)
{
	(void)recovery;
	(void)before_wall_ms;
	(void)reterr;
	operation_add(j, seq, JOURNAL_OP_PRUNE);
	commit_begin(j);
	return 0;
}

size_t journal_drain(struct journal *j)
{
	size_t n = 0;

	while (!STAILQ_EMPTY(&j->ended) && !j->node->is_dying) {
		struct operation *o = STAILQ_FIRST(&j->ended);

		STAILQ_REMOVE_HEAD(&j->ended, link);
		j->pending--;
		if (j->opts.answer)
			j->opts.answer(j->opts.answer_arg, &o->answer);
		operation_free(o);
		n++;
	}
	return n;
}

size_t journal_pending(struct journal *j)
{
	return j->pending;
}

uint64_t journal_commits(struct journal *j)
{
	return j->commits;
}

/* --- journal/outbox.h --- */

const char *mail_state_name(enum mail_state s)
{
	static const char *const names[MAIL_STATE_N] = {"none", "queued", "sent", "undeliverable"};

	return (unsigned)s < MAIL_STATE_N ? names[s] : "?";
}

int journal_outbox_put(
    struct journal *j, uint64_t seq, const struct journal_mail *mails, size_t n, struct osha_err *reterr)
{
	struct operation *o;

	(void)reterr;
	if (!sim_act())
		return 0;
	o = operation_add(j, seq, JOURNAL_OP_MAIL_PUT);
	o->mails = calloc(n, sizeof(*mails));
	if (!o->mails)
		abort();
	for (size_t k = 0; k < n; k++) {
		uint8_t *body = malloc(mails[k].body_size + 1);

		if (!body)
			abort();
		if (mails[k].body_size)
			memcpy(body, mails[k].body, mails[k].body_size);
		o->mails[k] = mails[k];
		o->mails[k].body = body;
	}
	o->mail_n = n;
	commit_begin(j);
	return 0;
}

int journal_outbox_due(struct journal *j, uint64_t seq, int64_t now_wall_ms, size_t max, struct osha_err *reterr)
{
	struct operation *o = operation_add(j, seq, JOURNAL_OP_MAIL_LIST);

	(void)reterr;
	o->wall_ms = now_wall_ms;
	o->max = max < JOURNAL_MAIL_LIST_MAX ? max : JOURNAL_MAIL_LIST_MAX;
	commit_begin(j);
	return 0;
}

int journal_outbox_mark(
    struct journal *j, uint64_t seq, const char *key, const struct journal_mail_end *end, struct osha_err *reterr)
{
	struct operation *o = operation_add(j, seq, JOURNAL_OP_MAIL_MARK);

	(void)reterr;
	o->key = strdup(key);
	o->end = *end;
	o->end.error = strdup(end->error ? end->error : "");
	commit_begin(j);
	return 0;
}

/* --- journal/reader.h: a dry run alone reads a journal beside a daemon, and the simulator has none --- */

int journal_reader_open(const char *path, struct journal_reader **ret_r, struct osha_err *reterr)
{
	(void)ret_r;
	return osha_err_set(reterr, OSHA_E_NOTFOUND, "%s is not there", path);
}

void journal_reader_close(struct journal_reader **r)
{
	*r = NULL;
}

int journal_reader_records(struct journal_reader *r, journal_record_fn fn, void *arg, struct osha_err *reterr)
{
	(void)r;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

int journal_reader_history(
    struct journal_reader *r, const char *recovery, journal_line_fn fn, void *arg, struct osha_err *reterr)
{
	(void)r;
	(void)recovery;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

int journal_reader_outbox(
    struct journal_reader *r, const char *recovery, journal_mail_fn fn, void *arg, struct osha_err *reterr)
{
	(void)r;
	(void)recovery;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}
