/* SPDX-License-Identifier: Apache-2.0 */
/* osha suspend: nothing is fenced for a while. */
#include <stdio.h>

#include "ctl/ask.h"
#include "ctl/until.h"
#include "io/loop.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {0};
	char done[OPERAND_SIZE_MAX + 160], text[CALENDAR_TEXT_SIZE];
	int64_t until_wall_ms;
	int until = until_read(c, io_wall_ms(), &until_wall_ms, reterr);

	if (until < 0)
		return until;
	if (until == UNTIL_NONE)
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "expected --for DURATION or --until TIME, so that it is not forgotten; --until resumed means for "
		    "good");
	q.request = ask_request("suspend");
	if (c->segment)
		cJSON_AddStringToObject(q.request, "segment", c->segment);
	if (until == UNTIL_MOMENT)
		until_add(q.request, until_wall_ms);
	if (c->operand_n)
		cJSON_AddStringToObject(q.request, "reason", c->operands[0]);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "fencing of %s%.100s is suspended until %s",
	    c->segment ? "segment " : "every host", c->segment ? c->segment : "",
	    until == UNTIL_MOMENT ? calendar_text(until_wall_ms, text) : "somebody says `osha resume`");
	return ask_order(c, &q, done, reterr);
}

const struct command command_suspend = {
    .name = "suspend",
    .operands = "[REASON]",
    .operand_min = 0,
    .operand_max = 1,
    .options = OPT_UNTIL | OPT_SEGMENT,
    .summary = "Fence nothing for a while: deaths are told and held, and go on by themselves when it is over.",
    .doc =
	"Says how long: --for 2h, --until 18:00 or --until \"2026-12-24 18:00\" (UTC), or --until resumed, for good. "
	"With "
	"--segment NAME for one segment alone. Said anew, the newer word counts.\n"
	"Hosts that are proven dead already are evacuated to the end, and one that is seen on before that is powered "
	"off again. `osha confirm-dead` still works. The order is in the journal before it is confirmed, with your "
	"name, your uid and the reason; `osha status` shows it.",
    .run = run,
};
