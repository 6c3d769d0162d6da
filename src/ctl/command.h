/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sub-command of osha is: one row, from which reading the command line, `osha help`, the manual page and the generated list are
 * made. Each row stands in the file of its sub-command, command_table.c gathers them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "report/text.h"

/* Exit statuses; doc of `osha help`. */
enum { EXIT_WELL = 0, EXIT_BROKEN = 1, EXIT_WRONG = 2, EXIT_NOT_DONE = 3, EXIT_UNREACHED = 4 };

enum { OPERAND_MAX = 2, OPERAND_SIZE_MAX = 256 };

/* Options; each command names those it takes, the global ones are taken by all. */
enum ctl_option {
	OPT_ALL = 1u << 0,
	OPT_DESPITE_LIFE = 1u << 1,
	OPT_UNTIL = 1u << 2, /* --for, --until */
	OPT_SEGMENT = 1u << 3,
};

struct command;

/* One call of the program. Everything is borrowed from main(). */
struct ctl {
	const struct command *command;
	const char *operands[OPERAND_MAX];
	size_t operand_n;
	bool is_json, has_all, wants_help, wants_version;
	const char *despite_life;
	const char *span, *until, *segment;  /* --for, --until, --segment; NULL = not given */
	const char *config_path;             /* NULL = the default one, where there is one */
	const char *socket_path, *state_dir; /* as given; NULL = by the configuration */
	struct text_style style;
};

/**
 * A command's work: prints its answer.
 * Returns an exit status (the reason is printed already), or a negative error, which main() prints.
 */
typedef int (*command_fn)(struct ctl *c, struct osha_err *reterr);

struct command {
	const char *name;     /* one or two words */
	const char *operands; /* as in a synopsis, "" = none */
	size_t operand_min, operand_max;
	unsigned options; /* enum ctl_option */
	const char *summary;
	const char *doc; /* whole sentences; paragraphs end with a newline but the last */
	command_fn run;
};

/* In order of name; NULL at the end. */
extern const struct command *const command_table[];

extern const struct command command_approve, command_config_check, command_config_explain, command_config_sample,
    command_config_show, command_confirm_dead, command_explain, command_fence_status, command_fence_test, command_help,
    command_hosts, command_maintenance, command_recoveries, command_recovery_show, command_release, command_reload,
    command_report_observed, command_resume, command_status, command_suspend;

/**
 * command_line_read() - the words of the command line.
 * @c: zeroed; filled
 * Errors: -OSHA_E_USAGE, with what was expected and what to do.
 */
int command_line_read(int argc, char **argv, struct ctl *c, struct osha_err *reterr);

/** command_find() - the command that these words name; *ret_used words of them are its name. NULL: none. */
const struct command *command_find(char *const *words, size_t n, size_t *ret_used);

/** command_help_all() - what `osha help` says. command_help_one() - of one command. */
void command_help_all(const struct text_style *style, struct strbuf *sb);
void command_help_one(const struct command *cmd, struct strbuf *sb);
/** command_markdown() - every command under a heading. command_man() - osha(1) in roff. */
void command_markdown(struct strbuf *sb);
void command_man(struct strbuf *sb);
