/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: the guests that really run, what nova says of them, and the short operations (stop, start, set from outside). */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "cloudsim/model_parts.h"

static const char *const vm_state_names[SIM_VM_N] = {"building", "active", "stopped", "paused", "suspended", "rescued",
    "error", "resized", "shelved_offloaded", "soft-delete"};
static const char *const task_names[SIM_TASK_N] = {NULL, "rebuilding", "rebuild_block_device_mapping",
    "rebuild_spawning", "powering-off", "powering-on", "migrating", "deleting", "spawning"};
static const char *const migration_names[SIM_MIG_N] = {
    "accepted", "pre-migrating", "done", "completed", "failed", "error"};
/* status by vm_state where no task says otherwise */
static const char *const status_names[SIM_VM_N] = {"BUILD", "ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED", "RESCUE",
    "ERROR", "VERIFY_RESIZE", "SHELVED_OFFLOADED", "SOFT_DELETED"};

const char *sim_vm_state_name(enum sim_vm_state s)
{
	return vm_state_names[s];
}

const char *sim_task_name(enum sim_task t)
{
	return task_names[t];
}

const char *sim_migration_status_name(enum sim_migration_status s)
{
	return migration_names[s];
}

const char *sim_instance_status(const struct sim_instance *in)
{
	bool is_rebuild = in->task == SIM_TASK_REBUILDING || in->task == SIM_TASK_REBUILD_BDM ||
			  in->task == SIM_TASK_REBUILD_SPAWNING;

	if (in->deleted)
		return "DELETED";
	if (is_rebuild &&
	    (in->vm_state == SIM_VM_ACTIVE || in->vm_state == SIM_VM_STOPPED || in->vm_state == SIM_VM_ERROR))
		return "REBUILD";
	if (in->task == SIM_TASK_MIGRATING && in->vm_state == SIM_VM_ACTIVE)
		return "MIGRATING";
	return status_names[in->vm_state];
}

bool sim_guest_is_on(const struct cloudsim_model *m, int instance, int host)
{
	const struct sim_host *h = &m->hosts[host];

	for (size_t i = 0; i < h->n_guests; i++)
		if (h->guests[i] == instance)
			return true;
	return false;
}

static void dual_record(struct cloudsim_model *m, int instance, int host)
{
	if (m->dual_seen < CLOUDSIM_DUALS_MAX) {
		struct cloudsim_dual *d = &m->duals[m->dual_seen];

		d->at_ms = m->now_ms;
		str_copy(d->instance, sizeof(d->instance), m->instances[instance].uuid);
		str_copy(d->host, sizeof(d->host), m->hosts[host].name);
	}
	m->dual_seen++;
}

void sim_guest_add(struct cloudsim_model *m, int instance, int host)
{
	struct sim_host *h = &m->hosts[host];
	void *table = h->guests;

	if (!h->is_on || sim_guest_is_on(m, instance, host))
		return;
	if (!sim_grow(&table, &h->cap_guests, h->n_guests + 1, sizeof(*h->guests)))
		abort(); /* a guest that nobody sees would make every check of the model worthless */
	h->guests = table;
	h->guests[h->n_guests++] = instance;
	if (++m->instances[instance].n_guests == 2)
		m->dual_now++;
	if (m->instances[instance].n_guests >= 2)
		dual_record(m, instance, host);
}

static void guest_gone(struct cloudsim_model *m, int instance)
{
	if (m->instances[instance].n_guests-- == 2)
		m->dual_now--;
}

void sim_guest_remove(struct cloudsim_model *m, int instance, int host)
{
	struct sim_host *h = &m->hosts[host];

	for (size_t i = 0; i < h->n_guests; i++) {
		if (h->guests[i] != instance)
			continue;
		h->guests[i] = h->guests[--h->n_guests];
		guest_gone(m, instance);
		return;
	}
}

void sim_guests_clear(struct cloudsim_model *m, int host)
{
	struct sim_host *h = &m->hosts[host];

	for (size_t i = 0; i < h->n_guests; i++)
		guest_gone(m, h->guests[i]);
	h->n_guests = 0;
}

void sim_instance_touch(struct cloudsim_model *m, struct sim_instance *in)
{
	in->updated_ms = m->now_ms;
}

void sim_instance_fail(struct cloudsim_model *m, struct sim_instance *in, const char *fault)
{
	in->vm_state = SIM_VM_ERROR;
	in->task = SIM_TASK_NONE;
	in->has_fault = true;
	in->fault_ms = m->now_ms;
	str_copy(in->fault, sizeof(in->fault), fault);
	sim_instance_touch(m, in);
}

void sim_instance_move(struct cloudsim_model *m, struct sim_instance *in, int host)
{
	if (in->host >= 0)
		m->hosts[in->host].n_instances--;
	in->host = host;
	if (host >= 0)
		m->hosts[host].n_instances++;
	sim_instance_touch(m, in);
}

static void op_begin(struct cloudsim_model *m, int instance, enum sim_task task)
{
	struct sim_instance *in = &m->instances[instance];

	in->task = task;
	in->op++;
	sim_instance_touch(m, in);
	sim_event_add(m, m->now_ms + sim_span(m, m->config.stop_ms), SIM_EV_SERVER_OP, instance, in->op);
}

void sim_instance_stop(struct cloudsim_model *m, int instance)
{
	op_begin(m, instance, SIM_TASK_POWERING_OFF);
}

void sim_instance_start(struct cloudsim_model *m, int instance)
{
	op_begin(m, instance, SIM_TASK_POWERING_ON);
}

/* A host that cannot act leaves the task as it is, for ever, as nova does until its compute starts again. */
void sim_instance_op_end(struct cloudsim_model *m, int instance, uint32_t op)
{
	struct sim_instance *in = &m->instances[instance];

	if (in->op != op || in->host < 0 || !sim_host_is_alive(&m->hosts[in->host]) || !sim_may_speak(m))
		return;
	if (in->task == SIM_TASK_POWERING_OFF) {
		sim_guest_remove(m, instance, in->host);
		in->vm_state = SIM_VM_STOPPED;
		in->power_state = SIM_POWER_SHUTDOWN;
	} else if (in->task == SIM_TASK_POWERING_ON) {
		sim_guest_add(m, instance, in->host);
		in->vm_state = SIM_VM_ACTIVE;
		in->power_state = SIM_POWER_RUNNING;
	} else {
		return;
	}
	in->task = SIM_TASK_NONE;
	sim_instance_touch(m, in);
}

static int name_find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (str_eq(names[i], name))
			return i;
	return -1;
}

static int power_state_of(enum sim_vm_state s)
{
	switch (s) {
	case SIM_VM_PAUSED:
		return SIM_POWER_PAUSED;
	case SIM_VM_STOPPED:
	case SIM_VM_RESCUED:
		return SIM_POWER_SHUTDOWN;
	case SIM_VM_SUSPENDED:
		return SIM_POWER_SUSPENDED;
	case SIM_VM_BUILDING:
	case SIM_VM_SHELVED_OFFLOADED:
		return SIM_POWER_NOSTATE;
	default:
		return SIM_POWER_RUNNING;
	}
}

static bool state_has_guest(enum sim_vm_state s)
{
	return s == SIM_VM_ACTIVE || s == SIM_VM_PAUSED || s == SIM_VM_RESCUED || s == SIM_VM_RESIZED ||
	       s == SIM_VM_ERROR;
}

static void instance_set_state(struct cloudsim_model *m, int instance, enum sim_vm_state state)
{
	struct sim_instance *in = &m->instances[instance];

	in->vm_state = state;
	in->power_state = power_state_of(state);
	if (in->host < 0 || !m->hosts[in->host].is_on)
		return;
	if (state_has_guest(state))
		sim_guest_add(m, instance, in->host);
	else
		sim_guest_remove(m, instance, in->host);
}

static void instance_set_fault(struct cloudsim_model *m, struct sim_instance *in, const char *fault)
{
	in->has_fault = *fault != '\0';
	in->fault_ms = m->now_ms;
	str_copy(in->fault, sizeof(in->fault), fault);
}

static void instance_set_deleted(struct cloudsim_model *m, int instance)
{
	struct sim_instance *in = &m->instances[instance];

	in->deleted = true;
	for (size_t h = 0; in->n_guests > 0 && h < m->n_hosts; h++)
		sim_guest_remove(m, instance, (int)h);
	sim_instance_move(m, in, -1);
}

static int instance_find(const struct cloudsim_model *m, const char *id)
{
	int i = sim_instance_index(m, id);

	for (size_t k = 0; i < 0 && k < m->n_instances; k++)
		if (str_eq(m->instances[k].name, id))
			i = (int)k;
	return i;
}

int cloudsim_model_instance_set(
    struct cloudsim_model *m, int64_t now_ms, const char *id, const struct cloudsim_instance_set *set)
{
	int i = instance_find(m, id);
	int vm = set->vm_state ? name_find(vm_state_names, SIM_VM_N, set->vm_state) : -1;
	int task = set->task_state && *set->task_state ? name_find(task_names, SIM_TASK_N, set->task_state) : 0;
	struct sim_instance *in;

	if (i < 0)
		return -OSHA_E_NOTFOUND;
	if ((set->vm_state && vm < 0) || task < 0)
		return -OSHA_E_USAGE;
	cloudsim_model_advance(m, now_ms);
	in = &m->instances[i];
	sim_instance_touch(m, in);
	if (vm >= 0)
		instance_set_state(m, i, (enum sim_vm_state)vm);
	if (set->task_state)
		in->task = (enum sim_task)task;
	if (set->name)
		str_copy(in->name, sizeof(in->name), set->name);
	in->locked = set->locked >= 0 ? set->locked : in->locked;
	in->unplaceable = set->unplaceable >= 0 ? set->unplaceable : in->unplaceable;
	if (set->fault)
		instance_set_fault(m, in, set->fault);
	if (set->metadata) {
		free(in->metadata);
		in->metadata = strdup(set->metadata);
	}
	if (set->host)
		sim_instance_move(m, in, sim_host_index(m, set->host));
	if (set->deleted > 0 && !in->deleted)
		instance_set_deleted(m, i);
	return 0;
}

size_t cloudsim_model_instance_count(const struct cloudsim_model *m)
{
	return m->n_instances;
}

const char *cloudsim_model_instance_uuid(const struct cloudsim_model *m, size_t i)
{
	return m->instances[i].uuid;
}

const char *cloudsim_model_instance_host(const struct cloudsim_model *m, size_t i)
{
	return m->instances[i].host < 0 ? "" : m->hosts[m->instances[i].host].name;
}

bool cloudsim_model_instance_has_guest(const struct cloudsim_model *m, size_t i, size_t host)
{
	return sim_guest_is_on(m, (int)i, (int)host);
}

const char *cloudsim_model_instance_vm_state(const struct cloudsim_model *m, size_t i)
{
	return sim_vm_state_name(m->instances[i].vm_state);
}

const char *cloudsim_model_instance_task_state(const struct cloudsim_model *m, size_t i)
{
	const char *t = sim_task_name(m->instances[i].task);

	return t ? t : "";
}

size_t cloudsim_model_dual_guests(const struct cloudsim_model *m)
{
	return m->dual_now;
}

size_t cloudsim_model_dual_seen(const struct cloudsim_model *m, const struct cloudsim_dual **ret)
{
	if (ret)
		*ret = m->duals;
	return m->dual_seen;
}
