/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a letter as text. Names come from whoever may name an instance, so nothing in them may break a line, a tag or the reading order. */
#include <stdint.h>
#include <string.h>

#include "tell/template.h"

/* Length of the UTF-8 sequence at @s, 0 when it is none; its code point in @ret. */
static size_t sequence(const unsigned char *s, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
	uint32_t code = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	for (size_t k = 1; k < n; k++) {
		if ((s[k] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[k] & 0x3fu);
	}
	*ret = code;
	return n && code >= least[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n : 0;
}

/* Controls, line and paragraph separators, and what turns the reading direction around. */
static bool is_hostile(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0x200e ||
	       code == 0x200f || code == 0x061c || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static const char *html_of(unsigned char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void tell_text_add(struct strbuf *out, enum tell_format format, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	while (*s) {
		uint32_t code = 0;
		size_t n = sequence(s, &code);
		const char *html = format == TELL_HTML && n == 1 ? html_of(*s) : NULL;

		if (n == 0)
			strbuf_puts(out, "?");
		else if (is_hostile(code))
			strbuf_puts(out, code < 0x20 ? " " : "?");
		else if (html)
			strbuf_puts(out, html);
		else
			strbuf_add(out, s, n);
		s += n ? n : 1;
	}
}
