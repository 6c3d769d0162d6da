/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io/child.h in the simulator: the only program there is a fence agent, which reads its key=value lines, talks to a BMC over a path of its
 * own, and answers in the words of the packaged agents. What reached the BMC happens though the agent be killed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/child.h"
#include "test/sim/clockwork.h"
#include "test/sim/realm.h"
#include "test/sim/witness.h"

enum { STARTING_MS = 2, LOGIN_TIMEOUT_MS = 5000, OUTLIVES_PER_MILLE = 300 };

static const char METADATA[] = "<?xml version=\"1.0\" ?>\n<resource-agent name=\"fence_sim\"><parameters>\n"
			       "<parameter name=\"action\"></parameter><parameter name=\"plug\"></parameter>\n"
			       "</parameters></resource-agent>\n";

static const char PDU_PLUG[] = "pdu:";

struct io_child {
	struct sim_node *node;
	bool is_void;
	unsigned events;
	io_child_fn fn;
	void *arg;
	int64_t began_ms, deadline_ms;
	uint32_t host; /* whose device it asks */
	const struct realm_bmc *device;
	bool is_off; /* action=off */
	bool is_status;
	enum io_child_end end;
	int code;
	const char *out, *err;
};

const char *io_child_launcher_find(void)
{
	return "/sim/osha-launch";
}

const char *io_child_end_name(enum io_child_end end)
{
	static const char *const names[IO_CHILD_END_N] = {"unknown", "exited", "signalled", "deadline", "not-started"};

	return (unsigned)end < IO_CHILD_END_N ? names[end] : "?";
}

static void child_after(struct io_child *c, int64_t in_ms, sim_fn fn)
{
	c->events++;
	sim_after(in_ms, fn, c);
}

static void child_tell(void *arg)
{
	struct io_child *c = arg;
	struct io_child_result r = {.end = c->end,
	    .code = c->code,
	    .out = c->out ? c->out : "",
	    .err = c->err ? c->err : "",
	    .ms = sim.now_ms - c->began_ms};
	io_child_fn fn = c->fn;
	void *fn_arg = c->arg;
	bool is_heard;

	r.out_size = strlen(r.out);
	r.err_size = strlen(r.err);
	if (!c->is_void && c->node->frozen_until_ms > sim.now_ms) {
		sim_after(c->node->frozen_until_ms - sim.now_ms, child_tell, c);
		return;
	}
	is_heard = !c->is_void && sim_enter(c->node); /* being told of a stall, the daemon may cancel this very child */
	c->events--;
	if (!is_heard || c->is_void) {
		if (c->is_void && !c->events)
			free(c);
		return;
	}
	if (c->is_status && c->end == IO_CHILD_EXITED && c->code != 1)
		witness_power_read(c->host, c->began_ms);
	c->is_void = true;
	if (!c->events)
		free(c);
	fn(fn_arg, &r);
}

/* Its end, unless its deadline comes first. */
static void child_ends(struct io_child *c, int64_t in_ms, int code, const char *out, const char *err)
{
	if (sim.now_ms + in_ms > c->deadline_ms) {
		c->end = IO_CHILD_DEADLINE;
		in_ms = c->deadline_ms - sim.now_ms;
	} else {
		c->end = IO_CHILD_EXITED;
		c->code = code;
		c->out = out;
		c->err = err;
	}
	child_after(c, in_ms, child_tell);
}

static void child_fails(struct io_child *c, int64_t in_ms, const char *err)
{
	child_ends(c, in_ms, 1, "", err);
}

static void power_goes(void *arg)
{
	struct io_child *c = arg;

	if (!sim.is_over) {
		realm_device_cut(c->device);
		witness_world();
	}
	c->events--;
	if (c->is_void && !c->events)
		free(c);
}

static void off_arrives(struct io_child *c, int64_t takes_ms)
{
	const struct realm_bmc *b = c->device;

	realm.power_offs++;
	witness_power_off(c->node, c->host);
	if (b->off == BMC_OFF_FAILS || (b->fails_when_off && !realm_device_is_on(b))) {
		child_fails(c, takes_ms, "Failed: Unable to power off: command not supported in present state");
		return;
	}
	if (b->off == BMC_OFF_WAITS)
		child_after(c, takes_ms / 2, power_goes);
	else if (b->off == BMC_OFF_EARLY)
		child_after(c, takes_ms + b->off_delay_ms, power_goes);
	child_ends(c, takes_ms, 0, "Success: Powered OFF\n", "");
}

static void question_arrives(void *arg)
{
	struct io_child *c = arg;
	const struct realm_host *h = &realm.host[c->host];
	int64_t takes_ms = sim_between(c->device->low_ms, c->device->high_ms);
	int64_t back_ms = path_delay_ms(&h->bmc_path, true);

	c->events--;
	if (c->is_void && (sim.is_over || !rng_chance(&sim.rng, OUTLIVES_PER_MILLE))) {
		if (!c->events)
			free(c);
		return;
	}
	if (c->device->hangs || back_ms < 0)
		takes_ms = INT32_MAX; /* until its deadline */
	if (!realm_device_answers(c->device, c->host))
		child_fails(c, LOGIN_TIMEOUT_MS, "Failed: Unable to connect/login to fencing device");
	else if (c->is_off)
		off_arrives(c, takes_ms);
	else if (realm_device_is_on(c->device))
		child_ends(c, takes_ms, 0, "Status: ON\n", "");
	else
		child_ends(c, takes_ms, 2, "Status: OFF\n", "");
}

static const char *value_of(const char *input, const char *key, char *ret, size_t size)
{
	size_t key_n = strlen(key);

	ret[0] = '\0';
	for (; input && *input; input += strcspn(input, "\n"), input += *input == '\n') {
		size_t n = strcspn(input, "\n");

		if (strncmp(input, key, key_n) == 0 && input[key_n] == '=')
			snprintf(ret, size, "%.*s", (int)(n - key_n - 1), input + key_n + 1);
	}
	return ret;
}

static void agent_begins(struct io_child *c, const struct io_child_spec *spec)
{
	char text[300];
	int64_t there_ms;
	bool is_pdu;

	if (spec->start_by_ms && sim.now_ms + STARTING_MS > spec->start_by_ms) {
		c->end = IO_CHILD_NOT_STARTED;
		c->code = ETIME;
		child_after(c, STARTING_MS, child_tell);
		return;
	}
	if (spec->argv[1]) {
		child_ends(c, STARTING_MS, 0, METADATA, "");
		return;
	}
	(void)value_of(spec->stdin_bytes, "plug", text, sizeof(text));
	is_pdu = str_starts(text, PDU_PLUG);
	c->host = realm_host_find(text + (is_pdu ? sizeof(PDU_PLUG) - 1 : 0));
	c->is_off = str_eq(value_of(spec->stdin_bytes, "action", text, sizeof(text)), "off");
	if (c->host == UINT32_MAX) {
		child_fails(c, STARTING_MS, "Failed: no such plug");
		return;
	}
	c->is_status = !c->is_off;
	if (c->is_off)
		witness_calm(c->node, c->host);
	if (c->is_status)
		witness_power_asked(c->node, c->host);
	c->device = is_pdu ? &realm.host[c->host].pdu : &realm.host[c->host].bmc;
	there_ms = path_delay_ms(&realm.host[c->host].bmc_path, false);
	if (there_ms < 0)
		child_fails(c, LOGIN_TIMEOUT_MS, "Failed: Unable to connect/login to fencing device");
	else
		child_after(c, STARTING_MS + there_ms, question_arrives);
}

int io_child_start(struct io_loop *loop, const struct io_child_spec *spec, io_child_fn fn, void *arg,
    struct io_child **ret_child, struct osha_err *reterr)
{
	struct io_child *c = calloc(1, sizeof(*c));
	char action[16];

	if (!c)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	c->node = sim_node_of(loop);
	c->fn = fn;
	c->arg = arg;
	c->began_ms = sim.now_ms;
	c->deadline_ms = sim.now_ms + spec->deadline_ms;
	if (ret_child)
		*ret_child = c;
	if (str_eq(value_of(spec->stdin_bytes, "action", action, sizeof(action)), "off") ? !sim_act()
											 : sim.current->is_dying)
		goto dead;
	if (str_eq(action, "off"))
		witness_cuts(c->node, c->deadline_ms);
	agent_begins(c, spec);
	return 0;
dead: /* nothing begins; whoever clears the dead daemon away cancels what it knows of */
	if (!ret_child)
		free(c);
	return 0;
}

/* Killed: what has not reached the device will not, unless the agent outlives its killer's order by a moment. */
void io_child_cancel(struct io_child *c)
{
	if (!c)
		return;
	c->is_void = true;
	if (!c->events)
		free(c);
}
