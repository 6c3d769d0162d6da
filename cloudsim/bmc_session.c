/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in to the simulated BMC: Open Session, then the four RAKP messages. Each retransmitted request gets the same
 * answer again, because a session's nonce is drawn once. Source: IPMI 2.0 revision 1.1, 13.17 to 13.24 and 13.28
 * to 13.32.
 */
#include "cloudsim/bmc_session.h"

#include <openssl/crypto.h>
#include <string.h>

/* IPMI 2.0 table 13-15: RMCP+ status codes. */
enum {
	STATUS_OK = 0x00,
	STATUS_NO_SESSION = 0x02,
	STATUS_ROLE_NOT_ALLOWED = 0x0a,
	STATUS_NAME_UNKNOWN = 0x0d,
	STATUS_NAME_LENGTH = 0x0c,
	STATUS_BAD_CODE = 0x0f,
	STATUS_NO_SUITE = 0x11,
	STATUS_ILLEGAL = 0x12,
};

struct bmc_session *bmc_session_find(struct bmc_ipmi *bmc, uint32_t bmc_id)
{
	for (size_t i = 0; i < BMC_IPMI_SESSIONS; i++)
		if (bmc->sessions[i].state != SESSION_FREE && bmc->sessions[i].bmc_id == bmc_id)
			return &bmc->sessions[i];
	return NULL;
}

uint8_t bmc_privilege_limit(const struct bmc_ipmi *bmc)
{
	uint8_t own = (uint8_t)bmc->config.privilege, fault = (uint8_t)bmc->faults.privilege_limit;

	return fault && fault < own ? fault : own;
}

static bool is_suite_allowed(const struct bmc_ipmi *bmc, const struct bmc_suite *suite)
{
	return suite && !(suite->id == 3 ? bmc->faults.is_refusing_suite_3 : bmc->faults.is_refusing_suite_17);
}

static struct bmc_session *take_slot(struct bmc_ipmi *bmc)
{
	struct bmc_session *best = &bmc->sessions[0];
	uint32_t id;

	for (size_t i = 0; i < BMC_IPMI_SESSIONS; i++) {
		struct bmc_session *s = &bmc->sessions[i];

		if (s->state == SESSION_FREE) {
			best = s;
			break;
		}
		if (s->used_at < best->used_at)
			best = s;
	}
	do
		id = (uint32_t)rng_next(&bmc->rng);
	while (!id || bmc_session_find(bmc, id));
	*best = (struct bmc_session){.bmc_id = id, .used_at = bmc->stats.datagrams_in};
	return best;
}

/* The short form that all four answers share when something is wrong. */
static size_t answer_status(uint8_t *out, uint8_t tag, uint8_t status, uint32_t console_id)
{
	memset(out, 0, 8);
	out[0] = tag;
	out[1] = status;
	bmc_put_le32(out + 4, console_id);
	return 8;
}

static void put_algorithm(uint8_t *out, uint8_t kind, uint8_t algorithm)
{
	memset(out, 0, 8);
	out[0] = kind;
	out[3] = 8;
	out[4] = algorithm;
}

static size_t open_session(struct bmc_ipmi *bmc, const uint8_t *in, size_t n, uint8_t *out)
{
	const struct bmc_suite *suite;
	struct bmc_session *s;
	uint32_t console_id;

	if (n < 32)
		return 0;
	console_id = bmc_le32(in + 4);
	if (in[8] != 0 || in[16] != 1 || in[24] != 2 || in[11] != 8 || in[19] != 8 || in[27] != 8 || !console_id)
		return answer_status(out, in[0], STATUS_ILLEGAL, console_id);
	suite = bmc_suite_find(in[12] & 0x3f, in[20] & 0x3f, in[28] & 0x3f);
	if (!is_suite_allowed(bmc, suite))
		return answer_status(out, in[0], STATUS_NO_SUITE, console_id);
	s = take_slot(bmc);
	s->state = SESSION_OPENED;
	s->suite = suite;
	s->console_id = console_id;
	bmc_random(bmc, s->bmc_nonce, sizeof(s->bmc_nonce));
	answer_status(out, in[0], STATUS_OK, console_id);
	/* What the suite allows, not the user, who is not known before RAKP 1; 0 asks for the highest level there is.
	 */
	out[2] = in[1] & 0x0f ? in[1] & 0x0f : BMC_PRIVILEGE_ADMIN;
	bmc_put_le32(out + 8, s->bmc_id);
	put_algorithm(out + 12, 0, suite->auth);
	put_algorithm(out + 20, 1, suite->integrity);
	put_algorithm(out + 28, 2, suite->conf);
	return 36;
}

/* Appends to a buffer of known sufficient size. */
static size_t append(uint8_t *buf, size_t at, const void *bytes, size_t n)
{
	memcpy(buf + at, bytes, n);
	return at + n;
}

static size_t append_id(uint8_t *buf, size_t at, uint32_t id)
{
	bmc_put_le32(buf + at, id);
	return at + 4;
}

static size_t append_name(uint8_t *buf, size_t at, const struct bmc_session *s)
{
	buf[at++] = s->role;
	buf[at++] = s->name_len;
	return append(buf, at, s->name, s->name_len);
}

static bool hash_by_password(
    const struct bmc_ipmi *bmc, const struct bmc_session *s, const uint8_t *bytes, size_t n, uint8_t *out)
{
	return bmc_hmac(s->suite, bmc->config.password, strlen(bmc->config.password), bytes, n, out);
}

/* RAKP 2's code: console id, BMC id, both nonces, GUID, role and name under the password. */
static bool rakp2_code(const struct bmc_ipmi *bmc, const struct bmc_session *s, uint8_t *out)
{
	uint8_t buf[128];
	size_t n = append_id(buf, append_id(buf, 0, s->console_id), s->bmc_id);

	n = append(buf, n, s->console_nonce, 16);
	n = append(buf, n, s->bmc_nonce, 16);
	n = append(buf, n, bmc->config.guid, 16);
	n = append_name(buf, n, s);
	return hash_by_password(bmc, s, buf, n, out);
}

static bool rakp3_code(const struct bmc_ipmi *bmc, const struct bmc_session *s, uint8_t *out)
{
	uint8_t buf[128];
	size_t n = append(buf, 0, s->bmc_nonce, 16);

	n = append_name(buf, append_id(buf, n, s->console_id), s);
	return hash_by_password(bmc, s, buf, n, out);
}

static bool derive_keys(const struct bmc_ipmi *bmc, struct bmc_session *s)
{
	const struct bmc_ipmi_config *c = &bmc->config;
	uint8_t buf[128], constant[20];
	size_t n = append(buf, append(buf, 0, s->console_nonce, 16), s->bmc_nonce, 16);
	bool ok;

	n = append_name(buf, n, s);
	ok = c->kg_bytes ? bmc_hmac(s->suite, c->kg, c->kg_bytes, buf, n, s->sik)
			 : hash_by_password(bmc, s, buf, n, s->sik);
	memset(constant, 1, sizeof(constant));
	ok = ok && bmc_hmac(s->suite, s->sik, s->suite->hash_bytes, constant, sizeof(constant), s->k1);
	memset(constant, 2, sizeof(constant));
	return ok && bmc_hmac(s->suite, s->sik, s->suite->hash_bytes, constant, sizeof(constant), s->k2);
}

static size_t rakp1(struct bmc_ipmi *bmc, const uint8_t *in, size_t n, uint8_t *out)
{
	struct bmc_session *s = n >= 28 ? bmc_session_find(bmc, bmc_le32(in + 4)) : NULL;
	size_t at, name_len = n >= 28 ? in[27] : 0;

	if (n < 28)
		return 0;
	if (!s || s->state == SESSION_ACTIVE)
		return answer_status(out, in[0], STATUS_NO_SESSION, 0);
	s->used_at = bmc->stats.datagrams_in;
	if (name_len >= BMC_IPMI_NAME_SIZE || 28 + name_len > n)
		return answer_status(out, in[0], STATUS_NAME_LENGTH, s->console_id);
	memcpy(s->console_nonce, in + 8, 16);
	s->role = in[24];
	s->name_len = (uint8_t)name_len;
	memset(s->name, 0, sizeof(s->name));
	memcpy(s->name, in + 28, name_len);
	if (strlen(bmc->config.username) != name_len || memcmp(bmc->config.username, s->name, name_len) != 0) {
		bmc->stats.login_refusals++;
		return answer_status(out, in[0], STATUS_NAME_UNKNOWN, s->console_id);
	}
	if ((s->role & 0x0f) > bmc_privilege_limit(bmc)) {
		bmc->stats.login_refusals++;
		return answer_status(out, in[0], STATUS_ROLE_NOT_ALLOWED, s->console_id);
	}
	s->asked_privilege = s->role & 0x0f ? s->role & 0x0f : bmc_privilege_limit(bmc);
	s->state = SESSION_NAMED;
	at = answer_status(out, in[0], STATUS_OK, s->console_id);
	at = append(out, at, s->bmc_nonce, 16);
	at = append(out, at, bmc->config.guid, 16);
	if (!rakp2_code(bmc, s, out + at))
		return 0;
	/* A BMC with another password in mind: the client finds the code wrong and says so in RAKP 3. */
	if (bmc->faults.is_refusing_login)
		out[at] ^= 0xff;
	return at + s->suite->hash_bytes;
}

static size_t rakp3(struct bmc_ipmi *bmc, const uint8_t *in, size_t n, uint8_t *out)
{
	struct bmc_session *s = n >= 8 ? bmc_session_find(bmc, bmc_le32(in + 4)) : NULL;
	uint8_t code[BMC_HASH_MAX_BYTES], buf[64];
	size_t at;

	if (n < 8)
		return 0;
	if (!s || s->state < SESSION_NAMED)
		return answer_status(out, in[0], STATUS_NO_SESSION, 0);
	s->used_at = bmc->stats.datagrams_in;
	if (in[1] != STATUS_OK || n < 8u + s->suite->hash_bytes || bmc->faults.is_refusing_login ||
	    !rakp3_code(bmc, s, code) || CRYPTO_memcmp(code, in + 8, s->suite->hash_bytes) != 0) {
		uint32_t console_id = s->console_id;

		bmc->stats.login_refusals++;
		s->state = SESSION_FREE;
		/* A client that gives up in RAKP 3 wants no answer. */
		return in[1] == STATUS_OK ? answer_status(out, in[0], STATUS_BAD_CODE, console_id) : 0;
	}
	if (s->state != SESSION_ACTIVE && !derive_keys(bmc, s))
		return 0;
	if (s->state != SESSION_ACTIVE)
		bmc->stats.logins++;
	s->state = SESSION_ACTIVE;
	s->privilege = s->privilege ? s->privilege : BMC_PRIVILEGE_USER;
	at = append_id(buf, append(buf, 0, s->console_nonce, 16), s->bmc_id);
	at = append(buf, at, bmc->config.guid, 16);
	if (!bmc_hmac(s->suite, s->sik, s->suite->hash_bytes, buf, at, code))
		return 0;
	at = answer_status(out, in[0], STATUS_OK, s->console_id);
	return append(out, at, code, s->suite->code_bytes);
}

size_t bmc_session_setup(
    struct bmc_ipmi *bmc, uint8_t type, const uint8_t *in, size_t n, uint8_t *out, uint8_t *ret_type)
{
	*ret_type = (uint8_t)(type + 1);
	switch (type) {
	case PAYLOAD_OPEN_REQUEST:
		return open_session(bmc, in, n, out);
	case PAYLOAD_RAKP_1:
		return rakp1(bmc, in, n, out);
	case PAYLOAD_RAKP_3:
		return rakp3(bmc, in, n, out);
	default:
		return 0;
	}
}
