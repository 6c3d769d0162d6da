/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's motor: a ready queue, a heap of wake-up times, and for each thing the order "record, confirmation, start". It knows
 * nothing of rows; host_flow.c and instance_flow.c do.
 *
 * A thing has at most one record on its way. An armed operation is announced by a record; once that record is confirmed the operation
 * is started in the same step. A record that the store refused is offered again; until then nothing new of that thing starts.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

enum {
	OUT_RESERVE = 6,      /* one thing emits at most this many actions in one go */
	OUT_TALK_RESERVE = 24 /* log lines leave so much room for what must not be lost; alerts take it */
};

bool engine_out_is_full(const struct engine *e)
{
	return e->out->n + OUT_RESERVE > ENGINE_ACTIONS_MAX;
}

static struct engine_action *emit(struct engine *e, enum engine_action_type type)
{
	struct engine_action *a = e->out->n < ENGINE_ACTIONS_MAX ? &e->out->all[e->out->n] : NULL;

	if (!a)
		return NULL;
	e->out->n++;
	memset(a, 0, sizeof(*a));
	a->type = type;
	return a;
}

static bool may_talk(const struct engine *e, uint32_t reserve_n)
{
	return e->out && e->out->n + reserve_n < ENGINE_ACTIONS_MAX;
}

/* Log lines are the one thing that may be lost when a step says too much: the journal holds the same sentence. */
void engine_log(struct engine *e, int priority, const char *fmt, ...)
{
	struct engine_action *a = may_talk(e, OUT_TALK_RESERVE) ? emit(e, ACTION_LOG) : NULL;
	va_list ap;

	if (!a)
		return;
	a->log.priority = priority;
	va_start(ap, fmt);
	vsnprintf(a->log.text, sizeof(a->log.text), fmt, ap);
	va_end(ap);
}

bool engine_alert(struct engine *e, const char *key, const char *fmt, ...)
{
	/* who does not lead tells nobody: the leader sees the same */
	struct engine_action *a = e->epoch && may_talk(e, OUT_RESERVE) ? emit(e, ACTION_ALERT) : NULL;
	va_list ap;

	if (!a)
		return false;
	str_copy(a->alert.key, sizeof(a->alert.key), key);
	va_start(ap, fmt);
	vsnprintf(a->alert.text, sizeof(a->alert.text), fmt, ap);
	va_end(ap);
	return true;
}

struct work *work_of(struct engine *e, uint32_t ref)
{
	switch (THING_TYPE(ref)) {
	case THING_HOST:
		return &e->hosts[THING_INDEX(ref)].work;
	case THING_RECOVERY:
		return &e->recoveries[THING_INDEX(ref)].work;
	case THING_SUSPENSION:
		return &e->suspensions[THING_INDEX(ref) % ENGINE_SUSPENSIONS_MAX].work;
	default:
		return &e->instances[THING_INDEX(ref)].work;
	}
}

void work_note(struct work *w, const char *text)
{
	str_copy(w->note, sizeof(w->note), text);
}

void work_queue(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);

	if (w->queued)
		return;
	w->queued = true;
	e->ready[(e->ready_head + e->ready_n) % e->ready_cap] = ref;
	e->ready_n++;
}

/* --- the heap of wake-up times: smallest first --- */

/* A row acts by itself only while no operation of it is armed or under way; then the operation's own deadline counts. */
int64_t work_wake_ms(const struct work *w)
{
	if (w->phase == WORK_RUNNING)
		return w->deadline_ms;
	return w->phase == WORK_IDLE ? w->wake_ms : NEVER_MS;
}

static int64_t ref_wake_ms(struct engine *e, uint32_t ref)
{
	if (THING_TYPE(ref) == THING_RECOVERY)
		return recovery_wake_ms(&e->recoveries[THING_INDEX(ref)]);
	return work_wake_ms(work_of(e, ref));
}

static void heap_put(struct engine *e, uint32_t at, uint32_t ref)
{
	e->heap[at] = ref;
	work_of(e, ref)->heap_at = at;
}

static void heap_sift(struct engine *e, uint32_t at)
{
	uint32_t ref = e->heap[at];
	int64_t ms = ref_wake_ms(e, ref);

	for (; at > 0 && ref_wake_ms(e, e->heap[(at - 1) / 2]) > ms; at = (at - 1) / 2)
		heap_put(e, at, e->heap[(at - 1) / 2]);
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child + 1 < e->heap_n && ref_wake_ms(e, e->heap[child + 1]) < ref_wake_ms(e, e->heap[child]))
			child++;
		if (child >= e->heap_n || ref_wake_ms(e, e->heap[child]) >= ms)
			break;
		heap_put(e, at, e->heap[child]);
		at = child;
	}
	heap_put(e, at, ref);
}

static void heap_update(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);
	bool wanted = ref_wake_ms(e, ref) != NEVER_MS;
	uint32_t at = w->heap_at;

	if (at == NIL && !wanted)
		return;
	if (at == NIL) {
		heap_put(e, e->heap_n, ref);
		e->heap_n++;
		heap_sift(e, w->heap_at);
		return;
	}
	if (wanted) {
		heap_sift(e, at);
		return;
	}
	w->heap_at = NIL;
	e->heap_n--;
	if (at != e->heap_n) {
		heap_put(e, at, e->heap[e->heap_n]);
		heap_sift(e, at);
	}
}

void work_wake_at(struct engine *e, uint32_t ref, int64_t ms)
{
	work_of(e, ref)->wake_ms = ms;
	heap_update(e, ref);
}

int64_t engine_next_deadline_ms(const struct engine *e)
{
	int64_t ms = e->heap_n ? ref_wake_ms((struct engine *)(uintptr_t)e, e->heap[0]) : NEVER_MS;

	if (e->ready_n)
		return e->store_retry_at_ms > e->now_ms ? (ms < e->store_retry_at_ms ? ms : e->store_retry_at_ms)
							: e->now_ms;
	return ms;
}

/* --- operations --- */

uint64_t op_number(enum op_slot slot, uint32_t ref, uint32_t gen)
{
	return ((uint64_t)slot << 62) | ((uint64_t)ref << 30) | (gen & 0x3fffffffu);
}

void work_arm(struct engine *e, uint32_t ref, enum op_kind kind, int64_t budget_ms)
{
	struct work *w = work_of(e, ref);

	w->gen++;
	w->kind = kind;
	w->phase = WORK_ARMED;
	w->announced = false;
	w->dirty = true;
	w->since_ms = 0;
	w->deadline_ms = budget_ms; /* a span until it starts */
	work_wake_at(e, ref, NEVER_MS);
	work_queue(e, ref);
}

void work_disarm(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);

	if (w->phase == WORK_RUNNING)
		w->cancel_op = op_number(SLOT_MAIN, ref, w->gen);
	w->phase = WORK_IDLE;
	w->gen++;
	heap_update(e, ref);
	work_queue(e, ref);
}

struct engine_action *engine_emit_start(
    struct engine *e, uint64_t op, enum op_kind kind, const struct recovery *r, const struct instance *i)
{
	struct engine_action *a = emit(e, ACTION_START);

	if (!a)
		return NULL;
	a->start.op = op;
	a->start.kind = kind;
	a->start.host = r->host;
	a->start.level = r->rec.level;
	str_copy(a->start.host_name, sizeof(a->start.host_name), r->rec.host);
	str_copy(a->start.recovery, sizeof(a->start.recovery), r->rec.id);
	if (i)
		str_copy(a->start.instance, sizeof(a->start.instance), i->rec.uuid);
	if (kind == OP_DISABLE)
		snprintf(a->start.reason, sizeof(a->start.reason), "osha recovery %s: host failed", r->rec.id);
	return a;
}

void engine_emit_cancel(struct engine *e, uint64_t op)
{
	struct engine_action *a = emit(e, ACTION_CANCEL);

	if (a)
		a->cancel.op = op;
}

static bool may_start(struct engine *e, uint32_t ref)
{
	if (THING_TYPE(ref) == THING_RECOVERY)
		return recovery_may_start(e, &e->recoveries[THING_INDEX(ref)]);
	return instance_may_start(e, &e->instances[THING_INDEX(ref)]);
}

static void work_start(struct engine *e, uint32_t ref)
{
	struct instance *i = THING_TYPE(ref) == THING_INSTANCE ? &e->instances[THING_INDEX(ref)] : NULL;
	struct recovery *r = i ? recovery_of(e, i) : &e->recoveries[THING_INDEX(ref)];
	struct work *w = i ? &i->work : &r->work;
	struct engine_action *a;

	if (e->now_ms > w->confirmed_ms + e->o.start_window_ms) {
		work_arm(e, ref, w->kind, w->deadline_ms);
		return;
	}
	if (e->o.dry_run && op_kind_changes_world(w->kind)) {
		engine_log(e, 5, "%s: dry run: would start %s", r->rec.host, op_kind_name(w->kind));
		w->phase = WORK_ARMED; /* for ever */
		w->announced = false;
		return;
	}
	if (!e->epoch && op_kind_changes_world(w->kind)) {
		/* announced anew under the next lease */
		w->phase = WORK_ARMED;
		w->announced = false;
		w->dirty = true;
		return;
	}
	if (!may_start(e, ref))
		return;
	w->phase = WORK_RUNNING;
	w->began_ms = e->now_ms;
	w->since_ms = w->since_ms ? w->since_ms : e->now_ms;
	w->deadline_ms = e->now_ms + w->deadline_ms;
	a = engine_emit_start(e, op_number(SLOT_MAIN, ref, w->gen), w->kind, r, i);
	a->start.start_by_ms = w->confirmed_ms + e->o.start_window_ms;
	a->start.deadline_ms = w->deadline_ms;
	/* its record was seen done: where it is now is all that is left to ask */
	a->start.is_brief = i && i->rec.row == INSTANCE_ROW_VERIFYING;
	a->start.since_ms = w->since_ms;
	heap_update(e, ref);
}

/* --- records --- */

static void record_of(struct engine *e, uint32_t ref, struct record *ret)
{
	uint32_t k = THING_INDEX(ref);

	switch (THING_TYPE(ref)) {
	case THING_HOST:
		ret->type = RECORD_HOST;
		ret->host = e->hosts[k].rec;
		break;
	case THING_RECOVERY:
		ret->type = RECORD_RECOVERY;
		e->recoveries[k].rec.epoch = e->epoch;
		ret->recovery = e->recoveries[k].rec;
		break;
	case THING_SUSPENSION:
		ret->type = RECORD_SUSPENSION;
		ret->suspension = e->suspensions[k].rec;
		break;
	default:
		ret->type = RECORD_INSTANCE;
		e->instances[k].rec.epoch = e->epoch;
		ret->instance = e->instances[k].rec;
	}
}

static void work_persist(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);
	struct engine_action *a;

	while (e->pending[e->seq_next & (e->pending_n - 1)].seq)
		e->seq_next++;
	a = emit(e, ACTION_PERSIST);
	if (!a)
		return;
	a->persist.seq = w->out_seq = e->seq_next++;
	e->pending[w->out_seq & (e->pending_n - 1)] = (struct engine_pending){.seq = w->out_seq, .ref = ref};
	record_of(e, ref, &a->persist.record);
	str_copy(a->persist.note, sizeof(a->persist.note), w->note);
	if (THING_TYPE(ref) == THING_RECOVERY)
		e->recoveries[THING_INDEX(ref)].unsaid_out_n = e->recoveries[THING_INDEX(ref)].unsaid_n;
	if (THING_TYPE(ref) == THING_INSTANCE && w->note[0])
		instance_log(e, &e->instances[THING_INDEX(ref)], w->note);
	w->note[0] = '\0';
	w->dirty = false;
	w->announced = w->phase == WORK_ARMED;
}

static bool is_in_use(const struct engine *e, uint32_t ref)
{
	switch (THING_TYPE(ref)) {
	case THING_RECOVERY:
		return e->recoveries[THING_INDEX(ref)].is_used;
	case THING_INSTANCE:
		return e->instances[THING_INDEX(ref)].is_used;
	default:
		return true;
	}
}

static void thing_run(struct engine *e, uint32_t ref)
{
	struct work *w = work_of(e, ref);

	if (!is_in_use(e, ref))
		return; /* closed while it stood in the queue */
	if (THING_TYPE(ref) == THING_RECOVERY)
		recovery_run(e, &e->recoveries[THING_INDEX(ref)]);
	if (THING_TYPE(ref) == THING_INSTANCE)
		instance_run(e, &e->instances[THING_INDEX(ref)]);
	if (THING_TYPE(ref) == THING_SUSPENSION)
		suspension_run(e, &e->suspensions[THING_INDEX(ref)]);
	if (THING_TYPE(ref) == THING_HOST)
		host_run(e, &e->hosts[THING_INDEX(ref)]);
	if (w->cancel_op) {
		engine_emit_cancel(e, w->cancel_op);
		w->cancel_op = 0;
	}
	if (w->phase == WORK_CONFIRMED)
		work_start(e, ref);
	if (w->dirty && !w->out_seq && e->epoch && e->now_ms >= e->store_retry_at_ms)
		work_persist(e, ref);
	else if (w->dirty && !w->out_seq && e->epoch)
		work_queue(e, ref); /* without a lease it waits for the next one, which queues everything */
	heap_update(e, ref);
}

void engine_run(struct engine *e)
{
	uint32_t n;

	while (e->heap_n && ref_wake_ms(e, e->heap[0]) <= e->now_ms) {
		uint32_t ref = e->heap[0];

		work_queue(e, ref);
		/* taken out until it has run: thing_run() puts it back with its next time */
		work_of(e, ref)->heap_at = NIL;
		e->heap_n--;
		if (e->heap_n) {
			heap_put(e, 0, e->heap[e->heap_n]);
			heap_sift(e, 0);
		}
	}
	for (n = e->ready_n; n && e->ready_n && !engine_out_is_full(e); n--) {
		uint32_t ref = e->ready[e->ready_head];

		e->ready_head = (e->ready_head + 1) % e->ready_cap;
		e->ready_n--;
		work_of(e, ref)->queued = false;
		thing_run(e, ref);
		if (n == 1 && e->now_ms >= e->store_retry_at_ms && e->epoch)
			n = e->ready_n + 1; /* what running things queued is run as well */
	}
	e->out->again = e->ready_n && engine_out_is_full(e);
}
