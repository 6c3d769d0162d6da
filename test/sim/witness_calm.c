/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The witness of times in which nothing is to be fenced: held to what is durable, to the configuration's file and to the controller's wall
 * clock, none of which the engine is asked for.
 */
#include <stdio.h>

#include "base/window.h"
#include "daemon/daemon.h"
#include "test/sim/controller.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

enum { UNDER_WAY_MS = 2000 /* an agent that was ordered before may begin so much later */ };

static bool is_suspension_on(struct sim_node *from, const char *segment, int64_t wall_ms)
{
	char key[JOURNAL_KEY_SIZE];
	struct record r = {0};

	snprintf(key, sizeof(key), "suspension/%s", segment);
	return store_record(from->store, key, &r) && r.suspension.is_on &&
	       (!r.suspension.until_wall_ms || wall_ms < r.suspension.until_wall_ms);
}

static bool is_suspended(struct sim_node *from, const struct config_segment *s, int64_t wall_ms)
{
	return is_suspension_on(from, SUSPENSION_OF_ALL, wall_ms) || (s && is_suspension_on(from, s->name, wall_ms));
}

static bool is_window_open(const struct config_segment *s, int64_t wall_ms)
{
	for (size_t k = 0; s && k < s->windows.n; k++) {
		struct window w;

		if (window_read(s->windows.items[k], &w) && window_is_open(&w, 1, wall_ms, NULL))
			return true;
	}
	return false;
}

void witness_calm(struct sim_node *from, uint32_t host)
{
	int64_t wall_ms = SIM_WALL_ZERO_MS + sim.now_ms + from->wall_offset_ms;
	const struct config *cfg = from->daemon ? from->daemon->cfg : NULL;
	const char *name = realm_host_name(host);
	struct recovery_record r;
	struct config_host h;

	/* one that was proven dead and is seen on is powered off again, by design */
	if (!witness_recovery(from, name, &r) || r.proof.kind != PROOF_NONE)
		return;
	if (!cfg)
		return; /* the agent outlived its daemon: what it was sent on was judged by the record before */
	(void)config_host_resolve(cfg, name, &h);
	if (sim.now_ms - witness.suspended_ms > UNDER_WAY_MS && is_suspended(from, h.segment, wall_ms))
		sim_violated("suspended: power-off of %s, though fencing is suspended", name);
	if (is_window_open(h.segment, wall_ms) && is_window_open(h.segment, wall_ms - UNDER_WAY_MS) &&
	    !(r.let_go & (1u << HOLD_WINDOW)))
		sim_violated("window: power-off of %s in a maintenance window of its segment", name);
	if (config_is_control_plane(cfg, name) && !cfg->fence_control_plane && !(r.let_go & (1u << HOLD_CONTROL_PLANE)))
		sim_violated("control plane: power-off of %s without an operator's word", name);
}
