/* SPDX-License-Identifier: Apache-2.0 */
/* osha maintenance: a host that is not to be fenced. */
#include <stdio.h>

#include "base/strbuf.h"
#include "ctl/ask.h"
#include "ctl/until.h"
#include "io/loop.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {0};
	bool is_on = str_eq(c->operands[1], "on");
	char done[OPERAND_SIZE_MAX + 80], text[CALENDAR_TEXT_SIZE];
	int64_t until_wall_ms;
	int until = until_read(c, io_wall_ms(), &until_wall_ms, reterr);

	if (until < 0)
		return until;
	if (!is_on && !str_eq(c->operands[1], "off"))
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "expected on or off behind the host, found \"%.60s\"", c->operands[1]);
	if (until == UNTIL_RESUMED || (until == UNTIL_MOMENT && !is_on))
		return osha_err_set(reterr, OSHA_E_USAGE,
		    "expected a duration or a time behind on, or nothing: it lasts until `osha maintenance %.60s off` "
		    "then",
		    c->operands[0]);
	q.request = ask_request("maintenance");
	cJSON_AddStringToObject(q.request, "host", c->operands[0]);
	cJSON_AddBoolToObject(q.request, "on", is_on);
	cJSON_AddStringToObject(q.request, "login", login_name());
	if (until == UNTIL_MOMENT)
		until_add(q.request, until_wall_ms);
	snprintf(done, sizeof(done), "%s: maintenance %s%s%s", c->operands[0], is_on ? "on" : "off",
	    until == UNTIL_MOMENT ? " until " : "", until == UNTIL_MOMENT ? calendar_text(until_wall_ms, text) : "");
	return ask_order(c, &q, done, reterr);
}

const struct command command_maintenance = {
    .name = "maintenance",
    .operands = "HOST on|off",
    .operand_min = 2,
    .operand_max = 2,
    .summary = "Put a host into maintenance, or take it out: in maintenance it is never fenced, its death is told of.",
    .options = OPT_UNTIL,
    .doc = "The order is in the journal before it is confirmed. Who gave it is recorded.\n"
	   "With --for 2h, --until 18:00 or --until \"2026-12-24 18:00\" (UTC) it ends by itself, so that a forgotten "
	   "one does not leave the host unprotected for good. Said anew, the newer word counts.",
    .run = run,
};
