/* SPDX-License-Identifier: Apache-2.0 */
/* Single values out of a recorded line: each of these is false for whatever is none of its kind, NULL included. */
#pragma once

#include "base/json.h"
#include "base/vocab.h"
#include "engine/engine.h"

bool word_sign(const cJSON *word, enum sign *ret);
bool word_power(const cJSON *word, enum power *ret);
bool word_outcome(const cJSON *word, enum outcome *ret);
bool word_fault(const cJSON *word, enum fault_class *ret);
bool word_state(const cJSON *word, enum server_state *ret);
bool word_task(const cJSON *word, enum server_task *ret);
bool word_status(const cJSON *word, enum migration_status *ret);
bool word_moment(const cJSON *word, enum moment *ret);
bool word_verb(const cJSON *word, enum operator_verb *ret);
bool word_int(const cJSON *n, int64_t *ret);
/** word_u32() - below @limit. */
bool word_u32(const cJSON *n, uint32_t limit, uint32_t *ret);
/** word_flag() - 0 or 1. */
bool word_flag(const cJSON *n, bool *ret);
/** word_text() - copied, whole. */
bool word_text(const cJSON *t, char *ret, size_t size);
/** word_borrow() - a text of the tree's, or NULL for null. */
bool word_borrow(const cJSON *t, const char **ret);
/** word_hex() - 64 bits as a text of hexadecimal digits. */
bool word_hex(const cJSON *t, uint64_t *ret);
