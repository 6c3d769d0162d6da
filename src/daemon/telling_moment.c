/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One moment of one recovery on its way into the outbox: the administrators' mails first, which need nobody's help; then which instances,
 * whose projects, which people; then their mails, a few each turn; then those who cannot be told, listed; then the engine hears that all
 * of it is durable. A crash anywhere in between begins it anew, and the keys drop what the outbox has already.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "daemon/telling_parts.h"
#include "io/log.h"

enum stage {
	STAGE_ADMINS = 0,
	STAGE_INSTANCES,
	STAGE_PEOPLE,
	STAGE_USERS,
	STAGE_UNREACHED,
	STAGE_UNREACHED_MAIL,
	STAGE_TOLD
};

struct telling_moment {
	struct telling_moment *next;
	struct telling *t;
	struct recovery_record recovery; /* as it stood when it was told, likewise its instances */
	enum moment moment;
	struct instance_record *instances;
	size_t instance_n;
	bool is_listed;
	enum stage stage;
	size_t at;                 /* in what this stage goes through */
	uint64_t put_seq;          /* on its way into the outbox, 0 = nothing */
	size_t put_n;              /* how far @at goes on once that is done */
	uint16_t ahead, ahead_now; /* later moments that the administrators were told already; that are being put */
	bool is_failed;            /* the listing: given up */
	struct cloud_op *op;
	uint32_t failures;
	int64_t retry_ms;
	struct people **people; /* of its projects, each once */
	struct tell_project *projects;
	size_t people_n, project_n;
	struct tell_audience audience;
	struct tell_unreached *unreached;
	size_t unreached_n, lost_n; /* of them for a reason that may pass, which the administrators hear of by mail */
	struct io_timer timer;
};

static void moment_step(void *arg);
static void listing_start(struct telling_moment *m);

static void step_in(struct telling_moment *m, int64_t ms)
{
	io_timer_start(m->t->d->loop, &m->timer, ms, 0, moment_step, m);
}

static void stage_set(struct telling_moment *m, enum stage stage)
{
	m->stage = stage;
	m->at = 0;
	step_in(m, 0);
}

/* --- what stood in the engine --- */

static const struct recovery_record *recovery_now(const struct telling_moment *m)
{
	const struct recovery_record *r = NULL;

	while ((r = engine_recovery_next(m->t->d->engine, r)) != NULL && !str_eq(r->id, m->recovery.id))
		;
	return r;
}

static bool instances_copy(struct telling_moment *m, const struct recovery_record *r)
{
	const struct engine *e = m->t->d->engine;
	const struct instance_record *i = NULL;
	size_t n = 0;

	while ((i = engine_instance_next(e, r, i)) != NULL)
		n++;
	free(m->instances);
	m->instance_n = 0;
	m->instances = calloc(n + 1, sizeof(*m->instances));
	if (!m->instances)
		return false;
	while ((i = engine_instance_next(e, r, i)) != NULL)
		m->instances[m->instance_n++] = *i;
	m->is_listed = n > 0 || r->stamp_wall_ms[HOST_ROW_EVACUATING];
	return true;
}

static struct tell_facts facts_of(const struct telling_moment *m)
{
	return (struct tell_facts){
	    .recovery = &m->recovery,
	    .moment = m->moment,
	    .instances = m->instances,
	    .instance_n = m->instance_n,
	    .is_listed = m->is_listed,
	    .projects = m->projects,
	    .project_n = m->project_n,
	    .project_name = people_project_name, /* the administrators' letters go out before anybody is asked */
	    .arg = m->t,
	    .wall_ms = io_wall_ms(),
	};
}

static struct mail_plan plan_of(const struct telling_moment *m, const struct tell_facts *f)
{
	return (struct mail_plan){
	    .facts = f,
	    .key = {m->recovery.id, moment_name(m->moment), m->moment == MOMENT_HELD ? m->recovery.held_n : 0u, ""},
	    .wall_ms = f->wall_ms,
	};
}

/* --- putting --- */

/* @next: where @at goes on once it is durable */
static void batch_put(struct telling_moment *m, struct mail_batch *b, size_t next)
{
	m->put_n = next;
	if (b->n == 0) {
		m->at = next;
		step_in(m, 0);
	} else {
		m->put_seq = mail_batch_put(m->t, b);
		if (!m->put_seq)
			step_in(m, TELLING_STORE_RETRY_MS);
	}
	mail_batch_free(b);
}

/* Mails to administrators number @at and following; returns how far it came. */
static size_t admins_write(struct telling_moment *m, struct mail_batch *b, const struct mail_plan *base, size_t at)
{
	const struct config_texts *admins = &m->t->d->cfg->notify.admins;
	struct mail_plan plan = *base;

	for (; at < admins->n && b->n < TELLING_LETTERS_PER_TURN; at++) {
		plan.to = admins->items[at];
		mail_batch_add(m->t, b, &plan);
	}
	return at;
}

/* Of a death that is only observed the letter says which instances would have been evacuated; the engine never lists them. */
static bool admins_wait(struct telling_moment *m)
{
	if (m->moment != MOMENT_SKIPPED || !m->recovery.observed || m->is_listed || m->is_failed)
		return false;
	if (!m->op && io_now_ms(m->t->d->loop) >= m->retry_ms)
		listing_start(m);
	step_in(m, TELLING_POLL_MS);
	return true;
}

static void admins_step(struct telling_moment *m)
{
	struct tell_facts f = facts_of(m);
	struct mail_plan plan = plan_of(m, &f);
	struct mail_batch batch = {0};
	size_t next;

	if (admins_wait(m))
		return;
	if (m->at >= m->t->d->cfg->notify.admins.n) {
		stage_set(m, STAGE_INSTANCES);
		return;
	}
	plan.kind = tell_kind_of(m->moment, true);
	next = admins_write(m, &batch, &plan, m->at);
	batch_put(m, &batch, next);
}

/* While this moment waits for its users, the recovery goes on: what comes due meanwhile is told to the administrators without waiting. */
static void admins_ahead(struct telling_moment *m)
{
	const struct recovery_record *r = recovery_now(m);
	unsigned open = r ? recovery_untold(r) & ~(1u << m->moment) & ~(unsigned)m->ahead : 0;
	struct telling_moment later = {.t = m->t};
	struct mail_batch batch = {0};
	struct tell_facts f;
	struct mail_plan plan;

	if (!open || m->put_seq)
		return;
	while (!(open & (1u << later.moment)))
		later.moment++;
	later.recovery = *r;
	if (!instances_copy(&later, r))
		return;
	f = facts_of(&later);
	plan = plan_of(&later, &f);
	plan.kind = tell_kind_of(later.moment, true);
	/* more administrators than one turn takes: the rest hears of it in its own time */
	(void)admins_write(&later, &batch, &plan, 0);
	m->ahead_now = (uint16_t)(1u << later.moment);
	m->put_n = m->at;
	if (batch.n)
		m->put_seq = mail_batch_put(m->t, &batch);
	mail_batch_free(&batch);
	free(later.instances);
}

/* --- which instances --- */

static bool views_take(struct telling_moment *m, const struct cloud_result *r)
{
	free(m->instances);
	m->instance_n = 0;
	m->instances = calloc(r->n_instances + 1, sizeof(*m->instances));
	if (!m->instances)
		return false;
	for (size_t k = 0; k < r->n_instances; k++) {
		const struct instance_view *v = &r->instances[k];
		struct instance_record *i = &m->instances[m->instance_n];
		bool is_elsewhere = v->host[0] && !str_eq(v->host, m->recovery.host);

		if (!v->exists || is_elsewhere || !v->project[0] || v->state == SERVER_DELETED)
			continue;
		(void)str_copy(i->uuid, sizeof(i->uuid), v->uuid);
		(void)str_copy(i->name, sizeof(i->name), v->name);
		(void)str_copy(i->project, sizeof(i->project), v->project);
		(void)str_copy(i->source, sizeof(i->source), m->recovery.host);
		i->wanted = v->state;
		m->instance_n++;
	}
	m->is_listed = true;
	return true;
}

static void listing_failed(struct telling_moment *m, const char *reason)
{
	m->failures++;
	log_printf(LOG_P_WARNING, "%s: telling: the instances of %s cannot be listed (try %u): %s", m->recovery.id,
	    m->recovery.host, m->failures, reason);
	m->retry_ms = io_now_ms(m->t->d->loop) + telling_backoff_ms(m->t, m->failures);
	m->is_failed = m->failures >= TELLING_TRIES;
	step_in(m, 0);
}

static void listing_answered(void *arg, const struct cloud_result *r)
{
	struct telling_moment *m = arg;

	m->op = NULL;
	if (r->outcome != OUTCOME_DONE)
		listing_failed(m, r->reason);
	else if (!views_take(m, r))
		listing_failed(m, "out of memory");
	else
		step_in(m, 0);
}

static void listing_start(struct telling_moment *m)
{
	struct cloud_args args = {.kind = CLOUD_SERVERS_OF_HOST, .host = m->recovery.host};
	struct cloud_waiter waiter = {
	    .timeout_ms = m->t->d->cfg->recovery.step_timeout_ms, .done = listing_answered, .arg = m};
	struct osha_err err = {0};

	if (cloud_session_start(m->t->d->env.cloud, &args, &waiter, &m->op, &err) < 0)
		listing_failed(m, err.msg);
}

/* Each project once. */
static bool projects_take(struct telling_moment *m)
{
	m->people = calloc(m->instance_n + 1, sizeof(struct people *));
	m->projects = calloc(m->instance_n + 1, sizeof(*m->projects));
	if (!m->people || !m->projects)
		return false;
	for (size_t k = 0; k < m->instance_n; k++) {
		size_t at = 0;

		while (at < m->people_n && !str_eq(m->people[at]->project.id, m->instances[k].project))
			at++;
		if (at < m->people_n)
			continue;
		m->people[at] = people_take(m->t, m->instances[k].project);
		if (!m->people[at])
			return false;
		m->people_n++;
	}
	return true;
}

static void waiting_step(struct telling_moment *m)
{
	admins_ahead(m);
	step_in(m, TELLING_POLL_MS);
}

static void instances_step(struct telling_moment *m)
{
	const struct recovery_record *r = recovery_now(m);

	if (!m->t->d->cfg->notify.users || !tell_users_are_affected(&m->recovery, m->moment)) {
		stage_set(m, STAGE_TOLD);
		return;
	}
	if (!m->is_listed && !m->op && r)
		(void)instances_copy(m, r); /* the engine has listed them itself by now */
	if (m->is_listed || m->is_failed) {
		if (projects_take(m))
			stage_set(m, STAGE_PEOPLE);
		else
			listing_failed(m, "out of memory");
		return;
	}
	if (!m->op && io_now_ms(m->t->d->loop) >= m->retry_ms)
		listing_start(m);
	waiting_step(m);
}

/* --- which people --- */

static void unreached_add(struct telling_moment *m, const char *who, const char *why, bool is_lost)
{
	struct tell_unreached *more = realloc(m->unreached, (m->unreached_n + 1) * sizeof(*more));

	if (!more)
		return;
	m->unreached = more;
	(void)str_copy(more[m->unreached_n].who, sizeof(more[0].who), who);
	(void)str_copy(more[m->unreached_n].why, sizeof(more[0].why), why);
	m->unreached_n++;
	m->lost_n += is_lost;
}

static bool is_given_up(const struct people *p, bool is_any_known)
{
	return p->state == PEOPLE_LOST ||
	       (is_any_known && p->state == PEOPLE_UNKNOWN && p->failures >= TELLING_TRIES_REST);
}

static bool people_are_settled(const struct telling_moment *m)
{
	bool is_any_known = false;

	for (size_t k = 0; k < m->people_n; k++)
		is_any_known |= m->people[k]->state == PEOPLE_KNOWN;
	for (size_t k = 0; k < m->people_n; k++) {
		if (m->people[k]->state != PEOPLE_KNOWN && !is_given_up(m->people[k], is_any_known))
			return false;
	}
	return true;
}

static void people_collect(struct telling_moment *m)
{
	char who[TELL_ADDRESS_SIZE];

	for (size_t k = 0; k < m->people_n; k++) {
		const struct people *p = m->people[k];

		if (p->state != PEOPLE_KNOWN) {
			snprintf(who, sizeof(who), "project %s", p->project.id);
			unreached_add(m, who, p->reason, true);
			continue;
		}
		m->projects[m->project_n++] = p->project;
		for (size_t i = 0; i < p->unreached_n; i++)
			unreached_add(m, p->unreached[i].who, p->unreached[i].why, false);
	}
	if (m->is_failed && !m->is_listed) {
		snprintf(who, sizeof(who), "users of %.200s", m->recovery.host);
		unreached_add(m, who, "its instances could not be listed", true);
	}
}

static void people_step(struct telling_moment *m)
{
	const struct config_texts *admins = &m->t->d->cfg->notify.admins;

	for (size_t k = 0; k < m->people_n; k++)
		people_ask(m->people[k]);
	if (m->put_seq || !people_are_settled(m)) {
		waiting_step(m);
		return;
	}
	people_collect(m);
	if (tell_audience_make(m->projects, m->project_n, admins->items, admins->n, &m->audience, NULL) < 0) {
		m->project_n = 0;
		m->unreached_n = m->lost_n = 0;
		step_in(m, TELLING_STORE_RETRY_MS);
		return;
	}
	stage_set(m, STAGE_USERS);
}

/* --- their mails --- */

static void users_step(struct telling_moment *m)
{
	struct tell_facts f = facts_of(m);
	struct mail_plan plan = plan_of(m, &f);
	struct mail_batch batch = {0};
	struct io_loop *loop = m->t->d->loop;
	int64_t begun_ms = io_loop_refresh(loop);
	bool is_enough = false;
	size_t at = m->at;

	if (at >= m->audience.reader_n) {
		stage_set(m, STAGE_UNREACHED);
		return;
	}
	plan.kind = tell_kind_of(m->moment, false);
	plan.readers = &m->audience;
	for (; at < m->audience.reader_n && batch.n < TELLING_LETTERS_PER_TURN && !is_enough; at++) {
		plan.reader = &m->audience.readers[at];
		plan.to = tell_reader_address(&m->audience, plan.reader);
		mail_batch_add(m->t, &batch, &plan);
		is_enough = io_loop_refresh(loop) - begun_ms >= TELLING_TURN_MS;
	}
	batch_put(m, &batch, at);
}

/* --- those who cannot be told: entries that were never sent --- */

static void unreached_entry(const struct telling_moment *m, const struct tell_unreached *u, struct journal_mail *mail)
{
	struct tell_facts f = facts_of(m);
	struct tell_key key = plan_of(m, &f).key;

	memset(mail, 0, sizeof(*mail));
	key.person = u->who;
	tell_key_write(&key, mail->key);
	(void)str_copy(mail->recovery, sizeof(mail->recovery), m->recovery.id);
	mail->moment = m->moment;
	mail->state = MAIL_UNDELIVERABLE;
	mail->created_wall_ms = mail->next_wall_ms = mail->ended_wall_ms = f.wall_ms;
	(void)str_copy(mail->last_error, sizeof(mail->last_error), u->why);
}

static void unreached_step(struct telling_moment *m)
{
	struct mail_batch batch = {0};
	size_t at = m->at;

	if (at >= m->unreached_n) {
		stage_set(m, m->lost_n ? STAGE_UNREACHED_MAIL : STAGE_TOLD);
		return;
	}
	for (; at < m->unreached_n && batch.n < TELLING_LETTERS_PER_TURN; at++)
		unreached_entry(m, &m->unreached[at], &batch.mails[batch.n++]);
	batch_put(m, &batch, at);
}

static void unreached_mail_step(struct telling_moment *m)
{
	struct tell_facts f = facts_of(m);
	struct mail_plan plan = plan_of(m, &f);
	struct mail_batch batch = {0};
	char name[32];
	size_t next;

	if (m->at >= m->t->d->cfg->notify.admins.n) {
		stage_set(m, STAGE_TOLD);
		return;
	}
	snprintf(name, sizeof(name), "%.11s-reach", moment_name(m->moment));
	plan.key.moment = name;
	plan.kind = TELL_ADMIN_UNREACHED;
	plan.unreached = m->unreached;
	plan.unreached_n = m->unreached_n < TELL_ROWS_MAX ? m->unreached_n : TELL_ROWS_MAX;
	next = admins_write(m, &batch, &plan, m->at);
	batch_put(m, &batch, next);
}

/* --- its life --- */

static void moment_free(struct telling_moment *m)
{
	struct telling_moment **at = &m->t->moments;

	while (*at && *at != m)
		at = &(*at)->next;
	if (*at)
		*at = m->next;
	io_timer_stop(&m->timer);
	for (size_t k = 0; k < m->people_n; k++)
		people_drop(m->people[k]);
	tell_audience_free(&m->audience);
	free(m->people);
	free(m->projects);
	free(m->instances);
	free(m->unreached);
	free(m);
}

static void told_step(struct telling_moment *m)
{
	struct daemon *d = m->t->d;
	char id[RECOVERY_ID_SIZE];
	enum moment moment = m->moment;

	(void)str_copy(id, sizeof(id), m->recovery.id);
	moment_free(m);
	daemon_told(d, id, moment);
}

static void moment_step(void *arg)
{
	static void (*const steps[])(struct telling_moment *) = {
	    admins_step, instances_step, people_step, users_step, unreached_step, unreached_mail_step, told_step};
	struct telling_moment *m = arg;
	bool may_wait = m->stage == STAGE_INSTANCES || m->stage == STAGE_PEOPLE;

	if (m->put_seq && !may_wait)
		return; /* the journal's answer comes first */
	steps[m->stage](m);
}

struct telling_moment *moment_new(struct telling *t, const struct recovery_record *r, enum moment moment)
{
	struct telling_moment *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->t = t;
	m->recovery = *r;
	m->moment = moment;
	if (!instances_copy(m, r)) {
		free(m);
		return NULL;
	}
	m->next = t->moments;
	t->moments = m;
	step_in(m, 0);
	return m;
}

void moment_answer(struct telling *t, const struct journal_answer *a)
{
	struct telling_moment *m = t->moments;

	while (m && m->put_seq != a->seq)
		m = m->next;
	if (!m)
		return;
	m->put_seq = 0;
	if (a->outcome != OUTCOME_DONE) {
		log_printf(LOG_P_ERR, "%s: telling: outbox: %s", m->recovery.id, a->err ? a->err->msg : "not written");
		m->ahead_now = 0;
		step_in(m, TELLING_STORE_RETRY_MS);
		return;
	}
	m->ahead |= m->ahead_now;
	m->ahead_now = 0;
	m->at = m->put_n;
	post_kick(t);
	step_in(m, 0);
}

void moments_wake(struct telling *t)
{
	for (struct telling_moment *m = t->moments; m; m = m->next) {
		if (m->stage == STAGE_INSTANCES || m->stage == STAGE_PEOPLE)
			step_in(m, 0);
	}
}

void moments_session_lost(struct telling *t)
{
	for (struct telling_moment *m = t->moments; m; m = m->next)
		m->op = NULL;
}

void moments_free_all(struct telling *t)
{
	while (t->moments) {
		struct telling_moment *m = t->moments;

		t->moments = m->next;
		if (m->op)
			cloud_session_cancel(t->d->env.cloud, m->op);
		moment_free(m);
	}
}
