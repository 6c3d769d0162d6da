/* SPDX-License-Identifier: Apache-2.0 */
/* GET /os-migrations, newest first, with nova's filters. */
#include <string.h>

#include "cloudsim/cloudface_parts.h"

struct migration_filter {
	const char *status, *host, *source, *type;
	int instance; /* -1 = any, -2 = none can match */
};

static bool migration_passes(
    const struct cloudsim_model *m, const struct migration_filter *f, const struct sim_migration *mig)
{
	const char *source = m->hosts[mig->source].name, *dest = mig->dest >= 0 ? m->hosts[mig->dest].name : "";

	if (f->type && !str_eq(f->type, "evacuation"))
		return false;
	if (f->instance != -1 && f->instance != mig->instance)
		return false;
	if (f->status && !str_eq(f->status, sim_migration_status_name(mig->status)))
		return false;
	if (f->source && !str_eq(f->source, source))
		return false;
	return !f->host || str_eq(f->host, source) || str_eq(f->host, dest);
}

static void migration_text(struct face_call *c, int i)
{
	const struct cloudsim_model *m = c->m;
	const struct sim_migration *mig = &m->migrations[i];
	const char *source = m->hosts[mig->source].name, *dest = mig->dest >= 0 ? m->hosts[mig->dest].name : NULL;
	struct strbuf *o = &c->out;

	strbuf_printf(o, "{\"id\":%d,", i + 1);
	if (c->minor >= 59)
		strbuf_printf(o, "\"uuid\":\"%s\",", mig->uuid);
	strbuf_puts(o, "\"source_compute\":");
	face_text(o, source);
	strbuf_puts(o, ",\"dest_compute\":");
	face_text_or_null(o, dest);
	strbuf_puts(o, ",\"source_node\":");
	face_text(o, source);
	strbuf_puts(o, ",\"dest_node\":");
	face_text_or_null(o, dest);
	strbuf_puts(o, ",\"dest_host\":");
	face_text_or_null(o, dest ? m->hosts[mig->dest].address : NULL);
	strbuf_printf(o,
	    ",\"old_instance_type_id\":null,\"new_instance_type_id\":null,\"instance_uuid\":\"%s\",\"status\":\"%s\"",
	    m->instances[mig->instance].uuid, sim_migration_status_name(mig->status));
	if (c->minor >= 23)
		strbuf_puts(o, ",\"migration_type\":\"evacuation\"");
	if (c->minor >= 80)
		strbuf_printf(o, ",\"user_id\":\"%s\",\"project_id\":\"%s\"", m->users[0].id, m->projects[0].id);
	strbuf_puts(o, ",\"created_at\":");
	face_stamp(o, m, mig->created_ms);
	strbuf_puts(o, ",\"updated_at\":");
	face_stamp(o, m, mig->updated_ms);
	strbuf_puts(o, "}");
}

/* Where to begin and which chain to follow: an instance's own, a source's own, or all of them. */
static int chain_first(const struct face_call *c, const struct migration_filter *f)
{
	int source = f->source ? sim_host_index(c->m, f->source) : -1;

	if (f->instance == -2 || (f->source && source < 0))
		return -1;
	if (f->instance >= 0)
		return c->m->instances[f->instance].last_migration;
	return source >= 0 ? c->m->hosts[source].last_from : (int)c->m->n_migrations - 1;
}

static int chain_next(const struct face_call *c, const struct migration_filter *f, int i)
{
	if (f->instance >= 0)
		return c->m->migrations[i].prev_of_instance;
	return f->source ? c->m->migrations[i].prev_of_source : i - 1;
}

/* id after which the page begins, INT32_MAX = from the newest; -1 after having answered 400 */
static int page_start(struct face_call *c)
{
	const char *marker = face_param(c, "marker");

	if (!marker)
		return INT32_MAX;
	for (size_t i = 0; i < c->m->n_migrations; i++)
		if (strcmp(c->m->migrations[i].uuid, marker) == 0)
			return (int)i;
	face_nova_error(c, 400, "Marker %s could not be found.", marker);
	return -1;
}

void face_migrations_list(struct face_call *c)
{
	const char *uuid = face_param(c, "instance_uuid");
	struct migration_filter f = {.status = face_param(c, "status"),
	    .host = face_param(c, "host"),
	    .source = face_param(c, "source_compute"),
	    .type = face_param(c, "migration_type"),
	    .instance = -1};
	size_t limit, n = 0;
	int before, last = -1;

	if (!face_limit(c, &limit))
		return;
	before = page_start(c);
	if (before < 0)
		return;
	if (uuid)
		f.instance = sim_instance_index(c->m, uuid) >= 0 ? sim_instance_index(c->m, uuid) : -2;
	if (c->m->down[CLOUDSIM_CELL])
		f.instance = -2;
	strbuf_puts(&c->out, "{\"migrations\":[");
	for (int i = chain_first(c, &f); i >= 0 && n < limit; i = chain_next(c, &f, i)) {
		if (i >= before || !migration_passes(c->m, &f, &c->m->migrations[i]))
			continue;
		strbuf_puts(&c->out, n++ ? "," : "");
		migration_text(c, i);
		last = i;
	}
	strbuf_puts(&c->out, "]");
	if (n == limit && last >= 0 && c->minor >= 59)
		face_next_link(c, "migrations_links", "/v2.1/os-migrations", c->m->migrations[last].uuid);
	strbuf_puts(&c->out, "}");
}
