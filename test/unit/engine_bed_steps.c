/* SPDX-License-Identifier: Apache-2.0 */
/* How operations end, what can be looked at, and the usual ways through a recovery; see engine_bed.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

struct engine_action *bed_op(struct bed *b, enum op_kind kind)
{
	for (uint32_t k = 0; k < b->op_n; k++) {
		if (b->op[k].start.kind == kind)
			return &b->op[k];
	}
	return NULL;
}

static void end_with(struct bed *b, enum op_kind kind, struct op_end end)
{
	struct engine_action *a = bed_op(b, kind);
	struct engine_event ev = {.type = ENGINE_OP_ENDED, .op_end = end};

	if (!a) {
		fail_msg("no %s is under way", op_kind_name(kind));
		return;
	}
	ev.op_end.op = a->start.op;
	memmove(a, a + 1, (size_t)(&b->op[b->op_n] - (a + 1)) * sizeof(*a));
	b->op_n--;
	bed_event(b, &ev, NULL);
}

void bed_end(struct bed *b, enum op_kind kind, enum outcome outcome, enum fault_class fault)
{
	end_with(b, kind, (struct op_end){.outcome = outcome, .fault = fault});
}

void bed_end_why(struct bed *b, enum op_kind kind, enum outcome outcome, enum fault_class fault, const char *reason)
{
	end_with(b, kind, (struct op_end){.outcome = outcome, .fault = fault, .reason = reason});
}

void bed_end_power(struct bed *b, enum power power)
{
	enum outcome outcome = power == POWER_UNKNOWN ? OUTCOME_UNKNOWN : OUTCOME_DONE;

	end_with(b, OP_POWER_STATUS, (struct op_end){.outcome = outcome, .power = power});
}

void bed_end_views(struct bed *b, enum op_kind kind, const struct instance_view *v, uint32_t n)
{
	end_with(b, kind, (struct op_end){.outcome = OUTCOME_DONE, .views = v, .view_n = n});
}

void bed_end_look(struct bed *b, uint32_t host)
{
	bed_see(b, host);
	bed_end(b, OP_LOOK, OUTCOME_DONE, FAULT_NONE);
}

int bed_say(struct bed *b, enum operator_verb verb, const char *name, const char *despite_life, struct osha_err *reterr)
{
	struct engine_event ev = {.type = ENGINE_OPERATOR,
	    .word = {
		.verb = verb, .host = name, .recovery = name, .who = "ops (uid 1000)", .despite_life = despite_life}};

	return bed_event(b, &ev, reterr);
}

const struct recovery_record *bed_recovery(struct bed *b, uint32_t host)
{
	struct host_snapshot s;

	engine_host_snapshot(b->e, host, b->now_ms, &s);
	return s.recovery;
}

enum host_row bed_row(struct bed *b, uint32_t host)
{
	const struct recovery_record *r = bed_recovery(b, host);

	return r ? r->row : HOST_ROW_NONE;
}

const struct instance_record *bed_instance(struct bed *b, uint32_t host, const char *uuid)
{
	const struct recovery_record *r = bed_recovery(b, host);
	const struct instance_record *i = NULL;

	while (r && (i = engine_instance_next(b->e, r, i))) {
		if (str_eq(i->uuid, uuid))
			return i;
	}
	return NULL;
}

uint32_t bed_told(const struct bed *b, enum moment m)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < b->talk_n; k++)
		n += b->talk[k].type == ACTION_TELL && b->talk[k].moment == m;
	return n;
}

uint32_t bed_alerts(const struct bed *b, const char *key_begin)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < b->talk_n; k++)
		n += b->talk[k].type == ACTION_ALERT && str_starts(b->talk[k].key, key_begin);
	return n;
}

struct instance_view bed_view(uint32_t number, const char *host)
{
	struct instance_view v = {.exists = true, .state = SERVER_ACTIVE, .task = TASK_NONE};

	snprintf(v.uuid, sizeof(v.uuid), "uuid-%u", number);
	snprintf(v.name, sizeof(v.name), "vm%u", number);
	str_copy(v.project, sizeof(v.project), "project-1");
	str_copy(v.host, sizeof(v.host), host);
	return v;
}

struct instance_view bed_moved(uint32_t number, const char *from, const char *to, int64_t migration)
{
	struct instance_view v = bed_view(number, to);

	v.evacuation = (struct migration_view){.id = migration, .status = MIGRATION_DONE, .created_at_ms = 1};
	str_copy(v.evacuation.instance, sizeof(v.evacuation.instance), v.uuid);
	str_copy(v.evacuation.source, sizeof(v.evacuation.source), from);
	str_copy(v.evacuation.dest, sizeof(v.evacuation.dest), to);
	return v;
}

void bed_to_fencing(struct bed *b, uint32_t host)
{
	bed_set(b, host, SIGN_DEAD, SIGN_DEAD);
	assert_int_equal(bed_row(b, host), HOST_ROW_SUSPECT);
	bed_pass(b, b->o.recheck_after_ms);
	assert_int_equal(bed_row(b, host), HOST_ROW_CONFIRMING);
	bed_end_look(b, host);
	assert_int_equal(bed_row(b, host), HOST_ROW_FENCING);
	assert_non_null(bed_op(b, OP_POWER_OFF));
}

void bed_to_proven(struct bed *b, uint32_t host)
{
	bed_to_fencing(b, host);
	bed_end(b, OP_POWER_OFF, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, host), HOST_ROW_PROVING);
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, host), HOST_ROW_PROVING);
	assert_null(bed_op(b, OP_FORCE_DOWN));
	bed_end_power(b, POWER_OFF);
	assert_int_equal(bed_row(b, host), HOST_ROW_FORCING_DOWN);
}

void bed_to_listing(struct bed *b, uint32_t host)
{
	bed_to_proven(b, host);
	bed_end(b, OP_FORCE_DOWN, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, host), HOST_ROW_DISABLING);
	bed_end(b, OP_DISABLE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_row(b, host), HOST_ROW_LISTING);
}

void bed_to_recovered(struct bed *b, uint32_t host)
{
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11);

	assert_int_equal(host, 0);
	bed_to_listing(b, host);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_int_equal(bed_row(b, host), HOST_ROW_EVACUATING);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(bed_instance(b, host, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	assert_int_equal(bed_instance(b, host, "uuid-1")->row, INSTANCE_ROW_VERIFYING);
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(bed_row(b, host), HOST_ROW_VERIFYING);
	bed_end_views(b, OP_LIST, &moved, 1);
	assert_int_equal(bed_row(b, host), HOST_ROW_RECOVERED);
}

void bed_dies(struct bed *b, uint32_t host)
{
	bed_set(b, host, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	bed_end_look(b, host);
}

void bed_die_together(struct bed *b, uint32_t n)
{
	for (uint32_t h = 0; h < n; h++)
		bed_set(b, h, SIGN_DEAD, SIGN_DEAD);
	bed_pass(b, b->o.recheck_after_ms);
	for (uint32_t h = 0; h < n; h++)
		bed_see(b, h);
	while (bed_op(b, OP_LOOK))
		bed_end(b, OP_LOOK, OUTCOME_DONE, FAULT_NONE);
}

void bed_marked_service(struct bed *b, int64_t updated_ms)
{
	struct service_view s = {
	    .state = SIGN_DEAD, .disabled = true, .forced_down = true, .updated_at_ms = updated_ms};

	str_copy(s.disabled_reason, sizeof(s.disabled_reason), "osha recovery tsttst-1-1: host failed");
	bed_service(b, 0, &s);
}

void bed_breaker_says(struct bed *b, const char *says)
{
	char why[REASON_SIZE] = "";
	bool is_held = breaker_holds(b->e, &b->e->hosts[0], b->now_ms, why, sizeof(why));

	if (is_held != (says != NULL) || (says && !strstr(why, says)))
		fail_msg("expected \"%s\", it says \"%s\"", says ? says : "nothing", why);
	bed_free(b);
}
