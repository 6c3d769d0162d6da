/* SPDX-License-Identifier: Apache-2.0 */
/* osha reload: the configuration anew, whole or not at all. */
#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("reload"), .timeout_ms = ASK_LONG_MS};

	return ask_order(c, &q, "the new configuration is in use", reterr);
}

const struct command command_reload = {
    .name = "reload",
    .operands = "",
    .summary = "Let the daemon read its configuration again: it takes all of it over, or none.",
    .doc = "Waits for the outcome and prints every error that kept the old configuration in use.",
    .run = run,
};
