/* SPDX-License-Identifier: Apache-2.0 */
/* osha help. */
#include <stdint.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	const struct command *of;
	char *words[OPERAND_MAX];
	size_t used = 0;

	for (size_t k = 0; k < c->operand_n; k++)
		words[k] = (char *)(uintptr_t)c->operands[k];
	of = command_find(words, c->operand_n, &used);
	if (c->operand_n && (!of || used != c->operand_n))
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "there is no command \"%.60s%s%.60s\"; `osha help` lists them", words[0],
		    c->operand_n > 1 ? " " : "", c->operand_n > 1 ? words[1] : "");
	if (of)
		command_help_one(of, &sb);
	else
		command_help_all(&c->style, &sb);
	return print_out(&sb, reterr);
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .operand_max = 2,
    .summary = "List the commands, or tell more about one.",
    .doc = "",
    .run = run,
};
