/* SPDX-License-Identifier: Apache-2.0 */
/* osha recoveries: the open ones, or all. */
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_recoveries(a, c->has_all, ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("recoveries"), .archive = from_journal};

	cJSON_AddBoolToObject(q.request, "all", c->has_all);
	return ask_and_show(c, &q, text_recoveries, reterr);
}

const struct command command_recoveries = {
    .name = "recoveries",
    .operands = "",
    .options = OPT_ALL,
    .summary = "List the open recoveries; with --all the ended ones too, as far back as the journal goes.",
    .doc = "A recovered host stays listed as open until it was taken back into service.",
    .run = run,
};
