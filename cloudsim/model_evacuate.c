/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evacuations. Each accepted call is a flight with legs of its own, and each leg checks the task_state it expects, as nova's compute does:
 * two flights of one instance therefore damage each other here in the same way and with the same words as there. A flight whose target
 * dies stays where it is for ever; one that waits for the control plane, for its target or for a place there goes on when that is back.
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloudsim/model_parts.h"

static void leg_after(struct cloudsim_model *m, int migration, enum sim_leg leg, int64_t wait_ms)
{
	m->migrations[migration].leg = leg;
	sim_event_add(m, m->now_ms + wait_ms, SIM_EV_LEG, migration, 0);
}

static void migration_status(struct cloudsim_model *m, struct sim_migration *mig, enum sim_migration_status status)
{
	mig->status = status;
	mig->updated_ms = m->now_ms;
}

static void flight_forget(struct cloudsim_model *m, int migration)
{
	for (size_t i = 0; i < m->n_flights; i++) {
		if (m->flights[i] != migration)
			continue;
		m->flights[i] = m->flights[--m->n_flights];
		m->instances[m->migrations[migration].instance].n_flights--;
		return;
	}
}

/* The target has a place free again: the next one that waits for it goes on. */
static void target_leave(struct cloudsim_model *m, struct sim_migration *mig)
{
	struct sim_host *h;

	if (mig->target < 0)
		return;
	h = &m->hosts[mig->target];
	if (h->n_claims)
		h->n_claims--;
	if (mig->dest >= 0 && h->n_builds)
		h->n_builds--;
	sim_flights_wake(m, mig->target);
}

static void flight_end(struct cloudsim_model *m, int migration, enum sim_migration_status status)
{
	struct sim_migration *mig = &m->migrations[migration];

	migration_status(m, mig, status);
	mig->leg = SIM_LEG_OVER;
	mig->ended_ms = m->now_ms;
	flight_forget(m, migration);
	target_leave(m, mig);
}

static void flight_fail(struct cloudsim_model *m, int migration, enum sim_migration_status status, const char *fault)
{
	sim_instance_fail(m, &m->instances[m->migrations[migration].instance], fault);
	flight_end(m, migration, status);
}

/* Nova's guard: true when the instance still has the task this leg was prepared for. */
static bool task_is_still(struct cloudsim_model *m, int migration, enum sim_task expected)
{
	struct sim_instance *in = &m->instances[m->migrations[migration].instance];
	const char *actual = sim_task_name(in->task);
	char fault[CLOUDSIM_TEXT_SIZE];

	if (in->task == expected && !in->deleted)
		return true;
	snprintf(fault, sizeof(fault),
	    "Conflict updating instance %s. Expected: {'task_state': ['%s']}. Actual: {'task_state': %s%s%s}", in->uuid,
	    sim_task_name(expected), actual ? "'" : "", actual ? actual : "None", actual ? "'" : "");
	flight_fail(m, migration, SIM_MIG_FAILED, fault);
	return false;
}

static bool host_may_take(struct cloudsim_model *m, int host, const struct sim_migration *mig)
{
	struct sim_host *h = &m->hosts[host];
	const struct sim_instance *in = &m->instances[mig->instance];

	if (host == mig->source || h->disabled || in->unplaceable || (mig->asked >= 0 && mig->asked != host))
		return false;
	if (in->zone[0] && !str_eq(in->zone, h->zone))
		return false;
	if (m->config.host_capacity && h->n_instances + h->n_claims >= m->config.host_capacity)
		return false;
	return sim_host_is_up(m, h);
}

/* The emptiest host by finished placements; those on their way are not seen by the weighers, so a burst goes to one host. */
static int target_choose(struct cloudsim_model *m, const struct sim_migration *mig)
{
	int best = -1;
	uint64_t equals = 0;

	for (int i = 0; i < (int)m->n_hosts; i++) {
		if (!host_may_take(m, i, mig))
			continue;
		if (best >= 0 && m->hosts[i].n_instances > m->hosts[best].n_instances)
			continue;
		if (best < 0 || m->hosts[i].n_instances < m->hosts[best].n_instances)
			equals = 0;
		if (rng_below(&m->rng, ++equals) == 0)
			best = i;
	}
	return best;
}

static void leg_schedule(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];

	if (m->down[CLOUDSIM_SCHEDULER]) {
		mig->is_waiting = true;
		return;
	}
	if (m->down[CLOUDSIM_PLACEMENT]) {
		flight_fail(m, migration, SIM_MIG_ERROR, "No valid host was found. ");
		return;
	}
	mig->target = target_choose(m, mig);
	if (mig->target < 0) {
		flight_fail(
		    m, migration, SIM_MIG_ERROR, "No valid host was found. There are not enough hosts available.");
		return;
	}
	m->hosts[mig->target].n_claims++;
	leg_after(m, migration, SIM_LEG_ARRIVE, sim_span(m, m->config.schedule_ms) / 2);
}

/* The call waits in the target's queue while its nova-compute is away or has no place free. */
static void leg_arrive(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];
	struct sim_host *h = &m->hosts[mig->target];

	if (!sim_host_is_alive(h) || (m->config.builds_per_host && h->n_builds >= m->config.builds_per_host)) {
		mig->is_waiting = true;
		return;
	}
	h->n_builds++;
	mig->dest = mig->target;
	mig->target_life = h->life;
	mig->started_ms = m->now_ms;
	mig->orig = m->instances[mig->instance].vm_state;
	mig->rebuild_ms = sim_span(m, m->config.rebuild_ms);
	migration_status(m, mig, SIM_MIG_PRE_MIGRATING);
	leg_after(m, migration, SIM_LEG_MAP, mig->rebuild_ms / 5);
}

static void leg_spawned(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];
	struct sim_host *h = &m->hosts[mig->dest];
	char fault[CLOUDSIM_TEXT_SIZE];

	if (sim_guest_is_on(m, mig->instance, mig->dest)) {
		snprintf(fault, sizeof(fault), "Instance instance-%08x already exists.", (unsigned)mig->instance + 1);
		flight_fail(m, migration, SIM_MIG_FAILED, fault);
		return;
	}
	if (h->spawn_failures) {
		h->spawn_failures -= h->spawn_failures > 0;
		snprintf(fault, sizeof(fault), "fake: spawn told to fail by %s.fail-spawn", h->name);
		flight_fail(m, migration, SIM_MIG_FAILED, fault);
		return;
	}
	sim_guest_add(m, mig->instance, mig->dest);
	leg_after(m, migration, SIM_LEG_SAVE, mig->rebuild_ms / 10);
}

/* A stopped server is started by the rebuild and stopped again; one that was in ERROR comes back ACTIVE, whatever it was before. */
static void leg_save(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];
	struct sim_instance *in = &m->instances[mig->instance];

	if (!task_is_still(m, migration, SIM_TASK_REBUILD_SPAWNING))
		return;
	in->vm_state = SIM_VM_ACTIVE;
	in->power_state = SIM_POWER_RUNNING;
	in->launched_ms = m->now_ms;
	in->task = mig->orig == SIM_VM_STOPPED ? SIM_TASK_POWERING_OFF : SIM_TASK_NONE;
	in->has_fault = false;
	sim_instance_touch(m, in);
	if (in->task == SIM_TASK_POWERING_OFF)
		leg_after(m, migration, SIM_LEG_STOPPED, sim_span(m, m->config.stop_ms));
	else
		leg_after(m, migration, SIM_LEG_MOVE, sim_span(m, m->config.gap_ms));
}

static void leg_stopped(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];
	struct sim_instance *in = &m->instances[mig->instance];

	sim_guest_remove(m, mig->instance, mig->dest);
	in->vm_state = SIM_VM_STOPPED;
	in->power_state = SIM_POWER_SHUTDOWN;
	in->task = SIM_TASK_NONE;
	sim_instance_touch(m, in);
	leg_after(m, migration, SIM_LEG_MOVE, sim_span(m, m->config.gap_ms));
}

static void leg_move(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];

	if (m->config.move_lag_ms && mig->status != SIM_MIG_DONE) {
		migration_status(m, mig, SIM_MIG_DONE);
		leg_after(m, migration, SIM_LEG_MOVE, m->config.move_lag_ms);
		return;
	}
	sim_instance_move(m, &m->instances[mig->instance], mig->dest);
	flight_end(m, migration, SIM_MIG_DONE);
}

static void leg_task(struct cloudsim_model *m, int migration, enum sim_task expected, enum sim_task next,
    enum sim_leg leg, int64_t wait_ms)
{
	struct sim_instance *in = &m->instances[m->migrations[migration].instance];

	if (!task_is_still(m, migration, expected))
		return;
	in->task = next;
	in->power_state = SIM_POWER_NOSTATE;
	sim_instance_touch(m, in);
	leg_after(m, migration, leg, wait_ms);
}

static bool leg_must_wait(const struct cloudsim_model *m, const struct sim_migration *mig)
{
	return !sim_may_speak(m) || (mig->leg > SIM_LEG_ARRIVE && m->hosts[mig->target].is_hung);
}

void sim_leg(struct cloudsim_model *m, int migration)
{
	struct sim_migration *mig = &m->migrations[migration];

	if (mig->leg == SIM_LEG_OVER)
		return;
	if (leg_must_wait(m, mig)) {
		mig->is_waiting = true;
		return;
	}
	switch (mig->leg) {
	case SIM_LEG_SCHEDULE:
		leg_schedule(m, migration);
		break;
	case SIM_LEG_ARRIVE:
		leg_arrive(m, migration);
		break;
	case SIM_LEG_MAP:
		leg_task(m, migration, SIM_TASK_REBUILDING, SIM_TASK_REBUILD_BDM, SIM_LEG_SPAWN, mig->rebuild_ms / 5);
		break;
	case SIM_LEG_SPAWN:
		leg_task(m, migration, SIM_TASK_REBUILD_BDM, SIM_TASK_REBUILD_SPAWNING, SIM_LEG_SPAWNED,
		    mig->rebuild_ms / 2);
		break;
	case SIM_LEG_SPAWNED:
		leg_spawned(m, migration);
		break;
	case SIM_LEG_SAVE:
		leg_save(m, migration);
		break;
	case SIM_LEG_STOPPED:
		leg_stopped(m, migration);
		break;
	case SIM_LEG_MOVE:
		leg_move(m, migration);
		break;
	default:
		break;
	}
}

int sim_evacuate(struct cloudsim_model *m, int instance, int asked_host)
{
	struct sim_instance *in = &m->instances[instance];
	void *migrations = m->migrations, *flights = m->flights;
	struct sim_migration *mig;
	bool ok = sim_grow(&migrations, &m->cap_migrations, m->n_migrations + 1, sizeof(*m->migrations));

	m->migrations = migrations;
	ok = ok && sim_grow(&flights, &m->cap_flights, m->n_flights + 1, sizeof(*m->flights));
	m->flights = flights;
	if (!ok)
		return -OSHA_E_NOMEM;
	m->double_posts += in->n_flights > 0;
	mig = &m->migrations[m->n_migrations];
	*mig = (struct sim_migration){.instance = instance,
	    .source = in->host,
	    .dest = -1,
	    .target = -1,
	    .asked = asked_host,
	    .created_ms = m->now_ms,
	    .prev_of_instance = in->last_migration,
	    .prev_of_source = m->hosts[in->host].last_from};
	sim_uuid(&m->rng, mig->uuid, true);
	in->last_migration = m->hosts[in->host].last_from = (int)m->n_migrations;
	in->task = SIM_TASK_REBUILDING;
	in->n_flights++;
	sim_instance_touch(m, in);
	m->flights[m->n_flights++] = (int)m->n_migrations;
	leg_after(m, (int)m->n_migrations++, SIM_LEG_SCHEDULE, sim_span(m, m->config.schedule_ms) / 2);
	return 0;
}

/* nova-compute of the target ended: what it was building stays as it is; what waits in its queue keeps waiting. */
void sim_flights_of_host_die(struct cloudsim_model *m, int host)
{
	for (size_t i = 0; i < m->n_flights;) {
		struct sim_migration *mig = &m->migrations[m->flights[i]];

		if (mig->target != host || mig->leg <= SIM_LEG_ARRIVE) {
			i++;
			continue;
		}
		mig->leg = SIM_LEG_OVER;
		mig->ended_ms = m->now_ms;
		m->hosts[host].n_claims -= m->hosts[host].n_claims > 0;
		flight_forget(m, m->flights[i]);
	}
	m->hosts[host].n_builds = 0;
}

/* After the control plane came back, reports are heard before calls are worked off: they were queued first. */
void sim_flights_wake(struct cloudsim_model *m, int host)
{
	for (size_t i = 0; i < m->n_flights; i++) {
		struct sim_migration *mig = &m->migrations[m->flights[i]];

		if (!mig->is_waiting || (host >= 0 && mig->target != host))
			continue;
		mig->is_waiting = false;
		leg_after(m, m->flights[i], mig->leg, host >= 0 ? 1 : rng_range(&m->rng, 450, 650));
	}
}

static void own_instances_init(struct cloudsim_model *m, int host)
{
	for (size_t i = 0; i < m->n_instances; i++) {
		struct sim_instance *in = &m->instances[i];

		if (in->host != host || in->deleted)
			continue;
		if (in->vm_state == SIM_VM_BUILDING) {
			in->vm_state = SIM_VM_ERROR;
			in->task = SIM_TASK_NONE;
		} else if (in->task == SIM_TASK_POWERING_OFF) {
			sim_instance_stop(m, (int)i);
		} else if (in->vm_state == SIM_VM_ACTIVE && in->task == SIM_TASK_NONE &&
			   !sim_guest_is_on(m, (int)i, host)) {
			in->vm_state =
			    SIM_VM_STOPPED; /* the guest did not come back with the machine: nova stops it by its own records */
			in->power_state = SIM_POWER_SHUTDOWN;
		} else {
			continue;
		}
		sim_instance_touch(m, in);
	}
}

/* nova-compute starts: it destroys its copies of what was evacuated, or is being evacuated, from it, and completes those records. */
void sim_source_clean_up(struct cloudsim_model *m, int host)
{
	for (int i = m->hosts[host].last_from; i >= 0; i = m->migrations[i].prev_of_source) {
		struct sim_migration *mig = &m->migrations[i];

		if (mig->status != SIM_MIG_ACCEPTED && mig->status != SIM_MIG_PRE_MIGRATING &&
		    mig->status != SIM_MIG_DONE)
			continue;
		sim_guest_remove(m, mig->instance, host);
		migration_status(m, mig, SIM_MIG_COMPLETED);
	}
	own_instances_init(m, host);
}

size_t cloudsim_model_double_posts(const struct cloudsim_model *m)
{
	return m->double_posts;
}

size_t cloudsim_model_stamp_count(const struct cloudsim_model *m)
{
	return m->n_migrations;
}

void cloudsim_model_stamp(const struct cloudsim_model *m, size_t i, struct cloudsim_stamp *ret_stamp)
{
	const struct sim_migration *mig = &m->migrations[i];

	*ret_stamp = (struct cloudsim_stamp){
	    .migration_id = (int64_t)i + 1,
	    .instance = m->instances[mig->instance].uuid,
	    .source = m->hosts[mig->source].name,
	    .dest = mig->dest >= 0 ? m->hosts[mig->dest].name : NULL,
	    .status = sim_migration_status_name(mig->status),
	    .accepted_ms = mig->created_ms,
	    .started_ms = mig->started_ms,
	    .ended_ms = mig->ended_ms,
	};
}

int cloudsim_model_evacuate(struct cloudsim_model *m, int64_t now_ms, const char *id, const char *host)
{
	int instance = sim_instance_index(m, id), to = sim_host_index(m, host);

	if (instance < 0 || to < 0 || m->instances[instance].host < 0)
		return -OSHA_E_NOTFOUND;
	cloudsim_model_advance(m, now_ms);
	return sim_evacuate(m, instance, to);
}
