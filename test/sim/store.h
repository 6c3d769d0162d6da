/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal/journal.h and outbox.h in the simulator: a disk with the production codec on it, that commits in batches after a while, and that
 * can be slow, full, torn by a kill, or unsure.
 */
#pragma once

#include "engine/record.h"
#include "journal/outbox.h"
#include "test/sim/clockwork.h"

enum store_state { STORE_WORKS = 0, STORE_FULL, STORE_FAILS, STORE_UNSURE, STORE_STATE_N };

struct store_entry {
	char *key;             /* NULL = free */
	struct record *record; /* as it was read back from the codec's bytes */
};

struct kept_mail {
	struct kept_mail *next;
	struct journal_mail mail; /* its body is its own */
};

struct sim_store {
	struct store_entry *entries;
	size_t entry_n, entry_cap; /* cap: a power of two */
	struct kept_mail *mails, **mails_end;
	uint64_t epoch; /* writes of an older one are refused */
	enum store_state state;
	int64_t low_ms, high_ms;
};

/** store_new() - an empty disk. */
struct sim_store *store_new(void);
void store_free(struct sim_store *s);
/** store_fault() - how commits end from now on; @low_ms..@high_ms: how long one takes. */
void store_fault(struct sim_store *s, enum store_state state);
void store_speed(struct sim_store *s, int64_t low_ms, int64_t high_ms);
/** store_record() - what is durable under a key, decoded; false when nothing is. */
bool store_record(const struct sim_store *s, const char *key, struct record *ret);
/** store_each() - every durable record, in no order; store_in_order() - stores, hosts, recoveries, instances, each by key. */
typedef void (*store_fn)(void *arg, const struct record *r);
void store_each(const struct sim_store *s, store_fn fn, void *arg);
void store_in_order(const struct sim_store *s, store_fn fn, void *arg);
/** store_mails() - mails kept in a state (enum mail_state), or in any with -1. */
uint64_t store_mails(const struct sim_store *s, int state);
/** store_write() - a record becomes durable; false when it cannot be encoded. */
bool store_write(struct sim_store *s, struct sim_node *node, const struct record *r);
/** store_mail_find() - the mail under this key, or NULL. store_mail_keep() - keep a copy, unless its key is known. */
struct kept_mail *store_mail_find(struct sim_store *s, const char *key);
void store_mail_keep(struct sim_store *s, const struct journal_mail *from);
