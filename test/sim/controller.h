/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a daemon on a controller: its configuration, start, end, orders to it, and the lines it writes. */
#pragma once

#include "engine/engine.h"
#include "test/sim/clockwork.h"

/**
 * controller_configure() - write the configuration that every start of this process reads, and each reload, into a folder of its own; hosts
 * are the realm's.
 * @is_slow: nova reports every 10 s and is down after 60 s
 * @extra: further lines of osha.yaml, or NULL; an option at the left margin takes the place of the one here
 */
void controller_configure(bool is_slow, const char *extra);
/** controller_mode_set() - the mode of the segment for the daemons that start from now on. controller_mode() - which it is. */
void controller_mode_set(enum host_mode m);
enum host_mode controller_mode(void);
/** controller_unconfigure() - remove what was written. */
void controller_unconfigure(void);
/** controller_start() - power up a daemon on @node; harmless where one runs. */
void controller_start(struct sim_node *node);
/** controllers_start() - one daemon, or two where there is a lease service. controllers_stop() - all of them end, and the store goes. */
void controllers_start(void);
void controllers_stop(void);
/** controller_start_later() - the same as an event. */
void controller_start_later(void *node);
/** controller_stop() - an orderly end. controller_bury() - clear a killed one away; nothing it does reaches anybody. */
void controller_stop(struct sim_node *node);
void controller_bury(struct sim_node *node);
/** controller_resign() - the daemon on it, if it leads, lets the other one lead. */
void controller_resign(struct sim_node *node);
/** controller_ask() - a line on its control socket, as the osha command sends it; false: nobody listens. */
bool controller_ask(struct sim_node *node, const char *line);
/** controller_replied(), controller_line() - what it answers and logs. */
void controller_replied(struct sim_node *node, const char *line, size_t size);
void controller_line(struct sim_node *node, int priority, const char *text);
