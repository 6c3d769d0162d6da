/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls a cloud; see the header. */
#include "test/sim/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/sim/controller.h"
#include "test/sim/lease_service.h"
#include "test/sim/store.h"
#include "test/sim/story_two.h"
#include "test/sim/witness.h"

struct story story;

static const struct story_profile *telling;

struct strike {
	enum story_kind kind;
	uint32_t host;
	int64_t ms;
};

/* --- hosts --- */

static void comes_back(void *arg)
{
	uint32_t host = (uint32_t)(uintptr_t)arg;

	if (!sim.is_over && !realm_is_on(host))
		realm_power(host, true);
}

static void back_later(uint32_t host)
{
	if (rng_chance(&sim.rng, telling->back_early_per_mille))
		sim_after(sim_between(5000, 120000), comes_back, (void *)(uintptr_t)host);
	else
		sim_after(
		    sim_between(telling->back_low_ms, telling->back_high_ms), comes_back, (void *)(uintptr_t)host);
}

static bool host_dies(uint32_t host)
{
	if (!realm_is_alive(host))
		return false;
	realm.host[host].was_killed = true;
	witness_death(host);
	return true;
}

static void death(uint32_t host)
{
	if (host_dies(host))
		realm_power(host, false);
	back_later(host);
}

static void hang(uint32_t host)
{
	if (host_dies(host))
		realm_hang(host);
	back_later(host);
}

static void compute_crash(uint32_t host)
{
	if (realm_is_alive(host))
		cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host), CLOUDSIM_COMPUTE_DOWN);
}

static void compute_starts(uint32_t host)
{
	if (realm_is_alive(host) && !realm.host[host].is_isolated)
		cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host), CLOUDSIM_COMPUTE_UP);
}

static void isolated(uint32_t host)
{
	realm_isolate(host, true);
}

static void joined(uint32_t host)
{
	realm_isolate(host, false);
}

static void probe_cut(uint32_t host)
{
	realm_probe_cut(host, true);
}

static void probe_back(uint32_t host)
{
	realm_probe_cut(host, false);
}

static uint32_t share_of_hosts(uint32_t host)
{
	return 3 + host % (realm.host_n - 2);
}

static void mass_isolated(uint32_t host)
{
	for (uint32_t k = 0; k < share_of_hosts(host); k++)
		realm_isolate((host + k) % realm.host_n, true);
}

static void mass_joined(uint32_t host)
{
	for (uint32_t k = 0; k < share_of_hosts(host); k++)
		realm_isolate((host + k) % realm.host_n, false);
}

/* A supply fails: several hosts lose their power at one moment. */
static void rack_dies(uint32_t host)
{
	for (uint32_t k = 0; k < 3 + host % 3; k++)
		death((host + k) % realm.host_n);
}

/* --- BMCs --- */

static void bmc_well(uint32_t host)
{
	struct realm_bmc *b = &realm.host[host].bmc;

	*b = (struct realm_bmc){.wired_to = b->wired_to, .low_ms = 30, .high_ms = 800};
	realm.host[host].bmc_path.loss_per_mille = 0;
}

static void bmc_dead(uint32_t host)
{
	realm.host[host].bmc.is_dead = true;
}

static void bmc_one_supply(uint32_t host)
{
	realm.host[host].bmc.dies_with_host = true;
}

static void bmc_lies(uint32_t host)
{
	realm.host[host].bmc.off = BMC_OFF_LIES;
}

static void bmc_early(uint32_t host)
{
	realm.host[host].bmc.off = BMC_OFF_EARLY;
	realm.host[host].bmc.off_delay_ms = sim_between(500, 8000);
}

static void bmc_fails(uint32_t host)
{
	realm.host[host].bmc.off = BMC_OFF_FAILS;
}

static void bmc_hangs(uint32_t host)
{
	realm.host[host].bmc.hangs = true;
}

static void bmc_refuses_when_off(uint32_t host)
{
	realm.host[host].bmc.fails_when_off = true;
}

static void bmc_lossy(uint32_t host)
{
	realm.host[host].bmc_path.loss_per_mille = 400;
}

/* --- the cloud's control plane --- */

static void api_well(uint32_t host)
{
	(void)host;
	realm.api_state = REALM_API_UP;
	realm.api.loss_per_mille = 0;
	realm.api.is_cut_back = false;
	cloudsim_model_fault_clear(realm.cloud);
}

static void api_refuses(uint32_t host)
{
	(void)host;
	realm.api_state = REALM_API_REFUSES;
}

static void api_hangs(uint32_t host)
{
	(void)host;
	realm.api_state = REALM_API_HANGS;
}

static void api_loses(uint32_t host)
{
	(void)host;
	realm.api.loss_per_mille = 150;
}

static void api_one_way(uint32_t host)
{
	(void)host;
	realm.api.is_cut_back = true;
}

static void api_errors(uint32_t host)
{
	static const int codes[] = {409, 429, 500, 503};
	struct cloudsim_fault f = {.effect = CLOUDSIM_FAULT_STATUS, .per_mille = 300};
	struct cloudsim_fault lost = {.effect = CLOUDSIM_FAULT_LOST, .per_mille = 100};

	f.status = codes[host % 4];
	cloudsim_model_fault_add(realm.cloud, &f);
	cloudsim_model_fault_add(realm.cloud, &lost);
}

/* Its workers are busy: what it was asked to do it does when one is free, long after the one who asked was given up. */
static void api_late(uint32_t host)
{
	struct cloudsim_fault f = {
	    .method = "POST", .body = "\"evacuate\"", .effect = CLOUDSIM_FAULT_LATE, .per_mille = 700};

	f.delay_ms = 5000 + 1000 * (int64_t)(host % 20);
	cloudsim_model_fault_add(realm.cloud, &f);
}

static void part(enum cloudsim_part which, bool is_up)
{
	cloudsim_model_part(realm.cloud, sim.now_ms, which, is_up);
}

#define PART(name, which)                                                                                              \
	static void name##_goes(uint32_t host)                                                                         \
	{                                                                                                              \
		(void)host;                                                                                            \
		part(which, false);                                                                                    \
	}                                                                                                              \
	static void name##_back(uint32_t host)                                                                         \
	{                                                                                                              \
		(void)host;                                                                                            \
		part(which, true);                                                                                     \
	}
PART(conductor, CLOUDSIM_CONDUCTOR)
PART(scheduler, CLOUDSIM_SCHEDULER)
PART(bus, CLOUDSIM_BUS)
PART(neutron, CLOUDSIM_NEUTRON)
PART(placement, CLOUDSIM_PLACEMENT)
PART(cell, CLOUDSIM_CELL)

static void spawn_fails(uint32_t host)
{
	cloudsim_model_spawn_failures(realm.cloud, realm_host_name(host), -1);
}

static void spawn_works(uint32_t host)
{
	cloudsim_model_spawn_failures(realm.cloud, realm_host_name(host), 0);
}

/* --- the controller --- */

static void mail_hangs(uint32_t host)
{
	(void)host;
	realm.mail_hangs = true;
}

static void mail_works(uint32_t host)
{
	(void)host;
	realm.mail_hangs = false;
}

static void store_is(enum store_state state)
{
	if (sim.node[0].store)
		store_fault(sim.node[0].store, state);
}

static void store_full(uint32_t host)
{
	(void)host;
	store_is(STORE_FULL);
}

static void store_fails(uint32_t host)
{
	(void)host;
	store_is(STORE_FAILS);
}

static void store_unsure(uint32_t host)
{
	(void)host;
	store_is(STORE_UNSURE);
}

static void store_slow(uint32_t host)
{
	(void)host;
	if (sim.node[0].store)
		store_speed(sim.node[0].store, 200, 4000);
}

static void store_well(uint32_t host)
{
	(void)host;
	store_is(STORE_WORKS);
	if (sim.node[0].store)
		store_speed(sim.node[0].store, 1, 25);
}

static void killed(uint32_t host)
{
	(void)host;
	sim_kill(&sim.node[0]);
}

static void frozen(uint32_t host)
{
	sim_freeze(&sim.node[0], 1000 + 1000 * (int64_t)(host % 30));
}

static void clock_jumps(uint32_t host)
{
	sim_wall_step(&sim.node[0], host % 2 ? 3600000 : -3600000);
}

/* --- operators --- */

static void order(const char *fmt, const char *what)
{
	char line[300];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(line, sizeof(line), fmt, what);
#pragma GCC diagnostic pop
	controller_ask(lease_service_leader(), line);
}

static void maintenance_on(uint32_t host)
{
	order("{\"command\":\"maintenance\",\"host\":\"%s\",\"on\":true}", realm_host_name(host));
}

static void maintenance_off(uint32_t host)
{
	order("{\"command\":\"maintenance\",\"host\":\"%s\",\"on\":false}", realm_host_name(host));
}

static void shut_down(void *arg)
{
	uint32_t host = (uint32_t)(uintptr_t)arg;

	if (realm_is_alive(host))
		realm_power(host, false);
}

/* Announced first, a while before. */
static void shutdown_begins(uint32_t host)
{
	maintenance_on(host);
	sim_after(30000, shut_down, (void *)(uintptr_t)host);
}

static void shutdown_ends(uint32_t host)
{
	comes_back((void *)(uintptr_t)host);
	maintenance_off(host);
}

static void confirm_dead(uint32_t host)
{
	for (uint32_t k = 0; k < realm.host_n; k++) {
		uint32_t h = (host + k) % realm.host_n;

		if (realm_is_on(h))
			continue;
		order("{\"command\":\"confirm-dead\",\"host\":\"%s\"}", realm_host_name(h));
		return;
	}
}

/* A host that hangs or is cut off looks dead to its operator too, who says so without having been there. */
static void confirm_wrong(uint32_t host)
{
	for (uint32_t k = 0; k < realm.host_n; k++) {
		uint32_t h = (host + k) % realm.host_n;

		if (!realm_is_on(h) || (!realm.host[h].is_hung && !realm.host[h].is_isolated))
			continue;
		witness.operator_lied = true;
		order("{\"command\":\"confirm-dead\",\"host\":\"%s\"}", realm_host_name(h));
		return;
	}
}

static void find_held(void *arg, const struct record *r)
{
	if (r->type == RECORD_RECOVERY && r->recovery.row == HOST_ROW_HELD)
		*(struct record *)arg = *r;
}

static void release(uint32_t host)
{
	struct record r = {0};

	(void)host;
	store_each(sim.node[0].store, find_held, &r);
	if (r.type == RECORD_RECOVERY)
		order("{\"command\":\"release\",\"recovery\":\"%s\"}", r.recovery.id);
}

/* --- the table --- */

static const struct row {
	const char *name;
	void (*begin)(uint32_t host);
	void (*end)(uint32_t host); /* NULL: a moment */
	int64_t low_s, high_s;      /* it lasts so long */
	bool is_fault;
} rows[STORY_N] = {
    [STORY_DEATH] = {"death", death, NULL, 0, 0, false},
    [STORY_HANG] = {"hang", hang, NULL, 0, 0, false},
    [STORY_COMPUTE_CRASH] = {"compute-crash", compute_crash, compute_starts, 20, 400, true},
    [STORY_ISOLATED] = {"isolated", isolated, joined, 5, 600, true},
    [STORY_PROBE_CUT] = {"probe-cut", probe_cut, probe_back, 5, 600, true},
    [STORY_MASS_ISOLATED] = {"mass-isolated", mass_isolated, mass_joined, 5, 600, true},
    [STORY_RACK_DIES] = {"rack-dies", rack_dies, NULL, 0, 0, false},
    [STORY_BMC_DEAD] = {"bmc-dead", bmc_dead, bmc_well, 30, 1200, true},
    [STORY_BMC_ONE_SUPPLY] = {"bmc-one-supply", bmc_one_supply, bmc_well, 600, 3600, true},
    [STORY_BMC_LIES] = {"bmc-lies", bmc_lies, bmc_well, 60, 1200, true},
    [STORY_BMC_EARLY] = {"bmc-early", bmc_early, bmc_well, 600, 3600, true},
    [STORY_BMC_FAILS] = {"bmc-fails", bmc_fails, bmc_well, 60, 600, true},
    [STORY_BMC_HANGS] = {"bmc-hangs", bmc_hangs, bmc_well, 30, 600, true},
    [STORY_BMC_REFUSES_WHEN_OFF] = {"bmc-refuses-when-off", bmc_refuses_when_off, bmc_well, 600, 3600, true},
    [STORY_BMC_LOSSY] = {"bmc-lossy", bmc_lossy, bmc_well, 60, 1200, true},
    [STORY_API_REFUSES] = {"api-refuses", api_refuses, api_well, 2, 120, true},
    [STORY_API_HANGS] = {"api-hangs", api_hangs, api_well, 2, 120, true},
    [STORY_API_LOSES] = {"api-loses", api_loses, api_well, 10, 300, true},
    [STORY_API_ONE_WAY] = {"api-one-way", api_one_way, api_well, 2, 60, true},
    [STORY_API_ERRORS] = {"api-errors", api_errors, api_well, 10, 300, true},
    [STORY_API_LATE] = {"api-late", api_late, api_well, 10, 300, true},
    [STORY_CONDUCTOR] = {"conductor", conductor_goes, conductor_back, 5, 200, true},
    [STORY_SCHEDULER] = {"scheduler", scheduler_goes, scheduler_back, 5, 200, true},
    [STORY_BUS] = {"bus", bus_goes, bus_back, 5, 200, true},
    [STORY_NEUTRON] = {"neutron", neutron_goes, neutron_back, 5, 200, true},
    [STORY_PLACEMENT] = {"placement", placement_goes, placement_back, 5, 200, true},
    [STORY_CELL] = {"cell", cell_goes, cell_back, 5, 200, true},
    [STORY_SPAWN_FAILS] = {"spawn-fails", spawn_fails, spawn_works, 30, 600, true},
    [STORY_MAIL_HANGS] = {"mail-hangs", mail_hangs, mail_works, 30, 1200, true},
    [STORY_STORE_FULL] = {"store-full", store_full, store_well, 1, 60, true},
    [STORY_STORE_FAILS] = {"store-fails", store_fails, store_well, 1, 60, true},
    [STORY_STORE_UNSURE] = {"store-unsure", store_unsure, store_well, 1, 20, true},
    [STORY_STORE_SLOW] = {"store-slow", store_slow, store_well, 10, 120, true},
    [STORY_KILL] = {"kill", killed, NULL, 0, 0, true},
    [STORY_FREEZE] = {"freeze", frozen, NULL, 0, 0, true},
    [STORY_CLOCK] = {"clock", clock_jumps, NULL, 0, 0, true},
    [STORY_MAINTENANCE] = {"maintenance", maintenance_on, maintenance_off, 60, 1200, false},
    [STORY_SHUTDOWN] = {"shutdown", shutdown_begins, shutdown_ends, 120, 1200, false},
    [STORY_CONFIRM_DEAD] = {"confirm-dead", confirm_dead, NULL, 0, 0, false},
    [STORY_CONFIRM_WRONG] = {"confirm-wrong", confirm_wrong, NULL, 0, 0, false},
    [STORY_RELEASE] = {"release", release, NULL, 0, 0, false},
    [STORY_SUSPEND] = {"suspended", story_suspend, story_resume, 20, 600, false},
    [STORY_LEADER_KILL] = {"leader-kill", two_leader_killed, NULL, 0, 0, true},
    [STORY_LEADER_FREEZE] = {"leader-freeze", two_leader_frozen, NULL, 0, 0, true},
    [STORY_LEASE_CUT] = {"lease-cut", two_lease_cut, two_lease_well, 2, 120, true},
    [STORY_LEASE_ONE_WAY] = {"lease-one-way", two_lease_one_way, two_lease_well, 2, 120, true},
    [STORY_LEASE_LOSSY] = {"lease-lossy", two_lease_lossy, two_lease_well, 10, 300, true},
    [STORY_LEASE_AWAY] = {"lease-away", two_lease_away, two_lease_back, 2, 120, true},
    [STORY_RESIGN] = {"resign", two_resigns, NULL, 0, 0, true},
};

enum { HOURS = 3600000 };

const char *story_kind_name(enum story_kind k)
{
	return rows[k].name;
}

enum story_kind story_kind_named(const char *name)
{
	int k = 0;

	while (k < STORY_N && !str_eq(rows[k].name, name))
		k++;
	return (enum story_kind)k;
}

bool story_kind_needs_two(enum story_kind k)
{
	return k >= STORY_LEADER_KILL && k <= STORY_RESIGN;
}

bool story_kind_lasts(enum story_kind k)
{
	return rows[k].end != NULL;
}

void story_befall(enum story_kind k, uint32_t host)
{
	sim_say("", "--- %s (%s)", rows[k].name, realm_host_name(host));
	rows[k].begin(host);
	witness_world();
}

void story_over(enum story_kind k, uint32_t host)
{
	if (!rows[k].end)
		return;
	sim_say("", "--- %s is over (%s)", rows[k].name, realm_host_name(host));
	rows[k].end(host);
	witness_world();
}

/* --- telling it --- */

static void strike_ends(void *arg)
{
	struct strike *s = arg;

	if (!sim.is_over)
		story_over(s->kind, s->host);
	free(s);
}

static void strike_begins(void *arg)
{
	struct strike *s = arg;
	const struct row *row = &rows[s->kind];

	if (sim.is_over) {
		free(s);
		return;
	}
	story.begun[s->kind]++;
	story.faults += row->is_fault;
	story_befall(s->kind, s->host);
	if (row->end && s->ms)
		sim_after(s->ms, strike_ends, s);
	else
		free(s);
}

void story_strike_in(int64_t in_ms, enum story_kind kind, uint32_t host, int64_t ms)
{
	struct strike *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*s = (struct strike){kind, host, ms};
	sim_after(in_ms, strike_begins, s);
}

static void calm(void *arg)
{
	(void)arg;
	if (!sim.is_over)
		story_calm();
}

void story_calm(void)
{
	for (int k = 0; k < STORY_N; k++) {
		if (!rows[k].is_fault || !rows[k].end || k == STORY_MASS_ISOLATED)
			continue;
		for (uint32_t h = 0; h < realm.host_n; h++)
			rows[k].end(h);
	}
	sim_say("", "--- every fault is over");
}

void story_begin(const struct story_profile *p)
{
	telling = p;
	story = (struct story){0};
	for (int k = 0; k < STORY_N; k++) {
		uint64_t expected = (uint64_t)p->per_hour[k] * (uint64_t)p->tale_ms, n = expected / HOURS;

		if (story_kind_needs_two((enum story_kind)k) && !p->has_two)
			continue; /* nothing is drawn: without them each seed tells the story that it always told */
		n += rng_below(&sim.rng, HOURS) < expected % HOURS;
		while (n--) {
			/* one after the other, so that a seed tells the same story whichever compiler made this */
			int64_t lasts_ms = 1000 * sim_between(rows[k].low_s, rows[k].high_s);
			uint32_t host = (uint32_t)rng_below(&sim.rng, realm.host_n);
			int64_t in_ms = sim_between(5000, p->tale_ms);

			story_strike_in(in_ms, (enum story_kind)k, host, lasts_ms);
		}
	}
	sim_after(p->tale_ms + 1, calm, NULL);
}
