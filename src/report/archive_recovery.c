/* SPDX-License-Identifier: Apache-2.0 */
/* One recovery in full, from its history: steps in order of writing, each instance with its own, and the mails. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "journal/reader.h"
#include "report/archive_part.h"

struct story {
	struct recovery_record newest;
	bool is_known;
	cJSON *steps;     /* array */
	cJSON *instances; /* object by UUID, in order of first mention */
	cJSON *mails;     /* array */
	int64_t told_at_ms;
	uint32_t sent_n, undeliverable_n;
};

static void story_free(struct story *s)
{
	cJSON_Delete(s->steps);
	cJSON_Delete(s->instances);
	cJSON_Delete(s->mails);
}

/* A proof stands on the line of its writing, not on every later one. */
static bool is_new_proof(const struct story *s, const struct recovery_record *r)
{
	return r->proof.kind != PROOF_NONE &&
	       (!s->is_known || r->proof.at_wall_ms != s->newest.proof.at_wall_ms ||
		   r->proof.kind != s->newest.proof.kind || r->proof.is_void != s->newest.proof.is_void);
}

/* Likewise what was weighed: on the line that first says so. */
static void evidence_add(cJSON *o, const struct story *s, const struct recovery_record *r)
{
	static const struct recovery_record none = {0};
	bool is_new = !s->is_known || r->weighed_wall_ms != s->newest.weighed_wall_ms;

	part_evidence_add(o, is_new ? r : &none);
}

static void take_step(struct story *s, const struct journal_line *line)
{
	const struct recovery_record *r = &line->record->recovery;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "number", (double)line->seq);
	part_at(o, "written_at_ms", line->wall_ms);
	cJSON_AddStringToObject(o, "state", host_row_name(r->row));
	cJSON_AddBoolToObject(o, "entered", !s->is_known || r->row != s->newest.row || r->entry != s->newest.entry);
	part_text(o, "why", line->note);
	cJSON_AddNumberToObject(o, "attempt", r->attempt);
	cJSON_AddNumberToObject(o, "fence_level", r->level + 1.0);
	cJSON_AddNumberToObject(o, "epoch", (double)r->epoch);
	evidence_add(o, s, r);
	cJSON_AddItemToObject(o, "proof", is_new_proof(s, r) ? part_proof(&r->proof) : cJSON_CreateNull());
	cJSON_AddItemToArray(s->steps, o);
	s->newest = *r;
	s->is_known = true;
}

static void take_instance(struct story *s, const struct journal_line *line)
{
	const struct instance_record *i = &line->record->instance;
	cJSON *old = cJSON_GetObjectItemCaseSensitive(s->instances, i->uuid), *o = part_instance(i), *steps, *step;

	steps = old ? cJSON_DetachItemFromObjectCaseSensitive(old, "steps") : cJSON_CreateArray();
	step = cJSON_CreateObject();
	part_at(step, "written_at_ms", line->wall_ms);
	cJSON_AddStringToObject(step, "state", instance_row_name(i->row));
	part_text(step, "why", line->note);
	cJSON_AddItemToArray(steps, step);
	cJSON_AddItemToObject(o, "steps", steps);
	if (old)
		cJSON_ReplaceItemInObjectCaseSensitive(s->instances, i->uuid, o);
	else
		cJSON_AddItemToObject(s->instances, i->uuid, o);
}

static int take_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	if (line->record->type == RECORD_RECOVERY)
		take_step(arg, line);
	else if (line->record->type == RECORD_INSTANCE)
		take_instance(arg, line);
	return 0;
}

static int take_mail(void *arg, const struct journal_mail *m, struct osha_err *reterr)
{
	struct story *s = arg;
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "moment", moment_name(m->moment));
	part_text(o, "to", m->address);
	cJSON_AddStringToObject(o, "audience", m->for_admin ? "admin" : "user");
	cJSON_AddStringToObject(o, "state", mail_state_name(m->state));
	cJSON_AddStringToObject(o, "key", m->key);
	part_text(o, "subject", m->subject);
	cJSON_AddNumberToObject(o, "attempts", m->attempts);
	part_at(o, "queued_at_ms", m->created_wall_ms);
	part_at(o, "next_try_at_ms", m->state == MAIL_QUEUED ? m->next_wall_ms : 0);
	part_at(o, "ended_at_ms", m->ended_wall_ms);
	part_text(o, "error", m->last_error);
	cJSON_AddItemToArray(s->mails, o);
	s->sent_n += m->state == MAIL_SENT;
	s->undeliverable_n += m->state == MAIL_UNDELIVERABLE;
	if (m->state == MAIL_SENT && !m->for_admin && (!s->told_at_ms || m->ended_wall_ms < s->told_at_ms))
		s->told_at_ms = m->ended_wall_ms;
	return 0;
}

static cJSON *instances(struct story *s)
{
	cJSON *a = cJSON_CreateArray();

	while (s->instances->child) {
		cJSON *i = cJSON_DetachItemViaPointer(s->instances, s->instances->child);

		cJSON_free(i->string); /* a member of a list has no name */
		i->string = NULL;
		cJSON_AddItemToArray(a, i);
	}
	return a;
}

static cJSON *tell(const struct archive *a, struct story *s)
{
	cJSON *o = archive_answer(a), *r = part_recovery(&s->newest), *t = part_timeline(&s->newest), *m;

	part_at(t, "told_at_ms", s->told_at_ms);
	cJSON_AddItemToObject(r, "timeline", t);
	cJSON_AddItemToObject(r, "steps", s->steps);
	cJSON_AddItemToObject(r, "instances", instances(s));
	cJSON_AddItemToObject(r, "mails", s->mails);
	s->steps = s->mails = NULL;
	m = cJSON_AddObjectToObject(r, "mails_n");
	cJSON_AddNumberToObject(m, "sent", s->sent_n);
	cJSON_AddNumberToObject(m, "undeliverable", s->undeliverable_n);
	cJSON_AddItemToObject(o, "recovery", r);
	return o;
}

int archive_recovery(const struct archive *a, const char *id, cJSON **ret_json, struct osha_err *reterr)
{
	JOURNAL_READER_AUTO struct journal_reader *r = NULL;
	__attribute__((cleanup(story_free))) struct story s = {
	    .steps = cJSON_CreateArray(), .instances = cJSON_CreateObject(), .mails = cJSON_CreateArray()};
	int e;

	if (!s.steps || !s.instances || !s.mails)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read the journal");
	e = journal_reader_open(a->path, &r, reterr);
	if (e == 0)
		e = journal_reader_history(r, id, take_line, &s, reterr);
	if (e == 0 && !s.is_known)
		e = osha_err_set(reterr, OSHA_E_NOTFOUND,
		    "the journal knows no recovery \"%s\"; `osha recoveries --all` lists them", id);
	if (e == 0)
		e = journal_reader_outbox(r, id, take_mail, &s, reterr);
	if (e == 0)
		*ret_json = tell(a, &s);
	return e;
}
