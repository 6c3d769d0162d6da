/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 3 of the limits: whoever the gate lets go finds fewer running than may be at once, a share of its segment up, and a host that
 * was neither fenced too often nor taken back a moment ago. The configuration that is in force is asked, the disk and the world; never
 * what the engine counts. Recoveries that a rule does not bind (released, fenced anew, without power, gone on from a hold behind the fence)
 * are not judged and not counted, since nothing keeps them from running beside as many others as may.
 */
#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "engine/workflow.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"
#include "test/sim/witness.h"

enum {
	READ_MS = 90000,   /* a reading of off counts for some time, and the recovery is looked at again behind it */
	SILENT_MS = 40000, /* what has been silent for so long has been noticed, and acted on */
	SLACK_MS = 60000,  /* a power-off arrives so long after it was counted, at most */
};
#define DATED_WRONGLY INT64_MAX

static struct {
	uint32_t starts;
	struct {
		bool is_free;                     /* it runs, and no limit bound it */
		int64_t back_ms;                  /* when it was last about to be taken back */
		int64_t off_ms[FENCE_MEMORY_MAX]; /* first power-off of each recovery, newest first */
		int64_t off_by_ms
		    [FENCE_MEMORY_MAX]; /* how wrong the wall clock was then; DATED_WRONGLY: and at a later start */
		char off_by[RECOVERY_ID_SIZE];
	} host[REALM_HOSTS_MAX];
} seen;

void witness_limits_begin(void)
{
	memset(&seen, 0, sizeof(seen));
}

static bool runs(const struct recovery_record *r)
{
	return r->row >= HOST_ROW_FENCING && r->row <= HOST_ROW_VERIFYING;
}

static const struct config_segment *segment_of(struct sim_node *node, const char *host)
{
	struct config_host h;

	return node->daemon && node->daemon->cfg &&
		       config_host_resolve(node->daemon->cfg, host, &h) == CONFIG_HOST_FOUND
		   ? h.segment
		   : NULL;
}

static bool reads_off(uint32_t host)
{
	const struct realm_host *h = &realm.host[host];
	bool is_off = !realm_device_is_on(&h->bmc) || (h->on_ms && sim.now_ms - h->on_ms < SILENT_MS);

	return is_off && witness.host[host].read_ms && sim.now_ms - witness.host[host].read_ms < READ_MS;
}

static bool is_bound(const struct recovery_record *r, uint32_t host)
{
	return r->proof.kind == PROOF_NONE && !r->operator_go && !reads_off(host);
}

struct counting {
	struct sim_node *node;
	const struct recovery_record *of;
	const struct config_segment *segment;
	uint32_t all, own;
};

static void count(void *arg, const struct record *rec)
{
	struct counting *c = arg;
	uint32_t host;

	if (rec->type != RECORD_RECOVERY || !runs(&rec->recovery) || str_eq(rec->recovery.id, c->of->id))
		return;
	host = realm_host_find(rec->recovery.host);
	if (host >= realm.host_n || seen.host[host].is_free)
		return;
	c->all++;
	c->own += segment_of(c->node, rec->recovery.host) == c->segment;
}

static void judge_places(struct sim_node *node, const struct recovery_record *r)
{
	struct counting c = {.node = node, .of = r, .segment = segment_of(node, r->host)};

	if (!c.segment)
		return;
	store_each(node->store, count, &c);
	if (c.segment->recoveries_at_once && c.own >= c.segment->recoveries_at_once)
		sim_violated("invariant 3: %s is fenced beside %u recoveries of segment %s, which may be %d at once",
		    r->host, c.own, c.segment->name, (int)c.segment->recoveries_at_once);
	if (node->daemon->cfg->recovery.at_once && c.all >= node->daemon->cfg->recovery.at_once)
		sim_violated("invariant 3: %s is fenced beside %u recoveries, which may be %d at once", r->host, c.all,
		    (int)node->daemon->cfg->recovery.at_once);
}

/* Across a start only the wall clock dates a fence. */
static void look_at_clock(const struct sim_node *node)
{
	seen.starts = node->starts;
	for (uint32_t k = 0; k < REALM_HOSTS_MAX * FENCE_MEMORY_MAX; k++) {
		int64_t *by_ms = &seen.host[k / FENCE_MEMORY_MAX].off_by_ms[k % FENCE_MEMORY_MAX];

		if (*by_ms != node->wall_offset_ms)
			*by_ms = DATED_WRONGLY;
	}
}

void witness_limits_record(struct sim_node *node, const struct record *before, const struct record *now)
{
	const struct recovery_record *r = &now->recovery;
	uint32_t host = now->type == RECORD_RECOVERY ? realm_host_find(r->host) : UINT32_MAX;
	bool ran = before && before->type == RECORD_RECOVERY && runs(&before->recovery);

	if (seen.starts != node->starts)
		look_at_clock(node);
	if (host >= realm.host_n)
		return;
	if (r->row == HOST_ROW_CLEARING_DOWN || r->row == HOST_ROW_ENABLING)
		seen.host[host].back_ms = sim.now_ms;
	if (!runs(r) || ran)
		return;
	seen.host[host].is_free = r->row != HOST_ROW_FENCING || !is_bound(r, host);
	if (!seen.host[host].is_free)
		judge_places(node, r);
}

/* By the truth: what may still be taken for up counts as up. */
static void judge_share(struct sim_node *node, const struct config_segment *s, uint32_t host)
{
	uint32_t n = 0, up = 0;

	for (uint32_t k = 0; k < realm.host_n; k++) {
		const struct realm_host *h = &realm.host[k];

		if (segment_of(node, realm_host_name(k)) != s)
			continue;
		n++;
		up += k != host && (!h->silent_ms || sim.now_ms - h->silent_ms <= SILENT_MS);
	}
	if (up < n * (uint32_t)s->healthy_at_least / 100)
		sim_violated("invariant 3: power-off of %s leaves %u of %u hosts of segment %s up",
		    realm_host_name(host), up, n, s->name);
}

static void judge_memory(const struct config_recovery *c, uint32_t host)
{
	const int64_t *off_ms = seen.host[host].off_ms;
	int64_t since_back_ms = sim.now_ms - seen.host[host].back_ms, since_off_ms = sim.now_ms - off_ms[0];
	uint32_t n = 0;

	if ((seen.host[host].back_ms && since_back_ms < c->cool_down_ms) ||
	    (off_ms[0] && since_off_ms < c->cool_down_ms))
		sim_violated("invariant 3: power-off of %s within its cool-down", realm_host_name(host));
	for (uint32_t k = 0; k < FENCE_MEMORY_MAX; k++)
		n += off_ms[k] && sim.now_ms - off_ms[k] < c->flap_window_ms - SLACK_MS &&
		     seen.host[host].off_by_ms[k] != DATED_WRONGLY;
	if (c->flaps && n >= c->flaps)
		sim_violated("invariant 3: power-off of %s, fenced %u times before", realm_host_name(host), n);
}

void witness_limits_power_off(struct sim_node *node, uint32_t host, const struct recovery_record *r)
{
	const struct config_segment *s = segment_of(node, r->host);
	int64_t *off_ms = seen.host[host].off_ms, *off_by_ms = seen.host[host].off_by_ms;

	if (str_eq(seen.host[host].off_by, r->id))
		return;
	if (s && is_bound(r, host)) { /* there is a segment where a daemon is that tells of it */
		judge_share(node, s, host);
		judge_memory(&node->daemon->cfg->recovery, host);
	}
	memmove(&off_ms[1], &off_ms[0], (FENCE_MEMORY_MAX - 1) * sizeof(off_ms[0]));
	memmove(&off_by_ms[1], &off_by_ms[0], (FENCE_MEMORY_MAX - 1) * sizeof(off_by_ms[0]));
	off_ms[0] = sim.now_ms;
	off_by_ms[0] = node->wall_offset_ms;
	str_copy(seen.host[host].off_by, sizeof(seen.host[host].off_by), r->id);
}
