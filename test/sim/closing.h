/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a run: is everything in the state that the story allows, and how did the recoveries end? */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct closing_counts {
	uint64_t recoveries, recovered, returned, cleared, held, abandoned, open;
};

/** closing_is_at_rest() - nothing is under way, nobody is left to be told, and no dead host is left to be noticed. */
bool closing_is_at_rest(void);
/** closing_judge() - count the recoveries on the first controller's disk, and check what has to hold once all faults are over. */
void closing_judge(struct closing_counts *ret);
