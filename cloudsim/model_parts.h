/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the cloud's model, shared by cloudsim/model*.c and the faces that print it (cloudface*.c). Nobody else includes it. */
#pragma once

#include "base/rng.h"
#include "cloudsim/model.h"

enum sim_vm_state {
	SIM_VM_BUILDING = 0,
	SIM_VM_ACTIVE,
	SIM_VM_STOPPED,
	SIM_VM_PAUSED,
	SIM_VM_SUSPENDED,
	SIM_VM_RESCUED,
	SIM_VM_ERROR,
	SIM_VM_RESIZED,
	SIM_VM_SHELVED_OFFLOADED,
	SIM_VM_SOFT_DELETED,
	SIM_VM_N
};

enum sim_task {
	SIM_TASK_NONE = 0,
	SIM_TASK_REBUILDING,
	SIM_TASK_REBUILD_BDM,
	SIM_TASK_REBUILD_SPAWNING,
	SIM_TASK_POWERING_OFF,
	SIM_TASK_POWERING_ON,
	SIM_TASK_MIGRATING,
	SIM_TASK_DELETING,
	SIM_TASK_SPAWNING,
	SIM_TASK_N
};

enum sim_migration_status {
	SIM_MIG_ACCEPTED = 0,
	SIM_MIG_PRE_MIGRATING,
	SIM_MIG_DONE,
	SIM_MIG_COMPLETED,
	SIM_MIG_FAILED,
	SIM_MIG_ERROR,
	SIM_MIG_N
};

enum {
	SIM_POWER_NOSTATE = 0,
	SIM_POWER_RUNNING = 1,
	SIM_POWER_PAUSED = 3,
	SIM_POWER_SHUTDOWN = 4,
	SIM_POWER_SUSPENDED = 7
};

struct sim_host {
	char name[CLOUDSIM_NAME_SIZE];
	char service_uuid[CLOUDSIM_ID_SIZE];
	char node_uuid[CLOUDSIM_ID_SIZE];
	char zone[40];
	char address[16];
	unsigned service_id;
	bool is_on, autostart, is_running,
	    is_hung;     /* machine; nova-compute starts at boot; has finished its start; stopped by SIGSTOP */
	uint32_t life;   /* raised when nova-compute ends: what it was doing never goes on */
	uint32_t starts; /* of nova-compute, each with its clean-up */
	int64_t next_report_ms, last_seen_ms, updated_ms;
	bool disabled, forced_down;
	char disabled_reason[CLOUDSIM_TEXT_SIZE];
	char extra_binary[40]; /* one more service listed on this host, "" = none */
	int *guests;           /* instances whose guest runs here */
	size_t n_guests, cap_guests;
	unsigned n_instances; /* nova's view */
	unsigned n_claims;    /* rebuilds on their way here */
	unsigned n_builds;    /* rebuilds running here */
	int spawn_failures;   /* -1 = all */
	int last_from;        /* newest migration away from here, -1 */
};

struct sim_instance {
	char uuid[CLOUDSIM_ID_SIZE];
	char name[CLOUDSIM_NAME_SIZE];
	int project, user;
	int host; /* -1 = none */
	enum sim_vm_state vm_state;
	enum sim_task task;
	int power_state;
	bool locked, deleted, unplaceable;
	char zone[40]; /* asked for at boot, "" = any */
	int64_t created_ms, updated_ms, launched_ms;
	bool has_fault;
	int64_t fault_ms;
	char fault[CLOUDSIM_TEXT_SIZE];
	char *metadata;
	uint32_t op; /* raised by each stop or start: an older one never ends */
	int n_guests;
	int n_flights;
	int last_migration; /* -1 */
};

/* Where a rebuild stands. */
enum sim_leg {
	SIM_LEG_SCHEDULE = 0,
	SIM_LEG_ARRIVE,
	SIM_LEG_MAP,
	SIM_LEG_SPAWN,
	SIM_LEG_SPAWNED,
	SIM_LEG_SAVE,
	SIM_LEG_STOPPED,
	SIM_LEG_MOVE,
	SIM_LEG_OVER
};

struct sim_migration {
	char uuid[CLOUDSIM_ID_SIZE];
	int instance, source, dest; /* dest -1 until the target claimed it */
	enum sim_migration_status status;
	int64_t created_ms, updated_ms; /* updated 0 = never */
	int prev_of_instance, prev_of_source;
	int64_t started_ms, ended_ms;
	enum sim_leg leg;
	bool is_waiting; /* for the control plane, for its target or for a place there: no event is pending */
	int target;      /* chosen host, -1 */
	int asked;       /* host named in the call, -1 */
	uint32_t target_life;
	enum sim_vm_state orig;
	int64_t rebuild_ms;
};

struct sim_event {
	int64_t at_ms;
	uint64_t serial; /* first in, first out among equals */
	int kind;
	int index;
	uint32_t tag;
};

enum { SIM_EV_LEG = 0, SIM_EV_BOOTED, SIM_EV_COMPUTE_READY, SIM_EV_SERVER_OP };

struct sim_user {
	char id[CLOUDSIM_ID_SIZE];
	char name[CLOUDSIM_NAME_SIZE];
	char email[CLOUDSIM_NAME_SIZE];
	char role[16]; /* "admin", "member", "reader" */
	bool is_enabled;
	bool by_group; /* holds its role through the project's group */
	int project;   /* its project, -1 = all of them */
};

struct sim_project {
	char id[CLOUDSIM_ID_SIZE];
	char name[CLOUDSIM_NAME_SIZE];
	char group_id[CLOUDSIM_ID_SIZE];
};

struct sim_token {
	char id[CLOUDSIM_ID_SIZE + 24];
	int user, project; /* project -1 = system scope or none */
	bool is_system;
	int64_t expires_ms;
};

struct cloudsim_model {
	struct cloudsim_config config;
	struct rng rng;
	int64_t now_ms;
	bool down[CLOUDSIM_PART_N];
	struct sim_host *hosts;
	size_t n_hosts;
	struct sim_instance *instances; /* in order of creation */
	size_t n_instances;
	int *by_uuid; /* open addressing over instances, -1 = free */
	size_t n_by_uuid;
	int *by_host_name; /* likewise over hosts */
	size_t n_by_host_name;
	struct sim_migration *migrations; /* id = index + 1 */
	size_t n_migrations, cap_migrations;
	int *flights; /* migrations not over */
	size_t n_flights, cap_flights;
	struct sim_event *events; /* binary heap */
	size_t n_events, cap_events;
	uint64_t event_serial, power_serial, request_serial;
	struct sim_user *users;
	size_t n_users;
	struct sim_project *projects; /* [0] is admin's */
	size_t n_projects;
	struct sim_token tokens[CLOUDSIM_TOKENS_MAX];
	size_t n_tokens;
	char cred_id[CLOUDSIM_ID_SIZE], cred_secret[CLOUDSIM_ID_SIZE];
	char role_admin[CLOUDSIM_ID_SIZE], role_member[CLOUDSIM_ID_SIZE], role_reader[CLOUDSIM_ID_SIZE];
	char image_id[CLOUDSIM_ID_SIZE], endpoint_id[2][3][CLOUDSIM_ID_SIZE], catalog_id[2][CLOUDSIM_ID_SIZE];
	char conductor_uuid[CLOUDSIM_ID_SIZE], scheduler_uuid[CLOUDSIM_ID_SIZE];
	int64_t conductor_seen_ms, scheduler_seen_ms; /* frozen while they are down */
	struct cloudsim_fault faults[CLOUDSIM_FAULTS_MAX];
	size_t n_faults;
	size_t dual_now, dual_seen, double_posts;
	struct cloudsim_dual duals[CLOUDSIM_DUALS_MAX];
};

/* model.c */
void sim_uuid(struct rng *r, char *ret, bool is_dashed);
int sim_host_index(const struct cloudsim_model *m, const char *name);
int sim_instance_index(const struct cloudsim_model *m, const char *uuid);
bool sim_may_speak(const struct cloudsim_model *m); /* conductor, bus and cell up: computes reach the database */
int64_t sim_span(struct cloudsim_model *m, struct cloudsim_span span);
/* grows a table by doubling; false without memory */
bool sim_grow(void **table, size_t *cap, size_t need, size_t size);

/* model_clock.c */
void sim_event_add(struct cloudsim_model *m, int64_t at_ms, int kind, int index, uint32_t tag);

/* model_hosts.c */
void sim_host_settle(struct cloudsim_model *m, struct sim_host *h); /* reports up to now */
bool sim_host_is_up(struct cloudsim_model *m, struct sim_host *h);  /* as nova answers it */
bool sim_host_is_alive(const struct sim_host *h);                   /* can its nova-compute act? */
void sim_host_booted(struct cloudsim_model *m, int host, uint32_t life);
void sim_host_compute_ready(struct cloudsim_model *m, int host, uint32_t life);

/* model_servers.c */
void sim_guest_add(struct cloudsim_model *m, int instance, int host);
void sim_guest_remove(struct cloudsim_model *m, int instance, int host);
void sim_guests_clear(struct cloudsim_model *m, int host);
bool sim_guest_is_on(const struct cloudsim_model *m, int instance, int host);
void sim_instance_touch(struct cloudsim_model *m, struct sim_instance *in);
void sim_instance_fail(struct cloudsim_model *m, struct sim_instance *in, const char *fault);
void sim_instance_move(struct cloudsim_model *m, struct sim_instance *in, int host);
void sim_instance_stop(struct cloudsim_model *m, int instance);
void sim_instance_start(struct cloudsim_model *m, int instance);
void sim_instance_op_end(struct cloudsim_model *m, int instance, uint32_t op);
const char *sim_vm_state_name(enum sim_vm_state s);
const char *sim_task_name(enum sim_task t); /* NULL for none */
const char *sim_migration_status_name(enum sim_migration_status s);
const char *sim_instance_status(const struct sim_instance *in);

/* model_evacuate.c */
int sim_evacuate(
    struct cloudsim_model *m, int instance, int asked_host); /* everything was checked; 0 or -OSHA_E_NOMEM */
void sim_leg(struct cloudsim_model *m, int migration);
void sim_flights_of_host_die(struct cloudsim_model *m, int host);
void sim_flights_wake(struct cloudsim_model *m, int host); /* host -1: those that wait for the control plane */
void sim_source_clean_up(struct cloudsim_model *m, int host);

/* model_fault.c */
struct cloudsim_fault *sim_fault_match(
    struct cloudsim_model *m, const char *method, const char *target, const char *body, size_t body_len);
