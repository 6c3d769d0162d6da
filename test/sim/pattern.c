/* SPDX-License-Identifier: Apache-2.0 */
/* The families of patterns; see the header. What is counted of them is pattern_run.c's. */
#include "test/sim/pattern.h"

#include "test/sim/clockwork.h"
#include "test/sim/pattern_deed.h"

enum { SECOND = 1000 };

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

static int64_t seconds(int64_t low, int64_t high)
{
	return SECOND * sim_between(low, high);
}

/* --- the families --- */

static void rack_power(void)
{
	deed_rack_at(0, DEED_DIES, some_rack());
}

static void rack_off_net(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_IS_CUT_OFF, rack);
	if (sim_between(0, 1))
		deed_rack_at(seconds(70, 200), DEED_IS_JOINED, rack);
}

static void bus_and_rack(void)
{
	uint32_t rack = some_rack();

	deed_at(0, DEED_BUS_GOES, 0);
	deed_rack_at(seconds(0, 60), DEED_DIES, rack);
	deed_at(seconds(80, 150), DEED_BUS_RETURNS, 0);
}

static void mass_hang(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_HANGS, order, (uint32_t)sim_between(10, 400));
}

static void death_in_noise(void)
{
	const uint32_t *order = shuffled();
	uint32_t which = (uint32_t)sim_between(0, PATTERN_HOSTS - 1);

	deed_share_at(0, DEED_LOSES_PROBE, order, 100);
	deed_at(seconds(0, 30), DEED_DIES, order[which]);
}

static void both_share(void)
{
	const uint32_t *order = shuffled();
	uint32_t n = some_share();

	deed_share_at(0, DEED_IS_CUT_OFF, order, n);
	if (sim_between(0, 1))
		deed_share_at(seconds(80, 200), DEED_IS_JOINED, order, n);
}

static void rack_power_and_bmcs(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_DIES_WITH_BMC, rack);
	if (sim_between(0, 1))
		deed_rack_at(seconds(90, 150), DEED_BMC_IS_BACK, rack);
}

static void rack_probe_cut(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_LOSES_PROBE, rack);
	deed_rack_at(seconds(20, 200), DEED_HAS_PROBE, rack);
}

static void bus_dead(void)
{
	deed_at(0, DEED_BUS_GOES, 0);
	deed_at(seconds(70, 200), DEED_BUS_RETURNS, 0);
}

static void conductor_stall(void)
{
	deed_at(0, DEED_CONDUCTOR_GOES, 0);
	deed_at(seconds(30, 200), DEED_CONDUCTOR_RETURNS, 0);
}

static void off_management(void)
{
	int64_t ms = seconds(20, 200);

	deed_all_at(0, DEED_LOSES_PROBE);
	deed_all_at(0, DEED_LOSES_BMC);
	deed_all_at(ms, DEED_HAS_PROBE);
	deed_all_at(ms, DEED_HAS_BMC);
}

static void off_everything(void)
{
	deed_at(0, DEED_API_GOES, 0);
	deed_at(seconds(20, 150), DEED_API_RETURNS, 0);
	off_management();
}

static void off_management_with_rack_off_bus(void)
{
	off_management();
	deed_rack_at(0, DEED_LOSES_BUS, some_rack());
}

static void bus_dead_and_rack_unprobed(void)
{
	uint32_t rack = some_rack();

	bus_dead();
	deed_rack_at(seconds(0, 30), DEED_LOSES_PROBE, rack);
}

static void probe_share(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_LOSES_PROBE, order, some_share());
}

static void bus_share(void)
{
	const uint32_t *order = shuffled();
	uint32_t n = some_share();

	deed_share_at(0, DEED_LOSES_BUS, order, n);
	deed_share_at(seconds(80, 200), DEED_HAS_BUS, order, n);
}

static void rolling(enum deed_kind kind, int64_t low_s, int64_t high_s)
{
	const uint32_t *order = shuffled();
	uint32_t n = (uint32_t)sim_between(8, 30);
	int64_t ms = 0;

	for (uint32_t k = 0; k < n; k++) {
		deed_at(ms, kind, order[k]);
		ms += SECOND * sim_between(low_s, high_s);
	}
}

static void rolling_deaths(void)
{
	rolling(DEED_DIES, 1, 6);
}

static void rolling_hangs(void)
{
	rolling(DEED_HANGS, 1, 8);
}

static void rolling_cuts(void)
{
	rolling(DEED_IS_CUT_OFF, 1, 8);
}

static void supply_of_every_second(void)
{
	for (uint32_t rack = 0; rack < PATTERN_RACKS; rack += 2)
		deed_rack_at(sim_between(0, 500), DEED_DIES_WITH_BMC, rack);
}

static void supply_of_some(void)
{
	uint32_t step = (uint32_t)sim_between(10, 20);

	for (uint32_t rack = some_rack() % step; rack < PATTERN_RACKS; rack += step)
		deed_rack_at(sim_between(0, 500), DEED_DIES, rack);
}

static void many_racks(uint32_t n)
{
	for (uint32_t rack = 0; rack < n; rack++)
		deed_rack_at(sim_between(0, 500), DEED_DIES, rack);
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
		deed_rack_at(ms, DEED_IS_CUT_OFF, rack);
		ms += seconds(10, 75);
		deed_rack_at(ms, DEED_IS_JOINED, rack);
		ms += seconds(5, 40);
	}
}

static void blip(void)
{
	deed_all_at(0, DEED_IS_CUT_OFF);
	deed_all_at(seconds(2, 50), DEED_IS_JOINED);
}

static void two_racks(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_DIES, rack);
	rack = other_rack(rack);
	deed_rack_at(seconds(25, 35), DEED_DIES, rack);
}

static void deaths_under_hold(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_IS_CUT_OFF, order, 200);
	deed_share_at(seconds(70, 100), DEED_DIES, order + 150, 100);
}

static void return_storm(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_IS_CUT_OFF, order, 200);
	deed_share_at(0, DEED_DIES, order + 190, 20);
	for (uint32_t k = 0; k < 200; k++)
		deed_at(seconds(70, 160), DEED_IS_JOINED, order[k]);
}

static void half_comes_back(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_DIES, rack);
	for (uint32_t k = 0; k < PATTERN_RACK / 2; k++)
		deed_at(seconds(20, 120), DEED_COMES_BACK, rack * PATTERN_RACK + k);
}

static void slow_bmcs(void)
{
	deed_all_at(0, DEED_BMC_IS_SLOW);
	deed_rack_at(SECOND, DEED_DIES, some_rack());
}

static void lossy_bmcs(void)
{
	const uint32_t *order = shuffled();

	deed_all_at(0, DEED_BMC_IS_LOSSY);
	deed_share_at(SECOND, DEED_IS_CUT_OFF, order, 30);
}

static void bmc_net_cut(void)
{
	uint32_t rack = some_rack();

	deed_all_at(0, DEED_LOSES_BMC);
	deed_rack_at(seconds(0, 5), DEED_DIES, rack);
	deed_all_at(seconds(60, 140), DEED_HAS_BMC);
}

static void cut_rack_and_dead_rack(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_IS_CUT_OFF, rack);
	rack = other_rack(rack);
	deed_rack_at(seconds(0, 60), DEED_DIES, rack);
}

static void cut_then_dead(void)
{
	uint32_t rack = some_rack();

	deed_rack_at(0, DEED_IS_CUT_OFF, rack);
	deed_rack_at(seconds(30, 140), DEED_DIES, rack);
}

static void death_under_stall(void)
{
	uint32_t host = (uint32_t)sim_between(0, PATTERN_HOSTS - 1);

	deed_at(0, DEED_CONDUCTOR_GOES, 0);
	deed_at(seconds(0, 60), DEED_DIES, host);
	deed_at(seconds(80, 140), DEED_CONDUCTOR_RETURNS, 0);
}

static void death_in_share(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_IS_CUT_OFF, order, some_share());
	deed_at(seconds(0, 90), DEED_DIES, order[999]);
	deed_at(seconds(0, 90), DEED_DIES, order[0]);
}

static void pair_of_deaths(void)
{
	const uint32_t *order = shuffled();

	deed_share_at(0, DEED_DIES, order, 2);
}

static void rack_and_kill(void)
{
	deed_rack_at(0, DEED_DIES, some_rack());
	deed_at(seconds(60, 90), DEED_OSHAD_IS_KILLED, 0);
}

static void rack_and_freeze(void)
{
	deed_rack_at(0, DEED_DIES, some_rack());
	deed_at(seconds(60, 75), DEED_OSHAD_FREEZES, 0);
}

static void cut_and_freeze(void)
{
	deed_rack_at(0, DEED_IS_CUT_OFF, some_rack());
	deed_at(seconds(30, 90), DEED_OSHAD_FREEZES, 0);
	deed_at(seconds(100, 130), DEED_OSHAD_IS_KILLED, 0);
}

static void rack_and_slow_store(void)
{
	deed_at(0, DEED_STORE_IS_SLOW, 0);
	deed_rack_at(0, DEED_DIES, some_rack());
}

static void kernel_bug_in_rack(void)
{
	deed_rack_at(0, DEED_HANGS, some_rack());
}

static void most_of_a_rack(void)
{
	uint32_t rack = some_rack(), n = (uint32_t)sim_between(3, PATTERN_RACK - 1);

	for (uint32_t k = 0; k < n; k++)
		deed_at(sim_between(0, 1000), DEED_IS_CUT_OFF, rack * PATTERN_RACK + k);
}

static void noise_on_two_paths(void)
{
	const uint32_t *order = shuffled();
	int64_t later_ms = seconds(0, 20);

	deed_share_at(0, DEED_LOSES_PROBE, order, some_share());
	order = shuffled();
	deed_share_at(later_ms, DEED_LOSES_BUS, order, some_share());
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
