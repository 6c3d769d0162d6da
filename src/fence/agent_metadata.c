/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an agent says of itself: the XML that cluster managers read, and the same for people. Both come from the option
 * rows alone, so that nothing can be accepted without being announced. Leaves parsing to agent_option.c.
 */
#include "fence/agent.h"

#include <string.h>

static const char *const type_names[AGENT_TYPE_N] = {
    [AGENT_STRING] = "string",
    [AGENT_INTEGER] = "integer",
    [AGENT_SECOND] = "second",
    [AGENT_BOOLEAN] = "boolean",
    [AGENT_SELECT] = "select",
};

static void print_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void print_attribute(FILE *out, const char *name, const char *text)
{
	fprintf(out, " %s=\"", name);
	print_escaped(out, text);
	fputc('"', out);
}

/* "-a, --ip=[ip]" */
static void print_getopt(FILE *out, const struct agent_option *row)
{
	if (row->letter)
		fprintf(out, "-%c, ", row->letter);
	fprintf(out, "--%s", row->long_opt);
	if (row->type != AGENT_BOOLEAN)
		fprintf(out, "=[%s]", row->type == AGENT_SECOND ? "seconds" : row->name);
}

static void print_choices(FILE *out, const char *choices)
{
	while (*choices) {
		size_t len = strcspn(choices, "|");

		fprintf(out, "\t\t\t<option value=\"%.*s\" />\n", (int)len, choices);
		choices += len;
		choices += *choices == '|';
	}
}

/* `action` is announced as a plain string, as the field's agents do: managers take its values from <actions>. */
static void print_content(FILE *out, const struct agent_option *row)
{
	bool is_select = row->type == AGENT_SELECT && !str_eq(row->name, "action");

	fputs("\t\t<content", out);
	print_attribute(out, "type", is_select || row->type != AGENT_SELECT ? type_names[row->type] : "string");
	if (row->fallback)
		print_attribute(out, "default", row->fallback);
	if (!is_select) {
		fputs(" />\n", out);
		return;
	}
	fputs(">\n", out);
	print_choices(out, row->choices);
	fputs("\t\t</content>\n", out);
}

static void print_parameter(FILE *out, const struct agent_option *row, bool is_former)
{
	fputs("\t<parameter", out);
	print_attribute(out, "name", is_former ? row->obsolete : row->name);
	fprintf(out, " unique=\"0\" required=\"%d\"", row->is_required && !is_former);
	if (is_former)
		fputs(" deprecated=\"1\"", out);
	else if (row->obsolete)
		print_attribute(out, "obsoletes", row->obsolete);
	fputs(">\n", out);
	if (row->long_opt) {
		fputs("\t\t<getopt mixed=\"", out);
		print_getopt(out, row);
		fputs("\" />\n", out);
	}
	print_content(out, row);
	fputs("\t\t<shortdesc lang=\"en\">", out);
	print_escaped(out, row->text);
	fputs("</shortdesc>\n\t</parameter>\n", out);
}

void agent_metadata_print(const struct agent *a, FILE *out)
{
	fputs("<?xml version=\"1.0\" ?>\n<resource-agent", out);
	print_attribute(out, "name", a->desc->name);
	print_attribute(out, "shortdesc", a->desc->shortdesc);
	fputs(">\n<longdesc>", out);
	print_escaped(out, a->desc->longdesc);
	fputs("</longdesc>\n<vendor-url></vendor-url>\n<parameters>\n", out);
	for (size_t i = 0; i < a->options_n; i++) {
		print_parameter(out, a->options[i], false);
		if (a->options[i]->obsolete)
			print_parameter(out, a->options[i], true);
	}
	fputs("</parameters>\n<actions>\n\t<action name=\"on\" automatic=\"0\" />\n\t<action name=\"off\" />\n"
	      "\t<action name=\"reboot\" />\n\t<action name=\"status\" />\n",
	    out);
	if (a->desc->list)
		fputs("\t<action name=\"list\" />\n", out);
	fputs("\t<action name=\"monitor\" />\n\t<action name=\"metadata\" />\n\t<action name=\"validate-all\" />\n"
	      "</actions>\n</resource-agent>\n",
	    out);
}

void agent_usage_print(const struct agent *a, FILE *out)
{
	fprintf(out, "%s: %s\n%s\nWithout options, key=value lines are read from standard input.\n\n", a->desc->name,
	    a->desc->shortdesc, a->desc->longdesc);
	for (size_t i = 0; i < a->options_n; i++) {
		const struct agent_option *row = a->options[i];

		if (!row->long_opt)
			continue;
		fputs("  ", out);
		print_getopt(out, row);
		fprintf(out, "\n        %s", row->text);
		if (row->choices)
			fprintf(out, " (%s)", row->choices);
		if (row->fallback)
			fprintf(out, " [default: %s]", row->fallback);
		fputs(".\n", out);
	}
}
