/* SPDX-License-Identifier: Apache-2.0 */
/* Records between engine and journal. The journal's thread only rings; answers are taken on the loop. */
#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "daemon/control_socket.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/log.h"

#define KEEP_ENDED_MS (90 * 24 * 3600 * INT64_C(1000))

enum { ENGINE_SHIFT = 40 }; /* a record's number, below the number of its engine */

void keeping_submit(struct daemon *d, const struct engine_action *a)
{
	struct osha_err err = {0};

	if (!lead_may_act(d))
		return; /* this engine is as good as gone, and what it decided with it */
	if (journal_submit(d->journal, a->persist.seq | d->lead.engine_n << ENGINE_SHIFT, &a->persist.record,
		io_wall_ms(), a->persist.note, &err) < 0) {
		log_printf(LOG_P_ERR, "journal: %s", err.msg);
		daemon_defer_persisted(d, a->persist.seq, OUTCOME_REFUSED);
	}
}

static void drain(void *arg)
{
	struct daemon *d = arg;

	__atomic_store_n(&d->drain_posted, false, __ATOMIC_SEQ_CST);
	if (d->journal) /* a ring may come after the end */
		journal_drain(d->journal);
}

void keeping_notify(void *daemon)
{
	struct daemon *d = daemon;

	/* one ring at a time: the loop's queue of posts cannot fill up with ours */
	if (!__atomic_exchange_n(&d->drain_posted, true, __ATOMIC_SEQ_CST) && io_loop_post(d->loop, drain, d) < 0)
		__atomic_store_n(&d->drain_posted, false, __ATOMIC_SEQ_CST);
}

static void record_answered(struct daemon *d, const struct journal_answer *a)
{
	struct engine_event ev = {.type = ENGINE_PERSISTED,
	    .persisted.seq = a->seq & (UINT64_MAX >> (64 - ENGINE_SHIFT)),
	    .persisted.outcome = a->outcome};

	if (a->seq >> ENGINE_SHIFT != d->lead.engine_n)
		return; /* of an engine before this one */
	if (a->outcome != OUTCOME_DONE && !d->store_is_bad) {
		log_printf(LOG_P_CRIT, "journal: %s: %s", outcome_name(a->outcome), a->err ? a->err->msg : "no reason");
		d->store_bad_ms = io_now_ms(d->loop);
	}
	d->store_is_bad = a->outcome != OUTCOME_DONE;
	daemon_event(d, &ev, NULL);
}

void keeping_answer(void *daemon, const struct journal_answer *a)
{
	struct daemon *d = daemon;

	switch (a->op) {
	case JOURNAL_OP_RECORD:
		record_answered(d, a);
		break;
	case JOURNAL_OP_MAIL_PUT:
	case JOURNAL_OP_MAIL_MARK:
	case JOURNAL_OP_MAIL_LIST:
		telling_answer(d, a);
		break;
	default:
		control_journal_answer(d, a);
	}
}

bool keeping_path(const struct config *cfg, char *ret_path, size_t size)
{
	int n = snprintf(ret_path, size, "%s/%s", cfg->state_dir, DAEMON_JOURNAL_NAME);

	return n > 0 && (size_t)n < size;
}

int keeping_add(struct keeping_records *l, const struct record *r, struct osha_err *reterr)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct record *more = realloc(l->all, cap * sizeof(*more));

		if (!more)
			return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the journal's records");
		l->all = more;
		l->cap = cap;
	}
	l->all[l->n++] = *r;
	return 0;
}

static int load_one(void *arg, const struct record *r, struct osha_err *reterr)
{
	return keeping_add(arg, r, reterr);
}

static const char *host_of_record(const struct record *r)
{
	return r->type == RECORD_HOST ? r->host.name : r->type == RECORD_RECOVERY ? r->recovery.host : NULL;
}

/* Policies come before the records, because a recovery that goes on at once asks for its fence devices. */
int keeping_give(struct daemon *d, struct keeping_records *l, struct osha_err *reterr)
{
	struct engine_event ev = {.type = ENGINE_STARTED, .records.all = l->all, .records.n = (uint32_t)l->n};
	uint32_t instance_n = 0;

	for (size_t k = 0; k < l->n; k++) {
		const char *name = host_of_record(&l->all[k]);

		instance_n += l->all[k].type == RECORD_INSTANCE;
		if (name && hosts_join(d, name) == UINT32_MAX)
			return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for host %s", name);
	}
	if (recorder_reserve(d, engine_host_n(d->engine), instance_n + 64) < 0)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for %u instances", instance_n);
	daemon_event(d, &ev, NULL);
	hosts_policy_all(d); /* what the records say of devices that are others by now is forgotten */
	return 0;
}

static bool is_ended(const struct recovery_record *r)
{
	bool is_final = r->row == HOST_ROW_REENABLED || r->row == HOST_ROW_CLEARED || r->row == HOST_ROW_ABANDONED;

	return is_final && !recovery_untold(r);
}

/* Recoveries that ended so long ago are no longer loaded; their history goes with them. */
static void forget_old(struct daemon *d, const struct keeping_records *l)
{
	int64_t before_ms = io_wall_ms() - KEEP_ENDED_MS;

	for (size_t k = 0; k < l->n; k++) {
		const struct record *r = &l->all[k];

		if (r->type == RECORD_RECOVERY && is_ended(&r->recovery) && r->recovery.row_wall_ms < before_ms)
			(void)journal_prune(d->journal, 0, r->recovery.id, before_ms, NULL);
	}
}

int keeping_load(struct daemon *d, struct osha_err *reterr)
{
	struct keeping_records l = {0};
	int r = journal_load(d->journal, load_one, &l, reterr);

	if (r == 0)
		r = keeping_give(d, &l, reterr);
	if (r == 0)
		forget_old(d, &l);
	free(l.all);
	return r;
}
