/* SPDX-License-Identifier: Apache-2.0 */
/* Growing text and bounded copies; see strbuf.h. */
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool strbuf_reserve(struct strbuf *sb, size_t more)
{
	size_t max = sb->max_bytes ? sb->max_bytes : STRBUF_MAX_BYTES;
	size_t want;
	char *grown;

	if (sb->failed)
		return false;
	if (more > max || sb->len + more > max) {
		sb->failed = true;
		return false;
	}
	want = sb->len + more + 1;
	if (want <= sb->cap)
		return true;
	if (want < sb->cap * 2)
		want = sb->cap * 2;
	grown = realloc(sb->text, want < 64 ? 64 : want);
	if (!grown) {
		sb->failed = true;
		return false;
	}
	sb->text = grown;
	sb->cap = want < 64 ? 64 : want;
	return true;
}

void strbuf_add(struct strbuf *sb, const void *bytes, size_t n)
{
	if (!strbuf_reserve(sb, n))
		return;
	if (n)
		memcpy(sb->text + sb->len, bytes, n);
	sb->len += n;
	sb->text[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *s)
{
	if (s)
		strbuf_add(sb, s, strlen(s));
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !strbuf_reserve(sb, (size_t)n)) {
		sb->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(sb->text + sb->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	sb->len += (size_t)n;
}

void strbuf_reset(struct strbuf *sb)
{
	sb->len = 0;
	sb->failed = false;
	if (sb->text)
		sb->text[0] = '\0';
}

char *strbuf_steal(struct strbuf *sb)
{
	char *text = NULL;

	if (!sb->failed) {
		strbuf_add(sb, "", 0);
		text = sb->failed ? NULL : sb->text;
	}
	if (!text)
		free(sb->text);
	*sb = (struct strbuf){.max_bytes = sb->max_bytes};
	return text;
}

void strbuf_free(struct strbuf *sb)
{
	free(sb->text);
	*sb = (struct strbuf){.max_bytes = sb->max_bytes};
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = src ? strlen(src) : 0;
	size_t fit = n < size ? n : size - 1;

	if (size == 0)
		return false;
	if (n > 0)
		memcpy(dst, src, fit);
	dst[fit] = '\0';
	return fit == n;
}

bool str_eq(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void str_free(char **s)
{
	free(*s);
	*s = NULL;
}
