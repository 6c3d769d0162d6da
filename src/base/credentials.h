/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to OpenStack: one cloud entry with all its secrets, as the config room read it from clouds.yaml or OS_* and as the cloud
 * room signs in with it. Holds secrets: never print it whole, wipe every copy.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum cloud_auth_type {
	CLOUD_AUTH_PASSWORD = 0,   /* auth_type: password, v3password or none given */
	CLOUD_AUTH_APP_CREDENTIAL, /* auth_type: v3applicationcredential */
	CLOUD_AUTH_N
};

/* Every string is owned by the struct (malloc) and NULL when not given. */
struct cloud_credentials {
	char *auth_url; /* http(s)://host[:port][/path], with or without /v3 */
	enum cloud_auth_type auth_type;
	char *username;
	char *user_id;
	char *user_domain_name;
	char *user_domain_id;
	char *password; /* secret */
	/* scope: a project, a domain or the system; an application credential brings its own */
	char *project_name;
	char *project_id;
	char *project_domain_name;
	char *project_domain_id;
	char *domain_name;
	char *domain_id;
	char *system_scope; /* "all" or NULL */
	char *application_credential_id;
	char *application_credential_name;
	char *application_credential_secret; /* secret */
	char *region_name;                   /* NULL: the catalogue must then offer one region only */
	char *interface;                     /* public, internal or admin; NULL = public */
	char *cacert;                        /* file; NULL = the system's */
	char *cert;                          /* client certificate file */
	char *key;                           /* its key file */
	bool verify;                         /* verify the server's certificate */
};

/** cloud_credentials_copy() - deep copy; @ret_copy is overwritten. Errors: -OSHA_E_NOMEM. */
int cloud_credentials_copy(
    const struct cloud_credentials *c, struct cloud_credentials *ret_copy, struct osha_err *reterr);

/** cloud_credentials_wipe() - overwrite the strings, free them, zero the struct. Fit for cleanup. */
void cloud_credentials_wipe(struct cloud_credentials *c);
#define CLOUD_CREDENTIALS_AUTO __attribute__((cleanup(cloud_credentials_wipe)))

/** cloud_secret_free() - overwrite and free one string, and forget it; NULL inside is allowed. */
void cloud_secret_free(char **s);
