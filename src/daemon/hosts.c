/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts: they join by themselves when Nova lists them, get their policy from the configuration, and what the monitors see of them goes
 * to the engine. Evidence is gathered for one turn of the loop, so that a thousand probes are a few steps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/call.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/log.h"

enum { HOSTS_FIRST = 64 };

static const struct monitor_driver *const DRIVERS[CONFIG_MONITOR_N] = {
    [CONFIG_MONITOR_NOVA] = &monitor_nova, [CONFIG_MONITOR_PROBE] = &monitor_probe};

static bool hosts_room(struct daemon *d, uint32_t n)
{
	uint32_t cap = d->host_cap ? d->host_cap : HOSTS_FIRST;
	struct daemon_host *more;

	while (cap < n)
		cap *= 2;
	if (recorder_reserve(d, cap, engine_instance_n(d->engine)) < 0)
		return false;
	if (cap == d->host_cap)
		return true;
	more = realloc(d->hosts, cap * sizeof(*more));
	if (!more)
		return false;
	memset(more + d->host_cap, 0, (cap - d->host_cap) * sizeof(*more));
	d->hosts = more;
	d->host_cap = cap;
	return true;
}

uint32_t hosts_join(struct daemon *d, const char *name)
{
	uint32_t host = engine_host_find(d->engine, name);

	if (host != UINT32_MAX)
		return host;
	if (!hosts_room(d, engine_host_n(d->engine) + 1))
		return UINT32_MAX;
	host = recorder_host_add(d, name);
	if (host == UINT32_MAX)
		return host;
	d->hosts[host] = (struct daemon_host){.read_next_ms = 0};
	str_copy(d->hosts[host].name, sizeof(d->hosts[host].name), name);
	hosts_policy(d, host);
	return host;
}

/* Monitors that must all say dead. One without an address has no second witness; whether one is enough was written down or not. */
static uint32_t mask_of(const struct config_host *h)
{
	uint32_t nova = 1u << CONFIG_MONITOR_NOVA, probe = 1u << CONFIG_MONITOR_PROBE, mask;

	if (!h->segment)
		return h->address[0] ? nova | probe : nova;
	mask = h->segment->down_when;
	if (!h->address[0] && h->segment->single_source == CONFIG_SINGLE_ACCEPTED)
		mask &= ~probe;
	return mask ? mask : nova;
}

static enum host_mode mode_of(const struct config_segment *s)
{
	static const enum host_mode modes[CONFIG_MODE_N] = {[CONFIG_MODE_AUTOMATIC] = MODE_AUTOMATIC,
	    [CONFIG_MODE_ASK] = MODE_ASK,
	    [CONFIG_MODE_OBSERVE] = MODE_OBSERVE};

	return s ? modes[s->mode] : MODE_AUTOMATIC;
}

/* What keeps it from being fenced for a while, as the configuration has it; see engine/calm.c. */
static void calm_of(const struct config *cfg, const char *host, const struct config_segment *s, struct host_policy *p)
{
	p->is_control_plane = !cfg->fence_control_plane && config_is_control_plane(cfg, host);
	if (!s)
		return;
	str_copy(p->segment_name, sizeof(p->segment_name), s->name);
	for (size_t k = 0; k < s->windows.n && p->window_n < WINDOW_MAX; k++)
		p->window_n += window_read(s->windows.items[k], &p->window[p->window_n]);
}

/* Which other host has a device of this one? Neither may use it: cutting one host's power could cut the other's. */
static uint32_t shares_with(const struct daemon *d, uint32_t host)
{
	const struct daemon_host *h = &d->hosts[host];

	for (uint32_t k = 0; k < engine_host_n(d->engine); k++) {
		const struct daemon_host *other = &d->hosts[k];

		for (uint32_t l = 0; k != host && l < other->device_n * h->device_n; l++) {
			if (other->device_key[l / h->device_n] == h->device_key[l % h->device_n])
				return k;
		}
	}
	return UINT32_MAX;
}

static void levels_of(struct daemon *d, uint32_t host, const struct config_host *from, struct host_policy *p)
{
	struct daemon_host *h = &d->hosts[host];

	for (size_t l = 0; l < from->level_n; l++) {
		struct host_policy_level *to = &p->level[p->level_n];

		str_copy(to->device, sizeof(to->device), from->levels[l]->name);
		to->key = config_device_key(d->cfg, h->name, l);
		to->attempts = (uint32_t)from->levels[l]->attempts;
		to->timeout_ms = from->levels[l]->timeout_ms;
		h->device_key[p->level_n++] = to->key;
	}
	h->device_n = h->level_n = p->level_n;
}

static void limits_of(const struct daemon *d, const struct config_segment *s, struct host_policy *p)
{
	p->segment = UINT32_MAX;
	if (!s)
		return;
	p->segment = (uint32_t)(s - d->cfg->segments.items);
	p->recoveries_n = (uint32_t)s->recoveries_at_once;
	p->healthy_percent = (uint32_t)s->healthy_at_least;
}

static void policy_set(struct daemon *d, uint32_t host, bool has_device_alone)
{
	struct daemon_host *h = &d->hosts[host];
	struct host_policy p = {0};
	struct config_host from;
	struct osha_err err = {0};

	p.is_in_segment = config_host_resolve(d->cfg, h->name, &from) == CONFIG_HOST_FOUND && !h->is_gone;
	p.must_be_dead = mask_of(&from);
	p.recover_disabled = from.segment && from.segment->recover_disabled;
	p.let_return = from.segment && from.segment->let_return;
	p.mode = mode_of(from.segment);
	calm_of(d->cfg, h->name, from.segment, &p);
	limits_of(d, from.segment, &p);
	levels_of(d, host, &from, &p);
	if (!has_device_alone)
		p.level_n = h->level_n = 0;
	recorder_host_set_policy(d, host, &p);
	if (d->monitor[CONFIG_MONITOR_PROBE] &&
	    monitor_probe.host_set(d->monitor[CONFIG_MONITOR_PROBE], h->name, from.address, &err) < 0)
		log_printf(LOG_P_ERR, "%s", err.msg);
}

void hosts_policy(struct daemon *d, uint32_t host)
{
	char key[HOST_NAME_SIZE + 32], text[ENGINE_TEXT_SIZE];
	uint32_t other;

	policy_set(d, host, true);
	other = shares_with(d, host);
	if (other == UINT32_MAX)
		return;
	snprintf(key, sizeof(key), "shared/%s", d->hosts[host].name);
	snprintf(text, sizeof(text), "%.120s and %.120s have one fence device and plug: neither can be fenced",
	    d->hosts[host].name, d->hosts[other].name);
	telling_alert(d, key, text);
	policy_set(d, host, false);
	policy_set(d, other, false);
}

void hosts_policy_all(struct daemon *d)
{
	for (uint32_t k = 0; k < engine_host_n(d->engine); k++)
		hosts_policy(d, k);
}

/* --- what monitors see --- */

void hosts_evidence_flush(struct daemon *d)
{
	struct engine_event ev = {.type = ENGINE_EVIDENCE, .evidence.all = d->evidence, .evidence.n = d->evidence_n};

	io_timer_stop(&d->flush_timer);
	if (!d->evidence_n)
		return;
	d->evidence_n = 0; /* the engine reads the array before anything can be added to it */
	daemon_event(d, &ev, NULL);
}

static void evidence_flush(void *arg)
{
	hosts_evidence_flush(arg);
}

static void take_evidence(void *arg, const struct driver_evidence *all, uint32_t n, uint32_t monitor)
{
	struct daemon *d = arg;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t host = engine_host_find(d->engine, all[k].host);

		if (host == UINT32_MAX)
			continue;
		if (d->evidence_n == DAEMON_EVIDENCE_MAX)
			hosts_evidence_flush(d);
		d->evidence[d->evidence_n++] =
		    (struct engine_evidence){host, monitor, all[k].sign, all[k].seen_ms, all[k].expires_ms};
	}
	if (d->evidence_n && !io_timer_is_armed(&d->flush_timer))
		io_timer_start(d->loop, &d->flush_timer, 0, 0, evidence_flush, d);
}

static void nova_evidence(void *arg, const struct driver_evidence *all, uint32_t n)
{
	struct daemon *d = arg;

	take_evidence(d, all, n, CONFIG_MONITOR_NOVA);
	hosts_evidence_flush(d); /* whoever waits for this look goes on at once */
	d->listings++;
	if (d->is_once)
		once_look(d);
}

static void probe_evidence(void *arg, const struct driver_evidence *all, uint32_t n)
{
	struct daemon *d = arg;

	take_evidence(d, all, n, CONFIG_MONITOR_PROBE);
	if (d->has_recoveries)
		evidence_flush(d);
}

static void nova_health(void *arg, bool is_ok, const char *reason)
{
	struct daemon *d = arg;
	struct engine_event ev = {.type = ENGINE_MONITOR_HEALTH,
	    .health.monitor = CONFIG_MONITOR_NOVA,
	    .health.is_ok = is_ok,
	    .health.reason = reason};

	d->nova_is_bad = !is_ok;
	str_copy(d->nova_reason, sizeof(d->nova_reason), reason);
	daemon_event(d, &ev, NULL);
}

static bool view_is_same(const struct service_view *a, const struct service_view *b)
{
	return a->state == b->state && a->disabled == b->disabled && a->forced_down == b->forced_down &&
	       a->updated_at_ms == b->updated_at_ms && str_eq(a->disabled_reason, b->disabled_reason) &&
	       str_eq(a->service_id, b->service_id);
}

/* What Nova's newest listing says of one host. True: the engine has to hear of it. */
static bool take_view(struct daemon *d, uint32_t host, const struct service_view *v)
{
	struct daemon_host *h = &d->hosts[host];
	bool is_news = !h->has_view || !view_is_same(&h->view, v);

	h->view = *v;
	h->has_view = h->was_listed = true;
	return is_news;
}

/* A host that Nova does not list belongs to no segment until it is listed again. */
static void listing_end(struct daemon *d)
{
	for (uint32_t k = 0; k < engine_host_n(d->engine); k++) {
		struct daemon_host *h = &d->hosts[k];

		h->is_listed = h->was_listed;
		h->was_listed = false;
		if (h->is_gone == !h->is_listed)
			continue;
		h->is_gone = !h->is_listed;
		if (h->is_gone)
			log_printf(LOG_P_NOTICE, "%s: Nova does not list it; it is not watched", h->name);
		hosts_policy(d, k);
	}
}

static void nova_services(void *arg, int64_t asked_ms, const struct cloud_service *all, size_t n)
{
	struct daemon *d = arg;
	struct engine_service *news = calloc(n + 1, sizeof(*news));
	struct engine_event ev = {.type = ENGINE_SERVICES, .services.all = news};
	bool is_awaited =
	    engine_recovery_next(d->engine, NULL); /* it may wait for a record asked for after a moment of its own */

	for (size_t k = 0; news && k < n; k++) {
		uint32_t host;

		if (!str_eq(all[k].binary, "nova-compute") || !all[k].host[0])
			continue;
		host = hosts_join(d, all[k].host);
		if (host == UINT32_MAX)
			log_printf(LOG_P_ERR, "no memory for another host");
		else if (take_view(d, host, &all[k].view) || is_awaited)
			news[ev.services.n++] = (struct engine_service){host, asked_ms, &all[k].view};
	}
	listing_end(d);
	if (ev.services.n)
		daemon_event(d, &ev, NULL);
	free(news);
}

static void probe_health(void *arg, bool is_ok, const char *reason)
{
	(void)arg;
	(void)is_ok;
	(void)reason;
}

static void no_services(void *arg, int64_t asked_ms, const struct cloud_service *all, size_t n)
{
	(void)arg;
	(void)asked_ms;
	(void)all;
	(void)n;
}

int hosts_watch(struct daemon *d, struct osha_err *reterr)
{
	const struct monitor_sink sinks[CONFIG_MONITOR_N] = {
	    [CONFIG_MONITOR_NOVA] = {d, nova_evidence, nova_health, nova_services},
	    [CONFIG_MONITOR_PROBE] = {d, probe_evidence, probe_health, no_services},
	};

	for (int m = 0; m < CONFIG_MONITOR_N; m++) {
		int r = DRIVERS[m]->create(&d->env, &sinks[m], &d->monitor[m], reterr);

		if (r < 0)
			return osha_err_wrap(reterr, "monitor %s", DRIVERS[m]->name);
	}
	hosts_policy_all(d); /* hosts that the journal knew get their probes */
	return 0;
}

void hosts_again(struct daemon *d)
{
	struct engine_event ev = {
	    .type = ENGINE_MONITOR_HEALTH, .health.monitor = CONFIG_MONITOR_NOVA, .health.reason = d->nova_reason};

	if (d->nova_is_bad)
		daemon_event(d, &ev, NULL);
	monitor_nova.reload(d->monitor[CONFIG_MONITOR_NOVA]);
}

void hosts_unwatch(struct daemon *d)
{
	io_timer_stop(&d->flush_timer);
	for (int m = 0; m < CONFIG_MONITOR_N; m++) {
		DRIVERS[m]->destroy(d->monitor[m]);
		d->monitor[m] = NULL;
	}
}
