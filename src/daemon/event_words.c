/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "daemon/event_words.h"

#include <stdlib.h>

#include "base/strbuf.h"
#include "daemon/event_line.h"

#define WORD_GETTER(fn, type, limit, name_of)                                                                          \
	bool fn(const cJSON *word, enum type *ret)                                                                     \
	{                                                                                                              \
		for (int k = 0; cJSON_IsString(word) && k < (limit); k++) {                                            \
			*ret = (enum type)k;                                                                           \
			if (str_eq(word->valuestring, name_of(*ret)))                                                  \
				return true;                                                                           \
		}                                                                                                      \
		return false;                                                                                          \
	}

WORD_GETTER(word_sign, sign, SIGN_N, sign_name)
WORD_GETTER(word_power, power, POWER_N, power_name)
WORD_GETTER(word_outcome, outcome, OUTCOME_N, outcome_name)
WORD_GETTER(word_fault, fault_class, FAULT_N, fault_class_name)
WORD_GETTER(word_state, server_state, SERVER_STATE_N, server_state_name)
WORD_GETTER(word_task, server_task, TASK_N, server_task_name)
WORD_GETTER(word_status, migration_status, MIGRATION_STATUS_N, migration_status_name)
WORD_GETTER(word_moment, moment, MOMENT_N, moment_name)
WORD_GETTER(word_verb, operator_verb, OPERATOR_VERB_N, event_verb_name)

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
