/* SPDX-License-Identifier: Apache-2.0 */
/* Nova's part of the face: version document, microversions, tokens, and the table of what is served. */
#include <stdlib.h>
#include <string.h>

#include "cloudsim/cloudface_parts.h"

static void version_show(struct face_call *c)
{
	strbuf_printf(&c->out,
	    "{\"version\":{\"id\":\"v2.1\",\"status\":\"CURRENT\",\"version\":\"2.%d\",\"min_version\":\"2.1\","
	    "\"updated\":\"2013-07-23T11:33:21Z\",\"links\":[{\"rel\":\"self\",\"href\":\"%s/v2.1/"
	    "\"},{\"rel\":\"describedby\","
	    "\"type\":\"text/html\",\"href\":\"http://docs.openstack.org/\"}],\"media-types\":[{\"base\":\"application/"
	    "json\","
	    "\"type\":\"application/vnd.openstack.compute+json;version=2.1\"}]}}",
	    CLOUDSIM_MICROVERSION_MAX, c->m->config.url);
}

static void version_headers(struct face_call *c)
{
	face_header(c, "Openstack-Api-Version", "compute 2.%d", c->minor);
	face_header(c, "X-Openstack-Nova-Api-Version", "2.%d", c->minor);
	face_header(c, "Vary", "X-OpenStack-Nova-API-Version");
}

/* The newer header wins over the older one; without any it is 2.1. False after having answered 400 or 406. */
static bool microversion_read(struct face_call *c)
{
	const char *text = face_request_header(c, "OpenStack-API-Version");
	char *end = NULL;
	long minor;

	c->minor = 1;
	if (text && str_starts(text, "compute "))
		text += strlen("compute ");
	else
		text = face_request_header(c, "X-OpenStack-Nova-API-Version");
	if (!text)
		return true;
	if (strcmp(text, "latest") == 0) {
		c->minor = CLOUDSIM_MICROVERSION_MAX;
		return true;
	}
	minor = str_starts(text, "2.") ? strtol(text + 2, &end, 10) : -1;
	if (!end || *end || end == text + 2) {
		face_nova_error(
		    c, 400, "API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.", text);
		return false;
	}
	c->minor = (int)minor;
	if (minor >= 1 && minor <= CLOUDSIM_MICROVERSION_MAX)
		return true;
	face_nova_error(c, 406, "Version %s is not supported by the API. Minimum is 2.1 and maximum is 2.%d.", text,
	    CLOUDSIM_MICROVERSION_MAX);
	return false;
}

static void servers_short(struct face_call *c)
{
	face_servers_list(c, false);
}

static void servers_detail(struct face_call *c)
{
	face_servers_list(c, true);
}

static void server_migrations(struct face_call *c)
{
	if (face_server_find(c, c->seg[2]) >= 0)
		strbuf_puts(&c->out, "{\"migrations\":[]}"); /* evacuations never appear here */
}

static void aggregates(struct face_call *c)
{
	strbuf_puts(&c->out, "{\"aggregates\":[]}");
}

static void groups(struct face_call *c)
{
	strbuf_puts(&c->out, "{\"server_groups\":[]}");
}

/* One row: method, the segments after v2.1 ("*" = anything), who may, what does it. First match. */
struct face_route {
	const char *method;
	const char *seg[3];
	const char *policy; /* admins only; NULL = anybody with a token */
	void (*serve)(struct face_call *c);
};

static const struct face_route routes[] = {
    {"GET", {"os-services"}, "os_compute_api:os-services:list", face_services_list},
    {"PUT", {"os-services", "*"}, "os_compute_api:os-services:update", face_services_put},
    {"GET", {"servers"}, NULL, servers_short},
    {"GET", {"servers", "detail"}, NULL, servers_detail},
    {"GET", {"servers", "*"}, NULL, face_server_show},
    {"GET", {"servers", "*", "migrations"}, "os_compute_api:servers:migrations:index", server_migrations},
    {"POST", {"servers", "*", "action"}, NULL, face_server_action},
    {"GET", {"os-migrations"}, "os_compute_api:os-migrations:index", face_migrations_list},
    {"GET", {"os-hypervisors"}, "os_compute_api:os-hypervisors:list", face_hypervisors},
    {"GET", {"os-hypervisors", "detail"}, "os_compute_api:os-hypervisors:list-detail", face_hypervisors},
    {"GET", {"os-aggregates"}, "os_compute_api:os-aggregates:index", aggregates},
    {"GET", {"os-server-groups"}, NULL, groups},
};

static bool route_is_for(const struct face_route *r, const struct face_call *c)
{
	size_t n = 0;

	while (n < 3 && r->seg[n])
		n++;
	if (n != c->n_seg - 1 || strcmp(r->method, c->req->method) != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(r->seg[i], "*") != 0 && strcmp(r->seg[i], c->seg[i + 1]) != 0)
			return false;
	return true;
}

static void route_serve(struct face_call *c)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct face_route *r = &routes[i];

		if (!route_is_for(r, c))
			continue;
		if (r->policy && !c->is_admin)
			face_nova_error(c, 403, "Policy doesn't allow %s to be performed.", r->policy);
		else
			r->serve(c);
		return;
	}
	face_nova_error(c, 404, "The resource could not be found.");
}

static void unauthorized(struct face_call *c)
{
	c->ans->status = 401;
	face_header(c, "Www-Authenticate", "Keystone uri=\"%s/identity/v3\"", c->m->config.url);
	strbuf_puts(&c->out, "{\"error\":{\"code\":401,\"title\":\"Unauthorized\",\"message\":\"The request you have "
			     "made requires authentication.\"}}");
}

void face_nova(struct face_call *c)
{
	unsigned long long serial = c->m->request_serial;

	face_header(c, "X-Openstack-Request-Id", "req-%08llx-0000-4000-8000-000000000000", serial);
	face_header(c, "X-Compute-Request-Id", "req-%08llx-0000-4000-8000-000000000000", serial);
	if (c->n_seg == 1) {
		version_show(c);
		return;
	}
	if (!face_token_check(c)) {
		unauthorized(c);
		return;
	}
	if (microversion_read(c))
		route_serve(c);
	version_headers(c);
}
