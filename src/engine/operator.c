/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's words. A release never makes a proof; a confirmed death does, under the name of who said it. */
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/strbuf.h"
#include "engine/limit.h"
#include "engine/state.h"

static int say_maintenance(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	struct host *h = engine_find_host(e, w->host);
	char until[CALENDAR_TEXT_SIZE];

	if (!h) {
		osha_err_set(reterr, OSHA_E_NOTFOUND, "no compute host is named exactly \"%s\"", w->host);
		return OPERATOR_NOT_FOUND;
	}
	if (w->until_wall_ms && w->until_wall_ms <= e->wall_ms) {
		osha_err_set(reterr, OSHA_E_REFUSED, "%s is over already", calendar_text(w->until_wall_ms, until));
		return OPERATOR_REFUSED;
	}
	h->rec.maintenance = w->verb == OPERATOR_MAINTENANCE_ON;
	h->rec.maintenance_wall_ms = e->wall_ms;
	h->rec.maintenance_until_wall_ms = h->rec.maintenance ? w->until_wall_ms : 0;
	str_copy(h->rec.maintenance_by, sizeof(h->rec.maintenance_by), w->who);
	if (!h->rec.maintenance)
		h->rec.death_told = false;
	h->work.dirty = true;
	work_queue(e, host_ref(e, h));
	engine_log(e, 5, "%s: maintenance %s by %s%s%s", h->rec.name, h->rec.maintenance ? "on" : "off", w->who,
	    h->rec.maintenance_until_wall_ms ? " until " : "",
	    h->rec.maintenance_until_wall_ms ? calendar_text(h->rec.maintenance_until_wall_ms, until) : "");
	return 0;
}

static struct recovery *recovery_named(struct engine *e, const char *id, struct osha_err *reterr)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		if (e->recoveries[k].is_used && str_eq(e->recoveries[k].rec.id, id))
			return &e->recoveries[k];
	}
	osha_err_set(reterr, OSHA_E_NOTFOUND, "no open recovery is named \"%s\"", id);
	return NULL;
}

static int say_release(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	struct recovery *r = recovery_named(e, w->recovery, reterr);

	if (!r)
		return OPERATOR_NOT_FOUND;
	if (r->rec.row != HOST_ROW_HELD) {
		osha_err_set(
		    reterr, OSHA_E_REFUSED, "recovery %s is %s, not held", w->recovery, host_row_name(r->rec.row));
		return OPERATOR_REFUSED;
	}
	if (r->rec.hold == HOLD_SUSPENDED) {
		osha_err_set(reterr, OSHA_E_REFUSED, "recovery %s is held because it is %.90s: resume that first",
		    w->recovery, r->rec.why);
		return OPERATOR_REFUSED;
	}
	engine_log(e, 5, "%s: released by %s%s", r->rec.id, w->who,
	    limit_cause_is_ours(r->rec.hold) ? ": no limit, cool-down or flap memory holds it again" : "");
	/* said of a window or of the control plane's host, it is no word on how many others are silent */
	r->rec.operator_go |= r->rec.hold != HOLD_WINDOW && r->rec.hold != HOLD_CONTROL_PLANE;
	r->rec.let_go |= 1u << r->rec.hold;
	r->rec.told_hold = HOLD_NONE;
	work_wake_at(e, recovery_ref(e, r), e->now_ms);
	return 0;
}

/* Held for it; or looked at again on the hold's own schedule, which must not make the word fail now and then. */
static bool waits_for_approval(const struct recovery *r)
{
	return (r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_APPROVAL) ||
	       (r->rec.row == HOST_ROW_CONFIRMING && r->rec.told_hold == HOLD_APPROVAL);
}

/* Lifts one gate and no other: what the monitors, the breaker and the devices say is asked for again. */
static int say_approve(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	struct recovery *r = recovery_named(e, w->recovery, reterr);

	if (!r)
		return OPERATOR_NOT_FOUND;
	if (r->rec.approved_by[0]) {
		osha_err_set(reterr, OSHA_E_REFUSED, "recovery %s has been approved already, by %s", w->recovery,
		    r->rec.approved_by);
		return OPERATOR_REFUSED;
	}
	if (!waits_for_approval(r)) {
		osha_err_set(reterr, OSHA_E_REFUSED, "recovery %s of %s is %s%s%s: it waits for no approval",
		    w->recovery, r->rec.host, host_row_name(r->rec.row), r->rec.hold ? " by " : "",
		    r->rec.hold ? hold_cause_name(r->rec.hold) : "");
		return OPERATOR_REFUSED;
	}
	engine_log(e, 5, "%s: approved by %s", r->rec.id, w->who);
	str_copy(r->rec.approved_by, sizeof(r->rec.approved_by), w->who);
	r->rec.approved_wall_ms = e->wall_ms;
	r->work.dirty = true;
	if (r->rec.row == HOST_ROW_HELD)
		work_wake_at(e, recovery_ref(e, r), e->now_ms);
	work_queue(e, recovery_ref(e, r));
	return 0;
}

/* A sign of life on any path, required by the policy or not. */
static const char *sees_life(const struct engine *e, const struct host *h)
{
	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		if (h->evidence[m].sign == SIGN_ALIVE && h->evidence[m].expires_ms > e->now_ms && !e->monitor_bad[m])
			return e->o.monitor_name[m];
	}
	return NULL;
}

static bool may_be_confirmed(const struct recovery *r)
{
	enum host_row row = r->rec.row == HOST_ROW_HELD ? r->rec.back_row : r->rec.row;

	return !recovery_proof_holds(r) && (row == HOST_ROW_SUSPECT || row == HOST_ROW_CONFIRMING ||
					       row == HOST_ROW_FENCING || row == HOST_ROW_PROVING);
}

static int say_confirm_dead(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	struct host *h = engine_find_host(e, w->host);
	const char *life = h ? sees_life(e, h) : NULL;
	struct recovery *r;
	char why[REASON_SIZE];

	if (!h) {
		osha_err_set(reterr, OSHA_E_NOTFOUND, "no compute host is named exactly \"%s\"", w->host);
		return OPERATOR_NOT_FOUND;
	}
	if (e->o.dry_run) {
		osha_err_set(reterr, OSHA_E_REFUSED, "a dry run takes no such word");
		return OPERATOR_REFUSED;
	}
	if (h->policy.mode == MODE_OBSERVE) {
		osha_err_set(reterr, OSHA_E_REFUSED,
		    "the segment of %s only observes: nothing is done there. Set its mode to ask or automatic first",
		    w->host);
		return OPERATOR_REFUSED;
	}
	if (life && !w->despite_life) {
		osha_err_set(reterr, OSHA_E_REFUSED,
		    "%s sees %s alive; power it off first, or say --despite-life REASON", life, w->host);
		return OPERATOR_REFUSED;
	}
	if (h->recovery == NIL)
		recovery_open(e, h);
	r = h->recovery == NIL ? NULL : &e->recoveries[h->recovery];
	if (!r || !may_be_confirmed(r)) {
		osha_err_set(reterr, OSHA_E_REFUSED, "recovery %s of %s is %s: it needs no such word",
		    r ? r->rec.id : "?", w->host, r ? host_row_name(r->rec.row) : "closed");
		return OPERATOR_REFUSED;
	}
	host_weigh(e, h, 0, &r->rec);
	recovery_begin_proof(e, r, PROOF_OPERATOR, w->who);
	r->rec.operator_go = true;
	r->rec.ignore_power = w->despite_life != NULL;
	snprintf(why, sizeof(why), "confirmed dead by %.50s%s%.60s", w->who,
	    w->despite_life ? ", despite signs of life: " : "", w->despite_life ? w->despite_life : "");
	recovery_enter(e, r, HOST_ROW_FORCING_DOWN, why);
	return 0;
}

int engine_operator(struct engine *e, const struct operator_word *w, struct osha_err *reterr)
{
	if (!e->epoch) {
		osha_err_set(reterr, OSHA_E_REFUSED, "this daemon does not lead: nothing can be recorded");
		return OPERATOR_REFUSED;
	}
	switch (w->verb) {
	case OPERATOR_MAINTENANCE_ON:
	case OPERATOR_MAINTENANCE_OFF:
		return say_maintenance(e, w, reterr);
	case OPERATOR_SUSPEND:
	case OPERATOR_RESUME:
		return suspension_say(e, w, reterr);
	case OPERATOR_RELEASE:
		return say_release(e, w, reterr);
	case OPERATOR_APPROVE:
		return say_approve(e, w, reterr);
	case OPERATOR_CONFIRM_DEAD:
		return say_confirm_dead(e, w, reterr);
	default:
		return osha_err_set(reterr, OSHA_E_INTERNAL, "operator's word %d is not known", (int)w->verb);
	}
}
