/* SPDX-License-Identifier: Apache-2.0 */
/* What the puppet does with the engine's actions, and the checkers that look at each. Shared by puppet.c and actions.c alone. */
#pragma once

#include "test/sim/puppet.h"

void puppet_persist(struct puppet *p, const struct engine_action *a);
void puppet_start_op(struct puppet *p, const struct engine_action *a);
void puppet_cancel_op(struct puppet *p, uint64_t number);
/** puppet_op_end() - the operation's time is over: prepare its answer; false when nobody waits for it. */
bool puppet_op_end(struct puppet *p, uint64_t number);
/** puppet_deliver() - give the prepared answer to the engine. */
void puppet_deliver(struct puppet *p, void (*step)(struct puppet *, struct engine_event *));
/** puppet_look() - both monitors look at every host now. */
void puppet_look(struct puppet *p);
uint64_t sim_host_of_recovery(const struct puppet *p, const char *id);
/** check_one_open() - invariant 3: at most one recovery of a host is open. */
void check_one_open(struct puppet *p, const struct record *rec);
