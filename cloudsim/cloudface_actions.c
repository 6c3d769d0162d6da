/* SPDX-License-Identifier: Apache-2.0 */
/* POST /servers/{id}/action: evacuate, stop, start, reset state, lock and unlock. */
#include <string.h>

#include "cloudsim/cloudface_parts.h"

static bool member_is_allowed(const struct face_call *c, const char *name)
{
	if (str_eq(name, "host") || str_eq(name, "adminPass"))
		return true;
	if (str_eq(name, "onSharedStorage"))
		return c->minor < 14;
	return str_eq(name, "force") && c->minor >= 29 && c->minor <= 67;
}

/* The value as nova's validator prints it. */
static void python_repr(struct strbuf *sb, const cJSON *arg)
{
	const cJSON *v;
	bool comma = false;

	strbuf_puts(sb, "{");
	cJSON_ArrayForEach(v, arg)
	{
		strbuf_printf(sb, "%s'%s': ", comma ? ", " : "", v->string);
		if (cJSON_IsString(v))
			strbuf_printf(sb, "'%s'", v->valuestring);
		else if (cJSON_IsBool(v))
			strbuf_puts(sb, cJSON_IsTrue(v) ? "True" : "False");
		else
			strbuf_puts(sb, "None");
		comma = true;
	}
	strbuf_puts(sb, "}");
}

static bool evacuate_is_valid(struct face_call *c, const cJSON *arg)
{
	STRBUF_AUTO struct strbuf repr = STRBUF_INIT;
	const cJSON *v;

	if (!cJSON_IsObject(arg)) {
		face_nova_error(
		    c, 400, "Invalid input for field/attribute evacuate. Value: None. None is not of type 'object'");
		return false;
	}
	cJSON_ArrayForEach(v, arg)
	{
		if (member_is_allowed(c, v->string))
			continue;
		python_repr(&repr, arg);
		face_nova_error(c, 400,
		    "Invalid input for field/attribute evacuate. Value: %s. Additional properties are not allowed "
		    "('%s' was unexpected)",
		    repr.text, v->string);
		return false;
	}
	return true;
}

/* The order of these checks is nova's: who may, which target, the vm_state, then whether the host counts as up. */
static void evacuate(struct face_call *c, int instance, const cJSON *arg)
{
	struct sim_instance *in = &c->m->instances[instance];
	const char *host = json_str(arg, "host", NULL);
	int asked = host ? sim_host_index(c->m, host) : -1;

	if (host && asked < 0) {
		face_nova_error(c, 404, "Compute host %s not found.", host);
		return;
	}
	if (host && asked == in->host) {
		face_nova_error(c, 400, "The target host can't be the same one.");
		return;
	}
	if (in->vm_state != SIM_VM_ACTIVE && in->vm_state != SIM_VM_STOPPED && in->vm_state != SIM_VM_ERROR) {
		face_nova_error(c, 409, "Cannot 'evacuate' instance %s while it is in vm_state %s", in->uuid,
		    sim_vm_state_name(in->vm_state));
		return;
	}
	if (in->host < 0 || sim_host_is_up(c->m, &c->m->hosts[in->host])) {
		face_nova_error(c, 400, "Compute service of %s is still in use.",
		    in->host < 0 ? "None" : c->m->hosts[in->host].name);
		return;
	}
	if (c->m->down[CLOUDSIM_NEUTRON]) {
		c->ans->delay_ms += c->m->config.neutron_wait_ms;
		face_nova_error(c, 500,
		    "Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova "
		    "API log if possible.\n"
		    "<class 'keystoneauth1.exceptions.connection.ConnectFailure'>");
		return;
	}
	if (sim_evacuate(c->m, instance, asked) < 0) {
		face_nova_error(c, 500, "Unexpected API Error.");
		return;
	}
	if (c->minor < 14)
		strbuf_puts(&c->out, "{\"adminPass\":\"47hWgrdWm3v5\"}");
}

static bool state_allows(
    struct face_call *c, const struct sim_instance *in, const char *action, enum sim_vm_state a, enum sim_vm_state b)
{
	if (in->locked && !c->is_admin)
		face_nova_error(c, 409, "Instance %s is locked", in->uuid);
	else if (in->vm_state != a && in->vm_state != b)
		face_nova_error(c, 409, "Cannot '%s' instance %s while it is in vm_state %s", action, in->uuid,
		    sim_vm_state_name(in->vm_state));
	else if (in->task != SIM_TASK_NONE && strcmp(action, "stop") != 0)
		face_nova_error(c, 409, "Cannot '%s' instance %s while it is in task_state %s", action, in->uuid,
		    sim_task_name(in->task));
	else
		return true;
	return false;
}

static void stop(struct face_call *c, int instance, const cJSON *arg)
{
	if (!state_allows(c, &c->m->instances[instance], "stop", SIM_VM_ACTIVE, SIM_VM_ERROR))
		return;
	sim_instance_stop(c->m, instance);
	c->ans->status = 202;
}

static void start(struct face_call *c, int instance, const cJSON *arg)
{
	if (!state_allows(c, &c->m->instances[instance], "start", SIM_VM_STOPPED, SIM_VM_STOPPED))
		return;
	sim_instance_start(c->m, instance);
	c->ans->status = 202;
}

static void reset_state(struct face_call *c, int instance, const cJSON *arg)
{
	struct sim_instance *in = &c->m->instances[instance];
	const char *state = json_str(arg, "state", "");

	if (strcmp(state, "error") != 0 && strcmp(state, "active") != 0) {
		face_nova_error(c, 400,
		    "Invalid input for field/attribute state. Value: %s. '%s' is not one of ['active', 'error']", state,
		    state);
		return;
	}
	in->vm_state = strcmp(state, "error") == 0 ? SIM_VM_ERROR : SIM_VM_ACTIVE;
	in->task = SIM_TASK_NONE;
	sim_instance_touch(c->m, in);
	c->ans->status = 202;
}

static void lock(struct face_call *c, int instance, const cJSON *arg)
{
	c->m->instances[instance].locked = true;
	c->ans->status = 202;
}

static void unlock(struct face_call *c, int instance, const cJSON *arg)
{
	c->m->instances[instance].locked = false;
	c->ans->status = 202;
}

struct action_row {
	const char *name, *policy; /* policy: admins only */
	void (*run)(struct face_call *c, int instance, const cJSON *arg);
};

static const struct action_row action_rows[] = {
    {"evacuate", "os_compute_api:os-evacuate", evacuate},
    {"os-stop", NULL, stop},
    {"os-start", NULL, start},
    {"os-resetState", "os_compute_api:os-admin-actions:reset_state", reset_state},
    {"lock", NULL, lock},
    {"unlock", NULL, unlock},
};

void face_server_action(struct face_call *c)
{
	const cJSON *arg = c->json ? c->json->child : NULL;
	const struct action_row *row = NULL;
	int i;

	if (!cJSON_IsObject(c->json) || !arg) {
		face_nova_error(c, 400, "Malformed request body");
		return;
	}
	for (size_t k = 0; k < sizeof(action_rows) / sizeof(action_rows[0]); k++)
		if (strcmp(action_rows[k].name, arg->string) == 0)
			row = &action_rows[k];
	if (!row) {
		face_nova_error(c, 400, "There is no such action: %s", arg->string);
		return;
	}
	if (row->run == evacuate && !evacuate_is_valid(c, arg))
		return;
	i = face_server_find(c, c->seg[2]);
	if (i < 0)
		return;
	if (row->policy && !c->is_admin)
		face_nova_error(c, 403, "Policy doesn't allow %s to be performed.", row->policy);
	else
		row->run(c, i, arg);
}
