/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, segments and probe addresses of one host. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/resolve.h"

/* A name that goes into an address, a path or an agent's line must not be able to be more than a name. */
static bool host_may_expand(const char *host)
{
	size_t n = strlen(host);
	bool plain = n > 0 && n < HOST_NAME_SIZE &&
		     host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
	return plain && host[0] != '.' && host[0] != '-';
}

static size_t piece_add(char *ret, size_t size, size_t used, const char *piece, size_t n)
{
	if (used + n + 1 > size)
		return size;
	memcpy(ret + used, piece, n);
	return used + n;
}

bool pattern_expand(const char *text, const char *host, char *ret, size_t size)
{
	size_t used = 0;
	ret[0] = '\0';
	while (*text && used < size) {
		if (str_starts(text, "{host}") || str_starts(text, "{short}")) {
			size_t n = text[1] == 'h' ? strlen(host) : strcspn(host, ".");
			used = host_may_expand(host) ? piece_add(ret, size, used, host, n) : size;
			text += text[1] == 'h' ? strlen("{host}") : strlen("{short}");
			continue;
		}
		bool is_double = (*text == '{' || *text == '}') && text[1] == text[0];
		used = piece_add(ret, size, used, text, 1);
		text += is_double ? 2 : 1;
	}
	if (used >= size) {
		ret[0] = '\0';
		return false;
	}
	ret[used] = '\0';
	return true;
}

bool config_is_control_plane(const struct config *cfg, const char *host)
{
	const struct config_segment s = {.hosts = cfg->control_plane};

	return segment_has_name(&s, host) || segment_matches(&s, host);
}

static int override_compare(const void *key, const void *item)
{
	return strcmp(key, ((const struct config_host_override *)item)->name);
}

const struct config_host_override *host_override_find(const struct config *cfg, const char *host)
{
	if (cfg->hosts.n == 0)
		return NULL;
	return bsearch(host, cfg->hosts.items, cfg->hosts.n, sizeof(cfg->hosts.items[0]), override_compare);
}

bool host_text_is_pattern(const char *item)
{
	return item[0] == '!' || strpbrk(item, "*?[") != NULL;
}

static bool is_taken_out(const struct config_segment *s, const char *host)
{
	for (size_t i = 0; i < s->hosts.n; i++)
		if (s->hosts.items[i][0] == '!' && fnmatch(s->hosts.items[i] + 1, host, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

bool segment_has_name(const struct config_segment *s, const char *host)
{
	for (size_t i = 0; i < s->hosts.n; i++)
		if (!host_text_is_pattern(s->hosts.items[i]) && strcmp(s->hosts.items[i], host) == 0)
			return !is_taken_out(s, host);
	return false;
}

bool segment_matches(const struct config_segment *s, const char *host)
{
	for (size_t i = 0; i < s->hosts.n; i++) {
		const char *item = s->hosts.items[i];
		if (item[0] != '!' && host_text_is_pattern(item) && fnmatch(item, host, FNM_NOESCAPE) == 0)
			return !is_taken_out(s, host);
	}
	return false;
}

static const struct config_segment *segment_of(const struct config *cfg, const char *host)
{
	for (size_t i = 0; i < cfg->segments.n; i++)
		if (segment_has_name(&cfg->segments.items[i], host))
			return &cfg->segments.items[i];
	for (size_t i = 0; i < cfg->segments.n; i++)
		if (segment_matches(&cfg->segments.items[i], host))
			return &cfg->segments.items[i];
	return NULL;
}

int config_host_resolve(const struct config *cfg, const char *host, struct config_host *ret)
{
	const struct config_host_override *o = host_override_find(cfg, host);
	const char *address = o && o->address[0] ? o->address : cfg->monitors.probe.address;
	*ret = (struct config_host){.segment = segment_of(cfg, host)};
	if (!(o && o->is_unprobed))
		(void)pattern_expand(address, host, ret->address, sizeof(ret->address));
	if (!ret->segment)
		return CONFIG_HOST_OUTSIDE;
	const struct config_fence_levels *levels = o && o->fencing.n ? &o->fencing : &ret->segment->fencing;
	for (; ret->level_n < levels->n && ret->level_n < FENCE_LEVEL_MAX; ret->level_n++)
		ret->levels[ret->level_n] = &levels->items[ret->level_n];
	return CONFIG_HOST_FOUND;
}
