/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a token and reading the answer; see identity.h. The search of the catalog stands in catalog.c. */
#include "cloud/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cloud/call.h"
#include "cloud/catalog.h"
#include "cloud/judge.h"
#include "cloud/wire.h"

enum { MESSAGE_SIZE = 200, ESCAPED_BYTE_MAX = 6 };

void cloud_token_clear(struct cloud_token *t)
{
	cloud_secret_free(&t->token);
	*t = (struct cloud_token){0};
}

int cloud_token_url(const struct cloud_credentials *c, char *ret_url, size_t size, struct osha_err *reterr)
{
	char base[CLOUD_URL_SIZE];
	int n;

	if (!c->auth_url || !c->auth_url[0])
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: auth_url is not set");
	if (!catalog_identity_base(c->auth_url, base, sizeof(base)))
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "credentials: auth_url is not an http:// or https:// URL of a host and a path alone");
	n = snprintf(ret_url, size, "%s/auth/tokens", base);
	if (n < 0 || (size_t)n >= size)
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: auth_url is too long");
	return 0;
}

static bool is_set(const char *s)
{
	return s && s[0];
}

/* {"id": id} where there is one, else {"name": name, "domain": {...}}; NULL when out of memory. */
static cJSON *named(const char *id, const char *name, const char *domain_id, const char *domain_name)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *domain;
	bool ok;

	if (is_set(id)) {
		ok = cJSON_AddStringToObject(o, "id", id) != NULL;
	} else {
		ok = cJSON_AddStringToObject(o, "name", name ? name : "") != NULL;
		domain = is_set(domain_id) || is_set(domain_name) ? cJSON_AddObjectToObject(o, "domain") : NULL;
		if (is_set(domain_id))
			ok = ok && cJSON_AddStringToObject(domain, "id", domain_id);
		else if (is_set(domain_name))
			ok = ok && cJSON_AddStringToObject(domain, "name", domain_name);
	}
	if (!ok)
		json_free(&o);
	return o;
}

/* Adds @item, which may be NULL, and frees it when it cannot be added. */
static bool add_item(cJSON *o, const char *name, cJSON *item)
{
	if (item && cJSON_AddItemToObject(o, name, item))
		return true;
	cJSON_Delete(item);
	return false;
}

static bool add_methods(cJSON *identity, const char *method)
{
	cJSON *methods = cJSON_AddArrayToObject(identity, "methods");
	cJSON *name = methods ? cJSON_CreateString(method) : NULL;

	if (name && cJSON_AddItemToArray(methods, name))
		return true;
	cJSON_Delete(name);
	return false;
}

static bool add_password(cJSON *identity, const struct cloud_credentials *c)
{
	cJSON *user;

	if (!add_methods(identity, "password"))
		return false;
	user = named(c->user_id, c->username, c->user_domain_id, c->user_domain_name);
	if (user && !cJSON_AddStringToObject(user, "password", c->password))
		json_free(&user);
	return add_item(cJSON_AddObjectToObject(identity, "password"), "user", user);
}

static bool add_app_credential(cJSON *identity, const struct cloud_credentials *c)
{
	cJSON *o;

	if (!add_methods(identity, "application_credential"))
		return false;
	o = cJSON_AddObjectToObject(identity, "application_credential");
	if (!cJSON_AddStringToObject(o, "secret", c->application_credential_secret))
		return false;
	if (is_set(c->application_credential_id))
		return cJSON_AddStringToObject(o, "id", c->application_credential_id) != NULL;
	return cJSON_AddStringToObject(o, "name", c->application_credential_name) &&
	       add_item(o, "user", named(c->user_id, c->username, c->user_domain_id, c->user_domain_name));
}

/* An application credential carries its own project: a scope beside it is refused by keystone. */
static bool add_scope(cJSON *auth, const struct cloud_credentials *c)
{
	cJSON *scope;

	if (c->auth_type == CLOUD_AUTH_APP_CREDENTIAL)
		return true;
	scope = cJSON_AddObjectToObject(auth, "scope");
	if (is_set(c->system_scope))
		return cJSON_AddBoolToObject(cJSON_AddObjectToObject(scope, "system"), "all", true) != NULL;
	if (is_set(c->domain_id) || is_set(c->domain_name))
		return add_item(scope, "domain", named(c->domain_id, c->domain_name, NULL, NULL));
	return add_item(
	    scope, "project", named(c->project_id, c->project_name, c->project_domain_id, c->project_domain_name));
}

static void wipe_strings(cJSON *item)
{
	for (; item; item = item->next) {
		if (item->valuestring)
			explicit_bzero(item->valuestring, strlen(item->valuestring));
		if (item->child)
			wipe_strings(item->child); /* four levels deep: the tree is our own */
	}
}

static size_t printed_max(const struct cloud_credentials *c)
{
	const char *const all[] = {c->username, c->user_id, c->user_domain_name, c->user_domain_id, c->password,
	    c->project_name, c->project_id, c->project_domain_name, c->project_domain_id, c->domain_name, c->domain_id,
	    c->application_credential_id, c->application_credential_name, c->application_credential_secret};
	size_t n = 1024;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		n += all[i] ? strlen(all[i]) * ESCAPED_BYTE_MAX : 0;
	return n;
}

int cloud_token_body(const struct cloud_credentials *c, char **ret_body, struct osha_err *reterr)
{
	JSON_AUTO cJSON *json = NULL;
	cJSON *auth, *identity;
	char *text;
	size_t size;
	bool ok;
	int r = cloud_credentials_check(c, reterr);

	if (r < 0)
		return r;
	json = cJSON_CreateObject();
	auth = cJSON_AddObjectToObject(json, "auth");
	identity = cJSON_AddObjectToObject(auth, "identity");
	ok = identity &&
	     (c->auth_type == CLOUD_AUTH_APP_CREDENTIAL ? add_app_credential(identity, c) : add_password(identity, c));
	ok = ok && add_scope(auth, c);
	/* Printed into one buffer of ours: a buffer that grows leaves copies of the secret behind. */
	size = printed_max(c);
	text = ok ? calloc(1, size) : NULL;
	ok = text && size < INT32_MAX && cJSON_PrintPreallocated(json, text, (int)size, false);
	wipe_strings(json);
	if (!ok) {
		cloud_secret_free(&text);
		return osha_err_set(reterr, OSHA_E_NOMEM, "token request: out of memory");
	}
	*ret_body = text;
	return 0;
}

static int status_error(int status, const char *body, size_t n, struct osha_err *reterr)
{
	char message[MESSAGE_SIZE];
	int code = OSHA_E_HTTP;
	int r;

	if (!cloud_judge_message(body, n, message, sizeof(message)))
		str_copy(message, sizeof(message), "no words of the service's own");
	if (status == 401 || status == 403)
		code = OSHA_E_AUTH;
	else if (status == 404)
		code = OSHA_E_NOTFOUND;
	if (status >= 300 && status < 400)
		r = osha_err_set(reterr, code, "HTTP %d: a redirect is not followed; the URL is wrong", status);
	else
		r = osha_err_set(reterr, code, "HTTP %d: %s", status, message);
	if (reterr)
		reterr->http_status = status;
	return r;
}

/* A token goes into a header line: visible ASCII only. */
static bool token_is_usable(const char *token)
{
	size_t n = 0;

	if (!token)
		return false;
	for (; token[n]; n++)
		if (token[n] <= 0x20 || token[n] == 0x7f)
			return false;
	return n > 0 && n < CLOUD_TOKEN_SIZE;
}

static int garbage(struct osha_err *reterr, const char *what)
{
	int r = osha_err_set(reterr, OSHA_E_GARBAGE, "HTTP 201, but the answer is not understood: %s", what);

	if (reterr)
		reterr->http_status = 201;
	return r;
}

int cloud_token_judge(const struct cloud_answer *answer, const char *subject_token, const struct cloud_credentials *c,
    struct cloud_token *ret_token, struct osha_err *reterr)
{
	JSON_AUTO cJSON *json = NULL;
	struct cloud_token t = {0};
	const cJSON *token;
	int r;

	if (answer->status != 201)
		return status_error(answer->status, answer->body, answer->body_size, reterr);
	if (!token_is_usable(subject_token))
		return garbage(reterr, "no usable X-Subject-Token");
	if (!answer->body || answer->body_size > CLOUD_BODY_MAX_BYTES ||
	    json_parse(answer->body, answer->body_size, &json, NULL) < 0)
		return garbage(reterr, "no JSON");
	token = json_object(json, "token");
	if (!cloud_time_parse(json_str(token, "expires_at", NULL), &t.expires_at_ms) ||
	    !cloud_time_parse(json_str(token, "issued_at", NULL), &t.issued_at_ms))
		return garbage(reterr, "no time of issue or expiry");
	r = catalog_search(json_array(token, "catalog"), c, &t, reterr);
	if (r < 0)
		return r;
	t.token = strdup(subject_token);
	if (!t.token)
		return osha_err_set(reterr, OSHA_E_NOMEM, "token: out of memory");
	*ret_token = t;
	return 0;
}

/* "2.90" -> 90; -1 for anything else. */
static int minor_parse(const char *text)
{
	int minor = 0;

	if (!text || !str_starts(text, "2.") || strlen(text) < 3 || strlen(text) > 6)
		return -1;
	for (text += 2; *text; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		minor = minor * 10 + (*text - '0');
	}
	return minor;
}

int cloud_versions_judge(
    int status, const char *body, size_t n, struct cloud_versions *ret_versions, struct osha_err *reterr)
{
	JSON_AUTO cJSON *json = NULL;
	const cJSON *version;
	struct cloud_versions v;

	if (status != 200 && status != 203)
		return status_error(status, body, n, reterr);
	if (!body || n > CLOUD_BODY_MAX_BYTES || json_parse(body, n, &json, NULL) < 0)
		return osha_err_set(reterr, OSHA_E_GARBAGE, "version document of nova: no JSON");
	version = json_object(json, "version");
	v.max_minor = minor_parse(json_str(version, "version", NULL));
	v.min_minor = minor_parse(json_str(version, "min_version", NULL));
	if (!version || !json_str(version, "version", NULL))
		return osha_err_set(reterr, OSHA_E_GARBAGE, "version document of nova: no version in it");
	if (v.max_minor < minor_parse(cloud_microversion_min()) || v.min_minor < 0)
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "this nova is too old: it offers microversions up to \"%.16s\", Osha needs %s (Stein)",
		    json_str(version, "version", ""), cloud_microversion_min());
	*ret_versions = v;
	return 0;
}

int cloud_microversion_pick(const char *pinned, const char *minimum, const struct cloud_versions *v, char *ret_text,
    size_t size, struct osha_err *reterr)
{
	int want = minor_parse(pinned);
	int least = minor_parse(minimum);

	if (want > v->max_minor)
		want = v->max_minor;
	if (want < least || want < v->min_minor)
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "nova offers microversions 2.%d to 2.%d, this call needs %s to %s", v->min_minor, v->max_minor,
		    minimum, pinned);
	snprintf(ret_text, size, "2.%d", want);
	return 0;
}
