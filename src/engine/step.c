/* SPDX-License-Identifier: Apache-2.0 */
/* One event in, actions out: each kind of event finds its place here, then run.c drains what it made ready. */
#include <string.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "engine/state.h"

struct engine_options engine_options_default(void)
{
	return (struct engine_options){
	    .monitor_n = 2,
	    .monitor_name = {"nova", "probe"},
	    .service_down_time_ms = 60000,
	    .recheck_after_ms = 5000,
	    .look_timeout_ms = 10000,
	    .look_attempts = 3,
	    .mass_hosts_n = 2,
	    .mass_per_mille = 100,
	    .mass_resume_n = 2,
	    .degraded_after_ms = 30000,
	    .off_readings_n = 2,
	    .power_status_timeout_ms = 20000,
	    .power_status_attempts = 5,
	    .power_poll_ms = 10000,
	    .cloud_timeout_ms = 30000,
	    .cloud_attempts = 10,
	    .list_timeout_ms = 120000,
	    .retry_ms = 500,
	    .retry_max_ms = 15000,
	    .hold_retry_ms = 60000,
	    .evacuate_per_host_n = 12,
	    .evacuate_fleet_n = 24,
	    .evacuate_attempts = 5,
	    .evacuate_timeout_ms = 60000,
	    .evacuate_settle_ms = 60000,
	    .rebuild_timeout_ms = 600000,
	    .poll_ms = 300,
	    .return_timeout_ms = 600000,
	    .start_window_ms = 1000,
	    .store_retry_ms = 1000,
	    .recoveries_n = 10,
	    .cool_down_ms = 180000,
	    .flaps_n = 3,
	    .flap_window_ms = 86400000,
	};
}

void engine_options_set(struct engine *e, const struct engine_options *options)
{
	e->o = *options;
}

static void persisted(struct engine *e, uint64_t seq, enum outcome outcome)
{
	struct engine_pending *p = &e->pending[seq & (e->pending_n - 1)];
	uint32_t ref = p->ref;
	struct work *w;

	if (p->seq != seq)
		return;
	p->seq = 0;
	w = work_of(e, ref);
	if (w->out_seq != seq)
		return;
	w->out_seq = 0;
	work_queue(e, ref);
	if (outcome != OUTCOME_DONE) {
		w->dirty = true;
		e->store_retry_at_ms = e->now_ms + e->o.store_retry_ms;
		if (!e->store_bad)
			engine_alert(e, "store",
			    "the journal refuses records: nothing new is started until it takes them again");
		e->store_bad = true;
		return;
	}
	if (e->store_bad)
		engine_log(e, 5, "the journal takes records again");
	e->store_bad = false;
	if (THING_TYPE(ref) == THING_RECOVERY) {
		recovery_say(e, &e->recoveries[THING_INDEX(ref)]);
		limit_recorded(e, &e->recoveries[THING_INDEX(ref)]);
	}
	if (w->phase == WORK_ARMED && w->announced) {
		w->phase = WORK_CONFIRMED;
		w->confirmed_ms = e->now_ms;
	}
	if (THING_TYPE(ref) == THING_RECOVERY && !w->dirty)
		e->recoveries[THING_INDEX(ref)].proof_durable = recovery_proof_holds(&e->recoveries[THING_INDEX(ref)]);
}

static void op_ended(struct engine *e, const struct op_end *end)
{
	enum op_slot slot = (enum op_slot)(end->op >> 62);
	uint32_t ref = (uint32_t)(end->op >> 30), gen = (uint32_t)(end->op & 0x3fffffffu);
	struct recovery *r = THING_TYPE(ref) == THING_RECOVERY ? &e->recoveries[THING_INDEX(ref)] : NULL;
	struct look *l = !r ? NULL : slot == SLOT_POWER ? &r->power : &r->poll;
	struct work *w = work_of(e, ref);

	if (slot != SLOT_MAIN) {
		if (!l || !l->running || (l->gen & 0x3fffffffu) != gen)
			return;
		if (slot == SLOT_POWER)
			recovery_power_read(e, r, end);
		else
			recovery_poll_read(e, r, end);
		work_queue(e, ref);
		return;
	}
	if (w->phase != WORK_RUNNING || (w->gen & 0x3fffffffu) != gen)
		return;
	work_queue(e, ref);
	if (r)
		recovery_op_ended(e, r, end);
	else
		instance_op_ended(e, &e->instances[THING_INDEX(ref)], end);
}

/* What is announced but has not begun is announced again: its confirmation, come or coming, is of before. */
static void announce_anew(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);

	if (w->phase != WORK_ARMED && w->phase != WORK_CONFIRMED)
		return;
	w->phase = WORK_ARMED;
	w->announced = false;
	w->dirty = true;
	work_queue(e, ref);
}

/* The process stood still or a clock jumped: what was seen before is not trusted, and what was to start is recorded anew. */
static void stalled(struct engine *e, int64_t stall_ms)
{
	engine_log(e, 4,
	    "stood still or clock jumped for %lld ms: evidence is gathered anew before anything is decided",
	    (long long)stall_ms);
	e->stalled_ms = e->now_ms;
	for (uint32_t k = 0; k < e->host_n; k++) {
		for (uint32_t m = 0; m < e->o.monitor_n; m++)
			e->hosts[k].evidence[m].expires_ms = 0;
	}
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];

		if (!r->is_used)
			continue;
		/* the answers to what was asked before may have waited as long: they tell how it was then */
		if (r->rec.row == HOST_ROW_CONFIRMING || r->rec.row == HOST_ROW_PROVING)
			recovery_enter(e, r, r->rec.row, "the daemon stood still: it looks again");
		r->proof_checked = r->proof_checked && !recovery_is_watched(r);
		r->unknown_readings = 0;
		recovery_forget_readings(e, r);
		announce_anew(e, recovery_ref(e, r));
		work_queue(e, recovery_ref(e, r));
	}
	for (uint32_t k = 0; k < e->host_n; k++)
		work_queue(e, host_ref(e, &e->hosts[k]));
	suspension_queue_all(e);
	for (uint32_t k = 0; k < e->instance_cap; k++) {
		if (e->instances[k].is_used)
			announce_anew(e, THING_REF(THING_INSTANCE, k));
	}
}

static void told(struct engine *e, const char *id, enum moment moment)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];

		if (!r->is_used || !str_eq(r->rec.id, id))
			continue;
		/* a hold that came while an earlier one was being told is still to be told */
		if (moment != MOMENT_HELD || !r->tell_pending || r->tell_held_n == r->rec.held_n)
			r->rec.told |= (uint16_t)(1u << moment);
		r->tell_pending = false;
		r->work.dirty = true;
		work_queue(e, recovery_ref(e, r));
	}
}

/* Those that a blind monitor could tell nothing of need not wait for the end of their hold. */
static void wake_unconfirmed(struct engine *e)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		const struct recovery *r = &e->recoveries[k];

		if (r->is_used && r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_UNCONFIRMED)
			work_wake_at(e, recovery_ref(e, r), e->now_ms);
	}
}

static void monitor_health(struct engine *e, uint32_t monitor, bool is_ok, const char *reason)
{
	if (monitor >= e->o.monitor_n || e->monitor_bad[monitor] == !is_ok)
		return;
	e->monitor_bad[monitor] = !is_ok;
	e->monitor_bad_ms[monitor] = e->now_ms;
	engine_log(e, is_ok ? 5 : 3, "monitor %s: %s", e->o.monitor_name[monitor],
	    is_ok    ? "works again"
	    : reason ? reason
		     : "does not work");
	if (!is_ok)
		engine_alert(e, e->o.monitor_name[monitor],
		    "monitor %s does not work (%s): what it would see is unknown, nothing is fenced on it",
		    e->o.monitor_name[monitor], reason ? reason : "no reason given");
	for (uint32_t k = 0; k < e->host_n; k++)
		host_look(e, &e->hosts[k]);
	if (is_ok)
		wake_unconfirmed(e);
}

static void lease(struct engine *e, uint64_t epoch)
{
	e->epoch = epoch;
	for (uint32_t k = 0; k < e->host_n; k++)
		work_queue(e, host_ref(e, &e->hosts[k]));
	suspension_queue_all(e);
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];

		if (!r->is_used)
			continue;
		r->proof_checked = r->proof_checked && !recovery_is_watched(r); /* another one may have led meanwhile */
		work_queue(e, recovery_ref(e, r));
	}
	for (uint32_t k = 0; k < e->instance_cap; k++) {
		if (e->instances[k].is_used)
			work_queue(e, instance_ref(e, &e->instances[k]));
	}
}

static int take_event(struct engine *e, const struct engine_event *ev, struct osha_err *reterr)
{
	switch (ev->type) {
	case ENGINE_STARTED:
		engine_take_records(e, ev->records.all, ev->records.n);
		break;
	case ENGINE_EVIDENCE:
		for (uint32_t k = 0; k < ev->evidence.n; k++)
			host_take_evidence(e, &ev->evidence.all[k]);
		break;
	case ENGINE_SERVICES:
		for (uint32_t k = 0; k < ev->services.n; k++)
			host_take_service(e, &ev->services.all[k]);
		break;
	case ENGINE_DEVICE:
		host_take_device(e, ev->device.host, ev->device.level, ev->device.power);
		break;
	case ENGINE_OP_ENDED:
		op_ended(e, &ev->op_end);
		break;
	case ENGINE_PERSISTED:
		persisted(e, ev->persisted.seq, ev->persisted.outcome);
		break;
	case ENGINE_STALLED:
		stalled(e, ev->stall_ms);
		break;
	case ENGINE_LEASE:
		lease(e, ev->epoch);
		break;
	case ENGINE_OPERATOR:
		return engine_operator(e, &ev->word, reterr);
	case ENGINE_TOLD:
		told(e, ev->told.recovery, ev->told.moment);
		break;
	case ENGINE_MONITOR_HEALTH:
		monitor_health(e, ev->health.monitor, ev->health.is_ok, ev->health.reason);
		break;
	default:
		break;
	}
	return 0;
}

int engine_step(
    struct engine *e, const struct engine_event *ev, struct engine_actions *ret_actions, struct osha_err *reterr)
{
	int r;

	ret_actions->n = 0;
	ret_actions->again = false;
	e->out = ret_actions;
	if (ev->now_ms > e->now_ms)
		e->now_ms = ev->now_ms;
	e->wall_ms = ev->wall_ms;
	r = take_event(e, ev, reterr);
	engine_run(e);
	e->out = NULL;
	return r;
}
