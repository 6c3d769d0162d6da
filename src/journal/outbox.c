/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on mails: built on the owner's thread, listed on the journal's. Putting and marking are in commit.c. */
#include "journal/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "journal/queue.h"

const char *mail_state_name(enum mail_state s)
{
	static const char *const names[MAIL_STATE_N] = {"none", "queued", "sent", "undeliverable"};

	return (unsigned)s < MAIL_STATE_N ? names[s] : "?";
}

static int mail_check(const struct journal_mail *m, struct osha_err *reterr)
{
	if (!m->key[0] || strnlen(m->key, sizeof(m->key)) == sizeof(m->key))
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: mail without a key");
	if (strnlen(m->recovery, sizeof(m->recovery)) == sizeof(m->recovery) ||
	    strnlen(m->address, sizeof(m->address)) == sizeof(m->address) ||
	    strnlen(m->subject, sizeof(m->subject)) == sizeof(m->subject) ||
	    strnlen(m->last_error, sizeof(m->last_error)) == sizeof(m->last_error))
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: %s: a text without end", m->key);
	if (m->body_size > JOURNAL_MAIL_BODY_MAX)
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: %s: body of %zu bytes", m->key, m->body_size);
	if ((unsigned)m->moment >= MOMENT_N || (m->state != MAIL_QUEUED && m->state != MAIL_UNDELIVERABLE) ||
	    (m->state == MAIL_QUEUED && !m->address[0]))
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: %s: state, moment or address", m->key);
	return 0;
}

int journal_outbox_put(
    struct journal *j, uint64_t seq, const struct journal_mail *mails, size_t n, struct osha_err *reterr)
{
	struct journal_item *item = NULL;
	size_t bodies = 0, bytes;
	uint8_t *end;
	int e = 0;

	if (n == 0 || n > JOURNAL_MAIL_PUT_MAX)
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: %zu mails at once", n);
	for (size_t i = 0; i < n && e == 0; i++) {
		e = mail_check(&mails[i], reterr);
		bodies += mails[i].body_size;
	}
	bytes = n * sizeof(*mails) + bodies;
	if (e == 0)
		e = journal_queue_has_room(j, bytes, reterr);
	if (e == 0)
		e = journal_item_new(j, JOURNAL_OP_MAIL_PUT, seq, 0, &item, reterr);
	if (e < 0 || !item)
		return e;
	item->mails = malloc(bytes);
	if (!item->mails) {
		journal_item_free(item);
		return osha_err_set(reterr, OSHA_E_NOMEM, "outbox: keep %zu bytes", bytes);
	}
	memcpy(item->mails, mails, n * sizeof(*mails));
	item->mail_n = n;
	item->size_bytes += bytes;
	end = (uint8_t *)(item->mails + n);
	for (size_t i = 0; i < n; i++) {
		if (mails[i].body_size)
			memcpy(end, mails[i].body, mails[i].body_size);
		item->mails[i].body = end;
		end += mails[i].body_size;
	}
	journal_queue_push(j, item);
	return 0;
}

int journal_outbox_due(struct journal *j, uint64_t seq, int64_t now_wall_ms, size_t max, struct osha_err *reterr)
{
	struct journal_item *item;
	int e = journal_item_new(j, JOURNAL_OP_MAIL_LIST, seq, 0, &item, reterr);

	if (e < 0)
		return e;
	item->wall_ms = now_wall_ms;
	item->number = (uint32_t)(max < JOURNAL_MAIL_LIST_MAX ? max : JOURNAL_MAIL_LIST_MAX);
	journal_queue_push(j, item);
	return 0;
}

int journal_outbox_mark(
    struct journal *j, uint64_t seq, const char *key, const struct journal_mail_end *end, struct osha_err *reterr)
{
	char why[REASON_SIZE];
	size_t n = strnlen(key, JOURNAL_MAIL_KEY_SIZE);
	struct journal_item *item;
	char *at;
	int e;

	if (n >= JOURNAL_MAIL_KEY_SIZE || end->state <= MAIL_NONE || end->state >= MAIL_STATE_N)
		return osha_err_set(reterr, OSHA_E_USAGE, "outbox: mark %.40s as %d", key, (int)end->state);
	str_copy(why, sizeof(why), end->error);
	e = journal_item_new(j, JOURNAL_OP_MAIL_MARK, seq, n + strlen(why) + 2, &item, reterr);
	if (e < 0)
		return e;
	at = (char *)(item + 1);
	item->key = journal_item_keep(&at, key, n);
	item->text = journal_item_keep(&at, why, strlen(why));
	item->number = (uint32_t)end->state;
	item->wall_ms = end->wall_ms;
	journal_queue_push(j, item);
	return 0;
}

/* Copy one row and its body; the body is copied because SQLite takes it back at the next step. */
static int list_add(struct journal_item *item, sqlite3_stmt *stmt, struct osha_err *reterr)
{
	struct journal_mail *m = &item->mails[item->mail_n];
	uint8_t *body;
	int e = journal_db_mail(stmt, m, reterr);

	if (e < 0)
		return e;
	body = malloc(m->body_size ? m->body_size : 1);
	if (!body)
		return osha_err_set(reterr, OSHA_E_NOMEM, "outbox: list");
	if (m->body_size)
		memcpy(body, m->body, m->body_size);
	m->body = body;
	item->mail_n++;
	return 0;
}

static int list_due(struct database *db, struct journal_item *item, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE, e;

	item->mails = calloc(JOURNAL_MAIL_LIST_MAX, sizeof(*item->mails));
	if (!item->mails)
		return osha_err_set(reterr, OSHA_E_NOMEM, "outbox: list");
	e = journal_db_stmt(db, SQL_MAIL_DUE, &stmt, reterr);
	if (e < 0)
		return e;
	sqlite3_bind_int64(stmt, 1, item->wall_ms);
	sqlite3_bind_int64(stmt, 2, item->number);
	while (e == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		e = list_add(item, stmt, reterr);
	if (e == 0 && rc != SQLITE_DONE)
		e = journal_db_fail(db, rc, reterr);
	sqlite3_reset(stmt);
	item->list.mail = item->mails;
	item->list.n = item->mail_n;
	return e;
}

static int list_count(struct database *db, struct journal_item *item, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int rc = SQLITE_DONE, e = journal_db_stmt(db, SQL_MAIL_COUNT, &stmt, reterr);

	if (e < 0)
		return e;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t state = sqlite3_column_int64(stmt, 0);

		if (state > MAIL_NONE && state < MAIL_STATE_N)
			item->list.count[state] = (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	if (rc != SQLITE_DONE)
		e = journal_db_fail(db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}

static int list_next(struct database *db, struct journal_item *item, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int rc, e = journal_db_stmt(db, SQL_MAIL_NEXT, &stmt, reterr);

	if (e < 0)
		return e;
	sqlite3_bind_int64(stmt, 1, (int64_t)item->list.n); /* those listed are the first in this order */
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		item->list.next_wall_ms = sqlite3_column_int64(stmt, 0);
	else if (rc != SQLITE_DONE)
		e = journal_db_fail(db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}

void journal_outbox_list(struct database *db, struct journal_item *item)
{
	struct osha_err err = {0};
	int e = list_due(db, item, &err);

	if (e == 0)
		e = list_count(db, item, &err);
	if (e == 0)
		e = list_next(db, item, &err);
	journal_item_end(item, e < 0 ? OUTCOME_REFUSED : OUTCOME_DONE, &err);
}
