/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided for one instance, one row a case: every state and every hazard in which a wrong word would destroy a guest or leave it
 * behind. "Call" is the dangerous answer; a sweep over everything else proves that it never stands beside an evacuation under way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "engine/state.h"

struct decide_case {
	const char *name;
	const char *host; /* NULL = the dead one */
	enum server_state state;
	enum server_task task;
	enum migration_status migration;
	int64_t migration_id, created_ms, fault_ms;
	const char *source, *dest;
	enum server_state wanted;
	int64_t seen_id;
	bool call_open;
	uint32_t attempt;
	bool no_attempts, settled, stuck, dest_dead, may_reset, no_side_steps;
	int64_t unfinished_id;
	bool unfinished_dead, is_gone, lacks_history, was_moved;
	enum decision want;
	const char *says; /* part of the reason, NULL = any */
};

/* clang-format off */
static const struct decide_case cases[] = {
/* nothing is under way: the state decides */
{"active",        NULL, SERVER_ACTIVE,    TASK_NONE,  .want = DECIDE_CALL},
{"stopped",       NULL, SERVER_STOPPED,   TASK_NONE,  .want = DECIDE_CALL},
{"error",         NULL, SERVER_ERROR,     TASK_NONE,  .want = DECIDE_CALL},
{"paused",        NULL, SERVER_PAUSED,    TASK_NONE,  .want = DECIDE_REFUSE, .says = "paused"},
{"suspended",     NULL, SERVER_SUSPENDED, TASK_NONE,  .want = DECIDE_REFUSE, .says = "suspended"},
{"rescued",       NULL, SERVER_RESCUED,   TASK_NONE,  .want = DECIDE_REFUSE, .says = "rescued"},
{"paused, reset", NULL, SERVER_PAUSED,    TASK_NONE,  .may_reset = true, .want = DECIDE_RESET},
{"suspended, reset", NULL, SERVER_SUSPENDED, TASK_NONE, .may_reset = true, .want = DECIDE_RESET},
{"rescued, reset", NULL, SERVER_RESCUED,  TASK_NONE,  .may_reset = true, .want = DECIDE_RESET},
{"reset, and no end of it", NULL, SERVER_PAUSED, TASK_NONE, .may_reset = true, .no_side_steps = true, .want = DECIDE_REFUSE},
{"building",      NULL, SERVER_BUILDING,  TASK_NONE,  .may_reset = true, .want = DECIDE_REFUSE, .says = "building"},
{"resized",       NULL, SERVER_RESIZED,   TASK_NONE,  .may_reset = true, .want = DECIDE_REFUSE, .says = "resized"},
{"shelved",       NULL, SERVER_SHELVED,   TASK_NONE,  .may_reset = true, .want = DECIDE_REFUSE, .says = "shelved"},
{"a word we do not know", NULL, SERVER_OTHER, TASK_NONE, .want = DECIDE_REFUSE},
{"state unknown", NULL, SERVER_UNKNOWN,   TASK_NONE,  .want = DECIDE_AGAIN},
{"state unknown for too long", NULL, SERVER_UNKNOWN, TASK_NONE, .stuck = true, .want = DECIDE_HOLD},
/* a brief look tells where it is, and never that nothing is under way */
{"brief, still on the dead host", NULL, SERVER_ACTIVE, TASK_NONE, .lacks_history = true, .want = DECIDE_AGAIN, .says = "not asked for"},
{"brief, in ERROR on the dead host", NULL, SERVER_ERROR, TASK_NONE, .lacks_history = true, .want = DECIDE_AGAIN},
{"brief, elsewhere", "c2", SERVER_ACTIVE, TASK_NONE, .lacks_history = true, .want = DECIDE_DONE},
{"brief, elsewhere and being rebuilt", "c2", SERVER_ACTIVE, TASK_REBUILDING, .lacks_history = true, .want = DECIDE_WATCH},
{"brief, deleted", NULL, SERVER_DELETED, TASK_NONE, .lacks_history = true, .want = DECIDE_GONE},
/* task states */
{"powering-off was sent to the dead host", NULL, SERVER_ACTIVE, TASK_OTHER, .want = DECIDE_CALL},
{"task unknown",  NULL, SERVER_ACTIVE,    TASK_UNKNOWN, .want = DECIDE_AGAIN},
{"task unknown for too long", NULL, SERVER_ACTIVE, TASK_UNKNOWN, .stuck = true, .want = DECIDE_HOLD},
{"another move",  NULL, SERVER_ACTIVE,    TASK_MIGRATING, .want = DECIDE_REFUSE, .says = "another move"},
{"being deleted", NULL, SERVER_ACTIVE,    TASK_DELETING,  .want = DECIDE_REFUSE, .says = "deleted"},
{"rebuilding, no record yet", NULL, SERVER_ACTIVE, TASK_REBUILDING, .want = DECIDE_WATCH},
{"rebuilding without end", NULL, SERVER_ACTIVE, TASK_REBUILDING, .stuck = true, .want = DECIDE_HOLD},
{"rebuilding, settled, still not free", NULL, SERVER_ACTIVE, TASK_REBUILDING, .call_open = true, .settled = true, .attempt = 1, .want = DECIDE_WATCH},
{"error with an old task, failed since", NULL, SERVER_ERROR, TASK_REBUILDING, MIGRATION_FAILED, 5, .attempt = 1, .want = DECIDE_CALL},
{"error with an old task, failed before", NULL, SERVER_ERROR, TASK_REBUILDING, MIGRATION_FAILED, 5, .seen_id = 5, .want = DECIDE_WATCH},
/* deleted */
{"gone",          NULL, SERVER_ACTIVE,    TASK_NONE,  .is_gone = true, .want = DECIDE_GONE},
{"deleted",       NULL, SERVER_DELETED,   TASK_NONE,  .want = DECIDE_GONE},
{"soft-deleted",  NULL, SERVER_SOFT_DELETED, TASK_NONE, .want = DECIDE_GONE},
{"gone while under way", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_ACCEPTED, 5, .is_gone = true, .want = DECIDE_GONE},
/* under way: a second call would be accepted and destroy it */
{"accepted",      NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_ACCEPTED, 5, .want = DECIDE_WATCH},
{"pre-migrating", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .want = DECIDE_WATCH},
{"accepted, task not shown", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_ACCEPTED, 5, .want = DECIDE_WATCH},
{"a migration word we do not know", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_OTHER, 5, .want = DECIDE_WATCH},
{"accepted before we came", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_ACCEPTED, 5, .seen_id = 5, .want = DECIDE_WATCH},
{"accepted for ever", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_ACCEPTED, 5, .stuck = true, .want = DECIDE_HOLD, .says = "5"},
{"pre-migrating for ever", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .stuck = true, .settled = true, .want = DECIDE_HOLD, .says = "c2"},
{"destination proven dead", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .dest_dead = true, .want = DECIDE_CALL},
{"destination proven dead, calls used up", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .dest_dead = true, .attempt = 5, .no_attempts = true, .want = DECIDE_REFUSE, .says = "used up"},
{"destination proven dead, a newer call's answer lost", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .dest_dead = true, .call_open = true, .seen_id = 5, .attempt = 2, .want = DECIDE_AGAIN, .says = "lost"},
{"the same, settled", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .dest_dead = true, .call_open = true, .seen_id = 5, .attempt = 2, .settled = true, .want = DECIDE_CALL},
{"destination of the lost call itself proven dead", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 6, .dest = "c2", .dest_dead = true, .call_open = true, .seen_id = 5, .attempt = 2, .want = DECIDE_CALL},
{"stale accepted, a newer call's answer lost", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 1001, .call_open = true, .seen_id = 5, .want = DECIDE_AGAIN},
{"destination silent only", NULL, SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_PRE_MIGRATING, 5, .dest = "c2", .call_open = true, .settled = true, .want = DECIDE_WATCH},
{"stale accepted: error with a newer fault", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 1001, .want = DECIDE_CALL},
{"error with an older fault", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 999, .want = DECIDE_WATCH},
{"error with a fault of the same second", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 1000, .want = DECIDE_WATCH},
{"error without a fault", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 0, .want = DECIDE_WATCH},
{"error, record without its time", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_ACCEPTED, 5, 0, 1001, .want = DECIDE_WATCH},
{"a newer fault, but not in error", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_ACCEPTED, 5, 1000, 1001, .want = DECIDE_WATCH},
/* the gap: ACTIVE, no task, migration done, host not yet changed */
{"the gap",       NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .dest = "c2", .attempt = 1, .want = DECIDE_AGAIN, .says = "not yet changed"},
{"the gap of a call with a lost answer", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .call_open = true, .settled = true, .want = DECIDE_AGAIN},
{"the gap, seen before our call", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .seen_id = 5, .want = DECIDE_AGAIN},
{"a gap without end", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .stuck = true, .want = DECIDE_HOLD},
{"before the gap: ACTIVE, no task, record still under way", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_PRE_MIGRATING, 5, .call_open = true, .settled = true, .want = DECIDE_WATCH},
{"an evacuation that brought it here", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .source = "c7", .dest = "c1", .want = DECIDE_CALL},
/* completed: the source cleaned up before the target finished */
{"completed, ours", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_COMPLETED, 5, .attempt = 1, .settled = true, .want = DECIDE_AGAIN, .says = "cleaned up"},
{"completed, ours, without end", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_COMPLETED, 5, .attempt = 1, .stuck = true, .want = DECIDE_HOLD},
{"completed, of an earlier life of the host", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_COMPLETED, 5, .seen_id = 5, .want = DECIDE_CALL},
{"completed, from another host", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_COMPLETED, 5, .source = "c7", .attempt = 1, .want = DECIDE_CALL},
/* failed: it may be called again, as often as allowed */
{"failed",        NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 5, .attempt = 1, .call_open = true, .want = DECIDE_CALL},
{"failed, no attempt left", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 5, .attempt = 5, .no_attempts = true, .want = DECIDE_REFUSE},
{"failed before our call", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 5, .seen_id = 5, .call_open = true, .attempt = 1, .want = DECIDE_AGAIN},
/* a call whose answer was lost: nothing in two readings, the second well after it */
{"lost call, first reading", NULL, SERVER_ACTIVE, TASK_NONE, .call_open = true, .attempt = 1, .want = DECIDE_AGAIN, .says = "lost"},
{"lost call, settled", NULL, SERVER_ACTIVE, TASK_NONE, .call_open = true, .attempt = 1, .settled = true, .want = DECIDE_CALL},
{"lost call, settled, paused meanwhile", NULL, SERVER_PAUSED, TASK_NONE, .call_open = true, .attempt = 1, .settled = true, .want = DECIDE_REFUSE},
{"lost last call", NULL, SERVER_ACTIVE, TASK_NONE, .call_open = true, .attempt = 5, .no_attempts = true, .want = DECIDE_AGAIN},
{"lost last call, settled", NULL, SERVER_ACTIVE, TASK_NONE, .call_open = true, .attempt = 5, .no_attempts = true, .settled = true, .want = DECIDE_REFUSE},
/* once seen elsewhere: a copy may run there, whatever the records say */
{"was moved, listed on the dead host again", NULL, SERVER_ACTIVE, TASK_NONE, .was_moved = true, .want = DECIDE_HOLD, .says = "a copy may run"},
{"was moved, its record lost too", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 9, .was_moved = true, .want = DECIDE_HOLD},
{"was moved, elsewhere again", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .was_moved = true, .want = DECIDE_DONE},
{"was moved, deleted", NULL, SERVER_DELETED, TASK_NONE, .was_moved = true, .want = DECIDE_GONE},
/* an older record under way behind a newer one that ended */
{"older pre-migrating behind a failed one", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 9, 2000, 2001, .unfinished_id = 5, .want = DECIDE_WATCH, .says = "older"},
{"the same, without end", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 9, .unfinished_id = 5, .stuck = true, .want = DECIDE_HOLD, .says = "5"},
{"the same, its destination proven dead", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 9, .unfinished_id = 5, .unfinished_dead = true, .want = DECIDE_CALL},
{"the same, accounted for before our call", NULL, SERVER_ERROR, TASK_NONE, MIGRATION_FAILED, 9, .seen_id = 5, .unfinished_id = 5, .want = DECIDE_CALL},
{"older one behind a call with a lost answer", NULL, SERVER_ACTIVE, TASK_NONE, MIGRATION_FAILED, 9, .unfinished_id = 5, .call_open = true, .settled = true, .want = DECIDE_WATCH},
{"older one, newest done elsewhere", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 9, .unfinished_id = 5, .want = DECIDE_DONE},
/* moved */
{"moved",         "c2", SERVER_ACTIVE,  TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_ACTIVE, .want = DECIDE_DONE, .says = "c2"},
{"moved, similar name", "c10", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .want = DECIDE_DONE, .says = "c10"},
{"moved, stopped as wanted", "c2", SERVER_STOPPED, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_STOPPED, .want = DECIDE_DONE},
{"moved out of ERROR, started", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_STOPPED, .want = DECIDE_STOP},
{"moved, started, and no end of it", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_STOPPED, .no_side_steps = true, .want = DECIDE_REFUSE, .says = "stop"},
{"moved, wanted active, is stopped", "c2", SERVER_STOPPED, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_ACTIVE, .want = DECIDE_REFUSE, .says = "active"},
{"moved, state nobody knew before", "c2", SERVER_STOPPED, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_UNKNOWN, .want = DECIDE_DONE},
{"moved, was paused, is active", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_DONE, 5, .wanted = SERVER_PAUSED, .want = DECIDE_DONE},
{"moved, in error", "c2", SERVER_ERROR, TASK_NONE, MIGRATION_DONE, 5, .want = DECIDE_REFUSE, .says = "ERROR"},
{"moved, state unknown", "c2", SERVER_UNKNOWN, TASK_NONE, MIGRATION_DONE, 5, .want = DECIDE_AGAIN},
{"moved, state unknown for too long", "c2", SERVER_UNKNOWN, TASK_NONE, MIGRATION_DONE, 5, .stuck = true, .want = DECIDE_HOLD},
{"host changed before the record", "c2", SERVER_ACTIVE, TASK_NONE, MIGRATION_PRE_MIGRATING, 5, .want = DECIDE_WATCH},
{"moved, evacuated again from there", "c2", SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_ACCEPTED, 9, .source = "c2", .want = DECIDE_WATCH},
{"moved, still rebuilding", "c2", SERVER_ACTIVE, TASK_REBUILDING, MIGRATION_DONE, 5, .want = DECIDE_WATCH},
{"moved, between two states", "c2", SERVER_PAUSED, TASK_OTHER, MIGRATION_DONE, 5, .want = DECIDE_AGAIN},
{"moved, its user pauses it", "c2", SERVER_ACTIVE, TASK_OTHER, MIGRATION_DONE, 5, .want = DECIDE_DONE},
{"moved, stopped, its user starts it", "c2", SERVER_STOPPED, TASK_OTHER, MIGRATION_DONE, 5, .wanted = SERVER_STOPPED, .want = DECIDE_DONE},
{"moved, paused there and at rest", "c2", SERVER_PAUSED, TASK_NONE, MIGRATION_DONE, 5, .want = DECIDE_DONE},
{"moved without any record of an evacuation", "c2", SERVER_ACTIVE, TASK_NONE, .want = DECIDE_DONE},
};
/* clang-format on */

static void fill(
    const struct decide_case *c, struct instance_record *i, struct instance_view *v, struct decide_facts *f)
{
	*i = (struct instance_record){.wanted = c->wanted,
	    .seen_migration_id = c->seen_id,
	    .call_open = c->call_open,
	    .attempt = c->attempt,
	    .was_moved = c->was_moved};
	str_copy(i->source, sizeof(i->source), "c1");
	*v = (struct instance_view){
	    .exists = !c->is_gone, .state = c->state, .task = c->task, .fault_at_ms = c->fault_ms};
	str_copy(v->host, sizeof(v->host), c->host ? c->host : "c1");
	v->lacks_history = c->lacks_history;
	v->evacuation =
	    (struct migration_view){.id = c->migration_id, .status = c->migration, .created_at_ms = c->created_ms};
	if (c->migration)
		str_copy(v->evacuation.source, sizeof(v->evacuation.source), c->source ? c->source : "c1");
	str_copy(v->evacuation.dest, sizeof(v->evacuation.dest), c->dest);
	v->unfinished.id = c->unfinished_id;
	*f = (struct decide_facts){.may_reset = c->may_reset,
	    .is_settled = c->settled,
	    .is_stuck = c->stuck,
	    .dest_is_proven_dead = c->dest_dead,
	    .unfinished_is_dead = c->unfinished_dead,
	    .has_attempts = !c->no_attempts,
	    .has_side_steps = !c->no_side_steps};
}

static const char *const decision_names[DECISION_N] = {
    "again", "call", "watch", "reset", "stop", "done", "refuse", "gone", "hold"};

static void each_case(void **state)
{
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct instance_record i;
		struct instance_view v;
		struct decide_facts f;
		char why[REASON_SIZE] = "";
		enum decision got;

		fill(&cases[k], &i, &v, &f);
		got = instance_decide(&i, &v, &f, why, sizeof(why));
		if (got != cases[k].want)
			fail_msg("%s: %s (%s), wanted %s", cases[k].name, decision_names[got], why,
			    decision_names[cases[k].want]);
		if (!why[0] && got != DECIDE_CALL)
			fail_msg("%s: no reason given", cases[k].name);
		if (cases[k].says && !strstr(why, cases[k].says))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[k].name, why, cases[k].says);
	}
}

/* One combination of everything; see the sweep. */
static void may_call(const struct instance_record *i, const struct instance_view *v, const struct decide_facts *f)
{
	const struct migration_view *m = &v->evacuation;
	char why[REASON_SIZE];
	bool under_way = migration_is_under_way(m->status) && !f->dest_is_proven_dead &&
			 !(v->state == SERVER_ERROR && v->fault_at_ms > m->created_at_ms && m->created_at_ms);
	enum decision d = instance_decide(i, v, f, why, sizeof(why));

	if (d != DECIDE_CALL && d != DECIDE_RESET)
		return;
	if (under_way)
		fail_msg("called while %s", migration_status_name(m->status));
	assert_string_equal(v->host, i->source);
	if (v->task == TASK_UNKNOWN || v->task == TASK_MIGRATING || v->task == TASK_DELETING)
		assert_true(f->dest_is_proven_dead || v->state == SERVER_ERROR);
	if (m->status == MIGRATION_DONE)
		assert_string_not_equal(m->source, i->source);
	if (v->unfinished.id > i->seen_migration_id)
		assert_true(f->unfinished_is_dead);
	if (d == DECIDE_CALL)
		assert_true(f->has_attempts);
	if (i->call_open && (!migration_is_under_way(m->status) || m->id <= i->seen_migration_id))
		assert_true(f->is_settled || (m->status == MIGRATION_FAILED && m->id > i->seen_migration_id));
}

static void sweep_flags(struct instance_record *i, struct instance_view *v)
{
	for (unsigned bits = 0; bits < 1u << 10; bits++) {
		struct decide_facts f = {.may_reset = bits & 1,
		    .is_settled = bits & 2,
		    .is_stuck = bits & 4,
		    .dest_is_proven_dead = bits & 8,
		    .unfinished_is_dead = bits & 16,
		    .has_attempts = bits & 32,
		    .has_side_steps = true};

		i->call_open = bits & 64;
		i->attempt = i->call_open;
		v->unfinished.id = bits & 128 ? 5 : 0;
		i->seen_migration_id = bits & 256 ? 5 : 0;
		v->evacuation.id = bits & 256 && !(bits & 512) ? 5 : 9;
		v->fault_at_ms = bits & 512 ? 200 : 0;
		may_call(i, v, &f);
	}
}

static void call_is_never_said_beside_an_evacuation(void **state)
{
	static const char *const places[] = {"c1", "c2"};
	struct instance_record i = {.source = "c1"};

	for (int s = 0; s < SERVER_STATE_N * TASK_N * MIGRATION_STATUS_N * 4; s++) {
		struct instance_view v = {.exists = true};

		v.state = (enum server_state)(s % SERVER_STATE_N);
		v.task = (enum server_task)(s / SERVER_STATE_N % TASK_N);
		v.evacuation.status = (enum migration_status)(s / SERVER_STATE_N / TASK_N % MIGRATION_STATUS_N);
		v.evacuation.created_at_ms = 100;
		str_copy(v.host, sizeof(v.host), places[s / SERVER_STATE_N / TASK_N / MIGRATION_STATUS_N & 1]);
		str_copy(v.evacuation.source, sizeof(v.evacuation.source),
		    places[s / SERVER_STATE_N / TASK_N / MIGRATION_STATUS_N >> 1]);
		sweep_flags(&i, &v);
	}
}

/* Whatever Nova writes into its texts, the reason stays a bounded string. */
static void long_texts_are_cut(void **state)
{
	struct instance_record i = {.source = "c1"};
	struct instance_view v = {.exists = true, .state = SERVER_ERROR, .task = TASK_NONE};
	struct decide_facts f = {0};
	char why[REASON_SIZE];

	memset(v.host, 'h', sizeof(v.host) - 1);
	memset(v.fault, 'f', sizeof(v.fault) - 1);
	assert_int_equal(instance_decide(&i, &v, &f, why, sizeof(why)), DECIDE_REFUSE);
	assert_true(strlen(why) < sizeof(why));
	v.state = SERVER_ACTIVE;
	v.evacuation = (struct migration_view){.id = INT64_MAX, .status = MIGRATION_ACCEPTED};
	memset(v.evacuation.dest, 'd', sizeof(v.evacuation.dest) - 1);
	str_copy(v.host, sizeof(v.host), "c1");
	f.is_stuck = true;
	assert_int_equal(instance_decide(&i, &v, &f, why, sizeof(why)), DECIDE_HOLD);
	assert_true(strlen(why) < sizeof(why));
}

/* Which readings speak for a lost call that was never begun: none beside which it, or another one, may be under way. */
static void a_reading_of_nothing_leaves_no_room_for_a_call(void **state)
{
	static const struct {
		enum migration_status status;
		int64_t id;
		enum server_task task;
		bool dest_dead, newer_fault, want;
	} rows[] = {{MIGRATION_NONE, 0, TASK_NONE, .want = true}, {MIGRATION_NONE, 0, TASK_REBUILDING, .want = false},
	    {MIGRATION_FAILED, 5, TASK_NONE, .want = true}, {MIGRATION_ACCEPTED, 5, TASK_NONE, .want = false},
	    {MIGRATION_ACCEPTED, 5, TASK_NONE, .dest_dead = true, .want = true},
	    {MIGRATION_ACCEPTED, 5, TASK_NONE, .newer_fault = true, .want = true},
	    {MIGRATION_ACCEPTED, 4, TASK_NONE, .dest_dead = true, .want = true},
	    {MIGRATION_ACCEPTED, 6, TASK_NONE, .dest_dead = true, .want = false},
	    {MIGRATION_ACCEPTED, 6, TASK_NONE, .newer_fault = true, .want = false}};

	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct instance_record i = {.source = "c1", .seen_migration_id = 5};
		struct decide_facts f = {.dest_is_proven_dead = rows[k].dest_dead};
		struct instance_view v = {
		    .exists = true, .state = rows[k].newer_fault ? SERVER_ERROR : SERVER_ACTIVE, .task = rows[k].task};

		v.evacuation =
		    (struct migration_view){.id = rows[k].id, .status = rows[k].status, .created_at_ms = 1000};
		v.fault_at_ms = rows[k].newer_fault ? 1001 : 0;
		if (instance_shows_nothing(&i, &v, &f) != rows[k].want)
			fail_msg("row %zu: %s", k, rows[k].want ? "shows nothing" : "may be under way");
	}
}

static struct migration_view record_of(int64_t id, enum migration_status s, const char *source, const char *dest)
{
	struct migration_view m = {.id = id, .status = s};

	str_copy(m.instance, sizeof(m.instance), "u1");
	str_copy(m.source, sizeof(m.source), source);
	str_copy(m.dest, sizeof(m.dest), dest);
	return m;
}

/* Which older records a view takes in, and where it stops believing a destination. */
static void older_records_are_folded(void **state)
{
	struct instance_view v = {.exists = true, .uuid = "u1", .host = "c1"};
	struct migration_view m;

	v.evacuation = record_of(9, MIGRATION_FAILED, "c1", "c4");
	m = record_of(9, MIGRATION_ACCEPTED, "c1", "c2"); /* not older */
	instance_view_note(&v, &m);
	m = record_of(3, MIGRATION_DONE, "c1", "c2"); /* ended */
	instance_view_note(&v, &m);
	m = record_of(3, MIGRATION_ACCEPTED, "c7", "c1"); /* away from another host */
	instance_view_note(&v, &m);
	m = record_of(3, MIGRATION_ACCEPTED, "c1", "c2");
	str_copy(m.instance, sizeof(m.instance), "u10"); /* of another instance */
	instance_view_note(&v, &m);
	assert_int_equal(v.unfinished.id, 0);
	m = record_of(3, MIGRATION_PRE_MIGRATING, "c1", "c2");
	instance_view_note(&v, &m);
	assert_int_equal(v.unfinished.id, 3);
	assert_string_equal(v.unfinished.dest, "c2");
	m = record_of(5, MIGRATION_PRE_MIGRATING, "c1", "c2");
	instance_view_note(&v, &m);
	assert_int_equal(v.unfinished.id, 5);
	assert_string_equal(v.unfinished.dest, "c2");
	m = record_of(2, MIGRATION_OTHER, "c1", "c3"); /* one proof of death cannot speak for two destinations */
	instance_view_note(&v, &m);
	assert_int_equal(v.unfinished.id, 5);
	assert_string_equal(v.unfinished.dest, "");
	m = record_of(1, MIGRATION_ACCEPTED, "c1", "c2");
	instance_view_note(&v, &m);
	assert_string_equal(v.unfinished.dest, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_case),
	    cmocka_unit_test(call_is_never_said_beside_an_evacuation), cmocka_unit_test(long_texts_are_cut),
	    cmocka_unit_test(a_reading_of_nothing_leaves_no_room_for_a_call),
	    cmocka_unit_test(older_records_are_folded)};

	return cmocka_run_group_tests_name("instance_decide", tests, NULL, NULL);
}
