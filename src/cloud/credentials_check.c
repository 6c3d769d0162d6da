/* SPDX-License-Identifier: Apache-2.0 */
/* What must stand beside what before keystone is asked. */
#include "cloud/credentials_check.h"

#include <string.h>

#include "cloud/identity.h"

static bool is_set(const char *s)
{
	return s && s[0];
}

static int check_user(const struct cloud_credentials *c, struct osha_err *reterr)
{
	if (is_set(c->user_id))
		return 0;
	if (!is_set(c->username))
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: neither username nor user_id is set");
	if (!is_set(c->user_domain_name) && !is_set(c->user_domain_id))
		return osha_err_set(
		    reterr, OSHA_E_CONFIG, "credentials: username needs user_domain_name or user_domain_id beside it");
	return 0;
}

static int check_scope(const struct cloud_credentials *c, struct osha_err *reterr)
{
	const bool has_project = is_set(c->project_id) || is_set(c->project_name);
	const bool has_domain = is_set(c->domain_id) || is_set(c->domain_name);
	const bool has_system = is_set(c->system_scope);

	if (has_project + has_domain + has_system == 0)
		return osha_err_set(
		    reterr, OSHA_E_CONFIG, "credentials: no scope: set project_name, project_id or system_scope");
	if (has_project + has_domain + has_system > 1)
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "credentials: more than one scope: project, domain and system_scope exclude each other");
	if (has_system && strcmp(c->system_scope, "all") != 0)
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: system_scope can only be \"all\"");
	if (has_project && !is_set(c->project_id) && !is_set(c->project_domain_name) && !is_set(c->project_domain_id))
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "credentials: project_name needs project_domain_name or project_domain_id beside it");
	return 0;
}

static int check_app_credential(const struct cloud_credentials *c, struct osha_err *reterr)
{
	if (!is_set(c->application_credential_secret))
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: application_credential_secret is not set");
	if (is_set(c->application_credential_id))
		return 0;
	if (!is_set(c->application_credential_name))
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "credentials: neither application_credential_id nor application_credential_name is set");
	return check_user(c, reterr);
}

static int check_interface(const struct cloud_credentials *c, struct osha_err *reterr)
{
	static const char *const known[] = {"public", "internal", "admin", "publicURL", "internalURL", "adminURL"};

	if (!is_set(c->interface))
		return 0;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(c->interface, known[i]) == 0)
			return 0;
	return osha_err_set(
	    reterr, OSHA_E_CONFIG, "credentials: interface is \"%.32s\", not public, internal or admin", c->interface);
}

int cloud_credentials_check(const struct cloud_credentials *c, struct osha_err *reterr)
{
	char url[CLOUD_URL_SIZE];
	int r = cloud_token_url(c, url, sizeof(url), reterr);

	if (r == 0)
		r = check_interface(c, reterr);
	if (r < 0)
		return r;
	if (is_set(c->key) && !is_set(c->cert))
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: key without cert");
	if (c->auth_type == CLOUD_AUTH_APP_CREDENTIAL)
		return check_app_credential(c, reterr);
	if (c->auth_type != CLOUD_AUTH_PASSWORD)
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: unknown auth_type");
	if (!is_set(c->password))
		return osha_err_set(reterr, OSHA_E_CONFIG, "credentials: password is not set");
	r = check_user(c, reterr);
	return r < 0 ? r : check_scope(c, reterr);
}
