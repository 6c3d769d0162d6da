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

/* Where it goes, for people: where it stands, else where the evacuation that counts takes it. One of the time before says nothing. */
static void where_it_goes_is_what_the_newest_evacuation_says(void **state)
{
	static const struct {
		const char *host, *record_to;
		enum migration_status listed;
		const char *dest;
	} rows[] = {{"h1", "h2", MIGRATION_NONE, "h2"}, {"", "h2", MIGRATION_NONE, "h2"},
	    {"h1", "", MIGRATION_NONE, ""}, {"h3", "h2", MIGRATION_NONE, "h3"}, {"h1", "h2", MIGRATION_FAILED, ""}};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct bed *b = bed_new(4, NULL);
		struct instance_view v = bed_view(1, "h1"), asked = bed_moved(1, "h1", rows[k].record_to, 12);

		if (rows[k].listed) {
			v.evacuation = asked.evacuation;
			v.evacuation.status = rows[k].listed;
		}
		asked.evacuation.status = rows[k].listed ? rows[k].listed : MIGRATION_PRE_MIGRATING;
		asked.task = TASK_UNKNOWN; /* nothing comes of this look */
		str_copy(asked.host, sizeof(asked.host), rows[k].host);
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		bed_end_views(b, OP_ASK, &asked, 1);
		assert_string_equal(bed_instance(b, 0, "uuid-1")->dest, rows[k].dest);
		bed_free(b);
	}
}

/* h1's instance, under way to h2 by this record. */
static struct instance_view under_way(int64_t migration)
{
	struct instance_view v = bed_moved(1, "h1", "h2", migration);

	str_copy(v.host, sizeof(v.host), "h1");
	v.evacuation.status = MIGRATION_PRE_MIGRATING;
	v.evacuation.created_at_ms = 5000;
	return v;
}

/*
 * To watch an evacuation changes what counts as known before the call only where that very one was called over, and no call is open: an
 * older one that has not ended, or the end of one that a lost call was made over, would be taken for ours.
 */
static void to_watch_an_evacuation_is_not_to_have_known_it(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1"), on_way = under_way(12), failed = on_way;

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &on_way, 1); /* another one's call */
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 0);
	bed_free(b);

	b = bed_new(3, NULL);
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end_views(b, OP_ASK, &on_way, 1); /* ours, whose answer was lost */
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 0);
	bed_free(b);

	b = bed_new(3, NULL);
	failed.state = SERVER_ERROR;
	failed.fault_at_ms = 6000;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &failed, 1);
	bed_end_views(b, OP_ASK, &failed, 1);
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end_views(b, OP_ASK, &on_way, 1); /* the one that was called over */
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 12);
	bed_free(b);

	b = bed_new(3, NULL);
	v.task = TASK_REBUILDING; /* and no record yet */
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_REBUILDING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->seen_migration_id, 0);
	bed_free(b);
}

/* Nova refuses each call for a while: after the last one allowed it is refused by name, with the reason, and not asked about again. */
static void the_last_refusal_of_a_call_ends_it(void **state)
{
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	for (uint32_t attempts = 1; attempts <= 2; attempts++) {
		struct engine_options o = engine_options_default();
		struct bed *b;

		o.evacuate_attempts = attempts;
		b = bed_new(3, &o);
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		bed_end_views(b, OP_ASK, &v, 1);
		bed_end(b, OP_EVACUATE, OUTCOME_REFUSED, FAULT_TRANSIENT);
		assert_int_equal(
		    bed_instance(b, 0, "uuid-1")->row, attempts == 1 ? INSTANCE_ROW_REFUSED : INSTANCE_ROW_WAITING);
		assert_string_equal(bed_instance(b, 0, "uuid-1")->why, fault_class_name(FAULT_TRANSIENT));
		bed_free(b);
	}
}

/* A call that found no place to start was not made: no attempt is used up. What is no call uses none up in any case. */
static void what_started_too_late_is_no_attempt(void **state)
{
	struct engine_options o = engine_options_default();

	(void)state;
	o.reset_unsupported = true;
	for (int is_call = 0; is_call < 2; is_call++) {
		struct bed *b = bed_new(3, &o);
		struct instance_view v = bed_view(1, "h1");

		v.state = is_call ? SERVER_ACTIVE : SERVER_PAUSED;
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		b->is_late = true;
		bed_end_views(b, OP_ASK, &v, 1);
		assert_int_equal(b->started[is_call ? OP_EVACUATE : OP_RESET_STATE], 2);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->attempt, is_call);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->entry_attempt, is_call);
		bed_free(b);
	}
}

/* Nova answered, and said nothing of it: that is no answer, and it is asked again. */
static void an_empty_answer_is_none(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_end_views(b, OP_ASK, NULL, 0);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->row, INSTANCE_ROW_ASKING);
	assert_null(bed_op(b, OP_ASK));
	bed_pass(b, b->o.poll_ms);
	assert_non_null(bed_op(b, OP_ASK));
	bed_free(b);
}

/* A record of a call that is not made would be taken, after a restart, for a call whose answer was lost. */
static void a_call_that_may_not_be_made_is_not_announced(void **state)
{
	struct bed *b = bed_new(3, NULL);
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, &v, 1);
	bed_pass(b, b->o.power_poll_ms);
	bed_end_power(b, POWER_ON);
	assert_int_equal(bed_row(b, 0), HOST_ROW_FENCING);
	b->store = BED_STORE_WAITS;
	bed_end_views(b, OP_ASK, &v, 1);
	assert_true(b->waiting_n > 0);
	for (uint32_t k = 0; k < b->waiting_n; k++) {
		if (b->on_its_way[k].type == RECORD_INSTANCE)
			assert_int_equal(b->on_its_way[k].instance.row, INSTANCE_ROW_WAITING);
	}
	bed_free(b);
}

enum lacking { LACKS_NOTHING, LACKS_ROW, LACKS_PROOF, LACKS_RECORD, LACKS_READING, LACKING_N };

/* What proves h1 dead is no more what it was when the call, or the reset, was announced. */
static void take_away(struct recovery *r, enum lacking what)
{
	if (what == LACKS_ROW)
		r->rec.row = HOST_ROW_VERIFYING;
	r->rec.proof.is_void = what == LACKS_PROOF;
	r->proof_durable = what != LACKS_RECORD;
	r->proof_checked = what != LACKS_READING;
}

/* Between the announcement and the start any part of the proof may go: each one alone keeps it back, and no attempt is used up. */
static void each_part_of_the_proof_keeps_a_call_back(void **state)
{
	struct engine_options o = engine_options_default();

	(void)state;
	o.reset_unsupported = true;
	for (int k = 0; k < 2 * LACKING_N; k++) {
		bool is_call = k % 2, goes = k / 2 == LACKS_NOTHING;
		struct bed *b = bed_new(3, &o);
		struct instance_view v = bed_view(1, "h1");

		v.state = is_call ? SERVER_ACTIVE : SERVER_PAUSED;
		bed_to_listing(b, 0);
		bed_end_views(b, OP_LIST, &v, 1);
		b->store = BED_STORE_WAITS;
		bed_end_views(b, OP_ASK, &v, 1);
		take_away(&b->e->recoveries[b->e->hosts[0].recovery], (enum lacking)(k / 2));
		bed_settle_store(b, true);
		assert_int_equal(b->started[is_call ? OP_EVACUATE : OP_RESET_STATE], goes);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->attempt, goes && is_call);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->entry_attempt, goes && is_call);
		assert_int_equal(bed_instance(b, 0, "uuid-1")->call_open, goes && is_call);
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
	    cmocka_unit_test(whose_it_is_is_learnt_once),
	    cmocka_unit_test(where_it_goes_is_what_the_newest_evacuation_says),
	    cmocka_unit_test(to_watch_an_evacuation_is_not_to_have_known_it),
	    cmocka_unit_test(the_last_refusal_of_a_call_ends_it), cmocka_unit_test(what_started_too_late_is_no_attempt),
	    cmocka_unit_test(an_empty_answer_is_none), cmocka_unit_test(a_call_that_may_not_be_made_is_not_announced),
	    cmocka_unit_test(each_part_of_the_proof_keeps_a_call_back)};

	return cmocka_run_group_tests_name("engine_calls", tests, NULL, NULL);
}
