/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks one address whether it answers at all: a TCP connect or an ICMP echo. Cheap enough for thousands a second. What
 * silence means, and how often to ask, is left to the callers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct io_prober; /* one per loop: the ping socket and the cache of names */
struct io_probe;  /* one question under way */

enum {
	IO_PROBE_MAX = 16384,          /* questions under way */
	IO_PROBE_NAME_TTL_MS = 60000,  /* how long a resolved name is believed */
	IO_PROBE_NAME_RETRY_MS = 5000, /* how long a failed look-up is believed */
	IO_PROBE_NAMES_MAX = 4096,     /* names in the cache */
};

enum io_probe_kind { IO_PROBE_TCP = 0, IO_PROBE_ICMP, IO_PROBE_KIND_N };

struct io_probe_spec {
	const char *addr; /* IPv4, IPv6 or a name: a name is resolved by a thread and cached */
	uint16_t port;    /* for TCP, 1..65535 */
	enum io_probe_kind kind;
	int64_t timeout_ms; /* > 0; the look-up of the name included */
};

enum io_probe_outcome {
	IO_PROBE_UNKNOWN = 0, /* we could not ask: no route to the net, no descriptor, not permitted, name not known */
	IO_PROBE_ALIVE,       /* it answered: connected, refused (RST), or echo reply */
	IO_PROBE_SILENT,      /* no answer within the time, or the last router says the host does not answer */
	IO_PROBE_OUTCOME_N
};

/* Valid inside the callback only. */
struct io_probe_answer {
	enum io_probe_outcome outcome;
	int64_t rtt_us; /* time to the answer, when alive */
	const char
	    *detail; /* "connected", "refused", "no answer", or the local error; static or borrowed, never NULL */
};

/** Called exactly once per started probe, on the loop, never from inside io_probe_start(). The handle is void from here
 * on. */
typedef void (*io_probe_fn)(void *arg, const struct io_probe_answer *answer);

/**
 * io_prober_create() - what probes on a loop share.
 * @needs_icmp: open the ICMP socket (raw with CAP_NET_RAW, else a datagram one if net.ipv4.ping_group_range lets us)
 * @ret_prober: ended by io_prober_destroy()
 *
 * Errors: -OSHA_E_REFUSED when @needs_icmp and neither socket is permitted (the text says what to grant),
 * -OSHA_E_NOMEM, -OSHA_E_IO.
 */
int io_prober_create(struct io_loop *loop, bool needs_icmp, struct io_prober **ret_prober, struct osha_err *reterr);

/** io_prober_destroy() - cancel what is under way (no callback) and free. NULL is fine. Not from inside a callback of
 * its own. */
void io_prober_destroy(struct io_prober *prober);

/**
 * io_probe_start() - ask once.
 * @spec: borrowed for the duration of the call
 * @fn, @arg: the one callback; @arg is borrowed
 * @ret_probe: handle for io_probe_cancel(); NULL when not wanted
 *
 * A local failure to ask is the outcome "unknown", told through @fn. Errors (no callback): -OSHA_E_USAGE, -OSHA_E_FULL, -OSHA_E_NOMEM.
 */
int io_probe_start(struct io_prober *prober, const struct io_probe_spec *spec, io_probe_fn fn, void *arg,
    struct io_probe **ret_probe, struct osha_err *reterr);

/** io_probe_cancel() - after this returns no callback comes. NULL is fine. */
void io_probe_cancel(struct io_probe *probe);
