/* SPDX-License-Identifier: Apache-2.0 */
/* SIGHUP: the new configuration whole or not at all. It is read and held against the agents first; only then is anything changed. */
#include <string.h>

#include "cloud/session.h"
#include "daemon/control_socket.h"
#include "daemon/daemon.h"
#include "daemon/telling.h"
#include "io/log.h"
#include "io/notify.h"

static void reload_give_up(struct daemon *d, const char *why)
{
	daemon_problems_log(&d->next_problems);
	log_printf(LOG_P_ERR, "reload: %s: the configuration in use stays as it is", why);
	config_free(d->next_cfg);
	d->next_cfg = NULL;
	problems_free(&d->next_problems);
	notify_ready();
}

/* The session follows the credentials, which may have changed in their own files. */
static void reload_take(struct daemon *d, struct cloud_session *cloud)
{
	struct cloud_session *old = d->env.cloud;
	struct config *was = d->cfg;
	struct engine_options o;

	perform_lose_cloud(d);
	d->cfg = d->next_cfg;
	d->next_cfg = NULL;
	d->env.cfg = d->cfg;
	o = daemon_engine_options(d);
	engine_options_set(d->engine, &o);
	hosts_policy_all(d);
	d->env.cloud = cloud;
	monitor_nova.reload(d->monitor[CONFIG_MONITOR_NOVA]);
	monitor_probe.reload(d->monitor[CONFIG_MONITOR_PROBE]);
	telling_reload(d);
	cloud_session_free(&old);
	config_free(was);
	problems_free(&d->next_problems);
	log_printf(LOG_P_NOTICE, "reload: the new configuration is in use");
	notify_ready();
	daemon_timer(d);
}

static void reload_checked(struct daemon *d, struct config_problems *problems)
{
	struct cloud_session *cloud = NULL;
	struct osha_err err = {0};

	if (problems->error_n) {
		reload_give_up(d, "configuration wrong");
		return;
	}
	if (daemon_cloud_open(d->loop, d->next_cfg, &cloud, &err) < 0) {
		reload_give_up(d, err.msg);
		return;
	}
	daemon_problems_log(problems);
	reload_take(d, cloud);
}

void daemon_reload(struct daemon *d)
{
	struct osha_err err = {0};

	if (d->next_cfg) {
		log_printf(LOG_P_WARNING, "reload: one is under way");
		return;
	}
	notify_reloading();
	(void)log_reopen(NULL);
	d->next_problems = CONFIG_PROBLEMS_INIT;
	if (config_load(d->config_path, &d->next_cfg, &d->next_problems, &err) < 0 ||
	    config_reload_check(d->cfg, d->next_cfg, &d->next_problems, &err) < 0 ||
	    agents_check(d, d->next_cfg, &d->next_problems, reload_checked, &err) < 0)
		reload_give_up(d, err.msg);
}
