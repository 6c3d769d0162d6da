/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the puppet does with the engine's actions. A call takes effect in the world at its own moment, before its answer; the answer may
 * be lost. Checkers: proof before evacuate (1), start window (2), one open recovery (3), record and attempts before the act (4), one
 * end per operation (5).
 */
#include "test/sim/actions.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/workflow.h"

uint64_t sim_host_of_recovery(const struct puppet *p, const char *id)
{
	for (uint32_t k = 0; k < p->durable_n; k++) {
		if (p->durable[k].type == RECORD_RECOVERY && str_eq(p->durable[k].recovery.id, id))
			return sim_host_of(p->durable[k].recovery.host);
	}
	return SIM_HOSTS;
}

void check_one_open(struct puppet *p, const struct record *rec)
{
	uint32_t open = 0;

	if (rec->type != RECORD_RECOVERY)
		return;
	for (uint32_t k = 0; k < p->durable_n; k++) {
		const struct recovery_record *r = &p->durable[k].recovery;

		if (p->durable[k].type == RECORD_RECOVERY && str_eq(r->host, rec->recovery.host))
			open += !(host_step_of(r->row)->flags & STEP_FINAL);
	}
	if (open > 1)
		sim_violated(p->w, "invariant 3: %u recoveries of %s are open", open, rec->recovery.host);
}

void puppet_persist(struct puppet *p, const struct engine_action *a)
{
	for (uint32_t k = 0; k < PUPPET_RECORDS; k++) {
		if (p->on_its_way[k].is_used)
			continue;
		p->on_its_way[k].is_used = true;
		p->on_its_way[k].seq = a->persist.seq;
		p->on_its_way[k].record = a->persist.record;
		sim_later(p->w, rng_range(&p->w->rng, 1, 25), SIM_PERSISTED, a->persist.seq, p->life, 0);
		return;
	}
	sim_violated(p->w, "the simulator's store has no room for a record");
}

static const struct instance_record *durable_instance(const struct puppet *p, const char *recovery, const char *uuid)
{
	for (uint32_t k = 0; k < p->durable_n; k++) {
		const struct instance_record *i = &p->durable[k].instance;

		if (p->durable[k].type == RECORD_INSTANCE && str_eq(i->recovery, recovery) && str_eq(i->uuid, uuid))
			return i;
	}
	return NULL;
}

/* Invariants 1 and 4 at the moment an acting operation starts, on what is durable, not on what the engine holds. */
static void check_start(struct puppet *p, const struct engine_action *a)
{
	const struct recovery_record *r = puppet_recovery(p, sim_host_of(a->start.host_name));
	const struct instance_record *i;

	if (p->w->now_ms > a->start.start_by_ms)
		sim_violated(p->w, "invariant 2: %s starts late", op_kind_name(a->start.kind));
	if (!r || !str_eq(r->id, a->start.recovery)) {
		sim_violated(p->w, "invariant 4: %s starts without a durable recovery", op_kind_name(a->start.kind));
		return;
	}
	if (a->start.kind == OP_POWER_OFF && (r->row != HOST_ROW_FENCING || !r->off_attempt))
		sim_violated(p->w, "invariant 4: power-off without its durable intent (row %s)", host_row_name(r->row));
	if (a->start.kind == OP_POWER_OFF && r->off_attempt > 3)
		sim_violated(p->w, "invariant 4: %u power-offs on a budget of 3", r->off_attempt);
	if (a->start.kind != OP_EVACUATE)
		return;
	if (r->proof.kind == PROOF_NONE || r->proof.is_void)
		sim_violated(p->w, "invariant 1: evacuate call without a durable valid proof");
	i = durable_instance(p, a->start.recovery, a->start.instance);
	if (!i || i->row != INSTANCE_ROW_CALLING || !i->call_open)
		sim_violated(p->w, "invariant 4: evacuate call without its durable intent");
	if (i && i->entry_attempt > p->options.evacuate_attempts)
		sim_violated(
		    p->w, "invariant 4: %u calls on a budget of %u", i->entry_attempt, p->options.evacuate_attempts);
}

static int64_t op_takes_ms(struct puppet *p, enum op_kind kind)
{
	if (kind == OP_POWER_OFF || kind == OP_POWER_STATUS)
		return rng_range(&p->w->rng, 30, 2500);
	return rng_range(&p->w->rng, 10, 700);
}

static void power_off_sent(struct puppet *p, struct puppet_op *op)
{
	const struct sim_host *h = &p->w->host[op->host];

	p->power_offs++;
	if (h->bmc_dead) {
		op->end.outcome = OUTCOME_REFUSED;
		op->end.fault = FAULT_TRANSIENT;
		return;
	}
	op->end.outcome = OUTCOME_DONE;
	if (!h->bmc_lies)
		sim_later(p->w, h->bmc_delay_ms + 1, SIM_POWER_OFF, h->bmc_of, 0, 0);
}

static void nova_put(struct puppet *p, const struct engine_action *a, struct puppet_op *op)
{
	struct sim_host *h = &p->w->host[op->host];

	op->end.outcome = OUTCOME_DONE;
	if (a->start.kind == OP_FORCE_DOWN)
		h->forced_down = true;
	if (a->start.kind == OP_DISABLE) {
		h->disabled = true;
		str_copy(h->reason, sizeof(h->reason), a->start.reason);
	}
	if (a->start.kind == OP_ENABLE)
		h->disabled = false;
	if (a->start.kind == OP_CLEAR_DOWN) {
		for (uint32_t k = 0; k < p->w->migration_n; k++) {
			if (p->w->migration[k].source == op->host && p->w->migration[k].status == MIGRATION_DONE) {
				op->end.outcome = OUTCOME_REFUSED;
				op->end.fault = FAULT_LEFTOVER;
				return;
			}
		}
		h->forced_down = false;
	}
	h->updated_ms = p->w->now_ms;
}

static void evacuate_sent(struct puppet *p, struct puppet_op *op)
{
	p->evacuate_calls++;
	op->end.outcome = sim_nova_evacuate(p->w, op->guest, &op->end.fault);
}

/* What the call does in the world, at once; its answer comes later, or never. */
static void take_effect(struct puppet *p, const struct engine_action *a, struct puppet_op *op)
{
	if (a->start.kind == OP_POWER_OFF) {
		power_off_sent(p, op);
		return;
	}
	if (p->w->api_down && op_kind_changes_world(a->start.kind)) {
		op->end.outcome = OUTCOME_REFUSED;
		op->end.fault = FAULT_TRANSIENT;
		return;
	}
	if (a->start.kind == OP_EVACUATE) {
		evacuate_sent(p, op);
	} else if (a->start.kind == OP_STOP) {
		p->w->guest[op->guest].state = SERVER_STOPPED;
		p->w->guest[op->guest].runs_on = 0;
		op->end.outcome = OUTCOME_DONE;
	} else if (op_kind_changes_world(a->start.kind)) {
		nova_put(p, a, op);
	}
}

void puppet_start_op(struct puppet *p, const struct engine_action *a)
{
	struct puppet_op *op = NULL;
	int64_t takes_ms = op_takes_ms(p, a->start.kind);

	for (uint32_t k = 0; k < PUPPET_OPS && !op; k++)
		op = p->ops[k].is_used ? NULL : &p->ops[k];
	if (!op) {
		sim_violated(p->w, "the simulator has no room for an operation");
		return;
	}
	if (op_kind_changes_world(a->start.kind))
		check_start(p, a);
	*op = (struct puppet_op){.is_used = true, .op = a->start.op, .kind = a->start.kind, .began_ms = p->w->now_ms};
	op->end.op = a->start.op;
	op->host = sim_host_of(a->start.host_name);
	op->guest = a->start.instance[0] ? sim_guest_of(a->start.instance) : 0;
	if (op_kind_changes_world(a->start.kind)) {
		take_effect(p, a, op);
		if (rng_chance(&p->w->rng, p->w->lost_reply_per_mille)) {
			op->end.outcome = OUTCOME_UNKNOWN;
			op->end.fault = FAULT_TRANSIENT;
		}
	}
	sim_later(p->w, takes_ms, SIM_OP_DONE, op->op, p->life, 0);
}

void puppet_cancel_op(struct puppet *p, uint64_t number)
{
	for (uint32_t k = 0; k < PUPPET_OPS; k++) {
		if (p->ops[k].is_used && p->ops[k].op == number)
			p->ops[k].is_used = false;
	}
}

static void read_power(struct puppet *p, struct puppet_op *op)
{
	const struct sim_host *h = &p->w->host[op->host];

	op->end.outcome = h->bmc_dead ? OUTCOME_UNKNOWN : OUTCOME_DONE;
	op->end.power = h->bmc_dead ? POWER_UNKNOWN : p->w->host[h->bmc_of].power ? POWER_ON : POWER_OFF;
}

static void read_nova(struct puppet *p, struct puppet_op *op)
{
	op->end.views = op->views;
	op->end.outcome = OUTCOME_DONE;
	if (op->kind == OP_ASK) {
		sim_nova_view(p->w, op->guest, &op->views[0]);
		op->end.view_n = 1;
		return;
	}
	for (uint32_t g = 0; g < SIM_GUESTS; g++) {
		struct instance_view *v = &op->views[op->end.view_n];
		char name[HOST_NAME_SIZE];

		sim_nova_view(p->w, g, v);
		sim_host_name(op->host, name);
		if (op->kind == OP_LIST ? str_eq(v->host, name) || str_eq(v->evacuation.source, name)
					: str_eq(v->evacuation.source, name))
			op->end.view_n++;
	}
}

static struct puppet_op *ended;

bool puppet_op_end(struct puppet *p, uint64_t number)
{
	ended = NULL;
	for (uint32_t k = 0; k < PUPPET_OPS; k++) {
		if (p->ops[k].is_used && p->ops[k].op == number)
			ended = &p->ops[k];
	}
	if (!ended)
		return false;
	if (ended->kind == OP_LOOK)
		puppet_look(p);
	if (!p->engine)
		return false;
	if (ended->kind == OP_LOOK)
		ended->end.outcome = OUTCOME_DONE;
	else if (ended->kind == OP_POWER_STATUS)
		read_power(p, ended);
	else if (!op_kind_changes_world(ended->kind) &&
		 (p->w->api_down || rng_chance(&p->w->rng, p->w->error_per_mille)))
		ended->end = (struct op_end){
		    .op = ended->op, .outcome = OUTCOME_REFUSED, .fault = FAULT_TRANSIENT, .reason = "503"};
	else if (!op_kind_changes_world(ended->kind))
		read_nova(p, ended);
	ended->is_used = false;
	return true;
}

void puppet_deliver(struct puppet *p, void (*step)(struct puppet *, struct engine_event *))
{
	struct engine_event ev = {.type = ENGINE_OP_ENDED, .op_end = ended->end};

	step(p, &ev);
}
