/* SPDX-License-Identifier: Apache-2.0 */
/* osha: the operator's command. Reads the command line, lets one command do its work, and prints what went wrong, once. */
#include <stdio.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	if (c->wants_version) {
		strbuf_puts(&sb, "osha " OSHA_VERSION "\n");
		return print_out(&sb, reterr);
	}
	if (!c->wants_help)
		return c->command->run(c, reterr);
	if (c->command == &command_help)
		command_help_all(&c->style, &sb);
	else
		command_help_one(c->command, &sb);
	return print_out(&sb, reterr);
}

int main(int argc, char **argv)
{
	struct ctl c = {.style = print_style()};
	struct osha_err err = {0};
	int r = command_line_read(argc, argv, &c, &err);

	if (r == 0)
		r = run(&c, &err);
	return r < 0 ? print_refusal(&c, err.msg, osha_err_exit_status(r)) : r;
}
