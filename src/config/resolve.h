/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pattern, a segment and a device come to for one host. Pure on a finished configuration. Private to the config
 * room; the public half stands in config.h.
 */
#pragma once

#include "config/config.h"

enum { DEVICE_ID_SIZE = 600 };

/* The identity of what an agent's call switches. Two hosts must not share one. */
struct config_device {
	char place[DEVICE_ID_SIZE]; /* folded address and plug, or all parameters where an agent knows neither */
	char port[16];              /* "" = not given: any port of that address is meant */
	bool has_pattern;           /* at least one part differs with the host's name */
	int line;                   /* of the parameter that names it, 0 = none */
};

/**
 * pattern_expand() - @text with {host}, {short}, {{ and }} replaced.
 * Returns false where the result does not fit @size or the host's name cannot stand in a pattern.
 */
bool pattern_expand(const char *text, const char *host, char *ret, size_t size);

/** host_override_find() - what the file says under hosts for exactly this name, or NULL. */
const struct config_host_override *host_override_find(const struct config *cfg, const char *host);

/** segment_has_name() - is the name itself in the segment's list? segment_matches(): or does a pattern match it, and
 * none take it out? */
bool segment_has_name(const struct config_segment *s, const char *host);
bool segment_matches(const struct config_segment *s, const char *host);
/** host_text_is_pattern() - is this item of a segment's list more than one name? */
bool host_text_is_pattern(const char *item);

/** level_parameter() - parameter @i of a level as it is for one host, its override laid over; NULL past the last. */
const struct config_parameter *level_parameter(
    const struct config_fence_level *l, const struct config_host_override *o, size_t i);

/** device_identify() - the device of a level for @host; secrets never enter it. */
void device_identify(const struct config_fence_level *l, const struct config_host_override *o, const char *host,
    struct config_device *ret);

/** agent_find() - the absolute path of an agent in fencing.agent-path; false and the name as written where there is
 * none. */
bool agent_find(const struct config *cfg, const char *agent, char *ret, size_t size);
