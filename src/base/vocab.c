/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the shared words; see vocab.h. */
#include "base/vocab.h"

#include "base/strbuf.h"

#define NAME_OF(table, n, value) ((unsigned)(value) < (unsigned)(n) && (table)[value] ? (table)[value] : "?")

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOME_N] = {"unknown", "done", "refused"};

	return NAME_OF(names, OUTCOME_N, o);
}

const char *sign_name(enum sign s)
{
	static const char *const names[SIGN_N] = {"unknown", "alive", "dead"};

	return NAME_OF(names, SIGN_N, s);
}

const char *power_name(enum power p)
{
	static const char *const names[POWER_N] = {"unknown", "on", "off"};

	return NAME_OF(names, POWER_N, p);
}

const char *fault_class_name(enum fault_class f)
{
	static const char *const names[FAULT_N] = {
	    "none", "transient", "state", "auth", "missing", "busy", "leftover", "late"};

	return NAME_OF(names, FAULT_N, f);
}

const char *server_state_name(enum server_state s)
{
	static const char *const names[SERVER_STATE_N] = {"unknown", "active", "stopped", "paused", "suspended",
	    "rescued", "error", "building", "resized", "shelved", "soft-deleted", "deleted", "other"};

	return NAME_OF(names, SERVER_STATE_N, s);
}

const char *server_task_name(enum server_task t)
{
	static const char *const names[TASK_N] = {"unknown", "none", "rebuilding", "migrating", "deleting", "other"};

	return NAME_OF(names, TASK_N, t);
}

const char *migration_status_name(enum migration_status m)
{
	static const char *const names[MIGRATION_STATUS_N] = {
	    "none", "accepted", "pre-migrating", "done", "completed", "failed", "other"};

	return NAME_OF(names, MIGRATION_STATUS_N, m);
}

bool migration_is_under_way(enum migration_status m)
{
	return m == MIGRATION_ACCEPTED || m == MIGRATION_PRE_MIGRATING || m == MIGRATION_OTHER;
}

void instance_view_note(struct instance_view *v, const struct migration_view *m)
{
	if (!migration_is_under_way(m->status) || m->id >= v->evacuation.id || !str_eq(m->instance, v->uuid) ||
	    !str_eq(m->source, v->host))
		return;
	if (!v->unfinished.id)
		str_copy(v->unfinished.dest, sizeof(v->unfinished.dest), m->dest);
	else if (!str_eq(v->unfinished.dest, m->dest))
		v->unfinished.dest[0] = '\0';
	if (m->id > v->unfinished.id)
		v->unfinished.id = m->id;
}
