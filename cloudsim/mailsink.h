/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small SMTP server on loopback that keeps what it is given as files: EHLO, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, RSET, NOOP, QUIT.
 * No TLS. It can misbehave on demand. For tests and the demo only.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/strbuf.h"

enum {
	MAILSINK_MESSAGE_MAX_BYTES = 4 << 20,
	MAILSINK_RCPT_MAX = 100,
	MAILSINK_MAILS_MAX = 20000, /* more are refused with 452 */
};

struct mailsink;

struct mailsink_faults {
	bool hang;       /* accepts connections and says nothing */
	int reject_all;  /* this code to every MAIL FROM, 0 = none */
	int reject_data; /* this code after the message was sent, 0 = none */
	char rcpt[128];  /* recipient that is refused */
	int rcpt_code;   /* with this code */
	unsigned count;  /* how many refusals before it behaves again; 0 = for ever */
};

struct mailsink_options {
	uint16_t port;               /* of 127.0.0.1; 0 picks a free one */
	const char *dir;             /* an existing folder for the messages */
	const char *user, *password; /* demanded before MAIL when user is not NULL */
};

/** mailsink_start() - listen. @options is copied. Errors: -OSHA_E_NET, -OSHA_E_NOMEM. */
int mailsink_start(
    uv_loop_t *loop, const struct mailsink_options *options, struct mailsink **ret_sink, struct osha_err *reterr);
uint16_t mailsink_port(const struct mailsink *s);
/** mailsink_faults() - its faults, to read and change; borrowed. */
struct mailsink_faults *mailsink_faults(struct mailsink *s);
size_t mailsink_count(const struct mailsink *s);
/** mailsink_list() - {"mails":[{"from","to":[...],"subject","headers":{...},"file","size","at_ms"}]}; headers decoded to UTF-8. */
void mailsink_list(const struct mailsink *s, struct strbuf *out);
void mailsink_stop(struct mailsink *s);
