/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated world; see world.h. Nova's behaviour in an evacuation follows what was measured on a real one (nova 26). */
#include "test/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum { PHASE_SCHEDULE, PHASE_CLAIM, PHASE_SPAWN, PHASE_ACTIVE, PHASE_DONE };

void sim_violated(struct sim_world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->violation[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->violation, sizeof(w->violation), fmt, ap);
	va_end(ap);
}

void sim_guest_uuid(uint32_t guest, char ret[UUID_SIZE])
{
	snprintf(ret, UUID_SIZE, "00000000-0000-4000-8000-%012u", guest);
}

void sim_host_name(uint32_t host, char ret[HOST_NAME_SIZE])
{
	/* names that begin alike, so that a substring match would be found out */
	snprintf(ret, HOST_NAME_SIZE, host ? "c1%u" : "c1", host - 1);
}

uint32_t sim_guest_of(const char *uuid)
{
	return (uint32_t)strtoul(uuid + 24, NULL, 10);
}

uint32_t sim_host_of(const char *name)
{
	char known[HOST_NAME_SIZE];

	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		sim_host_name(h, known);
		if (str_eq(known, name))
			return h;
	}
	return SIM_HOSTS;
}

void sim_world_init(struct sim_world *w, uint64_t seed)
{
	*w = (struct sim_world){.rng = {seed}, .now_ms = 1000000, .service_down_ms = 6000};
	for (uint32_t h = 0; h < SIM_HOSTS; h++)
		w->host[h] = (struct sim_host){.power = true,
		    .kernel = true,
		    .compute = true,
		    .bmc_of = h,
		    .report_ms = w->now_ms,
		    .updated_ms = w->now_ms};
	for (uint32_t g = 0; g < SIM_GUESTS; g++) {
		w->guest[g] = (struct sim_guest){.host = g % SIM_HOSTS, .state = SERVER_ACTIVE, .task = TASK_NONE};
		w->guest[g].runs_on = 1u << w->guest[g].host;
		if (g % 5 == 4) {
			w->guest[g].state = SERVER_STOPPED;
			w->guest[g].runs_on = 0;
		}
		w->guest[g].wanted = w->guest[g].state;
	}
	sim_later(w, 1, SIM_REPORTS, 0, 0, 0);
}

void sim_later(struct sim_world *w, int64_t in_ms, enum sim_what what, uint64_t a, uint64_t b, uint64_t c)
{
	if (w->queue_n == SIM_QUEUE) {
		sim_violated(w, "the simulator's queue is full");
		return;
	}
	w->queue[w->queue_n++] = (struct sim_event){w->now_ms + in_ms, w->order++, what, a, b, c};
}

bool sim_next(struct sim_world *w, struct sim_event *ret)
{
	uint32_t best = 0;

	if (!w->queue_n)
		return false;
	for (uint32_t k = 1; k < w->queue_n; k++) {
		if (w->queue[k].at_ms < w->queue[best].at_ms ||
		    (w->queue[k].at_ms == w->queue[best].at_ms && w->queue[k].order < w->queue[best].order))
			best = k;
	}
	*ret = w->queue[best];
	w->queue[best] = w->queue[--w->queue_n];
	w->now_ms = ret->at_ms;
	return true;
}

/* A guest begins to run somewhere: the oracle looks whether it runs elsewhere too. */
static void guest_runs(struct sim_world *w, uint32_t guest, uint32_t host)
{
	struct sim_guest *g = &w->guest[guest];

	g->runs_on |= 1u << host;
	if (g->runs_on & ~(1u << host)) {
		w->dual_writers++;
		sim_violated(w, "dual writer: guest %u runs on hosts %x", guest, g->runs_on);
	}
}

static void power_off(struct sim_world *w, uint32_t host)
{
	w->host[host].power = w->host[host].kernel = w->host[host].compute = false;
	for (uint32_t g = 0; g < SIM_GUESTS; g++)
		w->guest[g].runs_on &= ~(1u << host);
}

/* nova-compute starts: guests that were evacuated away are destroyed here, their records become `completed`. */
static void compute_starts(struct sim_world *w, uint32_t host)
{
	w->host[host].compute = true;
	for (uint32_t k = 0; k < w->migration_n; k++) {
		struct sim_migration *m = &w->migration[k];

		if (m->source != host)
			continue;
		if (m->status == MIGRATION_ACCEPTED || m->status == MIGRATION_PRE_MIGRATING ||
		    m->status == MIGRATION_DONE) {
			w->guest[m->guest].runs_on &= ~(1u << host);
			m->status = MIGRATION_COMPLETED;
		}
	}
}

static bool is_evacuated_from(const struct sim_world *w, uint32_t guest, uint32_t host)
{
	for (uint32_t k = 0; k < w->migration_n; k++) {
		const struct sim_migration *m = &w->migration[k];

		if (m->guest == guest && m->source == host &&
		    (migration_is_under_way(m->status) || m->status == MIGRATION_DONE))
			return true;
	}
	return false;
}

/* Powered on by somebody. A machine takes a while from power to the first process: readings of its power see it before that. */
static void host_returns(struct sim_world *w, uint32_t host)
{
	if (w->host[host].power)
		return;
	w->host[host].power = true;
	w->host[host].power_on_ms = w->now_ms;
	sim_later(w, rng_range(&w->rng, 20000, 60000), SIM_BOOTED, host, 0, (uint64_t)w->now_ms);
}

static void host_booted(struct sim_world *w, uint32_t host, int64_t power_on_ms)
{
	if (!w->host[host].power || w->host[host].power_on_ms != power_on_ms)
		return;
	/* guests whose host Nova still calls this one are started by it, but for those that it first destroys as evacuated */
	for (uint32_t g = 0; g < SIM_GUESTS; g++) {
		if (w->guest[g].host == host && w->guest[g].state == SERVER_ACTIVE && w->guest[g].task == TASK_NONE &&
		    !is_evacuated_from(w, g, host))
			guest_runs(w, g, host);
	}
	w->host[host].kernel = true;
	compute_starts(w, host);
}

enum sign sim_nova_state(const struct sim_world *w, uint32_t host)
{
	const struct sim_host *h = &w->host[host];

	return h->forced_down || w->now_ms - h->report_ms > w->service_down_ms ? SIGN_DEAD : SIGN_ALIVE;
}

static struct sim_migration *newest_of(const struct sim_world *w, uint32_t guest)
{
	for (uint32_t k = w->migration_n; k-- > 0;) {
		if (w->migration[k].guest == guest)
			return (struct sim_migration *)(uintptr_t)&w->migration[k];
	}
	return NULL;
}

enum outcome sim_nova_evacuate(struct sim_world *w, uint32_t guest, enum fault_class *ret_fault)
{
	struct sim_guest *g = &w->guest[guest];
	struct sim_migration *before = newest_of(w, guest);

	*ret_fault = FAULT_NONE;
	if (sim_nova_state(w, g->host) != SIGN_DEAD) {
		*ret_fault = FAULT_BUSY;
		return OUTCOME_REFUSED;
	}
	if (g->state != SERVER_ACTIVE && g->state != SERVER_STOPPED && g->state != SERVER_ERROR) {
		*ret_fault = FAULT_STATE;
		return OUTCOME_REFUSED;
	}
	if (before && migration_is_under_way(before->status) &&
	    (before->dest == SIM_HOSTS || w->host[before->dest].power)) {
		w->double_calls++;
		sim_violated(w, "second evacuate call for guest %u while its evacuation is under way", guest);
	}
	if (w->migration_n == SIM_MIGRATIONS)
		return OUTCOME_REFUSED;
	w->migration[w->migration_n] =
	    (struct sim_migration){w->migration_n + 1, w->now_ms, guest, g->host, SIM_HOSTS, MIGRATION_ACCEPTED};
	g->task = TASK_REBUILDING;
	sim_later(w, rng_range(&w->rng, 20, 600), SIM_EVACUATION, w->migration_n++, PHASE_SCHEDULE, 0);
	return OUTCOME_DONE;
}

static void evacuation_fails(struct sim_world *w, struct sim_migration *m)
{
	m->status = MIGRATION_FAILED;
	w->guest[m->guest].state = SERVER_ERROR;
	w->guest[m->guest].task = TASK_NONE;
	w->guest[m->guest].fault_ms = w->now_ms;
}

static uint32_t schedule(struct sim_world *w, const struct sim_migration *m)
{
	uint32_t from = (uint32_t)rng_below(&w->rng, SIM_HOSTS);

	for (uint32_t k = 0; k < SIM_HOSTS; k++) {
		uint32_t h = (from + k) % SIM_HOSTS;

		if (h != m->source && !w->host[h].disabled && sim_nova_state(w, h) == SIGN_ALIVE)
			return h;
	}
	return SIM_HOSTS;
}

static void evacuation_phase(struct sim_world *w, uint32_t k, uint64_t phase)
{
	struct sim_migration *m = &w->migration[k];
	struct sim_guest *g = &w->guest[m->guest];
	int64_t in_ms = rng_range(&w->rng, 50, 900);

	if (m->dest != SIM_HOSTS && !w->host[m->dest].compute)
		return; /* its destination died: it stays as it is for ever */
	switch (phase) {
	case PHASE_SCHEDULE:
		m->dest = schedule(w, m);
		if (m->dest == SIM_HOSTS || rng_chance(&w->rng, w->fail_rebuild_per_mille)) {
			evacuation_fails(w, m);
			return;
		}
		break;
	case PHASE_CLAIM:
		if (m->status == MIGRATION_ACCEPTED)
			m->status = MIGRATION_PRE_MIGRATING;
		break;
	case PHASE_SPAWN:
		if (g->state != SERVER_STOPPED)
			guest_runs(w, m->guest, m->dest);
		break;
	case PHASE_ACTIVE:
		if (g->state == SERVER_ERROR)
			g->state = SERVER_ACTIVE;
		g->task = TASK_NONE;
		in_ms = rng_range(&w->rng, 1, 50);
		break;
	default:
		m->status = MIGRATION_DONE;
		g->host = m->dest;
		return;
	}
	sim_later(w, in_ms, SIM_EVACUATION, k, phase + 1, 0);
}

void sim_nova_view(const struct sim_world *w, uint32_t guest, struct instance_view *ret)
{
	const struct sim_guest *g = &w->guest[guest];
	const struct sim_migration *m = newest_of(w, guest);

	*ret = (struct instance_view){.exists = true, .state = g->state, .task = g->task, .fault_at_ms = g->fault_ms};
	sim_guest_uuid(guest, ret->uuid);
	sim_host_name(g->host, ret->host);
	str_copy(ret->project, sizeof(ret->project), "p1");
	snprintf(ret->name, sizeof(ret->name), "g%u", guest);
	if (!m)
		return;
	ret->evacuation = (struct migration_view){.id = m->id, .status = m->status, .created_at_ms = m->created_ms};
	sim_guest_uuid(guest, ret->evacuation.instance);
	sim_host_name(m->source, ret->evacuation.source);
	if (m->dest != SIM_HOSTS)
		sim_host_name(m->dest, ret->evacuation.dest);
}

static void reports(struct sim_world *w)
{
	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		if (w->host[h].compute && !w->host[h].cut)
			w->host[h].report_ms = w->host[h].updated_ms = w->now_ms;
	}
	sim_later(w, 2000, SIM_REPORTS, 0, 0, 0);
}

bool sim_world_happen(struct sim_world *w, const struct sim_event *ev)
{
	switch (ev->what) {
	case SIM_REPORTS:
		reports(w);
		return true;
	case SIM_POWER_OFF:
	case SIM_DEATH:
		power_off(w, (uint32_t)ev->a);
		w->host[ev->a].ever_died |= ev->what == SIM_DEATH;
		return true;
	case SIM_HANG: /* the kernel stands: guests go on writing, nothing answers, power stays on until it is cut */
		w->host[ev->a].compute = false;
		w->host[ev->a].kernel = false;
		return true;
	case SIM_RETURN:
		host_returns(w, (uint32_t)ev->a);
		return true;
	case SIM_BOOTED:
		host_booted(w, (uint32_t)ev->a, (int64_t)ev->c);
		return true;
	case SIM_BMC_DIES:
		w->host[ev->a].bmc_dead = true;
		return true;
	case SIM_COMPUTE_DIES:
		w->host[ev->a].compute = false;
		return true;
	case SIM_CUT: /* alive and writing, but neither its reports nor its answers arrive */
		w->host[ev->a].cut = true;
		return true;
	case SIM_EVACUATION:
		evacuation_phase(w, (uint32_t)ev->a, ev->b);
		return true;
	default:
		return false;
	}
}
