/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a host that the policy calls down is left alone for a while: fencing is suspended, a maintenance window of its segment is open, or
 * the host carries the control plane's own quorum. A rule of gate.c. The only place where wall times decide anything, and all that they
 * decide is to wait. Suspensions themselves are kept by suspension.c.
 */
#include <stdio.h>

#include "base/calendar.h"
#include "base/strbuf.h"
#include "engine/state.h"

static bool is_about(const struct suspension *s, const struct host *h)
{
	return str_eq(s->rec.segment, SUSPENSION_OF_ALL) ||
	       (h->policy.segment_name[0] && str_eq(s->rec.segment, h->policy.segment_name));
}

/* The suspension that keeps this host, the one that ends last; NULL = none. */
static const struct suspension *suspension_of(const struct engine *e, const struct host *h)
{
	const struct suspension *found = NULL;

	for (uint32_t k = 0; k < ENGINE_SUSPENSIONS_MAX; k++) {
		const struct suspension *s = &e->suspensions[k];

		if (!suspension_is_active(e, s) || !is_about(s, h))
			continue;
		if (!found || (found->rec.until_wall_ms &&
				  (!s->rec.until_wall_ms || s->rec.until_wall_ms > found->rec.until_wall_ms)))
			found = s;
	}
	return found;
}

static void say_suspended(const struct suspension_record *s, char *ret_why, size_t size)
{
	char until[CALENDAR_TEXT_SIZE];

	snprintf(ret_why, size, "suspended by %.48s until %s%s%.50s", s->by,
	    s->until_wall_ms ? calendar_text(s->until_wall_ms, until) : "it is resumed", s->reason[0] ? ": " : "",
	    s->reason);
}

static bool is_let_go(const struct recovery *r, enum hold_cause cause)
{
	return r->rec.let_go & (1u << cause);
}

bool calm_holds(const struct engine *e, const struct host *h, const struct recovery *r, enum hold_cause *ret_cause,
    char *ret_why, size_t size)
{
	const struct suspension *s = suspension_of(e, h);
	char until[CALENDAR_TEXT_SIZE];
	int64_t until_wall_ms;

	if (r->rec.proof.is_void)
		return false; /* forced down and half evacuated already: to leave it on now is worse */
	if (s) {
		*ret_cause = HOLD_SUSPENDED;
		say_suspended(&s->rec, ret_why, size);
		return true;
	}
	if (!is_let_go(r, HOLD_WINDOW) &&
	    window_is_open(h->policy.window, h->policy.window_n, e->wall_ms, &until_wall_ms)) {
		*ret_cause = HOLD_WINDOW;
		snprintf(ret_why, size, "a maintenance window of its segment is open until %s",
		    calendar_text(until_wall_ms, until));
		return true;
	}
	if (!is_let_go(r, HOLD_CONTROL_PLANE) && h->policy.is_control_plane) {
		*ret_cause = HOLD_CONTROL_PLANE;
		snprintf(ret_why, size,
		    "it carries the control plane's own quorum: it is fenced only on an operator's word");
		return true;
	}
	return false;
}

int64_t calm_hold_wait_ms(const struct engine *e, const struct recovery *r)
{
	const struct host *h = &e->hosts[r->host];
	const struct suspension *s = r->rec.hold == HOLD_SUSPENDED ? suspension_of(e, h) : NULL;
	int64_t ms = e->o.hold_retry_ms, until_wall_ms = s ? s->rec.until_wall_ms : 0;

	if (r->rec.hold == HOLD_SUSPENDED && !s)
		until_wall_ms = e->wall_ms; /* it came to its end while nobody ran */
	if (r->rec.hold == HOLD_WINDOW)
		(void)window_is_open(h->policy.window, h->policy.window_n, e->wall_ms, &until_wall_ms);
	if (until_wall_ms && until_wall_ms - e->wall_ms < ms)
		ms = until_wall_ms > e->wall_ms ? until_wall_ms - e->wall_ms : 0;
	return ms;
}

bool calm_goes_on(const struct engine *e, const struct recovery *r)
{
	struct gate_answer gate;

	if (r->rec.hold != HOLD_SUSPENDED && r->rec.hold != HOLD_WINDOW && r->rec.hold != HOLD_CONTROL_PLANE)
		return false;
	return fence_gate(e, &e->hosts[r->host], r, e->now_ms, &gate) == GATE_HOLD && gate.cause == r->rec.hold;
}
