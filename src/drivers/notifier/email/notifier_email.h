/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notifier that sends mail: one finished message to one person through the configured SMTP server, with TLS and login as configured.
 * What the message says, who gets it, and when it is tried again are left to the callers. See notifier_email.md.
 */
#pragma once

#include "config/config.h"
#include "drivers/driver.h"

struct io_http;

/* Borrowed for the call of notifier_email_start(). */
struct notifier_message {
	const char *to;    /* address */
	const char *bytes; /* the whole message, lines ended by CRLF */
	size_t size_bytes;
};

/*
 * done: a server took it, which is all that can be known. refused: this person or this message will be refused again. unknown: everything
 * else (network, TLS, login, a sender that is not liked, 4xx): it may have been sent, and is to be sent again with the same message id.
 */
struct notifier_answer {
	enum outcome outcome;
	int code;                 /* the deciding SMTP code, 0 = none */
	char reason[REASON_SIZE]; /* "" when done; never a secret */
};

typedef void (*notifier_done_fn)(void *arg, const struct notifier_answer *answer);
struct notifier_run;

/* Who waits for the end. Copied. */
struct notifier_waiter {
	notifier_done_fn done; /* called once on the loop, never from inside notifier_email_start() */
	void *arg;             /* borrowed until then */
};

/**
 * notifier_email_start() - send one message.
 * @http: the connections' pool; borrowed, outlives the run
 * @cfg: borrowed for the call
 * @ret_run: for notifier_email_cancel(); void once the waiter was called
 *
 * Ends within cfg->timeout_ms. Errors (then nobody is called): as io_mail_start(), -OSHA_E_CONFIG without a server.
 */
int notifier_email_start(struct io_http *http, const struct config_email *cfg, const struct notifier_message *message,
    const struct notifier_waiter *waiter, struct notifier_run **ret_run, struct osha_err *reterr);
/** notifier_email_cancel() - forget it; no call comes, and it may have been sent. NULL is fine. */
void notifier_email_cancel(struct notifier_run *run);
