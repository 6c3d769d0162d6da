/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One device and plug must not stand for two hosts: a power-off would hit the wrong one, and its reading of off would
 * prove the death of a living host. Identities are sorted, so that a thousand hosts cost n log n.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/check.h"
#include "config/resolve.h"

struct use {
	struct config_device device;
	const char *host;
	const struct config_fence_level *level;
};

static int use_compare(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int order = strcmp(x->device.place, y->device.place);
	if (order == 0)
		order = strcmp(x->device.port, y->device.port);
	return order ? order : strcmp(x->host, y->host);
}

/* The same place, and ports that may be the same: one that is not given is the agent's default, which may be the
 * other's. */
static bool is_shared(const struct use *a, const struct use *b)
{
	bool same_place = strcmp(a->device.place, b->device.place) == 0;
	bool same_port =
	    a->device.port[0] == '\0' || b->device.port[0] == '\0' || strcmp(a->device.port, b->device.port) == 0;
	return same_place && same_port && strcmp(a->host, b->host) != 0;
}

/* Sorting puts a missing port first in its group: it is compared with each of the group, the others with their
 * neighbours. */
static void pairs_check(struct config_problems *ps, const char *file, const struct use *uses, size_t n)
{
	size_t first = 0;
	for (size_t i = 1; i < n; i++) {
		if (strcmp(uses[i].device.place, uses[first].device.place) != 0)
			first = i;
		const struct use *other = is_shared(&uses[i - 1], &uses[i]) ? &uses[i - 1] : &uses[first];
		if (!is_shared(other, &uses[i]))
			continue;
		problems_add(ps, false, PLACE(file, uses[i].device.line, 1, ""),
		    "expected a fence device for each host alone, found %.200s%s%s for both %.100s (level %s) and "
		    "%.100s (level "
		    "%s); correct the address or plug of one of them",
		    uses[i].device.place, uses[i].device.port[0] ? " port " : "", uses[i].device.port, other->host,
		    other->level->name, uses[i].host, uses[i].level->name);
	}
}

static size_t host_uses(const struct config *cfg, const char *host, struct use *ret)
{
	struct config_host h;
	if (config_host_resolve(cfg, host, &h) != CONFIG_HOST_FOUND)
		return 0;
	for (size_t i = 0; i < h.level_n; i++) {
		device_identify(h.levels[i], host_override_find(cfg, host), host, &ret[i].device);
		ret[i].host = host;
		ret[i].level = h.levels[i];
	}
	return h.level_n;
}

static int devices_check(
    const struct config *cfg, const char *file, const char *const *hosts, size_t host_n, struct config_problems *ps)
{
	struct use *uses = calloc(host_n * FENCE_LEVEL_MAX + 1, sizeof(*uses));
	if (!uses)
		return -OSHA_E_NOMEM;
	size_t n = 0;
	for (size_t i = 0; i < host_n; i++)
		n += host_uses(cfg, hosts[i], uses + n);
	qsort(uses, n, sizeof(*uses), use_compare);
	pairs_check(ps, file, uses, n);
	free(uses);
	return 0;
}

int config_devices_check(const struct config *cfg, const char *const *hosts, size_t host_n,
    struct config_problems *problems, struct osha_err *reterr)
{
	size_t before = problems->error_n;
	if (devices_check(cfg, "", hosts, host_n, problems) < 0)
		return osha_err_set(reterr, OSHA_E_NOMEM, "compare fence devices");
	if (problems->error_n > before)
		return osha_err_set(reterr, OSHA_E_CONFIG, "two hosts share a fence device");
	return 0;
}

/* A level for many hosts in which nothing changes with the host. */
static void constant_check(struct config_reader *r, const struct config_segment *s, size_t at, size_t level)
{
	struct config_device d;
	char path[64];
	bool has_many = s->hosts.n > 1;
	for (size_t i = 0; i < s->hosts.n; i++)
		has_many |= host_text_is_pattern(s->hosts.items[i]);
	device_identify(&s->fencing.items[level], NULL, "host", &d);
	if (!has_many || d.has_pattern)
		return;
	(void)snprintf(path, sizeof(path), "segments[%zu].fencing[%zu].parameters", at, level);
	if (!str_eq(s->fencing.items[level].agent, ""))
		reader_error_at(r, path,
		    "expected a device that differs with the host, found the same one for every host of segment %.60s; "
		    "put {host} into "
		    "the address or plug, or name the hosts one by one",
		    s->name);
}

/* Does each host that the segment names bring its own address or plug? Then a constant one of the level never counts.
 */
static bool is_overridden(const struct config *cfg, const struct config_segment *s, size_t level)
{
	struct config_device plain, own;
	device_identify(&s->fencing.items[level], NULL, "host", &plain);
	for (size_t i = 0; i < s->hosts.n; i++) {
		const struct config_host_override *o = host_override_find(cfg, s->hosts.items[i]);
		if (host_text_is_pattern(s->hosts.items[i]) || !o)
			return false;
		device_identify(&s->fencing.items[level], o, s->hosts.items[i], &own);
		if (o->fencing.n == 0 && strcmp(own.place, plain.place) == 0 && strcmp(own.port, plain.port) == 0)
			return false;
	}
	return true;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names that the file itself holds, each once. */
static size_t names_gather(const struct config *cfg, const char **ret)
{
	size_t n = 0;
	for (size_t i = 0; i < cfg->segments.n; i++)
		for (size_t k = 0; k < cfg->segments.items[i].hosts.n; k++)
			if (!host_text_is_pattern(cfg->segments.items[i].hosts.items[k]))
				ret[n++] = cfg->segments.items[i].hosts.items[k];
	for (size_t i = 0; i < cfg->hosts.n; i++)
		ret[n++] = cfg->hosts.items[i].name;
	qsort(ret, n, sizeof(*ret), name_compare);
	size_t unique = 0;
	for (size_t i = 0; i < n; i++)
		if (unique == 0 || strcmp(ret[unique - 1], ret[i]) != 0)
			ret[unique++] = ret[i];
	return unique;
}

void check_devices(struct config_reader *r, const struct config *cfg)
{
	size_t most = cfg->hosts.n;
	for (size_t i = 0; i < cfg->segments.n; i++) {
		const struct config_segment *s = &cfg->segments.items[i];
		most += s->hosts.n;
		for (size_t k = 0; k < s->fencing.n; k++)
			if (!is_overridden(cfg, s, k))
				constant_check(r, s, i, k);
	}
	const char **names = config_memory_take(r->mem, (most + 1) * sizeof(*names));
	if (!names)
		return;
	size_t n = names_gather(cfg, names);
	if (devices_check(cfg, r->file, names, n, r->problems) < 0)
		r->mem->failed = true;
}
