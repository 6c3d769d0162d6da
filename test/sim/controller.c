/* SPDX-License-Identifier: Apache-2.0 */
/* Daemons on simulated controllers; see the header. The daemon is opened and closed by its own code. */
#include "test/sim/controller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"

static char folder[200];
static enum host_mode mode;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void write_clouds(void)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char path[256];

	snprintf(path, sizeof(path), "%s/clouds.yaml", folder);
	strbuf_printf(&sb,
	    "clouds:\n  sim:\n    auth:\n      auth_url: %s/identity\n      username: admin\n      password: %s\n"
	    "      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n"
	    "    region_name: RegionOne\n    interface: public\n",
	    cloudsim_model_config(realm.cloud)->url, cloudsim_model_config(realm.cloud)->admin_password);
	write_file(path, sb.text);
}

/* One for each mode, since runs beside one another read them. */
static const char *config_file(enum host_mode m)
{
	static const char *const files[MODE_N] = {"osha.yaml", "osha-ask.yaml", "osha-observe.yaml"};

	return files[m];
}

void controller_mode_set(enum host_mode m)
{
	mode = m;
}

enum host_mode controller_mode(void)
{
	return mode;
}

static void write_config(const struct controller_config *config, enum host_mode m)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char path[256];

	strbuf_printf(&sb,
	    "cloud: {name: sim, clouds-file: %s/clouds.yaml}\nstate-dir: /sim/state\nsocket: /sim/osha.sock\n",
	    config->folder);
	if (!config->is_slow)
		strbuf_puts(&sb, "verdict: {service-down-time: 4s, recheck-after: 3s}\n");
	strbuf_printf(&sb, "fencing: {agent-path: [%s]}\n", folder);
	strbuf_puts(&sb, "notify: {admins: [ops@example.com], email: {server: mail.example.com, tls: none, from: "
			 "osha@example.com}}\n"
			 "segments:\n- {name: all, hosts: ['*'], fencing: [{name: bmc, agent: fence_sim, timeout: 20s, "
			 "parameters: {plug: '{host}'}}], ");
	strbuf_printf(&sb, "mode: %s}\nhosts:\n", host_mode_name(m));
	for (uint32_t h = 0; h < realm.host_n; h++)
		strbuf_printf(
		    &sb, "  %s: {address: %s}\n", realm_host_name(h), cloudsim_model_host_address(realm.cloud, h));
	strbuf_puts(&sb, config->extra);
	snprintf(path, sizeof(path), "%s/%s", folder, config_file(m));
	write_file(path, sb.text);
}

void controller_configure(const struct controller_config *config)
{
	char agent[256];

	snprintf(folder, sizeof(folder), "%s", config->folder);
	snprintf(agent, sizeof(agent), "%s/fence_sim", folder);
	write_file(agent, "#!/bin/false\n");
	(void)chmod(agent, 0755);
	write_clouds();
	for (int m = 0; m < MODE_N; m++)
		write_config(config, (enum host_mode)m);
}

void controller_unconfigure(void)
{
	const char *const files[] = {
	    config_file(MODE_AUTOMATIC), config_file(MODE_ASK), config_file(MODE_OBSERVE), "clouds.yaml", "fence_sim"};
	char path[256];

	for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[k]);
		(void)unlink(path);
	}
	(void)rmdir(folder);
}

static void daemon_end(struct sim_node *node)
{
	struct daemon *d = node->daemon;

	node->daemon = NULL;
	if (d) {
		daemon_close(d);
		free(d);
	}
	node->loop = NULL;
	node->control = NULL;
	node->stall_ms = node->wall_step_ms = node->frozen_until_ms = 0;
}

void controller_start(struct sim_node *node)
{
	static char config_path[256];
	struct osha_err err = {0};
	struct daemon *d;
	int r;

	if (node->daemon)
		return;
	d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	if (!node->store)
		node->store = store_new();
	sim.current = node;
	node->daemon = d;
	node->starts++;
	node->is_opening = true;
	snprintf(config_path, sizeof(config_path), "%s/%s", folder, config_file(mode));
	d->config_path = config_path;
	d->log_level = -1;
	r = daemon_open(d, &err);
	node->is_opening = false;
	if (node->is_dying) {
		controller_bury(node);
		return;
	}
	if (r == 0)
		r = daemon_run(d, &err);
	if (r == 0)
		return;
	if (sim.is_traced)
		printf("[%9.3f] oshad did not start: %s\n", (double)sim.now_ms / 1000, err.msg);
	daemon_end(node);
	sim_after(5000, controller_start_later, node);
}

void controller_start_later(void *node)
{
	if (!sim.is_over)
		controller_start(node);
}

void controller_stop(struct sim_node *node)
{
	sim.current = node;
	daemon_end(node);
}

void controller_bury(struct sim_node *node)
{
	if (sim.is_traced)
		printf("[%9.3f] --- oshad was killed\n", (double)sim.now_ms / 1000);
	sim.current = node;
	daemon_end(node);
	node->is_dying = false;
	sim_after(sim_between(50, 5000), controller_start_later, node);
}

void controller_replied(struct sim_node *node, const char *line, size_t size)
{
	(void)node;
	if (sim.is_traced)
		printf("[%9.3f] answer: %.*s\n", (double)sim.now_ms / 1000, size > 200 ? 200 : (int)size, line);
}

void controller_line(struct sim_node *node, int priority, const char *text)
{
	(void)node;
	if (sim.is_traced)
		printf("[%9.3f] <%d> %s\n", (double)sim.now_ms / 1000, priority, text);
}
