/* SPDX-License-Identifier: Apache-2.0 */
/* Building a cloud from its configuration, finding things in it by name, and the small reading calls. */
#include "cloudsim/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloudsim/model_parts.h"

void cloudsim_config_default(struct cloudsim_config *ret_config)
{
	*ret_config = (struct cloudsim_config){
	    .hosts = 4,
	    .instances = 12,
	    .projects = 2,
	    .seed = 1,
	    .host_prefix = "compute-",
	    .url = "http://127.0.0.1:8774",
	    .admin_password = "sim-admin-password",
	    .user_password = "sim-user-password",
	    .report_interval_ms = 1000,
	    .service_down_ms = 4000,
	    .boot_ms = 300,
	    .compute_start_ms = 700,
	    .schedule_ms = {40, 160},
	    .rebuild_ms = {300, 600},
	    .gap_ms = {5, 50},
	    .stop_ms = {20, 60},
	    .disable_wait_ms = 60000,
	    .neutron_wait_ms = 300,
	    .token_ttl_ms = 3600000,
	    .max_limit = 1000,
	};
}

static uint64_t text_hash(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

void sim_uuid(struct rng *r, char *ret, bool is_dashed)
{
	unsigned long long a = rng_next(r), b = rng_next(r);
	const char *fmt = is_dashed ? "%08llx-%04llx-4%03llx-%04llx-%012llx" : "%08llx%04llx4%03llx%04llx%012llx";

	/* the format is one of two literals above */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(ret, CLOUDSIM_ID_SIZE, fmt, a & 0xffffffff, (a >> 32) & 0xffff, (a >> 48) & 0xfff,
	    0x8000 | (b & 0x3fff), b >> 16);
#pragma GCC diagnostic pop
}

int64_t sim_span(struct cloudsim_model *m, struct cloudsim_span span)
{
	return span.high > span.low ? rng_range(&m->rng, span.low, span.high) : span.low;
}

bool sim_grow(void **table, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 16;
	void *grown;

	if (need <= *cap)
		return true;
	while (want < need)
		want *= 2;
	grown = realloc(*table, want * size);
	if (!grown)
		return false;
	*table = grown;
	*cap = want;
	return true;
}

bool sim_may_speak(const struct cloudsim_model *m)
{
	return !m->down[CLOUDSIM_CONDUCTOR] && !m->down[CLOUDSIM_BUS] && !m->down[CLOUDSIM_CELL];
}

static int *index_new(size_t n, size_t *ret_size)
{
	size_t size = 16;
	int *table;

	while (size < n * 2)
		size *= 2;
	table = malloc(size * sizeof(*table));
	for (size_t i = 0; table && i < size; i++)
		table[i] = -1;
	*ret_size = size;
	return table;
}

static void index_add(int *table, size_t size, const char *key, int value)
{
	size_t at = text_hash(key) & (size - 1);

	while (table[at] >= 0)
		at = (at + 1) & (size - 1);
	table[at] = value;
}

int sim_host_index(const struct cloudsim_model *m, const char *name)
{
	size_t at = text_hash(name) & (m->n_by_host_name - 1);

	for (; m->by_host_name[at] >= 0; at = (at + 1) & (m->n_by_host_name - 1))
		if (strcmp(m->hosts[m->by_host_name[at]].name, name) == 0)
			return m->by_host_name[at];
	return -1;
}

int sim_instance_index(const struct cloudsim_model *m, const char *uuid)
{
	size_t at = text_hash(uuid) & (m->n_by_uuid - 1);

	for (; m->by_uuid[at] >= 0; at = (at + 1) & (m->n_by_uuid - 1))
		if (strcmp(m->instances[m->by_uuid[at]].uuid, uuid) == 0)
			return m->by_uuid[at];
	return -1;
}

static void hosts_build(struct cloudsim_model *m)
{
	for (size_t i = 0; i < m->n_hosts; i++) {
		struct sim_host *h = &m->hosts[i];

		snprintf(h->name, sizeof(h->name), "%s%zu", m->config.host_prefix, i + 1);
		snprintf(h->address, sizeof(h->address), "127.10.%u.%u", (unsigned)(i / 250) & 0xff,
		    (unsigned)(i % 250) + 1);
		str_copy(h->zone, sizeof(h->zone), "nova");
		sim_uuid(&m->rng, h->service_uuid, true);
		sim_uuid(&m->rng, h->node_uuid, true);
		h->service_id = (unsigned)i + 4;
		h->is_on = h->autostart = h->is_running = true;
		h->last_seen_ms = h->updated_ms = m->now_ms - rng_range(&m->rng, 0, m->config.report_interval_ms - 1);
		h->next_report_ms = h->last_seen_ms + m->config.report_interval_ms;
		h->last_from = -1;
		index_add(m->by_host_name, m->n_by_host_name, h->name, (int)i);
	}
}

static void people_build(struct cloudsim_model *m)
{
	size_t n = 0;

	for (size_t p = 0; p < m->n_projects; p++) {
		sim_uuid(&m->rng, m->projects[p].id, false);
		sim_uuid(&m->rng, m->projects[p].group_id, false);
		if (p == 0)
			str_copy(m->projects[p].name, sizeof(m->projects[p].name), "admin");
		else
			snprintf(m->projects[p].name, sizeof(m->projects[p].name), "project-%zu", p);
	}
	m->users[n++] = (struct sim_user){
	    .name = "admin", .email = "ops@example.com", .role = "admin", .is_enabled = true, .project = 0};
	m->users[n++] = (struct sim_user){
	    .name = "auditor", .email = "auditor@example.com", .role = "reader", .is_enabled = true, .project = -1};
	m->users[n++] =
	    (struct sim_user){.name = "robot", .email = "", .role = "member", .is_enabled = true, .project = -1};
	m->users[n++] = (struct sim_user){.name = "gone", .email = "gone@example.com", .role = "member", .project = -1};
	for (size_t p = 1; p < m->n_projects; p++) {
		struct sim_user *owner = &m->users[n++], *mate = &m->users[n++];

		*owner = (struct sim_user){.role = "member", .is_enabled = true, .project = (int)p};
		snprintf(owner->name, sizeof(owner->name), "owner-%zu", p);
		snprintf(owner->email, sizeof(owner->email), "owner-%zu@example.com", p);
		*mate = (struct sim_user){.role = "member", .is_enabled = true, .by_group = true, .project = (int)p};
		snprintf(mate->name, sizeof(mate->name), "mate-%zu", p);
		snprintf(mate->email, sizeof(mate->email), "mate-%zu@example.com", p);
	}
	for (size_t i = 0; i < n; i++)
		sim_uuid(&m->rng, m->users[i].id, false);
	m->n_users = n;
}

/* Spread evenly: instance i on host i mod hosts; each host holds instances of every project. */
static void instances_build(struct cloudsim_model *m)
{
	size_t tenants = m->n_projects - 1;

	for (size_t i = 0; i < m->n_instances; i++) {
		struct sim_instance *in = &m->instances[i];

		sim_uuid(&m->rng, in->uuid, true);
		snprintf(in->name, sizeof(in->name), "vm-%zu", i + 1);
		in->host = (int)(i % m->n_hosts);
		in->project = (int)(1 + (i / m->n_hosts) % tenants);
		in->user = 4 + 2 * (in->project - 1);
		in->vm_state = SIM_VM_ACTIVE;
		in->power_state = SIM_POWER_RUNNING;
		in->created_ms = m->now_ms - 3600000 + (int64_t)i;
		in->updated_ms = in->launched_ms = in->created_ms + 2000;
		in->last_migration = -1;
		m->hosts[in->host].n_instances++;
		sim_guest_add(m, (int)i, in->host);
		index_add(m->by_uuid, m->n_by_uuid, in->uuid, (int)i);
	}
}

static void ids_build(struct cloudsim_model *m)
{
	sim_uuid(&m->rng, m->cred_id, false);
	sim_uuid(&m->rng, m->cred_secret, false);
	sim_uuid(&m->rng, m->role_admin, false);
	sim_uuid(&m->rng, m->role_member, false);
	sim_uuid(&m->rng, m->role_reader, false);
	sim_uuid(&m->rng, m->image_id, true);
	sim_uuid(&m->rng, m->conductor_uuid, true);
	sim_uuid(&m->rng, m->scheduler_uuid, true);
	for (int s = 0; s < 2; s++) {
		sim_uuid(&m->rng, m->catalog_id[s], false);
		for (int e = 0; e < 3; e++)
			sim_uuid(&m->rng, m->endpoint_id[s][e], false);
	}
}

static int config_check(const struct cloudsim_config *c, struct osha_err *reterr)
{
	if (c->hosts < 1 || c->hosts > CLOUDSIM_HOSTS_MAX)
		return osha_err_set(reterr, OSHA_E_CONFIG, "hosts: 1 to %d expected", CLOUDSIM_HOSTS_MAX);
	if (c->instances > CLOUDSIM_INSTANCES_MAX)
		return osha_err_set(reterr, OSHA_E_CONFIG, "instances: at most %d expected", CLOUDSIM_INSTANCES_MAX);
	if (c->projects < 1 || c->projects > 10000)
		return osha_err_set(reterr, OSHA_E_CONFIG, "projects: 1 to 10000 expected");
	if (c->report_interval_ms < 1 || c->service_down_ms < 1 || c->max_limit < 1)
		return osha_err_set(
		    reterr, OSHA_E_CONFIG, "report interval, service down time and page limit must be positive");
	if (c->schedule_ms.low < 0 || c->rebuild_ms.low < 0 || c->gap_ms.low < 0 || c->stop_ms.low < 0)
		return osha_err_set(reterr, OSHA_E_CONFIG, "a span of time below zero");
	return 0;
}

int cloudsim_model_new(
    const struct cloudsim_config *config, int64_t now_ms, struct cloudsim_model **ret_model, struct osha_err *reterr)
{
	struct cloudsim_model *m;
	int r = config_check(config, reterr);

	if (r < 0)
		return r;
	m = calloc(1, sizeof(*m));
	if (!m)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the cloud");
	m->config = *config;
	m->rng.state = config->seed;
	m->now_ms = now_ms;
	m->n_hosts = config->hosts;
	m->n_instances = config->instances;
	m->n_projects = config->projects + 1;
	m->hosts = calloc(m->n_hosts, sizeof(*m->hosts));
	m->instances = calloc(m->n_instances + 1, sizeof(*m->instances));
	m->projects = calloc(m->n_projects, sizeof(*m->projects));
	m->users = calloc(4 + 2 * m->n_projects, sizeof(*m->users));
	m->by_uuid = index_new(m->n_instances, &m->n_by_uuid);
	m->by_host_name = index_new(m->n_hosts, &m->n_by_host_name);
	if (!m->hosts || !m->instances || !m->projects || !m->users || !m->by_uuid || !m->by_host_name) {
		cloudsim_model_free(m);
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the cloud");
	}
	ids_build(m);
	hosts_build(m);
	people_build(m);
	instances_build(m);
	*ret_model = m;
	return 0;
}

void cloudsim_model_free(struct cloudsim_model *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->hosts && i < m->n_hosts; i++)
		free(m->hosts[i].guests);
	for (size_t i = 0; m->instances && i < m->n_instances; i++)
		free(m->instances[i].metadata);
	free(m->hosts);
	free(m->instances);
	free(m->projects);
	free(m->users);
	free(m->by_uuid);
	free(m->by_host_name);
	free(m->migrations);
	free(m->flights);
	free(m->events);
	free(m);
}

const struct cloudsim_config *cloudsim_model_config(const struct cloudsim_model *m)
{
	return &m->config;
}

void cloudsim_model_set_url(struct cloudsim_model *m, const char *url)
{
	str_copy(m->config.url, sizeof(m->config.url), url);
}

size_t cloudsim_model_user_count(const struct cloudsim_model *m)
{
	return m->n_users;
}

void cloudsim_model_user(const struct cloudsim_model *m, size_t i, struct cloudsim_user *ret_user)
{
	const struct sim_user *u = &m->users[i];

	*ret_user = (struct cloudsim_user){.id = u->id,
	    .name = u->name,
	    .email = u->email,
	    .is_admin = str_eq(u->role, "admin"),
	    .is_enabled = u->is_enabled};
}

size_t cloudsim_model_project_count(const struct cloudsim_model *m)
{
	return m->n_projects;
}

const char *cloudsim_model_project_id(const struct cloudsim_model *m, size_t i)
{
	return m->projects[i].id;
}

const char *cloudsim_model_project_name(const struct cloudsim_model *m, size_t i)
{
	return m->projects[i].name;
}

bool cloudsim_model_user_in_project(const struct cloudsim_model *m, size_t user, size_t project)
{
	int own = m->users[user].project;

	return own < 0 ? project > 0 : (size_t)own == project;
}

void cloudsim_model_app_cred(const struct cloudsim_model *m, const char **ret_id, const char **ret_secret)
{
	*ret_id = m->cred_id;
	*ret_secret = m->cred_secret;
}

void cloudsim_model_expire_tokens(struct cloudsim_model *m)
{
	for (size_t i = 0; i < CLOUDSIM_TOKENS_MAX; i++)
		m->tokens[i].expires_ms = 0;
}
