/* SPDX-License-Identifier: Apache-2.0 */
/* A story that bytes tell; see the header. */
#include "test/sim/story_bytes.h"

enum {
	KINDS = 128,
	HEAD_BYTES = 2,
	EACH_BYTES = 6,
	FIRST_MS = 5000,
	WHEN_UNIT_MS = 10,
	LAST_UNIT_MS = 50,
	LAST_UNITS = 6000
};

static uint32_t two(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

uint64_t story_bytes_seed(const uint8_t *bytes, size_t n)
{
	return n < HEAD_BYTES ? 1 : 1 + two(bytes);
}

void story_bytes_begin(const struct story_profile *p, const uint8_t *bytes, size_t n)
{
	story_begin(p);
	if (n > STORY_BYTES_MAX)
		n = STORY_BYTES_MAX;
	for (size_t at = HEAD_BYTES; at + EACH_BYTES <= n; at += EACH_BYTES) {
		uint32_t kind =
		    bytes[at] % KINDS; /* not by how many there are: a new one must not change the old stories */
		uint32_t host = bytes[at + 1] % p->size.hosts;
		int64_t when_ms = FIRST_MS + (int64_t)two(&bytes[at + 2]) * WHEN_UNIT_MS % (p->tale_ms - FIRST_MS);
		int64_t lasts_ms = (int64_t)LAST_UNIT_MS * (1 + two(&bytes[at + 4]) % LAST_UNITS);

		if (kind < STORY_N && (!story_kind_needs_two((enum story_kind)kind) || p->has_two))
			story_strike_in(when_ms, (enum story_kind)kind, host, lasts_ms);
	}
}
