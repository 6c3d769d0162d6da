/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fence levels of one host: parameters with the host's own laid over, patterns expanded, secrets read, and the identity
 * of the device. An identity is made of what the agents of the field call address, port and plug; an agent that knows
 * none of these (a library of its own, a file) is identified by all its parameters but the secrets.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "config/resolve.h"
#include "config/value.h"
#include "config/value_reader.h"

/* fence-agents' names and their older ones: see the metadata of fence_ipmilan, fence_virsh, fence_apc, fence_sbd */
static const char *const ADDRESS_NAMES[] = {"ip", "ipaddr", "uri", "hostname", "address", "devices", NULL};
static const char *const PORT_NAMES[] = {"ipport", "udpport", NULL};
static const char *const PLUG_NAMES[] = {"plug", "port", "nodename", "domain", "uuid", NULL};

static bool is_among(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static const struct config_level_override *override_of(
    const struct config_fence_level *l, const struct config_host_override *o)
{
	for (size_t i = 0; o && o->fencing.n == 0 && i < o->parameters.n; i++)
		if (strcmp(o->parameters.items[i].level, l->name) == 0)
			return &o->parameters.items[i];
	return NULL;
}

static const struct config_parameter *parameter_find(const struct config_parameters *ps, const char *name)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strcmp(ps->items[i].name, name) == 0)
			return &ps->items[i];
	return NULL;
}

/* First the level's own, each in its host's form; then those that the host alone has. */
const struct config_parameter *level_parameter(
    const struct config_fence_level *l, const struct config_host_override *o, size_t i)
{
	const struct config_level_override *own = override_of(l, o);
	if (i < l->parameters.n) {
		const struct config_parameter *p = &l->parameters.items[i];
		const struct config_parameter *other = own ? parameter_find(&own->parameters, p->name) : NULL;
		return other ? other : p;
	}
	size_t left = i - l->parameters.n;
	for (size_t k = 0; own && k < own->parameters.n; k++)
		if (!parameter_find(&l->parameters, own->parameters.items[k].name) && left-- == 0)
			return &own->parameters.items[k];
	return NULL;
}

/* One part of the identity; "" where no parameter has such a name. */
struct part {
	char text[256];
	const struct config_parameter *from;
};

static void part_take(struct part *part, const struct config_parameter *p, const char *host)
{
	char expanded[CONFIG_VALUE_SIZE];
	if (!pattern_expand(p->text, host, expanded, sizeof(expanded)))
		return;
	(void)str_copy(part->text, sizeof(part->text), expanded);
	for (char *c = part->text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	part->from = p;
}

static void device_from_all(const struct config_fence_level *l, const struct config_host_override *o, const char *host,
    struct config_device *ret)
{
	char expanded[CONFIG_VALUE_SIZE];
	size_t used = (size_t)snprintf(ret->place, sizeof(ret->place), "%.200s", l->agent);
	const struct config_parameter *p;
	for (size_t i = 0; (p = level_parameter(l, o, i)) != NULL && used < sizeof(ret->place); i++) {
		if (p->is_secret || !pattern_expand(p->text, host, expanded, sizeof(expanded)))
			continue;
		used += (size_t)snprintf(ret->place + used, sizeof(ret->place) - used, " %s=%.100s", p->name, expanded);
		ret->has_pattern |= strchr(p->text, '{') != NULL;
		ret->line = ret->line ? ret->line : p->line;
	}
}

void device_identify(const struct config_fence_level *l, const struct config_host_override *o, const char *host,
    struct config_device *ret)
{
	struct part address = {"", NULL}, port = {"", NULL}, plug = {"", NULL};
	const struct config_parameter *p;
	*ret = (struct config_device){.has_pattern = false};
	for (size_t i = 0; (p = level_parameter(l, o, i)) != NULL; i++) {
		if (p->is_secret)
			continue;
		if (is_among(ADDRESS_NAMES, p->name) && !address.from)
			part_take(&address, p, host);
		else if (is_among(PORT_NAMES, p->name) && !port.from)
			part_take(&port, p, host);
		else if (is_among(PLUG_NAMES, p->name) && !plug.from)
			part_take(&plug, p, host);
	}
	if (!address.from && !plug.from) {
		device_from_all(l, o, host, ret);
		return;
	}
	(void)snprintf(ret->place, sizeof(ret->place), "%s%s%s", address.text, plug.text[0] ? " plug " : "", plug.text);
	(void)str_copy(ret->port, sizeof(ret->port), port.text);
	ret->has_pattern = (address.from && strchr(address.from->text, '{')) ||
			   (plug.from && strchr(plug.from->text, '{')) || (port.from && strchr(port.from->text, '{'));
	ret->line = address.from ? address.from->line : plug.from ? plug.from->line : 0;
}

/* FNV-1a; 0 is kept free for "no device". */
static uint64_t text_hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t device_key(const struct config_device *d)
{
	uint64_t h = text_hash(text_hash(UINT64_C(14695981039346656037), d->place), d->port);
	return h ? h : 1;
}

uint64_t config_device_key(const struct config *cfg, const char *host, size_t level)
{
	struct config_host h;
	struct config_device d;
	if (config_host_resolve(cfg, host, &h) != CONFIG_HOST_FOUND || level >= h.level_n)
		return 0;
	device_identify(h.levels[level], host_override_find(cfg, host), host, &d);
	return device_key(&d);
}

bool agent_find(const struct config *cfg, const char *agent, char *ret, size_t size)
{
	for (size_t i = 0; agent[0] != '/' && i < cfg->fencing.agent_path.n; i++) {
		int n = snprintf(ret, size, "%s/%s", cfg->fencing.agent_path.items[i], agent);
		if (n > 0 && (size_t)n < size && access(ret, X_OK) == 0)
			return true;
	}
	return str_copy(ret, size, agent) && agent[0] == '/' && access(agent, X_OK) == 0;
}

static int secret_expand(
    const struct config_parameter *p, const char *host, struct config_value *ret, struct osha_err *reterr)
{
	char path[CONFIG_VALUE_SIZE], why[VALUE_HINT_SIZE] = "";
	bool is_open = false;
	ret->is_secret = true;
	if (p->secret.value[0] || !str_starts(p->secret.source, "file:")) {
		(void)str_copy(ret->value, sizeof(ret->value), p->secret.value);
		return 0;
	}
	if (!pattern_expand(p->secret.source + strlen("file:"), host, path, sizeof(path)))
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s: the host's name cannot stand in a path", p->name);
	if (!secret_file_read(path, ret->value, sizeof(ret->value), why, &is_open))
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s: %.150s: %s", p->name, path, why);
	return 0;
}

static int value_expand(
    const struct config_parameter *p, const char *host, struct config_value *ret, struct osha_err *reterr)
{
	(void)str_copy(ret->name, sizeof(ret->name), p->name);
	if (p->is_secret)
		return secret_expand(p, host, ret, reterr);
	if (!pattern_expand(p->text, host, ret->value, sizeof(ret->value)))
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "%s: \"%.80s\" is too long for this host, or the host's name cannot stand in it", p->name, p->text);
	return 0;
}

int config_fence_resolve(
    const struct config *cfg, const char *host, size_t level, struct config_fence *ret, struct osha_err *reterr)
{
	struct config_host h;
	struct config_device d;
	const struct config_parameter *p;
	memset(ret, 0, sizeof(*ret));
	if (config_host_resolve(cfg, host, &h) != CONFIG_HOST_FOUND || level >= h.level_n)
		return osha_err_set(reterr, OSHA_E_NOTFOUND, "%.100s has no fence level %zu", host, level);
	const struct config_fence_level *l = h.levels[level];
	const struct config_host_override *o = host_override_find(cfg, host);
	(void)str_copy(ret->name, sizeof(ret->name), l->name);
	(void)agent_find(cfg, l->agent, ret->agent, sizeof(ret->agent));
	device_identify(l, o, host, &d);
	ret->key = device_key(&d);
	(void)snprintf(ret->device, sizeof(ret->device), "%.200s%s%s", d.place, d.port[0] ? " port " : "", d.port);
	ret->timeout_ms = l->timeout_ms;
	ret->attempts = l->attempts;
	for (size_t i = 0; (p = level_parameter(l, o, i)) != NULL; i++) {
		int rc = ret->parameter_n < CONFIG_PARAMETER_MAX
			     ? value_expand(p, host, &ret->parameters[ret->parameter_n++], reterr)
			     : osha_err_set(reterr, OSHA_E_CONFIG, "more than %d parameters", CONFIG_PARAMETER_MAX);
		if (rc < 0) {
			config_fence_wipe(ret);
			return osha_err_wrap(reterr, "fence level %s of %.100s", l->name, host);
		}
	}
	return 0;
}

void config_fence_wipe(struct config_fence *f)
{
	explicit_bzero(f, sizeof(*f));
}
