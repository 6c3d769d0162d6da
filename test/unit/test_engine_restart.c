/* SPDX-License-Identifier: Apache-2.0 */
/* What a restart takes up of all that the store holds, and what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "test/unit/engine_bed.h"

static struct record *append(struct bed *b, enum record_type type)
{
	struct record *rec = &b->durable[b->durable_n++];

	assert_true(b->durable_n <= BED_RECORDS);
	*rec = (struct record){.type = type};
	return rec;
}

/* More ends of h1 than are kept beside open recoveries; everybody was told of all of them. */
static void append_told_ends(struct bed *b)
{
	for (uint32_t k = 0; k < 100; k++) {
		struct recovery_record *r = &append(b, RECORD_RECOVERY)->recovery;

		snprintf(r->id, sizeof(r->id), "tsttst-1-%u", 500 + k);
		str_copy(r->host, sizeof(r->host), "h1");
		r->row = HOST_ROW_ABANDONED;
		r->due = r->told = 1u << MOMENT_SKIPPED;
	}
}

/* Years of history cost a restart nothing: neither room nor a word, and what is open goes on in its place. */
static void ends_of_which_everybody_was_told_are_left_alone(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	append_told_ends(b);
	b->warned[0] = '\0';
	bed_restart(b);
	assert_string_equal(b->warned, "");
	assert_int_equal(b->e->recovery_n, 1);
	assert_string_equal(bed_recovery(b, 0)->id, "tsttst-1-1");
	bed_free(b);
}

/* The store keeps the instances of a recovery that is over: they come back with none, are not taken for another's, and take no room. */
static void instances_of_no_open_recovery_are_left_alone(void **state)
{
	struct bed *b = bed_new(3, NULL);

	(void)state;
	bed_to_fencing(b, 0);
	append_told_ends(b);
	for (uint32_t k = 0; k < 100; k++) {
		struct instance_record *i = &append(b, RECORD_INSTANCE)->instance;

		snprintf(i->recovery, sizeof(i->recovery), "tsttst-1-%u", 500 + k);
		snprintf(i->uuid, sizeof(i->uuid), "uuid-%u", k);
		i->row = INSTANCE_ROW_DONE;
	}
	bed_restart(b);
	assert_int_equal(engine_instance_n(b->e), 0);
	assert_int_equal(b->e->recovery_n, 1);
	bed_free(b);
}

static struct instance_record *durable_instance(struct bed *b)
{
	for (uint32_t k = 0; k < b->durable_n; k++) {
		if (b->durable[k].type == RECORD_INSTANCE)
			return &b->durable[k].instance;
	}
	fail_msg("no instance is recorded");
	return NULL;
}

/* Killed while its host is taken back: what still waits is refused, what has ended stays as it is, and what waits without that goes on. */
static void what_waits_while_its_host_is_taken_back_is_refused(void **state)
{
	static const struct {
		enum host_row host;
		enum instance_row before, after;
	} row[] = {{HOST_ROW_RETURNING, INSTANCE_ROW_WAITING, INSTANCE_ROW_REFUSED},
	    {HOST_ROW_CLEANING, INSTANCE_ROW_WAITING, INSTANCE_ROW_REFUSED},
	    {HOST_ROW_RETURNING, INSTANCE_ROW_DONE, INSTANCE_ROW_DONE},
	    {HOST_ROW_CLEANING, INSTANCE_ROW_GONE, INSTANCE_ROW_GONE},
	    {HOST_ROW_VERIFYING, INSTANCE_ROW_WAITING, INSTANCE_ROW_WAITING}};

	for (size_t k = 0; k < sizeof(row) / sizeof(row[0]); k++) {
		struct bed *b = bed_new(3, NULL);
		struct recovery_record *r;

		bed_to_recovered(b, 0);
		durable_instance(b)->row = row[k].before;
		r = (struct recovery_record *)(uintptr_t)bed_durable(b, "h1");
		r->row = row[k].host;
		bed_restart(b);
		assert_int_equal(engine_instance_n(b->e), 1);
		assert_int_equal(
		    b->e->instances[b->e->recoveries[b->e->hosts[0].recovery].first].rec.row, row[k].after);
		bed_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ends_of_which_everybody_was_told_are_left_alone),
	    cmocka_unit_test(instances_of_no_open_recovery_are_left_alone),
	    cmocka_unit_test(what_waits_while_its_host_is_taken_back_is_refused)};

	return cmocka_run_group_tests_name("engine_restart", tests, NULL, NULL);
}
