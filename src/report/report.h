/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Osha knows, as JSON: of a running engine (here) or of a journal (archive.h). Both make the same objects under the same keys, so
 * that the renderers of text.h need not know where an answer came from. The keys are a promise to machines: doc/json.md lists them.
 * No state; nothing here changes what it looks at.
 *
 * Every moment is `*_at_ms`: milliseconds since 1970 UTC. A key that is null or missing says "not known" or "there is none".
 */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

/* One monitor as the configuration names it. */
struct report_monitor {
	const char *name, *path;
	bool is_ok;         /* as a whole */
	const char *reason; /* when not ok; else "" */
};

/* What a fence device said when it was read last. */
struct report_reading {
	enum power power;
	int64_t wall_ms;    /* 0 = it has not been read since the daemon started */
	const char *reason; /* why it is unknown; may be NULL; borrowed */
};

/* What the daemon knows of one host beside its engine. */
struct report_host {
	const char *segment; /* NULL = in none; borrowed */
	bool is_listed;      /* in Nova's newest listing */
	struct report_reading reading[FENCE_LEVEL_MAX];
};

/* A running engine and what its daemon knows beside it. All pointers are borrowed for the call. */
struct report_live {
	const struct engine *engine;
	const struct report_monitor *monitors; /* in the engine's order */
	uint32_t monitor_n;
	int64_t now_ms, wall_ms; /* the engine's clock, and people's */
	const char *version, *config_path, *journal_path;
	int64_t pid, started_wall_ms;
	uint64_t epoch;
	bool is_dry_run;
	bool looks_on;                                                   /* it does not lead */
	void (*host)(void *arg, uint32_t host, struct report_host *ret); /* may be NULL */
	void *arg;
};

/*
 * Each returns an object that the caller frees, NULL when out of memory. report_explain() returns NULL also for a host that is not
 * known. None blocks; all are for the thread of the engine.
 */
cJSON *report_status(const struct report_live *l);
cJSON *report_hosts(const struct report_live *l);
/** report_recoveries() - the open ones, oldest first. */
cJSON *report_recoveries(const struct report_live *l);
cJSON *report_explain(const struct report_live *l, const char *host);
cJSON *report_fences(const struct report_live *l);
