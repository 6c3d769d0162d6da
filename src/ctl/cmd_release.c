/* SPDX-License-Identifier: Apache-2.0 */
/* osha release: a held recovery goes on. */
#include <stdio.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("release")};
	char done[OPERAND_SIZE_MAX + 40];

	cJSON_AddStringToObject(q.request, "recovery", c->operands[0]);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "recovery %s: released", c->operands[0]);
	return ask_order(c, &q, done, reterr);
}

const struct command command_release = {
    .name = "release",
    .operands = "ID",
    .operand_min = 1,
    .operand_max = 1,
    .summary = "Let a held recovery try again now, and let the rule against mass failures not hold it again.",
    .doc = "A release never makes a proof: the host still has to be fenced before anything is evacuated.",
    .run = run,
};
