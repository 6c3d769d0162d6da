/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to OpenStack: one cloud entry with all its secrets, as the config room read it from clouds.yaml or OS_*
 * and as the cloud room signs in with it. Plain values without pointers; "" means not given. Wiped with
 * credentials_wipe() by whoever holds a copy.
 */
#pragma once

#include <stdbool.h>

enum {
	CREDENTIAL_SIZE = 256,         /* names and ids: keystone keeps them in VARCHAR(255) */
	CREDENTIAL_SECRET_SIZE = 1024, /* passwords and application credential secrets */
	CREDENTIAL_URL_SIZE = 512,
	CREDENTIAL_PATH_SIZE = 512,
};

enum auth_kind {
	AUTH_KIND_UNKNOWN = 0,
	AUTH_KIND_PASSWORD,               /* v3password, password */
	AUTH_KIND_APPLICATION_CREDENTIAL, /* v3applicationcredential */
	AUTH_KIND_N
};

struct cloud_credentials {
	char cloud[CREDENTIAL_SIZE]; /* name of the entry in clouds.yaml, for messages; "" when it came from OS_* */
	enum auth_kind auth_kind;
	char auth_url[CREDENTIAL_URL_SIZE]; /* as written, without trailing slashes; may end in /v3 or not */

	char username[CREDENTIAL_SIZE];
	char user_id[CREDENTIAL_SIZE];
	char user_domain_name[CREDENTIAL_SIZE];
	char user_domain_id[CREDENTIAL_SIZE];
	char password[CREDENTIAL_SECRET_SIZE]; /* secret */

	/* scope: a project, or a domain, or the system; at most one of the three is given */
	char project_name[CREDENTIAL_SIZE];
	char project_id[CREDENTIAL_SIZE];
	char project_domain_name[CREDENTIAL_SIZE];
	char project_domain_id[CREDENTIAL_SIZE];
	char domain_name[CREDENTIAL_SIZE];
	char domain_id[CREDENTIAL_SIZE];
	char system_scope[16]; /* "all" or "" */

	char application_credential_id[CREDENTIAL_SIZE];
	char application_credential_name[CREDENTIAL_SIZE];          /* needs user_id, or username and its domain */
	char application_credential_secret[CREDENTIAL_SECRET_SIZE]; /* secret */

	char region_name[CREDENTIAL_SIZE];           /* "" = the only region, or the first */
	char interface[16];                          /* public, internal or admin; "public" when not given */
	char compute_endpoint[CREDENTIAL_URL_SIZE];  /* overrides the catalogue; "" = ask the catalogue */
	char identity_endpoint[CREDENTIAL_URL_SIZE]; /* the same for keystone itself */

	char cacert[CREDENTIAL_PATH_SIZE]; /* PEM bundle; "" = the system's */
	char cert[CREDENTIAL_PATH_SIZE];   /* client certificate; "" = none */
	char key[CREDENTIAL_PATH_SIZE];    /* its key; "" = in @cert */
	bool verify; /* false: certificates are not checked. Zeroed memory is not verifying: set it */
};

/** credentials_wipe() - overwrite every byte, in a way the compiler may not leave out. @c: borrowed, NULL allowed */
void credentials_wipe(struct cloud_credentials *c);
