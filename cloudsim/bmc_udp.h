/* SPDX-License-Identifier: Apache-2.0 */
/* UDP under the simulated BMC: a bound socket, and a burst of datagrams through it. Leaves waiting to the caller's
 * loop. */
#pragma once

#include "base/err.h"
#include "cloudsim/bmc_ipmi.h"

enum { BMC_UDP_BURST = 32 /* datagrams served per call, so that many BMCs share one loop fairly */ };

/**
 * bmc_udp_open() - a non-blocking socket bound to a loopback address.
 * @address: borrowed, IPv4 in 127.0.0.0/8, numeric; anything else is refused: this BMC is a toy with a known password
 * @port: 0 picks a free one
 * @ret_fd: the caller closes it; @ret_port: the port in use, may be NULL
 *
 * Returns 0, -OSHA_E_USAGE or -OSHA_E_IO.
 */
int bmc_udp_open(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct osha_err *reterr);

/** bmc_udp_serve_one() - answer one datagram that waits; false when none does. */
bool bmc_udp_serve_one(int fd, struct bmc_ipmi *bmc);

/** bmc_udp_serve() - answer what has arrived on @fd, at most BMC_UDP_BURST datagrams. Never blocks; a send that fails
 * is a lost datagram. */
void bmc_udp_serve(int fd, struct bmc_ipmi *bmc);
