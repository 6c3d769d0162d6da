/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed, forgiving look-ups over cJSON: a missing member or one of another type reads as the default, never crashes. Parsing of
 * hostile bytes goes through json_parse(), which bounds depth (cJSON's own limit) and demands that nothing follows the value.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * json_parse() - parse exactly one JSON value.
 * @bytes: @n bytes, need not be terminated; borrowed
 * @ret_json: on success the tree; the caller frees it (JSON_AUTO)
 *
 * Errors: -OSHA_E_GARBAGE (with the offset), -OSHA_E_NOMEM.
 */
int json_parse(const char *bytes, size_t n, cJSON **ret_json, struct osha_err *reterr);

/** json_str() - string member @name of object @o, or @def. Borrowed from the tree. */
const char *json_str(const cJSON *o, const char *name, const char *def);
/** json_int() - whole-number member, or @def when missing, fractional or beyond +-2^53. */
int64_t json_int(const cJSON *o, const char *name, int64_t def);
/** json_bool() - boolean member, or @def. */
bool json_bool(const cJSON *o, const char *name, bool def);
/** json_object() - object member, or NULL. */
const cJSON *json_object(const cJSON *o, const char *name);
/** json_array() - array member, or NULL. */
const cJSON *json_array(const cJSON *o, const char *name);
/** json_free() - cleanup for `cJSON *`. */
void json_free(cJSON **j);
#define JSON_AUTO __attribute__((cleanup(json_free)))
