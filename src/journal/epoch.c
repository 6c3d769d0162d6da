/* SPDX-License-Identifier: Apache-2.0 */
/* The store record at each start: its tag, made once, and its epoch, raised before anything else is written. */
#include <string.h>

#include "base/strbuf.h"
#include "journal/queue.h"

enum { TAG_LENGTH = 6 };
_Static_assert(TAG_LENGTH < sizeof(((struct store_record *)0)->tag), "the tag needs its NUL");

static void make_tag(char *tag)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char random[TAG_LENGTH];

	sqlite3_randomness(sizeof(random), random);
	for (size_t i = 0; i < TAG_LENGTH; i++)
		tag[i] = letters[random[i] & 31];
	tag[TAG_LENGTH] = '\0';
}

/* The store record as it stands; zeroed, but for its type, in a new journal. */
static int store_get(struct database *db, struct record *ret_r, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int rc, e;

	*ret_r = (struct record){.type = RECORD_STORE};
	e = journal_db_stmt(db, SQL_STATE_GET, &stmt, reterr);
	if (e < 0)
		return e;
	journal_db_bind_text(stmt, 1, "store");
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		e = journal_db_record(stmt, 0, "store", ret_r, reterr);
	else if (rc != SQLITE_DONE)
		e = journal_db_fail(db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}

static int store_put(struct database *db, int64_t wall_ms, const struct record *r, struct osha_err *reterr)
{
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	struct journal_item item = {.key = "store",
	    .recovery = "",
	    .host = "",
	    .text = "epoch begun",
	    .wall_ms = wall_ms,
	    .type = RECORD_STORE,
	    .blob = bytes};
	int e = journal_record_encode(r, bytes, sizeof(bytes), &item.blob_size, reterr);

	return e < 0 ? e : journal_record_put(db, &item, reterr);
}

int journal_db_begin_epoch(
    struct database *db, int64_t wall_ms, uint64_t epoch, struct store_record *ret_store, struct osha_err *reterr)
{
	struct record r;
	int e;

	e = journal_db_exec(db, "BEGIN IMMEDIATE", reterr);
	if (e == 0)
		e = store_get(db, &r, reterr);
	if (e == 0 && epoch && epoch <= r.store.epoch)
		e = osha_err_set(reterr, OSHA_E_REFUSED, "epoch %llu is over: the store is in epoch %llu",
		    (unsigned long long)epoch, (unsigned long long)r.store.epoch);
	if (e == 0) {
		if (!r.store.tag[0])
			make_tag(r.store.tag);
		r.store.epoch = epoch ? epoch : r.store.epoch + 1;
		e = store_put(db, wall_ms, &r, reterr);
	}
	if (e == 0)
		e = journal_db_exec(db, "COMMIT", reterr);
	if (e < 0) {
		journal_db_rollback(db);
		return e;
	}
	*ret_store = r.store;
	return 0;
}
