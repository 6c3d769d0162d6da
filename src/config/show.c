/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded configuration as YAML again: what is in force, defaults included. A secret shows where it came from, never
 * what it is. */
#include <string.h>

#include "config/explain.h"

enum { INDENT = 2 };

/* Double quotes with the escapes that YAML and JSON share; values hold no control characters. */
static void quoted(struct strbuf *sb, const char *text)
{
	strbuf_puts(sb, "\"");
	for (; *text; text++)
		strbuf_printf(sb, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	strbuf_puts(sb, "\"");
}

static void policy_render(unsigned mask, struct strbuf *sb)
{
	static const char *const names[CONFIG_MONITOR_N] = {"nova", "probe"};
	const char *between = "";
	for (unsigned i = 0; i < CONFIG_MONITOR_N; i++) {
		if (!(mask & 1u << i))
			continue;
		strbuf_printf(sb, "%s%s", between, names[i]);
		between = " and ";
	}
}

void config_value_render(const struct option *o, const void *field, struct strbuf *sb)
{
	char text[32];
	if (o->type == OPTION_BOOL)
		strbuf_puts(sb, *(const bool *)field ? "true" : "false");
	else if (o->type == OPTION_INT)
		strbuf_printf(sb, "%lld", (long long)*(const int64_t *)field);
	else if (o->type == OPTION_DURATION)
		strbuf_puts(sb, duration_text(*(const int64_t *)field, text, sizeof(text)));
	else if (o->type == OPTION_ENUM)
		strbuf_puts(sb, o->words[*(const int *)field]);
	else if (o->type == OPTION_POLICY)
		policy_render(*(const unsigned *)field, sb);
	else
		quoted(sb, *(const char *const *)field);
}

static void secret_show(const struct config_secret *s, struct strbuf *sb)
{
	const char *colon = strchr(s->source, ':');
	if (s->source[0] == '\0') {
		strbuf_puts(sb, "~");
	} else if (!colon) {
		strbuf_puts(sb, "{inline: \"***\"}");
	} else {
		strbuf_printf(sb, "{%.*s: ", (int)(colon - s->source), s->source);
		quoted(sb, colon + 1);
		strbuf_puts(sb, "}");
	}
}

static void texts_show(const struct config_texts *ts, struct strbuf *sb)
{
	strbuf_puts(sb, "[");
	for (size_t i = 0; i < ts->n; i++) {
		strbuf_puts(sb, i ? ", " : "");
		quoted(sb, ts->items[i]);
	}
	strbuf_puts(sb, "]");
}

static void parameters_show(const struct config_parameters *ps, struct strbuf *sb)
{
	strbuf_puts(sb, "{");
	for (size_t i = 0; i < ps->n; i++) {
		strbuf_printf(sb, "%s%s: ", i ? ", " : "", ps->items[i].name);
		if (ps->items[i].is_secret)
			secret_show(&ps->items[i].secret, sb);
		else
			quoted(sb, ps->items[i].text);
	}
	strbuf_puts(sb, "}");
}

static void overrides_show(const struct config_level_overrides *os, struct strbuf *sb)
{
	strbuf_puts(sb, "{");
	for (size_t i = 0; i < os->n; i++) {
		strbuf_printf(sb, "%s%s: ", i ? ", " : "", os->items[i].level);
		parameters_show(&os->items[i].parameters, sb);
	}
	strbuf_puts(sb, "}");
}

static void table_show(const struct option_table *t, const void *base, int depth, bool is_item, struct strbuf *sb);

struct any_list {
	const char *items;
	size_t n;
};

/* @field is one of the {items, n} structs of config.h; they are all alike. */
static void tables_show(const struct option *o, const void *field, int depth, struct strbuf *sb)
{
	struct any_list list;
	memcpy(&list, field, sizeof(list));
	if (list.n == 0)
		strbuf_puts(sb, o->type == OPTION_TABLES ? " []\n" : " {}\n");
	else
		strbuf_puts(sb, "\n");
	for (size_t i = 0; i < list.n; i++) {
		const char *base = list.items + i * o->table->size_bytes;
		if (o->type == OPTION_TABLE_MAP)
			strbuf_printf(
			    sb, "%*s%s:\n", (depth + 1) * INDENT, "", *(const char *const *)(const void *)base);
		table_show(o->table, base, depth + 2, o->type == OPTION_TABLES, sb);
	}
}

static void row_show(const struct option *o, const void *field, int depth, struct strbuf *sb)
{
	if (o->type == OPTION_TABLE) {
		strbuf_puts(sb, "\n");
		table_show(o->table, field, depth + 1, false, sb);
		return;
	}
	if (o->type == OPTION_TABLES || o->type == OPTION_TABLE_MAP) {
		tables_show(o, field, depth, sb);
		return;
	}
	strbuf_puts(sb, " ");
	if (o->type == OPTION_LIST)
		texts_show(field, sb);
	else if (o->type == OPTION_SECRET)
		secret_show(field, sb);
	else if (o->type == OPTION_PARAMETERS)
		parameters_show(field, sb);
	else if (o->type == OPTION_OVERRIDES)
		overrides_show(field, sb);
	else
		config_value_render(o, field, sb);
	strbuf_puts(sb, "\n");
}

static void table_show(const struct option_table *t, const void *base, int depth, bool is_item, struct strbuf *sb)
{
	for (size_t i = 0; i < t->row_n; i++) {
		const struct option *o = &t->rows[i];
		const void *field = (const char *)base + o->offset;
		/* a secret that is not given has no YAML of its own */
		if (o->type == OPTION_SECRET && ((const struct config_secret *)field)->source[0] == '\0')
			continue;
		bool has_dash = is_item && i == 0;
		strbuf_printf(
		    sb, "%*s%s%s:", (has_dash ? depth - 1 : depth) * INDENT, "", has_dash ? "- " : "", o->name);
		row_show(o, field, depth, sb);
	}
}

void config_show(const struct config *cfg, struct strbuf *sb)
{
	table_show(&option_table_root, cfg, 0, false, sb);
}
