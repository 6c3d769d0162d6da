/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to OpenStack, in the forms that every OpenStack tool knows: an entry of clouds.yaml with secure.yaml laid
 * over it, or the OS_* environment variables. Signing in is the cloud room's work. Source: openstacksdk's
 * documentation, "Configuring OpenStack SDK Applications"; keystoneauth's authentication plug-in options.
 */
#pragma once

#include "base/credentials.h"
#include "base/err.h"
#include "config/problem.h"

/** An environment look-up, so that tests bring their own; getenv() fits. Returns NULL when unset. */
typedef char *(*clouds_env_fn)(const char *name);

/**
 * clouds_load() - find and read the credentials.
 * @name: entry in clouds.yaml; "" = OS_CLOUD when set, else the OS_* variables when OS_AUTH_URL is set, else the only
 * entry there is
 * @clouds_file: "" = OS_CLIENT_CONFIG_FILE, ./clouds.yaml, ~/.config/openstack/clouds.yaml, /etc/openstack/clouds.yaml,
 * in this order. secure.yaml is OS_CLIENT_SECURE_FILE when set, else the file of that name beside the clouds.yaml
 * found, else the first of the same search order
 * @env: the environment; required
 * @ret: on success filled; the caller wipes it with cloud_credentials_wipe()
 * @problems: every error and warning found is added; required
 *
 * Blocks on local files only.
 * Errors: -OSHA_E_CONFIG (see @problems), -OSHA_E_NOMEM.
 */
int clouds_load(const char *name, const char *clouds_file, clouds_env_fn env, struct cloud_credentials *ret,
    struct config_problems *problems, struct osha_err *reterr);
