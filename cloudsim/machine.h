/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machines of the cloud as a prober sees them: each has an address of its own on loopback where TCP connects succeed while it has power
 * and are met with silence while it has none.
 *
 * Silence: a closed port answers RST, which a prober rightly takes for a living kernel, and so loopback cannot be dead by closing. A dead
 * machine instead keeps its listening socket with a backlog of zero and one connection of our own waiting in it: Linux then drops every
 * further SYN (net.ipv4.tcp_abort_on_overflow=0, the default), and a connect runs into its timeout. Echo requests cannot be silenced this
 * way: the kernel answers them for all of 127/8.
 */
#pragma once

#include <uv.h>

#include "base/err.h"

struct machine {
	uv_poll_t poll;
	int fd;     /* listening; -1 = never opened */
	int filler; /* our own connection that keeps a dead one's backlog full; -1 = none */
	char address[16];
	uint16_t port;
	bool is_on;
};

/**
 * machine_open() - bind @address:@port and listen: the machine is on.
 * @m: the caller's, stays where it is until machine_close()'s handle has gone
 * Errors: -OSHA_E_NET, with errno, when the port is taken there.
 */
int machine_open(struct machine *m, uv_loop_t *loop, const char *address, uint16_t port, struct osha_err *reterr);
/** machine_switch() - give it power or take it away. */
int machine_switch(struct machine *m, bool is_on, struct osha_err *reterr);
void machine_close(struct machine *m);
