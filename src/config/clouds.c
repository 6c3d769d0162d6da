/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding the entry and taking its values. One table says for each value where it stands in a clouds.yaml and which variable of the
 * environment holds it; a secure.yaml comes before its clouds.yaml. Names that we do not know are left alone: the file belongs to many
 * tools. Whether the values can work together is asked in clouds_check.c.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "config/clouds_read.h"
#include "config/config.h"
#include "config/config_file.h"
#include "config/option.h"

enum { PATH_SIZE = 600, CLOUD_NAME_LIST_MAX = 32 };

#define AT(field)                                                                                                      \
	offsetof(struct cloud_entry, field), sizeof(((struct cloud_entry *)0)->field),                                 \
	    offsetof(struct cloud_credentials, field)

static const struct cloud_value VALUES[] = {
    {"auth_url", "OS_AUTH_URL", AT(auth_url)},
    {"username", "OS_USERNAME", AT(username)},
    {"user_id", "OS_USER_ID", AT(user_id)},
    {"user_domain_name", "OS_USER_DOMAIN_NAME", AT(user_domain_name)},
    {"user_domain_id", "OS_USER_DOMAIN_ID", AT(user_domain_id)},
    {"password", "OS_PASSWORD", AT(password)},
    {"project_name", "OS_PROJECT_NAME", AT(project_name)},
    {"project_id", "OS_PROJECT_ID", AT(project_id)},
    {"tenant_name", "OS_TENANT_NAME", AT(project_name)},
    {"tenant_id", "OS_TENANT_ID", AT(project_id)},
    {"project_domain_name", "OS_PROJECT_DOMAIN_NAME", AT(project_domain_name)},
    {"project_domain_id", "OS_PROJECT_DOMAIN_ID", AT(project_domain_id)},
    {"domain_name", "OS_DOMAIN_NAME", AT(domain_name)},
    {"domain_id", "OS_DOMAIN_ID", AT(domain_id)},
    {"system_scope", "OS_SYSTEM_SCOPE", AT(system_scope)},
    {"application_credential_id", "OS_APPLICATION_CREDENTIAL_ID", AT(application_credential_id)},
    {"application_credential_name", "OS_APPLICATION_CREDENTIAL_NAME", AT(application_credential_name)},
    {"application_credential_secret", "OS_APPLICATION_CREDENTIAL_SECRET", AT(application_credential_secret)},
    {"region_name", "OS_REGION_NAME", AT(region_name)},
    {"interface", "OS_INTERFACE", AT(interface)},
    {"endpoint_type", "OS_ENDPOINT_TYPE", AT(interface)},
    {"cacert", "OS_CACERT", AT(cacert)},
    {"cert", "OS_CERT", AT(cert)},
    {"key", "OS_KEY", AT(key)},
};

static const char *env_text(const struct clouds_reader *r, const char *name)
{
	const char *v = r->env(name);
	return v ? v : "";
}

void clouds_error(struct clouds_reader *r, const char *key, const char *expected, const char *found, const char *hint)
{
	struct cloud_place p = clouds_value(r, key);
	problems_add(r->problems, false, PLACE(p.file, p.line, p.column, p.path), "expected %s, found %s; %s", expected,
	    found, hint);
}

const char *clouds_variable(const char *key)
{
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++)
		if (strcmp(VALUES[i].key, key) == 0)
			return VALUES[i].variable;
	return strcmp(key, "auth_type") == 0 ? "OS_AUTH_TYPE" : "";
}

/* Under `auth:`, or beside it, where older files keep some of these. */
static const struct tree_node *entry_find(const struct tree_node *entry, const char *key)
{
	const struct tree_node *v = tree_member(tree_member(entry, "auth"), key);
	return v && !tree_is_null(v) ? v : tree_member(entry, key);
}

struct cloud_place clouds_value(const struct clouds_reader *r, const char *key)
{
	struct cloud_place p = {.file = "", .text = ""};
	if (r->is_env) {
		(void)str_copy(p.path, sizeof(p.path), clouds_variable(key));
		p.text = p.path[0] ? env_text(r, p.path) : "";
		return p;
	}
	(void)snprintf(p.path, sizeof(p.path), "clouds.%.100s.%s", r->name, key);
	const struct tree_node *secure = entry_find(r->secure_entry, key), *plain = entry_find(r->entry, key);
	const struct tree_node *v = secure && !tree_is_null(secure) ? secure : plain;
	p.file = v && v == secure ? r->secure_file : r->file;
	p.line = v ? v->line : (r->entry ? r->entry->line : 0);
	p.column = v ? v->column : (r->entry ? r->entry->column : 0);
	p.text = v && v->kind == TREE_SCALAR && !tree_is_null(v) ? v->text : "";
	p.is_odd = v && v->kind != TREE_SCALAR;
	return p;
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* One value; the first of two names for it wins. No message shows the value, it may be a secret. */
static void value_take(struct clouds_reader *r, const struct cloud_value *v)
{
	char *field = (char *)r->ret + v->offset;
	struct cloud_place p = clouds_value(r, v->key);
	if (p.is_odd)
		clouds_error(r, v->key, "a text", "a mapping or list", "write one value");
	else if (p.text[0] == '\0' || field[0] != '\0')
		return;
	else if (!is_clean(p.text) || !str_copy(field, v->size, p.text))
		clouds_error(r, v->key, "one line of bounded length", "a longer text or control characters",
		    "correct the value");
}

/* With several regions and none chosen, other tools take the first as well. */
static void region_default(struct clouds_reader *r)
{
	const struct tree_node *regions = tree_member(r->entry, "regions");
	if (r->ret->region_name[0] || !regions || regions->kind != TREE_SEQUENCE || regions->n == 0)
		return;
	const struct tree_node *first = regions->items[0];
	if (first->kind == TREE_MAPPING)
		first = tree_member(first, "name");
	if (first && first->kind == TREE_SCALAR)
		(void)str_copy(r->ret->region_name, sizeof(r->ret->region_name), first->text);
}

static void entry_take(struct clouds_reader *r)
{
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++)
		value_take(r, &VALUES[i]);
	if (!r->is_env)
		region_default(r);
	clouds_check(r);
}

/* @i-th directory of the search, "" for one that this environment has not; false at the end. */
static bool place_of(const struct clouds_reader *r, int i, const char *name, char *ret, size_t size)
{
	const char *home = env_text(r, "HOME"), *xdg = env_text(r, "XDG_CONFIG_HOME");
	int n = 0;
	ret[0] = '\0';
	if (i == 0)
		n = snprintf(ret, size, "%s", name);
	else if (i == 1 && xdg[0])
		n = snprintf(ret, size, "%s/openstack/%s", xdg, name);
	else if (i == 1 && home[0])
		n = snprintf(ret, size, "%s/.config/openstack/%s", home, name);
	else if (i == 2)
		n = snprintf(ret, size, "/etc/openstack/%s", name);
	if (n < 0 || (size_t)n >= size)
		ret[0] = '\0';
	return i <= 2;
}

static bool place_search(const struct clouds_reader *r, const char *variable, const char *name, char *ret, size_t size)
{
	const char *given = env_text(r, variable);
	if (given[0])
		return str_copy(ret, size, given);
	for (int i = 0; place_of(r, i, name, ret, size); i++)
		if (ret[0] && access(ret, F_OK) == 0)
			return true;
	ret[0] = '\0';
	return false;
}

static void secure_search(struct clouds_reader *r)
{
	char *path = r->secure_file;
	const char *slash = strrchr(r->file, '/');
	size_t n = slash ? (size_t)(slash - r->file) + 1 : 0;
	if (env_text(r, "OS_CLIENT_SECURE_FILE")[0] == '\0') {
		int len = snprintf(path, sizeof(r->secure_file), "%.*ssecure.yaml", (int)n, r->file);
		if (len > 0 && (size_t)len < sizeof(r->secure_file) && access(path, F_OK) == 0)
			return;
	}
	(void)place_search(r, "OS_CLIENT_SECURE_FILE", "secure.yaml", path, sizeof(r->secure_file));
}

/* The mapping under `clouds:` of one file, NULL where it has none. */
static int clouds_of(struct clouds_reader *r, const char *path, const struct tree_node **ret, struct osha_err *reterr)
{
	struct config_source src = {.name = path};
	struct tree_node *root = NULL;
	int rc = config_file_read(&src, "see cloud.clouds-file, OS_CLIENT_CONFIG_FILE and OS_CLIENT_SECURE_FILE",
	    &r->memory, r->problems, reterr);
	if (rc == 0 && src.n > CONFIG_FILE_MAX_BYTES) {
		problems_add(r->problems, false, PLACE(path, 0, 0, ""), "expected at most %d bytes, found more",
		    CONFIG_FILE_MAX_BYTES);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%.200s is too long", path);
	}
	if (rc == 0)
		rc = tree_parse(&src, &r->memory, &root, r->problems, reterr);
	if (rc == 0)
		*ret = tree_member(root, "clouds");
	return rc;
}

/* No entry is named and there is one only: it is meant. */
static void name_default(struct clouds_reader *r, const struct tree_node *clouds)
{
	if (r->name[0] == '\0' && clouds && clouds->kind == TREE_MAPPING && clouds->n == 1)
		(void)str_copy(r->name, sizeof(r->name), clouds->items[0]->text);
}

static void entry_missing(struct clouds_reader *r, const struct tree_node *clouds)
{
	const char *names[CLOUD_NAME_LIST_MAX + 1] = {NULL};
	STRBUF_AUTO struct strbuf known = STRBUF_INIT;
	size_t n = 0;
	for (; clouds && clouds->kind == TREE_MAPPING && n < clouds->n && n < CLOUD_NAME_LIST_MAX; n++) {
		names[n] = clouds->items[2 * n]->text;
		strbuf_printf(&known, "%s%.60s", n ? ", " : "", names[n]);
	}
	const char *near = text_nearest(names, r->name), *list = known.failed || !known.text ? "none" : known.text;
	if (r->name[0] == '\0')
		problems_add(r->problems, false, PLACE(r->file, clouds ? clouds->line : 0, 1, "clouds"),
		    "expected one cloud, or the name of one of several, found: %s; set cloud.name or OS_CLOUD", list);
	else if (near)
		problems_add(r->problems, false, PLACE(r->file, clouds ? clouds->line : 0, 1, "clouds"),
		    "expected an entry \"%.60s\", found: %s; did you mean %s?", r->name, list, near);
	else
		problems_add(r->problems, false, PLACE(r->file, clouds ? clouds->line : 0, 1, "clouds"),
		    "expected an entry \"%.60s\", found: %s; add it, or correct cloud.name", r->name, list);
}

static int files_take(struct clouds_reader *r, struct osha_err *reterr)
{
	const struct tree_node *clouds = NULL, *secure = NULL;
	int rc = clouds_of(r, r->file, &clouds, reterr);
	secure_search(r);
	if (rc == 0 && r->secure_file[0])
		rc = clouds_of(r, r->secure_file, &secure, reterr);
	if (rc < 0)
		return rc;
	name_default(r, clouds);
	r->entry = r->name[0] ? tree_member(clouds, r->name) : NULL;
	r->secure_entry = r->name[0] ? tree_member(secure, r->name) : NULL;
	if (r->entry && r->entry->kind == TREE_MAPPING)
		entry_take(r);
	else
		entry_missing(r, clouds);
	return 0;
}

static int sources_take(struct clouds_reader *r, const char *name, const char *clouds_file, struct osha_err *reterr)
{
	const char *wanted = name[0] ? name : env_text(r, "OS_CLOUD");
	(void)str_copy(r->name, sizeof(r->name), wanted);
	bool has_file = clouds_file[0] ? str_copy(r->file, sizeof(r->file), clouds_file) : false;
	r->is_env =
	    str_eq(wanted, "envvars") || (wanted[0] == '\0' && !has_file && env_text(r, "OS_AUTH_URL")[0] != '\0');
	if (r->is_env) {
		entry_take(r);
		return 0;
	}
	if (!has_file && !place_search(r, "OS_CLIENT_CONFIG_FILE", "clouds.yaml", r->file, sizeof(r->file))) {
		problems_add(r->problems, false, PLACE("", 0, 0, "cloud"),
		    "expected the credentials of OpenStack, found neither a clouds.yaml nor OS_AUTH_URL; write "
		    "/etc/openstack/clouds.yaml, or set cloud.clouds-file or the OS_* variables");
		return 0;
	}
	return files_take(r, reterr);
}

/* Two names of one value have one place, which is filled once. */
static int entry_export(const struct cloud_entry *e, struct cloud_credentials *ret)
{
	*ret = (struct cloud_credentials){.auth_type = e->auth_type, .verify = e->verify};
	for (size_t i = 0; i < sizeof(VALUES) / sizeof(VALUES[0]); i++) {
		const char *from = (const char *)e + VALUES[i].offset;
		char **to = (char **)(void *)((char *)ret + VALUES[i].ret_offset);
		if (from[0] == '\0' || *to)
			continue;
		*to = strdup(from);
		if (!*to)
			return -OSHA_E_NOMEM;
	}
	return 0;
}

static void entry_wipe(struct cloud_entry *e)
{
	explicit_bzero(e, sizeof(*e));
}

int clouds_load(const char *name, const char *clouds_file, clouds_env_fn env, struct cloud_credentials *ret,
    struct config_problems *problems, struct osha_err *reterr)
{
	__attribute__((cleanup(entry_wipe))) struct cloud_entry entry = {.verify = true};
	struct clouds_reader r = {.env = env, .problems = problems, .ret = &entry};
	size_t before = problems->error_n;
	*ret = (struct cloud_credentials){.verify = true};
	int rc = sources_take(&r, name, clouds_file, reterr);
	if (r.memory.failed)
		rc = -OSHA_E_NOMEM;
	config_memory_drop(&r.memory);
	if (rc == 0 && problems->error_n == before)
		rc = entry_export(&entry, ret);
	else if (rc != -OSHA_E_NOMEM)
		return osha_err_set(reterr, OSHA_E_CONFIG, "the credentials of the cloud cannot be used");
	if (rc == 0)
		return 0;
	cloud_credentials_wipe(ret);
	return osha_err_set(reterr, OSHA_E_NOMEM, "read credentials");
}
