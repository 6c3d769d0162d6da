/* SPDX-License-Identifier: Apache-2.0 */
/* Are the credentials of base/credentials.h such that a token could be asked for with them? */
#pragma once

#include "base/credentials.h"

/**
 * cloud_credentials_check() - could a token be asked for with these?
 * Errors: -OSHA_E_CONFIG, saying what is missing or contradicts (never a secret's value).
 */
int cloud_credentials_check(const struct cloud_credentials *c, struct osha_err *reterr);
