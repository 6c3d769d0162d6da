/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP dialogue (RFC 5321). libcurl makes the connection up to the login (greeting, EHLO, STARTTLS, AUTH); the mail itself is spoken
 * here over that connection, because libcurl's own sender blocks its thread until the server has judged the message, which may take minutes.
 */
#include "io/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/curl_pool.h"
#include "io/file.h"

enum { LINE_MAX_BYTES = 2048, READ_BYTES = 4096, OUT_MAX_BYTES = 2 * IO_MAIL_MAX_BYTES + 65536 };

/* What the server was last asked. */
enum mail_phase { PHASE_HELLO = 0, PHASE_AUTH, PHASE_FROM, PHASE_RCPT, PHASE_DATA, PHASE_BODY };

struct io_mail_call {
	struct curl_transfer transfer; /* first: the pool knows only this part */
	io_mail_fn fn;
	void *arg;
	enum mail_phase phase;
	char *from;
	char **to;
	size_t rcpt_at; /* the recipient asked about */
	size_t rcpt_n;
	struct io_mail_rcpt_answer *rcpt;
	struct strbuf message; /* with its dots stuffed and its end */
	struct strbuf out;     /* what goes to the server */
	size_t out_at;
	char in[LINE_MAX_BYTES];
	size_t in_n;
	struct io_watch *watch;
	int code;
	char text[IO_MAIL_TEXT_SIZE];
	int final_code; /* answer to the message itself */
};

static enum io_mail_outcome outcome_of_code(int code, bool is_rcpt)
{
	if (code >= 200 && code < 300)
		return IO_MAIL_SENT;
	/* RFC 5321, 4.5.3.1.10: some servers say 552 for "too many recipients", and it means 452. */
	if (code < 500 || (is_rcpt && code == 552))
		return IO_MAIL_TRANSIENT;
	return code == 530 ? IO_MAIL_TRANSIENT
			   : IO_MAIL_REFUSED; /* 530: a login is missing, which the mail cannot help */
}

static void copy_printable(char *dst, size_t size, const char *src, size_t n)
{
	while (n > 0 && (src[n - 1] == '\r' || src[n - 1] == '\n'))
		n--;
	if (n >= size)
		n = size - 1;
	for (size_t i = 0; i < n; i++)
		dst[i] = (unsigned char)src[i] < ' ' || (unsigned char)src[i] >= 0x7f ? '?' : src[i];
	dst[n] = '\0';
}

/* Returns true when a whole answer is there, in @code and @text. */
static bool take_line(struct io_mail_call *call, const char *line, size_t n)
{
	if (n < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9')
		return false;
	if (n > 3 && line[3] == '-')
		return false; /* more lines of the same answer follow */
	call->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	copy_printable(call->text, sizeof call->text, line, n);
	return true;
}

/* The part that libcurl speaks. Its lines of a login hold the password: only their first word is looked at. */
static int on_dialogue(CURL *easy, curl_infotype type, char *bytes, size_t n, void *arg)
{
	struct io_mail_call *call = arg;
	(void)easy;
	if (type == CURLINFO_HEADER_IN)
		take_line(call, bytes, n);
	if (type == CURLINFO_HEADER_OUT && n >= 5 && memcmp(bytes, "AUTH ", 5) == 0)
		call->phase = PHASE_AUTH;
	return 0;
}

/* The dialogue's end, in words of the header. */
static enum io_mail_outcome judge(struct io_mail_call *call)
{
	enum io_mail_outcome all = IO_MAIL_TRANSIENT;
	if (call->final_code != 0)
		all = outcome_of_code(call->final_code, false);
	else if ((call->phase == PHASE_FROM || call->phase == PHASE_DATA) && call->code >= 500)
		all = outcome_of_code(call->code, false);
	bool is_any_sent = false, is_any_transient = false;
	for (size_t i = 0; i < call->rcpt_n; i++) {
		struct io_mail_rcpt_answer *r = &call->rcpt[i];
		if (r->code == 0 || r->outcome == IO_MAIL_SENT)
			r->outcome = all;
		is_any_sent |= r->outcome == IO_MAIL_SENT;
		is_any_transient |= r->outcome == IO_MAIL_TRANSIENT;
	}
	if (is_any_sent)
		return IO_MAIL_SENT;
	return is_any_transient ? IO_MAIL_TRANSIENT : IO_MAIL_REFUSED;
}

static void free_mail(struct curl_transfer *t)
{
	struct io_mail_call *call = (struct io_mail_call *)t;
	io_watch_stop(call->watch);
	curl_transfer_close(t);
	for (size_t i = 0; call->to != NULL && i < call->rcpt_n; i++)
		free(call->to[i]);
	free(call->to);
	free(call->from);
	strbuf_free(&call->message);
	strbuf_free(&call->out);
	free(call->rcpt);
	free(call);
}

static void finish(struct io_mail_call *call, CURLcode code)
{
	struct curl_transfer *t = &call->transfer;
	bool is_all_out = call->phase == PHASE_BODY && call->out_at == call->out.len;
	struct io_mail_answer answer = {
	    .outcome = judge(call),
	    .may_have_been_sent = is_all_out && call->final_code == 0,
	    .code = call->code,
	    .rcpt = call->rcpt,
	    .rcpt_n = call->rcpt_n,
	    .total_ms = curl_transfer_ms(t),
	};
	/* A refusal in words is an answer, however libcurl files it; a login refused or demanded is the operator's to mend. */
	int result = answer.outcome == IO_MAIL_TRANSIENT ? curl_transfer_result(t, code) : 0;
	bool is_answer = call->code >= 400 && result != -OSHA_E_TLS && result != -OSHA_E_TIMEOUT;
	if (answer.outcome == IO_MAIL_TRANSIENT && is_answer)
		result = call->phase == PHASE_AUTH || call->code == 530 ? -OSHA_E_AUTH : 0;
	answer.result = result;
	bool has_words = call->text[0] != '\0' && (result == 0 || is_answer);
	char text[IO_MAIL_TEXT_SIZE];
	str_copy(text, sizeof text, has_words ? call->text : curl_transfer_text(t, code));
	answer.text = text;
	io_watch_stop(call->watch);
	call->watch = NULL;
	curl_transfer_close(t);
	call->fn(call->arg, &answer);
	free_mail(t);
}

/* The mail itself. */

static void ask_rcpt(struct io_mail_call *call)
{
	call->phase = PHASE_RCPT;
	strbuf_printf(&call->out, "RCPT TO:<%s>\r\n", call->to[call->rcpt_at]);
}

static bool is_any_accepted(const struct io_mail_call *call)
{
	for (size_t i = 0; i < call->rcpt_n; i++)
		if (call->rcpt[i].outcome == IO_MAIL_SENT)
			return true;
	return false;
}

static bool take_rcpt_answer(struct io_mail_call *call)
{
	struct io_mail_rcpt_answer *r = &call->rcpt[call->rcpt_at++];
	r->code = call->code;
	r->outcome = outcome_of_code(call->code, true);
	str_copy(r->text, sizeof r->text, call->text);
	if (call->code == 421) /* RFC 5321, 3.8: it closes the channel now */
		return false;
	if (call->rcpt_at < call->rcpt_n) {
		ask_rcpt(call);
		return true;
	}
	call->phase = PHASE_DATA;
	strbuf_puts(&call->out, "DATA\r\n");
	return is_any_accepted(call);
}

/* Ask the next thing after a whole answer; false when the dialogue is over. */
static bool go_on(struct io_mail_call *call)
{
	bool is_ok = call->code >= 200 && call->code < 300;
	strbuf_reset(&call->out);
	call->out_at = 0;
	switch (call->phase) {
	case PHASE_FROM:
		if (is_ok)
			ask_rcpt(call);
		return is_ok;
	case PHASE_RCPT:
		return take_rcpt_answer(call);
	case PHASE_DATA:
		if (call->code != 354)
			return false;
		call->phase = PHASE_BODY;
		strbuf_add(&call->out, call->message.text, call->message.len);
		return true;
	default:
		call->final_code = call->code;
		return false;
	}
}

static bool send_out(struct io_mail_call *call, CURLcode *ret_code)
{
	while (call->out_at < call->out.len) {
		size_t n = 0;
		*ret_code = curl_easy_send(
		    call->transfer.easy, call->out.text + call->out_at, call->out.len - call->out_at, &n);
		call->out_at += n;
		if (*ret_code == CURLE_AGAIN)
			return true;
		if (*ret_code != CURLE_OK)
			return false;
	}
	if (!call->out.failed)
		return true;
	*ret_code = CURLE_OUT_OF_MEMORY;
	return false;
}

/* Hand the whole lines in the buffer on; false when the dialogue is over. */
static bool take_lines(struct io_mail_call *call, CURLcode *ret_code)
{
	char *end;
	while ((end = memchr(call->in, '\n', call->in_n)) != NULL) {
		size_t n = (size_t)(end - call->in) + 1;
		bool is_answer = take_line(call, call->in, n);
		memmove(call->in, call->in + n, call->in_n - n);
		call->in_n -= n;
		*ret_code = CURLE_OK;
		if (!is_answer)
			continue;
		/* An answer to what was not asked to its end is no yes. */
		if (call->out_at < call->out.len && call->code < 400)
			*ret_code = CURLE_WEIRD_SERVER_REPLY;
		if (*ret_code != CURLE_OK || !go_on(call) || !send_out(call, ret_code))
			return false;
	}
	*ret_code = CURLE_WEIRD_SERVER_REPLY;
	return call->in_n < sizeof call->in;
}

static bool converse(struct io_mail_call *call, CURLcode *ret_code)
{
	if (!send_out(call, ret_code))
		return false;
	for (;;) {
		size_t n = 0;
		*ret_code =
		    curl_easy_recv(call->transfer.easy, call->in + call->in_n, sizeof call->in - call->in_n, &n);
		if (*ret_code == CURLE_AGAIN)
			return true;
		if (*ret_code == CURLE_OK && n == 0)
			*ret_code = CURLE_RECV_ERROR; /* hung up */
		if (*ret_code != CURLE_OK)
			return false;
		call->in_n += n;
		if (!take_lines(call, ret_code))
			return false;
	}
}

static void on_ready(void *arg, int events)
{
	struct io_mail_call *call = arg;
	CURLcode code;
	size_t n;
	(void)events;
	if (converse(call, &code)) {
		int wanted = IO_READABLE | (call->out_at < call->out.len ? IO_WRITABLE : 0);
		if (io_watch_change(call->watch, wanted, NULL) == 0)
			return;
		code = CURLE_RECV_ERROR;
	}
	if (code == CURLE_OK)
		curl_easy_send(call->transfer.easy, "QUIT\r\n", 6, &n); /* politeness; nobody waits for the answer */
	finish(call, code);
}

/* libcurl has ended: the connection stands, logged in; or it does not. */
static void on_connected(struct curl_transfer *t, CURLcode code)
{
	struct io_mail_call *call = (struct io_mail_call *)t;
	curl_socket_t fd = CURL_SOCKET_BAD;
	if (code == CURLE_OK) {
		curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
		if (fd != CURL_SOCKET_BAD)
			call->watch =
			    io_watch_start(curl_transfer_loop(t), fd, IO_READABLE | IO_WRITABLE, on_ready, call, NULL);
		code = call->watch == NULL ? CURLE_COULDNT_CONNECT : CURLE_OK;
	}
	if (code != CURLE_OK) {
		finish(call, code);
		return;
	}
	call->phase = PHASE_FROM;
	call->code = 0;
	call->text[0] = '\0';
	strbuf_printf(&call->out, "MAIL FROM:<%s>\r\n", call->from);
}

static bool is_plain(const char *s, const char *forbidden)
{
	for (const char *c = s; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || strchr(forbidden, *c) != NULL)
			return false;
	return true;
}

/* A line break that is not CRLF means different things to different servers, which lets one mail pass for two. */
static bool has_bare_line_break(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\r' && (i + 1 == n || bytes[i + 1] != '\n'))
			return true;
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
			return true;
	}
	return false;
}

static int check_mail(const struct io_mail *m, struct osha_err *reterr)
{
	if (m->host == NULL || m->host[0] == '\0' || !is_plain(m->host, "/@?#[]") || m->port == 0)
		return osha_err_set(reterr, OSHA_E_USAGE, "mail server's host or port");
	if (m->tls >= IO_MAIL_TLS_N)
		return osha_err_set(reterr, OSHA_E_USAGE, "unknown kind of mail TLS");
	if (m->from == NULL || !is_plain(m->from, "<>"))
		return osha_err_set(reterr, OSHA_E_USAGE, "envelope sender is not an address");
	if (m->to_n == 0 || m->to_n > IO_MAIL_RCPT_MAX)
		return osha_err_set(reterr, OSHA_E_USAGE, "a mail needs 1 to %d recipients", IO_MAIL_RCPT_MAX);
	for (size_t i = 0; i < m->to_n; i++)
		if (m->to[i][0] == '\0' || !is_plain(m->to[i], "<>"))
			return osha_err_set(reterr, OSHA_E_USAGE, "recipient %zu is not an address", i + 1);
	if (m->size == 0 || m->size > IO_MAIL_MAX_BYTES || has_bare_line_break(m->bytes, m->size))
		return osha_err_set(reterr, OSHA_E_USAGE, "mail is empty, too long or not in CRLF lines");
	if (m->helo_name != NULL && !is_plain(m->helo_name, "/?#%<>"))
		return osha_err_set(reterr, OSHA_E_USAGE, "name to greet the mail server with");
	return 0;
}

static bool set_server(CURL *e, const struct io_mail *m)
{
	char name[256], url[800];
	if (m->helo_name != NULL)
		str_copy(name, sizeof name, m->helo_name);
	else
		io_host_name(name, sizeof name);
	bool is_v6 = strchr(m->host, ':') != NULL;
	snprintf(url, sizeof url, "%s://%s%.255s%s:%u/%s", m->tls == IO_MAIL_TLS_IMPLICIT ? "smtps" : "smtp",
	    is_v6 ? "[" : "", m->host, is_v6 ? "]" : "", (unsigned)m->port, name);
	bool ok = curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK;
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(e, CURLOPT_USE_SSL, (long)(m->tls == IO_MAIL_TLS_NONE ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	ok = ok && curl_transfer_tls(e, m->cacert, m->insecure);
	if (m->user != NULL) {
		ok = ok && curl_easy_setopt(e, CURLOPT_USERNAME, m->user) == CURLE_OK;
		ok = ok && curl_easy_setopt(e, CURLOPT_PASSWORD, m->password != NULL ? m->password : "") == CURLE_OK;
	}
	return ok;
}

/* RFC 5321, 4.5.2: a dot that begins a line is doubled; a dot alone ends the message. */
static void stuff_dots(struct strbuf *out, const char *bytes, size_t n)
{
	out->max_bytes = OUT_MAX_BYTES;
	bool is_line_start = true;
	while (n > 0) {
		const char *end = memchr(bytes, '\n', n);
		size_t line = end != NULL ? (size_t)(end - bytes) + 1 : n;
		if (is_line_start && bytes[0] == '.')
			strbuf_puts(out, ".");
		strbuf_add(out, bytes, line);
		is_line_start = end != NULL;
		bytes += line;
		n -= line;
	}
	strbuf_puts(out, is_line_start ? ".\r\n" : "\r\n.\r\n");
}

static bool copy_mail(struct io_mail_call *call, const struct io_mail *m)
{
	stuff_dots(&call->message, m->bytes, m->size);
	call->out.max_bytes = OUT_MAX_BYTES;
	call->from = strdup(m->from);
	call->to = calloc(m->to_n, sizeof *call->to);
	call->rcpt = calloc(m->to_n, sizeof *call->rcpt);
	if (call->message.failed || call->from == NULL || call->to == NULL || call->rcpt == NULL)
		return false;
	call->rcpt_n = m->to_n;
	for (size_t i = 0; i < m->to_n; i++)
		if ((call->to[i] = strdup(m->to[i])) == NULL)
			return false;
	return true;
}

static void set_dialogue(struct io_mail_call *call)
{
	CURL *e = call->transfer.easy;
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_dialogue);
	curl_easy_setopt(e, CURLOPT_DEBUGDATA, call);
	/* One connection a mail. With CONNECT_ONLY libcurl closes it when the handle leaves the pool, and says no QUIT of its own (for whose
	 * answer it would block). */
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
}

int io_mail_start(struct io_http *http, const struct io_mail *mail, io_mail_fn fn, void *arg,
    struct io_mail_call **ret_call, struct osha_err *reterr)
{
	int r = check_mail(mail, reterr);
	if (r < 0)
		return r;
	struct io_mail_call *call = calloc(1, sizeof *call);
	if (call == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "send a mail");
	call->fn = fn;
	call->arg = arg;
	call->transfer.end_fn = on_connected;
	call->transfer.free_fn = free_mail;
	r = curl_transfer_init(&call->transfer, http, reterr);
	if (r < 0) {
		free(call);
		return r;
	}
	int64_t timeout_ms = mail->timeout_ms > 0 ? mail->timeout_ms : IO_MAIL_TIMEOUT_MS;
	curl_easy_setopt(call->transfer.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	set_dialogue(call);
	if (!set_server(call->transfer.easy, mail) || !copy_mail(call, mail))
		r = osha_err_set(reterr, OSHA_E_NOMEM, "send a mail");
	else
		r = curl_transfer_start(&call->transfer, timeout_ms, reterr);
	if (r < 0) {
		free_mail(&call->transfer);
		return r;
	}
	if (ret_call != NULL)
		*ret_call = call;
	return 0;
}

void io_mail_cancel(struct io_mail_call *call)
{
	if (call != NULL)
		free_mail(&call->transfer);
}
