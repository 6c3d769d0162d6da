/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: what the osha command asks and orders. One JSON object a line asks, one answers; doc/json.md tells both. What is
 * asked of the past is read by a thread of its own, so that no disk stands in the loop's way; an order is answered once the journal
 * holds it.
 */
#pragma once

#include "daemon/daemon.h"

/** control_open() - listen, once everything else is there. control_close() - before anything else goes; fine without control_open(). */
int control_open(struct daemon *d, struct osha_err *reterr);
void control_close(struct daemon *d);
/** control_abandon() - this daemon leads no more: orders that wait for the journal are told so. */
void control_abandon(struct daemon *d);
/** control_journal_answer() - the journal's answer to a read or prune of ours. */
void control_journal_answer(struct daemon *d, const struct journal_answer *a);
/**
 * control_reload_ended() - a reload is over; whoever ordered it is told.
 * @why: NULL = the new configuration is in use; else what kept it out; borrowed
 * @problems: of the new configuration; borrowed
 */
void control_reload_ended(struct daemon *d, const char *why, const struct config_problems *problems);
