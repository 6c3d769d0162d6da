/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds a fence back. Asked twice: before a recovery enters fencing, and again in the step that would start the power-off. Each
 * answer comes with the sentence that log, status and `osha explain` show.
 */
#include <stdio.h>
#include <string.h>

#include "engine/limit.h"
#include "engine/state.h"

bool host_level_is_usable(const struct host *h, uint32_t level)
{
	return level < h->policy.level_n && (h->rec.seen_on & (1u << level)) && !(h->rec.miswired & (1u << level));
}

uint32_t host_next_level(const struct host *h, uint32_t from)
{
	while (from < h->policy.level_n && !host_level_is_usable(h, from))
		from++;
	return from < h->policy.level_n ? from : NIL;
}

bool host_is_disabled_by(const struct host *h, const char *recovery_id)
{
	size_t n = strlen(recovery_id);
	const char *at = n && h->disabled ? strstr(h->disabled_reason, recovery_id) : NULL;

	/* "kq3f7m-1-1" is neither "kq3f7m-1-12" nor "xkq3f7m-1-1": it has to be a word of the reason */
	for (; at; at = strstr(at + 1, recovery_id)) {
		bool begins = at == h->disabled_reason || at[-1] == ' ';

		if (begins && (at[n] == ':' || at[n] == '\0' || at[n] == ' '))
			return true;
	}
	return false;
}

/* Why this host's death is none of ours. NULL when it is ours. */
static const char *not_ours(const struct host *h, const struct recovery *r)
{
	if (h->rec.maintenance)
		return "it is in maintenance";
	if (!h->policy.is_in_segment)
		return "it is in no segment";
	if (h->forced_down && !r->rec.we_forced_down)
		return "an operator forced it down";
	if (h->disabled && !r->rec.we_disabled && !h->policy.recover_disabled)
		return "an operator disabled it";
	return NULL;
}

static enum gate gate_with(enum gate g, struct gate_answer *ret, enum hold_cause cause, const char *why)
{
	ret->cause = cause;
	if (why != ret->why)
		snprintf(ret->why, sizeof(ret->why), "%s", why);
	return g;
}

void host_say_intent(const struct host *h, const struct recovery *r, char *ret, size_t size)
{
	snprintf(ret, size, "power off by %.60s, force down, disable, evacuate",
	    h->policy.level[host_next_level(h, r->rec.level)].device);
}

/*
 * The last gate: what the segment's mode makes of a fence that nothing else holds back. A recovery whose proof was voided has been let go
 * before, and half its instances may run elsewhere: it does not ask a second time.
 */
static enum gate mode_gate(
    const struct engine *e, const struct host *h, const struct recovery *r, struct gate_answer *ret)
{
	bool is_begun = r->rec.proof.is_void || r->rec.stamp_wall_ms[HOST_ROW_FENCING];
	char intent[REASON_SIZE];

	if (e->o.dry_run || h->policy.mode == MODE_AUTOMATIC)
		return gate_with(GATE_GO, ret, HOLD_NONE, "");
	host_say_intent(h, r, intent, sizeof(intent));
	if (h->policy.mode == MODE_OBSERVE && is_begun)
		return gate_with(
		    GATE_SKIP, ret, HOLD_NONE, "its segment only observes now; its power may have been cut before");
	if (h->policy.mode == MODE_OBSERVE) {
		snprintf(ret->why, sizeof(ret->why), "observed only: would %.110s", intent);
		return gate_with(GATE_OBSERVE, ret, HOLD_NONE, ret->why);
	}
	if (r->rec.approved_by[0] || r->rec.proof.is_void)
		return gate_with(GATE_GO, ret, HOLD_NONE, "");
	snprintf(ret->why, sizeof(ret->why), "asks first: would %.100s; `osha approve %s`", intent,
	    r->rec.id[0] ? r->rec.id : "ID");
	return gate_with(GATE_HOLD, ret, HOLD_APPROVAL, ret->why);
}

enum gate fence_gate(
    const struct engine *e, const struct host *h, const struct recovery *r, int64_t now_ms, struct gate_answer *ret)
{
	enum verdict v = host_verdict(e, h, now_ms, 0);
	const char *why = not_ours(h, r);
	enum gate g;

	ret->again_ms = 0;
	if (why)
		return gate_with(GATE_SKIP, ret, HOLD_NONE, why);
	if (!r->rec.proof.is_void && (v == VERDICT_UP || v == VERDICT_DEGRADED))
		return gate_with(GATE_CLEAR, ret, HOLD_NONE, "a monitor sees it alive");
	if (!r->rec.proof.is_void && v != VERDICT_DOWN)
		return gate_with(GATE_WAIT, ret, HOLD_UNCONFIRMED, "not every monitor that the policy names says dead");
	if (calm_holds(e, h, r, &ret->cause, ret->why, sizeof(ret->why)))
		return GATE_HOLD;
	if (!r->rec.operator_go && !r->rec.proof.is_void && !recovery_is_powerless(e, r) &&
	    breaker_holds(e, h, now_ms, ret->why, sizeof(ret->why)))
		return gate_with(GATE_HOLD, ret, HOLD_MASS, ret->why);
	if (host_next_level(h, r->rec.level) == NIL && r->rec.level)
		return gate_with(GATE_HOLD, ret, HOLD_FENCE_FAILED, "every fence level failed");
	if (host_next_level(h, r->rec.level) == NIL)
		return gate_with(GATE_HOLD, ret, HOLD_NO_FENCE,
		    "no fence device has read on for this host while it was alive: it cannot be proven dead");
	if (limit_holds(e, h, r, ret))
		return GATE_HOLD;
	g = mode_gate(e, h, r, ret);
	if (g == GATE_GO && !r->rec.proof.is_void && breaker_paces(e, r, now_ms, ret))
		return gate_with(GATE_HOLD, ret, HOLD_MASS, ret->why);
	return g;
}
