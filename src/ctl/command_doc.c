/* SPDX-License-Identifier: Apache-2.0 */
/* osha-command-doc: prints what is made from the commands' rows, for doc/generated/ and for packages. */
#include <stdio.h>

#include "ctl/command.h"

int main(int argc, char **argv)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	if (argc == 2 && str_eq(argv[1], "markdown"))
		command_markdown(&sb);
	else if (argc == 2 && str_eq(argv[1], "man"))
		command_man(&sb);
	if (sb.failed || !sb.text) {
		(void)fprintf(stderr, "usage: osha-command-doc markdown|man\n");
		return 2;
	}
	return fwrite(sb.text, 1, sb.len, stdout) == sb.len && fflush(stdout) == 0 ? 0 : 1;
}
