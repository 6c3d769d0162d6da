/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated BMC's framing: RMCP, IPMI 1.5 and RMCP+ session headers, encryption and integrity around a message,
 * checksums in it. Every length is checked against the datagram before it is used. Leaves logins to bmc_session.c and
 * commands to bmc_command.c. It accepts sequence numbers in any order: clients that repeat a lost message are what it
 * is for, replay is not its concern.
 */
#include "cloudsim/bmc_ipmi.h"

#include "cloudsim/bmc_session.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	RMCP_BYTES = 4,
	AUTH_NONE = 0x00,
	AUTH_RMCPP = 0x06,
	V15_BYTES = 10,   /* auth type, sequence, session id, length */
	RMCPP_BYTES = 12, /* auth type, payload type, session id, sequence, length */
	BIT_ENCRYPTED = 0x80,
	BIT_AUTHENTICATED = 0x40,
	NEXT_HEADER = 0x07,
	MESSAGE_BYTES = 7, /* of a message without data */
	NETFN_APP = 0x06,
	CMD_CLOSE_SESSION = 0x3c,
	PAYLOAD_MAX_BYTES = 160,
};

static const uint8_t rmcp_header[RMCP_BYTES] = {0x06, 0x00, 0xff, 0x07};

struct bmc_ipmi *bmc_ipmi_new(const struct bmc_ipmi_config *config)
{
	struct bmc_ipmi *bmc = calloc(1, sizeof(*bmc));

	assert(config->is_on && config->power_ask && config->kg_bytes <= sizeof(config->kg));
	if (!bmc)
		return NULL;
	bmc->config = *config;
	bmc->config.username[BMC_IPMI_NAME_SIZE - 1] = '\0';
	bmc->config.password[BMC_IPMI_SECRET_SIZE - 1] = '\0';
	if (!bmc->config.privilege)
		bmc->config.privilege = BMC_PRIVILEGE_ADMIN;
	bmc->rng.state = config->seed;
	return bmc;
}

void bmc_ipmi_free(struct bmc_ipmi *bmc)
{
	if (bmc)
		OPENSSL_cleanse(bmc, sizeof(*bmc));
	free(bmc);
}

struct bmc_ipmi_faults *bmc_ipmi_faults(struct bmc_ipmi *bmc)
{
	return &bmc->faults;
}

const struct bmc_ipmi_stats *bmc_ipmi_stats(const struct bmc_ipmi *bmc)
{
	return &bmc->stats;
}

void bmc_random(struct bmc_ipmi *bmc, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)rng_next(&bmc->rng);
}

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + p[i]);
	return (uint8_t)-sum;
}

/* Takes a message apart, performs it, and puts the answer together in @out (PAYLOAD_MAX_BYTES). Returns its length or
 * 0. */
static size_t answer_message(struct bmc_ipmi *bmc, struct bmc_session *s, const uint8_t *in, size_t n, uint8_t *out,
    struct bmc_request *ret_request)
{
	size_t len;

	/* responder, netfn and LUN, checksum, requester, sequence, command, data, checksum */
	if (n < MESSAGE_BYTES || checksum(in, 2) != in[2] || checksum(in + 3, n - 4) != in[n - 1] || in[1] >> 2 & 1)
		return 0;
	*ret_request = (struct bmc_request){.netfn = in[1] >> 2, .cmd = in[5], .bytes = in + 6, .n = n - MESSAGE_BYTES};
	len = bmc_command_run(bmc, s, ret_request, out + 6);
	if (!len)
		return 0;
	out[0] = in[3];
	out[1] = (uint8_t)((ret_request->netfn | 1) << 2 | (in[4] & 3));
	out[2] = checksum(out, 2);
	out[3] = in[0];
	out[4] = (uint8_t)((in[4] & 0xfc) | (in[1] & 3));
	out[5] = in[5];
	out[6 + len] = checksum(out + 3, 3 + len);
	return 7 + len;
}

/* An IPMI 1.5 frame; only discovery is answered in it. */
static size_t answer_v15(struct bmc_ipmi *bmc, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	uint8_t message[PAYLOAD_MAX_BYTES];
	struct bmc_request request;
	size_t len;

	if (n < V15_BYTES || bmc_le32(in + 5) || in[9] > n - V15_BYTES)
		return 0;
	len = answer_message(bmc, NULL, in + V15_BYTES, in[9], message, &request);
	if (!len || RMCP_BYTES + V15_BYTES + len > cap)
		return 0;
	memcpy(out, rmcp_header, RMCP_BYTES);
	memset(out + RMCP_BYTES, 0, V15_BYTES);
	out[RMCP_BYTES + 9] = (uint8_t)len;
	memcpy(out + RMCP_BYTES + V15_BYTES, message, len);
	return RMCP_BYTES + V15_BYTES + len;
}

static void put_rmcpp(uint8_t *out, uint8_t type, uint32_t id, uint32_t seq, size_t len)
{
	memcpy(out, rmcp_header, RMCP_BYTES);
	out += RMCP_BYTES;
	out[0] = AUTH_RMCPP;
	out[1] = type;
	bmc_put_le32(out + 2, id);
	bmc_put_le32(out + 6, seq);
	out[10] = (uint8_t)len;
	out[11] = (uint8_t)(len >> 8);
}

/* RMCP+ outside of a session: logins and discovery. @in is the payload. */
static size_t answer_unauthenticated(
    struct bmc_ipmi *bmc, uint8_t type, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	uint8_t payload[PAYLOAD_MAX_BYTES], out_type = type;
	struct bmc_request request;
	size_t len;

	if (type == PAYLOAD_IPMI)
		len = answer_message(bmc, NULL, in, n, payload, &request);
	else
		len = bmc_session_setup(bmc, type, in, n, payload, &out_type);
	if (!len || RMCP_BYTES + RMCPP_BYTES + len > cap)
		return 0;
	put_rmcpp(out, out_type, 0, 0, len);
	memcpy(out + RMCP_BYTES + RMCPP_BYTES, payload, len);
	return RMCP_BYTES + RMCPP_BYTES + len;
}

/* Is the trailer behind the payload whole, and its code the session's? @in starts at the auth type; everything behind
 * it counts. */
static bool is_authentic(const struct bmc_session *s, const uint8_t *in, size_t n, size_t payload_len)
{
	uint8_t code[BMC_HASH_MAX_BYTES];
	size_t covered = n - s->suite->code_bytes, pad;

	/* pad, pad length, next header, code */
	if (n < RMCPP_BYTES + payload_len + 2 + s->suite->code_bytes || covered % 4)
		return false;
	pad = in[covered - 2];
	if (in[covered - 1] != NEXT_HEADER || RMCPP_BYTES + payload_len + pad + 2 != covered)
		return false;
	return bmc_hmac(s->suite, s->k1, s->suite->hash_bytes, in, covered, code) &&
	       CRYPTO_memcmp(code, in + covered, s->suite->code_bytes) == 0;
}

/* Encrypts, frames and signs an answer. Returns its length or 0. */
static size_t seal_answer(
    struct bmc_ipmi *bmc, struct bmc_session *s, const uint8_t *message, size_t n, uint8_t *out, size_t cap)
{
	uint8_t iv[BMC_AES_BLOCK_BYTES], code[BMC_HASH_MAX_BYTES];
	size_t head = RMCP_BYTES + RMCPP_BYTES, len, covered, pad;

	bmc_random(bmc, iv, sizeof(iv));
	len = cap > head ? bmc_aes_seal(s->k2, iv, message, n, out + head, cap - head) : 0;
	pad = (4 - (RMCPP_BYTES + len + 2) % 4) % 4;
	covered = RMCPP_BYTES + len + pad + 2;
	if (!len || RMCP_BYTES + covered + s->suite->code_bytes > cap)
		return 0;
	s->seq_out = s->seq_out + 1 ? s->seq_out + 1 : 1;
	put_rmcpp(out, BIT_ENCRYPTED | BIT_AUTHENTICATED | PAYLOAD_IPMI, s->console_id, s->seq_out, len);
	memset(out + head + len, 0xff, pad);
	out[head + len + pad] = (uint8_t)pad;
	out[head + len + pad + 1] = NEXT_HEADER;
	if (!bmc_hmac(s->suite, s->k1, s->suite->hash_bytes, out + RMCP_BYTES, covered, code))
		return 0;
	memcpy(out + RMCP_BYTES + covered, code, s->suite->code_bytes);
	return RMCP_BYTES + covered + s->suite->code_bytes;
}

/* RMCP+ inside of a session; @in starts at the auth type. */
static size_t answer_session(
    struct bmc_ipmi *bmc, const uint8_t *in, size_t n, size_t payload_len, uint8_t *out, size_t cap)
{
	struct bmc_session *s = bmc_session_find(bmc, bmc_le32(in + 2));
	uint8_t plain[BMC_IPMI_DATAGRAM_MAX_BYTES], message[PAYLOAD_MAX_BYTES];
	struct bmc_request request;
	size_t len;

	/* Both suites demand encryption and integrity of every message. */
	if (!s || s->state != SESSION_ACTIVE || in[1] != (BIT_ENCRYPTED | BIT_AUTHENTICATED | PAYLOAD_IPMI) ||
	    !is_authentic(s, in, n, payload_len))
		return 0;
	s->used_at = bmc->stats.datagrams_in;
	len = bmc_aes_open(s->k2, in + RMCPP_BYTES, payload_len, plain, sizeof(plain));
	if (len)
		len = answer_message(bmc, s, plain, len, message, &request);
	if (!len)
		return 0;
	/* message[6] is the completion code. */
	len = seal_answer(bmc, s, message, len, out, cap);
	if (request.netfn == NETFN_APP && request.cmd == CMD_CLOSE_SESSION && message[6] == BMC_CC_OK)
		OPENSSL_cleanse(s, sizeof(*s));
	return len;
}

static size_t answer_datagram(struct bmc_ipmi *bmc, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
	size_t payload_len;

	if (n < RMCP_BYTES + 1 || n > BMC_IPMI_DATAGRAM_MAX_BYTES || in[0] != 0x06 || in[3] != 0x07)
		return 0;
	in += RMCP_BYTES;
	n -= RMCP_BYTES;
	if (in[0] == AUTH_NONE)
		return answer_v15(bmc, in, n, out, cap);
	if (in[0] != AUTH_RMCPP || n < RMCPP_BYTES)
		return 0;
	payload_len = (size_t)in[10] | (size_t)in[11] << 8;
	if (payload_len > n - RMCPP_BYTES)
		return 0;
	if (bmc_le32(in + 2))
		return answer_session(bmc, in, n, payload_len, out, cap);
	return answer_unauthenticated(bmc, in[1] & 0x3f, in + RMCPP_BYTES, payload_len, out, cap);
}

/* 0: this datagram goes through; 1: lost on the way in; 2: its answer is lost. */
static int loss_of_next(struct bmc_ipmi *bmc)
{
	const struct bmc_ipmi_faults *f = &bmc->faults;
	uint64_t turn = bmc->loss_turn++;

	if (!f->lost_of || turn % f->lost_of >= f->lost_n)
		return 0;
	return (turn / f->lost_of + turn % f->lost_of) % 2 ? 2 : 1;
}

size_t bmc_ipmi_input(struct bmc_ipmi *bmc, const uint8_t *in, size_t in_len, uint8_t *out, size_t cap)
{
	int loss = loss_of_next(bmc);
	size_t len;

	bmc->stats.datagrams_in++;
	if (bmc->faults.is_dead || loss == 1) {
		bmc->stats.dropped++;
		return 0;
	}
	len = answer_datagram(bmc, in, in_len, out, cap);
	if (!len || loss == 2) {
		bmc->stats.dropped++;
		return 0;
	}
	if (bmc->faults.is_garbling)
		out[rng_below(&bmc->rng, len)] ^= 0xff;
	bmc->stats.datagrams_out++;
	return len;
}
