/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on their way between the owner and the journal's thread, and what the thread does with a batch of them.
 * Internal to the room.
 */
#pragma once

#include "journal/database.h"
#include "journal/journal.h"
#include "journal/outbox.h"

/* One operation; a single allocation holds it and everything that its pointers borrow, except mails and found. */
struct journal_item {
	struct journal_item *next;
	enum journal_op op;
	uint64_t seq;
	size_t size_bytes; /* counted against JOURNAL_QUEUE_BYTES_MAX */

	enum outcome outcome;
	struct osha_err *err; /* owned, shared by nobody; NULL = none, or no memory for it */

	/* what is asked; "" and 0 where an operation has no use for it */
	const char *key, *recovery, *host, *text;
	int64_t wall_ms;
	uint32_t type, row, number;
	const uint8_t *blob;
	size_t blob_size;

	/* MAIL_PUT: what to keep. MAIL_LIST: what was found. */
	struct journal_mail *mails; /* owned; bodies of MAIL_LIST each in an allocation of their own */
	size_t mail_n;
	struct journal_mails list; /* MAIL_LIST */
	struct record *found;      /* READ; owned; NULL = nothing there */
};

struct journal_list {
	struct journal_item *first, *last;
	size_t n;
};

/** journal_list_push() - append; the list owns @item. */
void journal_list_push(struct journal_list *list, struct journal_item *item);
/** journal_list_join() - append all of @more, which is empty afterwards. */
void journal_list_join(struct journal_list *list, struct journal_list *more);
/** journal_list_take() - move the first @max items into an empty list. */
void journal_list_take(struct journal_list *list, size_t max, struct journal_list *ret_taken);
/** journal_item_new() - an item with @room bytes behind it, if the queue has room for it; the caller pushes or frees
 * it. */
int journal_item_new(struct journal *j, enum journal_op op, uint64_t seq, size_t room, struct journal_item **ret_item,
    struct osha_err *reterr);
/** journal_item_keep() - copy @n bytes and a NUL to *@end, which moves on; returns the copy. */
const char *journal_item_keep(char **end, const char *bytes, size_t n);
/** journal_item_free() - with everything that it owns. */
void journal_item_free(struct journal_item *item);
/** journal_list_free() - every item in it. */
void journal_list_free(struct journal_list *list);

/** journal_item_end() - how it ended; @err is copied when the outcome is not DONE. */
void journal_item_end(struct journal_item *item, enum outcome outcome, const struct osha_err *err);

/** journal_queue_has_room() - may the owner queue @bytes more? */
int journal_queue_has_room(struct journal *j, size_t bytes, struct osha_err *reterr);
/** journal_queue_push() - hand an item to the thread; it owns it. Call journal_queue_has_room() before. */
void journal_queue_push(struct journal *j, struct journal_item *item);

/* What the thread needs to commit. */
struct journal_commit {
	struct database *db;
	uint32_t delay_ms;
	enum journal_fault fault; /* of this commit */
	bool is_suspect;          /* out: the connection met an error that a new one may not have */
};

/** journal_commit_records() - RECORD, READ and PRUNE items in one transaction; fills each item's outcome. */
void journal_commit_records(struct journal_commit *c, struct journal_list *items);
/** journal_commit_mails() - MAIL_PUT and MAIL_MARK items in one transaction, then MAIL_LIST; fills each item's outcome.
 */
void journal_commit_mails(struct journal_commit *c, struct journal_list *items);
/** journal_commit_end() - commit the open transaction; how it ended. With anything but DONE nothing is left open. */
enum outcome journal_commit_end(struct journal_commit *c, struct osha_err *reterr);
/** journal_record_put() - state and history of one record, inside the caller's transaction. */
int journal_record_put(struct database *db, const struct journal_item *item, struct osha_err *reterr);

/** journal_outbox_list() - answer a MAIL_LIST item: outcome, mails, counts. */
void journal_outbox_list(struct database *db, struct journal_item *item);
/** journal_db_begin_epoch() - what journal_claim_epoch() promises, on the database. */
int journal_db_begin_epoch(
    struct database *db, int64_t wall_ms, uint64_t epoch, struct store_record *ret_store, struct osha_err *reterr);
