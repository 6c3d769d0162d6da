/* SPDX-License-Identifier: Apache-2.0 */
/* See cloud_client.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/unit/cloud_client.h"

void ask(struct fixture *f, const char *method, const char *target, const char *body)
{
	struct cloudsim_header headers[] = {{"X-Auth-Token", f->token}, {"OpenStack-API-Version", "compute 2.90"}};
	struct cloudsim_request q = {method, target, headers, 2, body, body ? strlen(body) : 0, false};
	struct cloudsim_answer a;
	const char *subject;

	json_free(&f->json);
	cloudsim_http_handle(f->m, f->now, &q, &a);
	f->status = a.status;
	if (a.body_len)
		assert_int_equal(json_parse(a.body, a.body_len, &f->json, NULL), 0);
	subject = cloudsim_answer_header(&a, "X-Subject-Token");
	if (subject)
		str_copy(f->token, sizeof(f->token), subject);
	cloudsim_answer_free(&a);
}

void log_in(struct fixture *f, const char *user, const char *password, const char *project)
{
	STRBUF_AUTO struct strbuf body = STRBUF_INIT;

	strbuf_printf(&body,
	    "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"%s\",\"domain\":{"
	    "\"id\":"
	    "\"default\"},\"password\":\"%s\"}}},\"scope\":{\"project\":{\"name\":\"%s\",\"domain\":{\"id\":"
	    "\"default\"}}}}}",
	    user, password, project);
	ask(f, "POST", "/identity/v3/auth/tokens", body.text);
}

void fixture_build(struct fixture *f)
{
	f->now = 1000000000;
	assert_int_equal(cloudsim_model_new(&f->config, f->now, &f->m, NULL), 0);
	log_in(f, "admin", f->config.admin_password, "admin");
	assert_int_equal(f->status, 201);
}

int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	cloudsim_config_default(&f->config);
	f->config.schedule_ms = (struct cloudsim_span){100, 100};
	f->config.rebuild_ms = (struct cloudsim_span){1000, 1000};
	f->config.gap_ms = (struct cloudsim_span){50, 50};
	f->config.stop_ms = (struct cloudsim_span){30, 30};
	fixture_build(f);
	*state = f;
	return 0;
}

int tear_down(void **state)
{
	struct fixture *f = *state;

	json_free(&f->json);
	cloudsim_model_free(f->m);
	free(f);
	return 0;
}

void pass(struct fixture *f, int64_t ms)
{
	f->now += ms;
	cloudsim_model_advance(f->m, f->now);
}

const char *vm(struct fixture *f, size_t i)
{
	return cloudsim_model_instance_uuid(f->m, i);
}

const cJSON *server(struct fixture *f, size_t i)
{
	char target[128];

	snprintf(target, sizeof(target), "/v2.1/servers/%s", vm(f, i));
	ask(f, "GET", target, NULL);
	return json_object(f->json, "server");
}

const char *server_text(struct fixture *f, size_t i, const char *member)
{
	return json_str(server(f, i), member, "(null)");
}

const char *migration_text(struct fixture *f, size_t i, const char *member)
{
	char target[128];

	snprintf(target, sizeof(target), "/v2.1/os-migrations?instance_uuid=%s", vm(f, i));
	ask(f, "GET", target, NULL);
	return json_str(cJSON_GetArrayItem(json_array(f->json, "migrations"), 0), member, "(null)");
}

void act(struct fixture *f, size_t i, const char *body)
{
	char target[128];

	snprintf(target, sizeof(target), "/v2.1/servers/%s/action", vm(f, i));
	ask(f, "POST", target, body);
}

void evacuate(struct fixture *f, size_t i)
{
	act(f, i, "{\"evacuate\":{}}");
}

const char *service_text(struct fixture *f, const char *host, const char *member)
{
	char target[128];

	snprintf(target, sizeof(target), "/v2.1/os-services?binary=nova-compute&host=%s", host);
	ask(f, "GET", target, NULL);
	return json_str(cJSON_GetArrayItem(json_array(f->json, "services"), 0), member, "(null)");
}

void service_put(struct fixture *f, const char *host, const char *body)
{
	char target[128];

	snprintf(target, sizeof(target), "/v2.1/os-services/%s", service_text(f, host, "id"));
	ask(f, "PUT", target, body);
}

void host_die(struct fixture *f, const char *host)
{
	assert_int_equal(cloudsim_model_power(f->m, f->now, host, false), 0);
	service_put(f, host, "{\"forced_down\":true}");
	assert_int_equal(f->status, 200);
}

const char *message(struct fixture *f)
{
	const cJSON *kind = f->json ? f->json->child : NULL;

	return json_str(kind, "message", "");
}

size_t host_of_name(struct fixture *f, const char *name)
{
	int i = cloudsim_model_host_find(f->m, name);

	assert_true(i >= 0);
	return (size_t)i;
}
