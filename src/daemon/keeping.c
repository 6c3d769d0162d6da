/* SPDX-License-Identifier: Apache-2.0 */
/* Records between engine and journal. The journal's thread only rings; answers are taken on the loop. */
#include <stdlib.h>

#include "base/strbuf.h"
#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/telling.h"
#include "io/log.h"

void keeping_submit(struct daemon *d, const struct engine_action *a)
{
	struct osha_err err = {0};

	if (journal_submit(
		d->journal, a->persist.seq, &a->persist.record, io_wall_ms(), a->persist.note, &err) < 0) {
		log_printf(LOG_P_ERR, "journal: %s", err.msg);
		daemon_defer_persisted(d, a->persist.seq, OUTCOME_REFUSED);
	}
}

static void drain(void *arg)
{
	struct daemon *d = arg;

	__atomic_store_n(&d->drain_posted, false, __ATOMIC_SEQ_CST);
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
	struct engine_event ev = {
	    .type = ENGINE_PERSISTED, .persisted.seq = a->seq, .persisted.outcome = a->outcome};

	if (a->outcome != OUTCOME_DONE && !d->store_is_bad)
		log_printf(LOG_P_CRIT, "journal: %s: %s", outcome_name(a->outcome), a->err ? a->err->msg : "no reason");
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

struct loaded {
	struct daemon *d;
	struct record *all;
	size_t n, cap;
	uint32_t host_n, instance_n;
};

static int load_one(void *arg, const struct record *r, struct osha_err *reterr)
{
	struct loaded *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct record *more = realloc(l->all, cap * sizeof(*more));

		if (!more)
			return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the journal's records");
		l->all = more;
		l->cap = cap;
	}
	l->all[l->n++] = *r;
	l->host_n += r->type == RECORD_HOST || r->type == RECORD_RECOVERY;
	l->instance_n += r->type == RECORD_INSTANCE;
	return 0;
}

/* Policies come before the records, because a recovery that goes on at once asks for its fence devices. */
static int load_give(struct daemon *d, struct loaded *l, struct osha_err *reterr)
{
	struct engine_event ev = {.type = ENGINE_STARTED, .records.all = l->all, .records.n = (uint32_t)l->n};

	if (engine_reserve(d->engine, l->host_n + 16, l->instance_n + 64) < 0)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for %u hosts", l->host_n);
	for (size_t k = 0; k < l->n; k++) {
		const char *name = l->all[k].type == RECORD_HOST       ? l->all[k].host.name
				   : l->all[k].type == RECORD_RECOVERY ? l->all[k].recovery.host
								       : NULL;

		if (name && hosts_join(d, name) == UINT32_MAX)
			return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for host %s", name);
	}
	daemon_event(d, &ev, NULL);
	hosts_policy_all(d); /* what the records say of devices that are others by now is forgotten */
	return 0;
}

int keeping_load(struct daemon *d, struct osha_err *reterr)
{
	struct loaded l = {.d = d};
	int r = journal_load(d->journal, load_one, &l, reterr);

	if (r == 0)
		r = load_give(d, &l, reterr);
	free(l.all);
	return r;
}
