/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The breaker: when the silence of a host is more likely somebody else's failure than its own. Evidence is weighed: hosts that are silent on
 * every path weigh more than those that one monitor misses, a whole segment or a whole path more than its number says. What it holds is
 * let go by rate, so that a wrong judgement shows before it reached every host. A host whose own device reads off is not asked about here.
 */
#include <stdio.h>

#include "engine/state.h"

enum {
	WHOLE_LEAST = 3, /* fewer hosts are no segment and no path that could fail as a whole */
	NEARLY_ALL = 90, /* percent */
	HARDLY = 50, /* percent: a monitor that says dead of fewer hosts contradicts one that says so of nearly all */
	CHANCE_MOST = 10, /* thousandths of a host */
	MINUTE_MS = 60000,
};

struct silences {
	int64_t ms[SILENCES_MAX];
	uint32_t n;
};

/* What is silent together with one host. */
struct tally {
	uint32_t any, all;                /* on any of its paths; on all of them */
	uint32_t living;                  /* silent on none */
	uint32_t members, silent_members; /* of its segment */
	uint32_t
	    alone[MONITOR_MAX]; /* that one monitor misses and another one of their policy does not, since whenever */
};

/* Any silence of the one within one service_down_time of any of the other. */
static bool is_together(const struct engine *e, const struct silences *a, const struct silences *b)
{
	for (uint32_t k = 0; k < a->n * b->n; k++) {
		int64_t apart_ms = a->ms[k / b->n] - b->ms[k % b->n];

		if (apart_ms <= e->o.service_down_time_ms && apart_ms >= -e->o.service_down_time_ms)
			return true;
	}
	return false;
}

/* It went silent with them and was heard again a moment ago: those that are left are likely to live as well, and come back next. */
static bool is_just_back(const struct engine *e, const struct host *h, const struct silences *own, int64_t now_ms)
{
	struct silences from = {.ms = {h->back_from_ms}, .n = 1};

	return h->back_ms && now_ms - h->back_ms < e->o.service_down_time_ms && is_together(e, &from, own);
}

static void count_alone(const struct engine *e, const struct host *h, uint32_t silent, struct tally *t)
{
	for (uint32_t m = 0; m < e->o.monitor_n && silent != h->policy.must_be_dead; m++)
		t->alone[m] += (silent >> m) & 1;
}

static bool is_mate(const struct host *of, const struct host *h)
{
	return of->policy.is_in_segment && h->policy.is_in_segment && h->policy.segment == of->policy.segment &&
	       !h->rec.maintenance;
}

static const struct recovery *open_recovery(const struct engine *e, const struct host *h)
{
	return h->recovery == NIL ? NULL : &e->recoveries[h->recovery];
}

/* After a start all silences seem to have begun together. Those proven dead before it are no news, unless they were held together with this one. */
static bool is_news(const struct engine *e, const struct host *of, const struct host *h)
{
	const struct recovery *own = open_recovery(e, of), *r = open_recovery(e, h);
	int64_t apart_ms;

	if (!r || r->proof_ms || !recovery_proof_holds(r))
		return true;
	if (!own || !own->rec.mass_held || !r->rec.mass_held)
		return false;
	apart_ms = own->rec.opened_wall_ms - r->rec.opened_wall_ms;
	return apart_ms <= e->o.service_down_time_ms && apart_ms >= -e->o.service_down_time_ms;
}

/* Hosts that went silent together with this one. */
static struct tally count_silent(const struct engine *e, const struct host *of, int64_t now_ms)
{
	struct silences own, its;
	struct tally t = {0};

	own.n = host_silences(e, of, now_ms, own.ms);
	for (uint32_t k = 0; k < e->host_n; k++) {
		const struct host *h = &e->hosts[k];
		bool counts = is_news(e, of, h), is_silent, is_back;
		uint32_t silent = host_silent_paths(e, h, now_ms);

		its.n = host_silences(e, h, now_ms, its.ms);
		is_back = is_just_back(e, h, &own, now_ms);
		is_silent = is_back || (counts && is_together(e, &its, &own));
		t.living += its.n == 0;
		t.any += is_silent;
		t.all += is_silent && (is_back || silent == h->policy.must_be_dead);
		count_alone(e, h, silent, &t);
		t.members += counts && is_mate(of, h);
		t.silent_members += is_silent && is_mate(of, h);
	}
	return t;
}

static bool is_nearly_all(uint32_t n, uint32_t of)
{
	return of >= WHOLE_LEAST && (uint64_t)n * 100 >= (uint64_t)of * NEARLY_ALL;
}

/* How many hosts this monitor calls dead, of those whose policy asks it. */
static uint32_t count_dead(const struct engine *e, uint32_t monitor, uint32_t *ret_asked)
{
	uint32_t dead = 0, asked = 0;

	for (uint32_t k = 0; k < e->host_n; k++) {
		if (!(e->hosts[k].policy.must_be_dead & (1u << monitor)))
			continue;
		asked++;
		dead += e->hosts[k].evidence[monitor].sign == SIGN_DEAD;
	}
	*ret_asked = asked;
	return dead;
}

/* A monitor that calls nearly everything dead while another one sees most of it alive looks down a path that failed: it is blind. */
static bool is_path_blind(const struct engine *e, const struct host *h, char *ret_why, size_t size)
{
	uint32_t dead[MONITOR_MAX], asked[MONITOR_MAX];

	for (uint32_t m = 0; m < e->o.monitor_n; m++)
		dead[m] = count_dead(e, m, &asked[m]);
	for (uint32_t k = 0; k < e->o.monitor_n * e->o.monitor_n; k++) {
		uint32_t m = k / e->o.monitor_n, other = k % e->o.monitor_n;

		if (!(h->policy.must_be_dead & (1u << m)) || !is_nearly_all(dead[m], asked[m]) ||
		    asked[other] < WHOLE_LEAST || dead[other] * 100 >= asked[other] * HARDLY)
			continue;
		snprintf(ret_why, size, "monitor %s calls %u of %u hosts dead and %s does not: its path has failed",
		    e->o.monitor_name[m], dead[m], asked[m], e->o.monitor_name[other]);
		return true;
	}
	return false;
}

/* Where every path has failures of its own, some hosts are silent on all of them by chance: so many thousandths of a host are to be expected. */
static uint64_t chance_per_mille(const struct engine *e, const struct host *h, const struct tally *t)
{
	uint64_t expected = UINT64_C(1000) * e->host_n, paths = 0;

	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		if (!(h->policy.must_be_dead & (1u << m)))
			continue;
		expected = expected * t->alone[m] / e->host_n;
		paths++;
	}
	return paths > 1 ? expected : 0;
}

bool breaker_holds(const struct engine *e, const struct host *h, int64_t now_ms, char *ret_why, size_t size)
{
	uint32_t share = (uint32_t)((uint64_t)e->host_n * e->o.mass_per_mille / 1000);
	uint32_t limit = share > e->o.mass_hosts_n ? share : e->o.mass_hosts_n;
	struct tally t = count_silent(e, h, now_ms);
	long long window_s = (long long)(e->o.service_down_time_ms / 1000);

	if (t.any > limit)
		snprintf(ret_why, size,
		    "%u of %u hosts went silent within %lld s, more than %u: the cloud's failure, not the hosts'",
		    t.any, e->host_n, window_s, limit);
	else if (!t.living && t.any > 1)
		snprintf(
		    ret_why, size, "all %u hosts went silent together: the cloud's failure, not the hosts'", t.any);
	else if (is_nearly_all(t.silent_members, t.members))
		snprintf(ret_why, size,
		    "%u of the %u hosts of its segment went silent within %lld s: the segment's failure",
		    t.silent_members, t.members, window_s);
	else if (t.all > e->o.mass_hosts_n)
		snprintf(ret_why, size, "%u hosts went silent on every path within %lld s, more than %u", t.all,
		    window_s, e->o.mass_hosts_n);
	else if (chance_per_mille(e, h, &t) >= CHANCE_MOST)
		snprintf(ret_why, size,
		    "hosts are silent on each path alone (%u on that of %s): this one may be so on all by chance",
		    t.alone[0], e->o.monitor_name[0]);
	else
		return is_path_blind(e, h, ret_why, size);
	return true;
}

/* Hosts of which a monitor of their policy has said nothing since @since_ms: they may be silent too. */
static uint32_t count_unheard(const struct engine *e, const struct host *of, int64_t since_ms)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < e->host_n; k++) {
		const struct host *h = &e->hosts[k];
		bool is_unheard = false;

		for (uint32_t m = 0; m < e->o.monitor_n && h != of; m++)
			is_unheard |= (h->policy.must_be_dead & (1u << m)) && !e->monitor_bad[m] &&
				      (h->evidence[m].seen_ms < since_ms || h->evidence[m].sign == SIGN_UNKNOWN);
		n += is_unheard;
	}
	return n;
}

bool breaker_is_early(const struct engine *e, const struct host *h, int64_t now_ms)
{
	int64_t since_ms = e->stalled_ms > e->started_ms ? e->stalled_ms : e->started_ms;
	uint32_t unheard;

	if (now_ms - since_ms >= e->o.look_timeout_ms)
		return false; /* who has not been heard of by now will not be */
	unheard = count_unheard(e, h, since_ms);
	return unheard && count_silent(e, h, now_ms).any + unheard > e->o.mass_hosts_n;
}

/* --- letting go by rate --- */

static bool is_paced(const struct engine *e, const struct recovery *r)
{
	return r->is_used && r->rec.mass_held && e->o.mass_resume_n && !recovery_proof_holds(r) &&
	       !recovery_is_powerless(e, r);
}

static bool is_waiting(const struct engine *e, const struct recovery *r)
{
	return is_paced(e, r) && !r->has_turn && !(host_step_of(r->rec.row)->flags & STEP_FINAL);
}

bool breaker_paces(const struct engine *e, const struct recovery *r, int64_t now_ms, struct gate_answer *ret)
{
	int64_t between_ms = e->o.mass_resume_n ? MINUTE_MS / e->o.mass_resume_n : 0, next_ms = e->turn_ms + between_ms;
	uint32_t waiting = 0, before = 0, gone = 0;

	if (!is_paced(e, r) || r->has_turn || !e->turn_ms || now_ms >= next_ms)
		return false;
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		const struct recovery *other = &e->recoveries[k];

		waiting += other->is_used && is_waiting(e, other);
		before += other < r && is_waiting(e, other);
		gone += other->is_used && other->rec.mass_held && (other->has_turn || recovery_proof_holds(other));
	}
	ret->again_ms = next_ms + before * between_ms;
	snprintf(ret->why, sizeof(ret->why),
	    "let go after a mass failure, %u a minute: %u of %u have been fenced, the next one in %lld s",
	    e->o.mass_resume_n, gone, gone + waiting, (long long)((next_ms - now_ms + 999) / 1000));
	return true;
}

void breaker_take_turn(struct engine *e, struct recovery *r)
{
	if (!is_paced(e, r) || r->has_turn)
		return;
	r->has_turn = true;
	e->turn_ms = e->now_ms;
}

void breaker_resume(struct engine *e)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		const struct recovery *r = &e->recoveries[k];

		if (r->is_used && r->rec.mass_held && r->rec.stamp_wall_ms[HOST_ROW_FENCING])
			e->turn_ms = e->now_ms;
	}
}
