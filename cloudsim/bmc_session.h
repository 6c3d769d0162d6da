/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the simulated BMC, shared by its framing (bmc_ipmi.c), its logins (bmc_session.c) and its commands
 * (bmc_command.c). Others include bmc_ipmi.h.
 */
#pragma once

#include "base/rng.h"
#include "cloudsim/bmc_crypt.h"
#include "cloudsim/bmc_ipmi.h"

/* IPMI 2.0 table 13-16: RMCP+ payload types. */
enum {
	PAYLOAD_IPMI = 0x00,
	PAYLOAD_OPEN_REQUEST = 0x10,
	PAYLOAD_OPEN_RESPONSE = 0x11,
	PAYLOAD_RAKP_1 = 0x12,
	PAYLOAD_RAKP_2 = 0x13,
	PAYLOAD_RAKP_3 = 0x14,
	PAYLOAD_RAKP_4 = 0x15,
};

enum session_state { SESSION_FREE = 0, SESSION_OPENED, SESSION_NAMED, SESSION_ACTIVE };

struct bmc_session {
	enum session_state state;
	const struct bmc_suite *suite;
	uint32_t console_id, bmc_id; /* each side's own number for the session */
	uint32_t seq_out;
	uint64_t used_at; /* turn of the BMC's datagram counter; the smallest makes room */
	uint8_t console_nonce[16], bmc_nonce[16];
	uint8_t role;      /* as it came in RAKP 1: bit 4 name-only lookup, bits 3-0 privilege */
	uint8_t privilege; /* in force now */
	uint8_t asked_privilege;
	uint8_t name_len;
	char name[BMC_IPMI_NAME_SIZE];
	uint8_t sik[BMC_HASH_MAX_BYTES], k1[BMC_HASH_MAX_BYTES], k2[BMC_HASH_MAX_BYTES];
};

struct bmc_ipmi {
	struct bmc_ipmi_config config;
	struct bmc_ipmi_faults faults;
	struct bmc_ipmi_stats stats;
	struct rng rng;
	uint64_t loss_turn;
	struct bmc_session sessions[BMC_IPMI_SESSIONS];
};

/* A message of the management controller: what remains when frame, encryption and checksums are taken off. */
struct bmc_request {
	uint8_t netfn, cmd;
	const uint8_t *bytes; /* borrowed */
	size_t n;
};

/** bmc_session_find() - the session with this id, in any state but free; NULL when there is none. */
struct bmc_session *bmc_session_find(struct bmc_ipmi *bmc, uint32_t bmc_id);

/**
 * bmc_session_setup() - Open Session, RAKP 1 and RAKP 3.
 * @type: the payload's type; @in: borrowed, hostile
 * @out: the answer's payload, 128 bytes at least
 *
 * Returns the answer's length with its type in @ret_type, or 0 for no answer.
 */
size_t bmc_session_setup(
    struct bmc_ipmi *bmc, uint8_t type, const uint8_t *in, size_t n, uint8_t *out, uint8_t *ret_type);

/** bmc_privilege_limit() - the most that the user may have now. */
uint8_t bmc_privilege_limit(const struct bmc_ipmi *bmc);

/**
 * bmc_command_run() - perform a request.
 * @session: NULL outside of one, where only discovery is answered
 * @out: completion code and answer, 64 bytes at least
 *
 * Returns the answer's length, at least 1; 0 for no answer.
 */
size_t bmc_command_run(
    struct bmc_ipmi *bmc, struct bmc_session *session, const struct bmc_request *request, uint8_t *out);

/** bmc_random() - fill @n bytes from the seed. */
void bmc_random(struct bmc_ipmi *bmc, uint8_t *out, size_t n);

static inline uint32_t bmc_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void bmc_put_le32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}
