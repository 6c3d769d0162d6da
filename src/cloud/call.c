/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of steps of every kind of call, and the frame around them: arguments, requests, the end. What one answer
 * means stands in call_step.c and call_people.c.
 *
 * Lists of a host are framed by two looks at its service: nova leaves the rows of a cell that it cannot reach silently
 * out of filtered lists, and an empty list would read as "nothing to recover" or "nothing left over".
 */
#include "cloud/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloud/call_private.h"
#include "cloud/judge.h"
#include "cloud/wire.h"

#define MICROVERSION_PINNED "2.90" /* from 2.95 on evacuated servers end stopped */
#define MICROVERSION_MIN                                                                                               \
	"2.69" /* rows of an unreachable cell are marked; 2.68 ended `force`, 2.59 brought pages of migrations */

enum { STEPS_MAX = 8 };

struct kind_row {
	const char *name;
	bool is_mutating;
	bool needs_host, needs_instance, needs_project;
	enum step steps[STEPS_MAX];
};

static const struct kind_row kind_rows[CLOUD_KIND_N] = {
    [CLOUD_SERVICES] = {"services", false, false, false, false, {STEP_SERVICES}},
    [CLOUD_HEALTH] = {"health", false, false, false, false, {STEP_SERVICES}},
    [CLOUD_SERVICE_OF_HOST] = {"service-of-host", false, true, false, false, {STEP_FIND}},
    [CLOUD_FORCE_DOWN] = {"force-down", true, true, false, false, {STEP_FIND, STEP_CHANGE}},
    [CLOUD_UNFORCE] = {"unforce", true, true, false, false, {STEP_FIND, STEP_CHANGE}},
    [CLOUD_DISABLE] = {"disable", true, true, false, false, {STEP_FIND, STEP_CHANGE}},
    [CLOUD_ENABLE] = {"enable", true, true, false, false, {STEP_FIND, STEP_CHANGE}},
    [CLOUD_SERVERS_OF_HOST] = {"servers-of-host", false, true, false, false,
	{STEP_FIND, STEP_DETAIL, STEP_SINGLE, STEP_FIND}},
    [CLOUD_MIGRATIONS_FROM] = {"migrations-from", false, true, false, false, {STEP_FIND, STEP_MIGRATIONS, STEP_FIND}},
    [CLOUD_MIGRATIONS_ONTO] = {"migrations-onto", false, true, false, false, {STEP_FIND, STEP_MIGRATIONS, STEP_FIND}},
    [CLOUD_INVENTORY] = {"inventory", false, true, false, false,
	{STEP_FIND, STEP_DETAIL, STEP_SINGLE, STEP_MIGRATIONS, STEP_ASK, STEP_FIND}},
    [CLOUD_ASK] = {"ask", false, false, true, false, {STEP_ASK}},
    [CLOUD_EVACUATE] = {"evacuate", true, false, true, false, {STEP_ACTION}},
    [CLOUD_STOP] = {"stop", true, false, true, false, {STEP_ACTION}},
    [CLOUD_START] = {"start", true, false, true, false, {STEP_ACTION}},
    [CLOUD_RESET_STATE] = {"reset-state", true, false, true, false, {STEP_ACTION}},
    [CLOUD_PEOPLE_OF_PROJECT] = {"people-of-project", false, false, false, true,
	{STEP_PROJECT, STEP_ASSIGNMENTS, STEP_USER}},
};

static const struct kind_row *row_of(enum cloud_kind kind)
{
	return (unsigned)kind < CLOUD_KIND_N ? &kind_rows[kind] : NULL;
}

const char *cloud_kind_name(enum cloud_kind kind)
{
	return row_of(kind) ? row_of(kind)->name : "?";
}

bool cloud_kind_is_mutating(enum cloud_kind kind)
{
	return row_of(kind) && row_of(kind)->is_mutating;
}

const char *cloud_microversion_min(void)
{
	return MICROVERSION_MIN;
}

static int arguments_check(const struct kind_row *row, const struct cloud_args *args, struct osha_err *reterr)
{
	if (row->needs_host && !cloud_host_is_valid(args->host))
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: no usable host name", row->name);
	if (row->needs_instance && !cloud_id_is_valid(args->instance, UUID_SIZE))
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: no usable instance id", row->name);
	if (row->needs_project && !cloud_id_is_valid(args->project, UUID_SIZE))
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: no usable project id", row->name);
	if (args->is_brief && args->kind != CLOUD_ASK && args->kind != CLOUD_MIGRATIONS_FROM &&
	    args->kind != CLOUD_MIGRATIONS_ONTO)
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: there is no brief form of it", row->name);
	if (args->kind == CLOUD_DISABLE && (!args->reason || !args->reason[0]))
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: no reason given", row->name);
	return 0;
}

/* Ends the call; arrays of a call that is not done hold an unknown part of the truth, so nobody gets them. */
static void call_end(struct cloud_call *call)
{
	struct cloud_result *r = &call->result;

	call->is_over = true;
	if (r->outcome == OUTCOME_DONE)
		return;
	r->n_services = r->n_instances = r->n_migrations = r->n_unfinished = r->n_people = 0;
	r->n_people_left_out = 0;
	r->scheduler = r->conductor = SIGN_UNKNOWN;
	r->is_partial = false;
}

static void call_fail_memory(struct cloud_call *call)
{
	call_stop(call, FAULT_TRANSIENT, "out of memory");
	call_end(call);
}

/* Goes on to the next step that has something to ask; at the end of the row the call is done. */
static void call_advance(struct cloud_call *call)
{
	for (;; call->at++) {
		call->step = call->at < STEPS_MAX ? call->steps[call->at] : STEP_END;
		if (call->step == STEP_END) {
			call->result.outcome = OUTCOME_DONE;
			call->result.fault = FAULT_NONE;
			call_end(call);
			return;
		}
		if (call_step_begin(call))
			break;
		if (call->result.fault != FAULT_NONE) {
			call_end(call);
			return;
		}
	}
	if (!call_build_path(call))
		call_fail_memory(call);
}

int cloud_call_begin(const struct cloud_args *args, struct cloud_call **ret_call, struct osha_err *reterr)
{
	const struct kind_row *row = row_of(args->kind);
	struct cloud_call *call;
	int r;

	if (!row)
		return osha_err_set(reterr, OSHA_E_USAGE, "no such call: %d", (int)args->kind);
	r = arguments_check(row, args, reterr);
	if (r < 0)
		return r;
	call = calloc(1, sizeof(*call));
	if (!call)
		return osha_err_set(reterr, OSHA_E_NOMEM, "%s: out of memory", row->name);
	call->kind = args->kind;
	call->steps = row->steps;
	call->is_brief = args->is_brief;
	str_copy(call->host, sizeof(call->host), row->needs_host ? args->host : "");
	str_copy(call->instance, sizeof(call->instance), row->needs_instance ? args->instance : "");
	str_copy(call->project, sizeof(call->project), row->needs_project ? args->project : "");
	cloud_text_clean(call->reason, sizeof(call->reason), args->kind == CLOUD_DISABLE ? args->reason : "");
	call_advance(call);
	if (call->is_over) {
		cloud_call_free(&call);
		return osha_err_set(reterr, OSHA_E_NOMEM, "%s: out of memory", row->name);
	}
	*ret_call = call;
	return 0;
}

bool call_step_is_mutating(const struct cloud_call *call)
{
	return call->step == STEP_CHANGE || call->step == STEP_ACTION;
}

bool cloud_call_request(const struct cloud_call *call, struct cloud_request *ret_request)
{
	const bool is_identity =
	    call->step == STEP_PROJECT || call->step == STEP_ASSIGNMENTS || call->step == STEP_USER;
	const bool has_plan_b = (call->step == STEP_DETAIL && !call->is_short) || call->step == STEP_SINGLE ||
				(call->kind == CLOUD_INVENTORY && call->step == STEP_ASK);

	if (call->is_over)
		return false;
	*ret_request = (struct cloud_request){
	    .service_type = is_identity ? "identity" : "compute",
	    .method = call->step == STEP_CHANGE   ? "PUT"
		      : call->step == STEP_ACTION ? "POST"
						  : "GET",
	    .path = call->path.text,
	    .microversion = is_identity ? NULL : MICROVERSION_PINNED,
	    .microversion_min = is_identity ? NULL : MICROVERSION_MIN,
	    .body = call->body.len ? call->body.text : NULL,
	    .is_mutating = call_step_is_mutating(call),
	    .share_percent = has_plan_b ? 40 : 100,
	};
	return true;
}

enum cloud_next cloud_call_answer(struct cloud_call *call, const struct cloud_answer *answer)
{
	if (call->is_over)
		return CLOUD_END;
	switch (call_step_judge(call, answer)) {
	case NEXT_AGAIN:
		if (!call_build_path(call))
			call_fail_memory(call);
		break;
	case NEXT_STEP:
		call->at++;
		call_advance(call);
		break;
	case NEXT_STOP:
		call_end(call);
		break;
	}
	return call->is_over ? CLOUD_END : CLOUD_MORE;
}

void cloud_call_abandon(struct cloud_call *call, int transport_result, bool may_have_been_sent, const char *detail)
{
	const struct cloud_answer answer = {
	    .transport_result = transport_result ? transport_result : -OSHA_E_CANCELLED,
	    .may_have_been_sent = may_have_been_sent,
	    .detail = detail,
	};

	if (call->is_over)
		return;
	call_stop_failed(call, &answer);
	call_end(call);
}

const struct cloud_result *cloud_call_result(const struct cloud_call *call)
{
	return call->is_over ? &call->result : NULL;
}

void cloud_call_free(struct cloud_call **call)
{
	struct cloud_call *c = *call;

	if (!c)
		return;
	strbuf_free(&c->path);
	strbuf_free(&c->body);
	free(c->pending);
	free(c->history);
	free(c->result.services);
	free(c->result.instances);
	free(c->result.migrations);
	free(c->result.unfinished);
	free(c->result.people);
	free(c);
	*call = NULL;
}

enum verdict_next call_stop_failed(struct cloud_call *call, const struct cloud_answer *answer)
{
	cloud_judge_failure(call->kind, call_step_is_mutating(call), answer, &call->result);
	return NEXT_STOP;
}

enum verdict_next call_stop_garbage(struct cloud_call *call, const struct cloud_answer *answer, const char *why)
{
	cloud_judge_garbage(call_step_is_mutating(call), answer, why, &call->result);
	return NEXT_STOP;
}

enum verdict_next call_stop(struct cloud_call *call, enum fault_class fault, const char *fmt, ...)
{
	char text[2 * REASON_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	call->result.outcome = OUTCOME_REFUSED;
	call->result.fault = fault;
	cloud_text_clean(call->result.reason, REASON_SIZE, text);
	return NEXT_STOP;
}

cJSON *call_body(const struct cloud_answer *answer)
{
	cJSON *json = NULL;

	if (!answer->body || answer->body_size > CLOUD_BODY_MAX_BYTES ||
	    json_parse(answer->body, answer->body_size, &json, NULL) < 0)
		return NULL;
	if (!cJSON_IsObject(json))
		json_free(&json);
	return json;
}
