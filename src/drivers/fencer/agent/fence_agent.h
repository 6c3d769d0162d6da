/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which program a fence agent's name is, and which keys it takes. An unknown key would be ignored by most agents, and a power-off
 * would then go to the wrong place or to none: so every configured key is held against the agent's own metadata at load.
 */
#pragma once

#include "drivers/driver.h"

enum { FENCE_KEYS_MAX = 256 };

/**
 * fence_agent_find() - absolute path of an agent.
 * @agent: a path, or a name that is searched beside this program, in libexec and in PATH
 * Returns false when there is none.
 */
bool fence_agent_find(const char *agent, char *ret_path, size_t size);

/* The keys of one agent. */
struct fence_keys {
	char name[FENCE_KEYS_MAX][CONFIG_PARAMETER_NAME_SIZE];
	uint32_t n;
};

/**
 * fence_keys_parse() - read the names of all parameters from an agent's metadata, those that newer ones obsolete too.
 * @xml: hostile, NUL-terminated; borrowed
 * Returns false when it is no metadata.
 */
bool fence_keys_parse(const char *xml, struct fence_keys *ret);
bool fence_keys_has(const struct fence_keys *keys, const char *name);

/** @keys is NULL with a reason when the agent told none; both borrowed for the call. */
typedef void (*fence_keys_fn)(void *arg, const struct fence_keys *keys, const char *reason);

/**
 * fence_keys_ask() - run `AGENT -o metadata`.
 * @path: absolute
 * @fn: called once on the loop, never from inside this function
 */
int fence_keys_ask(const struct driver_env *env, const char *path, int64_t timeout_ms, fence_keys_fn fn, void *arg,
    struct osha_err *reterr);

/** fence_agent_environment() - what an agent runs with: a plain PATH, no locale. Static. */
const char *const *fence_agent_environment(void);
