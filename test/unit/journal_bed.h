/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal's tests share: a directory of their own, a journal in it, its answers by number, records to put in. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>

#include "journal/journal.h"
#include "journal/outbox.h"
#include "journal/reader.h"

enum { BED_ANSWERS = 70000, BED_WAIT_S = 60 };

struct bed_answer {
	bool is_there;
	enum journal_op op;
	enum outcome outcome;
	int code; /* of the error, 0 = none */
	bool has_record;
	struct record record;
};

struct bed {
	char dir[256], path[300];
	struct journal *j;
	struct journal_opts opts;
	sem_t woken;
	struct bed_answer *answer; /* by seq, below BED_ANSWERS */
	size_t answered;
	uint64_t last_seq; /* of the newest answer to a record */
	bool is_ordered;

	/* the last MAIL_LIST answer; bodies not kept but measured */
	struct journal_mail mail[JOURNAL_MAIL_LIST_MAX];
	size_t mail_n, mail_bytes;
	uint64_t mail_count[MAIL_STATE_N];
	int64_t mail_next;
	unsigned char mail_first_byte, mail_last_byte; /* of the first mail's body */
};

void bed_make(struct bed *b);
void bed_remove(struct bed *b);
/* Open with b->opts; must succeed. */
void bed_open(struct bed *b);
void bed_close(struct bed *b);
/* Drain until @n answers were seen altogether since bed_make(); fails the test after BED_WAIT_S. */
void bed_wait(struct bed *b, size_t n);
/* Submit and wait for its answer. */
enum outcome bed_put(struct bed *b, uint64_t seq, const struct record *r);

struct record bed_host(unsigned n, uint64_t value);
struct record bed_recovery(const char *id, const char *host, enum host_row row);
struct record bed_instance(const char *id, unsigned n, enum instance_row row);
