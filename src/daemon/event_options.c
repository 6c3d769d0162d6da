/* SPDX-License-Identifier: Apache-2.0 */
/* Options of an engine and policies of hosts as JSON objects by name, so that a build with more of them still reads those of an older one. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/event_line.h"

/* What a double holds exactly; whatever is beyond it is written between quotes. */
#define EXACT_MAX (INT64_C(1) << 53)

void event_number_put(struct strbuf *sb, int64_t n)
{
	uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	bool is_exact = left <= EXACT_MAX;
	char text[24], *at = text + sizeof(text);

	/* by hand: a thousand hosts are some ten thousand numbers a second */
	if (!is_exact)
		*--at = '"';
	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (n < 0)
		*--at = '-';
	if (!is_exact)
		*--at = '"';
	strbuf_add(sb, at, (size_t)(text + sizeof(text) - at));
}

bool event_number_get(const struct cJSON *n, int64_t low, int64_t high, int64_t *ret)
{
	char *end;

	if (cJSON_IsNumber(n)) {
		if (!(n->valuedouble >= -(double)EXACT_MAX && n->valuedouble <= (double)EXACT_MAX))
			return false;
		*ret = (int64_t)n->valuedouble;
		if ((double)*ret != n->valuedouble)
			return false;
	} else if (cJSON_IsString(n) && n->valuestring[0]) {
		*ret = strtoll(n->valuestring, &end, 10);
		if (*end)
			return false;
	} else {
		return false;
	}
	return *ret >= low && *ret <= high;
}

/* Bytes that are no UTF-8 stay as they are: a reader of JSON lines may frown at them, ours gives them back. */
void event_text_put(struct strbuf *sb, const char *text)
{
	if (!text) {
		strbuf_puts(sb, "null");
		return;
	}
	strbuf_add(sb, "\"", 1);
	while (*text) {
		size_t plain = 0;

		while ((uint8_t)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\' && text[plain] != 0x7f)
			plain++;
		strbuf_add(sb, text, plain);
		text += plain;
		if (*text)
			strbuf_printf(sb, "\\u%04x", (unsigned)(uint8_t)*text++);
	}
	strbuf_add(sb, "\"", 1);
}

enum field_kind { FIELD_U32, FIELD_I64, FIELD_BOOL };

struct field {
	const char *name;
	size_t offset;
	enum field_kind kind;
};

#define OPTION_U32(f)                                                                                                  \
	{                                                                                                              \
#f, offsetof(struct engine_options, f), FIELD_U32                                                      \
	}
#define OPTION_I64(f)                                                                                                  \
	{                                                                                                              \
#f, offsetof(struct engine_options, f), FIELD_I64                                                      \
	}
#define OPTION_FLAG(f)                                                                                                 \
	{                                                                                                              \
#f, offsetof(struct engine_options, f), FIELD_BOOL                                                     \
	}

/* All of struct engine_options but its monitors; a test holds the table to the struct. */
static const struct field OPTIONS[] = {
    OPTION_I64(service_down_time_ms),
    OPTION_I64(recheck_after_ms),
    OPTION_I64(look_timeout_ms),
    OPTION_U32(look_attempts),
    OPTION_U32(mass_hosts_n),
    OPTION_U32(mass_per_mille),
    OPTION_I64(degraded_after_ms),
    OPTION_U32(off_readings_n),
    OPTION_I64(power_status_timeout_ms),
    OPTION_U32(power_status_attempts),
    OPTION_I64(power_poll_ms),
    OPTION_I64(cloud_timeout_ms),
    OPTION_U32(cloud_attempts),
    OPTION_I64(list_timeout_ms),
    OPTION_I64(retry_ms),
    OPTION_I64(retry_max_ms),
    OPTION_I64(hold_retry_ms),
    OPTION_U32(evacuate_per_host_n),
    OPTION_U32(evacuate_fleet_n),
    OPTION_U32(evacuate_attempts),
    OPTION_I64(evacuate_timeout_ms),
    OPTION_I64(evacuate_settle_ms),
    OPTION_I64(rebuild_timeout_ms),
    OPTION_I64(poll_ms),
    OPTION_I64(return_timeout_ms),
    OPTION_I64(start_window_ms),
    OPTION_I64(store_retry_ms),
    OPTION_FLAG(reset_unsupported),
    OPTION_FLAG(dry_run),
    OPTION_U32(recoveries_n),
    OPTION_I64(cool_down_ms),
    OPTION_U32(flaps_n),
    OPTION_I64(flap_window_ms),
    OPTION_U32(mass_resume_n),
};
enum { OPTIONS_N = sizeof(OPTIONS) / sizeof(OPTIONS[0]) };

static void field_put(struct strbuf *sb, const struct field *f, const void *from)
{
	const char *at = (const char *)from + f->offset;

	strbuf_printf(sb, ",\"%s\":", f->name);
	if (f->kind == FIELD_BOOL)
		strbuf_puts(sb, *(const bool *)at ? "true" : "false");
	else
		event_number_put(sb,
		    f->kind == FIELD_U32 ? *(const uint32_t *)(const void *)at : *(const int64_t *)(const void *)at);
}

static bool field_get(const cJSON *o, const struct field *f, void *to)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, f->name);
	char *at = (char *)to + f->offset;
	int64_t n;

	if (!v)
		return true;
	if (f->kind == FIELD_BOOL) {
		*(bool *)at = cJSON_IsTrue(v);
		return cJSON_IsBool(v);
	}
	if (!event_number_get(
		v, f->kind == FIELD_U32 ? 0 : INT64_MIN, f->kind == FIELD_U32 ? UINT32_MAX : INT64_MAX, &n))
		return false;
	if (f->kind == FIELD_U32)
		*(uint32_t *)(void *)at = (uint32_t)n;
	else
		*(int64_t *)(void *)at = n;
	return true;
}

void event_options_put(struct strbuf *sb, const struct engine_options *o)
{
	strbuf_puts(sb, "{\"monitors\":[");
	for (uint32_t m = 0; m < o->monitor_n; m++) {
		strbuf_puts(sb, m ? ",[" : "[");
		event_text_put(sb, o->monitor_name[m]);
		strbuf_puts(sb, ",");
		event_text_put(sb, o->monitor_path[m]);
		strbuf_puts(sb, "]");
	}
	strbuf_puts(sb, "]");
	for (size_t k = 0; k < OPTIONS_N; k++)
		field_put(sb, &OPTIONS[k], o);
	strbuf_puts(sb, "}");
}

bool event_options_get(const struct cJSON *o, struct engine_options *ret, char names[MONITOR_MAX][MONITOR_NAME_SIZE])
{
	const cJSON *all = cJSON_IsObject(o) ? json_array(o, "monitors") : NULL, *m;
	bool ok = all && cJSON_GetArraySize(all) >= 1 && cJSON_GetArraySize(all) <= MONITOR_MAX;

	*ret = engine_options_default();
	ret->monitor_n = 0;
	if (!ok)
		return false;
	cJSON_ArrayForEach(m, all)
	{
		const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(m, 0));
		const char *path = cJSON_GetStringValue(cJSON_GetArrayItem(m, 1));
		uint32_t k = ret->monitor_n++;

		if (!name || !path || !str_copy(names[k], MONITOR_NAME_SIZE, name) ||
		    !str_copy(ret->monitor_path[k], MONITOR_PATH_SIZE, path))
			return false;
		ret->monitor_name[k] = names[k];
	}
	for (size_t k = 0; k < OPTIONS_N; k++)
		ok &= field_get(o, &OPTIONS[k], ret);
	return ok;
}

#define POLICY_U32(f)                                                                                                  \
	{                                                                                                              \
#f, offsetof(struct host_policy, f), FIELD_U32                                                         \
	}
#define POLICY_FLAG(f)                                                                                                 \
	{                                                                                                              \
#f, offsetof(struct host_policy, f), FIELD_BOOL                                                        \
	}

static const struct field POLICY[] = {
    POLICY_FLAG(is_in_segment),
    POLICY_U32(must_be_dead),
    POLICY_FLAG(recover_disabled),
    POLICY_FLAG(let_return),
    POLICY_FLAG(is_control_plane),
    POLICY_U32(segment),
    POLICY_U32(recoveries_n),
    POLICY_U32(healthy_percent),
};
enum { POLICY_N = sizeof(POLICY) / sizeof(POLICY[0]) };

void event_policy_put(struct strbuf *sb, const struct host_policy *p)
{
	strbuf_printf(sb, "{\"mode\":\"%s\"", host_mode_name(p->mode));
	for (size_t k = 0; k < POLICY_N; k++)
		field_put(sb, &POLICY[k], p);
	strbuf_puts(sb, ",\"segment_name\":");
	event_text_put(sb, p->segment_name);
	strbuf_puts(sb, ",\"windows\":[");
	for (uint32_t w = 0; w < p->window_n; w++) {
		strbuf_printf(sb, "%s[%d,", w ? "," : "", (int)p->window[w].kind);
		event_number_put(sb, p->window[w].from_ms);
		strbuf_puts(sb, ",");
		event_number_put(sb, p->window[w].until_ms);
		strbuf_puts(sb, "]");
	}
	strbuf_puts(sb, "],\"levels\":[");
	for (uint32_t l = 0; l < p->level_n; l++) {
		strbuf_puts(sb, l ? ",[" : "[");
		event_text_put(sb, p->level[l].device);
		strbuf_printf(sb, ",\"%016" PRIx64 "\",%u,", p->level[l].key, p->level[l].attempts);
		event_number_put(sb, p->level[l].timeout_ms);
		strbuf_puts(sb, "]");
	}
	strbuf_puts(sb, "]}");
}

static bool level_get(const cJSON *l, struct host_policy_level *ret)
{
	const char *device = cJSON_GetStringValue(cJSON_GetArrayItem(l, 0));
	const char *key = cJSON_GetStringValue(cJSON_GetArrayItem(l, 1));
	int64_t attempts;
	char *end;

	if (!device || !key || !str_copy(ret->device, sizeof(ret->device), device) || strlen(key) != 16)
		return false;
	ret->key = strtoull(key, &end, 16);
	if (*end || !event_number_get(cJSON_GetArrayItem(l, 2), 0, UINT32_MAX, &attempts))
		return false;
	ret->attempts = (uint32_t)attempts;
	return event_number_get(cJSON_GetArrayItem(l, 3), INT64_MIN, INT64_MAX, &ret->timeout_ms);
}

/* What a build without windows wrote has none. */
static bool windows_get(const cJSON *o, struct host_policy *ret)
{
	const cJSON *all = json_array(o, "windows"), *w;
	int64_t kind;

	if (all && cJSON_GetArraySize(all) > WINDOW_MAX)
		return false;
	cJSON_ArrayForEach(w, all)
	{
		struct window *to = &ret->window[ret->window_n++];

		if (!event_number_get(cJSON_GetArrayItem(w, 0), WINDOW_NONE, WINDOW_ONCE, &kind) ||
		    !event_number_get(cJSON_GetArrayItem(w, 1), INT64_MIN, INT64_MAX, &to->from_ms) ||
		    !event_number_get(cJSON_GetArrayItem(w, 2), INT64_MIN, INT64_MAX, &to->until_ms))
			return false;
		to->kind = (enum window_kind)kind;
	}
	return true;
}

static bool mode_get(const char *name, enum host_mode *ret)
{
	for (int m = 0; m < MODE_N; m++) {
		*ret = (enum host_mode)m;
		if (str_eq(name, host_mode_name(*ret)))
			return true;
	}
	return false;
}

bool event_policy_get(const struct cJSON *o, struct host_policy *ret)
{
	const cJSON *all = cJSON_IsObject(o) ? json_array(o, "levels") : NULL, *l;

	memset(ret, 0, sizeof(*ret));
	if (!all || cJSON_GetArraySize(all) > FENCE_LEVEL_MAX || !mode_get(json_str(o, "mode", ""), &ret->mode))
		return false;
	for (size_t k = 0; k < POLICY_N; k++) {
		if (!field_get(o, &POLICY[k], ret))
			return false;
	}
	if (!str_copy(ret->segment_name, sizeof(ret->segment_name), json_str(o, "segment_name", "")) ||
	    !windows_get(o, ret))
		return false;
	cJSON_ArrayForEach(l, all)
	{
		if (!level_get(l, &ret->level[ret->level_n++]))
			return false;
	}
	return ret->must_be_dead < 1u << MONITOR_MAX;
}
