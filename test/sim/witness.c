/* SPDX-License-Identifier: Apache-2.0 */
/* The witnesses; see the header. They know the truth and the disk, never what the daemon holds in memory. */
#include "test/sim/witness.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "engine/workflow.h"
#include "journal/codec.h"
#include "test/sim/controller.h"
#include "test/sim/realm.h"
#include "test/sim/store.h"

enum { OFF_ATTEMPTS_MAX = 2, EVACUATE_ATTEMPTS_MAX = 5, NOTICED_MS = 6000 /* by then any monitor has seen it */ };

struct witness witness;

void witness_begin(void)
{
	witness = (struct witness){0};
	witness_limits_begin();
}

/* --- what is durable --- */

struct looking {
	const char *host, *instance;
	struct record found;
	uint32_t open_n;
};

static void look_recovery(void *arg, const struct record *r)
{
	struct looking *l = arg;

	if (r->type != RECORD_RECOVERY || !str_eq(r->recovery.host, l->host) ||
	    (host_step_of(r->recovery.row)->flags & STEP_FINAL))
		return;
	l->open_n++;
	l->found = *r;
}

bool witness_recovery(struct sim_node *node, const char *host, struct recovery_record *ret)
{
	struct looking l = {.host = host};

	store_each(node->store, look_recovery, &l);
	if (l.open_n > 1)
		sim_violated("invariant 3: %u recoveries of %s are open", l.open_n, host);
	*ret = l.found.recovery;
	return l.open_n > 0;
}

static uint64_t epoch_of(struct sim_node *node)
{
	struct record r = {0};

	return store_record(node->store, "store", &r) ? r.store.epoch : 0;
}

/* Done is what is on another host by now, whatever Nova's records say of its evacuations. */
static void judge_done(const struct instance_record *i)
{
	int at = witness_instance(i->uuid);

	if (at >= 0 && str_eq(cloudsim_model_instance_host(realm.cloud, (size_t)at), i->source))
		sim_violated("invariant 7: instance %s is recorded as done and is still on %s", i->uuid, i->source);
}

/* Of the row's operation, since it was entered, and across all lives of the daemon. */
static void judge_attempts(const struct recovery_record *r)
{
	/* the configuration's defaults: the simulator's has none of its own */
	const struct engine_options o = {
	    .look_attempts = 3, .cloud_attempts = 5, .power_status_attempts = READINGS_MAX};
	const struct host_step *s = host_step_of(r->row);

	if (s->attempts && r->attempt > s->attempts(&o))
		sim_violated("invariant 4: attempt %u of %s at %s on a budget of %u", r->attempt, host_row_name(r->row),
		    r->host, s->attempts(&o));
}

void witness_record(struct sim_node *node, const struct record *before, const struct record *now)
{
	struct recovery_record r;

	if (before && before->type == RECORD_INSTANCE && before->instance.wanted != SERVER_UNKNOWN &&
	    now->instance.wanted != before->instance.wanted)
		sim_violated("invariant 7: the wanted state of %s was changed", now->instance.uuid);
	if (now->type == RECORD_INSTANCE && now->instance.row == INSTANCE_ROW_DONE &&
	    (!before || before->instance.row != INSTANCE_ROW_DONE))
		judge_done(&now->instance);
	if (now->type == RECORD_RECOVERY)
		judge_attempts(&now->recovery);
	if (now->type == RECORD_SUSPENSION && now->suspension.is_on)
		witness.suspended_ms = sim.now_ms;
	if (node->daemon && node->daemon->cfg) {
		/* kept, since an agent may outlive the daemon that sent it */
		witness.breaker_hosts = (uint32_t)node->daemon->cfg->breaker.hosts;
		witness.breaker_percent = (uint32_t)node->daemon->cfg->breaker.percent;
	}
	witness_limits_record(node, before, now);
	if (!before && now->type == RECORD_RECOVERY)
		witness_recovery(node, now->recovery.host, &r);
}

/* --- what is done --- */

int witness_instance(const char *uuid)
{
	for (size_t k = 0; k < cloudsim_model_instance_count(realm.cloud); k++) {
		if (str_eq(cloudsim_model_instance_uuid(realm.cloud, k), uuid))
			return (int)k;
	}
	return -1;
}

static void evacuate_call(struct sim_node *from, const char *uuid)
{
	int at = witness_instance(uuid);
	const char *host = at < 0 ? "" : cloudsim_model_instance_host(realm.cloud, (size_t)at);
	struct recovery_record r;
	struct record i = {0};
	char key[JOURNAL_KEY_SIZE];

	witness.evacuate_calls++;
	if (!host[0])
		return; /* its owner deleted it meanwhile: Nova answers that there is none */
	if (!witness_recovery(from, host, &r)) {
		sim_violated("invariant 4: evacuate call for an instance of %s without a durable recovery", host);
		return;
	}
	if (r.proof.kind == PROOF_NONE || r.proof.is_void)
		sim_violated("invariant 1: evacuate call without a durable valid proof of %s", host);
	snprintf(key, sizeof(key), "instance/%s/%s", r.id, uuid);
	if (!store_record(from->store, key, &i) || i.instance.row != INSTANCE_ROW_CALLING || !i.instance.call_open)
		sim_violated("invariant 4: evacuate call of %s without its durable intent", uuid);
	else if (i.instance.epoch != epoch_of(from))
		sim_violated(
		    "invariant 1: evacuate call under epoch %llu, which is over", (unsigned long long)i.instance.epoch);
	if (i.instance.entry_attempt > EVACUATE_ATTEMPTS_MAX)
		sim_violated(
		    "invariant 4: %u calls on a budget of %d", i.instance.entry_attempt, EVACUATE_ATTEMPTS_MAX);
	witness_call(from, &r, realm_host_find(host));
}

void witness_request(struct sim_node *from, const char *method, const char *target, const char *body)
{
	char uuid[UUID_SIZE];

	if (strstr(target, "/os-services"))
		realm_listed();
	if (controller_mode() == MODE_OBSERVE && !str_eq(method, "GET") && !strstr(target, "/auth/tokens"))
		sim_violated("mode: %s %s though the segment only observes", method, target);
	if (!str_eq(method, "GET") && !strstr(target, "/identity/"))
		sim_say("", "--- %s %s %s", method, target, body ? body : "");
	if (witness_evacuation(method, target, body, uuid))
		evacuate_call(from, uuid);
}

/* Hosts of which anything has been silent for a while, for about as long as this one, and which nobody has proven dead. */
static uint32_t silent_together(struct sim_node *from, uint32_t host)
{
	int64_t window_ms = cloudsim_model_config(realm.cloud)->service_down_ms;
	/* one that really died did so at its own time, though it may have been silent before */
	int64_t its_ms = realm.host[host].dead_ms ? realm.host[host].dead_ms : realm.host[host].silent_ms;
	uint32_t n = 0;

	for (uint32_t h = 0; h < realm.host_n; h++) {
		int64_t apart_ms = realm.host[h].silent_ms - its_ms;
		struct recovery_record r;

		if (witness_recovery(from, realm_host_name(h), &r) && r.proof.kind != PROOF_NONE && !r.proof.is_void)
			continue;
		if (!realm.host[h].silent_ms || sim.now_ms - realm.host[h].silent_ms <= NOTICED_MS ||
		    apart_ms > window_ms / 2 || apart_ms < -window_ms / 2)
			continue;
		n++;
		if (sim.is_traced)
			printf("  silent with %s since %.3f: %s\n", realm_host_name(host),
			    (double)realm.host[h].silent_ms / 1000, realm_host_name(h));
	}
	return n;
}

static void judge_first_power_off(struct sim_node *from, uint32_t host)
{
	const char *name = realm_host_name(host);
	/* what the operator wrote down; the simulation is no wiser than that */
	uint32_t share = realm.host_n * witness.breaker_percent / 100, n;
	uint32_t limit = share > witness.breaker_hosts ? share : witness.breaker_hosts;

	if (!realm_is_down(host, NOTICED_MS) && sim.now_ms - realm.host[host].heard_ms > NOTICED_MS) {
		witness.wrongful_fences++;
		sim_violated("wrongful: power-off of %s, which its policy does not call down", name);
	}
	n = silent_together(from, host);
	/* one whose device reads off is recovered, whatever else is silent; it may be switched on right behind the reading */
	if (n > limit && realm_is_on(host) && sim.now_ms - realm.host[host].on_ms > NOTICED_MS) {
		witness.wrongful_fences++;
		sim_violated(
		    "wrongful: power-off of %s while %u hosts are silent together, more than %u", name, n, limit);
	}
}

void witness_death(uint32_t host)
{
	(void)host;
	witness.host_deaths++;
}

void witness_power_off(struct sim_node *from, uint32_t host)
{
	const char *name = realm_host_name(host);
	struct recovery_record r;
	struct record h = {0};
	char key[JOURNAL_KEY_SIZE];

	sim_say("", "--- power-off reaches the device of %s", name);
	witness.power_offs++;
	witness.fenced_alive += realm_is_alive(host);
	if (!witness_recovery(from, name, &r)) {
		sim_violated("invariant 4: power-off of %s without a durable recovery", name);
		return;
	}
	witness.host[host].offs_alive += realm_is_alive(host) && r.proof.kind == PROOF_NONE &&
					 (!realm.host[host].on_ms || sim.now_ms - realm.host[host].on_ms > NOTICED_MS);
	if (controller_mode() == MODE_OBSERVE ||
	    (controller_mode() == MODE_ASK && r.proof.kind == PROOF_NONE && !r.approved_by[0]))
		sim_violated("mode: power-off of %s, whose segment is %s, without a durable approval", name,
		    host_mode_name(controller_mode()));
	if (r.row != HOST_ROW_FENCING || !r.off_attempt)
		sim_violated(
		    "invariant 4: power-off of %s without its durable intent (row %s)", name, host_row_name(r.row));
	if (r.off_attempt > OFF_ATTEMPTS_MAX)
		sim_violated("invariant 4: %u power-offs on a budget of %d", r.off_attempt, OFF_ATTEMPTS_MAX);
	snprintf(key, sizeof(key), "host/%s", name);
	if (store_record(from->store, key, &h) && h.host.maintenance)
		sim_violated("invariant 6: power-off of %s, which is in maintenance", name);
	if (r.proof.kind == PROOF_NONE &&
	    !r.operator_go) /* one that was proven dead and is seen on is fenced again, by design */
		judge_first_power_off(from, host);
	witness_limits_power_off(from, host, &r);
}

void witness_mail(const struct io_mail *mail)
{
	for (size_t k = 0; k < mail->to_n; k++)
		sim_say("", "--- mail to %s arrives", mail->to[k]);
	witness.mails++;
}

/* Every evacuation of the cloud, for whoever looks at a failed run. */
static void evacuations_show(void)
{
	struct cloudsim_stamp s;

	for (size_t k = 0; sim.is_traced && k < cloudsim_model_stamp_count(realm.cloud); k++) {
		cloudsim_model_stamp(realm.cloud, k, &s);
		printf("  evacuation %lld of %s: %s -> %s %s, called %.3f, begun %.3f, ended %.3f\n",
		    (long long)s.migration_id, s.instance, s.source, s.dest ? s.dest : "?", s.status,
		    (double)s.accepted_ms / 1000, (double)s.started_ms / 1000, (double)s.ended_ms / 1000);
	}
}

void witness_world(void)
{
	const struct cloudsim_dual *duals;
	size_t seen = cloudsim_model_dual_seen(realm.cloud, &duals), doubles = cloudsim_model_double_posts(realm.cloud);

	if (seen > witness.duals_seen) {
		*(witness.operator_lied ? &witness.dual_writers_by_operator : &witness.dual_writers) +=
		    seen - witness.duals_seen;
		witness.duals_seen = seen;
		if (!witness.operator_lied)
			sim_violated("dual writer: the guest of %s runs on two hosts",
			    duals[seen - 1 < CLOUDSIM_DUALS_MAX ? seen - 1 : 0].instance);
	}
	if (doubles > witness.double_calls) {
		witness.double_calls = doubles;
		evacuations_show();
		if (!witness.operator_lied) /* a host that was called dead and hangs goes on with its builds later */
			sim_violated("second evacuate call while one of the same instance is under way");
	}
}
