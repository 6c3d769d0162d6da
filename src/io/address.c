/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of resolved names over uv_getaddrinfo(), which asks on a thread. One look-up per name at a time, however many wait for it; a name
 * that has run out is looked up again at its next use.
 */
#include "io/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/strbuf.h"
#include "io/probe.h"

enum { BUCKETS = 1024, NAME_MAX_BYTES = 254 };

struct name_entry {
	uv_getaddrinfo_t req;
	struct io_names *names; /* NULL: the cache is gone, only the thread still knows this */
	struct name_entry *next;
	struct io_name_waiter *waiters;
	bool is_asking;
	int64_t good_until_ms;
	int error; /* libuv's, 0 = @address holds */
	union io_address address;
	char name[NAME_MAX_BYTES];
};

struct io_names {
	struct io_loop *loop;
	size_t n;
	struct name_entry *buckets[BUCKETS];
};

int io_names_create(struct io_loop *loop, struct io_names **ret_names, struct osha_err *reterr)
{
	struct io_names *names = calloc(1, sizeof *names);
	if (names == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the cache of names");
	names->loop = loop;
	*ret_names = names;
	return 0;
}

static void free_entry(struct name_entry *e)
{
	while (e->waiters != NULL)
		io_name_forget(e->waiters);
	e->names = NULL;
	/* A request on a thread can be called back only if it has not begun; then it comes back as cancelled. */
	if (e->is_asking)
		uv_cancel((uv_req_t *)&e->req);
	else
		free(e);
}

void io_names_destroy(struct io_names *names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (names->buckets[i] != NULL) {
			struct name_entry *e = names->buckets[i];
			names->buckets[i] = e->next;
			free_entry(e);
		}
	}
	free(names);
}

bool io_address_parse(const char *text, union io_address *ret)
{
	memset(ret, 0, sizeof *ret);
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1)
		ret->any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) == 1)
		ret->any.sa_family = AF_INET6;
	return ret->any.sa_family != 0;
}

static void take_first(struct name_entry *e, const struct addrinfo *list)
{
	for (; list != NULL; list = list->ai_next) {
		if (list->ai_addrlen > sizeof e->address)
			continue;
		memset(&e->address, 0, sizeof e->address);
		memcpy(&e->address, list->ai_addr, list->ai_addrlen);
		e->error = 0;
		return;
	}
	e->error = UV_EAI_NODATA;
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct name_entry *e = req->data;
	e->is_asking = false;
	if (e->names == NULL) {
		uv_freeaddrinfo(list);
		free(e);
		return;
	}
	io_loop_enter(e->names->loop);
	e->error = status;
	if (status == 0)
		take_first(e, list);
	uv_freeaddrinfo(list);
	int64_t ttl_ms = e->error == 0 ? IO_PROBE_NAME_TTL_MS : IO_PROBE_NAME_RETRY_MS;
	e->good_until_ms = io_now_ms(e->names->loop) + ttl_ms;
	/* A waiter's callback may ask again or end others' waiting, so each is taken off first. */
	while (e->waiters != NULL) {
		struct io_name_waiter *w = e->waiters;
		io_name_forget(w);
		w->fn(w, e->error == 0 ? &e->address : NULL, e->error == 0 ? "" : uv_strerror(e->error));
	}
}

static int ask(struct name_entry *e)
{
	static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	e->req.data = e;
	int r = uv_getaddrinfo(io_loop_uv(e->names->loop), &e->req, on_resolved, e->name, NULL, &hints);
	if (r == 0)
		e->is_asking = true;
	return r;
}

static struct name_entry **bucket_of(struct io_names *names, const char *name)
{
	uint32_t h = 2166136261u;
	for (const char *c = name; *c != '\0'; c++)
		h = (h ^ (unsigned char)*c) * 16777619u;
	return &names->buckets[h % BUCKETS];
}

static struct name_entry *entry_of(struct io_names *names, const char *name)
{
	struct name_entry **bucket = bucket_of(names, name);
	for (struct name_entry *e = *bucket; e != NULL; e = e->next)
		if (strcmp(e->name, name) == 0)
			return e;
	struct name_entry *e = names->n < IO_PROBE_NAMES_MAX ? calloc(1, sizeof *e) : NULL;
	if (e == NULL || !str_copy(e->name, sizeof e->name, name)) {
		free(e);
		return NULL;
	}
	e->names = names;
	e->next = *bucket;
	*bucket = e;
	names->n++;
	return e;
}

int io_name_find(struct io_names *names, const char *name, struct io_name_waiter *waiter, union io_address *ret_address,
    const char **ret_error)
{
	struct name_entry *e = entry_of(names, name);
	if (e == NULL)
		return -OSHA_E_FULL;
	if (!e->is_asking && io_now_ms(names->loop) < e->good_until_ms) {
		if (e->error == 0)
			*ret_address = e->address;
		else
			*ret_error = uv_strerror(e->error);
		return e->error == 0 ? 0 : -OSHA_E_NET;
	}
	int r = e->is_asking ? 0 : ask(e);
	if (r < 0) {
		*ret_error = uv_strerror(r);
		return -OSHA_E_NET;
	}
	waiter->next = e->waiters;
	waiter->from = &e->waiters;
	if (waiter->next != NULL)
		waiter->next->from = &waiter->next;
	e->waiters = waiter;
	return 1;
}

void io_name_forget(struct io_name_waiter *waiter)
{
	if (waiter->from == NULL)
		return;
	*waiter->from = waiter->next;
	if (waiter->next != NULL)
		waiter->next->from = waiter->from;
	waiter->from = NULL;
	waiter->next = NULL;
}
