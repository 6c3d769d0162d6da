/* SPDX-License-Identifier: Apache-2.0 */
/* osha hosts: every compute host in one line. */
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_hosts(a, ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("hosts"), .archive = from_journal};

	return ask_and_show(c, &q, text_hosts, reterr);
}

const struct command command_hosts = {
    .name = "hosts",
    .operands = "",
    .summary = "List every compute host: verdict, nova-compute's state, whether it could be fenced, its recovery, the "
	       "evidence.",
    .doc = "From a journal only the hosts that it has met are listed, and the verdict of each is unknown.",
    .run = run,
};
