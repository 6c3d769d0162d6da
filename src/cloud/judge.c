/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of failure by status and by the words of nova 26 (Zed); the table stands in judge.h. */
#include "cloud/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cloud/wire.h"

enum {
	ERROR_BODY_MAX_BYTES = 64 * 1024, /* an error longer than this is not worth parsing */
	MESSAGE_SIZE = 1024,
	RETRY_AFTER_MAX_S = 3600,
};

struct verdict {
	enum outcome outcome;
	enum fault_class fault;
};

static const char *error_message(const cJSON *body)
{
	const cJSON *inner = cJSON_IsObject(body) ? body->child : NULL;

	return cJSON_IsObject(inner) ? json_str(inner, "message", NULL) : NULL;
}

/* nova's catch-all: two lines of advice; the cause stands in the last one. */
static const char *telling_part(const char *message)
{
	const char *line = str_starts(message, "Unexpected API Error") ? strrchr(message, '\n') : NULL;

	return line && line[1] ? line + 1 : message;
}

bool cloud_judge_message(const char *body, size_t n, char *dst, size_t size)
{
	JSON_AUTO cJSON *json = NULL;
	const char *message;

	dst[0] = '\0';
	if (!body || n == 0 || n > ERROR_BODY_MAX_BYTES || json_parse(body, n, &json, NULL) < 0)
		return false;
	message = error_message(json);
	if (!message)
		return false;
	cloud_text_clean(dst, size, telling_part(message));
	return dst[0] != '\0';
}

bool cloud_judge_has_own_words(const struct cloud_answer *answer)
{
	char message[MESSAGE_SIZE];

	return cloud_judge_message(answer->body, answer->body_size, message, sizeof(message));
}

bool cloud_judge_is_passing(const struct cloud_answer *answer)
{
	if (answer->transport_result)
		return true;
	return answer->status == 408 || answer->status == 429 || answer->status >= 500 || answer->status < 100;
}

static struct verdict verdict_of_transport(bool is_mutating, const struct cloud_answer *answer)
{
	int code = answer->transport_result < 0 ? -answer->transport_result : answer->transport_result;

	if (is_mutating && answer->may_have_been_sent)
		return (struct verdict){OUTCOME_UNKNOWN, FAULT_TRANSIENT};
	if (code == OSHA_E_AUTH)
		return (struct verdict){OUTCOME_REFUSED, FAULT_AUTH};
	if (code == OSHA_E_CONFIG || code == OSHA_E_USAGE || code == OSHA_E_NOTFOUND)
		return (struct verdict){OUTCOME_REFUSED, FAULT_STATE};
	return (struct verdict){OUTCOME_REFUSED, FAULT_TRANSIENT};
}

static enum fault_class fault_of_400(enum cloud_kind kind, const char *message)
{
	if (strstr(message, "is still in use"))
		return FAULT_BUSY;
	if (kind == CLOUD_UNFORCE && strstr(message, "evacuation migration records remain"))
		return FAULT_LEFTOVER;
	if (!cloud_kind_is_mutating(kind) && strstr(message, "arker") && strstr(message, " found"))
		return FAULT_TRANSIENT;
	return FAULT_STATE;
}

static struct verdict verdict_of_status(enum cloud_kind kind, bool is_mutating, int status, const char *message)
{
	const struct verdict unclear = {is_mutating ? OUTCOME_UNKNOWN : OUTCOME_REFUSED, FAULT_TRANSIENT};

	switch (status) {
	case 400:
		return (struct verdict){OUTCOME_REFUSED, fault_of_400(kind, message)};
	case 401:
	case 403:
		return (struct verdict){OUTCOME_REFUSED, FAULT_AUTH};
	case 404:
		return (struct verdict){OUTCOME_REFUSED, message[0] ? FAULT_MISSING : FAULT_TRANSIENT};
	case 408:
		return unclear;
	case 409:
		return (struct verdict){
		    OUTCOME_REFUSED, strstr(message, "in vm_state ") ? FAULT_STATE : FAULT_TRANSIENT};
	case 413:
	case 425:
	case 429:
		return (struct verdict){OUTCOME_REFUSED, FAULT_TRANSIENT};
	default:
		if (status >= 300 && status < 500)
			return (struct verdict){OUTCOME_REFUSED, FAULT_STATE};
		return unclear;
	}
}

static void reason_of_status(int status, const char *message, char *ret_reason)
{
	char text[MESSAGE_SIZE + 64];

	if (status >= 300 && status < 400)
		snprintf(
		    text, sizeof(text), "HTTP %d: a redirect is not followed; the endpoint's URL is wrong", status);
	else if (status == 406)
		snprintf(text, sizeof(text), "microversion refused: %s", message[0] ? message : "HTTP 406");
	else if (message[0] && status >= 400 && status < 500)
		snprintf(text, sizeof(text), "%s", message);
	else if (message[0])
		snprintf(text, sizeof(text), "HTTP %d: %s", status, message);
	else
		snprintf(text, sizeof(text), "HTTP %d without the service's own words", status);
	cloud_text_clean(ret_reason, REASON_SIZE, text);
}

static void result_set(struct cloud_result *r, struct verdict v, const struct cloud_answer *answer)
{
	r->outcome = v.outcome;
	r->fault = v.fault;
	r->http_status = answer->transport_result ? 0 : answer->status;
	r->retry_after_s = answer->retry_after_s < RETRY_AFTER_MAX_S ? answer->retry_after_s : RETRY_AFTER_MAX_S;
}

void cloud_judge_failure(
    enum cloud_kind kind, bool is_mutating, const struct cloud_answer *answer, struct cloud_result *ret_result)
{
	char message[MESSAGE_SIZE];

	if (answer->transport_result) {
		result_set(ret_result, verdict_of_transport(is_mutating, answer), answer);
		cloud_text_clean(ret_result->reason, REASON_SIZE,
		    answer->detail && answer->detail[0] ? answer->detail : osha_err_text(answer->transport_result));
		return;
	}
	cloud_judge_message(answer->body, answer->body_size, message, sizeof(message));
	result_set(ret_result, verdict_of_status(kind, is_mutating, answer->status, message), answer);
	reason_of_status(answer->status, message, ret_result->reason);
}

void cloud_judge_garbage(
    bool is_mutating, const struct cloud_answer *answer, const char *why, struct cloud_result *ret_result)
{
	char text[REASON_SIZE];

	result_set(
	    ret_result, (struct verdict){is_mutating ? OUTCOME_UNKNOWN : OUTCOME_REFUSED, FAULT_TRANSIENT}, answer);
	snprintf(text, sizeof(text), "HTTP %d, but the answer is not understood: %s", answer->status, why);
	cloud_text_clean(ret_result->reason, REASON_SIZE, text);
}
