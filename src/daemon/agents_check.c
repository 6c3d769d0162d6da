/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every configured key of a fence agent against that agent's own metadata, before the configuration is used: most agents ignore what they
 * do not know, and a misspelt address would be found out when a host is dead. Each distinct agent is asked once, one after the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "drivers/fencer/agent/fence_agent.h"
#include "io/file.h"
#include "io/log.h"

enum { AGENTS_MAX = 64, METADATA_TIMEOUT_MS = 20000 };

struct check {
	struct daemon *d;
	const struct config *cfg;
	struct config_problems *problems;
	agents_checked_fn fn;
	struct io_timer timer;
	const char *agent[AGENTS_MAX]; /* borrowed from the configuration */
	size_t agent_n, at;
};

static void next(void *arg);

static void check_parameters(struct check *c, const struct config_parameters *ps, const struct fence_keys *keys,
    const char *agent, const char *where, const char *level)
{
	char path[400];

	snprintf(path, sizeof(path), "%.200s fencing %.100s", where, level);
	for (size_t k = 0; k < ps->n; k++) {
		if (!fence_keys_has(keys, ps->items[k].name))
			problems_add(c->problems, false, PLACE(c->d->config_path, ps->items[k].line, 1, path),
			    "parameter %s is none of agent %s; `%s -o metadata` lists them", ps->items[k].name, agent,
			    agent);
	}
}

static void check_levels(
    struct check *c, const struct config_fence_levels *levels, const struct fence_keys *keys, const char *where)
{
	for (size_t k = 0; k < levels->n; k++) {
		if (str_eq(levels->items[k].agent, c->agent[c->at]))
			check_parameters(c, &levels->items[k].parameters, keys, levels->items[k].agent, where,
			    levels->items[k].name);
	}
}

/* What single hosts change of their segment's levels. */
static void check_overrides(struct check *c, const struct config_host_override *o, const struct fence_keys *keys)
{
	struct config_host h;

	if (config_host_resolve(c->cfg, o->name, &h) != CONFIG_HOST_FOUND)
		return;
	for (size_t k = 0; k < o->parameters.n; k++) {
		for (size_t l = 0; l < h.level_n; l++) {
			if (str_eq(h.levels[l]->name, o->parameters.items[k].level) &&
			    str_eq(h.levels[l]->agent, c->agent[c->at]))
				check_parameters(c, &o->parameters.items[k].parameters, keys, h.levels[l]->agent,
				    o->name, h.levels[l]->name);
		}
	}
}

static void answered(void *arg, const struct fence_keys *keys, const char *reason)
{
	struct check *c = arg;

	if (!keys)
		log_printf(
		    LOG_P_WARNING, "fence agent %s: %s; its parameters are not checked", c->agent[c->at], reason);
	for (size_t k = 0; keys && k < c->cfg->segments.n; k++)
		check_levels(c, &c->cfg->segments.items[k].fencing, keys, c->cfg->segments.items[k].name);
	for (size_t k = 0; keys && k < c->cfg->hosts.n; k++) {
		check_levels(c, &c->cfg->hosts.items[k].fencing, keys, c->cfg->hosts.items[k].name);
		check_overrides(c, &c->cfg->hosts.items[k], keys);
	}
	c->at++;
	next(c);
}

/* The path as config_fence_resolve() would find it: the configured directories first. */
static bool find(const struct config *cfg, const char *agent, char *ret, size_t size)
{
	for (size_t k = 0; agent[0] != '/' && k < cfg->fencing.agent_path.n; k++) {
		int n = snprintf(ret, size, "%s/%s", cfg->fencing.agent_path.items[k], agent);

		if (n > 0 && (size_t)n < size && io_file_exists(ret))
			return true;
	}
	return fence_agent_find(agent, ret, size);
}

static void next(void *arg)
{
	struct check *c = arg;
	struct osha_err err = {0};
	char path[512];

	for (; c->at < c->agent_n; c->at++) {
		if (!find(c->cfg, c->agent[c->at], path, sizeof(path))) {
			problems_add(c->problems, false, PLACE(c->d->config_path, 0, 0, "fencing"),
			    "agent %s is in none of the directories of fencing.agent-path, nor beside this program, "
			    "nor in PATH",
			    c->agent[c->at]);
			continue;
		}
		if (fence_keys_ask(&c->d->env, path, METADATA_TIMEOUT_MS, answered, c, &err) == 0)
			return;
		log_printf(LOG_P_WARNING, "fence agent %s: %s; its parameters are not checked", path, err.msg);
	}
	c->fn(c->d, c->problems);
	free(c);
}

static void add_agents(struct check *c, const struct config_fence_levels *levels)
{
	for (size_t k = 0; k < levels->n; k++) {
		size_t at = 0;

		while (at < c->agent_n && !str_eq(c->agent[at], levels->items[k].agent))
			at++;
		if (at == c->agent_n && at < AGENTS_MAX)
			c->agent[c->agent_n++] = levels->items[k].agent;
	}
}

int agents_check(struct daemon *d, const struct config *cfg, struct config_problems *problems, agents_checked_fn fn,
    struct osha_err *reterr)
{
	struct check *c = calloc(1, sizeof(*c));

	if (!c)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory to check fence agents");
	c->d = d;
	c->cfg = cfg;
	c->problems = problems;
	c->fn = fn;
	for (size_t k = 0; k < cfg->segments.n; k++)
		add_agents(c, &cfg->segments.items[k].fencing);
	for (size_t k = 0; k < cfg->hosts.n; k++)
		add_agents(c, &cfg->hosts.items[k].fencing);
	io_timer_start(d->loop, &c->timer, 0, 0, next, c);
	return 0;
}
