/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do with one instance, from what Nova says of it. Pure. The rule behind every line: a second evacuate call while one is under
 * way is accepted by Nova and destroys the instance, so "call" is answered only where nothing can be under way any more.
 *
 * Nova's times are compared with Nova's times only (fault against migration record), never with ours.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

static enum decision say(enum decision d, char *ret_why, size_t size, const char *why)
{
	snprintf(ret_why, size, "%s", why);
	return d;
}

/* It is on another host: is it as it was? */
static enum decision decide_moved(const struct instance_record *i, const struct instance_view *v,
    const struct decide_facts *f, char *ret_why, size_t size)
{
	if (migration_is_under_way(v->evacuation.status) || v->task == TASK_REBUILDING)
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_WATCH, ret_why, size, "it is being rebuilt");
	if (v->state == SERVER_ERROR) {
		snprintf(ret_why, size, "moved to %.40s, but in ERROR: %.80s", v->host,
		    v->fault[0] ? v->fault : "no reason given");
		return DECIDE_REFUSE;
	}
	if (i->wanted == SERVER_STOPPED && v->state == SERVER_ACTIVE && f->has_side_steps)
		return say(DECIDE_STOP, ret_why, size, "it was stopped before: stop it again");
	if (i->wanted == SERVER_STOPPED && v->state == SERVER_ACTIVE)
		return say(DECIDE_REFUSE, ret_why, size, "it was stopped before, and Nova does not stop it again");
	if (v->state == SERVER_UNKNOWN ||
	    (v->state != SERVER_ACTIVE && v->state != SERVER_STOPPED && v->task != TASK_NONE))
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_AGAIN, ret_why, size, "it is between two states");
	if (i->wanted == SERVER_ACTIVE && v->state == SERVER_STOPPED) {
		snprintf(ret_why, size, "it was active before and is stopped on %.80s", v->host);
		return DECIDE_REFUSE;
	}
	snprintf(ret_why, size, "%s on %.100s", server_state_name(v->state), v->host);
	return DECIDE_DONE;
}

/* In ERROR with a fault newer than its evacuation record: that evacuation failed, whatever its record still says. */
static bool has_newer_fault(const struct instance_view *v)
{
	return v->state == SERVER_ERROR && v->evacuation.created_at_ms && v->fault_at_ms > v->evacuation.created_at_ms;
}

bool instance_shows_nothing(
    const struct instance_record *i, const struct instance_view *v, const struct decide_facts *f)
{
	if (!migration_is_under_way(v->evacuation.status))
		return v->task != TASK_REBUILDING;
	return v->evacuation.id <= i->seen_migration_id && (f->dest_is_proven_dead || has_newer_fault(v));
}

/* An evacuation of it is, or may be, under way. */
static enum decision decide_under_way(
    const struct instance_view *v, const struct decide_facts *f, char *ret_why, size_t size)
{
	const struct migration_view *m = &v->evacuation;

	if (f->dest_is_proven_dead)
		return say(DECIDE_CALL, ret_why, size, "its destination was proven dead");
	if (has_newer_fault(v))
		return say(DECIDE_CALL, ret_why, size, "its evacuation failed after the call");
	if (!f->is_stuck)
		return say(DECIDE_WATCH, ret_why, size, "its evacuation is under way");
	snprintf(ret_why, size,
	    "evacuation %lld to %.60s has been %s for too long: it may run there; look before you repeat it",
	    (long long)m->id, m->dest[0] ? m->dest : "no host yet", migration_status_name(m->status));
	return DECIDE_HOLD;
}

/* Nothing is under way. Does its state let it be evacuated? */
static enum decision decide_by_state(
    const struct instance_view *v, const struct decide_facts *f, char *ret_why, size_t size)
{
	switch (v->state) {
	case SERVER_ACTIVE:
	case SERVER_STOPPED:
	case SERVER_ERROR:
		return say(DECIDE_CALL, ret_why, size, "nothing is under way");
	case SERVER_PAUSED:
	case SERVER_SUSPENDED:
	case SERVER_RESCUED:
		if (f->may_reset && f->has_side_steps)
			return say(DECIDE_RESET, ret_why, size, "Nova evacuates it only out of ERROR");
		snprintf(ret_why, size, "Nova does not evacuate a %s instance, and %s", server_state_name(v->state),
		    f->may_reset ? "resetting it does not help" : "the configuration does not allow to reset it");
		return DECIDE_REFUSE;
	case SERVER_UNKNOWN:
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_AGAIN, ret_why, size, "Nova could not tell its state");
	default:
		snprintf(ret_why, size, "Nova does not evacuate an instance that is %s", server_state_name(v->state));
		return DECIDE_REFUSE;
	}
}

/* The newest evacuation is over, but an older one that no call of ours has reckoned with is not. */
static enum decision decide_unfinished(
    const struct instance_view *v, const struct decide_facts *f, char *ret_why, size_t size)
{
	snprintf(ret_why, size, "an older evacuation of it, %lld to %.60s, has not ended: it may run there",
	    (long long)v->unfinished.id, v->unfinished.dest[0] ? v->unfinished.dest : "no host that is known");
	return f->is_stuck ? DECIDE_HOLD : DECIDE_WATCH;
}

/* A call of ours was sent and its answer lost: two readings of nothing, the second well after it, before it counts as not done. */
static enum decision decide_after_lost_call(const struct decide_facts *f, char *ret_why, size_t size)
{
	if (f->is_settled)
		return DECIDE_CALL;
	return say(DECIDE_AGAIN, ret_why, size, "the answer to a call was lost: it may still show up");
}

static enum decision decide(const struct instance_record *i, const struct instance_view *v,
    const struct decide_facts *f, char *ret_why, size_t size)
{
	const struct migration_view *m = &v->evacuation;
	bool is_new = m->id > i->seen_migration_id;
	bool failed_since = is_new && m->status == MIGRATION_FAILED;
	bool from_here = str_eq(m->source, i->source);
	enum decision d = DECIDE_CALL;

	if (!v->exists || v->state == SERVER_DELETED || v->state == SERVER_SOFT_DELETED)
		return say(DECIDE_GONE, ret_why, size, "it was deleted");
	if (v->host[0] && !str_eq(v->host, i->source))
		return decide_moved(i, v, f, ret_why, size);
	if (i->was_moved) {
		snprintf(ret_why, size,
		    "it was seen on %.60s, and Nova lists it on the dead host again: a copy may run there",
		    i->dest[0] ? i->dest : "another host");
		return DECIDE_HOLD;
	}
	if (v->lacks_history)
		return say(DECIDE_AGAIN, ret_why, size, "its evacuations were not asked for");
	if (migration_is_under_way(m->status))
		d = decide_under_way(v, f, ret_why, size);
	if (d != DECIDE_CALL)
		return d;
	if (v->unfinished.id > i->seen_migration_id && !f->unfinished_is_dead)
		return decide_unfinished(v, f, ret_why, size);
	/* a record from before our call is no trace of it: the call may still show up */
	if (migration_is_under_way(m->status) && i->call_open && !is_new)
		return decide_after_lost_call(f, ret_why, size);
	if (migration_is_under_way(m->status))
		return d;
	/* `done` with the old host is the gap in which Nova has written one and not yet the other; one that brought it here is history. */
	if (m->status == MIGRATION_DONE && from_here)
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_AGAIN, ret_why, size,
		    "its evacuation is done, its host not yet changed");
	/* `completed` of this evacuation: the source cleaned up before the target finished; the target may still be building. */
	if (is_new && from_here && m->status == MIGRATION_COMPLETED && i->attempt)
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_AGAIN, ret_why, size,
		    "its source cleaned up before its evacuation ended");
	if (v->task == TASK_REBUILDING && !(v->state == SERVER_ERROR && failed_since))
		return say(f->is_stuck ? DECIDE_HOLD : DECIDE_WATCH, ret_why, size, "it is being rebuilt");
	if (v->task == TASK_UNKNOWN)
		return say(
		    f->is_stuck ? DECIDE_HOLD : DECIDE_AGAIN, ret_why, size, "Nova could not tell what it is doing");
	if (v->task == TASK_MIGRATING)
		return say(DECIDE_REFUSE, ret_why, size, "another move of it was under way when its host died");
	if (v->task == TASK_DELETING)
		return say(DECIDE_REFUSE, ret_why, size, "it is being deleted; nova-compute of its host finishes that");
	if (i->call_open && !failed_since && decide_after_lost_call(f, ret_why, size) != DECIDE_CALL)
		return DECIDE_AGAIN;
	if (!f->has_attempts) {
		snprintf(ret_why, size, "%.140s", v->fault[0] ? v->fault : "its evacuations failed");
		return DECIDE_REFUSE;
	}
	return decide_by_state(v, f, ret_why, size);
}

enum decision instance_decide(const struct instance_record *i, const struct instance_view *v,
    const struct decide_facts *f, char *ret_why, size_t size)
{
	enum decision d = decide(i, v, f, ret_why, size);

	if (d != DECIDE_CALL || f->has_attempts)
		return d;
	return say(DECIDE_REFUSE, ret_why, size, "its calls are used up, and the last one came to nothing");
}
