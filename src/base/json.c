/* SPDX-License-Identifier: Apache-2.0 */
/* Typed look-ups over cJSON; see json.h. */
#include "base/json.h"

#include <math.h>

int json_parse(const char *bytes, size_t n, cJSON **ret_json, struct osha_err *reterr)
{
	const char *end = NULL;
	cJSON *j = cJSON_ParseWithLengthOpts(bytes, n, &end, false);

	if (!j)
		return osha_err_set(
		    reterr, OSHA_E_GARBAGE, "not JSON near byte %zu of %zu", end ? (size_t)(end - bytes) : 0, n);
	for (; end < bytes + n && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t' || *end == '\0'); end++)
		;
	if (end < bytes + n) {
		cJSON_Delete(j);
		return osha_err_set(
		    reterr, OSHA_E_GARBAGE, "text after the JSON value at byte %zu", (size_t)(end - bytes));
	}
	*ret_json = j;
	return 0;
}

const char *json_str(const cJSON *o, const char *name, const char *def)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsString(m) ? m->valuestring : def;
}

int64_t json_int(const cJSON *o, const char *name, int64_t def)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);
	const double exact = 9007199254740992.0; /* 2^53: beyond it a double skips whole numbers */

	if (!cJSON_IsNumber(m) || !(fabs(m->valuedouble) <= exact) || floor(m->valuedouble) != m->valuedouble)
		return def;
	return (int64_t)m->valuedouble;
}

bool json_bool(const cJSON *o, const char *name, bool def)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsBool(m) ? cJSON_IsTrue(m) : def;
}

const cJSON *json_object(const cJSON *o, const char *name)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsObject(m) ? m : NULL;
}

const cJSON *json_array(const cJSON *o, const char *name)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsArray(m) ? m : NULL;
}

void json_free(cJSON **j)
{
	cJSON_Delete(*j);
	*j = NULL;
}
