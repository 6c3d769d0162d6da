/* SPDX-License-Identifier: Apache-2.0 */
/* Machines and their nova-compute: power, reports, what nova believes of them, and the parts of the control plane they report through. */
#include <string.h>

#include "base/strbuf.h"
#include "cloudsim/model_parts.h"

static const char *const part_names[CLOUDSIM_PART_N] = {
    "conductor", "scheduler", "bus", "neutron", "placement", "cell", "compute-endpoint"};

enum cloudsim_part cloudsim_part_named(const char *name)
{
	int i = 0;

	while (i < CLOUDSIM_PART_N && !str_eq(part_names[i], name))
		i++;
	return (enum cloudsim_part)i;
}

const char *cloudsim_part_name(enum cloudsim_part part)
{
	return (unsigned)part < CLOUDSIM_PART_N ? part_names[part] : "?";
}

size_t cloudsim_model_host_count(const struct cloudsim_model *m)
{
	return m->n_hosts;
}

const char *cloudsim_model_host_name(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].name;
}

int cloudsim_model_host_find(const struct cloudsim_model *m, const char *host)
{
	return sim_host_index(m, host);
}

bool cloudsim_model_host_is_on(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].is_on;
}

bool cloudsim_model_host_is_forced_down(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].forced_down;
}

bool cloudsim_model_host_runs(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].is_running;
}

uint32_t cloudsim_model_host_starts(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].starts;
}

const char *cloudsim_model_host_address(const struct cloudsim_model *m, size_t i)
{
	return m->hosts[i].address;
}

uint64_t cloudsim_model_power_serial(const struct cloudsim_model *m)
{
	return m->power_serial;
}

bool sim_host_is_alive(const struct sim_host *h)
{
	return h->is_on && h->is_running && !h->is_hung;
}

/* Reports are not events: between two changes they lie on a grid, so the newest one is computed when somebody looks. */
void sim_host_settle(struct cloudsim_model *m, struct sim_host *h)
{
	int64_t last;

	if (!sim_host_is_alive(h) || !sim_may_speak(m) || m->now_ms < h->next_report_ms)
		return;
	last = m->now_ms - (m->now_ms - h->next_report_ms) % m->config.report_interval_ms;
	h->last_seen_ms = last;
	if (last > h->updated_ms)
		h->updated_ms = last;
	h->next_report_ms = last + m->config.report_interval_ms;
}

static int64_t whole_second(int64_t ms)
{
	return ms - ms % 1000;
}

/* The database keeps whole seconds, so a report looks up to a second older than it is. */
bool sim_host_is_up(struct cloudsim_model *m, struct sim_host *h)
{
	int64_t off = m->config.wall_offset_ms;

	sim_host_settle(m, h);
	return !h->forced_down && m->now_ms + off - whole_second(h->last_seen_ms + off) <= m->config.service_down_ms;
}

bool cloudsim_model_host_is_up(struct cloudsim_model *m, int64_t now_ms, size_t i)
{
	cloudsim_model_advance(m, now_ms);
	return sim_host_is_up(m, &m->hosts[i]);
}

/* Where the host of this name stands, once all that was to happen until now has happened; -OSHA_E_NOTFOUND. */
static int host_at(struct cloudsim_model *m, int64_t now_ms, const char *host)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	cloudsim_model_advance(m, now_ms);
	return i;
}

int cloudsim_model_service_set(struct cloudsim_model *m, int64_t now_ms, const char *host, bool is_disabled,
    const char *reason, bool is_forced_down)
{
	int i = host_at(m, now_ms, host);
	struct sim_host *h;

	if (i < 0)
		return i;
	h = &m->hosts[i];
	sim_host_settle(m, h);
	h->disabled = is_disabled;
	str_copy(h->disabled_reason, sizeof(h->disabled_reason), is_disabled ? reason : NULL);
	h->forced_down = is_forced_down;
	h->updated_ms = m->now_ms;
	return 0;
}

bool cloudsim_model_service(
    const struct cloudsim_model *m, const char *host, bool *ret_is_disabled, bool *ret_is_forced_down)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return false;
	*ret_is_disabled = m->hosts[i].disabled;
	*ret_is_forced_down = m->hosts[i].forced_down;
	return true;
}

static void compute_end(struct cloudsim_model *m, int host)
{
	struct sim_host *h = &m->hosts[host];

	sim_host_settle(m, h);
	h->life++;
	h->is_running = false;
	h->is_hung = false;
	sim_flights_of_host_die(m, host);
}

static void compute_begin(struct cloudsim_model *m, int host)
{
	sim_event_add(m, m->now_ms + m->config.compute_start_ms, SIM_EV_COMPUTE_READY, host, m->hosts[host].life);
}

void sim_host_booted(struct cloudsim_model *m, int host, uint32_t life)
{
	struct sim_host *h = &m->hosts[host];

	if (h->life == life && h->is_on && !h->is_running && h->autostart)
		compute_begin(m, host);
}

void sim_host_compute_ready(struct cloudsim_model *m, int host, uint32_t life)
{
	struct sim_host *h = &m->hosts[host];

	if (h->life != life || !h->is_on || h->is_running)
		return;
	if (!sim_may_speak(m)) { /* nova-compute's start waits for a conductor */
		sim_event_add(m, m->now_ms + m->config.report_interval_ms, SIM_EV_COMPUTE_READY, host, life);
		return;
	}
	h->is_running = true;
	h->starts++;
	h->next_report_ms = m->now_ms;
	sim_source_clean_up(m, host);
	sim_host_settle(m, h);
	sim_flights_wake(m, host);
}

int cloudsim_model_power(struct cloudsim_model *m, int64_t now_ms, const char *host, bool is_on)
{
	int i = host_at(m, now_ms, host);
	struct sim_host *h;

	if (i < 0)
		return i;
	h = &m->hosts[i];
	if (h->is_on == is_on)
		return 0;
	m->power_serial++;
	if (!is_on) {
		compute_end(m, i);
		sim_guests_clear(m, i);
		h->is_on = false;
		return 0;
	}
	h->is_on = true;
	h->life++;
	sim_event_add(m, m->now_ms + m->config.boot_ms, SIM_EV_BOOTED, i, h->life);
	return 0;
}

int cloudsim_model_compute(struct cloudsim_model *m, int64_t now_ms, const char *host, enum cloudsim_compute state)
{
	int i = host_at(m, now_ms, host);
	struct sim_host *h;

	if (i < 0)
		return i;
	h = &m->hosts[i];
	sim_host_settle(m, h);
	if (state == CLOUDSIM_COMPUTE_DOWN) {
		compute_end(m, i);
	} else if (state == CLOUDSIM_COMPUTE_HUNG) {
		h->is_hung = h->is_running;
	} else if (h->is_hung) {
		h->is_hung = false;
		h->next_report_ms = m->now_ms;
		sim_flights_wake(m, i);
	} else if (h->is_on && !h->is_running) {
		h->life++;
		compute_begin(m, i);
	}
	return 0;
}

int cloudsim_model_autostart(struct cloudsim_model *m, const char *host, bool is_on)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	m->hosts[i].autostart = is_on;
	return 0;
}

int cloudsim_model_spawn_failures(struct cloudsim_model *m, const char *host, int n)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	m->hosts[i].spawn_failures = n;
	return 0;
}

int cloudsim_model_zone(struct cloudsim_model *m, const char *host, const char *zone)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	str_copy(m->hosts[i].zone, sizeof(m->hosts[i].zone), zone);
	return 0;
}

int cloudsim_model_extra_service(struct cloudsim_model *m, const char *host, const char *binary)
{
	int i = sim_host_index(m, host);

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	str_copy(m->hosts[i].extra_binary, sizeof(m->hosts[i].extra_binary), binary);
	return 0;
}

void cloudsim_model_capacity(struct cloudsim_model *m, unsigned capacity)
{
	m->config.host_capacity = capacity;
}

void cloudsim_model_rebuild_ms(struct cloudsim_model *m, struct cloudsim_span span)
{
	m->config.rebuild_ms = span;
}

void cloudsim_model_move_lag_ms(struct cloudsim_model *m, int64_t ms)
{
	m->config.move_lag_ms = ms;
}

bool cloudsim_model_part_is_up(const struct cloudsim_model *m, enum cloudsim_part part)
{
	return !m->down[part];
}

static void controller_freeze(struct cloudsim_model *m, enum cloudsim_part part)
{
	bool all = part == CLOUDSIM_BUS || part == CLOUDSIM_CELL;

	if ((part == CLOUDSIM_CONDUCTOR || all) && m->conductor_seen_ms == 0)
		m->conductor_seen_ms = m->now_ms;
	if ((part == CLOUDSIM_SCHEDULER || all) && m->scheduler_seen_ms == 0)
		m->scheduler_seen_ms = m->now_ms;
}

void cloudsim_model_part(struct cloudsim_model *m, int64_t now_ms, enum cloudsim_part part, bool is_up)
{
	bool could_speak;

	cloudsim_model_advance(m, now_ms);
	if ((unsigned)part >= CLOUDSIM_PART_N || m->down[part] == !is_up)
		return;
	could_speak = sim_may_speak(m);
	for (size_t i = 0; i < m->n_hosts; i++)
		sim_host_settle(m, &m->hosts[i]);
	m->down[part] = !is_up;
	if (!is_up) {
		controller_freeze(m, part);
		return;
	}
	if (!m->down[CLOUDSIM_BUS] && !m->down[CLOUDSIM_CELL]) {
		m->conductor_seen_ms = m->down[CLOUDSIM_CONDUCTOR] ? m->conductor_seen_ms : 0;
		m->scheduler_seen_ms = m->down[CLOUDSIM_SCHEDULER] ? m->scheduler_seen_ms : 0;
	}
	/* reports that waited on the bus are delivered within some 100 ms */
	for (size_t i = 0; !could_speak && sim_may_speak(m) && i < m->n_hosts; i++)
		if (m->hosts[i].next_report_ms <= m->now_ms)
			m->hosts[i].next_report_ms = m->now_ms + rng_range(&m->rng, 100, 400);
	sim_flights_wake(m, -1);
}
