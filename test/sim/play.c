/* SPDX-License-Identifier: Apache-2.0 */
/* One run; see the header. */
#include "test/sim/play.h"

#include <stdio.h>
#include <stdlib.h>

#include "test/sim/controller.h"
#include "test/sim/fixed.h"
#include "test/sim/lease_service.h"
#include "test/sim/replay.h"
#include "test/sim/story.h"
#include "test/sim/story_bytes.h"
#include "test/sim/witness.h"

enum { LOOK_MS = 20000 }; /* how often to look whether all is at rest */

/* The configuration names every host, so a realm of the profile's size has to be there to write it. */
void play_configure(const struct story_profile *p, uint64_t seed)
{
	sim_begin(seed);
	realm_begin(&p->size);
	controller_configure(p->size.is_slow, NULL);
	sim_end();
	realm_end();
}

/* @look_ms: when to look next, moved on by each look. */
static bool ends_early(const struct story_profile *p, int64_t *look_ms)
{
	if (!p->rest_least_ms || sim.now_ms < *look_ms)
		return false;
	*look_ms = sim.now_ms + LOOK_MS;
	return closing_is_at_rest();
}

static void tale_begins(const struct play *p)
{
	if (p->fixed)
		fixed_begin(p->fixed);
	else if (p->bytes)
		story_bytes_begin(p->profile, p->bytes, p->byte_n);
	else
		story_begin(p->profile);
}

static void judge(const struct play *p, struct closing_counts *ret)
{
	if (!sim.violation[0] && !p->until_s)
		closing_judge(ret);
	if (!sim.violation[0] && !p->until_s && p->fixed)
		fixed_judge(p->fixed);
}

bool play_run(const struct play *p, play_fn fn, void *arg, int64_t *ret_violation_ms)
{
	const struct story_profile *size = p->profile;
	struct closing_counts counts = {0};
	int64_t begin_ms, end_ms, look_ms;

	sim.is_traced = p->is_traced;
	sim_begin(p->seed);
	begin_ms = sim.now_ms;
	end_ms = begin_ms + size->tale_ms + size->rest_ms;
	look_ms = begin_ms + size->tale_ms + size->rest_least_ms;
	if (p->until_s && begin_ms + p->until_s * 1000 < end_ms)
		end_ms = begin_ms + p->until_s * 1000;
	realm_begin(&size->size);
	witness_begin();
	sim.kill_at_act = p->kill_at_act;
	sim.is_takeover = p->is_takeover;
	if (p->is_takeover || size->has_two)
		lease_service_begin();
	controller_mode_set(p->fixed ? p->fixed->mode : MODE_AUTOMATIC);
	tale_begins(p);
	if (p->is_recorded)
		flight_keep(true);
	controllers_start();
	while (!sim.violation[0] && sim_turn(end_ms) && !ends_early(size, &look_ms))
		;
	judge(p, &counts);
	if (fn)
		fn(arg, &counts, sim.now_ms - begin_ms);
	controllers_stop();
	if (p->is_recorded && !flight_replays("the recording"))
		sim_violated("the recording does not replay to the same decisions");
	sim_end();
	realm_end();
	witness_end();
	*ret_violation_ms = sim.violation_ms - begin_ms;
	return !sim.violation[0];
}
