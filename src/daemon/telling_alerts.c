/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts: a sentence to the administrators, once an hour under the same key. They wait in the outbox like every mail; but when it is
 * the journal that is broken, a mail that waits in it reaches nobody, and so it goes straight to the mail server.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/telling_parts.h"
#include "io/log.h"

/* The place of this key: its own, a free one, or the one that has been told longest ago. */
static struct telling_alert *alert_place(struct telling *t, const char *key)
{
	struct telling_alert *best = NULL;

	for (size_t k = 0; k < TELLING_ALERTS_MAX; k++) {
		struct telling_alert *a = &t->alerts[k];

		if (str_eq(a->key, key))
			return a;
		if (a->put_seq)
			continue;
		if (!best || (best->key[0] && (!a->key[0] || a->told_ms < best->told_ms)))
			best = a;
	}
	return best;
}

static struct mail_plan alert_plan(const struct telling_alert *a)
{
	/* the hour in the key: a daemon that is started again and again does not tell the same again and again */
	return (struct mail_plan){
	    .kind = TELL_ADMIN_ALERT,
	    .alert_key = a->key,
	    .alert_text = a->text,
	    .key = {a->key, "alert", (uint32_t)(a->wall_ms / TELLING_ALERT_FRESH_MS), ""},
	    .wall_ms = a->wall_ms,
	};
}

static void alert_direct(struct telling *t, const struct telling_alert *a)
{
	const struct config_texts *admins = &t->d->cfg->notify.admins;
	struct mail_plan plan = alert_plan(a);

	for (size_t k = 0; k < admins->n; k++) {
		STRBUF_AUTO struct strbuf body = STRBUF_INIT;
		struct journal_mail m;
		struct osha_err err = {0};

		plan.to = admins->items[k];
		if (mail_make(t, &plan, &m, &body, &err) < 0)
			log_printf(LOG_P_ERR, "%s", err.msg);
		else
			post_send_direct(t, &m, &body);
	}
}

/* All of them at once, since an alert is short; more administrators than that are told directly. */
static void alert_put(struct telling *t, struct telling_alert *a)
{
	const struct config_texts *admins = &t->d->cfg->notify.admins;
	struct mail_plan plan = alert_plan(a);
	struct mail_batch batch = {0};

	for (size_t at = 0; at < admins->n; at += batch.n ? batch.n : 1) {
		batch.n = 0;
		for (size_t k = at; k < admins->n && batch.n < TELLING_LETTERS_PER_TURN; k++) {
			plan.to = admins->items[k];
			strbuf_reset(&batch.bodies[batch.n]);
			mail_batch_add(t, &batch, &plan);
		}
		a->put_seq = batch.n ? mail_batch_put(t, &batch) : 0;
		if (batch.n && !a->put_seq)
			break;
	}
	mail_batch_free(&batch);
	if (admins->n && !a->put_seq)
		alert_direct(t, a);
}

void alert_tell(struct telling *t, const char *key, const char *text)
{
	int64_t now_ms = io_now_ms(t->d->loop);
	struct telling_alert *a = alert_place(t, key);
	bool is_known;

	if (!a) {
		log_printf(LOG_P_ERR, "alert %s is not mailed: %d others are on their way", key, TELLING_ALERTS_MAX);
		return;
	}
	is_known = str_eq(a->key, key);
	if (is_known && (a->put_seq || now_ms - a->told_ms < TELLING_ALERT_FRESH_MS))
		return;
	(void)str_copy(a->key, sizeof(a->key), key);
	(void)str_copy(a->text, sizeof(a->text), text);
	a->told_ms = now_ms;
	a->wall_ms = io_wall_ms();
	if (str_eq(key, "store") || !t->d->journal)
		alert_direct(t, a);
	else
		alert_put(t, a);
}

void alert_answer(struct telling *t, const struct journal_answer *answer)
{
	for (size_t k = 0; k < TELLING_ALERTS_MAX; k++) {
		struct telling_alert *a = &t->alerts[k];

		if (!a->put_seq || a->put_seq != answer->seq)
			continue;
		a->put_seq = 0;
		if (answer->outcome == OUTCOME_DONE)
			post_kick(t);
		else
			alert_direct(t, a);
	}
}
