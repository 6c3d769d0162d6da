/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns; see table.h. */
#include "report/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2, CELLS_FIRST = 64 };

static const char *const codes[TONE_N] = {"", "\033[32m", "\033[33m", "\033[31m", "\033[2m", "\033[1m"};

void table_free(struct table *t)
{
	for (size_t k = 0; k < t->n; k++)
		free(t->cells[k].text);
	free(t->cells);
	*t = (struct table){0};
}

static void table_add(struct table *t, enum tone tone, const char *text)
{
	STRBUF_AUTO struct strbuf clean = STRBUF_INIT;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : CELLS_FIRST;
		struct table_cell *more = realloc(t->cells, cap * sizeof(*more));

		if (!more) {
			t->failed = true;
			return;
		}
		t->cells = more;
		t->cap = cap;
	}
	glyph_clean(&clean, text);
	t->cells[t->n].text = strbuf_steal(&clean);
	t->cells[t->n].tone = tone;
	if (t->cells[t->n].text)
		t->n++;
	else
		t->failed = true;
}

void table_cell(struct table *t, enum tone tone, const char *fmt, ...)
{
	char text[TABLE_CELL_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_add(t, tone, text);
}

void table_word(struct table *t, const char *word)
{
	table_add(t, tone_of(word), word);
}

enum tone tone_of(const char *word)
{
	static const struct {
		enum tone tone;
		const char *words;
	} tones[] = {
	    {TONE_GOOD, " up alive on done recovered re-enabled sent yes works "},
	    {TONE_BAD, " down dead held refused undeliverable abandoned no off fails "},
	    {TONE_WARN, " degraded suspect maintenance queued "},
	    {TONE_DIM, " unknown none - gone cleared "},
	};
	char padded[TABLE_CELL_SIZE];

	snprintf(padded, sizeof(padded), " %s ", word);
	for (size_t k = 0; k < sizeof(tones) / sizeof(tones[0]); k++) {
		if (strstr(tones[k].words, padded))
			return tones[k].tone;
	}
	return TONE_PLAIN;
}

static void toned(struct strbuf *sb, const struct text_style *style, enum tone tone, const char *text, size_t n)
{
	bool is_coloured = style->has_colour && tone != TONE_PLAIN && n;

	strbuf_puts(sb, is_coloured ? codes[tone] : "");
	strbuf_add(sb, text, n);
	strbuf_puts(sb, is_coloured ? "\033[0m" : "");
}

void text_toned(struct strbuf *sb, const struct text_style *style, enum tone tone, const char *text)
{
	STRBUF_AUTO struct strbuf clean = STRBUF_INIT;

	glyph_clean(&clean, text);
	if (clean.len)
		toned(sb, style, tone, clean.text, clean.len);
}

/* How many bytes of @text go on one line of @room columns: up to the last blank that fits; one word that is wider stands alone. */
static size_t line_bytes(const char *text, int room)
{
	size_t best = 0, at = 0;

	for (;;) {
		size_t end = at + strcspn(text + at, " ");

		if (best && glyph_width(text, end) > room)
			return best;
		best = end;
		if (!text[end])
			return best;
		at = end + 1;
	}
}

struct place {
	int column, room; /* where each line starts; columns it may take, 0 = any */
	enum tone tone;
};

/* The first line starts where the text is already. */
static void wrapped(struct strbuf *sb, const struct text_style *style, const struct place *at, const char *text)
{
	bool is_first = true;

	do {
		size_t n = at->room > 0 ? line_bytes(text, at->room) : strlen(text);

		if (!is_first)
			strbuf_printf(sb, "%*s", at->column, "");
		toned(sb, style, at->tone, text, n);
		strbuf_puts(sb, "\n");
		is_first = false;
		text += n;
		text += *text == ' ';
	} while (*text);
}

void text_paragraph(struct strbuf *sb, const struct text_style *style, int indent, const char *text)
{
	STRBUF_AUTO struct strbuf clean = STRBUF_INIT;
	struct place at = {indent, style->width > indent + TABLE_WRAP_MIN ? style->width - indent : 0, TONE_PLAIN};

	glyph_clean(&clean, text);
	strbuf_printf(sb, "%*s", indent, "");
	wrapped(sb, style, &at, clean.text ? clean.text : "");
}

struct layout {
	int width[TABLE_COLUMN_MAX];
	int last_column; /* where the last column starts */
	int last_room;   /* what it may take, 0 = any */
	bool is_stacked; /* no room beside the others: it goes on lines of its own */
};

static struct layout layout_of(const struct table *t, const struct text_style *style, int indent)
{
	struct layout l = {.last_column = indent};
	int widest;

	for (size_t c = 0; c < t->column_n; c++) {
		l.width[c] = glyph_width(t->heads[c], strlen(t->heads[c]));
		for (size_t k = c; k < t->n; k += t->column_n) {
			int w = glyph_width(t->cells[k].text, strlen(t->cells[k].text));

			l.width[c] = w > l.width[c] ? w : l.width[c];
		}
		l.last_column += c + 1 < t->column_n ? l.width[c] + GAP : 0;
	}
	widest = l.width[t->column_n - 1];
	if (!style->width || l.last_column + widest <= style->width)
		return l;
	l.is_stacked = style->width - l.last_column < TABLE_WRAP_MIN;
	if (l.is_stacked)
		l.last_column = indent + 2 * GAP;
	l.last_room = style->width - l.last_column;
	return l;
}

static void pad(struct strbuf *sb, const char *text, int width)
{
	strbuf_printf(sb, "%*s", width - glyph_width(text, strlen(text)) + GAP, "");
}

static void print_heads(
    const struct table *t, const struct layout *l, const struct text_style *style, struct strbuf *sb)
{
	size_t last = t->column_n - 1;

	for (size_t c = 0; c < last; c++) {
		toned(sb, style, TONE_DIM, t->heads[c], strlen(t->heads[c]));
		if (c + 1 < last || !l->is_stacked)
			pad(sb, t->heads[c], l->width[c]);
	}
	if (!l->is_stacked)
		toned(sb, style, TONE_DIM, t->heads[last], strlen(t->heads[last]));
	strbuf_puts(sb, "\n");
}

/* No blanks at the end of a line: what follows an empty last cell is nothing. */
static bool has_more(const struct table_cell *row, size_t from, size_t to)
{
	for (size_t c = from; c < to; c++) {
		if (row[c].text[0])
			return true;
	}
	return false;
}

static void print_row(const struct table *t, const struct layout *l, const struct text_style *style,
    const struct table_cell *row, struct strbuf *sb)
{
	size_t last = t->column_n - 1, beside = l->is_stacked ? last : t->column_n;
	const struct place at = {l->last_column, l->last_room, row[last].tone};

	for (size_t c = 0; c < last; c++) {
		toned(sb, style, row[c].tone, row[c].text, strlen(row[c].text));
		if (has_more(row, c + 1, beside))
			pad(sb, row[c].text, l->width[c]);
	}
	if (!row[last].text[0]) {
		strbuf_puts(sb, "\n");
		return;
	}
	if (l->is_stacked)
		strbuf_printf(sb, "\n%*s", l->last_column, "");
	wrapped(sb, style, &at, row[last].text);
}

void table_print(const struct table *t, const struct text_style *style, int indent, struct strbuf *sb)
{
	struct layout l;

	if (t->failed) {
		sb->failed = true;
		return;
	}
	if (t->n < t->column_n)
		return;
	l = layout_of(t, style, indent);
	strbuf_printf(sb, "%*s", indent, "");
	print_heads(t, &l, style, sb);
	for (size_t k = 0; k + t->column_n <= t->n; k += t->column_n) {
		strbuf_printf(sb, "%*s", indent, "");
		print_row(t, &l, style, &t->cells[k], sb);
	}
}
