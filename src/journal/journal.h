/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal on one machine: makes records durable and hands them back after a restart. A thread of its own commits
 * everything queued at once, so the loop never waits for a disk and a slow one costs time once per batch, not once per
 * record. What records mean is the engine's matter; how they look in bytes is codec.h's; mails are in outbox.h; reading
 * without a daemon in reader.h.
 *
 * Life of an operation: submitted (copied, queued, in order), committed by the thread, answered in journal_drain() on
 * the owner's thread, exactly once, in the order of submission among records and among outbox operations (not between
 * the two kinds).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/record.h"
#include "journal/codec.h"

struct journal;
struct journal_mails; /* outbox.h */

enum {
	JOURNAL_QUEUE_MAX = 65536,                  /* operations submitted and not yet answered */
	JOURNAL_QUEUE_BYTES_MAX = 96 * 1024 * 1024, /* memory that they may hold */
	JOURNAL_NOTE_SIZE = 512,                    /* a sentence of history; cut */
	JOURNAL_SCHEMA_VERSION = 1,

};

enum journal_op {
	JOURNAL_OP_NONE = 0,
	JOURNAL_OP_RECORD,    /* journal_submit() */
	JOURNAL_OP_READ,      /* journal_read() */
	JOURNAL_OP_PRUNE,     /* journal_prune() */
	JOURNAL_OP_MAIL_PUT,  /* journal_outbox_put() */
	JOURNAL_OP_MAIL_MARK, /* journal_outbox_mark() */
	JOURNAL_OP_MAIL_LIST, /* journal_outbox_due() */
	JOURNAL_OP_N
};

/* How one operation ended. Everything in it is borrowed for the length of the callback. */
struct journal_answer {
	uint64_t seq; /* as given by the caller */
	enum journal_op op;
	/*
	 * DONE: durable; it survives loss of power. REFUSED: certainly not written. UNKNOWN: it may be there after a
	 * restart; read the key (which settles it) or submit the same record again until DONE, and do not act on it
	 * before.
	 */
	enum outcome outcome;
	const struct osha_err *err;        /* REFUSED and UNKNOWN: why; NULL else */
	const struct record *record;       /* JOURNAL_OP_READ, DONE: what is stored; NULL = nothing under this key */
	const struct journal_mails *mails; /* JOURNAL_OP_MAIL_LIST, DONE */
};

typedef void (*journal_answer_fn)(void *arg, const struct journal_answer *a);
/* Called on the journal's thread when answers wait: may only wake the owner (an eventfd, a post to its loop). */
typedef void (*journal_notify_fn)(void *arg);
/* One current record; a negative result ends the walk and is forwarded. @r is borrowed for the call. */
typedef int (*journal_record_fn)(void *arg, const struct record *r, struct osha_err *reterr);

struct journal_opts {
	int64_t now_wall_ms;      /* "since" in the lock file, for the second one who comes */
	journal_notify_fn notify; /* may be NULL: then the owner polls journal_drain() */
	void *notify_arg;
	journal_answer_fn answer; /* may be NULL */
	void *answer_arg;
	uint32_t queue_max;       /* 0 = JOURNAL_QUEUE_MAX, which is also the highest */
	uint32_t commit_delay_ms; /* bench and tests: each commit takes so much longer */
	uint32_t page_max;        /* tests: database pages (4 KiB) before it is "full"; 0 = no limit */
	const char *vfs;          /* tests: name of a registered SQLite VFS; NULL = the system's */
};

/* Who holds a journal. */
struct journal_holder {
	bool is_held;
	int64_t pid; /* 0 = not readable */
	char host[HOST_NAME_SIZE];
	int64_t since_wall_ms;
};

/**
 * journal_open() - take the journal at @path for life, creating it (mode 0640) where there is none, and start its
 * thread.
 * @path: the database file; its directory must exist and be writable; copied
 * @opts: copied; NULL = all zero
 * @ret_j: on success; the caller closes it
 *
 * The lock (on "@path.lock") dies with the process, however it ends; children that were exec'd do not inherit it.
 * Blocking: checks the whole file. Errors: -OSHA_E_BUSY (names pid, machine and since), -OSHA_E_CORRUPT (names the file
 * and what to do), -OSHA_E_CONFIG (not a journal, or one of a newer version), -OSHA_E_NOTFOUND (no such directory),
 * -OSHA_E_NOSPACE, -OSHA_E_IO (also: read-only or no permission), -OSHA_E_NOMEM.
 */
int journal_open(const char *path, const struct journal_opts *opts, struct journal **ret_j, struct osha_err *reterr);

/**
 * journal_close() - commit what is queued, end the thread, give the lock back; answers not drained are dropped.
 * @j: freed; NULL is fine. Blocking for as long as the last commit takes. Never from within an answer.
 */
void journal_close(struct journal *j);

/** journal_closep() - journal_close() as cleanup for `struct journal *`. */
void journal_closep(struct journal **j);
#define JOURNAL_AUTO __attribute__((cleanup(journal_closep)))

/**
 * journal_begin_epoch() - raise the epoch in the store record, durably; on the first start of a store also make its
 * tag.
 * @ret_store: the store record as it now stands: tag (6 characters a-z2-7), epoch
 *
 * Call once after journal_open(), before journal_load(). Blocking. Errors: as the commit ended: -OSHA_E_NOSPACE,
 * -OSHA_E_IO, -OSHA_E_CORRUPT; then nothing may be started under this journal.
 */
int journal_begin_epoch(struct journal *j, struct store_record *ret_store, struct osha_err *reterr);

/**
 * journal_claim_epoch() - the same with an epoch that a lease has given.
 * @epoch: higher than the store's own, else -OSHA_E_REFUSED: whoever has the higher one leads; 0 = journal_begin_epoch()
 *
 * What is submitted from now on is written under it; a write of an older epoch that still waits is refused from now on.
 */
int journal_claim_epoch(struct journal *j, uint64_t epoch, struct store_record *ret_store, struct osha_err *reterr);

/**
 * journal_load() - hand out the newest record of each key: the store first, then hosts, recoveries, instances, each in
 * order of key.
 *
 * Blocking; for the start, before anything is submitted. Errors: -OSHA_E_CORRUPT naming the key; what @fn returned;
 * -OSHA_E_IO.
 */
int journal_load(struct journal *j, journal_record_fn fn, void *arg, struct osha_err *reterr);

/**
 * journal_submit() - queue a record to become its key's newest state and a line of history, in one transaction.
 * @seq: the caller's number for the answer
 * @r: copied
 * @wall_ms: time of the history line
 * @note: why, for people, never a secret; copied, cut at JOURNAL_NOTE_SIZE; NULL = ""
 *
 * Never blocks on a disk. Owner's thread only. Errors (then no answer comes): -OSHA_E_FULL (too much is unanswered: the
 * disk does not keep up), -OSHA_E_INTERNAL (record cannot be encoded), -OSHA_E_NOMEM.
 */
int journal_submit(struct journal *j, uint64_t seq, const struct record *r, int64_t wall_ms, const char *note,
    struct osha_err *reterr);

/**
 * journal_read() - ask what is durable under @key. Answered in order with the submissions before it, after one more
 * commit, so that the answer also settles an earlier UNKNOWN of this key: what it shows is there for good, what it does
 * not show is gone.
 * @key: as journal_record_key() writes it; copied
 *
 * As journal_submit() else.
 */
int journal_read(struct journal *j, uint64_t seq, const char *key, struct osha_err *reterr);

/**
 * journal_prune() - forget one ended recovery: its record and those of its instances are no longer loaded at start; and
 * drop all history and ended mails older than @before_wall_ms of recoveries that have been forgotten.
 * @recovery: its id; copied; NULL or "" = only drop what is old
 *
 * As journal_submit() else.
 */
int journal_prune(
    struct journal *j, uint64_t seq, const char *recovery, int64_t before_wall_ms, struct osha_err *reterr);

/** journal_drain() - call the owner back with each answer that waits; on the owner's thread. Returns how many. Never
 * blocks on a disk. */
size_t journal_drain(struct journal *j);

/** journal_pending() - operations submitted whose answer was not yet drained. */
size_t journal_pending(struct journal *j);

/**
 * journal_holder_read() - who holds the journal at @path? Reads the lock file only; blocking.
 *
 * Returns 0 also when nobody does (is_held false). Errors: -OSHA_E_IO.
 */
int journal_holder_read(const char *path, struct journal_holder *ret_holder, struct osha_err *reterr);

/* Faults of the store for tests and the simulator's contract: what the next commits of records do instead. */
enum journal_fault {
	JOURNAL_FAULT_NONE = 0,
	JOURNAL_FAULT_FULL,            /* refused: no space */
	JOURNAL_FAULT_IO,              /* refused: I/O error before the commit */
	JOURNAL_FAULT_UNKNOWN_WRITTEN, /* unknown, and it is there */
	JOURNAL_FAULT_UNKNOWN_LOST,    /* unknown, and it is not there */
	JOURNAL_FAULT_N
};

/** journal_inject() - let the next @commits commits end as @fault says. Any thread. */
void journal_inject(struct journal *j, enum journal_fault fault, uint32_t commits);

/** journal_commits() - commits made so far: operations divided by this is the batch size. Any thread. */
uint64_t journal_commits(struct journal *j);
