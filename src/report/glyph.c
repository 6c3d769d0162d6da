/* SPDX-License-Identifier: Apache-2.0 */
/* Text made harmless for a terminal, and how wide it is there; see table.h. */
#include <stdint.h>
#include <string.h>

#include "report/table.h"

/* One UTF-8 sequence at @p of at most @n bytes; its length, 0 when it is none. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
	uint32_t c;

	if (!len || len > n || p[0] >= 0xf8)
		return 0;
	c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t k = 1; k < len; k++) {
		if ((p[k] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[k] & 0x3fu);
	}
	*ret = c;
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static bool is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

void glyph_clean(struct strbuf *sb, const char *text)
{
	const unsigned char *p = (const unsigned char *)(text ? text : "");
	size_t n = strlen((const char *)p);

	while (n) {
		uint32_t c = 0;
		size_t len = decode(p, n, &c);

		if (len && !is_harmful(c))
			strbuf_add(sb, p, len);
		else
			strbuf_puts(sb, "?");
		len = len ? len : 1;
		p += len;
		n -= len;
	}
}

static int columns_of(uint32_t c)
{
	if (c >= 0x300 && c <= 0x36f)
		return 0;
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
		       (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
		       (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd)
		   ? 2
		   : 1;
}

int glyph_width(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	int width = 0;

	while (n) {
		uint32_t c = 0;
		size_t len = decode(p, n, &c);

		width += len ? columns_of(c) : 1;
		len = len ? len : 1;
		p += len;
		n -= len;
	}
	return width;
}
