/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling people: the daemon's end of it. A moment of a recovery becomes mails in the durable outbox, the administrators' first, and the
 * outbox is emptied into a mail server. What is said to whom is the tell room's; nothing here ever makes a recovery wait.
 */
#pragma once

#include "daemon/daemon.h"

/**
 * telling_open() - after the journal, the HTTP pool and the cloud session are there; before the engine is given its records.
 * Goes on with what an earlier process left in the outbox. A template that is wrong all the same is logged and the built-in one
 * taken instead. In a dry run everything is only logged. Errors: -OSHA_E_NOMEM.
 */
int telling_open(struct daemon *d, struct osha_err *reterr);
/** telling_close() - before any of these goes. What waits in the outbox stays there. */
void telling_close(struct daemon *d);
/** telling_reload() - d->cfg and d->env.cloud are other ones; the old session lives until this returns, and calls nobody after it. */
void telling_reload(struct daemon *d);
/** telling_abandon() - this daemon leads no more: what it was about to tell or send is left to the next one. telling_resume() - it leads. */
void telling_abandon(struct daemon *d);
void telling_resume(struct daemon *d);

/**
 * telling_tell() - tell of @moment of @recovery, as both stand in the engine now.
 * @recovery: id; copied
 * @held_n: how many holds were told; part of the key
 *
 * Inside a step. daemon_told() is called later, exactly once per call, once the outbox holds every message.
 */
void telling_tell(struct daemon *d, const char *recovery, enum moment moment, uint32_t held_n);
/**
 * telling_alert() - tell the administrators @text; the same @key is told again after an hour at the earliest.
 * @key, @text: copied. Inside a step, or any time.
 *
 * Goes through the outbox; "store", and what the outbox cannot take, is sent without it.
 */
void telling_alert(struct daemon *d, const char *key, const char *text);
/** telling_answer() - the journal's answer to an outbox operation. */
void telling_answer(struct daemon *d, const struct journal_answer *a);
/** telling_is_idle() - is every moment told, and was every mail that is due tried at least once? For --once. */
bool telling_is_idle(const struct daemon *d);
