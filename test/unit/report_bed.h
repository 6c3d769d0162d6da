/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small cloud on simulated time for the tests of reports: a real engine, a real journal, and answers that need no luck. Each run makes
 * the same records, so that what is said of them can be compared letter by letter.
 */
#pragma once

#include "engine/engine.h"
#include "report/report.h"
#include "test/unit/journal_bed.h"

enum { CLOUD_HOSTS = 6, CLOUD_GUESTS = 5, CLOUD_OPS = 32 };

struct cloud_host {
	char name[HOST_NAME_SIZE];
	bool is_alive;      /* as both monitors see it */
	bool bmc_is_broken; /* it takes no power-off and gives no reading */
	bool is_off;        /* as its device reads */
	int64_t updated_ms; /* of its service record */
	struct service_view view;
};

struct cloud {
	struct bed bed;
	struct engine *engine;
	struct engine_actions *actions;
	int64_t now_ms;
	uint64_t seq, mail_seq; /* of the journal's answers */
	struct cloud_host host[CLOUD_HOSTS];
	struct instance_view guest[CLOUD_GUESTS];
	int64_t last_migration;
	struct {
		bool is_used, is_look;
		struct op_end end;
		struct instance_view views[CLOUD_GUESTS];
	} ops[CLOUD_OPS];
	char to_tell[RECOVERY_ID_SIZE]; /* a moment that waits for its mails */
	enum moment moment;
};

void cloud_make(struct cloud *c);
void cloud_remove(struct cloud *c);
/** cloud_run() - let @ms of simulated time pass. */
void cloud_run(struct cloud *c, int64_t ms);
/** cloud_say() - an operator's word; returns what the engine said. */
int cloud_say(struct cloud *c, const struct operator_word *w, struct osha_err *reterr);
/** cloud_live() - what a daemon would tell of it. Borrows from @c. */
struct report_live cloud_live(const struct cloud *c);
/** cloud_wall_ms() - people's time in it. */
int64_t cloud_wall_ms(const struct cloud *c);
/** cloud_story() - the one that every golden text tells; see the .c. */
void cloud_story(struct cloud *c);
