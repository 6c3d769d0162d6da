/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer of an operation means for the host's row. Reads, decides, selects instances; follows no edge itself. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

static void judge_plain(const struct op_end *end, struct judged *j)
{
	j->outcome = end->outcome;
	j->again = end->outcome == OUTCOME_UNKNOWN || end->fault == FAULT_TRANSIENT || end->fault == FAULT_NONE;
	if (end->reason && end->outcome != OUTCOME_DONE)
		str_copy(j->why, sizeof(j->why), end->reason);
}

/* The look is over: what do the monitors say, counting only what was seen since it began? */
static void judge_look(struct engine *e, struct recovery *r, struct judged *j)
{
	struct host *h = host_of(e, r);

	host_weigh(e, h, r->work.began_ms, &r->rec);
	switch (host_verdict(e, h, e->now_ms, r->work.began_ms)) {
	case VERDICT_DOWN:
		j->outcome = OUTCOME_DONE;
		j->is_early = breaker_is_early(e, h, e->now_ms);
		break;
	case VERDICT_UP:
	case VERDICT_DEGRADED:
		j->outcome = OUTCOME_REFUSED;
		str_copy(j->why, sizeof(j->why), "the second look sees it alive");
		break;
	default:
		j->outcome = OUTCOME_UNKNOWN;
		j->again = true;
		str_copy(j->why, sizeof(j->why), "not every monitor that the policy names could tell");
	}
	/* A death that is not ours needs no second witness to be told. */
	if (j->outcome == OUTCOME_UNKNOWN && (h->rec.maintenance || !h->policy.is_in_segment))
		j->outcome = OUTCOME_DONE;
}

/* The agent's exit status is an opinion. Whether it is off is read afterwards; only a lost agent has to be run again first. */
static void judge_power_off(struct recovery *r, const struct op_end *end, struct judged *j)
{
	r->rec.off_outcome = end->outcome;
	j->outcome = end->outcome;
	if (end->outcome != OUTCOME_DONE && end->reason)
		str_copy(j->why, sizeof(j->why), end->reason);
}

static void judge_power_status(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *j)
{
	struct host *h = host_of(e, r);
	enum power p = end->outcome == OUTCOME_DONE ? end->power : POWER_UNKNOWN;

	if (p == POWER_OFF && r->rec.off_outcome != OUTCOME_UNKNOWN) {
		r->rec.off_readings++;
		if (r->rec.off_readings < e->o.off_readings_n) {
			j->is_early = true;
			return;
		}
		j->outcome = OUTCOME_DONE;
		recovery_begin_proof(e, r, PROOF_POWER, h->policy.level[r->rec.level].device);
		snprintf(j->why, sizeof(j->why), "proven dead: %s read off %u times after power-off", r->rec.proof.by,
		    r->rec.off_readings);
		return;
	}
	r->rec.off_readings = 0;
	j->again = true;
	j->outcome = p == POWER_ON ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
	snprintf(j->why, sizeof(j->why), p == POWER_ON ? "%s still reads on" : "%s cannot be read",
	    h->policy.level[r->rec.level].device);
}

/* An instance that was on its way here when this host died. Its source's recovery moves it; without one it is listed by name. */
static void take_on_its_way(struct engine *e, struct recovery *r, const struct instance_view *v)
{
	struct host *source = engine_find_host(e, v->evacuation.source);
	struct recovery *other = source && source->recovery != NIL ? &e->recoveries[source->recovery] : NULL;
	struct instance *i = other ? engine_find_instance(e, other, v->uuid) : NULL;
	char why[REASON_SIZE];

	if (i) {
		if (i->rec.row == INSTANCE_ROW_REBUILDING)
			instance_enter(e, i, INSTANCE_ROW_ASKING, "its destination was proven dead");
		else if (other->rec.row == HOST_ROW_HELD)
			work_wake_at(e, recovery_ref(e, other), e->now_ms);
		return;
	}
	i = engine_find_instance(e, r, v->uuid);
	if (i && i->rec.row != INSTANCE_ROW_GONE)
		return;
	if (!i)
		i = engine_add_instance(e, r, v->uuid);
	if (!i)
		return;
	str_copy(i->rec.name, sizeof(i->rec.name), v->name);
	str_copy(i->rec.project, sizeof(i->rec.project), v->project);
	str_copy(i->rec.source, sizeof(i->rec.source), v->evacuation.source);
	snprintf(why, sizeof(why), "was on its way here from %.60s, %s", v->evacuation.source,
	    other && recovery_proof_holds(other) ? "whose recovery has not listed it yet"
						 : "which has no proof of death");
	instance_enter(e, i, INSTANCE_ROW_HELD, why);
}

/* What the recovery of a destination held for want of this host's proof: that is there now, and this recovery has them on its list. */
static void release_on_their_way(struct engine *e, const struct recovery *r)
{
	char why[REASON_SIZE];

	snprintf(why, sizeof(why), "%.60s is proven dead: its own recovery moves it", r->rec.host);
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *other = &e->recoveries[k];
		uint32_t n = 0;

		for (uint32_t at = other->is_used && other != r ? other->first : NIL; at != NIL;
		     at = e->instances[at].next) {
			struct instance *i = &e->instances[at];

			if (i->rec.row != INSTANCE_ROW_HELD || !str_eq(i->rec.source, r->rec.host) ||
			    !engine_find_instance(e, r, i->rec.uuid))
				continue;
			instance_enter(e, i, INSTANCE_ROW_GONE, why);
			n++;
		}
		if (n && other->rec.row == HOST_ROW_HELD)
			work_wake_at(e, recovery_ref(e, other), e->now_ms);
	}
}

static bool is_on_its_way_here(const struct recovery *r, const struct instance_view *v)
{
	return migration_is_under_way(v->evacuation.status) && str_eq(v->evacuation.dest, r->rec.host) &&
	       !str_eq(v->host, r->rec.host);
}

/* Nova lists more than there is room for: the host is not empty, so the step has not been done. */
static void judge_no_room(struct judged *j, uint32_t n)
{
	j->outcome = OUTCOME_REFUSED;
	j->again = true;
	j->cause = HOLD_INSTANCES;
	snprintf(j->why, sizeof(j->why), "no room in memory for %u of its instances", n);
}

static void judge_list(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *j)
{
	uint32_t missed = 0;

	judge_plain(end, j);
	if (j->outcome != OUTCOME_DONE)
		return;
	recovery_retry_instances(e, r);
	for (uint32_t k = 0; k < end->view_n; k++) {
		const struct instance_view *v = &end->views[k];

		if (str_eq(v->host, r->rec.host))
			missed += !instance_select(e, r, v);
		else if (is_on_its_way_here(r, v))
			take_on_its_way(e, r, v);
	}
	release_on_their_way(e, r);
	r->rec.instance_n = r->instance_n;
	snprintf(j->why, sizeof(j->why), "%u instances", r->instance_n);
	if (missed)
		judge_no_room(j, missed);
}

/* Evacuations away from this host that may still place a guest; their instances' only copy may be the one on this host. */
static uint32_t count_leftovers(const struct recovery *r, const struct op_end *end, const char **ret_uuid)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < end->view_n; k++) {
		const struct instance_view *v = &end->views[k];
		const struct migration_view *m = &v->evacuation;
		bool is_older = v->unfinished.id && str_eq(v->host, r->rec.host);

		if (!is_older && (!str_eq(m->source, r->rec.host) || !migration_is_under_way(m->status)))
			continue;
		if (!n++)
			*ret_uuid = m->instance[0] ? m->instance : v->uuid;
	}
	return n;
}

static void count_ends(struct engine *e, struct recovery *r, uint32_t n[INSTANCE_ROW_N])
{
	for (uint32_t k = r->first; k != NIL; k = e->instances[k].next)
		n[e->instances[k].rec.row]++;
	r->rec.done_n = n[INSTANCE_ROW_DONE] + n[INSTANCE_ROW_GONE];
}

static uint32_t select_forgotten(struct engine *e, struct recovery *r, const struct op_end *end, uint32_t *ret_missed)
{
	uint32_t before = r->ended_n, total = r->instance_n;

	for (uint32_t k = 0; k < end->view_n; k++) {
		if (str_eq(end->views[k].host, r->rec.host))
			*ret_missed += !instance_select(e, r, &end->views[k]);
	}
	return (r->instance_n - total) + (before > r->ended_n ? before - r->ended_n : 0);
}

static void judge_verify(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *j)
{
	uint32_t n[INSTANCE_ROW_N] = {0}, left, missed = 0, found;
	const char *uuid = "";

	judge_plain(end, j);
	if (j->outcome != OUTCOME_DONE)
		return;
	if (r->ended_n < r->instance_n) {
		/* a restart lost the end of one: it has to be found again before the host may count as empty */
		j->row = HOST_ROW_EVACUATING;
		return;
	}
	found = select_forgotten(e, r, end, &missed);
	if (missed) {
		judge_no_room(j, missed);
		return;
	}
	if (found) {
		str_copy(j->why, sizeof(j->why), "instances are still listed on it");
		j->row = r->rounds++ < 3 ? HOST_ROW_EVACUATING : HOST_ROW_HELD;
		return;
	}
	count_ends(e, r, n);
	left = count_leftovers(r, end, &uuid);
	if (left) {
		j->outcome = OUTCOME_REFUSED;
		j->cause = HOLD_LEFTOVER;
		snprintf(j->why, sizeof(j->why),
		    "%u evacuation%s still under way: keep %.40s off, it would destroy %s%s", left,
		    left == 1 ? "" : "s", r->rec.host, uuid, left == 1 ? "" : " and others");
	} else if (n[INSTANCE_ROW_REFUSED] + n[INSTANCE_ROW_HELD]) {
		j->outcome = OUTCOME_REFUSED;
		j->again = false;
		snprintf(j->why, sizeof(j->why), "%u of %u instances did not reach their wanted state",
		    n[INSTANCE_ROW_REFUSED] + n[INSTANCE_ROW_HELD], r->instance_n);
	} else {
		snprintf(j->why, sizeof(j->why), "%u of %u instances recovered", r->rec.done_n, r->instance_n);
	}
}

/* Taking the host back: nova-compute has to have turned every `done` into `completed`, and nothing may be under way. */
static void judge_cleaning(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *j)
{
	const char *uuid = "";
	uint32_t left, uncleaned = 0;

	judge_plain(end, j);
	if (j->outcome != OUTCOME_DONE)
		return;
	if (r->ended_n < r->instance_n) {
		/* let return while they were on their way: nova-compute has called their records completed, but they are not at their ends */
		j->is_early = true;
		return;
	}
	left = count_leftovers(r, end, &uuid);
	for (uint32_t k = 0; k < end->view_n; k++)
		uncleaned += end->views[k].evacuation.status == MIGRATION_DONE &&
			     str_eq(end->views[k].evacuation.source, r->rec.host);
	if (!left && !uncleaned)
		return;
	if (!r->cleaning_until_ms)
		r->cleaning_until_ms = e->now_ms + e->o.return_timeout_ms;
	if (!left && e->now_ms < r->cleaning_until_ms) {
		j->is_early = true;
		return;
	}
	r->cleaning_until_ms = 0;
	j->outcome = OUTCOME_REFUSED;
	j->again = false;
	j->cause = left ? HOLD_LEFTOVER : HOLD_RESTART_COMPUTE;
	if (left)
		snprintf(j->why, sizeof(j->why),
		    "the host is on while an evacuation of %s is under way: check that instance", uuid);
	else
		snprintf(j->why, sizeof(j->why), "restart nova-compute on %.100s: %u stale copies are not cleaned",
		    r->rec.host, uncleaned);
}

static void judge_clear_down(struct recovery *r, const struct op_end *end, struct judged *j)
{
	judge_plain(end, j);
	if (end->outcome != OUTCOME_REFUSED || end->fault != FAULT_LEFTOVER)
		return;
	snprintf(
	    j->why, sizeof(j->why), "restart nova-compute on %.80s: Nova refuses to take it back before", r->rec.host);
}

void recovery_judge(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *ret)
{
	switch (r->rec.row) {
	case HOST_ROW_CONFIRMING:
		judge_look(e, r, ret);
		break;
	case HOST_ROW_FENCING:
		judge_power_off(r, end, ret);
		break;
	case HOST_ROW_PROVING:
		judge_power_status(e, r, end, ret);
		break;
	case HOST_ROW_LISTING:
		judge_list(e, r, end, ret);
		break;
	case HOST_ROW_VERIFYING:
		judge_verify(e, r, end, ret);
		break;
	case HOST_ROW_CLEANING:
		judge_cleaning(e, r, end, ret);
		break;
	case HOST_ROW_CLEARING_DOWN:
		judge_clear_down(r, end, ret);
		break;
	default:
		judge_plain(end, ret);
	}
	if (ret->outcome == OUTCOME_DONE && r->rec.row == HOST_ROW_FORCING_DOWN)
		r->rec.forced_down_sure = true;
}
