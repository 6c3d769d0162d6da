/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine remembers: the records that the journal makes durable and hands back after a restart. Each record is the whole
 * present state of one thing under a stable key, so that folding records is "the newest wins"; the journal keeps every older one as
 * history. Plain values, no pointers. What is not here is forgotten by a crash, on purpose: evidence has to be seen again.
 */
#pragma once

#include "base/vocab.h"

/* Rows of the host's workflow; the table is in workflow_host.c. Values are stored: append only. */
enum host_row {
	HOST_ROW_NONE = 0,
	HOST_ROW_SUSPECT,
	HOST_ROW_CONFIRMING,
	HOST_ROW_FENCING,
	HOST_ROW_PROVING,
	HOST_ROW_FORCING_DOWN,
	HOST_ROW_DISABLING,
	HOST_ROW_LISTING,
	HOST_ROW_EVACUATING,
	HOST_ROW_VERIFYING,
	HOST_ROW_RECOVERED,
	HOST_ROW_RETURNING,
	HOST_ROW_CLEANING,
	HOST_ROW_CLEARING_DOWN,
	HOST_ROW_ENABLING,
	HOST_ROW_REENABLED,
	HOST_ROW_CLEARED,
	HOST_ROW_HELD,
	HOST_ROW_ABANDONED,
	HOST_ROW_N
};

/* Rows of the instance's workflow; the table is in workflow_instance.c. Values are stored: append only. */
enum instance_row {
	INSTANCE_ROW_NONE = 0,
	INSTANCE_ROW_WAITING,
	INSTANCE_ROW_ASKING,
	INSTANCE_ROW_RESETTING,
	INSTANCE_ROW_CALLING,
	INSTANCE_ROW_REBUILDING,
	INSTANCE_ROW_VERIFYING,
	INSTANCE_ROW_RESTORING,
	INSTANCE_ROW_DONE,
	INSTANCE_ROW_REFUSED,
	INSTANCE_ROW_GONE,
	INSTANCE_ROW_HELD,
	INSTANCE_ROW_N
};

/* Why a recovery is held. Values are stored: append only. */
enum hold_cause {
	HOLD_NONE = 0,
	HOLD_MASS,         /* too much went silent at once */
	HOLD_UNCONFIRMED,  /* looked again and could not tell */
	HOLD_NO_FENCE,     /* no fence level, or none that has read "on" for this host */
	HOLD_FENCE_FAILED, /* every level failed */
	HOLD_CLOUD,        /* the cloud refused or did not answer a step */
	HOLD_INSTANCES,    /* some instances did not reach their wanted state */
	HOLD_LEFTOVER, /* an evacuation record is still under way: a booting nova-compute would destroy the only copy */
	HOLD_RESTART_COMPUTE, /* nova refuses to clear forced-down: "restart nova-compute on H" */
	HOLD_PROOF_VOID,      /* the host was seen on and could not be fenced again */
	HOLD_APPROVAL,        /* its segment asks first, and nobody has approved yet */
	HOLD_SUSPENDED,       /* an operator suspended fencing */
	HOLD_WINDOW,          /* a maintenance window of its segment is open */
	HOLD_CONTROL_PLANE,   /* it carries the control plane's own quorum */
	HOLD_LIMIT,           /* as many recoveries run as may at once */
	HOLD_HEALTHY,         /* too few hosts of its segment would be left up */
	HOLD_COOL_DOWN,       /* it was fenced or taken back a moment ago */
	HOLD_FLAPPING,        /* it was fenced too often of late */
	HOLD_CAUSE_N
};

/* What proves that the host cannot write. */
enum proof_kind { PROOF_NONE = 0, PROOF_POWER, PROOF_OPERATOR, PROOF_KIND_N };

struct proof {
	enum proof_kind kind;
	char by[DEVICE_NAME_SIZE]; /* the device that read off, or who said it */
	int64_t at_wall_ms;
	uint64_t epoch; /* of the leader that wrote it */
	bool is_void;   /* the host was seen on since */
	uint32_t entry; /* the fencing entry that it belongs to */
};

enum { SIGHTING_MAX = 4 }; /* monitors whose word a record keeps, those that the policy asks first */

/* What one monitor said of the host when its evidence was weighed. */
struct sighting {
	char monitor[MONITOR_NAME_SIZE]; /* "" = there is none */
	char path[MONITOR_PATH_SIZE];
	enum sign sign; /* as it was counted: too old, or from before the look that asked, is unknown */
	bool is_asked;  /* the policy wants its word */
	int64_t seen_wall_ms,
	    since_wall_ms; /* what it last saw at all, and since when it says so; 0 = never anything */
};

/* Moments that people are told of. Bit (1 << moment) in due/told masks; values are stored: append only. */
enum moment {
	MOMENT_CONFIRMED = 0, /* failure confirmed: users and admins */
	MOMENT_RECOVERED,     /* users and admins */
	MOMENT_HELD,          /* failed or held: users and admins */
	MOMENT_SKIPPED,       /* dead, but not ours to fence (maintenance, disabled, no segment): admins */
	MOMENT_RETURNED,      /* taken back, or came back too early and was fenced again: admins */
	MOMENT_N
};

struct recovery_record {
	char id[RECOVERY_ID_SIZE];
	char host[HOST_NAME_SIZE];
	enum host_row row;
	enum host_row back_row; /* HELD: the row that a retry or a release enters */
	enum hold_cause hold;
	char why[REASON_SIZE];    /* of the last change of row, for people */
	uint32_t entry;           /* raised at each entry into a row with an operation; attempts count within it */
	uint32_t attempt;         /* attempts begun in this entry, recorded before each begins */
	uint32_t level;           /* fence level in use, from 0 */
	uint32_t off_attempt;     /* power-offs begun at this level since it was entered, recorded before each */
	uint32_t off_readings;    /* consecutive readings of off in this entry of proving */
	enum outcome off_outcome; /* of the last power-off of this fencing entry */
	struct proof proof;
	bool we_forced_down, we_disabled; /* set before the call: it may have happened */
	bool forced_down_sure;            /* the call was answered */
	bool ignore_power; /* an operator said dead despite signs of life: readings do not overrule that word */
	bool operator_go;  /* released or confirmed by an operator: the mass rule does not hold it again */
	char
	    approved_by[64]; /* who let it be fenced where its segment asks first; "" = nobody. Lifts that gate alone */
	int64_t approved_wall_ms;
	uint32_t let_go;    /* 1 << enum hold_cause: an operator released it while it was held for that */
	bool observed;      /* abandoned because its segment only observes: `why` says what would have been done */
	bool mass_held;     /* the breaker held it once: where its device does not read off it is fenced by rate */
	uint32_t refences;  /* how often it was powered off again after its proof */
	uint16_t due, told; /* moments, 1 << enum moment */
	enum hold_cause told_hold; /* cause that was last told: the same one is not told again and again */
	uint16_t held_n;           /* how often a hold was told: part of the key of MOMENT_HELD */
	uint64_t epoch;            /* of the last writer */
	int64_t opened_wall_ms, row_wall_ms;
	int64_t stamp_wall_ms[HOST_ROW_N]; /* first entry into each row, 0 = never */
	uint32_t instance_n, done_n;       /* as last counted */
	int64_t weighed_wall_ms;           /* when `sightings` were weighed last; 0 = not recorded */
	struct sighting sightings[SIGHTING_MAX];
};

/** recovery_untold() - the moments (1 << enum moment) that are due and of which not everybody has been told. */
static inline unsigned recovery_untold(const struct recovery_record *r)
{
	return r->due & ~(unsigned)r->told;
}

struct instance_record {
	char recovery[RECOVERY_ID_SIZE];
	char uuid[UUID_SIZE];
	char name[96];
	char project[UUID_SIZE];
	char source[HOST_NAME_SIZE]; /* the host that it is evacuated from */
	char dest[HOST_NAME_SIZE];   /* "" until known */
	enum instance_row row;
	enum server_state wanted; /* recorded at selection, never changed after */
	char why[REASON_SIZE];
	uint32_t attempt;          /* evacuate calls begun, over the whole recovery */
	uint32_t entry_attempt;    /* of them in this try of the recovery */
	enum outcome call_outcome; /* of the last call; UNKNOWN while none was answered */
	bool call_open;            /* a call may be under way that no reading has accounted for yet */
	uint32_t empty_readings;   /* readings since the call that showed nothing */
	int64_t call_wall_ms;      /* for people */
	int64_t seen_migration_id; /* newest evacuation record known before the call: ours is a higher one */
	int64_t row_wall_ms;
	uint64_t epoch;
	bool was_moved; /* once seen on another host: wherever Nova lists it later, a copy may run there */
};

/*
 * The newest death that was only observed, and what has been seen since, for the report that compares. First sightings; 0 = not seen.
 * Nothing is added once the host was seen alive again.
 */
struct observed {
	char recovery[RECOVERY_ID_SIZE]; /* "" = no death of this host was observed */
	int64_t on_wall_ms, off_wall_ms; /* a fence device read so */
	int64_t forced_down_wall_ms;     /* by an operator, in Nova */
	int64_t alive_wall_ms;           /* a monitor of its policy saw it alive */
};

/* What has to survive about a host outside any recovery. */
struct host_record {
	char name[HOST_NAME_SIZE];
	bool maintenance;
	char maintenance_by[64];
	int64_t maintenance_wall_ms;
	uint32_t seen_on;  /* fence levels (1 << level) whose device has read "on" while the host was alive */
	uint32_t miswired; /* levels whose device read "off" while the host was alive */
	uint64_t device_key[FENCE_LEVEL_MAX]; /* hash of the level's device: another device has to prove itself anew */
	bool death_told; /* this death has been dealt with (cleared, skipped): nothing opens until it is seen alive */
	bool degraded_told;
	struct observed observed;
	int64_t maintenance_until_wall_ms;        /* 0 = until somebody ends it */
	int64_t fenced_wall_ms[FENCE_MEMORY_MAX]; /* one for each recovery that cut its power, newest first; 0 = none */
	char fenced_by[RECOVERY_ID_SIZE];         /* the recovery of the newest */
	int64_t cooling_wall_ms; /* fenced or taken back then, and its cool-down has not been seen to end; 0 = not so */
	bool cooling_is_back;    /* it was taken back */
};

/* One per store. */
struct store_record {
	char tag[8];    /* random at creation; a recovery's id is TAG-EPOCH-NUMBER */
	uint64_t epoch; /* raised at each start, before anything else is written */
};

#define SUSPENSION_OF_ALL "*" /* no segment can be called that */

/* Fencing suspended by an operator, of every host or of one segment. It stays as the newest word when it is over. */
struct suspension_record {
	char segment[SEGMENT_NAME_SIZE]; /* or SUSPENSION_OF_ALL */
	bool is_on;
	char by[64]; /* who said the newest word */
	char reason[96];
	int64_t said_wall_ms;
	int64_t until_wall_ms; /* 0 = until it is resumed */
};

enum record_type {
	RECORD_NONE = 0,
	RECORD_STORE,
	RECORD_HOST,
	RECORD_RECOVERY,
	RECORD_INSTANCE,
	RECORD_SUSPENSION,
	RECORD_TYPE_N
};

struct record {
	enum record_type type;
	union {
		struct store_record store;
		struct host_record host;
		struct recovery_record recovery;
		struct instance_record instance;
		struct suspension_record suspension;
	};
};

const char *host_row_name(enum host_row r);
const char *instance_row_name(enum instance_row r);
const char *hold_cause_name(enum hold_cause c);
const char *proof_kind_name(enum proof_kind k);
const char *moment_name(enum moment m);
