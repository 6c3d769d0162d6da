/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words that monitors, cloud calls, fencers and the engine exchange. Plain values without pointers: copied, never owned.
 * In every enum zero is the word for "nobody knows", so that zeroed memory never claims anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HOST_NAME_SIZE = 256,    /* nova's services.host is VARCHAR(255) */
	UUID_SIZE = 40,          /* a UUID in text and its NUL */
	RECOVERY_ID_SIZE = 24,   /* "kq3f7m-42" */
	REASON_SIZE = 160,       /* a short sentence for people; cut, never split in a UTF-8 sequence */
	DEVICE_NAME_SIZE = 64,   /* name of a fence device in the configuration */
	MONITOR_MAX = 8,         /* monitors that one policy can name */
	SEGMENT_NAME_SIZE = 104, /* name of a segment in the configuration */
	MONITOR_NAME_SIZE = 16,
	MONITOR_PATH_SIZE = 32, /* name of the way that evidence travels, cut */
	FENCE_LEVEL_MAX = 4,    /* fence levels of one host */
	FENCE_MEMORY_MAX = 8, /* newest fences of one host that are remembered: the most that recovery.flaps may say */
};

/* How an operation ended. */
enum outcome {
	OUTCOME_UNKNOWN = 0, /* time ran out, connection cut, 5xx, killed child: it may have been done */
	OUTCOME_DONE,
	OUTCOME_REFUSED, /* certainly not done */
	OUTCOME_N
};

/* What one monitor saw of one host. */
enum sign { SIGN_UNKNOWN = 0, SIGN_ALIVE, SIGN_DEAD, SIGN_N };

/* What a fence device read. */
enum power { POWER_UNKNOWN = 0, POWER_ON, POWER_OFF, POWER_N };

/* Why an operation was refused or is unknown, as far as the next step depends on it. */
enum fault_class {
	FAULT_NONE = 0,
	FAULT_TRANSIENT, /* again later: 409 of a race, 413, 429, 5xx, network */
	FAULT_STATE,     /* the object's state forbids it: 409 vm_state, 400 */
	FAULT_AUTH,      /* 401, 403 */
	FAULT_MISSING,   /* 404 */
	FAULT_BUSY,      /* 400 "Compute service of H is still in use": nova believes the host is up */
	FAULT_LEFTOVER,  /* 400 on forced_down=false: `done` evacuations remain */
	FAULT_LATE,      /* never started: its start window had passed */
	FAULT_N
};

/* The service record of one nova-compute, as GET /os-services shows it. */
struct service_view {
	enum sign state; /* up = alive, down = dead, anything else unknown */
	bool disabled;
	bool forced_down;
	int64_t
	    updated_at_ms; /* nova's clock, ms since 1970 UTC; 0 = never reported. Compared only with other nova times */
	char disabled_reason[REASON_SIZE];
	char service_id[UUID_SIZE];
};

/* vm_state / status of a server, folded to what an evacuation has to tell apart. */
enum server_state {
	SERVER_UNKNOWN = 0,
	SERVER_ACTIVE,
	SERVER_STOPPED,
	SERVER_PAUSED,
	SERVER_SUSPENDED,
	SERVER_RESCUED,
	SERVER_ERROR,
	SERVER_BUILDING,
	SERVER_RESIZED, /* VERIFY_RESIZE */
	SERVER_SHELVED,
	SERVER_SOFT_DELETED,
	SERVER_DELETED,
	SERVER_OTHER,
	SERVER_STATE_N
};

/* task_state, folded likewise. */
enum server_task {
	TASK_UNKNOWN = 0,
	TASK_NONE,
	TASK_REBUILDING, /* rebuilding, rebuild_block_device_mapping, rebuild_spawning */
	TASK_MIGRATING,  /* migrating, resize_*: another move is under way */
	TASK_DELETING,
	TASK_OTHER, /* powering-off and its like; evacuate does not mind them */
	TASK_N
};

/* status of a migration record of type evacuation. */
enum migration_status {
	MIGRATION_NONE = 0,
	MIGRATION_ACCEPTED,
	MIGRATION_PRE_MIGRATING,
	MIGRATION_DONE,
	MIGRATION_COMPLETED, /* the source cleaned up; no proof of success */
	MIGRATION_FAILED,    /* error, failed, cancelled */
	MIGRATION_OTHER,     /* a word this version does not know: treated as under way */
	MIGRATION_STATUS_N
};

/* The newest evacuation record of one instance (highest id wins). */
struct migration_view {
	int64_t id; /* 0 = there is none */
	enum migration_status status;
	int64_t created_at_ms; /* nova's clock */
	char instance[UUID_SIZE];
	char source[HOST_NAME_SIZE];
	char dest[HOST_NAME_SIZE]; /* "" while the scheduler has not chosen */
};

/* One server together with its newest evacuation away from or onto the host under recovery. */
struct instance_view {
	bool exists; /* false: 404, deleted */
	char uuid[UUID_SIZE];
	char name[96]; /* display name, cut; hostile text */
	char project[UUID_SIZE];
	char host[HOST_NAME_SIZE]; /* OS-EXT-SRV-ATTR:host; "" when unscheduled */
	enum server_state state;
	enum server_task task;
	bool locked;
	int64_t fault_at_ms;     /* nova's clock; 0 = no fault */
	char fault[REASON_SIZE]; /* fault.message, cut */
	bool lacks_history;      /* its evacuations were not asked for: `evacuation` and `unfinished` say nothing */
	struct migration_view evacuation;
	/*
	 * The newest evacuation away from `host` that is under way although `evacuation`, a newer one, is not it. What it was to place may
	 * yet be placed, and a booting nova-compute on `host` takes it as the word to destroy the guest. See instance_view_note().
	 */
	struct {
		int64_t id;                /* 0 = there is none */
		char dest[HOST_NAME_SIZE]; /* "" = not chosen, or several such records have different ones */
	} unfinished;
};

/* Names as written in the journal, logs and JSON; never renamed. Each returns "?" for a value out of range. */
const char *outcome_name(enum outcome o);
const char *sign_name(enum sign s);
const char *power_name(enum power p);
const char *fault_class_name(enum fault_class f);
const char *server_state_name(enum server_state s);
const char *server_task_name(enum server_task t);
const char *migration_status_name(enum migration_status m);

/**
 * instance_view_note() - fold one more evacuation record into `unfinished`; call it for each, in any order.
 * @v: its uuid, host and newest evacuation are filled in; `unfinished` is zero before the first call
 * @m: borrowed; ended ones, newer ones, those of other instances and away from other hosts change nothing
 */
void instance_view_note(struct instance_view *v, const struct migration_view *m);

/** migration_is_under_way() - could this evacuation still place a guest somewhere? An unknown word counts as yes. */
bool migration_is_under_way(enum migration_status m);
