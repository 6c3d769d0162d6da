/* SPDX-License-Identifier: Apache-2.0 */
/* os-services and os-hypervisors. */
#include <stdio.h>
#include <string.h>

#include "cloudsim/cloudface_parts.h"

/* One line of the listing, whatever kind of service it is. */
struct service_row {
	const char *binary, *host, *uuid, *zone, *reason;
	unsigned id;
	bool is_up, disabled, forced_down, is_exact;
	int64_t updated_ms;
};

static void service_text(struct face_call *c, const struct service_row *s)
{
	struct strbuf *o = &c->out;

	strbuf_printf(o, "{\"binary\":\"%s\",\"host\":", s->binary);
	face_text(o, s->host);
	if (c->minor >= 53)
		strbuf_printf(o, ",\"id\":\"%s\"", s->uuid);
	else
		strbuf_printf(o, ",\"id\":%u", s->id);
	strbuf_puts(o, ",\"zone\":");
	face_text(o, s->zone);
	strbuf_printf(o, ",\"status\":\"%s\",\"state\":\"%s\",\"updated_at\":", s->disabled ? "disabled" : "enabled",
	    s->is_up ? "up" : "down");
	if (s->is_exact)
		face_stamp_exact(o, c->m, s->updated_ms);
	else
		face_stamp(o, c->m, s->updated_ms);
	strbuf_puts(o, ",\"disabled_reason\":");
	face_text_or_null(o, s->reason);
	if (c->minor >= 11)
		strbuf_printf(o, ",\"forced_down\":%s", s->forced_down ? "true" : "false");
	strbuf_puts(o, "}");
}

static void host_row(struct cloudsim_model *m, struct sim_host *h, struct service_row *ret)
{
	bool up = sim_host_is_up(m, h);

	*ret = (struct service_row){.binary = "nova-compute",
	    .host = h->name,
	    .uuid = h->service_uuid,
	    .zone = h->zone,
	    .reason = h->disabled_reason,
	    .id = h->service_id,
	    .is_up = up,
	    .disabled = h->disabled,
	    .forced_down = h->forced_down,
	    .updated_ms = h->updated_ms};
}

/* The listing so far: which of the filters it must pass, and whether a comma is due. */
struct service_list {
	const char *host, *binary;
	bool comma;
};

static void row_add(struct face_call *c, struct service_list *l, const struct service_row *row)
{
	if ((l->host && !str_eq(l->host, row->host)) || (l->binary && !str_eq(l->binary, row->binary)))
		return;
	strbuf_puts(&c->out, l->comma ? "," : "");
	l->comma = true;
	service_text(c, row);
}

static void controller_row(
    struct face_call *c, struct service_list *l, unsigned id, const char *binary, const char *uuid, int64_t frozen_ms)
{
	const struct cloudsim_config *k = &c->m->config;
	int64_t seen = frozen_ms ? frozen_ms : c->m->now_ms - c->m->now_ms % k->report_interval_ms;
	struct service_row row = {.binary = binary,
	    .host = "controller",
	    .uuid = uuid,
	    .zone = "internal",
	    .id = id,
	    .is_up = c->m->now_ms - seen + (seen + k->wall_offset_ms) % 1000 <= k->service_down_ms,
	    .updated_ms = seen};

	row_add(c, l, &row);
}

static void extra_row(struct face_call *c, struct service_list *l, struct sim_host *h)
{
	char uuid[CLOUDSIM_ID_SIZE];
	struct service_row row;

	if (!h->extra_binary[0])
		return;
	host_row(c->m, h, &row);
	str_copy(uuid, sizeof(uuid), h->service_uuid);
	uuid[0] = uuid[0] == 'f' ? '0' : 'f';
	row.binary = h->extra_binary;
	row.uuid = uuid;
	row.id += 100000;
	row.zone = "internal";
	row.forced_down = row.disabled = false;
	row.reason = NULL;
	row.is_up = c->m->now_ms - h->last_seen_ms <= c->m->config.service_down_ms;
	row_add(c, l, &row);
}

/* A cell that does not answer: 2.69 and later name the hosts without a state, earlier ones leave them out. */
static void cell_down_rows(struct face_call *c, struct service_list *l)
{
	for (size_t i = 0; c->minor >= 69 && i < c->m->n_hosts; i++) {
		if ((l->host && !str_eq(l->host, c->m->hosts[i].name)) ||
		    (l->binary && !str_eq(l->binary, "nova-compute")))
			continue;
		strbuf_puts(&c->out, l->comma ? ",{" : "{");
		l->comma = true;
		strbuf_puts(&c->out, "\"binary\":\"nova-compute\",\"host\":");
		face_text(&c->out, c->m->hosts[i].name);
		strbuf_puts(&c->out, ",\"status\":\"UNKNOWN\"}");
	}
}

void face_services_list(struct face_call *c)
{
	struct service_list l = {face_param(c, "host"), face_param(c, "binary"), false};
	struct cloudsim_model *m = c->m;

	strbuf_puts(&c->out, "{\"services\":[");
	if (m->down[CLOUDSIM_CELL]) {
		cell_down_rows(c, &l);
		strbuf_puts(&c->out, "]}");
		return;
	}
	controller_row(c, &l, 1, "nova-scheduler", m->scheduler_uuid, m->scheduler_seen_ms);
	controller_row(c, &l, 2, "nova-conductor", m->conductor_uuid, m->conductor_seen_ms);
	if (l.host && sim_host_index(m, l.host) >= 0) {
		struct sim_host *h = &m->hosts[sim_host_index(m, l.host)];
		struct service_row row;

		host_row(m, h, &row);
		row_add(c, &l, &row);
		extra_row(c, &l, h);
	}
	for (size_t i = 0; !l.host && i < m->n_hosts; i++) {
		struct service_row row;

		host_row(m, &m->hosts[i], &row);
		row_add(c, &l, &row);
		extra_row(c, &l, &m->hosts[i]);
	}
	strbuf_puts(&c->out, "]}");
}

static bool host_has_done_evacuations(const struct cloudsim_model *m, const struct sim_host *h)
{
	for (int i = h->last_from; i >= 0; i = m->migrations[i].prev_of_source)
		if (m->migrations[i].status == SIM_MIG_DONE)
			return true;
	return false;
}

static bool is_known_member(const char *name)
{
	return str_eq(name, "forced_down") || str_eq(name, "status") || str_eq(name, "disabled_reason");
}

/* nova's schema of the body; false after having answered 400 */
static bool put_is_valid(
    struct face_call *c, const char **ret_status, const char **ret_reason, const cJSON **ret_forced)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(c->json, "status");
	const cJSON *reason = cJSON_GetObjectItemCaseSensitive(c->json, "disabled_reason"), *m;
	bool ok = cJSON_IsObject(c->json) && c->json->child;

	*ret_forced = cJSON_GetObjectItemCaseSensitive(c->json, "forced_down");
	cJSON_ArrayForEach(m, c->json) ok = ok && is_known_member(m->string);
	ok = ok && (!*ret_forced || cJSON_IsBool(*ret_forced));
	ok = ok && (!status || (cJSON_IsString(status) && (str_eq(status->valuestring, "enabled") ||
							      str_eq(status->valuestring, "disabled"))));
	ok = ok && (!reason || (cJSON_IsString(reason) && strlen(reason->valuestring) >= 1 &&
				   strlen(reason->valuestring) <= 255));
	if (!ok) {
		face_nova_error(c, 400, "Invalid input for field/attribute service.");
		return false;
	}
	*ret_status = status ? status->valuestring : NULL;
	*ret_reason = reason ? reason->valuestring : NULL;
	if (*ret_reason && !str_eq(*ret_status, "disabled")) {
		face_nova_error(c, 400, "Specifying disabled_reason requires that status is 'disabled'.");
		return false;
	}
	return true;
}

static struct sim_host *service_find(struct face_call *c, const char *uuid)
{
	for (size_t i = 0; i < c->m->n_hosts; i++)
		if (strcmp(c->m->hosts[i].service_uuid, uuid) == 0)
			return &c->m->hosts[i];
	if (strcmp(uuid, c->m->conductor_uuid) == 0 || strcmp(uuid, c->m->scheduler_uuid) == 0)
		face_nova_error(c, 400,
		    "Updating a nova-conductor service is not supported. Only nova-compute services can be updated.");
	else
		face_nova_error(c, 404, "Service %s could not be found.", uuid);
	return NULL;
}

void face_services_put(struct face_call *c)
{
	const char *status = NULL, *reason = NULL;
	const cJSON *forced = NULL;
	struct sim_host *h;
	struct service_row row;

	if (c->minor < 53) {
		face_nova_error(c, 404, "The resource could not be found.");
		return;
	}
	if (!put_is_valid(c, &status, &reason, &forced))
		return;
	h = service_find(c, c->seg[2]);
	if (!h)
		return;
	if (forced && !cJSON_IsTrue(forced) && host_has_done_evacuations(c->m, h)) {
		face_nova_error(c, 400,
		    "Unable to force up host %s as `done` evacuation migration records remain associated with the "
		    "host. Ensure the compute service has been restarted, allowing these records to move to "
		    "`completed` before retrying this request.",
		    h->name);
		return;
	}
	sim_host_settle(c->m, h);
	if (forced)
		h->forced_down = cJSON_IsTrue(forced);
	if (status) {
		h->disabled = str_eq(status, "disabled");
		str_copy(h->disabled_reason, sizeof(h->disabled_reason), h->disabled ? reason : NULL);
	}
	h->updated_ms = c->m->now_ms;
	host_row(c->m, h, &row);
	row.is_exact = true;
	if (status && row.is_up &&
	    !sim_host_is_alive(h)) /* it waits for the compute, which is dead, to change its trait */
		c->ans->delay_ms += c->m->config.disable_wait_ms;
	strbuf_puts(&c->out, "{\"service\":");
	service_text(c, &row);
	strbuf_puts(&c->out, "}");
}

static void hypervisor_servers(struct face_call *c, const struct sim_host *h)
{
	bool comma = false;

	strbuf_puts(&c->out, ",\"servers\":[");
	for (size_t i = 0; i < c->m->n_instances; i++) {
		const struct sim_instance *in = &c->m->instances[i];

		if (in->deleted || in->host < 0 || &c->m->hosts[in->host] != h)
			continue;
		strbuf_printf(&c->out, "%s{\"uuid\":\"%s\",\"name\":", comma ? "," : "", in->uuid);
		face_text(&c->out, in->name);
		strbuf_puts(&c->out, "}");
		comma = true;
	}
	strbuf_puts(&c->out, "]");
}

static void hypervisor_text(struct face_call *c, struct sim_host *h, bool is_detail, bool has_servers)
{
	struct strbuf *o = &c->out;
	bool up = sim_host_is_up(c->m, h);

	strbuf_printf(o, "{\"id\":\"%s\",\"hypervisor_hostname\":", h->node_uuid);
	face_text(o, h->name);
	strbuf_printf(
	    o, ",\"state\":\"%s\",\"status\":\"%s\"", up ? "up" : "down", h->disabled ? "disabled" : "enabled");
	if (is_detail) {
		strbuf_printf(o,
		    ",\"hypervisor_type\":\"fake\",\"hypervisor_version\":1000,\"host_ip\":\"%s\",\"service\":{\"id\":"
		    "\"%s\",\"host\":",
		    h->address, h->service_uuid);
		face_text(o, h->name);
		strbuf_puts(o, ",\"disabled_reason\":");
		face_text_or_null(o, h->disabled_reason);
		strbuf_puts(o, "},\"uptime\":null");
	}
	if (has_servers)
		hypervisor_servers(c, h);
	strbuf_puts(o, "}");
}

/* The pattern is a substring, as in nova: "compute-1" also finds compute-10. */
void face_hypervisors(struct face_call *c)
{
	const char *pattern = face_param(c, "hypervisor_hostname_pattern"), *with = face_param(c, "with_servers");
	bool is_detail = c->n_seg == 3,
	     has_servers = with && (str_eq(with, "true") || str_eq(with, "True") || str_eq(with, "1"));
	bool comma = false;

	strbuf_puts(&c->out, "{\"hypervisors\":[");
	for (size_t i = 0; i < c->m->n_hosts; i++) {
		if (pattern && !strstr(c->m->hosts[i].name, pattern))
			continue;
		strbuf_puts(&c->out, comma ? "," : "");
		hypervisor_text(c, &c->m->hosts[i], is_detail, has_servers);
		comma = true;
	}
	strbuf_puts(&c->out, "]}");
	if (pattern && !comma)
		face_nova_error(c, 404, "No hypervisor matching '%s' could be found.", pattern);
}
