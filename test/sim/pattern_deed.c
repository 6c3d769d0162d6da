/* SPDX-License-Identifier: Apache-2.0 */
/* What can befall a host, the control plane or the controller in a pattern; see the header. */
#include "test/sim/pattern_deed.h"

#include "test/sim/clockwork.h"
#include "test/sim/pattern.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/witness.h"

enum { DEEDS_MAX = 16384, SECOND = 1000 };

static struct deed {
	enum deed_kind deed;
	uint32_t host;
	uint32_t pattern; /* a deed of an earlier pattern is over */
} deeds[DEEDS_MAX];
static uint32_t deed_n, pattern_now;

void deed_forget(void)
{
	deed_n = 0;
	pattern_now++;
}

/* --- what happens to one host --- */

static void dies(uint32_t host)
{
	if (!realm_is_on(host))
		return;
	witness_death(host);
	realm_power(host, false);
}

static void dies_with_bmc(uint32_t host)
{
	realm.host[host].bmc.dies_with_host = true;
	dies(host);
}

static void bmc_is_back(uint32_t host)
{
	realm.host[host].bmc.dies_with_host = false;
}

static void hangs(uint32_t host)
{
	if (!realm_is_alive(host))
		return;
	witness_death(host);
	realm_hang(host);
}

static void comes_back(uint32_t host)
{
	if (!realm_is_on(host))
		realm_power(host, true);
}

static void loses_bus(uint32_t host)
{
	if (realm_is_alive(host))
		cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host), CLOUDSIM_COMPUTE_HUNG);
}

static void has_bus(uint32_t host)
{
	if (realm_is_alive(host) && !realm.host[host].is_isolated)
		cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host), CLOUDSIM_COMPUTE_UP);
}

static void loses_bmc(uint32_t host)
{
	realm.host[host].bmc_path.is_cut = true;
}

static void has_bmc(uint32_t host)
{
	realm.host[host].bmc_path.is_cut = false;
}

static void bmc_is_slow(uint32_t host)
{
	realm.host[host].bmc.low_ms = 1000;
	realm.host[host].bmc.high_ms = 2000;
}

static void bmc_is_lossy(uint32_t host)
{
	realm.host[host].bmc_path.loss_per_mille = 200;
}

/* --- what happens to the control plane and to the controller; no host is meant --- */

static void api_goes(uint32_t host)
{
	(void)host;
	realm.api.is_cut = true;
}

static void api_returns(uint32_t host)
{
	(void)host;
	realm.api.is_cut = false;
}

static void oshad_freezes(uint32_t host)
{
	(void)host;
	sim_freeze(&sim.node[0], sim_between(3, 30) * SECOND);
}

static void store_is_slow(uint32_t host)
{
	(void)host;
	if (sim.node[0].store)
		store_speed(sim.node[0].store, 100, 500);
}

/* --- the table --- */

typedef void (*deed_fn)(uint32_t host);

static const struct {
	deed_fn fn; /* NULL: a kind of misfortune that stories know begins, or is over */
	enum story_kind kind;
	bool is_end;
} rows[DEED_N] = {
    [DEED_DIES] = {.fn = dies},
    [DEED_DIES_WITH_BMC] = {.fn = dies_with_bmc},
    [DEED_BMC_IS_BACK] = {.fn = bmc_is_back},
    [DEED_HANGS] = {.fn = hangs},
    [DEED_COMES_BACK] = {.fn = comes_back},
    [DEED_IS_CUT_OFF] = {.kind = STORY_ISOLATED},
    [DEED_IS_JOINED] = {.kind = STORY_ISOLATED, .is_end = true},
    [DEED_LOSES_PROBE] = {.kind = STORY_PROBE_CUT},
    [DEED_HAS_PROBE] = {.kind = STORY_PROBE_CUT, .is_end = true},
    [DEED_LOSES_BUS] = {.fn = loses_bus},
    [DEED_HAS_BUS] = {.fn = has_bus},
    [DEED_LOSES_BMC] = {.fn = loses_bmc},
    [DEED_HAS_BMC] = {.fn = has_bmc},
    [DEED_BMC_IS_SLOW] = {.fn = bmc_is_slow},
    [DEED_BMC_IS_LOSSY] = {.fn = bmc_is_lossy},
    [DEED_BUS_GOES] = {.kind = STORY_BUS},
    [DEED_BUS_RETURNS] = {.kind = STORY_BUS, .is_end = true},
    [DEED_CONDUCTOR_GOES] = {.kind = STORY_CONDUCTOR},
    [DEED_CONDUCTOR_RETURNS] = {.kind = STORY_CONDUCTOR, .is_end = true},
    [DEED_API_GOES] = {.fn = api_goes},
    [DEED_API_RETURNS] = {.fn = api_returns},
    [DEED_OSHAD_IS_KILLED] = {.kind = STORY_KILL},
    [DEED_OSHAD_FREEZES] = {.fn = oshad_freezes},
    [DEED_STORE_IS_SLOW] = {.fn = store_is_slow},
};

/* --- putting it into the queue --- */

static void deed_comes(void *arg)
{
	struct deed *d = arg;

	if (sim.is_over || d->pattern != pattern_now)
		return;
	if (!rows[d->deed].fn) {
		(rows[d->deed].is_end ? story_over : story_befall)(rows[d->deed].kind, d->host);
		return;
	}
	rows[d->deed].fn(d->host);
	witness_world();
}

void deed_at(int64_t ms, enum deed_kind kind, uint32_t host)
{
	struct deed *d = &deeds[deed_n];

	if (deed_n == DEEDS_MAX) {
		sim_violated("the pattern has more than %d events", DEEDS_MAX);
		return;
	}
	deed_n++;
	*d = (struct deed){kind, host, pattern_now};
	sim_after(ms, deed_comes, d);
}

void deed_rack_at(int64_t ms, enum deed_kind kind, uint32_t rack)
{
	for (uint32_t k = 0; k < PATTERN_RACK; k++)
		deed_at(ms + sim_between(0, 200), kind, rack * PATTERN_RACK + k);
}

void deed_all_at(int64_t ms, enum deed_kind kind)
{
	for (uint32_t rack = 0; rack < PATTERN_RACKS; rack++)
		deed_rack_at(ms, kind, rack);
}

void deed_share_at(int64_t ms, enum deed_kind kind, const uint32_t *order, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		deed_at(ms + sim_between(0, 1000), kind, order[k]);
}
