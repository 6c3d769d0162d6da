/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated world: hosts with power and guests, one BMC each, and a Nova that treats evacuations as the real one does. Time is a
 * number; everything that will happen stands in one queue; one seed decides all. The oracle that matters most lives here: the same
 * guest running on two hosts at once.
 */
#pragma once

#include "base/rng.h"
#include "engine/engine.h"

enum { SIM_HOSTS = 4, SIM_GUESTS = 12, SIM_QUEUE = 512, SIM_MIGRATIONS = 256 };

struct sim_migration {
	int64_t id, created_ms;
	uint32_t guest, source, dest; /* dest = SIM_HOSTS while none is chosen */
	enum migration_status status;
};

struct sim_guest {
	uint32_t host;    /* as Nova says */
	uint32_t runs_on; /* hosts (1 << host) where it really runs */
	enum server_state state;
	enum server_task task;
	int64_t fault_ms;
	enum server_state wanted;
};

struct sim_host {
	bool power, kernel, compute; /* machine on; its kernel answers; nova-compute running */
	bool forced_down, disabled;
	char reason[REASON_SIZE];
	int64_t report_ms; /* last report of its nova-compute */
	int64_t updated_ms, power_on_ms;
	uint32_t bmc_of;         /* which host's power its device cuts and reads */
	bool bmc_dead, bmc_lies; /* does not answer; accepts off and does nothing */
	int64_t bmc_delay_ms;
	bool cut; /* its probe's path is cut */
	bool ever_died;
	uint32_t offs_sent; /* power-offs that reached it */
};

/* What happens at a moment. */
enum sim_what {
	SIM_NOTHING = 0,
	SIM_NOVA_POLL,
	SIM_PROBE,
	SIM_DEVICES,
	SIM_REPORTS,
	SIM_PERSISTED,    /* a: sequence number, b: engine's life */
	SIM_OP_DONE,      /* a: operation, b: engine's life, c: slot of the pending answer */
	SIM_POWER_OFF,    /* a: host */
	SIM_EVACUATION,   /* a: migration, b: phase */
	SIM_DEATH,        /* a: host */
	SIM_HANG,         /* a: host */
	SIM_RETURN,       /* a: host */
	SIM_BOOTED,       /* a: host, c: when its power came on */
	SIM_BMC_DIES,     /* a: host */
	SIM_COMPUTE_DIES, /* a: host */
	SIM_CUT,          /* a: host: its probe's path is cut and its reports are lost */
	SIM_START,        /* the daemon comes up again */
	SIM_CRASH,
	SIM_TIMER,
	SIM_TOLD, /* a: moment, b: life, c: host */
};

struct sim_event {
	int64_t at_ms;
	uint64_t order;
	enum sim_what what;
	uint64_t a, b, c;
};

struct sim_world {
	struct rng rng;
	int64_t now_ms;
	uint64_t order;
	struct sim_event queue[SIM_QUEUE];
	uint32_t queue_n;
	struct sim_host host[SIM_HOSTS];
	struct sim_guest guest[SIM_GUESTS];
	struct sim_migration migration[SIM_MIGRATIONS];
	uint32_t migration_n;
	bool api_down;
	unsigned lost_reply_per_mille, error_per_mille, fail_rebuild_per_mille;
	int64_t service_down_ms;
	/* what went wrong: the oracle's findings */
	char violation[200];
	uint32_t dual_writers, double_calls;
};

/** sim_world_init() - a healthy cloud under @seed, guests spread over the hosts. */
void sim_world_init(struct sim_world *w, uint64_t seed);
/** sim_later() - put an event into the queue, @in_ms from now. */
void sim_later(struct sim_world *w, int64_t in_ms, enum sim_what what, uint64_t a, uint64_t b, uint64_t c);
/** sim_next() - take the earliest event and move the clock to it; false when there is none. */
bool sim_next(struct sim_world *w, struct sim_event *ret);
/** sim_world_happen() - let an event of the world (power, evacuation, report) happen; false: not the world's. */
bool sim_world_happen(struct sim_world *w, const struct sim_event *ev);
/** sim_violated() - note the first violation. */
void sim_violated(struct sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** sim_nova_evacuate() - a POST reached Nova: what it answers; starts the evacuation, or the damage. */
enum outcome sim_nova_evacuate(struct sim_world *w, uint32_t guest, enum fault_class *ret_fault);
/** sim_nova_view() - what Nova says of one guest now. */
void sim_nova_view(const struct sim_world *w, uint32_t guest, struct instance_view *ret);
/** sim_nova_state() - the `state` of a compute service now. */
enum sign sim_nova_state(const struct sim_world *w, uint32_t host);
/** sim_guest_uuid() / sim_host_name() - names by number; sim_guest_of() / sim_host_of() back. */
void sim_guest_uuid(uint32_t guest, char ret[UUID_SIZE]);
void sim_host_name(uint32_t host, char ret[HOST_NAME_SIZE]);
uint32_t sim_guest_of(const char *uuid);
uint32_t sim_host_of(const char *name);
