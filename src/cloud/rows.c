/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of nova's and keystone's lists; see rows.h. Words after nova 26: nova/compute/vm_states.py, task_states.py,
 * objects/migration.py. */
#include "cloud/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloud/wire.h"

struct word {
	const char *text;
	int value;
};

static int word_value(const struct word *words, size_t n, const char *text, int otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(words[i].text, text))
			return words[i].value;
	return otherwise;
}
#define WORD_VALUE(words, text, otherwise) word_value(words, sizeof(words) / sizeof((words)[0]), text, otherwise)

enum server_state cloud_server_state_fold(const char *vm_state, const char *status)
{
	static const struct word vm_states[] = {
	    {"active", SERVER_ACTIVE},
	    {"stopped", SERVER_STOPPED},
	    {"paused", SERVER_PAUSED},
	    {"suspended", SERVER_SUSPENDED},
	    {"rescued", SERVER_RESCUED},
	    {"error", SERVER_ERROR},
	    {"building", SERVER_BUILDING},
	    {"resized", SERVER_RESIZED},
	    {"shelved", SERVER_SHELVED},
	    {"shelved_offloaded", SERVER_SHELVED},
	    {"soft-delete", SERVER_SOFT_DELETED},
	    {"deleted", SERVER_DELETED},
	};
	static const struct word statuses[] = {
	    {"ACTIVE", SERVER_ACTIVE},
	    {"SHUTOFF", SERVER_STOPPED},
	    {"PAUSED", SERVER_PAUSED},
	    {"SUSPENDED", SERVER_SUSPENDED},
	    {"RESCUE", SERVER_RESCUED},
	    {"ERROR", SERVER_ERROR},
	    {"BUILD", SERVER_BUILDING},
	    {"VERIFY_RESIZE", SERVER_RESIZED},
	    {"SHELVED", SERVER_SHELVED},
	    {"SHELVED_OFFLOADED", SERVER_SHELVED},
	    {"SOFT_DELETED", SERVER_SOFT_DELETED},
	    {"DELETED", SERVER_DELETED},
	    {"UNKNOWN", SERVER_UNKNOWN},
	};

	if (vm_state)
		return (enum server_state)WORD_VALUE(vm_states, vm_state, SERVER_OTHER);
	return status ? (enum server_state)WORD_VALUE(statuses, status, SERVER_OTHER) : SERVER_UNKNOWN;
}

enum server_task cloud_server_task_fold(const cJSON *task)
{
	static const struct word words[] = {
	    {"rebuilding", TASK_REBUILDING},
	    {"rebuild_block_device_mapping", TASK_REBUILDING},
	    {"rebuild_spawning", TASK_REBUILDING},
	    {"migrating", TASK_MIGRATING},
	    {"resize_prep", TASK_MIGRATING},
	    {"resize_migrating", TASK_MIGRATING},
	    {"resize_migrated", TASK_MIGRATING},
	    {"resize_finish", TASK_MIGRATING},
	    {"resize_reverting", TASK_MIGRATING},
	    {"resize_confirming", TASK_MIGRATING},
	    {"deleting", TASK_DELETING},
	    {"soft-deleting", TASK_DELETING},
	    {"scheduling", TASK_OTHER},
	    {"block_device_mapping", TASK_OTHER},
	    {"networking", TASK_OTHER},
	    {"spawning", TASK_OTHER},
	    {"image_snapshot", TASK_OTHER},
	    {"image_snapshot_pending", TASK_OTHER},
	    {"image_pending_upload", TASK_OTHER},
	    {"image_uploading", TASK_OTHER},
	    {"image_backup", TASK_OTHER},
	    {"updating_password", TASK_OTHER},
	    {"rebooting", TASK_OTHER},
	    {"reboot_pending", TASK_OTHER},
	    {"reboot_started", TASK_OTHER},
	    {"rebooting_hard", TASK_OTHER},
	    {"reboot_pending_hard", TASK_OTHER},
	    {"reboot_started_hard", TASK_OTHER},
	    {"pausing", TASK_OTHER},
	    {"unpausing", TASK_OTHER},
	    {"suspending", TASK_OTHER},
	    {"resuming", TASK_OTHER},
	    {"powering-off", TASK_OTHER},
	    {"powering-on", TASK_OTHER},
	    {"rescuing", TASK_OTHER},
	    {"unrescuing", TASK_OTHER},
	    {"restoring", TASK_OTHER},
	    {"shelving", TASK_OTHER},
	    {"shelving_image_pending_upload", TASK_OTHER},
	    {"shelving_image_uploading", TASK_OTHER},
	    {"shelving_offloading", TASK_OTHER},
	    {"unshelving", TASK_OTHER},
	};

	if (cJSON_IsNull(task))
		return TASK_NONE;
	return cJSON_IsString(task) ? (enum server_task)WORD_VALUE(words, task->valuestring, TASK_UNKNOWN)
				    : TASK_UNKNOWN;
}

enum migration_status cloud_migration_status_fold(const char *status)
{
	static const struct word words[] = {
	    {"accepted", MIGRATION_ACCEPTED},
	    {"pre-migrating", MIGRATION_PRE_MIGRATING},
	    {"done", MIGRATION_DONE},
	    {"completed", MIGRATION_COMPLETED},
	    {"failed", MIGRATION_FAILED},
	    {"error", MIGRATION_FAILED},
	    {"cancelled", MIGRATION_FAILED},
	};

	return (enum migration_status)WORD_VALUE(words, status, MIGRATION_OTHER);
}

/* A time member: missing and null read as 0, anything but a time makes the row garbage. */
static bool time_member(const cJSON *row, const char *name, int64_t *ret_ms)
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(row, name);

	*ret_ms = 0;
	if (!m || cJSON_IsNull(m))
		return true;
	return cJSON_IsString(m) && cloud_time_parse(m->valuestring, ret_ms);
}

/* A host member: missing and null read as "", a name that would not fit or holds controls makes the row garbage. */
static bool host_member(const cJSON *row, const char *name, char ret_host[HOST_NAME_SIZE])
{
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(row, name);

	ret_host[0] = '\0';
	if (!m || cJSON_IsNull(m) || (cJSON_IsString(m) && !m->valuestring[0]))
		return true;
	return cJSON_IsString(m) && cloud_host_is_valid(m->valuestring) &&
	       str_copy(ret_host, HOST_NAME_SIZE, m->valuestring);
}

enum row_read cloud_row_service(const cJSON *row, struct cloud_service *ret_service)
{
	static const struct word signs[] = {{"up", SIGN_ALIVE}, {"down", SIGN_DEAD}};
	struct service_view *v = &ret_service->view;
	const char *binary = json_str(row, "binary", "");
	const char *status = json_str(row, "status", "");
	const char *id = json_str(row, "id", NULL);

	*ret_service = (struct cloud_service){0};
	if (!binary[0] || !str_copy(ret_service->binary, sizeof(ret_service->binary), binary) ||
	    !host_member(row, "host", ret_service->host) || !ret_service->host[0])
		return ROW_GARBAGE;
	/* Since 2.69 a cell that cannot be reached leaves such rows: binary, host and this word, nothing else. */
	if (str_eq(status, "UNKNOWN"))
		return ROW_OK;
	if (!cloud_id_is_valid(id, sizeof(v->service_id)) || !time_member(row, "updated_at", &v->updated_at_ms))
		return ROW_GARBAGE;
	str_copy(v->service_id, sizeof(v->service_id), id);
	v->state = (enum sign)WORD_VALUE(signs, json_str(row, "state", NULL), SIGN_UNKNOWN);
	v->disabled = !str_eq(status, "enabled");
	v->forced_down = json_bool(row, "forced_down", false);
	cloud_text_clean(v->disabled_reason, sizeof(v->disabled_reason), json_str(row, "disabled_reason", NULL));
	return ROW_OK;
}

static bool short_members(const cJSON *row, struct instance_view *v)
{
	const char *id = json_str(row, "id", NULL);

	*v = (struct instance_view){.exists = true};
	if (!cloud_id_is_valid(id, sizeof(v->uuid)))
		return false;
	str_copy(v->uuid, sizeof(v->uuid), id);
	cloud_text_clean(v->name, sizeof(v->name), json_str(row, "name", NULL));
	return true;
}

enum row_read cloud_row_short(const cJSON *row, struct instance_view *ret_view)
{
	if (!short_members(row, ret_view))
		return ROW_GARBAGE;
	return str_eq(json_str(row, "status", NULL), "UNKNOWN") ? ROW_UNREACHABLE : ROW_OK;
}

static bool fault_members(const cJSON *row, struct instance_view *v)
{
	const cJSON *fault = json_object(row, "fault");

	if (!fault)
		return true;
	cloud_text_clean(v->fault, sizeof(v->fault), json_str(fault, "message", NULL));
	return time_member(fault, "created", &v->fault_at_ms);
}

enum row_read cloud_row_server(const cJSON *row, struct instance_view *ret_view)
{
	const char *status = json_str(row, "status", NULL);
	const char *vm_state = json_str(row, "OS-EXT-STS:vm_state", NULL);
	const char *project = json_str(row, "tenant_id", NULL);

	if (!short_members(row, ret_view))
		return ROW_GARBAGE;
	/* An id that would be cut could be taken for another project's: better none than the wrong people's. */
	if (cloud_id_is_valid(project, sizeof(ret_view->project)))
		str_copy(ret_view->project, sizeof(ret_view->project), project);
	if (str_eq(status, "UNKNOWN") && !vm_state)
		return ROW_UNREACHABLE;
	if (!cJSON_GetObjectItemCaseSensitive(row, "OS-EXT-SRV-ATTR:host"))
		return ROW_HIDDEN;
	if (!host_member(row, "OS-EXT-SRV-ATTR:host", ret_view->host) || !fault_members(row, ret_view))
		return ROW_GARBAGE;
	ret_view->state = cloud_server_state_fold(vm_state, status);
	ret_view->task = cloud_server_task_fold(cJSON_GetObjectItemCaseSensitive(row, "OS-EXT-STS:task_state"));
	ret_view->locked = json_bool(row, "locked", false);
	return ROW_OK;
}

enum row_read cloud_row_migration(const cJSON *row, struct migration_view *ret_view)
{
	const char *instance = json_str(row, "instance_uuid", NULL);
	const char *status = json_str(row, "status", NULL);
	const char *type = json_str(row, "migration_type", NULL);

	*ret_view = (struct migration_view){.id = json_int(row, "id", 0)};
	if (!type || !status || ret_view->id <= 0 || !cloud_id_is_valid(instance, sizeof(ret_view->instance)))
		return ROW_GARBAGE;
	if (!str_eq(type, "evacuation"))
		return ROW_OTHER;
	str_copy(ret_view->instance, sizeof(ret_view->instance), instance);
	ret_view->status = cloud_migration_status_fold(status);
	if (!host_member(row, "source_compute", ret_view->source) ||
	    !host_member(row, "dest_compute", ret_view->dest) ||
	    !time_member(row, "created_at", &ret_view->created_at_ms))
		return ROW_GARBAGE;
	return ROW_OK;
}

enum row_read cloud_row_assignment(const cJSON *row, const char *project, struct cloud_person *ret_person)
{
	const cJSON *user = json_object(row, "user");
	const char *id = json_str(user, "id", NULL);

	*ret_person = (struct cloud_person){0};
	if (!cJSON_IsObject(row))
		return ROW_GARBAGE;
	if (!user || !str_eq(json_str(json_object(json_object(row, "scope"), "project"), "id", NULL), project))
		return ROW_OTHER;
	if (!cloud_id_is_valid(id, sizeof(ret_person->user_id)))
		return ROW_GARBAGE;
	str_copy(ret_person->user_id, sizeof(ret_person->user_id), id);
	cloud_text_clean(ret_person->name, sizeof(ret_person->name), json_str(user, "name", NULL));
	return ROW_OK;
}

enum row_read cloud_row_user(const cJSON *user, struct cloud_person *person)
{
	const char *email = json_str(user, "email", NULL);
	const char *name = json_str(user, "name", NULL);

	if (!str_eq(json_str(user, "id", NULL), person->user_id))
		return ROW_GARBAGE;
	if (name)
		cloud_text_clean(person->name, sizeof(person->name), name);
	if (cloud_email_is_valid(email))
		str_copy(person->email, sizeof(person->email), email);
	person->is_enabled = json_bool(user, "enabled", true);
	return ROW_OK;
}

void *cloud_array_add(void *array, size_t *n, size_t element_size)
{
	void **pointer = array;
	size_t cap = 16;
	void *grown;
	char *element;

	if (*n >= CLOUD_ROWS_MAX)
		return NULL;
	/* The capacity is not kept: it is the first power of two that holds n, so that room is made exactly there. */
	if (*n == 0 || (*n >= cap && (*n & (*n - 1)) == 0)) {
		cap = *n < cap ? cap : *n * 2;
		grown = realloc(*pointer, cap * element_size);
		if (!grown)
			return NULL;
		*pointer = grown;
	}
	element = (char *)*pointer + *n * element_size;
	memset(element, 0, element_size);
	(*n)++;
	return element;
}

static int instance_order(const void *a, const void *b)
{
	return strcmp(((const struct instance_view *)a)->uuid, ((const struct instance_view *)b)->uuid);
}

void cloud_instances_sort(struct instance_view *instances, size_t *n)
{
	size_t kept = 0;

	if (*n)
		qsort(instances, *n, sizeof(*instances), instance_order);
	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || !str_eq(instances[kept - 1].uuid, instances[i].uuid))
			instances[kept++] = instances[i];
	*n = kept;
}

struct instance_view *cloud_instances_find(struct instance_view *instances, size_t n, const char *uuid)
{
	struct instance_view key = {0};

	str_copy(key.uuid, sizeof(key.uuid), uuid);
	return n ? bsearch(&key, instances, n, sizeof(*instances), instance_order) : NULL;
}

static int migration_order(const void *a, const void *b)
{
	const struct migration_view *x = a;
	const struct migration_view *y = b;
	int by_instance = strcmp(x->instance, y->instance);

	if (by_instance)
		return by_instance;
	return x->id < y->id ? 1 : x->id > y->id ? -1 : 0;
}

void cloud_migrations_sort(struct migration_view *migrations, size_t *n)
{
	size_t kept = 0;

	if (*n)
		qsort(migrations, *n, sizeof(*migrations), migration_order);
	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || migrations[kept - 1].id != migrations[i].id ||
		    !str_eq(migrations[kept - 1].instance, migrations[i].instance))
			migrations[kept++] = migrations[i];
	*n = kept;
}

void cloud_migrations_newest(struct migration_view *migrations, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (kept == 0 || !str_eq(migrations[kept - 1].instance, migrations[i].instance))
			migrations[kept++] = migrations[i];
	*n = kept;
}

static int migration_by_instance(const void *key, const void *element)
{
	return strcmp(key, ((const struct migration_view *)element)->instance);
}

const struct migration_view *cloud_migrations_find(
    const struct migration_view *migrations, size_t n, const char *instance)
{
	return n ? bsearch(instance, migrations, n, sizeof(*migrations), migration_by_instance) : NULL;
}
