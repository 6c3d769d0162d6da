/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a journal from outside: for commands, whether a daemon holds it or none runs. Takes no lock that the daemon
 * could meet, and changes no record. Every call blocks on the disk; not for the loop.
 */
#pragma once

#include "journal/journal.h"
#include "journal/outbox.h"

struct journal_reader;

/* One line of history. Borrowed for the call. */
struct journal_line {
	uint64_t seq; /* order of writing, ascending over the whole journal */
	int64_t wall_ms;
	const char *key;
	const char *note;
	const struct record *record; /* as it stood then */
};

typedef int (*journal_line_fn)(void *arg, const struct journal_line *line, struct osha_err *reterr);
typedef int (*journal_mail_fn)(void *arg, const struct journal_mail *mail, struct osha_err *reterr);

/**
 * journal_reader_open() - open the journal at @path for reading.
 * @ret_r: on success; the caller closes it
 *
 * Errors: -OSHA_E_NOTFOUND, -OSHA_E_CORRUPT, -OSHA_E_CONFIG (not a journal, or of a newer version), -OSHA_E_IO.
 */
int journal_reader_open(const char *path, struct journal_reader **ret_r, struct osha_err *reterr);
/** journal_reader_close() - also as cleanup for `struct journal_reader *`. */
void journal_reader_close(struct journal_reader **r);
#define JOURNAL_READER_AUTO __attribute__((cleanup(journal_reader_close)))

/** journal_reader_records() - the newest record of each key, in the order of journal_load(). A negative result of @fn
 * is forwarded. */
int journal_reader_records(struct journal_reader *r, journal_record_fn fn, void *arg, struct osha_err *reterr);

/**
 * journal_reader_history() - the history of one recovery and its instances, oldest first.
 * @recovery: its id; NULL = the whole history, hosts and store included
 */
int journal_reader_history(
    struct journal_reader *r, const char *recovery, journal_line_fn fn, void *arg, struct osha_err *reterr);

/** journal_reader_outbox() - the mails of one recovery (@recovery NULL: all), oldest first, without their bodies. */
int journal_reader_outbox(
    struct journal_reader *r, const char *recovery, journal_mail_fn fn, void *arg, struct osha_err *reterr);
