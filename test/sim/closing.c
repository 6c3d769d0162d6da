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

enum { UNNOTICED_MS = 600000 };

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

struct fate {
	const char *host;
	bool is_open, is_excused;
};

static void fate_look(void *arg, const struct record *rec)
{
	struct fate *f = arg;

	if (rec->type == RECORD_RECOVERY && str_eq(rec->recovery.host, f->host))
		f->is_open |= !(host_step_of(rec->recovery.row)->flags & STEP_FINAL);
	if (rec->type == RECORD_HOST && str_eq(rec->host.name, f->host))
		f->is_excused |= rec->host.maintenance || rec->host.death_told;
}

/* Whoever has been dead for a while has a recovery, or was told as none of ours. */
static void deaths_check(void)
{
	for (uint32_t h = 0; h < realm.host_n; h++) {
		struct fate f = {.host = realm_host_name(h)};

		if (!realm.host[h].dead_ms || sim.now_ms - realm.host[h].dead_ms < UNNOTICED_MS)
			continue;
		store_each(sim.node[0].store, fate_look, &f);
		if (!f.is_open && !f.is_excused)
			sim_violated("invariant 8: %s has been dead for %lld s, and nobody noticed", f.host,
			    (long long)((sim.now_ms - realm.host[h].dead_ms) / 1000));
	}
}

static void restless_look(void *arg, const struct record *rec)
{
	bool *is_restless = arg;

	*is_restless |= rec->type == RECORD_RECOVERY && !is_at_rest(rec->recovery.row);
}

bool closing_is_at_rest(void)
{
	bool is_restless = (!sim.node[0].daemon && !sim.node[1].daemon) || store_mails(sim.node[0].store, MAIL_QUEUED);

	store_each(sim.node[0].store, restless_look, &is_restless);
	for (uint32_t h = 0; h < realm.host_n && !is_restless; h++) {
		struct fate f = {.host = realm_host_name(h)};

		if (realm.host[h].dead_ms)
			store_each(sim.node[0].store, fate_look, &f);
		is_restless = realm.host[h].dead_ms && !f.is_open && !f.is_excused;
	}
	return !is_restless;
}

void closing_judge(struct closing_counts *ret)
{
	*ret = (struct closing_counts){0};
	store_each(sim.node[0].store, count, ret);
	store_each(sim.node[0].store, instance_check, NULL);
	deaths_check();
	if (store_mails(sim.node[0].store, MAIL_QUEUED) && !story.begun[STORY_CLOCK])
		sim_violated("invariant 9: %llu mails still wait though the server takes them",
		    (unsigned long long)store_mails(sim.node[0].store, MAIL_QUEUED));
}
