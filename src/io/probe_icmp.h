/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP echo over one socket per address family; for probe.c alone. */
#pragma once

#include "base/err.h"
#include "io/address.h"
#include "io/loop.h"

struct probe_icmp;

/* One echo under way, embedded in the probe; zeroed = at rest. */
struct probe_echo {
	struct probe_icmp *icmp;
	struct probe_echo *next; /* of the same bucket */
	uint64_t cookie;         /* what the reply must carry; a stranger cannot guess it */
	union io_address to;
	void *owner;
	void (*fn)(struct probe_echo *echo); /* a reply came; the echo is at rest again */
};

/** probe_icmp_create() - open the sockets. Errors: -OSHA_E_REFUSED (no kind is permitted), -OSHA_E_NOMEM, -OSHA_E_IO. */
int probe_icmp_create(struct io_loop *loop, struct probe_icmp **ret_icmp, struct osha_err *reterr);
void probe_icmp_destroy(struct probe_icmp *icmp);
/** probe_icmp_send() - send one echo request. Returns 0 or an errno (then the echo is at rest). */
int probe_icmp_send(struct probe_icmp *icmp, struct probe_echo *echo, const union io_address *to);
/** probe_icmp_forget() - no longer wait. Harmless at rest. */
void probe_icmp_forget(struct probe_echo *echo);
