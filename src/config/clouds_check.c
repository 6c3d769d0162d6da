/* SPDX-License-Identifier: Apache-2.0 */
/* Can these credentials work together? Every gap is told at once, and none of the messages holds a secret. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "config/clouds_read.h"

/* The words that YAML 1.1 and the clients take for a truth value; -1 for others, @def for "". */
static int truth_of(const char *text, int def)
{
	static const char *const yes[] = {"true", "yes", "on", "1", "y"}, *const no[] = {
									      "false", "no", "off", "0", "n"};
	if (text[0] == '\0')
		return def;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return 1;
		if (strcasecmp(text, no[i]) == 0)
			return 0;
	}
	return -1;
}

static void verify_check(struct clouds_reader *r)
{
	struct cloud_place verify = clouds_value(r, "verify");
	const char *insecure_text = r->is_env ? r->env("OS_INSECURE") : clouds_value(r, "insecure").text;
	int v = truth_of(verify.text, 1), insecure = truth_of(insecure_text ? insecure_text : "", 0);
	if (v < 0 || verify.is_odd)
		clouds_error(r, "verify", "true or false", "another value", "name a certificate bundle under cacert");
	if (insecure < 0)
		clouds_error(r, "insecure", "true or false", "another value", "remove it, or write verify: false");
	r->ret->verify = v != 0 && insecure != 1;
	if (!r->ret->verify)
		problems_add(r->problems, true, PLACE(verify.file, verify.line, verify.column, verify.path),
		    "certificates are not verified, anyone on the network can read the password; name a bundle under "
		    "cacert");
}

static void url_check(struct clouds_reader *r)
{
	char *url = r->ret->auth_url;
	size_t n = strlen(url);
	while (n > 0 && url[n - 1] == '/')
		url[--n] = '\0';
	const char *host = str_starts(url, "https://") ? url + 8 : str_starts(url, "http://") ? url + 7 : "";
	if (n == 0)
		clouds_error(r, "auth_url", "the address of Keystone", "none",
		    "write it, such as https://keystone.example:5000/v3");
	else if (host[0] == '\0' || host[0] == '/' || strpbrk(host, " @?#"))
		clouds_error(r, "auth_url", "an http or https address without user or query", "another form",
		    "write it such as https://keystone.example:5000/v3");
	else if (n > 5 && strcmp(url + n - 5, "/v2.0") == 0)
		clouds_error(
		    r, "auth_url", "the address of Identity API v3", "one of v2.0", "end it in /v3 or with the port");
}

static void kind_check(struct clouds_reader *r)
{
	static const char *const password[] = {"password", "v3password"};
	const char *type = clouds_value(r, "auth_type").text;
	bool has_application = r->ret->application_credential_secret[0] != '\0';
	if (str_eq(type, "v3applicationcredential") || (type[0] == '\0' && has_application))
		r->ret->auth_type = CLOUD_AUTH_APP_CREDENTIAL;
	else if (type[0] == '\0' || str_eq(type, password[0]) || str_eq(type, password[1]))
		r->ret->auth_type = CLOUD_AUTH_PASSWORD;
	else
		r->ret->auth_type = CLOUD_AUTH_N;
	if (r->ret->auth_type == CLOUD_AUTH_N)
		clouds_error(r, "auth_type", "password, v3password or v3applicationcredential",
		    "another kind of signing in", "make a service user or an application credential for Osha");
}

static void needed(struct clouds_reader *r, const char *key, const char *value, const char *what)
{
	if (value[0] == '\0')
		clouds_error(
		    r, key, what, "none", r->is_env ? "set the variable" : "write it under auth, or in secure.yaml");
}

static void user_check(struct clouds_reader *r)
{
	const struct cloud_entry *c = r->ret;
	if (c->user_id[0])
		return;
	needed(r, "username", c->username, "the user's name or id");
	if (c->username[0] && !c->user_domain_id[0])
		needed(r, "user_domain_name", c->user_domain_name, "the name or id of the user's domain");
}

static void scope_check(struct clouds_reader *r)
{
	const struct cloud_entry *c = r->ret;
	bool has_project = c->project_id[0] || c->project_name[0], has_domain = c->domain_id[0] || c->domain_name[0];
	bool has_system = c->system_scope[0] != '\0';
	if (has_project + has_domain + has_system == 0)
		clouds_error(r, "project_name", "what to act on: a project, a domain or system_scope: all", "none",
		    "name the project");
	if (has_project + has_domain + has_system > 1)
		clouds_error(r, has_system ? "system_scope" : "domain_name", "one of project, domain and system_scope",
		    "more of them", "keep one");
	if (has_system && !str_eq(c->system_scope, "all"))
		clouds_error(r, "system_scope", "all", "another value", "Keystone knows no other system scope");
	if (c->project_name[0] && !c->project_id[0] && !c->project_domain_id[0])
		needed(r, "project_domain_name", c->project_domain_name, "the name or id of the project's domain");
}

/* Such a credential brings its own project; keystone refuses a token request that names one. */
static void application_check(struct clouds_reader *r)
{
	struct cloud_entry *c = r->ret;
	needed(r, "application_credential_secret", c->application_credential_secret,
	    "the application credential's secret");
	if (!c->application_credential_id[0]) {
		needed(r, "application_credential_id", c->application_credential_name,
		    "the application credential's id or name");
		if (c->application_credential_name[0])
			user_check(r);
	}
	if (c->project_id[0] || c->project_name[0] || c->domain_id[0] || c->domain_name[0] || c->system_scope[0]) {
		struct cloud_place p = clouds_value(r, "project_name");
		problems_add(r->problems, true, PLACE(p.file, p.line, p.column, p.path),
		    "an application credential brings its own project, so the one named here is left out; remove it");
	}
	c->project_name[0] = c->project_id[0] = c->project_domain_name[0] = c->project_domain_id[0] = '\0';
	c->domain_name[0] = c->domain_id[0] = c->system_scope[0] = '\0';
}

static void interface_check(struct clouds_reader *r)
{
	char *name = r->ret->interface;
	size_t n = strlen(name);
	if (n > 3 && strcmp(name + n - 3, "URL") == 0)
		name[n - 3] = '\0';
	if (name[0] == '\0')
		(void)str_copy(name, sizeof(r->ret->interface), "public");
	if (!str_eq(name, "public") && !str_eq(name, "internal") && !str_eq(name, "admin"))
		clouds_error(r, "interface", "public, internal or admin", "another word", "choose one of them");
}

static void file_check(struct clouds_reader *r, const char *key, char *path)
{
	const char *home = r->env("HOME");
	char expanded[CREDENTIAL_PATH_SIZE];
	if (path[0] == '\0')
		return;
	if (path[0] == '~' && path[1] == '/' && home) {
		int n = snprintf(expanded, sizeof(expanded), "%s%s", home, path + 1);
		if (n > 0 && (size_t)n < sizeof(expanded))
			(void)str_copy(path, CREDENTIAL_PATH_SIZE, expanded);
	}
	if (access(path, R_OK) != 0)
		clouds_error(r, key, "a file that can be read", "none there", "correct the path, or its rights");
}

static void unsupported_check(struct clouds_reader *r)
{
	if (clouds_value(r, "profile").text[0] || clouds_value(r, "vendor_hook").text[0])
		clouds_error(r, "profile", "an entry that stands for itself", "the name of a vendor's profile",
		    "write auth_url and what else the profile gives into the entry");
	static const char *const overrides[] = {"compute_endpoint_override", "identity_endpoint_override"};
	for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++)
		if (clouds_value(r, overrides[i]).text[0])
			clouds_error(r, overrides[i], "addresses from the catalogue alone", "an override",
			    "correct the catalogue, or choose another interface");
	const char *version = clouds_value(r, "identity_api_version").text;
	if (version[0] != '\0' && version[0] != '3')
		clouds_error(r, "identity_api_version", "3", "another version", "remove it, only version 3 is left");
}

void clouds_check(struct clouds_reader *r)
{
	if (!r->is_env)
		unsupported_check(r);
	url_check(r);
	kind_check(r);
	if (r->ret->auth_type == CLOUD_AUTH_PASSWORD) {
		user_check(r);
		needed(r, "password", r->ret->password, "the password");
		scope_check(r);
	} else if (r->ret->auth_type == CLOUD_AUTH_APP_CREDENTIAL) {
		application_check(r);
	}
	interface_check(r);
	verify_check(r);
	file_check(r, "cacert", r->ret->cacert);
	file_check(r, "cert", r->ret->cert);
	file_check(r, "key", r->ret->key);
}
