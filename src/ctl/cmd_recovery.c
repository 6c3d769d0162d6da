/* SPDX-License-Identifier: Apache-2.0 */
/* osha recovery show: everything about one. */
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_recovery(a, c->operands[0], ret_json, reterr);
}

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("recovery"), .archive = from_journal};

	cJSON_AddStringToObject(q.request, "recovery", c->operands[0]);
	return ask_and_show(c, &q, text_recovery, reterr);
}

const struct command command_recovery_show = {
    .name = "recovery show",
    .operands = "ID",
    .operand_min = 1,
    .operand_max = 1,
    .summary =
	"Show one recovery: every step with its time and reason, the proof, each instance and its end, the mails.",
    .doc = "The JSON also has each instance's own steps and the lines of the journal that only count attempts.",
    .run = run,
};
