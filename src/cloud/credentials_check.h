/* SPDX-License-Identifier: Apache-2.0 */
/* Whether credentials could sign in at all, asked by the session before it tries. What they are stands in base/credentials.h. */
#pragma once

#include "base/credentials.h"

/**
 * cloud_credentials_check() - could a token be asked for with these?
 * Errors: -OSHA_E_CONFIG, saying what is missing or contradicts (never a secret's value).
 */
int cloud_credentials_check(const struct cloud_credentials *c, struct osha_err *reterr);
