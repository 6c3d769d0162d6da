/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routine readings of fence devices: soon after the start, then on a slow schedule with jitter. Only a device that has read "on" for a
 * living host can prove it off later. One that reads off while its host looks alive is read again as soon as the engine can tell a host
 * that has just died from a device that is another machine's.
 */
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "io/file.h"
#include "io/log.h"

enum {
	TICK_MS = 200,
	FIRST_WITHIN_MS = 1000, /* the first readings are spread over this */
	NOT_ALIVE_RETRY_MS = 2000,
	UNREADABLE_RETRY_MS = 30000,
	FOLLOW_MS = 10000, /* between two readings of a host whose death is only observed */
	OFF_MARGIN_MS = 500,
};

static int64_t jitter(int64_t ms)
{
	struct rng r = {io_random_u64()};

	return ms - ms / 10 + (int64_t)rng_below(&r, (uint64_t)(ms / 5 + 1));
}

static void read_next(struct daemon *d, struct daemon_host *h, int64_t in_ms)
{
	h->read_next_ms = io_now_ms(d->loop) + in_ms;
}

void devices_note(struct daemon *d, uint32_t host, uint32_t level, uint64_t key, const struct fence_answer *answer)
{
	struct daemon_reading *g = &d->hosts[host].reading[level];

	g->key = key;
	g->power = answer->outcome == OUTCOME_DONE ? answer->power : POWER_UNKNOWN;
	g->wall_ms = io_wall_ms();
	str_copy(g->reason, sizeof(g->reason), g->power == POWER_UNKNOWN ? answer->reason : "");
}

static void deliver(struct daemon *d, const struct daemon_asked *g, enum power power)
{
	struct engine_event ev = {
	    .type = ENGINE_DEVICE, .device.host = g->host, .device.level = g->level, .device.power = power};

	daemon_event(d, &ev, NULL);
}

/* This level is done: go on with the next one, or rest. */
static void level_done(struct daemon *d, struct daemon_host *h, int64_t rest_ms)
{
	h->rest_ms = !h->read_level || rest_ms < h->rest_ms ? rest_ms : h->rest_ms;
	if (++h->read_level < h->level_n) {
		read_next(d, h, 0);
		return;
	}
	h->read_level = 0;
	h->was_read = true;
	read_next(d, h, h->rest_ms);
}

/* Did the engine take a reading of on? Not where it could not call the host alive at that very moment. */
static bool is_learned(struct daemon *d, const struct daemon_asked *g)
{
	struct host_snapshot s;

	engine_host_snapshot(d->engine, g->host, io_now_ms(d->loop), &s);
	return s.record->seen_on & (1u << g->level);
}

/* Dead and only observed: who cuts its power, and whether it was off from the start, is what the report compares with. */
static bool is_followed(const struct host_snapshot *s)
{
	const struct observed *o = &s->record->observed;

	return o->recovery[0] && !o->alive_wall_ms && !o->off_wall_ms;
}

static void reading_take(struct daemon *d, const struct daemon_asked *g, const struct fence_answer *a)
{
	const struct config *c = d->cfg;
	struct daemon_host *h = &d->hosts[g->host];
	int64_t rest_ms = jitter(c->fencing.device_check_ms);
	struct host_snapshot s;

	engine_host_snapshot(d->engine, g->host, io_now_ms(d->loop), &s);
	if (a->power == POWER_UNKNOWN) {
		/* of a dead host that is no news: many a BMC dies with it */
		log_printf(is_followed(&s) ? LOG_P_DEBUG : LOG_P_WARNING, "%s: fence device cannot be read: %s",
		    h->name, a->reason);
		rest_ms = jitter(UNREADABLE_RETRY_MS);
	} else {
		deliver(d, g, a->power);
	}
	if (a->power == POWER_OFF)
		rest_ms = c->verdict.service_down_time_ms + c->verdict.recheck_after_ms + OFF_MARGIN_MS;
	else if (a->power == POWER_ON && is_followed(&s))
		rest_ms = FOLLOW_MS;
	else if (a->power == POWER_ON && !is_learned(d, g))
		rest_ms = NOT_ALIVE_RETRY_MS; /* until then the host cannot be fenced */
	level_done(d, h, rest_ms);
}

static void tick(void *arg);

static void reading_ended(void *arg, const struct fence_answer *a)
{
	struct daemon_place *p = arg;
	struct daemon *d = p->g.d;
	struct daemon_asked g = p->g;

	p->is_used = false;
	p->run = NULL;
	d->agents_running--;
	d->agents_patient--;
	d->hosts[g.host].is_reading = false;
	devices_note(d, g.host, g.level, g.key, a);
	if (g.level < d->hosts[g.host].level_n)
		reading_take(d, &g, a);
	perform_agent_freed(d);
	tick(d); /* the place is free for the next one */
	if (d->is_once)
		once_look(d);
}

static void reading_start(struct daemon *d, struct daemon_place *p, uint32_t host)
{
	__attribute__((cleanup(config_fence_wipe))) struct config_fence level;
	struct daemon_host *h = &d->hosts[host];
	struct fence_job job = {.level = &level,
	    .action = FENCE_STATUS,
	    .timeout_ms = d->cfg->fencing.status_timeout_ms,
	    .fn = reading_ended,
	    .arg = p};
	struct fence_answer none = {.outcome = OUTCOME_REFUSED};
	struct osha_err err = {0};

	memset(&level, 0, sizeof(level));
	p->g = (struct daemon_asked){d, host, h->read_level, h->device_key[h->read_level]};
	if (config_fence_resolve(d->cfg, h->name, h->read_level, &level, &err) < 0 ||
	    fence_run_start(&d->env, &job, &p->run, &err) < 0) {
		log_printf(LOG_P_ERR, "%s: fence device cannot be read: %s", h->name, err.msg);
		str_copy(none.reason, sizeof(none.reason), err.msg);
		devices_note(d, host, h->read_level, p->g.key, &none);
		level_done(d, h, jitter(UNREADABLE_RETRY_MS));
		return;
	}
	p->is_used = h->is_reading = true;
	d->agents_running++;
	d->agents_patient++;
}

static bool is_to_be_read(struct daemon *d, uint32_t host, int64_t now_ms)
{
	struct daemon_host *h = &d->hosts[host];
	struct host_snapshot s;

	if (!h->is_listed || !h->level_n || h->is_reading || h->read_next_ms > now_ms)
		return false;
	if (!h->read_next_ms) {
		struct rng r = {io_random_u64()};

		read_next(d, h, 1 + (int64_t)rng_below(&r, FIRST_WITHIN_MS));
		return false;
	}
	engine_host_snapshot(d->engine, host, now_ms, &s);
	if (!s.recovery && (s.verdict == VERDICT_UP || is_followed(&s)))
		return true;
	read_next(d, h, NOT_ALIVE_RETRY_MS); /* a reading teaches something about a living host only */
	return false;
}

static struct daemon_place *place_free(struct daemon *d)
{
	if (!perform_has_room_for_routine(d))
		return NULL;
	for (int k = 0; k < DAEMON_ROUTINE_MAX; k++) {
		if (!d->place[k].is_used)
			return &d->place[k];
	}
	return NULL;
}

static void tick(void *arg)
{
	struct daemon *d = arg;
	int64_t now_ms = io_now_ms(d->loop);

	for (uint32_t k = 0; k < engine_host_n(d->engine); k++) {
		struct daemon_place *p;

		if (!is_to_be_read(d, k, now_ms))
			continue;
		p = place_free(d);
		if (!p)
			return;
		reading_start(d, p, k);
	}
}

void devices_start(struct daemon *d)
{
	io_timer_start(d->loop, &d->devices_timer, TICK_MS, TICK_MS, tick, d);
}

void devices_stop(struct daemon *d)
{
	io_timer_stop(&d->devices_timer);
	for (int k = 0; k < DAEMON_ROUTINE_MAX; k++) {
		struct daemon_place *p = &d->place[k];

		if (!p->is_used)
			continue;
		fence_run_cancel(p->run);
		*p = (struct daemon_place){0};
		d->agents_running--;
		d->agents_patient--;
	}
}

bool devices_all_read(struct daemon *d)
{
	int64_t now_ms = io_now_ms(d->loop);
	struct host_snapshot s;

	for (uint32_t k = 0; k < engine_host_n(d->engine); k++) {
		const struct daemon_host *h = &d->hosts[k];

		if (!h->is_listed || !h->level_n || h->was_read)
			continue;
		engine_host_snapshot(d->engine, k, now_ms, &s);
		if (s.verdict == VERDICT_UP && !s.recovery && s.record->seen_on != (1u << h->level_n) - 1)
			return false;
	}
	return true;
}
