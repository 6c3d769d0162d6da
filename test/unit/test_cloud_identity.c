/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, token requests, tokens, catalogs, versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs the headers above */
#include <cmocka.h>

#include "cloud/catalog.h"
#include "cloud/identity.h"
#include "test/unit/cloud_script.h"

static struct cloud_credentials by_password(void)
{
	return (struct cloud_credentials){
	    .auth_url = "http://127.0.0.1:15000",
	    .username = "admin",
	    .user_domain_id = "default",
	    .password = "se\"cret",
	    .project_name = "admin",
	    .project_domain_name = "Default",
	    .verify = true,
	};
}

static void test_bodies(void **state)
{
	struct cloud_credentials password = by_password();
	struct cloud_credentials project_id = by_password();
	struct cloud_credentials system = by_password();
	struct cloud_credentials domain = by_password();
	struct cloud_credentials app_id = {.auth_url = "http://k",
	    .auth_type = CLOUD_AUTH_APP_CREDENTIAL,
	    .application_credential_id = "ac1",
	    .application_credential_secret = "s"};
	struct cloud_credentials app_name = {.auth_url = "http://k",
	    .auth_type = CLOUD_AUTH_APP_CREDENTIAL,
	    .application_credential_name = "osha",
	    .application_credential_secret = "s",
	    .username = "u",
	    .user_domain_name = "D"};
	const struct {
		const struct cloud_credentials *c;
		const char *body;
	} rows[] = {
	    {&password, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
			"\"admin\",\"domain\":{\"id\":"
			"\"default\"},\"password\":\"se\\\"cret\"}}},\"scope\":{\"project\":{\"name\":\"admin\","
			"\"domain\":{\"name\":\"Default\"}}}}}"},
	    {&project_id, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":\"uid\","
			  "\"password\":"
			  "\"se\\\"cret\"}}},\"scope\":{\"project\":{\"id\":\"pid\"}}}}"},
	    {&system, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"admin\","
		      "\"domain\":{\"id\":"
		      "\"default\"},\"password\":\"se\\\"cret\"}}},\"scope\":{\"system\":{\"all\":true}}}}"},
	    {&domain, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":\"admin\","
		      "\"domain\":{\"id\":"
		      "\"default\"},\"password\":\"se\\\"cret\"}}},\"scope\":{\"domain\":{\"name\":\"Default\"}}}}"},
	    {&app_id, "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{"
		      "\"secret\":\"s\",\"id\":\"ac1\"}}}}"},
	    {&app_name, "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],\"application_credential\":{"
			"\"secret\":\"s\",\"name\":"
			"\"osha\",\"user\":{\"name\":\"u\",\"domain\":{\"name\":\"D\"}}}}}}"},
	};

	project_id.user_id = "uid";
	project_id.project_id = "pid";
	system.project_name = domain.project_name = NULL;
	system.system_scope = "all";
	domain.domain_name = "Default";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct osha_err err = {0};
		CLOUD_SECRET_AUTO char *body = NULL;

		if (cloud_token_body(rows[i].c, &body, &err) < 0)
			fail_msg("row %zu: %s", i, err.msg);
		assert_string_equal(body, rows[i].body);
	}
}

static void test_check(void **state)
{
	struct cloud_credentials c;
	struct osha_err err;
	const struct {
		size_t offset;
		char *value;
		const char *says;
	} rows[] = {
	    {offsetof(struct cloud_credentials, auth_url), NULL, "auth_url is not set"},
	    {offsetof(struct cloud_credentials, auth_url), "ftp://x", "auth_url is not"},
	    {offsetof(struct cloud_credentials, auth_url), "http://user:pass@x/", "auth_url is not"},
	    {offsetof(struct cloud_credentials, auth_url), "http://", "auth_url is not"},
	    {offsetof(struct cloud_credentials, auth_url), "http://x/\r\nHost: y", "auth_url is not"},
	    {offsetof(struct cloud_credentials, username), NULL, "username"},
	    {offsetof(struct cloud_credentials, user_domain_id), NULL, "user_domain"},
	    {offsetof(struct cloud_credentials, password), NULL, "password is not set"},
	    {offsetof(struct cloud_credentials, project_name), NULL, "no scope"},
	    {offsetof(struct cloud_credentials, project_domain_name), NULL, "project_domain"},
	    {offsetof(struct cloud_credentials, system_scope), "all", "more than one scope"},
	    {offsetof(struct cloud_credentials, interface), "private", "interface"},
	    {offsetof(struct cloud_credentials, key), "/k", "key without cert"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		c = by_password();
		*(char **)(void *)((char *)&c + rows[i].offset) = rows[i].value;
		assert_int_equal(cloud_credentials_check(&c, &err), -OSHA_E_CONFIG);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("row %zu says: %s", i, err.msg);
		assert_null(strstr(err.msg, "cret"));
	}
	c = by_password();
	assert_int_equal(cloud_credentials_check(&c, &err), 0);
}

static void test_copy_and_wipe(void **state)
{
	struct cloud_credentials c = by_password();
	struct cloud_credentials copy;

	assert_int_equal(cloud_credentials_copy(&c, &copy, NULL), 0);
	assert_string_equal(copy.password, c.password);
	assert_ptr_not_equal(copy.password, c.password);
	assert_true(copy.verify);
	cloud_credentials_wipe(&copy);
	assert_null(copy.password);
}

static void test_urls(void **state)
{
	static const struct {
		const char *url, *identity, *compute;
	} rows[] = {
	    {"http://k:5000", "http://k:5000/v3", "http://k:5000/v2.1"},
	    {"http://k:5000/", "http://k:5000/v3", "http://k:5000/v2.1"},
	    {"https://k/identity/v3", "https://k/identity/v3", "https://k/identity/v3/v2.1"},
	    {"https://k/identity/v3/", "https://k/identity/v3", "https://k/identity/v3/v2.1"},
	    {"https://k/identity/v2.0", "https://k/identity/v3", "https://k/identity/v2.0/v2.1"},
	    {"http://n:8774/v2.1", "http://n:8774/v2.1/v3", "http://n:8774/v2.1"},
	    {"http://n/compute/v2.1/0123456789", NULL, "http://n/compute/v2.1"},
	    {"http://n:8774/v2/0123456789", NULL, "http://n:8774/v2.1"},
	    {"http://v3/x", "http://v3/x/v3", "http://v3/x/v2.1"},
	    {"http://n/%(tenant_id)s?x", NULL, NULL},
	    {"file:///etc/passwd", NULL, NULL},
	    {"http:///v3", NULL, NULL},
	};
	char url[CLOUD_URL_SIZE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].identity) {
			assert_true(catalog_identity_base(rows[i].url, url, sizeof(url)));
			assert_string_equal(url, rows[i].identity);
		}
		assert_int_equal(catalog_compute_base(rows[i].url, url, sizeof(url)), rows[i].compute != NULL);
		if (rows[i].compute)
			assert_string_equal(url, rows[i].compute);
	}
	assert_false(catalog_compute_base("http://n", url, 12));
	assert_true(catalog_compute_base("http://n", url, 14));
}

static int judge(int status, const char *subject_token, const char *body, size_t n, const struct cloud_credentials *c,
    struct cloud_token *ret_token, struct osha_err *reterr)
{
	const struct cloud_answer answer = {.status = status, .body = body, .body_size = n};

	return cloud_token_judge(&answer, subject_token, c, ret_token, reterr);
}

static void test_token_golden(void **state)
{
	struct cloud_credentials c = by_password();
	struct cloud_token t = {0};
	struct osha_err err = {0};
	size_t size;
	char *body = script_golden("keystone__POST___v3_auth_tokens__201__ok.json", &size);

	assert_int_equal(judge(201, "gAAAA-token", body, size, &c, &t, &err), 0);
	assert_string_equal(t.token, "gAAAA-token");
	assert_string_equal(t.compute_url, "http://127.0.0.1:18774/v2.1");
	assert_string_equal(t.identity_url, "http://127.0.0.1:15000/v3");
	assert_int_equal(t.expires_at_ms - t.issued_at_ms, 3600 * 1000);
	cloud_token_clear(&t);
	assert_null(t.token);

	c.region_name = "RegionTwo";
	assert_int_equal(judge(201, "t", body, size, &c, &t, &err), -OSHA_E_CONFIG);
	assert_non_null(strstr(err.msg, "RegionTwo"));
	assert_non_null(strstr(err.msg, "RegionOne/public"));
	c.region_name = "RegionOne";
	c.interface = "internalURL";
	assert_int_equal(judge(201, "t", body, size, &c, &t, &err), 0);
	cloud_token_clear(&t);

	for (size_t n = 0; n + 2 < size; n += 7)
		assert_int_equal(judge(201, "t", body, n, &c, &t, &err), -OSHA_E_GARBAGE);
	assert_int_equal(judge(201, NULL, body, size, &c, &t, &err), -OSHA_E_GARBAGE);
	assert_int_equal(judge(201, "", body, size, &c, &t, &err), -OSHA_E_GARBAGE);
	assert_int_equal(judge(201, "a\rb", body, size, &c, &t, &err), -OSHA_E_GARBAGE);
	free(body);
}

static void test_token_refused(void **state)
{
	static const struct {
		int status, code;
	} rows[] = {{401, OSHA_E_AUTH}, {403, OSHA_E_AUTH}, {404, OSHA_E_NOTFOUND}, {300, OSHA_E_HTTP},
	    {302, OSHA_E_HTTP}, {429, OSHA_E_HTTP}, {500, OSHA_E_HTTP}, {503, OSHA_E_HTTP}, {200, OSHA_E_HTTP}};
	struct cloud_credentials c = by_password();
	struct cloud_token t = {0};
	struct osha_err err = {0};
	size_t size;
	char *body = script_golden("keystone__POST___v3_auth_tokens__401__wrong-password.json", &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(judge(rows[i].status, NULL, body, size, &c, &t, &err), -rows[i].code);
		assert_int_equal(err.http_status, rows[i].status);
	}
	assert_int_equal(judge(401, NULL, body, size, &c, &t, &err), -OSHA_E_AUTH);
	assert_non_null(strstr(err.msg, "requires authentication"));
	free(body);
}

#define ENDPOINT(region, interface, url)                                                                               \
	"{\"interface\":\"" interface "\",\"region_id\":\"" region "\",\"region\":\"" region "\",\"url\":\"" url "\"}"
#define TOKEN(catalog)                                                                                                 \
	"{\"token\":{\"issued_at\":\"2026-11-22T11:11:15.000000Z\",\"expires_at\":\"2026-11-22T12:11:15.000000Z\","    \
	"\"catalog\":[" catalog "]}}"

static void test_catalogs(void **state)
{
	static const struct {
		const char *body, *region, *compute, *says;
	} rows[] = {
	    {TOKEN("{\"type\":\"compute\",\"endpoints\":[" ENDPOINT("R1", "public", "http://a/v2.1") "," ENDPOINT(
		 "R2", "public", "http://b/v2.1") "]}"),
		"R2", "http://b/v2.1", NULL},
	    {TOKEN("{\"type\":\"compute\",\"endpoints\":[" ENDPOINT("R1", "public", "http://a/v2.1") "," ENDPOINT(
		 "R2", "public", "http://b/v2.1") "]}"),
		NULL, NULL, "more than one region"},
	    {TOKEN("{\"type\":\"compute\",\"endpoints\":[" ENDPOINT("R1", "admin", "http://a/v2.1") "]}"), NULL, NULL,
		"R1/admin"},
	    {TOKEN("{\"type\":\"volumev3\",\"endpoints\":[]}"), NULL, NULL, "none at all"},
	    {TOKEN("{\"type\":\"compute\",\"endpoints\":[" ENDPOINT("R1", "public", "gopher://a") "]}"), NULL, NULL,
		"no usable compute"},
	    {"{\"token\":{\"issued_at\":\"2026-11-22T11:11:15.000000Z\",\"expires_at\":\"2026-11-22T12:11:15.000000Z\"}"
	     "}",
		NULL, NULL, "none at all"},
	};
	struct cloud_credentials c = by_password();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct cloud_token t = {0};
		struct osha_err err = {0};
		int r;

		c.region_name = (char *)(uintptr_t)rows[i].region;
		r = judge(201, "t", rows[i].body, strlen(rows[i].body), &c, &t, &err);
		assert_int_equal(r, rows[i].compute ? 0 : -OSHA_E_CONFIG);
		if (rows[i].compute) {
			assert_string_equal(t.compute_url, rows[i].compute);
			assert_string_equal(t.identity_url, "http://127.0.0.1:15000/v3");
		} else if (!strstr(err.msg, rows[i].says)) {
			fail_msg("row %zu says: %s", i, err.msg);
		}
		cloud_token_clear(&t);
	}
}

static void test_versions(void **state)
{
	static const struct {
		int status;
		const char *body;
		int result;
	} rows[] = {
	    {200, "{\"version\":{\"version\":\"2.68\",\"min_version\":\"2.1\"}}", -OSHA_E_CONFIG},
	    {200, "{\"version\":{\"version\":\"\",\"min_version\":\"\"}}", -OSHA_E_CONFIG},
	    {200, "{\"version\":{\"version\":\"3.1\",\"min_version\":\"2.1\"}}", -OSHA_E_CONFIG},
	    {200, "{\"version\":{}}", -OSHA_E_GARBAGE},
	    {200, "<html>", -OSHA_E_GARBAGE},
	    {401, "", -OSHA_E_AUTH},
	    {503, "", -OSHA_E_HTTP},
	    {200, "{\"version\":{\"version\":\"2.69\",\"min_version\":\"2.1\"}}", 0},
	};
	struct cloud_versions v = {0};
	struct osha_err err = {0};
	char text[16];
	size_t size;
	char *body = script_golden("nova__GET___v2.1___200.json", &size);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    cloud_versions_judge(rows[i].status, rows[i].body, strlen(rows[i].body), &v, &err), rows[i].result);
	assert_int_equal(cloud_microversion_pick("2.90", "2.69", &v, text, sizeof(text), &err), 0);
	assert_string_equal(text, "2.69");
	assert_int_equal(cloud_versions_judge(200, body, size, &v, &err), 0);
	assert_int_equal(v.max_minor, 93);
	assert_int_equal(cloud_microversion_pick("2.90", "2.69", &v, text, sizeof(text), &err), 0);
	assert_string_equal(text, "2.90");
	v.min_minor = 91;
	assert_int_equal(cloud_microversion_pick("2.90", "2.69", &v, text, sizeof(text), &err), -OSHA_E_CONFIG);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_copy_and_wipe),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_token_golden),
	    cmocka_unit_test(test_token_refused),
	    cmocka_unit_test(test_catalogs),
	    cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
