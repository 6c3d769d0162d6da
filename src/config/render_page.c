/* SPDX-License-Identifier: Apache-2.0 */
/* osha.yaml(5) in roff and the same in Markdown: one walk over the rows, two pens. */
#include <stdio.h>
#include <string.h>

#include "config/explain.h"
#include "config/render.h"

struct pen {
	void (*section)(struct strbuf *sb, const char *path, const struct option *o);
	void (*option)(struct strbuf *sb, const char *path, const struct option *o);
};

/* A letter that roff would take for a command or change is escaped. */
static void roff_puts(struct strbuf *sb, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			strbuf_puts(sb, "\\e");
		else if (*p == '-' || *p == '~' || *p == '^' || *p == '`')
			strbuf_printf(sb, "\\%s", *p == '-' ? "-" : *p == '~' ? "(ti" : *p == '^' ? "(ha" : "(ga");
		else if ((*p == '.' || *p == '\'') && p == text)
			strbuf_printf(sb, "\\&%c", *p);
		else
			strbuf_printf(sb, "%c", *p);
	}
}

static void roff_section(struct strbuf *sb, const char *path, const struct option *o)
{
	strbuf_puts(sb, ".SS \"");
	roff_puts(sb, path);
	strbuf_puts(sb, "\"\n");
	roff_puts(sb, o->doc);
	strbuf_puts(sb, "\n");
}

static void roff_facts(struct strbuf *sb, const struct option *o)
{
	STRBUF_AUTO struct strbuf facts = STRBUF_INIT;
	strbuf_puts(&facts, "Value: ");
	option_value_text(o, &facts);
	strbuf_puts(&facts, ". Default: ");
	option_default_text(o, &facts);
	strbuf_puts(&facts, o->flags & OPTION_RELOADABLE ? "." : ". A change needs a restart.");
	if (!facts.failed)
		roff_puts(sb, facts.text);
	sb->failed |= facts.failed;
	strbuf_puts(sb, "\n");
}

static void roff_option(struct strbuf *sb, const char *path, const struct option *o)
{
	strbuf_puts(sb, ".TP\n.B ");
	roff_puts(sb, path);
	strbuf_puts(sb, "\n");
	roff_puts(sb, o->doc);
	strbuf_puts(sb, "\n.br\n");
	roff_facts(sb, o);
}

static void markdown_section(struct strbuf *sb, const char *path, const struct option *o)
{
	strbuf_printf(sb, "\n## %s\n\n%s\n", path, o->doc);
}

static void markdown_option(struct strbuf *sb, const char *path, const struct option *o)
{
	strbuf_printf(sb, "\n### %s\n\n%s\n\n- Value: ", path, o->doc);
	option_value_text(o, sb);
	strbuf_puts(sb, "\n- Default: ");
	option_default_text(o, sb);
	strbuf_printf(sb, "\n- Reload: %s\n", o->flags & OPTION_RELOADABLE ? "yes" : "no, a change needs a restart");
}

static const char *suffix_of(const struct option *o)
{
	if (o->type == OPTION_TABLES)
		return "[]";
	return o->type == OPTION_TABLE_MAP ? ".HOST" : "";
}

/* First the options of a table, then the sections in it, so that headings stay in order. */
static void table_write(
    struct strbuf *sb, const struct pen *pen, const struct option_table *t, const char *path, bool has_sections)
{
	char at[300];
	for (size_t i = 0; i < t->row_n; i++) {
		const struct option *o = &t->rows[i];
		if (option_is_section(o) != has_sections)
			continue;
		(void)snprintf(at, sizeof(at), "%s%s%s%s", path, path[0] ? "." : "", o->name, suffix_of(o));
		if (!has_sections) {
			pen->option(sb, at, o);
			continue;
		}
		pen->section(sb, at, o);
		/* a host's own levels look as a segment's */
		bool is_told_already = o->table == &option_table_level && t == &option_table_host;
		for (int pass = 0; pass < 2 && !is_told_already; pass++)
			table_write(sb, pen, o->table, at, pass == 1);
	}
}

static void page_write(struct strbuf *sb, const struct pen *pen)
{
	table_write(sb, pen, &option_table_root, "", false);
	table_write(sb, pen, &option_table_root, "", true);
}

void config_man(struct strbuf *sb)
{
	static const struct pen pen = {roff_section, roff_option};
	strbuf_puts(sb, ".TH OSHA.YAML 5 \"\" \"Osha\" \"File formats\"\n"
			".SH NAME\nosha.yaml \\- configuration of the compute\\-node high availability daemon oshad\n"
			".SH DESCRIPTION\n"
			"The file is one YAML mapping in UTF\\-8. A name that is not listed here is an error, and so "
			"is a value out of its range; "
			"all errors are reported at once, and a configuration with errors is not used at all.\n.PP\n"
			"A duration is a number with a unit: ms, s, m, h or d. A secret is named, not written: {file: "
			"/path} reads the one line of "
			"a file, {env: NAME} a variable of the daemon's environment. A section that is missing has its "
			"defaults.\n.PP\n"
			"SIGHUP, or osha reload, reads the file anew.\n"
			".SH OPTIONS\n");
	page_write(sb, &pen);
	strbuf_puts(sb, ".SH SEE ALSO\n.BR oshad (8),\n.BR osha (1)\n");
}

void config_markdown(struct strbuf *sb)
{
	static const struct pen pen = {markdown_section, markdown_option};
	strbuf_puts(sb, "# Options of osha.yaml\n\nMade from the table of options; do not edit. `osha config explain "
			"OPTION` shows one of "
			"them, `osha config sample` a file to begin with.\n");
	page_write(sb, &pen);
}
