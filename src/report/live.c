/* SPDX-License-Identifier: Apache-2.0 */
/* A running engine as JSON; see report.h. */
#include <stdlib.h>
#include <string.h>

#include "report/part.h"
#include "report/report.h"

/* A moment of the engine's clock as people's; 0 for one that never was or never comes. */
static int64_t wall_of(const struct report_live *l, int64_t at_ms)
{
	return at_ms <= 0 || at_ms == INT64_MAX ? 0 : l->wall_ms + (at_ms - l->now_ms);
}

static cJSON *answer(const struct report_live *l)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "source", "daemon");
	part_at(o, "now_at_ms", l->wall_ms);
	return o;
}

static cJSON *recovery_live(const struct report_live *l, const struct recovery_record *r, const struct host_snapshot *s)
{
	cJSON *o = part_recovery(r);

	part_text(o, "operation", s->op);
	part_at(o, "operation_ends_by_at_ms", wall_of(l, s->op_deadline_ms));
	part_at(o, "acts_again_at_ms", wall_of(l, s->wake_ms));
	return o;
}

static int by_age(const void *a, const void *b)
{
	const struct recovery_record *x = *(const struct recovery_record *const *)a;
	const struct recovery_record *y = *(const struct recovery_record *const *)b;

	if (x->opened_wall_ms != y->opened_wall_ms)
		return x->opened_wall_ms < y->opened_wall_ms ? -1 : 1;
	return strcmp(x->id, y->id);
}

static cJSON *recoveries(const struct report_live *l, uint32_t *ret_held)
{
	const struct recovery_record **all = NULL, *r = NULL;
	cJSON *a = cJSON_CreateArray();
	uint32_t n = 0;

	*ret_held = 0;
	while ((r = engine_recovery_next(l->engine, r)))
		n++;
	all = calloc(n + 1, sizeof(*all));
	for (n = 0, r = NULL; all && (r = engine_recovery_next(l->engine, r)); n++)
		all[n] = r;
	if (all)
		qsort(all, n, sizeof(*all), by_age);
	for (uint32_t k = 0; all && k < n; k++) {
		struct host_snapshot s;

		engine_host_snapshot(l->engine, engine_host_find(l->engine, all[k]->host), l->now_ms, &s);
		cJSON_AddItemToArray(a, recovery_live(l, all[k], &s));
		*ret_held += all[k]->row == HOST_ROW_HELD;
	}
	free(all);
	return a;
}

static cJSON *evidence(const struct report_live *l, const struct host_snapshot *s)
{
	cJSON *a = cJSON_CreateArray();

	for (uint32_t m = 0; m < l->monitor_n; m++) {
		cJSON *o = cJSON_CreateObject();
		bool seen = s->evidence[m].seen_ms > 0;

		cJSON_AddStringToObject(o, "monitor", l->monitors[m].name);
		cJSON_AddStringToObject(o, "path", l->monitors[m].path);
		cJSON_AddStringToObject(o, "says", sign_name(s->evidence[m].sign));
		part_at(o, "seen_at_ms", seen ? wall_of(l, s->evidence[m].seen_ms) : 0);
		part_at(o, "since_at_ms", seen ? wall_of(l, s->evidence[m].since_ms) : 0);
		cJSON_AddBoolToObject(o, "must_say_dead", (s->policy->must_be_dead & (1u << m)) != 0);
		cJSON_AddItemToArray(a, o);
	}
	return a;
}

static cJSON *service(const struct host_snapshot *s)
{
	cJSON *o;

	if (!s->service_known)
		return cJSON_CreateNull();
	o = cJSON_CreateObject();
	cJSON_AddBoolToObject(o, "disabled", s->disabled);
	cJSON_AddBoolToObject(o, "disabled_by_osha", s->disabled_by_us);
	cJSON_AddBoolToObject(o, "forced_down", s->forced_down);
	part_at(o, "updated_at_ms", s->updated_at_ms);
	return o;
}

static cJSON *host_live(const struct report_live *l, uint32_t host)
{
	cJSON *o = cJSON_CreateObject();
	char why[FENCE_WHY_SIZE];
	struct report_host beside = {.is_listed = true};
	struct host_snapshot s;

	if (l->host)
		l->host(l->arg, host, &beside);
	engine_host_snapshot(l->engine, host, l->now_ms, &s);
	fence_obstacle(&s, why);
	cJSON_AddStringToObject(o, "name", s.record->name);
	part_text(o, "segment", beside.segment);
	cJSON_AddStringToObject(o, "mode", host_mode_name(s.policy->mode));
	cJSON_AddBoolToObject(o, "listed", beside.is_listed);
	cJSON_AddStringToObject(o, "verdict", verdict_name(s.verdict));
	cJSON_AddItemToObject(o, "evidence", evidence(l, &s));
	cJSON_AddItemToObject(o, "service", service(&s));
	cJSON_AddItemToObject(o, "maintenance", part_maintenance(s.record));
	cJSON_AddItemToObject(o, "fence_levels", part_levels(s.record, s.policy, beside.reading));
	cJSON_AddBoolToObject(o, "fenceable", !why[0]);
	part_text(o, "not_fenceable_because", why);
	part_text(o, "held_back_by", s.held_back_by);
	cJSON_AddItemToObject(o, "recovery", s.recovery ? recovery_live(l, s.recovery, &s) : cJSON_CreateNull());
	return o;
}

static void daemon_add(cJSON *o, const struct report_live *l)
{
	cJSON *d = cJSON_AddObjectToObject(o, "daemon");

	cJSON_AddStringToObject(d, "version", l->version);
	cJSON_AddNumberToObject(d, "pid", (double)l->pid);
	cJSON_AddNumberToObject(d, "epoch", (double)l->epoch);
	part_at(d, "started_at_ms", l->started_wall_ms);
	cJSON_AddStringToObject(d, "configuration", l->config_path);
	cJSON_AddStringToObject(d, "journal", l->journal_path);
	cJSON_AddBoolToObject(d, "dry_run", l->is_dry_run);
	if (l->looks_on)
		cJSON_AddTrueToObject(d, "looks_on");
}

static void monitors_add(cJSON *o, const struct report_live *l)
{
	cJSON *a = cJSON_AddArrayToObject(o, "monitors");

	for (uint32_t m = 0; m < l->monitor_n; m++) {
		cJSON *x = cJSON_CreateObject();

		cJSON_AddStringToObject(x, "name", l->monitors[m].name);
		cJSON_AddStringToObject(x, "path", l->monitors[m].path);
		cJSON_AddBoolToObject(x, "works", l->monitors[m].is_ok);
		part_text(x, "reason", l->monitors[m].reason);
		cJSON_AddItemToArray(a, x);
	}
}

static void counts_add(cJSON *o, const struct report_live *l)
{
	uint32_t verdicts[VERDICT_N] = {0}, maintenance = 0, unfenceable = 0, windows = 0, n = engine_host_n(l->engine);
	cJSON *c = cJSON_AddObjectToObject(o, "hosts_n");

	for (uint32_t k = 0; k < n; k++) {
		char why[FENCE_WHY_SIZE];
		struct host_snapshot s;

		engine_host_snapshot(l->engine, k, l->now_ms, &s);
		fence_obstacle(&s, why);
		verdicts[s.verdict]++;
		maintenance += s.record->maintenance;
		windows += s.is_in_window;
		unfenceable += why[0] != '\0';
	}
	cJSON_AddNumberToObject(c, "all", n);
	for (unsigned v = 0; v < VERDICT_N; v++)
		cJSON_AddNumberToObject(c, verdict_name((enum verdict)v), verdicts[v]);
	cJSON_AddNumberToObject(c, "maintenance", maintenance);
	cJSON_AddNumberToObject(c, "in_window", windows);
	cJSON_AddNumberToObject(c, "not_fenceable", unfenceable);
}

static void suspensions_add(cJSON *o, const struct report_live *l)
{
	cJSON *a = cJSON_AddArrayToObject(o, "suspensions");
	const struct suspension_record *s = NULL;

	while ((s = engine_suspension_next(l->engine, s)))
		cJSON_AddItemToArray(a, part_suspension(s));
}

cJSON *report_status(const struct report_live *l)
{
	cJSON *o = answer(l);
	uint32_t held;

	daemon_add(o, l);
	monitors_add(o, l);
	counts_add(o, l);
	suspensions_add(o, l);
	cJSON_AddItemToObject(o, "recoveries", recoveries(l, &held));
	cJSON_AddNumberToObject(o, "held_n", held);
	part_held_add(o);
	return o;
}

cJSON *report_hosts(const struct report_live *l)
{
	cJSON *o = answer(l), *a = cJSON_AddArrayToObject(o, "hosts");

	for (uint32_t k = 0; k < engine_host_n(l->engine); k++)
		cJSON_AddItemToArray(a, host_live(l, k));
	return o;
}

cJSON *report_recoveries(const struct report_live *l)
{
	cJSON *o = answer(l);
	uint32_t held;

	cJSON_AddItemToObject(o, "recoveries", recoveries(l, &held));
	return o;
}

cJSON *report_explain(const struct report_live *l, const char *host)
{
	uint32_t k = engine_host_find(l->engine, host);
	struct host_snapshot s;
	cJSON *o, *h;

	if (k == UINT32_MAX)
		return NULL;
	o = answer(l);
	h = host_live(l, k);
	engine_host_snapshot(l->engine, k, l->now_ms, &s);
	cJSON_AddItemToObject(h, "next", explain_next(&s));
	cJSON_AddItemToObject(o, "host", h);
	return o;
}

cJSON *report_fences(const struct report_live *l)
{
	static const char *const keep[] = {
	    "name", "segment", "listed", "verdict", "fence_levels", "fenceable", "not_fenceable_because", "recovery"};
	cJSON *o = answer(l), *a = cJSON_AddArrayToObject(o, "hosts");

	for (uint32_t k = 0; k < engine_host_n(l->engine); k++) {
		cJSON *h = host_live(l, k), *x = cJSON_CreateObject();

		for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
			cJSON_AddItemToObject(x, keep[i], cJSON_DetachItemFromObjectCaseSensitive(h, keep[i]));
		cJSON_Delete(h);
		cJSON_AddItemToArray(a, x);
	}
	return o;
}
