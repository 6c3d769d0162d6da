/* SPDX-License-Identifier: Apache-2.0 */
/* osha status: is anything down, is anything held? */
#include "base/json.h"
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_status(a, ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("status"), .archive = from_journal};
	JSON_AUTO cJSON *answer = NULL;
	int r = ask(c, &q, &answer, reterr);

	if (r == EXIT_WELL)
		r = ask_show(c, answer, text_status, reterr);
	return r == EXIT_WELL && json_int(answer, "held_n", 0) ? EXIT_NOT_DONE : r;
}

const struct command command_status = {
    .name = "status",
    .operands = "",
    .summary = "Show the daemon, the hosts by verdict, the monitors and the open recoveries.",
    .doc = "Ends with 3 when a recovery is held, so that a cron job or a monitoring check can use it as it is.",
    .run = run,
};
