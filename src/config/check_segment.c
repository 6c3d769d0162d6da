/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of segments and hosts: who belongs where, whether a policy can ever be met, whether an agent is there. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/check.h"
#include "config/resolve.h"

enum { PATH_SIZE = 360 };

#define PATH(buffer, ...) path_print(buffer, sizeof(buffer), __VA_ARGS__)

/* A path that does not fit is cut: the place in the file is then the deepest part that did fit. */
static const char *__attribute__((format(printf, 3, 4))) path_print(char *ret, size_t size, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(ret, size, fmt, ap);
	va_end(ap);
	return ret;
}

/* Each level's name is its own, and its agent can be started. */
static void check_levels(
    struct config_reader *r, const struct config *cfg, const struct config_fence_levels *ls, const char *path)
{
	char at[PATH_SIZE], found[512];
	for (size_t i = 0; i < ls->n; i++) {
		const struct config_fence_level *l = &ls->items[i];
		for (size_t k = 0; k < i; k++)
			if (l->name[0] && str_eq(l->name, ls->items[k].name))
				reader_error_at(r, PATH(at, "%s.fencing[%zu].name", path, i),
				    "expected a name of its own, found \"%s\" again; rename one of the two levels",
				    l->name);
		if (l->agent[0] && !agent_find(cfg, l->agent, found, sizeof(found)))
			reader_warning_at(r, PATH(at, "%s.fencing[%zu].agent", path, i),
			    "no executable %.100s is found; install the agent or correct fencing.agent-path", l->agent);
	}
}

static void check_policy(
    struct config_reader *r, const struct config *cfg, const struct config_segment *s, const char *path)
{
	const unsigned both = 1u << CONFIG_MONITOR_NOVA | 1u << CONFIG_MONITOR_PROBE;
	char at[PATH_SIZE];
	if (s->down_when == both && str_eq(cfg->monitors.nova.path, cfg->monitors.probe.path))
		reader_error_at(r, PATH(at, "%s.down-when", path),
		    "expected monitors on different paths, found both on %.60s: one witness, not two; correct "
		    "monitors.*.path",
		    cfg->monitors.nova.path);
	if (s->down_when != both && s->single_source == CONFIG_SINGLE_REFUSED)
		reader_error_at(r, PATH(at, "%s.down-when", path),
		    "expected two monitors, found one; write \"nova and probe\", or single-source: accepted beside it");
}

/* The same text in two segments: the second one can never count. */
static void check_twins(struct config_reader *r, const struct config *cfg, size_t at, size_t item)
{
	const char *text = cfg->segments.items[at].hosts.items[item];
	char path[PATH_SIZE];
	for (size_t i = 0; i <= at; i++) {
		const struct config_segment *s = &cfg->segments.items[i];
		for (size_t k = 0; k < s->hosts.n && !(i == at && k >= item); k++)
			if (text[0] && text[0] != '!' && str_eq(s->hosts.items[k], text))
				reader_error_at(r, PATH(path, "segments[%zu].hosts[%zu]", at, item),
				    "expected each host in one segment, found \"%.80s\" in segment %.60s already; "
				    "remove one of them",
				    text, s->name);
	}
}

static void check_segment(struct config_reader *r, const struct config *cfg, size_t i)
{
	const struct config_segment *s = &cfg->segments.items[i];
	char path[PATH_SIZE], at[PATH_SIZE];
	(void)PATH(path, "segments[%zu]", i);
	for (size_t k = 0; k < i; k++)
		if (s->name[0] && str_eq(s->name, cfg->segments.items[k].name))
			reader_error_at(r, PATH(at, "%s.name", path),
			    "expected a name of its own, found \"%s\" again; rename one of the two segments", s->name);
	size_t match_n = 0;
	for (size_t k = 0; k < s->hosts.n; k++)
		match_n += s->hosts.items[k][0] != '!';
	if (s->hosts.n && !match_n)
		reader_error_at(r, PATH(at, "%s.hosts", path),
		    "expected a host or a pattern beside those after !, found none; put \"*\" first to mean all "
		    "others");
	check_policy(r, cfg, s, path);
	check_levels(r, cfg, &s->fencing, path);
	if (s->fencing.n == 0)
		reader_warning_at(r, path,
		    "segment %.60s has no fence level, so its hosts are only recovered after an operator confirmed "
		    "their death; "
		    "set fencing",
		    s->name[0] ? s->name : "default");
}

/* Lists may be long, so twins are looked for only where lists are short enough to compare all with all. */
static void check_membership(struct config_reader *r, const struct config *cfg)
{
	enum { COMPARED_MAX = 2000 };
	size_t total = 0;
	for (size_t i = 0; i < cfg->segments.n; i++)
		total += cfg->segments.items[i].hosts.n;
	for (size_t i = 0; total <= COMPARED_MAX && i < cfg->segments.n; i++)
		for (size_t k = 0; k < cfg->segments.items[i].hosts.n; k++)
			check_twins(r, cfg, i, k);
}

static bool has_level(const struct config_segment *s, const char *name)
{
	for (size_t i = 0; i < s->fencing.n; i++)
		if (str_eq(s->fencing.items[i].name, name))
			return true;
	return false;
}

static void check_host(struct config_reader *r, const struct config *cfg, const struct config_host_override *o)
{
	char path[PATH_SIZE], at[PATH_SIZE];
	struct config_host h;
	(void)PATH(path, "hosts.%s", o->name);
	check_levels(r, cfg, &o->fencing, path);
	if (o->is_unprobed && o->address[0])
		reader_error_at(r, PATH(at, "%s.unprobed", path),
		    "expected either an address or unprobed: true, found both; remove one of them");
	if (config_host_resolve(cfg, o->name, &h) == CONFIG_HOST_OUTSIDE) {
		reader_warning_at(
		    r, path, "this host is in no segment, so it is never fenced; add it to a segment's hosts");
		return;
	}
	if (o->fencing.n && o->parameters.n)
		reader_error_at(r, PATH(at, "%s.parameters", path),
		    "expected either fencing or parameters, found both; write the parameters into the host's own "
		    "levels");
	for (size_t i = 0; !o->fencing.n && i < o->parameters.n; i++)
		if (!has_level(h.segment, o->parameters.items[i].level))
			reader_error_at(r, PATH(at, "%s.parameters.%s", path, o->parameters.items[i].level),
			    "expected the name of a fence level of segment %.60s, found \"%.60s\"; correct the name",
			    h.segment->name, o->parameters.items[i].level);
}

void check_segments(struct config_reader *r, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->segments.n; i++)
		check_segment(r, cfg, i);
	check_membership(r, cfg);
	for (size_t i = 0; i < cfg->hosts.n; i++)
		if (cfg->hosts.items[i].name[0])
			check_host(r, cfg, &cfg->hosts.items[i]);
}
