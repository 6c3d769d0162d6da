/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample file. Prose begins with "# ", a line that could be live with "#" alone, right before its first letter, so
 * that removing these # gives a file that loads as well. Live as it stands are only the rows flagged so.
 */
#include <stdio.h>
#include <string.h>

#include "config/explain.h"
#include "config/render.h"

struct place {
	int depth;
	bool is_live;
	const char *dash; /* "- " before the first row of a list item, then "" */
};

static void table_sample(struct strbuf *sb, const struct option_table *t, int depth, bool is_live, bool is_item);

static void doc_sample(struct strbuf *sb, const struct option *o, int depth)
{
	char prefix[64];
	int n = snprintf(prefix, sizeof(prefix), "%*s# ", depth * 2, "");
	(void)n;
	text_wrap(sb, prefix, o->doc, 100);
	if (option_is_section(o) || o->type == OPTION_PARAMETERS || o->type == OPTION_OVERRIDES)
		return;
	strbuf_printf(sb, "%sIt is ", prefix);
	option_value_text(o, sb);
	strbuf_puts(sb, ".\n");
}

static void value_sample(struct strbuf *sb, const struct option *o)
{
	if (o->example) {
		strbuf_puts(sb, o->example);
	} else if (o->type == OPTION_LIST) {
		strbuf_puts(sb, "[");
		for (const char *p = o->def; *p; p++)
			strbuf_printf(sb, *p == ',' ? ", " : "%c", *p);
		strbuf_puts(sb, "]");
	} else if (strpbrk(o->def, "{}*")) {
		strbuf_printf(sb, "\"%s\"", o->def);
	} else {
		strbuf_puts(sb, o->def);
	}
}

static void row_sample(struct strbuf *sb, const struct option *o, const struct place *at)
{
	bool is_live = at->is_live && (o->type == OPTION_TABLE || (o->flags & OPTION_SHOWN));
	bool is_item = at->dash[0] != '\0';
	doc_sample(sb, o, at->depth);
	strbuf_printf(
	    sb, "%*s%s%s%s:", (is_item ? at->depth - 1 : at->depth) * 2, "", is_live ? "" : "#", at->dash, o->name);
	if (!option_is_section(o)) {
		strbuf_puts(sb, " ");
		value_sample(sb, o);
	}
	strbuf_puts(sb, "\n");
	if (o->type == OPTION_TABLE)
		table_sample(sb, o->table, at->depth + 1, is_live, false);
	else if (o->type == OPTION_TABLES)
		table_sample(sb, o->table, at->depth + 2, is_live, true);
	else if (o->type == OPTION_TABLE_MAP)
		strbuf_printf(sb, "%*s%s%s:\n", at->depth * 2 + 2, "", is_live ? "" : "#", "compute-1");
	if (o->type == OPTION_TABLE_MAP)
		table_sample(sb, o->table, at->depth + 2, is_live, false);
}

/* What a host replaces whole is shown once, in the segment. */
static bool is_shown_elsewhere(const struct option_table *t, const struct option *o)
{
	return t == &option_table_host && o->type == OPTION_TABLES;
}

static void table_sample(struct strbuf *sb, const struct option_table *t, int depth, bool is_live, bool is_item)
{
	struct place at = {depth, is_live, is_item ? "- " : ""};
	for (size_t i = 0; i < t->row_n; i++) {
		if (depth == 0)
			strbuf_puts(sb, "\n");
		if (!is_shown_elsewhere(t, &t->rows[i]))
			row_sample(sb, &t->rows[i], &at);
		at.dash = "";
	}
}

void config_sample(struct strbuf *sb)
{
	strbuf_puts(sb,
	    "# Sample configuration of Osha, made from the table of its options; see osha.yaml(5).\n"
	    "# Every option stands here with its default or, where it has none, an example. To set one, remove the\n"
	    "# \"#\" right before its name. Lines with \"# \" explain the option below them.\n");
	table_sample(sb, &option_table_root, 0, true, false);
}
