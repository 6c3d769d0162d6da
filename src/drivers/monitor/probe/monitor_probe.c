/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Knocks at each host's own address. Any answer is a sign of life, a refused connection too; only several silent probes in a row are
 * death; a probe that could not be sent is neither.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "drivers/driver.h"
#include "io/loop.h"
#include "io/probe.h"

enum { PHASES = 16 }; /* first probes are spread over the interval in so many steps */

struct probe_look {
	struct probe_look *next;
	int64_t since_ms;
	monitor_looked_fn fn;
	void *arg;
};

struct probed {
	struct monitor *m;
	char name[HOST_NAME_SIZE], address[HOST_NAME_SIZE];
	struct io_timer timer;
	struct io_probe *probe;
	int64_t asked_ms;
	int64_t silent_n; /* silent probes in a row */
	struct probe_look *looks;
};

struct monitor {
	const struct driver_env *env;
	struct monitor_sink sink;
	struct probed **hosts; /* sorted by name */
	uint32_t host_n, host_cap;
};

static void probe_ask(struct probed *p);

static struct probed *probed_find(const struct monitor *m, const char *name, uint32_t *ret_at)
{
	uint32_t low = 0, high = m->host_n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		int c = strcmp(m->hosts[mid]->name, name);

		if (c == 0)
			return m->hosts[mid];
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_at = low;
	return NULL;
}

static void evidence(struct probed *p, enum sign sign)
{
	struct monitor *m = p->m;
	struct driver_evidence ev = {p->name, sign, p->asked_ms, p->asked_ms + m->env->cfg->monitors.probe.fresh_ms};

	m->sink.evidence(m->sink.arg, &ev, 1);
}

/* End the looks that this answer satisfies. True: one still waits, so ask again at once. */
static bool looks_serve(struct probed *p, bool is_certain)
{
	struct probe_look **at = &p->looks;

	while (*at) {
		struct probe_look *l = *at;

		if (!is_certain || p->asked_ms < l->since_ms) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		l->fn(l->arg);
		free(l);
	}
	return p->looks != NULL;
}

static void probe_answered(void *arg, const struct io_probe_answer *a)
{
	struct probed *p = arg;
	bool is_certain = true;

	p->probe = NULL;
	if (a->outcome == IO_PROBE_SILENT)
		p->silent_n++;
	else
		p->silent_n = 0;
	if (a->outcome == IO_PROBE_ALIVE)
		evidence(p, SIGN_ALIVE);
	else if (a->outcome == IO_PROBE_UNKNOWN)
		evidence(p, SIGN_UNKNOWN);
	else if (p->silent_n >= p->m->env->cfg->monitors.probe.misses)
		evidence(p, SIGN_DEAD);
	else
		is_certain = false;
	/* asked before a look began: ask again now. Silent, but not often enough: the next rounds tell. */
	if (looks_serve(p, is_certain) && is_certain)
		probe_ask(p);
}

static void probe_ask(struct probed *p)
{
	const struct config_monitor_probe *c = &p->m->env->cfg->monitors.probe;
	struct io_probe_spec spec = {.addr = p->address,
	    .port = (uint16_t)c->port,
	    .kind = c->kind == CONFIG_PROBE_ICMP ? IO_PROBE_ICMP : IO_PROBE_TCP,
	    .timeout_ms = c->timeout_ms};

	if (p->probe || !p->address[0])
		return;
	p->asked_ms = io_now_ms(p->m->env->loop);
	if (io_probe_start(p->m->env->prober, &spec, probe_answered, p, &p->probe, NULL) < 0)
		p->probe = NULL; /* evidence ages into unknown; the next round tries again */
}

static void probe_tick(void *arg)
{
	probe_ask(arg);
}

static void probed_stop(struct probed *p)
{
	io_timer_stop(&p->timer);
	io_probe_cancel(p->probe);
	p->probe = NULL;
	p->silent_n = 0;
}

static void probed_start(struct probed *p, uint32_t phase)
{
	int64_t every_ms = p->m->env->cfg->monitors.probe.interval_ms;

	if (p->address[0])
		io_timer_start(
		    p->m->env->loop, &p->timer, every_ms * (phase % PHASES) / PHASES, every_ms, probe_tick, p);
}

static struct probed *probed_add(struct monitor *m, const char *host, uint32_t at)
{
	struct probed *p;

	if (m->host_n == m->host_cap) {
		uint32_t cap = m->host_cap ? m->host_cap * 2 : 64;
		struct probed **more = realloc(m->hosts, cap * sizeof(struct probed *));

		if (!more)
			return NULL;
		m->hosts = more;
		m->host_cap = cap;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->m = m;
	str_copy(p->name, sizeof(p->name), host);
	memmove(&m->hosts[at + 1], &m->hosts[at], (m->host_n - at) * sizeof(struct probed *));
	m->hosts[at] = p;
	m->host_n++;
	return p;
}

static int probe_host_set(struct monitor *m, const char *host, const char *address, struct osha_err *reterr)
{
	uint32_t at = 0;
	struct probed *p = probed_find(m, host, &at);

	if (p && str_eq(p->address, address))
		return 0;
	if (!p && !address[0])
		return 0;
	if (!p)
		p = probed_add(m, host, at);
	if (!p)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory to probe %s", host);
	probed_stop(p);
	str_copy(p->address, sizeof(p->address), address);
	p->asked_ms = INT64_MAX;
	looks_serve(p, !address[0]); /* nobody will answer them any more */
	probed_start(p, m->host_n);
	return 0;
}

static int probe_create(
    const struct driver_env *env, const struct monitor_sink *sink, struct monitor **ret, struct osha_err *reterr)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (!m)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the probe monitor");
	m->env = env;
	m->sink = *sink;
	*ret = m;
	return 0;
}

static void probe_destroy(struct monitor *m)
{
	if (!m)
		return;
	for (uint32_t k = 0; k < m->host_n; k++) {
		struct probe_look *l = m->hosts[k]->looks;

		probed_stop(m->hosts[k]);
		while (l) {
			struct probe_look *next = l->next;

			free(l);
			l = next;
		}
		free(m->hosts[k]);
	}
	free(m->hosts);
	free(m);
}

static int probe_look(struct monitor *m, const char *host, monitor_looked_fn fn, void *arg, struct osha_err *reterr)
{
	uint32_t at = 0;
	struct probed *p = probed_find(m, host, &at);
	struct probe_look *l;

	if (!p || !p->address[0])
		return MONITOR_LOOK_NONE;
	l = calloc(1, sizeof(*l));
	if (!l)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a look");
	*l = (struct probe_look){.next = p->looks, .since_ms = io_now_ms(m->env->loop), .fn = fn, .arg = arg};
	p->looks = l;
	probe_ask(p);
	return MONITOR_LOOK_STARTED;
}

static void probe_reload(struct monitor *m)
{
	for (uint32_t k = 0; k < m->host_n; k++) {
		probed_stop(m->hosts[k]);
		probed_start(m->hosts[k], k);
	}
}

const struct monitor_driver monitor_probe = {
    .name = "probe",
    .create = probe_create,
    .destroy = probe_destroy,
    .host_set = probe_host_set,
    .look = probe_look,
    .reload = probe_reload,
};
