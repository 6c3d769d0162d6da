/* SPDX-License-Identifier: Apache-2.0 */
/* The first event of an engine's life: what the store remembers. Recoveries are entered again as their tables say. */
#include <string.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "engine/state.h"

static void take_host(struct engine *e, const struct host_record *rec)
{
	uint32_t k = engine_host_add(e, rec->name);

	if (k == NIL)
		return;
	e->hosts[k].rec = *rec;
	work_queue(e, THING_REF(THING_HOST, k)); /* its maintenance may have an end */
	host_forget_devices(&e->hosts[k]);
	limit_host_taken(e, &e->hosts[k]);
}

static bool is_ended(const struct recovery_record *rec)
{
	return host_step_of(rec->row)->flags & STEP_FINAL;
}

static void take_recovery(struct engine *e, const struct recovery_record *rec)
{
	uint32_t k = engine_host_add(e, rec->host);
	struct recovery *r;

	if (k == NIL)
		return;
	r = is_ended(rec) ? engine_take_ended_recovery(e, k) : engine_open_recovery(e, k);
	if (r)
		r->rec = *rec;
	else
		engine_log(e, 4, "%s of %s: no room for it: its end is told after another start", rec->id, rec->host);
}

static struct recovery *recovery_by_id(struct engine *e, const char *id)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		if (e->recoveries[k].is_used && str_eq(e->recoveries[k].rec.id, id))
			return &e->recoveries[k];
	}
	return NULL;
}

static void take_instance(struct engine *e, const struct instance_record *rec)
{
	struct recovery *r = recovery_by_id(e, rec->recovery);
	struct instance *i = r ? engine_add_instance(e, r, rec->uuid) : NULL;

	if (i)
		i->rec = *rec;
}

/* Ended ones come later: what is open has the first claim to its host's place. */
static void take_first(struct engine *e, const struct record *rec)
{
	switch (rec->type) {
	case RECORD_STORE:
		e->store = rec->store;
		e->epoch = rec->store.epoch;
		break;
	case RECORD_HOST:
		take_host(e, &rec->host);
		break;
	case RECORD_SUSPENSION:
		suspension_take(e, &rec->suspension);
		break;
	case RECORD_RECOVERY:
		if (!is_ended(&rec->recovery))
			take_recovery(e, &rec->recovery);
		break;
	default:
		break;
	}
}

void engine_take_records(struct engine *e, const struct record *all, uint32_t n)
{
	e->is_started = true;
	e->started_ms = e->now_ms;
	for (uint32_t k = 0; k < n; k++)
		take_first(e, &all[k]);
	for (uint32_t k = 0; k < n; k++) {
		if (all[k].type == RECORD_RECOVERY && is_ended(&all[k].recovery) && recovery_untold(&all[k].recovery))
			take_recovery(e, &all[k].recovery);
	}
	for (uint32_t k = 0; k < n; k++) {
		if (all[k].type == RECORD_INSTANCE)
			take_instance(e, &all[k].instance);
	}
	breaker_resume(e);
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];

		if (!r->is_used)
			continue;
		recovery_resume(e, r);
		for (uint32_t i = r->first; i != NIL; i = e->instances[i].next)
			instance_resume(e, &e->instances[i]);
	}
	limit_grant(e);
}
