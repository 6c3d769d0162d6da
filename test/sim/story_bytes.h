/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A story that bytes tell, so that a fuzzer which sees what they lead to can write it: two bytes of seed, then six for each misfortune (kind,
 * host, two for when it begins, two for how long it lasts). Any bytes are a story; what is left over at the end says nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "test/sim/story.h"

enum { STORY_BYTES_MAX = 2 + 6 * 24 };

/** story_bytes_seed() - the seed of everything else in that run. story_bytes_begin() - put its misfortunes into the queue. */
uint64_t story_bytes_seed(const uint8_t *bytes, size_t n);
void story_bytes_begin(const struct story_profile *p, const uint8_t *bytes, size_t n);
