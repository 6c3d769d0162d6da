/* SPDX-License-Identifier: Apache-2.0 */
/* See mailtext.h. */
#include "cloudsim/mailtext.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void mailtext_json(struct strbuf *sb, const char *s)
{
	cJSON *j = cJSON_CreateString(s);
	char *text = j ? cJSON_PrintUnformatted(j) : NULL;

	strbuf_puts(sb, text ? text : "\"\"");
	free(text);
	cJSON_Delete(j);
}

static int base64_value(char c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

size_t mailtext_base64(const char *text, size_t len, unsigned char *ret, size_t max)
{
	size_t n = 0;
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < len && n < max; i++) {
		int v = base64_value(text[i]);

		if (v < 0)
			break;
		bits = (bits << 6 | (unsigned)v) & 0xffffff;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		ret[n++] = (unsigned char)(bits >> have & 0xff);
	}
	return n;
}

static void word_quoted(struct strbuf *sb, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char hex[3] = {0}, ch;

		if (s[i] == '=' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2])) {
			memcpy(hex, s + i + 1, 2);
			ch = (char)strtol(hex, NULL, 16);
			i += 2;
		} else {
			ch = s[i] == '_' ? ' ' : s[i];
		}
		strbuf_add(sb, &ch, 1);
	}
}

/* One "=?utf-8?B?...?=" at @s: appends it decoded and returns its length; 0 when there is none. */
static size_t word_decode(struct strbuf *sb, const char *s)
{
	const char *charset = s + 2, *kind, *text, *end;
	unsigned char raw[1024];

	if (strncmp(s, "=?", 2) != 0)
		return 0;
	kind = strchr(charset, '?');
	text = kind && kind[1] ? strchr(kind + 2, '?') : NULL;
	end = text ? strstr(text + 1, "?=") : NULL;
	if (!end || text != kind + 2)
		return 0;
	text++;
	if (toupper((unsigned char)kind[1]) == 'B')
		strbuf_add(sb, raw, mailtext_base64(text, (size_t)(end - text), raw, sizeof(raw)));
	else
		word_quoted(sb, text, (size_t)(end - text));
	return (size_t)(end + 2 - s);
}

static void value_decode(struct strbuf *sb, const char *s)
{
	bool after_word = false;

	while (*s) {
		size_t blanks = strspn(s, " \t"), n;

		if (after_word && blanks && strncmp(s + blanks, "=?", 2) == 0)
			s += blanks; /* white space between two encoded words is not part of the text */
		n = word_decode(sb, s);
		after_word = n > 0;
		if (!n)
			strbuf_add(sb, s, 1);
		s += n ? n : 1;
	}
}

static void field_add(cJSON *o, char *line)
{
	STRBUF_AUTO struct strbuf value = STRBUF_INIT;
	char *colon = strchr(line, ':');

	if (!colon)
		return;
	*colon = '\0';
	for (char *p = line; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	value_decode(&value, colon + 1 + strspn(colon + 1, " \t"));
	if (!cJSON_GetObjectItemCaseSensitive(o, line))
		cJSON_AddStringToObject(o, line, value.text ? value.text : "");
}

void mailtext_headers(struct strbuf *sb, const char *message, size_t len)
{
	STRBUF_AUTO struct strbuf field = STRBUF_INIT;
	cJSON *o = cJSON_CreateObject();
	char *text;
	size_t at = 0;

	while (o && at < len) {
		const char *end = memmem(message + at, len - at, "\r\n", 2);
		size_t n = end ? (size_t)(end - message) - at : len - at;
		bool is_folded = n && (message[at] == ' ' || message[at] == '\t');

		if (!is_folded && field.len) {
			field_add(o, field.text);
			strbuf_reset(&field);
		}
		if (n == 0)
			break;
		strbuf_add(&field, message + at, n);
		at += n + 2;
	}
	if (o && field.len)
		field_add(o, field.text);
	text = o ? cJSON_PrintUnformatted(o) : NULL;
	strbuf_puts(sb, text ? text : "{}");
	free(text);
	cJSON_Delete(o);
}
