/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing text. A strbuf that ran out of memory or over its cap remembers it (`failed`) and ignores what follows, so a builder checks
 * once at its end. Also the bounded copy used for every fixed-size field.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *text;       /* NUL-terminated once anything was added; NULL before */
	size_t len;       /* bytes without the NUL */
	size_t cap;       /* bytes allocated */
	size_t max_bytes; /* 0 = STRBUF_MAX_BYTES */
	bool failed;      /* out of memory or over the cap: the text is cut and must not be used */
};

#define STRBUF_INIT ((struct strbuf){0})
enum { STRBUF_MAX_BYTES = 64 * 1024 * 1024 };

/** strbuf_add() - append @n bytes; @bytes is borrowed and may hold NULs. */
void strbuf_add(struct strbuf *sb, const void *bytes, size_t n);
/** strbuf_puts() - append a string; NULL counts as "". */
void strbuf_puts(struct strbuf *sb, const char *s);
/** strbuf_printf() - append formatted text. */
void strbuf_printf(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** strbuf_reset() - empty it, keep its memory, forget `failed`. */
void strbuf_reset(struct strbuf *sb);
/** strbuf_steal() - move the text out (caller frees; "" when empty, NULL when failed) and reset. */
char *strbuf_steal(struct strbuf *sb);
/** strbuf_free() - give its memory back; usable again afterwards. As cleanup: `STRBUF_AUTO struct strbuf sb = STRBUF_INIT`. */
void strbuf_free(struct strbuf *sb);
#define STRBUF_AUTO __attribute__((cleanup(strbuf_free)))

/**
 * str_copy() - copy @src into @dst of @size bytes, always terminated.
 * Returns true when it fitted whole. A NULL @src counts as "".
 */
bool str_copy(char *dst, size_t size, const char *src);
/** str_eq() - exact equality; NULL equals nothing, not even NULL. */
bool str_eq(const char *a, const char *b);
/** str_starts() - does @s begin with @prefix? */
bool str_starts(const char *s, const char *prefix);
/** str_free() - cleanup for `char *`; `STR_AUTO char *s = ...`. */
void str_free(char **s);
#define STR_AUTO __attribute__((cleanup(str_free)))
