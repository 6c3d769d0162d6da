/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials from clouds.yaml, secure.yaml and OS_*: search order, laying over, every gap told, no secret in a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "config/clouds.h"

/* The environment of the test: "NAME=value" texts. */
static char environment[16][300];
static size_t environment_n;
static char dir[64];

static char *env_get(const char *name)
{
	for (size_t i = 0; i < environment_n; i++)
		if (str_starts(environment[i], name) && environment[i][strlen(name)] == '=')
			return environment[i] + strlen(name) + 1;
	return NULL;
}

static void env_set(const char *text)
{
	assert_true(environment_n < 16);
	assert_true(str_copy(environment[environment_n++], sizeof(environment[0]), text));
}

static int setup(void **state)
{
	(void)state;
	environment_n = 0;
	(void)str_copy(dir, sizeof(dir), "/tmp/osha-clouds-XXXXXX");
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const files[] = {
	    "clouds.yaml", "secure.yaml", "other.yaml", "ca.pem", ".config/openstack/clouds.yaml"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(files[i]);
	(void)rmdir(".config/openstack");
	(void)rmdir(".config");
	return chdir("/") == 0 && rmdir(dir) == 0 ? 0 : -1;
}

static void file_put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int load(const char *name, const char *file, struct cloud_credentials *c, struct config_problems *ps)
{
	struct osha_err err = {0};
	problems_free(ps);
	cloud_credentials_wipe(c);
	int rc = clouds_load(name, file, env_get, c, ps, &err);
	for (size_t i = 0; i < ps->n; i++)
		assert_null(strstr(ps->items[i].text, "hunter2"));
	if (rc < 0)
		assert_null(c->auth_url); /* nothing half-read is handed out */
	return rc;
}

static bool has_problem(const struct config_problems *ps, const char *part)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strstr(ps->items[i].text, part))
			return true;
	return false;
}

#define CLOUDS                                                                                                         \
	"clouds:\n"                                                                                                    \
	"  osha:\n"                                                                                                    \
	"    auth:\n"                                                                                                  \
	"      auth_url: https://keystone.example:5000/v3/\n"                                                          \
	"      username: osha\n"                                                                                       \
	"      user_domain_name: Default\n"                                                                            \
	"      project_name: service\n"                                                                                \
	"      project_domain_id: default\n"                                                                           \
	"    region_name: one\n"                                                                                       \
	"    interface: internalURL\n"                                                                                 \
	"    some_tool: {of: others}\n"                                                                                \
	"  system:\n"                                                                                                  \
	"    auth: {auth_url: 'http://127.0.0.1:5000', user_id: abc, password: hunter2, system_scope: all}\n"          \
	"    regions: [{name: first}, {name: second}]\n"                                                               \
	"  application:\n"                                                                                             \
	"    auth_type: v3applicationcredential\n"                                                                     \
	"    auth: {auth_url: 'https://k/identity', application_credential_id: id1, application_credential_secret: "   \
	"hunter2,\n"                                                                                                   \
	"      project_name: left-out}\n"                                                                              \
	"    verify: false\n"                                                                                          \
	"    cacert: ca.pem\n"

static void entries_are_read(void **state)
{
	(void)state;
	CLOUD_CREDENTIALS_AUTO struct cloud_credentials c = {0};
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	file_put("clouds.yaml", CLOUDS);
	file_put("secure.yaml", "clouds: {osha: {auth: {password: hunter2-long}}}\n");
	file_put("ca.pem", "");
	assert_int_equal(load("osha", "", &c, &ps), 0);
	assert_int_equal(c.auth_type, CLOUD_AUTH_PASSWORD);
	assert_string_equal(c.auth_url, "https://keystone.example:5000/v3");
	assert_string_equal(c.password, "hunter2-long");
	assert_string_equal(c.interface, "internal");
	assert_string_equal(c.region_name, "one");
	assert_true(c.verify);
	assert_int_equal(ps.n, 0);
	env_set("OS_CLOUD=system");
	assert_int_equal(load("", "", &c, &ps), 0);
	assert_string_equal(c.user_id, "abc");
	assert_string_equal(c.system_scope, "all");
	assert_string_equal(c.region_name, "first");
	assert_string_equal(c.interface, "public");
	assert_int_equal(load("application", "", &c, &ps), 0);
	assert_int_equal(c.auth_type, CLOUD_AUTH_APP_CREDENTIAL);
	assert_null(c.project_name);
	assert_false(c.verify);
	assert_int_equal(ps.warning_n, 2);
	cloud_credentials_wipe(&c);
	assert_null(c.application_credential_secret);
}

static void places_are_searched_in_order(void **state)
{
	(void)state;
	CLOUD_CREDENTIALS_AUTO struct cloud_credentials c = {0};
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	char text[300];
#define ENTRY(url) "clouds: {x: {auth: {auth_url: 'http://" url "', user_id: u, password: p, project_id: i}}}\n"
	(void)snprintf(text, sizeof(text), "HOME=%s", dir);
	env_set(text);
	env_set("OS_AUTH_URL=http://environment");
	assert_int_equal(mkdir(".config", 0700), 0);
	assert_int_equal(mkdir(".config/openstack", 0700), 0);
	file_put(".config/openstack/clouds.yaml", ENTRY("home"));
	assert_int_equal(load("x", "", &c, &ps), 0);
	assert_string_equal(c.auth_url, "http://home");
	file_put("clouds.yaml", ENTRY("here"));
	assert_int_equal(load("x", "", &c, &ps), 0);
	assert_string_equal(c.auth_url, "http://here");
	file_put("other.yaml", ENTRY("other"));
	assert_int_equal(load("", "other.yaml", &c, &ps), 0); /* the only entry */
	assert_string_equal(c.auth_url, "http://other");
	env_set("OS_CLIENT_CONFIG_FILE=other.yaml");
	assert_int_equal(load("x", "", &c, &ps), 0);
	assert_string_equal(c.auth_url, "http://other");
	assert_int_equal(load("", "", &c, &ps), -OSHA_E_CONFIG); /* the environment, and it lacks the rest */
	assert_true(has_problem(&ps, "OS_PASSWORD"));
}

static void environment_is_read(void **state)
{
	(void)state;
	CLOUD_CREDENTIALS_AUTO struct cloud_credentials c = {0};
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	env_set("OS_AUTH_URL=http://127.0.0.1:5000/v3");
	env_set("OS_USERNAME=osha");
	env_set("OS_USER_DOMAIN_NAME=Default");
	env_set("OS_PASSWORD=hunter2");
	env_set("OS_PROJECT_NAME=service");
	env_set("OS_TENANT_NAME=older");
	env_set("OS_PROJECT_DOMAIN_NAME=Default");
	env_set("OS_ENDPOINT_TYPE=adminURL");
	env_set("OS_INSECURE=true");
	assert_int_equal(load("", "", &c, &ps), 0);
	assert_string_equal(c.project_name, "service");
	assert_string_equal(c.interface, "admin");
	assert_false(c.verify);
	assert_int_equal(load("envvars", "", &c, &ps), 0);
}

static void gaps_are_told_at_once(void **state)
{
	(void)state;
	CLOUD_CREDENTIALS_AUTO struct cloud_credentials c = {0};
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT;
	static const char *const wrong[] = {"clouds.x.auth_url: expected an http",
	    "clouds.x.password: expected the password",
	    "clouds.x.user_domain_name:", "clouds.x.project_domain_name:", "clouds.x.system_scope: expected one of",
	    "clouds.x.system_scope: expected all", "clouds.x.interface:", "clouds.x.verify:", "clouds.x.cacert:",
	    "clouds.x.profile:", "clouds.x.identity_api_version:", "clouds.x.region_name: expected a text"};
	file_put("clouds.yaml",
	    "clouds:\n  x:\n    auth: {auth_url: 'ftp://hunter2@k', username: u, project_name: p, system_scope: some}\n"
	    "    interface: outer\n    verify: perhaps\n    cacert: /nonexistent\n    profile: vendor\n"
	    "    identity_api_version: 2\n    region_name: [a]\n");
	assert_int_equal(load("x", "", &c, &ps), -OSHA_E_CONFIG);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!has_problem(&ps, wrong[i]))
			fail_msg("nothing said of %s", wrong[i]);
	assert_true(has_problem(&ps, "clouds.yaml:3:"));
	assert_int_equal(load("y", "", &c, &ps), -OSHA_E_CONFIG);
	assert_true(has_problem(&ps, "expected an entry \"y\", found: x"));
	assert_int_equal(load("x", "/nonexistent/clouds.yaml", &c, &ps), -OSHA_E_CONFIG);
	file_put("clouds.yaml", "clouds: [\n");
	assert_int_equal(load("x", "", &c, &ps), -OSHA_E_CONFIG);
	file_put("clouds.yaml", "- nothing\n");
	assert_int_equal(load("x", "", &c, &ps), -OSHA_E_CONFIG);
	file_put("clouds.yaml", "clouds: {x: {auth_type: v3oidcpassword, auth: {auth_url: 'http://k'}}}\n");
	assert_int_equal(load("x", "", &c, &ps), -OSHA_E_CONFIG);
	assert_true(has_problem(&ps, "auth_type"));
	file_put("clouds.yaml", "clouds: {x: {auth_type: v3applicationcredential, auth: {auth_url: 'http://k'}}}\n");
	assert_int_equal(load("x", "", &c, &ps), -OSHA_E_CONFIG);
	assert_true(has_problem(&ps, "application_credential_secret"));
	assert_true(has_problem(&ps, "application_credential_id"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(entries_are_read),
	    TEST(places_are_searched_in_order),
	    TEST(environment_is_read),
	    TEST(gaps_are_told_at_once),
	};
	return cmocka_run_group_tests_name("clouds", tests, NULL, NULL);
}
