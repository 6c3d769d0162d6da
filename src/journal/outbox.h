/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mails that wait, durably: put once under a stable key, listed when due, marked when they ended. Every operation goes
 * through the journal's thread and is answered in journal_drain(); outbox operations share no transaction with records,
 * so that a mail that cannot be kept never costs a record. What a mail says and how it is sent is for others.
 */
#pragma once

#include "journal/journal.h"

enum {
	JOURNAL_MAIL_KEY_SIZE = 384,
	JOURNAL_MAIL_ADDRESS_SIZE = 320, /* 64 + '@' + 255 */
	JOURNAL_MAIL_SUBJECT_SIZE = 256,
	JOURNAL_MAIL_BODY_MAX = 256 * 1024,
	JOURNAL_MAIL_LIST_MAX = 32, /* mails in one answer */
	JOURNAL_MAIL_PUT_MAX = 1024,
};

/* Values are stored: append only. */
enum mail_state {
	MAIL_NONE = 0,
	MAIL_QUEUED,        /* to be sent at next_wall_ms, for the first time or again */
	MAIL_SENT,          /* a server took it */
	MAIL_UNDELIVERABLE, /* given up, or no way to reach the person; last_error says why */
	MAIL_STATE_N
};

struct journal_mail {
	char key[JOURNAL_MAIL_KEY_SIZE]; /* "ID/moment/n/person": the same mail always has the same */
	char recovery[RECOVERY_ID_SIZE];
	enum moment moment;
	bool for_admin;
	char address[JOURNAL_MAIL_ADDRESS_SIZE]; /* "" with MAIL_UNDELIVERABLE: the person has none */
	char subject[JOURNAL_MAIL_SUBJECT_SIZE];
	enum mail_state state;
	uint32_t attempts; /* tries that ended */
	int64_t created_wall_ms;
	int64_t next_wall_ms;  /* MAIL_QUEUED: not before */
	int64_t ended_wall_ms; /* MAIL_SENT, MAIL_UNDELIVERABLE: when */
	char last_error[REASON_SIZE];
	const uint8_t *body; /* the whole message as it goes to the server; borrowed */
	size_t body_size;    /* at most JOURNAL_MAIL_BODY_MAX */
};

struct journal_mails {
	const struct journal_mail *mail; /* those due, longest waiting first */
	size_t n;
	uint64_t count[MAIL_STATE_N]; /* of all that are kept */
	int64_t
	    next_wall_ms; /* earliest next_wall_ms of any MAIL_QUEUED that is not in this answer; 0 = there is none */
};

const char *mail_state_name(enum mail_state s);

/**
 * journal_outbox_put() - keep @n mails, all or none; one whose key is known already is left as it stands.
 * @seq: the caller's number for the answer
 * @mails: copied, bodies included; state MAIL_QUEUED, or MAIL_UNDELIVERABLE to list a person who cannot be reached
 * @n: 1 to JOURNAL_MAIL_PUT_MAX
 *
 * Never blocks on a disk; owner's thread only. Errors (then no answer comes): -OSHA_E_USAGE (no key, too large, wrong
 * state), -OSHA_E_FULL, -OSHA_E_NOMEM.
 */
int journal_outbox_put(
    struct journal *j, uint64_t seq, const struct journal_mail *mails, size_t n, struct osha_err *reterr);

/**
 * journal_outbox_due() - ask for the mails that are to be sent by now; the answer also counts all of them and names the
 * next time.
 * @max: 0 to JOURNAL_MAIL_LIST_MAX; 0 only counts
 */
int journal_outbox_due(struct journal *j, uint64_t seq, int64_t now_wall_ms, size_t max, struct osha_err *reterr);

/* How one try of a mail ended. */
struct journal_mail_end {
	enum mail_state state; /* MAIL_SENT; MAIL_QUEUED = failed, again at wall_ms; MAIL_UNDELIVERABLE = given up */
	int64_t wall_ms;       /* the time of the end, or of the next try */
	const char *error;     /* why it failed, never a secret; borrowed, cut at REASON_SIZE; NULL = "" */
};

/**
 * journal_outbox_mark() - record how one try ended.
 * @key: copied
 * @end: copied
 *
 * A mail that was sent stays sent. An unknown key is answered REFUSED.
 */
int journal_outbox_mark(
    struct journal *j, uint64_t seq, const char *key, const struct journal_mail_end *end, struct osha_err *reterr);
