/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what the osha command asks and orders. */
#pragma once

#include "daemon/daemon.h"

/** control_open() - listen, once everything else is there. control_close() - before anything else goes. */
int control_open(struct daemon *d, struct osha_err *reterr);
void control_close(struct daemon *d);
/** control_journal_answer() - the journal's answer to a read or prune of ours. */
void control_journal_answer(struct daemon *d, const struct journal_answer *a);
