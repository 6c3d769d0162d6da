/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One model of a cloud: hosts with their power, nova-compute and guests; nova's services, servers and migrations; keystone's users and
 * tokens. Pure: time is passed in, numbers come from a seed, no clock, socket or file is touched, so that the simulator runs it on
 * simulated time and the HTTP face runs it on real time. What the outside sees of it as bytes is cloudface.h's business.
 *
 * Time: every now_ms is one clock of the caller that never goes back; nova's stamps are now_ms + wall_offset_ms. Each call below first
 * lets everything happen that was due by now_ms. None blocks; one model is used by one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cloudsim_model;

enum {
	CLOUDSIM_NAME_SIZE = 96,
	CLOUDSIM_ID_SIZE = 40,
	CLOUDSIM_TEXT_SIZE = 256,
	CLOUDSIM_HOSTS_MAX = 20000,
	CLOUDSIM_INSTANCES_MAX = 1000000,
	CLOUDSIM_FAULTS_MAX = 64,   /* fault rules at a time */
	CLOUDSIM_TOKENS_MAX = 1024, /* the oldest is forgotten */
	CLOUDSIM_DUALS_MAX = 64,    /* sightings of a guest on two hosts that are kept in detail */
};

struct cloudsim_span {
	int64_t low, high; /* both ends included */
};

struct cloudsim_config {
	size_t hosts, instances, projects;
	uint64_t seed;
	char host_prefix[32]; /* "compute-": hosts are compute-1 ... compute-N */
	char url[128]; /* where the HTTP face listens, without a slash at the end; written into links and the catalog */
	char admin_password[64];          /* of user admin */
	char user_password[64];           /* of every other user */
	int64_t wall_offset_ms;           /* nova's clock minus the caller's */
	int64_t report_interval_ms;       /* nova's report_interval */
	int64_t service_down_ms;          /* nova's service_down_time */
	int64_t boot_ms;                  /* power on until nova-compute is started */
	int64_t compute_start_ms;         /* start of nova-compute until its clean-up and first report */
	struct cloudsim_span schedule_ms; /* POST evacuate until the target has it */
	struct cloudsim_span rebuild_ms;  /* pre-migrating until ACTIVE */
	struct cloudsim_span gap_ms;      /* ACTIVE without task until host and migration follow */
	struct cloudsim_span stop_ms;     /* os-stop, os-start, and the stop after the rebuild of a stopped server */
	int64_t move_lag_ms;              /* `done` until the server's host follows */
	int64_t disable_wait_ms;          /* answer to "disabled" for a dead nova-compute that counts as up */
	int64_t neutron_wait_ms;          /* until a call that needs a dead neutron answers 500 */
	int64_t token_ttl_ms;
	unsigned builds_per_host; /* rebuilds at a time on one target, 0 = any number */
	unsigned host_capacity;   /* instances that the scheduler puts on one host, 0 = any number */
	unsigned max_limit;       /* nova's [api] max_limit: the longest page */
};

/* The parts of the control plane that can fail. */
enum cloudsim_part {
	CLOUDSIM_CONDUCTOR = 0,
	CLOUDSIM_SCHEDULER,
	CLOUDSIM_BUS,
	CLOUDSIM_NEUTRON,
	CLOUDSIM_PLACEMENT,
	CLOUDSIM_CELL, /* cell database: services and servers of it are UNKNOWN from 2.69 on, left out before */
	CLOUDSIM_COMPUTE_ENDPOINT, /* "down": missing from the catalog */
	CLOUDSIM_PART_N
};

enum cloudsim_compute { CLOUDSIM_COMPUTE_DOWN = 0, CLOUDSIM_COMPUTE_UP, CLOUDSIM_COMPUTE_HUNG };

/* What an instance can be set to from outside, as if it had come so by itself. Negative or NULL members change nothing. */
struct cloudsim_instance_set {
	const char
	    *vm_state; /* "active", "stopped", "paused", "suspended", "rescued", "error", "building", "resized", ... */
	const char *task_state; /* "" = none */
	const char *name;
	int locked;
	int unplaceable; /* the scheduler never finds a host for it (affinity group of the dead host, wrong zone) */
	int deleted;
	const char *fault;    /* message; "" takes the fault away */
	const char *metadata; /* a JSON object, trusted */
	const char *host;     /* the exact host that Nova's database names from now on; its guest stays where it runs */
};

/* A sighting of one instance's guest on two hosts at once. */
struct cloudsim_dual {
	int64_t at_ms;
	char instance[CLOUDSIM_ID_SIZE];
	char host[CLOUDSIM_NAME_SIZE]; /* where it came to while it already was elsewhere */
};

/* The model's own stamps of one evacuation. Times are the caller's clock, 0 = not yet. */
struct cloudsim_stamp {
	int64_t migration_id;
	const char *instance, *source, *dest,
	    *status;                               /* borrowed until the next call; dest is NULL before the choice */
	int64_t accepted_ms, started_ms, ended_ms; /* POST, pre-migrating, done or failed */
};

/** cloudsim_config_default() - a fast small cloud: 4 hosts, 12 instances, 2 projects, reports each second, down after 4 s. */
void cloudsim_config_default(struct cloudsim_config *ret_config);

/**
 * cloudsim_model_new() - build a cloud that has been running for a while.
 * @config: copied
 * @ret_model: the caller ends it with cloudsim_model_free()
 * Errors: -OSHA_E_CONFIG (sizes out of range), -OSHA_E_NOMEM.
 */
int cloudsim_model_new(
    const struct cloudsim_config *config, int64_t now_ms, struct cloudsim_model **ret_model, struct osha_err *reterr);
void cloudsim_model_free(struct cloudsim_model *m);
const struct cloudsim_config *cloudsim_model_config(const struct cloudsim_model *m);
/** cloudsim_model_set_url() - the face learned its port: links and the catalog carry @url from now on (copied). */
void cloudsim_model_set_url(struct cloudsim_model *m, const char *url);

/** cloudsim_model_advance() - let everything happen that is due by @now_ms. */
void cloudsim_model_advance(struct cloudsim_model *m, int64_t now_ms);
/** cloudsim_model_next_ms() - when the next thing happens by itself; INT64_MAX when nothing is pending. Reports are not counted. */
int64_t cloudsim_model_next_ms(const struct cloudsim_model *m);

/* Hosts. @host is the exact name; -OSHA_E_NOTFOUND when there is none. Setting what already is does nothing. */
size_t cloudsim_model_host_count(const struct cloudsim_model *m);
const char *cloudsim_model_host_name(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_host_find() - index of the host, or -1. */
int cloudsim_model_host_find(const struct cloudsim_model *m, const char *host);
bool cloudsim_model_host_is_on(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_host_is_up() - what nova says of its nova-compute now: reports are young enough, and nobody forced it down. */
bool cloudsim_model_host_is_up(struct cloudsim_model *m, int64_t now_ms, size_t i);
/** cloudsim_model_host_is_forced_down() - the flag as Nova has it. */
bool cloudsim_model_host_is_forced_down(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_host_runs() - has its nova-compute finished its start, be it hung since or not? */
bool cloudsim_model_host_runs(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_host_starts() - how often its nova-compute has started and cleaned up so far. */
uint32_t cloudsim_model_host_starts(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_host_address() - the machine's own address on loopback, "127.10.x.y"; borrowed. */
const char *cloudsim_model_host_address(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_power() - switch the machine: off kills guests and nova-compute, on boots and starts nova-compute. */
int cloudsim_model_power(struct cloudsim_model *m, int64_t now_ms, const char *host, bool is_on);
/** cloudsim_model_power_serial() - changes with each switch of any machine, so that a face need not compare all of them. */
uint64_t cloudsim_model_power_serial(const struct cloudsim_model *m);
/** cloudsim_model_compute() - nova-compute alone: stop it, start it (it cleans up first), hang it (SIGSTOP) or let it go on. */
int cloudsim_model_compute(struct cloudsim_model *m, int64_t now_ms, const char *host, enum cloudsim_compute state);
/** cloudsim_model_autostart() - does nova-compute start with the machine? (default yes) */
int cloudsim_model_autostart(struct cloudsim_model *m, const char *host, bool is_on);
/** cloudsim_model_spawn_failures() - the next @n spawns on this host fail; -1 = all. */
int cloudsim_model_spawn_failures(struct cloudsim_model *m, const char *host, int n);
/** cloudsim_model_service_set() - an administrator's word on its nova-compute: @is_disabled with @reason (copied), @is_forced_down. */
int cloudsim_model_service_set(struct cloudsim_model *m, int64_t now_ms, const char *host, bool is_disabled,
    const char *reason, bool is_forced_down);
/** cloudsim_model_service() - what nova has written of it; false: there is no such host. */
bool cloudsim_model_service(
    const struct cloudsim_model *m, const char *host, bool *ret_is_disabled, bool *ret_is_forced_down);
/** cloudsim_model_zone() - put the host into an availability zone (copied). */
int cloudsim_model_zone(struct cloudsim_model *m, const char *host, const char *zone);
/** cloudsim_model_capacity() - change the number of instances the scheduler puts on one host; 0 = any. */
void cloudsim_model_capacity(struct cloudsim_model *m, unsigned capacity);
/** cloudsim_model_rebuild_ms() - change how long rebuilds take from now on. */
void cloudsim_model_rebuild_ms(struct cloudsim_model *m, struct cloudsim_span span);
/** cloudsim_model_move_lag_ms() - a server's host follows so long after its migration is `done`, as with a replica that lags; 0 = at once. */
void cloudsim_model_move_lag_ms(struct cloudsim_model *m, int64_t ms);
/** cloudsim_model_extra_service() - list one more service of another binary ("nova-conductor") on this host; it lives with the power. */
int cloudsim_model_extra_service(struct cloudsim_model *m, const char *host, const char *binary);

/** cloudsim_model_part() - a part of the control plane fails or comes back. */
void cloudsim_model_part(struct cloudsim_model *m, int64_t now_ms, enum cloudsim_part part, bool is_up);
bool cloudsim_model_part_is_up(const struct cloudsim_model *m, enum cloudsim_part part);
/** cloudsim_part_named() - the part called @name ("conductor", "compute-endpoint", ...), or CLOUDSIM_PART_N. */
enum cloudsim_part cloudsim_part_named(const char *name);
const char *cloudsim_part_name(enum cloudsim_part part);

/* Instances. */
size_t cloudsim_model_instance_count(const struct cloudsim_model *m);
const char *cloudsim_model_instance_uuid(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_instance_host() - nova's host of it, "" when none; borrowed. */
const char *cloudsim_model_instance_host(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_instance_guest() - does its guest really run on the host with this index? */
bool cloudsim_model_instance_has_guest(const struct cloudsim_model *m, size_t i, size_t host);
const char *cloudsim_model_instance_vm_state(const struct cloudsim_model *m, size_t i);
const char *cloudsim_model_instance_task_state(const struct cloudsim_model *m, size_t i);
/**
 * cloudsim_model_instance_set() - change an instance, found by uuid or by its exact name.
 * Errors: -OSHA_E_NOTFOUND; -OSHA_E_USAGE for a state that nova does not have.
 */
int cloudsim_model_instance_set(
    struct cloudsim_model *m, int64_t now_ms, const char *id, const struct cloudsim_instance_set *set);
/** cloudsim_model_evacuate() - somebody evacuates it by hand to exactly this host. Errors: -OSHA_E_NOTFOUND, -OSHA_E_NOMEM. */
int cloudsim_model_evacuate(struct cloudsim_model *m, int64_t now_ms, const char *id, const char *host);

/** cloudsim_model_dual_guests() - instances whose guest runs on two hosts or more right now. Zero, always, in a healthy story. */
size_t cloudsim_model_dual_guests(const struct cloudsim_model *m);
/** cloudsim_model_dual_seen() - how often a guest came to a second host since the start; the first CLOUDSIM_DUALS_MAX in @ret (may be NULL). */
size_t cloudsim_model_dual_seen(const struct cloudsim_model *m, const struct cloudsim_dual **ret);
/** cloudsim_model_double_posts() - evacuate calls accepted while another one of the same instance was under way. */
size_t cloudsim_model_double_posts(const struct cloudsim_model *m);

size_t cloudsim_model_stamp_count(const struct cloudsim_model *m);
void cloudsim_model_stamp(const struct cloudsim_model *m, size_t i, struct cloudsim_stamp *ret_stamp);

/* People and projects, as keystone knows them. Strings borrowed, valid as long as the model. */
struct cloudsim_user {
	const char *id, *name, *email; /* email "" = none */
	bool is_admin, is_enabled;
};
size_t cloudsim_model_user_count(const struct cloudsim_model *m);
void cloudsim_model_user(const struct cloudsim_model *m, size_t i, struct cloudsim_user *ret_user);
size_t cloudsim_model_project_count(const struct cloudsim_model *m);
const char *cloudsim_model_project_id(const struct cloudsim_model *m, size_t i);
const char *cloudsim_model_project_name(const struct cloudsim_model *m, size_t i);
/** cloudsim_model_user_in_project() - has this user an effective role there? */
bool cloudsim_model_user_in_project(const struct cloudsim_model *m, size_t user, size_t project);
/** cloudsim_model_app_cred() - id and secret of the admin's application credential; borrowed. */
void cloudsim_model_app_cred(const struct cloudsim_model *m, const char **ret_id, const char **ret_secret);
/** cloudsim_model_expire_tokens() - every token given out so far is expired. */
void cloudsim_model_expire_tokens(struct cloudsim_model *m);

/* Faults put between the caller and the cloud. */
enum cloudsim_effect {
	CLOUDSIM_FAULT_NONE = 0,
	CLOUDSIM_FAULT_STATUS, /* answer `status` instead of doing it */
	CLOUDSIM_FAULT_LOST,   /* do it, then cut the connection without a byte of an answer */
	CLOUDSIM_FAULT_DROP,   /* cut the connection, do nothing */
	CLOUDSIM_FAULT_DELAY,  /* do it at once, answer after delay_ms */
	CLOUDSIM_FAULT_LATE, /* do nothing until delay_ms have passed, then do it and answer; the in-process face cannot: it says DELAY */
	CLOUDSIM_FAULT_DRIP,     /* do it, then send the answer a few bytes at a time */
	CLOUDSIM_FAULT_ENDLESS,  /* do it, then send a body that never ends */
	CLOUDSIM_FAULT_GARBAGE,  /* do it, then 200 with a body that is not JSON */
	CLOUDSIM_FAULT_CUT,      /* do it, then cut the connection in the middle of the body */
	CLOUDSIM_FAULT_REDIRECT, /* 302 to another place */
	CLOUDSIM_FAULT_HANG,     /* do it, never answer */
	CLOUDSIM_FAULT_N
};

struct cloudsim_fault {
	char method[8];     /* "" = any */
	char path[128];     /* fnmatch(3) pattern over path and query; "" = any */
	char body[64];      /* text that the request's body must hold; "" = any */
	unsigned skip;      /* let the first ones pass */
	unsigned count;     /* how many are hit then; 0 = all */
	unsigned per_mille; /* chance of each; 0 counts as 1000 */
	int64_t until_ms;   /* over after this moment; 0 = never */
	enum cloudsim_effect effect;
	int status;
	int retry_after_s; /* Retry-After header, 0 = none */
	int64_t delay_ms;
	unsigned hits; /* counted by the model */
};

/** cloudsim_model_fault_add() - add a rule (copied); first match in order of adding. -OSHA_E_FULL when there are CLOUDSIM_FAULTS_MAX. */
int cloudsim_model_fault_add(struct cloudsim_model *m, const struct cloudsim_fault *fault);
void cloudsim_model_fault_clear(struct cloudsim_model *m);
size_t cloudsim_model_faults(const struct cloudsim_model *m, const struct cloudsim_fault **ret);
/** cloudsim_effect_named() - the effect called "status", "lost", ...; CLOUDSIM_FAULT_N when there is none. */
enum cloudsim_effect cloudsim_effect_named(const char *name);
const char *cloudsim_effect_name(enum cloudsim_effect effect);
