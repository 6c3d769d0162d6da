/* SPDX-License-Identifier: Apache-2.0 */
/* Names to addresses, by a thread, believed for a while; for probe.c alone. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "io/loop.h"

struct io_names;

union io_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Embedded by whoever waits for a name; owned by the caller. */
struct io_name_waiter {
	struct io_name_waiter *next, **from; /* its place in the list; from = NULL: not waiting */
	/** The name's first address, or NULL with what went wrong. Never from inside io_name_find(). */
	void (*fn)(struct io_name_waiter *waiter, const union io_address *address, const char *error);
};

int io_names_create(struct io_loop *loop, struct io_names **ret_names, struct osha_err *reterr);
/** io_names_destroy() - forget all; waiters are not told. */
void io_names_destroy(struct io_names *names);

/** io_address_parse() - an IPv4 or IPv6 address in figures. Returns false for anything else. */
bool io_address_parse(const char *text, union io_address *ret);

/**
 * io_name_find() - the address of @name.
 * Returns 0 with @ret_address from the cache, 1 when @waiter was queued. Errors: -OSHA_E_NET (@ret_error: why, borrowed), -OSHA_E_FULL.
 */
int io_name_find(struct io_names *names, const char *name, struct io_name_waiter *waiter, union io_address *ret_address,
    const char **ret_error);
/** io_name_forget() - stop waiting. Harmless when it does not wait. */
void io_name_forget(struct io_name_waiter *waiter);
