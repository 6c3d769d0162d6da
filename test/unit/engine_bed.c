/* SPDX-License-Identifier: Apache-2.0 */
/* The bed of the engine's tests; see engine_bed.h. */
#include "test/unit/engine_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"

static bool is_same(const struct record *a, const struct record *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case RECORD_HOST:
		return str_eq(a->host.name, b->host.name);
	case RECORD_RECOVERY:
		return str_eq(a->recovery.id, b->recovery.id);
	case RECORD_SUSPENSION:
		return str_eq(a->suspension.segment, b->suspension.segment);
	case RECORD_INSTANCE:
		return str_eq(a->instance.recovery, b->instance.recovery) && str_eq(a->instance.uuid, b->instance.uuid);
	default:
		return true;
	}
}

static void make_durable(struct bed *b, const struct record *rec)
{
	uint32_t k = 0;

	while (k < b->durable_n && !is_same(&b->durable[k], rec))
		k++;
	assert_true(k < BED_RECORDS);
	b->durable[k] = *rec;
	b->durable_n += k == b->durable_n;
}

const struct recovery_record *bed_durable(struct bed *b, const char *host)
{
	for (uint32_t k = b->durable_n; k-- > 0;) {
		if (b->durable[k].type == RECORD_RECOVERY && str_eq(b->durable[k].recovery.host, host))
			return &b->durable[k].recovery;
	}
	return NULL;
}

static const struct instance_record *durable_instance(struct bed *b, const char *recovery, const char *uuid)
{
	for (uint32_t k = 0; k < b->durable_n; k++) {
		const struct instance_record *i = &b->durable[k].instance;

		if (b->durable[k].type == RECORD_INSTANCE && str_eq(i->recovery, recovery) && str_eq(i->uuid, uuid))
			return i;
	}
	return NULL;
}

/* Record before act: whatever starts and changes the world was announced by what the store holds now. */
static void check_start(struct bed *b, const struct engine_action *a)
{
	const struct recovery_record *r = bed_durable(b, a->start.host_name);
	const struct instance_record *i = durable_instance(b, a->start.recovery, a->start.instance);

	assert_non_null(r);
	assert_string_equal(r->id, a->start.recovery);
	assert_false(b->o.dry_run);
	assert_true(a->start.start_by_ms >= b->now_ms);
	if (a->start.instance[0]) {
		assert_non_null(i);
		assert_int_equal(instance_step_of(i->row)->op, a->start.kind);
	} else {
		assert_int_equal(host_step_of(r->row)->op, a->start.kind);
		assert_true(r->attempt > 0);
	}
	if (a->start.kind == OP_POWER_OFF)
		assert_true(r->off_attempt > 0);
	if (a->start.kind == OP_FORCE_DOWN)
		assert_true(r->we_forced_down);
	if (a->start.kind == OP_DISABLE)
		assert_true(r->we_disabled);
	if (host_step_of(r->row)->flags & STEP_PROOF || a->start.kind == OP_EVACUATE)
		assert_true(r->proof.kind != PROOF_NONE && !r->proof.is_void);
	if (a->start.kind == OP_EVACUATE)
		assert_true(i->call_open && i->attempt > 0);
}

static void take_start(struct bed *b, const struct engine_action *a)
{
	struct engine_event late = {.type = ENGINE_OP_ENDED};

	if (op_kind_changes_world(a->start.kind))
		check_start(b, a);
	b->started[a->start.kind]++;
	if (b->is_late && op_kind_changes_world(a->start.kind)) {
		late.op_end = (struct op_end){.op = a->start.op, .outcome = OUTCOME_REFUSED, .fault = FAULT_LATE};
		b->is_late = false;
		/* answered after this step: the bed's own queue is the list of operations */
	}
	assert_true(b->op_n < BED_OPS);
	b->op[b->op_n++] = *a;
	if (late.op_end.op)
		b->op[b->op_n - 1].start.level |= 0x80000000u; /* marks it: see bed_event() */
}

static void take_talk(struct bed *b, const struct engine_action *a)
{
	struct bed_talk *t = &b->talk[b->talk_n];

	if (b->talk_n == BED_TALK)
		return;
	b->talk_n++;
	*t = (struct bed_talk){.type = a->type};
	if (a->type == ACTION_TELL) {
		t->moment = a->tell.moment;
		t->held_n = a->tell.held_n;
		str_copy(t->key, sizeof(t->key), a->tell.recovery);
		return;
	}
	str_copy(t->key, sizeof(t->key), a->alert.key);
	str_copy(t->text, sizeof(t->text), a->alert.text);
}

static void take_line(char *log, const char *text)
{
	size_t n = strlen(log);

	snprintf(log + n, BED_LOG_SIZE - n, "%s\n", text);
}

static void drop_op(struct bed *b, uint32_t k)
{
	memmove(&b->op[k], &b->op[k + 1], (b->op_n - k - 1) * sizeof(b->op[0]));
	b->op_n--;
}

static void take_cancel(struct bed *b, uint64_t op)
{
	for (uint32_t k = 0; k < b->op_n; k++) {
		if (b->op[k].start.op == op) {
			drop_op(b, k);
			b->cancelled++;
			return;
		}
	}
}

static void take_actions(struct bed *b)
{
	for (uint32_t k = 0; k < b->actions->n; k++) {
		const struct engine_action *a = &b->actions->all[k];

		switch (a->type) {
		case ACTION_PERSIST:
			assert_true(b->waiting_n < BED_RECORDS);
			b->on_its_way[b->waiting_n] = a->persist.record;
			b->seq[b->waiting_n++] = a->persist.seq;
			break;
		case ACTION_START:
			take_start(b, a);
			break;
		case ACTION_CANCEL:
			take_cancel(b, a->cancel.op);
			break;
		case ACTION_TELL:
		case ACTION_ALERT:
			take_talk(b, a);
			break;
		case ACTION_LOG:
			b->line_n[a->log.priority & 7]++;
			take_line(b->log, a->log.text);
			if (a->log.priority <= 4)
				take_line(b->warned, a->log.text);
			break;
		default:
			break;
		}
	}
}

static int one_event(struct bed *b, struct engine_event *ev, struct osha_err *reterr)
{
	int r, first;

	ev->now_ms = b->now_ms;
	ev->wall_ms = b->now_ms + 1000000;
	first = engine_step(b->e, ev, b->actions, reterr);
	b->steps++;
	take_actions(b);
	while (b->actions->again) {
		struct engine_event timer = {.type = ENGINE_TIMER, .now_ms = b->now_ms, .wall_ms = ev->wall_ms};

		r = engine_step(b->e, &timer, b->actions, reterr);
		assert_int_equal(r, 0);
		b->steps++;
		b->again++;
		take_actions(b);
	}
	return first;
}

void bed_settle_store(struct bed *b, bool is_confirmed)
{
	while (b->waiting_n) {
		struct engine_event ev = {.type = ENGINE_PERSISTED};

		ev.persisted.seq = b->seq[0];
		ev.persisted.outcome = is_confirmed ? OUTCOME_DONE : OUTCOME_REFUSED;
		if (is_confirmed)
			make_durable(b, &b->on_its_way[0]);
		b->waiting_n--;
		memmove(b->on_its_way, b->on_its_way + 1, b->waiting_n * sizeof(*b->on_its_way));
		memmove(b->seq, b->seq + 1, b->waiting_n * sizeof(*b->seq));
		one_event(b, &ev, NULL);
	}
}

/* What the bed answers by itself: records, late starts, and that a moment waits in the outbox. */
static bool answer_one(struct bed *b)
{
	if (b->store != BED_STORE_WAITS && b->waiting_n) {
		bed_settle_store(b, b->store == BED_STORE_CONFIRMS);
		return true;
	}
	for (uint32_t k = 0; k < b->op_n; k++) {
		struct engine_event ev = {.type = ENGINE_OP_ENDED};

		if (!(b->op[k].start.level & 0x80000000u))
			continue;
		ev.op_end = (struct op_end){.op = b->op[k].start.op, .outcome = OUTCOME_REFUSED, .fault = FAULT_LATE};
		drop_op(b, k);
		one_event(b, &ev, NULL);
		return true;
	}
	for (uint32_t k = 0; k < b->talk_n && !b->keep_untold; k++) {
		struct engine_event ev = {.type = ENGINE_TOLD};

		if (b->talk[k].type != ACTION_TELL || b->talk[k].text[0])
			continue;
		str_copy(b->talk[k].text, sizeof(b->talk[k].text), "told");
		ev.told.recovery = b->talk[k].key;
		ev.told.moment = b->talk[k].moment;
		one_event(b, &ev, NULL);
		return true;
	}
	return false;
}

int bed_event(struct bed *b, struct engine_event *ev, struct osha_err *reterr)
{
	int r = one_event(b, ev, reterr);

	for (int rounds = 0; answer_one(b); rounds++)
		assert_true(rounds < 10000);
	return r;
}

struct host_policy bed_policy(uint32_t host)
{
	struct host_policy p = {.is_in_segment = true, .must_be_dead = 3, .level_n = 2};

	for (uint32_t l = 0; l < 2; l++) {
		p.level[l] = (struct host_policy_level){.key = 100 * (host + 1) + l, .attempts = 2, .timeout_ms = 9000};
		snprintf(p.level[l].device, sizeof(p.level[l].device), "bmc%u-h%u", l, host + 1);
	}
	return p;
}

static void make_engine(struct bed *b)
{
	struct engine_event ev = {.type = ENGINE_STARTED};
	struct record *all;
	char name[HOST_NAME_SIZE];

	b->e = engine_create(&b->o);
	assert_non_null(b->e);
	assert_int_equal(engine_reserve(b->e, b->host_n + 2, 2048), 0);
	for (uint32_t h = 0; h < b->host_n; h++) {
		struct host_policy p = bed_policy(h);

		snprintf(name, sizeof(name), "h%u", h + 1);
		assert_int_equal(engine_host_add(b->e, name), h);
		engine_host_set_policy(b->e, h, &p);
	}
	b->durable[0].store.epoch++;
	all = calloc(b->durable_n, sizeof(*all)); /* just as long, so that a look past its end is found out */
	assert_non_null(all);
	memcpy(all, b->durable, b->durable_n * sizeof(*all));
	ev.records.all = all;
	ev.records.n = b->durable_n;
	bed_event(b, &ev, NULL);
	free(all);
}

struct bed *bed_new(uint32_t host_n, const struct engine_options *o)
{
	struct bed *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->actions = calloc(1, sizeof(*b->actions));
	b->durable = calloc(BED_RECORDS, sizeof(*b->durable));
	b->on_its_way = calloc(BED_RECORDS, sizeof(*b->on_its_way));
	b->seq = calloc(BED_RECORDS, sizeof(*b->seq));
	assert_true(b->actions && b->durable && b->on_its_way && b->seq && host_n <= BED_HOSTS);
	b->o = o ? *o : engine_options_default();
	b->host_n = host_n;
	b->now_ms = 5000;
	b->durable_n = 1;
	b->durable[0] = (struct record){.type = RECORD_STORE, .store = {.tag = "tsttst"}};
	make_engine(b);
	for (uint32_t h = 0; h < host_n; h++) {
		bed_set(b, h, SIGN_ALIVE, SIGN_ALIVE);
		for (uint32_t l = 0; l < 2; l++) {
			struct engine_event on = {.type = ENGINE_DEVICE, .device = {h, l, POWER_ON}};

			bed_event(b, &on, NULL);
		}
	}
	return b;
}

void bed_restart(struct bed *b)
{
	engine_destroy(b->e);
	b->op_n = b->waiting_n = 0;
	make_engine(b);
}

void bed_free(struct bed *b)
{
	engine_destroy(b->e);
	free(b->actions);
	free(b->durable);
	free(b->on_its_way);
	free(b->seq);
	free(b);
}

void bed_see(struct bed *b, uint32_t host)
{
	struct engine_evidence all[2];
	struct engine_event ev = {.type = ENGINE_EVIDENCE, .evidence = {all, 2}};

	for (uint32_t m = 0; m < 2; m++)
		all[m] = (struct engine_evidence){host, m, b->sign[host][m], b->now_ms, b->now_ms + 3600000};
	bed_event(b, &ev, NULL);
}

void bed_set(struct bed *b, uint32_t host, enum sign nova, enum sign probe)
{
	b->sign[host][0] = nova;
	b->sign[host][1] = probe;
	bed_see(b, host);
}

void bed_service(struct bed *b, uint32_t host, const struct service_view *v)
{
	struct engine_service s = {host, b->now_ms, v};
	struct engine_event ev = {.type = ENGINE_SERVICES, .services = {&s, 1}};

	bed_event(b, &ev, NULL);
}

void bed_pass(struct bed *b, int64_t ms)
{
	int64_t until = b->now_ms + ms;
	int rounds = 0;

	for (;;) {
		int64_t at = engine_next_deadline_ms(b->e);
		struct engine_event ev = {.type = ENGINE_TIMER};

		assert_true(++rounds < 20000); /* an engine that never comes to rest */
		b->now_ms = at < until ? (at > b->now_ms ? at : b->now_ms) : until;
		bed_event(b, &ev, NULL);
		if (at >= until)
			return;
	}
}
