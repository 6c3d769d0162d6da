/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon is asked first; when nobody answers, the journal is, and that is said. */
#include "ctl/ask.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/places.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/usock.h"

#define CONFIG_DEFAULT "/etc/osha/osha.yaml"
#define JOURNAL_NAME   "journal.db" /* in the state directory, as oshad makes it */

enum { PATH_SIZE = 512 };

struct place {
	char socket[PATH_SIZE], journal[PATH_SIZE];
};

/* A file that cannot be read is an error only when somebody named it; the socket may still be given. */
static int find_place(const struct ctl *c, struct place *ret, struct osha_err *reterr)
{
	const char *path = c->config_path ? c->config_path : io_file_exists(CONFIG_DEFAULT) ? CONFIG_DEFAULT : NULL;
	struct config_places places;
	int r = config_places_find(path, &places, reterr);

	if (r < 0 && c->config_path && !c->socket_path)
		return r;
	str_copy(ret->socket, sizeof(ret->socket), c->socket_path ? c->socket_path : places.socket);
	snprintf(ret->journal, sizeof(ret->journal), "%.400s/%s", c->state_dir ? c->state_dir : places.state_dir,
	    JOURNAL_NAME);
	return 0;
}

cJSON *ask_request(const char *command)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "command", command);
	return o;
}

/* What the daemon answered: its own refusals are exit statuses, nonsense is an error. */
static int take_answer(const struct ctl *c, char *line, cJSON **ret_answer, struct osha_err *reterr)
{
	JSON_AUTO cJSON *answer = NULL;
	int r = json_parse(line, strlen(line), &answer, reterr), status;
	const cJSON *problem, *problems = NULL;

	if (r < 0)
		return osha_err_wrap(reterr, "the daemon's answer");
	if (json_bool(answer, "ok", false)) {
		*ret_answer = answer;
		answer = NULL;
		return EXIT_WELL;
	}
	status = (int)json_int(answer, "status", EXIT_BROKEN);
	problems = json_array(answer, "problems");
	if (c->is_json && problems)
		return ask_show(c, answer, NULL, reterr) < 0 ? EXIT_BROKEN : status;
	cJSON_ArrayForEach(problem, problems)
	    print_complaint(json_str(problem, "level", "error"), json_str(problem, "text", "?"));
	return print_refusal(c, json_str(answer, "error", "the daemon refused without a reason"),
	    status >= 1 && status <= 4 ? status : 1);
}

static int ask_journal(
    const struct ctl *c, const struct place *at, archive_fn fn, cJSON **ret_answer, struct osha_err *reterr)
{
	const struct archive a = {.path = at->journal, .wall_ms = io_wall_ms()};
	int r;

	if (!io_file_exists(at->journal)) {
		char text[2 * PATH_SIZE];

		snprintf(text, sizeof(text),
		    "%s%.400s%sthere is no journal at %.400s: start oshad, or name its configuration with --config",
		    c->state_dir && !c->socket_path ? "" : "no daemon answers at ",
		    c->state_dir && !c->socket_path ? "" : at->socket, c->state_dir && !c->socket_path ? "" : ", and ",
		    at->journal);
		return print_refusal(c, text, EXIT_UNREACHED);
	}
	r = fn(&a, c, ret_answer, reterr);
	if (r == -OSHA_E_NOTFOUND)
		return print_refusal(c, reterr->msg, EXIT_WRONG);
	return r < 0 ? osha_err_wrap(reterr, "read the journal") : EXIT_WELL;
}

static int ask_daemon(
    const struct ctl *c, const struct place *at, const struct question *q, cJSON **ret_answer, struct osha_err *reterr)
{
	STR_AUTO char *line = cJSON_PrintUnformatted(q->request), *answer = NULL;
	int r;

	cJSON_Delete(q->request);
	if (!line)
		return osha_err_set(reterr, OSHA_E_NOMEM, "ask the daemon");
	r = io_usock_call(at->socket, line, q->timeout_ms ? q->timeout_ms : ASK_SOON_MS, &answer, reterr);
	return r < 0 ? r : take_answer(c, answer, ret_answer, reterr);
}

static int unreached(const struct ctl *c, const struct place *at, int r, const struct osha_err *err)
{
	char text[2 * PATH_SIZE];

	if (r == -OSHA_E_NOTFOUND)
		snprintf(text, sizeof(text),
		    "no daemon answers at %.400s, and this needs one: start oshad, or name its socket with --socket",
		    at->socket);
	else if (r == -OSHA_E_REFUSED)
		snprintf(text, sizeof(text),
		    "you may not open %.400s: call osha as root or as a member of the socket's group", at->socket);
	else
		snprintf(text, sizeof(text), "the daemon at %.300s: %s", at->socket, err->msg);
	return print_refusal(c, text, EXIT_UNREACHED);
}

int ask(const struct ctl *c, struct question *q, cJSON **ret_answer, struct osha_err *reterr)
{
	struct place at;
	int r = find_place(c, &at, reterr);

	if (r < 0 || (c->state_dir && !c->socket_path && q->archive))
		cJSON_Delete(q->request);
	if (r < 0)
		return r;
	if (c->state_dir && !c->socket_path && q->archive)
		return ask_journal(c, &at, q->archive, ret_answer, reterr);
	r = ask_daemon(c, &at, q, ret_answer, reterr);
	if (r >= 0)
		return r;
	if (r == -OSHA_E_NOTFOUND && q->archive) {
		if (io_file_exists(at.journal))
			fprintf(stderr, "no daemon answers at %s: reading the journal\n", at.socket);
		return ask_journal(c, &at, q->archive, ret_answer, reterr);
	}
	if (r == -OSHA_E_NOTFOUND || r == -OSHA_E_REFUSED || r == -OSHA_E_TIMEOUT || r == -OSHA_E_NET ||
	    r == -OSHA_E_IO)
		return unreached(c, &at, r, reterr);
	return r;
}

int ask_show(const struct ctl *c, const cJSON *answer, text_fn text, struct osha_err *reterr)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	if (c->is_json) {
		STR_AUTO char *line = cJSON_PrintUnformatted(answer);

		strbuf_puts(&sb, line);
		strbuf_puts(&sb, "\n");
		sb.failed = sb.failed || !line;
	} else {
		text(answer, &c->style, &sb);
	}
	return print_out(&sb, reterr);
}

int ask_and_show(const struct ctl *c, struct question *q, text_fn text, struct osha_err *reterr)
{
	JSON_AUTO cJSON *answer = NULL;
	int r = ask(c, q, &answer, reterr);

	return r == EXIT_WELL ? ask_show(c, answer, text, reterr) : r;
}

int ask_order(const struct ctl *c, struct question *q, const char *done, struct osha_err *reterr)
{
	JSON_AUTO cJSON *answer = NULL;
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	int r = ask(c, q, &answer, reterr);

	if (r != EXIT_WELL)
		return r;
	if (c->is_json)
		return ask_show(c, answer, NULL, reterr);
	strbuf_printf(
	    &sb, "%s%s%s\n", done, answer && json_str(answer, "said", NULL) ? ": " : "", json_str(answer, "said", ""));
	return print_out(&sb, reterr);
}

int ask_order_of_recovery(const struct ctl *c, const char *command, const char *done, struct osha_err *reterr)
{
	struct question q = {.request = ask_request(command)};
	char said[OPERAND_SIZE_MAX + 40];

	cJSON_AddStringToObject(q.request, "recovery", c->operands[0]);
	cJSON_AddStringToObject(q.request, "login", login_name());
	snprintf(said, sizeof(said), "recovery %s: %s", c->operands[0], done);
	return ask_order(c, &q, said, reterr);
}
