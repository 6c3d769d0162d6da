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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ends_of_which_everybody_was_told_are_left_alone),
	    cmocka_unit_test(instances_of_no_open_recovery_are_left_alone)};

	return cmocka_run_group_tests_name("engine_restart", tests, NULL, NULL);
}
