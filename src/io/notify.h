/* SPDX-License-Identifier: Apache-2.0 */
/* Tells systemd how the service does: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET. Without that variable
 * nothing happens. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** notify_send() - send raw "KEY=VALUE" lines. Never blocks. Returns true when systemd got it. */
bool notify_send(const char *text);
/** notify_ready() - start-up or reload is over. */
bool notify_ready(void);
/** notify_reloading() - a reload begins; carries MONOTONIC_USEC as Type=notify-reload demands. */
bool notify_reloading(void);
/** notify_stopping() - we are going down. */
bool notify_stopping(void);
/** notify_watchdog() - we live; to be sent at least every notify_watchdog_ms(). */
bool notify_watchdog(void);
/** notify_status() - one line for `systemctl status`; control characters become blanks. */
bool notify_status(const char *text);
/** notify_watchdog_ms() - half of $WATCHDOG_USEC when it is meant for us, else 0 = no watchdog. */
int64_t notify_watchdog_ms(void);
