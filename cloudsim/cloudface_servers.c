/* SPDX-License-Identifier: Apache-2.0 */
/* Servers: the short and the long listing, with filters and pages, and one server. */
#include <string.h>

#include "cloudsim/cloudface_parts.h"

static const char *host_status(struct face_call *c, const struct sim_instance *in)
{
	struct sim_host *h;

	if (in->host < 0)
		return "";
	h = &c->m->hosts[in->host];
	if (h->forced_down)
		return "DOWN";
	if (h->disabled)
		return "MAINTENANCE";
	return sim_host_is_up(c->m, h) ? "UP" : "UNKNOWN";
}

static void server_links(struct face_call *c, const struct sim_instance *in)
{
	const char *u = c->m->config.url;

	strbuf_printf(&c->out,
	    "\"links\":[{\"rel\":\"self\",\"href\":\"%s/v2.1/servers/%s\"},{\"rel\":\"bookmark\",\"href\":\"%s/servers/"
	    "%s\"}]",
	    u, in->uuid, u, in->uuid);
}

static void host_id(struct face_call *c, const struct sim_instance *in)
{
	struct rng r = {(uint64_t)in->project << 32 | (uint32_t)in->host};

	strbuf_puts(&c->out, ",\"hostId\":\"");
	for (int i = 0; in->host >= 0 && i < 7; i++)
		strbuf_printf(&c->out, "%08x", (unsigned)(rng_next(&r) & 0xffffffff));
	strbuf_puts(&c->out, "\"");
}

static void server_head(struct face_call *c, const struct sim_instance *in)
{
	struct strbuf *o = &c->out;
	const struct cloudsim_model *m = c->m;

	strbuf_printf(o, "{\"id\":\"%s\",\"name\":", in->uuid);
	face_text(o, in->name);
	strbuf_printf(o, ",\"status\":\"%s\",\"tenant_id\":\"%s\",\"user_id\":\"%s\",\"metadata\":%s",
	    sim_instance_status(in), m->projects[in->project].id, m->users[in->user].id,
	    in->metadata ? in->metadata : "{}");
	host_id(c, in);
	strbuf_printf(o, ",\"image\":{\"id\":\"%s\",\"links\":[{\"rel\":\"bookmark\",\"href\":\"%s/images/%s\"}]}",
	    m->image_id, m->config.url, m->image_id);
	strbuf_puts(o, ",\"flavor\":{\"vcpus\":1,\"ram\":64,\"disk\":1,\"ephemeral\":0,\"swap\":0,\"original_name\":"
		       "\"tiny\",\"extra_specs\":{}},\"created\":");
	face_stamp_z(o, m, in->created_ms);
	strbuf_puts(o, ",\"updated\":");
	face_stamp_z(o, m, in->updated_ms);
	strbuf_puts(o, ",\"addresses\":{},\"accessIPv4\":\"\",\"accessIPv6\":\"\",");
	server_links(c, in);
	strbuf_puts(o, ",\"OS-DCF:diskConfig\":\"MANUAL\"");
}

static void server_fault(struct face_call *c, const struct sim_instance *in)
{
	if (!in->has_fault || (in->vm_state != SIM_VM_ERROR && !in->deleted) ||
	    strcmp(sim_instance_status(in), "ERROR") != 0)
		return;
	strbuf_puts(&c->out, ",\"fault\":{\"code\":500,\"created\":");
	face_stamp_z(&c->out, c->m, in->fault_ms);
	strbuf_puts(&c->out, ",\"message\":");
	face_text(&c->out, in->fault);
	strbuf_puts(&c->out, c->is_admin ? ",\"details\":\"Traceback (most recent call last):\\n\"}" : "}");
}

static bool has_progress(const struct sim_instance *in)
{
	static const char *const with[] = {
	    "ACTIVE", "BUILD", "DELETED", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"};

	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++)
		if (strcmp(with[i], sim_instance_status(in)) == 0)
			return true;
	return false;
}

static void server_admin_part(struct face_call *c, const struct sim_instance *in)
{
	struct strbuf *o = &c->out;
	const char *host = in->host >= 0 ? c->m->hosts[in->host].name : NULL;

	strbuf_puts(o, ",\"OS-EXT-SRV-ATTR:host\":");
	face_text_or_null(o, host);
	strbuf_printf(o,
	    ",\"OS-EXT-SRV-ATTR:instance_name\":\"instance-%08x\",\"OS-EXT-SRV-ATTR:hypervisor_hostname\":",
	    (unsigned)(in - c->m->instances) + 1);
	face_text_or_null(o, host);
	strbuf_puts(o, ",\"OS-EXT-SRV-ATTR:reservation_id\":\"r-k4cpyg0e\",\"OS-EXT-SRV-ATTR:launch_index\":0,\"OS-EXT-"
		       "SRV-ATTR:hostname\":");
	face_text(o, in->name);
	strbuf_puts(o, ",\"OS-EXT-SRV-ATTR:kernel_id\":\"\",\"OS-EXT-SRV-ATTR:ramdisk_id\":\"\",\"OS-EXT-SRV-ATTR:root_"
		       "device_name\":\"/dev/sda\","
		       "\"OS-EXT-SRV-ATTR:user_data\":null");
}

static void server_text(struct face_call *c, const struct sim_instance *in)
{
	struct strbuf *o = &c->out;
	const char *zone = in->host >= 0 ? c->m->hosts[in->host].zone : "";

	server_head(c, in);
	server_fault(c, in);
	strbuf_puts(o, has_progress(in) ? ",\"progress\":0" : "");
	strbuf_puts(o, ",\"OS-EXT-AZ:availability_zone\":");
	face_text(o, zone);
	strbuf_puts(o, ",\"config_drive\":\"\",\"key_name\":null,\"OS-SRV-USG:launched_at\":");
	face_stamp(o, c->m, in->launched_ms);
	strbuf_puts(o, ",\"OS-SRV-USG:terminated_at\":null");
	if (c->is_admin)
		server_admin_part(c, in);
	strbuf_puts(o, ",\"OS-EXT-STS:task_state\":");
	face_text_or_null(o, sim_task_name(in->task));
	strbuf_printf(o,
	    ",\"OS-EXT-STS:vm_state\":\"%s\",\"OS-EXT-STS:power_state\":%d,\"os-extended-volumes:volumes_attached\":[],"
	    "\"locked\":%s,"
	    "\"locked_reason\":null,\"description\":null,\"tags\":[],\"trusted_image_certificates\":null",
	    sim_vm_state_name(in->vm_state), in->power_state, in->locked ? "true" : "false");
	if (c->is_admin && c->minor >= 16)
		strbuf_printf(o, ",\"host_status\":\"%s\"", host_status(c, in));
	if (!c->is_admin) {
		strbuf_puts(o, ",\"OS-EXT-SRV-ATTR:hostname\":");
		face_text(o, in->name);
	}
}

static void server_short(struct face_call *c, const struct sim_instance *in)
{
	strbuf_printf(&c->out, "{\"id\":\"%s\",\"name\":", in->uuid);
	face_text(&c->out, in->name);
	strbuf_puts(&c->out, ",");
	server_links(c, in);
}

/* What the cell's database cannot tell is left out. */
static void server_of_dead_cell(struct face_call *c, const struct sim_instance *in)
{
	strbuf_printf(
	    &c->out, "{\"id\":\"%s\",\"tenant_id\":\"%s\",\"created\":", in->uuid, c->m->projects[in->project].id);
	face_stamp_z(&c->out, c->m, in->created_ms);
	strbuf_puts(&c->out, ",\"status\":\"UNKNOWN\",");
	server_links(c, in);
}

struct server_filter {
	const char *host, *project, *status, *name;
	bool all, deleted;
};

static bool server_passes(const struct face_call *c, const struct server_filter *f, const struct sim_instance *in)
{
	if (in->deleted != f->deleted)
		return false;
	if (!f->all && in->project != c->project)
		return false;
	if (f->project && !str_eq(c->m->projects[in->project].id, f->project))
		return false;
	if (f->host && !str_eq(in->host >= 0 ? c->m->hosts[in->host].name : "", f->host))
		return false;
	if (f->status && !str_eq(sim_instance_status(in), f->status))
		return false;
	return !f->name || strstr(in->name, f->name);
}

static void filter_read(const struct face_call *c, struct server_filter *ret)
{
	const char *all = face_param(c, "all_tenants"), *deleted = face_param(c, "deleted");
	const char *project = face_param(c, "project_id");

	*ret = (struct server_filter){
	    .host = face_param(c, "host"), .status = face_param(c, "status"), .name = face_param(c, "name")};
	if (!c->is_admin) { /* filters that only admins may use are passed over without a word */
		ret->host = NULL;
		return;
	}
	ret->project = project ? project : face_param(c, "tenant_id");
	ret->all = all && strcmp(all, "0") != 0 && strcmp(all, "False") != 0 && strcmp(all, "false") != 0;
	ret->deleted = deleted && (str_eq(deleted, "True") || str_eq(deleted, "true") || str_eq(deleted, "1"));
}

/* Long listings and single servers need the network; true after having answered 500 without it. */
static bool neutron_is_missing(struct face_call *c)
{
	if (!c->m->down[CLOUDSIM_NEUTRON])
		return false;
	c->ans->delay_ms += c->m->config.neutron_wait_ms;
	face_nova_error(c, 500,
	    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log "
	    "if possible.\n"
	    "<class 'keystoneauth1.exceptions.connection.ConnectFailure'>");
	return true;
}

/* Index after which (newest first) the page begins; -1 after having answered 400. */
static int64_t page_start(struct face_call *c)
{
	const char *marker = face_param(c, "marker");
	int i;

	if (!marker)
		return (int64_t)c->m->n_instances;
	i = sim_instance_index(c->m, marker);
	if (i < 0)
		face_nova_error(c, 400, "marker [%s] not found", marker);
	return i;
}

static void server_row(struct face_call *c, bool is_detail, const struct sim_instance *in)
{
	if (c->m->down[CLOUDSIM_CELL])
		server_of_dead_cell(c, in);
	else if (is_detail)
		server_text(c, in);
	else
		server_short(c, in);
	strbuf_puts(&c->out, "}");
}

void face_servers_list(struct face_call *c, bool is_detail)
{
	struct server_filter f;
	size_t limit, n = 0;
	int64_t i;

	if (is_detail && neutron_is_missing(c))
		return;
	if (!face_limit(c, &limit))
		return;
	i = page_start(c);
	if (i < 0)
		return;
	filter_read(c, &f);
	strbuf_puts(&c->out, "{\"servers\":[");
	if (c->m->down[CLOUDSIM_CELL] && c->minor < 69)
		i = 0;
	while (i > 0 && n < limit) {
		const struct sim_instance *in = &c->m->instances[--i];

		if (!server_passes(c, &f, in))
			continue;
		strbuf_puts(&c->out, n++ ? "," : "");
		server_row(c, is_detail, in);
	}
	strbuf_puts(&c->out, "]");
	if (n == limit)
		face_next_link(
		    c, "servers_links", is_detail ? "/v2.1/servers/detail" : "/v2.1/servers", c->m->instances[i].uuid);
	strbuf_puts(&c->out, "}");
}

int face_server_find(struct face_call *c, const char *uuid)
{
	int i = sim_instance_index(c->m, uuid);

	if (i >= 0 && !c->m->instances[i].deleted && (c->is_admin || c->m->instances[i].project == c->project))
		return i;
	face_nova_error(c, 404, "Instance %s could not be found.", uuid);
	return -1;
}

void face_server_show(struct face_call *c)
{
	int i = face_server_find(c, c->seg[2]);

	if (i < 0 || neutron_is_missing(c))
		return;
	strbuf_puts(&c->out, "{\"server\":");
	if (c->m->down[CLOUDSIM_CELL])
		server_of_dead_cell(c, &c->m->instances[i]);
	else
		server_text(c, &c->m->instances[i]);
	if (c->minor >= 71)
		strbuf_puts(&c->out, ",\"server_groups\":[]");
	strbuf_puts(&c->out, "}}");
}
