/* SPDX-License-Identifier: Apache-2.0 */
/* An instance between the list and its end: what is learnt of it, what an answer lets be called, and how a call that was refused or failed goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

/* Its record was seen done: only where it is now is asked. Still on the dead host: everything is asked again, and nothing called. */
static void a_verification_is_brief_and_calls_nothing(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11), brief = bed_view(1, "h1");

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_false(bed_op(b, OP_ASK)->start.is_brief);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	assert_true(bed_op(b, OP_MIGRATIONS)->start.is_brief);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_VERIFYING);
	assert_true(bed_op(b, OP_ASK)->start.is_brief);
	brief.lacks_history = true;
	bed_end_views(b, OP_ASK, &brief, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_ASKING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->empty_readings, 0);
	assert_false(bed_op(b, OP_ASK)->start.is_brief);
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_DONE);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

/* What is over when the host is listed is history; what is under way, or done, may be the one that moves it. */
static void only_an_evacuation_that_is_over_counts_as_seen(void **state)
{
	static const struct {
		enum migration_status status;
		int64_t seen;
	} rows[] = {{MIGRATION_FAILED, 12}, {MIGRATION_COMPLETED, 12}, {MIGRATION_ACCEPTED, 0}, {MIGRATION_DONE, 0}};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct bed *b = bed_new(3, NULL);
		struct instance_view v = bed_view(1, "h1");

		v.evacuation.id = 12;
		v.evacuation.status = rows[k].status;
		str_copy(v.evacuation.source, sizeof(v.evacuation.source), "h1");
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, rows[k].seen);
		bed_free(b);
	}
}

/* Which refusals of an evacuate call are for good, which are tried again, and which are asked about. */
static void each_refusal_of_a_call_has_its_end(void **state)
{
	static const struct {
		enum fault_class fault;
		enum instance_row row;
	} rows[] = {{FAULT_AUTH, INSTANCE_ROW_REFUSED}, {FAULT_STATE, INSTANCE_ROW_REFUSED},
	    {FAULT_MISSING, INSTANCE_ROW_ASKING}, {FAULT_TRANSIENT, INSTANCE_ROW_WAITING}};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct bed *b = bed_new(3, NULL);
		struct instance_view v = bed_view(1, "h1");

		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		bed_end_views(b, OP_ASK, &v, 1);
		bed_end(b, OP_EVACUATE, OUTCOME_REFUSED, rows[k].fault);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->row, rows[k].row);
		bed_free(b);
	}
}

/* A call that failed without a word why is repeated after a rest, as one with a reason is. */
static void a_failed_call_rests_without_a_reason_too(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), gone_wrong = bed_moved(1, "h1", "h2", 11);

	(void)state;
	str_copy(gone_wrong.host, sizeof(gone_wrong.host), "h1");
	gone_wrong.state = SERVER_ERROR;
	gone_wrong.evacuation.status = MIGRATION_FAILED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	bed_end_views(b, OP_MIGRATIONS, &gone_wrong, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_ASKING);
	bed_end_views(b, OP_ASK, &gone_wrong, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_WAITING);
	for (int k = 0; k < 10 && !bed_op(b, OP_ASK); k++)
		bed_pass(b, b->o.retry_ms);
	bed_end_views(b, OP_ASK, &gone_wrong, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_CALLING);
	assert_int_equal(b->started[OP_EVACUATE], 2);
	bed_free(b);
}

/*
 * An evacuation that had failed by all appearance is called over; the call is refused, and the old one goes on after all: its end counts, or
 * the instance would wait for the whole time of a rebuild.
 */
static void what_was_called_over_in_vain_counts_again(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view old = bed_moved(1, "h1", "h2", 12), failed;

	(void)state;
	str_copy(old.host, sizeof(old.host), "h1");
	old.evacuation.status = MIGRATION_PRE_MIGRATING;
	old.evacuation.created_at_ms = 5000;
	failed = old;
	failed.state = SERVER_ERROR;
	failed.fault_at_ms = 6000;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &failed, 1);
	bed_end_views(b, OP_ASK, &failed, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 12);
	bed_end(b, OP_EVACUATE, OUTCOME_REFUSED, FAULT_TRANSIENT);
	for (int k = 0; k < 10 && !bed_op(b, OP_ASK); k++)
		bed_pass(b, b->o.retry_ms);
	bed_end_views(b, OP_ASK, &old, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 11);
	bed_pass(b, b->o.poll_ms);
	old = bed_moved(1, "h1", "h2", 12);
	bed_end_views(b, OP_MIGRATIONS, &old, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_VERIFYING);
	assert_int_equal(b->started[OP_EVACUATE], 1);
	bed_free(b);
}

/* A newer call is on its way: what is said of an older evacuation says nothing about it. */
static void an_older_evacuation_does_not_end_the_wait_for_a_call(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view failed = bed_moved(1, "h1", "h2", 12), older;

	(void)state;
	str_copy(failed.host, sizeof(failed.host), "h1");
	failed.state = SERVER_ERROR;
	failed.evacuation.status = MIGRATION_FAILED;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &failed, 1);
	bed_end_views(b, OP_ASK, &failed, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	older = failed;
	for (int s = MIGRATION_ACCEPTED; s < MIGRATION_STATUS_N; s++) {
		older.evacuation.status = (enum migration_status)s;
		bed_pass(b, b->o.poll_ms);
		bed_end_views(b, OP_MIGRATIONS, &older, 1);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	}
	bed_free(b);
}

/* The proof was voided while Nova was being asked: what the answer allows waits for the next proof. */
static void nothing_is_called_on_an_answer_after_the_proof(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	assert_non_null(bed_op(b, OP_ASK));
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_WAITING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->attempt, 0);
	assert_int_equal(b->started[OP_EVACUATE], 0);
	bed_free(b);
}

/* Whose an instance is, is learnt once: from the list, or from the first answer that says it. */
static void whose_it_is_is_learnt_once(void **state)
{
	(void)state;
	for (int is_listed = 0; is_listed < 2; is_listed++) {
		struct bed *b = bed_new(3, NULL);
		struct instance_view listed = bed_view(1, "h1"), none = bed_view(1, "h1"), other = bed_view(1, "h1");

		if (!is_listed)
			listed.project[0] = listed.name[0] = '\0';
		none.project[0] = '\0';
		none.state = SERVER_UNKNOWN; /* asked again */
		str_copy(none.name, sizeof(none.name), "nobody's");
		str_copy(other.project, sizeof(other.project), "project-2");
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &listed, 1);
		bed_end_views(b, OP_ASK, &none, 1);
		assert_string_equal(bed_instance(b, 0, "uuid-1")->name, is_listed ? "vm1" : "");
		bed_pass(b, b->o.poll_ms);
		bed_end_views(b, OP_ASK, &other, 1);
		assert_string_equal(bed_instance(b, 0, "uuid-1")->project, is_listed ? "project-1" : "project-2");
		bed_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_verification_is_brief_and_calls_nothing),
	    cmocka_unit_test(only_an_evacuation_that_is_over_counts_as_seen),
	    cmocka_unit_test(each_refusal_of_a_call_has_its_end),
	    cmocka_unit_test(a_failed_call_rests_without_a_reason_too),
	    cmocka_unit_test(what_was_called_over_in_vain_counts_again),
	    cmocka_unit_test(an_older_evacuation_does_not_end_the_wait_for_a_call),
	    cmocka_unit_test(nothing_is_called_on_an_answer_after_the_proof),
	    cmocka_unit_test(whose_it_is_is_learnt_once)};

	return cmocka_run_group_tests_name("engine_calls", tests, NULL, NULL);
}
