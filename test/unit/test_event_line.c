/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the flight recorder: whatever goes into an engine comes back the same, and what is no such line is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "daemon/event_line.h"
#include "journal/codec.h"
#include "journal/flight.h"

enum { LINES_MAX = 4096, ITEMS = 700, ROUNDS = 40, HOSTS = 2000 };

/* A field more has to be written and read too: event_options.c, event_write.c, event_read.c, and here. */
_Static_assert(sizeof(struct host_policy) == 888, "struct host_policy has changed");
_Static_assert(sizeof(struct engine_evidence) == 32, "struct engine_evidence has changed");
_Static_assert(sizeof(struct service_view) == 216, "struct service_view has changed");
_Static_assert(sizeof(struct instance_view) == 1464, "struct instance_view has changed");
_Static_assert(sizeof(struct op_end) == 48, "struct op_end has changed");
_Static_assert(sizeof(struct operator_word) == 64, "struct operator_word has changed");
_Static_assert(sizeof(struct engine_event) == 88, "struct engine_event has changed");
_Static_assert(ENGINE_EVENT_N == 12, "there is another kind of event");

static struct rng rng;
static char *lines[LINES_MAX];
static size_t line_n, line_at;
static struct event_writer writer;
static struct event_reader *reader;

static void keep(void *arg, int64_t wall_ms, const char *kind, const char *json, size_t n)
{
	char head[128];
	int head_n = snprintf(head, sizeof(head), "{\"t\":%" PRId64 ",\"kind\":\"%s\",\"in\":", wall_ms, kind);

	assert_true(line_n < LINES_MAX);
	assert_true((size_t)head_n + n + 2 <= JOURNAL_FLIGHT_LINE_MAX);
	assert_null(memchr(json, '\n', n));
	assert_true(asprintf(&lines[line_n++], "%s%.*s}", head, (int)n, json) > 0);
}

static void lines_forget(void)
{
	while (line_n)
		free(lines[--line_n]);
	line_at = 0;
}

static int setup(void **state)
{
	struct engine_options o = engine_options_default();
	const char *seed = getenv("OSHA_TEST_SEED");
	struct event_line l;

	rng.state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	print_message("seed %" PRIu64 " (OSHA_TEST_SEED)\n", rng.state);
	writer.fn = keep;
	event_write_life(&writer, 1, "test", &o);
	for (uint32_t h = 0; h < HOSTS; h++)
		event_write_host(&writer, 1, h, "h");
	reader = event_reader_new();
	for (line_at = 0; line_at < line_n; line_at++)
		assert_int_equal(event_reader_line(reader, lines[line_at], strlen(lines[line_at]), &l, NULL), 0);
	lines_forget();
	return 0;
}

static int teardown(void **state)
{
	lines_forget();
	event_writer_free(&writer);
	event_reader_free(reader);
	memset(&writer, 0, sizeof(writer));
	return 0;
}

/* The one thing that all lines since are parts of. */
static void read_one(struct event_line *ret)
{
	struct osha_err err = {0};
	int e = EVENT_READ_PART;

	memset(ret, 0, sizeof(*ret));
	assert_true(line_n > 0);
	for (; line_at < line_n; line_at++) {
		assert_int_equal(e, EVENT_READ_PART);
		e = event_reader_line(reader, lines[line_at], strlen(lines[line_at]), ret, &err);
		if (e < 0)
			fail_msg("%s\n%.300s", err.msg, lines[line_at]);
	}
	assert_int_equal(e, 0);
	lines_forget();
}

/* --- random content: small often, the ends of the range now and then --- */

static int64_t any_ms(void)
{
	static const int64_t ends[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_C(1) << 53, -(INT64_C(1) << 53) - 1};

	if (rng_chance(&rng, 200))
		return ends[rng_below(&rng, sizeof(ends) / sizeof(ends[0]))];
	return rng_chance(&rng, 500) ? (int64_t)rng_below(&rng, 100000) : (int64_t)rng_next(&rng);
}

static uint32_t any_of(uint64_t n)
{
	return (uint32_t)rng_below(&rng, n);
}

static void any_text(char *ret, size_t size)
{
	static const char pieces[] = "abc-09 \"\\\n\t\x01\x7f\xc3\xa4\xff{}[]:,";
	size_t n = rng_chance(&rng, 100) ? size - 1 : (size_t)rng_below(&rng, size < 24 ? size : 24);

	for (size_t k = 0; k < n; k++)
		ret[k] = pieces[rng_below(&rng, sizeof(pieces) - 1)];
	memset(ret + n, 0, size - n);
}

#define ANY_TEXT(field) any_text(field, sizeof(field))

static struct engine_event any_event(enum engine_event_type type)
{
	return (struct engine_event){.type = type, .now_ms = any_ms(), .wall_ms = (int64_t)rng_below(&rng, 1u << 31)};
}

static void head_equal(const struct event_line *l, const struct engine_event *ev)
{
	assert_int_equal(l->kind, EVENT_LINE_EVENT);
	assert_int_equal(l->event.type, ev->type);
	assert_int_equal(l->event.now_ms, ev->now_ms);
	assert_int_equal(l->event.wall_ms, ev->wall_ms);
}

static void evidence_returns(void **state)
{
	static struct engine_evidence all[ITEMS];
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		ev = any_event(ENGINE_EVIDENCE);
		ev.evidence.all = all;
		ev.evidence.n = any_of(ITEMS + 1);
		memset(all, 0, sizeof(all));
		for (uint32_t k = 0; k < ev.evidence.n; k++) {
			if (k && rng_chance(&rng, 800)) { /* as one poll says it of many */
				all[k] = all[k - 1];
				all[k].host = (all[k].host + 1 + any_of(2)) % HOSTS;
				continue;
			}
			all[k].host = any_of(HOSTS);
			all[k].monitor = any_of(MONITOR_MAX);
			all[k].sign = (enum sign)any_of(SIGN_N);
			all[k].seen_ms = any_ms();
			all[k].expires_ms = any_ms();
		}
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_int_equal(l.event.evidence.n, ev.evidence.n);
		for (uint32_t k = 0; k < ev.evidence.n; k++) {
			assert_int_equal(l.event.evidence.all[k].host, all[k].host);
			assert_int_equal(l.event.evidence.all[k].monitor, all[k].monitor);
			assert_int_equal(l.event.evidence.all[k].sign, all[k].sign);
			assert_int_equal(l.event.evidence.all[k].seen_ms, all[k].seen_ms);
			assert_int_equal(l.event.evidence.all[k].expires_ms, all[k].expires_ms);
		}
	}
}

static void any_service(struct service_view *v)
{
	memset(v, 0, sizeof(*v));
	v->state = (enum sign)any_of(SIGN_N);
	v->disabled = any_of(2);
	v->forced_down = any_of(2);
	v->updated_at_ms = any_ms();
	ANY_TEXT(v->disabled_reason);
	ANY_TEXT(v->service_id);
}

static void services_return(void **state)
{
	static struct service_view views[HOSTS];
	static struct engine_service all[ITEMS];
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		ev = any_event(ENGINE_SERVICES);
		ev.services.all = all;
		ev.services.n = any_of(ITEMS + 1);
		for (uint32_t k = 0; k < ev.services.n; k++) {
			uint32_t host = k + any_of(2) * ITEMS;

			if (rng_chance(&rng, 300))
				any_service(&views[host]);
			views[host].updated_at_ms = any_ms();
			all[k] = (struct engine_service){host, any_ms(), &views[host]};
		}
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_int_equal(l.event.services.n, ev.services.n);
		for (uint32_t k = 0; k < ev.services.n; k++) {
			assert_int_equal(l.event.services.all[k].host, all[k].host);
			assert_int_equal(l.event.services.all[k].asked_ms, all[k].asked_ms);
			assert_memory_equal(l.event.services.all[k].view, all[k].view, sizeof(*all[k].view));
		}
	}
}

static void any_view(struct instance_view *v)
{
	memset(v, 0, sizeof(*v));
	v->exists = any_of(2);
	ANY_TEXT(v->uuid);
	ANY_TEXT(v->name);
	ANY_TEXT(v->project);
	ANY_TEXT(v->host);
	v->state = (enum server_state)any_of(SERVER_STATE_N);
	v->task = (enum server_task)any_of(TASK_N);
	v->locked = any_of(2);
	v->fault_at_ms = any_ms();
	ANY_TEXT(v->fault);
	v->lacks_history = any_of(2);
	v->evacuation.id = any_ms();
	v->evacuation.status = (enum migration_status)any_of(MIGRATION_STATUS_N);
	v->evacuation.created_at_ms = any_ms();
	ANY_TEXT(v->evacuation.instance);
	ANY_TEXT(v->evacuation.source);
	ANY_TEXT(v->evacuation.dest);
	v->unfinished.id = any_ms();
	ANY_TEXT(v->unfinished.dest);
}

static void ends_return(void **state)
{
	static struct instance_view views[ITEMS];
	char reason[REASON_SIZE];
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		ev = any_event(ENGINE_OP_ENDED);
		ev.op_end.op = rng_next(&rng);
		ev.op_end.outcome = (enum outcome)any_of(OUTCOME_N);
		ev.op_end.fault = (enum fault_class)any_of(FAULT_N);
		ev.op_end.power = (enum power)any_of(POWER_N);
		ANY_TEXT(reason);
		ev.op_end.reason = any_of(2) ? reason : NULL;
		ev.op_end.view_n = any_of(4) ? any_of(5) : any_of(ITEMS + 1);
		for (uint32_t k = 0; k < ev.op_end.view_n; k++) {
			if (!round || rng_chance(&rng, 400)) /* the others are as they were in some answer before */
				any_view(&views[k]);
		}
		ev.op_end.views = views;
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_int_equal(l.event.op_end.op, ev.op_end.op);
		assert_int_equal(l.event.op_end.outcome, ev.op_end.outcome);
		assert_int_equal(l.event.op_end.fault, ev.op_end.fault);
		assert_int_equal(l.event.op_end.power, ev.op_end.power);
		assert_int_equal(!l.event.op_end.reason, !ev.op_end.reason);
		if (ev.op_end.reason)
			assert_string_equal(l.event.op_end.reason, reason);
		assert_int_equal(l.event.op_end.view_n, ev.op_end.view_n);
		for (uint32_t k = 0; k < ev.op_end.view_n; k++)
			assert_memory_equal(&l.event.op_end.views[k], &views[k], sizeof(views[k]));
	}
}

static void records_return(void **state)
{
	static struct record all[60];
	struct engine_event ev = any_event(ENGINE_STARTED);
	struct event_line l;

	memset(all, 0, sizeof(all));
	for (uint32_t k = 0; k < 60; k++) {
		all[k].type = RECORD_INSTANCE;
		snprintf(all[k].instance.recovery, sizeof(all[k].instance.recovery), "r-%u", k);
		snprintf(all[k].instance.uuid, sizeof(all[k].instance.uuid), "u-%u", k);
		ANY_TEXT(all[k].instance.name);
		all[k].instance.wanted = (enum server_state)any_of(SERVER_STATE_N);
		all[k].instance.call_wall_ms = any_ms();
	}
	ev.records.all = all;
	ev.records.n = 60;
	event_write_event(&writer, &ev);
	read_one(&l);
	head_equal(&l, &ev);
	assert_int_equal(l.event.records.n, 60);
	for (uint32_t k = 0; k < 60; k++)
		assert_true(journal_record_equal(&l.event.records.all[k], &all[k]));
}

static void text_same(const char *a, const char *b)
{
	assert_int_equal(!a, !b);
	if (a)
		assert_string_equal(a, b);
}

static void words_return(void **state)
{
	char host[HOST_NAME_SIZE], recovery[RECOVERY_ID_SIZE], who[64], despite[300], segment[SEGMENT_NAME_SIZE],
	    reason[300];
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS * OPERATOR_VERB_N; round++) {
		struct operator_word *w = &ev.word;
		bool is_of_host;

		ev = any_event(ENGINE_OPERATOR);
		ANY_TEXT(host);
		ANY_TEXT(recovery);
		ANY_TEXT(who);
		ANY_TEXT(despite);
		ANY_TEXT(segment);
		ANY_TEXT(reason);
		w->verb = (enum operator_verb)any_of(OPERATOR_VERB_N);
		is_of_host = w->verb != OPERATOR_RELEASE && w->verb != OPERATOR_APPROVE;
		w->host = is_of_host ? host : NULL;
		w->recovery = is_of_host ? NULL : recovery;
		w->who = who;
		w->despite_life = any_of(2) ? despite : NULL;
		w->until_wall_ms = any_ms();
		w->segment = any_of(2) ? segment : NULL;
		w->reason = any_of(2) ? reason : NULL;
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_int_equal(l.event.word.verb, w->verb);
		text_same(l.event.word.host, w->host);
		text_same(l.event.word.recovery, w->recovery);
		text_same(l.event.word.who, w->who);
		text_same(l.event.word.despite_life, w->despite_life);
		assert_true(l.event.word.until_wall_ms == w->until_wall_ms);
		text_same(l.event.word.segment, w->segment);
		text_same(l.event.word.reason, w->reason);
	}
}

static void small_ones_return(void **state)
{
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		ev = any_event(ENGINE_DEVICE);
		ev.device.host = any_of(HOSTS);
		ev.device.level = any_of(FENCE_LEVEL_MAX);
		ev.device.power = (enum power)any_of(POWER_N);
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_memory_equal(&l.event.device, &ev.device, sizeof(ev.device));

		ev = any_event(ENGINE_PERSISTED);
		ev.persisted.seq = rng_next(&rng);
		ev.persisted.outcome = (enum outcome)any_of(OUTCOME_N);
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);
		assert_int_equal(l.event.persisted.seq, ev.persisted.seq);
		assert_int_equal(l.event.persisted.outcome, ev.persisted.outcome);
	}
}

static void smallest_ones_return(void **state)
{
	char text[REASON_SIZE];
	struct engine_event ev;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		ANY_TEXT(text);
		ev = any_event(ENGINE_TIMER);
		event_write_event(&writer, &ev);
		read_one(&l);
		head_equal(&l, &ev);

		ev = any_event(ENGINE_STALLED);
		ev.stall_ms = any_ms();
		event_write_event(&writer, &ev);
		read_one(&l);
		assert_int_equal(l.event.stall_ms, ev.stall_ms);

		ev = any_event(ENGINE_LEASE);
		ev.epoch = rng_next(&rng);
		event_write_event(&writer, &ev);
		read_one(&l);
		assert_int_equal(l.event.epoch, ev.epoch);

		ev = any_event(ENGINE_TOLD);
		ev.told.recovery = text;
		ev.told.moment = (enum moment)any_of(MOMENT_N);
		event_write_event(&writer, &ev);
		read_one(&l);
		assert_string_equal(l.event.told.recovery, text);
		assert_int_equal(l.event.told.moment, ev.told.moment);

		ev = any_event(ENGINE_MONITOR_HEALTH);
		ev.health.monitor = any_of(MONITOR_MAX);
		ev.health.is_ok = any_of(2);
		ev.health.reason = any_of(2) ? text : NULL;
		event_write_event(&writer, &ev);
		read_one(&l);
		assert_int_equal(l.event.health.monitor, ev.health.monitor);
		assert_int_equal(l.event.health.is_ok, ev.health.is_ok);
		text_same(l.event.health.reason, ev.health.reason);
	}
}

/* Every byte but the monitors' names, so that a field that the table of options lacks shows. */
static void options_return(void **state)
{
	struct engine_options o, was = engine_options_default();
	uint8_t *bytes = (uint8_t *)&o;
	struct event_line l;

	memset(&o, 0, sizeof(o));
	for (size_t k = offsetof(struct engine_options, service_down_time_ms);
	     k < offsetof(struct engine_options, reset_unsupported); k++)
		bytes[k] = (uint8_t)rng_next(&rng);
	o.reset_unsupported = any_of(2);
	o.dry_run = any_of(2);
	o.monitor_n = 2;
	o.monitor_name[0] = was.monitor_name[0];
	o.monitor_name[1] = was.monitor_name[1];
	ANY_TEXT(o.monitor_path[0]);
	ANY_TEXT(o.monitor_path[1]);
	event_write_options(&writer, 5, &o);
	read_one(&l);
	assert_int_equal(l.kind, EVENT_LINE_OPTIONS);
	assert_int_equal(l.options.monitor_n, 2);
	for (uint32_t m = 0; m < 2; m++) {
		assert_string_equal(l.options.monitor_name[m], o.monitor_name[m]);
		l.options.monitor_name[m] = o.monitor_name[m];
	}
#define SAME(f) assert_int_equal(l.options.f, o.f)
	assert_string_equal(l.options.monitor_path[1], o.monitor_path[1]);
	SAME(service_down_time_ms);
	SAME(evacuate_fleet_n);
	SAME(store_retry_ms);
	SAME(reset_unsupported);
	SAME(dry_run);
	/* once more through both sides: what one of them lost would show as a default */
	event_write_options(&writer, 5, &l.options);
	assert_non_null(strstr(lines[0], "\"start_window_ms\""));
	for (size_t k = offsetof(struct engine_options, service_down_time_ms);
	     k + 8 <= offsetof(struct engine_options, reset_unsupported); k += 8) {
		uint64_t a, b;

		memcpy(&a, bytes + k, 8);
		memcpy(&b, (const uint8_t *)&l.options + k, 8);
		if (a != b && (uint32_t)a != (uint32_t)b) /* the upper half may be padding */
			fail_msg("the option at byte %zu is lost", k);
	}
	read_one(&l);
}

static void policy_returns(void **state)
{
	struct host_policy p;
	struct event_line l;

	for (int round = 0; round < ROUNDS; round++) {
		memset(&p, 0, sizeof(p));
		p.is_in_segment = any_of(2);
		p.must_be_dead = any_of(1u << MONITOR_MAX);
		p.recover_disabled = any_of(2);
		p.let_return = any_of(2);
		p.mode = (enum host_mode)any_of(MODE_N);
		p.is_control_plane = any_of(2);
		p.segment = (uint32_t)rng_next(&rng);
		p.recoveries_n = (uint32_t)rng_next(&rng);
		p.healthy_percent = (uint32_t)rng_next(&rng);
		ANY_TEXT(p.segment_name);
		p.window_n = any_of(WINDOW_MAX + 1);
		for (uint32_t k = 0; k < p.window_n; k++)
			p.window[k] = (struct window){(enum window_kind)any_of(WINDOW_ONCE + 1), any_ms(), any_ms()};
		p.level_n = any_of(FENCE_LEVEL_MAX + 1);
		for (uint32_t k = 0; k < p.level_n; k++) {
			ANY_TEXT(p.level[k].device);
			p.level[k].key = rng_next(&rng);
			p.level[k].attempts = (uint32_t)rng_next(&rng);
			p.level[k].timeout_ms = any_ms();
		}
		event_write_policy(&writer, 5, (uint32_t)round, &p);
		read_one(&l);
		assert_int_equal(l.kind, EVENT_LINE_POLICY);
		assert_int_equal(l.host.number, round);
		assert_memory_equal(&l.host.policy, &p, sizeof(p));
		event_write_policy(&writer, 6, (uint32_t)round, &p);
		assert_int_equal(line_n, 0); /* said already */
	}
}

static void lost_lines_show(void **state)
{
	struct engine_event ev = any_event(ENGINE_TIMER);
	struct engine_options o = engine_options_default();
	struct event_line l;

	event_write_event(&writer, &ev);
	event_write_event(&writer, &ev);
	assert_int_equal(event_reader_line(reader, lines[1], strlen(lines[1]), &l, NULL), EVENT_READ_LOST);
	assert_int_equal(event_reader_line(reader, lines[0], strlen(lines[0]), &l, NULL), EVENT_READ_LOST);
	lines_forget();
	event_write_life(&writer, 1, "test", &o);
	event_write_end(&writer, 2);
	event_write_event(&writer, &ev);
	assert_int_equal(event_reader_line(reader, lines[0], strlen(lines[0]), &l, NULL), 0);
	assert_int_equal(l.kind, EVENT_LINE_LIFE);
	assert_int_equal(event_reader_line(reader, lines[1], strlen(lines[1]), &l, NULL), 0);
	assert_int_equal(l.kind, EVENT_LINE_END);
	assert_int_equal(event_reader_line(reader, lines[2], strlen(lines[2]), &l, NULL), EVENT_READ_NO_LIFE);
}

static void hostile_lines_are_refused(void **state)
{
	static const char *const kinds[][2] = {{"evidence", "[%d,5,[[0,\"alive\",0,0,2000,0,1]]]"},
	    {"evidence", "[%d,5,[[0,\"alive\",0,0,0,-1,2]]]"}, {"evidence", "[%d,5,[[8,\"alive\",0,0,0,0,1]]]"},
	    {"evidence", "[%d,5,[[0,\"alive\",0,0,0,0]]]"}, {"evidence", "[%d,5]"}, {"evidence", "[%d,1.5,[]]"},
	    {"services", "[%d,5,[[9,0,0]]]"}, {"services", "[%d,5,[[2000,0,0,\"alive\",0,0,\"\",\"\"]]]"},
	    {"op-ended", "[%d,5,\"zz\",\"done\",\"none\",\"off\",null,[]]"},
	    {"op-ended", "[%d,5,\"1\",\"done\",\"none\",\"off\",null,[1023]]"}, {"started", "[%d,5,[\"00\"]]"},
	    {"started", "[%d,5,[\"4f4\"]]"}, {"device", "[%d,5,0,4,\"off\"]"}, {"device", "[%d,5,2000,0,\"off\"]"},
	    {"told", "[%d,5,null,\"held\"]"}, {"told", "[%d,5,\"x\",\"?\"]"},
	    {"operator", "[%d,5,\"release\",\"h\",null,\"w\",null]"},
	    {"operator", "[%d,5,\"confirm-dead\",\"h\",null,null,null]"}, {"health", "[%d,5,8,1,null]"},
	    {"host", "[%d,1999,\"again\"]"}, {"host", "[%d,2001,\"gap\"]"}, {"policy", "[%d,2000,{}]"},
	    {"policy", "[%d,0,{}]"}, {"options", "[%d,{}]"}, {"options", "[%d,{\"monitors\":[]}]"},
	    {"reserve", "[%d,-1,0]"}, {"more", "[%d,\"timer\",[]]"}, {"nothing", "[%d]"}, {"did", "[%d]"},
	    {"said", "[%d,\"x\"]"}};
	struct osha_err err = {0};
	struct event_line l;
	char in[200], line[300];

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const char *mark = strstr(kinds[k][1], "%d");

		snprintf(in, sizeof(in), "%.*s%" PRIu64 "%s", (int)(mark - kinds[k][1]), kinds[k][1], writer.next++,
		    mark + 2);
		snprintf(line, sizeof(line), "{\"t\":1,\"kind\":\"%s\",\"in\":%s}", kinds[k][0], in);
		if (event_reader_line(reader, line, strlen(line), &l, &err) != -OSHA_E_GARBAGE)
			fail_msg("taken: %s", line);
		assert_non_null(strstr(err.msg, kinds[k][0]));
	}
	assert_int_equal(event_reader_line(reader, "{}", 2, &l, &err), -OSHA_E_GARBAGE);
	assert_int_equal(event_reader_line(reader, "", 0, &l, &err), -OSHA_E_GARBAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(evidence_returns, setup, teardown),
	    cmocka_unit_test_setup_teardown(services_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(ends_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(records_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(words_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(small_ones_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(smallest_ones_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(options_return, setup, teardown),
	    cmocka_unit_test_setup_teardown(policy_returns, setup, teardown),
	    cmocka_unit_test_setup_teardown(lost_lines_show, setup, teardown),
	    cmocka_unit_test_setup_teardown(hostile_lines_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
