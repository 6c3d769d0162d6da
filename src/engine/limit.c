/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of limit.h. Ages are counted on our own clock, so that a wall clock that is set does not matter while we run. Across a restart
 * fences are dated by the wall clock: a date that lies ahead counts as now, and what is forgotten because of a date is said in the log. A
 * cool-down whose end nobody has seen begins anew with a start.
 */
#include "engine/limit.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

/* --- pure rules --- */

bool limit_row_runs(enum host_row row)
{
	return row >= HOST_ROW_FENCING && row <= HOST_ROW_VERIFYING;
}

bool limit_is_full(uint32_t running_n, uint32_t limit_n)
{
	return limit_n && running_n >= limit_n;
}

uint32_t limit_up_least(uint32_t host_n, uint32_t percent)
{
	return (uint32_t)((uint64_t)host_n * percent / 100);
}

uint32_t limit_fences_within(const struct host *h, int64_t now_ms, int64_t window_ms)
{
	uint32_t n = 0;

	while (n < FENCE_MEMORY_MAX && h->rec.fenced_wall_ms[n] && now_ms - h->fenced_ms[n] < window_ms)
		n++;
	return n;
}

int64_t limit_cooling_left_ms(const struct engine *e, const struct host *h)
{
	int64_t left_ms = h->cooling_ms + e->o.cool_down_ms - e->now_ms;

	return h->rec.cooling_wall_ms && left_ms > 0 ? left_ms : 0;
}

bool limit_cause_is_ours(enum hold_cause c)
{
	return c == HOLD_LIMIT || c == HOLD_HEALTHY || c == HOLD_COOL_DOWN || c == HOLD_FLAPPING;
}

bool limit_cause_ends_by_off(enum hold_cause c)
{
	return c == HOLD_MASS || limit_cause_is_ours(c);
}

/* --- places --- */

/* Recoveries beside @r that have a place; @of: those of its segment alone, NULL = all. */
static uint32_t places_taken(const struct engine *e, const struct recovery *r, const struct host *of)
{
	uint32_t n = 0;

	for (uint32_t k = 0; e->recovery_n && k < e->recovery_cap; k++) {
		const struct recovery *other = &e->recoveries[k];

		if (!other->is_used || !other->has_place || other == r)
			continue;
		n += !of || e->hosts[other->host].policy.segment == of->policy.segment;
	}
	return n;
}

static bool waits_for_place(const struct recovery *r)
{
	bool is_held = r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_LIMIT;

	return r->is_used && !r->has_place &&
	       (is_held || (r->rec.row == HOST_ROW_CONFIRMING && r->rec.told_hold == HOLD_LIMIT));
}

/* Who has waited longest of those that there is room for; NULL: nobody. A segment that is full keeps nobody of another one waiting. */
static struct recovery *next_in_line(struct engine *e)
{
	struct recovery *first = NULL;

	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		struct recovery *r = &e->recoveries[k];
		const struct host *h = r->is_used ? &e->hosts[r->host] : NULL;

		if (!waits_for_place(r) || (first && r->rec.opened_wall_ms >= first->rec.opened_wall_ms))
			continue;
		if (!limit_is_full(places_taken(e, r, h), h->policy.recoveries_n))
			first = r;
	}
	return first;
}

void limit_grant(struct engine *e)
{
	struct recovery *r;

	while (
	    e->recovery_n && !limit_is_full(places_taken(e, NULL, NULL), e->o.recoveries_n) && (r = next_in_line(e))) {
		r->has_place = true;
		if (r->rec.row != HOST_ROW_HELD)
			continue;
		work_wake_at(e, recovery_ref(e, r), e->now_ms);
		work_queue(e, recovery_ref(e, r));
	}
}

static bool say_places(char *ret, uint32_t n, uint32_t limit_n, const char *where)
{
	snprintf(ret, REASON_SIZE, "%u %s%s, no more than %u at once", n, n == 1 ? "recovery runs" : "recoveries run",
	    where, limit_n);
	return true;
}

static bool has_no_place(const struct engine *e, const struct host *h, const struct recovery *r, char *ret_why)
{
	uint32_t all = places_taken(e, r, NULL), own = places_taken(e, r, h);
	char where[SEGMENT_NAME_SIZE + 16];

	if (r->has_place)
		return false;
	snprintf(where, sizeof(where), " in segment %.50s", h->policy.segment_name);
	if (limit_is_full(own, h->policy.recoveries_n))
		return say_places(ret_why, own, h->policy.recoveries_n, where);
	return limit_is_full(all, e->o.recoveries_n) && say_places(ret_why, all, e->o.recoveries_n, "");
}

/* --- what the gate asks --- */

static bool is_too_few_up(const struct engine *e, const struct host *h, char *ret_why)
{
	uint32_t up = 0, n = 0, least;

	for (uint32_t k = 0; h->policy.healthy_percent && k < e->host_n; k++) {
		const struct host *other = &e->hosts[k];

		if (!other->policy.is_in_segment || other->policy.segment != h->policy.segment)
			continue;
		n++;
		up += other != h && host_is_seen_up(e, other, e->now_ms);
	}
	least = limit_up_least(n, h->policy.healthy_percent);
	if (up >= least)
		return false;
	snprintf(ret_why, REASON_SIZE,
	    "%u of %u hosts of segment %.50s would be left up, at least %u have to be (%u%%)", up, n,
	    h->policy.segment_name, least, h->policy.healthy_percent);
	return true;
}

static bool is_cooling(const struct engine *e, const struct host *h, char *ret_why)
{
	int64_t left_ms = limit_cooling_left_ms(e, h);

	if (!left_ms)
		return false;
	snprintf(ret_why, REASON_SIZE, "it was %s not long ago: not fenced again by itself for another %lld s",
	    h->rec.cooling_is_back ? "taken back" : "fenced", (long long)((left_ms + SECOND_MS - 1) / SECOND_MS));
	return true;
}

/* Who was held for this once waits for an operator, though the window goes on. */
static bool is_flapping(const struct engine *e, const struct host *h, const struct recovery *r, char *ret_why)
{
	int64_t window_ms = e->o.flap_window_ms;
	uint32_t n = limit_fences_within(h, e->now_ms, window_ms);
	bool is_long = window_ms >= HOUR_MS;

	if (!e->o.flaps_n || (n < e->o.flaps_n && r->rec.told_hold != HOLD_FLAPPING))
		return false;
	if (n < e->o.flaps_n)
		snprintf(ret_why, REASON_SIZE, "it was fenced too often before: somebody has to decide");
	else
		snprintf(ret_why, REASON_SIZE,
		    "fenced %u times within %lld %s, no more than %u by itself: somebody has to decide", n,
		    (long long)(window_ms / (is_long ? HOUR_MS : MINUTE_MS)), is_long ? "h" : "min", e->o.flaps_n);
	return true;
}

bool limit_holds(const struct engine *e, const struct host *h, const struct recovery *r, struct gate_answer *ret)
{
	/* what its own fence began is not held against it */
	bool is_begun = r->rec.id[0] && str_eq(h->rec.fenced_by, r->rec.id);

	ret->cause = HOLD_NONE;
	if (r->rec.operator_go || r->rec.proof.is_void || recovery_is_powerless(e, r))
		return false;
	if (!is_begun && is_flapping(e, h, r, ret->why))
		ret->cause = HOLD_FLAPPING;
	else if (!is_begun && is_cooling(e, h, ret->why))
		ret->cause = HOLD_COOL_DOWN;
	else if (is_too_few_up(e, h, ret->why))
		ret->cause = HOLD_HEALTHY;
	else if (has_no_place(e, h, r, ret->why))
		ret->cause = HOLD_LIMIT;
	return ret->cause != HOLD_NONE;
}

/* A cool-down ends at its own time, not with the next round of retries. */
int64_t limit_wait_ms(const struct engine *e, const struct recovery *r, int64_t budget_ms)
{
	int64_t left_ms = limit_cooling_left_ms(e, &e->hosts[r->host]);

	if (r->rec.row != HOST_ROW_HELD || r->rec.hold != HOLD_COOL_DOWN || !left_ms)
		return budget_ms;
	return left_ms < budget_ms ? left_ms : budget_ms;
}

/* --- what the rules hear of --- */

static void host_changed(struct engine *e, struct host *h)
{
	h->work.dirty = true;
	work_queue(e, host_ref(e, h));
}

static void cool_down_begins(struct engine *e, struct host *h, bool is_back)
{
	h->rec.cooling_wall_ms = e->wall_ms;
	h->rec.cooling_is_back = is_back;
	h->cooling_ms = e->now_ms;
	host_changed(e, h);
}

void limit_entered(struct engine *e, struct recovery *r)
{
	if (limit_row_runs(r->rec.row))
		r->has_place = true;
	if (r->rec.row == HOST_ROW_REENABLED)
		cool_down_begins(e, host_of(e, r), true);
}

/* One that was given a place is still to be looked at; one that was being fenced is being looked at again. */
static bool keeps_place(const struct recovery *r)
{
	return limit_row_runs(r->rec.row) || r->rec.row == HOST_ROW_CONFIRMING ||
	       (r->rec.row == HOST_ROW_HELD && r->rec.hold == HOLD_LIMIT);
}

void limit_recorded(struct engine *e, struct recovery *r)
{
	if (!r->has_place || r->work.dirty || keeps_place(r))
		return;
	r->has_place = false;
	limit_grant(e);
}

static void remember_fence(struct engine *e, struct recovery *r, int64_t wall_ms)
{
	struct host *h = host_of(e, r);

	memmove(&h->rec.fenced_wall_ms[1], &h->rec.fenced_wall_ms[0],
	    sizeof(h->rec.fenced_wall_ms) - sizeof(h->rec.fenced_wall_ms[0]));
	memmove(&h->fenced_ms[1], &h->fenced_ms[0], sizeof(h->fenced_ms) - sizeof(h->fenced_ms[0]));
	h->rec.fenced_wall_ms[0] = wall_ms ? wall_ms : 1;
	h->fenced_ms[0] = e->now_ms;
	str_copy(h->rec.fenced_by, sizeof(h->rec.fenced_by), r->rec.id);
	cool_down_begins(e, h, false);
}

void limit_fenced(struct engine *e, struct recovery *r)
{
	if (!str_eq(host_of(e, r)->rec.fenced_by, r->rec.id))
		remember_fence(e, r, e->wall_ms);
}

/* A kill right behind a power-off or a return may have lost the host's record; its recovery's was durable before. */
void limit_resumed(struct engine *e, struct recovery *r)
{
	bool is_cut = r->rec.off_attempt || r->rec.proof.kind == PROOF_POWER;
	bool is_open = !(host_step_of(r->rec.row)->flags & STEP_FINAL);

	r->has_place = limit_row_runs(r->rec.row);
	if (r->rec.row == HOST_ROW_REENABLED && !host_of(e, r)->rec.cooling_wall_ms)
		cool_down_begins(e, host_of(e, r), true);
	if (is_open && is_cut && !str_eq(host_of(e, r)->rec.fenced_by, r->rec.id))
		remember_fence(e, r, r->rec.stamp_wall_ms[HOST_ROW_FENCING]);
}

void limit_host_taken(struct engine *e, struct host *h)
{
	h->cooling_ms = e->now_ms;
	for (uint32_t k = 0; k < FENCE_MEMORY_MAX && h->rec.fenced_wall_ms[k]; k++) {
		int64_t age_ms = e->wall_ms - h->rec.fenced_wall_ms[k];

		h->fenced_ms[k] = e->now_ms - (age_ms > 0 ? age_ms : 0);
		if (age_ms >= 0)
			continue;
		h->rec.fenced_wall_ms[k] = e->wall_ms;
		host_changed(e, h);
	}
}

void limit_forget(struct engine *e, struct host *h)
{
	uint32_t n = limit_fences_within(h, e->now_ms, e->o.flap_window_ms), dropped = 0, old = 0;

	if (h->rec.cooling_wall_ms && !limit_cooling_left_ms(e, h)) {
		h->rec.cooling_wall_ms = 0;
		host_changed(e, h);
	}
	for (uint32_t k = n; k < FENCE_MEMORY_MAX && h->rec.fenced_wall_ms[k]; k++) {
		old += h->fenced_ms[k] < e->started_ms;
		h->rec.fenced_wall_ms[k] = 0;
		dropped++;
	}
	if (!dropped)
		return;
	host_changed(e, h);
	if (old)
		engine_log(e, 5,
		    "%s: %u fence%s of before this start, by the wall clock older than recovery.flap-window: forgotten",
		    h->rec.name, old, old == 1 ? "" : "s");
}
