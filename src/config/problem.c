/* SPDX-License-Identifier: Apache-2.0 */
/* The list of problems: bounded, and silent about what it cannot store except in its counters. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/problem.h"

static size_t text_end(int printed, size_t used)
{
	size_t end = printed < 0 ? used : used + (size_t)printed;
	return end < PROBLEM_TEXT_SIZE ? end : PROBLEM_TEXT_SIZE - 1;
}

/* "file:line:column: path: ", each part only where it is known */
static size_t prefix_print(char *text, const struct config_place *at)
{
	size_t used = 0;
	if (at->file[0] != '\0' && at->line > 0)
		used = text_end(snprintf(text, PROBLEM_TEXT_SIZE, "%.200s:%d:%d: ", at->file, at->line, at->column), 0);
	else if (at->file[0] != '\0')
		used = text_end(snprintf(text, PROBLEM_TEXT_SIZE, "%.200s: ", at->file), 0);
	if (at->path[0] != '\0')
		used = text_end(snprintf(text + used, PROBLEM_TEXT_SIZE - used, "%.200s: ", at->path), used);
	return used;
}

/* Names and values are hostile: a terminal must not obey them. */
static void control_mask(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void problems_add(struct config_problems *ps, bool is_warning, const struct config_place *at, const char *fmt, ...)
{
	if (is_warning)
		ps->warning_n++;
	else
		ps->error_n++;
	if (ps->n >= PROBLEM_MAX)
		return;
	if (!ps->items)
		ps->items = calloc(PROBLEM_MAX, sizeof(*ps->items));
	if (!ps->items)
		return;
	char text[PROBLEM_TEXT_SIZE] = "";
	size_t used = prefix_print(text, at);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	va_end(ap);
	control_mask(text);
	char *copy = strdup(text);
	if (!copy)
		return;
	ps->items[ps->n++] = (struct config_problem){is_warning, at->line, at->column, copy};
}

/* Insertion sort: stable, and the list is short. */
void problems_sort(struct config_problems *ps)
{
	for (size_t i = 1; i < ps->n; i++) {
		struct config_problem p = ps->items[i];
		size_t k = i;
		while (k > 0 && (ps->items[k - 1].line > p.line ||
				    (ps->items[k - 1].line == p.line && ps->items[k - 1].column > p.column))) {
			ps->items[k] = ps->items[k - 1];
			k--;
		}
		ps->items[k] = p;
	}
}

void problems_free(struct config_problems *ps)
{
	for (size_t i = 0; i < ps->n; i++)
		free(ps->items[i].text);
	free(ps->items);
	*ps = CONFIG_PROBLEMS_INIT;
}
