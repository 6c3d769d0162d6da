/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer to each step against nova means, and which step or page is next; see call.c for the order. */
#include "cloud/call_private.h"

#include <stdlib.h>

#include "cloud/judge.h"
#include "cloud/wire.h"

enum { SINGLES_FAILED_MAX = 2 }; /* single look-ups failing one after the other: the cause is nova's, not a server's */

static void call_first_page(struct cloud_call *call)
{
	call->marker[0] = '\0';
	call->pages = 0;
}

static bool links_have_next(const cJSON *links)
{
	const cJSON *link;

	cJSON_ArrayForEach(link, links) if (str_eq(json_str(link, "rel", NULL), "next")) return true;
	return false;
}

/*
 * After a page was read: NEXT_AGAIN with the marker set when there is another one, NEXT_STEP when this was the last.
 * The link itself is not followed: whoever could write it could send our token elsewhere.
 */
static enum verdict_next call_next_page(struct cloud_call *call, const struct cloud_answer *answer, const cJSON *json,
    const cJSON *rows, const char *links, const char *id_name)
{
	const cJSON *last = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
	const char *marker = json_str(last, id_name, NULL);

	if (!links_have_next(json_array(json, links)))
		return NEXT_STEP;
	if (++call->pages >= CLOUD_PAGES_MAX)
		return call_stop_garbage(call, answer, "the list does not end");
	if (!cloud_id_is_valid(marker, sizeof(call->marker)) || str_eq(marker, call->marker))
		return call_stop_garbage(call, answer, "the list repeats a page");
	str_copy(call->marker, sizeof(call->marker), marker);
	return NEXT_AGAIN;
}

static enum verdict_next call_stop_row(struct cloud_call *call, const struct cloud_answer *answer, enum row_read read)
{
	call->result.http_status = answer->status;
	if (read == ROW_UNREACHABLE)
		return call_stop(call, FAULT_TRANSIENT, "nova cannot reach the cell that holds this host or server");
	if (read == ROW_HIDDEN)
		return call_stop(
		    call, FAULT_AUTH, "nova hides the hosts of servers from this account: it is no administrator");
	return call_stop_garbage(call, answer, "a row lacks what names it, or holds a wrong type");
}

static enum verdict_next call_stop_full(struct cloud_call *call)
{
	return call_stop(call, FAULT_TRANSIENT, "out of memory, or more than %d rows in one list", CLOUD_ROWS_MAX);
}

static void health_note(struct cloud_result *r, const struct cloud_service *s)
{
	enum sign *sign = str_eq(s->binary, "nova-scheduler")   ? &r->scheduler
			  : str_eq(s->binary, "nova-conductor") ? &r->conductor
								: NULL;

	if (sign && *sign != SIGN_ALIVE && s->view.state != SIGN_UNKNOWN)
		*sign = s->view.state;
}

/* Is this row one that the call wants? nova's own filter is not trusted. */
static bool service_is_wanted(const struct cloud_call *call, const struct cloud_service *s)
{
	if (call->kind == CLOUD_HEALTH)
		return true;
	return str_eq(s->binary, "nova-compute") && (call->step == STEP_SERVICES || str_eq(s->host, call->host));
}

/* Reads the `services` of an answer into the result; NEXT_STEP when all went well. */
static enum verdict_next read_services(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct cloud_result *r = &call->result;
	JSON_AUTO cJSON *json = call_body(answer);
	const cJSON *rows = json_array(json, "services");
	const cJSON *row;

	if (!rows)
		return call_stop_garbage(call, answer, "no list of services");
	r->n_services = 0;
	cJSON_ArrayForEach(row, rows)
	{
		struct cloud_service s;
		struct cloud_service *kept;
		enum row_read read = cloud_row_service(row, &s);

		if (read != ROW_OK)
			return call_stop_row(call, answer, read);
		if (!service_is_wanted(call, &s))
			continue;
		kept = cloud_array_add(&r->services, &r->n_services, sizeof(s));
		if (!kept)
			return call_stop_full(call);
		*kept = s;
		health_note(r, &s);
	}
	return NEXT_STEP;
}

static enum verdict_next judge_find(struct cloud_call *call, const struct cloud_answer *answer)
{
	enum verdict_next next = read_services(call, answer);

	if (next == NEXT_STOP)
		return next;
	call->result.http_status = answer->status;
	if (call->result.n_services == 0)
		return call_stop(call, FAULT_MISSING, "nova has no nova-compute service of exactly this host");
	if (call->result.n_services > 1)
		return call_stop(call, FAULT_STATE, "nova has more than one nova-compute service of this host");
	if (!call->result.services[0].view.service_id[0] && call->kind != CLOUD_SERVICE_OF_HOST)
		return call_stop_row(call, answer, ROW_UNREACHABLE);
	return next;
}

/* Does the service already look as the call wants it? */
static bool service_is_as_asked(const struct cloud_call *call, const struct service_view *v)
{
	char reason[REASON_SIZE];

	switch (call->kind) {
	case CLOUD_FORCE_DOWN:
		return v->forced_down;
	case CLOUD_UNFORCE:
		return !v->forced_down;
	case CLOUD_DISABLE:
		cloud_text_clean(reason, sizeof(reason), call->reason);
		return v->disabled && str_eq(v->disabled_reason, reason);
	default:
		return !v->disabled;
	}
}

static enum verdict_next judge_change(struct cloud_call *call, const struct cloud_answer *answer)
{
	JSON_AUTO cJSON *json = call_body(answer);
	const cJSON *row = json_object(json, "service");
	struct cloud_service s;

	if (!row || cloud_row_service(row, &s) != ROW_OK || !str_eq(s.host, call->host))
		return call_stop_garbage(call, answer, "not the service that was changed");
	if (!service_is_as_asked(call, &s.view))
		return call_stop_garbage(call, answer, "the service does not show the change");
	call->result.services[0] = s;
	return NEXT_STEP;
}

static enum verdict_next read_server_row(struct cloud_call *call, const struct cloud_answer *answer, const cJSON *row)
{
	struct cloud_result *r = &call->result;
	struct instance_view v;
	struct instance_view *kept;
	enum row_read read = call->is_short ? cloud_row_short(row, &v) : cloud_row_server(row, &v);

	if (read != ROW_OK)
		return call_stop_row(call, answer, read);
	if (call->is_short)
		str_copy(v.host, sizeof(v.host), call->host);
	if (!str_eq(v.host, call->host))
		return NEXT_STEP;
	kept = cloud_array_add(&r->instances, &r->n_instances, sizeof(v));
	if (!kept)
		return call_stop_full(call);
	*kept = v;
	return NEXT_STEP;
}

static enum verdict_next judge_detail(struct cloud_call *call, const struct cloud_answer *answer)
{
	JSON_AUTO cJSON *json = call_body(answer);
	const cJSON *rows = json_array(json, "servers");
	const cJSON *row;
	enum verdict_next next;

	if (!rows)
		return call_stop_garbage(call, answer, "no list of servers");
	cJSON_ArrayForEach(row, rows)
	{
		next = read_server_row(call, answer, row);
		if (next == NEXT_STOP)
			return next;
	}
	next = call_next_page(call, answer, json, rows, "servers_links", "id");
	if (next == NEXT_STEP)
		cloud_instances_sort(call->result.instances, &call->result.n_instances);
	return next;
}

/* Neutron away: the long list answers 500 (or hangs), the short one still works. */
static bool detail_falls_back(struct cloud_call *call, const struct cloud_answer *answer)
{
	const int code = -answer->transport_result;

	if (call->step != STEP_DETAIL || call->is_short)
		return false;
	if (answer->transport_result ? code != OSHA_E_TIMEOUT && code != OSHA_E_GARBAGE : answer->status < 500)
		return false;
	call->is_short = true;
	call->result.n_instances = 0;
	call_first_page(call);
	return true;
}

/* Reads the `server` of a single GET. */
static enum row_read read_single(const struct cloud_answer *answer, const char *uuid, struct instance_view *ret_view)
{
	JSON_AUTO cJSON *json = call_body(answer);
	const cJSON *server = json_object(json, "server");
	enum row_read read = server ? cloud_row_server(server, ret_view) : ROW_GARBAGE;

	return read == ROW_OK && !str_eq(ret_view->uuid, uuid) ? ROW_GARBAGE : read;
}

static bool answer_is_ok(const struct cloud_answer *answer)
{
	return answer->transport_result == 0 &&
	       (answer->status == 200 || answer->status == 202 || answer->status == 203);
}

static bool answer_is_gone(const struct cloud_answer *answer)
{
	return answer->transport_result == 0 && answer->status == 404 && cloud_judge_has_own_words(answer);
}

static enum verdict_next single_next(struct cloud_call *call)
{
	struct cloud_result *r = &call->result;
	size_t kept = 0;

	call->item++;
	if (call->item < r->n_instances && call->item < CLOUD_SINGLES_MAX && call->failed_in_row < SINGLES_FAILED_MAX)
		return NEXT_AGAIN;
	for (size_t i = 0; i < r->n_instances; i++) {
		if (!r->instances[i].exists || !str_eq(r->instances[i].host, call->host))
			continue;
		r->is_partial = r->is_partial || i >= call->item || r->instances[i].state == SERVER_UNKNOWN;
		r->instances[kept++] = r->instances[i];
	}
	r->n_instances = kept;
	return NEXT_STEP;
}

static enum verdict_next judge_single(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct instance_view *row = &call->result.instances[call->item];
	struct instance_view v;
	enum row_read read;

	if (answer_is_gone(answer)) {
		row->exists = false;
		call->failed_in_row = 0;
		return single_next(call);
	}
	if (!answer_is_ok(answer)) {
		if (!cloud_judge_is_passing(answer))
			return call_stop_failed(call, answer);
		call->failed_in_row++;
		return single_next(call);
	}
	read = read_single(answer, row->uuid, &v);
	if (read == ROW_HIDDEN || read == ROW_UNREACHABLE)
		return call_stop_row(call, answer, read);
	call->failed_in_row = read == ROW_OK ? 0 : call->failed_in_row + 1;
	if (read == ROW_OK)
		*row = v;
	return single_next(call);
}

static bool migration_is_wanted(const struct cloud_call *call, const struct migration_view *m)
{
	const bool is_from = str_eq(m->source, call->host);
	const bool is_onto = str_eq(m->dest, call->host);

	if (call->step == STEP_HISTORY)
		return str_eq(m->instance, call->pending[call->item].uuid);
	if (call->kind == CLOUD_MIGRATIONS_FROM)
		return is_from;
	return call->kind == CLOUD_MIGRATIONS_ONTO ? is_onto : is_from || is_onto;
}

/* Reads one page of evacuations into @array; NEXT_STEP after the last page. */
static enum verdict_next read_migrations(
    struct cloud_call *call, const struct cloud_answer *answer, struct migration_view **array, size_t *n)
{
	JSON_AUTO cJSON *json = call_body(answer);
	const cJSON *rows = json_array(json, "migrations");
	const cJSON *row;

	if (!rows)
		return call_stop_garbage(call, answer, "no list of migrations");
	cJSON_ArrayForEach(row, rows)
	{
		struct migration_view m;
		struct migration_view *kept;
		enum row_read read = cloud_row_migration(row, &m);

		if (read == ROW_GARBAGE)
			return call_stop_row(call, answer, read);
		if (read == ROW_OTHER || !migration_is_wanted(call, &m))
			continue;
		kept = cloud_array_add(array, n, sizeof(m));
		if (!kept)
			return call_stop_full(call);
		*kept = m;
	}
	return call_next_page(call, answer, json, rows, "migrations_links", "uuid");
}

/* Copies what has not ended, or not been cleaned up by its source, to `unfinished`. */
static bool keep_unfinished(struct cloud_result *r, const struct migration_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct migration_view *kept;

		if (!migration_is_under_way(m[i].status) && m[i].status != MIGRATION_DONE)
			continue;
		kept = cloud_array_add(&r->unfinished, &r->n_unfinished, sizeof(*kept));
		if (!kept)
			return false;
		*kept = m[i];
	}
	return true;
}

/* Tells a server of evacuations that a newer record of it hides; its own fields are filled in. */
static void note_all(struct instance_view *v, const struct migration_view *m, size_t n)
{
	for (size_t i = 0; i < n; i++)
		instance_view_note(v, &m[i]);
}

static enum verdict_next judge_migrations(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct cloud_result *r = &call->result;
	enum verdict_next next = read_migrations(call, answer, &r->migrations, &r->n_migrations);

	if (next != NEXT_STEP)
		return next;
	cloud_migrations_sort(r->migrations, &r->n_migrations);
	if (!keep_unfinished(r, r->migrations, r->n_migrations))
		return call_stop_full(call);
	cloud_migrations_newest(r->migrations, &r->n_migrations);
	for (size_t i = 0; i < r->n_instances; i++) {
		const struct migration_view *m =
		    cloud_migrations_find(r->migrations, r->n_migrations, r->instances[i].uuid);

		if (m)
			r->instances[i].evacuation = *m;
		note_all(&r->instances[i], r->unfinished, r->n_unfinished);
	}
	return next;
}

/* The servers that STEP_ASK has to look at: the one asked for, or those under way that the host's list did not show. */
static bool pending_collect(struct cloud_call *call)
{
	struct cloud_result *r = &call->result;
	struct instance_view *p;

	if (call->kind == CLOUD_ASK) {
		p = cloud_array_add(&call->pending, &call->n_pending, sizeof(*p));
		if (p)
			str_copy(p->uuid, sizeof(p->uuid), call->instance);
		return p != NULL;
	}
	for (size_t i = 0; i < r->n_migrations; i++) {
		const struct migration_view *m = &r->migrations[i];

		if (!migration_is_under_way(m->status) ||
		    cloud_instances_find(r->instances, r->n_instances, m->instance))
			continue;
		p = cloud_array_add(&call->pending, &call->n_pending, sizeof(*p));
		if (!p)
			return false;
		*p = (struct instance_view){.exists = true, .evacuation = *m};
		str_copy(p->uuid, sizeof(p->uuid), m->instance);
	}
	return true;
}

static bool pending_is_kept(const struct cloud_call *call, const struct instance_view *p)
{
	const struct migration_view *m = &p->evacuation;

	if (call->kind == CLOUD_ASK)
		return true;
	return p->exists && migration_is_under_way(m->status) &&
	       (str_eq(m->source, call->host) || str_eq(m->dest, call->host));
}

static enum verdict_next ask_next(struct cloud_call *call)
{
	struct cloud_result *r = &call->result;

	call->step = STEP_ASK;
	call->item++;
	if (call->item < call->n_pending && call->item < CLOUD_SINGLES_MAX && call->failed_in_row < SINGLES_FAILED_MAX)
		return NEXT_AGAIN;
	for (size_t i = 0; i < call->n_pending; i++) {
		const struct instance_view *p = &call->pending[i];
		struct instance_view *kept;

		if (!pending_is_kept(call, p))
			continue;
		kept = cloud_array_add(&r->instances, &r->n_instances, sizeof(*kept));
		if (!kept)
			return call_stop_full(call);
		*kept = *p;
		r->is_partial = r->is_partial || (p->exists && p->state == SERVER_UNKNOWN);
	}
	cloud_instances_sort(r->instances, &r->n_instances);
	return NEXT_STEP;
}

static enum verdict_next judge_ask(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct instance_view *p = &call->pending[call->item];
	struct instance_view v = {0};
	enum row_read read = ROW_OK;

	if (answer_is_gone(answer)) {
		str_copy(v.uuid, sizeof(v.uuid), p->uuid);
		v.state = SERVER_DELETED;
	} else if (!answer_is_ok(answer)) {
		if (call->kind == CLOUD_ASK || !cloud_judge_is_passing(answer))
			return call_stop_failed(call, answer);
		call->failed_in_row++;
		return ask_next(call);
	} else {
		read = read_single(answer, p->uuid, &v);
	}
	if (read != ROW_OK)
		return call_stop_row(call, answer, read);
	call->failed_in_row = 0;
	v.evacuation = p->evacuation;
	v.lacks_history = call->is_brief;
	*p = v;
	if (call->is_brief)
		return ask_next(call);
	call->step = STEP_HISTORY;
	call->n_history = 0;
	call_first_page(call);
	return NEXT_AGAIN;
}

static enum verdict_next judge_history(struct cloud_call *call, const struct cloud_answer *answer)
{
	enum verdict_next next = read_migrations(call, answer, &call->history, &call->n_history);

	if (next != NEXT_STEP)
		return next;
	cloud_migrations_sort(call->history, &call->n_history);
	call->pending[call->item].evacuation = call->n_history ? call->history[0] : (struct migration_view){0};
	note_all(&call->pending[call->item], call->history, call->n_history);
	if (call->kind == CLOUD_ASK && !keep_unfinished(&call->result, call->history, call->n_history))
		return call_stop_full(call);
	return ask_next(call);
}

bool call_step_begin(struct cloud_call *call)
{
	call_first_page(call);
	call->item = 0;
	call->failed_in_row = 0;
	switch (call->step) {
	case STEP_FIND:
		return !call->is_brief;
	case STEP_CHANGE:
		call->result.was_already = service_is_as_asked(call, &call->result.services[0].view);
		return !call->result.was_already;
	case STEP_SINGLE:
		return call->is_short && call->result.n_instances > 0;
	case STEP_ASK:
		if (!pending_collect(call))
			call_stop_full(call);
		return call->result.fault == FAULT_NONE && call->n_pending > 0;
	case STEP_USER:
		return call->result.n_people > 0;
	default:
		return true;
	}
}

/* Steps that need a success before anything can be read. */
static enum verdict_next judge_success(struct cloud_call *call, const struct cloud_answer *answer)
{
	switch (call->step) {
	case STEP_SERVICES:
		return read_services(call, answer);
	case STEP_FIND:
		return judge_find(call, answer);
	case STEP_CHANGE:
		return judge_change(call, answer);
	case STEP_DETAIL:
		return judge_detail(call, answer);
	case STEP_MIGRATIONS:
		return judge_migrations(call, answer);
	case STEP_HISTORY:
		return judge_history(call, answer);
	default:
		return NEXT_STEP; /* STEP_ACTION: accepted, and the body means nothing */
	}
}

enum verdict_next call_step_judge(struct cloud_call *call, const struct cloud_answer *answer)
{
	enum verdict_next next;

	if (call->step == STEP_SINGLE)
		return judge_single(call, answer);
	if (call->step == STEP_ASK)
		return judge_ask(call, answer);
	if (call->step == STEP_PROJECT || call->step == STEP_ASSIGNMENTS || call->step == STEP_USER)
		return call_people_judge(call, answer);
	if (detail_falls_back(call, answer))
		return NEXT_AGAIN;
	if (!answer_is_ok(answer) &&
	    !(call->step == STEP_ACTION && answer->transport_result == 0 && answer->status / 100 == 2))
		return call_stop_failed(call, answer);
	next = judge_success(call, answer);
	if (next == NEXT_STEP)
		call->result.http_status = answer->status;
	return next;
}
