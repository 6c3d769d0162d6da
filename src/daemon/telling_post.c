/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the outbox to the mail server. A few mails at a time, each on a connection of its own; how each ended is recorded before its place
 * is free again, so that a journal in trouble cannot make the same mail go out over and over.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/telling_parts.h"
#include "io/log.h"

static struct post_slot *slot_find(struct telling *t, const char *key)
{
	for (size_t k = 0; k < TELLING_SEND_MAX; k++) {
		if (str_eq(t->post.slots[k].key, key))
			return &t->post.slots[k];
	}
	return NULL;
}

static uint32_t slots_used(const struct telling *t)
{
	uint32_t n = 0;

	for (size_t k = 0; k < TELLING_SEND_MAX; k++)
		n += t->post.slots[k].key[0] != '\0';
	return n;
}

static void post_timer(void *arg)
{
	post_kick(arg);
}

/* --- how one ended --- */

static void slot_mark(void *arg)
{
	struct post_slot *s = arg;
	struct telling *t = s->t;
	struct osha_err err = {0};

	if (!lead_may_act(t->d))
		return; /* whoever leads next sends it again */
	s->end.error = s->reason;
	if (journal_outbox_mark(t->d->journal, t->seq + 1, s->key, &s->end, &err) < 0) {
		log_printf(LOG_P_ERR, "outbox: %s", err.msg);
		s->mark_seq = 0;
		io_timer_start(t->d->loop, &s->timer, TELLING_STORE_RETRY_MS, 0, slot_mark, s);
		return;
	}
	s->mark_seq = ++t->seq;
}

static void slot_end(struct post_slot *s, const struct notifier_answer *a)
{
	const struct config_notify *n = &s->t->d->cfg->notify;
	int64_t now_ms = io_wall_ms();

	s->run = NULL;
	s->end.wall_ms = now_ms;
	(void)str_copy(s->reason, sizeof(s->reason), a->reason);
	if (a->outcome == OUTCOME_DONE) {
		s->end.state = MAIL_SENT;
		log_printf(LOG_P_INFO, "mail %s: sent", s->key);
	} else if (a->outcome == OUTCOME_REFUSED || now_ms - s->created_wall_ms >= n->give_up_ms) {
		s->end.state = MAIL_UNDELIVERABLE;
		log_printf(LOG_P_ERR, "mail %s: undeliverable after %u tries: %s", s->key, s->attempts + 1, s->reason);
	} else {
		s->end.state = MAIL_QUEUED;
		s->end.wall_ms = now_ms + telling_backoff_ms(s->t, s->attempts + 1);
		/* once a mail: a server that is away for a night is no news at each try */
		log_printf(s->attempts ? LOG_P_DEBUG : LOG_P_WARNING, "mail %s: not sent (try %u): %s", s->key,
		    s->attempts + 1, s->reason);
	}
	slot_mark(s);
}

static void slot_sent(void *arg, const struct notifier_answer *a)
{
	slot_end(arg, a);
}

static void slot_start(struct telling *t, struct post_slot *s, const struct journal_mail *m)
{
	struct notifier_message message = {m->address, (const char *)m->body, m->body_size};
	struct notifier_waiter waiter = {slot_sent, s};
	struct osha_err err = {0};

	memset(s, 0, sizeof(*s));
	s->t = t;
	(void)str_copy(s->key, sizeof(s->key), m->key);
	s->attempts = m->attempts;
	s->created_wall_ms = m->created_wall_ms;
	if (notifier_email_start(t->d->http, &t->d->cfg->notify.email, &message, &waiter, &s->run, &err) < 0) {
		struct notifier_answer failed = {.outcome = OUTCOME_UNKNOWN};

		(void)str_copy(failed.reason, sizeof(failed.reason), err.msg);
		slot_end(s, &failed);
	}
}

/* --- what is to be sent --- */

void post_kick(struct telling *t)
{
	struct telling_post *p = &t->post;
	struct osha_err err = {0};

	p->is_stale = p->list_seq != 0;
	p->is_quiet = false;
	if (!lead_may_act(t->d) || p->list_seq || !t->d->journal || !telling_has_server(t) ||
	    slots_used(t) == TELLING_SEND_MAX)
		return;
	/* those under way are among the first: twice as many leaves enough new ones */
	if (journal_outbox_due(t->d->journal, t->seq + 1, io_wall_ms(), (size_t)2 * TELLING_SEND_MAX, &err) < 0) {
		log_printf(LOG_P_ERR, "outbox: %s", err.msg);
		io_timer_start(t->d->loop, &p->timer, TELLING_STORE_RETRY_MS, 0, post_timer, t);
		return;
	}
	p->list_seq = ++t->seq;
}

static void rest_until(struct telling *t, int64_t next_wall_ms)
{
	int64_t ms = next_wall_ms - io_wall_ms();

	/* a wall clock that is set back must not put off a mail for longer than this */
	if (ms > TELLING_POST_REST_MS)
		ms = TELLING_POST_REST_MS;
	io_timer_start(t->d->loop, &t->post.timer, ms > 1 ? ms : 1, 0, post_timer, t);
}

static void listed(struct telling *t, const struct journal_answer *a)
{
	struct telling_post *p = &t->post;
	size_t started = 0;

	p->list_seq = 0;
	if (a->outcome != OUTCOME_DONE || !a->mails) {
		log_printf(LOG_P_ERR, "outbox: %s", a->err ? a->err->msg : "cannot be read");
		io_timer_start(t->d->loop, &p->timer, TELLING_STORE_RETRY_MS, 0, post_timer, t);
		return;
	}
	for (size_t k = 0; k < a->mails->n; k++) {
		struct post_slot *s = slot_find(t, "");

		if (!s || slot_find(t, a->mails->mail[k].key) || !lead_may_act(t->d))
			continue;
		slot_start(t, s, &a->mails->mail[k]);
		started++;
	}
	p->is_quiet = !p->is_stale && slots_used(t) == 0;
	if (p->is_stale)
		post_kick(t);
	else if (!started && a->mails->next_wall_ms)
		rest_until(t, a->mails->next_wall_ms);
}

static void marked(struct telling *t, const struct journal_answer *a)
{
	for (size_t k = 0; k < TELLING_SEND_MAX; k++) {
		struct post_slot *s = &t->post.slots[k];

		if (!s->key[0] || s->run || s->mark_seq != a->seq)
			continue;
		if (a->outcome != OUTCOME_DONE && a->err && a->err->code != OSHA_E_NOTFOUND) {
			log_printf(LOG_P_ERR, "outbox: mail %s: %s", s->key, a->err->msg);
			s->mark_seq = 0;
			io_timer_start(t->d->loop, &s->timer, TELLING_STORE_RETRY_MS, 0, slot_mark, s);
			return;
		}
		memset(s, 0, sizeof(*s));
	}
	/* not at each one: a listing carries whole mails */
	if (slots_used(t) <= TELLING_SEND_MAX / 2)
		post_kick(t);
}

void post_answer(struct telling *t, const struct journal_answer *a)
{
	if (a->op == JOURNAL_OP_MAIL_LIST && a->seq == t->post.list_seq)
		listed(t, a);
	else if (a->op == JOURNAL_OP_MAIL_MARK)
		marked(t, a);
}

/* --- past the outbox --- */

static void direct_free(struct post_direct *p)
{
	struct post_direct **at = &p->t->post.directs;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
	p->t->post.direct_n--;
	io_timer_stop(&p->timer);
	notifier_email_cancel(p->run);
	strbuf_free(&p->bytes);
	free(p);
}

static void direct_try(void *arg);

/*
 * The journal may have taken it after all and only not said so: then it is marked there, or it would lie in the outbox until the next start.
 * Where that is in doubt too, the outbox sends it once more: told twice is better than not at all.
 */
static void direct_mark(const struct post_direct *p, const struct notifier_answer *a)
{
	struct telling *t = p->t;
	struct journal_mail_end end = {.state = a->outcome == OUTCOME_DONE ? MAIL_SENT : MAIL_UNDELIVERABLE,
	    .wall_ms = io_wall_ms(),
	    .error = a->reason};

	if (!t->d->journal || !lead_may_act(t->d))
		return;
	if (journal_outbox_mark(t->d->journal, t->seq + 1, p->key, &end, NULL) == 0)
		t->seq++;
	post_kick(t);
}

static void direct_ended(void *arg, const struct notifier_answer *a)
{
	struct post_direct *p = arg;

	p->run = NULL;
	p->attempts++;
	if (a->outcome == OUTCOME_UNKNOWN && p->attempts < TELLING_DIRECT_TRIES) {
		log_printf(LOG_P_WARNING, "mail %s: not sent (try %u): %s", p->key, p->attempts, a->reason);
		io_timer_start(p->t->d->loop, &p->timer, telling_backoff_ms(p->t, p->attempts), 0, direct_try, p);
		return;
	}
	if (a->outcome == OUTCOME_DONE)
		log_printf(LOG_P_INFO, "mail %s: sent without the outbox", p->key);
	else
		log_printf(LOG_P_ERR, "mail %s: undeliverable after %u tries: %s", p->key, p->attempts, a->reason);
	direct_mark(p, a);
	direct_free(p);
}

static void direct_try(void *arg)
{
	struct post_direct *p = arg;
	struct notifier_message message = {p->to, p->bytes.text, p->bytes.len};
	struct notifier_waiter waiter = {direct_ended, p};
	struct osha_err err = {0};

	if (!lead_may_act(p->t->d)) {
		direct_free(p);
		return;
	}
	if (notifier_email_start(p->t->d->http, &p->t->d->cfg->notify.email, &message, &waiter, &p->run, &err) < 0) {
		struct notifier_answer failed = {.outcome = OUTCOME_UNKNOWN};

		(void)str_copy(failed.reason, sizeof(failed.reason), err.msg);
		direct_ended(p, &failed);
	}
}

void post_send_direct(struct telling *t, const struct journal_mail *m, struct strbuf *body)
{
	struct post_direct *p = t->post.direct_n < TELLING_DIRECT_MAX ? calloc(1, sizeof(*p)) : NULL;

	if (!p) {
		log_printf(LOG_P_ERR, "mail %s: undeliverable: too many are on their way", m->key);
		return;
	}
	p->t = t;
	(void)str_copy(p->to, sizeof(p->to), m->address);
	(void)str_copy(p->key, sizeof(p->key), m->key);
	p->bytes = *body;
	*body = STRBUF_INIT;
	p->next = t->post.directs;
	t->post.directs = p;
	t->post.direct_n++;
	/* this may be called inside a step */
	io_timer_start(t->d->loop, &p->timer, 0, 0, direct_try, p);
}

bool post_is_idle(const struct telling *t)
{
	return !t->post.directs && t->post.is_quiet;
}

void post_close(struct telling *t)
{
	io_timer_stop(&t->post.timer);
	while (t->post.directs) {
		struct post_direct *p = t->post.directs;

		t->post.directs = p->next;
		direct_free(p);
	}
	for (size_t k = 0; k < TELLING_SEND_MAX; k++) {
		struct post_slot *s = &t->post.slots[k];

		io_timer_stop(&s->timer);
		notifier_email_cancel(s->run);
		memset(s, 0, sizeof(*s));
	}
}
