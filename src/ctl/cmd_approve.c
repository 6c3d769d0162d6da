/* SPDX-License-Identifier: Apache-2.0 */
/* osha approve: the yes that a segment with mode: ask waits for. */
#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	return ask_order_of_recovery(c, "approve", "approved", reterr);
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
