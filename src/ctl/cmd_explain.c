/* SPDX-License-Identifier: Apache-2.0 */
/* osha explain: why a host is where it is. */
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_explain(a, c->operands[0], ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("explain"), .archive = from_journal};

	cJSON_AddStringToObject(q.request, "host", c->operands[0]);
	return ask_and_show(c, &q, text_explain, reterr);
}

const struct command command_explain = {
    .name = "explain",
    .operands = "HOST",
    .operand_min = 1,
    .operand_max = 1,
    .summary =
	"Tell what is believed of a host and on whose evidence, what would be done next, and what holds that back.",
    .doc = "HOST is the exact name that Nova gives its nova-compute service.",
    .run = run,
};
