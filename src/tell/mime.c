/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages. Encoding of pieces is in mime_encode.c. */
#include "tell/mime.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	ID_KEPT_MAX = 180, /* a longer key goes into the message id as its digest, so that the line stays short */
	PERSON_KEPT_MAX = 256,
};

static uint64_t digest(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a: names a mail, protects nothing */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Small letters, no blanks, nothing that could end a header. */
static void key_part(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++)
		to[n++] = *from > ' ' && *from < 0x7f ? small(*from) : '_';
	to[n] = '\0';
}

void tell_key_write(const struct tell_key *k, char *key)
{
	char recovery[64], person[TELL_KEY_SIZE];

	key_part(recovery, sizeof(recovery), k->recovery);
	key_part(person, sizeof(person), k->person);
	if (strlen(person) > PERSON_KEPT_MAX)
		snprintf(person + PERSON_KEPT_MAX, sizeof(person) - PERSON_KEPT_MAX, "~%016llx",
		    (unsigned long long)digest(k->person));
	snprintf(key, TELL_KEY_SIZE, "%s/%.20s/%u/%s", recovery, k->moment, k->n, person);
}

/* The left side of a message id (RFC 5322, 3.6.4): every other byte is written as =XX, and no dot stands at an edge or beside another. */
static void id_left_add(struct strbuf *out, const char *key)
{
	STRBUF_AUTO struct strbuf id = STRBUF_INIT;

	for (const char *c = key; *c; c++) {
		bool is_dot = *c == '.' && c > key && c[1] && c[1] != '.';

		if (is_plain(*c) || *c == '-' || *c == '/' || is_dot)
			strbuf_add(&id, c, 1);
		else
			strbuf_printf(&id, "=%02x", (unsigned char)*c);
	}
	if (id.len > ID_KEPT_MAX)
		strbuf_printf(out, "%016llx", (unsigned long long)digest(key));
	else
		strbuf_puts(out, id.text);
}

static void id_header_add(struct strbuf *out, const char *name, const char *left, const char *from)
{
	strbuf_printf(out, "%s: <", name);
	id_left_add(out, left);
	strbuf_printf(out, "@%s>\r\n", strchr(from, '@') + 1);
}

static void date_add(struct strbuf *out, int64_t wall_ms)
{
	/* strftime's names follow the locale, the header's do not */
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {
	    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm = {0};

	if (!gmtime_r(&seconds, &tm))
		return;
	strbuf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void to_add(struct strbuf *out, const struct tell_mail *m)
{
	strbuf_puts(out, "To: ");
	if (m->to_name && m->to_name[0]) {
		bool is_atom = true;

		for (const char *c = m->to_name; *c; c++)
			is_atom &= is_plain(*c);
		/* a phrase: anything but plain letters goes as encoded words, which need no quoting */
		tell_header_text(out, is_atom ? 4 : SIZE_MAX, m->to_name);
		strbuf_puts(out, "\r\n ");
	}
	strbuf_printf(out, "<%s>\r\n", m->to);
}

static void headers_add(struct strbuf *out, const struct tell_mail *m)
{
	date_add(out, m->wall_ms);
	strbuf_printf(out, "From: Osha <%s>\r\n", m->from);
	to_add(out, m);
	strbuf_puts(out, "Subject: ");
	tell_header_text(out, 9, m->subject);
	strbuf_puts(out, "\r\n");
	id_header_add(out, "Message-ID", m->key, m->from);
	if (m->thread[0]) {
		id_header_add(out, "In-Reply-To", m->thread, m->from);
		id_header_add(out, "References", m->thread, m->from);
	}
	/* RFC 3834: answering machines keep quiet; the second is what others look for */
	strbuf_puts(out, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n");
	strbuf_printf(out, "X-Osha-Key: %s\r\nX-Osha-Moment: %s\r\n", m->key, m->moment);
	strbuf_puts(out, "MIME-Version: 1.0\r\n");
}

static void part_add(struct strbuf *out, const char *boundary, const char *type, const char *bytes)
{
	strbuf_printf(out,
	    "--%s\r\nContent-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
	    boundary, type);
	tell_quoted_printable(out, bytes);
	strbuf_puts(out, "\r\n");
}

static bool is_header_word(const char *s)
{
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

int tell_mail_write(const struct tell_mail *m, struct strbuf *out, struct osha_err *reterr)
{
	char boundary[40];

	if (!tell_address_ok(m->from) || !tell_address_ok(m->to))
		return osha_err_set(reterr, OSHA_E_USAGE, "a mail whose sender or recipient is no address");
	if (!m->key[0] || !is_header_word(m->key) || !is_header_word(m->moment) || !is_header_word(m->thread))
		return osha_err_set(reterr, OSHA_E_USAGE, "a mail without a sound key");
	/* "=_" occurs in no quoted-printable text, so the boundary cannot occur in a part */
	snprintf(boundary, sizeof(boundary), "=_osha_%016llx", (unsigned long long)digest(m->key));
	headers_add(out, m);
	strbuf_printf(out, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n", boundary);
	part_add(out, boundary, "plain", m->text);
	part_add(out, boundary, "html", m->html);
	strbuf_printf(out, "--%s--\r\n", boundary);
	if (out->failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a mail");
	return 0;
}
