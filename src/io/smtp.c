/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SMTP dialogue through libcurl. libcurl's own result says little, so the dialogue is watched as it goes by: which command was last
 * sent, and what the server said to it. Only the first word of our own lines is looked at, since later ones hold the password.
 */
#include "io/smtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/curl_pool.h"
#include "io/file.h"

enum { FDS_MAX = 8 };

enum mail_phase { PHASE_HELLO = 0, PHASE_AUTH, PHASE_FROM, PHASE_RCPT, PHASE_DATA, PHASE_BODY, PHASE_QUIT };

struct io_mail_call {
	struct curl_transfer transfer; /* first: the pool knows only this part */
	io_mail_fn fn;
	void *arg;
	struct curl_slist *to;
	char *bytes;
	size_t size, read_n;
	enum mail_phase phase;
	size_t rcpt_asked; /* RCPT commands sent so far */
	size_t rcpt_n;
	struct io_mail_rcpt_answer *rcpt;
	int code;
	char text[IO_MAIL_TEXT_SIZE];
	int final_code; /* answer to the message itself */
	int fds[FDS_MAX];
	size_t fd_n;
};

static size_t give_bytes(char *buf, size_t size, size_t n, void *arg)
{
	struct io_mail_call *call = arg;
	size_t take = size * n;
	if (take > call->size - call->read_n)
		take = call->size - call->read_n;
	memcpy(buf, call->bytes + call->read_n, take);
	call->read_n += take;
	return take;
}

/* Ending a dialogue, libcurl sends QUIT and then blocks for its answer, two minutes if the server likes. With the reading side shut it
 * finds the end of the stream at once. */
static void shut_reading(struct io_mail_call *call)
{
	for (size_t i = 0; i < call->fd_n; i++)
		shutdown(call->fds[i], SHUT_RD);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct io_mail_call *call = arg;
	(void)purpose;
	if (call->fd_n == FDS_MAX)
		return CURL_SOCKET_BAD;
	int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	call->fds[call->fd_n++] = fd;
	return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
	struct io_mail_call *call = arg;
	for (size_t i = 0; i < call->fd_n; i++) {
		if (call->fds[i] == fd) {
			call->fds[i] = call->fds[--call->fd_n];
			break;
		}
	}
	return close(fd);
}

static void note_command(struct io_mail_call *call, const char *line, size_t n)
{
	static const struct {
		const char *word;
		enum mail_phase phase, not_before; /* a line of a login may look like a command */
	} words[] = {{"AUTH ", PHASE_AUTH, PHASE_HELLO}, {"MAIL ", PHASE_FROM, PHASE_HELLO},
	    {"RCPT ", PHASE_RCPT, PHASE_FROM}, {"DATA\r", PHASE_DATA, PHASE_RCPT}, {"QUIT\r", PHASE_QUIT, PHASE_HELLO}};
	if (call->phase == PHASE_BODY && (n < 5 || memcmp(line, "QUIT\r", 5) != 0))
		return;
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (n < 5 || memcmp(line, words[i].word, 5) != 0 || call->phase < words[i].not_before)
			continue;
		call->phase = words[i].phase;
		if (call->phase == PHASE_RCPT)
			call->rcpt_asked++;
		if (call->phase == PHASE_QUIT)
			shut_reading(call);
	}
}

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

static void note_reply(struct io_mail_call *call, const char *line, size_t n)
{
	if (n < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9')
		return;
	if ((n > 3 && line[3] == '-') || call->phase == PHASE_QUIT)
		return; /* more lines of the same answer follow; or nobody asked any more */
	call->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	copy_printable(call->text, sizeof call->text, line, n);
	if (call->phase == PHASE_DATA && call->code == 354) {
		call->phase = PHASE_BODY;
	} else if (call->phase == PHASE_BODY) {
		call->final_code = call->code;
	} else if (call->phase == PHASE_RCPT && call->rcpt_asked <= call->rcpt_n) {
		struct io_mail_rcpt_answer *r = &call->rcpt[call->rcpt_asked - 1];
		r->code = call->code;
		r->outcome = outcome_of_code(call->code, true);
		str_copy(r->text, sizeof r->text, call->text);
	}
}

static int on_dialogue(CURL *easy, curl_infotype type, char *bytes, size_t n, void *arg)
{
	(void)easy;
	if (type == CURLINFO_HEADER_OUT)
		note_command(arg, bytes, n);
	else if (type == CURLINFO_HEADER_IN)
		note_reply(arg, bytes, n);
	return 0;
}

/* The dialogue's end, in words of the header. */
static enum io_mail_outcome judge(struct io_mail_call *call, CURLcode code)
{
	enum io_mail_outcome all = IO_MAIL_TRANSIENT;
	if (code == CURLE_OK || (call->final_code >= 200 && call->final_code < 300))
		all = IO_MAIL_SENT;
	else if (call->final_code != 0)
		all = outcome_of_code(call->final_code, false);
	else if ((call->phase == PHASE_FROM || call->phase == PHASE_DATA) && call->code >= 500)
		all = outcome_of_code(call->code, false);
	bool is_any_sent = false, is_any_transient = false;
	for (size_t i = 0; i < call->rcpt_n; i++) {
		struct io_mail_rcpt_answer *r = &call->rcpt[i];
		if (r->code == 0 || r->outcome == IO_MAIL_SENT)
			r->outcome = r->code == 0 && all == IO_MAIL_SENT ? IO_MAIL_TRANSIENT : all;
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
	curl_transfer_close(t);
	curl_slist_free_all(call->to);
	if (call->bytes != NULL)
		explicit_bzero(call->bytes, call->size);
	free(call->bytes);
	free(call->rcpt);
	free(call);
}

static void on_end(struct curl_transfer *t, CURLcode code)
{
	struct io_mail_call *call = (struct io_mail_call *)t;
	struct io_mail_answer answer = {
	    .outcome = judge(call, code),
	    .may_have_been_sent = call->phase >= PHASE_BODY && call->read_n == call->size && call->final_code == 0,
	    .code = call->code,
	    .rcpt = call->rcpt,
	    .rcpt_n = call->rcpt_n,
	    .total_ms = curl_transfer_ms(t),
	};
	if (answer.outcome == IO_MAIL_TRANSIENT)
		answer.result = curl_transfer_result(t, code);
	/* A refusal in words is an answer, however libcurl files it; a login refused or demanded is the operator's to mend. */
	bool is_answer = call->code >= 400 && code != CURLE_OPERATION_TIMEDOUT && answer.result != -OSHA_E_TLS;
	if (answer.result != 0 && is_answer)
		answer.result = call->phase == PHASE_AUTH || call->code == 530 ? -OSHA_E_AUTH : 0;
	bool has_words = call->text[0] != '\0' && (answer.result == 0 || is_answer);
	char text[IO_MAIL_TEXT_SIZE];
	str_copy(text, sizeof text, has_words ? call->text : curl_transfer_text(t, code));
	answer.text = text;
	curl_transfer_close(t);
	call->fn(call->arg, &answer);
	free_mail(t);
}

static bool is_plain(const char *s, const char *forbidden)
{
	for (const char *c = s; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c == 0x7f || strchr(forbidden, *c) != NULL)
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

static bool set_mail(struct io_mail_call *call, const struct io_mail *m)
{
	CURL *e = call->transfer.easy;
	for (size_t i = 0; i < m->to_n; i++) {
		struct curl_slist *more = curl_slist_append(call->to, m->to[i]);
		if (more == NULL)
			return false;
		call->to = more;
	}
	call->rcpt = calloc(m->to_n, sizeof *call->rcpt);
	call->bytes = malloc(m->size);
	if (call->rcpt == NULL || call->bytes == NULL)
		return false;
	call->rcpt_n = m->to_n;
	call->size = m->size;
	memcpy(call->bytes, m->bytes, m->size);
	curl_easy_setopt(e, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->size);
	curl_easy_setopt(e, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(e, CURLOPT_READDATA, call);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, on_dialogue);
	curl_easy_setopt(e, CURLOPT_DEBUGDATA, call);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, call);
	/* One connection a mail: it must end while this call still knows its socket. */
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	return curl_easy_setopt(e, CURLOPT_MAIL_FROM, m->from) == CURLE_OK &&
	       curl_easy_setopt(e, CURLOPT_MAIL_RCPT, call->to) == CURLE_OK;
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
	call->transfer.end_fn = on_end;
	call->transfer.free_fn = free_mail;
	r = curl_transfer_init(&call->transfer, http, reterr);
	if (r < 0) {
		free(call);
		return r;
	}
	int64_t timeout_ms = mail->timeout_ms > 0 ? mail->timeout_ms : IO_MAIL_TIMEOUT_MS;
	curl_easy_setopt(call->transfer.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	if (!set_server(call->transfer.easy, mail) || !set_mail(call, mail))
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
