/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of each letter, under the names of template_names.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "tell/letter.h"

/* How an instance stands, as far as a letter tells them apart. */
enum standing { STANDING_DOWN = 0, STANDING_FAILED, STANDING_GONE, STANDING_OK };

static enum standing standing_of(const struct instance_record *i)
{
	switch (i->row) {
	case INSTANCE_ROW_DONE:
		return STANDING_OK;
	case INSTANCE_ROW_GONE:
		return STANDING_GONE;
	case INSTANCE_ROW_REFUSED:
	case INSTANCE_ROW_HELD:
		return STANDING_FAILED;
	default:
		return STANDING_DOWN;
	}
}

static void put(cJSON *o, const char *name, const char *value)
{
	cJSON_AddStringToObject(o, name, value);
}

static void put_time(cJSON *o, const char *name, int64_t wall_ms)
{
	char text[TELL_TIME_SIZE];

	put(o, name, tell_time_text(wall_ms, text, sizeof(text)));
}

/* @is_silent_when_none: "" instead of "0", so that a template can leave a sentence out */
static void put_number(cJSON *o, const char *name, size_t n, bool is_silent_when_none)
{
	char text[24];

	snprintf(text, sizeof(text), "%zu", n);
	put(o, name, n || !is_silent_when_none ? text : "");
}

static const char *state_words(enum server_state s)
{
	return s == SERVER_ACTIVE ? "running" : s == SERVER_UNKNOWN ? "unknown" : server_state_name(s);
}

/* For users: without any word of the cloud's inside. */
static const char *end_words(const struct instance_record *i, const struct tell_facts *f)
{
	bool is_anothers = i->source[0] && !str_eq(i->source, f->recovery->host); /* it was only on its way here */

	switch (standing_of(i)) {
	case STANDING_OK:
		return i->wanted == SERVER_ACTIVE ? "running again" : "restored to its former state";
	case STANDING_GONE:
		return is_anothers ? "no longer part of this recovery" : "no longer exists";
	case STANDING_FAILED:
		return "not recovered; the administrators know";
	case STANDING_DOWN:
		break;
	}
	return f->moment == MOMENT_HELD ? "not recovered yet" : "down";
}

static void instance_add(cJSON *list, const struct instance_record *i, const struct tell_facts *f, bool for_admin)
{
	cJSON *o = cJSON_CreateObject();

	if (!o || !cJSON_AddItemToArray(list, o)) {
		cJSON_Delete(o);
		return;
	}
	put(o, "name", i->name[0] ? i->name : i->uuid);
	put(o, "uuid", i->uuid);
	put(o, "state", state_words(i->wanted));
	put(o, "is_ok", standing_of(i) == STANDING_OK ? "yes" : "");
	if (!for_admin) {
		put(o, "end", end_words(i, f));
		return;
	}
	put(o, "end", i->row == INSTANCE_ROW_NONE ? "down" : instance_row_name(i->row));
	put(o, "from", i->source);
	put(o, "to", i->dest);
	put(o, "why", i->why);
}

/* What is to be listed, in order. */
struct rows {
	const struct instance_record **all;
	size_t n;
	size_t done_n, open_n; /* in their wanted state or gone; not (yet) */
};

static int row_compare(const void *a, const void *b)
{
	const struct instance_record *x = *(const struct instance_record *const *)a,
				     *y = *(const struct instance_record *const *)b;
	int by = strcmp(x->project, y->project);

	if (!by)
		by = (int)standing_of(x) - (int)standing_of(y);
	if (!by)
		by = strcmp(x->name, y->name);
	return by ? by : strcmp(x->uuid, y->uuid);
}

/* Those that need attention come first where not all can be listed. */
static int need_compare(const void *a, const void *b)
{
	const struct instance_record *x = *(const struct instance_record *const *)a,
				     *y = *(const struct instance_record *const *)b;
	int by = (int)standing_of(x) - (int)standing_of(y);

	return by ? by : row_compare(a, b);
}

static void rows_cut(struct rows *r, size_t rows_max)
{
	if (r->n > rows_max) {
		qsort(r->all, r->n, sizeof(*r->all), need_compare);
		r->n = rows_max;
	}
	qsort(r->all, r->n, sizeof(*r->all), row_compare);
}

static void row_take(struct rows *r, const struct instance_record *i)
{
	enum standing s = standing_of(i);

	r->all[r->n++] = i;
	r->done_n += s == STANDING_OK;
	r->open_n += s == STANDING_DOWN || s == STANDING_FAILED;
}

/* "" where nobody knows it */
static const char *project_name(const struct tell_facts *f, const char *id)
{
	const char *name = NULL;

	for (size_t k = 0; k < f->project_n && !name; k++) {
		if (str_eq(f->projects[k].id, id) && f->projects[k].name[0])
			name = f->projects[k].name;
	}
	if (!name && f->project_name)
		name = f->project_name(f->arg, id);
	return name ? name : "";
}

static cJSON *project_add(cJSON *projects, const struct tell_facts *f, const char *id)
{
	const char *name = project_name(f, id);
	cJSON *p = cJSON_CreateObject();

	if (!p || !cJSON_AddItemToArray(projects, p)) {
		cJSON_Delete(p);
		return NULL;
	}
	put(p, "project", name[0] ? name : id);
	put(p, "project_id", id);
	put(p, "is_named", name[0] ? "yes" : "");
	return p;
}

static void projects_put(cJSON *o, const struct tell_facts *f, struct rows *r, size_t rows_max, bool for_admin)
{
	size_t all_n = r->n;
	cJSON *projects = cJSON_AddArrayToObject(o, "projects"), *list = NULL;

	put_number(o, "instance_n", all_n, false);
	put_number(o, "recovered_n", r->done_n, false);
	put_number(o, "failed_n", r->open_n, true);
	rows_cut(r, rows_max);
	put_number(o, "more_n", all_n - r->n, true);
	for (size_t k = 0; k < r->n; k++) {
		const struct instance_record *i = r->all[k];

		if (k == 0 || !str_eq(i->project, r->all[k - 1]->project)) {
			cJSON *p = project_add(projects, f, i->project);

			if (!p)
				return;
			list = cJSON_AddArrayToObject(p, "instances");
		}
		instance_add(list, i, f, for_admin);
	}
}

static void times_put(cJSON *o, const struct tell_facts *f)
{
	const struct recovery_record *r = f->recovery;
	int64_t failed_ms = r->stamp_wall_ms[HOST_ROW_SUSPECT];

	put(o, "recovery", r->id);
	put_time(o, "now", f->wall_ms);
	put_time(o, "failed_at", failed_ms ? failed_ms : r->opened_wall_ms);
	put_time(o, "confirmed_at", r->stamp_wall_ms[HOST_ROW_FENCING]);
	put_time(o, "recovered_at", f->moment == MOMENT_RECOVERED ? r->stamp_wall_ms[HOST_ROW_RECOVERED] : 0);
}

cJSON *tell_user_facts(
    const struct tell_facts *f, const struct tell_audience *a, const struct tell_reader *reader, size_t rows_max)
{
	struct rows r = {.all = calloc(f->instance_n + 1, sizeof(*r.all))};
	STRBUF_AUTO struct strbuf names = STRBUF_INIT;
	cJSON *o = cJSON_CreateObject();

	for (size_t k = 0; r.all && k < f->instance_n; k++) {
		if (tell_reader_project(a, reader, f->instances[k].project))
			row_take(&r, &f->instances[k]);
	}
	for (size_t k = reader->first; k < reader->first + reader->n; k++) {
		const struct tell_project *p = a->links[k].project;

		strbuf_printf(&names, "%s%s", names.len ? ", " : "", p->name[0] ? p->name : p->id);
	}
	if (o && r.all) {
		times_put(o, f);
		put(o, "person", tell_reader_name(a, reader));
		put(o, "project_names", names.failed ? "" : names.text ? names.text : "");
		projects_put(o, f, &r, rows_max, false);
	}
	free(r.all);
	return o;
}

/* What ends each hold, as far as it is known beforehand. @ stands for the recovery, # for the host. */
static void release_put(cJSON *o, const struct recovery_record *r)
{
	static const char *const words[HOLD_CAUSE_N] = {
	    [HOLD_MASS] =
		"Hosts that come back, or 'osha release @' once it is sure that this host has failed by itself.",
	    [HOLD_UNCONFIRMED] =
		"The next look, if every monitor can tell then; or 'osha confirm-dead #' by somebody who knows.",
	    [HOLD_NO_FENCE] =
		"A fence device that has read on for this host; or power it off and say 'osha confirm-dead #'.",
	    [HOLD_FENCE_FAILED] =
		"The next try, once its fence devices answer; or power it off and say 'osha confirm-dead #'.",
	    [HOLD_CLOUD] = "The next try, once the cloud answers; or 'osha release @' to try now.",
	    [HOLD_INSTANCES] =
		"The next try, once there is room for the instances listed; or 'osha release @' to try now.",
	    [HOLD_LEFTOVER] =
		"The end of the evacuations under way. Keep the host off: it would destroy the only copies.",
	    [HOLD_RESTART_COMPUTE] = "A restart of nova-compute on this host, so that it removes its stale copies.",
	    [HOLD_PROOF_VOID] =
		"The next try to power it off. It was seen on although it had been proven off: find out who starts it.",
	    [HOLD_APPROVAL] = "'osha approve @' by somebody who wants this done. A sign of life ends it by itself.",
	    [HOLD_SUSPENDED] = "The end of the suspension, by itself; or 'osha resume'. A sign of life ends it too.",
	    [HOLD_WINDOW] =
		"The end of the maintenance window, by itself; or 'osha release @' to let this host go now.",
	    [HOLD_CONTROL_PLANE] =
		"'osha release @' by somebody who knows what else runs there. A sign of life ends it by itself.",
	    [HOLD_LIMIT] = "Another recovery that comes to rest; or 'osha release @' to go on beside those that run.",
	    [HOLD_HEALTHY] =
		"More hosts of its segment that are up; or 'osha release @' by somebody who knows that it is dead.",
	    [HOLD_COOL_DOWN] = "The end of its cool-down; or 'osha release @' to go on now.",
	    [HOLD_FLAPPING] =
		"'osha release @' by somebody who has looked why it fails so often. A sign of life ends it by itself.",
	};

	const char *c = (unsigned)r->hold < HOLD_CAUSE_N && words[r->hold] ? words[r->hold] : "";
	STRBUF_AUTO struct strbuf text = STRBUF_INIT;

	for (; *c; c++) {
		if (*c == '@' || *c == '#')
			strbuf_puts(&text, *c == '@' ? r->id : r->host);
		else
			strbuf_add(&text, c, 1);
	}
	put(o, "release", text.text && !text.failed ? text.text : "");
}

struct stamp {
	int64_t wall_ms;
	enum host_row row;
};

static int stamp_compare(const void *a, const void *b)
{
	const struct stamp *x = a, *y = b;

	if (x->wall_ms != y->wall_ms)
		return x->wall_ms < y->wall_ms ? -1 : 1;
	return (int)x->row - (int)y->row;
}

static void timeline_put(cJSON *o, const struct recovery_record *r)
{
	struct stamp stamps[HOST_ROW_N];
	cJSON *list = cJSON_AddArrayToObject(o, "timeline");
	size_t n = 0;

	for (int row = 1; row < HOST_ROW_N; row++) {
		if (r->stamp_wall_ms[row])
			stamps[n++] = (struct stamp){r->stamp_wall_ms[row], (enum host_row)row};
	}
	qsort(stamps, n, sizeof(stamps[0]), stamp_compare);
	for (size_t k = 0; k < n; k++) {
		cJSON *line = cJSON_CreateObject();

		if (!line || !cJSON_AddItemToArray(list, line)) {
			cJSON_Delete(line);
			return;
		}
		put_time(line, "at", stamps[k].wall_ms);
		put(line, "what", host_row_name(stamps[k].row));
	}
}

static void evidence_put(cJSON *o, const struct recovery_record *r)
{
	cJSON *list = cJSON_AddArrayToObject(o, "evidence");

	for (size_t k = 0; k < SIGHTING_MAX && r->sightings[k].monitor[0]; k++) {
		const struct sighting *s = &r->sightings[k];
		cJSON *line = cJSON_CreateObject();

		if (!line || !cJSON_AddItemToArray(list, line)) {
			cJSON_Delete(line);
			return;
		}
		put(line, "monitor", s->monitor);
		put(line, "path", s->path);
		put(line, "says", sign_name(s->sign));
		put_time(line, "seen_at", s->seen_wall_ms);
		put_time(line, "since", s->sign == SIGN_UNKNOWN ? 0 : s->since_wall_ms);
	}
}

static void recovery_put(cJSON *o, const struct tell_facts *f)
{
	const struct recovery_record *r = f->recovery;
	bool has_proof = r->proof.kind != PROOF_NONE && !r->proof.is_void;

	put(o, "host", r->host);
	put(o, "moment", moment_name(f->moment));
	put(o, "state_of_recovery", host_row_name(r->row));
	put(o, "why", r->why);
	put(o, "hold", r->hold ? hold_cause_name(r->hold) : "");
	release_put(o, r);
	put(o, "observed", r->observed ? "yes" : "");
	put(o, "is_listed", f->is_listed ? "yes" : "");
	put(o, "proof", has_proof ? proof_kind_name(r->proof.kind) : "");
	put(o, "proof_by", has_proof ? r->proof.by : "");
	put_time(o, "proof_at", has_proof ? r->proof.at_wall_ms : 0);
}

cJSON *tell_admin_facts(const struct tell_facts *f, size_t rows_max)
{
	struct rows r = {.all = calloc(f->instance_n + 1, sizeof(*r.all))};
	cJSON *o = cJSON_CreateObject();

	for (size_t k = 0; r.all && k < f->instance_n; k++)
		row_take(&r, &f->instances[k]);
	if (o && r.all) {
		times_put(o, f);
		recovery_put(o, f);
		evidence_put(o, f->recovery);
		timeline_put(o, f->recovery);
		projects_put(o, f, &r, rows_max, true);
	}
	free(r.all);
	return o;
}

cJSON *tell_alert_facts(const char *key, const char *text, int64_t wall_ms)
{
	cJSON *o = cJSON_CreateObject();

	if (o) {
		put_time(o, "now", wall_ms);
		put(o, "key", key);
		put(o, "text", text);
	}
	return o;
}

cJSON *tell_unreached_facts(const struct tell_facts *f, const struct tell_unreached *all, size_t n)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "unreached");

	put_time(o, "now", f->wall_ms);
	put(o, "recovery", f->recovery->id);
	put(o, "host", f->recovery->host);
	put(o, "moment", moment_name(f->moment));
	for (size_t k = 0; k < n; k++) {
		cJSON *row = cJSON_CreateObject();

		if (!row || !cJSON_AddItemToArray(list, row)) {
			cJSON_Delete(row);
			break;
		}
		put(row, "who", all[k].who);
		put(row, "why", all[k].why);
	}
	return o;
}
