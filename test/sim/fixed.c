/* SPDX-License-Identifier: Apache-2.0 */
/* Written stories; see the header. */
#include "test/sim/fixed.h"

#include <stdio.h>

#include "base/strbuf.h"
#include "test/sim/controller.h"
#include "test/sim/lease_service.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

static const struct story_profile small = {.name = "one",
    .summary = "one host's fate",
    .size = {.hosts = 5, .instances = 10, .projects = 2},
    .tale_ms = 300000,
    .rest_ms = 1000000, /* an instance that waits for the end of a rebuild does so anew after a restart */
    .back_low_ms = 3600000,
    .back_high_ms = 3600000};

/* For what must be held: its faults do not end, and the last level fails late. */
static const struct story_profile lasting = {.name = "one-lasting",
    .summary = "one host's fate, to which no end comes",
    .size = {.hosts = 5, .instances = 10, .projects = 2},
    .tale_ms = 700000,
    .back_low_ms = 3600000,
    .back_high_ms = 3600000};

/* The device of a host has been read by then, and Nova knows all hosts. */
#define AT 15000, 17000

static const struct fixed_story stories[] = {
    {"plain", {{STORY_DEATH, 0, AT, 0}}, 1, 0, .end = FIXED_RECOVERS},
    {"hung-host", {{STORY_HANG, 0, AT, 0}}, 1, 0, .end = FIXED_RECOVERS},
    {"returns-later", {{STORY_DEATH, 0, AT, 0}}, 1, 150000, .end = FIXED_RECOVERS},
    {"returns-early", {{STORY_DEATH, 0, AT, 0}}, 1, 26000, .end = FIXED_MAY_HOLD},
    {"second-death", {{STORY_DEATH, 0, AT, 0}, {STORY_DEATH, 1, 24000, 30000, 0}}, 2, 0, .end = FIXED_MAY_HOLD},
    {"bmc-dies-with-host", {{STORY_BMC_ONE_SUPPLY, 0, 10000, 10000, 3600000}, {STORY_DEATH, 0, AT, 0}}, 2, 0,
	.end = FIXED_HOLDS},
    {"bmc-slow", {{STORY_BMC_EARLY, 0, 10000, 10000, 3600000}, {STORY_HANG, 0, AT, 0}}, 2, 0, .end = FIXED_RECOVERS},
    {"hung-and-bmc-lies", {{STORY_BMC_LIES, 0, 10000, 10000, 3600000}, {STORY_HANG, 0, AT, 0}}, 2, 0,
	.end = FIXED_HOLDS},
    {"bmc-lossy", {{STORY_BMC_LOSSY, 0, 10000, 10000, 200000}, {STORY_HANG, 0, AT, 0}}, 2, 0, .end = FIXED_RECOVERS},
    {"compute-crashes", {{STORY_COMPUTE_CRASH, 0, AT, 120000}}, 1, 0, .end = FIXED_UNTOUCHED},
    {"mass-isolated", {{STORY_MASS_ISOLATED, 2, AT, 200000}}, 1, 0, .end = FIXED_UNTOUCHED},
    {"rack-dies", {{STORY_RACK_DIES, 0, AT, 0}}, 1, 0, .end = FIXED_RECOVERS},
    {"bus-away", {{STORY_BUS, 0, AT, 120000}}, 1, 0, .end = FIXED_UNTOUCHED},
    {"api-loses", {{STORY_DEATH, 0, AT, 0}, {STORY_API_LOSES, 0, AT, 200000}}, 2, 0, .end = FIXED_RECOVERS},
    {"api-errors", {{STORY_DEATH, 0, AT, 0}, {STORY_API_ERRORS, 0, AT, 200000}}, 2, 0, .end = FIXED_MAY_HOLD},
    {"api-late", {{STORY_DEATH, 0, AT, 0}, {STORY_API_LATE, 10, AT, 200000}}, 2, 0, .end = FIXED_MAY_HOLD},
    {"freezes", {{STORY_DEATH, 0, AT, 0}, {STORY_FREEZE, 8, 24000, 28000, 0}}, 2, 0, .end = FIXED_RECOVERS},
    {"errors-and-kill",
	{{STORY_DEATH, 0, AT, 0}, {STORY_API_ERRORS, 3, AT, 60000}, {STORY_KILL, 0, 25000, 35000, 0},
	    {STORY_BMC_HANGS, 0, 26500, 27500, 60000}},
	4, 0, .end = FIXED_MAY_HOLD},
    {"spawn-fails", {{STORY_DEATH, 0, AT, 0}, {STORY_SPAWN_FAILS, 1, AT, 200000}}, 2, 0, .end = FIXED_MAY_HOLD},
    {"store-fails", {{STORY_DEATH, 0, AT, 0}, {STORY_STORE_FAILS, 0, 20000, 30000, 20000}}, 2, 0,
	.end = FIXED_RECOVERS},
    {"store-unsure", {{STORY_DEATH, 0, AT, 0}, {STORY_STORE_UNSURE, 0, 20000, 26000, 10000}}, 2, 0,
	.end = FIXED_RECOVERS},
    {"asks-in-vain", {{STORY_DEATH, 0, AT, 0}}, 1, 0, .end = FIXED_HOLDS, .mode = MODE_ASK},
    {"asks-and-may", {{STORY_DEATH, 0, AT, 0}}, 1, 0, .end = FIXED_RECOVERS, .mode = MODE_ASK, .approve_ms = 60000},
    {"asks-and-may-among-many", {{STORY_MASS_ISOLATED, 2, AT, 200000}}, 1, 0, .end = FIXED_UNTOUCHED, .mode = MODE_ASK,
	.approve_ms = 30000},
    {"asks-and-returns", {{STORY_DEATH, 0, AT, 0}}, 1, 120000, .end = FIXED_UNTOUCHED, .mode = MODE_ASK},
    {"observes", {{STORY_DEATH, 0, AT, 0}, {STORY_HANG, 1, 90000, 95000, 0}}, 2, 200000, .end = FIXED_UNTOUCHED,
	.mode = MODE_OBSERVE},
    {"mail-hangs", {{STORY_DEATH, 0, AT, 0}, {STORY_MAIL_HANGS, 0, 5000, 5000, 280000}}, 2, 0, .end = FIXED_RECOVERS},
    {"suspended-for-a-minute", {{STORY_SUSPEND, 1, 8000, 8000, 0}, {STORY_DEATH, 0, AT, 0}}, 2, 0,
	.end = FIXED_RECOVERS},
    {"suspended-and-resumed", {{STORY_SUSPEND, 0, 8000, 8000, 120000}, {STORY_DEATH, 0, AT, 0}}, 2, 0,
	.end = FIXED_MAY_HOLD},
};

const struct fixed_story *fixed_at(unsigned k)
{
	return k < sizeof(stories) / sizeof(stories[0]) ? &stories[k] : NULL;
}

const struct fixed_story *fixed_named(const char *name)
{
	for (unsigned k = 0; fixed_at(k); k++) {
		if (str_eq(fixed_at(k)->name, name))
			return fixed_at(k);
	}
	return NULL;
}

const struct story_profile *fixed_profile(const struct fixed_story *f)
{
	return f && f->end == FIXED_HOLDS ? &lasting : &small;
}

static void comes_back(void *arg)
{
	(void)arg;
	realm_power(0, true);
}

static void find_waiting(void *arg, const struct record *r)
{
	if (r->type == RECORD_RECOVERY && r->recovery.told_hold == HOLD_APPROVAL && !r->recovery.approved_by[0])
		*(struct record *)arg = *r;
}

/* Whoever waits for a yes gets one; said again until it is durable, since a daemon that is killed may have lost it. */
static void approves(void *arg)
{
	struct record r = {0};
	char line[120];

	if (sim.is_over)
		return;
	store_each(sim.node[0].store, find_waiting, &r);
	snprintf(line, sizeof(line), "{\"command\":\"approve\",\"recovery\":\"%s\"}", r.recovery.id);
	if (r.type == RECORD_RECOVERY)
		(void)controller_ask(lease_service_leader(), line);
	sim_after(20000, approves, arg);
}

/* Where the first leader is killed at once, the other one has read the devices so much later. */
enum { TAKEN_OVER_MS = 15000 };

void fixed_begin(const struct fixed_story *f)
{
	int64_t later_ms = sim.is_takeover ? TAKEN_OVER_MS : 0;

	story_begin(fixed_profile(f));
	for (unsigned k = 0; k < f->n; k++)
		story_strike_in(later_ms + sim_between(f->strikes[k].low_ms, f->strikes[k].high_ms), f->strikes[k].kind,
		    f->strikes[k].host, f->strikes[k].lasts_ms);
	if (f->back_ms)
		sim_after(later_ms + f->back_ms + sim_between(0, 8000), comes_back, NULL);
	if (f->approve_ms)
		sim_after(later_ms + f->approve_ms, approves, NULL);
}

static void find(void *arg, const struct record *r)
{
	if (r->type == RECORD_RECOVERY && str_eq(r->recovery.host, realm_host_name(0)))
		*(struct record *)arg = *r;
}

void fixed_judge(const struct fixed_story *f)
{
	struct record rec = {0};
	const struct recovery_record *r = &rec.recovery;
	bool recovered, held;

	store_each(sim.node[0].store, find, &rec);
	recovered = r->stamp_wall_ms[HOST_ROW_RECOVERED] != 0;
	held = r->row == HOST_ROW_HELD || r->held_n;
	if (f->end == FIXED_UNTOUCHED && witness.power_offs)
		sim_violated("%llu power-offs were sent to living hosts", (unsigned long long)witness.power_offs);
	if (f->end == FIXED_RECOVERS && !recovered)
		sim_violated("invariant 8: the recovery rests in %s: %s", host_row_name(r->row), r->why);
	if (f->end == FIXED_HOLDS && (recovered || !held || witness.evacuate_calls))
		sim_violated("without proof it rests in %s with %llu evacuate calls", host_row_name(r->row),
		    (unsigned long long)witness.evacuate_calls);
	if (f->end == FIXED_MAY_HOLD && !recovered && !held && r->row != HOST_ROW_CLEARED)
		sim_violated("invariant 8: the recovery rests in %s: %s", host_row_name(r->row), r->why);
}
