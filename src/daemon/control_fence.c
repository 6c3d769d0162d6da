/* SPDX-License-Identifier: Apache-2.0 */
/* `osha fence test`: every device of one host is read now, side by side. Only ever read: nothing here can name another action. */
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "daemon/control_part.h"

static void test_answer(struct control_test *t)
{
	struct control *c = t->c;
	cJSON *o = cJSON_CreateObject(), *all;
	bool all_on = t->level_n > 0;

	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "source", "daemon");
	cJSON_AddNumberToObject(o, "now_at_ms", (double)io_wall_ms());
	cJSON_AddStringToObject(o, "host", c->d->hosts[t->host].name);
	all = cJSON_AddArrayToObject(o, "levels");
	for (uint32_t l = 0; l < t->level_n; l++) {
		const struct control_reading *g = &t->level[l];
		cJSON *x = cJSON_CreateObject();

		cJSON_AddNumberToObject(x, "level", l + 1.0);
		cJSON_AddStringToObject(x, "device", g->device);
		cJSON_AddStringToObject(x, "reads", power_name(g->power));
		cJSON_AddNumberToObject(x, "took_ms", (double)g->took_ms);
		cJSON_AddStringToObject(x, "reason", g->reason);
		cJSON_AddItemToArray(all, x);
		all_on = all_on && g->power == POWER_ON;
	}
	cJSON_AddBoolToObject(o, "all_on", all_on);
	t->is_used = false;
	control_reply(c, t->client, o);
}

/* A reading of on is as good as a routine one: it makes the level usable. One of off is left to the routine, which accuses nobody at once. */
static void reading_use(struct daemon *d, uint32_t host, uint32_t level, enum power power)
{
	struct engine_event ev = {.type = ENGINE_DEVICE, .device = {host, level, POWER_ON}};

	if (power == POWER_ON && level < d->hosts[host].level_n)
		daemon_event(d, &ev, NULL);
}

static void reading_ended(void *arg, const struct fence_answer *a)
{
	struct control_reading *g = arg;
	struct control_test *t = g->test;
	struct daemon *d = t->c->d;
	uint32_t l = (uint32_t)(g - t->level);

	g->run = NULL;
	g->power = a->power;
	g->took_ms = io_now_ms(d->loop) - g->began_ms;
	str_copy(g->reason, sizeof(g->reason), a->reason);
	d->agents_running--;
	t->running--;
	devices_note(d, t->host, l, g->key, a);
	reading_use(d, t->host, l, a->power);
	perform_agent_freed(d);
	if (!t->running)
		test_answer(t);
}

static void reading_start(struct control_test *t, uint32_t l)
{
	__attribute__((cleanup(config_fence_wipe))) struct config_fence level;
	struct control_reading *g = &t->level[l];
	struct daemon *d = t->c->d;
	struct fence_job job = {.level = &level,
	    .action = FENCE_STATUS,
	    .timeout_ms = d->cfg->fencing.status_timeout_ms,
	    .fn = reading_ended,
	    .arg = g};
	struct osha_err err = {0};

	memset(&level, 0, sizeof(level));
	g->test = t;
	g->began_ms = io_now_ms(d->loop);
	g->key = d->hosts[t->host].device_key[l];
	if (config_fence_resolve(d->cfg, d->hosts[t->host].name, l, &level, &err) < 0 ||
	    fence_run_start(&d->env, &job, &g->run, &err) < 0) {
		str_copy(g->reason, sizeof(g->reason), err.msg);
		return;
	}
	t->running++;
	d->agents_running++;
}

static struct control_test *test_free(struct control *c)
{
	for (size_t k = 0; k < CONTROL_TESTS_MAX; k++) {
		if (!c->test[k].is_used)
			return &c->test[k];
	}
	return NULL;
}

static bool is_being_fenced(const struct daemon *d, uint32_t host)
{
	struct host_snapshot s;

	engine_host_snapshot(d->engine, host, io_now_ms(d->loop), &s);
	return s.recovery && (s.recovery->row == HOST_ROW_FENCING || s.recovery->row == HOST_ROW_PROVING);
}

void control_fence_test(struct control *c, const struct control_request *q)
{
	const char *name = json_str(q->json, "host", "");
	struct daemon *d = c->d;
	uint32_t host = engine_host_find(d->engine, name);
	struct control_test *t = test_free(c);
	struct config_host from;

	if (host == UINT32_MAX) {
		control_refuse(c, q->peer->client, REFUSED_WRONG,
		    "no compute host is named exactly \"%s\"; `osha hosts` lists them", name);
		return;
	}
	config_host_resolve(d->cfg, name, &from);
	if (is_being_fenced(d, host)) {
		control_refuse(c, q->peer->client, REFUSED_HELD,
		    "%s is being fenced at this moment; a second session could disturb that", name);
		return;
	}
	if (!t || (d->agents_running && d->agents_running + from.level_n >= (uint64_t)d->cfg->fencing.concurrent)) {
		control_refuse(c, q->peer->client, REFUSED_HELD, "as many fence agents run as may; test again later");
		return;
	}
	*t = (struct control_test){
	    .c = c, .is_used = true, .client = q->peer->client, .host = host, .level_n = (uint32_t)from.level_n};
	for (uint32_t l = 0; l < t->level_n; l++) {
		str_copy(t->level[l].device, DEVICE_NAME_SIZE, from.levels[l]->name);
		reading_start(t, l);
	}
	if (!t->running)
		test_answer(t);
}

void control_tests_close(struct control *c)
{
	for (size_t k = 0; k < CONTROL_TESTS_MAX; k++) {
		for (uint32_t l = 0; c->test[k].is_used && l < c->test[k].level_n; l++)
			fence_run_cancel(c->test[k].level[l].run);
	}
}
