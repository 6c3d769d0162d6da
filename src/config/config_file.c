/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a whole file, bounded. One byte more than allowed is read, so that too long a file shows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/config_file.h"

int config_file_read(struct config_source *src, const char *hint, struct config_memory *mem,
    struct config_problems *problems, struct osha_err *reterr)
{
	struct stat st = {0};
	FILE *f = stat(src->name, &st) == 0 && S_ISREG(st.st_mode) ? fopen(src->name, "re") : NULL;
	if (!f) {
		const char *why = st.st_mode && !S_ISREG(st.st_mode) ? "it is no regular file" : strerror(errno);
		problems_add(problems, false, PLACE(src->name, 0, 0, ""),
		    "expected a configuration file that can be read, found none: %s; %s", why, hint);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%.200s: %s", src->name, why);
	}
	(void)setvbuf(f, NULL, _IONBF, 0); /* no copy of a secret stays in a stream's buffer */
	size_t cap = st.st_size > CONFIG_FILE_MAX_BYTES ? CONFIG_FILE_MAX_BYTES + 1 : (size_t)st.st_size + 1;
	char *bytes = config_memory_take(mem, cap);
	src->bytes = bytes;
	src->n = bytes ? fread(bytes, 1, cap, f) : 0;
	bool failed = ferror(f);
	(void)fclose(f);
	if (!bytes)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %.200s", src->name);
	if (failed) {
		problems_add(problems, false, PLACE(src->name, 0, 0, ""),
		    "expected a configuration file, found one that cannot be read; %s", hint);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%.200s: reading it failed", src->name);
	}
	return 0;
}
