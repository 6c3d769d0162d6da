/* SPDX-License-Identifier: Apache-2.0 */
/* Rules between options, asked once every option by itself has been read. Private to the config room. */
#pragma once

#include "config/value_reader.h"

/** check_all() - every rule; problems go to the reader's list. Also fills what follows from other options (the mail
 * port). */
void check_all(struct config_reader *r, struct config *cfg);

/** check_segments() - names, hosts, policies, fence levels of segments and hosts. */
void check_segments(struct config_reader *r, const struct config *cfg);

/** check_devices() - do two of the hosts that the file names share a device, or may those that a pattern matches? */
void check_devices(struct config_reader *r, const struct config *cfg);
