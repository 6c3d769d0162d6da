/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for everything, made between steps: the only file of the engine that allocates. Also the look-ups over those arrays (by host
 * name, by instance). Recoveries have a place for each host, because a host has at most one open; those that have ended and are still to
 * be told lie beside these and never take them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "engine/state.h"

static uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static uint32_t power_of_two_above(uint32_t n)
{
	uint32_t p = 64;

	while (p < n && p < 0x40000000u)
		p *= 2;
	return p;
}

/* Grow one array to @n elements; new ones are zero. The old array stays valid when there is no memory. */
static bool grow(void *array, size_t size, uint32_t have, uint32_t n)
{
	void **at = array;
	void *more = realloc(*at, size * n);

	if (!more)
		return false;
	memset((char *)more + size * have, 0, size * (n - have));
	*at = more;
	return true;
}

static void hosts_rehash(struct engine *e)
{
	for (uint32_t k = 0; k < e->host_hash_n; k++)
		e->host_hash[k] = NIL;
	for (uint32_t k = 0; k < e->host_n; k++) {
		uint32_t *slot = &e->host_hash[hash_text(e->hosts[k].rec.name) & (e->host_hash_n - 1)];

		e->hosts[k].hash_next = *slot;
		*slot = k;
	}
}

static void instances_rehash(struct engine *e)
{
	for (uint32_t k = 0; k < e->instance_hash_n; k++)
		e->instance_hash[k] = NIL;
	for (uint32_t k = 0; k < e->instance_cap; k++) {
		struct instance *i = &e->instances[k];
		uint32_t *slot = &e->instance_hash[hash_text(i->rec.uuid) & (e->instance_hash_n - 1)];

		if (!i->is_used)
			continue;
		i->hash_next = *slot;
		*slot = k;
	}
}

/* Ended ones that are still to be told, beside one of each host: as many again. */
enum { RECOVERIES_ENDED_LEAST = 64 };

static uint32_t recoveries_for(uint32_t host_n)
{
	return host_n + (host_n > RECOVERIES_ENDED_LEAST ? host_n : RECOVERIES_ENDED_LEAST);
}

static bool reserve_hosts(struct engine *e, uint32_t n)
{
	uint32_t hashes = power_of_two_above(n * 2), have = e->host_cap, recoveries = recoveries_for(n);

	if (n <= have)
		return true;
	if (!grow(&e->hosts, sizeof(*e->hosts), e->host_cap, n) ||
	    !grow(&e->recoveries, sizeof(*e->recoveries), e->recovery_cap, recoveries) ||
	    !grow(&e->host_hash, sizeof(*e->host_hash), 0, hashes))
		return false;
	for (uint32_t k = recoveries; k-- > e->recovery_cap;) {
		e->recoveries[k].next_free = e->recovery_free;
		e->recoveries[k].work.heap_at = NIL;
		e->recovery_free = k;
	}
	e->host_cap = n;
	e->recovery_cap = recoveries;
	e->host_hash_n = hashes;
	hosts_rehash(e);
	return true;
}

static bool reserve_instances(struct engine *e, uint32_t n)
{
	uint32_t hashes = power_of_two_above(n * 2);

	if (n <= e->instance_cap)
		return true;
	if (!grow(&e->instances, sizeof(*e->instances), e->instance_cap, n) ||
	    !grow(&e->instance_hash, sizeof(*e->instance_hash), 0, hashes))
		return false;
	for (uint32_t k = n; k-- > e->instance_cap;) {
		e->instances[k].next = e->instance_free;
		e->instances[k].work.heap_at = NIL;
		e->instance_free = k;
	}
	e->instance_cap = n;
	e->instance_hash_n = hashes;
	instances_rehash(e);
	return true;
}

/* The ready queue is a ring: unroll it into the new array, so that its order stays. */
static bool reserve_queues(struct engine *e)
{
	uint32_t n = e->host_cap + e->recovery_cap + e->instance_cap + ENGINE_SUSPENSIONS_MAX + 16;
	uint32_t *ready;

	if (n <= e->ready_cap)
		return true;
	ready = calloc(n, sizeof(*ready));
	if (!ready)
		return false;
	for (uint32_t k = 0; k < e->ready_n; k++)
		ready[k] = e->ready[(e->ready_head + k) % e->ready_cap];
	free(e->ready);
	e->ready = ready;
	e->ready_head = 0;
	if (!grow(&e->heap, sizeof(*e->heap), e->ready_cap, n)) {
		e->ready_cap = e->ready_cap ? e->ready_cap : n;
		return false;
	}
	e->ready_cap = n;
	return true;
}

/* Records on their way keep their sequence numbers: place each anew in the larger table. */
static bool reserve_pending(struct engine *e)
{
	uint32_t n = power_of_two_above(e->ready_cap + 1);
	void *was = e->pending;
	uint32_t was_n = e->pending_n;

	if (n <= e->pending_n)
		return true;
	e->pending = calloc(n, sizeof(*e->pending));
	if (!e->pending) {
		e->pending = was;
		return false;
	}
	e->pending_n = n;
	for (uint32_t k = 0; k < was_n; k++) {
		uint64_t seq = ((struct engine_pending *)was)[k].seq;

		if (seq)
			e->pending[seq & (n - 1)] = ((struct engine_pending *)was)[k];
	}
	free(was);
	return true;
}

int engine_reserve(struct engine *e, uint32_t host_n, uint32_t instance_n)
{
	if (!reserve_hosts(e, host_n) || !reserve_instances(e, instance_n) || !reserve_queues(e) || !reserve_pending(e))
		return -OSHA_E_NOMEM;
	return 0;
}

struct engine *engine_create(const struct engine_options *options)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->o = *options;
	e->recovery_free = e->instance_free = NIL;
	e->seq_next = 1;
	e->store_retry_at_ms = 0;
	for (uint32_t k = 0; k < ENGINE_SUSPENSIONS_MAX; k++)
		e->suspensions[k].work = (struct work){.heap_at = NIL, .wake_ms = NEVER_MS};
	if (engine_reserve(e, 16, 64) < 0) {
		engine_destroy(e);
		return NULL;
	}
	return e;
}

void engine_destroy(struct engine *e)
{
	if (!e)
		return;
	free(e->hosts);
	free(e->recoveries);
	free(e->instances);
	free(e->host_hash);
	free(e->instance_hash);
	free(e->ready);
	free(e->heap);
	free(e->pending);
	free(e);
}

uint32_t engine_instance_n(const struct engine *e)
{
	return e->instance_n;
}

uint32_t engine_host_n(const struct engine *e)
{
	return e->host_n;
}

uint32_t engine_host_find(const struct engine *e, const char *name)
{
	uint32_t k = e->host_hash[hash_text(name) & (e->host_hash_n - 1)];

	while (k != NIL && strcmp(e->hosts[k].rec.name, name) != 0)
		k = e->hosts[k].hash_next;
	return k;
}

struct host *engine_find_host(struct engine *e, const char *name)
{
	uint32_t k = engine_host_find(e, name);

	return k == NIL ? NULL : &e->hosts[k];
}

uint32_t engine_host_add(struct engine *e, const char *name)
{
	uint32_t k = engine_host_find(e, name), *slot;
	struct host *h;

	if (k != NIL)
		return k;
	if (e->host_n == e->host_cap || strlen(name) >= HOST_NAME_SIZE)
		return NIL;
	k = e->host_n++;
	h = &e->hosts[k];
	*h = (struct host){.recovery = NIL,
	    .dead_since_ms = NEVER_MS,
	    .odd_since_ms = NEVER_MS,
	    .work = {.heap_at = NIL, .wake_ms = NEVER_MS}};
	for (uint32_t l = 0; l < FENCE_LEVEL_MAX; l++)
		h->off_since_ms[l] = NEVER_MS;
	str_copy(h->rec.name, sizeof(h->rec.name), name);
	slot = &e->host_hash[hash_text(name) & (e->host_hash_n - 1)];
	h->hash_next = *slot;
	*slot = k;
	return k;
}

static struct recovery *recovery_new(struct engine *e, uint32_t host)
{
	uint32_t k = e->recovery_free, gen, power_gen, poll_gen;
	struct recovery *r;
	bool queued;

	if (k == NIL)
		return NULL;
	r = &e->recoveries[k];
	e->recovery_free = r->next_free;
	/* the place may have been another's: answers to that one are still told by their generation, and the queue may hold it */
	gen = r->work.gen;
	power_gen = r->power.gen;
	poll_gen = r->poll.gen;
	queued = r->work.queued;
	*r = (struct recovery){.host = host, .first = NIL, .last = NIL, .is_used = true, .next_free = NIL};
	r->work.gen = gen;
	r->power.gen = power_gen;
	r->poll.gen = poll_gen;
	r->work.queued = queued;
	r->work.heap_at = NIL;
	r->work.wake_ms = r->power.next_ms = r->poll.next_ms = NEVER_MS;
	str_copy(r->rec.host, sizeof(r->rec.host), e->hosts[host].rec.name);
	e->recovery_n++;
	return r;
}

struct recovery *engine_open_recovery(struct engine *e, uint32_t host)
{
	struct recovery *r = e->hosts[host].recovery == NIL ? recovery_new(e, host) : NULL;

	if (r)
		e->hosts[host].recovery = (uint32_t)(r - e->recoveries);
	return r;
}

/* The places of the hosts are left free for them. */
static bool has_room_beside(const struct engine *e)
{
	return e->detached_n < e->recovery_cap - e->host_cap;
}

struct recovery *engine_take_ended_recovery(struct engine *e, uint32_t host)
{
	struct recovery *r;

	if (e->hosts[host].recovery == NIL)
		return engine_open_recovery(e, host);
	r = has_room_beside(e) ? recovery_new(e, host) : NULL;
	if (r) {
		r->is_detached = true;
		e->detached_n++;
	}
	return r;
}

bool engine_detach_recovery(struct engine *e, struct recovery *r)
{
	if (!has_room_beside(e))
		return false;
	r->is_detached = true;
	e->detached_n++;
	e->hosts[r->host].recovery = NIL;
	return true;
}

/* There is room beside again: an ended one that had none still stands in its host's way. */
static void wake_all(struct engine *e)
{
	for (uint32_t k = 0; k < e->recovery_cap; k++) {
		if (e->recoveries[k].is_used)
			work_queue(e, recovery_ref(e, &e->recoveries[k]));
	}
}

void engine_close_recovery(struct engine *e, struct recovery *r)
{
	uint32_t k = (uint32_t)(r - e->recoveries);

	engine_drop_instances(e, r);
	if (r->is_detached && !has_room_beside(e))
		wake_all(e);
	if (r->is_detached)
		e->detached_n--;
	else
		e->hosts[r->host].recovery = NIL;
	r->is_used = false;
	e->recovery_n--;
	work_wake_at(e, recovery_ref(e, r), NEVER_MS);
	r->next_free = e->recovery_free;
	e->recovery_free = k;
}

struct instance *engine_find_instance(struct engine *e, const struct recovery *r, const char *uuid)
{
	uint32_t k = e->instance_hash[hash_text(uuid) & (e->instance_hash_n - 1)];
	uint32_t of = (uint32_t)(r - e->recoveries);

	while (k != NIL && (e->instances[k].recovery != of || strcmp(e->instances[k].rec.uuid, uuid) != 0))
		k = e->instances[k].hash_next;
	return k == NIL ? NULL : &e->instances[k];
}

struct instance *engine_add_instance(struct engine *e, struct recovery *r, const char *uuid)
{
	uint32_t k = e->instance_free, *slot, gen;
	struct instance *i;
	bool queued;

	if (k == NIL)
		return NULL;
	i = &e->instances[k];
	e->instance_free = i->next;
	gen = i->work.gen;
	queued = i->work.queued;
	*i = (struct instance){.recovery = (uint32_t)(r - e->recoveries), .next = NIL, .is_used = true};
	i->work.gen = gen;
	i->work.queued = queued;
	i->work.heap_at = NIL;
	i->work.wake_ms = NEVER_MS;
	i->rebuild_until_ms = NEVER_MS;
	str_copy(i->rec.uuid, sizeof(i->rec.uuid), uuid);
	str_copy(i->rec.recovery, sizeof(i->rec.recovery), r->rec.id);
	slot = &e->instance_hash[hash_text(i->rec.uuid) & (e->instance_hash_n - 1)];
	i->hash_next = *slot;
	*slot = k;
	if (r->last == NIL)
		r->first = k;
	else
		e->instances[r->last].next = k;
	r->last = k;
	r->instance_n++;
	e->instance_n++;
	return i;
}

static void drop_instance(struct engine *e, struct instance *i)
{
	uint32_t k = (uint32_t)(i - e->instances);
	uint32_t *at = &e->instance_hash[hash_text(i->rec.uuid) & (e->instance_hash_n - 1)];

	while (*at != k)
		at = &e->instances[*at].hash_next;
	*at = i->hash_next;
	work_wake_at(e, THING_REF(THING_INSTANCE, k), NEVER_MS);
	i->is_used = false;
	i->next = e->instance_free;
	e->instance_free = k;
	e->instance_n--;
}

void engine_drop_instances(struct engine *e, struct recovery *r)
{
	for (uint32_t k = r->first; k != NIL;) {
		uint32_t next = e->instances[k].next;

		drop_instance(e, &e->instances[k]);
		k = next;
	}
	r->first = r->last = NIL;
	r->instance_n = r->waiting_n = r->active_n = r->ended_n = 0;
}
