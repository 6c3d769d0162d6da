/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a journal from outside; see reader.h. */
#include "journal/reader.h"

#include <stdlib.h>

#include "journal/database.h"

struct journal_reader {
	struct database db;
};

int journal_reader_open(const char *path, struct journal_reader **ret_r, struct osha_err *reterr)
{
	struct journal_reader *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return osha_err_set(reterr, OSHA_E_NOMEM, "open journal %s", path);
	e = journal_db_open_reading(&r->db, path, reterr);
	if (e < 0)
		free(r);
	else
		*ret_r = r;
	return e;
}

void journal_reader_close(struct journal_reader **r)
{
	if (!*r)
		return;
	journal_db_close(&(*r)->db);
	free(*r);
	*r = NULL;
}

int journal_reader_records(struct journal_reader *r, journal_record_fn fn, void *arg, struct osha_err *reterr)
{
	return journal_db_each_record(&r->db, fn, arg, reterr);
}

int journal_reader_history(
    struct journal_reader *r, const char *recovery, journal_line_fn fn, void *arg, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	struct record record;
	int rc = SQLITE_DONE;
	int e = journal_db_stmt(&r->db, recovery ? SQL_HISTORY_OF : SQL_HISTORY_ALL, &stmt, reterr);

	if (e < 0)
		return e;
	if (recovery)
		journal_db_bind_text(stmt, 1, recovery);
	while (e >= 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct journal_line line = {.seq = (uint64_t)sqlite3_column_int64(stmt, 0),
		    .wall_ms = sqlite3_column_int64(stmt, 1),
		    .key = journal_db_text(stmt, 2),
		    .note = journal_db_text(stmt, 3),
		    .record = &record};

		e = journal_db_record(stmt, 4, line.key, &record, reterr);
		if (e == 0)
			e = fn(arg, &line, reterr);
	}
	if (e >= 0)
		e = rc == SQLITE_DONE ? 0 : journal_db_fail(&r->db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}

int journal_reader_outbox(
    struct journal_reader *r, const char *recovery, journal_mail_fn fn, void *arg, struct osha_err *reterr)
{
	sqlite3_stmt *stmt;
	struct journal_mail mail;
	int rc = SQLITE_DONE;
	int e = journal_db_stmt(&r->db, SQL_MAIL_ALL, &stmt, reterr);

	if (e < 0)
		return e;
	if (recovery)
		journal_db_bind_text(stmt, 1, recovery);
	while (e >= 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		e = journal_db_mail(stmt, &mail, reterr);
		if (e == 0)
			e = fn(arg, &mail, reterr);
	}
	if (e >= 0)
		e = rc == SQLITE_DONE ? 0 : journal_db_fail(&r->db, rc, reterr);
	sqlite3_reset(stmt);
	return e;
}
