/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What befalls a cloud: a table of kinds of misfortune, each with a beginning and mostly an end, and profiles that say how often each one
 * comes. The whole story of a run is drawn from its seed before it begins.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "test/sim/realm.h"

enum story_kind {
	STORY_DEATH = 0,
	STORY_HANG,
	STORY_COMPUTE_CRASH,
	STORY_ISOLATED,
	STORY_PROBE_CUT,
	STORY_MASS_ISOLATED,
	STORY_RACK_DIES,
	STORY_BMC_DEAD,
	STORY_BMC_ONE_SUPPLY,
	STORY_BMC_LIES,
	STORY_BMC_EARLY,
	STORY_BMC_FAILS,
	STORY_BMC_HANGS,
	STORY_BMC_REFUSES_WHEN_OFF,
	STORY_BMC_LOSSY,
	STORY_API_REFUSES,
	STORY_API_HANGS,
	STORY_API_LOSES,
	STORY_API_ONE_WAY,
	STORY_API_ERRORS,
	STORY_API_LATE,
	STORY_CONDUCTOR,
	STORY_SCHEDULER,
	STORY_BUS,
	STORY_NEUTRON,
	STORY_PLACEMENT,
	STORY_CELL,
	STORY_SPAWN_FAILS,
	STORY_MAIL_HANGS,
	STORY_STORE_FULL,
	STORY_STORE_FAILS,
	STORY_STORE_UNSURE,
	STORY_STORE_SLOW,
	STORY_KILL,
	STORY_FREEZE,
	STORY_CLOCK,
	STORY_MAINTENANCE,
	STORY_SHUTDOWN,
	STORY_CONFIRM_DEAD,
	STORY_CONFIRM_WRONG,
	STORY_RELEASE,
	STORY_SUSPEND,
	STORY_LEADER_KILL, /* from here to the last of them: of two controllers */
	STORY_LEADER_FREEZE,
	STORY_LEASE_CUT,
	STORY_LEASE_ONE_WAY,
	STORY_LEASE_LOSSY,
	STORY_LEASE_AWAY,
	STORY_RESIGN,
	STORY_N
};

struct story_profile {
	const char *name, *summary;
	struct realm_size size;
	int64_t tale_ms;       /* misfortunes begin within this */
	int64_t rest_ms;       /* afterwards all faults are over, and the daemon has so long to come to rest */
	int64_t rest_least_ms; /* not 0: it may end after so long, once all is at rest */
	unsigned per_hour[STORY_N];
	int64_t back_low_ms, back_high_ms; /* a dead machine is switched on again after so long */
	unsigned back_early_per_mille;     /* or at once, while its recovery runs */
	bool has_two;                      /* two controllers share the store and contend for the lease */
};

/* What was drawn, counted. */
struct story {
	uint64_t begun[STORY_N];
	uint64_t faults; /* all but deaths and what operators do */
};

extern struct story story;

const struct story_profile *story_profile_named(const char *name);
/** story_profile_at() - the profiles in turn; NULL at the end. */
const struct story_profile *story_profile_at(unsigned k);
const char *story_kind_name(enum story_kind k);
/** story_kind_named() - the kind called @name; STORY_N when there is none. story_kind_lasts() - has it an end of its own? */
enum story_kind story_kind_named(const char *name);
bool story_kind_lasts(enum story_kind k);
/** story_kind_needs_two() - does it befall two controllers only? */
bool story_kind_needs_two(enum story_kind k);
/** story_befall() - one begins now, and ends with story_over() if it lasts. story_over() - one that lasts ends now. */
void story_befall(enum story_kind k, uint32_t host);
void story_over(enum story_kind k, uint32_t host);
/** story_suspend(), story_resume() - what an operator says of every host, or of the one segment; by the number of a host. */
void story_suspend(uint32_t host);
void story_resume(uint32_t host);
/** story_begin() - draw the run's story and put it into the queue. story_calm() - every fault that lasts is over. */
void story_begin(const struct story_profile *p);
void story_calm(void);
/** story_strike_in() - let one misfortune begin in @in_ms. @ms: how long it lasts, 0 = until story_calm(). */
void story_strike_in(int64_t in_ms, enum story_kind kind, uint32_t host, int64_t ms);
