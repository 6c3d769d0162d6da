/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to a project, asked of Keystone a few projects at a time and remembered for some minutes: one failed host concerns
 * the same projects at each of its moments, and a failed rack the same ones many times over.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/session.h"
#include "daemon/telling_parts.h"
#include "io/log.h"

static void people_forget(struct people *p)
{
	free(p->project.people);
	free(p->unreached);
	p->project.people = NULL;
	p->project.person_n = 0;
	p->unreached = NULL;
	p->unreached_n = 0;
	p->state = PEOPLE_UNKNOWN;
	p->failures = 0;
	p->retry_ms = 0;
	p->reason[0] = '\0';
}

static void people_free(struct people *p)
{
	people_forget(p);
	free(p);
}

static bool is_old(const struct people *p)
{
	return p->state == PEOPLE_LOST ||
	       (p->state == PEOPLE_KNOWN && io_now_ms(p->t->d->loop) - p->known_ms > TELLING_PEOPLE_FRESH_MS);
}

/* Make room by dropping what nobody holds: the old first, any if that is not enough. */
static void people_thin(struct telling *t)
{
	for (int pass = 0; pass < 2 && t->people_n >= TELLING_PEOPLE_MAX; pass++) {
		for (struct people **at = &t->people; *at;) {
			struct people *p = *at;

			if (p->users || p->op || (pass == 0 && !is_old(p))) {
				at = &p->next;
				continue;
			}
			*at = p->next;
			t->people_n--;
			people_free(p);
		}
	}
}

struct people *people_take(struct telling *t, const char *project_id)
{
	struct people *p;

	for (p = t->people; p && !str_eq(p->project.id, project_id); p = p->next)
		;
	if (p) {
		if (!p->users && is_old(p))
			people_forget(p);
		p->users++;
		return p;
	}
	people_thin(t);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	(void)str_copy(p->project.id, sizeof(p->project.id), project_id);
	p->t = t;
	p->users = 1;
	p->next = t->people;
	t->people = p;
	t->people_n++;
	return p;
}

void people_drop(struct people *p)
{
	if (p)
		p->users--;
}

const char *people_project_name(const void *telling, const char *project_id)
{
	const struct telling *t = telling;
	const struct people *p = t->people;

	while (p && !str_eq(p->project.id, project_id))
		p = p->next;
	return p ? p->project.name : NULL;
}

static void people_failed(struct people *p, const char *reason, bool is_final)
{
	p->failures++;
	p->state = is_final || p->failures >= TELLING_TRIES ? PEOPLE_LOST : PEOPLE_UNKNOWN;
	p->retry_ms = io_now_ms(p->t->d->loop) + telling_backoff_ms(p->t, p->failures);
	(void)str_copy(p->reason, sizeof(p->reason), reason);
	log_printf(
	    LOG_P_WARNING, "project %s: its users cannot be read (try %u): %s", p->project.id, p->failures, reason);
}

static void unreached_add(struct people *p, const char *who, const char *why)
{
	struct tell_unreached *u = &p->unreached[p->unreached_n++];

	(void)str_copy(u->who, sizeof(u->who), who);
	(void)str_copy(u->why, sizeof(u->why), why);
}

static void person_add(struct people *p, const struct cloud_person *from)
{
	struct tell_person *person = &p->project.people[p->project.person_n++];
	char who[TELL_ADDRESS_SIZE];

	(void)str_copy(person->user_id, sizeof(person->user_id), from->user_id);
	(void)str_copy(person->name, sizeof(person->name), from->name);
	(void)str_copy(person->address, sizeof(person->address), from->email);
	person->is_enabled = from->is_enabled && from->fault == FAULT_NONE;
	snprintf(who, sizeof(who), "user %s %s", from->user_id, from->name);
	if (from->fault != FAULT_NONE)
		unreached_add(p, who, "Keystone does not show this user");
	else if (from->is_enabled && !tell_address_ok(from->email))
		unreached_add(p, who, from->email[0] ? "no usable mail address" : "no mail address");
}

static void people_found(struct people *p, const struct cloud_result *r)
{
	p->project.people = calloc(r->n_people + 1, sizeof(*p->project.people));
	p->unreached = calloc(r->n_people + 1, sizeof(*p->unreached));
	if (!p->project.people || !p->unreached) {
		people_forget(p);
		people_failed(p, "out of memory", false);
		return;
	}
	for (size_t k = 0; k < r->n_people; k++)
		person_add(p, &r->people[k]);
	if (r->n_people_left_out) {
		char who[TELL_ADDRESS_SIZE];

		snprintf(who, sizeof(who), "%zu more users of project %s", r->n_people_left_out, p->project.id);
		unreached_add(p, who, "more people than are asked for");
	}
	(void)str_copy(p->project.name, sizeof(p->project.name), r->project_name);
	p->state = PEOPLE_KNOWN;
	p->failures = 0;
	p->known_ms = io_now_ms(p->t->d->loop);
}

/* Some users could not be read and may be later: worth another try or two before they are listed. */
static bool is_partial(const struct cloud_result *r)
{
	for (size_t k = 0; k < r->n_people; k++) {
		if (r->people[k].fault == FAULT_TRANSIENT)
			return true;
	}
	return false;
}

static void people_answered(void *arg, const struct cloud_result *r)
{
	struct people *p = arg;
	struct telling *t = p->t;

	p->op = NULL;
	t->lookups--;
	if (r->outcome != OUTCOME_DONE)
		people_failed(p, r->reason, r->fault == FAULT_MISSING);
	else if (is_partial(r) && p->failures + 1 < TELLING_TRIES_REST)
		people_failed(p, "Keystone does not show all of them", false);
	else
		people_found(p, r);
	moments_wake(t);
}

void people_ask(struct people *p)
{
	struct telling *t = p->t;
	struct cloud_args args = {.kind = CLOUD_PEOPLE_OF_PROJECT, .project = p->project.id};
	struct cloud_waiter waiter = {
	    .timeout_ms = t->d->cfg->recovery.step_timeout_ms, .done = people_answered, .arg = p};
	struct osha_err err = {0};

	if (p->state != PEOPLE_UNKNOWN || t->lookups >= TELLING_LOOKUPS_MAX || io_now_ms(t->d->loop) < p->retry_ms)
		return;
	if (cloud_session_start(t->d->env.cloud, &args, &waiter, &p->op, &err) < 0) {
		people_failed(p, err.msg, err.code == OSHA_E_USAGE);
		return;
	}
	p->state = PEOPLE_ASKING;
	t->lookups++;
}

void people_session_lost(struct telling *t)
{
	for (struct people *p = t->people; p; p = p->next) {
		p->op = NULL;
		if (p->state == PEOPLE_ASKING)
			p->state = PEOPLE_UNKNOWN;
		p->retry_ms = 0;
	}
	t->lookups = 0;
}

void people_free_all(struct telling *t)
{
	while (t->people) {
		struct people *p = t->people;

		t->people = p->next;
		if (p->op)
			cloud_session_cancel(t->d->env.cloud, p->op);
		people_free(p);
	}
	t->people_n = 0;
	t->lookups = 0;
}
