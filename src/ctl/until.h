/* SPDX-License-Identifier: Apache-2.0 */
/* --for DURATION and --until TIME: when an order ends by itself. */
#pragma once

#include <cjson/cJSON.h>

#include "base/calendar.h"
#include "ctl/command.h"

enum { UNTIL_NONE = 0, UNTIL_MOMENT, UNTIL_RESUMED };

/**
 * until_read() - what the options say.
 * @wall_ms: now
 * @ret_wall_ms: UNTIL_MOMENT: when
 * Returns one of the above, UNTIL_NONE where neither was given. Errors: -OSHA_E_USAGE.
 */
int until_read(const struct ctl *c, int64_t wall_ms, int64_t *ret_wall_ms, struct osha_err *reterr);
/** until_add() - the moment into an order's request. */
void until_add(cJSON *request, int64_t wall_ms);
