/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's part in the simulator: it holds the production engine, a store that confirms late and can lose what it has not
 * confirmed, and operations under way; it can be killed after any action and started again from what was durable. Checkers for
 * invariants 1 to 5 look at each action.
 */
#pragma once

#include "test/sim/world.h"

enum { PUPPET_RECORDS = 256, PUPPET_OPS = 64 };

struct puppet_op {
	bool is_used;
	uint64_t op;
	enum op_kind kind;
	struct op_end end;
	struct instance_view views[SIM_GUESTS];
	uint32_t host, guest;
	int64_t began_ms;
};

struct puppet {
	struct sim_world *w;
	struct engine *engine; /* NULL while it is down */
	struct engine_options options;
	uint64_t life; /* raised with each start: what was under way of an earlier one is nobody's */
	struct record durable[PUPPET_RECORDS];
	uint32_t durable_n;
	struct {
		bool is_used;
		uint64_t seq;
		struct record record;
	} on_its_way[PUPPET_RECORDS];
	struct puppet_op ops[PUPPET_OPS];
	uint64_t actions, crash_after; /* 0 = never */
	uint32_t starts, evacuate_calls, power_offs;
	bool trace, skip_proof_check;
	uint64_t hash; /* of everything it did: equal on replay */
	int64_t timer_ms;
};

void puppet_init(struct puppet *p, struct sim_world *w);
void puppet_fini(struct puppet *p);
/** puppet_start() - the daemon comes up with what is durable. */
void puppet_start(struct puppet *p);
/** puppet_crash() - kill -9: what the store had not confirmed may or may not be there. */
void puppet_crash(struct puppet *p);
/** puppet_happen() - an event of the daemon's; false: not its. */
bool puppet_happen(struct puppet *p, const struct sim_event *ev);
/** puppet_recovery() - the durable record of the host's newest recovery, or NULL. */
const struct recovery_record *puppet_recovery(const struct puppet *p, uint32_t host);
