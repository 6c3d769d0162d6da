/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /_sim/: what a test does to the cloud behind its back, and what it may know that no client of a real cloud could. JSON both ways; the
 * table at the end is the list. An order answers {"ok":true}, or 400/404 with {"error":...} and nothing changed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cloudsim/lab.h"
#include "cloudsim/mailtext.h"

struct order {
	struct lab *w;
	const cJSON *in; /* body, NULL when there is none */
	const char *target;
	struct strbuf out;
	int status;
	int64_t now_ms;
};

static void refuse(struct order *o, int status, const char *why)
{
	o->status = status;
	strbuf_reset(&o->out);
	strbuf_puts(&o->out, "{\"error\":");
	mailtext_json(&o->out, why);
	strbuf_puts(&o->out, "}");
}

static void settle(struct order *o, int r)
{
	if (r == -OSHA_E_NOTFOUND)
		refuse(o, 404, "no such thing");
	else if (r < 0)
		refuse(o, 400, osha_err_text(r));
}

static const char *host_of(struct order *o)
{
	return json_str(o->in, "host", "");
}

/* The kernel stands still: power stays on, guests stay in memory, nothing answers and nothing reports. */
static void hang(struct order *o, bool is_hung)
{
	int i = cloudsim_model_host_find(o->w->model, host_of(o));
	enum cloudsim_compute state = is_hung ? CLOUDSIM_COMPUTE_HUNG : CLOUDSIM_COMPUTE_UP;

	if (i < 0) {
		settle(o, -OSHA_E_NOTFOUND);
		return;
	}
	o->w->hosts[i].is_hung = is_hung;
	o->w->power_serial--; /* the machines are looked at again */
	settle(o, cloudsim_model_compute(o->w->model, o->now_ms, host_of(o), state));
}

static void power(struct order *o)
{
	const char *state = json_str(o->in, "state", "");

	if (str_eq(state, "hang") || str_eq(state, "thaw"))
		hang(o, str_eq(state, "hang"));
	else if (!str_eq(state, "on") && !str_eq(state, "off"))
		refuse(o, 400, "state: on, off, hang or thaw expected");
	else
		settle(o, cloudsim_model_power(o->w->model, o->now_ms, host_of(o), str_eq(state, "on")));
}

static void compute(struct order *o)
{
	const char *state = json_str(o->in, "state", "");
	enum cloudsim_compute s = str_eq(state, "up")     ? CLOUDSIM_COMPUTE_UP
				  : str_eq(state, "hung") ? CLOUDSIM_COMPUTE_HUNG
							  : CLOUDSIM_COMPUTE_DOWN;

	if (s == CLOUDSIM_COMPUTE_DOWN && !str_eq(state, "down"))
		refuse(o, 400, "state: up, down or hung expected");
	else
		settle(o, cloudsim_model_compute(o->w->model, o->now_ms, host_of(o), s));
}

static void host(struct order *o)
{
	const char *zone = json_str(o->in, "zone", NULL), *extra = json_str(o->in, "extra_service", NULL);
	struct cloudsim_model *m = o->w->model;
	int r = cloudsim_model_host_find(m, host_of(o)) < 0 ? -OSHA_E_NOTFOUND : 0;

	if (r == 0 && cJSON_GetObjectItemCaseSensitive(o->in, "autostart"))
		r = cloudsim_model_autostart(m, host_of(o), json_bool(o->in, "autostart", true));
	if (r == 0 && cJSON_GetObjectItemCaseSensitive(o->in, "spawn_failures"))
		r = cloudsim_model_spawn_failures(m, host_of(o), (int)json_int(o->in, "spawn_failures", 0));
	if (r == 0 && zone)
		r = cloudsim_model_zone(m, host_of(o), zone);
	if (r == 0 && extra)
		r = cloudsim_model_extra_service(m, host_of(o), extra);
	settle(o, r);
}

static int flag(const cJSON *in, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(in, name);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : -1;
}

static void instance(struct order *o)
{
	const cJSON *metadata = json_object(o->in, "metadata");
	char *text = metadata ? cJSON_PrintUnformatted(metadata) : NULL;
	struct cloudsim_instance_set set = {
	    .vm_state = json_str(o->in, "vm_state", NULL),
	    .task_state = json_str(o->in, "task_state", NULL),
	    .name = json_str(o->in, "name", NULL),
	    .fault = json_str(o->in, "fault", NULL),
	    .locked = flag(o->in, "locked"),
	    .unplaceable = flag(o->in, "unplaceable"),
	    .deleted = flag(o->in, "deleted"),
	    .metadata = text,
	};

	settle(o, cloudsim_model_instance_set(o->w->model, o->now_ms, json_str(o->in, "id", ""), &set));
	free(text);
}

static void service(struct order *o)
{
	enum cloudsim_part part = cloudsim_part_named(json_str(o->in, "name", ""));
	const char *state = json_str(o->in, "state", "");

	if (part == CLOUDSIM_PART_N)
		refuse(o, 404, "no such part of the control plane");
	else if (!str_eq(state, "up") && !str_eq(state, "down"))
		refuse(o, 400, "state: up or down expected");
	else
		cloudsim_model_part(o->w->model, o->now_ms, part, str_eq(state, "up"));
}

static void cloud(struct order *o)
{
	const cJSON *span = json_array(o->in, "rebuild_ms");
	const cJSON *low = cJSON_GetArrayItem(span, 0), *high = cJSON_GetArrayItem(span, 1);

	if (cJSON_GetObjectItemCaseSensitive(o->in, "capacity"))
		cloudsim_model_capacity(o->w->model, (unsigned)json_int(o->in, "capacity", 0));
	if (span && (!cJSON_IsNumber(low) || !cJSON_IsNumber(high) || low->valuedouble < 0 ||
			high->valuedouble < low->valuedouble))
		refuse(o, 400, "rebuild_ms: [low, high] expected");
	else if (span)
		cloudsim_model_rebuild_ms(
		    o->w->model, (struct cloudsim_span){(int64_t)low->valuedouble, (int64_t)high->valuedouble});
}

static void fault(struct order *o)
{
	struct cloudsim_fault f = {
	    .skip = (unsigned)json_int(o->in, "skip", 0),
	    .count = (unsigned)json_int(o->in, "count", 0),
	    .per_mille = (unsigned)json_int(o->in, "per_mille", 0),
	    .status = (int)json_int(o->in, "status", 0),
	    .retry_after_s = (int)json_int(o->in, "retry_after_s", 0),
	    .delay_ms = json_int(o->in, "delay_ms", 0),
	    .effect = cloudsim_effect_named(json_str(o->in, "effect", "")),
	};
	int64_t for_ms = json_int(o->in, "for_ms", 0);

	str_copy(f.method, sizeof(f.method), json_str(o->in, "method", ""));
	str_copy(f.path, sizeof(f.path), json_str(o->in, "path", ""));
	str_copy(f.body, sizeof(f.body), json_str(o->in, "body", ""));
	f.until_ms = for_ms ? o->now_ms + for_ms : 0;
	if (f.effect == CLOUDSIM_FAULT_N || f.effect == CLOUDSIM_FAULT_NONE)
		refuse(o, 400,
		    "effect: status, lost, drop, delay, late, drip, endless, garbage, cut, redirect or hang expected");
	else
		settle(o, cloudsim_model_fault_add(o->w->model, &f));
}

static void faults_list(struct order *o)
{
	const struct cloudsim_fault *f = NULL;
	size_t n = cloudsim_model_faults(o->w->model, &f);

	strbuf_puts(&o->out, "{\"faults\":[");
	for (size_t i = 0; i < n; i++) {
		strbuf_printf(
		    &o->out, "%s{\"effect\":\"%s\",\"method\":", i ? "," : "", cloudsim_effect_name(f[i].effect));
		mailtext_json(&o->out, f[i].method);
		strbuf_puts(&o->out, ",\"path\":");
		mailtext_json(&o->out, f[i].path);
		strbuf_printf(&o->out, ",\"hits\":%u}", f[i].hits);
	}
	strbuf_puts(&o->out, "]}");
}

static void faults_clear(struct order *o)
{
	cloudsim_model_fault_clear(o->w->model);
}

static void api(struct order *o)
{
	const char *state = json_str(o->in, "state", "");

	if (str_eq(state, "refuse"))
		lab_api_close(o->w, json_int(o->in, "for_ms", 0));
	else if (str_eq(state, "up"))
		lab_api_open(o->w);
	else
		refuse(o, 400, "state: refuse or up expected");
}

static void bmc(struct order *o)
{
	int i = cloudsim_model_host_find(o->w->model, host_of(o));
	const char *words = json_str(o->in, "faults", NULL), *plug = json_str(o->in, "plug", NULL);
	int to = plug ? cloudsim_model_host_find(o->w->model, plug) : -1;

	if (i < 0 || !o->w->hosts[i].bmc || (plug && to < 0)) {
		refuse(o, 404, "no such BMC");
		return;
	}
	if (words && !bmc_ipmi_faults_parse(bmc_ipmi_faults(o->w->hosts[i].bmc), words)) {
		refuse(o, 400, "faults: not understood");
		return;
	}
	if (plug)
		o->w->hosts[i].plug = (size_t)to;
}

static void mail(struct order *o)
{
	struct mailsink_faults f = {
	    .hang = json_bool(o->in, "hang", false),
	    .reject_all = (int)json_int(o->in, "reject_all", 0),
	    .reject_data = (int)json_int(o->in, "reject_data", 0),
	    .rcpt_code = (int)json_int(o->in, "rcpt_code", 550),
	    .count = (unsigned)json_int(o->in, "count", 0),
	};

	str_copy(f.rcpt, sizeof(f.rcpt), json_str(o->in, "rcpt", ""));
	*mailsink_faults(o->w->mails) = f;
}

static void mails(struct order *o)
{
	mailsink_list(o->w->mails, &o->out);
}

static void tokens(struct order *o)
{
	cloudsim_model_expire_tokens(o->w->model);
}

static long long wall(const struct order *o, int64_t ms)
{
	return ms ? (long long)ms + (long long)o->w->options.cloud.wall_offset_ms : 0;
}

static void dual(struct order *o)
{
	const struct cloudsim_dual *d = NULL;
	size_t seen = cloudsim_model_dual_seen(o->w->model, &d);

	strbuf_printf(&o->out, "{\"now\":%zu,\"seen\":%zu,\"double_posts\":%zu,\"sightings\":[",
	    cloudsim_model_dual_guests(o->w->model), seen, cloudsim_model_double_posts(o->w->model));
	for (size_t i = 0; i < seen && i < CLOUDSIM_DUALS_MAX; i++)
		strbuf_printf(&o->out, "%s{\"instance\":\"%s\",\"host\":\"%s\",\"at_ms\":%lld}", i ? "," : "",
		    d[i].instance, d[i].host, wall(o, d[i].at_ms));
	strbuf_puts(&o->out, "]}");
}

static void stamps(struct order *o)
{
	size_t n = cloudsim_model_stamp_count(o->w->model);

	strbuf_puts(&o->out, "{\"stamps\":[");
	for (size_t i = 0; i < n; i++) {
		struct cloudsim_stamp s;

		cloudsim_model_stamp(o->w->model, i, &s);
		strbuf_printf(&o->out,
		    "%s{\"migration\":%lld,\"instance\":\"%s\",\"source\":\"%s\",\"dest\":\"%s\",\"status\":\"%s\","
		    "\"accepted_ms\":%lld,"
		    "\"started_ms\":%lld,\"ended_ms\":%lld}",
		    i ? "," : "", (long long)s.migration_id, s.instance, s.source, s.dest ? s.dest : "", s.status,
		    wall(o, s.accepted_ms), wall(o, s.started_ms), wall(o, s.ended_ms));
	}
	strbuf_puts(&o->out, "]}");
}

/* Requests at the cloud's port: wall-clock microseconds, so that they can be laid over a journal's times. */
static void log_list(struct order *o)
{
	const struct httpd_log *l;
	uint64_t now_us = uv_hrtime() / 1000;
	long long base_us = wall(o, o->now_ms) * 1000;

	strbuf_puts(&o->out, "{\"requests\":[");
	for (size_t i = 0; (l = httpd_log(o->w->api, i)); i++) {
		strbuf_printf(&o->out,
		    "%s{\"begin_us\":%lld,\"end_us\":%lld,\"status\":%d,\"method\":\"%s\",\"target\":", i ? "," : "",
		    base_us - (long long)(now_us - l->begin_us), base_us - (long long)(now_us - l->end_us), l->status,
		    l->method);
		mailtext_json(&o->out, l->target);
		strbuf_puts(&o->out, "}");
	}
	strbuf_puts(&o->out, "]}");
}

static void log_clear(struct order *o)
{
	httpd_log_clear(o->w->api);
}

static void state_hosts(struct order *o)
{
	struct cloudsim_model *m = o->w->model;

	for (size_t i = 0; i < cloudsim_model_host_count(m); i++) {
		strbuf_printf(&o->out, "%s{\"name\":\"%s\",\"power\":\"%s\",\"address\":\"%s\",\"bmc\":\"%s\"",
		    i ? "," : "", cloudsim_model_host_name(m, i), cloudsim_model_host_is_on(m, i) ? "on" : "off",
		    cloudsim_model_host_address(m, i), o->w->hosts ? o->w->hosts[i].bmc_address : "");
		strbuf_puts(&o->out, "}");
	}
}

static void guests_text(struct order *o, size_t instance_index)
{
	struct cloudsim_model *m = o->w->model;
	bool comma = false;

	strbuf_puts(&o->out, ",\"guests\":[");
	for (size_t h = 0; h < cloudsim_model_host_count(m); h++) {
		if (!cloudsim_model_instance_has_guest(m, instance_index, h))
			continue;
		strbuf_printf(&o->out, "%s\"%s\"", comma ? "," : "", cloudsim_model_host_name(m, h));
		comma = true;
	}
	strbuf_puts(&o->out, "]");
}

static void state_instances(struct order *o)
{
	struct cloudsim_model *m = o->w->model;

	for (size_t i = 0; i < cloudsim_model_instance_count(m); i++) {
		strbuf_printf(&o->out, "%s{\"uuid\":\"%s\",\"host\":\"%s\",\"vm_state\":\"%s\",\"task_state\":\"%s\"",
		    i ? "," : "", cloudsim_model_instance_uuid(m, i), cloudsim_model_instance_host(m, i),
		    cloudsim_model_instance_vm_state(m, i), cloudsim_model_instance_task_state(m, i));
		guests_text(o, i);
		strbuf_puts(&o->out, "}");
	}
}

static void state(struct order *o)
{
	cloudsim_model_advance(o->w->model, o->now_ms);
	strbuf_printf(&o->out, "{\"now_ms\":%lld,\"hosts\":[", wall(o, o->now_ms));
	state_hosts(o);
	strbuf_puts(&o->out, "],\"parts\":{");
	for (int i = 0; i < CLOUDSIM_PART_N; i++)
		strbuf_printf(&o->out, "%s\"%s\":\"%s\"", i ? "," : "", cloudsim_part_name((enum cloudsim_part)i),
		    cloudsim_model_part_is_up(o->w->model, (enum cloudsim_part)i) ? "up" : "down");
	strbuf_puts(&o->out, "},\"instances\":[");
	if (!strstr(o->target, "instances=0"))
		state_instances(o);
	strbuf_printf(&o->out, "],\"dual\":%zu,\"mails\":%zu}", cloudsim_model_dual_guests(o->w->model),
	    mailsink_count(o->w->mails));
}

static void ready(struct order *o)
{
	lab_ready_text(o->w, &o->out);
}

static void quit(struct order *o)
{
	uv_stop(&o->w->loop);
}

static const struct {
	const char *method, *name;
	void (*run)(struct order *o);
} rows[] = {
    {"GET", "state", state},      /* hosts, instances with their real guests (?instances=0: without), parts */
    {"GET", "ready", ready},      /* the line printed at the start */
    {"POST", "power", power},     /* {host, state: on|off|hang|thaw} */
    {"POST", "compute", compute}, /* {host, state: up|down|hung}: nova-compute alone */
    {"POST", "host", host},       /* {host, autostart: bool, spawn_failures: n|-1, zone, extra_service: binary} */
    {"POST", "instance",
	instance}, /* {id: uuid|name, vm_state, task_state, name, fault, locked, unplaceable, deleted, metadata} */
    {"POST", "service",
	service}, /* {name: conductor|scheduler|bus|neutron|placement|cell|compute-endpoint, state: up|down} */
    {"POST", "cloud", cloud}, /* {capacity: n, rebuild_ms: [low, high]} */
    {"POST", "fault",
	fault}, /* {method, path: glob, body: text, skip, count, per_mille, for_ms, effect, status, retry_after_s, delay_ms} */
    {"GET", "faults", faults_list},
    {"DELETE", "faults", faults_clear},
    {"POST", "api", api},   /* {state: refuse|up, for_ms}: the cloud's port itself */
    {"POST", "bmc", bmc},   /* {host, faults: "dead" ..., plug: other host} */
    {"POST", "mail", mail}, /* {hang, reject_all, reject_data, rcpt, rcpt_code, count}: replaces all of them */
    {"GET", "mails", mails},
    {"POST", "tokens", tokens}, /* {}: every token is expired */
    {"GET", "dual", dual},      /* guests on two hosts at once: now, and ever */
    {"GET", "stamps", stamps},  /* every evacuation with the times of its rebuild */
    {"GET", "log", log_list},   /* requests at the cloud's port */
    {"DELETE", "log", log_clear},
    {"POST", "quit", quit},
};

static void order_run(struct order *o, const char *method, const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].method, method) != 0 || strlen(rows[i].name) != len ||
		    strncmp(rows[i].name, name, len) != 0)
			continue;
		rows[i].run(o);
		return;
	}
	refuse(o, 404, "no such order");
}

void lab_order_answer(void *user, const struct cloudsim_request *request, struct cloudsim_answer *ret_answer)
{
	JSON_AUTO cJSON *in = NULL;
	struct order o = {.w = user, .target = request->target, .status = 200, .now_ms = lab_now_ms()};
	const char *name = request->target + (str_starts(request->target, "/_sim/") ? strlen("/_sim/") : 0);

	if (request->body_len && json_parse(request->body, request->body_len, &in, NULL) < 0)
		refuse(&o, 400, "the body is not JSON");
	o.in = in;
	if (o.status == 200)
		order_run(&o, request->method, name, strcspn(name, "?"));
	if (!o.out.len)
		strbuf_puts(&o.out, "{\"ok\":true}");
	lab_sync(o.w);
	*ret_answer = (struct cloudsim_answer){.status = o.status, .n_headers = 1};
	str_copy(ret_answer->headers[0].name, sizeof(ret_answer->headers[0].name), "Content-Type");
	str_copy(ret_answer->headers[0].value, sizeof(ret_answer->headers[0].value), "application/json");
	ret_answer->body_len = o.out.len;
	ret_answer->body = strbuf_steal(&o.out);
}
