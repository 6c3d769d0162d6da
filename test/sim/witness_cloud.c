/* SPDX-License-Identifier: Apache-2.0 */
/* The witnesses at the cloud's door: what a request did to it, and what has to hold there when an evacuate call arrives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

enum {
	CALLS_PER_HOST = 12,
	CALLS_FLEET = 24,
	READ_AGAIN_MS = 45000 /* every 10 s, and a reading may take 20 s and wait for a place */
};

struct witness_calls {
	struct witness_calls *next;
	char key[JOURNAL_KEY_SIZE];
	uint32_t n;
};

void witness_end(void)
{
	while (witness.calls) {
		struct witness_calls *next = witness.calls->next;

		free(witness.calls);
		witness.calls = next;
	}
}

bool witness_evacuation(const char *method, const char *target, const char *body, char ret_uuid[UUID_SIZE])
{
	const char *id = strstr(target, "/servers/");

	if (!str_eq(method, "POST") || !id || !body || !strstr(body, "\"evacuate\""))
		return false;
	snprintf(ret_uuid, UUID_SIZE, "%.36s", id + sizeof("/servers/") - 1);
	return true;
}

/* --- when a call arrives --- */

/* An evacuation under way that nobody has given up. */
static bool counts(struct sim_node *from, const struct cloudsim_stamp *s)
{
	struct recovery_record r;
	struct record i = {0};
	char key[JOURNAL_KEY_SIZE];

	if (s->ended_ms || !witness_recovery(from, s->source, &r))
		return false;
	snprintf(key, sizeof(key), "instance/%s/%s", r.id, s->instance);
	return store_record(from->store, key, &i) &&
	       (i.instance.row == INSTANCE_ROW_CALLING || i.instance.row == INSTANCE_ROW_REBUILDING);
}

static void judge_limits(struct sim_node *from, const char *host)
{
	uint32_t here = 1, all = 1;

	for (size_t k = 0; k < cloudsim_model_stamp_count(realm.cloud); k++) {
		struct cloudsim_stamp s;

		cloudsim_model_stamp(realm.cloud, k, &s);
		if (!counts(from, &s))
			continue;
		all++;
		here += str_eq(s.source, host);
	}
	if (here > CALLS_PER_HOST || all > CALLS_FLEET)
		sim_violated("invariant 3: %u evacuations of %s at once, %u in the fleet; allowed are %d and %d", here,
		    host, all, CALLS_PER_HOST, CALLS_FLEET);
}

void witness_call(struct sim_node *from, const struct recovery_record *r, uint32_t host)
{
	int64_t asked_ms;

	if (host == UINT32_MAX)
		return;
	judge_limits(from, realm_host_name(host));
	asked_ms = witness.host[host].asked_ms;
	if (r->proof.kind != PROOF_POWER)
		return;
	if (witness.host[host].read_ms < from->anew_ms &&
	    (asked_ms < from->anew_ms || witness.host[host].asked_n < READINGS_MAX))
		sim_violated("invariant 2: evacuate call for %s, whose power was not read since the daemon started or "
			     "stood still",
		    r->host);
	else if (sim.now_ms - asked_ms > READ_AGAIN_MS)
		sim_violated("invariant 1: evacuate call for %s, whose power was last read %lld s ago", r->host,
		    (long long)((sim.now_ms - asked_ms) / 1000));
}

/* --- when it was answered --- */

/* How often it arrived, against how often the journal knows of. */
static void count_call(struct sim_node *from, const char *uuid)
{
	int at = witness_instance(uuid);
	struct recovery_record r;
	struct record i = {0};
	char key[JOURNAL_KEY_SIZE];
	struct witness_calls *c = witness.calls;

	if (at < 0 || !witness_recovery(from, cloudsim_model_instance_host(realm.cloud, (size_t)at), &r))
		return;
	snprintf(key, sizeof(key), "instance/%s/%s", r.id, uuid);
	while (c && !str_eq(c->key, key))
		c = c->next;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			abort();
		str_copy(c->key, sizeof(c->key), key);
		c->next = witness.calls;
		witness.calls = c;
	}
	c->n++;
	if (store_record(from->store, key, &i) && c->n > i.instance.attempt)
		sim_violated(
		    "invariant 4: %u calls for %s arrived, the journal knows of %u", c->n, uuid, i.instance.attempt);
}

static void judge_forced_down(struct sim_node *from, uint32_t host)
{
	struct recovery_record r;
	const char *name = realm_host_name(host);

	if (!witness_recovery(from, name, &r) || r.proof.kind == PROOF_NONE)
		sim_violated("invariant 1: %s is forced down without a durable proof of its death", name);
}

/* Its copies of what was evacuated have to be gone before it takes part again. */
static void judge_cleared(uint32_t host)
{
	const char *name = realm_host_name(host);
	struct cloudsim_stamp s;

	if (witness.operator_lied)
		return;
	if (cloudsim_model_host_starts(realm.cloud, host) == witness.host[host].starts)
		sim_violated(
		    "invariant 1: forced-down of %s is cleared before its nova-compute has started anew", name);
	for (size_t k = 0; k < cloudsim_model_stamp_count(realm.cloud); k++) {
		cloudsim_model_stamp(realm.cloud, k, &s);
		if (str_eq(s.source, name) && (str_eq(s.status, "accepted") || str_eq(s.status, "pre-migrating")))
			sim_violated("invariant 1: forced-down of %s is cleared while the evacuation of %s is %s", name,
			    s.instance, s.status);
	}
}

void witness_answered(struct sim_node *from, const char *method, const char *target, const char *body, int status)
{
	char uuid[UUID_SIZE];

	if (witness_evacuation(method, target, body, uuid) && status != 401)
		count_call(from, uuid);
	for (uint32_t h = 0; h < realm.host_n && str_eq(method, "PUT"); h++) {
		bool is_down = cloudsim_model_host_is_forced_down(realm.cloud, h);

		if (is_down == witness.host[h].is_forced_down)
			continue;
		witness.host[h].is_forced_down = is_down;
		if (!is_down) {
			judge_cleared(h);
			continue;
		}
		witness.host[h].starts = cloudsim_model_host_starts(realm.cloud, h);
		judge_forced_down(from, h);
	}
}

void witness_power_asked(const struct sim_node *from, uint32_t host)
{
	witness.host[host].asked_n = witness.host[host].asked_ms < from->anew_ms ? 1 : witness.host[host].asked_n + 1;
	witness.host[host].asked_ms = sim.now_ms;
}

void witness_power_read(uint32_t host, int64_t asked_ms)
{
	witness.host[host].read_ms = asked_ms;
}
