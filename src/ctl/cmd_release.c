/* SPDX-License-Identifier: Apache-2.0 */
/* osha release: a held recovery goes on. */
#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	return ask_order_of_recovery(c, "release", "released", reterr);
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
