/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of the flight recorder. Whatever moves the engine goes through here and nowhere else, so that a replay of the
 * recording moves another engine the same way. Nothing is decided from it: a recorder that fails is said once and done without.
 */
#pragma once

#include "daemon/daemon.h"

/** recorder_open() - as configured; before recorder_create(). Without a recorder the rest does what it is for all the same. */
void recorder_open(struct daemon *d);
/** recorder_close() - after the engine's last step. */
void recorder_close(struct daemon *d);

/** recorder_create() - engine_create() and so on, recorded. They return what those return. */
struct engine *recorder_create(struct daemon *d, const struct engine_options *options);
void recorder_options_set(struct daemon *d, const struct engine_options *options);
int recorder_reserve(struct daemon *d, uint32_t host_n, uint32_t instance_n);
uint32_t recorder_host_add(struct daemon *d, const char *name);
void recorder_host_set_policy(struct daemon *d, uint32_t host, const struct host_policy *policy);
int recorder_step(struct daemon *d, const struct engine_event *ev, struct osha_err *reterr);
