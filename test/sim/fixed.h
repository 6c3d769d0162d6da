/* SPDX-License-Identifier: Apache-2.0 */
/* Stories that are not drawn but written: one host's fate each, on a small cloud, with the end that has to follow. */
#pragma once

#include <stdbool.h>

#include "engine/engine.h"
#include "test/sim/story.h"

enum fixed_end {
	FIXED_RECOVERS, /* the first host's recovery reaches recovered */
	FIXED_MAY_HOLD, /* recovered or held, as the seed has it */
	FIXED_HOLDS,    /* held, and no instance was moved */
	FIXED_UNTOUCHED /* no power-off was sent at all */
};

struct fixed_strike {
	enum story_kind kind;
	uint32_t host;
	int64_t low_ms, high_ms; /* it begins between these */
	int64_t lasts_ms;        /* 0 = until the tale ends */
};

enum { FIXED_STRIKES = 4 };

struct fixed_story {
	const char *name;
	struct fixed_strike strikes[FIXED_STRIKES];
	unsigned n;
	int64_t back_ms; /* the first host is switched on again at this time; 0 = never */
	enum fixed_end end;
	enum host_mode mode;
	int64_t approve_ms; /* an operator approves from this time on; 0 = never */
};

/** fixed_at() - the stories in turn; NULL at the end. fixed_named() - one of them, or NULL. */
const struct fixed_story *fixed_at(unsigned k);
const struct fixed_story *fixed_named(const char *name);
/** fixed_profile() - size and length of a story; of NULL: of any, as all have one size. */
const struct story_profile *fixed_profile(const struct fixed_story *f);
/** fixed_begin() - put a story into the queue. fixed_judge() - after the run: did it end as it must? */
void fixed_begin(const struct fixed_story *f);
void fixed_judge(const struct fixed_story *f);
