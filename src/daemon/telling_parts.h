/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of telling share. For telling*.c alone. */
#pragma once

#include "daemon/telling.h"
#include "drivers/notifier/email/notifier_email.h"
#include "io/loop.h"
#include "journal/outbox.h"
#include "tell/audience.h"
#include "tell/letter.h"
#include "tell/mime.h"

struct cloud_op;
struct cloud_result;

enum {
	TELLING_LETTERS_PER_TURN = 8, /* written and put at a time: a thousand readers must not hold up the loop */
	TELLING_TURN_MS = 2,          /* likewise: a letter of many instances takes its time */
	TELLING_SEND_MAX = 8,         /* mails of the outbox under way: one that hangs leaves the others their way */
	TELLING_LOOKUPS_MAX = 4,      /* projects asked for at a time */
	TELLING_PEOPLE_MAX = 2048,    /* projects remembered */
	TELLING_PEOPLE_FRESH_MS = 5 * 60 * 1000,
	TELLING_TRIES = 8,      /* to find out who is affected, when nothing can be found out at all */
	TELLING_TRIES_REST = 3, /* for the last projects, when the people of others wait to be told */
	TELLING_POLL_MS =
	    1000, /* while a moment waits for its people, later ones of its recovery are looked for this often */
	TELLING_ALERTS_MAX = 64, /* alerts remembered, and on their way */
	TELLING_ALERT_FRESH_MS = 60 * 60 * 1000,
	TELLING_DIRECT_MAX = 64, /* mails that are sent without the outbox */
	TELLING_DIRECT_TRIES = 5,
	TELLING_STORE_RETRY_MS = 2000,    /* an outbox that took nothing is asked again */
	TELLING_POST_REST_MS = 60 * 1000, /* the outbox is looked at this often at least while mails wait in it */
};

/* --- telling_people.c: projects and their people --- */

enum people_state { PEOPLE_UNKNOWN = 0, PEOPLE_ASKING, PEOPLE_KNOWN, PEOPLE_LOST };

/* One project. Shared by all moments that concern it, and kept a few minutes longer. */
struct people {
	struct people *next;
	struct telling *t;
	struct tell_project project; /* its people are valid while KNOWN */
	enum people_state state;     /* LOST: asking again is of no use */
	uint32_t users;              /* moments that hold it: it does not change under them once known */
	uint32_t failures;           /* in a row */
	int64_t retry_ms;            /* UNKNOWN: not before */
	int64_t known_ms;
	char reason[REASON_SIZE];
	struct tell_unreached *unreached; /* KNOWN: those among them whom nobody can reach */
	size_t unreached_n;
	struct cloud_op *op;
};

/** people_take() - hold a project; NULL when out of memory. people_drop() - give it back. */
struct people *people_take(struct telling *t, const char *project_id);
void people_drop(struct people *p);
/** people_project_name() - the name of a project that was looked up not too long ago; NULL or "" = not known. @telling: struct telling. */
const char *people_project_name(const void *telling, const char *project_id);
/** people_ask() - have it looked up, if it is time and fewer than TELLING_LOOKUPS_MAX are. */
void people_ask(struct people *p);
/** people_session_lost() - the session that was asked is gone. people_free_all() - forget everything. */
void people_session_lost(struct telling *t);
void people_free_all(struct telling *t);

/* --- telling_moment.c: one moment on its way into the outbox --- */

struct telling_moment;
struct telling_moment *moment_new(struct telling *t, const struct recovery_record *r, enum moment moment);
void moment_answer(struct telling *t, const struct journal_answer *a);
/** moments_wake() - people were found, or the session is another one: those that wait look again. */
void moments_wake(struct telling *t);
void moments_session_lost(struct telling *t);
void moments_free_all(struct telling *t);

/* --- telling_letter.c: one mail --- */

/* What one mail is made of. All pointers are borrowed. */
struct mail_plan {
	enum tell_kind kind;
	const struct tell_facts *facts;      /* of a recovery; NULL for an alert */
	const struct tell_audience *readers; /* a user's letter */
	const struct tell_reader *reader;
	const struct tell_unreached *unreached;
	size_t unreached_n;
	const char *alert_key, *alert_text;
	const char *to;      /* address */
	struct tell_key key; /* without its person */
	int64_t wall_ms;
};

/**
 * mail_make() - write one mail.
 * @m: filled but for its body; @body: appended to
 *
 * An operator's template that does not do is replaced by the built-in one, and fewer rows are listed where a mail would grow too long.
 * Errors: -OSHA_E_USAGE (the address is none), -OSHA_E_NOMEM.
 */
int mail_make(struct telling *t, const struct mail_plan *plan, struct journal_mail *m, struct strbuf *body,
    struct osha_err *reterr);

/* Mails that go to the outbox together. */
struct mail_batch {
	struct journal_mail mails[TELLING_LETTERS_PER_TURN];
	struct strbuf bodies[TELLING_LETTERS_PER_TURN];
	size_t n;
};
void mail_batch_free(struct mail_batch *b);
/** mail_batch_add() - one more; a mail that cannot be made is logged and left out. */
void mail_batch_add(struct telling *t, struct mail_batch *b, const struct mail_plan *plan);
/** mail_batch_put() - into the outbox; returns its number, or 0 when the journal would not take it. */
uint64_t mail_batch_put(struct telling *t, const struct mail_batch *b);

/* --- telling_alerts.c --- */

struct telling_alert {
	char key[HOST_NAME_SIZE + 32]; /* "" = free */
	char text[ENGINE_TEXT_SIZE];
	int64_t told_ms, wall_ms;
	uint64_t put_seq; /* on its way into the outbox, 0 = not */
};
void alert_tell(struct telling *t, const char *key, const char *text);
void alert_answer(struct telling *t, const struct journal_answer *a);

/* --- telling_post.c: outbox to mail server --- */

/* One mail of the outbox that is being sent, or whose end is being recorded. */
struct post_slot {
	char key[JOURNAL_MAIL_KEY_SIZE]; /* "" = free */
	struct telling *t;
	uint32_t attempts;
	int64_t created_wall_ms;
	struct notifier_run *run; /* NULL: its end is being recorded */
	uint64_t mark_seq;
	struct journal_mail_end end;
	char reason[REASON_SIZE];
	struct io_timer timer; /* the journal did not take its end: again */
};

/* One mail that goes past the outbox. */
struct post_direct {
	struct post_direct *next;
	struct telling *t;
	char to[TELL_ADDRESS_SIZE];
	char key[TELL_KEY_SIZE];
	struct strbuf bytes;
	uint32_t attempts;
	struct notifier_run *run;
	struct io_timer timer;
};

struct telling_post {
	struct post_slot slots[TELLING_SEND_MAX];
	struct post_direct *directs;
	uint32_t direct_n;
	uint64_t list_seq; /* 0 = none is under way */
	bool is_stale;     /* something came in since that was asked */
	bool is_quiet;     /* nothing was due when it was last asked */
	struct io_timer timer;
};

void post_kick(struct telling *t);
void post_answer(struct telling *t, const struct journal_answer *a);
/** post_direct() - send this mail now. @body: moved. */
void post_send_direct(struct telling *t, const struct journal_mail *m, struct strbuf *body);
bool post_is_idle(const struct telling *t);
void post_close(struct telling *t);

struct telling {
	struct daemon *d;
	struct tell_templates own, builtin; /* own: NULL where the operator has none */
	struct telling_moment *moments;
	struct people *people;
	uint32_t people_n, lookups;
	struct telling_alert alerts[TELLING_ALERTS_MAX];
	struct telling_post post;
	uint64_t seq; /* last number given to an outbox operation */
};

/** telling_has_server() - is there somewhere to send mails to? */
bool telling_has_server(const struct telling *t);
/** telling_backoff_ms() - pause before try number @tries + 1, @tries >= 1. */
int64_t telling_backoff_ms(const struct telling *t, uint32_t tries);
