/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: what the engine wants done goes to the driver that can, and each ends exactly once. An operation that acts starts within
 * its window or not at all; a fence agent that finds no free place waits in line for one, and ends as late when its time to start is over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/strbuf.h"
#include "daemon/agents_line.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "io/log.h"

enum {
	AGENT_MARGIN_MS = 700,
	AGENT_SHORTEST_MS = 300
}; /* an agent is killed so much before its operation's own deadline */

struct daemon_op {
	TAILQ_ENTRY(daemon_op) link;
	struct daemon *d;
	uint64_t id;
	enum op_kind kind;
	uint32_t level;
	int64_t start_by_ms, deadline_ms, since_ms;
	bool is_patient;
	char host[HOST_NAME_SIZE];
	struct evacuator_run *call;
	struct fence_run *agent;
	uint64_t device_key;         /* of the device that the agent speaks to */
	struct agents_waiter waiter; /* for a place of an agent */
	struct io_timer too_late;    /* it has waited for that place until it may not start any more */
	bool is_lost;                /* cancelled while looks of it are under way */
	uint32_t looks;              /* under way */
	struct io_timer held;        /* an answer that is held back: the cloud asked for patience */
	struct op_end end;
	char reason[REASON_SIZE];
};

struct daemon_ops {
	TAILQ_HEAD(, daemon_op) all;
	TAILQ_HEAD(, daemon_op) lost; /* cancelled, and freed by the last of their looks */
	struct agents_line line;
};

int perform_open(struct daemon *d, struct osha_err *reterr)
{
	d->ops = calloc(1, sizeof(*d->ops));
	if (!d->ops)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for operations");
	TAILQ_INIT(&d->ops->all);
	TAILQ_INIT(&d->ops->lost);
	agents_line_init(&d->ops->line);
	return 0;
}

/* From here on nobody can cancel it. */
static void op_unlink(struct daemon_op *op)
{
	TAILQ_REMOVE(&op->d->ops->all, op, link);
	agents_line_leave(&op->d->ops->line, &op->waiter);
}

static void op_free(struct daemon_op *op)
{
	io_timer_stop(&op->held);
	io_timer_stop(&op->too_late);
	free(op);
}

/* It could not be started, or was not in time: told after this step. */
static void op_fail(struct daemon_op *op, enum outcome outcome, enum fault_class fault, const char *reason)
{
	daemon_defer_op_end(op->d, op->id, outcome, fault, reason);
	op_unlink(op);
	op_free(op);
}

static void op_end(struct daemon_op *op, const struct op_end *end)
{
	struct engine_event ev = {.type = ENGINE_OP_ENDED, .op_end = *end};
	struct daemon *d = op->d;

	ev.op_end.op = op->id;
	op_unlink(op);
	daemon_event(d, &ev, NULL);
	op_free(op); /* @end may borrow from it */
}

static bool is_late(const struct daemon_op *op)
{
	return op_kind_changes_world(op->kind) && (io_boot_ms() > op->start_by_ms || !lead_may_act(op->d));
}

/* --- the cloud --- */

static int verb_of(enum op_kind kind)
{
	switch (kind) {
	case OP_FORCE_DOWN:
		return EVACUATOR_FORCE_DOWN;
	case OP_CLEAR_DOWN:
		return EVACUATOR_CLEAR_DOWN;
	case OP_DISABLE:
		return EVACUATOR_DISABLE;
	case OP_ENABLE:
		return EVACUATOR_ENABLE;
	case OP_LIST:
		return EVACUATOR_LIST;
	case OP_MIGRATIONS:
		return EVACUATOR_MIGRATIONS;
	case OP_ASK:
		return EVACUATOR_ASK;
	case OP_RESET_STATE:
		return EVACUATOR_RESET_STATE;
	case OP_EVACUATE:
		return EVACUATOR_EVACUATE;
	case OP_STOP:
		return EVACUATOR_STOP;
	default:
		return -1;
	}
}

static void held_over(void *arg)
{
	struct daemon_op *op = arg;

	op_end(op, &op->end);
}

/* "Retry-After": the engine would ask again in a moment, so its answer comes when the cloud wants to be asked again. */
static bool op_hold_back(struct daemon_op *op, const struct evacuator_answer *a)
{
	int64_t left_ms = op->deadline_ms - io_now_ms(op->d->loop) - AGENT_MARGIN_MS;
	int64_t wait_ms = (int64_t)a->retry_after_s * 1000;

	if (!wait_ms || a->outcome == OUTCOME_DONE || left_ms <= 0)
		return false;
	op->end = (struct op_end){.outcome = a->outcome, .fault = a->fault, .reason = op->reason};
	str_copy(op->reason, sizeof(op->reason), a->reason);
	io_timer_start(op->d->loop, &op->held, wait_ms < left_ms ? wait_ms : left_ms, 0, held_over, op);
	return true;
}

static void call_answered(void *arg, const struct evacuator_answer *a)
{
	struct daemon_op *op = arg;
	struct op_end end = {
	    .outcome = a->outcome, .fault = a->fault, .reason = a->reason, .views = a->views, .view_n = a->view_n};

	op->call = NULL;
	log_printf(LOG_P_DEBUG, "%s: %s %s%s%s", op->host, op_kind_name(op->kind), outcome_name(a->outcome),
	    a->reason[0] ? ": " : "", a->reason);
	if (op_hold_back(op, a))
		return;
	if (op->kind == OP_LIST && end.outcome == OUTCOME_DONE &&
	    recorder_reserve(op->d, engine_host_n(op->d->engine), engine_instance_n(op->d->engine) + end.view_n) < 0)
		end = (struct op_end){.outcome = OUTCOME_REFUSED, .fault = FAULT_TRANSIENT, .reason = "out of memory"};
	op_end(op, &end);
}

static void op_call(struct daemon_op *op, const struct engine_action *a)
{
	struct evacuator_request request = {.verb = (enum evacuator_verb)verb_of(op->kind),
	    .host = op->host,
	    .instance = a->start.instance[0] ? a->start.instance : NULL,
	    .reason = a->start.reason[0] ? a->start.reason : NULL,
	    .timeout_ms = op->deadline_ms - io_now_ms(op->d->loop),
	    .start_by_ms = op->start_by_ms,
	    .is_brief = a->start.is_brief};
	struct osha_err err = {0};

	if (request.timeout_ms <= 0)
		op_fail(op, OUTCOME_REFUSED, FAULT_LATE, "its time was over");
	else if (evacuator_start(&op->d->env, &request, call_answered, op, &op->call, &err) < 0)
		op_fail(op, OUTCOME_REFUSED, FAULT_TRANSIENT, err.msg);
}

/* --- fence agents --- */

static void agent_count(const struct daemon_op *op, bool is_begun)
{
	struct daemon *d = op->d;

	d->agents_running = is_begun ? d->agents_running + 1 : d->agents_running - 1;
	if (op->is_patient)
		d->agents_patient = is_begun ? d->agents_patient + 1 : d->agents_patient - 1;
}

static void agent_answered(void *arg, const struct fence_answer *a)
{
	struct daemon_op *op = arg;
	struct daemon *d = op->d;
	struct op_end end = {.outcome = a->outcome, .fault = a->fault, .power = a->power, .reason = a->reason};

	op->agent = NULL;
	agent_count(op, false);
	if (op->kind == OP_POWER_STATUS)
		devices_note(d, engine_host_find(d->engine, op->host), op->level, op->device_key, a);
	log_printf(LOG_P_DEBUG, "%s: %s level %u: %s %s %s", op->host, op_kind_name(op->kind), op->level,
	    outcome_name(a->outcome), power_name(a->power), a->reason);
	op_end(op, &end);
	perform_agent_freed(d);
}

/*
 * A reading has as much time in the line as the engine gives it, and the agent never more than the configuration does. One that cuts
 * ends before the lease does: whoever leads then must not meet it.
 */
static int64_t agent_timeout_ms(const struct daemon_op *op)
{
	int64_t left_ms = op->deadline_ms - io_now_ms(op->d->loop);
	int64_t most_ms = op->kind == OP_POWER_STATUS ? op->d->cfg->fencing.status_timeout_ms : left_ms;
	int64_t lease_ms = op->kind == OP_POWER_STATUS ? INT64_MAX : lead_left_ms(op->d);

	left_ms = (left_ms < most_ms ? left_ms : most_ms) - AGENT_MARGIN_MS;
	left_ms = left_ms > AGENT_SHORTEST_MS ? left_ms : AGENT_SHORTEST_MS;
	return left_ms < lease_ms ? left_ms : lease_ms;
}

static void op_run_agent(struct daemon_op *op)
{
	__attribute__((cleanup(config_fence_wipe))) struct config_fence level;
	struct fence_job job = {.level = &level,
	    .action = op->kind == OP_POWER_OFF ? FENCE_OFF : FENCE_STATUS,
	    .timeout_ms = agent_timeout_ms(op),
	    .start_by_ms = op_kind_changes_world(op->kind) ? op->start_by_ms : 0,
	    .fn = agent_answered,
	    .arg = op};
	struct osha_err err = {0};

	memset(&level, 0, sizeof(level));
	agents_line_leave(&op->d->ops->line, &op->waiter);
	io_timer_stop(&op->too_late);
	if (is_late(op) || (op->kind == OP_POWER_OFF && lead_left_ms(op->d) < AGENT_SHORTEST_MS + AGENT_MARGIN_MS)) {
		op_fail(op, OUTCOME_REFUSED, FAULT_LATE, "its start window was over");
		return;
	}
	if (config_fence_resolve(op->d->cfg, op->host, op->level, &level, &err) < 0 ||
	    fence_run_start(&op->d->env, &job, &op->agent, &err) < 0) {
		op_fail(op, OUTCOME_REFUSED, FAULT_TRANSIENT, err.msg);
		return;
	}
	op->device_key = op->d->hosts[engine_host_find(op->d->engine, op->host)].device_key[op->level];
	agent_count(op, true);
}

/* Told at once and not when its turn comes: it is announced anew, and stands in line again before a place is free. */
static void waited_in_vain(void *arg)
{
	struct daemon_op *op = arg;
	struct op_end end = {
	    .outcome = OUTCOME_REFUSED, .fault = FAULT_LATE, .reason = "no fence agent's place was free in time"};

	log_printf(op->is_patient ? LOG_P_DEBUG : LOG_P_NOTICE,
	    "%s: %s waited in vain for a place among fencing.concurrent: it is asked for anew", op->host,
	    op_kind_name(op->kind));
	op_end(op, &end);
}

/* How much longer it may wait: what acts, until its window is over; a reading, as long as enough of its time would be left. */
static int64_t patience_ms(const struct daemon_op *op)
{
	int64_t least_ms = op->d->cfg->fencing.status_timeout_ms;

	if (op_kind_changes_world(op->kind))
		return op->start_by_ms - io_boot_ms();
	return op->deadline_ms - io_now_ms(op->d->loop) - (op->is_patient ? least_ms : least_ms / 2);
}

static enum agents_rank rank_of(const struct daemon_op *op)
{
	if (op->kind == OP_POWER_OFF)
		return AGENTS_CUT;
	return op->is_patient ? AGENTS_PATIENT : AGENTS_AWAITED;
}

static void op_agent(struct daemon_op *op)
{
	int64_t ms = patience_ms(op);

	op->waiter.of = op;
	agents_line_join(&op->d->ops->line, &op->waiter, rank_of(op), op->since_ms);
	io_timer_start(op->d->loop, &op->too_late, (ms > 0 ? ms : 0) + 1, 0, waited_in_vain, op);
	perform_agent_freed(op->d);
}

static struct agents_places places_of(const struct daemon *d)
{
	return (struct agents_places){.all = (uint32_t)d->cfg->fencing.concurrent,
	    .taken = d->agents_running,
	    .patient = d->agents_patient,
	    .wanted = engine_fencing_n(d->engine)};
}

bool perform_has_room_for_routine(const struct daemon *d)
{
	struct agents_places places = places_of(d);

	return agents_line_has_room(AGENTS_PATIENT, &places);
}

void perform_agent_freed(struct daemon *d)
{
	struct agents_places places = places_of(d);
	struct agents_waiter *w;

	while ((w = agents_line_next(&d->ops->line, &places)) != NULL) {
		op_run_agent(w->of);
		places = places_of(d);
	}
}

/* --- the second look --- */

static void looked(void *arg)
{
	struct daemon_op *op = arg;
	struct op_end end = {.outcome = OUTCOME_DONE};

	if (op->looks > 1) {
		op->looks--;
		return;
	}
	if (!op->is_lost)
		hosts_evidence_flush(op->d); /* what the look saw comes before its end; it may cancel the look */
	op->looks = 0;
	if (op->is_lost) {
		TAILQ_REMOVE(&op->d->ops->lost, op, link);
		free(op);
	} else {
		op_end(op, &end);
	}
}

static void op_look(struct daemon_op *op)
{
	static const struct monitor_driver *const all[CONFIG_MONITOR_N] = {&monitor_nova, &monitor_probe};
	struct osha_err err = {0};
	uint32_t n = 0;

	for (int m = 0; m < CONFIG_MONITOR_N; m++)
		n += all[m]->look(op->d->monitor[m], op->host, looked, op, &err) == MONITOR_LOOK_STARTED;
	op->looks = n;
	if (!n)
		op_fail(op, OUTCOME_UNKNOWN, FAULT_TRANSIENT, err.msg);
}

/* --- starting and cancelling --- */

void perform_start(struct daemon *d, const struct engine_action *a)
{
	struct daemon_op *op = calloc(1, sizeof(*op));

	if (!op) {
		daemon_defer_op_end(d, a->start.op, OUTCOME_REFUSED, FAULT_TRANSIENT, "out of memory");
		return;
	}
	op->d = d;
	op->id = a->start.op;
	op->kind = a->start.kind;
	op->level = a->start.level;
	op->start_by_ms = lead_start_by_ms(d, a->start.start_by_ms);
	op->deadline_ms = a->start.deadline_ms;
	op->since_ms = a->start.since_ms;
	op->is_patient = a->start.is_patient;
	str_copy(op->host, sizeof(op->host), a->start.host_name);
	TAILQ_INSERT_TAIL(&d->ops->all, op, link);
	log_printf(
	    LOG_P_DEBUG, "%s: %s: start %s %s", a->start.recovery, op->host, op_kind_name(op->kind), a->start.instance);
	if (d->is_stopping || is_late(op))
		op_fail(op, OUTCOME_REFUSED, FAULT_LATE, "its start window was over");
	else if (d->is_dry_run && op_kind_changes_world(op->kind))
		op_fail(op, OUTCOME_REFUSED, FAULT_STATE, "dry run: nothing is changed");
	else if (op->kind == OP_LOOK)
		op_look(op);
	else if (op->kind == OP_POWER_OFF || op->kind == OP_POWER_STATUS)
		op_agent(op);
	else if (verb_of(op->kind) >= 0)
		op_call(op, a);
	else
		op_fail(op, OUTCOME_REFUSED, FAULT_STATE, "no driver does that");
}

/* Forget one that is no longer in the queue. What it did is unknown. */
static void op_forget(struct daemon_op *op)
{
	if (op->agent)
		agent_count(op, false);
	evacuator_cancel(op->call);
	fence_run_cancel(op->agent);
	op->is_lost = op->looks > 0;
	if (op->is_lost)
		TAILQ_INSERT_TAIL(&op->d->ops->lost, op, link);
	else
		op_free(op);
}

void perform_cancel(struct daemon *d, uint64_t id)
{
	struct daemon_op *op;

	TAILQ_FOREACH(op, &d->ops->all, link)
	{
		if (op->id == id)
			break;
	}
	if (op) {
		op_unlink(op);
		op_forget(op);
	}
	perform_agent_freed(d);
}

void perform_abandon(struct daemon *d)
{
	struct daemon_op *op;

	while (d->ops && (op = TAILQ_FIRST(&d->ops->all)) != NULL) {
		TAILQ_REMOVE(&d->ops->all, op, link);
		agents_line_leave(&d->ops->line, &op->waiter);
		op_forget(op);
	}
}

void perform_close(struct daemon *d)
{
	struct daemon_op *op;

	perform_abandon(d);
	while (d->ops &&
	       (op = TAILQ_FIRST(&d->ops->lost)) != NULL) { /* the monitors are gone, and their looks with them */
		TAILQ_REMOVE(&d->ops->lost, op, link);
		op_free(op);
	}
	free(d->ops);
	d->ops = NULL;
}
