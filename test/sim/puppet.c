/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's part in the simulator; see puppet.h. The checkers look at what it does, not at what it believes. */
#include "test/sim/puppet.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/sim/actions.h"

static void key_of(const struct record *rec, char *ret, size_t size)
{
	switch (rec->type) {
	case RECORD_STORE:
		snprintf(ret, size, "store");
		break;
	case RECORD_HOST:
		snprintf(ret, size, "host/%s", rec->host.name);
		break;
	case RECORD_RECOVERY:
		snprintf(ret, size, "recovery/%s", rec->recovery.id);
		break;
	default:
		snprintf(ret, size, "instance/%s/%s", rec->instance.recovery, rec->instance.uuid);
	}
}

static void make_durable(struct puppet *p, const struct record *rec)
{
	char key[400], other[400];

	key_of(rec, key, sizeof(key));
	for (uint32_t k = 0; k < p->durable_n; k++) {
		key_of(&p->durable[k], other, sizeof(other));
		if (str_eq(key, other)) {
			p->durable[k] = *rec;
			return;
		}
	}
	if (p->durable_n == PUPPET_RECORDS)
		sim_violated(p->w, "the simulator's store is full");
	else
		p->durable[p->durable_n++] = *rec;
}

const struct recovery_record *puppet_recovery(const struct puppet *p, uint32_t host)
{
	const struct recovery_record *found = NULL;
	char name[HOST_NAME_SIZE];

	sim_host_name(host, name);
	for (uint32_t k = 0; k < p->durable_n; k++) {
		if (p->durable[k].type == RECORD_RECOVERY && str_eq(p->durable[k].recovery.host, name))
			found = &p->durable[k].recovery;
	}
	return found;
}

void puppet_init(struct puppet *p, struct sim_world *w)
{
	struct record store = {.type = RECORD_STORE};

	*p = (struct puppet){
	    .w = w, .options = engine_options_default(), .timer_ms = INT64_MAX, .hash = 1469598103934665603u};
	p->options.service_down_time_ms = w->service_down_ms;
	p->options.recheck_after_ms = 3000;
	str_copy(store.store.tag, sizeof(store.store.tag), "simsim");
	make_durable(p, &store);
}

void puppet_fini(struct puppet *p)
{
	engine_destroy(p->engine);
	p->engine = NULL;
}

void puppet_crash(struct puppet *p)
{
	if (!p->engine)
		return;
	engine_destroy(p->engine);
	p->engine = NULL;
	p->life++;
	p->timer_ms = INT64_MAX;
	for (uint32_t k = 0; k < PUPPET_RECORDS; k++) {
		if (p->on_its_way[k].is_used && rng_chance(&p->w->rng, 500))
			make_durable(p, &p->on_its_way[k].record);
		p->on_its_way[k].is_used = false;
	}
	for (uint32_t k = 0; k < PUPPET_OPS; k++)
		p->ops[k].is_used = false;
	if (p->trace)
		printf("[%8lld] --- killed\n", (long long)p->w->now_ms);
	sim_later(p->w, rng_range(&p->w->rng, 50, 5000), SIM_START, 0, 0, 0);
}

static void hash_in(struct puppet *p, const char *text)
{
	for (; *text; text++)
		p->hash = (p->hash ^ (uint8_t)*text) * 1099511628211u;
}

static void arm_timer(struct puppet *p)
{
	int64_t at = p->engine ? engine_next_deadline_ms(p->engine) : INT64_MAX;

	if (at == INT64_MAX || at >= p->timer_ms)
		return;
	p->timer_ms = at;
	sim_later(p->w, at > p->w->now_ms ? at - p->w->now_ms : 0, SIM_TIMER, 0, p->life, 0);
}

static void act(struct puppet *p, const struct engine_action *a)
{
	switch (a->type) {
	case ACTION_LOG:
		if (p->trace)
			printf("[%8lld] %s\n", (long long)p->w->now_ms, a->log.text);
		hash_in(p, a->log.text);
		break;
	case ACTION_ALERT:
		if (p->trace)
			printf("[%8lld] ALERT %s\n", (long long)p->w->now_ms, a->alert.text);
		break;
	case ACTION_PERSIST:
		puppet_persist(p, a);
		break;
	case ACTION_START:
		puppet_start_op(p, a);
		break;
	case ACTION_CANCEL:
		puppet_cancel_op(p, a->cancel.op);
		break;
	case ACTION_TELL:
		sim_later(p->w, rng_range(&p->w->rng, 1, 3000), SIM_TOLD, a->tell.moment, p->life,
		    sim_host_of_recovery(p, a->tell.recovery));
		break;
	}
}

static void step(struct puppet *p, struct engine_event *ev)
{
	static struct engine_actions actions; /* large, and one simulator runs one world at a time */

	do {
		if (!p->engine)
			return;
		ev->now_ms = p->w->now_ms;
		ev->wall_ms = p->w->now_ms;
		engine_step(p->engine, ev, &actions, NULL);
		for (uint32_t k = 0; k < actions.n && p->engine; k++) {
			act(p, &actions.all[k]);
			if (actions.all[k].type == ACTION_LOG || actions.all[k].type == ACTION_ALERT)
				continue;
			if (++p->actions == p->crash_after)
				puppet_crash(p);
		}
		*ev = (struct engine_event){.type = ENGINE_TIMER};
	} while (p->engine && actions.again);
	arm_timer(p);
}

void puppet_start(struct puppet *p)
{
	struct engine_event ev = {.type = ENGINE_STARTED};
	struct host_policy policy = {.is_in_segment = true, .must_be_dead = 3, .level_n = 1};
	char name[HOST_NAME_SIZE];

	if (p->engine)
		return;
	p->starts++;
	p->durable[0].store.epoch++;
	p->engine = engine_create(&p->options);
	engine_reserve(p->engine, SIM_HOSTS, SIM_GUESTS * 8);
	policy.level[0] = (struct host_policy_level){.key = 1, .attempts = 3, .timeout_ms = 10000};
	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		sim_host_name(h, name);
		snprintf(policy.level[0].device, sizeof(policy.level[0].device), "bmc-%.40s", name);
		policy.level[0].key = h + 1;
		engine_host_set_policy(p->engine, engine_host_add(p->engine, name), &policy);
	}
	ev.records.all = p->durable;
	ev.records.n = p->durable_n;
	step(p, &ev);
	sim_later(p->w, 1, SIM_NOVA_POLL, 0, p->life, 0);
	sim_later(p->w, 3, SIM_PROBE, 0, p->life, 0);
	sim_later(p->w, 1500, SIM_DEVICES, 0, p->life, 0);
}

static void nova_poll(struct puppet *p)
{
	struct engine_evidence all[SIM_HOSTS];
	struct engine_service services[SIM_HOSTS];
	struct service_view views[SIM_HOSTS];
	struct engine_event ev = {.type = ENGINE_EVIDENCE};
	char name[HOST_NAME_SIZE];

	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		const struct sim_host *host = &p->w->host[h];
		uint32_t id;

		sim_host_name(h, name);
		id = engine_host_find(p->engine, name);
		all[h] = (struct engine_evidence){
		    id, 0, p->w->api_down ? SIGN_UNKNOWN : sim_nova_state(p->w, h), p->w->now_ms, p->w->now_ms + 8000};
		views[h] = (struct service_view){.state = all[h].sign,
		    .disabled = host->disabled,
		    .forced_down = host->forced_down,
		    .updated_at_ms = host->updated_ms};
		str_copy(views[h].disabled_reason, sizeof(views[h].disabled_reason), host->reason);
		services[h] = (struct engine_service){id, p->w->now_ms, &views[h]};
	}
	ev.evidence.all = all;
	ev.evidence.n = SIM_HOSTS;
	step(p, &ev);
	if (p->w->api_down || !p->engine)
		return;
	ev = (struct engine_event){.type = ENGINE_SERVICES};
	ev.services.all = services;
	ev.services.n = SIM_HOSTS;
	step(p, &ev);
}

static void probe(struct puppet *p)
{
	struct engine_evidence all[SIM_HOSTS];
	struct engine_event ev = {.type = ENGINE_EVIDENCE};
	char name[HOST_NAME_SIZE];

	for (uint32_t h = 0; h < SIM_HOSTS; h++) {
		bool answers = p->w->host[h].kernel && !p->w->host[h].cut;

		sim_host_name(h, name);
		all[h] = (struct engine_evidence){engine_host_find(p->engine, name), 1,
		    answers ? SIGN_ALIVE : SIGN_DEAD, p->w->now_ms, p->w->now_ms + 4000};
	}
	ev.evidence.all = all;
	ev.evidence.n = SIM_HOSTS;
	step(p, &ev);
}

void puppet_look(struct puppet *p)
{
	nova_poll(p);
	if (p->engine)
		probe(p);
}

static void devices(struct puppet *p)
{
	char name[HOST_NAME_SIZE];

	for (uint32_t h = 0; h < SIM_HOSTS && p->engine; h++) {
		struct engine_event ev = {.type = ENGINE_DEVICE};
		const struct sim_host *host = &p->w->host[h];

		sim_host_name(h, name);
		ev.device.host = engine_host_find(p->engine, name);
		ev.device.power = host->bmc_dead                   ? POWER_UNKNOWN
				  : p->w->host[host->bmc_of].power ? POWER_ON
								   : POWER_OFF;
		step(p, &ev);
	}
}

static void told(struct puppet *p, const struct sim_event *happened)
{
	const struct recovery_record *r = puppet_recovery(p, (uint32_t)happened->c);
	struct engine_event ev = {.type = ENGINE_TOLD};

	if (!r)
		return;
	ev.told.recovery = r->id;
	ev.told.moment = (enum moment)happened->a;
	step(p, &ev);
}

static void persisted(struct puppet *p, uint64_t seq)
{
	struct engine_event ev = {.type = ENGINE_PERSISTED};

	for (uint32_t k = 0; k < PUPPET_RECORDS; k++) {
		if (!p->on_its_way[k].is_used || p->on_its_way[k].seq != seq)
			continue;
		p->on_its_way[k].is_used = false;
		make_durable(p, &p->on_its_way[k].record);
		check_one_open(p, &p->on_its_way[k].record);
		ev.persisted.seq = seq;
		ev.persisted.outcome = OUTCOME_DONE;
		step(p, &ev);
		return;
	}
}

/* The routines of a life that is over end with it. */
static bool routine(struct puppet *p, const struct sim_event *ev)
{
	static const int64_t period_ms[] = {[SIM_NOVA_POLL] = 2000, [SIM_PROBE] = 1000, [SIM_DEVICES] = 30000};

	if (ev->b != p->life || !p->engine)
		return true;
	if (ev->what == SIM_NOVA_POLL)
		nova_poll(p);
	else if (ev->what == SIM_PROBE)
		probe(p);
	else
		devices(p);
	if (p->engine)
		sim_later(p->w, period_ms[ev->what], ev->what, 0, p->life, 0);
	return true;
}

bool puppet_happen(struct puppet *p, const struct sim_event *ev)
{
	struct engine_event timer = {.type = ENGINE_TIMER};

	switch (ev->what) {
	case SIM_START:
		puppet_start(p);
		return true;
	case SIM_CRASH:
		puppet_crash(p);
		return true;
	case SIM_NOVA_POLL:
	case SIM_PROBE:
	case SIM_DEVICES:
		return routine(p, ev);
	default:
		break;
	}
	if (ev->b != p->life || !p->engine)
		return true;
	if (ev->what == SIM_TIMER && ev->at_ms < p->timer_ms)
		return true; /* an earlier one has fired since and armed this time anew */
	if (ev->what == SIM_TIMER) {
		p->timer_ms = INT64_MAX;
		step(p, &timer);
	} else if (ev->what == SIM_PERSISTED) {
		persisted(p, ev->a);
	} else if (ev->what == SIM_TOLD) {
		told(p, ev);
	} else if (ev->what == SIM_OP_DONE && puppet_op_end(p, ev->a)) {
		puppet_deliver(p, step);
	}
	return true;
}
