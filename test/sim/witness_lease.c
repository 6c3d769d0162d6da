/* SPDX-License-Identifier: Apache-2.0 */
/* The witnesses of who may act: nothing outward is begun without the lease, and each epoch has one writer. */
#include "test/sim/lease_service.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

static int number_of(const struct sim_node *node)
{
	return (int)(node - sim.node) + 1;
}

void witness_begins(const struct sim_node *node, const char *what)
{
	if (!lease_service_holds(node))
		sim_violated("invariant 2: %s is begun by node %d, whose lease is over", what, number_of(node));
}

void witness_cuts(const struct sim_node *node, int64_t deadline_ms)
{
	witness_begins(node, "a power-off");
	if (lease_service.is_on && deadline_ms > lease_service.ends_ms)
		sim_violated("invariant 2: a power-off of node %d may go on for %lld ms after its lease",
		    number_of(node), (long long)(deadline_ms - lease_service.ends_ms));
}

void witness_write(const struct sim_node *node, uint64_t epoch)
{
	if (!lease_service.is_on)
		return;
	if (epoch != node->store->epoch)
		sim_violated("invariant 2: a write of epoch %llu is taken in epoch %llu", (unsigned long long)epoch,
		    (unsigned long long)node->store->epoch);
	if (epoch == witness.writer_epoch && (witness.writer != number_of(node) || witness.writer_life != node->starts))
		sim_violated("invariant 3: two daemons write in epoch %llu", (unsigned long long)epoch);
	witness.writer_epoch = epoch;
	witness.writer = number_of(node);
	witness.writer_life = node->starts;
}
