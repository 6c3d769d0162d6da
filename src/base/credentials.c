/* SPDX-License-Identifier: Apache-2.0 */
/* Copying and wiping credentials; one table of their strings serves both. Reading them is config's work, signing in cloud's. */
#include "base/credentials.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const size_t strings[] = {
    offsetof(struct cloud_credentials, auth_url),
    offsetof(struct cloud_credentials, username),
    offsetof(struct cloud_credentials, user_id),
    offsetof(struct cloud_credentials, user_domain_name),
    offsetof(struct cloud_credentials, user_domain_id),
    offsetof(struct cloud_credentials, password),
    offsetof(struct cloud_credentials, project_name),
    offsetof(struct cloud_credentials, project_id),
    offsetof(struct cloud_credentials, project_domain_name),
    offsetof(struct cloud_credentials, project_domain_id),
    offsetof(struct cloud_credentials, domain_name),
    offsetof(struct cloud_credentials, domain_id),
    offsetof(struct cloud_credentials, system_scope),
    offsetof(struct cloud_credentials, application_credential_id),
    offsetof(struct cloud_credentials, application_credential_name),
    offsetof(struct cloud_credentials, application_credential_secret),
    offsetof(struct cloud_credentials, region_name),
    offsetof(struct cloud_credentials, interface),
    offsetof(struct cloud_credentials, cacert),
    offsetof(struct cloud_credentials, cert),
    offsetof(struct cloud_credentials, key),
};
enum { STRINGS_N = sizeof(strings) / sizeof(strings[0]) };

static char **string_at(struct cloud_credentials *c, size_t i)
{
	return (char **)(void *)((char *)c + strings[i]);
}

void cloud_secret_free(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void cloud_credentials_wipe(struct cloud_credentials *c)
{
	for (size_t i = 0; i < STRINGS_N; i++)
		cloud_secret_free(string_at(c, i));
	*c = (struct cloud_credentials){0};
}

int cloud_credentials_copy(
    const struct cloud_credentials *c, struct cloud_credentials *ret_copy, struct osha_err *reterr)
{
	struct cloud_credentials copy = *c;
	bool ok = true;

	for (size_t i = 0; i < STRINGS_N; i++) {
		char **to = string_at(&copy, i);

		*to = *to ? strdup(*to) : NULL;
		ok = ok && (*to || !*string_at((struct cloud_credentials *)c, i));
	}
	if (!ok) {
		cloud_credentials_wipe(&copy);
		return osha_err_set(reterr, OSHA_E_NOMEM, "copy credentials: out of memory");
	}
	*ret_copy = copy;
	return 0;
}
