/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who Osha is to the cloud and where the cloud is: one entry of clouds.yaml or the OS_* variables, as plain strings.
 * Filled by the configuration; checked and used by the session. Holds secrets: never print it whole,
 * cloud_credentials_wipe() before freeing.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum cloud_auth_type {
	CLOUD_AUTH_PASSWORD = 0,   /* auth_type: password, v3password or none given */
	CLOUD_AUTH_APP_CREDENTIAL, /* auth_type: v3applicationcredential */
	CLOUD_AUTH_N
};

/* Every string is owned by the struct (malloc) and NULL when not set. */
struct cloud_credentials {
	char *auth_url; /* http(s)://host[:port][/path], with or without /v3 */
	enum cloud_auth_type auth_type;
	char *username;
	char *user_id;
	char *user_domain_name;
	char *user_domain_id;
	char *password; /* secret */
	char *project_name;
	char *project_id;
	char *project_domain_name;
	char *project_domain_id;
	char *domain_name; /* scope to a domain */
	char *domain_id;
	char *system_scope; /* "all" or NULL */
	char *application_credential_id;
	char *application_credential_name;
	char *application_credential_secret; /* secret */
	char *region_name;                   /* NULL: the catalog must then offer one region only */
	char *interface; /* public, internal, admin, or with URL behind ("publicURL"); NULL = public */
	char *cacert;    /* file, NULL = the system's */
	char *cert;      /* client certificate file */
	char *key;       /* its key file */
	bool verify;     /* verify the server's certificate; the configuration defaults it to true */
};

/**
 * cloud_credentials_check() - could a token be asked for with these?
 * Errors: -OSHA_E_CONFIG, saying what is missing or contradicts (never a secret's value).
 */
int cloud_credentials_check(const struct cloud_credentials *c, struct osha_err *reterr);

/** cloud_credentials_copy() - deep copy; @ret_copy is overwritten. Errors: -OSHA_E_NOMEM. */
int cloud_credentials_copy(
    const struct cloud_credentials *c, struct cloud_credentials *ret_copy, struct osha_err *reterr);

/** cloud_credentials_wipe() - overwrite the secrets, free every string, zero the struct. */
void cloud_credentials_wipe(struct cloud_credentials *c);
