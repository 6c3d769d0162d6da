/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in, answers out: a request is judged against its row before anything is done with it. */
#include "daemon/control_socket.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "daemon/control_part.h"
#include "io/log.h"

enum { KEY_MAX = 4, TEXT_MAX = 256, SOCKET_MODE = 0660 };

struct control_key {
	const char *name;
	bool is_bool, is_required;
};

static const struct control_row {
	const char *command;
	bool is_order; /* taken from whom io_usock_is_trusted() says only */
	control_fn fn;
	struct control_key keys[KEY_MAX];
} rows[] = {
    {"status", false, control_status, {{0}}},
    {"hosts", false, control_hosts, {{0}}},
    {"fence-status", false, control_fences, {{0}}},
    {"recoveries", false, control_recoveries, {{"all", true, false}}},
    {"recovery", false, control_recovery, {{"recovery", false, true}}},
    {"observed", false, control_observed, {{0}}},
    {"explain", false, control_explain, {{"host", false, true}}},
    {"fence-test", true, control_fence_test, {{"host", false, true}}},
    {"maintenance", true, control_maintenance,
	{{"host", false, true}, {"on", true, true}, {"until", false, false}, {"login", false, false}}},
    {"release", true, control_release, {{"recovery", false, true}, {"login", false, false}}},
    {"approve", true, control_approve, {{"recovery", false, true}, {"login", false, false}}},
    {"confirm-dead", true, control_confirm_dead,
	{{"host", false, true}, {"despite_life", false, false}, {"login", false, false}}},
    {"reload", true, control_reload, {{0}}},
    {"suspend", true, control_suspend,
	{{"segment", false, false}, {"until", false, false}, {"reason", false, false}, {"login", false, false}}},
    {"resume", true, control_resume, {{"segment", false, false}, {"login", false, false}}},
};

void control_reply(struct control *c, uint64_t client, cJSON *answer)
{
	STR_AUTO char *line = answer ? cJSON_PrintUnformatted(answer) : NULL;

	cJSON_Delete(answer);
	control_reply_line(c, client, line);
}

void control_reply_line(struct control *c, uint64_t client, const char *line)
{
	static const char none[] = "{\"ok\":false,\"error\":\"out of memory\",\"status\":1}";

	if (line)
		(void)io_usock_reply(c->server, client, line, strlen(line)); /* whoever left does not miss it */
	else
		(void)io_usock_reply(c->server, client, none, strlen(none));
}

void control_refuse(struct control *c, uint64_t client, int status, const char *fmt, ...)
{
	cJSON *o = cJSON_CreateObject();
	char text[OSHA_ERR_MSG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddBoolToObject(o, "ok", false);
	cJSON_AddStringToObject(o, "error", text);
	cJSON_AddNumberToObject(o, "status", status);
	control_reply(c, client, o);
}

static const struct control_key *key_of(const struct control_row *row, const char *name)
{
	for (size_t k = 0; k < KEY_MAX && row->keys[k].name; k++) {
		if (str_eq(row->keys[k].name, name))
			return &row->keys[k];
	}
	return NULL;
}

static bool is_of_type(const cJSON *value, const struct control_key *key)
{
	if (key->is_bool)
		return cJSON_IsBool(value);
	return cJSON_IsString(value) && value->valuestring[0] && strlen(value->valuestring) < TEXT_MAX;
}

/* A key twice, a stranger's key or another type: the asker means something else than we do, and an order is no place to guess. */
static const char *fault_of(const struct control_row *row, const cJSON *request)
{
	const cJSON *x;

	cJSON_ArrayForEach(x, request)
	{
		const struct control_key *key = key_of(row, x->string);

		if (cJSON_GetObjectItemCaseSensitive(request, x->string) != x)
			return "a key stands in it twice";
		if (str_eq(x->string, "command"))
			continue;
		if (!key)
			return "it has a key that this command does not know";
		if (!is_of_type(x, key))
			return "a value is not of its key's type, is empty, or has more than 255 bytes";
	}
	for (size_t k = 0; k < KEY_MAX && row->keys[k].name; k++) {
		if (row->keys[k].is_required && !cJSON_GetObjectItemCaseSensitive(request, row->keys[k].name))
			return "a key that this command needs is missing";
	}
	return NULL;
}

static const struct control_row *row_of(const char *command)
{
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		if (str_eq(rows[k].command, command))
			return &rows[k];
	}
	return NULL;
}

static void take(struct control *c, const struct io_usock_peer *peer, const cJSON *request)
{
	const struct control_request q = {peer, request};
	const struct control_row *row = row_of(json_str(request, "command", ""));
	const char *fault = row ? fault_of(row, request) : NULL;

	if (!row)
		control_refuse(c, peer->client, REFUSED_WRONG,
		    "expected a command that this daemon knows; is osha of another version than oshad?");
	else if (fault)
		control_refuse(c, peer->client, REFUSED_WRONG, "request not understood: %s", fault);
	else if (row->is_order && !io_usock_is_trusted(c->server, peer->client))
		control_refuse(c, peer->client, REFUSED_HELD,
		    "uid %u may ask but not order: be root or a member of the socket's group", (unsigned)peer->uid);
	else
		row->fn(c, &q);
}

static void line_came(void *arg, const struct io_usock_peer *peer, const char *line, size_t size)
{
	struct control *c = arg;
	JSON_AUTO cJSON *request = NULL;
	struct osha_err err = {0};

	if (size > CONTROL_LINE_MAX_BYTES)
		control_refuse(c, peer->client, REFUSED_WRONG, "request longer than %d bytes", CONTROL_LINE_MAX_BYTES);
	else if (json_parse(line, size, &request, &err) < 0 || !cJSON_IsObject(request))
		control_refuse(c, peer->client, REFUSED_WRONG, "expected one JSON object in a line");
	else
		take(c, peer, request);
}

int control_open(struct daemon *d, struct osha_err *reterr)
{
	struct control *c = calloc(1, sizeof(*c));
	const struct io_usock_spec spec = {.path = d->cfg->socket, .mode = SOCKET_MODE, .fn = line_came, .arg = c};
	int r;

	if (!c)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the control socket");
	d->control = c;
	c->d = d;
	c->started_wall_ms = io_wall_ms();
	r = control_desks_open(c, reterr);
	if (r == 0)
		r = io_usock_create(d->loop, &spec, &c->server, reterr);
	if (r < 0)
		control_close(d);
	return r < 0 ? osha_err_wrap(reterr, "control socket %s", d->cfg->socket) : 0;
}

void control_close(struct daemon *d)
{
	struct control *c = d->control;

	if (!c)
		return;
	d->control = NULL;
	control_tests_close(c);
	control_orders_close(c);
	control_desks_close(c);
	io_usock_destroy(c->server);
	free(c);
}
