/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/sim/controller.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

static void die(void *arg)
{
	(void)arg;
	realm_power(0, false);
}

int main(int argc, char **argv)
{
	struct timespec t0, t1;
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	bool traced = n == 1;
	double wall;
	for (uint64_t seed = 1; seed <= n; seed++) {
		sim.is_traced = traced;
		if (seed == 1)
			clock_gettime(CLOCK_MONOTONIC, &t0);
		sim_begin(seed);
		realm_begin(&(struct realm_size){.hosts = 20, .instances = 60, .projects = 2, .is_slow = true});
		if (seed == 1)
			controller_configure(&(struct controller_config){.folder = "/tmp/osha-sim", .is_slow = true});
		witness_begin();
		controller_start(&sim.node[0]);
		sim_after(20000, die, NULL);
		while (sim_turn(1000000 + 600000) && !sim.violation[0])
			;
		if (sim.violation[0])
			printf("VIOLATION %s\n", sim.violation);
		controller_stop(&sim.node[0]);
		if (seed == n)
			printf("calls %lu offs %lu mails %lu hash %lx\n", witness.evacuate_calls, witness.power_offs,
			    witness.mails, sim.hash);
		store_free(sim.node[0].store);
		realm_end();
		sim_end();
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	wall = (double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	printf("%.3f s wall, %.0f x\n", wall, 600.0 * (double)n / wall);
	return 0;
}
