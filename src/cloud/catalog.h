/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: finding them in a token's catalog, and making their URLs end at the version that is spoken. Pure; for this
 * room only. */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "cloud/identity.h"

/** catalog_identity_base() - @url made to end in /v3; false when it is no plain http(s) URL or does not fit. */
bool catalog_identity_base(const char *url, char *dst, size_t size);
/** catalog_compute_base() - @url cut or completed to end in /v2.1 (a project's id behind it is dropped); false
 * likewise. */
bool catalog_compute_base(const char *url, char *dst, size_t size);

/**
 * catalog_search() - fill compute_url and identity_url of a token; without an identity endpoint auth_url serves.
 * @catalog: array or NULL; borrowed. Errors: -OSHA_E_CONFIG, naming what was searched and what there is.
 */
int catalog_search(
    const cJSON *catalog, const struct cloud_credentials *c, struct cloud_token *ret_token, struct osha_err *reterr);
