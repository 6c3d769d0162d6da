/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of nova's and keystone's lists, read strictly into the shared words, and the growing arrays that hold them. A
 * row that lacks what identifies it makes its whole list garbage: skipping it would make a host or an instance silently
 * disappear. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/vocab.h"
#include "cloud/call.h"

/* How a row was read. */
enum row_read {
	ROW_OK = 0,
	ROW_OTHER,       /* well formed, but not what was asked for: leave it out */
	ROW_GARBAGE,     /* the list cannot be trusted */
	ROW_UNREACHABLE, /* nova says that the row's cell cannot be reached: nothing is known */
	ROW_HIDDEN,      /* nova hides what only administrators see */
};

/** cloud_row_service() - one row of `services`, or the `service` of a PUT's answer. */
enum row_read cloud_row_service(const cJSON *row, struct cloud_service *ret_service);

/** cloud_row_server() - one row of /servers/detail, or the `server` of a single GET; evacuation is left zeroed. */
enum row_read cloud_row_server(const cJSON *row, struct instance_view *ret_view);

/** cloud_row_short() - one row of /servers: uuid and name, everything else unknown. */
enum row_read cloud_row_short(const cJSON *row, struct instance_view *ret_view);

/** cloud_row_migration() - one row of `migrations`; ROW_OTHER for another type than evacuation. */
enum row_read cloud_row_migration(const cJSON *row, struct migration_view *ret_view);

/** cloud_row_assignment() - user of one role assignment in exactly @project; ROW_OTHER for a group or another scope. */
enum row_read cloud_row_assignment(const cJSON *row, const char *project, struct cloud_person *ret_person);

/** cloud_row_user() - name, e-mail, enabled of GET /users/{id}; @person holds the id asked for. */
enum row_read cloud_row_user(const cJSON *user, struct cloud_person *person);

/** cloud_server_state_fold() - nova's vm_state, and where that is missing its status, as one of the shared words. NULLs
 * are fine. */
enum server_state cloud_server_state_fold(const char *vm_state, const char *status);
/** cloud_server_task_fold() - nova's task_state; @task is the JSON member, NULL when there is none. A word unknown here
 * is TASK_UNKNOWN. */
enum server_task cloud_server_task_fold(const cJSON *task);
/** cloud_migration_status_fold() - a word unknown here is MIGRATION_OTHER. */
enum migration_status cloud_migration_status_fold(const char *status);

/**
 * cloud_array_add() - make room for one more element.
 * @array: address of the malloc'ed array's pointer; @n: its number of elements, raised by one
 * Returns the new element, zeroed, or NULL: out of memory, or CLOUD_ROWS_MAX reached.
 */
void *cloud_array_add(void *array, size_t *n, size_t element_size);

/** cloud_instances_sort() - sort by uuid and drop repeated ones. */
void cloud_instances_sort(struct instance_view *instances, size_t *n);
/** cloud_instances_find() - binary search in a sorted array; NULL when it is not there. */
struct instance_view *cloud_instances_find(struct instance_view *instances, size_t n, const char *uuid);
/** cloud_migrations_sort() - sort by instance, newest (highest id) first, and drop repeated ids. */
void cloud_migrations_sort(struct migration_view *migrations, size_t *n);
/** cloud_migrations_newest() - keep the first of each instance of a sorted array. */
void cloud_migrations_newest(struct migration_view *migrations, size_t *n);
/** cloud_migrations_find() - newest one of @instance in a sorted and reduced array, or NULL. */
const struct migration_view *cloud_migrations_find(
    const struct migration_view *migrations, size_t n, const char *instance);
