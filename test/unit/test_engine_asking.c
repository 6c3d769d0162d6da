/* SPDX-License-Identifier: Apache-2.0 */
/* What the looks at one instance count for, and until when they go on: each limit at its millisecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

enum { SETTLE_MS = 20000, REBUILD_MS = 20000 };

/* h1 is proven dead and listed with these; Nova is about to be asked for as many as may go at once. */
static struct bed *listed(const struct engine_options *o, const struct instance_view *v, uint32_t n)
{
	struct bed *b = bed_new(3, o);

	bed_to_listing(b, 0);
	bed_end_views(b, OP_LIST, v, n);
	assert_non_null(bed_op(b, OP_ASK));
	return b;
}

/* Its call was sent a moment ago. */
static struct bed *called(const struct engine_options *o, const struct instance_view *v)
{
	struct bed *b = listed(o, v, 1);

	bed_end_views(b, OP_ASK, v, 1);
	assert_non_null(bed_op(b, OP_EVACUATE));
	return b;
}

/* Time goes by in which h1 stays off and its evacuations as they are; what else is under way is left so. */
static void let_pass(struct bed *b, int64_t ms, const struct instance_view *v)
{
	int64_t until_ms = b->now_ms + ms;

	while (b->now_ms < until_ms) {
		if (bed_op(b, OP_POWER_STATUS))
			bed_end_power(b, POWER_OFF);
		if (bed_op(b, OP_MIGRATIONS))
			bed_end_views(b, OP_MIGRATIONS, v, 1);
		bed_pass(b, until_ms - b->now_ms < 100 ? until_ms - b->now_ms : 100);
	}
	assert_int_equal(b->now_ms, until_ms);
}

static enum instance_row row_of(struct bed *b, uint32_t number)
{
	struct instance_view v = bed_view(number, "h1");

	assert_non_null(bed_instance(b, 0, v.uuid));
	return bed_instance(b, 0, v.uuid)->row;
}

static enum instance_row durable_row(const struct bed *b, const char *uuid)
{
	for (uint32_t k = 0; k < b->durable_n; k++) {
		if (b->durable[k].type == RECORD_INSTANCE && str_eq(b->durable[k].instance.uuid, uuid))
			return b->durable[k].instance.row;
	}
	return INSTANCE_ROW_NONE;
}

/* Its call was accepted and is under way to h2. */
static struct instance_view on_its_way(int64_t migration)
{
	struct instance_view v = bed_moved(1, "h1", "h2", migration);

	str_copy(v.host, sizeof(v.host), "h1");
	v.task = TASK_REBUILDING;
	v.evacuation.status = MIGRATION_PRE_MIGRATING;
	return v;
}

static struct engine_options quick(void)
{
	struct engine_options o = engine_options_default();

	o.evacuate_settle_ms = SETTLE_MS;
	o.rebuild_timeout_ms = REBUILD_MS;
	return o;
}

/* The second reading of nothing counts from evacuate_settle on, and it is enough. */
static void a_lost_call_is_given_up_when_it_has_settled(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	for (int late = 0; late < 2; late++) {
		struct bed *b = called(&o, &v);

		bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		bed_end_views(b, OP_ASK, &v, 1);
		assert_null(bed_op(b, OP_ASK));
		let_pass(b, SETTLE_MS - 1 + late, &v);
		bed_end_views(b, OP_ASK, &v, 1);
		assert_int_equal(row_of(b, 1), late ? INSTANCE_ROW_WAITING : INSTANCE_ROW_ASKING);
		bed_free(b);
	}
}

/* However late the first reading comes, it is one. */
static void a_lost_call_is_not_given_up_on_one_reading(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1");
	struct bed *b = called(&o, &v);

	(void)state;
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	let_pass(b, SETTLE_MS + 5000, &v);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	let_pass(b, SETTLE_MS, &v);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_WAITING);
	bed_free(b);
}

/* Seen under way once, it counts as no reading of nothing: should its record vanish, two are wanted still. */
static void a_reading_that_shows_the_call_is_none_of_nothing(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1"), on_way = on_its_way(11);
	struct bed *b = called(&o, &v);

	(void)state;
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end_views(b, OP_ASK, &on_way, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_REBUILDING);
	let_pass(b, REBUILD_MS, &on_way);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->empty_readings, 1);
	bed_free(b);
}

/* An answer that tells nothing of its evacuations cannot show that there is none. */
static void an_answer_without_history_is_no_reading_of_nothing(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1"), brief = v;
	struct bed *b = called(&o, &v);

	(void)state;
	brief.lacks_history = true;
	bed_end(b, OP_EVACUATE, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	let_pass(b, SETTLE_MS, &v);
	bed_end_views(b, OP_ASK, &brief, 1);
	bed_end_views(b, OP_ASK, &brief, 1);
	assert_int_equal(bed_instance(b, 0, "uuid-1")->empty_readings, 0);
	bed_end_views(b, OP_ASK, &v, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	bed_free(b);
}

/* A verification that finds it on the dead host still: everything is asked for at once, whatever that answer told besides. */
static void a_verification_in_vain_asks_for_everything(void **state)
{
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11), gap = moved;

	(void)state;
	str_copy(gap.host, sizeof(gap.host), "h1");
	for (int is_brief = 0; is_brief < 2; is_brief++) {
		struct bed *b = called(NULL, &v);

		bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
		bed_end_views(b, OP_MIGRATIONS, &moved, 1);
		assert_int_equal(row_of(b, 1), INSTANCE_ROW_VERIFYING);
		gap.lacks_history = is_brief;
		bed_end_views(b, OP_ASK, &gap, 1);
		assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
		assert_non_null(bed_op(b, OP_ASK));
		assert_false(bed_op(b, OP_ASK)->start.is_brief);
		bed_free(b);
	}
}

/* Listed in ERROR it says nothing of how it was; the first answer that does is what it is held to, and that never changes. */
static void how_it_was_is_learnt_once(void **state)
{
	static const struct {
		enum server_state listed, asked, wanted;
	} rows[] = {{SERVER_ERROR, SERVER_ACTIVE, SERVER_ACTIVE}, {SERVER_ERROR, SERVER_STOPPED, SERVER_STOPPED},
	    {SERVER_ERROR, SERVER_PAUSED, SERVER_UNKNOWN}, {SERVER_ERROR, SERVER_ERROR, SERVER_UNKNOWN},
	    {SERVER_ACTIVE, SERVER_STOPPED, SERVER_ACTIVE}, {SERVER_STOPPED, SERVER_ACTIVE, SERVER_STOPPED},
	    {SERVER_PAUSED, SERVER_ACTIVE, SERVER_PAUSED}};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct instance_view v = bed_view(1, "h1");
		struct bed *b;

		v.state = rows[k].listed;
		b = listed(NULL, &v, 1);
		v.state = rows[k].asked;
		bed_end_views(b, OP_ASK, &v, 1);
		assert_int_equal(bed_instance(b, 0, v.uuid)->wanted, rows[k].wanted);
		bed_free(b);
	}
}

/* Not with the call: Nova may take its time to accept that. */
static void the_time_of_a_rebuild_begins_when_nova_has_accepted_it(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1"), on_way = on_its_way(11);
	struct bed *b = called(&o, &v);

	(void)state;
	let_pass(b, 5000, &on_way);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	let_pass(b, REBUILD_MS - 1, &on_way);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_REBUILDING);
	let_pass(b, 1, &on_way);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	bed_end_views(b, OP_ASK, &on_way, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_HELD);
	bed_free(b);
}

/* Its record was done, it stands on h2, and goes on being rebuilt there: its time is the same one. */
static void a_rebuild_that_is_seen_again_has_no_more_time(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1"), on_way = on_its_way(11), moved = bed_moved(1, "h1", "h2", 11);
	struct bed *b = called(&o, &v);

	(void)state;
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	let_pass(b, REBUILD_MS / 2, &on_way);
	if (!bed_op(b, OP_MIGRATIONS))
		bed_pass(b, o.poll_ms);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	moved.task = TASK_REBUILDING;
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_REBUILDING);
	let_pass(b, REBUILD_MS / 2, &on_way);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	bed_free(b);
}

/* However long an instance waited for its turn, the time in which Nova may be asked about it begins with the first question. */
static void to_wait_for_a_turn_takes_no_time_from_the_questions(void **state)
{
	struct engine_options o = quick();
	struct instance_view v[] = {bed_view(1, "h1"), bed_view(2, "h1")}, on_way = on_its_way(11);
	struct bed *b;

	(void)state;
	o.evacuate_per_host_n = 1;
	b = listed(&o, v, 2);
	bed_end_views(b, OP_ASK, &v[0], 1);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	let_pass(b, REBUILD_MS, &on_way);
	assert_int_equal(row_of(b, 2), INSTANCE_ROW_WAITING);
	bed_end_views(b, OP_ASK, &on_way, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_HELD);
	assert_int_equal(row_of(b, 2), INSTANCE_ROW_ASKING);
	bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(row_of(b, 2), INSTANCE_ROW_ASKING);
	bed_free(b);
}

/* Asked in vain until the time of a rebuild is over, counted from the first question; the hold says why where Nova said nothing. */
static void questions_end_with_the_time_of_a_rebuild(void **state)
{
	struct engine_options o = quick();
	struct instance_view v = bed_view(1, "h1");

	(void)state;
	for (int late = 0; late < 2; late++) {
		struct bed *b = listed(&o, &v, 1);

		bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		let_pass(b, REBUILD_MS - 1 + late, &v);
		bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
		assert_int_equal(row_of(b, 1), late ? INSTANCE_ROW_HELD : INSTANCE_ROW_ASKING);
		if (late)
			assert_non_null(strstr(bed_instance(b, 0, "uuid-1")->why, fault_class_name(FAULT_TRANSIENT)));
		bed_free(b);
	}
}

/* Nova is waited for until its time is over, and in that millisecond no longer. */
static void a_question_is_given_up_at_its_deadline(void **state)
{
	struct instance_view v = bed_view(1, "h1");
	struct bed *b = listed(NULL, &v, 1);

	(void)state;
	let_pass(b, b->o.cloud_timeout_ms - 1, &v);
	assert_non_null(bed_op(b, OP_ASK));
	let_pass(b, 1, &v);
	assert_null(bed_op(b, OP_ASK));
	assert_int_equal(b->cancelled, 1);
	let_pass(b, b->o.poll_ms, &v);
	assert_non_null(bed_op(b, OP_ASK));
	bed_free(b);
}

/* A thousand instances are asked about again and again: what changes nothing that a restart has to know costs no record. */
static void a_question_costs_no_record(void **state)
{
	struct instance_view v = bed_view(1, "h1"), moved = bed_moved(1, "h1", "h2", 11);
	struct bed *b = called(NULL, &v);

	(void)state;
	bed_end(b, OP_EVACUATE, OUTCOME_REFUSED, FAULT_TRANSIENT);
	assert_int_equal(durable_row(b, "uuid-1"), INSTANCE_ROW_WAITING);
	let_pass(b, b->o.retry_ms + 1, &v);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_ASKING);
	assert_int_equal(durable_row(b, "uuid-1"), INSTANCE_ROW_WAITING);
	bed_free(b);
	b = called(NULL, &v);
	bed_end(b, OP_EVACUATE, OUTCOME_DONE, FAULT_NONE);
	assert_int_equal(durable_row(b, "uuid-1"), INSTANCE_ROW_REBUILDING);
	if (!bed_op(b, OP_MIGRATIONS))
		bed_pass(b, b->o.poll_ms);
	bed_end_views(b, OP_MIGRATIONS, &moved, 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_VERIFYING);
	assert_int_equal(durable_row(b, "uuid-1"), INSTANCE_ROW_REBUILDING);
	bed_free(b);
}

/* The log warns of what was refused or is held, by name, and of nothing else. */
static void the_log_warns_of_what_stays_behind(void **state)
{
	struct instance_view v[] = {bed_view(1, "h1"), bed_view(2, "h1"), bed_view(3, "h1")},
			     moved = bed_moved(3, "h1", "h2", 11);
	struct engine_options o = quick();
	struct bed *b;

	(void)state;
	v[0].state = SERVER_PAUSED;
	b = listed(&o, v, 3);
	bed_end_views(b, OP_ASK, &v[0], 1);
	assert_int_equal(row_of(b, 1), INSTANCE_ROW_REFUSED);
	bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	bed_end_views(b, OP_ASK, &moved, 1);
	assert_int_equal(row_of(b, 3), INSTANCE_ROW_DONE);
	let_pass(b, REBUILD_MS, v);
	bed_end(b, OP_ASK, OUTCOME_UNKNOWN, FAULT_TRANSIENT);
	assert_int_equal(row_of(b, 2), INSTANCE_ROW_HELD);
	assert_non_null(strstr(b->warned, "instance uuid-1 refused"));
	assert_non_null(strstr(b->warned, "instance uuid-2 held"));
	assert_non_null(strstr(b->log, "instance uuid-3 done"));
	assert_null(strstr(b->warned, "uuid-3"));
	assert_null(strstr(b->warned, "waiting"));
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_lost_call_is_given_up_when_it_has_settled),
	    cmocka_unit_test(a_lost_call_is_not_given_up_on_one_reading),
	    cmocka_unit_test(a_reading_that_shows_the_call_is_none_of_nothing),
	    cmocka_unit_test(an_answer_without_history_is_no_reading_of_nothing),
	    cmocka_unit_test(a_verification_in_vain_asks_for_everything), cmocka_unit_test(how_it_was_is_learnt_once),
	    cmocka_unit_test(the_time_of_a_rebuild_begins_when_nova_has_accepted_it),
	    cmocka_unit_test(a_rebuild_that_is_seen_again_has_no_more_time),
	    cmocka_unit_test(to_wait_for_a_turn_takes_no_time_from_the_questions),
	    cmocka_unit_test(questions_end_with_the_time_of_a_rebuild),
	    cmocka_unit_test(a_question_is_given_up_at_its_deadline), cmocka_unit_test(a_question_costs_no_record),
	    cmocka_unit_test(the_log_warns_of_what_stays_behind)};

	return cmocka_run_group_tests_name("engine_asking", tests, NULL, NULL);
}
