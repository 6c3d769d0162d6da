/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators say for a time: fencing suspended for every host or for a segment, and the maintenance of a host with an end of its
 * own. Each is a durable record, and ends at its wall time or when somebody says so. What a suspension holds back is calm.c's.
 */
#include <stdio.h>

#include "base/calendar.h"
#include "base/strbuf.h"
#include "engine/state.h"

/* The wall clock may be slewed or set: what ends by it is looked at again after this, however far its end seems to be. */
enum { GLANCE_MS = 60000 };

static uint32_t suspension_ref(const struct engine *e, const struct suspension *s)
{
	return THING_REF(THING_SUSPENSION, (uint32_t)(s - e->suspensions));
}

/* Resumed only once the journal holds it: what a crash would bring back is not acted against. */
bool suspension_is_active(const struct engine *e, const struct suspension *s)
{
	if (!s->is_used || !(s->rec.is_on || s->work.dirty || s->work.out_seq))
		return false;
	return !s->rec.until_wall_ms || e->wall_ms < s->rec.until_wall_ms;
}

static const char *whom(const struct suspension_record *s)
{
	return str_eq(s->segment, SUSPENSION_OF_ALL) ? "every host" : s->segment;
}

/* Its own place, or one that nothing is to be remembered of any more; NULL = there is none. */
static struct suspension *suspension_place(struct engine *e, const char *segment)
{
	struct suspension *free_one = NULL;

	for (uint32_t k = 0; k < ENGINE_SUSPENSIONS_MAX; k++) {
		struct suspension *s = &e->suspensions[k];

		if (s->is_used && str_eq(s->rec.segment, segment))
			return s;
		if (!s->is_used || (!s->rec.is_on && !s->work.dirty && !s->work.out_seq))
			free_one = s;
	}
	return free_one;
}

void suspension_take(struct engine *e, const struct suspension_record *rec)
{
	struct suspension *s = suspension_place(e, rec->segment);

	if (!s || (!rec->is_on && !s->is_used))
		return; /* what is over needs no place */
	s->is_used = true;
	s->rec = *rec;
	work_queue(e, suspension_ref(e, s));
}

void suspension_queue_all(struct engine *e)
{
	for (uint32_t k = 0; k < ENGINE_SUSPENSIONS_MAX; k++) {
		if (e->suspensions[k].is_used)
			work_queue(e, THING_REF(THING_SUSPENSION, k));
	}
}

static void suspension_write(struct engine *e, struct suspension *s, const char *note)
{
	work_note(&s->work, note);
	s->work.dirty = true;
	work_queue(e, suspension_ref(e, s));
}

static int say_suspend(struct engine *e, const char *segment, const struct operator_word *w, struct osha_err *reterr)
{
	struct suspension *s = suspension_place(e, segment);
	char until[CALENDAR_TEXT_SIZE], note[REASON_SIZE];

	if (w->until_wall_ms && w->until_wall_ms <= e->wall_ms) {
		osha_err_set(reterr, OSHA_E_REFUSED, "%s is over already", calendar_text(w->until_wall_ms, until));
		return OPERATOR_REFUSED;
	}
	if (!s) {
		osha_err_set(reterr, OSHA_E_REFUSED, "%d segments are suspended already: suspend every host instead",
		    ENGINE_SUSPENSIONS_MAX);
		return OPERATOR_REFUSED;
	}
	s->is_used = true;
	s->rec =
	    (struct suspension_record){.is_on = true, .said_wall_ms = e->wall_ms, .until_wall_ms = w->until_wall_ms};
	str_copy(s->rec.segment, sizeof(s->rec.segment), segment);
	str_copy(s->rec.by, sizeof(s->rec.by), w->who);
	str_copy(s->rec.reason, sizeof(s->rec.reason), w->reason);
	snprintf(note, sizeof(note), "suspended by %.48s until %s", w->who,
	    w->until_wall_ms ? calendar_text(w->until_wall_ms, until) : "it is resumed");
	engine_log(e, 4, "fencing of %s: %s%s%s", whom(&s->rec), note, s->rec.reason[0] ? ": " : "", s->rec.reason);
	suspension_write(e, s, note);
	return 0;
}

static int say_resume(struct engine *e, const char *segment, const struct operator_word *w, struct osha_err *reterr)
{
	struct suspension *s = suspension_place(e, segment);
	char note[REASON_SIZE];

	if (!s || !str_eq(s->rec.segment, segment) || !suspension_is_active(e, s)) {
		osha_err_set(reterr, OSHA_E_REFUSED, "fencing of %s is not suspended by a word of its own",
		    str_eq(segment, SUSPENSION_OF_ALL) ? "every host" : segment);
		return OPERATOR_REFUSED;
	}
	s->rec.is_on = false;
	s->rec.said_wall_ms = e->wall_ms;
	str_copy(s->rec.by, sizeof(s->rec.by), w->who);
	snprintf(note, sizeof(note), "resumed by %.48s", w->who);
	engine_log(e, 4, "fencing of %s: %s", whom(&s->rec), note);
	suspension_write(e, s, note);
	return 0;
}

int suspension_say(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	const char *segment = w->segment ? w->segment : SUSPENSION_OF_ALL;

	return w->verb == OPERATOR_SUSPEND ? say_suspend(e, segment, w, reterr) : say_resume(e, segment, w, reterr);
}

/* What it held goes on by itself: through the hold's own end, which looks at everything anew. */
static void let_held_go_on(struct engine *e)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];

		if (r->is_used && r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_SUSPENDED)
			work_wake_at(e, recovery_ref(e, r), e->now_ms);
	}
}

static int64_t glance_at_ms(const struct engine *e, int64_t until_wall_ms)
{
	int64_t ms = until_wall_ms - e->wall_ms;

	return e->now_ms + (ms < GLANCE_MS ? ms : GLANCE_MS);
}

void suspension_run(struct engine *e, struct suspension *s)
{
	uint32_t ref = suspension_ref(e, s);
	bool is_active = suspension_is_active(e, s);

	if (s->rec.is_on && !is_active && e->epoch) {
		s->rec.is_on = false;
		engine_log(
		    e, 4, "fencing of %s goes on: the time of its suspension by %s is over", whom(&s->rec), s->rec.by);
		suspension_write(e, s, "its time is over");
	}
	if (s->was_active && !is_active)
		let_held_go_on(e);
	s->was_active = is_active;
	work_wake_at(e, ref, is_active && s->rec.until_wall_ms ? glance_at_ms(e, s->rec.until_wall_ms) : NEVER_MS);
}

void host_run(struct engine *e, struct host *h)
{
	int64_t until_wall_ms = h->rec.maintenance ? h->rec.maintenance_until_wall_ms : 0;
	char until[CALENDAR_TEXT_SIZE];

	if (until_wall_ms && e->wall_ms >= until_wall_ms && e->epoch) {
		h->rec.maintenance = h->rec.death_told = false;
		h->rec.maintenance_wall_ms = e->wall_ms;
		h->rec.maintenance_until_wall_ms = 0;
		h->work.dirty = true;
		engine_log(e, 4, "%s: maintenance by %s is over: it was to end %s", h->rec.name, h->rec.maintenance_by,
		    calendar_text(until_wall_ms, until));
		until_wall_ms = 0;
	}
	work_wake_at(
	    e, host_ref(e, h), until_wall_ms && e->wall_ms < until_wall_ms ? glance_at_ms(e, until_wall_ms) : NEVER_MS);
}

const struct suspension_record *engine_suspension_next(const struct engine *e, const struct suspension_record *after)
{
	uint32_t k = after ? (uint32_t)((const struct suspension *)after - e->suspensions) + 1 : 0;

	while (k < ENGINE_SUSPENSIONS_MAX && !suspension_is_active(e, &e->suspensions[k]))
		k++;
	return k < ENGINE_SUSPENSIONS_MAX ? &e->suspensions[k].rec : NULL;
}

_Static_assert(offsetof(struct suspension, rec) == 0, "engine_suspension_next() casts back");
