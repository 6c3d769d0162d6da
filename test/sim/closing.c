/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run; see the header. */
#include "test/sim/closing.h"

#include <stdio.h>

#include "base/strbuf.h"
#include "engine/workflow.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/witness.h"

/* Rows in which a recovery may rest: it ended, is held with its reason, or waits for its host to be repaired. */
static bool is_at_rest(enum host_row row)
{
	return (host_step_of(row)->flags & STEP_FINAL) || row == HOST_ROW_HELD || row == HOST_ROW_RECOVERED;
}

static void count(void *arg, const struct record *rec)
{
	struct closing_counts *c = arg;
	const struct recovery_record *r = &rec->recovery;

	if (rec->type != RECORD_RECOVERY)
		return;
	c->recoveries++;
	c->recovered += r->stamp_wall_ms[HOST_ROW_RECOVERED] != 0;
	c->returned += r->row == HOST_ROW_REENABLED;
	c->cleared += r->row == HOST_ROW_CLEARED;
	c->held += r->row == HOST_ROW_HELD;
	c->abandoned += r->row == HOST_ROW_ABANDONED;
	if (is_at_rest(r->row))
		return;
	if (r->told_hold != HOLD_NONE && r->held_n) { /* a hold that is just being tried again */
		c->held++;
		return;
	}
	c->open++;
	sim_violated("invariant 8: recovery %s of %s rests in %s: %s", r->id, r->host, host_row_name(r->row), r->why);
}

static void instance_check(void *arg, const struct record *rec)
{
	const struct instance_record *i = &rec->instance;
	struct record r = {0};
	char key[JOURNAL_KEY_SIZE];

	(void)arg;
	if (rec->type != RECORD_INSTANCE || i->row != INSTANCE_ROW_DONE)
		return;
	snprintf(key, sizeof(key), "recovery/%s", i->recovery);
	if (store_record(sim.node[0].store, key, &r) && r.recovery.proof.kind == PROOF_NONE)
		sim_violated(
		    "invariant 1: instance %s was moved in recovery %s, which has no proof", i->uuid, i->recovery);
}

void closing_judge(struct closing_counts *ret)
{
	*ret = (struct closing_counts){0};
	store_each(sim.node[0].store, count, ret);
	store_each(sim.node[0].store, instance_check, NULL);
	if (store_mails(sim.node[0].store, MAIL_QUEUED) && !story.begun[STORY_CLOCK])
		sim_violated("invariant 9: %llu mails still wait though the server takes them",
		    (unsigned long long)store_mails(sim.node[0].store, MAIL_QUEUED));
}
