/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the engine without moving it: what status, explain and the page show. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

static void snapshot_recovery(const struct engine *e, const struct host *h, struct host_snapshot *ret)
{
	const struct recovery *r = &e->recoveries[h->recovery];

	ret->recovery = &r->rec;
	ret->disabled_by_us = host_is_disabled_by(h, r->rec.id);
	ret->wake_ms = r->work.wake_ms;
	if (r->work.phase == WORK_IDLE)
		return;
	ret->op = op_kind_name(r->work.kind);
	ret->op_deadline_ms = r->work.phase == WORK_RUNNING ? r->work.deadline_ms : NEVER_MS;
}

/* Would a fence be held back now? Asked with a recovery as it would be opened. */
static void snapshot_gate(const struct engine *e, const struct host *h, int64_t now_ms, struct host_snapshot *ret)
{
	struct recovery none = {0};
	const struct recovery *r = h->recovery == NIL ? &none : &e->recoveries[h->recovery];
	struct gate_answer gate;

	if (recovery_proof_holds(r))
		return;
	(void)calm_holds(e, h, r, &gate.cause, ret->calm, sizeof(ret->calm));
	ret->is_in_window = window_is_open(h->policy.window, h->policy.window_n, e->wall_ms, NULL);
	fence_gate(e, h, r, now_ms, &gate);
	str_copy(ret->held_back_by, sizeof(ret->held_back_by), gate.why);
}

void engine_host_snapshot(const struct engine *e, uint32_t host, int64_t now_ms, struct host_snapshot *ret)
{
	const struct host *h = &e->hosts[host];

	*ret = (struct host_snapshot){
	    .record = &h->rec, .policy = &h->policy, .op = "", .op_deadline_ms = NEVER_MS, .wake_ms = NEVER_MS};
	ret->verdict = host_verdict(e, h, now_ms, 0);
	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		ret->evidence[m].sign =
		    h->evidence[m].expires_ms > now_ms && !e->monitor_bad[m] ? h->evidence[m].sign : SIGN_UNKNOWN;
		ret->evidence[m].seen_ms = h->evidence[m].seen_ms;
		ret->evidence[m].since_ms = h->evidence[m].since_ms;
	}
	ret->service_known = h->service_known;
	ret->disabled = h->disabled;
	ret->forced_down = h->forced_down;
	ret->updated_at_ms = h->updated_at_ms;
	if (h->recovery != NIL)
		snapshot_recovery(e, h, ret);
	snapshot_gate(e, h, now_ms, ret);
}

const struct recovery_record *engine_recovery_next(const struct engine *e, const struct recovery_record *after)
{
	uint32_t k = e->recovery_n ? 0 : e->recovery_cap;

	if (after)
		k = (uint32_t)((const struct recovery *)after - e->recoveries) + 1;
	while (k < e->recovery_cap && !e->recoveries[k].is_used)
		k++;
	return k < e->recovery_cap ? &e->recoveries[k].rec : NULL;
}

const struct instance_record *engine_instance_next(
    const struct engine *e, const struct recovery_record *of, const struct instance_record *after)
{
	uint32_t k = after ? ((const struct instance *)after)->next : ((const struct recovery *)of)->first;

	return k == NIL ? NULL : &e->instances[k].rec;
}

uint32_t engine_fencing_n(const struct engine *e)
{
	uint32_t n = 0;

	for (uint32_t k = 0; e->recovery_n && k < e->recovery_cap; k++) {
		const struct recovery *r = &e->recoveries[k];

		if (r->is_used)
			n += r->rec.row == HOST_ROW_FENCING || r->rec.row == HOST_ROW_PROVING ||
			     (r->rec.row == HOST_ROW_CONFIRMING && recovery_is_powerless(e, r));
	}
	return n;
}

bool engine_is_settled(const struct engine *e, int64_t now_ms)
{
	for (uint32_t k = 0; k < e->host_n; k++) {
		const struct host *h = &e->hosts[k];
		const struct recovery *r = h->recovery == NIL ? NULL : &e->recoveries[h->recovery];

		if (r && (!(host_step_of(r->rec.row)->flags & STEP_REST) || recovery_untold(&r->rec)))
			return false;
		if (!r && h->policy.is_in_segment && host_verdict(e, h, now_ms, 0) == VERDICT_UNKNOWN)
			return false;
	}
	for (uint32_t k = 0; e->recoveries && k < e->recovery_cap; k++) {
		if (e->recoveries[k].is_used && e->recoveries[k].is_detached)
			return false; /* somebody has yet to be told of its end */
	}
	return true;
}

_Static_assert(offsetof(struct recovery, rec) == 0, "engine_recovery_next() casts back");
_Static_assert(offsetof(struct instance, rec) == 0, "engine_instance_next() casts back");
