/* SPDX-License-Identifier: Apache-2.0 */
/* osha config: the configuration without a daemon. */
#include "base/json.h"
#include "config/explain.h"
#include "ctl/ask.h"
#include "tell/template_folder.h"

#define CONFIG_DEFAULT "/etc/osha/osha.yaml"

static const char *file_of(const struct ctl *c)
{
	return c->operand_n ? c->operands[0] : c->config_path ? c->config_path : CONFIG_DEFAULT;
}

static cJSON *problems_json(const struct config_problems *problems)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t k = 0; k < problems->n; k++) {
		const struct config_problem *p = &problems->items[k];
		cJSON *o = cJSON_CreateObject();

		cJSON_AddStringToObject(o, "level", p->is_warning ? "warning" : "error");
		cJSON_AddNumberToObject(o, "line", p->line);
		cJSON_AddNumberToObject(o, "column", p->column);
		cJSON_AddStringToObject(o, "text", p->text);
		cJSON_AddItemToArray(a, o);
	}
	return a;
}

static void problems_text(const struct config_problems *problems, const char *file, struct strbuf *sb)
{
	size_t more = problems->error_n + problems->warning_n - problems->n;

	for (size_t k = 0; k < problems->n; k++) {
		strbuf_puts(sb, problems->items[k].is_warning ? "warning: " : "error: ");
		text_line(sb, problems->items[k].text);
		strbuf_puts(sb, "\n");
	}
	if (more)
		strbuf_printf(sb, "and %zu more\n", more);
	strbuf_printf(sb, "%s: %zu error%s, %zu warning%s\n", file, problems->error_n,
	    problems->error_n == 1 ? "" : "s", problems->warning_n, problems->warning_n == 1 ? "" : "s");
}

static int run_check(struct ctl *c, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	CONFIG_AUTO struct config *cfg = NULL;
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	JSON_AUTO cJSON *o = cJSON_CreateObject();
	int r = config_load(file_of(c), &cfg, &problems, reterr), shown;

	if (r == 0)
		r = tell_folder_check(cfg, &problems, reterr);
	if (r < 0 && r != -OSHA_E_CONFIG)
		return r;
	if (c->is_json) {
		cJSON_AddBoolToObject(o, "ok", r == 0);
		cJSON_AddStringToObject(o, "file", file_of(c));
		cJSON_AddNumberToObject(o, "errors_n", (double)problems.error_n);
		cJSON_AddNumberToObject(o, "warnings_n", (double)problems.warning_n);
		cJSON_AddItemToObject(o, "problems", problems_json(&problems));
		shown = ask_show(c, o, NULL, reterr);
	} else {
		problems_text(&problems, file_of(c), &sb);
		shown = print_out(&sb, reterr);
	}
	return shown != EXIT_WELL ? shown : r < 0 ? EXIT_WRONG : EXIT_WELL;
}

static int run_sample(struct ctl *c, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	config_sample(&sb);
	return print_out(&sb, reterr);
}

static int run_explain(struct ctl *c, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	int r = config_explain(c->operand_n ? c->operands[0] : "", &sb, reterr);

	return r == -OSHA_E_NOTFOUND ? print_refusal(c, reterr->msg, EXIT_WRONG) : r < 0 ? r : print_out(&sb, reterr);
}

static int run_show(struct ctl *c, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	CONFIG_AUTO struct config *cfg = NULL;
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	int r = config_load(file_of(c), &cfg, &problems, reterr);

	if (r < 0)
		return osha_err_wrap(reterr, "see `osha config check %.200s`", file_of(c));
	config_show(cfg, &sb);
	return print_out(&sb, reterr);
}

const struct command command_config_check = {
    .name = "config check",
    .operands = "[FILE]",
    .operand_max = 1,
    .summary =
	"Check a configuration and print every error and warning with its line, what was expected and what to do.",
    .doc = "FILE is the one that --config names, else /etc/osha/osha.yaml. Templates for mails are checked as well, "
	   "once the "
	   "file itself is in order. The cloud and the fence devices are not asked. "
	   "Ends with 2 when there is an error.",
    .run = run_check,
};

const struct command command_config_sample = {
    .name = "config sample",
    .operands = "",
    .summary = "Print a commented sample configuration.",
    .doc = "It loads as it stands; a line becomes live when its # is removed.",
    .run = run_sample,
};

const struct command command_config_explain = {
    .name = "config explain",
    .operands = "[OPTION]",
    .operand_max = 1,
    .summary = "Explain one option, or all options of a section; without OPTION, every one.",
    .doc = "OPTION is written as in messages: evacuation.per-host, segments.fencing.timeout.",
    .run = run_explain,
};

const struct command command_config_show = {
    .name = "config show",
    .operands = "[FILE]",
    .operand_max = 1,
    .summary = "Print a configuration with every default filled in.",
    .doc = "Of secrets only the source is shown.",
    .run = run_show,
};
