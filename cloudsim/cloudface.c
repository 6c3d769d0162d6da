/* SPDX-License-Identifier: Apache-2.0 */
/* The front of the face: faults first, then parsing, tokens, and the way to Keystone or Nova. */
#include "cloudsim/cloudface.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloudsim/cloudface_parts.h"

void face_header(struct face_call *c, const char *name, const char *fmt, ...)
{
	va_list ap;
	size_t n = c->ans->n_headers;

	if (n == CLOUDSIM_HEADERS_MAX)
		return;
	str_copy(c->ans->headers[n].name, sizeof(c->ans->headers[n].name), name);
	va_start(ap, fmt);
	vsnprintf(c->ans->headers[n].value, sizeof(c->ans->headers[n].value), fmt, ap);
	va_end(ap);
	c->ans->n_headers++;
}

const char *cloudsim_answer_header(const struct cloudsim_answer *answer, const char *name)
{
	for (size_t i = 0; i < answer->n_headers; i++)
		if (strcasecmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	return NULL;
}

void cloudsim_answer_free(struct cloudsim_answer *answer)
{
	free(answer->body);
	*answer = (struct cloudsim_answer){0};
}

const char *face_param(const struct face_call *c, const char *name)
{
	for (size_t i = 0; i < c->n_params; i++)
		if (strcmp(c->params[i].name, name) == 0)
			return c->params[i].value;
	return NULL;
}

const char *face_request_header(const struct face_call *c, const char *name)
{
	for (size_t i = 0; i < c->req->n_headers; i++)
		if (strcasecmp(c->req->headers[i].name, name) == 0)
			return c->req->headers[i].value;
	return NULL;
}

bool face_token_check(struct face_call *c)
{
	const char *id = face_request_header(c, "X-Auth-Token");

	for (size_t i = 0; id && *id && i < CLOUDSIM_TOKENS_MAX; i++) {
		const struct sim_token *t = &c->m->tokens[i];

		if (strcmp(t->id, id) != 0 || t->expires_ms <= c->m->now_ms)
			continue;
		c->user = t->user;
		c->project = t->project;
		c->is_system = t->is_system;
		c->is_admin = str_eq(c->m->users[t->user].role, "admin");
		return true;
	}
	return false;
}

static const char *nova_kind(int status)
{
	switch (status) {
	case 400:
		return "badRequest";
	case 403:
		return "forbidden";
	case 404:
		return "itemNotFound";
	case 405:
		return "badMethod";
	case 409:
		return "conflictingRequest";
	case 413:
	case 429:
		return "overLimit";
	case 503:
		return "serviceUnavailable";
	default:
		return "computeFault";
	}
}

void face_nova_error(struct face_call *c, int status, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->ans->status = status;
	strbuf_reset(&c->out);
	strbuf_printf(&c->out, "{\"%s\":{\"code\":%d,\"message\":", nova_kind(status), status);
	face_text(&c->out, text);
	strbuf_puts(&c->out, "}}");
}

static const char *keystone_title(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 409:
		return "Conflict";
	case 413:
		return "Request Entity Too Large";
	case 429:
		return "Too Many Requests";
	default:
		return "Internal Server Error";
	}
}

void face_keystone_error(struct face_call *c, int status, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->ans->status = status;
	strbuf_reset(&c->out);
	strbuf_printf(&c->out, "{\"error\":{\"code\":%d,\"message\":", status);
	face_text(&c->out, text);
	strbuf_printf(&c->out, ",\"title\":\"%s\"}}", keystone_title(status));
	if (status == 401)
		face_header(c, "WWW-Authenticate", "Keystone uri=\"%s/identity/v3\"", c->m->config.url);
}

static void versions_show(struct face_call *c)
{
	const char *u = c->m->config.url;

	strbuf_printf(&c->out,
	    "{\"versions\":[{\"id\":\"v2.0\",\"status\":\"SUPPORTED\",\"version\":\"\",\"min_version\":\"\","
	    "\"updated\":\"2011-01-21T11:33:21Z\",\"links\":[{\"rel\":\"self\",\"href\":\"%s/v2/\"}]},"
	    "{\"id\":\"v2.1\",\"status\":\"CURRENT\",\"version\":\"2.%d\",\"min_version\":\"2.1\","
	    "\"updated\":\"2013-07-23T11:33:21Z\",\"links\":[{\"rel\":\"self\",\"href\":\"%s/v2.1/\"}]}]}",
	    u, CLOUDSIM_MICROVERSION_MAX, u);
}

static void call_route(struct face_call *c)
{
	if (c->n_seg == 0)
		versions_show(c);
	else if (strcmp(c->seg[0], "identity") == 0)
		face_keystone(c);
	else if (strcmp(c->seg[0], "v2.1") == 0)
		face_nova(c);
	else
		face_nova_error(c, 404, "The resource could not be found.");
}

static void status_fault(struct face_call *c, const struct cloudsim_fault *f)
{
	int status = f->status ? f->status : 500;

	if (status == 503) { /* what a load balancer in front of dead backends says */
		c->ans->status = 503;
		strbuf_puts(&c->out, "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle "
				     "this request.\n</body></html>\n");
		face_header(c, "Content-Type", "text/html");
	} else if (status == 401 || (c->n_seg && strcmp(c->seg[0], "identity") == 0)) {
		face_keystone_error(c, status, "The request you have made requires authentication.");
	} else {
		face_nova_error(c, status, "Injected fault %d.", status);
	}
	if (f->retry_after_s)
		face_header(c, "Retry-After", "%d", f->retry_after_s);
}

/* Answers that are ready before the cloud is asked; false when the cloud has to do the work first. */
static bool fault_replaces(struct face_call *c, const struct cloudsim_fault *f)
{
	switch (f->effect) {
	case CLOUDSIM_FAULT_STATUS:
		status_fault(c, f);
		return true;
	case CLOUDSIM_FAULT_DROP:
		c->ans->wire = CLOUDSIM_WIRE_LOST;
		return true;
	case CLOUDSIM_FAULT_LATE:
		c->ans->wire = CLOUDSIM_WIRE_LATE;
		return true;
	case CLOUDSIM_FAULT_REDIRECT:
		c->ans->status = 302;
		face_header(c, "Location", "%s/elsewhere", c->m->config.url);
		return true;
	default:
		return false;
	}
}

static void fault_dress(struct face_call *c, const struct cloudsim_fault *f)
{
	static const enum cloudsim_wire wires[CLOUDSIM_FAULT_N] = {
	    [CLOUDSIM_FAULT_LOST] = CLOUDSIM_WIRE_LOST,
	    [CLOUDSIM_FAULT_DRIP] = CLOUDSIM_WIRE_DRIP,
	    [CLOUDSIM_FAULT_ENDLESS] = CLOUDSIM_WIRE_ENDLESS,
	    [CLOUDSIM_FAULT_CUT] = CLOUDSIM_WIRE_CUT,
	    [CLOUDSIM_FAULT_HANG] = CLOUDSIM_WIRE_HANG,
	};

	c->ans->wire = wires[f->effect];
	if (f->effect != CLOUDSIM_FAULT_GARBAGE)
		return;
	strbuf_reset(&c->out);
	strbuf_puts(&c->out, "{\"servers\": [{\"id\": \x01\x02 not JSON at all");
	c->ans->status = 200;
}

static void answer_finish(struct face_call *c)
{
	if (!cloudsim_answer_header(c->ans, "Content-Type"))
		face_header(c, "Content-Type",
		    c->ans->status >= 400 && c->ans->status != 401 && c->seg[0][0] == 'v'
			? "application/json; charset=UTF-8"
			: "application/json");
	c->ans->body_len = c->out.len;
	c->ans->body = c->out.len ? strbuf_steal(&c->out) : NULL;
	if (!c->ans->body)
		c->ans->body_len = 0;
}

void cloudsim_http_handle(struct cloudsim_model *m, int64_t now_ms, const struct cloudsim_request *request,
    struct cloudsim_answer *ret_answer)
{
	struct face_call c = {.m = m, .req = request, .ans = ret_answer, .project = -1, .user = -1};
	size_t path_len = strcspn(request->target, "?");
	struct cloudsim_fault *fault = NULL;

	*ret_answer = (struct cloudsim_answer){.status = 200};
	cloudsim_model_advance(m, now_ms);
	m->request_serial++;
	if (!request->skip_faults)
		fault = sim_fault_match(m, request->method, request->target, request->body, request->body_len);
	face_path_parse(&c, request->target, path_len);
	face_query_parse(&c, request->target[path_len] ? request->target + path_len + 1 : "");
	if (fault)
		ret_answer->delay_ms = fault->delay_ms;
	if (!fault || !fault_replaces(&c, fault)) {
		if (request->body_len)
			json_parse(request->body, request->body_len, &c.json, NULL);
		call_route(&c);
		if (fault)
			fault_dress(&c, fault);
	}
	answer_finish(&c);
	json_free(&c.json);
	strbuf_free(&c.out);
}
