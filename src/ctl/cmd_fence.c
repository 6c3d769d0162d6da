/* SPDX-License-Identifier: Apache-2.0 */
/* osha fence: could each host be fenced now, and do its devices answer? */
#include "base/json.h"
#include "ctl/ask.h"

static int from_journal(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_fences(a, ret_json, reterr);
}

static int run_status(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("fence-status"), .archive = from_journal};

	return ask_and_show(c, &q, text_fences, reterr);
}

static int run_test(struct ctl *c, struct osha_err *reterr)
{
	struct question q = {.request = ask_request("fence-test"), .timeout_ms = ASK_LONG_MS};
	JSON_AUTO cJSON *answer = NULL;
	int r;

	cJSON_AddStringToObject(q.request, "host", c->operands[0]);
	r = ask(c, &q, &answer, reterr);
	if (r == EXIT_WELL)
		r = ask_show(c, answer, text_fence_test, reterr);
	return r == EXIT_WELL && !json_bool(answer, "all_on", false) ? EXIT_NOT_DONE : r;
}

const struct command command_fence_status = {
    .name = "fence status",
    .operands = "",
    .summary = "Tell of every host whether it could be fenced now, by which levels, and if not, why.",
    .doc = "A level counts once its device has read on while the host was alive; until then nobody knows that it is "
	   "this host's.",
    .run = run_status,
};

const struct command command_fence_test = {
    .name = "fence test",
    .operands = "HOST",
    .operand_min = 1,
    .operand_max = 1,
    .summary = "Read the power on every fence level of a host now. Nothing is ever switched.",
    .doc = "Ends with 3 unless each device reads on.",
    .run = run_test,
};
