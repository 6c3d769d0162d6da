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
#include "test/sim/lease_service.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"

enum { SECOND_MS = 1000 };

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

/* One top-level option, unless the further lines give it anew. */
static void option_puts(struct strbuf *sb, const char *extra, const char *name, const char *value)
{
	size_t n = strlen(name);

	for (const char *at = extra; at && *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (strncmp(at, name, n) == 0 && at[n] == ':')
			return;
	}
	strbuf_printf(sb, "%s: %s\n", name, value);
}

static void hosts_puts(struct strbuf *sb, const char *extra)
{
	STRBUF_AUTO struct strbuf all = STRBUF_INIT;

	for (uint32_t h = 0; h < realm.host_n; h++)
		strbuf_printf(
		    &all, "\n  %s: {address: %s}", realm_host_name(h), cloudsim_model_host_address(realm.cloud, h));
	option_puts(sb, extra, "hosts", all.text);
}

/* FOLDER in further lines stands for the folder that the fence agent lies in. */
static void extra_puts(struct strbuf *sb, const char *extra)
{
	static const char name[] = "FOLDER";
	const char *at;

	for (; extra && (at = strstr(extra, name)); extra = at + sizeof(name) - 1) {
		strbuf_add(sb, extra, (size_t)(at - extra));
		strbuf_puts(sb, folder);
	}
	strbuf_puts(sb, extra);
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

static void write_config(bool is_slow, const char *extra, enum host_mode m)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char text[256];

	snprintf(text, sizeof(text), "{name: sim, clouds-file: %s/clouds.yaml}", folder);
	option_puts(&sb, extra, "cloud", text);
	option_puts(&sb, extra, "state-dir", "/sim/state");
	option_puts(&sb, extra, "socket", "/sim/osha.sock");
	if (!is_slow)
		option_puts(&sb, extra, "verdict", "{service-down-time: 4s, recheck-after: 3s}");
	/* what a day is elsewhere is some minutes in a cloud where hosts die and return all the time */
	if (!is_slow)
		option_puts(&sb, extra, "recovery", "{cool-down: 12s, flaps: 4, flap-window: 16m}");
	snprintf(text, sizeof(text), "{agent-path: [%s]}", folder);
	option_puts(&sb, extra, "fencing", text);
	option_puts(&sb, extra, "notify",
	    "{admins: [ops@example.com], email: {server: mail.example.com, tls: none, from: osha@example.com}}");
	snprintf(text, sizeof(text),
	    "\n- {name: all, hosts: ['*'], mode: %s, recoveries-at-once: 3, healthy-at-least: 40, fencing: [{name: "
	    "bmc, agent: fence_sim, timeout: 20s, "
	    "parameters: {plug: '{host}'}}]}",
	    host_mode_name(m));
	option_puts(&sb, extra, "segments", text);
	hosts_puts(&sb, extra);
	extra_puts(&sb, extra);
	snprintf(text, sizeof(text), "%s/%s", folder, config_file(m));
	write_file(text, sb.text);
}

static void make_folder(void)
{
	if (folder[0])
		return;
	str_copy(folder, sizeof(folder), "/tmp/osha-sim.XXXXXX");
	if (mkdtemp(folder))
		return;
	perror(folder);
	exit(1);
}

void controller_configure(bool is_slow, const char *extra)
{
	char agent[256];

	make_folder();
	snprintf(agent, sizeof(agent), "%s/fence_sim", folder);
	write_file(agent, "#!/bin/false\n");
	(void)chmod(agent, 0755);
	write_clouds();
	write_config(is_slow, extra, MODE_AUTOMATIC);
	for (int m = MODE_AUTOMATIC + 1; !extra && m < MODE_N; m++)
		write_config(is_slow, extra, (enum host_mode)m);
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
	folder[0] = '\0';
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
	node->anew_ms = sim.now_ms;
	node->is_opening = true;
	snprintf(config_path, sizeof(config_path), "%s/%s", folder, config_file(mode));
	d->config_path = config_path;
	d->log_level = -1;
	d->lease_driver = lease_service_driver();
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
	sim_say("", "oshad did not start: %s", err.msg);
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

void controllers_start(void)
{
	controller_start(&sim.node[0]);
	if (lease_service.is_on) /* later, so that the first one leads at the beginning */
		sim_after(SECOND_MS, controller_start_later, &sim.node[1]);
}

void controllers_stop(void)
{
	struct sim_store *store = sim.node[0].store;

	for (int k = 0; k < SIM_NODES_MAX; k++) {
		controller_stop(&sim.node[k]);
		sim.node[k].store = NULL;
	}
	store_free(store);
	lease_service_end();
}

void controller_bury(struct sim_node *node)
{
	if (lease_service.is_on)
		sim_say("", "--- oshad was killed on node %d", (int)(node - sim.node) + 1);
	else
		sim_say("", "--- oshad was killed");
	sim.current = node;
	daemon_end(node);
	node->is_dying = false;
	if (node->stays_dead)
		node->stays_dead = false; /* this once */
	else
		sim_after(sim_between(50, 5000), controller_start_later, node);
}

void controller_resign(struct sim_node *node)
{
	if (node->daemon && !node->is_opening && sim_enter(node))
		(void)lead_resign(node->daemon, "it was told to");
}

void controller_replied(struct sim_node *node, const char *line, size_t size)
{
	(void)node;
	sim_say("", "answer: %.*s", (int)size, line);
}

void controller_line(struct sim_node *node, int priority, const char *text)
{
	char mark[8];

	snprintf(mark, sizeof(mark), "<%d> ", priority);
	if (lease_service.is_on)
		sim_say(mark, "node %d: %s", (int)(node - sim.node) + 1, text);
	else
		sim_say(mark, "%s", text);
}
