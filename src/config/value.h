/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One YAML scalar as the value of one row. Pure on text; the words around an error are the reader's. Private to the
 * config room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/memory.h"
#include "config/option.h"

enum { VALUE_HINT_SIZE = 240 };

/**
 * value_set() - parse @text as a value of @type under the limits of @o and store it.
 * @o: the row; its range, words and flags count
 * @type: the row's type, or its element type; a scalar one
 * @field: where the value goes; for texts a `const char **`, copied into @mem
 * @hint: VALUE_HINT_SIZE bytes; where the answer is false: what to do about it, "" when the expectation says it all
 *
 * Returns whether it was stored.
 */
bool value_set(const struct option *o, enum option_type type, const char *text, void *field, struct config_memory *mem,
    char *hint);

/** value_duration_ms() - "90s", "500ms", "1.5m" in milliseconds; false where it is no duration. */
bool value_duration_ms(const char *text, int64_t *ret_ms, char *hint);

/** value_pattern_check() - are all braces of @text {host}, {short}, {{ or }}? Otherwise says in @hint which are not. */
bool value_pattern_check(const char *text, char *hint);

/** value_is_line() - UTF-8 without control characters? What goes to an agent line by line must not hold any. */
bool value_is_line(const char *text);
