/* SPDX-License-Identifier: Apache-2.0 */
/* io/probe.h in the simulator: a knock at a machine, over its own path. A machine answers while its kernel runs. */
#include <stdlib.h>

#include "io/probe.h"
#include "test/sim/clockwork.h"
#include "test/sim/realm.h"

struct io_prober {
	struct sim_node *node;
};

struct io_probe {
	struct sim_node *node;
	bool is_void;
	enum io_probe_outcome outcome;
	int64_t began_ms;
	io_probe_fn fn;
	void *arg;
};

int io_prober_create(struct io_loop *loop, bool needs_icmp, struct io_prober **ret_prober, struct osha_err *reterr)
{
	(void)needs_icmp;
	*ret_prober = calloc(1, sizeof(**ret_prober));
	if (!*ret_prober)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	(*ret_prober)->node = sim_node_of(loop);
	return 0;
}

void io_prober_destroy(struct io_prober *prober)
{
	free(prober);
}

static void probe_tell(void *arg)
{
	struct io_probe *p = arg;
	struct io_probe_answer a = {.outcome = p->outcome, .rtt_us = (sim.now_ms - p->began_ms) * 1000};

	if (!p->is_void && p->node->frozen_until_ms > sim.now_ms) {
		sim_after(p->node->frozen_until_ms - sim.now_ms, probe_tell, p);
		return;
	}
	a.detail = p->outcome == IO_PROBE_ALIVE ? "connected" : "no answer";
	if (!p->is_void && sim_enter(p->node) && !p->is_void) {
		p->is_void = true;
		p->fn(p->arg, &a);
	}
	if (p->is_void)
		free(p);
	else
		sim_after(1, probe_tell, p); /* its daemon is dying: it will be cancelled by then */
}

int io_probe_start(struct io_prober *prober, const struct io_probe_spec *spec, io_probe_fn fn, void *arg,
    struct io_probe **ret_probe, struct osha_err *reterr)
{
	struct io_probe *p = calloc(1, sizeof(*p));
	uint32_t host = realm_host_at(spec->addr);
	int64_t there_ms = -1, back_ms = -1;

	if (!p)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	*p = (struct io_probe){
	    .node = prober->node, .began_ms = sim.now_ms, .fn = fn, .arg = arg, .outcome = IO_PROBE_SILENT};
	if (host != UINT32_MAX && realm_is_alive(host)) {
		there_ms = path_delay_ms(&realm.host[host].probe, false);
		back_ms = path_delay_ms(&realm.host[host].probe, true);
	}
	if (there_ms >= 0 && back_ms >= 0 && there_ms + back_ms < spec->timeout_ms)
		p->outcome = IO_PROBE_ALIVE;
	sim_after(p->outcome == IO_PROBE_ALIVE ? there_ms + back_ms : spec->timeout_ms, probe_tell, p);
	if (ret_probe)
		*ret_probe = p;
	return 0;
}

void io_probe_cancel(struct io_probe *probe)
{
	if (probe)
		probe->is_void = true;
}
