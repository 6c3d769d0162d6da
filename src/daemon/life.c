/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life: what is opened, in which order, and given back in the reverse one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "daemon/control_socket.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/file.h"
#include "io/log.h"
#include "io/notify.h"
#include "tell/template_folder.h"

struct engine_options daemon_engine_options(const struct daemon *d)
{
	const struct config *c = d->cfg;
	struct engine_options o = engine_options_default();

	o.monitor_n = CONFIG_MONITOR_N;
	str_copy(o.monitor_path[CONFIG_MONITOR_NOVA], MONITOR_PATH_SIZE, c->monitors.nova.path);
	str_copy(o.monitor_path[CONFIG_MONITOR_PROBE], MONITOR_PATH_SIZE, c->monitors.probe.path);
	o.service_down_time_ms = c->verdict.service_down_time_ms;
	o.recheck_after_ms = c->verdict.recheck_after_ms;
	o.look_timeout_ms = c->verdict.confirm_timeout_ms;
	o.look_attempts = (uint32_t)c->verdict.confirm_attempts;
	o.degraded_after_ms = c->verdict.degraded_after_ms;
	o.mass_hosts_n = (uint32_t)c->breaker.hosts;
	o.mass_per_mille = (uint32_t)c->breaker.percent * 10;
	o.mass_resume_n = (uint32_t)c->breaker.resume;
	o.off_readings_n = (uint32_t)c->fencing.off_readings;
	o.power_status_timeout_ms = c->fencing.status_timeout_ms;
	o.power_status_attempts = (uint32_t)c->fencing.status_attempts;
	o.power_poll_ms = c->fencing.power_poll_ms;
	o.cloud_timeout_ms = c->recovery.step_timeout_ms;
	o.cloud_attempts = (uint32_t)c->recovery.step_attempts;
	o.list_timeout_ms = c->recovery.step_timeout_ms * 2;
	o.retry_ms = c->recovery.retry_first_ms;
	o.retry_max_ms = c->recovery.retry_max_ms;
	o.hold_retry_ms = c->recovery.hold_retry_ms;
	o.return_timeout_ms = c->recovery.return_timeout_ms;
	o.recoveries_n = (uint32_t)c->recovery.at_once;
	o.cool_down_ms = c->recovery.cool_down_ms;
	o.flaps_n = (uint32_t)c->recovery.flaps;
	o.flap_window_ms = c->recovery.flap_window_ms;
	o.evacuate_per_host_n = (uint32_t)c->evacuation.per_host;
	o.evacuate_fleet_n = (uint32_t)c->evacuation.total;
	o.evacuate_attempts = (uint32_t)c->evacuation.attempts;
	o.evacuate_timeout_ms = c->cloud.request_timeout_ms;
	o.evacuate_settle_ms = c->evacuation.settle_ms;
	o.rebuild_timeout_ms = c->evacuation.stuck_after_ms;
	o.poll_ms = c->evacuation.poll_ms;
	o.reset_unsupported = c->evacuation.unsupported_states == CONFIG_TREAT_RESET;
	o.dry_run = d->is_dry_run;
	return o;
}

void daemon_problems_log(const struct config_problems *problems)
{
	for (size_t k = 0; k < problems->n; k++)
		log_printf(problems->items[k].is_warning ? LOG_P_WARNING : LOG_P_ERR, "%s", problems->items[k].text);
	if (problems->error_n + problems->warning_n > problems->n)
		log_printf(LOG_P_ERR, "and %zu more", problems->error_n + problems->warning_n - problems->n);
}

int daemon_log_open(struct daemon *d, const struct config *cfg, struct osha_err *reterr)
{
	static const enum log_target targets[CONFIG_LOG_TARGET_N] = {
	    [CONFIG_LOG_STDERR] = LOG_TO_STDERR, [CONFIG_LOG_SYSLOG] = LOG_TO_SYSLOG, [CONFIG_LOG_FILE] = LOG_TO_FILE};
	static const enum log_priority levels[CONFIG_LEVEL_N] = {[CONFIG_LEVEL_ERROR] = LOG_P_ERR,
	    [CONFIG_LEVEL_WARNING] = LOG_P_WARNING,
	    [CONFIG_LEVEL_NOTICE] = LOG_P_NOTICE,
	    [CONFIG_LEVEL_INFO] = LOG_P_INFO,
	    [CONFIG_LEVEL_DEBUG] = LOG_P_DEBUG};
	enum log_priority level = d->log_level >= 0 ? (enum log_priority)d->log_level : levels[cfg->log.level];

	return log_open(targets[cfg->log.to], cfg->log.file, "oshad", level, reterr);
}

static int config_open(struct daemon *d, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	int r = config_load(d->config_path, &d->cfg, &problems, reterr);

	if (r == 0)
		r = tell_folder_check(d->cfg, &problems, reterr);
	daemon_problems_log(&problems);
	if (r < 0)
		return r;
	d->env.cfg = d->cfg;
	return daemon_log_open(d, d->cfg, reterr);
}

static int journal_start(struct daemon *d, struct osha_err *reterr)
{
	struct journal_opts opts = {.now_wall_ms = io_wall_ms(),
	    .notify = keeping_notify,
	    .notify_arg = d,
	    .answer = keeping_answer,
	    .answer_arg = d};
	char path[256];
	int r;

	if (d->is_dry_run)
		r = dry_run_journal(d, path, sizeof(path), reterr);
	else
		r = keeping_path(d->cfg, path, sizeof(path)) ? io_dir_make(d->cfg->state_dir, 0750, reterr)
							     : -OSHA_E_CONFIG;
	if (r == 0)
		r = journal_open(path, &opts, &d->journal, reterr);
	if (r == 0)
		r = lead_open(d, reterr);
	return r;
}

static void agents_are_checked(struct daemon *d, struct config_problems *problems)
{
	(void)problems;
	io_loop_stop(d->loop);
}

/* Nothing else lives on the loop yet, so that it may turn for this alone. */
static int agents_open(struct daemon *d, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	int r = agents_check(d, d->cfg, &problems, agents_are_checked, reterr);

	if (r == 0)
		r = io_loop_run(d->loop, reterr);
	if (r < 0)
		return r;
	problems_sort(&problems);
	daemon_problems_log(&problems);
	return problems.error_n
		   ? osha_err_set(reterr, OSHA_E_CONFIG, "%zu errors in %s", problems.error_n, d->config_path)
		   : 0;
}

static void stalled(void *arg, enum io_stall kind, int64_t ms)
{
	struct daemon *d = arg;
	struct engine_event ev = {.type = ENGINE_STALLED, .stall_ms = ms < 0 ? -ms : ms};

	(void)kind;
	if (!d->is_stepping)
		lead_look(d);
	if (d->engine && !d->is_stepping)
		daemon_event(d, &ev, NULL);
}

static void signalled(void *arg, int signum)
{
	struct daemon *d = arg;

	if (signum == SIGHUP) {
		daemon_reload(d);
		return;
	}
	log_printf(LOG_P_NOTICE, "stopping: signal %d", signum);
	daemon_stop(d, d->is_once ? EXIT_NOT_RECOVERED : EXIT_ALL_WELL); /* a pass that was cut short knows nothing */
}

static int loop_open(struct daemon *d, struct osha_err *reterr)
{
	int r = io_loop_create(&d->loop, reterr);

	if (r < 0)
		return r;
	d->env.loop = d->loop;
	r = io_http_create(d->loop, NULL, &d->http, reterr);
	if (r == 0)
		r = io_prober_create(d->loop, d->cfg->monitors.probe.kind == CONFIG_PROBE_ICMP, &d->env.prober, reterr);
	return r;
}

static int signals_open(struct daemon *d, struct osha_err *reterr)
{
	static const int all[] = {SIGTERM, SIGINT, SIGHUP};

	(void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is the journal's error, not our end */
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		int r = io_loop_signal(d->loop, all[k], signalled, d, reterr);

		if (r < 0)
			return r;
	}
	io_loop_watch_stalls(d->loop, DAEMON_STALL_MS, DAEMON_WALL_STEP_MS, stalled, d);
	return 0;
}

static int engine_open(struct daemon *d, struct osha_err *reterr)
{
	struct engine_options o = daemon_engine_options(d);

	recorder_open(d);
	d->engine = recorder_create(d, &o);
	d->actions = calloc(1, sizeof(*d->actions));
	if (!d->engine || !d->actions)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the engine");
	if (d->is_dry_run)
		return dry_run_load(d, reterr);
	return lead_is_on(d) ? keeping_load(d, reterr) : 0;
}

int daemon_open(struct daemon *d, struct osha_err *reterr)
{
	static int (*const steps[])(struct daemon *, struct osha_err *) = {
	    config_open, loop_open, journal_start, agents_open, signals_open, perform_open};
	int r = 0;

	for (size_t k = 0; r == 0 && k < sizeof(steps) / sizeof(steps[0]); k++)
		r = steps[k](d, reterr);
	if (r == 0)
		r = daemon_cloud_open(d->loop, d->cfg, &d->env.cloud, reterr);
	if (r == 0)
		r = telling_open(d, reterr);
	if (r == 0)
		r = engine_open(d, reterr);
	if (r == 0)
		r = hosts_watch(d, reterr);
	if (r == 0 && !d->is_dry_run && !d->is_once)
		r = control_open(d, reterr);
	return r;
}

static void watchdog(void *arg)
{
	(void)arg;
	notify_watchdog();
}

int daemon_run(struct daemon *d, struct osha_err *reterr)
{
	if (lead_is_on(d))
		log_printf(
		    LOG_P_NOTICE, "watching: store %s, epoch %llu", d->store.tag, (unsigned long long)d->store.epoch);
	if (lead_is_on(d))
		devices_start(d);
	if (d->is_once)
		once_start(d);
	if (notify_watchdog_ms() > 0)
		io_timer_start(d->loop, &d->watchdog_timer, notify_watchdog_ms(), notify_watchdog_ms(), watchdog, d);
	notify_ready();
	lead_start(d);
	return io_loop_run(d->loop, reterr);
}

void daemon_stop(struct daemon *d, int exit_status)
{
	if (d->is_stopping)
		return;
	d->is_stopping = true;
	d->exit_status = exit_status;
	io_loop_stop(d->loop);
}

void daemon_close(struct daemon *d)
{
	d->is_stopping = true;
	notify_stopping();
	control_close(d);
	io_timer_stop(&d->once_timer);
	io_timer_stop(&d->watchdog_timer);
	io_timer_stop(&d->timer);
	devices_stop(d);
	hosts_unwatch(d);
	perform_close(d);
	telling_close(d);
	reload_close(d);
	cloud_session_free(&d->env.cloud);
	io_prober_destroy(d->env.prober);
	io_http_destroy(d->http);
	journal_close(d->journal);
	d->journal = NULL;
	lead_close(d); /* what was written is written: another one may lead */
	dry_run_clean(d);
	recorder_close(d);
	engine_destroy(d->engine);
	if (d->loop)
		io_loop_destroy(d->loop);
	free(d->actions);
	free(d->hosts);
	free(d->deferred);
	config_free(d->next_cfg);
	config_free(d->cfg);
	log_close();
}
