/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends one finished message (RFC 5321) through an SMTP server, on the same connection pool as HTTP. Writing the
 * message (headers, MIME, CRLF) and trying again later are left to the callers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "io/http.h"

struct io_mail_call; /* one mail under way */

enum {
	IO_MAIL_RCPT_MAX = 256,  /* recipients of one mail */
	IO_MAIL_TEXT_SIZE = 256, /* what is kept of a server's answer */
	IO_MAIL_TIMEOUT_MS = 60 * 1000,
	IO_MAIL_MAX_BYTES = 16 * 1024 * 1024,
};

enum io_mail_tls {
	IO_MAIL_TLS_NONE = 0,
	IO_MAIL_TLS_STARTTLS, /* demanded: a server without it gets nothing, neither login nor mail */
	IO_MAIL_TLS_IMPLICIT, /* TLS from the first byte (port 465) */
	IO_MAIL_TLS_N
};

/* All pointers are borrowed for the duration of io_mail_start() and copied there. */
struct io_mail {
	const char *host; /* name or address, without brackets */
	uint16_t port;
	enum io_mail_tls tls;
	const char *user; /* NULL = no login */
	const char *password;
	const char *cacert;    /* PEM file or NULL for the system's */
	bool insecure;         /* certificate and name unchecked: only because the operator wrote so */
	const char *from;      /* envelope sender, ASCII, "a@b" without <>; "" = the null sender */
	const char *const *to; /* envelope recipients, @to_n of them, 1..IO_MAIL_RCPT_MAX */
	size_t to_n;
	const char *bytes; /* the message, 7-bit, every line ended by CRLF; dots are stuffed here */
	size_t size;
	int64_t timeout_ms;    /* of the whole exchange; 0 = IO_MAIL_TIMEOUT_MS */
	const char *helo_name; /* NULL = this machine's name */
};

/* How it went. Zeroed memory reads as transient: try again. */
enum io_mail_outcome {
	IO_MAIL_TRANSIENT = 0, /* 4xx, network, timeout, TLS: again later */
	IO_MAIL_SENT,          /* accepted by the server */
	IO_MAIL_REFUSED,       /* 5xx: will be refused again */
	IO_MAIL_OUTCOME_N
};

struct io_mail_rcpt_answer {
	enum io_mail_outcome outcome;
	int code;                     /* SMTP code of the answer to this recipient, 0 = none came */
	char text[IO_MAIL_TEXT_SIZE]; /* that answer, printable characters only */
};

/* Valid inside the callback only. */
struct io_mail_answer {
	enum io_mail_outcome outcome; /* sent: at least one recipient has it; see @rcpt for the others */
	int result;              /* 0 when the server answered; else -OSHA_E_NET, _TIMEOUT, _TLS, _AUTH, _GARBAGE */
	bool may_have_been_sent; /* the message's last byte left, its answer did not come: sending again may make a
				    second copy */
	int code;                /* last SMTP code, 0 = none */
	const char *text;        /* last answer of the server, or what went wrong; printable, no secrets; never NULL */
	const struct io_mail_rcpt_answer *rcpt; /* one for each of io_mail.to, in that order */
	size_t rcpt_n;
	int64_t total_ms;
};

/** Called exactly once per started mail, on the loop, never from inside io_mail_start(). The handle is void from here
 * on. */
typedef void (*io_mail_fn)(void *arg, const struct io_mail_answer *answer);

/**
 * io_mail_start() - send one mail.
 * @fn, @arg: the one callback; @arg is borrowed until it was called or the call cancelled
 * @ret_call: handle for io_mail_cancel(); NULL when not wanted
 *
 * One refused recipient does not keep the mail from the others. Never blocks.
 * Errors (then no callback comes): -OSHA_E_USAGE (an address with blanks, <> or beyond ASCII; no recipient; a line not ended by CRLF; ...), -OSHA_E_FULL,
 * -OSHA_E_NOMEM.
 */
int io_mail_start(struct io_http *http, const struct io_mail *mail, io_mail_fn fn, void *arg,
    struct io_mail_call **ret_call, struct osha_err *reterr);

/** io_mail_cancel() - drop a mail: after this returns no callback comes. It may have been sent all the same. NULL is
 * fine. */
void io_mail_cancel(struct io_mail_call *call);
