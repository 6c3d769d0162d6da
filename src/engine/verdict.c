/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence to verdict. A host is down when every monitor that its policy names says dead and none says alive; any sign of life among
 * them makes it degraded at most; what nobody knows makes it suspect or unknown, never down. Evidence ages: after its expiry it says
 * nothing. The second, small rule table stands here too: when a recovery is opened.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/limit.h"
#include "engine/state.h"

enum {
	/* nova keeps updated_at in whole seconds: so long may a record stand still though its host reports */
	NOVA_ROUNDING_MS = 1000,
	REPORTS_WITHIN =
	    4, /* a host that lives reports within this share of service_down_time; nova's defaults are 10 s and 60 s */
};

static enum sign sign_now(
    const struct engine *e, const struct host *h, uint32_t m, int64_t now_ms, int64_t not_before_ms)
{
	if (h->evidence[m].expires_ms <= now_ms || h->evidence[m].seen_ms < not_before_ms || e->monitor_bad[m])
		return SIGN_UNKNOWN;
	return h->evidence[m].sign;
}

enum verdict host_verdict(const struct engine *e, const struct host *h, int64_t now_ms, int64_t not_before_ms)
{
	uint32_t alive = 0, dead = 0, wanted = 0;

	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		enum sign s = sign_now(e, h, m, now_ms, not_before_ms);

		if (!(h->policy.must_be_dead & (1u << m)))
			continue;
		wanted++;
		alive += s == SIGN_ALIVE;
		dead += s == SIGN_DEAD;
	}
	if (alive && dead)
		return VERDICT_DEGRADED;
	if (alive)
		return VERDICT_UP;
	if (wanted && dead == wanted)
		return VERDICT_DOWN;
	return dead ? VERDICT_SUSPECT : VERDICT_UNKNOWN;
}

bool host_is_seen_up(const struct engine *e, const struct host *h, int64_t now_ms)
{
	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		if ((h->policy.must_be_dead & (1u << m)) && sign_now(e, h, m, now_ms, 0) != SIGN_ALIVE)
			return false;
	}
	return h->policy.must_be_dead != 0;
}

bool host_is_up_in_nova(const struct engine *e, const struct host *h, int64_t now_ms)
{
	return !h->forced_down && !h->disabled && sign_now(e, h, 0, now_ms, 0) == SIGN_ALIVE;
}

int64_t host_mistaken_ms(const struct engine *e, const struct host *h, int64_t now_ms)
{
	int64_t silent_ms = now_ms - h->reported_ms - NOVA_ROUNDING_MS;
	bool is_dead = false;

	for (uint32_t m = 1; m < e->o.monitor_n; m++)
		is_dead |= (h->policy.must_be_dead & (1u << m)) && sign_now(e, h, m, now_ms, 0) == SIGN_DEAD;
	/* one that lives and cannot be probed goes on reporting */
	if (!is_dead || !h->reported_ms || silent_ms < e->o.service_down_time_ms / REPORTS_WITHIN ||
	    !host_is_up_in_nova(e, h, now_ms))
		return -1;
	return silent_ms < e->o.service_down_time_ms ? e->o.service_down_time_ms - silent_ms : 0;
}

/* Silent before we stood still and silent now: it may have come back and gone again in between, unless its death is proven. */
static bool may_be_silent_anew(const struct engine *e, const struct host *h, const int64_t ms[], uint32_t n)
{
	const struct recovery *r = h->recovery == NIL ? NULL : &e->recoveries[h->recovery];
	bool is_older = false;

	for (uint32_t k = 0; k < n; k++)
		is_older = is_older || ms[k] <= e->stalled_ms;
	return e->stalled_ms && is_older && !(r && recovery_proof_holds(r));
}

/* Its record in Nova stands still for longer than a report may take, though Nova still calls it up. */
static bool is_overdue(const struct engine *e, const struct host *h, int64_t now_ms, int64_t *ret_since_ms)
{
	*ret_since_ms = h->reported_ms + e->o.service_down_time_ms / 2 + NOVA_ROUNDING_MS;
	return h->reported_ms && *ret_since_ms <= h->listed_ms && sign_now(e, h, 0, now_ms, 0) == SIGN_ALIVE;
}

/*
 * Any monitor of its policy that says dead, whatever the others say; and a record that stands still for half of Nova's patience while Nova
 * still calls it up. Without these, hosts that went silent together would be found out one after the other, and the first ones fenced
 * before there are too many.
 */
uint32_t host_silences(const struct engine *e, const struct host *h, int64_t now_ms, int64_t ret_ms[SILENCES_MAX])
{
	int64_t overdue_ms;
	uint32_t n = 0;

	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		if ((h->policy.must_be_dead & (1u << m)) && h->evidence[m].sign == SIGN_DEAD)
			ret_ms[n++] = h->evidence[m].since_ms;
	}
	if (h->dead_since_ms != NEVER_MS)
		ret_ms[n++] = h->dead_since_ms;
	if (is_overdue(e, h, now_ms, &overdue_ms))
		ret_ms[n++] = overdue_ms;
	if (may_be_silent_anew(e, h, ret_ms, n))
		ret_ms[n++] = e->stalled_ms;
	return n;
}

uint32_t host_silent_paths(const struct engine *e, const struct host *h, int64_t now_ms)
{
	uint32_t silent = 0;
	int64_t since_ms;

	for (uint32_t m = 0; m < e->o.monitor_n; m++) {
		if (h->evidence[m].sign == SIGN_DEAD || (!m && is_overdue(e, h, now_ms, &since_ms)))
			silent |= 1u << m;
	}
	return silent & h->policy.must_be_dead;
}

static int64_t wall_of(const struct engine *e, int64_t at_ms)
{
	return at_ms ? e->wall_ms - (e->now_ms - at_ms) : 0;
}

void host_weigh(const struct engine *e, const struct host *h, int64_t not_before_ms, struct recovery_record *ret)
{
	uint32_t n = 0;

	memset(ret->sightings, 0, sizeof(ret->sightings));
	for (uint32_t k = 0; k < 2 * e->o.monitor_n && n < SIGHTING_MAX; k++) {
		bool is_asked = k < e->o.monitor_n; /* once round for those that the policy asks, once for the others */
		uint32_t m = is_asked ? k : k - e->o.monitor_n;
		struct sighting *s = &ret->sightings[n];

		if (is_asked != ((h->policy.must_be_dead & (1u << m)) != 0))
			continue;
		n++;
		str_copy(s->monitor, sizeof(s->monitor), e->o.monitor_name[m] ? e->o.monitor_name[m] : "?");
		str_copy(s->path, sizeof(s->path), e->o.monitor_path[m]);
		s->sign = sign_now(e, h, m, e->now_ms, not_before_ms);
		s->is_asked = is_asked;
		s->seen_wall_ms = wall_of(e, h->evidence[m].seen_ms);
		s->since_wall_ms = wall_of(e, h->evidence[m].since_ms);
	}
	ret->weighed_wall_ms = e->wall_ms;
}

static void host_dirty(struct engine *e, struct host *h)
{
	h->work.dirty = true;
	work_queue(e, host_ref(e, h));
}

/*
 * Monitors that disagree for a while are told once: typically a crashed nova-compute on a healthy host. Never fenced. Nova calls every
 * dead host up for a service_down_time still; that is no disagreement but its way of counting.
 */
static void host_look_degraded(struct engine *e, struct host *h, enum verdict v)
{
	bool nova_sees_it = sign_now(e, h, 0, e->now_ms, 0) == SIGN_ALIVE;
	int64_t patience_ms = e->o.degraded_after_ms + (nova_sees_it ? e->o.service_down_time_ms : 0);
	char key[HOST_NAME_SIZE + 32];

	if (v == VERDICT_UP && h->rec.degraded_told) {
		h->rec.degraded_told = false;
		host_dirty(e, h);
	}
	if (v != VERDICT_DEGRADED) {
		h->odd_since_ms = NEVER_MS;
		return;
	}
	if (h->odd_since_ms == NEVER_MS)
		h->odd_since_ms = e->now_ms;
	if (h->rec.degraded_told || h->recovery != NIL || h->disabled || e->now_ms - h->odd_since_ms < patience_ms)
		return;
	snprintf(key, sizeof(key), "degraded/%s", h->rec.name);
	if (!engine_alert(e, key, "host %s is degraded: %s. It is not fenced.", h->rec.name,
		nova_sees_it ? "its nova-compute reports, but another monitor says dead"
			     : "Nova says down but it still answers; nova-compute may have crashed"))
		return; /* said with the next evidence */
	engine_log(e, 4, "%s: degraded: some monitors say dead, another sees it alive; not fenced", h->rec.name);
	h->rec.degraded_told = true;
	host_dirty(e, h);
}

void host_observe(struct engine *e, struct host *h, const char *recovery)
{
	h->rec.observed = (struct observed){0};
	str_copy(h->rec.observed.recovery, sizeof(h->rec.observed.recovery), recovery);
	host_dirty(e, h);
}

/* One of the things that happen after a death that was only observed: the first time counts. */
static void host_observed(struct engine *e, struct host *h, int64_t *at_wall_ms)
{
	if (!h->rec.observed.recovery[0] || h->rec.observed.alive_wall_ms || *at_wall_ms)
		return;
	*at_wall_ms = e->wall_ms;
	host_dirty(e, h);
}

/*
 * What new evidence changes. First match:
 *   a recovery is open        -> it is told of a sign of life
 *   seen alive                -> an earlier death is over
 *   dead, and not dealt with  -> a recovery is opened
 */
void host_look(struct engine *e, struct host *h)
{
	enum verdict v = host_verdict(e, h, e->now_ms, 0);
	bool looks_dead = v == VERDICT_DOWN || v == VERDICT_SUSPECT;

	if (!looks_dead && v != VERDICT_UNKNOWN && h->dead_since_ms != NEVER_MS) {
		h->back_from_ms = h->dead_since_ms;
		h->back_ms = e->now_ms;
	}
	if (!looks_dead)
		h->dead_since_ms = v == VERDICT_UNKNOWN ? h->dead_since_ms : NEVER_MS;
	else if (h->dead_since_ms == NEVER_MS)
		h->dead_since_ms = e->now_ms;
	for (uint32_t l = 0; l < FENCE_LEVEL_MAX && v != VERDICT_UP; l++)
		h->off_since_ms[l] = NEVER_MS;
	host_look_degraded(e, h, v);
	limit_forget(e, h);
	if (v == VERDICT_UP || v == VERDICT_DEGRADED)
		host_observed(e, h, &h->rec.observed.alive_wall_ms);
	if (h->recovery != NIL)
		return;
	if ((v == VERDICT_UP || v == VERDICT_DEGRADED) && h->rec.death_told) {
		h->rec.death_told = false;
		host_dirty(e, h);
	}
	if (looks_dead && !h->rec.death_told && e->epoch)
		recovery_open(e, h);
}

void host_take_evidence(struct engine *e, const struct engine_evidence *ev)
{
	struct host *h = ev->host < e->host_n ? &e->hosts[ev->host] : NULL;
	bool changed;

	if (!h || ev->monitor >= e->o.monitor_n)
		return;
	changed = h->evidence[ev->monitor].sign != ev->sign;
	if (changed)
		h->evidence[ev->monitor].since_ms = ev->seen_ms;
	h->evidence[ev->monitor].sign = ev->sign;
	h->evidence[ev->monitor].seen_ms = ev->seen_ms;
	h->evidence[ev->monitor].expires_ms = ev->expires_ms;
	if (h->recovery != NIL && ev->sign == SIGN_ALIVE) {
		struct recovery *r = &e->recoveries[h->recovery];

		if (ev->seen_ms > r->proof_ms && (h->policy.must_be_dead & (1u << ev->monitor)))
			recovery_sign_of_life(e, r, e->o.monitor_name[ev->monitor]);
	}
	host_look(e, h);
}

void host_take_service(struct engine *e, const struct engine_service *s)
{
	struct host *h = s->host < e->host_n ? &e->hosts[s->host] : NULL;
	struct recovery *r;

	/* of a cell that cannot be reached nova shows that there is such a service and nothing else: what was known stays */
	if (!h || (s->view->state == SIGN_UNKNOWN && !s->view->updated_at_ms))
		return;
	h->service_known = true;
	h->disabled = s->view->disabled;
	h->forced_down = s->view->forced_down;
	if (h->updated_at_ms != s->view->updated_at_ms || !h->reported_ms)
		h->reported_ms = s->asked_ms;
	h->listed_ms = s->asked_ms;
	h->updated_at_ms = s->view->updated_at_ms;
	str_copy(h->disabled_reason, sizeof(h->disabled_reason), s->view->disabled_reason);
	r = h->recovery == NIL ? NULL : &e->recoveries[h->recovery];
	if (h->forced_down && !(r && r->rec.we_forced_down))
		host_observed(e, h, &h->rec.observed.forced_down_wall_ms);
	if (!r || !r->baseline_asked_ms || s->asked_ms < r->baseline_asked_ms)
		return;
	/* Our own PUTs move updated_at: the first record asked for after the last of them is what later ones are compared with. */
	if (!r->baseline_updated_ms)
		r->baseline_updated_ms = s->view->updated_at_ms ? s->view->updated_at_ms : 1;
	else if (s->view->updated_at_ms > r->baseline_updated_ms)
		recovery_compute_reports(e, r);
}

/*
 * Off for a living host means that the device is another machine's. But a host that died a moment ago still looks alive, in Nova for a
 * whole service_down_time: only a host that was up all the while between two readings that far apart is a living one.
 */
static bool is_wrongly_mapped(struct engine *e, struct host *h, uint32_t level)
{
	int64_t patience_ms = e->o.service_down_time_ms + e->o.recheck_after_ms;

	if (h->off_since_ms[level] == NEVER_MS)
		h->off_since_ms[level] = e->now_ms;
	return e->now_ms - h->off_since_ms[level] > patience_ms;
}

void host_take_device(struct engine *e, uint32_t host, uint32_t level, enum power power)
{
	struct host *h = host < e->host_n ? &e->hosts[host] : NULL;
	uint32_t bit, seen_on, miswired;
	char key[HOST_NAME_SIZE + 32];

	if (!h || level >= h->policy.level_n || h->recovery != NIL || power == POWER_UNKNOWN)
		return;
	if (host_verdict(e, h, e->now_ms, 0) != VERDICT_UP) {
		if (host_level_is_usable(h, level))
			host_observed(
			    e, h, power == POWER_ON ? &h->rec.observed.on_wall_ms : &h->rec.observed.off_wall_ms);
		return;
	}
	bit = 1u << level; /* below FENCE_LEVEL_MAX */
	if (power != POWER_OFF)
		h->off_since_ms[level] = NEVER_MS;
	else if (!is_wrongly_mapped(e, h, level))
		return;
	seen_on = power == POWER_ON ? h->rec.seen_on | bit : h->rec.seen_on & ~bit;
	miswired = power == POWER_OFF ? h->rec.miswired | bit : h->rec.miswired & ~bit;
	if (power == POWER_OFF && !(h->rec.miswired & bit)) {
		snprintf(key, sizeof(key), "miswired/%s/%u", h->rec.name, level);
		engine_log(e, 2, "%s: fence device %s reads off while the host is alive: wrongly mapped, not used",
		    h->rec.name, h->policy.level[level].device);
		engine_alert(e, key,
		    "fence device %s of host %s reads off while the host is alive. It belongs to another machine: "
		    "correct the configuration. Until then %s cannot be fenced by it.",
		    h->policy.level[level].device, h->rec.name, h->rec.name);
	}
	if (seen_on == h->rec.seen_on && miswired == h->rec.miswired &&
	    h->rec.device_key[level] == h->policy.level[level].key)
		return;
	h->rec.seen_on = seen_on;
	h->rec.miswired = miswired;
	h->rec.device_key[level] = h->policy.level[level].key;
	host_dirty(e, h);
}

void engine_host_set_policy(struct engine *e, uint32_t host, const struct host_policy *policy)
{
	e->hosts[host].policy = *policy;
	host_forget_devices(&e->hosts[host]);
}

void host_forget_devices(struct host *h)
{
	for (uint32_t l = 0; l < FENCE_LEVEL_MAX; l++) {
		if (l < h->policy.level_n && h->rec.device_key[l] == h->policy.level[l].key)
			continue;
		h->rec.seen_on &= ~(1u << l);
		h->rec.miswired &= ~(1u << l);
		h->rec.device_key[l] = 0;
	}
}
