/* SPDX-License-Identifier: Apache-2.0 */
/* Keystone's part of the face: tokens, the catalog, projects, users and role assignments (Identity API v3). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloudsim/cloudface_parts.h"

#define DOMAIN "{\"id\":\"default\",\"name\":\"Default\"}"

static void catalog_entry(struct face_call *c, int which, const char *type, const char *name, const char *path)
{
	static const char *const faces[3] = {"internal", "public", "admin"};

	strbuf_puts(&c->out, "{\"endpoints\":[");
	for (int i = 0; i < 3; i++)
		strbuf_printf(&c->out,
		    "%s{\"id\":\"%s\",\"interface\":\"%s\",\"region_id\":\"RegionOne\",\"url\":\"%s%s\",\"region\":"
		    "\"RegionOne\"}",
		    i ? "," : "", c->m->endpoint_id[which][i], faces[i], c->m->config.url, path);
	strbuf_printf(&c->out, "],\"id\":\"%s\",\"type\":\"%s\",\"name\":\"%s\"}", c->m->catalog_id[which], type, name);
}

static void catalog(struct face_call *c)
{
	strbuf_puts(&c->out, "\"catalog\":[");
	if (!c->m->down[CLOUDSIM_COMPUTE_ENDPOINT]) {
		catalog_entry(c, 0, "compute", "nova", "/v2.1");
		strbuf_puts(&c->out, ",");
	}
	catalog_entry(c, 1, "identity", "keystone", "/identity/v3");
	strbuf_puts(&c->out, "]");
}

static const char *role_id(const struct cloudsim_model *m, const char *role)
{
	return str_eq(role, "admin") ? m->role_admin : str_eq(role, "reader") ? m->role_reader : m->role_member;
}

static void token_roles(struct face_call *c, const struct sim_user *u)
{
	const struct cloudsim_model *m = c->m;

	strbuf_puts(&c->out, "\"roles\":[");
	if (str_eq(u->role, "admin"))
		strbuf_printf(&c->out,
		    "{\"id\":\"%s\",\"name\":\"admin\"},{\"id\":\"%s\",\"name\":\"reader\"},{\"id\":\"%s\",\"name\":"
		    "\"member\"}]",
		    m->role_admin, m->role_reader, m->role_member);
	else
		strbuf_printf(&c->out, "{\"id\":\"%s\",\"name\":\"%s\"}]", role_id(m, u->role), u->role);
}

static void token_show(struct face_call *c, const struct sim_token *t, bool by_credential)
{
	const struct cloudsim_model *m = c->m;
	const struct sim_user *u = &m->users[t->user];

	strbuf_printf(&c->out,
	    "{\"token\":{\"methods\":[\"%s\"],\"user\":{\"domain\":" DOMAIN ",\"id\":\"%s\",\"name\":",
	    by_credential ? "application_credential" : "password", u->id);
	face_text(&c->out, u->name);
	strbuf_puts(
	    &c->out, ",\"password_expires_at\":null},\"audit_ids\":[\"C_ziSdPPRBSkX6xsRM2Ntw\"],\"expires_at\":");
	face_stamp_z(&c->out, m, t->expires_ms);
	strbuf_puts(&c->out, ",\"issued_at\":");
	face_stamp_z(&c->out, m, m->now_ms);
	if (t->is_system)
		strbuf_puts(&c->out, ",\"system\":{\"all\":true}");
	if (t->project >= 0) {
		strbuf_printf(
		    &c->out, ",\"project\":{\"domain\":" DOMAIN ",\"id\":\"%s\",\"name\":", m->projects[t->project].id);
		face_text(&c->out, m->projects[t->project].name);
		strbuf_puts(&c->out, "},\"is_domain\":false");
	}
	if (by_credential)
		strbuf_printf(&c->out,
		    ",\"application_credential\":{\"id\":\"%s\",\"name\":\"osha\",\"restricted\":true}", m->cred_id);
	if (t->is_system || t->project >= 0) {
		strbuf_puts(&c->out, ",");
		token_roles(c, u);
		strbuf_puts(&c->out, ",");
		catalog(c);
	}
	strbuf_puts(&c->out, "}}");
}

static int user_find(const struct cloudsim_model *m, const cJSON *user)
{
	const char *id = json_str(user, "id", NULL), *name = json_str(user, "name", NULL);

	for (size_t i = 0; i < m->n_users; i++)
		if (id ? str_eq(m->users[i].id, id) : str_eq(m->users[i].name, name))
			return (int)i;
	return -1;
}

/* Who is it, if the secret is right? -1 = 401. */
static int identity_check(struct face_call *c, const cJSON *identity, bool *ret_by_credential)
{
	const cJSON *methods = json_array(identity, "methods");
	const cJSON *first = cJSON_GetArrayItem(methods, 0);
	const char *method = cJSON_IsString(first) ? first->valuestring : "";
	const cJSON *part = json_object(identity, method), *user;
	const char *secret;
	int i;

	*ret_by_credential = strcmp(method, "application_credential") == 0;
	if (*ret_by_credential) {
		bool right_id =
		    str_eq(json_str(part, "id", NULL), c->m->cred_id) ||
		    (str_eq(json_str(part, "name", NULL), "osha") && user_find(c->m, json_object(part, "user")) == 0);

		return right_id && str_eq(json_str(part, "secret", NULL), c->m->cred_secret) ? 0 : -1;
	}
	if (strcmp(method, "password") != 0)
		return -1;
	user = json_object(part, "user");
	secret = json_str(user, "password", NULL);
	i = user_find(c->m, user);
	if (i < 0 || !c->m->users[i].is_enabled)
		return -1;
	return str_eq(secret, i == 0 ? c->m->config.admin_password : c->m->config.user_password) ? i : -1;
}

static int scope_project(const struct cloudsim_model *m, int user, const cJSON *scope)
{
	const char *id = json_str(scope, "id", NULL), *name = json_str(scope, "name", NULL);
	int found = -1;

	for (size_t i = 0; i < m->n_projects; i++)
		if (id ? str_eq(m->projects[i].id, id) : str_eq(m->projects[i].name, name))
			found = (int)i;
	if (found < 0 || (user != 0 && !cloudsim_model_user_in_project(m, (size_t)user, (size_t)found)))
		return -1;
	return found;
}

static void token_issue(struct face_call *c)
{
	const cJSON *auth = json_object(c->json, "auth");
	const cJSON *scope = json_object(auth, "scope"), *project = json_object(scope, "project");
	struct sim_token *t = &c->m->tokens[c->m->n_tokens % CLOUDSIM_TOKENS_MAX], fresh = {.project = -1};
	bool by_credential = false;

	if (!auth || !json_object(auth, "identity")) {
		face_keystone_error(c, 400, "'auth' is a required property");
		return;
	}
	fresh.user = identity_check(c, json_object(auth, "identity"), &by_credential);
	if (fresh.user >= 0 && by_credential)
		fresh.project = 0;
	else if (fresh.user >= 0 && project)
		fresh.project = scope_project(c->m, fresh.user, project);
	fresh.is_system = json_object(scope, "system") && fresh.user == 0;
	if (fresh.user < 0 || (scope && !fresh.is_system && fresh.project < 0 && !json_object(scope, "domain"))) {
		face_keystone_error(c, 401, "The request you have made requires authentication.");
		return;
	}
	str_copy(fresh.id, sizeof(fresh.id), "gAAAAABsim");
	sim_uuid(&c->m->rng, fresh.id + strlen(fresh.id), false);
	fresh.expires_ms = c->m->now_ms + c->m->config.token_ttl_ms;
	*t = fresh;
	c->m->n_tokens++;
	c->ans->status = 201;
	face_header(c, "X-Subject-Token", "%s", t->id);
	token_show(c, t, by_credential);
}

static void token_validate(struct face_call *c)
{
	const char *id = face_request_header(c, "X-Subject-Token");

	for (size_t i = 0; id && *id && i < CLOUDSIM_TOKENS_MAX; i++) {
		const struct sim_token *t = &c->m->tokens[i];

		if (strcmp(t->id, id) != 0 || t->expires_ms <= c->m->now_ms)
			continue;
		face_header(c, "X-Subject-Token", "%s", t->id);
		token_show(c, t, false);
		return;
	}
	face_keystone_error(c, 404, "Could not find token.");
}

static void project_text(struct face_call *c, const struct sim_project *p)
{
	strbuf_printf(&c->out, "{\"id\":\"%s\",\"name\":", p->id);
	face_text(&c->out, p->name);
	strbuf_printf(&c->out,
	    ",\"domain_id\":\"default\",\"description\":\"\",\"enabled\":true,\"parent_id\":\"default\",\"is_domain\":"
	    "false,"
	    "\"tags\":[],\"options\":{},\"links\":{\"self\":\"%s/identity/v3/projects/%s\"}}",
	    c->m->config.url, p->id);
}

static void user_text(struct face_call *c, const struct sim_user *u)
{
	strbuf_puts(&c->out, "{");
	if (u->email[0]) {
		strbuf_puts(&c->out, "\"email\":");
		face_text(&c->out, u->email);
		strbuf_puts(&c->out, ",");
	}
	strbuf_printf(&c->out, "\"id\":\"%s\",\"name\":", u->id);
	face_text(&c->out, u->name);
	strbuf_printf(&c->out, ",\"domain_id\":\"default\",\"enabled\":%s,", u->is_enabled ? "true" : "false");
	if (u->project >= 0)
		strbuf_printf(&c->out, "\"default_project_id\":\"%s\",", c->m->projects[u->project].id);
	strbuf_printf(&c->out,
	    "\"password_expires_at\":null,\"options\":{},\"links\":{\"self\":\"%s/identity/v3/users/%s\"}}",
	    c->m->config.url, u->id);
}

static void list_end(struct face_call *c, const char *path)
{
	strbuf_printf(&c->out, "],\"links\":{\"next\":null,\"self\":\"%s/identity/v3/%s\",\"previous\":null}}",
	    c->m->config.url, path);
}

static void projects_show(struct face_call *c)
{
	const char *name = face_param(c, "name");
	bool comma = false;

	strbuf_puts(&c->out, c->n_seg > 3 ? "{\"project\":" : "{\"projects\":[");
	for (size_t i = 0; i < c->m->n_projects; i++) {
		const struct sim_project *p = &c->m->projects[i];

		if (c->n_seg > 3 ? !str_eq(p->id, c->seg[3]) : name && !str_eq(p->name, name))
			continue;
		strbuf_puts(&c->out, comma ? "," : "");
		project_text(c, p);
		comma = true;
	}
	if (c->n_seg == 3)
		list_end(c, "projects");
	else if (comma)
		strbuf_puts(&c->out, "}");
	else
		face_keystone_error(c, 404, "Could not find project: %s.", c->seg[3]);
}

static void users_show(struct face_call *c)
{
	const char *name = face_param(c, "name");
	bool comma = false;

	strbuf_puts(&c->out, c->n_seg > 3 ? "{\"user\":" : "{\"users\":[");
	for (size_t i = 0; i < c->m->n_users; i++) {
		const struct sim_user *u = &c->m->users[i];

		if (c->n_seg > 3 ? !str_eq(u->id, c->seg[3]) : name && !str_eq(u->name, name))
			continue;
		strbuf_puts(&c->out, comma ? "," : "");
		user_text(c, u);
		comma = true;
	}
	if (c->n_seg == 3)
		list_end(c, "users");
	else if (comma)
		strbuf_puts(&c->out, "}");
	else
		face_keystone_error(c, 404, "Could not find user: %s.", c->seg[3]);
}

static void named(
    struct face_call *c, const char *member, const char *id, const char *name, bool has_name, bool has_domain)
{
	strbuf_printf(&c->out, "\"%s\":{\"id\":\"%s\"", member, id);
	if (has_name) {
		strbuf_puts(&c->out, ",\"name\":");
		face_text(&c->out, name);
		strbuf_puts(&c->out, has_domain ? ",\"domain\":" DOMAIN : "");
	}
	strbuf_puts(&c->out, "}");
}

/* One row of the listing: a role of @u in @p, by the group where it holds it through one and nobody asked for effective ones. */
static void assignment_text(
    struct face_call *c, const struct sim_user *u, const struct sim_project *p, bool names, bool effective)
{
	const char *role = role_id(c->m, u->role), *group = u->by_group ? p->group_id : NULL;

	strbuf_printf(&c->out, "{\"links\":{\"assignment\":\"%s/identity/v3/projects/%s/%s/%s/roles/%s\"",
	    c->m->config.url, p->id, group ? "groups" : "users", group ? group : u->id, role);
	if (group && effective)
		strbuf_printf(
		    &c->out, ",\"membership\":\"%s/identity/v3/groups/%s/users/%s\"", c->m->config.url, group, u->id);
	strbuf_puts(&c->out, "},\"scope\":{");
	named(c, "project", p->id, p->name, names, true);
	strbuf_puts(&c->out, "},");
	if (group && !effective)
		named(c, "group", group, "team", names, true);
	else
		named(c, "user", u->id, u->name, names, true);
	strbuf_puts(&c->out, ",");
	named(c, "role", role, u->role, names, false);
	strbuf_puts(&c->out, "}");
}

/* A filter given without a value, or as anything but 0, is on: keystone reads "?effective" and "?effective=True" alike. */
static bool flag_is_on(const struct face_call *c, const char *name)
{
	const char *v = face_param(c, name);

	return v && strcmp(v, "0") != 0;
}

static void assignments_show(struct face_call *c)
{
	const struct cloudsim_model *m = c->m;
	const char *project = face_param(c, "scope.project.id"), *user = face_param(c, "user.id"),
		   *role = face_param(c, "role.id");
	bool names = flag_is_on(c, "include_names"), effective = flag_is_on(c, "effective"), comma = false;

	strbuf_puts(&c->out, "{\"role_assignments\":[");
	for (size_t p = 0; p < m->n_projects; p++) {
		if (project && !str_eq(m->projects[p].id, project))
			continue;
		for (size_t i = 0; i < m->n_users; i++) {
			const struct sim_user *u = &m->users[i];

			if (!cloudsim_model_user_in_project(m, i, p) || (user && !str_eq(u->id, user)))
				continue;
			if (role && !str_eq(role_id(m, u->role), role))
				continue;
			strbuf_puts(&c->out, comma ? "," : "");
			assignment_text(c, u, &m->projects[p], names, effective);
			comma = true;
		}
	}
	list_end(c, "role_assignments");
}

static void version_show(struct face_call *c)
{
	strbuf_printf(&c->out,
	    "{\"version\":{\"id\":\"v3.14\",\"status\":\"stable\",\"updated\":\"2020-04-07T00:00:00Z\",\"links\":[{"
	    "\"rel\":\"self\","
	    "\"href\":\"%s/identity/v3/\"}],\"media-types\":[{\"base\":\"application/json\",\"type\":"
	    "\"application/vnd.openstack.identity-v3+json\"}]}}",
	    c->m->config.url);
}

static void auth_route(struct face_call *c)
{
	const char *what = c->n_seg > 3 ? c->seg[3] : "";

	if (strcmp(what, "tokens") == 0) {
		token_validate(c);
	} else if (strcmp(what, "catalog") == 0) {
		strbuf_puts(&c->out, "{");
		catalog(c);
		strbuf_printf(&c->out, ",\"links\":{\"self\":\"%s/identity/v3/auth/catalog\"}}", c->m->config.url);
	} else {
		face_keystone_error(c, 404, "The resource could not be found.");
	}
}

static void admin_route(struct face_call *c)
{
	static const struct {
		const char *name, *one, *many;
		void (*show)(struct face_call *c);
	} rows[] = {
	    {"projects", "identity:get_project", "identity:list_projects", projects_show},
	    {"users", "identity:get_user", "identity:list_users", users_show},
	    {"role_assignments", "", "identity:list_role_assignments", assignments_show},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(c->seg[2], rows[i].name) != 0)
			continue;
		if (!c->is_admin)
			face_keystone_error(c, 403, "You are not authorized to perform the requested action: %s.",
			    c->n_seg > 3 ? rows[i].one : rows[i].many);
		else
			rows[i].show(c);
		return;
	}
	face_keystone_error(c, 404, "The resource could not be found.");
}

void face_keystone(struct face_call *c)
{
	face_header(c, "Vary", "X-Auth-Token");
	face_header(c, "x-openstack-request-id", "req-%08llx-0000-4000-8000-000000000000",
	    (unsigned long long)c->m->request_serial);
	if (c->n_seg < 2 || strcmp(c->seg[1], "v3") != 0 || c->n_seg == 2)
		version_show(c);
	else if (strcmp(c->req->method, "POST") == 0 && c->n_seg == 4 && strcmp(c->seg[2], "auth") == 0 &&
		 strcmp(c->seg[3], "tokens") == 0)
		token_issue(c);
	else if (!face_token_check(c))
		face_keystone_error(c, 401, "The request you have made requires authentication.");
	else if (strcmp(c->req->method, "GET") != 0)
		face_keystone_error(c, 404, "The resource could not be found.");
	else if (strcmp(c->seg[2], "auth") == 0)
		auth_route(c);
	else
		admin_route(c);
}
