/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many, how much and how often: recoveries at once, the share of a segment that has to stay up, and what is remembered of a host that
 * was fenced or taken back. Rules here, without records or operations; gate.c asks them, operators lift them. Included by the engine alone.
 *
 * A recovery has a place from the moment that the gate lets it go (or an operator says that the host is dead) until the record of its rest
 * is durable, so that what a restart reads never shows more of them than were let go. None of these rules is asked of a host that is
 * fenced anew because it was seen on, of one whose own device reads off (a power-off changes nothing there; what protects its instances is
 * the proof), nor of a recovery that an operator released.
 */
#pragma once

#include "engine/state.h"

/** limit_row_runs() - a recovery in this row has passed the gate and is not at rest; the way back is not counted. */
bool limit_row_runs(enum host_row row);
/** limit_is_full() - may not one more start beside @running_n? @limit_n: 0 = there is no limit. */
bool limit_is_full(uint32_t running_n, uint32_t limit_n);
/** limit_up_least() - how many of @host_n hosts have to be up: @percent of them, rounded down. */
uint32_t limit_up_least(uint32_t host_n, uint32_t percent);
/** limit_fences_within() - of a host's newest fences, how many are younger than @window_ms. */
uint32_t limit_fences_within(const struct host *h, int64_t now_ms, int64_t window_ms);
/** limit_cooling_left_ms() - how long the host's cool-down still takes; 0 = it is over, or there is none. */
int64_t limit_cooling_left_ms(const struct engine *e, const struct host *h);

/** limit_holds() - the gate: true with cause and sentence where one of the rules holds this fence back. */
bool limit_holds(const struct engine *e, const struct host *h, const struct recovery *r, struct gate_answer *ret);
/** limit_cause_ends_by_off() - is a hold of this cause over once the host's own device reads off? Its power is read meanwhile. */
bool limit_cause_ends_by_off(enum hold_cause c);
/** limit_cause_is_ours() - did one of the rules here give this cause? */
bool limit_cause_is_ours(enum hold_cause c);
/** limit_wait_ms() - how long a recovery that has just been held waits, where its row would wait @budget_ms. */
int64_t limit_wait_ms(const struct engine *e, const struct recovery *r, int64_t budget_ms);
/** limit_grant() - give every free place to who has waited longest for one; they are looked at again at once. */
void limit_grant(struct engine *e);

/* What the rules have to hear of. */
/** limit_entered() - a recovery has entered its row. */
void limit_entered(struct engine *e, struct recovery *r);
/** limit_recorded() - its record is durable. */
void limit_recorded(struct engine *e, struct recovery *r);
/** limit_fenced() - its power-off starts. */
void limit_fenced(struct engine *e, struct recovery *r);
/** limit_resumed() - it was read after a restart, before its row is entered again. limit_host_taken() - a host was. */
void limit_resumed(struct engine *e, struct recovery *r);
void limit_host_taken(struct engine *e, struct host *h);
/** limit_forget() - what is old enough is taken out of the host's memory. */
void limit_forget(struct engine *e, struct host *h);
