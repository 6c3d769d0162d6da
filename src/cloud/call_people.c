/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a role in a project: its name, the effective assignments in exactly this project, then each user's own record
 * for the address. One user that cannot be read hides nobody else: the row says why. Source: OpenStack Identity API v3,
 * role_assignments?effective.
 */
#include "cloud/call_private.h"
#include "cloud/judge.h"
#include "cloud/wire.h"

enum { USERS_FAILED_MAX = 2 }; /* one after the other: the cause is keystone's, not a user's */

static enum verdict_next judge_project(struct cloud_call *call, const struct cloud_answer *answer)
{
	JSON_AUTO cJSON *json = NULL;
	const cJSON *project;

	/* The name is for people only; without it they can still be told. */
	if (answer->status == 403 && answer->transport_result == 0)
		return NEXT_STEP;
	if (answer->transport_result || answer->status != 200)
		return call_stop_failed(call, answer);
	json = call_body(answer);
	project = json_object(json, "project");
	if (!str_eq(json_str(project, "id", NULL), call->project))
		return call_stop_garbage(call, answer, "not the project asked for");
	cloud_text_clean(call->result.project_name, sizeof(call->result.project_name), json_str(project, "name", NULL));
	return NEXT_STEP;
}

static bool person_is_known(const struct cloud_result *r, const char *user_id)
{
	for (size_t i = 0; i < r->n_people; i++)
		if (str_eq(r->people[i].user_id, user_id))
			return true;
	return false;
}

static enum verdict_next judge_assignments(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct cloud_result *r = &call->result;
	JSON_AUTO cJSON *json = NULL;
	const cJSON *rows, *row;

	if (answer->transport_result || answer->status != 200)
		return call_stop_failed(call, answer);
	json = call_body(answer);
	rows = json_array(json, "role_assignments");
	if (!rows)
		return call_stop_garbage(call, answer, "no list of role assignments");
	cJSON_ArrayForEach(row, rows)
	{
		struct cloud_person person;
		struct cloud_person *kept;
		enum row_read read = cloud_row_assignment(row, call->project, &person);

		if (read == ROW_GARBAGE)
			return call_stop_garbage(call, answer, "a role assignment without a usable user id");
		if (read != ROW_OK || person_is_known(r, person.user_id))
			continue;
		if (r->n_people >= CLOUD_PEOPLE_MAX) {
			r->n_people_left_out++;
			continue;
		}
		kept = cloud_array_add(&r->people, &r->n_people, sizeof(person));
		if (!kept)
			return call_stop(call, FAULT_TRANSIENT, "out of memory");
		*kept = person;
	}
	return NEXT_STEP;
}

static enum verdict_next judge_user(struct cloud_call *call, const struct cloud_answer *answer)
{
	struct cloud_result *r = &call->result;
	struct cloud_person *person = &r->people[call->item];
	struct cloud_result failure = {0};
	JSON_AUTO cJSON *json = NULL;

	if (answer->transport_result || answer->status != 200) {
		cloud_judge_failure(call->kind, false, answer, &failure);
		person->fault = failure.fault;
	} else {
		json = call_body(answer);
		if (cloud_row_user(json_object(json, "user"), person) != ROW_OK)
			person->fault = FAULT_TRANSIENT;
	}
	call->failed_in_row = person->fault == FAULT_TRANSIENT ? call->failed_in_row + 1 : 0;
	if (call->failed_in_row >= USERS_FAILED_MAX)
		return answer->transport_result || answer->status != 200
			   ? call_stop_failed(call, answer)
			   : call_stop_garbage(call, answer, "not the user asked for");
	call->item++;
	return call->item < r->n_people ? NEXT_AGAIN : NEXT_STEP;
}

enum verdict_next call_people_judge(struct cloud_call *call, const struct cloud_answer *answer)
{
	enum verdict_next next;

	if (call->step == STEP_PROJECT)
		next = judge_project(call, answer);
	else if (call->step == STEP_ASSIGNMENTS)
		next = judge_assignments(call, answer);
	else
		next = judge_user(call, answer);
	if (next == NEXT_STEP)
		call->result.http_status = answer->status;
	return next;
}
