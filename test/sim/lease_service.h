/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lease service on simulated time, which the daemons of two controllers contend at: it has a clock, messages to and from it take a while
 * or are lost, and it knows the truth about who leads.
 */
#pragma once

#include "journal/lease.h"
#include "test/sim/clockwork.h"
#include "test/sim/realm.h"

struct lease_service {
	bool is_on;            /* there are two controllers; else nothing of this file has a part */
	int holder;            /* number of a node, -1 = nobody */
	uint64_t client, term; /* which of its daemons, and which of that one's terms */
	uint64_t epoch;
	int64_t ends_ms;
	struct realm_path path[SIM_NODES_MAX]; /* from each node to the service and back */
	uint64_t grants;
};

extern struct lease_service lease_service;

/** lease_service_begin() - nobody has the lease; both nodes get one store. lease_service_end() - it is off again. */
void lease_service_begin(void);
void lease_service_end(void);
/** lease_service_holds() - has the daemon on this node the lease at this moment? Always where there is no service. */
bool lease_service_holds(const struct sim_node *node);
/** lease_service_leader() - the node that has it; without one, or without a service, the first on which a daemon runs. */
struct sim_node *lease_service_leader(void);
/** lease_service_driver() - for a daemon that starts; NULL where there is no service. */
const struct lease_driver *lease_service_driver(void);
