/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Aligned columns for people. Cells come in order, row by row; the last column takes the room that is left and is wrapped at words. All
 * text is made harmless for a terminal: control characters, bytes that are not UTF-8 and marks that turn the direction of writing are
 * replaced, because names come from users of the cloud.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "report/text.h"

enum { TABLE_COLUMN_MAX = 12, TABLE_CELL_SIZE = 512, TABLE_WRAP_MIN = 24 };

enum tone { TONE_PLAIN = 0, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM, TONE_STRONG, TONE_N };

struct table_cell {
	char *text;
	enum tone tone;
};

struct table {
	const char *const *heads; /* column_n of them; borrowed */
	size_t column_n;
	struct table_cell *cells;
	size_t n, cap;
	bool failed; /* out of memory */
};

#define TABLE_INIT(names) ((struct table){.heads = (names), .column_n = sizeof(names) / sizeof((names)[0])})

/** table_cell() - the next cell; formatted, cut at TABLE_CELL_SIZE, copied. */
void table_cell(struct table *t, enum tone tone, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** table_word() - the next cell: a word of ours in the tone that befits it ("held" is bad, "up" is good). */
void table_word(struct table *t, const char *word);
/** table_print() - heads and rows, indented by @indent; nothing for a table without rows. */
void table_print(const struct table *t, const struct text_style *style, int indent, struct strbuf *sb);
/** table_free() - fit for cleanup. */
void table_free(struct table *t);
#define TABLE_AUTO __attribute__((cleanup(table_free)))

/** tone_of() - the tone of a word. */
enum tone tone_of(const char *word);
/** text_toned() - @text, made harmless, in a tone. */
void text_toned(struct strbuf *sb, const struct text_style *style, enum tone tone, const char *text);
/** text_paragraph() - @text, made harmless, wrapped at words to the width, each line indented. */
void text_paragraph(struct strbuf *sb, const struct text_style *style, int indent, const char *text);

/** glyph_clean() - @text made harmless, into @sb. */
void glyph_clean(struct strbuf *sb, const char *text);
/** glyph_width() - columns that @n bytes of harmless text take on a terminal. */
int glyph_width(const char *text, size_t n);
