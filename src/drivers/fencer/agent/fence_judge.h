/* SPDX-License-Identifier: Apache-2.0 */
/* What a fence agent's end means. Pure on what the child left behind. For the fencer alone and its tests. */
#pragma once

#include "drivers/driver.h"
#include "io/child.h"

/**
 * fence_judge() - exit status and output of one action to an answer.
 * @level: its secrets are masked wherever the agent repeats them; borrowed
 * @r: borrowed
 *
 * Off is believed only from an agent that says "off": an interpreter that did not find its script, a usage error of getopt and a
 * traceback exit 2 as well. Source: ClusterLabs fence agent API (status: 0 = on, 2 = off, 1 = failed; off: 0 = done, 1 = failed).
 */
void fence_judge(const struct config_fence *level, enum fence_action action, const struct io_child_result *r,
    struct fence_answer *ret);
