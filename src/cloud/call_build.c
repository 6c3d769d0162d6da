/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and bodies of the requests. Source: OpenStack Compute API 2.90 (request parts unchanged since 2.69), Identity
 * API v3. */
#include "cloud/call_private.h"

#include <stdio.h>

#include "cloud/wire.h"

static void add_parameter(struct strbuf *sb, const char *name, const char *value)
{
	strbuf_printf(sb, "&%s=", name);
	cloud_url_encode(sb, value);
}

static void add_page(struct cloud_call *call, unsigned rows)
{
	strbuf_printf(&call->path, "&limit=%u", rows);
	if (call->marker[0])
		add_parameter(&call->path, "marker", call->marker);
}

static void build_detail(struct cloud_call *call)
{
	strbuf_puts(&call->path, call->is_short ? "/servers" : "/servers/detail");
	strbuf_puts(&call->path, "?all_tenants=1");
	add_parameter(&call->path, "host", call->host);
	add_page(call, CLOUD_SERVER_PAGE_ROWS);
}

/* `host` matches source or destination; only the source has a filter of its own. Every row is checked exactly anyway.
 */
static void build_migrations(struct cloud_call *call)
{
	strbuf_puts(&call->path, "/os-migrations?migration_type=evacuation");
	if (call->step == STEP_HISTORY)
		add_parameter(&call->path, "instance_uuid", call->pending[call->item].uuid);
	else
		add_parameter(&call->path, call->kind == CLOUD_MIGRATIONS_FROM ? "source_compute" : "host", call->host);
	add_page(call, CLOUD_MIGRATION_PAGE_ROWS);
}

static bool build_change_body(struct cloud_call *call)
{
	JSON_AUTO cJSON *json = cJSON_CreateObject();
	char *text;
	bool ok = json != NULL;

	switch (call->kind) {
	case CLOUD_FORCE_DOWN:
	case CLOUD_UNFORCE:
		ok = ok && cJSON_AddBoolToObject(json, "forced_down", call->kind == CLOUD_FORCE_DOWN);
		break;
	case CLOUD_DISABLE:
		ok = ok && cJSON_AddStringToObject(json, "status", "disabled") &&
		     cJSON_AddStringToObject(json, "disabled_reason", call->reason);
		break;
	default:
		ok = ok && cJSON_AddStringToObject(json, "status", "enabled");
		break;
	}
	text = ok ? cJSON_PrintUnformatted(json) : NULL;
	if (!text)
		return false;
	strbuf_puts(&call->body, text);
	cJSON_free(text);
	return true;
}

static const char *action_body(enum cloud_kind kind)
{
	switch (kind) {
	case CLOUD_EVACUATE:
		return "{\"evacuate\":{}}";
	case CLOUD_STOP:
		return "{\"os-stop\":null}";
	case CLOUD_START:
		return "{\"os-start\":null}";
	default:
		return "{\"os-resetState\":{\"state\":\"error\"}}";
	}
}

static void build_find(struct cloud_call *call)
{
	strbuf_puts(&call->path, "/os-services?binary=nova-compute");
	add_parameter(&call->path, "host", call->host);
}

static void build_assignments(struct cloud_call *call)
{
	strbuf_puts(&call->path, "/role_assignments?scope.project.id=");
	cloud_url_encode(&call->path, call->project);
	strbuf_puts(&call->path, "&effective&include_names");
}

bool call_build_path(struct cloud_call *call)
{
	bool ok = true;

	strbuf_reset(&call->path);
	strbuf_reset(&call->body);
	switch (call->step) {
	case STEP_SERVICES:
		strbuf_puts(
		    &call->path, call->kind == CLOUD_HEALTH ? "/os-services" : "/os-services?binary=nova-compute");
		break;
	case STEP_FIND:
		build_find(call);
		break;
	case STEP_CHANGE:
		strbuf_printf(&call->path, "/os-services/%s", call->result.services[0].view.service_id);
		ok = build_change_body(call);
		break;
	case STEP_DETAIL:
		build_detail(call);
		break;
	case STEP_SINGLE:
		strbuf_printf(&call->path, "/servers/%s", call->result.instances[call->item].uuid);
		break;
	case STEP_ASK:
		strbuf_printf(&call->path, "/servers/%s", call->pending[call->item].uuid);
		break;
	case STEP_MIGRATIONS:
	case STEP_HISTORY:
		build_migrations(call);
		break;
	case STEP_ACTION:
		strbuf_printf(&call->path, "/servers/%s/action", call->instance);
		strbuf_puts(&call->body, action_body(call->kind));
		break;
	case STEP_PROJECT:
		strbuf_printf(&call->path, "/projects/%s", call->project);
		break;
	case STEP_ASSIGNMENTS:
		build_assignments(call);
		break;
	case STEP_USER:
		strbuf_printf(&call->path, "/users/%s", call->result.people[call->item].user_id);
		break;
	default:
		return false;
	}
	return ok && !call->path.failed && !call->body.failed;
}
