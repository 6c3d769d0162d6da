/* SPDX-License-Identifier: Apache-2.0 */
/* See report_bed.h. Operations answer 120 ms after they started, records are durable at once. */
#include "test/unit/report_bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"

enum { POLL_MS = 1000, OP_MS = 120 };
#define WALL_AT_START 1772373909250 /* 2026-03-01 14:05:09.250 UTC */

static const struct report_monitor monitors[] = {
    {"nova", "nova-bus", true, ""}, {"probe", "management", false, "<no route to host>"}};

int64_t cloud_wall_ms(const struct cloud *c)
{
	return WALL_AT_START + c->now_ms;
}

static struct cloud_host *host_of(struct cloud *c, const char *name)
{
	for (int k = 0; k < CLOUD_HOSTS; k++) {
		if (str_eq(c->host[k].name, name))
			return &c->host[k];
	}
	fail_msg("no host %s", name);
	return NULL;
}

static void take(struct cloud *c, const struct engine_action *a);

static int step(struct cloud *c, struct engine_event *ev, struct osha_err *reterr)
{
	int r;

	ev->now_ms = c->now_ms;
	ev->wall_ms = cloud_wall_ms(c);
	r = engine_step(c->engine, ev, c->actions, reterr);
	for (;;) {
		struct engine_actions *now = malloc(sizeof(*now));
		bool again = c->actions->again;

		memcpy(now, c->actions, sizeof(*now));
		for (uint32_t k = 0; k < now->n; k++)
			take(c, &now->all[k]);
		free(now);
		if (!again)
			return r;
		ev->type = ENGINE_TIMER;
		engine_step(c->engine, ev, c->actions, NULL);
	}
}

static void mail(struct cloud *c, const char *recovery, enum moment moment, const char *to, bool is_admin)
{
	struct journal_mail m = {.moment = moment,
	    .for_admin = is_admin,
	    .state = to[0] ? MAIL_QUEUED : MAIL_UNDELIVERABLE,
	    .created_wall_ms = cloud_wall_ms(c),
	    .next_wall_ms = cloud_wall_ms(c),
	    .body = (const uint8_t *)"x",
	    .body_size = 1};
	const struct journal_mail_end end = {MAIL_SENT, cloud_wall_ms(c) + 310, NULL};

	snprintf(m.key, sizeof(m.key), "%s/%s/1/%s", recovery, moment_name(moment), to[0] ? to : "carol");
	str_copy(m.recovery, sizeof(m.recovery), recovery);
	str_copy(m.address, sizeof(m.address), to);
	str_copy(m.last_error, sizeof(m.last_error), to[0] ? "" : "no address is known");
	snprintf(m.subject, sizeof(m.subject), "[osha] %s", moment_name(moment));
	assert_int_equal(journal_outbox_put(c->bed.j, ++c->mail_seq + 30000, &m, 1, NULL), 0);
	if (to[0])
		assert_int_equal(journal_outbox_mark(c->bed.j, ++c->mail_seq + 30000, m.key, &end, NULL), 0);
	bed_wait(&c->bed, c->bed.answered + journal_pending(c->bed.j));
}

static void tell(struct cloud *c)
{
	struct engine_event ev = {.type = ENGINE_TOLD};
	char recovery[RECOVERY_ID_SIZE];

	if (!c->to_tell[0])
		return;
	str_copy(recovery, sizeof(recovery), c->to_tell);
	c->to_tell[0] = '\0';
	mail(c, recovery, c->moment, "ops@example.com", true);
	mail(c, recovery, c->moment, "alice@example.com", false);
	if (c->moment == MOMENT_CONFIRMED)
		mail(c, recovery, c->moment, "", false);
	ev.told.recovery = recovery;
	ev.told.moment = c->moment;
	step(c, &ev, NULL);
}

static void look(struct cloud *c)
{
	struct engine_evidence all[2 * CLOUD_HOSTS];
	struct engine_service services[CLOUD_HOSTS];
	struct engine_event ev = {.type = ENGINE_EVIDENCE};

	for (uint32_t k = 0; k < CLOUD_HOSTS; k++) {
		struct cloud_host *h = &c->host[k];
		enum sign s = h->is_alive ? SIGN_ALIVE : SIGN_DEAD;

		h->view.state = s;
		h->view.updated_at_ms = h->is_alive ? cloud_wall_ms(c) : h->view.updated_at_ms;
		all[2 * k] = (struct engine_evidence){k, 0, s, c->now_ms, c->now_ms + 8000};
		all[2 * k + 1] = (struct engine_evidence){k, 1, s, c->now_ms, c->now_ms + 4000};
		services[k] = (struct engine_service){k, c->now_ms, &h->view};
	}
	ev.evidence.all = all;
	ev.evidence.n = 2 * CLOUD_HOSTS;
	step(c, &ev, NULL);
	ev = (struct engine_event){.type = ENGINE_SERVICES};
	ev.services.all = services;
	ev.services.n = CLOUD_HOSTS;
	step(c, &ev, NULL);
}

static void answer_power(struct cloud_host *h, const struct engine_action *a, struct op_end *end)
{
	bool is_reading = a->start.kind == OP_POWER_STATUS;

	end->outcome = !h->bmc_is_broken ? OUTCOME_DONE : is_reading ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
	end->fault = h->bmc_is_broken ? FAULT_TRANSIENT : FAULT_NONE;
	end->reason = h->bmc_is_broken ? "the BMC does not answer" : NULL;
	h->is_off = h->is_off || (!is_reading && !h->bmc_is_broken);
	end->power = h->bmc_is_broken ? POWER_UNKNOWN : h->is_off ? POWER_OFF : POWER_ON;
}

static void answer_views(
    struct cloud *c, const struct engine_action *a, struct op_end *end, struct instance_view *views)
{
	end->views = views;
	for (int g = 0; g < CLOUD_GUESTS; g++) {
		const struct instance_view *v = &c->guest[g];
		bool is_of_host =
		    str_eq(v->host, a->start.host_name) || str_eq(v->evacuation.source, a->start.host_name);

		if (a->start.kind == OP_ASK ? str_eq(v->uuid, a->start.instance) : is_of_host)
			views[end->view_n++] = *v;
	}
}

static void answer_evacuate(struct cloud *c, const struct engine_action *a)
{
	for (int g = 0; g < CLOUD_GUESTS; g++) {
		struct instance_view *v = &c->guest[g];

		if (!str_eq(v->uuid, a->start.instance))
			continue;
		v->evacuation = (struct migration_view){
		    .id = ++c->last_migration, .status = MIGRATION_DONE, .created_at_ms = cloud_wall_ms(c)};
		str_copy(v->evacuation.instance, UUID_SIZE, v->uuid);
		str_copy(v->evacuation.source, HOST_NAME_SIZE, v->host);
		str_copy(v->evacuation.dest, HOST_NAME_SIZE, "compute-1");
		str_copy(v->host, HOST_NAME_SIZE, "compute-1");
	}
}

static void start(struct cloud *c, const struct engine_action *a)
{
	struct cloud_host *h = host_of(c, a->start.host_name);
	int k = 0;

	while (k < CLOUD_OPS && c->ops[k].is_used)
		k++;
	assert_true(k < CLOUD_OPS);
	c->ops[k].is_used = true;
	c->ops[k].is_look = a->start.kind == OP_LOOK;
	c->ops[k].end = (struct op_end){.op = a->start.op, .outcome = OUTCOME_DONE};
	if (a->start.kind == OP_POWER_OFF || a->start.kind == OP_POWER_STATUS)
		answer_power(h, a, &c->ops[k].end);
	else if (a->start.kind == OP_LIST || a->start.kind == OP_ASK || a->start.kind == OP_MIGRATIONS)
		answer_views(c, a, &c->ops[k].end, c->ops[k].views);
	else if (a->start.kind == OP_EVACUATE)
		answer_evacuate(c, a);
	h->view.forced_down = h->view.forced_down || a->start.kind == OP_FORCE_DOWN;
	if (a->start.kind == OP_DISABLE) {
		h->view.disabled = true;
		str_copy(h->view.disabled_reason, sizeof(h->view.disabled_reason), a->start.reason);
	}
}

static void take(struct cloud *c, const struct engine_action *a)
{
	struct engine_event ev = {.type = ENGINE_PERSISTED, .persisted.outcome = OUTCOME_DONE};
	struct osha_err err = {0};

	if (a->type == ACTION_TELL) {
		str_copy(c->to_tell, sizeof(c->to_tell), a->tell.recovery);
		c->moment = a->tell.moment;
	} else if (a->type == ACTION_START) {
		start(c, a);
	} else if (a->type == ACTION_CANCEL) {
		for (int k = 0; k < CLOUD_OPS; k++)
			c->ops[k].is_used = c->ops[k].is_used && c->ops[k].end.op != a->cancel.op;
	} else if (a->type == ACTION_PERSIST) {
		if (journal_submit(c->bed.j, ++c->seq, &a->persist.record, cloud_wall_ms(c), a->persist.note, &err) < 0)
			fail_msg("%s", err.msg);
		bed_wait(&c->bed, c->bed.answered + journal_pending(c->bed.j));
		ev.persisted.seq = a->persist.seq;
		step(c, &ev, NULL);
	}
}

/* Everything that was under way ends now. */
static void ops_end(struct cloud *c)
{
	for (int k = 0; k < CLOUD_OPS; k++) {
		struct engine_event ev = {.type = ENGINE_OP_ENDED, .op_end = c->ops[k].end};
		struct instance_view views[CLOUD_GUESTS];

		if (!c->ops[k].is_used)
			continue;
		memcpy(views, c->ops[k].views, sizeof(views));
		ev.op_end.views = views;
		c->ops[k].is_used = false;
		if (c->ops[k].is_look)
			look(c);
		assert_int_equal(
		    engine_reserve(c->engine, CLOUD_HOSTS, engine_instance_n(c->engine) + CLOUD_GUESTS), 0);
		step(c, &ev, NULL);
	}
}

void cloud_run(struct cloud *c, int64_t ms)
{
	for (int64_t end_ms = c->now_ms + ms; c->now_ms < end_ms;) {
		struct engine_event ev = {.type = ENGINE_TIMER};

		c->now_ms += OP_MS;
		if (c->now_ms % POLL_MS < OP_MS)
			look(c);
		ops_end(c);
		tell(c);
		if (engine_next_deadline_ms(c->engine) <= c->now_ms)
			step(c, &ev, NULL);
	}
}

int cloud_say(struct cloud *c, const struct operator_word *w, struct osha_err *reterr)
{
	struct engine_event ev = {.type = ENGINE_OPERATOR, .word = *w};

	return step(c, &ev, reterr);
}

static void guest_make(struct instance_view *v, unsigned n, const char *name, const char *host)
{
	*v = (struct instance_view){.exists = true, .state = SERVER_ACTIVE, .task = TASK_NONE};
	snprintf(v->uuid, sizeof(v->uuid), "00000000-0000-4000-8000-%012u", n);
	str_copy(v->name, sizeof(v->name), name);
	str_copy(v->project, sizeof(v->project), "11111111111141118111111111111111");
	str_copy(v->host, sizeof(v->host), host);
}

static void hosts_make(struct cloud *c)
{
	static const char *const names[CLOUD_HOSTS] = {
	    "compute-1", "compute-2", "compute-3", "compute-4", "compute-10", "edge-1"};

	for (uint32_t k = 0; k < CLOUD_HOSTS; k++) {
		struct host_policy p = {.is_in_segment = k != 5, .must_be_dead = 3, .level_n = k == 5 ? 0 : 1};
		struct engine_event ev = {.type = ENGINE_DEVICE, .device = {k, 0, POWER_ON}};

		str_copy(c->host[k].name, HOST_NAME_SIZE, names[k]);
		c->host[k].is_alive = true;
		snprintf(p.level[0].device, DEVICE_NAME_SIZE, "ipmi");
		p.level[0].key = k + 1;
		p.level[0].attempts = 2;
		p.level[0].timeout_ms = 10000;
		assert_int_equal(engine_host_add(c->engine, names[k]), k);
		engine_host_set_policy(c->engine, k, &p);
		if (!k)
			look(c);
		look(c);
		if (k != 4)
			step(c, &ev, NULL);
	}
}

void cloud_make(struct cloud *c)
{
	struct engine_options o = engine_options_default();
	struct record store = {.type = RECORD_STORE, .store = {"kq3f7m", 3}};
	struct engine_event ev = {.type = ENGINE_STARTED, .records = {&store, 1}};

	memset(c, 0, sizeof(*c));
	bed_make(&c->bed);
	bed_open(&c->bed);
	o.monitor_n = 2;
	for (uint32_t m = 0; m < 2; m++) {
		o.monitor_name[m] = monitors[m].name;
		str_copy(o.monitor_path[m], MONITOR_PATH_SIZE, monitors[m].path);
	}
	c->engine = engine_create(&o);
	c->actions = calloc(1, sizeof(*c->actions));
	c->now_ms = 1000;
	assert_int_equal(engine_reserve(c->engine, CLOUD_HOSTS, CLOUD_GUESTS * 4), 0);
	step(c, &ev, NULL);
	guest_make(&c->guest[0], 1, "web-1", "compute-2");
	guest_make(&c->guest[1], 2, "web-2", "compute-2");
	guest_make(&c->guest[2], 3, "evil\033[31m\xe2\x80\xae-3", "compute-2");
	guest_make(&c->guest[3], 4, "batch-\xe6\x97\xa5\xe6\x9c\xac-4", "compute-3");
	guest_make(&c->guest[4], 5, "db-5", "compute-1");
	c->guest[1].state = SERVER_STOPPED;
	hosts_make(c);
}

void cloud_remove(struct cloud *c)
{
	engine_destroy(c->engine);
	free(c->actions);
	bed_remove(&c->bed);
}

static void beside(void *arg, uint32_t host, struct report_host *ret)
{
	ret->segment = host == 5 ? NULL : "rack-1";
	ret->is_listed = true;
	if (host == 0)
		ret->reading[0] = (struct report_reading){POWER_ON, WALL_AT_START + 420000, ""};
	if (host == 2)
		ret->reading[0] =
		    (struct report_reading){POWER_UNKNOWN, WALL_AT_START + 424000, "no answer from 10.0.0.3"};
	if (host == 4)
		ret->reading[0] = (struct report_reading){POWER_OFF, WALL_AT_START + 1000, NULL};
}

struct report_live cloud_live(const struct cloud *c)
{
	return (struct report_live){.engine = c->engine,
	    .monitors = monitors,
	    .monitor_n = 2,
	    .now_ms = c->now_ms,
	    .wall_ms = cloud_wall_ms(c),
	    .version = "0.1.0",
	    .config_path = "/etc/osha/osha.yaml",
	    .journal_path = "/var/lib/osha/journal.db",
	    .pid = 4711,
	    .started_wall_ms = WALL_AT_START,
	    .epoch = 3,
	    .host = beside};
}

/*
 * compute-2 dies and is recovered; compute-3 dies, its BMC does not answer, it is held; compute-4 is in maintenance; compute-10's device
 * reads off while it lives; edge-1 is in no segment.
 */
void cloud_story(struct cloud *c)
{
	const struct operator_word maintenance = {
	    .verb = OPERATOR_MAINTENANCE_ON, .host = "compute-4", .who = "alice (uid 1000)"};

	struct engine_event off = {.type = ENGINE_DEVICE, .device = {4, 0, POWER_OFF}};

	cloud_make(c);
	cloud_run(c, 5000);
	assert_int_equal(cloud_say(c, &maintenance, NULL), 0);
	host_of(c, "compute-2")->is_alive = false;
	step(c, &off, NULL);
	cloud_run(c, 120000);
	off = (struct engine_event){.type = ENGINE_DEVICE, .device = {4, 0, POWER_OFF}};
	step(c, &off, NULL);
	host_of(c, "compute-3")->is_alive = false;
	host_of(c, "compute-3")->bmc_is_broken = true;
	cloud_run(c, 300000);
}
