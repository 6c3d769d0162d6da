/* SPDX-License-Identifier: Apache-2.0 */
/* osha maintenance: a host that is not to be fenced. */
#include <stdio.h>

#include "base/strbuf.h"
#include "ctl/ask.h"

static int run(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("maintenance")};
	bool is_on = str_eq(c->operands[1], "on");
	char done[OPERAND_SIZE_MAX + 40];

	if (!is_on && !str_eq(c->operands[1], "off")) {
		cJSON_Delete(q.request);
		return osha_err_set(
		    reterr, OSHA_E_USAGE, "expected on or off behind the host, found \"%.60s\"", c->operands[1]);
	}
	cJSON_AddStringToObject(q.request, "host", c->operands[0]);
	cJSON_AddBoolToObject(q.request, "on", is_on);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(done, sizeof(done), "%s: maintenance %s", c->operands[0], is_on ? "on" : "off");
	return ask_order(c, &q, done, reterr);
}

const struct command command_maintenance = {
    .name = "maintenance",
    .operands = "HOST on|off",
    .operand_min = 2,
    .operand_max = 2,
    .summary = "Put a host into maintenance, or take it out: in maintenance it is never fenced, its death is told of.",
    .doc = "The order is in the journal before it is confirmed. Who gave it is recorded.",
    .run = run,
};
