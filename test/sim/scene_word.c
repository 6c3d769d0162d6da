/* SPDX-License-Identifier: Apache-2.0 */
/* What can happen in a scenario: a table of verbs, each checked when the file is read and done when its time comes. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "cloudsim/model.h"
#include "test/sim/controller.h"
#include "test/sim/lease_service.h"
#include "test/sim/scene.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/witness.h"

enum { END_SIZE = CALENDAR_TEXT_SIZE + 16 };

static uint32_t host_of(const struct scene_act *a)
{
	return a->n > 1 ? scene_host(a->arg[1]) : 0;
}

static const char *name_of(const struct scene_act *a)
{
	return realm_host_name(host_of(a));
}

/* The text after "key=" among the words, or NULL. */
static const char *value_of(const struct scene_act *a, const char *key)
{
	size_t n = strlen(key);

	for (size_t k = 1; k < a->n; k++) {
		if (strncmp(a->arg[k], key, n) == 0 && a->arg[k][n] == '=')
			return a->arg[k] + n + 1;
	}
	return NULL;
}

static unsigned number_of(const struct scene_act *a, const char *key)
{
	const char *value = value_of(a, key);

	return value ? (unsigned)strtoul(value, NULL, 10) : 0;
}

/* --- misfortunes --- */

static void strike(const struct scene_act *a)
{
	bool has_time = a->n > 2 && str_eq(a->arg[a->n - 2], "for");
	bool has_host = a->n > (has_time ? 3u : 1u);

	story_strike_in(
	    0, story_kind_named(a->arg[0]), has_host ? host_of(a) : 0, has_time ? scene_duration(a->arg[a->n - 1]) : 0);
}

static void over(const struct scene_act *a)
{
	story_over(story_kind_named(a->arg[1]), a->n > 2 ? scene_host(a->arg[2]) : 0);
}

static void do_return(const struct scene_act *a)
{
	realm_power(host_of(a), true);
}

static void power_off(const struct scene_act *a)
{
	realm_power(host_of(a), false);
}

static void compute(const struct scene_act *a)
{
	enum cloudsim_compute state = str_eq(a->arg[2], "up")     ? CLOUDSIM_COMPUTE_UP
				      : str_eq(a->arg[2], "down") ? CLOUDSIM_COMPUTE_DOWN
								  : CLOUDSIM_COMPUTE_HUNG;

	(void)cloudsim_model_compute(realm.cloud, sim.now_ms, name_of(a), state);
}

static void autostart(const struct scene_act *a)
{
	(void)cloudsim_model_autostart(realm.cloud, name_of(a), str_eq(a->arg[2], "on"));
}

static void spawn(const struct scene_act *a)
{
	(void)cloudsim_model_spawn_failures(
	    realm.cloud, name_of(a), str_eq(a->arg[2], "all") ? -1 : (int)strtol(a->arg[2], NULL, 10));
}

static void capacity(const struct scene_act *a)
{
	cloudsim_model_capacity(realm.cloud, (unsigned)strtoul(a->arg[1], NULL, 10));
}

static void rebuild(const struct scene_act *a)
{
	cloudsim_model_rebuild_ms(
	    realm.cloud, (struct cloudsim_span){scene_duration(a->arg[1]), scene_duration(a->arg[2])});
}

static void move_lag(const struct scene_act *a)
{
	cloudsim_model_move_lag_ms(realm.cloud, scene_duration(a->arg[1]));
}

/* The host that host=c1 names; NULL. */
static const char *host_value_of(const struct scene_act *a)
{
	const char *value = value_of(a, "host");
	uint32_t host = value ? scene_host(value) : UINT32_MAX;

	return host < realm.host_n ? realm_host_name(host) : NULL;
}

static void evacuate(const struct scene_act *a)
{
	int at = scene_instance(a->arg[1]);

	if (at < 0 ||
	    cloudsim_model_evacuate(realm.cloud, sim.now_ms, cloudsim_model_instance_uuid(realm.cloud, (size_t)at),
		realm_host_name(scene_host(a->arg[2]))) < 0)
		sim_violated("the scenario evacuates what there is not: %s", a->arg[1]);
}

static void instance(const struct scene_act *a)
{
	struct cloudsim_instance_set set = {.vm_state = value_of(a, "vm"),
	    .task_state = value_of(a, "task"),
	    .fault = value_of(a, "fault"),
	    .host = host_value_of(a),
	    .locked = value_of(a, "locked") ? (int)number_of(a, "locked") : -1,
	    .unplaceable = value_of(a, "unplaceable") ? (int)number_of(a, "unplaceable") : -1,
	    .deleted = value_of(a, "deleted") ? (int)number_of(a, "deleted") : -1};
	int at = scene_instance(a->arg[1]);

	if (at < 0 || cloudsim_model_instance_set(
			  realm.cloud, sim.now_ms, cloudsim_model_instance_uuid(realm.cloud, (size_t)at), &set) < 0)
		sim_violated("the scenario sets an instance in a way that there is not: %s", a->arg[1]);
	witness_world();
}

static void api(const struct scene_act *a)
{
	struct cloudsim_fault f = {.skip = number_of(a, "skip"),
	    .count = number_of(a, "count"),
	    .status = (int)number_of(a, "status"),
	    .retry_after_s = (int)number_of(a, "retry-after")};

	if (str_eq(a->arg[1], "well")) {
		cloudsim_model_fault_clear(realm.cloud);
		return;
	}
	str_copy(f.method, sizeof(f.method), str_eq(a->arg[1], "any") ? "" : a->arg[1]);
	str_copy(f.path, sizeof(f.path), a->arg[2]);
	str_copy(f.body, sizeof(f.body), value_of(a, "body"));
	f.effect = cloudsim_effect_named(a->arg[3]);
	f.delay_ms = value_of(a, "delay") ? scene_duration(value_of(a, "delay")) : 0;
	(void)cloudsim_model_fault_add(realm.cloud, &f);
}

static void part(const struct scene_act *a)
{
	cloudsim_model_part(realm.cloud, sim.now_ms, cloudsim_part_named(a->arg[1]), str_eq(a->arg[2], "up"));
}

static void device(const struct scene_act *a)
{
	struct realm_host *h = &realm.host[host_of(a)];
	struct realm_bmc *d = str_eq(a->arg[2], "pdu") ? &h->pdu : &h->bmc;
	const char *mood = a->arg[3], *wired = value_of(a, "wired"), *takes = value_of(a, "takes");

	d->is_dead |= str_eq(mood, "dead");
	d->dies_with_host |= str_eq(mood, "one-supply");
	d->fails_when_off |= str_eq(mood, "refuses-when-off");
	d->hangs |= str_eq(mood, "hangs");
	if (str_eq(mood, "early"))
		*d = (struct realm_bmc){
		    .off = BMC_OFF_EARLY, .off_delay_ms = 4000, .wired_to = d->wired_to, .low_ms = 30, .high_ms = 800};
	if (str_eq(mood, "lies"))
		d->off = BMC_OFF_LIES;
	if (str_eq(mood, "fails"))
		d->off = BMC_OFF_FAILS;
	if (str_eq(mood, "well"))
		*d = (struct realm_bmc){.wired_to = d->wired_to, .low_ms = 30, .high_ms = 800};
	if (wired)
		d->wired_to = scene_host(wired);
	if (takes)
		d->low_ms = d->high_ms = scene_duration(takes);
}

/* --- the controller --- */

static void do_kill(const struct scene_act *a)
{
	(void)a;
	sim_kill(lease_service_leader());
}

/* One of two controllers by its number, whether it leads or not. */
static void node(const struct scene_act *a)
{
	struct sim_node *n = &sim.node[str_eq(a->arg[1], "2")];

	if (str_eq(a->arg[2], "kill"))
		sim_kill(n);
	else if (str_eq(a->arg[2], "freeze"))
		sim_freeze(n, scene_duration(a->arg[3]));
	else if (!controller_ask(n, a->arg[3]))
		sim_say("", "--- nobody answers the operator");
}

static bool node_is_good(const struct scene *s, const struct scene_act *a)
{
	bool is_number = str_eq(a->arg[1], "1") || str_eq(a->arg[1], "2");

	if (!s->has_two || !is_number)
		return false;
	if (str_eq(a->arg[2], "kill"))
		return a->n == 3;
	return a->n == 4 && (str_eq(a->arg[2], "freeze") ? scene_duration(a->arg[3]) > 0 : str_eq(a->arg[2], "ask"));
}

static void freeze(const struct scene_act *a)
{
	sim_freeze(lease_service_leader(), scene_duration(a->arg[1]));
}

static void clock_jumps(const struct scene_act *a)
{
	sim_wall_step(&sim.node[0], scene_duration(a->arg[1] + 1) * (a->arg[1][0] == '-' ? -1 : 1));
}

static void stop(const struct scene_act *a)
{
	struct sim_node *node = lease_service_leader();

	controller_stop(node);
	sim_say("", "--- oshad ended in order");
	sim_after(scene_duration(a->arg[2]), controller_start_later, node);
}

static void store_takes(const struct scene_act *a)
{
	if (sim.node[0].store)
		store_speed(sim.node[0].store, scene_duration(a->arg[2]), scene_duration(a->arg[2]));
}

static void mail(const struct scene_act *a)
{
	realm.mail_refuses = str_eq(a->arg[1], "refuses");
}

/* --- administrators and operators --- */

static void nova(const struct scene_act *a)
{
	bool is_disabled = false, is_forced = false;

	(void)cloudsim_model_service(realm.cloud, name_of(a), &is_disabled, &is_forced);
	if (str_eq(a->arg[2], "disable") || str_eq(a->arg[2], "enable"))
		is_disabled = str_eq(a->arg[2], "disable");
	else
		is_forced = str_eq(a->arg[2], "force-down");
	(void)cloudsim_model_service_set(
	    realm.cloud, sim.now_ms, name_of(a), is_disabled, a->n > 3 ? a->arg[3] : "", is_forced);
	witness.host[host_of(a)].is_forced_down = is_forced; /* not the daemon's doing */
}

static void ask(const struct scene_act *a)
{
	if (!controller_ask(lease_service_leader(), a->arg[1]))
		sim_say("", "--- nobody answers the operator");
}

static void order(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void order(const char *fmt, ...)
{
	char line[500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (!controller_ask(lease_service_leader(), line))
		sim_say("", "--- nobody answers the operator");
}

/* "for TIME" among the words as the end that the order carries; "" without. */
static const char *end_of(const struct scene_act *a, char *text)
{
	char when[CALENDAR_TEXT_SIZE];

	text[0] = '\0';
	for (size_t k = 1; k + 1 < a->n; k++) {
		if (str_eq(a->arg[k], "for"))
			snprintf(text, END_SIZE, "\"until\":\"%s\",",
			    calendar_text(SIM_WALL_ZERO_MS + sim.now_ms + sim.node[0].wall_offset_ms +
					      scene_duration(a->arg[k + 1]),
				when));
	}
	return text;
}

static void maintenance(const struct scene_act *a)
{
	char until[END_SIZE];

	order("{\"command\":\"maintenance\",\"host\":\"%s\",\"on\":%s,%s\"login\":\"alice\"}", a->arg[1],
	    str_eq(a->arg[2], "on") ? "true" : "false", end_of(a, until));
}

/* suspend and resume */
static void suspend(const struct scene_act *a)
{
	const char *segment = value_of(a, "segment"), *reason = value_of(a, "reason");
	char until[END_SIZE];

	order("{\"command\":\"%s\",%s%s%s%s%s%s%s\"login\":\"alice\"}", a->arg[0], segment ? "\"segment\":\"" : "",
	    segment ? segment : "", segment ? "\"," : "", reason ? "\"reason\":\"" : "", reason ? reason : "",
	    reason ? "\"," : "", end_of(a, until));
}

/* Of a host that lives it is a wrong word, and what it breaks is counted apart. */
static void confirm_dead(const struct scene_act *a)
{
	uint32_t host = host_of(a);

	witness.operator_lied |= host < realm.host_n && realm_is_on(host);
	if (a->n > 3)
		order("{\"command\":\"confirm-dead\",\"host\":\"%s\",\"despite_life\":\"%s\",\"login\":\"alice\"}",
		    a->arg[1], a->arg[3]);
	else
		order("{\"command\":\"confirm-dead\",\"host\":\"%s\",\"login\":\"alice\"}", a->arg[1]);
}

struct newest {
	const char *host;
	struct recovery_record found;
};

static void find_newest(void *arg, const struct record *r)
{
	struct newest *n = arg;

	if (r->type == RECORD_RECOVERY && str_eq(r->recovery.host, n->host) &&
	    r->recovery.opened_wall_ms >= n->found.opened_wall_ms)
		n->found = r->recovery;
}

/* release and approve */
static void say_of_newest(const struct scene_act *a)
{
	struct newest n = {.host = a->arg[1]};

	store_each(sim.node[0].store, find_newest, &n);
	order("{\"command\":\"%s\",\"recovery\":\"%s\",\"login\":\"alice\"}", a->arg[0],
	    n.found.id[0] ? n.found.id : "none-1-1");
}

static const struct scene *played;

/* The configuration as the scenario has it, with these lines in place of or beside its own. */
static void reload(const struct scene_act *a)
{
	STRBUF_AUTO struct strbuf extra = STRBUF_INIT;

	for (size_t k = 1; k < a->n; k++)
		strbuf_printf(&extra, "%s\n", a->arg[k]);
	controller_configure(played->size.is_slow, extra.text ? extra.text : "");
	order("{\"command\":\"reload\"}");
}

/* --- the table --- */

enum arg_kind { ARG_NONE = 0, ARG_HOST, ARG_TIME, ARG_STEP, ARG_INSTANCE, ARG_TEXT, ARG_ON, ARG_EFFECT, ARG_ANY };

static const struct word {
	const char *verb;
	scene_fn fn;
	enum arg_kind args[4]; /* those that it must have; more may follow */
	bool more;
	const char *usage;
} words[] = {
    {"return", do_return, {ARG_HOST}, false, "return HOST"},
    {"power-off", power_off, {ARG_HOST}, false, "power-off HOST"},
    {"over", over, {ARG_TEXT}, true, "over KIND [HOST]"},
    {"compute", compute, {ARG_HOST, ARG_TEXT}, false, "compute HOST up|down|hung"},
    {"autostart", autostart, {ARG_HOST, ARG_ON}, false, "autostart HOST on|off"},
    {"spawn", spawn, {ARG_HOST, ARG_TEXT}, false, "spawn HOST N|all (the next N rebuilds there fail)"},
    {"capacity", capacity, {ARG_TEXT}, false, "capacity N"},
    {"rebuild", rebuild, {ARG_TIME, ARG_TIME}, false, "rebuild TIME TIME"},
    {"instance", instance, {ARG_INSTANCE, ARG_TEXT}, true,
	"instance c1/1 [vm=STATE] [task=STATE] [unplaceable=1] [deleted=1] [host=HOST]"},
    {"evacuate", evacuate, {ARG_INSTANCE, ARG_TEXT}, false, "evacuate c1/1 HOST (an operator's own call)"},
    {"move-lag", move_lag, {ARG_TIME}, false, "move-lag TIME (a server's host follows so long after its migration)"},
    {"api", api, {ARG_TEXT}, true,
	"api METHOD PATH EFFECT [status=N] [body=TEXT] [skip=N] [count=N] [delay=TIME], or api well"},
    {"part", part, {ARG_TEXT, ARG_TEXT}, false, "part NAME up|down"},
    {"device", device, {ARG_HOST, ARG_TEXT, ARG_TEXT}, true,
	"device HOST bmc|pdu dead|one-supply|lies|early|fails|hangs|refuses-when-off|well|wired=HOST|takes=TIME"},
    {"kill", do_kill, {0}, false, "kill"},
    {"node", node, {ARG_TEXT, ARG_TEXT}, true, "controllers 2, and node 1|2 kill|freeze TIME|ask 'JSON'"},
    {"freeze", freeze, {ARG_TIME}, false, "freeze TIME"},
    {"clock", clock_jumps, {ARG_STEP}, false, "clock +TIME|-TIME"},
    {"stop", stop, {ARG_TEXT, ARG_TIME}, false, "stop for TIME"},
    {"store", store_takes, {ARG_TEXT, ARG_TIME}, false, "store takes TIME"},
    {"mail", mail, {ARG_TEXT}, false, "mail refuses|well"},
    {"nova", nova, {ARG_HOST, ARG_TEXT}, true, "nova HOST disable|enable|force-down|force-up ['REASON']"},
    {"ask", ask, {ARG_TEXT}, false, "ask 'JSON'"},
    {"maintenance", maintenance, {ARG_TEXT, ARG_ON}, true, "maintenance HOST on|off [for TIME]"},
    {"suspend", suspend, {0}, true, "suspend [for TIME] [segment=NAME] [reason=TEXT]"},
    {"resume", suspend, {0}, true, "resume [segment=NAME]"},
    {"confirm-dead", confirm_dead, {ARG_TEXT}, true, "confirm-dead HOST [despite 'REASON']"},
    {"release", say_of_newest, {ARG_TEXT}, false, "release HOST"},
    {"approve", say_of_newest, {ARG_TEXT}, false, "approve HOST"},
    {"reload", reload, {0}, true, "reload ['LINE'...]"},
};

bool scene_word_is_order(const struct scene_act *a)
{
	const scene_fn orders[] = {ask, maintenance, suspend, confirm_dead, say_of_newest, reload};
	size_t k = 0;

	while (k < sizeof(orders) / sizeof(orders[0]) && orders[k] != a->fn)
		k++;
	return k < sizeof(orders) / sizeof(orders[0]);
}

void scene_word_play(const struct scene *s)
{
	played = s;
}

static bool arg_is_good(const struct scene *s, enum arg_kind kind, const char *arg)
{
	switch (kind) {
	case ARG_HOST:
		return scene_host(arg) < s->size.hosts;
	case ARG_TIME:
		return scene_duration(arg) >= 0;
	case ARG_STEP:
		return (arg[0] == '+' || arg[0] == '-') && scene_duration(arg + 1) > 0;
	case ARG_INSTANCE:
		return scene_host(arg) == UINT32_MAX && strchr(arg, '/');
	case ARG_ON:
		return str_eq(arg, "on") || str_eq(arg, "off");
	default:
		return arg[0] != '\0';
	}
}

static bool strike_is_good(const struct scene *s, const struct scene_act *a, enum story_kind kind)
{
	bool has_time = a->n > 2 && str_eq(a->arg[a->n - 2], "for");
	size_t n = has_time ? a->n - 2 : a->n;

	return (s->has_two || !story_kind_needs_two(kind)) && n <= 2 &&
	       (n == 1 || scene_host(a->arg[1]) < s->size.hosts) &&
	       (!has_time || (story_kind_lasts(kind) && scene_duration(a->arg[a->n - 1]) > 0));
}

static bool api_is_good(const struct scene_act *a)
{
	return str_eq(a->arg[1], "well") || (a->n > 3 && cloudsim_effect_named(a->arg[3]) < CLOUDSIM_FAULT_N);
}

static bool word_is_good(const struct scene *s, const struct scene_act *a, const struct word *w)
{
	size_t n = 0;

	for (; n < sizeof(w->args) / sizeof(w->args[0]) && w->args[n]; n++) {
		if (a->n < n + 2 || !arg_is_good(s, w->args[n], a->arg[n + 1]))
			return false;
	}
	if (w->fn == api)
		return api_is_good(a);
	if (w->fn == node)
		return node_is_good(s, a);
	if (w->fn == over)
		return story_kind_named(a->arg[1]) < STORY_N && a->n <= 3;
	if (w->fn == part)
		return cloudsim_part_named(a->arg[1]) < CLOUDSIM_PART_N;
	return w->more || a->n == n + 1;
}

scene_fn scene_word_find(const struct scene *s, const struct scene_act *a, char *ret_why, size_t size)
{
	enum story_kind kind = story_kind_named(a->arg[0]);

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		if (!str_eq(words[k].verb, a->arg[0]))
			continue;
		if (word_is_good(s, a, &words[k]))
			return words[k].fn;
		snprintf(ret_why, size, "%s expected", words[k].usage);
		return NULL;
	}
	if (kind == STORY_N)
		snprintf(ret_why, size, "nothing is known that is called \"%s\"", a->arg[0]);
	else if (strike_is_good(s, a, kind))
		return strike;
	else
		snprintf(ret_why, size, "%s [HOST]%s expected", a->arg[0], story_kind_lasts(kind) ? " [for TIME]" : "");
	return NULL;
}
