/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pump: one event into the engine, its actions out to whom they concern, until nothing is left. An event that arises while actions
 * are being handed out waits in line, because the engine is not re-entrant and its next step would overwrite them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/log.h"

enum { DEFERRED_FIRST = 128, DEFERRED_MAX = 1 << 20 };

struct daemon_event {
	enum engine_event_type type;
	uint64_t number; /* operation or sequence */
	enum outcome outcome;
	enum fault_class fault;
	enum moment moment;
	char text[REASON_SIZE]; /* reason, or recovery */
};

static void defer_wake(void *arg)
{
	struct daemon *d = arg;

	daemon_timer(d);
}

static void defer(struct daemon *d, const struct daemon_event *ev)
{
	if (d->deferred_n == d->deferred_cap) {
		size_t cap = d->deferred_cap ? d->deferred_cap * 2 : DEFERRED_FIRST;
		struct daemon_event *more = cap > DEFERRED_MAX ? NULL : realloc(d->deferred, cap * sizeof(*more));

		if (!more) {
			/* an answer that is lost is what a crash is made for: the journal knows where to go on */
			log_printf(LOG_P_CRIT, "out of memory: the daemon ends and is to be started again");
			daemon_stop(d, EXIT_INTERNAL);
			return;
		}
		d->deferred = more;
		d->deferred_cap = cap;
	}
	d->deferred[d->deferred_n++] = *ev;
	if (!d->is_stepping)
		io_timer_start(d->loop, &d->timer, 0, 0, defer_wake, d);
}

void daemon_defer_op_end(
    struct daemon *d, uint64_t op, enum outcome outcome, enum fault_class fault, const char *reason)
{
	struct daemon_event ev = {.type = ENGINE_OP_ENDED, .number = op, .outcome = outcome, .fault = fault};

	str_copy(ev.text, sizeof(ev.text), reason);
	defer(d, &ev);
}

void daemon_defer_persisted(struct daemon *d, uint64_t seq, enum outcome outcome)
{
	struct daemon_event ev = {.type = ENGINE_PERSISTED, .number = seq, .outcome = outcome};

	defer(d, &ev);
}

void daemon_told(struct daemon *d, const char *recovery, enum moment moment)
{
	struct daemon_event ev = {.type = ENGINE_TOLD, .moment = moment};

	str_copy(ev.text, sizeof(ev.text), recovery);
	defer(d, &ev);
}

void daemon_defer_forget(struct daemon *d)
{
	d->deferred_n = 0;
}

static void action_take(struct daemon *d, const struct engine_action *a)
{
	switch (a->type) {
	case ACTION_PERSIST:
		keeping_submit(d, a);
		break;
	case ACTION_START:
		perform_start(d, a);
		break;
	case ACTION_CANCEL:
		perform_cancel(d, a->cancel.op);
		break;
	case ACTION_TELL:
		if (d->is_dry_run)
			dry_run_tell(d, a->tell.recovery, a->tell.moment);
		else
			telling_tell(d, a->tell.recovery, a->tell.moment, a->tell.held_n);
		break;
	case ACTION_ALERT:
		telling_alert(d, a->alert.key, a->alert.text);
		break;
	case ACTION_LOG:
		log_emit((enum log_priority)a->log.priority, a->log.text);
		break;
	}
}

static int step(struct daemon *d, struct engine_event *ev, struct osha_err *reterr)
{
	int r;

	ev->now_ms = io_now_ms(d->loop);
	ev->wall_ms = io_wall_ms();
	r = recorder_step(d, ev, reterr);
	for (uint32_t k = 0; k < d->actions->n; k++)
		action_take(d, &d->actions->all[k]);
	return r;
}

static void rest_take(struct daemon *d)
{
	while (d->actions->again) {
		struct engine_event ev = {.type = ENGINE_TIMER};

		step(d, &ev, NULL);
	}
}

static void deferred_take(struct daemon *d, const struct daemon_event *from)
{
	struct engine_event ev = {.type = from->type};

	if (from->type == ENGINE_OP_ENDED) {
		ev.op_end.op = from->number;
		ev.op_end.outcome = from->outcome;
		ev.op_end.fault = from->fault;
		ev.op_end.reason = from->text;
	} else if (from->type == ENGINE_PERSISTED) {
		ev.persisted.seq = from->number;
		ev.persisted.outcome = from->outcome;
	} else {
		ev.told.recovery = from->text;
		ev.told.moment = from->moment;
	}
	step(d, &ev, NULL);
	rest_take(d);
}

/* Events that arise while these are taken stand behind them. */
static void deferred_take_all(struct daemon *d)
{
	for (size_t k = 0; k < d->deferred_n; k++) {
		struct daemon_event ev = d->deferred[k];

		deferred_take(d, &ev);
	}
	d->deferred_n = 0;
}

static void timer_fired(void *arg)
{
	daemon_timer(arg);
}

static void timer_set(struct daemon *d)
{
	int64_t at_ms = engine_next_deadline_ms(d->engine), now_ms = io_now_ms(d->loop);

	if (at_ms == INT64_MAX)
		io_timer_stop(&d->timer);
	else
		io_timer_start(d->loop, &d->timer, at_ms > now_ms ? at_ms - now_ms : 1, 0, timer_fired, d);
}

int daemon_event(struct daemon *d, struct engine_event *ev, struct osha_err *reterr)
{
	int r;

	if (d->is_stepping) {
		log_printf(LOG_P_CRIT, "an event inside a step: the daemon ends and is to be started again");
		daemon_stop(d, EXIT_INTERNAL);
		return osha_err_set(reterr, OSHA_E_INTERNAL, "an event inside a step");
	}
	d->is_stepping = true;
	r = step(d, ev, reterr);
	rest_take(d);
	deferred_take_all(d);
	d->is_stepping = false;
	d->has_recoveries = engine_recovery_next(d->engine, NULL) != NULL;
	timer_set(d);
	if (d->is_once)
		once_look(d);
	return r;
}

void daemon_timer(struct daemon *d)
{
	struct engine_event ev = {.type = ENGINE_TIMER};

	daemon_event(d, &ev, NULL);
}
