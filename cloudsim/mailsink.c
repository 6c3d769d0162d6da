/* SPDX-License-Identifier: Apache-2.0 */
/* See mailsink.h. One line at a time; a line longer than the buffer is cut, which no client of ours sends. */
#include "cloudsim/mailsink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "cloudsim/mailtext.h"

enum { LINE_MAX_BYTES = 8192, ADDRESS_SIZE = 256 };

struct mail {
	char from[ADDRESS_SIZE];
	char *to;      /* JSON array */
	char *headers; /* JSON object, with the subject in it */
	size_t size;
	int64_t at_ms;
	char file[32];
};

enum talk_state { TALK_COMMAND = 0, TALK_DATA, TALK_AUTH_PLAIN, TALK_AUTH_USER, TALK_AUTH_PASSWORD };

struct talk {
	uv_tcp_t tcp;
	struct mailsink *s;
	struct talk *next, *prev;
	enum talk_state state;
	bool is_in, is_quitting;
	char auth_user[128];
	char line[LINE_MAX_BYTES];
	size_t line_len;
	char from[ADDRESS_SIZE];
	bool has_from;
	char to[MAILSINK_RCPT_MAX][ADDRESS_SIZE];
	size_t n_to;
	struct strbuf data;
};

struct mailsink {
	uv_tcp_t tcp;
	uv_loop_t *loop;
	uint16_t port;
	char dir[512], user[128], password[128];
	bool has_user;
	struct mailsink_faults faults;
	struct mail *mails;
	size_t n_mails, cap_mails;
	struct talk *talks;
};

static void say_done(uv_write_t *w, int status)
{
	free(w->data);
	free(w);
}

static void say(struct talk *t, const char *line)
{
	uv_write_t *w = malloc(sizeof(*w));
	char *copy = NULL;
	uv_buf_t buf;
	int n = asprintf(&copy, "%s\r\n", line);

	if (!w || n < 0) {
		free(w);
		return;
	}
	w->data = copy;
	buf = uv_buf_init(copy, (unsigned)n);
	if (uv_write(w, (uv_stream_t *)&t->tcp, &buf, 1, say_done) < 0)
		say_done(w, 0);
}

static void talk_freed(uv_handle_t *handle)
{
	struct talk *t = handle->data;

	strbuf_free(&t->data);
	free(t);
}

static void talk_end(struct talk *t)
{
	if (uv_is_closing((uv_handle_t *)&t->tcp))
		return;
	if (t->next)
		t->next->prev = t->prev;
	if (t->prev)
		t->prev->next = t->next;
	else
		t->s->talks = t->next;
	uv_close((uv_handle_t *)&t->tcp, talk_freed);
}

static void talk_reset(struct talk *t)
{
	t->has_from = false;
	t->n_to = 0;
	strbuf_reset(&t->data);
}

/* May this refusal still be given? Counts it. */
static bool fault_is_due(struct mailsink *s, int code)
{
	if (!code)
		return false;
	if (s->faults.count && --s->faults.count == 0)
		s->faults.reject_all = s->faults.reject_data = s->faults.rcpt_code = 0;
	return true;
}

static void refuse(struct talk *t, int code, const char *why)
{
	char line[160];

	snprintf(line, sizeof(line), "%d %s", code, why);
	say(t, line);
}

static bool file_write(const char *path, const struct strbuf *data)
{
	FILE *f = fopen(path, "we");
	bool ok;

	if (!f)
		return false;
	ok = fwrite(data->text, 1, data->len, f) == data->len;
	return fclose(f) == 0 && ok;
}

static bool mail_room(struct mailsink *s)
{
	size_t cap = s->cap_mails ? s->cap_mails * 2 : 64;
	struct mail *grown;

	if (s->n_mails >= MAILSINK_MAILS_MAX)
		return false;
	if (s->n_mails < s->cap_mails)
		return true;
	grown = realloc(s->mails, cap * sizeof(*grown));
	if (!grown)
		return false;
	s->mails = grown;
	s->cap_mails = cap;
	return true;
}

static bool mail_keep(struct talk *t)
{
	STRBUF_AUTO struct strbuf to = STRBUF_INIT, headers = STRBUF_INIT;
	struct mailsink *s = t->s;
	struct mail *mail;
	struct timespec now;
	char path[600];

	if (!mail_room(s) || t->data.failed)
		return false;
	mail = &s->mails[s->n_mails];
	*mail = (struct mail){.size = t->data.len};
	snprintf(mail->file, sizeof(mail->file), "%06zu.eml", s->n_mails + 1);
	snprintf(path, sizeof(path), "%s/%s", s->dir, mail->file);
	if (!file_write(path, &t->data))
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	mail->at_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	str_copy(mail->from, sizeof(mail->from), t->from);
	strbuf_puts(&to, "[");
	for (size_t i = 0; i < t->n_to; i++) {
		strbuf_puts(&to, i ? "," : "");
		mailtext_json(&to, t->to[i]);
	}
	strbuf_puts(&to, "]");
	mailtext_headers(&headers, t->data.text, t->data.len);
	mail->to = strbuf_steal(&to);
	mail->headers = strbuf_steal(&headers);
	s->n_mails++;
	return true;
}

static void data_line(struct talk *t)
{
	const char *line = t->line;
	int code = t->s->faults.reject_data;

	if (strcmp(line, ".") != 0) {
		strbuf_puts(&t->data, line[0] == '.' ? line + 1 : line);
		strbuf_puts(&t->data, "\r\n");
		return;
	}
	t->state = TALK_COMMAND;
	if (fault_is_due(t->s, code))
		refuse(t, code, "message refused");
	else if (mail_keep(t))
		say(t, "250 2.0.0 kept");
	else
		say(t, "452 4.3.1 no room for it");
	talk_reset(t);
}

/* "MAIL FROM:<a@b> SIZE=1" -> a@b */
static bool address_read(const char *line, size_t skip, char *ret)
{
	const char *from = strchr(line + skip, '<'), *end = from ? strchr(from, '>') : NULL;

	if (!end || (size_t)(end - from) > ADDRESS_SIZE - 1)
		return false;
	memcpy(ret, from + 1, (size_t)(end - from) - 1);
	ret[end - from - 1] = '\0';
	return true;
}

static void mail_from(struct talk *t)
{
	int code = t->s->faults.reject_all;

	if (t->s->has_user && !t->is_in)
		say(t, "530 5.7.0 authentication required");
	else if (fault_is_due(t->s, code))
		refuse(t, code, "not now");
	else if (!address_read(t->line, 10, t->from))
		say(t, "501 5.5.4 syntax: MAIL FROM:<address>");
	else {
		talk_reset(t);
		t->has_from = true;
		say(t, "250 2.1.0 ok");
	}
}

static void rcpt_to(struct talk *t)
{
	int code = t->s->faults.rcpt_code;

	if (!t->has_from)
		say(t, "503 5.5.1 MAIL first");
	else if (t->n_to == MAILSINK_RCPT_MAX)
		say(t, "452 4.5.3 too many recipients");
	else if (!address_read(t->line, 8, t->to[t->n_to]))
		say(t, "501 5.5.4 syntax: RCPT TO:<address>");
	else if (code && strcasecmp(t->to[t->n_to], t->s->faults.rcpt) == 0 && fault_is_due(t->s, code))
		refuse(t, code, "no such user here");
	else {
		t->n_to++;
		say(t, "250 2.1.5 ok");
	}
}

static void auth_end(struct talk *t, bool is_right)
{
	t->state = TALK_COMMAND;
	t->is_in = is_right;
	say(t, is_right ? "235 2.7.0 welcome" : "535 5.7.8 authentication failed");
}

/* "\0user\0password" in base64 */
static void auth_plain(struct talk *t, const char *text)
{
	unsigned char raw[512];
	size_t n = mailtext_base64(text, strlen(text), raw, sizeof(raw) - 1);
	const char *user, *password;

	raw[n] = '\0';
	user = n ? (const char *)memchr(raw, 0, n) : NULL;
	user = user ? user + 1 : NULL;
	password = user && user < (const char *)raw + n ? user + strlen(user) + 1 : NULL;
	auth_end(t, t->s->has_user && password && password <= (const char *)raw + n && str_eq(user, t->s->user) &&
			str_eq(password, t->s->password));
}

static void auth_line(struct talk *t)
{
	char text[256];
	size_t n;

	if (t->state == TALK_AUTH_PLAIN) {
		auth_plain(t, t->line);
		return;
	}
	n = mailtext_base64(t->line, t->line_len, (unsigned char *)text, sizeof(text) - 1);
	text[n] = '\0';
	if (t->state == TALK_AUTH_USER) {
		str_copy(t->auth_user, sizeof(t->auth_user), text);
		t->state = TALK_AUTH_PASSWORD;
		say(t, "334 UGFzc3dvcmQ6");
	} else {
		auth_end(t, t->s->has_user && str_eq(t->auth_user, t->s->user) && str_eq(text, t->s->password));
	}
}

static void auth_begin(struct talk *t)
{
	const char *how = t->line + strlen("AUTH ");

	if (strncasecmp(how, "PLAIN ", 6) == 0) {
		auth_plain(t, how + 6);
	} else if (strcasecmp(how, "PLAIN") == 0) {
		t->state = TALK_AUTH_PLAIN;
		say(t, "334 ");
	} else if (strcasecmp(how, "LOGIN") == 0) {
		t->state = TALK_AUTH_USER;
		say(t, "334 VXNlcm5hbWU6");
	} else {
		say(t, "504 5.5.4 PLAIN or LOGIN");
	}
}

static void ehlo(struct talk *t)
{
	say(t, t->s->has_user ? "250-cloudsim\r\n250-SIZE "
				"4194304\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN"
			      : "250-cloudsim\r\n250-SIZE 4194304\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8");
}

static void data_begin(struct talk *t)
{
	if (!t->n_to) {
		say(t, "503 5.5.1 RCPT first");
		return;
	}
	t->state = TALK_DATA;
	say(t, "354 end with a dot on a line of its own");
}

static void reset(struct talk *t)
{
	talk_reset(t);
	say(t, "250 2.0.0 ok");
}

static void noop(struct talk *t)
{
	say(t, "250 2.0.0 ok");
}

static void quit(struct talk *t)
{
	say(t, "221 2.0.0 bye");
	t->is_quitting = true;
}

static void command_line(struct talk *t)
{
	static const struct {
		const char *word;
		void (*run)(struct talk *t);
	} rows[] = {{"EHLO", ehlo}, {"HELO", noop}, {"AUTH ", auth_begin}, {"MAIL FROM:", mail_from},
	    {"RCPT TO:", rcpt_to}, {"DATA", data_begin}, {"RSET", reset}, {"NOOP", noop}, {"QUIT", quit}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strncasecmp(t->line, rows[i].word, strlen(rows[i].word)) != 0)
			continue;
		rows[i].run(t);
		return;
	}
	say(t, "502 5.5.2 not known here");
}

static void talk_line(struct talk *t)
{
	if (t->state == TALK_DATA)
		data_line(t);
	else if (t->state != TALK_COMMAND)
		auth_line(t);
	else
		command_line(t);
}

static void talk_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char shared[65536]; /* read and used up within one callback */

	*buf = uv_buf_init(shared, sizeof(shared));
}

static void talk_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct talk *t = stream->data;

	if (n < 0) {
		talk_end(t);
		return;
	}
	for (ssize_t i = 0; i < n && !t->is_quitting; i++) {
		char ch = buf->base[i];

		if (ch != '\n') {
			if (t->line_len + 1 < sizeof(t->line))
				t->line[t->line_len++] = ch;
			continue;
		}
		if (t->line_len && t->line[t->line_len - 1] == '\r')
			t->line_len--;
		t->line[t->line_len] = '\0';
		talk_line(t);
		t->line_len = 0;
	}
}

static void talk_begin(uv_stream_t *server, int status)
{
	struct mailsink *s = server->data;
	struct talk *t = status < 0 ? NULL : calloc(1, sizeof(*t));

	if (!t)
		return;
	t->s = s;
	t->data.max_bytes = MAILSINK_MESSAGE_MAX_BYTES;
	uv_tcp_init(s->loop, &t->tcp);
	t->tcp.data = t;
	t->next = s->talks;
	if (t->next)
		t->next->prev = t;
	s->talks = t;
	if (uv_accept(server, (uv_stream_t *)&t->tcp) < 0 ||
	    uv_read_start((uv_stream_t *)&t->tcp, talk_alloc, talk_read) < 0) {
		talk_end(t);
		return;
	}
	if (!s->faults.hang)
		say(t, "220 cloudsim mail sink");
}

int mailsink_start(
    uv_loop_t *loop, const struct mailsink_options *options, struct mailsink **ret_sink, struct osha_err *reterr)
{
	struct mailsink *s = calloc(1, sizeof(*s));
	struct sockaddr_in sa;
	int len = sizeof(sa), r;

	if (!s)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the mail sink");
	s->loop = loop;
	s->has_user = options->user != NULL;
	str_copy(s->dir, sizeof(s->dir), options->dir);
	str_copy(s->user, sizeof(s->user), options->user);
	str_copy(s->password, sizeof(s->password), options->password);
	uv_tcp_init(loop, &s->tcp);
	s->tcp.data = s;
	uv_ip4_addr("127.0.0.1", options->port, &sa);
	r = uv_tcp_bind(&s->tcp, (struct sockaddr *)&sa, 0);
	r = r < 0 ? r : uv_listen((uv_stream_t *)&s->tcp, 128, talk_begin);
	r = r < 0 ? r : uv_tcp_getsockname(&s->tcp, (struct sockaddr *)&sa, &len);
	if (r < 0) {
		osha_err_set(reterr, OSHA_E_NET, "mail sink on 127.0.0.1:%u: %s", options->port, uv_strerror(r));
		mailsink_stop(s);
		return -OSHA_E_NET;
	}
	s->port = ntohs(sa.sin_port);
	*ret_sink = s;
	return 0;
}

uint16_t mailsink_port(const struct mailsink *s)
{
	return s->port;
}

struct mailsink_faults *mailsink_faults(struct mailsink *s)
{
	return &s->faults;
}

size_t mailsink_count(const struct mailsink *s)
{
	return s->n_mails;
}

void mailsink_list(const struct mailsink *s, struct strbuf *out)
{
	strbuf_puts(out, "{\"mails\":[");
	for (size_t i = 0; i < s->n_mails; i++) {
		const struct mail *mail = &s->mails[i];

		strbuf_puts(out, i ? ",{\"from\":" : "{\"from\":");
		mailtext_json(out, mail->from);
		strbuf_printf(out, ",\"to\":%s,\"headers\":%s,\"file\":", mail->to ? mail->to : "[]",
		    mail->headers ? mail->headers : "{}");
		mailtext_json(out, mail->file);
		strbuf_printf(out, ",\"size\":%zu,\"at_ms\":%lld}", mail->size, (long long)mail->at_ms);
	}
	strbuf_puts(out, "]}");
}

static void sink_freed(uv_handle_t *handle)
{
	struct mailsink *s = handle->data;

	for (size_t i = 0; i < s->n_mails; i++) {
		free(s->mails[i].to);
		free(s->mails[i].headers);
	}
	free(s->mails);
	free(s);
}

void mailsink_stop(struct mailsink *s)
{
	while (s->talks)
		talk_end(s->talks);
	uv_close((uv_handle_t *)&s->tcp, sink_freed);
}
