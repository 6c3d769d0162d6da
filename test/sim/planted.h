/* SPDX-License-Identifier: Apache-2.0 */
/* The planted defects: builds of this program with one fault each, all of which have to be found. */
#pragma once

#include <stdbool.h>

/**
 * planted_run() - run each of them until it breaks a promise, or for 60 s. Blocks.
 * @is_json: one object for each of them, a line each. Returns the exit status: 0 = all were found.
 */
int planted_run(bool is_json);
