/* SPDX-License-Identifier: Apache-2.0 */
/* The world around the controllers; see the header. */
#include "test/sim/realm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct realm realm;

static const struct realm_path LAN = {.low_ms = 1, .high_ms = 3};

static void config_fill(struct cloudsim_config *c, const struct realm_size *size)
{
	cloudsim_config_default(c);
	c->hosts = size->hosts;
	c->instances = size->instances;
	c->projects = size->projects;
	c->seed = rng_next(&sim.rng);
	c->wall_offset_ms = SIM_WALL_ZERO_MS;
	c->token_ttl_ms = 3600 * 1000;
	memcpy(c->url, "http://cloud.sim", sizeof("http://cloud.sim"));
	memcpy(c->host_prefix, "c", 2); /* c1 and c10: names that begin alike */
	c->boot_ms = sim_between(20000, 60000);
	c->compute_start_ms = sim_between(2000, 8000);
	c->schedule_ms = (struct cloudsim_span){20, 600};
	c->rebuild_ms = (struct cloudsim_span){200, 5000};
	c->gap_ms = (struct cloudsim_span){1, 50};
	if (!size->is_slow)
		return;
	c->report_interval_ms = 10000;
	c->service_down_ms = 60000;
}

void realm_begin(const struct realm_size *size)
{
	struct cloudsim_config config;

	realm = (struct realm){.host_n = size->hosts, .api = LAN, .mail = LAN};
	config_fill(&config, size);
	if (cloudsim_model_new(&config, sim.now_ms, &realm.cloud, NULL) < 0)
		abort();
	for (uint32_t h = 0; h < realm.host_n; h++)
		realm.host[h] = (struct realm_host){.probe = LAN,
		    .bmc_path = LAN,
		    .bmc = {.wired_to = h, .low_ms = 30, .high_ms = 800},
		    .pdu = {.wired_to = h, .low_ms = 30, .high_ms = 800}};
}

void realm_end(void)
{
	cloudsim_model_free(realm.cloud);
	realm.cloud = NULL;
}

uint32_t realm_host_find(const char *name)
{
	int at = cloudsim_model_host_find(realm.cloud, name);

	return at < 0 ? UINT32_MAX : (uint32_t)at;
}

/* The model numbers its addresses as it numbers its hosts; where that is not so they are searched. */
static uint32_t likely_at(const char *address)
{
	static const char begin[] = "127.10.";
	unsigned long high, low;
	char *end;

	if (strncmp(address, begin, sizeof(begin) - 1) != 0)
		return 0;
	high = strtoul(address + sizeof(begin) - 1, &end, 10);
	low = *end == '.' ? strtoul(end + 1, &end, 10) : 0;
	return *end || !low ? 0 : (uint32_t)(high * 250 + low - 1);
}

uint32_t realm_host_at(const char *address)
{
	uint32_t likely = likely_at(address);

	if (likely < realm.host_n && strcmp(cloudsim_model_host_address(realm.cloud, likely), address) == 0)
		return likely;
	for (uint32_t h = 0; h < realm.host_n; h++) {
		if (strcmp(cloudsim_model_host_address(realm.cloud, h), address) == 0)
			return h;
	}
	return UINT32_MAX;
}

const char *realm_host_name(uint32_t host)
{
	return cloudsim_model_host_name(realm.cloud, host);
}

bool realm_is_on(uint32_t host)
{
	return cloudsim_model_host_is_on(realm.cloud, host);
}

bool realm_is_alive(uint32_t host)
{
	return realm_is_on(host) && !realm.host[host].is_hung;
}

static void silence_note(uint32_t host)
{
	struct realm_host *h = &realm.host[host];
	bool is_silent = !realm_is_alive(host) || h->probe.is_cut;

	if (is_silent && !h->silent_ms)
		h->silent_ms = sim.now_ms;
	if (is_silent)
		return;
	h->silent_ms = 0;
	h->heard_ms = sim.now_ms;
}

void realm_listed(void)
{
	for (uint32_t h = 0; h < realm.host_n; h++) {
		bool is_up = cloudsim_model_host_is_up(realm.cloud, sim.now_ms, h);

		if (is_up && !realm.host[h].is_listed_up)
			realm.host[h].listed_up_ms = sim.now_ms;
		realm.host[h].is_listed_up = is_up;
	}
}

bool realm_is_down(uint32_t host, int64_t noticed_ms)
{
	const struct realm_host *h = &realm.host[host];

	if (realm_is_alive(host) && !h->probe.is_cut)
		return false;
	return !cloudsim_model_host_is_up(realm.cloud, sim.now_ms, host) || !h->is_listed_up ||
	       sim.now_ms - h->listed_up_ms < noticed_ms;
}

void realm_probe_cut(uint32_t host, bool is_cut)
{
	realm.host[host].probe.is_cut = is_cut || realm.host[host].is_isolated;
	silence_note(host);
}

void realm_power(uint32_t host, bool is_on)
{
	struct realm_host *h = &realm.host[host];

	if (realm_is_on(host) != is_on)
		sim_say("", "--- power %s (%s)", is_on ? "on" : "off", realm_host_name(host));
	if (is_on && !realm_is_on(host))
		h->on_ms = sim.now_ms;
	cloudsim_model_power(realm.cloud, sim.now_ms, realm_host_name(host), is_on);
	h->is_hung = false;
	h->dead_ms = is_on ? 0 : h->dead_ms ? h->dead_ms : sim.now_ms;
	silence_note(host);
}

/* Nothing of it is heard any more. One that is still booting never gets as far as its nova-compute. */
static void compute_falls_silent(uint32_t host)
{
	cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host),
	    cloudsim_model_host_runs(realm.cloud, host) ? CLOUDSIM_COMPUTE_HUNG : CLOUDSIM_COMPUTE_DOWN);
}

void realm_hang(uint32_t host)
{
	if (!realm_is_alive(host))
		return;
	realm.host[host].is_hung = true;
	realm.host[host].dead_ms = sim.now_ms;
	silence_note(host);
	compute_falls_silent(host);
}

void realm_isolate(uint32_t host, bool is_cut)
{
	struct realm_host *h = &realm.host[host];

	if (h->is_isolated == is_cut)
		return;
	h->is_isolated = h->probe.is_cut = is_cut;
	silence_note(host);
	if (!realm_is_alive(host))
		return;
	if (is_cut)
		compute_falls_silent(host);
	else
		cloudsim_model_compute(realm.cloud, sim.now_ms, realm_host_name(host), CLOUDSIM_COMPUTE_UP);
}

bool realm_device_answers(const struct realm_bmc *device, uint32_t host)
{
	return !device->is_dead && !(device->dies_with_host && !realm_is_on(host));
}

bool realm_device_is_on(const struct realm_bmc *device)
{
	return realm_is_on(device->wired_to);
}

void realm_device_cut(const struct realm_bmc *device)
{
	realm.host[device->wired_to].offs++;
	realm_power(device->wired_to, false);
}

int64_t path_delay_ms(const struct realm_path *path, bool is_back)
{
	if (path->is_cut || (is_back && path->is_cut_back) || rng_chance(&sim.rng, path->loss_per_mille))
		return -1;
	return sim_between(path->low_ms, path->high_ms);
}
