/* SPDX-License-Identifier: Apache-2.0 */
/* osha confirm-dead: the operator's word in place of a reading. */
#include <stdio.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("confirm-dead")};
	char done[OPERAND_SIZE_MAX + 40];

	cJSON_AddStringToObject(q.request, "host", c->operands[0]);
	if (c->despite_life)
		cJSON_AddStringToObject(q.request, "despite_life", c->despite_life);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "%s: confirmed dead", c->operands[0]);
	return ask_order(c, &q, done, reterr);
}

const struct command command_confirm_dead = {
    .name = "confirm-dead",
    .operands = "HOST",
    .operand_min = 1,
    .operand_max = 1,
    .options = OPT_DESPITE_LIFE,
    .summary = "Give your word that a host is powered off, where no fence device can prove it: its instances are "
	       "evacuated at once.",
    .doc =
	"If the host still runs, its instances will run twice and destroy their disks. Cut its power by hand first.\n"
	"Refused while any monitor sees the host alive; --despite-life REASON overrules that. Your name, your uid and "
	"the "
	"reason are recorded as the proof.",
    .run = run,
};
