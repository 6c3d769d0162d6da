/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sees hosts as Nova does: one listing of all services each interval, never two at a time. The listing shows conductors and schedulers
 * too: when none of one kind is up, the message bus or the control plane is away, and what the listing says of hosts is worth nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "drivers/driver.h"
#include "io/loop.h"

enum {
	LISTINGS_LOST_MAX = 2
}; /* lost one after the other, before the monitor counts as broken; until then evidence ages */

struct nova_look {
	struct nova_look *next;
	monitor_looked_fn fn;
	void *arg;
};

struct monitor {
	const struct driver_env *env;
	struct monitor_sink sink;
	struct io_timer timer;
	struct cloud_session *session; /* that the listing under way was asked of */
	struct cloud_op *op;
	int64_t asked_ms;
	unsigned lost; /* listings lost one after the other */
	bool was_bad;
	struct nova_look *waiting; /* for a listing not yet asked for */
	struct nova_look *riding;  /* for the one under way */
};

static void nova_ask(struct monitor *m);

static void looks_end(struct nova_look **list)
{
	struct nova_look *all = *list;

	*list = NULL;
	while (all) {
		struct nova_look *l = all;

		all = l->next;
		l->fn(l->arg);
		free(l);
	}
}

static void health(struct monitor *m, bool is_ok, const char *reason)
{
	if (is_ok != m->was_bad)
		return;
	m->was_bad = !is_ok;
	m->sink.health(m->sink.arg, is_ok, reason);
}

static int by_host(const void *a, const void *b)
{
	const struct driver_evidence *x = a, *y = b;

	return strcmp(x->host, y->host);
}

/* A host that is listed twice is alive when any record says so, and dead only when all do. */
static enum sign sign_of_both(enum sign a, enum sign b)
{
	if (a == SIGN_ALIVE || b == SIGN_ALIVE)
		return SIGN_ALIVE;
	return a == SIGN_DEAD && b == SIGN_DEAD ? SIGN_DEAD : SIGN_UNKNOWN;
}

static void tell_evidence(struct monitor *m, const struct cloud_result *r)
{
	int64_t expires_ms = m->asked_ms + m->env->cfg->monitors.nova.fresh_ms;
	struct driver_evidence *all = calloc(r->n_services + 1, sizeof(*all));
	uint32_t n = 0, kept = 0;

	for (size_t k = 0; all && k < r->n_services; k++) {
		const struct cloud_service *s = &r->services[k];

		if (str_eq(s->binary, "nova-compute") && s->host[0])
			all[n++] = (struct driver_evidence){s->host, s->view.state, m->asked_ms, expires_ms};
	}
	if (n > 1)
		qsort(all, n, sizeof(*all), by_host);
	for (uint32_t k = 0; k < n; k++) {
		if (kept && str_eq(all[kept - 1].host, all[k].host))
			all[kept - 1].sign = sign_of_both(all[kept - 1].sign, all[k].sign);
		else
			all[kept++] = all[k];
	}
	if (kept)
		m->sink.evidence(m->sink.arg, all, kept);
	free(all);
}

static void listing_done(void *arg, const struct cloud_result *r)
{
	struct monitor *m = arg;

	m->op = NULL;
	if (r->outcome != OUTCOME_DONE) {
		if (++m->lost >= LISTINGS_LOST_MAX || r->fault == FAULT_AUTH)
			health(m, false, r->reason);
	} else {
		m->lost = 0;
		if (r->conductor != SIGN_ALIVE)
			health(m, false, "no nova-conductor is up: the message bus or the control plane is away");
		else if (r->scheduler != SIGN_ALIVE)
			health(m, false, "no nova-scheduler is up: the message bus or the control plane is away");
		else
			health(m, true, "");
		m->sink.services(m->sink.arg, m->asked_ms, r->services, r->n_services);
		tell_evidence(m, r);
	}
	looks_end(&m->riding);
	if (m->waiting && !m->op)
		nova_ask(m);
}

static void nova_ask(struct monitor *m)
{
	struct cloud_args args = {.kind = CLOUD_HEALTH};
	struct cloud_waiter waiter = {
	    .timeout_ms = m->env->cfg->monitors.nova.timeout_ms, .done = listing_done, .arg = m};
	struct osha_err err = {0};

	if (m->op)
		return;
	m->asked_ms = io_now_ms(m->env->loop);
	m->session = m->env->cloud;
	if (cloud_session_start(m->session, &args, &waiter, &m->op, &err) < 0) {
		m->op = NULL;
		if (++m->lost >= LISTINGS_LOST_MAX)
			health(m, false, err.msg);
		return;
	}
	m->riding = m->waiting;
	m->waiting = NULL;
}

static void tick(void *arg)
{
	nova_ask(arg);
}

static int nova_create(
    const struct driver_env *env, const struct monitor_sink *sink, struct monitor **ret, struct osha_err *reterr)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the nova monitor");
	m->env = env;
	m->sink = *sink;
	io_timer_start(env->loop, &m->timer, 0, env->cfg->monitors.nova.interval_ms, tick, m);
	*ret = m;
	return 0;
}

static void looks_free(struct nova_look *l)
{
	while (l) {
		struct nova_look *next = l->next;

		free(l);
		l = next;
	}
}

static void nova_destroy(struct monitor *m)
{
	if (!m)
		return;
	io_timer_stop(&m->timer);
	if (m->op)
		cloud_session_cancel(m->session, m->op);
	looks_free(m->waiting);
	looks_free(m->riding);
	free(m);
}

static int nova_look(struct monitor *m, const char *host, monitor_looked_fn fn, void *arg, struct osha_err *reterr)
{
	struct nova_look *l = calloc(1, sizeof(*l));

	(void)host; /* one listing shows all of them, and with it whether the control plane works */
	if (!l)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a look");
	l->fn = fn;
	l->arg = arg;
	l->next = m->waiting;
	m->waiting = l;
	nova_ask(m); /* one under way was asked too early to count: the next follows at its end */
	return MONITOR_LOOK_STARTED;
}

static void nova_reload(struct monitor *m)
{
	if (m->op && m->session != m->env->cloud) {
		cloud_session_cancel(m->session, m->op);
		m->op = NULL;
		looks_end(&m->riding);
	}
	io_timer_start(m->env->loop, &m->timer, 0, m->env->cfg->monitors.nova.interval_ms, tick, m);
}

const struct monitor_driver monitor_nova = {
    .name = "nova",
    .create = nova_create,
    .destroy = nova_destroy,
    .look = nova_look,
    .reload = nova_reload,
};
