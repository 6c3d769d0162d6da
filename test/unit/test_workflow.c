/* SPDX-License-Identifier: Apache-2.0 */
/* The two workflow tables as graphs: what they promise holds for every row and every path, whatever the interpreters do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "engine/workflow.h"

static bool is_host_row(int row)
{
	return row > HOST_ROW_NONE && row < HOST_ROW_N;
}

static void reach_host(enum host_row from, bool seen[HOST_ROW_N], bool with_proof_edge)
{
	const struct host_step *s = host_step_of(from);
	size_t side_n;
	const struct side_edge *sides = host_side_edges(&side_n);

	if (seen[from])
		return;
	seen[from] = true;
	for (int o = 0; o < OUTCOME_N; o++) {
		if (!with_proof_edge && from == HOST_ROW_PROVING && o == OUTCOME_DONE)
			continue;
		if (s->next[o] != HOST_ROW_NONE)
			reach_host(s->next[o], seen, with_proof_edge);
	}
	for (size_t k = 0; k < side_n; k++) {
		bool is_from = sides[k].from == SIDE_UNDER_PROOF ? s->flags & STEP_PROOF : sides[k].from == (int)from;

		if (is_from && (with_proof_edge || !sides[k].carries_proof))
			reach_host((enum host_row)sides[k].to, seen, with_proof_edge);
	}
}

static void every_host_row_is_reached(void **state)
{
	bool seen[HOST_ROW_N] = {0};

	reach_host(HOST_ROW_SUSPECT, seen, true);
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		if (!seen[r])
			fail_msg("%s is not reached", host_row_name((enum host_row)r));
	}
}

/* What carries a proof, an operator's word or a hold that has one, is told apart in the table; that it does, the simulator's witness checks. */
static void no_path_under_proof_without_proof(void **state)
{
	bool seen[HOST_ROW_N] = {0};

	reach_host(HOST_ROW_SUSPECT, seen, false);
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		if ((host_step_of((enum host_row)r)->flags & STEP_PROOF) && seen[r])
			fail_msg("%s is reached without proof", host_row_name((enum host_row)r));
	}
	assert_false(seen[HOST_ROW_RECOVERED]);
}

static void host_rows_act_or_wait(void **state)
{
	uint32_t initial = 0;

	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		const struct host_step *s = host_step_of((enum host_row)r);
		const char *name = host_row_name((enum host_row)r);

		initial += (s->flags & STEP_INITIAL) != 0;
		if (s->flags & STEP_FINAL) {
			assert_int_equal(s->op, OP_NONE);
			continue;
		}
		if (s->op == OP_NONE && !(s->flags & STEP_REST))
			fail_msg("%s neither acts nor waits", name);
		for (int o = 0; s->op != OP_NONE && o < OUTCOME_N; o++) {
			if (!is_host_row((int)s->next[o]))
				fail_msg("%s has no exit for %s", name, outcome_name((enum outcome)o));
		}
		/* a wait, a reading or a call has a budget; power-off takes its level's own, instances have theirs */
		if (s->op != OP_NONE && s->op != OP_CHILDREN && s->op != OP_POWER_OFF)
			assert_non_null(s->budget_ms);
	}
	assert_int_equal(initial, 1);
	assert_true(host_step_of(HOST_ROW_SUSPECT)->flags & STEP_INITIAL);
}

static void host_rows_that_hold_say_why(void **state)
{
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		const struct host_step *s = host_step_of((enum host_row)r);

		for (int o = 0; o < OUTCOME_N; o++) {
			if (s->next[o] == HOST_ROW_HELD)
				assert_int_not_equal(s->hold, HOLD_NONE);
		}
	}
	for (int c = HOLD_NONE; c < HOLD_CAUSE_N; c++)
		assert_string_not_equal(hold_cause_name((enum hold_cause)c), "?");
}

static void names_are_unique(void **state)
{
	for (int a = HOST_ROW_NONE; a < HOST_ROW_N; a++) {
		for (int b = a + 1; b < HOST_ROW_N; b++)
			assert_string_not_equal(host_row_name((enum host_row)a), host_row_name((enum host_row)b));
	}
	for (int a = INSTANCE_ROW_NONE; a < INSTANCE_ROW_N; a++) {
		for (int b = a + 1; b < INSTANCE_ROW_N; b++)
			assert_string_not_equal(
			    instance_row_name((enum instance_row)a), instance_row_name((enum instance_row)b));
	}
	for (int a = OP_NONE; a < OP_KIND_N; a++) {
		for (int b = a + 1; b < OP_KIND_N; b++)
			assert_string_not_equal(op_kind_name((enum op_kind)a), op_kind_name((enum op_kind)b));
	}
	assert_string_equal(host_row_name((enum host_row)99), "?");
	assert_string_equal(instance_row_name((enum instance_row)99), "?");
}

static void is_a_sentence(const char *row, const char *why)
{
	size_t n = why ? strlen(why) : 0;

	if (n < 15 || n >= REASON_SIZE || !strchr(why, ' ')) {
		fail_msg("%s: \"%s\" is no sentence", row, why ? why : "");
		return;
	}
	if (why[0] == ' ' || strchr(" .,:;", why[n - 1]) || strstr(why, "  ") || strpbrk(why, "\"|\n"))
		fail_msg("%s: \"%s\" does not fit into a log line and a diagram", row, why);
}

static void every_row_says_why(void **state)
{
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++)
		is_a_sentence(host_row_name((enum host_row)r), host_step_of((enum host_row)r)->why);
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++)
		is_a_sentence(instance_row_name((enum instance_row)r), instance_step_of((enum instance_row)r)->why);
}

/* What can be issued again after a lost answer is, by default, at least once. */
static void steps_to_repeat_have_two_attempts(void **state)
{
	struct engine_options o = engine_options_default();

	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		const struct host_step *s = host_step_of((enum host_row)r);

		if (s->resume != RESUME_AGAIN || s->op == OP_CHILDREN || s->op == OP_WAIT)
			continue;
		if (!s->attempts || s->attempts(&o) < 2)
			fail_msg("%s is not tried twice", host_row_name((enum host_row)r));
	}
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		if (host_step_of((enum host_row)r)->budget_ms)
			assert_true(host_step_of((enum host_row)r)->budget_ms(&o) > 0);
	}
	assert_true(o.evacuate_attempts >= 2);
	assert_true(o.off_readings_n >= 2);
}

/* Nothing that was cut off by a crash is begun again blindly: power-off, calls and resets are looked at first. */
static void restarts_look_first(void **state)
{
	assert_int_equal(host_step_of(HOST_ROW_FENCING)->resume, RESUME_ASK);
	assert_int_equal(instance_step_of(INSTANCE_ROW_CALLING)->resume, RESUME_ASK);
	assert_int_equal(instance_step_of(INSTANCE_ROW_REBUILDING)->resume, RESUME_ASK);
	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		const struct host_step *s = host_step_of((enum host_row)r);

		if (s->op == OP_POWER_OFF || s->op == OP_EVACUATE)
			assert_int_not_equal(s->resume, RESUME_AGAIN);
	}
}

static void moments_are_told_where_they_happen(void **state)
{
	uint32_t rows[MOMENT_N] = {0};

	for (int r = HOST_ROW_NONE + 1; r < HOST_ROW_N; r++) {
		int m = host_step_of((enum host_row)r)->moment;

		assert_in_range(m + 1, 0, MOMENT_N);
		if (m >= 0)
			rows[m]++;
	}
	for (int m = 0; m < MOMENT_N; m++)
		assert_int_equal(rows[m], 1);
	assert_int_equal(host_step_of(HOST_ROW_FENCING)->moment, MOMENT_CONFIRMED);
	assert_int_equal(host_step_of(HOST_ROW_RECOVERED)->moment, MOMENT_RECOVERED);
	assert_int_equal(host_step_of(HOST_ROW_HELD)->moment, MOMENT_HELD);
}

static void reach_instance(enum instance_row from, bool seen[INSTANCE_ROW_N], bool stop_at_question)
{
	const struct instance_step *s = instance_step_of(from);
	size_t side_n;
	const struct side_edge *sides = instance_side_edges(&side_n);

	if (seen[from])
		return;
	seen[from] = true;
	if (stop_at_question && s->op == OP_ASK)
		return;
	for (int o = 0; o < OUTCOME_N; o++) {
		if (s->next[o] != INSTANCE_ROW_NONE)
			reach_instance(s->next[o], seen, stop_at_question);
	}
	for (size_t k = 0; k < side_n; k++) {
		if (sides[k].from == (int)from)
			reach_instance((enum instance_row)sides[k].to, seen, stop_at_question);
	}
}

static void every_instance_row_is_reached(void **state)
{
	bool seen[INSTANCE_ROW_N] = {0};

	reach_instance(INSTANCE_ROW_WAITING, seen, false);
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++) {
		if (!seen[r])
			fail_msg("%s is not reached", instance_row_name((enum instance_row)r));
	}
}

static void no_call_is_repeated_without_asking(void **state)
{
	const struct instance_step *call = instance_step_of(INSTANCE_ROW_CALLING);

	for (int o = 0; o < OUTCOME_N; o++) {
		bool seen[INSTANCE_ROW_N] = {0};

		reach_instance(call->next[o], seen, true);
		assert_false(seen[INSTANCE_ROW_CALLING]);
	}
	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++) {
		const struct instance_step *s = instance_step_of((enum instance_row)r);

		for (int o = 0; o < OUTCOME_N; o++) {
			if (s->next[o] == INSTANCE_ROW_CALLING)
				assert_int_equal(s->op, OP_ASK);
		}
	}
}

static void instance_rows_act_or_wait(void **state)
{
	uint32_t initial = 0;

	for (int r = INSTANCE_ROW_NONE + 1; r < INSTANCE_ROW_N; r++) {
		const struct instance_step *s = instance_step_of((enum instance_row)r);

		initial += (s->flags & STEP_INITIAL) != 0;
		if (s->flags & STEP_FINAL) {
			assert_int_equal(s->op, OP_NONE);
			continue;
		}
		for (int o = 0; o < OUTCOME_N; o++)
			assert_in_range(s->next[o], INSTANCE_ROW_NONE + 1, INSTANCE_ROW_N - 1);
		if (s->op != OP_NONE)
			assert_non_null(s->budget_ms);
		/* whatever may write to the cloud on the strength of a proof needs one */
		if (s->op == OP_EVACUATE || s->op == OP_RESET_STATE)
			assert_true(s->flags & STEP_PROOF);
	}
	assert_int_equal(initial, 1);
}

/* Out of range, as a damaged journal could hand it: a row without an operation. */
static void strange_rows_do_nothing(void **state)
{
	assert_int_equal(host_step_of((enum host_row)1000)->op, OP_NONE);
	assert_int_equal(instance_step_of((enum instance_row)1000)->op, OP_NONE);
	assert_int_equal(host_step_of(HOST_ROW_NONE)->next[OUTCOME_DONE], HOST_ROW_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_host_row_is_reached),
	    cmocka_unit_test(no_path_under_proof_without_proof), cmocka_unit_test(host_rows_act_or_wait),
	    cmocka_unit_test(host_rows_that_hold_say_why), cmocka_unit_test(names_are_unique),
	    cmocka_unit_test(every_row_says_why), cmocka_unit_test(steps_to_repeat_have_two_attempts),
	    cmocka_unit_test(restarts_look_first), cmocka_unit_test(moments_are_told_where_they_happen),
	    cmocka_unit_test(every_instance_row_is_reached), cmocka_unit_test(no_call_is_repeated_without_asking),
	    cmocka_unit_test(instance_rows_act_or_wait), cmocka_unit_test(strange_rows_do_nothing)};

	return cmocka_run_group_tests_name("workflow", tests, NULL, NULL);
}
