/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration file into memory that will be wiped. Private to the config room. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "config/memory.h"
#include "config/problem.h"

/**
 * config_file_read() - the bytes of a regular file, CONFIG_FILE_MAX_BYTES + 1 at the most.
 * @hint: what to do where it cannot be read, for the message
 * @ret_bytes: owned by @mem
 *
 * Errors: -OSHA_E_CONFIG (see @problems), -OSHA_E_NOMEM.
 */
int config_file_read(const char *path, const char *hint, struct config_memory *mem, char **ret_bytes, size_t *ret_n,
    struct config_problems *problems, struct osha_err *reterr);
