/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the simulated BMC with a row of datagrams: two bytes of length, then the datagram. What reaches it raw rarely
 * has the right checksums and never the right keys, so the first byte of a datagram also says how to help it in: 0
 * leaves it alone, 1 makes a message with good checksums in a sessionless RMCP+ frame of it, 2 a sealed and signed one
 * for a session that the harness logged into.
 */
#include "cloudsim/bmc_session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static bool is_on(void *user)
{
	return *(bool *)user;
}

static uint8_t power_ask(void *user, enum bmc_power_order order, int64_t delay_ms)
{
	*(bool *)user = order == BMC_POWER_ON;
	return BMC_CC_OK;
}

/* A session as the login would have left it; its keys are zero. */
static struct bmc_session *plant_session(struct bmc_ipmi *bmc, size_t suite)
{
	bmc->sessions[3] = (struct bmc_session){.state = SESSION_ACTIVE,
	    .suite = bmc_suite_at(suite % 2),
	    .console_id = 7,
	    .bmc_id = 9,
	    .privilege = BMC_PRIVILEGE_ADMIN,
	    .asked_privilege = BMC_PRIVILEGE_ADMIN};
	return &bmc->sessions[3];
}

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	while (n--)
		sum = (uint8_t)(sum + *p++);
	return (uint8_t)-sum;
}

static size_t put_head(uint8_t *out, uint8_t type, uint8_t id, size_t len)
{
	static const uint8_t rmcp[] = {0x06, 0x00, 0xff, 0x07, 0x06};

	memset(out, 0, 16);
	memcpy(out, rmcp, sizeof(rmcp));
	out[5] = type;
	out[6] = id;
	out[14] = (uint8_t)len;
	return 16;
}

static size_t frame_message(struct bmc_session *s, uint8_t how, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	static const uint8_t iv[16];
	uint8_t message[128] = {0}, code[BMC_HASH_MAX_BYTES];
	size_t len, covered, pad;

	n = n < 100 ? n : 100;
	memcpy(message, in, n);
	n = n < 7 ? 7 : n;
	message[2] = checksum(message, 2);
	message[n - 1] = checksum(message + 3, n - 4);
	if (how == 1) {
		memcpy(out + put_head(out, PAYLOAD_IPMI, 0, n), message, n);
		return 16 + n;
	}
	len = bmc_aes_seal(s->k2, iv, message, n, out + 16, cap - 16);
	put_head(out, 0xc0, 9, len);
	pad = (4 - (12 + len + 2) % 4) % 4;
	covered = 12 + len + pad + 2;
	memset(out + 16 + len, 0xff, pad);
	out[16 + len + pad] = (uint8_t)pad;
	out[16 + len + pad + 1] = 7;
	bmc_hmac(s->suite, s->k1, s->suite->hash_bytes, out + 4, covered, code);
	memcpy(out + 4 + covered, code, s->suite->code_bytes);
	return 4 + covered + s->suite->code_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	bool power = true;
	struct bmc_ipmi_config config = {.username = "admin",
	    .password = "secret",
	    .seed = n,
	    .is_on = is_on,
	    .power_ask = power_ask,
	    .user = &power};
	struct bmc_ipmi *bmc = bmc_ipmi_new(&config);

	while (bmc && n >= 3) {
		size_t len = ((size_t)bytes[0] << 8 | bytes[1]) % 700, out_len, cap = BMC_IPMI_DATAGRAM_MAX_BYTES;
		uint8_t how = bytes[2] % 3, framed[BMC_IPMI_DATAGRAM_MAX_BYTES], out[BMC_IPMI_DATAGRAM_MAX_BYTES],
			*exact;
		struct bmc_session *s = plant_session(bmc, bytes[2] / 3);

		cap = bytes[2] & 0x80 ? bytes[2] : cap;
		bytes += 3;
		n -= 3;
		len = len < n ? len : n;
		/* On the heap and of exact size, so that one byte too far is seen. */
		out_len = how ? frame_message(s, how, bytes, len, framed, sizeof(framed)) : len;
		exact = malloc(out_len ? out_len : 1);
		memcpy(exact, how ? framed : bytes, out_len);
		out_len = bmc_ipmi_input(bmc, exact, out_len, out, cap);
		assert(out_len <= cap);
		free(exact);
		bytes += len;
		n -= len;
	}
	bmc_ipmi_free(bmc);
	return 0;
}
