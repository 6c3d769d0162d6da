/* SPDX-License-Identifier: Apache-2.0 */
/* osha approve: the yes that a segment with mode: ask waits for. */
#include <stdio.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("approve")};
	char done[OPERAND_SIZE_MAX + 40];

	cJSON_AddStringToObject(q.request, "recovery", c->operands[0]);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "recovery %s: approved", c->operands[0]);
	return ask_order(c, &q, done, reterr);
}

const struct command command_approve = {
    .name = "approve",
    .operands = "ID",
    .operand_min = 1,
    .operand_max = 1,
    .summary = "Let a recovery that is held for approval fence its host and go on. Who said so is recorded.",
    .doc = "It lifts this one hold of this one recovery: the host is looked at again, and every other rule that could "
	   "hold the fence back still counts. A recovery that waits for no approval refuses it.",
    .run = run,
};
