/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a configuration file into memory that will be wiped. Private to the config room. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "config/memory.h"
#include "config/problem.h"
#include "config/tree.h"

/**
 * config_file_read() - the bytes of a regular file, CONFIG_FILE_MAX_BYTES + 1 at the most.
 * @hint: what to do where it cannot be read, for the message
 * @src: its name says what to read; on success its bytes are set, owned by @mem
 *
 * Errors: -OSHA_E_CONFIG (see @problems), -OSHA_E_NOMEM.
 */
int config_file_read(struct config_source *src, const char *hint, struct config_memory *mem,
    struct config_problems *problems, struct osha_err *reterr);
