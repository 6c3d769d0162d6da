/* SPDX-License-Identifier: Apache-2.0 */
/* Telling people: the daemon's end of it. What is said to whom is the tell room's. */
#pragma once

#include "daemon/daemon.h"

/** telling_open() - after the journal and the cloud session are there. telling_close() - before they go. */
int telling_open(struct daemon *d, struct osha_err *reterr);
void telling_close(struct daemon *d);
/** telling_reload() - the configuration is another one. */
void telling_reload(struct daemon *d);

/** telling_tell() - tell of @moment of @recovery. Inside a step. daemon_told() is called once the outbox holds every message. */
void telling_tell(struct daemon *d, const char *recovery, enum moment moment, uint32_t held_n);
/** telling_alert() - tell the admins @text; the same @key is not told again while it is fresh. Inside a step, or any time. */
void telling_alert(struct daemon *d, const char *key, const char *text);
/** telling_answer() - the journal's answer to an outbox operation. */
void telling_answer(struct daemon *d, const struct journal_answer *a);
