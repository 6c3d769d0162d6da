/* SPDX-License-Identifier: Apache-2.0 */
/* osha-config-doc: prints what is made from the rows, for doc/generated/ and for packages. */
#include <stdio.h>
#include <string.h>

#include "config/explain.h"

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*write)(struct strbuf *sb);
	} kinds[] = {
	    {"sample", config_sample}, {"man", config_man}, {"schema", config_schema}, {"markdown", config_markdown}};
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	for (size_t i = 0; argc == 2 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			kinds[i].write(&sb);
	if (sb.failed || !sb.text) {
		(void)fprintf(
		    stderr, "%s\n", sb.failed ? "out of memory" : "usage: osha-config-doc sample|man|schema|markdown");
		return sb.failed ? 1 : 2;
	}
	return fwrite(sb.text, 1, sb.len, stdout) == sb.len && fflush(stdout) == 0 ? 0 : 1;
}
