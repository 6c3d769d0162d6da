/* SPDX-License-Identifier: Apache-2.0 */
/* One mail: facts into templates, letter into a message, and the outbox's entry around it. */
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "daemon/telling_parts.h"
#include "io/log.h"

static cJSON *facts_make(const struct mail_plan *plan, size_t rows_max)
{
	if (!plan->facts)
		return tell_alert_facts(plan->alert_key, plan->alert_text, plan->wall_ms);
	if (plan->kind == TELL_ADMIN_UNREACHED)
		return tell_unreached_facts(plan->facts, plan->unreached, plan->unreached_n);
	if (plan->reader)
		return tell_user_facts(plan->facts, plan->readers, plan->reader, rows_max);
	return tell_admin_facts(plan->facts, rows_max);
}

/* The operator's template for each part, where there is one. */
static struct tell_templates templates_of(const struct telling *t, enum tell_kind kind, bool may_be_own)
{
	struct tell_templates all = t->builtin;

	for (int k = 0; may_be_own && k < TELL_FORMAT_N; k++) {
		if (t->own.all[kind][k])
			all.all[kind][k] = t->own.all[kind][k];
	}
	return all;
}

static int message_try(struct telling *t, const struct mail_plan *plan, const struct tell_templates *templates,
    size_t rows_max, struct journal_mail *m, struct strbuf *body)
{
	JSON_AUTO cJSON *facts = facts_make(plan, rows_max);
	TELL_LETTER_AUTO struct tell_letter letter = {0};
	struct osha_err err = {0};
	struct tell_mail mail = {
	    .from = t->d->cfg->notify.email.from,
	    .to = plan->to,
	    .to_name = plan->reader ? tell_reader_name(plan->readers, plan->reader) : "",
	    .key = m->key,
	    .thread = plan->facts ? plan->key.recovery : "",
	    .moment = plan->key.moment,
	    .wall_ms = plan->wall_ms,
	};
	int r = facts ? tell_letter_write(templates, plan->kind, facts, &letter, &err) : -OSHA_E_NOMEM;

	if (r < 0)
		return r;
	mail.subject = letter.subject;
	mail.text = letter.text;
	mail.html = letter.html;
	(void)str_copy(m->subject, sizeof(m->subject), letter.subject);
	strbuf_reset(body);
	r = tell_mail_write(&mail, body, &err);
	return r == 0 && body->len > JOURNAL_MAIL_BODY_MAX ? -OSHA_E_FULL : r;
}

/* Fewer and fewer rows until it fits. */
static int message_make(
    struct telling *t, const struct mail_plan *plan, bool may_be_own, struct journal_mail *m, struct strbuf *body)
{
	struct tell_templates templates = templates_of(t, plan->kind, may_be_own);
	int r = -OSHA_E_FULL;

	for (size_t rows = TELL_ROWS_MAX; rows > 0 && r == -OSHA_E_FULL; rows /= 4)
		r = message_try(t, plan, &templates, rows, m, body);
	return r;
}

int mail_make(struct telling *t, const struct mail_plan *plan, struct journal_mail *m, struct strbuf *body,
    struct osha_err *reterr)
{
	struct tell_key key = plan->key;
	int r;

	memset(m, 0, sizeof(*m));
	key.person = plan->to;
	tell_key_write(&key, m->key);
	(void)str_copy(m->address, sizeof(m->address), plan->to);
	m->for_admin = !plan->reader;
	m->moment = plan->facts ? plan->facts->moment : MOMENT_HELD;
	(void)str_copy(m->recovery, sizeof(m->recovery), plan->facts ? plan->key.recovery : "");
	m->state = MAIL_QUEUED;
	m->created_wall_ms = m->next_wall_ms = plan->wall_ms;
	r = message_make(t, plan, true, m, body);
	if (r == -OSHA_E_FULL) {
		log_printf(LOG_P_ERR, "%s: the template's text grows too long; the built-in one is used", m->key);
		r = message_make(t, plan, false, m, body);
	}
	if (r < 0)
		return osha_err_set(reterr, -r, "mail %s cannot be written", m->key);
	m->body = (const uint8_t *)body->text;
	m->body_size = body->len;
	return 0;
}

void mail_batch_free(struct mail_batch *b)
{
	for (size_t k = 0; k < TELLING_LETTERS_PER_TURN; k++)
		strbuf_free(&b->bodies[k]);
	b->n = 0;
}

void mail_batch_add(struct telling *t, struct mail_batch *b, const struct mail_plan *plan)
{
	struct osha_err err = {0};

	if (b->n == TELLING_LETTERS_PER_TURN)
		return;
	if (mail_make(t, plan, &b->mails[b->n], &b->bodies[b->n], &err) < 0)
		log_printf(LOG_P_ERR, "%s", err.msg);
	else
		b->n++;
}

uint64_t mail_batch_put(struct telling *t, const struct mail_batch *b)
{
	struct osha_err err = {0};

	if (!lead_may_act(t->d))
		return 0;
	if (journal_outbox_put(t->d->journal, t->seq + 1, b->mails, b->n, &err) < 0) {
		log_printf(LOG_P_ERR, "outbox: %s", err.msg);
		return 0;
	}
	return ++t->seq;
}
