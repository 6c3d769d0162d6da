/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: the pure half of Osha. Events go in, actions come out; between two calls nothing happens. It has no clock, no socket, no
 * thread and allocates only in engine_create() and engine_reserve(), so the daemon and the simulator run the same code.
 *
 * The one rule everything hangs on: an operation is started only while the confirmation of the record that announces it is being
 * handled (record before act). The caller must start it within start_window_ms of that confirmation, or answer FAULT_LATE.
 *
 * Not re-entrant; one thread. Times: now_ms is monotonic and counts suspend (CLOCK_BOOTTIME), wall_ms is for people only.
 */
#pragma once

#include "base/err.h"
#include "base/window.h"
#include "engine/record.h"

struct engine;

enum {
	ENGINE_ACTIONS_MAX = 64, /* actions of one step; more follow with the next */
	ENGINE_TEXT_SIZE = 320,
	ENGINE_SUSPENSIONS_MAX = 64, /* at once */
};

/* What the engine asks to be done. OP_WAIT and OP_CHILDREN are its own and never leave it. */
enum op_kind {
	OP_NONE = 0,
	OP_WAIT,
	OP_CHILDREN,
	OP_LOOK,         /* let every monitor look at this host now; ends after their evidence was delivered */
	OP_POWER_OFF,    /* fence agent action=off at `level` */
	OP_POWER_STATUS, /* fence agent action=status at `level`; answers `power` */
	OP_FORCE_DOWN,   /* nova: forced_down=true */
	OP_DISABLE,      /* nova: disable with `reason` */
	OP_LIST,         /* servers and evacuations of exactly this host; answers `views` */
	OP_MIGRATIONS,   /* evacuation records away from this host; answers `views` (evacuation part only) */
	OP_CLEAR_DOWN,   /* nova: forced_down=false */
	OP_ENABLE,       /* nova: enable */
	OP_ASK,          /* one instance: server and its newest evacuation; answers views[0] */
	OP_RESET_STATE,  /* nova: os-resetState error */
	OP_EVACUATE,     /* nova: evacuate one instance */
	OP_STOP,         /* nova: os-stop one instance */
	OP_KIND_N
};
const char *op_kind_name(enum op_kind k);
/** op_kind_changes_world() - does this operation act on the world, rather than read it? */
bool op_kind_changes_world(enum op_kind k);

enum verdict { VERDICT_UNKNOWN = 0, VERDICT_UP, VERDICT_DEGRADED, VERDICT_SUSPECT, VERDICT_DOWN, VERDICT_N };
const char *verdict_name(enum verdict v);

struct engine_options {
	uint32_t monitor_n;                                /* monitors in use, 1..MONITOR_MAX; number 0 is nova */
	const char *monitor_name[MONITOR_MAX];             /* borrowed for the engine's life */
	char monitor_path[MONITOR_MAX][MONITOR_PATH_SIZE]; /* for records; "" = not said */
	int64_t service_down_time_ms;                      /* nova's own; the window of the mass rule */
	int64_t recheck_after_ms;                          /* suspect: how long before the second look */
	int64_t look_timeout_ms;                           /* one second look */
	uint32_t look_attempts;
	uint32_t mass_hosts_n; /* more than max(this, per mille) newly down in one window hold everything */
	uint32_t mass_per_mille;
	uint32_t mass_resume_n;          /* hosts a minute that are fenced once such a hold is over; 0 = any number */
	int64_t degraded_after_ms;       /* disagreeing monitors are told after this */
	uint32_t off_readings_n;         /* consecutive readings of off that make a proof, at least 2 */
	int64_t power_status_timeout_ms; /* one reading */
	uint32_t power_status_attempts;  /* readings per entry of proving before the level has failed */
	int64_t power_poll_ms;           /* re-reading while calls remain */
	int64_t cloud_timeout_ms;        /* one operation against the cloud */
	uint32_t cloud_attempts;
	int64_t list_timeout_ms;
	int64_t retry_ms, retry_max_ms; /* back-off of a retried operation: doubles from the first to the second */
	int64_t hold_retry_ms;          /* a held recovery tries again after this */
	uint32_t evacuate_per_host_n, evacuate_fleet_n; /* instances under way at once */
	uint32_t evacuate_attempts;                     /* calls per instance and try */
	int64_t evacuate_timeout_ms;                    /* the POST */
	int64_t evacuate_settle_ms;                     /* a lost call may still show up for so long */
	int64_t rebuild_timeout_ms;                     /* after that an evacuation under way counts as stuck */
	int64_t poll_ms;           /* longest pause between two looks at the evacuations under way */
	int64_t return_timeout_ms; /* a host seen on again has so long to report its nova-compute */
	int64_t start_window_ms;   /* an operation starts within this of its confirmation */
	int64_t store_retry_ms;    /* a refused record is offered again after this */
	bool reset_unsupported;    /* paused, suspended, rescued: reset to ERROR and evacuate; else refuse by name */
	bool dry_run;              /* decide, start nothing that changes the world */
	uint32_t recoveries_n;     /* that run at once, of all segments; 0 = any number */
	int64_t cool_down_ms; /* a host that was fenced or taken back is not fenced by itself for so long; 0 = off */
	uint32_t flaps_n; /* so many fences within flap_window_ms, and the next one waits for an operator; 0 = off */
	int64_t flap_window_ms;
};

/** engine_options_default() - the documented defaults; the caller changes what it wants. */
struct engine_options engine_options_default(void);

struct host_policy_level {
	char device[DEVICE_NAME_SIZE];
	uint64_t key;       /* identity of device and plug; another key must prove itself anew */
	uint32_t attempts;  /* power-offs per entry, at least 2 */
	int64_t timeout_ms; /* one power-off */
};

/* What is done once every other gate says go. */
enum host_mode {
	MODE_AUTOMATIC = 0,
	MODE_ASK,     /* hold until an operator approves */
	MODE_OBSERVE, /* write down and tell what would be done, and do nothing */
	MODE_N
};
const char *host_mode_name(enum host_mode m);

/* What the configuration says of one host. */
struct host_policy {
	bool is_in_segment;    /* false: never fenced */
	uint32_t must_be_dead; /* monitors (1 << number) that all have to say dead */
	bool recover_disabled; /* fence although an operator disabled it */
	bool let_return;       /* powered on by others before its evacuations ended: leave it on */
	enum host_mode mode;
	uint32_t level_n;
	struct host_policy_level level[FENCE_LEVEL_MAX];
	uint32_t
	    segment; /* its number in the configuration, UINT32_MAX = none; hosts of one number share what follows */
	char segment_name[SEGMENT_NAME_SIZE]; /* by which an operator suspends it; "" = in none */
	uint32_t recoveries_n;                /* of the segment that run at once; 0 = any number */
	uint32_t healthy_percent;             /* of its hosts that have to be left up; 0 = none */
	uint32_t window_n;
	struct window window[WINDOW_MAX]; /* while one is open it is not fenced */
	bool is_control_plane; /* it carries the control plane's own quorum and is fenced on an operator's word only */
};

struct engine_evidence {
	uint32_t host; /* from engine_host_add() */
	uint32_t monitor;
	enum sign sign;
	int64_t seen_ms;    /* when it was seen, for a poll: when the question was asked */
	int64_t expires_ms; /* after this it counts as unknown */
};

struct engine_service {
	uint32_t host;
	int64_t asked_ms; /* when the question was asked */
	const struct service_view *view;
};

struct op_end {
	uint64_t op;
	enum outcome outcome;
	enum fault_class fault;
	enum power power;                  /* OP_POWER_STATUS */
	const char *reason;                /* a sentence for people, may be NULL; borrowed */
	const struct instance_view *views; /* OP_LIST, OP_MIGRATIONS, OP_ASK; borrowed */
	uint32_t view_n;
};

enum operator_verb {
	OPERATOR_MAINTENANCE_ON,
	OPERATOR_MAINTENANCE_OFF,
	OPERATOR_RELEASE,
	OPERATOR_APPROVE,
	OPERATOR_CONFIRM_DEAD,
	OPERATOR_SUSPEND,
	OPERATOR_RESUME,
	OPERATOR_VERB_N
};

struct operator_word {
	enum operator_verb verb;
	const char *host;         /* maintenance, confirm-dead */
	const char *recovery;     /* release, approve */
	const char *who;          /* "name (uid 1000)" */
	const char *despite_life; /* reason, or NULL */
	int64_t until_wall_ms;    /* maintenance on, suspend: when it ends by itself; 0 = not */
	const char *segment;      /* suspend, resume: NULL = every host */
	const char *reason;       /* suspend; may be NULL */
};

enum engine_event_type {
	ENGINE_STARTED,  /* records: everything the store holds; once, first, after the policies of all hosts */
	ENGINE_EVIDENCE, /* a batch */
	ENGINE_SERVICES, /* a batch: nova's service records that changed, or were seen after a question of ours */
	ENGINE_DEVICE,   /* a routine reading of a fence device: host, level, power */
	ENGINE_OP_ENDED,
	ENGINE_PERSISTED, /* seq, outcome */
	ENGINE_TIMER,     /* also: give me the rest of the actions */
	ENGINE_STALLED,   /* the process stood still or a clock jumped by stall_ms: ageing evidence is thrown away */
	ENGINE_LEASE,     /* gained (epoch > 0) or lost (0) */
	ENGINE_OPERATOR,
	ENGINE_TOLD,           /* the outbox holds every message of a recovery's moment */
	ENGINE_MONITOR_HEALTH, /* a monitor as a whole works or not */
	ENGINE_EVENT_N
};

struct engine_event {
	enum engine_event_type type;
	int64_t now_ms, wall_ms;
	union {
		struct {
			const struct record *all;
			uint32_t n;
		} records;
		struct {
			const struct engine_evidence *all;
			uint32_t n;
		} evidence;
		struct {
			const struct engine_service *all;
			uint32_t n;
		} services;
		struct {
			uint32_t host, level;
			enum power power;
		} device;
		struct op_end op_end;
		struct {
			uint64_t seq;
			enum outcome outcome;
		} persisted;
		int64_t stall_ms;
		uint64_t epoch;
		struct operator_word word;
		struct {
			const char *recovery;
			enum moment moment;
		} told;
		struct {
			uint32_t monitor;
			bool is_ok;
			const char *reason;
		} health;
	};
};

enum engine_action_type {
	ACTION_PERSIST, /* make `record` durable, answer ENGINE_PERSISTED with seq */
	ACTION_START,  /* start operation `op` before start_by_ms, else answer FAULT_LATE; it must end by deadline_ms */
	ACTION_CANCEL, /* forget `op`: its answer is not wanted any more */
	ACTION_TELL,   /* tell people of `moment` of `recovery`; answer ENGINE_TOLD once it waits in the outbox */
	ACTION_ALERT,  /* tell the admins `text`; `key` drops duplicates */
	ACTION_LOG,    /* one line for the log: priority as syslog's */
};

struct engine_action {
	enum engine_action_type type;
	union {
		struct {
			uint64_t seq;
			struct record record;
			char note[REASON_SIZE]; /* why, for the history; "" = not a step worth a line */
		} persist;
		struct {
			uint64_t op;
			enum op_kind kind;
			uint32_t host; /* engine's number */
			uint32_t level;
			int64_t start_by_ms, deadline_ms;
			bool
			    is_patient; /* OP_POWER_STATUS: nobody waits for it, so it steps back behind what is urgent */
			int64_t since_ms; /* since when it is wanted: who has waited longest goes first */
			char host_name[HOST_NAME_SIZE];
			char recovery[RECOVERY_ID_SIZE];
			char instance[UUID_SIZE];
			char reason[REASON_SIZE]; /* OP_DISABLE */
			/* OP_ASK, OP_MIGRATIONS: only what the answer shows will count, so the cloud need not be asked for more */
			bool is_brief;
		} start;
		struct {
			uint64_t op;
		} cancel;
		struct {
			char recovery[RECOVERY_ID_SIZE];
			enum moment moment;
			uint32_t held_n;
		} tell;
		struct {
			char key[HOST_NAME_SIZE + 32];
			char text[ENGINE_TEXT_SIZE];
		} alert;
		struct {
			int priority;
			char text[ENGINE_TEXT_SIZE];
		} log;
	};
};

struct engine_actions {
	uint32_t n;
	bool again; /* more is waiting: step again with ENGINE_TIMER before anything else */
	struct engine_action all[ENGINE_ACTIONS_MAX];
};

/**
 * engine_create() - an engine that knows nothing yet.
 * @options: copied
 * Errors: -OSHA_E_NOMEM as NULL. The caller destroys it.
 */
struct engine *engine_create(const struct engine_options *options);
/** engine_destroy() - give its memory back; accepts NULL. */
void engine_destroy(struct engine *e);
/** engine_options_set() - new configuration, between two steps; affects what is decided from now on. */
void engine_options_set(struct engine *e, const struct engine_options *options);

/**
 * engine_reserve() - room for so many hosts and instances in all, before a step that may need it. Never shrinks.
 * Before ENGINE_STARTED: hosts and instances of the records. Before the end of OP_LIST: engine_instance_n() + view_n.
 * Returns 0 or -OSHA_E_NOMEM, with everything as it was.
 */
int engine_reserve(struct engine *e, uint32_t host_n, uint32_t instance_n);
uint32_t engine_instance_n(const struct engine *e);

/** engine_host_add() - the number of this host, new or known; UINT32_MAX when there is no room. Exact names only. */
uint32_t engine_host_add(struct engine *e, const char *name);
/** engine_host_find() - the number of a known host, or UINT32_MAX. */
uint32_t engine_host_find(const struct engine *e, const char *name);
/**
 * engine_host_set_policy() - what the configuration says of it; copied. A host is in no segment and has no fence device until then: set it
 * before ENGINE_STARTED for every host that the records or the configuration name, or no power is read again before they go on.
 */
void engine_host_set_policy(struct engine *e, uint32_t host, const struct host_policy *policy);

/**
 * engine_step() - one event in, actions out.
 * @ev: borrowed, everything it points to as well
 * @ret_actions: overwritten
 *
 * Returns 0, or for ENGINE_OPERATOR a positive OPERATOR_* outcome below with the sentence in @reterr. Never blocks, never allocates.
 */
int engine_step(
    struct engine *e, const struct engine_event *ev, struct engine_actions *ret_actions, struct osha_err *reterr);
enum { OPERATOR_REFUSED = 1, OPERATOR_NOT_FOUND = 2 };

/** engine_next_deadline_ms() - when to step with ENGINE_TIMER at the latest; INT64_MAX when nothing waits for time. */
int64_t engine_next_deadline_ms(const struct engine *e);

/* --- looking in: what report shows; pointers are valid until the next step --- */

struct host_snapshot {
	const struct host_record *record;
	const struct host_policy *policy;
	enum verdict verdict;
	struct {
		enum sign sign; /* with expiry applied */
		int64_t seen_ms, since_ms;
	} evidence[MONITOR_MAX];
	bool service_known, disabled, forced_down, disabled_by_us;
	int64_t updated_at_ms;
	const struct recovery_record *recovery; /* open one, or NULL */
	const char *op;                         /* operation under way, or "" */
	int64_t op_deadline_ms;                 /* INT64_MAX when none */
	int64_t wake_ms;                        /* when it acts by itself next; INT64_MAX when only an event moves it */
	char held_back_by[ENGINE_TEXT_SIZE];    /* what would stop fencing it now; "" when nothing */
	char calm[ENGINE_TEXT_SIZE]; /* the suspension, window or rule that would hold it now; "" when none */
	bool is_in_window;
};

uint32_t engine_host_n(const struct engine *e);
void engine_host_snapshot(const struct engine *e, uint32_t host, int64_t now_ms, struct host_snapshot *ret);
/** engine_recovery_next() - iterate open recoveries: start with @after NULL; NULL at the end. */
const struct recovery_record *engine_recovery_next(const struct engine *e, const struct recovery_record *after);
/** engine_instance_next() - iterate the instances of one open recovery in order of selection. */
const struct instance_record *engine_instance_next(
    const struct engine *e, const struct recovery_record *of, const struct instance_record *after);
/** engine_suspension_next() - iterate the suspensions that hold now: start with @after NULL; NULL at the end. */
const struct suspension_record *engine_suspension_next(const struct engine *e, const struct suspension_record *after);
/** engine_fencing_n() - recoveries that are being fenced: the power is cut, is read to prove it, or is about to be cut since it was read off. */
uint32_t engine_fencing_n(const struct engine *e);
/** engine_is_settled() - is every recovery either at rest (recovered, held) or closed, and every host judged? For --once. */
bool engine_is_settled(const struct engine *e, int64_t now_ms);
