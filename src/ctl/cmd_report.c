/* SPDX-License-Identifier: Apache-2.0 */
/* osha report: comparisons over what the journal remembers. */
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	(void)c;
	return archive_observed(a, ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("observed"), .archive = from_journal};

	return ask_and_show(c, &q, text_observed, reterr);
}

const struct command command_report_observed = {
    .name = "report observed",
    .operands = "",
    .summary = "List each death that was only observed (mode: observe): what Osha would have done, and what followed.",
    .doc =
	"What followed is what Osha saw until the host was alive again: what its fence device read, that an operator "
	"forced it down in Nova, when a monitor saw it alive. What it did not see is not guessed.",
    .run = run,
};
