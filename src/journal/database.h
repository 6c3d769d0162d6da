/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite file under the journal: opening and checking it, its schema and every statement of the room, and what
 * SQLite's result codes mean here. Internal to the room; knows nothing of threads and queues.
 */
#pragma once

#include <sqlite3.h>

#include "base/err.h"
#include "journal/journal.h"
#include "journal/outbox.h"

/* Every statement that is prepared once and used again; the text is in database.c. */
enum database_sql {
	SQL_STATE_PUT,
	SQL_STATE_GET,
	SQL_STATE_ALL,
	SQL_STATE_FORGET,
	SQL_HISTORY_PUT,
	SQL_HISTORY_ALL,
	SQL_HISTORY_OF,
	SQL_HISTORY_PRUNE,
	SQL_BARRIER,
	SQL_MAIL_PUT,
	SQL_MAIL_MARK,
	SQL_MAIL_HAS,
	SQL_MAIL_DUE,
	SQL_MAIL_NEXT,
	SQL_MAIL_COUNT,
	SQL_MAIL_ALL,
	SQL_MAIL_PRUNE,
	SQL_N
};

struct database {
	sqlite3 *sqlite;
	sqlite3_stmt *stmt[SQL_N];
};

struct database_opts {
	uint32_t page_max;
	const char *vfs;
};

/** journal_db_open() - open for writing, create, check the whole file, bring the schema up to date. Errors as
 * journal_open(). */
int journal_db_open(struct database *db, const char *path, const struct database_opts *opts, struct osha_err *reterr);
/** journal_db_open_reading() - open an existing one for reading only. Errors as journal_reader_open(). */
int journal_db_open_reading(struct database *db, const char *path, struct osha_err *reterr);
/** journal_db_close() - give everything back; fine on a zeroed one. */
void journal_db_close(struct database *db);

/** journal_db_stmt() - the prepared statement, reset and without bindings; borrowed from @db. */
int journal_db_stmt(struct database *db, enum database_sql which, sqlite3_stmt **ret_stmt, struct osha_err *reterr);
/** journal_db_run() - step a statement that returns no rows, and reset it. */
int journal_db_run(struct database *db, sqlite3_stmt *stmt, struct osha_err *reterr);
/** journal_db_exec() - run one SQL text without parameters. */
int journal_db_exec(struct database *db, const char *sql, struct osha_err *reterr);
/** journal_db_fail() - turn SQLite's last error, of result @rc, into ours. Returns it. */
int journal_db_fail(struct database *db, int rc, struct osha_err *reterr);
/**
 * journal_db_check_place() - is the open file still the one at its path? What is written to another one no restart finds.
 * Errors: -OSHA_E_IO.
 */
int journal_db_check_place(struct database *db, struct osha_err *reterr);
/** journal_db_rollback() - end an open transaction without writing; fine when there is none. */
void journal_db_rollback(struct database *db);

/** journal_db_bind_text() - bind a borrowed text that outlives the step. */
void journal_db_bind_text(sqlite3_stmt *stmt, int at, const char *text);
/** journal_db_bind_blob() - bind borrowed bytes that outlive the step; an empty one is empty, not NULL. */
void journal_db_bind_blob(sqlite3_stmt *stmt, int at, const uint8_t *bytes, size_t size);
/** journal_db_text() - a text column; "" for NULL. Borrowed until the next step. */
const char *journal_db_text(sqlite3_stmt *stmt, int column);

/** journal_db_record() - decode the record in @column, which must stand under @key. Errors: -OSHA_E_CORRUPT naming the
 * key. */
int journal_db_record(sqlite3_stmt *stmt, int column, const char *key, struct record *ret_r, struct osha_err *reterr);
/** journal_db_each_record() - what journal_load() promises. */
int journal_db_each_record(struct database *db, journal_record_fn fn, void *arg, struct osha_err *reterr);
/** journal_db_mail() - fill @ret_mail from a row of SQL_MAIL_DUE or SQL_MAIL_ALL; the body is borrowed until the next
 * step. */
int journal_db_mail(sqlite3_stmt *stmt, struct journal_mail *ret_mail, struct osha_err *reterr);
