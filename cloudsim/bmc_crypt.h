/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms of RMCP+ cipher suites 3 and 17 as a BMC needs them, on bytes alone. Leaves framing and sessions to
 * bmc_ipmi.c. Source: IPMI 2.0 revision 1.1, 13.28 (authentication and integrity) and 13.29 (AES-CBC-128).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BMC_HASH_MAX_BYTES = 32, BMC_AES_BLOCK_BYTES = 16 };

struct bmc_suite {
	uint8_t id;
	uint8_t auth, integrity, conf; /* algorithm numbers of the Open Session request */
	uint8_t hash_bytes;            /* of the full HMAC, as in RAKP 2 and 3 */
	uint8_t code_bytes;            /* of the cut HMAC, as in RAKP 4 and behind each packet */
};

/** bmc_suite_find() - the suite with exactly these algorithms, or NULL. */
const struct bmc_suite *bmc_suite_find(uint8_t auth, uint8_t integrity, uint8_t conf);
/** bmc_suite_at() - the @i-th suite that exists, from 0, in ascending order of id; NULL past the last. */
const struct bmc_suite *bmc_suite_at(size_t i);

/**
 * bmc_hmac() - HMAC of the suite's hash.
 * @key, @bytes: borrowed, may be empty but not NULL
 * @out: BMC_HASH_MAX_BYTES; hash_bytes of them are filled
 *
 * Returns false when OpenSSL could not (out of memory).
 */
bool bmc_hmac(const struct bmc_suite *suite, const void *key, size_t key_len, const uint8_t *bytes, size_t n,
    uint8_t out[static BMC_HASH_MAX_BYTES]);

/**
 * bmc_aes_seal() - IPMI's encrypted payload: IV, then AES-CBC-128 of the message with its 01 02 03 ... padding.
 * @out: @cap bytes; may not overlap @in
 *
 * Returns the length, or 0 when @cap is too small or OpenSSL could not.
 */
size_t bmc_aes_seal(
    const uint8_t key[static 16], const uint8_t iv[static 16], const uint8_t *in, size_t n, uint8_t *out, size_t cap);

/** bmc_aes_open() - the reverse; padding is checked strictly. Returns the message's length, or 0 for anything
 * malformed. */
size_t bmc_aes_open(const uint8_t key[static 16], const uint8_t *in, size_t n, uint8_t *out, size_t cap);
