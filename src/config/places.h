/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the daemon and its command meet, read from a configuration that may be wrong in everything else: whoever mends a broken file
 * must still be able to ask the daemon that runs on the old one.
 */
#pragma once

#include "base/err.h"

enum { CONFIG_PLACE_SIZE = 128 };

struct config_places {
	char socket[CONFIG_PLACE_SIZE];
	char state_dir[CONFIG_PLACE_SIZE];
};

/**
 * config_places_find() - socket and state directory.
 * @path: the YAML file, NULL = the defaults alone; borrowed
 * @ret: the defaults where the file does not say, or says nonsense; filled in any case
 *
 * Errors: -OSHA_E_CONFIG when the file cannot be read or is no YAML at all; -OSHA_E_NOMEM.
 */
int config_places_find(const char *path, struct config_places *ret, struct osha_err *reterr);
