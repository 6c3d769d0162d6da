/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of the simulated BMC, one row each: what a client needs to find it, log in, and switch and read the
 * power. Source: IPMI 2.0 revision 1.1, chapters 20 (device), 22 (sessions) and 28 (chassis).
 */
#include "cloudsim/bmc_session.h"

#include <string.h>

enum {
	NETFN_CHASSIS = 0x00,
	NETFN_APP = 0x06,

	CC_INVALID_COMMAND = 0xc1,
	CC_BAD_LENGTH = 0xc7,
	CC_BAD_FIELD = 0xcc,
	CC_PRIVILEGE = 0xd4,
	CC_SESSION_ID = 0x87,
	CC_PRIVILEGE_ABOVE_LIMIT = 0x81,

	LAN_CHANNEL = 1,
	SUITE_RECORD_BYTES = 5, /* start of record, id, three algorithms */
	SUITE_CHUNK_BYTES = 16,
};

/* Writes the answer behind the completion code; returns its length and the code in out[0]. @s is NULL outside of a
 * session. */
typedef size_t (*command_fn)(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out);

struct command_row {
	uint8_t netfn, cmd;
	uint8_t min_bytes;
	uint8_t privilege; /* 0: answered outside of a session too */
	command_fn run;
};

static size_t answer_code(uint8_t *out, uint8_t code)
{
	out[0] = code;
	return 1;
}

static size_t answer_bytes(uint8_t *out, const void *bytes, size_t n)
{
	out[0] = BMC_CC_OK;
	memcpy(out + 1, bytes, n);
	return 1 + n;
}

static size_t device_id(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	/* device id, revision, firmware 1.0, IPMI 2.0, chassis device, no manufacturer, no product */
	static const uint8_t id[] = {0x20, 0x01, 0x01, 0x00, 0x02, 0x80, 0, 0, 0, 0, 0};

	return answer_bytes(out, id, sizeof(id));
}

static size_t system_guid(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	return answer_bytes(out, bmc->config.guid, sizeof(bmc->config.guid));
}

/* 22.13. Non-null users only, per-message authentication on, Kg as configured; IPMI 2.0 only. */
static size_t auth_capabilities(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	uint8_t caps[] = {LAN_CHANNEL, 0x80, 0x04, 0x02, 0, 0, 0, 0};

	if (bmc->config.kg_bytes)
		caps[2] |= 0x20;
	if (!bmc->config.username[0])
		caps[2] = (uint8_t)((caps[2] & ~0x04) | 0x01);
	return answer_bytes(out, caps, sizeof(caps));
}

/* 22.15. Sent in chunks of 16 bytes by list index; a chunk shorter than that is the last. */
static size_t cipher_suites(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	uint8_t records[4 * SUITE_RECORD_BYTES];
	size_t n = 0, skip = (size_t)(rq->bytes[2] & 0x3f) * SUITE_CHUNK_BYTES, chunk;
	const struct bmc_suite *suite;

	for (size_t i = 0; (suite = bmc_suite_at(i)); i++) {
		if (suite->id == 3 ? bmc->faults.is_refusing_suite_3 : bmc->faults.is_refusing_suite_17)
			continue;
		records[n++] = 0xc0;
		records[n++] = suite->id;
		records[n++] = suite->auth;
		records[n++] = (uint8_t)(0x40 | suite->integrity);
		records[n++] = (uint8_t)(0x80 | suite->conf);
	}
	chunk = skip >= n ? 0 : n - skip < SUITE_CHUNK_BYTES ? n - skip : SUITE_CHUNK_BYTES;
	out[1] = LAN_CHANNEL;
	memcpy(out + 2, records + (chunk ? skip : 0), chunk);
	return answer_code(out, BMC_CC_OK) + 1 + chunk;
}

/* 22.18. */
static size_t set_privilege(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	uint8_t wanted = rq->bytes[0] & 0x0f, limit = bmc_privilege_limit(bmc);

	if (limit > s->asked_privilege)
		limit = s->asked_privilege;
	if (wanted > limit)
		return answer_code(out, CC_PRIVILEGE_ABOVE_LIMIT);
	if (wanted)
		s->privilege = wanted;
	return answer_bytes(out, &s->privilege, 1);
}

/* 22.19. The session lives on until its answer has been sealed; see bmc_ipmi.c. */
static size_t close_session(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	return answer_code(out, bmc_le32(rq->bytes) == s->bmc_id ? BMC_CC_OK : CC_SESSION_ID);
}

static size_t chassis_status(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	uint8_t status[] = {0x60, 0x00, 0x00}; /* restore policy unknown, no faults */

	bmc->stats.status_reads++;
	if (bmc->config.is_on(bmc->config.user))
		status[0] |= 0x01;
	return answer_bytes(out, status, sizeof(status));
}

static uint8_t give_order(struct bmc_ipmi *bmc, enum bmc_power_order order)
{
	const struct bmc_ipmi_faults *f = &bmc->faults;
	bool is_on = bmc->config.is_on(bmc->config.user);
	bool is_repeat = order == BMC_POWER_ON ? is_on : !is_on;

	if (f->is_busy)
		return BMC_CC_BUSY;
	if (f->is_refusing_repeat && is_repeat)
		return BMC_CC_NOT_IN_THIS_STATE;
	if (f->is_deaf_to_orders)
		return BMC_CC_OK;
	return bmc->config.power_ask(bmc->config.user, order, f->power_delay_ms);
}

static size_t chassis_control(struct bmc_ipmi *bmc, struct bmc_session *s, const struct bmc_request *rq, uint8_t *out)
{
	uint8_t order = rq->bytes[0] & 0x0f, code;

	if (order > BMC_POWER_RESET && order != BMC_POWER_SOFT_OFF)
		return answer_code(out, CC_BAD_FIELD);
	code = give_order(bmc, (enum bmc_power_order)order);
	if (code == BMC_CC_OK)
		bmc->stats.orders_accepted++;
	else
		bmc->stats.orders_refused++;
	return answer_code(out, code);
}

static const struct command_row commands[] = {
    {NETFN_APP, 0x01, 0, BMC_PRIVILEGE_USER, device_id},
    {NETFN_APP, 0x37, 0, 0, system_guid},
    {NETFN_APP, 0x38, 2, 0, auth_capabilities},
    {NETFN_APP, 0x3b, 1, BMC_PRIVILEGE_USER, set_privilege},
    {NETFN_APP, 0x3c, 4, BMC_PRIVILEGE_USER, close_session},
    {NETFN_APP, 0x54, 3, 0, cipher_suites},
    {NETFN_CHASSIS, 0x01, 0, BMC_PRIVILEGE_USER, chassis_status},
    {NETFN_CHASSIS, 0x02, 1, BMC_PRIVILEGE_OPERATOR, chassis_control},
};

size_t bmc_command_run(
    struct bmc_ipmi *bmc, struct bmc_session *session, const struct bmc_request *request, uint8_t *out)
{
	const struct command_row *row = NULL;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && !row; i++)
		if (commands[i].netfn == request->netfn && commands[i].cmd == request->cmd)
			row = &commands[i];
	if (!session && (!row || row->privilege))
		return 0;
	if (!row)
		return answer_code(out, CC_INVALID_COMMAND);
	if (session && row->privilege > session->privilege)
		return answer_code(out, CC_PRIVILEGE);
	if (request->n < row->min_bytes)
		return answer_code(out, CC_BAD_LENGTH);
	return row->run(bmc, session, request, out);
}
