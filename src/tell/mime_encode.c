/* SPDX-License-Identifier: Apache-2.0 */
/* Text into the seven-bit, short-lined form that mail is carried in. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tell/mime.h"

enum {
	LINE_MAX_BYTES = 76,
	WORD_BYTES = 39, /* of text in one encoded word: 52 in base64, 73 with its frame and "Subject: " */
};

static size_t base64(const unsigned char *s, size_t n, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (size_t k = 0; k < n; k += 3) {
		uint32_t v =
		    (uint32_t)s[k] << 16 | (k + 1 < n ? (uint32_t)s[k + 1] << 8 : 0) | (k + 2 < n ? s[k + 2] : 0u);

		out[len++] = digits[v >> 18];
		out[len++] = digits[(v >> 12) & 63];
		out[len++] = k + 1 < n ? digits[(v >> 6) & 63] : '=';
		out[len++] = k + 2 < n ? digits[v & 63] : '=';
	}
	return len;
}

/* Encoded words (RFC 2047), none of which splits a character. */
static void words_add(struct strbuf *out, const char *value)
{
	const char *end = value + strlen(value);
	bool is_first = true;

	while (value < end) {
		size_t n = (size_t)(end - value) < WORD_BYTES ? (size_t)(end - value) : WORD_BYTES;
		char word[WORD_BYTES / 3 * 4 + 4];

		while (n > WORD_BYTES - 4 && value + n < end && ((unsigned char)value[n] & 0xc0) == 0x80)
			n--;
		strbuf_puts(out, is_first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
		strbuf_add(out, word, base64((const unsigned char *)value, n, word));
		strbuf_puts(out, "?=");
		value += n;
		is_first = false;
	}
}

/* Folded at blanks; a word longer than a line stays whole, which the standard allows up to 998. */
static void plain_add(struct strbuf *out, size_t column, const char *value)
{
	while (*value) {
		size_t n = strcspn(value + 1, " ") + 1;

		if (column + n > LINE_MAX_BYTES && *value == ' ' && column > 1) {
			strbuf_puts(out, "\r\n");
			column = 0;
		}
		strbuf_add(out, value, n);
		column += n;
		value += n;
	}
}

void tell_header_text(struct strbuf *out, size_t column, const char *value)
{
	STRBUF_AUTO struct strbuf clean = STRBUF_INIT;
	bool is_plain = column != SIZE_MAX;

	for (const char *c = value; *c; c++) {
		char byte = (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c;

		/* a line of blanks alone would end the headers at some servers */
		if (byte == ' ' && (clean.len == 0 || clean.text[clean.len - 1] == ' '))
			continue;
		strbuf_add(&clean, &byte, 1);
		is_plain &= (unsigned char)byte < 0x7f;
	}
	while (clean.len && clean.text[clean.len - 1] == ' ')
		clean.text[--clean.len] = '\0';
	if (!clean.len)
		return;
	if (is_plain && !strstr(clean.text, "=?"))
		plain_add(out, column, clean.text);
	else
		words_add(out, clean.text);
}

/* One byte, soft line breaks before it where it would not fit. */
static void byte_add(struct strbuf *out, unsigned char c, bool must_encode, size_t *column)
{
	size_t width = must_encode ? 3 : 1;

	if (*column + width > LINE_MAX_BYTES - 1) {
		strbuf_puts(out, "=\r\n");
		*column = 0;
	}
	if (must_encode)
		strbuf_printf(out, "=%02X", c);
	else
		strbuf_add(out, &c, 1);
	*column += width;
}

void tell_quoted_printable(struct strbuf *out, const char *bytes)
{
	size_t column = 0;

	for (const char *c = bytes; *c; c++) {
		bool ends_line = c[1] == '\n' || c[1] == '\0' || (c[1] == '\r' && c[2] == '\n');
		bool must = (unsigned char)*c >= 0x7f || (unsigned char)*c < ' ' || *c == '=';

		if (*c == '\r' && c[1] == '\n')
			continue;
		if (*c == '\n') {
			strbuf_puts(out, "\r\n");
			column = 0;
			continue;
		}
		/* a blank at the end of a line gets lost on the way; "From " and a lone dot at its begin are changed */
		must |= (*c == ' ' || *c == '\t') && ends_line;
		must |= column == 0 && (*c == '.' || strncmp(c, "From ", 5) == 0);
		byte_add(out, (unsigned char)*c, must && !(*c == '\t' && !ends_line), &column);
	}
}
