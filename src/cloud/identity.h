/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keystone v3 tokens, pure: the request that asks for one, the judge of its answer, the search of its catalog; and the
 * judge of nova's version document. Sends nothing, reads no clock. Source: OpenStack Identity API v3, POST
 * /v3/auth/tokens.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "cloud/call.h"
#include "cloud/credentials_check.h"

enum {
	CLOUD_TOKEN_SIZE =
	    16384, /* fernet: below 300; JWS and PKIZ: thousands; a header line longer than this is refused */
	CLOUD_URL_SIZE = 1024,
};

/* A token and what its catalog says. Holds a secret. */
struct cloud_token {
	char *token;           /* malloc, secret; NULL = none */
	int64_t expires_at_ms; /* keystone's clock, ms since 1970 UTC */
	int64_t issued_at_ms; /* keystone's clock, so that expiry can be used as a duration: no two clocks need agree */
	char compute_url[CLOUD_URL_SIZE];  /* ends in /v2.1, without slash behind */
	char identity_url[CLOUD_URL_SIZE]; /* ends in /v3, likewise */
};

/** cloud_token_clear() - wipe and free; usable again. */
void cloud_token_clear(struct cloud_token *t);

/**
 * cloud_token_url() - where to POST for a token: auth_url, made to end in /v3, and "/auth/tokens".
 * @ret_url: @size bytes. Errors: -OSHA_E_CONFIG (no http(s) URL, user info, query or fragment in it, too long).
 */
int cloud_token_url(const struct cloud_credentials *c, char *ret_url, size_t size, struct osha_err *reterr);

/**
 * cloud_token_body() - JSON body of that POST: password or application credential; project, domain or system scope.
 * @ret_body: holds the secret; the caller wipes and frees it (cloud_secret_free)
 * Errors: as cloud_credentials_check(), -OSHA_E_NOMEM.
 */
int cloud_token_body(const struct cloud_credentials *c, char **ret_body, struct osha_err *reterr);

/* a `char *` overwritten and freed at the end of its block */
#define CLOUD_SECRET_AUTO __attribute__((cleanup(cloud_secret_free)))

/**
 * cloud_token_judge() - read the answer of POST /v3/auth/tokens.
 * @answer: an HTTP answer (transport_result 0); borrowed
 * @subject_token: value of the header X-Subject-Token, or NULL; borrowed
 * @c: for auth_url, region_name and interface
 * @ret_token: filled on success only; the caller clears it
 *
 * Errors: -OSHA_E_AUTH (401, 403), -OSHA_E_NOTFOUND (404: no v3 at auth_url), -OSHA_E_HTTP (3xx, 429, 5xx and others),
 * -OSHA_E_GARBAGE (201 that cannot be understood), -OSHA_E_CONFIG (no compute endpoint for the wanted interface and
 * region: the text names what was searched and which regions and interfaces there are), -OSHA_E_NOMEM.
 * reterr->http_status is set.
 */
int cloud_token_judge(const struct cloud_answer *answer, const char *subject_token, const struct cloud_credentials *c,
    struct cloud_token *ret_token, struct osha_err *reterr);

/* What GET on the compute endpoint's /v2.1/ says. */
struct cloud_versions {
	int max_minor; /* 90 for "2.90" */
	int min_minor;
};

/**
 * cloud_versions_judge() - read nova's version document.
 * Errors: -OSHA_E_AUTH, -OSHA_E_HTTP, -OSHA_E_GARBAGE, and -OSHA_E_CONFIG when the cloud cannot do
 * cloud_microversion_min().
 */
int cloud_versions_judge(
    int status, const char *body, size_t n, struct cloud_versions *ret_versions, struct osha_err *reterr);

/**
 * cloud_microversion_pick() - the pinned one, or the cloud's newest where that is lower and not below the minimum.
 * @ret_text: e.g. "2.87", @size >= 8. Errors: -OSHA_E_CONFIG naming both.
 */
int cloud_microversion_pick(const char *pinned, const char *minimum, const struct cloud_versions *v, char *ret_text,
    size_t size, struct osha_err *reterr);
