/* SPDX-License-Identifier: Apache-2.0 */
/* Cipher suites 3 (SHA-1) and 17 (SHA-256), both with AES-CBC-128, by OpenSSL. Holds no state. */
#include "cloudsim/bmc_crypt.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const struct bmc_suite suites[] = {
    {.id = 3, .auth = 1, .integrity = 1, .conf = 1, .hash_bytes = 20, .code_bytes = 12},
    {.id = 17, .auth = 3, .integrity = 4, .conf = 1, .hash_bytes = 32, .code_bytes = 16},
};

const struct bmc_suite *bmc_suite_at(size_t i)
{
	return i < sizeof(suites) / sizeof(suites[0]) ? &suites[i] : NULL;
}

const struct bmc_suite *bmc_suite_find(uint8_t auth, uint8_t integrity, uint8_t conf)
{
	const struct bmc_suite *s;

	for (size_t i = 0; (s = bmc_suite_at(i)); i++)
		if (s->auth == auth && s->integrity == integrity && s->conf == conf)
			return s;
	return NULL;
}

bool bmc_hmac(const struct bmc_suite *suite, const void *key, size_t key_len, const uint8_t *bytes, size_t n,
    uint8_t out[static BMC_HASH_MAX_BYTES])
{
	const EVP_MD *md = suite->id == 17 ? EVP_sha256() : EVP_sha1();
	unsigned int len = 0;

	if (key_len > INT_MAX)
		return false;
	return HMAC(md, key, (int)key_len, bytes, n, out, &len) && len == suite->hash_bytes;
}

/* One pass of CBC over whole blocks. */
static bool run_cbc(const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t n, uint8_t *out, bool is_sealing)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0, rest = 0;
	bool ok = ctx && n <= INT_MAX && EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv, is_sealing) == 1 &&
		  EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 && EVP_CipherUpdate(ctx, out, &done, in, (int)n) == 1 &&
		  EVP_CipherFinal_ex(ctx, out + done, &rest) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return ok && (size_t)done + (size_t)rest == n;
}

size_t bmc_aes_seal(
    const uint8_t key[static 16], const uint8_t iv[static 16], const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	uint8_t plain[512];
	size_t pad = (BMC_AES_BLOCK_BYTES - (n + 1) % BMC_AES_BLOCK_BYTES) % BMC_AES_BLOCK_BYTES, whole = n + pad + 1;

	if (n > sizeof(plain) - BMC_AES_BLOCK_BYTES || whole + BMC_AES_BLOCK_BYTES > cap)
		return 0;
	memcpy(plain, in, n);
	for (size_t i = 0; i < pad; i++)
		plain[n + i] = (uint8_t)(i + 1);
	plain[n + pad] = (uint8_t)pad;
	memcpy(out, iv, BMC_AES_BLOCK_BYTES);
	return run_cbc(key, iv, plain, whole, out + BMC_AES_BLOCK_BYTES, true) ? whole + BMC_AES_BLOCK_BYTES : 0;
}

size_t bmc_aes_open(const uint8_t key[static 16], const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	size_t whole, pad;

	if (n < 2 * BMC_AES_BLOCK_BYTES || n % BMC_AES_BLOCK_BYTES || n - BMC_AES_BLOCK_BYTES > cap)
		return 0;
	whole = n - BMC_AES_BLOCK_BYTES;
	if (!run_cbc(key, in, in + BMC_AES_BLOCK_BYTES, whole, out, false))
		return 0;
	pad = out[whole - 1];
	if (pad >= BMC_AES_BLOCK_BYTES || pad + 1 > whole)
		return 0;
	for (size_t i = 0; i < pad; i++)
		if (out[whole - 1 - pad + i] != i + 1)
			return 0;
	return whole - 1 - pad;
}
