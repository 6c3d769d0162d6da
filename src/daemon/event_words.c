/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "daemon/event_words.h"

#include <stdlib.h>

#include "base/strbuf.h"
#include "daemon/event_line.h"

/* The body of a getter: the first value that is named so. */
#define WORD_FIND(word, ret, limit, name_of)                                                                           \
	for (unsigned k = 0; cJSON_IsString(word) && k < (unsigned)(limit); k++) {                                     \
		*(ret) = k;                                                                                            \
		if (str_eq((word)->valuestring, (name_of)(*(ret))))                                                    \
			return true;                                                                                   \
	}                                                                                                              \
	return false

bool word_sign(const cJSON *word, enum sign *ret)
{
	WORD_FIND(word, ret, SIGN_N, sign_name);
}

bool word_power(const cJSON *word, enum power *ret)
{
	WORD_FIND(word, ret, POWER_N, power_name);
}

bool word_outcome(const cJSON *word, enum outcome *ret)
{
	WORD_FIND(word, ret, OUTCOME_N, outcome_name);
}

bool word_fault(const cJSON *word, enum fault_class *ret)
{
	WORD_FIND(word, ret, FAULT_N, fault_class_name);
}

bool word_state(const cJSON *word, enum server_state *ret)
{
	WORD_FIND(word, ret, SERVER_STATE_N, server_state_name);
}

bool word_task(const cJSON *word, enum server_task *ret)
{
	WORD_FIND(word, ret, TASK_N, server_task_name);
}

bool word_status(const cJSON *word, enum migration_status *ret)
{
	WORD_FIND(word, ret, MIGRATION_STATUS_N, migration_status_name);
}

bool word_moment(const cJSON *word, enum moment *ret)
{
	WORD_FIND(word, ret, MOMENT_N, moment_name);
}

bool word_verb(const cJSON *word, enum operator_verb *ret)
{
	WORD_FIND(word, ret, OPERATOR_VERB_N, event_verb_name);
}

bool word_int(const cJSON *n, int64_t *ret)
{
	return event_number_get(n, INT64_MIN, INT64_MAX, ret);
}

bool word_u32(const cJSON *n, uint32_t limit, uint32_t *ret)
{
	int64_t x;

	if (!event_number_get(n, 0, (int64_t)limit - 1, &x))
		return false;
	*ret = (uint32_t)x;
	return true;
}

bool word_flag(const cJSON *n, bool *ret)
{
	uint32_t x;

	if (!word_u32(n, 2, &x))
		return false;
	*ret = x;
	return true;
}

bool word_text(const cJSON *t, char *ret, size_t size)
{
	return cJSON_IsString(t) && str_copy(ret, size, t->valuestring);
}

/* A text or null, borrowed. */
bool word_borrow(const cJSON *t, const char **ret)
{
	*ret = cJSON_IsString(t) ? t->valuestring : NULL;
	return cJSON_IsString(t) || cJSON_IsNull(t);
}

bool word_hex(const cJSON *t, uint64_t *ret)
{
	char *end;

	if (!cJSON_IsString(t) || !t->valuestring[0])
		return false;
	*ret = strtoull(t->valuestring, &end, 16);
	return !*end;
}
