/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A letter as the bytes that go to a mail server: headers, text and HTML side by side, lines ended by CRLF (RFC 5322, RFC 2045 to 2047). And
 * the key that names one mail for ever: the same mail of the same moment to the same person always has the same key, message id and bytes
 * but for its date, so that a copy is known as one.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"
#include "engine/record.h"
#include "tell/audience.h"

enum { TELL_KEY_SIZE = 384 };

/* All pointers are borrowed. Everything may be hostile text; addresses that are none are refused. */
struct tell_mail {
	const char *from, *to; /* addresses; the domain of @from is the message ids' as well */
	const char *to_name;   /* of the person; "" = none */
	const char *key;
	const char *thread; /* what the mails of one recovery share: its id; "" = none */
	const char *moment; /* for filters of the reader's: "confirmed", "alert", ... */
	const char *subject;
	const char *text, *html; /* lines ended by LF or CRLF */
	int64_t wall_ms;
};

/**
 * tell_mail_write() - the whole message, appended to @out.
 * Errors: -OSHA_E_USAGE (an address that is none, no key), -OSHA_E_NOMEM.
 */
int tell_mail_write(const struct tell_mail *m, struct strbuf *out, struct osha_err *reterr);

/* What a key is made of. */
struct tell_key {
	const char *recovery;
	const char *moment; /* moment_name(), or "alert" */
	uint32_t n;         /* how often this moment came: held_n, for others 0 */
	const char *person; /* address, or "project:ID", "user:ID" of those who cannot be reached */
};
/** tell_key_write() - "ID/moment/n/person", the person's ASCII letters small; into TELL_KEY_SIZE bytes. Long ones end in their digest. */
void tell_key_write(const struct tell_key *k, char *key);

/** tell_header_text() - @value as it may stand in a header of its own: printable ASCII as it is, all else as encoded words, folded. */
void tell_header_text(struct strbuf *out, size_t column, const char *value);
/** tell_quoted_printable() - @bytes as a body part, RFC 2045, 6.7. */
void tell_quoted_printable(struct strbuf *out, const char *bytes);
