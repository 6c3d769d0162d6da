/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may act on a store: at most one daemon at a time, for as long as its lease lasts. This is all that the daemon knows of a
 * coordination service; a key in etcd, a row in a database or a Kubernetes Lease stands behind it. Which records a leader finds and how
 * old writes are refused is the store's matter (journal_claim_epoch()).
 *
 * A lease is believed by the clock of who holds it alone (CLOCK_BOOTTIME, which counts suspend): it runs from the moment at which the
 * request was sent that gained or prolonged it, so that it ends here before it can end there.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "io/loop.h"

struct lease;

/* What is told to who wants to lead. From the loop, never from inside a step of the engine; gained() also from inside open(). */
struct lease_sink {
	void *arg;
	/* @epoch: higher than any before it, whoever had those; 0 = the store counts by itself. @arg leads until lost(), or until
	 * lease_left_ms() says that nothing is left. */
	void (*gained)(void *arg, uint64_t epoch);
	/* @why: a sentence for people, borrowed. Nothing of the old epoch is valid any more; it goes on to contend by itself. */
	void (*lost)(void *arg, const char *why);
};

struct lease_spec {
	struct io_loop *loop;
	const char *name; /* of what is led: daemons that ask for the same one exclude each other; copied */
	int64_t ttl_ms;
	struct lease_sink sink;
};

struct lease_driver {
	const char *name;
	/* Begins to contend, and does not block. *ret_lease is set before gained() is called. */
	int (*open)(const struct lease_spec *spec, struct lease **ret_lease, struct osha_err *reterr);
	/* Gives up what is held, so that another one can have it at once, and contends again after a TTL. No lost() comes of it. */
	void (*yield)(struct lease *l);
	/* Likewise, for good; @l is freed. */
	void (*close)(struct lease *l);
};

/* What every implementation begins with. */
struct lease {
	const struct lease_driver *driver;
	int64_t until_ms;  /* CLOCK_BOOTTIME: it ends; 0 = not held, INT64_MAX = never */
	int64_t margin_ms; /* so much of it is not used: two clocks run apart, and an act takes a moment to begin */
};

/** lease_left_ms() - how long one may act on it from @boot_ms (io_boot_ms()) on; 0 = not at all, INT64_MAX = as long as the process lives. */
int64_t lease_left_ms(const struct lease *l, int64_t boot_ms);

/* One machine: who has the store's lock leads, from open() on and until the process ends. */
extern const struct lease_driver lease_alone;
