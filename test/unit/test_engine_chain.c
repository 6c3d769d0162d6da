/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance that was on its way from h3 to h1 when h1 died, with nobody's proof that h3 is dead: it is held by name in the recovery of
 * h1. Once h3 is proven dead too, the recovery of h3 moves it and the recovery of h1 ends, without an order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

enum { DEST = 0, SOURCE = 2 };

/* A cloud with this one server in it; machines that can be switched off. */
struct scene {
	struct bed *b;
	struct instance_view v;
	bool source_bmc_is_dead;
	unsigned unanswered; /* operations that hang, 1 << enum op_kind */
};

static void scene_open(struct scene *s)
{
	*s = (struct scene){.b = bed_new(5, NULL), .v = bed_moved(7, "h3", "h1", 11)};
	str_copy(s->v.host, sizeof(s->v.host), "h3");
	s->v.task = TASK_REBUILDING;
	s->v.evacuation.status = MIGRATION_PRE_MIGRATING;
}

static void answer_power(struct scene *s, enum op_kind kind)
{
	bool is_broken = s->source_bmc_is_dead && str_eq(bed_op(s->b, kind)->start.host_name, "h3");

	if (kind == OP_POWER_OFF)
		bed_end(s->b, kind, is_broken ? OUTCOME_REFUSED : OUTCOME_DONE, FAULT_NONE);
	else
		bed_end_power(s->b, is_broken ? POWER_UNKNOWN : POWER_OFF);
}

static void answer_views(struct scene *s, enum op_kind kind)
{
	const char *host = bed_op(s->b, kind)->start.host_name;
	const struct migration_view *m = &s->v.evacuation;
	bool is_listed =
	    str_eq(m->source, host) || (kind == OP_LIST && (str_eq(s->v.host, host) || str_eq(m->dest, host)));

	bed_end_views(s->b, kind, &s->v, kind == OP_ASK || is_listed);
}

static void answer_evacuate(struct scene *s)
{
	assert_string_equal(bed_op(s->b, OP_EVACUATE)->start.host_name, "h3");
	s->v = bed_moved(7, "h3", "h2", s->v.evacuation.id + 1);
	bed_end(s->b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
}

static bool answer_one(struct scene *s, enum op_kind kind)
{
	if (!bed_op(s->b, kind) || (s->unanswered & (1u << kind)))
		return false;
	if (kind == OP_LOOK)
		bed_end_look(s->b, bed_op(s->b, kind)->start.host);
	else if (kind == OP_POWER_OFF || kind == OP_POWER_STATUS)
		answer_power(s, kind);
	else if (kind == OP_LIST || kind == OP_MIGRATIONS || kind == OP_ASK)
		answer_views(s, kind);
	else if (kind == OP_EVACUATE)
		answer_evacuate(s);
	else
		bed_end(s->b, kind, OUTCOME_DONE, FAULT_NONE);
	return true;
}

/* Let the world answer for so long, or until both hosts' recoveries are in these rows. False: the time was over. */
static bool run(struct scene *s, int64_t ms, enum host_row dest, enum host_row source)
{
	for (int64_t end_ms = s->b->now_ms + ms; s->b->now_ms < end_ms;) {
		for (unsigned kind = OP_LOOK; kind < OP_KIND_N; kind++) {
			while (answer_one(s, (enum op_kind)kind))
				;
		}
		if (bed_row(s->b, DEST) == dest && bed_row(s->b, SOURCE) == source)
			return true;
		bed_pass(s->b, 100);
	}
	return false;
}

static void to_held(struct scene *s, enum host_row source)
{
	bed_set(s->b, DEST, SIGN_DEAD, SIGN_DEAD);
	assert_true(run(s, 30000, HOST_ROW_HELD, source));
	assert_int_equal(bed_instance(s->b, DEST, "uuid-7")->row, INSTANCE_ROW_HELD);
	assert_string_equal(bed_instance(s->b, DEST, "uuid-7")->source, "h3");
	assert_int_equal(s->b->started[OP_EVACUATE], 0);
}

/* Both recoveries end, by one call, and sooner than the hold's schedule. */
static void ends_well(struct scene *s, int64_t within_ms)
{
	assert_true(within_ms < s->b->o.hold_retry_ms);
	assert_true(run(s, within_ms, HOST_ROW_RECOVERED, HOST_ROW_RECOVERED));
	assert_int_equal(bed_instance(s->b, SOURCE, "uuid-7")->row, INSTANCE_ROW_DONE);
	assert_string_equal(bed_instance(s->b, SOURCE, "uuid-7")->dest, "h2");
	assert_int_equal(bed_instance(s->b, DEST, "uuid-7")->row, INSTANCE_ROW_GONE);
	assert_int_equal(s->b->started[OP_EVACUATE], 1);
	bed_free(s->b);
}

static void its_source_dies_later(void **state)
{
	struct scene s;

	scene_open(&s);
	to_held(&s, HOST_ROW_NONE);
	bed_set(s.b, SOURCE, SIGN_DEAD, SIGN_DEAD);
	ends_well(&s, 20000);
}

/* The recovery of its source is held for want of a proof; an operator gives his word. */
static void an_operator_confirms_its_sources_death(void **state)
{
	struct scene s;

	scene_open(&s);
	s.source_bmc_is_dead = true;
	bed_set(s.b, SOURCE, SIGN_DEAD, SIGN_DEAD);
	for (int k = 0; k < 10 && bed_row(s.b, SOURCE) != HOST_ROW_HELD; k++)
		run(&s, 30000, HOST_ROW_NONE, HOST_ROW_HELD);
	to_held(&s, HOST_ROW_HELD);
	assert_int_equal(bed_say(s.b, OPERATOR_CONFIRM_DEAD, "h3", NULL, NULL), 0);
	ends_well(&s, 10000);
}

/* Killed while the proof of its source is being used: what is durable is enough to go on. */
static void a_restart_in_between_loses_nothing(void **state)
{
	struct scene s;

	scene_open(&s);
	to_held(&s, HOST_ROW_NONE);
	s.unanswered = 1u << OP_FORCE_DOWN;
	bed_set(s.b, SOURCE, SIGN_DEAD, SIGN_DEAD);
	assert_true(run(&s, 20000, HOST_ROW_HELD, HOST_ROW_FORCING_DOWN));
	s.unanswered = 0;
	bed_restart(s.b);
	bed_see(s.b, DEST);
	bed_see(s.b, SOURCE);
	ends_well(&s, 30000);
}

/* Proven already, but its recovery has not come to its list: held until then, and for that reason. */
static void its_sources_recovery_has_not_listed_it_yet(void **state)
{
	struct scene s;

	scene_open(&s);
	s.unanswered = 1u << OP_LIST;
	bed_set(s.b, DEST, SIGN_DEAD, SIGN_DEAD);
	assert_true(run(&s, 20000, HOST_ROW_LISTING, HOST_ROW_NONE));
	s.unanswered |= 1u << OP_FORCE_DOWN;
	bed_set(s.b, SOURCE, SIGN_DEAD, SIGN_DEAD);
	assert_true(run(&s, 20000, HOST_ROW_LISTING, HOST_ROW_FORCING_DOWN));
	answer_views(&s, OP_LIST);
	assert_int_equal(bed_instance(s.b, DEST, "uuid-7")->row, INSTANCE_ROW_HELD);
	assert_non_null(strstr(bed_instance(s.b, DEST, "uuid-7")->why, "has not listed it yet"));
	s.unanswered = 0;
	ends_well(&s, 10000);
}

/* Nobody says that its source is dead: it stays held, and nothing is called. */
static void without_a_proof_it_stays_held(void **state)
{
	struct scene s;

	scene_open(&s);
	to_held(&s, HOST_ROW_NONE);
	assert_false(run(&s, 400000, HOST_ROW_RECOVERED, HOST_ROW_NONE));
	assert_int_equal(bed_row(s.b, DEST), HOST_ROW_HELD);
	assert_int_equal(bed_instance(s.b, DEST, "uuid-7")->row, INSTANCE_ROW_HELD);
	assert_int_equal(s.b->started[OP_EVACUATE], 0);
	bed_free(s.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(its_source_dies_later),
	    cmocka_unit_test(an_operator_confirms_its_sources_death),
	    cmocka_unit_test(a_restart_in_between_loses_nothing),
	    cmocka_unit_test(its_sources_recovery_has_not_listed_it_yet),
	    cmocka_unit_test(without_a_proof_it_stays_held)};

	return cmocka_run_group_tests_name("engine_chain", tests, NULL, NULL);
}
