/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter of the instance's workflow table. An instance takes a slot when it leaves the waiting row and gives it back when it
 * ends or goes back to wait; slots are limited per host and fleet-wide.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

enum { NOVA_WAIT_LOOK_MS = 1000 }; /* whether Nova knows of another death by now is looked at so often */

bool instance_is_ended(const struct instance_record *i)
{
	return instance_step_of(i->row)->flags & STEP_FINAL;
}

static void slot_give_back(struct engine *e, struct instance *i)
{
	if (!i->has_slot)
		return;
	i->has_slot = false;
	recovery_of(e, i)->active_n--;
	e->fleet_active_n--;
	for (uint32_t k = 0; k < e->host_n; k++) {
		uint32_t r = e->hosts[k].recovery;

		if (r != NIL && e->recoveries[r].rec.row == HOST_ROW_EVACUATING && e->recoveries[r].waiting_n)
			work_wake_at(e, THING_REF(THING_RECOVERY, r), e->now_ms);
	}
}

/* Keep the counts right while a row changes. */
static void count_move(struct recovery *r, enum instance_row from, enum instance_row to)
{
	bool was_ended = from != INSTANCE_ROW_NONE && (instance_step_of(from)->flags & STEP_FINAL);
	bool is_ended = instance_step_of(to)->flags & STEP_FINAL;

	r->waiting_n += (uint32_t)(to == INSTANCE_ROW_WAITING) - (uint32_t)(from == INSTANCE_ROW_WAITING);
	r->ended_n += (uint32_t)is_ended - (uint32_t)was_ended;
}

/* Begin the row's operation: announced by a record where it changes the world, like every operation of a host. */
static void instance_try(struct engine *e, struct instance *i)
{
	const struct instance_step *s = instance_step_of(i->rec.row);

	if (i->rec.row == INSTANCE_ROW_CALLING) {
		i->rec.attempt++;
		i->rec.entry_attempt++;
		i->rec.call_open = true;
		i->rec.call_outcome = OUTCOME_UNKNOWN;
		i->rec.empty_readings = 0;
		i->rec.call_wall_ms = e->wall_ms;
	}
	work_arm(e, instance_ref(e, i), s->op, s->budget_ms(&e->o));
	if (!op_kind_changes_world(s->op)) {
		/* a question needs no record: it is confirmed as it stands */
		i->work.dirty = false;
		i->work.phase = WORK_CONFIRMED;
		i->work.confirmed_ms = e->now_ms;
	}
}

/* Said when the row is recorded, so that a list of a thousand instances does not say it all in one step. */
void instance_log(struct engine *e, const struct instance *i, const char *note)
{
	bool is_bad = i->rec.row == INSTANCE_ROW_REFUSED || i->rec.row == INSTANCE_ROW_HELD;

	engine_log(e, is_bad ? 4 : 6, "%s: instance %s %s: %s", i->rec.recovery, i->rec.uuid,
	    instance_row_name(i->rec.row), note);
}

void instance_enter(struct engine *e, struct instance *i, enum instance_row row, const char *why)
{
	const struct instance_step *s = instance_step_of(row);
	struct recovery *r = recovery_of(e, i);
	uint32_t ref = instance_ref(e, i);
	bool was_dirty = i->work.dirty;

	if (!why || !why[0])
		why = s->why;
	if (i->work.phase != WORK_IDLE)
		work_disarm(e, ref);
	count_move(r, i->rec.row, row);
	i->rec.row = row;
	i->rec.row_wall_ms = e->wall_ms;
	str_copy(i->rec.why, sizeof(i->rec.why), why);
	work_note(&i->work, why);
	work_wake_at(e, ref, NEVER_MS);
	if (row == INSTANCE_ROW_REBUILDING && i->rebuild_until_ms == NEVER_MS)
		i->rebuild_until_ms = e->now_ms + e->o.rebuild_timeout_ms;
	if (s->op != OP_NONE)
		instance_try(e, i);
	/* asking and verifying are questions: they change nothing that a restart has to know */
	i->work.dirty = was_dirty || (row != INSTANCE_ROW_ASKING && row != INSTANCE_ROW_VERIFYING);
	if (s->flags & STEP_FINAL || row == INSTANCE_ROW_WAITING)
		slot_give_back(e, i);
	if (s->flags & STEP_FINAL)
		recovery_instance_ended(e, r);
	work_queue(e, ref);
	work_wake_at(e, ref, row == INSTANCE_ROW_REBUILDING ? i->rebuild_until_ms : NEVER_MS);
}

static void wait_again(struct engine *e, struct instance *i, const char *why)
{
	if (recovery_is_taking_back(recovery_of(e, i))) {
		instance_enter(e, i, INSTANCE_ROW_REFUSED, RETURNED_FIRST);
		return;
	}
	i->retry_ms = i->retry_ms ? i->retry_ms * 2 : e->o.retry_ms;
	if (i->retry_ms > e->o.retry_max_ms)
		i->retry_ms = e->o.retry_max_ms;
	instance_enter(e, i, INSTANCE_ROW_WAITING, why);
	work_wake_at(e, instance_ref(e, i), e->now_ms + i->retry_ms);
}

void recovery_retry_instances(struct engine *e, struct recovery *r)
{
	for (uint32_t k = r->first; k != NIL; k = e->instances[k].next) {
		struct instance *i = &e->instances[k];

		if (i->rec.row != INSTANCE_ROW_REFUSED && i->rec.row != INSTANCE_ROW_HELD)
			continue;
		if (!str_eq(i->rec.source, r->rec.host)) {
			/* another host's; the list tells whether it is still so */
			instance_enter(e, i, INSTANCE_ROW_GONE, "no longer on its way here");
			continue;
		}
		i->rec.entry_attempt = i->rested_attempt = i->side_steps = 0;
		i->retry_ms = 0;
		i->rebuild_until_ms = NEVER_MS;
		instance_enter(e, i, INSTANCE_ROW_WAITING, "tried again");
	}
}

/* Chosen by the list of the host. The wanted state is written here and never again. */
bool instance_select(struct engine *e, struct recovery *r, const struct instance_view *v)
{
	struct instance *i = engine_find_instance(e, r, v->uuid);

	bool is_deleted = v->state == SERVER_DELETED || v->state == SERVER_SOFT_DELETED;

	if (i && (i->rec.row == INSTANCE_ROW_REFUSED || i->rec.row == INSTANCE_ROW_HELD))
		return true;
	if (i && i->rec.row == INSTANCE_ROW_GONE && is_deleted)
		return true; /* Nova lists what it keeps for a while */
	if (i && instance_is_ended(&i->rec))
		instance_enter(e, i, INSTANCE_ROW_WAITING, "it is listed on the dead host again");
	if (i)
		return true;
	i = engine_add_instance(e, r, v->uuid);
	if (!i)
		return false;
	str_copy(i->rec.name, sizeof(i->rec.name), v->name);
	str_copy(i->rec.project, sizeof(i->rec.project), v->project);
	str_copy(i->rec.source, sizeof(i->rec.source), r->rec.host);
	i->rec.wanted = v->state == SERVER_STOPPED ? SERVER_STOPPED
			: v->state == SERVER_ERROR ? SERVER_UNKNOWN
						   : v->state;
	/* what is over already is no evacuation of ours */
	if (!v->unfinished.id &&
	    (v->evacuation.status == MIGRATION_FAILED || v->evacuation.status == MIGRATION_COMPLETED))
		i->rec.seen_migration_id = v->evacuation.id;
	instance_enter(e, i, INSTANCE_ROW_WAITING, NULL);
	return true;
}

/* The longest that Nova needs until it knows of one of those deaths, of those within @most_ms; -1 = there is none. */
static int64_t longest_mistake_ms(const struct engine *e, const struct recovery *r, int64_t most_ms, uint32_t *ret_host)
{
	int64_t longest_ms = -1;

	for (uint32_t k = 0; k < e->host_n; k++) {
		int64_t ms = k == r->host ? -1 : host_mistaken_ms(e, &e->hosts[k], e->now_ms);

		if (ms > most_ms || ms <= longest_ms)
			continue;
		longest_ms = ms;
		*ret_host = k;
	}
	return longest_ms;
}

/*
 * Nova sends what is evacuated to any host that it calls up, one that died a moment ago too: that call comes to nothing, and is taken for
 * stuck after rebuild_timeout_ms only. Calls wait for Nova to know of that death where this costs less than is lost on average without, and
 * for half a service_down_time at most.
 * Returns how long, 0 = go on.
 */
static int64_t wait_for_nova_ms(struct engine *e, struct recovery *r)
{
	int64_t left_ms = r->filling_ms + e->o.service_down_time_ms / 2 - e->now_ms, ms;
	uint32_t mistaken = 0, up = 0, host = 0;

	for (uint32_t k = 0; k < e->host_n; k++) {
		mistaken += k != r->host && host_mistaken_ms(e, &e->hosts[k], e->now_ms) >= 0;
		up += host_is_up_in_nova(e, &e->hosts[k], e->now_ms);
	}
	if (!mistaken || left_ms <= 0)
		return 0;
	ms = e->o.rebuild_timeout_ms * mistaken / (up ? up : 1);
	ms = longest_mistake_ms(e, r, ms < left_ms ? ms : left_ms, &host);
	if (ms < 0)
		return 0;
	if (!r->waits_for_nova)
		engine_log(e, 6, "%s: its instances wait a moment: Nova still calls %s up, which looks dead", r->rec.id,
		    e->hosts[host].rec.name);
	r->waits_for_nova = true;
	ms = ms > NOVA_WAIT_LOOK_MS ? NOVA_WAIT_LOOK_MS : ms + 1;
	return ms < left_ms ? ms : left_ms;
}

void recovery_fill(struct engine *e, struct recovery *r)
{
	int64_t wait_ms;
	uint32_t k;

	if (r->rec.row != HOST_ROW_EVACUATING)
		return;
	if (r->ended_n == r->instance_n) {
		recovery_enter(e, r, host_step_of(r->rec.row)->next[OUTCOME_DONE], NULL);
		return;
	}
	r->filling_ms = r->filling_ms ? r->filling_ms : e->now_ms;
	wait_ms = r->waiting_n ? wait_for_nova_ms(e, r) : 0;
	if (wait_ms > 0) {
		work_wake_at(e, recovery_ref(e, r), e->now_ms + wait_ms);
		return;
	}
	for (k = r->first; k != NIL && r->waiting_n && r->proof_checked; k = e->instances[k].next) {
		struct instance *i = &e->instances[k];

		if (i->rec.row != INSTANCE_ROW_WAITING || i->work.wake_ms != NEVER_MS)
			continue;
		if (r->active_n >= e->o.evacuate_per_host_n || e->fleet_active_n >= e->o.evacuate_fleet_n)
			break;
		i->has_slot = true;
		r->active_n++;
		e->fleet_active_n++;
		instance_enter(e, i, INSTANCE_ROW_ASKING, NULL);
	}
	work_queue(e, recovery_ref(e, r));
}

static struct decide_facts facts_of(struct engine *e, const struct instance *i, const struct instance_view *v)
{
	const char *dest = v->evacuation.dest; /* while none is chosen, an older one's death says nothing */

	return (struct decide_facts){
	    .may_reset = e->o.reset_unsupported,
	    .is_settled = i->rec.empty_readings >= 2 && e->now_ms - i->call_ms >= e->o.evacuate_settle_ms,
	    .is_stuck = e->now_ms >= i->rebuild_until_ms,
	    .dest_is_proven_dead = dest[0] && engine_host_is_proven_dead(e, dest),
	    .unfinished_is_dead = v->unfinished.dest[0] && engine_host_is_proven_dead(e, v->unfinished.dest),
	    .has_attempts = i->rec.entry_attempt < e->o.evacuate_attempts,
	    .has_side_steps = i->side_steps < e->o.cloud_attempts,
	};
}

static void ask_again(struct engine *e, struct instance *i)
{
	/* only a call whose answer was lost is waited for; anything else is about to be told */
	bool is_lost = i->rec.call_open && i->rec.call_outcome != OUTCOME_DONE;
	int64_t ms = is_lost ? e->o.retry_max_ms : e->o.poll_ms;

	if (i->rebuild_until_ms == NEVER_MS)
		i->rebuild_until_ms = e->now_ms + e->o.rebuild_timeout_ms;
	work_wake_at(e, instance_ref(e, i), e->now_ms + (ms < e->o.evacuate_settle_ms ? ms : e->o.evacuate_settle_ms));
}

/* A question that is never answered must not keep the recovery open for ever: nobody would be told. Its hold asks again. */
static void ask_failed(struct engine *e, struct instance *i, const struct op_end *end)
{
	char why[REASON_SIZE];

	if (e->now_ms < i->rebuild_until_ms) {
		ask_again(e, i);
		return;
	}
	snprintf(why, sizeof(why), "Nova could not be asked about it for too long: %.100s",
	    end->reason && end->reason[0] ? end->reason : fault_class_name(end->fault));
	instance_enter(e, i, INSTANCE_ROW_HELD, why);
}

static void do_call(struct engine *e, struct instance *i, const struct instance_view *v, const char *why)
{
	bool must_rest = i->rec.entry_attempt > i->rested_attempt;

	i->rec.dest[0] = '\0';
	i->rebuild_until_ms = NEVER_MS;
	i->rested_attempt = i->rec.entry_attempt;
	if (must_rest && v->fault[0]) {
		wait_again(e, i, v->fault);
	} else if (must_rest || !i->has_slot || recovery_of(e, i)->rec.row != HOST_ROW_EVACUATING) {
		wait_again(e, i, why);
	} else {
		if (v->evacuation.id > i->rec.seen_migration_id)
			i->rec.seen_migration_id = v->evacuation.id;
		instance_enter(e, i, INSTANCE_ROW_CALLING, why);
	}
}

/* A list of nothing but ids, all that Nova can give while Neutron is away, leaves open whose it is: without that its users are never told. */
static void learn_whose(struct instance *i, const struct instance_view *v)
{
	if (i->rec.project[0] || !v->project[0])
		return;
	str_copy(i->rec.name, sizeof(i->rec.name), v->name);
	str_copy(i->rec.project, sizeof(i->rec.project), v->project);
	i->work.dirty = true;
}

/* A brief look, or a verification, that does not show it elsewhere leaves everything open. */
static bool is_to_be_asked_for_all(const struct instance *i, const struct instance_view *v)
{
	return (v->lacks_history || i->rec.row == INSTANCE_ROW_VERIFYING) && v->exists &&
	       (!v->host[0] || str_eq(v->host, i->rec.source));
}

void instance_seen(struct engine *e, struct instance *i, const struct instance_view *v)
{
	struct decide_facts f = facts_of(e, i, v);
	char why[REASON_SIZE] = "";

	if (is_to_be_asked_for_all(i, v)) {
		instance_enter(e, i, INSTANCE_ROW_ASKING, "its evacuation is done, its host not yet changed");
		return;
	}
	if (i->rec.call_open && instance_shows_nothing(&i->rec, v, &f) &&
	    (!i->rec.empty_readings || e->now_ms - i->call_ms >= e->o.evacuate_settle_ms))
		i->rec.empty_readings++;
	learn_whose(i, v);
	if (i->rec.wanted == SERVER_UNKNOWN && (v->state == SERVER_ACTIVE || v->state == SERVER_STOPPED))
		i->rec.wanted = v->state;
	if (v->host[0] && !str_eq(v->host, i->rec.source))
		str_copy(i->rec.dest, sizeof(i->rec.dest), v->host);
	else if (v->evacuation.dest[0] && v->evacuation.id > i->rec.seen_migration_id)
		str_copy(i->rec.dest, sizeof(i->rec.dest), v->evacuation.dest);
	f = facts_of(e, i, v);
	switch (instance_decide(&i->rec, v, &f, why, sizeof(why))) {
	case DECIDE_CALL:
		i->rec.call_open = false;
		do_call(e, i, v, why);
		break;
	case DECIDE_WATCH:
		/* taken for over once, when its destination was proven dead, and no call was made on it: it counts again */
		if (!i->rec.call_open && v->evacuation.id <= i->rec.seen_migration_id &&
		    migration_is_under_way(v->evacuation.status))
			i->rec.seen_migration_id = v->evacuation.id - 1;
		instance_enter(e, i, INSTANCE_ROW_REBUILDING, why);
		break;
	case DECIDE_RESET:
		i->side_steps++;
		instance_enter(e, i, INSTANCE_ROW_RESETTING, why);
		break;
	case DECIDE_STOP:
		i->side_steps++;
		instance_enter(e, i, INSTANCE_ROW_RESTORING, why);
		break;
	case DECIDE_DONE:
		i->rec.call_open = false;
		i->rec.was_moved = true;
		instance_enter(e, i, INSTANCE_ROW_DONE, why);
		break;
	case DECIDE_REFUSE:
		instance_enter(e, i, INSTANCE_ROW_REFUSED, why);
		break;
	case DECIDE_GONE:
		instance_enter(e, i, INSTANCE_ROW_GONE, why);
		break;
	case DECIDE_HOLD:
		instance_enter(e, i, INSTANCE_ROW_HELD, why);
		break;
	default:
		ask_again(e, i);
	}
}

static void call_ended(struct engine *e, struct instance *i, const struct op_end *end)
{
	const char *why = end->reason && end->reason[0] ? end->reason : fault_class_name(end->fault);

	i->rec.call_outcome = end->outcome;
	i->work.dirty = true;
	if (end->outcome == OUTCOME_DONE) {
		instance_enter(e, i, INSTANCE_ROW_REBUILDING, NULL);
		return;
	}
	if (end->outcome == OUTCOME_UNKNOWN) {
		instance_enter(e, i, INSTANCE_ROW_ASKING,
		    "the answer to the call was lost: Nova is asked before anything is repeated");
		return;
	}
	i->rec.call_open = false;
	if (end->fault == FAULT_MISSING)
		instance_enter(e, i, INSTANCE_ROW_ASKING, why);
	else if (i->rec.entry_attempt >= e->o.evacuate_attempts || end->fault == FAULT_STATE ||
		 end->fault == FAULT_AUTH)
		instance_enter(e, i, INSTANCE_ROW_REFUSED, why);
	else
		wait_again(e, i, why);
}

void instance_op_ended(struct engine *e, struct instance *i, const struct op_end *end)
{
	i->work.phase = WORK_IDLE;
	if (end->fault == FAULT_LATE) {
		if (i->rec.row == INSTANCE_ROW_CALLING) {
			i->rec.attempt--;
			i->rec.entry_attempt--;
		}
		instance_try(e, i);
		return;
	}
	switch (i->rec.row) {
	case INSTANCE_ROW_CALLING:
		call_ended(e, i, end);
		break;
	case INSTANCE_ROW_ASKING:
	case INSTANCE_ROW_VERIFYING:
		if (end->outcome == OUTCOME_DONE && end->view_n == 1)
			instance_seen(e, i, &end->views[0]);
		else
			ask_failed(e, i, end);
		break;
	case INSTANCE_ROW_RESETTING:
	case INSTANCE_ROW_RESTORING:
		/* whatever the answer, the next look tells; the pause keeps a refusal from spinning */
		i->rec.row = instance_step_of(i->rec.row)->next[end->outcome];
		ask_again(e, i);
		break;
	default:
		break;
	}
}

bool instance_may_start(struct engine *e, struct instance *i)
{
	struct recovery *r = recovery_of(e, i);

	if (i->rec.row == INSTANCE_ROW_CALLING || i->rec.row == INSTANCE_ROW_RESETTING) {
		if (r->rec.row != HOST_ROW_EVACUATING || !recovery_proof_holds(r) || !r->proof_durable ||
		    !r->proof_checked) {
			/* announced, not begun: the attempt does not count, nothing was sent */
			i->rec.attempt -= i->rec.row == INSTANCE_ROW_CALLING;
			i->rec.entry_attempt -= i->rec.row == INSTANCE_ROW_CALLING;
			i->rec.call_open = false;
			wait_again(e, i, "its host's proof of death does not hold at this moment");
			return false;
		}
	}
	if (i->rec.row == INSTANCE_ROW_CALLING)
		i->call_ms = r->called_ms = e->now_ms;
	return true;
}

void instance_run(struct engine *e, struct instance *i)
{
	struct op_end late = {.outcome = OUTCOME_UNKNOWN, .fault = FAULT_TRANSIENT, .reason = "no answer in time"};
	uint32_t ref = instance_ref(e, i);

	if (i->work.phase == WORK_RUNNING && e->now_ms >= i->work.deadline_ms) {
		i->work.cancel_op = op_number(SLOT_MAIN, ref, i->work.gen);
		instance_op_ended(e, i, &late);
		return;
	}
	if (i->work.phase != WORK_IDLE || e->now_ms < i->work.wake_ms)
		return;
	work_wake_at(e, ref, NEVER_MS);
	if (i->rec.row == INSTANCE_ROW_WAITING && recovery_of(e, i)->rec.row == HOST_ROW_EVACUATING)
		work_wake_at(e, recovery_ref(e, recovery_of(e, i)), e->now_ms);
	else if (i->rec.row == INSTANCE_ROW_REBUILDING)
		instance_enter(e, i, INSTANCE_ROW_ASKING, "its rebuild takes longer than allowed: Nova is asked");
	else if (instance_step_of(i->rec.row)->op == OP_ASK)
		instance_try(e, i);
}

/* After a restart. A call that was announced may have been sent: its time of sending counts from now. */
void instance_resume(struct engine *e, struct instance *i)
{
	struct recovery *r = recovery_of(e, i);
	enum instance_row row = i->rec.row;

	i->call_ms = e->now_ms;
	count_move(r, INSTANCE_ROW_NONE, row);
	if (row == INSTANCE_ROW_WAITING && recovery_is_taking_back(r)) /* the records that said so were lost */
		instance_enter(e, i, INSTANCE_ROW_REFUSED, RETURNED_FIRST);
	if (instance_is_ended(&i->rec) || row == INSTANCE_ROW_WAITING)
		return;
	i->has_slot = true;
	r->active_n++;
	e->fleet_active_n++;
	i->rec.empty_readings = 0;
	instance_enter(e, i, INSTANCE_ROW_ASKING, "restarted: Nova is asked what is under way");
}
