/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter of the host's workflow table: entering rows, beginning attempts, following edges. What an answer means stands in
 * host_judge.c, readings beside the main operation in host_watch.c.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "engine/state.h"

bool recovery_proof_holds(const struct recovery *r)
{
	return r->rec.proof.kind != PROOF_NONE && !r->rec.proof.is_void;
}

/*
 * Only while it is off: a nova-compute that comes back takes up the calls that waited for it, and a proof of the time before says nothing
 * about those. At rest its power is not read by itself, so the first one who relies on the proof has to wait for a reading.
 */
bool engine_host_is_proven_dead(struct engine *e, const char *host)
{
	struct host *h = engine_find_host(e, host);
	struct recovery *r = h && h->recovery != NIL ? &e->recoveries[h->recovery] : NULL;

	if (!r || !recovery_proof_holds(r) || !r->proof_durable || !r->proof_checked)
		return false;
	if (r->rec.row == HOST_ROW_RECOVERED) {
		r->relied_ms = e->now_ms;
		work_wake_at(e, recovery_ref(e, r), e->now_ms);
		return r->rec.ignore_power || (r->off_read_ms && e->now_ms - r->off_read_ms <=
								     e->o.power_poll_ms + e->o.power_status_timeout_ms);
	}
	return recovery_is_watched(r);
}

int64_t recovery_wake_ms(const struct recovery *r)
{
	int64_t ms = work_wake_ms(&r->work);
	int64_t power = r->power.running ? r->power.deadline_ms : r->power.next_ms;
	int64_t poll = r->poll.running ? r->poll.deadline_ms : r->poll.next_ms;

	if (!r->is_used)
		return NEVER_MS;
	ms = power < ms ? power : ms;
	return poll < ms ? poll : ms;
}

static int64_t back_off_ms(const struct engine *e, uint32_t attempt)
{
	int64_t ms = e->o.retry_ms;

	while (attempt-- > 1 && ms < e->o.retry_max_ms)
		ms *= 2;
	return ms < e->o.retry_max_ms ? ms : e->o.retry_max_ms;
}

/* Which moments this row makes due. A hold is told again only when its cause is another one: retries must not flood. */
static void recovery_due(struct recovery *r, const struct host_step *s)
{
	uint16_t bit;

	if (s->moment < 0)
		return;
	bit = (uint16_t)(1u << s->moment);
	if (s->moment == MOMENT_HELD) {
		if (r->rec.told_hold == r->rec.hold)
			return;
		r->rec.told_hold = r->rec.hold;
		r->rec.held_n++;
		r->rec.told &= (uint16_t)~bit;
	}
	if (s->moment == MOMENT_RECOVERED)
		r->rec.told_hold = HOLD_NONE; /* a hold on the way back is news, whatever held it before */
	r->rec.due |= bit;
}

/*
 * Behind these rows an operator's mark is told from ours by Nova's listing, of which a restart knows nothing at first: the next one is
 * waited for, within bounds, since Nova may not list the host any more.
 */
static bool recovery_waits_for_listing(const struct engine *e, const struct recovery *r, const struct host *h)
{
	return r->from_before && !h->service_known &&
	       (r->rec.row == HOST_ROW_FORCING_DOWN || r->rec.row == HOST_ROW_CLEARING_DOWN) &&
	       e->now_ms - e->started_ms < e->o.look_timeout_ms;
}

/* Begin an attempt of the row's operation: announce it; it starts when the announcement is durable. */
static void recovery_try(struct engine *e, struct recovery *r)
{
	const struct host_step *s = host_step_of(r->rec.row);
	uint32_t ref = recovery_ref(e, r);
	int64_t budget_ms = s->budget_ms ? s->budget_ms(&e->o) : 0;

	if ((s->flags & STEP_PROOF) && !r->proof_checked) {
		work_queue(e, ref); /* recovery_watch() reads the device first and wakes this row */
		return;
	}
	if (recovery_waits_for_listing(e, r, host_of(e, r))) {
		work_wake_at(e, ref, e->now_ms + e->o.retry_ms);
		return;
	}
	if (r->rec.row == HOST_ROW_FENCING) {
		r->rec.off_attempt++;
		r->rec.off_outcome = OUTCOME_UNKNOWN;
		budget_ms = host_of(e, r)->policy.level[r->rec.level].timeout_ms;
		host_weigh(e, host_of(e, r), 0, &r->rec);
	}
	/* part of the announcement: a restart between call and answer must not take our own mark for an operator's */
	r->rec.we_forced_down |= r->rec.row == HOST_ROW_FORCING_DOWN;
	r->rec.we_disabled |= r->rec.row == HOST_ROW_DISABLING;
	r->rec.attempt++;
	work_arm(e, ref, s->op, budget_ms);
}

/* Find a level that still may be tried, from the present one on. False: none. */
static bool recovery_pick_level(struct recovery *r, const struct host *h)
{
	uint32_t level = host_next_level(h, r->rec.level);

	if (level == r->rec.level && r->rec.off_attempt >= h->policy.level[level].attempts)
		level = host_next_level(h, level + 1);
	if (level == NIL)
		return false;
	if (level != r->rec.level)
		r->rec.off_attempt = 0;
	r->rec.level = level;
	return true;
}

static void recovery_begin_row(struct engine *e, struct recovery *r)
{
	const struct host_step *s = host_step_of(r->rec.row);
	uint32_t ref = recovery_ref(e, r);

	switch (s->op) {
	case OP_NONE:
		break;
	case OP_WAIT:
		work_wake_at(e, ref,
		    e->now_ms + limit_wait_ms(
				    e, r, r->rec.row == HOST_ROW_HELD ? calm_hold_wait_ms(e, r) : s->budget_ms(&e->o)));
		break;
	case OP_CHILDREN:
		r->filling_ms = 0;
		r->waits_for_nova = false;
		r->poll.next_ms = e->now_ms;
		work_wake_at(e, ref, e->now_ms);
		break;
	default:
		recovery_try(e, r);
	}
}

static void say_first(struct engine *e, struct recovery *r)
{
	const struct unsaid *u = &r->unsaid[0];

	engine_log(e,
	    u->to == HOST_ROW_HELD      ? 2
	    : u->to == HOST_ROW_FENCING ? 4
					: 5,
	    "%s: %s %s -> %s: %s", r->rec.id, r->rec.host, host_row_name(u->from), host_row_name(u->to), u->why);
	r->unsaid_n--;
	r->unsaid_out_n -= r->unsaid_out_n > 0;
	memmove(&r->unsaid[0], &r->unsaid[1], r->unsaid_n * sizeof(r->unsaid[0]));
}

/* A line of the log waits until its record is durable. Where too many wait, an unrecorded line is better than none. */
static void recovery_note(struct engine *e, struct recovery *r, enum host_row row, const char *why)
{
	if (r->unsaid_n == UNSAID_MAX)
		say_first(e, r);
	r->unsaid[r->unsaid_n] = (struct unsaid){.from = r->rec.row, .to = row};
	str_copy(r->unsaid[r->unsaid_n++].why, REASON_SIZE, why);
}

void recovery_say(struct engine *e, struct recovery *r)
{
	while (r->unsaid_out_n)
		say_first(e, r);
}

void recovery_enter(struct engine *e, struct recovery *r, enum host_row row, const char *why)
{
	const struct host_step *s = host_step_of(row);
	uint32_t ref = recovery_ref(e, r);

	if (!why || !why[0])
		why = s->why;
	recovery_note(e, r, row, why);
	if (r->work.phase != WORK_IDLE)
		work_disarm(e, ref);
	work_wake_at(e, ref, NEVER_MS);
	r->rec.row = row;
	r->rec.row_wall_ms = e->wall_ms;
	if (!r->rec.stamp_wall_ms[row])
		r->rec.stamp_wall_ms[row] = e->wall_ms;
	str_copy(r->rec.why, sizeof(r->rec.why), why);
	r->rec.entry++;
	r->rec.attempt = 0;
	r->rec.off_readings = 0;
	if (row != HOST_ROW_HELD)
		r->rec.hold = HOLD_NONE;
	recovery_due(r, s);
	limit_entered(e, r);
	r->rec.instance_n = r->instance_n;
	work_note(&r->work, why);
	r->work.dirty = true;
	work_queue(e, ref);
	recovery_begin_row(e, r);
}

void recovery_hold(struct engine *e, struct recovery *r, enum hold_cause cause, enum host_row back, const char *why)
{
	r->rec.hold = cause;
	r->rec.mass_held |= cause == HOLD_MASS;
	r->has_turn = false;
	r->rec.back_row = back;
	recovery_enter(e, r, HOST_ROW_HELD, why);
}

void recovery_open(struct engine *e, struct host *h)
{
	struct recovery *r = engine_open_recovery(e, (uint32_t)(h - e->hosts));

	if (!r)
		return;
	snprintf(r->rec.id, sizeof(r->rec.id), "%s-%llu-%u", e->store.tag, (unsigned long long)e->epoch,
	    ++e->recovery_count);
	r->rec.opened_wall_ms = e->wall_ms;
	r->proof_checked = true;
	host_weigh(e, h, 0, &r->rec);
	recovery_enter(e, r, HOST_ROW_SUSPECT, NULL);
}

void recovery_begin_proof(struct engine *e, struct recovery *r, enum proof_kind kind, const char *by)
{
	r->rec.proof = (struct proof){.kind = kind, .at_wall_ms = e->wall_ms, .epoch = e->epoch, .entry = r->rec.entry};
	str_copy(r->rec.proof.by, sizeof(r->rec.proof.by), by);
	r->proof_ms = e->now_ms;
	r->proof_durable = false;
	r->proof_checked = true;
	r->baseline_asked_ms = 0;
	r->power.next_ms = e->now_ms + e->o.power_poll_ms;
	r->power.since_ms = 0;
}

/* A death that is not ours, one that is only observed, or one in a dry run: told, and closed until the host is seen alive. */
static void recovery_skip(struct engine *e, struct recovery *r, const char *why)
{
	struct host *h = host_of(e, r);

	h->rec.death_told = true;
	h->work.dirty = true;
	work_queue(e, host_ref(e, h));
	recovery_enter(e, r, HOST_ROW_ABANDONED, why);
}

/* The gate's answer, unless it is to go on. True: go on. */
static bool recovery_pass_gate(struct engine *e, struct recovery *r)
{
	struct gate_answer gate;
	enum gate answer = fence_gate(e, host_of(e, r), r, e->now_ms, &gate);
	char text[REASON_SIZE], intent[REASON_SIZE];

	if (answer != GATE_GO)
		host_weigh(e, host_of(e, r), 0, &r->rec);
	switch (answer) {
	case GATE_GO:
		break;
	case GATE_CLEAR:
		recovery_enter(e, r, HOST_ROW_CLEARED, gate.why);
		return false;
	case GATE_WAIT:
		recovery_enter(e, r, HOST_ROW_CONFIRMING, gate.why);
		return false;
	case GATE_SKIP:
		if (r->rec.proof.is_void) {
			/* forced down and half evacuated: not to be dropped because it may not be fenced now */
			recovery_hold(e, r, HOLD_PROOF_VOID, HOST_ROW_FENCING, gate.why);
			return false;
		}
		snprintf(text, sizeof(text), "dead, but not fenced: %.100s", gate.why);
		recovery_skip(e, r, text);
		return false;
	case GATE_OBSERVE:
		r->rec.observed = true;
		host_observe(e, host_of(e, r), r->rec.id);
		recovery_skip(e, r, gate.why);
		return false;
	case GATE_HOLD:
		if (r->rec.proof.is_void)
			recovery_hold(e, r, HOLD_PROOF_VOID, HOST_ROW_FENCING, gate.why);
		else
			recovery_hold(e, r, gate.cause, HOST_ROW_CONFIRMING, gate.why);
		if (gate.again_ms && gate.again_ms < r->work.wake_ms)
			work_wake_at(e, recovery_ref(e, r), gate.again_ms);
		return false;
	}
	if (!e->o.dry_run)
		return true;
	host_say_intent(host_of(e, r), r, intent, sizeof(intent));
	snprintf(text, sizeof(text), "dry run: would %.140s", intent);
	recovery_skip(e, r, text);
	return false;
}

void recovery_to_fencing(struct engine *e, struct recovery *r, const char *why)
{
	char again[REASON_SIZE];

	if (!recovery_pass_gate(e, r))
		return;
	if (!recovery_pick_level(r, host_of(e, r))) {
		if (r->rec.proof.is_void)
			recovery_hold(e, r, HOLD_PROOF_VOID, HOST_ROW_FENCING, why);
		else
			recovery_hold(e, r, HOLD_FENCE_FAILED, HOST_ROW_CONFIRMING, why);
		return;
	}
	breaker_take_turn(e, r);
	snprintf(again, sizeof(again), "%.120s: its power is cut again", why);
	recovery_enter(e, r, HOST_ROW_FENCING, r->rec.row == HOST_ROW_PROVING && why[0] ? again : why);
}

bool recovery_may_start(struct engine *e, struct recovery *r)
{
	if (r->rec.row == HOST_ROW_FENCING && !recovery_pass_gate(e, r))
		return false;
	if (r->rec.row == HOST_ROW_FENCING)
		limit_fenced(e, r);
	if (!(host_step_of(r->rec.row)->flags & STEP_PROOF))
		return true;
	if (!r->proof_checked) {
		/* announced before a stall: power is read first, then recovery_try() announces it anew; this attempt never was */
		r->work.phase = WORK_IDLE;
		r->rec.attempt--;
		return false;
	}
	return recovery_proof_holds(r) && r->proof_durable;
}

/* Rows that are passed over: a host that an operator disabled keeps his reason, and what he disabled he enables. */
static enum host_row recovery_skip_row(struct recovery *r, const struct host *h, enum host_row next, struct judged *j)
{
	if (next == HOST_ROW_DISABLING && h->disabled && !r->rec.we_disabled && !host_is_disabled_by(h, r->rec.id)) {
		str_copy(j->why, sizeof(j->why), "an operator disabled it before: that is left as it is");
		return HOST_ROW_LISTING;
	}
	if (next == HOST_ROW_ENABLING &&
	    (h->service_known ? !host_is_disabled_by(h, r->rec.id) : !r->rec.we_disabled)) {
		str_copy(j->why, sizeof(j->why),
		    h->disabled ? "back, and left disabled: not this recovery disabled it" : "");
		return HOST_ROW_REENABLED;
	}
	return next;
}

static void recovery_follow(struct engine *e, struct recovery *r, struct judged *j)
{
	const struct host_step *s = host_step_of(r->rec.row);
	enum host_row next = j->row != HOST_ROW_NONE ? j->row : s->next[j->outcome];
	enum host_row back = r->rec.row == HOST_ROW_CLEARING_DOWN ? HOST_ROW_CLEANING : r->rec.row;

	next = recovery_skip_row(r, host_of(e, r), next, j);
	if (next == HOST_ROW_LISTING) {
		r->baseline_asked_ms = e->now_ms; /* our last PUT before it returns is answered */
		r->baseline_updated_ms = 0;
	}
	if (r->rec.row == HOST_ROW_VERIFYING)
		back = HOST_ROW_LISTING;
	if (next == HOST_ROW_HELD)
		recovery_hold(e, r, j->cause ? j->cause : s->hold, back, j->why);
	else if (next == HOST_ROW_FENCING)
		recovery_to_fencing(e, r, j->why);
	else
		recovery_enter(e, r, next, j->why);
}

void recovery_op_ended(struct engine *e, struct recovery *r, const struct op_end *end)
{
	const struct host_step *s = host_step_of(r->rec.row);
	uint32_t attempts = s->attempts ? s->attempts(&e->o) : 1;
	int64_t since_ms = r->work.since_ms;
	struct judged j = {0};

	r->work.phase = WORK_IDLE;
	if (end->fault == FAULT_LATE) {
		work_arm(e, recovery_ref(e, r), s->op, r->work.deadline_ms - r->work.began_ms);
		r->work.since_ms = since_ms; /* it keeps its place among those that wait */
		return;
	}
	/* somebody may switch it on before the next power-off: that one asks for readings of its own */
	if (s->op == OP_POWER_OFF)
		r->powerless_ms = 0;
	recovery_judge(e, r, end, &j);
	if (j.is_early) {
		r->rec.attempt--;
		work_wake_at(e, recovery_ref(e, r), e->now_ms + (r->rec.off_readings ? 0 : e->o.retry_ms));
	} else if (j.outcome != OUTCOME_DONE && j.again && r->rec.attempt < attempts) {
		work_wake_at(e, recovery_ref(e, r), e->now_ms + back_off_ms(e, r->rec.attempt));
	} else {
		recovery_follow(e, r, &j);
	}
}

static void recovery_wait_over(struct engine *e, struct recovery *r)
{
	const struct host_step *s = host_step_of(r->rec.row);
	char why[REASON_SIZE] = "the hold's time is over: it tries again";

	if (r->rec.row == HOST_ROW_HELD && calm_goes_on(e, r)) {
		work_wake_at(e, recovery_ref(e, r), e->now_ms + calm_hold_wait_ms(e, r));
	} else if (r->rec.row == HOST_ROW_HELD) {
		if (r->rec.hold == HOLD_APPROVAL && r->rec.approved_by[0])
			snprintf(why, sizeof(why), "approved by %.63s: it is looked at again", r->rec.approved_by);
		else if (r->rec.hold == HOLD_LIMIT && r->has_place)
			str_copy(why, sizeof(why), "another recovery came to rest: it is this one's turn");
		if (r->rec.back_row == HOST_ROW_CONFIRMING || r->rec.back_row == HOST_ROW_FENCING)
			r->rec.level = r->rec.off_attempt = 0;
		r->rounds = 0;
		if (r->rec.back_row == HOST_ROW_FENCING)
			recovery_to_fencing(e, r, "");
		else
			recovery_enter(e, r, r->rec.back_row, why);
	} else if (r->rec.row == HOST_ROW_RETURNING) {
		snprintf(why, sizeof(why), "restart nova-compute on %.80s: it has not reported since the host is on",
		    r->rec.host);
		recovery_hold(e, r, HOLD_RESTART_COMPUTE, HOST_ROW_RETURNING, why);
	} else {
		recovery_enter(e, r, s->next[OUTCOME_DONE], NULL);
	}
}

static void recovery_wake(struct engine *e, struct recovery *r)
{
	enum op_kind op = host_step_of(r->rec.row)->op;

	work_wake_at(e, recovery_ref(e, r), NEVER_MS);
	if (op == OP_WAIT)
		recovery_wait_over(e, r);
	else if (op == OP_CHILDREN)
		recovery_fill(e, r);
	else if (op != OP_NONE && r->work.phase == WORK_IDLE)
		recovery_try(e, r);
}

/* Tell one moment at a time, the earliest first, once the record that makes it due is on its way. */
static void recovery_tell(struct engine *e, struct recovery *r)
{
	unsigned open = recovery_untold(&r->rec);
	struct engine_action *a;

	if (!open || r->tell_pending || !e->epoch)
		return;
	if (engine_out_is_full(e)) {
		work_queue(e, recovery_ref(e, r));
		return;
	}
	a = &e->out->all[e->out->n++];
	memset(a, 0, sizeof(*a));
	a->type = ACTION_TELL;
	while (!(open & (1u << a->tell.moment)))
		a->tell.moment++;
	a->tell.held_n = r->tell_held_n = r->rec.held_n;
	str_copy(a->tell.recovery, sizeof(a->tell.recovery), r->rec.id);
	r->tell_pending = true;
}

/* Its end is durable. It is closed once everybody was told; until then its host is guarded like any other. True: it is closed. */
static bool recovery_ended(struct engine *e, struct recovery *r)
{
	bool is_told = !recovery_untold(&r->rec);

	if (is_told)
		engine_close_recovery(e, r);
	else if (!r->is_detached)
		(void)engine_detach_recovery(e, r); /* the next evidence of the host may open another one */
	return is_told;
}

void recovery_run(struct engine *e, struct recovery *r)
{
	struct op_end late = {.outcome = OUTCOME_UNKNOWN, .fault = FAULT_TRANSIENT, .reason = "no answer in time"};
	bool is_final = host_step_of(r->rec.row)->flags & STEP_FINAL;

	if (is_final && !r->work.dirty && !r->work.out_seq && recovery_ended(e, r))
		return;
	if (r->work.phase == WORK_RUNNING && e->now_ms >= r->work.deadline_ms) {
		r->work.cancel_op = op_number(SLOT_MAIN, recovery_ref(e, r), r->work.gen);
		recovery_op_ended(e, r, &late);
	} else if (r->work.phase == WORK_IDLE && e->now_ms >= r->work.wake_ms) {
		recovery_wake(e, r);
	}
	recovery_watch(e, r);
	recovery_tell(e, r);
}

void recovery_instance_ended(struct engine *e, struct recovery *r)
{
	r->rec.instance_n = r->instance_n;
	work_queue(e, recovery_ref(e, r));
	if (r->rec.row == HOST_ROW_EVACUATING)
		work_wake_at(e, recovery_ref(e, r), e->now_ms);
}

/* Forcing down and disabling are still to come or to be repeated: they move `updated_at` themselves. */
static bool recovery_is_before_listing(const struct recovery *r)
{
	enum host_row row = r->rec.row == HOST_ROW_HELD ? r->rec.back_row : r->rec.row;

	return row < HOST_ROW_LISTING;
}

/* After a restart: nothing is known but the record. What may have been done is looked at before it is done again. */
void recovery_resume(struct engine *e, struct recovery *r)
{
	const struct host_step *s = host_step_of(r->rec.row);

	r->from_before = true;
	limit_resumed(e, r);
	r->proof_durable = recovery_proof_holds(r);
	r->proof_checked = !recovery_proof_holds(r);
	r->baseline_asked_ms = recovery_is_before_listing(r) ? 0 : e->now_ms;
	r->power.next_ms = e->now_ms;
	if (r->rec.row == HOST_ROW_FENCING && !r->rec.proof.is_void) {
		recovery_enter(
		    e, r, HOST_ROW_CONFIRMING, "restarted: its power may have been cut already; it is looked at again");
		return;
	}
	if (r->rec.row == HOST_ROW_FENCING && !recovery_pick_level(r, host_of(e, r))) {
		recovery_hold(e, r, HOLD_PROOF_VOID, HOST_ROW_FENCING, "restarted: every fence level was tried");
		return;
	}
	if (s->resume == RESUME_AGAIN && s->attempts && r->rec.attempt >= s->attempts(&e->o))
		recovery_enter(e, r, r->rec.row, "restarted: entered anew");
	else if (s->resume != RESUME_STAY || s->op == OP_WAIT)
		recovery_begin_row(e, r);
	work_queue(e, recovery_ref(e, r));
}
