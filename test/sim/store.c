/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of a simulated controller; see the header. Entries are found by a hash of their key; each holds the codec's bytes. */
#include "test/sim/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/sim/witness.h"

struct sim_store *store_new(void)
{
	struct sim_store *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->mails_end = &s->mails;
	s->low_ms = 1;
	s->high_ms = 25;
	return s;
}

void store_free(struct sim_store *s)
{
	if (!s)
		return;
	for (size_t k = 0; k < s->entry_cap; k++) {
		free(s->entries[k].key);
		free(s->entries[k].record);
	}
	free(s->entries);
	while (s->mails) {
		struct kept_mail *next = s->mails->next;

		free((void *)(uintptr_t)s->mails->mail.body);
		free(s->mails);
		s->mails = next;
	}
	free(s);
}

void store_fault(struct sim_store *s, enum store_state state)
{
	s->state = state;
}

void store_speed(struct sim_store *s, int64_t low_ms, int64_t high_ms)
{
	s->low_ms = low_ms;
	s->high_ms = high_ms;
}

static struct store_entry *entry_slot(struct store_entry *entries, size_t cap, const char *key)
{
	uint64_t hash = 1469598103934665603u;
	size_t at;

	for (const char *c = key; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 1099511628211u;
	at = (size_t)(hash ^ hash >> 32) & (cap - 1);

	while (entries[at].key && !str_eq(entries[at].key, key))
		at = (at + 1) & (cap - 1);
	return &entries[at];
}

static void entries_grow(struct sim_store *s)
{
	size_t cap = s->entry_cap ? s->entry_cap * 2 : 64;
	struct store_entry *more = calloc(cap, sizeof(*more));

	if (!more)
		abort();
	for (size_t k = 0; k < s->entry_cap; k++) {
		if (s->entries[k].key)
			*entry_slot(more, cap, s->entries[k].key) = s->entries[k];
	}
	free(s->entries);
	s->entries = more;
	s->entry_cap = cap;
}

bool store_record(const struct sim_store *s, const char *key, struct record *ret)
{
	const struct store_entry *e = s->entry_cap ? entry_slot(s->entries, s->entry_cap, key) : NULL;

	if (!e || !e->key)
		return false;
	*ret = *e->record;
	return true;
}

void store_each(const struct sim_store *s, store_fn fn, void *arg)
{
	for (size_t k = 0; k < s->entry_cap; k++) {
		if (s->entries[k].key)
			fn(arg, s->entries[k].record);
	}
}

static int by_key(const void *a, const void *b)
{
	const struct store_entry *x = *(const struct store_entry *const *)a, *y = *(const struct store_entry *const *)b;

	return x->record->type != y->record->type ? (int)x->record->type - (int)y->record->type
						  : strcmp(x->key, y->key);
}

void store_in_order(const struct sim_store *s, store_fn fn, void *arg)
{
	const struct store_entry **all = calloc(s->entry_n + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		abort();
	for (size_t k = 0; k < s->entry_cap; k++) {
		if (s->entries[k].key)
			all[n++] = &s->entries[k];
	}
	if (n > 1)
		qsort(all, n, sizeof(const struct store_entry *), by_key);
	for (size_t k = 0; k < n; k++)
		fn(arg, all[k]->record);
	free(all);
}

/* Through the codec and back, as a restart would read it. */
bool store_write(struct sim_store *s, struct sim_node *node, const struct record *r)
{
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	char key[JOURNAL_KEY_SIZE];
	struct record *now = malloc(sizeof(*now)), *before;
	struct store_entry *e;
	size_t size;

	if (!now)
		abort();
	if (!journal_record_key(r, key, sizeof(key)) ||
	    journal_record_encode(r, bytes, sizeof(bytes), &size, NULL) < 0 ||
	    journal_record_decode(bytes, size, now, NULL) < 0) {
		free(now);
		return false;
	}
	if ((s->entry_n + 1) * 2 > s->entry_cap)
		entries_grow(s);
	e = entry_slot(s->entries, s->entry_cap, key);
	if (!e->key) {
		e->key = strdup(key);
		s->entry_n++;
	}
	if (!e->key)
		abort();
	before = e->record;
	e->record = now;
	witness_record(node, before, now);
	free(before);
	return true;
}

uint64_t store_mails(const struct sim_store *s, int state)
{
	uint64_t n = 0;

	for (const struct kept_mail *m = s->mails; m; m = m->next)
		n += state < 0 || (int)m->mail.state == state;
	return n;
}

struct kept_mail *store_mail_find(struct sim_store *s, const char *key)
{
	struct kept_mail *m = s->mails;

	while (m && !str_eq(m->mail.key, key))
		m = m->next;
	return m;
}

void store_mail_keep(struct sim_store *s, const struct journal_mail *from)
{
	struct kept_mail *m;
	uint8_t *body;

	if (store_mail_find(s, from->key))
		return;
	m = calloc(1, sizeof(*m));
	body = malloc(from->body_size + 1);
	if (!m || !body)
		abort();
	if (from->body_size)
		memcpy(body, from->body, from->body_size);
	m->mail = *from;
	m->mail.body = body;
	*s->mails_end = m;
	s->mails_end = &m->next;
}
