/* SPDX-License-Identifier: Apache-2.0 */
/* What all leases have in common, and the one of a machine that is alone. */
#include "journal/lease.h"

#include <stdlib.h>

int64_t lease_left_ms(const struct lease *l, int64_t boot_ms)
{
	int64_t left_ms;

	if (l->until_ms == INT64_MAX)
		return INT64_MAX;
	left_ms = l->until_ms - l->margin_ms - boot_ms;
	return left_ms > 0 ? left_ms : 0;
}

static int alone_open(const struct lease_spec *spec, struct lease **ret_lease, struct osha_err *reterr)
{
	struct lease *l = calloc(1, sizeof(*l));

	if (!l)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a lease");
	*l = (struct lease){.driver = &lease_alone, .until_ms = INT64_MAX};
	*ret_lease = l;
	spec->sink.gained(spec->sink.arg, 0);
	return 0;
}

/* There is nobody to yield to: the lock goes with the process. */
static void alone_yield(struct lease *l)
{
	(void)l;
}

static void alone_close(struct lease *l)
{
	free(l);
}

const struct lease_driver lease_alone = {
    .name = "alone", .open = alone_open, .yield = alone_yield, .close = alone_close};
