/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' rows as help, manual page and Markdown. */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"

static const struct {
	const char *name, *doc;
} options[] = {
    {"--json", "Print one JSON object instead of text. Its keys are a promise; doc/json.md lists them."},
    {"--config FILE", "The daemon's configuration, in which socket and state-dir are looked up. "
		      "Default: /etc/osha/osha.yaml where there is one."},
    {"--socket PATH", "The daemon's socket, whatever the configuration says."},
    {"--state DIR", "The state directory whose journal is read. Without --socket no daemon is asked then."},
    {"--version", "Print the version."},
    {"-h, --help", "Print what a command does."},
};

static const struct {
	int status;
	const char *doc;
} statuses[] = {
    {EXIT_WELL, "Done."},
    {EXIT_BROKEN, "Internal error."},
    {EXIT_WRONG, "Wrong usage, a name that is not known, or a wrong configuration."},
    {EXIT_NOT_DONE,
	"Refused; for status: a recovery is held; for fence test: a device could not be read or reads off."},
    {EXIT_UNREACHED, "No daemon answers, and there is no journal to read."},
};

static const struct {
	const char *name, *doc;
} variables[] = {
    {"NO_COLOR", "Set and not empty: no colours, not even on a terminal."},
    {"TZ", "The zone in which times are shown."},
};

enum { HELP_COLUMN = 28, STATUS_COLUMN = 5 };
#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

static const char intro[] =
    "osha asks the daemon oshad over its socket, and gives it orders. Commands that only read work on the journal when "
    "no daemon runs; they say so on standard error. Orders are taken from root, from the daemon's own user, and from "
    "members of the group that owns the socket.";

void command_help_all(const struct text_style *style, struct strbuf *sb)
{
	strbuf_puts(sb, "usage: osha [OPTION...] COMMAND\n\nCommands:\n");
	for (size_t k = 0; command_table[k]; k++) {
		const struct command *cmd = command_table[k];
		char name[80];

		snprintf(name, sizeof(name), "%s%s%s", cmd->name, cmd->operands[0] ? " " : "", cmd->operands);
		text_entry(sb, style, HELP_COLUMN, name, cmd->summary);
	}
	strbuf_puts(sb, "\nOptions:\n");
	for (size_t k = 0; k < COUNT(options); k++)
		text_entry(sb, style, HELP_COLUMN, options[k].name, options[k].doc);
	strbuf_puts(sb, "\nExit status:\n");
	for (size_t k = 0; k < COUNT(statuses); k++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", statuses[k].status);
		text_entry(sb, style, STATUS_COLUMN, number, statuses[k].doc);
	}
	strbuf_puts(sb, "\n`osha help COMMAND` tells more about one.\n");
}

static const char *synopsis_options(const struct command *cmd)
{
	static const struct {
		unsigned options;
		const char *text;
	} all[] = {{OPT_ALL, " [--all]"}, {OPT_DESPITE_LIFE, " [--despite-life REASON]"},
	    {OPT_UNTIL, " [--for DURATION | --until TIME]"}, {OPT_SEGMENT, " [--segment NAME]"},
	    {OPT_UNTIL | OPT_SEGMENT, " --for DURATION | --until TIME [--segment NAME]"}};

	for (size_t k = 0; k < COUNT(all); k++) {
		if (cmd->options == all[k].options)
			return all[k].text;
	}
	return "";
}

void command_help_one(const struct command *cmd, struct strbuf *sb)
{
	const struct text_style plain = {.width = 80};
	const char *at = cmd->doc;

	strbuf_printf(sb, "usage: osha %s%s%s%s\n\n", cmd->name, cmd->operands[0] ? " " : "", cmd->operands,
	    synopsis_options(cmd));
	text_prose(sb, &plain, cmd->summary);
	while (*at) {
		char paragraph[1024];
		size_t n = strcspn(at, "\n");

		snprintf(paragraph, sizeof(paragraph), "%.*s", (int)n, at);
		strbuf_puts(sb, "\n");
		text_prose(sb, &plain, paragraph);
		at += n + (at[n] == '\n');
	}
}

void command_markdown(struct strbuf *sb)
{
	strbuf_printf(sb,
	    "# The commands of osha\n\nMade from the rows in src/ctl by `osha-command-doc markdown`.\n\n%s\n\n", intro);
	for (size_t k = 0; command_table[k]; k++) {
		const struct command *cmd = command_table[k];

		strbuf_printf(sb, "## osha %s%s%s%s\n\n%s\n\n", cmd->name, cmd->operands[0] ? " " : "", cmd->operands,
		    synopsis_options(cmd), cmd->summary);
		for (const char *at = cmd->doc; *at;) {
			size_t n = strcspn(at, "\n");

			strbuf_printf(sb, "%.*s\n\n", (int)n, at);
			at += n + (at[n] == '\n');
		}
	}
	strbuf_puts(sb, "## Options\n\n");
	for (size_t k = 0; k < COUNT(options); k++)
		strbuf_printf(sb, "- `%s`: %s\n", options[k].name, options[k].doc);
	strbuf_puts(sb, "\n## Exit status\n\n");
	for (size_t k = 0; k < COUNT(statuses); k++)
		strbuf_printf(sb, "- %d: %s\n", statuses[k].status, statuses[k].doc);
	strbuf_puts(sb, "\n## Environment\n\n");
	for (size_t k = 0; k < COUNT(variables); k++)
		strbuf_printf(sb, "- `%s`: %s\n", variables[k].name, variables[k].doc);
}

/* Text in roff: backslashes and leading dots mean something there, a hyphen of an option has to stay one. */
static void roff(struct strbuf *sb, const char *text, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		bool starts = !k || text[k - 1] == '\n';

		if (text[k] == '\\' || text[k] == '-')
			strbuf_puts(sb, "\\");
		else if (starts && (text[k] == '.' || text[k] == '\''))
			strbuf_puts(sb, "\\&");
		if (text[k] != '`')
			strbuf_add(sb, &text[k], 1);
	}
}

static void roff_entry(struct strbuf *sb, const char *label, const char *text)
{
	strbuf_puts(sb, ".TP\n.B ");
	roff(sb, label, strlen(label));
	strbuf_puts(sb, "\n");
	roff(sb, text, strlen(text));
	strbuf_puts(sb, "\n");
}

static void roff_command(struct strbuf *sb, const struct command *cmd)
{
	char label[160];

	snprintf(label, sizeof(label), "osha %s%s%s%s", cmd->name, cmd->operands[0] ? " " : "", cmd->operands,
	    synopsis_options(cmd));
	roff_entry(sb, label, cmd->summary);
	for (const char *at = cmd->doc; *at;) {
		size_t n = strcspn(at, "\n");

		strbuf_puts(sb, ".IP\n");
		roff(sb, at, n);
		strbuf_puts(sb, "\n");
		at += n + (at[n] == '\n');
	}
}

void command_man(struct strbuf *sb)
{
	char number[16];

	strbuf_puts(sb,
	    ".TH OSHA 1 \"\" Osha\n.SH NAME\nosha \\- ask and order the daemon that recovers dead compute hosts\n"
	    ".SH SYNOPSIS\n.B osha\n[\\fIOPTION\\fR...] \\fICOMMAND\\fR\n.SH DESCRIPTION\n");
	roff(sb, intro, strlen(intro));
	strbuf_puts(sb, "\n.SH COMMANDS\n");
	for (size_t k = 0; command_table[k]; k++)
		roff_command(sb, command_table[k]);
	strbuf_puts(sb, ".SH OPTIONS\n");
	for (size_t k = 0; k < COUNT(options); k++)
		roff_entry(sb, options[k].name, options[k].doc);
	strbuf_puts(sb, ".SH EXIT STATUS\n");
	for (size_t k = 0; k < COUNT(statuses); k++) {
		snprintf(number, sizeof(number), "%d", statuses[k].status);
		roff_entry(sb, number, statuses[k].doc);
	}
	strbuf_puts(sb, ".SH ENVIRONMENT\n");
	for (size_t k = 0; k < COUNT(variables); k++)
		roff_entry(sb, variables[k].name, variables[k].doc);
	strbuf_puts(sb, ".SH SEE ALSO\n.BR osha.yaml (5)\n");
}
