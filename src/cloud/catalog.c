/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints of a token's catalog; see catalog.h. */
#include "cloud/catalog.h"

#include <string.h>

#include "base/strbuf.h"
#include "cloud/wire.h"

/* Start of the path of a plain http(s) URL ("" when it has none), or NULL: other schemes, no host, user info, query,
 * fragment, blanks. */
static const char *url_path(const char *url)
{
	const char *host = str_starts(url, "http://") ? url + 7 : str_starts(url, "https://") ? url + 8 : NULL;
	const char *path;

	if (!host)
		return NULL;
	for (const char *p = host; *p; p++)
		if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || strchr("?#@\\\"<>", *p))
			return NULL;
	path = host + strcspn(host, "/");
	return path > host ? path : NULL;
}

/* @n bytes of @url without slashes at their end, then @version. */
static bool base_write(const char *url, size_t n, const char *version, char *dst, size_t size)
{
	while (n > 0 && url[n - 1] == '/')
		n--;
	if (n + strlen(version) >= size)
		return false;
	memcpy(dst, url, n);
	str_copy(dst + n, size - n, version);
	return true;
}

/* Offset of the path segment @segment in @url, or 0. */
static size_t segment_at(const char *url, const char *path, const char *segment)
{
	size_t n = strlen(segment);

	for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
		if (strncmp(p + 1, segment, n) == 0 && (p[1 + n] == '\0' || p[1 + n] == '/'))
			return (size_t)(p - url);
	return 0;
}

/* Whatever version the catalog names, or none: that of ours is put in its place. */
static bool version_base(const char *url, const char *const found[2], const char *ours, char *dst, size_t size)
{
	const char *path = url_path(url);
	size_t at;

	if (!path)
		return false;
	at = segment_at(url, path, found[0]);
	at = at ? at : segment_at(url, path, found[1]);
	return base_write(url, at ? at : strlen(url), ours, dst, size);
}

bool catalog_identity_base(const char *url, char *dst, size_t size)
{
	return version_base(url, (const char *const[2]){"v3", "v2.0"}, "/v3", dst, size);
}

bool catalog_compute_base(const char *url, char *dst, size_t size)
{
	return version_base(url, (const char *const[2]){"v2.1", "v2"}, "/v2.1", dst, size);
}

/* "public" for NULL, "" and "publicURL". */
static void interface_name(const struct cloud_credentials *c, char dst[16])
{
	char *url;

	str_copy(dst, 16, c->interface && c->interface[0] ? c->interface : "public");
	url = strstr(dst, "URL");
	if (url)
		*url = '\0';
}

static const char *region_of(const cJSON *endpoint)
{
	return json_str(endpoint, "region_id", json_str(endpoint, "region", ""));
}

struct search {
	const char *type, *alias;
	char interface[16];
	const char *region; /* NULL = any, but then only one may offer the service */
	const cJSON *found; /* endpoint */
	bool is_ambiguous;
	char seen[160]; /* "RegionOne/public, ...": what there is of this service */
};

static void seen_add(struct search *s, const cJSON *endpoint)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char text[sizeof(s->seen)];

	strbuf_printf(&sb, "%s%s%s/%s", s->seen, s->seen[0] ? ", " : "", region_of(endpoint),
	    json_str(endpoint, "interface", "?"));
	cloud_text_clean(text, sizeof(text), sb.failed ? "" : sb.text);
	str_copy(s->seen, sizeof(s->seen), text);
}

static void search_endpoint(struct search *s, const cJSON *endpoint)
{
	seen_add(s, endpoint);
	if (!str_eq(json_str(endpoint, "interface", NULL), s->interface) || !json_str(endpoint, "url", NULL))
		return;
	if (s->region && !str_eq(region_of(endpoint), s->region))
		return;
	if (!s->region && s->found && !str_eq(region_of(endpoint), region_of(s->found)))
		s->is_ambiguous = true;
	if (!s->found)
		s->found = endpoint;
}

static void search_run(struct search *s, const cJSON *catalog)
{
	const cJSON *service, *endpoint;

	cJSON_ArrayForEach(service, catalog)
	{
		const char *type = json_str(service, "type", NULL);

		if (!str_eq(type, s->type) && !str_eq(type, s->alias))
			continue;
		cJSON_ArrayForEach(endpoint, json_array(service, "endpoints")) search_endpoint(s, endpoint);
	}
}

static int compute_error(const struct search *s, struct osha_err *reterr)
{
	if (s->is_ambiguous)
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "the catalog offers compute (%s) in more than one region (%s): set region_name", s->interface,
		    s->seen);
	return osha_err_set(reterr, OSHA_E_CONFIG,
	    "the catalog has no usable compute endpoint for interface %s in region %s; it has: %s", s->interface,
	    s->region ? s->region : "(any)", s->seen[0] ? s->seen : "none at all");
}

int catalog_search(
    const cJSON *catalog, const struct cloud_credentials *c, struct cloud_token *ret_token, struct osha_err *reterr)
{
	const char *region = c->region_name && c->region_name[0] ? c->region_name : NULL;
	struct search compute = {.type = "compute", .alias = "computev21", .region = region};
	struct search identity = {.type = "identity", .alias = "identityv3", .region = region};
	const char *url;

	interface_name(c, compute.interface);
	interface_name(c, identity.interface);
	search_run(&compute, catalog);
	search_run(&identity, catalog);
	url = compute.found && !compute.is_ambiguous ? json_str(compute.found, "url", "") : "";
	if (!catalog_compute_base(url, ret_token->compute_url, sizeof(ret_token->compute_url)))
		return compute_error(&compute, reterr);
	url = identity.found && !identity.is_ambiguous ? json_str(identity.found, "url", "") : c->auth_url;
	if (!catalog_identity_base(url, ret_token->identity_url, sizeof(ret_token->identity_url)) &&
	    !catalog_identity_base(c->auth_url, ret_token->identity_url, sizeof(ret_token->identity_url)))
		return osha_err_set(reterr, OSHA_E_CONFIG, "no usable identity endpoint");
	return 0;
}
