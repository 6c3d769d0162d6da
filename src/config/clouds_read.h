/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of reading credentials share. Private to the config room. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/clouds.h"
#include "config/memory.h"
#include "config/tree.h"

enum {
	CREDENTIAL_SIZE = 256, /* names and ids: keystone keeps them in VARCHAR(255) */
	CREDENTIAL_SECRET_SIZE = 1024,
	CREDENTIAL_URL_SIZE = 512,
	CREDENTIAL_PATH_SIZE = 512,
};

/* An entry while it is read: bounded, "" = not given. Becomes a struct cloud_credentials at the end, and is wiped. */
struct cloud_entry {
	enum cloud_auth_type auth_type;
	char auth_url[CREDENTIAL_URL_SIZE];
	char username[CREDENTIAL_SIZE];
	char user_id[CREDENTIAL_SIZE];
	char user_domain_name[CREDENTIAL_SIZE];
	char user_domain_id[CREDENTIAL_SIZE];
	char password[CREDENTIAL_SECRET_SIZE];
	char project_name[CREDENTIAL_SIZE];
	char project_id[CREDENTIAL_SIZE];
	char project_domain_name[CREDENTIAL_SIZE];
	char project_domain_id[CREDENTIAL_SIZE];
	char domain_name[CREDENTIAL_SIZE];
	char domain_id[CREDENTIAL_SIZE];
	char system_scope[16];
	char application_credential_id[CREDENTIAL_SIZE];
	char application_credential_name[CREDENTIAL_SIZE];
	char application_credential_secret[CREDENTIAL_SECRET_SIZE];
	char region_name[CREDENTIAL_SIZE];
	char interface[16];
	char cacert[CREDENTIAL_PATH_SIZE];
	char cert[CREDENTIAL_PATH_SIZE];
	char key[CREDENTIAL_PATH_SIZE];
	bool verify;
};

/* One value: its name in clouds.yaml, its variable, and where it lands. */
struct cloud_value {
	const char *key;
	const char *variable;
	size_t offset; /* in struct cloud_entry */
	size_t size;
	size_t ret_offset; /* in struct cloud_credentials */
};

/* A value as it was found, and where. */
struct cloud_place {
	const char *text; /* "" = not given */
	const char *file; /* "" = the environment */
	int line, column;
	bool is_odd; /* a mapping or list stands there */
	char path[200];
};

struct clouds_reader {
	clouds_env_fn env;
	struct config_problems *problems;
	struct config_memory memory; /* the files and their trees; wiped at the end */
	struct cloud_entry *ret;
	bool is_env; /* from OS_* */
	char name[CREDENTIAL_SIZE];
	char file[CREDENTIAL_PATH_SIZE];
	char secure_file[CREDENTIAL_PATH_SIZE];
	const struct tree_node *entry, *secure_entry;
};

/** clouds_value() - value @key of the entry, secure.yaml first, or of its variable. */
struct cloud_place clouds_value(const struct clouds_reader *r, const char *key);
/** clouds_variable() - the variable of the environment for @key, or "". */
const char *clouds_variable(const char *key);
/** clouds_error() - add a problem at the place of @key. */
void clouds_error(struct clouds_reader *r, const char *key, const char *expected, const char *found, const char *hint);
/** clouds_check() - settle what needs more than one value: kind of sign-in, scope, interface, verifying, certificate files. */
void clouds_check(struct clouds_reader *r);
