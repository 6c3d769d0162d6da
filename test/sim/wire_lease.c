/* SPDX-License-Identifier: Apache-2.0 */
/* journal/lease.h in the simulator: the service, and the daemon's side of it. */
#include <stdio.h>
#include <stdlib.h>

#include "test/sim/lease_service.h"
#include "test/sim/store.h"

enum { ASKS_PER_TTL = 4, MARGIN_SHARE = 5, LOW_MS = 1, HIGH_MS = 40 };

/* The daemon's side. */
struct client {
	struct lease lease;
	struct sim_node *node;
	struct lease_spec spec;
	uint64_t number;  /* of this daemon's life */
	uint64_t term;    /* raised whenever it gives up what it had: answers to the one before are of no use */
	uint64_t epoch;   /* 0 = it has nothing */
	int64_t pause_ms; /* it does not ask before this */
	struct io_timer timer;
};

enum kind { ASK, GIVE_BACK };

struct message {
	enum kind kind;
	int node;
	uint64_t client, term, epoch;
	int64_t sent_ms, ttl_ms;
	bool is_granted;
};

struct lease_service lease_service;

static struct client *clients[SIM_NODES_MAX];
static uint64_t client_n;
static struct {
	uint64_t client, term;
} ended[SIM_NODES_MAX]; /* the newest term of each node that is over: it is not prolonged */

static void client_ask(void *arg);

static int number_of(const struct sim_node *node)
{
	return (int)(node - sim.node);
}

/* --- the service --- */

static void client_is_called(void *arg)
{
	struct message *m = arg;
	struct client *c = clients[m->node];
	struct sim_node *n = &sim.node[m->node];

	free(m);
	if (!sim.is_over && c && !c->epoch && sim_enter(n) && clients[number_of(n)] == c)
		client_ask(c);
}

static void others_are_called(int but)
{
	for (int k = 0; k < SIM_NODES_MAX; k++) {
		int64_t ms = k == but ? -1 : path_delay_ms(&lease_service.path[k], true);
		struct message *m = ms < 0 ? NULL : calloc(1, sizeof(*m));

		if (!m)
			continue;
		m->node = k;
		sim_after(ms, client_is_called, m);
	}
}

static void lease_ends(void)
{
	int was = lease_service.holder;

	ended[was].client = lease_service.client;
	ended[was].term = lease_service.term;
	lease_service.holder = -1;
	others_are_called(was);
}

static void service_looks(void *arg)
{
	(void)arg;
	if (sim.is_over || lease_service.holder < 0 || sim.now_ms < lease_service.ends_ms)
		return;
	sim_say("", "--- the lease of node %d ends", lease_service.holder + 1);
	lease_ends();
}

static bool is_holder(const struct message *m)
{
	return lease_service.holder == m->node && lease_service.client == m->client && lease_service.term == m->term;
}

static void grant(struct message *m)
{
	service_looks(NULL);
	if (lease_service.holder < 0 && (ended[m->node].client != m->client || ended[m->node].term != m->term)) {
		lease_service.holder = m->node;
		lease_service.client = m->client;
		lease_service.term = m->term;
		lease_service.epoch++;
		lease_service.grants++;
		sim_say(
		    "", "--- the lease is node %d's, epoch %llu", m->node + 1, (unsigned long long)lease_service.epoch);
	}
	m->is_granted = is_holder(m);
	m->epoch = lease_service.epoch;
	if (!m->is_granted)
		return;
	lease_service.ends_ms = sim.now_ms + m->ttl_ms;
	sim_after(m->ttl_ms, service_looks, NULL);
}

static void client_hears(void *arg);

static void service_hears(void *arg)
{
	struct message *m = arg;
	int64_t back_ms;

	if (sim.is_over) {
		free(m);
		return;
	}
	if (m->kind == GIVE_BACK) {
		if (is_holder(m)) {
			sim_say("", "--- node %d gives the lease back", m->node + 1);
			lease_ends();
		}
		free(m);
		return;
	}
	grant(m);
	back_ms = path_delay_ms(&lease_service.path[m->node], true);
	if (back_ms < 0)
		free(m);
	else
		sim_after(back_ms, client_hears, m);
}

void lease_service_begin(void)
{
	lease_service = (struct lease_service){.is_on = true, .holder = -1};
	for (int k = 0; k < SIM_NODES_MAX; k++) {
		lease_service.path[k] = (struct realm_path){.low_ms = LOW_MS, .high_ms = HIGH_MS};
		clients[k] = NULL;
		ended[k].client = ended[k].term = 0;
		sim.node[k].store = k ? sim.node[0].store : store_new();
	}
	client_n = 0;
}

void lease_service_end(void)
{
	lease_service = (struct lease_service){.holder = -1};
}

bool lease_service_holds(const struct sim_node *node)
{
	const struct client *c = clients[number_of(node)];

	return !lease_service.is_on || (lease_service.holder == number_of(node) && c &&
					   c->number == lease_service.client && sim.now_ms < lease_service.ends_ms);
}

struct sim_node *lease_service_leader(void)
{
	if (lease_service.is_on && lease_service.holder >= 0)
		return &sim.node[lease_service.holder];
	return lease_service.is_on && !sim.node[0].daemon && sim.node[1].daemon ? &sim.node[1] : &sim.node[0];
}

/* --- the daemon's side --- */

static void client_sends(struct client *c, enum kind kind)
{
	int64_t there_ms = path_delay_ms(&lease_service.path[number_of(c->node)], false);
	struct message *m = there_ms < 0 || c->node->is_dying ? NULL : calloc(1, sizeof(*m));

	if (!m)
		return;
	*m = (struct message){.kind = kind,
	    .node = number_of(c->node),
	    .client = c->number,
	    .term = c->term,
	    .sent_ms = sim.now_ms,
	    .ttl_ms = c->spec.ttl_ms};
	sim_after(there_ms, service_hears, m);
}

static void client_ask(void *arg)
{
	struct client *c = arg;

	if (sim.now_ms >= c->pause_ms)
		client_sends(c, ASK);
}

static void client_forgets(struct client *c)
{
	c->epoch = 0;
	c->term++;
	c->lease.until_ms = 0;
}

static void client_is_answered(struct client *c, const struct message *m)
{
	if (!m->is_granted) {
		if (!c->epoch)
			return;
		client_forgets(c);
		c->spec.sink.lost(c->spec.sink.arg, "the lease service let it end");
		return;
	}
	if (m->sent_ms + m->ttl_ms > c->lease.until_ms)
		c->lease.until_ms = m->sent_ms + m->ttl_ms;
	if (c->epoch || !lease_left_ms(&c->lease, io_boot_ms()))
		return;
	c->epoch = m->epoch;
	c->node->anew_ms = sim.now_ms;
	c->spec.sink.gained(c->spec.sink.arg, c->epoch);
}

static void client_hears(void *arg)
{
	struct message *m = arg;
	struct sim_node *n = &sim.node[m->node];
	struct client *c;

	if (!sim.is_over && n->loop && !n->is_dying && n->frozen_until_ms > sim.now_ms) {
		sim_after(n->frozen_until_ms - sim.now_ms, client_hears, m);
		return;
	}
	if (!sim.is_over && sim_enter(n)) {
		c = clients[m->node]; /* as it is after it was told of a stall */
		if (c && c->number == m->client && c->term == m->term)
			client_is_answered(c, m);
	}
	free(m);
}

static int client_open(const struct lease_spec *spec, struct lease **ret_lease, struct osha_err *reterr)
{
	struct client *c = calloc(1, sizeof(*c));
	int64_t every_ms = spec->ttl_ms / ASKS_PER_TTL;

	if (!c)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a lease");
	c->lease.driver = lease_service_driver();
	c->lease.margin_ms = spec->ttl_ms / MARGIN_SHARE;
	c->node = sim_node_of(spec->loop);
	c->spec = *spec;
	c->number = ++client_n;
	c->term = 1;
	clients[number_of(c->node)] = c;
	*ret_lease = &c->lease;
	io_timer_start(spec->loop, &c->timer, 0, every_ms, client_ask, c);
	return 0;
}

static void client_yields(struct lease *l)
{
	struct client *c = (struct client *)l;

	client_sends(c, GIVE_BACK);
	client_forgets(c);
	c->pause_ms = sim.now_ms + c->spec.ttl_ms;
}

static void client_closes(struct lease *l)
{
	struct client *c = (struct client *)l;

	if (c->epoch)
		client_sends(c, GIVE_BACK);
	io_timer_stop(&c->timer);
	clients[number_of(c->node)] = NULL;
	free(c);
}

const struct lease_driver *lease_service_driver(void)
{
	static const struct lease_driver driver = {
	    .name = "simulated", .open = client_open, .yield = client_yields, .close = client_closes};

	return lease_service.is_on ? &driver : NULL;
}
