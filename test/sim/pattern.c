/* SPDX-License-Identifier: Apache-2.0 */
/* The families of patterns; see the header. What is counted of them is pattern_run.c's. */
#include "test/sim/pattern.h"

#include "test/sim/clockwork.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

typedef void (*deed_fn)(uint32_t host);

enum { DEEDS_MAX = 16384, SECOND = 1000 };

static struct deed {
	deed_fn fn;
	uint32_t host;
	uint32_t pattern; /* a deed of an earlier pattern is over */
} deeds[DEEDS_MAX];
static uint32_t deed_n, pattern_now;

void pattern_forget(void)
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

static void is_cut_off(uint32_t host)
{
	realm_isolate(host, true);
}

static void is_joined(uint32_t host)
{
	realm_isolate(host, false);
}

static void loses_probe(uint32_t host)
{
	realm_probe_cut(host, true);
}

static void has_probe(uint32_t host)
{
	realm_probe_cut(host, false);
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

static void bus_goes(uint32_t host)
{
	(void)host;
	cloudsim_model_part(realm.cloud, sim.now_ms, CLOUDSIM_BUS, false);
}

static void bus_returns(uint32_t host)
{
	(void)host;
	cloudsim_model_part(realm.cloud, sim.now_ms, CLOUDSIM_BUS, true);
}

static void conductor_goes(uint32_t host)
{
	(void)host;
	cloudsim_model_part(realm.cloud, sim.now_ms, CLOUDSIM_CONDUCTOR, false);
}

static void conductor_returns(uint32_t host)
{
	(void)host;
	cloudsim_model_part(realm.cloud, sim.now_ms, CLOUDSIM_CONDUCTOR, true);
}

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

static void oshad_is_killed(uint32_t host)
{
	(void)host;
	sim_kill(&sim.node[0]);
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

/* --- putting it into the queue --- */

static void deed_comes(void *arg)
{
	struct deed *d = arg;

	if (sim.is_over || d->pattern != pattern_now)
		return;
	d->fn(d->host);
	witness_world();
}

static void at(int64_t ms, deed_fn fn, uint32_t host)
{
	struct deed *d = &deeds[deed_n];

	if (deed_n == DEEDS_MAX) {
		sim_violated("the pattern has more than %d events", DEEDS_MAX);
		return;
	}
	deed_n++;
	*d = (struct deed){fn, host, pattern_now};
	sim_after(ms, deed_comes, d);
}

static void rack_at(int64_t ms, deed_fn fn, uint32_t rack)
{
	for (uint32_t k = 0; k < PATTERN_RACK; k++)
		at(ms + sim_between(0, 200), fn, rack * PATTERN_RACK + k);
}

static void all_at(int64_t ms, deed_fn fn)
{
	for (uint32_t rack = 0; rack < PATTERN_RACKS; rack++)
		rack_at(ms, fn, rack);
}

static uint32_t some_rack(void)
{
	return (uint32_t)sim_between(0, PATTERN_RACKS - 1);
}

static uint32_t other_rack(uint32_t than)
{
	return (than + (uint32_t)sim_between(1, PATTERN_RACKS - 1)) % PATTERN_RACKS;
}

/* The first @n of all hosts in an order drawn from the seed. */
static const uint32_t *shuffled(void)
{
	static uint32_t order[PATTERN_HOSTS];

	for (uint32_t k = 0; k < PATTERN_HOSTS; k++)
		order[k] = k;
	for (uint32_t k = PATTERN_HOSTS - 1; k > 0; k--) {
		uint32_t with = (uint32_t)sim_between(0, k), other = order[k];

		order[k] = order[with];
		order[with] = other;
	}
	return order;
}

static uint32_t some_share(void)
{
	static const uint32_t per_mille[] = {10, 30, 100, 300, 600};

	return per_mille[sim_between(0, 4)] * PATTERN_HOSTS / 1000;
}

static void share_at(int64_t ms, deed_fn fn, const uint32_t *order, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		at(ms + sim_between(0, 1000), fn, order[k]);
}

static int64_t seconds(int64_t low, int64_t high)
{
	return SECOND * sim_between(low, high);
}

/* --- the families --- */

static void rack_power(void)
{
	rack_at(0, dies, some_rack());
}

static void rack_off_net(void)
{
	uint32_t rack = some_rack();

	rack_at(0, is_cut_off, rack);
	if (sim_between(0, 1))
		rack_at(seconds(70, 200), is_joined, rack);
}

static void bus_and_rack(void)
{
	uint32_t rack = some_rack();

	at(0, bus_goes, 0);
	rack_at(seconds(0, 60), dies, rack);
	at(seconds(80, 150), bus_returns, 0);
}

static void mass_hang(void)
{
	const uint32_t *order = shuffled();

	share_at(0, hangs, order, (uint32_t)sim_between(10, 400));
}

static void death_in_noise(void)
{
	const uint32_t *order = shuffled();
	uint32_t which = (uint32_t)sim_between(0, PATTERN_HOSTS - 1);

	share_at(0, loses_probe, order, 100);
	at(seconds(0, 30), dies, order[which]);
}

static void both_share(void)
{
	const uint32_t *order = shuffled();
	uint32_t n = some_share();

	share_at(0, is_cut_off, order, n);
	if (sim_between(0, 1))
		share_at(seconds(80, 200), is_joined, order, n);
}

static void rack_power_and_bmcs(void)
{
	uint32_t rack = some_rack();

	rack_at(0, dies_with_bmc, rack);
	if (sim_between(0, 1))
		rack_at(seconds(90, 150), bmc_is_back, rack);
}

static void rack_probe_cut(void)
{
	uint32_t rack = some_rack();

	rack_at(0, loses_probe, rack);
	rack_at(seconds(20, 200), has_probe, rack);
}

static void bus_dead(void)
{
	at(0, bus_goes, 0);
	at(seconds(70, 200), bus_returns, 0);
}

static void conductor_stall(void)
{
	at(0, conductor_goes, 0);
	at(seconds(30, 200), conductor_returns, 0);
}

static void off_management(void)
{
	int64_t ms = seconds(20, 200);

	all_at(0, loses_probe);
	all_at(0, loses_bmc);
	all_at(ms, has_probe);
	all_at(ms, has_bmc);
}

static void off_everything(void)
{
	at(0, api_goes, 0);
	at(seconds(20, 150), api_returns, 0);
	off_management();
}

static void off_management_with_rack_off_bus(void)
{
	off_management();
	rack_at(0, loses_bus, some_rack());
}

static void bus_dead_and_rack_unprobed(void)
{
	uint32_t rack = some_rack();

	bus_dead();
	rack_at(seconds(0, 30), loses_probe, rack);
}

static void probe_share(void)
{
	const uint32_t *order = shuffled();

	share_at(0, loses_probe, order, some_share());
}

static void bus_share(void)
{
	const uint32_t *order = shuffled();
	uint32_t n = some_share();

	share_at(0, loses_bus, order, n);
	share_at(seconds(80, 200), has_bus, order, n);
}

static void rolling(deed_fn fn, int64_t low_s, int64_t high_s)
{
	const uint32_t *order = shuffled();
	uint32_t n = (uint32_t)sim_between(8, 30);
	int64_t ms = 0;

	for (uint32_t k = 0; k < n; k++) {
		at(ms, fn, order[k]);
		ms += SECOND * sim_between(low_s, high_s);
	}
}

static void rolling_deaths(void)
{
	rolling(dies, 1, 6);
}

static void rolling_hangs(void)
{
	rolling(hangs, 1, 8);
}

static void rolling_cuts(void)
{
	rolling(is_cut_off, 1, 8);
}

static void supply_of_every_second(void)
{
	for (uint32_t rack = 0; rack < PATTERN_RACKS; rack += 2)
		rack_at(sim_between(0, 500), dies_with_bmc, rack);
}

static void supply_of_some(void)
{
	uint32_t step = (uint32_t)sim_between(10, 20);

	for (uint32_t rack = some_rack() % step; rack < PATTERN_RACKS; rack += step)
		rack_at(sim_between(0, 500), dies, rack);
}

static void many_racks(uint32_t n)
{
	for (uint32_t rack = 0; rack < n; rack++)
		rack_at(sim_between(0, 500), dies, rack);
}

static void five_racks(void)
{
	many_racks(5);
}

static void ten_racks(void)
{
	many_racks(10);
}

static void twenty_racks(void)
{
	many_racks(20);
}

static void flapping_switch(void)
{
	uint32_t rack = some_rack();
	int64_t ms = 0;

	for (int k = 0; k < 6; k++) {
		rack_at(ms, is_cut_off, rack);
		ms += seconds(10, 75);
		rack_at(ms, is_joined, rack);
		ms += seconds(5, 40);
	}
}

static void blip(void)
{
	all_at(0, is_cut_off);
	all_at(seconds(2, 50), is_joined);
}

static void two_racks(void)
{
	uint32_t rack = some_rack();

	rack_at(0, dies, rack);
	rack = other_rack(rack);
	rack_at(seconds(25, 35), dies, rack);
}

static void deaths_under_hold(void)
{
	const uint32_t *order = shuffled();

	share_at(0, is_cut_off, order, 200);
	share_at(seconds(70, 100), dies, order + 150, 100);
}

static void return_storm(void)
{
	const uint32_t *order = shuffled();

	share_at(0, is_cut_off, order, 200);
	share_at(0, dies, order + 190, 20);
	for (uint32_t k = 0; k < 200; k++)
		at(seconds(70, 160), is_joined, order[k]);
}

static void half_comes_back(void)
{
	uint32_t rack = some_rack();

	rack_at(0, dies, rack);
	for (uint32_t k = 0; k < PATTERN_RACK / 2; k++)
		at(seconds(20, 120), comes_back, rack * PATTERN_RACK + k);
}

static void slow_bmcs(void)
{
	all_at(0, bmc_is_slow);
	rack_at(SECOND, dies, some_rack());
}

static void lossy_bmcs(void)
{
	const uint32_t *order = shuffled();

	all_at(0, bmc_is_lossy);
	share_at(SECOND, is_cut_off, order, 30);
}

static void bmc_net_cut(void)
{
	uint32_t rack = some_rack();

	all_at(0, loses_bmc);
	rack_at(seconds(0, 5), dies, rack);
	all_at(seconds(60, 140), has_bmc);
}

static void cut_rack_and_dead_rack(void)
{
	uint32_t rack = some_rack();

	rack_at(0, is_cut_off, rack);
	rack = other_rack(rack);
	rack_at(seconds(0, 60), dies, rack);
}

static void cut_then_dead(void)
{
	uint32_t rack = some_rack();

	rack_at(0, is_cut_off, rack);
	rack_at(seconds(30, 140), dies, rack);
}

static void death_under_stall(void)
{
	uint32_t host = (uint32_t)sim_between(0, PATTERN_HOSTS - 1);

	at(0, conductor_goes, 0);
	at(seconds(0, 60), dies, host);
	at(seconds(80, 140), conductor_returns, 0);
}

static void death_in_share(void)
{
	const uint32_t *order = shuffled();

	share_at(0, is_cut_off, order, some_share());
	at(seconds(0, 90), dies, order[999]);
	at(seconds(0, 90), dies, order[0]);
}

static void pair_of_deaths(void)
{
	const uint32_t *order = shuffled();

	share_at(0, dies, order, 2);
}

static void rack_and_kill(void)
{
	rack_at(0, dies, some_rack());
	at(seconds(60, 90), oshad_is_killed, 0);
}

static void rack_and_freeze(void)
{
	rack_at(0, dies, some_rack());
	at(seconds(60, 75), oshad_freezes, 0);
}

static void cut_and_freeze(void)
{
	rack_at(0, is_cut_off, some_rack());
	at(seconds(30, 90), oshad_freezes, 0);
	at(seconds(100, 130), oshad_is_killed, 0);
}

static void rack_and_slow_store(void)
{
	at(0, store_is_slow, 0);
	rack_at(0, dies, some_rack());
}

static void kernel_bug_in_rack(void)
{
	rack_at(0, hangs, some_rack());
}

static void most_of_a_rack(void)
{
	uint32_t rack = some_rack(), n = (uint32_t)sim_between(3, PATTERN_RACK - 1);

	for (uint32_t k = 0; k < n; k++)
		at(sim_between(0, 1000), is_cut_off, rack * PATTERN_RACK + k);
}

static void noise_on_two_paths(void)
{
	const uint32_t *order = shuffled();
	int64_t later_ms = seconds(0, 20);

	share_at(0, loses_probe, order, some_share());
	order = shuffled();
	share_at(later_ms, loses_bus, order, some_share());
}

static const struct pattern_family families[] = {
    {"rack-power", "a rack loses its power; its BMCs live and read off", rack_power},
    {"rack-off-network", "all networks of a rack are cut; its hosts live, their BMCs read on", rack_off_net},
    {"bus-and-rack", "the message bus is dead while a rack loses its power", bus_and_rack},
    {"mass-hang", "10 to 400 hosts hang; their BMCs read on", mass_hang},
    {"death-in-noise", "one host dies while a tenth of the cloud cannot be probed", death_in_noise},
    {"share-both-paths", "1 to 60 % of all hosts are cut off on both paths, and live", both_share},
    {"rack-power-and-bmcs", "a rack loses its power with its BMCs, which may come back later", rack_power_and_bmcs},
    {"rack-unprobed", "the management network of a rack is cut; Nova hears its hosts", rack_probe_cut},
    {"bus-dead", "the message bus is dead", bus_dead},
    {"conductor-stall", "no conductor writes what the hosts report", conductor_stall},
    {"off-management", "the controller is cut off from hosts and BMCs", off_management},
    {"off-everything", "the controller is cut off from hosts, BMCs and the API", off_everything},
    {"off-management-rack-off-bus", "the same, and a living rack is off the bus", off_management_with_rack_off_bus},
    {"bus-dead-rack-unprobed", "the bus is dead and a living rack cannot be probed", bus_dead_and_rack_unprobed},
    {"share-unprobed", "1 to 60 % of all hosts cannot be probed", probe_share},
    {"share-off-bus", "1 to 60 % of all hosts are off the bus", bus_share},
    {"rolling-deaths", "8 to 30 hosts lose their power one after the other", rolling_deaths},
    {"rolling-hangs", "8 to 30 hosts hang one after the other", rolling_hangs},
    {"rolling-cuts", "8 to 30 living hosts are cut off one after the other", rolling_cuts},
    {"supply-second-rack", "a supply feeds every second rack and their BMCs, and fails", supply_of_every_second},
    {"supply-some-racks", "a supply feeds two to four racks, and fails; the BMCs live", supply_of_some},
    {"flapping-switch", "the switch of a rack goes and comes six times", flapping_switch},
    {"blip", "the whole cloud is cut off for 2 to 50 s", blip},
    {"two-racks", "two racks lose their power 30 s apart", two_racks},
    {"deaths-under-hold", "200 hosts are cut off, then 100 lose their power", deaths_under_hold},
    {"return-storm", "200 hosts are cut off and join again one by one; 20 have lost their power", return_storm},
    {"half-comes-back", "a rack loses its power, half of it comes back in the middle", half_comes_back},
    {"slow-bmcs", "every BMC takes 1 to 2 s while a rack loses its power", slow_bmcs},
    {"lossy-bmcs", "every third question to a BMC is lost while 30 living hosts are cut off", lossy_bmcs},
    {"bmc-network-cut", "no BMC can be reached while a rack loses its power, then all", bmc_net_cut},
    {"cut-rack-and-dead-rack", "a rack is cut off and another one loses its power", cut_rack_and_dead_rack},
    {"cut-then-dead", "a rack is cut off, later it loses its power", cut_then_dead},
    {"death-under-stall", "one host dies while the conductor stalls", death_under_stall},
    {"death-in-share", "two hosts die while 1 to 60 % are cut off", death_in_share},
    {"two-deaths", "two hosts die together, as many as the breaker lets through", pair_of_deaths},
    {"rack-and-kill", "a rack loses its power, and the daemon is killed", rack_and_kill},
    {"rack-and-freeze", "a rack loses its power, and the daemon stands still", rack_and_freeze},
    {"cut-and-freeze", "a rack is cut off, the daemon stands still and is killed later", cut_and_freeze},
    {"rack-and-slow-store", "a rack loses its power while the disk takes up to 500 ms", rack_and_slow_store},
    {"rack-hangs", "a whole rack hangs; its BMCs read on", kernel_bug_in_rack},
    {"part-of-a-rack", "3 to 24 hosts of a rack are cut off, and live", most_of_a_rack},
    {"noise-on-two-paths", "shares of all hosts fail on one path each, by chance some on both", noise_on_two_paths},
};

static const struct pattern_family beyond[] = {
    {"five-racks", "five racks lose their power at once", five_racks},
    {"ten-racks", "ten racks lose their power at once", ten_racks},
    {"twenty-racks", "half of the cloud loses its power at once", twenty_racks},
};

const struct pattern_family *pattern_family_at(unsigned k, bool is_beyond)
{
	if (is_beyond)
		return k < sizeof(beyond) / sizeof(beyond[0]) ? &beyond[k] : NULL;
	return k < sizeof(families) / sizeof(families[0]) ? &families[k] : NULL;
}
