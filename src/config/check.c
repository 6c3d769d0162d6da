/* SPDX-License-Identifier: Apache-2.0 */
/* Rules within and between the top-level sections. */
#include <stdio.h>
#include <string.h>

#include "config/check.h"

/* "a must not be longer than b", for two durations or numbers. */
struct order {
	const char *path;
	const char *other;
	int64_t value, limit;
	bool is_duration;
};

static const char *number_text(bool is_duration, int64_t v, char *text, size_t size)
{
	if (is_duration)
		return duration_text(v, text, size);
	(void)snprintf(text, size, "%lld", (long long)v);
	return text;
}

static void check_orders(struct config_reader *r, const struct order *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct order *o = &all[i];
		char value[32], limit[32];
		if (o->value > o->limit)
			reader_error_at(r, o->path, "expected at most %s, as %s says, found %s; change one of them",
			    number_text(o->is_duration, o->limit, limit, sizeof(limit)), o->other,
			    number_text(o->is_duration, o->value, value, sizeof(value)));
	}
}

static void check_numbers(struct config_reader *r, const struct config *c)
{
	const struct config_evacuation *e = &c->evacuation;
	const struct order all[] = {
	    {"cloud.connect-timeout", "cloud.request-timeout", c->cloud.connect_timeout_ms, c->cloud.request_timeout_ms,
		true},
	    {"monitors.nova.interval", "verdict.service-down-time", c->monitors.nova.interval_ms,
		c->verdict.service_down_time_ms, true},
	    {"recovery.retry-first", "recovery.retry-max", c->recovery.retry_first_ms, c->recovery.retry_max_ms, true},
	    {"fencing.off-readings", "fencing.status-attempts", c->fencing.off_readings, c->fencing.status_attempts,
		false},
	    {"evacuation.per-host", "evacuation.total", e->per_host, e->total, false},
	    {"evacuation.poll", "evacuation.settle", e->poll_ms, e->settle_ms, true},
	    {"evacuation.settle", "evacuation.stuck-after", e->settle_ms, e->stuck_after_ms, true},
	    {"notify.retry-first", "notify.retry-max", c->notify.retry_first_ms, c->notify.retry_max_ms, true},
	    {"notify.retry-max", "notify.give-up", c->notify.retry_max_ms, c->notify.give_up_ms, true},
	};
	check_orders(r, all, sizeof(all) / sizeof(all[0]));
}

static void check_fresh(
    struct config_reader *r, const char *path, int64_t fresh_ms, int64_t interval_ms, int64_t timeout_ms)
{
	char need[32], found[32];
	if (fresh_ms < interval_ms + timeout_ms)
		reader_error_at(r, path,
		    "expected at least %s, the interval and timeout together, found %s; evidence would age away "
		    "before the next came",
		    duration_text(interval_ms + timeout_ms, need, sizeof(need)),
		    duration_text(fresh_ms, found, sizeof(found)));
}

static void check_email(struct config_reader *r, struct config_notify *n)
{
	struct config_email *e = &n->email;
	static const int64_t ports[CONFIG_TLS_N] = {25, 587, 465};
	if (e->port == 0)
		e->port = ports[e->tls];
	if (e->server[0] == '\0') {
		reader_warning_at(r, "notify.email",
		    "no server is given, so nobody is told anything by mail; set notify.email.server");
		return;
	}
	if (e->from[0] == '\0')
		reader_error_at(
		    r, "notify.email", "expected from, the sender's address, found no such option; a server needs one");
	if (n->admins.n == 0)
		reader_warning_at(r, "notify", "no administrator is named, so none is told; set notify.admins");
	if (e->user[0] && e->password.source[0] == '\0')
		reader_error_at(r, "notify.email.user",
		    "expected a password beside the user, found none; set notify.email.password");
	if (!e->user[0] && e->password.source[0])
		reader_error_at(r, "notify.email.password",
		    "expected a user beside the password, found none; set notify.email.user");
	if (strchr(e->password.source, '{'))
		reader_error_at(
		    r, "notify.email.password", "expected one file, found a pattern; this secret belongs to no host");
	if (e->user[0] && e->tls == CONFIG_TLS_NONE)
		reader_warning_at(
		    r, "notify.email.tls", "the password travels in the clear; choose starttls or implicit");
}

void check_all(struct config_reader *r, struct config *cfg)
{
	const struct config_monitor_nova *nova = &cfg->monitors.nova;
	const struct config_monitor_probe *probe = &cfg->monitors.probe;
	check_numbers(r, cfg);
	check_fresh(r, "monitors.nova.fresh", nova->fresh_ms, nova->interval_ms, nova->timeout_ms);
	check_fresh(r, "monitors.probe.fresh", probe->fresh_ms, probe->interval_ms, probe->timeout_ms);
	if (cfg->log.to == CONFIG_LOG_FILE && cfg->log.file[0] == '\0')
		reader_error_at(r, "log.to", "expected log.file beside file, found no such option; name the log file");
	check_email(r, &cfg->notify);
	check_segments(r, cfg);
	check_devices(r, cfg);
}
