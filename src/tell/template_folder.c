/* SPDX-License-Identifier: Apache-2.0 */
/* See template_folder.h. */
#include "tell/template_folder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "io/file.h"

static int one_load(const char *folder, struct tell_source *source, struct tell_template **ret,
    struct config_problems *problems, struct osha_err *reterr)
{
	STR_AUTO char *bytes = NULL;
	char path[1024];
	struct osha_err err = {0};
	int line = 0, r;

	snprintf(path, sizeof(path), "%s/%s", folder, tell_template_name(source->kind, source->format));
	if (!io_file_exists(path))
		return 0;
	r = io_file_read(path, TELL_TEMPLATE_MAX_BYTES, false, &bytes, &source->size_bytes, &err);
	if (r >= 0) {
		source->bytes = bytes;
		r = tell_template_parse(source, &line, ret, &err);
	}
	if (r >= 0)
		return 0;
	if (r == -OSHA_E_NOMEM)
		return osha_err_set(reterr, OSHA_E_NOMEM, "%s", err.msg);
	problems_add(
	    problems, false, PLACE(.file = path, .line = line, .path = "notify.email.templates"), "%s", err.msg);
	return osha_err_set(reterr, OSHA_E_CONFIG, "%s:%d: %s", path, line, err.msg);
}

int tell_folder_load(
    const struct config *cfg, struct tell_templates *ret, struct config_problems *problems, struct osha_err *reterr)
{
	const char *folder = cfg->notify.email.templates;
	int worst = 0;

	*ret = (struct tell_templates){0};
	if (!folder[0])
		return 0;
	if (!io_file_exists(folder)) {
		problems_add(problems, false, PLACE(.file = folder, .path = "notify.email.templates"),
		    "expected a folder with templates, found nothing there");
		return osha_err_set(reterr, OSHA_E_CONFIG, "%s: no such folder", folder);
	}
	for (int k = 0; k < TELL_KIND_N * TELL_FORMAT_N; k++) {
		struct tell_source source = {
		    .kind = (enum tell_kind)(k / TELL_FORMAT_N), .format = (enum tell_format)(k % TELL_FORMAT_N)};
		int r = one_load(folder, &source, &ret->all[source.kind][source.format], problems, reterr);

		if (r == -OSHA_E_NOMEM) {
			tell_templates_free(ret);
			return r;
		}
		worst = r < 0 ? r : worst;
	}
	return worst;
}

int tell_folder_check(const struct config *cfg, struct config_problems *problems, struct osha_err *reterr)
{
	TELL_TEMPLATES_AUTO struct tell_templates templates = {0};

	return tell_folder_load(cfg, &templates, problems, reterr);
}
