/* SPDX-License-Identifier: Apache-2.0 */
/* How often each kind of misfortune comes: the profiles of drawn stories. */
#include "base/strbuf.h"
#include "test/sim/story.h"

enum { MINUTES = 60000, HOURS = 3600000 };

/* All that goes wrong beside deaths where it does so all the time. */
#define DENSE_FAULTS                                                                                                   \
	[STORY_COMPUTE_CRASH] = 4, [STORY_ISOLATED] = 6, [STORY_PROBE_CUT] = 6, [STORY_MASS_ISOLATED] = 1,             \
	[STORY_RACK_DIES] = 2, [STORY_BMC_DEAD] = 3, [STORY_BMC_ONE_SUPPLY] = 2, [STORY_BMC_LIES] = 3,                 \
	[STORY_BMC_EARLY] = 6, [STORY_BMC_FAILS] = 2, [STORY_BMC_HANGS] = 2, [STORY_BMC_REFUSES_WHEN_OFF] = 2,         \
	[STORY_BMC_LOSSY] = 4, [STORY_API_REFUSES] = 3, [STORY_API_HANGS] = 3, [STORY_API_LOSES] = 4,                  \
	[STORY_API_ONE_WAY] = 3, [STORY_API_ERRORS] = 4, [STORY_CONDUCTOR] = 3, [STORY_SCHEDULER] = 3,                 \
	[STORY_BUS] = 3, [STORY_NEUTRON] = 2, [STORY_PLACEMENT] = 2, [STORY_CELL] = 2, [STORY_SPAWN_FAILS] = 4,        \
	[STORY_MAIL_HANGS] = 2, [STORY_STORE_FULL] = 2, [STORY_STORE_FAILS] = 2, [STORY_STORE_UNSURE] = 3,             \
	[STORY_STORE_SLOW] = 2, [STORY_KILL] = 12, [STORY_FREEZE] = 6, [STORY_CLOCK] = 2, [STORY_MAINTENANCE] = 2,     \
	[STORY_SHUTDOWN] = 1, [STORY_CONFIRM_DEAD] = 3, [STORY_RELEASE] = 6, [STORY_SUSPEND] = 2

static const struct story_profile profiles[] = {
    {.name = "default",
	.summary = "Nova's own times; deaths of every sort among faults of every sort",
	.size = {.hosts = 20, .instances = 60, .projects = 3, .is_slow = true},
	.tale_ms = 2 * HOURS,
	.rest_ms = 1 * HOURS,
	.per_hour = {[STORY_DEATH] = 5,
	    [STORY_HANG] = 2,
	    [STORY_COMPUTE_CRASH] = 1,
	    [STORY_ISOLATED] = 1,
	    [STORY_PROBE_CUT] = 2,
	    [STORY_RACK_DIES] = 1,
	    [STORY_BMC_DEAD] = 1,
	    [STORY_BMC_ONE_SUPPLY] = 1,
	    [STORY_BMC_LIES] = 1,
	    [STORY_BMC_EARLY] = 2,
	    [STORY_BMC_FAILS] = 1,
	    [STORY_BMC_HANGS] = 1,
	    [STORY_BMC_REFUSES_WHEN_OFF] = 1,
	    [STORY_BMC_LOSSY] = 1,
	    [STORY_API_REFUSES] = 1,
	    [STORY_API_HANGS] = 1,
	    [STORY_API_LOSES] = 1,
	    [STORY_API_ONE_WAY] = 1,
	    [STORY_API_ERRORS] = 1,
	    [STORY_API_LATE] = 1,
	    [STORY_CONDUCTOR] = 1,
	    [STORY_SCHEDULER] = 1,
	    [STORY_BUS] = 1,
	    [STORY_NEUTRON] = 1,
	    [STORY_PLACEMENT] = 1,
	    [STORY_CELL] = 1,
	    [STORY_SPAWN_FAILS] = 1,
	    [STORY_MAIL_HANGS] = 1,
	    [STORY_STORE_FULL] = 1,
	    [STORY_STORE_FAILS] = 1,
	    [STORY_STORE_UNSURE] = 1,
	    [STORY_STORE_SLOW] = 1,
	    [STORY_KILL] = 2,
	    [STORY_FREEZE] = 2,
	    [STORY_CLOCK] = 1,
	    [STORY_MAINTENANCE] = 1,
	    [STORY_SHUTDOWN] = 1,
	    [STORY_CONFIRM_DEAD] = 1,
	    [STORY_RELEASE] = 1,
	    [STORY_SUSPEND] = 1},
	.back_low_ms = 5 * MINUTES,
	.back_high_ms = 30 * MINUTES,
	.back_early_per_mille = 150},
    {.name = "calm",
	.summary = "deaths alone, nothing else goes wrong",
	.size = {.hosts = 20, .instances = 60, .projects = 3, .is_slow = true},
	.tale_ms = 2 * HOURS,
	.rest_ms = 30 * MINUTES,
	.per_hour = {[STORY_DEATH] = 8, [STORY_HANG] = 4},
	.back_low_ms = 5 * MINUTES,
	.back_high_ms = 30 * MINUTES},
    {.name = "dense",
	.summary = "a quick cloud in which hosts die all the time, among all the faults",
	.size = {.hosts = 20, .instances = 40, .projects = 2},
	.tale_ms = 1 * HOURS,
	.rest_ms = 1 * HOURS,
	.per_hour = {DENSE_FAULTS, [STORY_DEATH] = 80, [STORY_HANG] = 40, [STORY_API_LATE] = 3},
	.back_low_ms = 60000,
	.back_high_ms = 5 * MINUTES,
	.back_early_per_mille = 200},
    {.name = "campaign",
	.summary = "as dense, with more deaths and little rest: for counting deaths by the million",
	.size = {.hosts = 20, .instances = 40, .projects = 2},
	.tale_ms = 40 * MINUTES,
	.rest_ms = 12 * MINUTES,
	.per_hour = {DENSE_FAULTS, [STORY_DEATH] = 240, [STORY_HANG] = 80},
	.back_low_ms = 30000,
	.back_high_ms = 90000,
	.back_early_per_mille = 200},
    {.name = "brief",
	.summary = "as dense, on a small cloud for a few minutes: many seeds in little time",
	.size = {.hosts = 5, .instances = 10, .projects = 2},
	.tale_ms = 3 * MINUTES,
	.rest_ms = 45 * MINUTES, /* an instance that is stuck twice takes twenty of them */
	.rest_least_ms = 2 * MINUTES,
	.per_hour = {DENSE_FAULTS, [STORY_DEATH] = 30, [STORY_HANG] = 15, [STORY_API_LATE] = 3},
	.back_low_ms = 30000,
	.back_high_ms = 90000,
	.back_early_per_mille = 200},
    {.name = "two",
	.summary = "as brief, with two controllers that contend for the lease",
	.size = {.hosts = 5, .instances = 10, .projects = 2},
	.tale_ms = 3 * MINUTES,
	.rest_ms = 45 * MINUTES,
	.rest_least_ms = 2 * MINUTES,
	.per_hour = {DENSE_FAULTS, [STORY_DEATH] = 30, [STORY_HANG] = 15, [STORY_API_LATE] = 3, [STORY_LEADER_KILL] = 8,
	    [STORY_LEADER_FREEZE] = 8, [STORY_LEASE_CUT] = 6, [STORY_LEASE_ONE_WAY] = 4, [STORY_LEASE_LOSSY] = 4,
	    [STORY_LEASE_AWAY] = 3, [STORY_RESIGN] = 6},
	.back_low_ms = 30000,
	.back_high_ms = 90000,
	.back_early_per_mille = 200,
	.has_two = true},
    {.name = "bytes",
	.summary = "the cloud of stories told by bytes; nothing is drawn",
	.size = {.hosts = 5, .instances = 10, .projects = 2},
	.tale_ms = 3 * MINUTES,
	.rest_ms = 40 * MINUTES,
	.rest_least_ms = 1 * MINUTES,
	.back_low_ms = 30000,
	.back_high_ms = 90000,
	.back_early_per_mille = 200},
    {.name = "operators",
	.summary = "as dense, with operators who confirm deaths of hosts that live",
	.size = {.hosts = 10, .instances = 30, .projects = 2},
	.tale_ms = 30 * MINUTES,
	.rest_ms = 30 * MINUTES,
	.per_hour = {[STORY_DEATH] = 20,
	    [STORY_HANG] = 40,
	    [STORY_ISOLATED] = 20,
	    [STORY_BMC_DEAD] = 20,
	    [STORY_CONFIRM_DEAD] = 10,
	    [STORY_CONFIRM_WRONG] = 20,
	    [STORY_RELEASE] = 10,
	    [STORY_SUSPEND] = 6,
	    [STORY_MAINTENANCE] = 10,
	    [STORY_SHUTDOWN] = 10,
	    [STORY_KILL] = 6},
	.back_low_ms = 60000,
	.back_high_ms = 5 * MINUTES,
	.back_early_per_mille = 300},
};

const struct story_profile *story_profile_at(unsigned k)
{
	return k < sizeof(profiles) / sizeof(profiles[0]) ? &profiles[k] : NULL;
}

const struct story_profile *story_profile_named(const char *name)
{
	for (unsigned k = 0; story_profile_at(k); k++) {
		if (str_eq(story_profile_at(k)->name, name))
			return story_profile_at(k);
	}
	return NULL;
}
