/* SPDX-License-Identifier: Apache-2.0 */
/* All commands of osha, and how the words of a command line become one of them. */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"

const struct command *const command_table[] = {&command_approve, &command_config_check, &command_config_explain,
    &command_config_sample, &command_config_show, &command_confirm_dead, &command_explain, &command_fence_status,
    &command_fence_test, &command_help, &command_hosts, &command_maintenance, &command_recoveries,
    &command_recovery_show, &command_release, &command_reload, &command_report_observed, &command_resume,
    &command_status, &command_suspend, NULL};

static bool is_named(const struct command *cmd, char *const *words, size_t n, size_t *ret_used)
{
	const char *blank = strchr(cmd->name, ' ');
	size_t first = blank ? (size_t)(blank - cmd->name) : strlen(cmd->name);

	if (!n || strlen(words[0]) != first || strncmp(words[0], cmd->name, first) != 0)
		return false;
	*ret_used = blank ? 2 : 1;
	return !blank || (n > 1 && str_eq(words[1], blank + 1));
}

const struct command *command_find(char *const *words, size_t n, size_t *ret_used)
{
	for (size_t k = 0; command_table[k]; k++) {
		if (is_named(command_table[k], words, n, ret_used))
			return command_table[k];
	}
	return NULL;
}

/* "--name VALUE" and "--name=VALUE". Returns whether the word is this option; *ret_value NULL when its value is missing. */
static bool takes_value(const char *name, int argc, char **argv, int *at, const char **ret_value)
{
	const char *word = argv[*at];
	size_t n = strlen(name);

	if (strncmp(word, name, n) != 0 || (word[n] && word[n] != '='))
		return false;
	if (word[n] == '=')
		*ret_value = word + n + 1;
	else
		*ret_value = *at + 1 < argc ? argv[++*at] : NULL;
	return true;
}

static int option_with_value(struct ctl *c, int argc, char **argv, int *at, struct osha_err *reterr)
{
	const struct {
		const char *name;
		const char **value;
	} all[] = {{"--socket", &c->socket_path}, {"--config", &c->config_path}, {"--state", &c->state_dir},
	    {"--despite-life", &c->despite_life}, {"--for", &c->span}, {"--until", &c->until},
	    {"--segment", &c->segment}};

	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
		if (!takes_value(all[k].name, argc, argv, at, all[k].value))
			continue;
		if (*all[k].value && **all[k].value)
			return 0;
		return osha_err_set(reterr, OSHA_E_USAGE, "%s expects a value behind it; see `osha help`", all[k].name);
	}
	return osha_err_set(reterr, OSHA_E_USAGE, "there is no option %.60s; see `osha help`", argv[*at]);
}

static int option_read(struct ctl *c, int argc, char **argv, int *at, struct osha_err *reterr)
{
	const char *word = argv[*at];

	if (str_eq(word, "--json"))
		c->is_json = true;
	else if (str_eq(word, "--all"))
		c->has_all = true;
	else if (str_eq(word, "--help") || str_eq(word, "-h"))
		c->wants_help = true;
	else if (str_eq(word, "--version"))
		c->wants_version = true;
	else
		return option_with_value(c, argc, argv, at, reterr);
	return 0;
}

static int operands_take(struct ctl *c, char *const *words, size_t n, struct osha_err *reterr)
{
	const struct command *cmd = c->command;

	if (c->wants_help)
		return 0;
	if (n < cmd->operand_min || n > cmd->operand_max)
		return osha_err_set(reterr, OSHA_E_USAGE, "expected `osha %s%s%s`; see `osha help %s`", cmd->name,
		    cmd->operands[0] ? " " : "", cmd->operands, cmd->name);
	for (size_t k = 0; k < n; k++) {
		if (strlen(words[k]) >= OPERAND_SIZE_MAX && cmd->run != command_config_check.run)
			return osha_err_set(reterr, OSHA_E_USAGE, "%.40s... is too long for a name", words[k]);
		c->operands[k] = words[k];
	}
	c->operand_n = n;
	if (c->has_all && !(cmd->options & OPT_ALL))
		return osha_err_set(reterr, OSHA_E_USAGE, "--all is for `osha recoveries` only");
	if (c->despite_life && !(cmd->options & OPT_DESPITE_LIFE))
		return osha_err_set(reterr, OSHA_E_USAGE, "--despite-life is for `osha confirm-dead` only");
	if ((c->span || c->until) && !(cmd->options & OPT_UNTIL))
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "--for and --until are for `osha suspend` and `osha maintenance` only");
	if (c->segment && !(cmd->options & OPT_SEGMENT))
		return osha_err_set(reterr, OSHA_E_USAGE, "--segment is for `osha suspend` and `osha resume` only");
	return 0;
}

static int unknown_command(char *const *words, size_t n, struct osha_err *reterr)
{
	size_t len = strlen(words[0]);

	for (size_t k = 0; command_table[k]; k++) {
		const char *name = command_table[k]->name;

		if (strncmp(name, words[0], len) == 0 && name[len] == ' ')
			return osha_err_set(reterr, OSHA_E_USAGE,
			    "expected one of the commands that begin with `osha %s`, "
			    "found %s%.40s; see `osha help`",
			    words[0], n > 1 ? "" : "nothing", n > 1 ? words[1] : "");
	}
	return osha_err_set(reterr, OSHA_E_USAGE, "there is no command \"%.60s\"; `osha help` lists them", words[0]);
}

enum { WORD_MAX = 8 };

int command_line_read(int argc, char **argv, struct ctl *c, struct osha_err *reterr)
{
	char *words[WORD_MAX];
	size_t n = 0, used = 0;
	bool has_ended = false;

	for (int at = 1; at < argc; at++) {
		int r = 0;

		if (!has_ended && argv[at][0] == '-' && argv[at][1])
			has_ended = str_eq(argv[at], "--") || (r = option_read(c, argc, argv, &at, reterr)) < 0;
		else if (n < WORD_MAX)
			words[n++] = argv[at];
		if (r < 0)
			return r;
	}
	if (c->wants_version)
		return 0;
	if (!n && !c->wants_help)
		return osha_err_set(reterr, OSHA_E_USAGE, "expected a command; `osha help` lists them");
	c->command = n ? command_find(words, n, &used) : &command_help;
	if (!c->command)
		return unknown_command(words, n, reterr);
	return operands_take(c, words + used, n - used, reterr);
}
