/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's words. One is confirmed only once the journal holds it: an operator who was told "in maintenance" pulls cables, and a
 * daemon that is killed a moment later must still know.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "daemon/control_part.h"

enum { WAIT_MS = 8000, AGAIN_MS = 20 };

/* The name is what the caller says of himself, the uid is the kernel's word; both are recorded, so that neither stands alone. */
static void who_is(const struct control_request *q, char *ret)
{
	const char *login = json_str(q->json, "login", "?");
	char name[24];
	size_t n = 0;

	for (; login[n] && n < sizeof(name) - 1; n++)
		name[n] = isalnum((unsigned char)login[n]) || strchr("._-", login[n]) ? login[n] : '?';
	name[n] = '\0';
	snprintf(ret, CONTROL_WHO_SIZE, "%s (uid %u)", name, (unsigned)q->peer->uid);
}

static void wait_end(struct control_wait *w)
{
	io_timer_stop(&w->again);
	w->is_used = false;
}

static void wait_failed(struct control_wait *w, const char *why)
{
	wait_end(w);
	control_refuse(w->c, w->client, REFUSED_INTERNAL,
	    "the order was taken, but the journal does not hold it (%s): it is lost if the daemon ends now", why);
}

static void wait_read(void *arg)
{
	struct control_wait *w = arg;
	struct osha_err err = {0};

	w->seq = ++w->c->read_seq;
	if (io_now_ms(w->c->d->loop) >= w->give_up_ms)
		wait_failed(w, "it does not answer");
	else if (journal_read(w->c->d->journal, w->seq, w->key, &err) < 0)
		wait_failed(w, err.msg);
}

/* Does the durable record say what was ordered? An earlier state of it may still be ahead of ours in the queue. */
static bool is_durable(const struct control_wait *w, const struct record *r)
{
	if (!r)
		return false;
	switch (w->verb) {
	case OPERATOR_MAINTENANCE_ON:
	case OPERATOR_MAINTENANCE_OFF:
		return r->host.maintenance == (w->verb == OPERATOR_MAINTENANCE_ON) &&
		       r->host.maintenance_until_wall_ms == w->until_wall_ms && str_eq(r->host.maintenance_by, w->who);
	case OPERATOR_SUSPEND:
	case OPERATOR_RESUME:
		return r->suspension.is_on == (w->verb == OPERATOR_SUSPEND) && str_eq(r->suspension.by, w->who) &&
		       (w->verb == OPERATOR_RESUME || r->suspension.until_wall_ms == w->until_wall_ms);
	case OPERATOR_CONFIRM_DEAD:
		return r->recovery.proof.kind == PROOF_OPERATOR;
	case OPERATOR_APPROVE:
		return r->recovery.approved_by[0] != '\0';
	default:
		return r->recovery.operator_go || r->recovery.let_go || r->recovery.row != HOST_ROW_HELD;
	}
}

static void wait_done(struct control_wait *w, const struct record *r)
{
	bool has_recovery = r->type == RECORD_RECOVERY;
	cJSON *o = cJSON_CreateObject();
	char said[ENGINE_TEXT_SIZE];

	if (!has_recovery)
		snprintf(said, sizeof(said), "recorded as the word of %s", w->who);
	else
		snprintf(said, sizeof(said), "recovery %s is %s; recorded as the word of %s", r->recovery.id,
		    host_row_name(r->recovery.row), w->who);
	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "source", "daemon");
	cJSON_AddNumberToObject(o, "now_at_ms", (double)io_wall_ms());
	cJSON_AddStringToObject(o, "said", said);
	wait_end(w);
	control_reply(w->c, w->client, o);
}

void control_journal_answer(struct daemon *d, const struct journal_answer *a)
{
	struct control *c = d->control;

	for (size_t k = 0; c && a->op == JOURNAL_OP_READ && k < CONTROL_WAITS_MAX; k++) {
		struct control_wait *w = &c->wait[k];

		if (!w->is_used || w->seq != a->seq)
			continue;
		if (a->outcome != OUTCOME_DONE)
			wait_failed(w, a->err ? a->err->msg : "no reason");
		else if (is_durable(w, a->record))
			wait_done(w, a->record);
		else
			io_timer_start(d->loop, &w->again, AGAIN_MS, 0, wait_read, w);
		return;
	}
}

static struct control_wait *wait_free(struct control *c)
{
	for (size_t k = 0; k < CONTROL_WAITS_MAX; k++) {
		if (!c->wait[k].is_used)
			return &c->wait[k];
	}
	return NULL;
}

/* The key of the record that will show it. */
static bool wait_key(const struct daemon *d, const struct operator_word *word, char *ret)
{
	struct record r = {.type = RECORD_HOST};
	uint32_t host = word->host ? engine_host_find(d->engine, word->host) : UINT32_MAX;
	struct host_snapshot s = {0};

	if (host != UINT32_MAX)
		engine_host_snapshot(d->engine, host, io_now_ms(d->loop), &s);
	if (word->verb == OPERATOR_MAINTENANCE_ON || word->verb == OPERATOR_MAINTENANCE_OFF) {
		str_copy(r.host.name, sizeof(r.host.name), word->host);
	} else if (word->verb == OPERATOR_SUSPEND || word->verb == OPERATOR_RESUME) {
		r.type = RECORD_SUSPENSION;
		str_copy(r.suspension.segment, sizeof(r.suspension.segment),
		    word->segment ? word->segment : SUSPENSION_OF_ALL);
	} else {
		r.type = RECORD_RECOVERY;
		str_copy(r.recovery.id, sizeof(r.recovery.id),
		    word->recovery ? word->recovery
		    : s.recovery   ? s.recovery->id
				   : "");
	}
	return journal_record_key(&r, ret, JOURNAL_KEY_SIZE);
}

static void order(struct control *c, const struct control_request *q, struct operator_word *word)
{
	struct engine_event ev = {.type = ENGINE_OPERATOR};
	struct control_wait *w = wait_free(c);
	struct osha_err err = {0};
	int r;

	if (!w) {
		control_refuse(
		    c, q->peer->client, REFUSED_HELD, "%d orders wait for the journal already", CONTROL_WAITS_MAX);
		return;
	}
	memset(w, 0, sizeof(*w));
	who_is(q, w->who);
	word->who = w->who;
	ev.word = *word;
	r = daemon_event(c->d, &ev, &err);
	if (r != 0) {
		control_refuse(c, q->peer->client,
		    r == OPERATOR_REFUSED     ? REFUSED_HELD
		    : r == OPERATOR_NOT_FOUND ? REFUSED_WRONG
					      : REFUSED_INTERNAL,
		    "%s", err.msg);
		return;
	}
	w->c = c;
	w->is_used = true;
	w->client = q->peer->client;
	w->verb = word->verb;
	w->until_wall_ms = word->verb == OPERATOR_MAINTENANCE_OFF ? 0 : word->until_wall_ms;
	w->give_up_ms = io_now_ms(c->d->loop) + WAIT_MS;
	if (wait_key(c->d, word, w->key))
		wait_read(w);
	else
		wait_failed(w, "the recovery is over already");
}

/* "until" of a request; 0 without one. False: it is no moment, and that has been answered. */
static bool until_read(struct control *c, const struct control_request *q, int64_t *ret_wall_ms)
{
	const char *text = json_str(q->json, "until", "");

	*ret_wall_ms = 0;
	if (!text[0] || (calendar_moment_read(text, ret_wall_ms) && *ret_wall_ms > 0))
		return true;
	control_refuse(c, q->peer->client, REFUSED_WRONG,
	    "expected a moment in UTC such as 2026-12-24 18:00 in until, found \"%.40s\"", text);
	return false;
}

/* Exact names only, as with hosts: a misspelt segment would leave the one that was meant unguarded. */
static bool segment_is_known(struct control *c, const struct control_request *q, const char *segment)
{
	const struct config_segments *all = &c->d->cfg->segments;

	for (size_t k = 0; k < all->n; k++) {
		if (str_eq(all->items[k].name, segment))
			return true;
	}
	control_refuse(c, q->peer->client, REFUSED_WRONG, "no segment is named exactly \"%.100s\"", segment);
	return false;
}

void control_suspend(struct control *c, const struct control_request *q)
{
	struct operator_word word = {.verb = OPERATOR_SUSPEND,
	    .segment = json_str(q->json, "segment", NULL),
	    .reason = json_str(q->json, "reason", "")};

	if ((!word.segment || segment_is_known(c, q, word.segment)) && until_read(c, q, &word.until_wall_ms))
		order(c, q, &word);
}

/* Of a segment that the configuration has no more as well. */
void control_resume(struct control *c, const struct control_request *q)
{
	struct operator_word word = {.verb = OPERATOR_RESUME, .segment = json_str(q->json, "segment", NULL)};

	order(c, q, &word);
}

void control_maintenance(struct control *c, const struct control_request *q)
{
	struct operator_word word = {
	    .verb = json_bool(q->json, "on", false) ? OPERATOR_MAINTENANCE_ON : OPERATOR_MAINTENANCE_OFF,
	    .host = json_str(q->json, "host", "")};

	if (!until_read(c, q, &word.until_wall_ms))
		return;
	if (word.verb == OPERATOR_MAINTENANCE_OFF)
		word.until_wall_ms = 0;
	order(c, q, &word);
}

void control_release(struct control *c, const struct control_request *q)
{
	struct operator_word word = {.verb = OPERATOR_RELEASE, .recovery = json_str(q->json, "recovery", "")};

	order(c, q, &word);
}

void control_approve(struct control *c, const struct control_request *q)
{
	struct operator_word word = {.verb = OPERATOR_APPROVE, .recovery = json_str(q->json, "recovery", "")};

	order(c, q, &word);
}

void control_confirm_dead(struct control *c, const struct control_request *q)
{
	struct operator_word word = {.verb = OPERATOR_CONFIRM_DEAD,
	    .host = json_str(q->json, "host", ""),
	    .despite_life = json_str(q->json, "despite_life", NULL)};

	order(c, q, &word);
}

void control_reload(struct control *c, const struct control_request *q)
{
	if (c->d->next_cfg || c->reload_n == CONTROL_RELOADS_MAX) {
		control_refuse(
		    c, q->peer->client, REFUSED_HELD, "a reload is under way; order it again when it is over");
		return;
	}
	c->reload[c->reload_n++] = q->peer->client;
	daemon_reload(c->d);
}

static cJSON *reload_answer(const char *why, const struct config_problems *problems)
{
	cJSON *o = cJSON_CreateObject(), *all;
	char text[OSHA_ERR_MSG_SIZE + 64];

	snprintf(text, sizeof(text), "%s: the configuration in use stays as it is", why ? why : "");
	cJSON_AddBoolToObject(o, "ok", !why);
	if (why) {
		cJSON_AddStringToObject(o, "error", text);
		cJSON_AddNumberToObject(o, "status", REFUSED_WRONG);
	} else {
		cJSON_AddStringToObject(o, "source", "daemon");
		cJSON_AddNumberToObject(o, "now_at_ms", (double)io_wall_ms());
		cJSON_AddNullToObject(o, "said");
	}
	all = cJSON_AddArrayToObject(o, "problems");
	for (size_t k = 0; k < problems->n; k++) {
		cJSON *x = cJSON_CreateObject();

		cJSON_AddStringToObject(x, "level", problems->items[k].is_warning ? "warning" : "error");
		cJSON_AddNumberToObject(x, "line", problems->items[k].line);
		cJSON_AddNumberToObject(x, "column", problems->items[k].column);
		cJSON_AddStringToObject(x, "text", problems->items[k].text);
		cJSON_AddItemToArray(all, x);
	}
	return o;
}

void control_reload_ended(struct daemon *d, const char *why, const struct config_problems *problems)
{
	struct control *c = d->control;

	while (c && c->reload_n)
		control_reply(c, c->reload[--c->reload_n], reload_answer(why, problems));
}

void control_abandon(struct daemon *d)
{
	for (size_t k = 0; d->control && k < CONTROL_WAITS_MAX; k++) {
		if (d->control->wait[k].is_used)
			wait_failed(&d->control->wait[k], "this daemon leads no more");
	}
}

void control_orders_close(struct control *c)
{
	for (size_t k = 0; k < CONTROL_WAITS_MAX; k++)
		wait_end(&c->wait[k]);
}
