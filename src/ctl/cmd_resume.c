/* SPDX-License-Identifier: Apache-2.0 */
/* osha resume: a suspension is over. */
#include <stdio.h>

#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("resume")};
	char done[OPERAND_SIZE_MAX + 60];

	if (c->segment)
		cJSON_AddStringToObject(q.request, "segment", c->segment);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "fencing of %s%.100s is resumed", c->segment ? "segment " : "every host",
	    c->segment ? c->segment : "");
	return ask_order(c, &q, done, reterr);
}

const struct command command_resume = {
    .name = "resume",
    .operands = "",
    .operand_min = 0,
    .operand_max = 0,
    .options = OPT_SEGMENT,
    .summary = "End a suspension: what it held is looked at anew and goes on by itself.",
    .doc = "Ends the word that suspended every host, or with --segment NAME the one of that segment; each is ended by "
	   "itself.",
    .run = run,
};
