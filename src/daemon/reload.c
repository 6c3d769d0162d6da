/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: the new configuration whole or not at all. It is read and held against the agents first; only then is anything changed. */
#include <string.h>

#include "cloud/session.h"
#include "daemon/control_socket.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/log.h"
#include "io/notify.h"
#include "tell/template_folder.h"

enum { OLD_LOOK_MS = 500 };

static void reload_give_up(struct daemon *d, const char *why)
{
	daemon_problems_log(&d->next_problems);
	log_printf(LOG_P_ERR, "reload: %s: the configuration in use stays as it is", why);
	config_free(d->next_cfg);
	d->next_cfg = NULL;
	control_reload_ended(d, why, &d->next_problems);
	problems_free(&d->next_problems);
	notify_ready();
	if (d->is_reload_wanted)
		daemon_reload(d);
}

/* What a new configuration needs beside itself: made first, so that a failure leaves everything as it was. */
struct reload_parts {
	struct cloud_session *cloud;
	struct io_prober *prober;
};

static int parts_open(struct daemon *d, struct reload_parts *parts, struct osha_err *reterr)
{
	bool needs_icmp = d->next_cfg->monitors.probe.kind == CONFIG_PROBE_ICMP;
	int r = daemon_cloud_open(d->loop, d->next_cfg, &parts->cloud, reterr);

	if (r == 0)
		r = io_prober_create(d->loop, needs_icmp, &parts->prober, reterr);
	if (r == 0)
		r = daemon_log_open(d, d->next_cfg, reterr);
	if (r < 0) {
		cloud_session_free(&parts->cloud);
		io_prober_destroy(parts->prober);
	}
	return r;
}

void reload_close(struct daemon *d)
{
	io_timer_stop(&d->old_timer);
	cloud_session_free(&d->old_cloud);
}

/* A call that is cut off has to be looked for before it may be made again: so those under way come to their own ends. */
static void old_look(void *arg)
{
	struct cloud_session_stats stats;
	struct daemon *d = arg;

	cloud_session_stats_get(d->old_cloud, &stats);
	if (stats.waiting || stats.in_flight)
		return;
	reload_close(d);
	if (d->is_reload_wanted)
		daemon_reload(d);
}

static void reload_take(struct daemon *d, struct reload_parts *parts)
{
	struct io_prober *old_prober = d->env.prober;
	struct config *was = d->cfg;
	struct engine_options o;

	d->cfg = d->next_cfg;
	d->next_cfg = NULL;
	d->env.cfg = d->cfg;
	d->env.prober = parts->prober;
	d->old_cloud = d->env.cloud;
	d->env.cloud = parts->cloud;
	io_timer_start(d->loop, &d->old_timer, OLD_LOOK_MS, OLD_LOOK_MS, old_look, d);
	o = daemon_engine_options(d);
	recorder_options_set(d, &o);
	monitor_nova.reload(d->monitor[CONFIG_MONITOR_NOVA]);
	monitor_probe.reload(d->monitor[CONFIG_MONITOR_PROBE]);
	hosts_policy_all(d);
	telling_reload(d);
	io_prober_destroy(old_prober);
	config_free(was);
	control_reload_ended(d, NULL, &d->next_problems);
	problems_free(&d->next_problems);
	log_printf(LOG_P_NOTICE, "reload: the new configuration is in use");
	notify_ready();
	daemon_timer(d);
}

static void reload_checked(struct daemon *d, struct config_problems *problems)
{
	struct reload_parts parts = {0};
	struct osha_err err = {0};

	if (problems->error_n) {
		reload_give_up(d, "configuration wrong");
		return;
	}
	if (parts_open(d, &parts, &err) < 0) {
		reload_give_up(d, err.msg);
		return;
	}
	daemon_problems_log(problems);
	reload_take(d, &parts);
}

void daemon_reload(struct daemon *d)
{
	struct osha_err err = {0};

	d->is_reload_wanted = d->old_cloud != NULL || d->next_cfg != NULL;
	if (d->is_reload_wanted) {
		log_printf(LOG_P_NOTICE, "reload: waits for the one before");
		return;
	}
	notify_reloading();
	(void)log_reopen(NULL);
	d->next_problems = CONFIG_PROBLEMS_INIT;
	if (config_load(d->config_path, &d->next_cfg, &d->next_problems, &err) < 0 ||
	    config_reload_check(d->cfg, d->next_cfg, &d->next_problems, &err) < 0 ||
	    tell_folder_check(d->next_cfg, &d->next_problems, &err) < 0 ||
	    agents_check(d, d->next_cfg, &d->next_problems, reload_checked, &err) < 0)
		reload_give_up(d, err.msg);
}
