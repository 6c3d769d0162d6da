/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a whole file, bounded. One byte more than allowed is read, so that too long a file shows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "config/config_file.h"

int config_file_read(const char *path, const char *hint, struct config_memory *mem, char **ret_bytes, size_t *ret_n,
    struct config_problems *problems, struct osha_err *reterr)
{
	struct stat st = {0};
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
	if (!f) {
		const char *why = st.st_mode && !S_ISREG(st.st_mode) ? "it is no regular file" : strerror(errno);
		problems_add(problems, false, path, 0, 0, "",
		    "expected a configuration file that can be read, found none: %s; %s", why, hint);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%.200s: %s", path, why);
	}
	(void)setvbuf(f, NULL, _IONBF, 0);
	size_t cap = st.st_size > CONFIG_FILE_MAX_BYTES ? CONFIG_FILE_MAX_BYTES + 1 : (size_t)st.st_size + 1;
	*ret_bytes = config_memory_take(mem, cap);
	*ret_n = *ret_bytes ? fread(*ret_bytes, 1, cap, f) : 0;
	bool failed = ferror(f);
	(void)fclose(f);
	if (!*ret_bytes)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %.200s", path);
	if (failed) {
		problems_add(problems, false, path, 0, 0, "",
		    "expected a configuration file, found one that cannot be read; %s", hint);
		return osha_err_set(reterr, OSHA_E_CONFIG, "%.200s: reading it failed", path);
	}
	return 0;
}
