/* SPDX-License-Identifier: Apache-2.0 */
/* The SQLite file under the journal; see database.h. */
#include "journal/database.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

enum {
	APPLICATION_ID = 0x4f534841, /* "OSHA", so that file(1) and we know one another */
	BUSY_WAIT_MS = 5000,         /* a reader that repairs the WAL after a crash holds it for a moment */
	WAL_KEEP_BYTES = 16 * 1024 * 1024,
};

/* clang-format off */
/* One text per schema version, applied in order; a text that was once released never changes. */
static const char *const migrations[JOURNAL_SCHEMA_VERSION] = {
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO meta(name, value) VALUES('barrier', 0);"
	"CREATE TABLE state(key TEXT PRIMARY KEY, type INTEGER NOT NULL, recovery TEXT NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX state_recovery ON state(recovery);"
	"CREATE TABLE history(seq INTEGER PRIMARY KEY AUTOINCREMENT, wall_ms INTEGER NOT NULL, key TEXT NOT NULL,"
	" recovery TEXT NOT NULL, host TEXT NOT NULL, row INTEGER NOT NULL, note TEXT NOT NULL, record BLOB NOT NULL);"
	"CREATE INDEX history_recovery ON history(recovery, seq);"
	"CREATE TABLE outbox(key TEXT PRIMARY KEY, recovery TEXT NOT NULL, moment INTEGER NOT NULL, for_admin INTEGER NOT NULL,"
	" address TEXT NOT NULL, subject TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	" created_wall_ms INTEGER NOT NULL, next_wall_ms INTEGER NOT NULL, ended_wall_ms INTEGER NOT NULL,"
	" last_error TEXT NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX outbox_due ON outbox(state, next_wall_ms);",
};

#define MAIL_COLUMNS "key, recovery, moment, for_admin, address, subject, state, attempts, created_wall_ms, next_wall_ms," \
	" ended_wall_ms, last_error"
#define NOT_OPEN "recovery NOT IN (SELECT recovery FROM state WHERE recovery <> '')"

static const char *const sql_text[SQL_N] = {
	[SQL_STATE_PUT] = "INSERT INTO state(key, type, recovery, record) VALUES(?1, ?2, ?3, ?4)"
		" ON CONFLICT(key) DO UPDATE SET record = excluded.record",
	[SQL_STATE_GET] = "SELECT record FROM state WHERE key = ?1",
	[SQL_STATE_ALL] = "SELECT key, record FROM state ORDER BY type, key",
	[SQL_STATE_FORGET] = "DELETE FROM state WHERE recovery = ?1 AND recovery <> ''",
	[SQL_HISTORY_PUT] = "INSERT INTO history(wall_ms, key, recovery, host, row, note, record) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_HISTORY_ALL] = "SELECT seq, wall_ms, key, note, record FROM history ORDER BY seq",
	[SQL_HISTORY_OF] = "SELECT seq, wall_ms, key, note, record FROM history WHERE recovery = ?1 ORDER BY seq",
	[SQL_HISTORY_PRUNE] = "DELETE FROM history WHERE wall_ms < ?1 AND " NOT_OPEN,
	[SQL_BARRIER] = "UPDATE meta SET value = value + 1 WHERE name = 'barrier'",
	[SQL_MAIL_PUT] = "INSERT INTO outbox(" MAIL_COLUMNS ", body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
		" ON CONFLICT(key) DO NOTHING",
	[SQL_MAIL_MARK] = "UPDATE outbox SET state = CASE state WHEN 2 THEN 2 ELSE ?2 END, attempts = attempts + 1,"
		" next_wall_ms = CASE ?2 WHEN 1 THEN ?3 ELSE next_wall_ms END,"
		" ended_wall_ms = CASE WHEN ?2 = 1 OR state = 2 THEN ended_wall_ms ELSE ?3 END,"
		" last_error = ?4 WHERE key = ?1",
	[SQL_MAIL_HAS] = "SELECT 1 FROM outbox WHERE key = ?1",
	[SQL_MAIL_DUE] = "SELECT " MAIL_COLUMNS ", body FROM outbox WHERE state = 1 AND next_wall_ms <= ?1"
		" ORDER BY next_wall_ms, key LIMIT ?2",
	[SQL_MAIL_NEXT] = "SELECT next_wall_ms FROM outbox WHERE state = 1 ORDER BY next_wall_ms, key LIMIT 1 OFFSET ?1",
	[SQL_MAIL_COUNT] = "SELECT state, count(*) FROM outbox GROUP BY state",
	[SQL_MAIL_ALL] = "SELECT " MAIL_COLUMNS " FROM outbox WHERE ?1 IS NULL OR recovery = ?1 ORDER BY created_wall_ms, key",
	[SQL_MAIL_PRUNE] = "DELETE FROM outbox WHERE state <> 1 AND ended_wall_ms < ?1 AND " NOT_OPEN,
};
/* clang-format on */
_Static_assert(MAIL_QUEUED == 1 && MAIL_SENT == 2, "the statements above spell these values out");

static int code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return OSHA_E_NOSPACE;
	case SQLITE_NOMEM:
		return OSHA_E_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return OSHA_E_CORRUPT;
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_BUSY:
	case SQLITE_PROTOCOL:
		return OSHA_E_IO;
	default:
		return OSHA_E_INTERNAL;
	}
}

static const char *file_of(struct database *db)
{
	const char *file = db->sqlite ? sqlite3_db_filename(db->sqlite, "main") : NULL;

	return file ? file : "";
}

static int damaged(struct database *db, const char *what, struct osha_err *reterr)
{
	return osha_err_set(reterr, OSHA_E_CORRUPT,
	    "journal %s is damaged (%s): move it aside with its -wal and -shm files and start again; hosts that are "
	    "still down are "
	    "then found and fenced anew",
	    file_of(db), what);
}

int journal_db_fail(struct database *db, int rc, struct osha_err *reterr)
{
	const char *what = db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc);
	int code = code_of(rc);

	if (code == OSHA_E_CORRUPT)
		return damaged(db, what, reterr);
	return osha_err_set(reterr, code, "journal %s: %s", file_of(db), what);
}

int journal_db_exec(struct database *db, const char *sql, struct osha_err *reterr)
{
	int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : journal_db_fail(db, rc, reterr);
}

int journal_db_stmt(struct database *db, enum database_sql which, sqlite3_stmt **ret_stmt, struct osha_err *reterr)
{
	sqlite3_stmt **kept = &db->stmt[which];
	int rc = SQLITE_OK;

	if (*kept) {
		sqlite3_reset(*kept);
		sqlite3_clear_bindings(*kept);
	} else {
		rc = sqlite3_prepare_v3(db->sqlite, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
	}
	*ret_stmt = *kept;
	return rc == SQLITE_OK ? 0 : journal_db_fail(db, rc, reterr);
}

int journal_db_run(struct database *db, sqlite3_stmt *stmt, struct osha_err *reterr)
{
	int rc = sqlite3_step(stmt);
	int e = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : journal_db_fail(db, rc, reterr);

	sqlite3_reset(stmt);
	return e;
}

int journal_db_check_place(struct database *db, struct osha_err *reterr)
{
	int has_moved = 0;

	if (sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) != SQLITE_OK || !has_moved)
		return 0;
	return osha_err_set(
	    reterr, OSHA_E_IO, "journal %s was moved or deleted while in use: put it back", file_of(db));
}

void journal_db_rollback(struct database *db)
{
	if (db->sqlite && !sqlite3_get_autocommit(db->sqlite))
		sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

void journal_db_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

void journal_db_bind_blob(sqlite3_stmt *stmt, int at, const uint8_t *bytes, size_t size)
{
	sqlite3_bind_blob64(stmt, at, size ? (const void *)bytes : "", size, SQLITE_STATIC);
}

const char *journal_db_text(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

/* The one integer that a PRAGMA or query of one row answers. */
static int query_int(struct database *db, const char *sql, int64_t *ret_value, struct osha_err *reterr)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW ? 0 : journal_db_fail(db, rc, reterr);
}

/* A PRAGMA must answer with this one text. */
static int expect_text(struct database *db, const char *sql, const char *want, struct osha_err *reterr)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
	int e = 0;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		e = journal_db_fail(db, rc, reterr);
	else if (!str_eq(journal_db_text(stmt, 0), want) && str_eq(want, "ok"))
		e = damaged(db, journal_db_text(stmt, 0), reterr);
	else if (!str_eq(journal_db_text(stmt, 0), want))
		e = osha_err_set(reterr, OSHA_E_IO, "journal %s: %s: %s", file_of(db), sql, journal_db_text(stmt, 0));
	sqlite3_finalize(stmt);
	return e;
}

/* Is it a journal, and of a version that this program understands? A new file has no tables yet and is fine for a
 * writer. */
static int identify(struct database *db, const char *path, int64_t *ret_version, struct osha_err *reterr)
{
	int64_t id = 0, tables = 0;
	int e;

	e = query_int(db, "PRAGMA application_id", &id, reterr);
	if (e == 0)
		e = query_int(db, "SELECT count(*) FROM sqlite_master", &tables, reterr);
	if (e == 0)
		e = query_int(db, "PRAGMA user_version", ret_version, reterr);
	if (e < 0)
		return e;
	if (tables > 0 && id != APPLICATION_ID)
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s is a database, but not a journal of this program", path);
	if (*ret_version > JOURNAL_SCHEMA_VERSION)
		return osha_err_set(reterr, OSHA_E_CONFIG,
		    "journal %s was written by a newer version (schema %lld, known up to %d)", path,
		    (long long)*ret_version, JOURNAL_SCHEMA_VERSION);
	return 0;
}

static int migrate(struct database *db, int64_t from, struct osha_err *reterr)
{
	char stamp[96];
	int e = 0;

	for (int64_t v = from; v < JOURNAL_SCHEMA_VERSION && e == 0; v++) {
		snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %lld", APPLICATION_ID,
		    (long long)v + 1);
		e = journal_db_exec(db, "BEGIN IMMEDIATE", reterr);
		if (e == 0)
			e = journal_db_exec(db, migrations[v], reterr);
		if (e == 0)
			e = journal_db_exec(db, stamp, reterr);
		if (e == 0)
			e = journal_db_exec(db, "COMMIT", reterr);
		if (e < 0) {
			journal_db_rollback(db);
			e = osha_err_wrap(reterr, "bring the schema from %lld to %lld", (long long)v, (long long)v + 1);
		}
	}
	return e;
}

static int prepare_writing(
    struct database *db, const char *path, const struct database_opts *opts, struct osha_err *reterr)
{
	char limit[64];
	int64_t version = 0;
	int e, keep = 1;

	sqlite3_busy_timeout(db->sqlite, BUSY_WAIT_MS);
	e = identify(db, path, &version, reterr);
	if (e == 0)
		e = expect_text(db, "PRAGMA quick_check(1)", "ok", reterr);
	if (e == 0)
		e = expect_text(db, "PRAGMA journal_mode = WAL", "wal", reterr);
	snprintf(limit, sizeof(limit), "PRAGMA journal_size_limit = %d", WAL_KEEP_BYTES);
	if (e == 0)
		e = journal_db_exec(db, limit, reterr);
	if (e == 0)
		e = journal_db_exec(
		    db, "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF", reterr);
	/* so that a command without the right to write here can still read after the daemon has ended */
	sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (e == 0)
		e = migrate(db, version, reterr);
	if (e == 0 && opts->page_max) {
		snprintf(limit, sizeof(limit), "PRAGMA max_page_count = %u", opts->page_max);
		e = journal_db_exec(db, limit, reterr);
	}
	return e;
}

/* SQLite would create it readable for all; it holds names of users and their mail. */
static int create_private(const char *path, struct osha_err *reterr)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return osha_err_set_errno(
		    reterr, errno == ENOSPC ? OSHA_E_NOSPACE : OSHA_E_IO, errno, "journal %s", path);
	close(fd);
	return 0;
}

int journal_db_open(struct database *db, const char *path, const struct database_opts *opts, struct osha_err *reterr)
{
	int rc, e;

	*db = (struct database){0};
	e = create_private(path, reterr);
	if (e < 0)
		return e;
	rc = sqlite3_open_v2(
	    path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, opts->vfs);
	e = rc == SQLITE_OK ? prepare_writing(db, path, opts, reterr) : journal_db_fail(db, rc, reterr);
	if (e < 0)
		journal_db_close(db);
	return e;
}

int journal_db_open_reading(struct database *db, const char *path, struct osha_err *reterr)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	struct stat st;
	int64_t version = 0;
	int rc, e;

	*db = (struct database){0};
	if (stat(path, &st) < 0)
		return osha_err_set_errno(reterr, errno == ENOENT || errno == ENOTDIR ? OSHA_E_NOTFOUND : OSHA_E_IO,
		    errno, "journal %s", path);
	rc = sqlite3_open_v2(path, &db->sqlite, flags, NULL);
	if (rc == SQLITE_OK)
		sqlite3_busy_timeout(db->sqlite, BUSY_WAIT_MS);
	e = rc == SQLITE_OK ? identify(db, path, &version, reterr) : journal_db_fail(db, rc, reterr);
	if (e == 0 && version == 0)
		e = osha_err_set(reterr, OSHA_E_NOTFOUND, "journal %s is empty", path);
	if (e < 0)
		journal_db_close(db);
	return e;
}

void journal_db_close(struct database *db)
{
	for (size_t i = 0; i < SQL_N; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close_v2(db->sqlite);
	*db = (struct database){0};
}

int journal_db_record(sqlite3_stmt *stmt, int column, const char *key, struct record *ret_r, struct osha_err *reterr)
{
	const uint8_t *bytes = sqlite3_column_blob(stmt, column);
	size_t size = (size_t)sqlite3_column_bytes(stmt, column);
	char own[JOURNAL_KEY_SIZE];
	int e;

	e = journal_record_decode(bytes, bytes ? size : 0, ret_r, reterr);
	if (e < 0)
		return osha_err_wrap(reterr, "%s", key);
	journal_record_key(ret_r, own, sizeof(own));
	if (!str_eq(own, key))
		return osha_err_set(reterr, OSHA_E_CORRUPT, "%s holds the record of %s", key, own);
	return 0;
}

int journal_db_each_record(struct database *db, journal_record_fn fn, void *arg, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	struct record r;
	int rc = SQLITE_DONE, e;

	e = journal_db_stmt(db, SQL_STATE_ALL, &stmt, reterr);
	if (e < 0)
		return e;
	while (e >= 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		e = journal_db_record(stmt, 1, journal_db_text(stmt, 0), &r, reterr);
		if (e == 0)
			e = fn(arg, &r, reterr);
	}
	if (e >= 0)
		e = rc == SQLITE_DONE ? 0 : journal_db_fail(db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}

int journal_db_mail(sqlite3_stmt *stmt, struct journal_mail *ret_mail, struct osha_err *reterr)
{
	int64_t moment = sqlite3_column_int64(stmt, 2), state = sqlite3_column_int64(stmt, 6);
	struct journal_mail *m = ret_mail;

	*m = (struct journal_mail){0};
	str_copy(m->key, sizeof(m->key), journal_db_text(stmt, 0));
	if (moment < 0 || moment >= MOMENT_N || state <= MAIL_NONE || state >= MAIL_STATE_N)
		return osha_err_set(reterr, OSHA_E_CORRUPT, "outbox %s: moment %lld, state %lld", m->key,
		    (long long)moment, (long long)state);
	str_copy(m->recovery, sizeof(m->recovery), journal_db_text(stmt, 1));
	m->moment = (enum moment)moment;
	m->for_admin = sqlite3_column_int(stmt, 3) != 0;
	str_copy(m->address, sizeof(m->address), journal_db_text(stmt, 4));
	str_copy(m->subject, sizeof(m->subject), journal_db_text(stmt, 5));
	m->state = (enum mail_state)state;
	m->attempts = (uint32_t)sqlite3_column_int64(stmt, 7);
	m->created_wall_ms = sqlite3_column_int64(stmt, 8);
	m->next_wall_ms = sqlite3_column_int64(stmt, 9);
	m->ended_wall_ms = sqlite3_column_int64(stmt, 10);
	str_copy(m->last_error, sizeof(m->last_error), journal_db_text(stmt, 11));
	if (sqlite3_column_count(stmt) > 12) {
		m->body = sqlite3_column_blob(stmt, 12);
		m->body_size = (size_t)sqlite3_column_bytes(stmt, 12);
	}
	return 0;
}
