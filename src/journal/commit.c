/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the journal's thread does with a batch: one transaction, and an honest answer to "is it there?". Until COMMIT is
 * tried nothing can be there, so a failure before is REFUSED. A COMMIT that fails may have reached the disk all the
 * same (the last frame written, the sync or what follows it failed) and a restart would then find it: UNKNOWN, always.
 * The next commit that succeeds overwrites the remains, which is why reading a key commits first.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "journal/queue.h"

void journal_item_end(struct journal_item *item, enum outcome outcome, const struct osha_err *err)
{
	item->outcome = outcome;
	if (outcome == OUTCOME_DONE || !err)
		return;
	if (!item->err)
		item->err = malloc(sizeof(*item->err));
	if (item->err)
		*item->err = *err;
}

static enum outcome inject(struct journal_commit *c, struct osha_err *reterr)
{
	bool is_unknown = c->fault == JOURNAL_FAULT_UNKNOWN_WRITTEN || c->fault == JOURNAL_FAULT_UNKNOWN_LOST;
	bool is_full = c->fault == JOURNAL_FAULT_FULL;

	if (c->fault == JOURNAL_FAULT_UNKNOWN_WRITTEN)
		journal_db_exec(c->db, "COMMIT", NULL);
	else
		journal_db_rollback(c->db);
	osha_err_set(reterr, is_full ? OSHA_E_NOSPACE : OSHA_E_IO, "journal: injected fault %d", (int)c->fault);
	return is_unknown ? OUTCOME_UNKNOWN : OUTCOME_REFUSED;
}

enum outcome journal_commit_end(struct journal_commit *c, struct osha_err *reterr)
{
	if (c->delay_ms)
		sqlite3_sleep((int)c->delay_ms);
	if (c->fault)
		return inject(c, reterr);
	if (journal_db_exec(c->db, "COMMIT", reterr) == 0)
		return OUTCOME_DONE;
	c->is_suspect = true;
	journal_db_rollback(c->db);
	return OUTCOME_UNKNOWN;
}

int journal_record_put(struct database *db, const struct journal_item *item, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int e;

	e = journal_db_stmt(db, SQL_STATE_PUT, &stmt, reterr);
	if (e < 0)
		return e;
	journal_db_bind_text(stmt, 1, item->key);
	sqlite3_bind_int64(stmt, 2, item->type);
	journal_db_bind_text(stmt, 3, item->recovery);
	journal_db_bind_blob(stmt, 4, item->blob, item->blob_size);
	e = journal_db_run(db, stmt, reterr);
	if (e == 0)
		e = journal_db_stmt(db, SQL_HISTORY_PUT, &stmt, reterr);
	if (e < 0)
		return e;
	sqlite3_bind_int64(stmt, 1, item->wall_ms);
	journal_db_bind_text(stmt, 2, item->key);
	journal_db_bind_text(stmt, 3, item->recovery);
	journal_db_bind_text(stmt, 4, item->host);
	sqlite3_bind_int64(stmt, 5, item->row);
	journal_db_bind_text(stmt, 6, item->text);
	journal_db_bind_blob(stmt, 7, item->blob, item->blob_size);
	return journal_db_run(db, stmt, reterr);
}

/* One statement that takes one text, one number, or both in this order. */
static int run_with(
    struct database *db, enum database_sql which, const char *text, const int64_t *number, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int at = 1;
	int e;

	e = journal_db_stmt(db, which, &stmt, reterr);
	if (e < 0)
		return e;
	if (text)
		journal_db_bind_text(stmt, at++, text);
	if (number)
		sqlite3_bind_int64(stmt, at, *number);
	return journal_db_run(db, stmt, reterr);
}

static int prune(struct database *db, const struct journal_item *item, struct osha_err *reterr)
{
	int e = 0;

	if (item->recovery[0])
		e = run_with(db, SQL_STATE_FORGET, item->recovery, NULL, reterr);
	if (e == 0)
		e = run_with(db, SQL_HISTORY_PRUNE, NULL, &item->wall_ms, reterr);
	if (e == 0)
		e = run_with(db, SQL_MAIL_PRUNE, NULL, &item->wall_ms, reterr);
	return e;
}

static int write_record_item(struct database *db, const struct journal_item *item, struct osha_err *reterr)
{
	if (item->op == JOURNAL_OP_RECORD)
		return journal_record_put(db, item, reterr);
	if (item->op == JOURNAL_OP_PRUNE)
		return prune(db, item, reterr);
	return run_with(db, SQL_BARRIER, NULL, NULL, reterr);
}

static void read_item(struct database *db, struct journal_item *item)
{
	struct osha_err err = {0};
	sqlite3_stmt *stmt;
	int rc, e;

	e = journal_db_stmt(db, SQL_STATE_GET, &stmt, &err);
	if (e < 0) {
		journal_item_end(item, OUTCOME_UNKNOWN, &err);
		return;
	}
	journal_db_bind_text(stmt, 1, item->key);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		item->found = malloc(sizeof(*item->found));
		e = item->found ? journal_db_record(stmt, 0, item->key, item->found, &err)
				: osha_err_set(&err, OSHA_E_NOMEM, "read %s", item->key);
	} else if (rc != SQLITE_DONE) {
		e = journal_db_fail(db, rc, &err);
	}
	sqlite3_reset(stmt);
	if (e < 0) {
		free(item->found);
		item->found = NULL;
	}
	journal_item_end(item, e < 0 ? OUTCOME_UNKNOWN : OUTCOME_DONE, &err);
}

/* BEGIN, then @put for each item. Returns REFUSED with everything undone, or UNKNOWN as "not yet ended". */
static enum outcome write_all(struct journal_commit *c, struct journal_list *items,
    int (*put)(struct database *, const struct journal_item *, struct osha_err *), struct osha_err *reterr)
{
	int e;

	journal_db_rollback(c->db); /* of a rollback that failed in an earlier batch */
	if (journal_db_check_place(c->db, reterr) < 0)
		return OUTCOME_REFUSED; /* not suspect: opened anew it would be an empty one */
	e = journal_db_exec(c->db, "BEGIN IMMEDIATE", reterr);
	for (const struct journal_item *i = items->first; i && e == 0; i = i->next)
		e = put(c->db, i, reterr);
	if (e == 0)
		return OUTCOME_UNKNOWN;
	c->is_suspect = e != -OSHA_E_NOSPACE && e != -OSHA_E_NOMEM;
	journal_db_rollback(c->db);
	return OUTCOME_REFUSED;
}

void journal_commit_records(struct journal_commit *c, struct journal_list *items)
{
	struct osha_err err = {0};
	enum outcome outcome = write_all(c, items, write_record_item, &err);

	if (outcome != OUTCOME_REFUSED)
		outcome = journal_commit_end(c, &err);
	for (struct journal_item *i = items->first; i; i = i->next) {
		if (i->op == JOURNAL_OP_READ && outcome == OUTCOME_DONE)
			read_item(c->db, i);
		else
			journal_item_end(i, i->op == JOURNAL_OP_READ ? OUTCOME_UNKNOWN : outcome, &err);
	}
}

static int mail_put(struct database *db, const struct journal_mail *m, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int e = journal_db_stmt(db, SQL_MAIL_PUT, &stmt, reterr);

	if (e < 0)
		return e;
	journal_db_bind_text(stmt, 1, m->key);
	journal_db_bind_text(stmt, 2, m->recovery);
	sqlite3_bind_int64(stmt, 3, m->moment);
	sqlite3_bind_int64(stmt, 4, m->for_admin);
	journal_db_bind_text(stmt, 5, m->address);
	journal_db_bind_text(stmt, 6, m->subject);
	sqlite3_bind_int64(stmt, 7, m->state);
	sqlite3_bind_int64(stmt, 8, m->attempts);
	sqlite3_bind_int64(stmt, 9, m->created_wall_ms);
	sqlite3_bind_int64(stmt, 10, m->next_wall_ms);
	sqlite3_bind_int64(stmt, 11, m->ended_wall_ms);
	journal_db_bind_text(stmt, 12, m->last_error);
	journal_db_bind_blob(stmt, 13, m->body, m->body_size);
	return journal_db_run(db, stmt, reterr);
}

static int mail_mark(struct database *db, const struct journal_item *item, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	int e = journal_db_stmt(db, SQL_MAIL_MARK, &stmt, reterr);

	if (e < 0)
		return e;
	journal_db_bind_text(stmt, 1, item->key);
	sqlite3_bind_int64(stmt, 2, item->number);
	sqlite3_bind_int64(stmt, 3, item->wall_ms);
	journal_db_bind_text(stmt, 4, item->text);
	return journal_db_run(db, stmt, reterr);
}

static int write_mail_item(struct database *db, const struct journal_item *item, struct osha_err *reterr)
{
	int e = 0;

	if (item->op == JOURNAL_OP_MAIL_MARK)
		return mail_mark(db, item, reterr);
	for (size_t i = 0; item->op == JOURNAL_OP_MAIL_PUT && i < item->mail_n && e == 0; i++)
		e = mail_put(db, &item->mails[i], reterr);
	return e;
}

/* Does the mail that was to be marked exist? It then does after the commit too: only pruning of ended ones takes them
 * away. */
static bool has_mail(struct database *db, const char *key)
{
	sqlite3_stmt *stmt;
	bool has;

	if (journal_db_stmt(db, SQL_MAIL_HAS, &stmt, NULL) < 0)
		return true;
	journal_db_bind_text(stmt, 1, key);
	has = sqlite3_step(stmt) != SQLITE_DONE;
	sqlite3_reset(stmt);
	return has;
}

static void end_mail_item(
    struct database *db, struct journal_item *item, enum outcome outcome, const struct osha_err *err)
{
	struct osha_err unknown;

	if (item->op == JOURNAL_OP_MAIL_LIST) {
		journal_outbox_list(db, item);
		return;
	}
	if (item->op == JOURNAL_OP_MAIL_MARK && outcome == OUTCOME_DONE && !has_mail(db, item->key)) {
		osha_err_set(&unknown, OSHA_E_NOTFOUND, "outbox: no mail %s", item->key);
		journal_item_end(item, OUTCOME_REFUSED, &unknown);
		return;
	}
	journal_item_end(item, outcome, err);
}

void journal_commit_mails(struct journal_commit *c, struct journal_list *items)
{
	struct osha_err err = {0};
	enum outcome outcome = write_all(c, items, write_mail_item, &err);

	if (outcome != OUTCOME_REFUSED)
		outcome = journal_commit_end(c, &err);
	for (struct journal_item *i = items->first; i; i = i->next)
		end_mail_item(c->db, i, outcome, &err);
}
