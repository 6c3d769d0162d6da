/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls two controllers and the lease that they contend for; the table is story.c's. */
#include "test/sim/story_two.h"

#include "test/sim/controller.h"
#include "test/sim/lease_service.h"

void two_leader_killed(uint32_t host)
{
	(void)host;
	sim_kill(lease_service_leader());
}

/* For longer than its lease. */
void two_leader_frozen(uint32_t host)
{
	sim_freeze(lease_service_leader(), 10000 + 1000 * (int64_t)(host % 20));
}

static struct realm_path *lease_path(uint32_t host)
{
	return &lease_service.path[host % SIM_NODES_MAX];
}

void two_lease_well(uint32_t host)
{
	struct realm_path *p = lease_path(host);

	p->is_cut = p->is_cut_back = false;
	p->loss_per_mille = 0;
}

void two_lease_cut(uint32_t host)
{
	lease_path(host)->is_cut = true;
}

void two_lease_one_way(uint32_t host)
{
	lease_path(host)->is_cut_back = true;
}

void two_lease_lossy(uint32_t host)
{
	lease_path(host)->loss_per_mille = 500;
}

void two_lease_away(uint32_t host)
{
	two_lease_cut(host);
	two_lease_cut(host + 1);
}

void two_lease_back(uint32_t host)
{
	two_lease_well(host);
	two_lease_well(host + 1);
}

void two_resigns(uint32_t host)
{
	(void)host;
	controller_resign(lease_service_leader());
}
