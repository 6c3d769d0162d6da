/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a mail server's side of the dialogue, in pieces as they might come. The file under test is taken in whole, because its
 * parser has no door of its own; nothing is sent. Whatever comes, the dialogue stays within its bounds, a mail counts as sent only after
 * the server took a recipient and the message, and what is kept of its answers is printable.
 */
#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static CURLcode swallow(CURL *easy, const void *bytes, size_t n, size_t *ret_n);
#define curl_easy_send swallow
#include "io/smtp.c" /* NOLINT(bugprone-suspicious-include) */

enum { RCPT_N = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static CURLcode swallow(CURL *easy, const void *bytes, size_t n, size_t *ret_n)
{
	(void)easy;
	(void)bytes;
	*ret_n = n;
	return CURLE_OK;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static void check_text(const char *text)
{
	for (; *text; text++)
		must((unsigned char)*text >= ' ' && (unsigned char)*text < 0x7f, "what is kept is printable");
}

/* Pieces of 1 to 64 bytes, or to the end; returns when the dialogue is over or the input is. */
static void talk(struct io_mail_call *call, const uint8_t *bytes, size_t n)
{
	CURLcode code = CURLE_OK;

	while (n > 0) {
		size_t room = sizeof(call->in) - call->in_n, size = 1 + bytes[0] % 64;

		must(room > 0, "there is room for the next line");
		size = size < n ? size : n;
		size = size < room ? size : room;
		memcpy(call->in + call->in_n, bytes, size);
		call->in_n += size;
		bytes += size;
		n -= size;
		if (!take_lines(call, &code))
			return;
		must(call->rcpt_at <= call->rcpt_n, "no more recipients than there are");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char alice[] = "alice@example.com", bob[] = "bob@example.com", carol[] = "ops@example.com";
	char *to[RCPT_N] = {alice, bob, carol};
	struct io_mail_rcpt_answer rcpt[RCPT_N] = {0};
	struct io_mail_call *call = calloc(1, sizeof(*call));
	enum io_mail_outcome outcome;
	bool is_taken = false;

	must(call != NULL, "memory");
	if (!call)
		return 0;
	*call = (struct io_mail_call){.phase = PHASE_FROM, .to = to, .rcpt = rcpt, .rcpt_n = RCPT_N};
	strbuf_puts(&call->message, "Subject: x\r\n\r\nx\r\n.\r\n");
	talk(call, bytes, n);
	outcome = judge(call);
	for (size_t i = 0; i < RCPT_N; i++) {
		check_text(rcpt[i].text);
		is_taken |= rcpt[i].outcome == IO_MAIL_SENT && rcpt[i].code >= 200 && rcpt[i].code < 300;
	}
	check_text(call->text);
	must(outcome != IO_MAIL_SENT || (is_taken && call->final_code >= 200 && call->final_code < 300),
	    "sent: a recipient and the message were taken");
	strbuf_free(&call->message);
	strbuf_free(&call->out);
	free(call);
	return 0;
}
