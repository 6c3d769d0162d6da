/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oshad's inside: one struct that wires engine, journal, drivers and loop together, and the functions that its files share. No file of
 * this room decides anything about a host; they carry events in and actions out. Included by this room alone.
 */
#pragma once

#include "config/config.h"
#include "drivers/driver.h"
#include "engine/engine.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/probe.h"
#include "journal/journal.h"
#include "journal/lease.h"

enum {
	EXIT_ALL_WELL = 0,
	EXIT_INTERNAL = 1,
	EXIT_CONFIG = 2,
	EXIT_NOT_RECOVERED = 3,
	EXIT_NO_CLOUD = 4,
};

enum {
	DAEMON_STALL_MS = 3000,     /* a turn or a wake-up later than this throws away what was seen before */
	DAEMON_WALL_STEP_MS = 5000, /* likewise a step of the wall clock */
	DAEMON_ROUTINE_MAX = 8,     /* routine readings of devices at a time */
	DAEMON_HELD_MAX = 64,
	DAEMON_EVIDENCE_MAX = 256, /* pieces of evidence carried to the engine at once */
};

#define DAEMON_JOURNAL_NAME "journal.db"   /* in state-dir; the osha command reads it there */
#define DAEMON_FLIGHT_NAME  "flight.jsonl" /* likewise */

struct telling;
struct control;
struct recorder;

/* What a fence device said when it was read last, whoever asked. */
struct daemon_reading {
	uint64_t key; /* of the device that was read: another one configured since has not been */
	enum power power;
	int64_t wall_ms; /* 0 = not yet */
	char reason[REASON_SIZE];
};

/* What the daemon knows of a host beside the engine; same number as in the engine. */
struct daemon_host {
	char name[HOST_NAME_SIZE];
	uint64_t device_key[FENCE_LEVEL_MAX]; /* of the configured levels, device_n of them */
	uint32_t device_n;
	uint32_t level_n; /* levels in use: none where a device is also another host's */
	bool is_listed;   /* in the newest listing */
	bool was_listed;  /* the one under way has it */
	bool is_gone;     /* the newest listing left it out */
	bool has_view;
	struct service_view view;
	/* routine readings of its fence devices */
	int64_t read_next_ms;
	uint32_t read_level; /* the one to read next */
	bool is_reading;
	bool was_read;   /* each level was asked at least once since the start */
	int64_t rest_ms; /* until the next round, as its levels want it */
	struct daemon_reading reading[FENCE_LEVEL_MAX];
};

/* A routine reading of a fence device under way. */
struct daemon_place {
	struct daemon_asked {
		struct daemon *d;
		uint32_t host, level;
		uint64_t key; /* of the device that is asked */
	} g;
	struct fence_run *run;
	bool is_used;
};

struct daemon_ops;
struct daemon_event;

struct daemon {
	/* given */
	const char *config_path;
	bool is_once, is_dry_run;
	int log_level;                           /* enum log_priority, -1 = as configured */
	const struct lease_driver *lease_driver; /* NULL: this machine is alone */

	/* rooms */
	struct io_loop *loop;
	struct io_http *http;
	struct config *cfg;
	struct journal *journal;
	struct engine *engine;     /* moved through recorder.h alone */
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct driver_env env;     /* what drivers may use: loop, prober, configuration, cloud session */
	struct monitor *monitor[CONFIG_MONITOR_N];
	struct telling *telling;
	struct control *control;
	struct store_record store;
	char temporary_dir[64]; /* of a dry run's journal */

	/* leading: lead.c */
	struct {
		struct lease *lease;
		bool is_open;      /* the daemon is there as a whole: it may begin to lead at any time */
		bool is_granted;   /* it has the lease, and may not lead yet */
		bool is_on;        /* it leads: its engine has the store's records under its epoch */
		bool is_over;      /* an act was refused since nothing of the lease was left */
		uint64_t epoch;    /* as the lease gave it; 0 = the store counts */
		uint64_t engine_n; /* engines before this one: what the journal answers to those is not for it */
		struct io_timer timer;
	} lead;

	/* motion */
	struct engine_actions *actions;
	bool is_stepping;
	bool has_recoveries;         /* open ones, as of the last step */
	struct io_timer timer;       /* the engine's next deadline */
	struct io_timer flush_timer; /* evidence gathered in this turn */
	struct engine_evidence evidence[DAEMON_EVIDENCE_MAX];
	uint32_t evidence_n;
	struct daemon_event *deferred; /* events that arose inside a step, in order */
	size_t deferred_n, deferred_cap;
	bool drain_posted; /* journal answers wait; set by the journal's thread, __atomic */
	bool store_is_bad;
	int64_t store_bad_ms;

	/* hosts */
	struct daemon_host *hosts;
	uint32_t host_cap;
	uint32_t listings; /* seen whole */
	bool nova_is_bad;
	char nova_reason[REASON_SIZE];

	/* operations under way */
	struct daemon_ops *ops;
	uint32_t agents_running, agents_patient;       /* the second: those of them that nobody waits for */
	struct daemon_place place[DAEMON_ROUTINE_MAX]; /* few, so that routine never stands in the way of a power-off */
	struct io_timer devices_timer, watchdog_timer, once_timer;
	struct {
		char id[RECOVERY_ID_SIZE];
		uint32_t entry;
	} held_before[DAEMON_HELD_MAX]; /* holds that --once found: each gets its retry before the pass is over */
	uint32_t held_before_n;

	bool is_stopping;
	int exit_status;
	struct cloud_session *old_cloud; /* of the configuration before: what it began goes on to its end */
	struct io_timer old_timer;
	bool is_reload_wanted;   /* once those calls are over */
	struct config *next_cfg; /* a reload under way: its configuration */
	struct config_problems next_problems;
};

/* life.c: from configuration to a running loop, and back */
int daemon_open(struct daemon *d, struct osha_err *reterr);
int daemon_run(struct daemon *d, struct osha_err *reterr);
void daemon_close(struct daemon *d);
/** daemon_stop() - end the loop with this exit status; the first one counts. */
void daemon_stop(struct daemon *d, int exit_status);
struct engine_options daemon_engine_options(const struct daemon *d);
/** daemon_cloud_open() - sign-in data and session from the configuration; @ret is the caller's. */
int daemon_cloud_open(
    struct io_loop *loop, const struct config *cfg, struct cloud_session **ret, struct osha_err *reterr);
void daemon_problems_log(const struct config_problems *problems);

int daemon_log_open(struct daemon *d, const struct config *cfg, struct osha_err *reterr);

/* lead.c: who may act */
/** lead_open() - contend; with the journal, before anything that acts. A machine that is alone leads when this returns. */
int lead_open(struct daemon *d, struct osha_err *reterr);
/** lead_start() - everything is there: from here on the lease may come and go. */
void lead_start(struct daemon *d);
void lead_close(struct daemon *d);
/** lead_is_on() - does it lead, as far as it knows? lead_may_act() - and has its lease time left now? To be asked right before each act. */
bool lead_is_on(const struct daemon *d);
bool lead_may_act(struct daemon *d);
/** lead_left_ms() - so long it may still act. lead_start_by_ms() - a start window, no longer than that. */
int64_t lead_left_ms(const struct daemon *d);
int64_t lead_start_by_ms(const struct daemon *d, int64_t start_by_ms);
/** lead_look() - it may have stood still: is the lease over? Not from inside a step. */
void lead_look(struct daemon *d);
/** lead_resign() - stop leading and let another one have it; false: it does not lead, or there is no other. Not from inside a step. */
bool lead_resign(struct daemon *d, const char *why);

/* reload.c */
void daemon_reload(struct daemon *d);
/** reload_close() - what a reload left behind. */
void reload_close(struct daemon *d);

/* pump.c: events in, actions out */
/**
 * daemon_event() - one event into the engine, and everything that follows from it.
 * @ev: borrowed with all it points to; times are filled in here
 * Not from inside a step: use daemon_defer_*(). Returns what engine_step() returned.
 */
int daemon_event(struct daemon *d, struct engine_event *ev, struct osha_err *reterr);
/** daemon_timer() - let the engine look at the clock. */
void daemon_timer(struct daemon *d);
/** daemon_defer_*() - events that may arise inside a step; carried in order afterwards. Texts are copied. */
void daemon_defer_op_end(
    struct daemon *d, uint64_t op, enum outcome outcome, enum fault_class fault, const char *reason);
void daemon_defer_persisted(struct daemon *d, uint64_t seq, enum outcome outcome);
/** daemon_defer_forget() - the engine that they were for is gone. Not from inside a step. */
void daemon_defer_forget(struct daemon *d);
/** daemon_told() - the outbox holds every message of this moment. Fit to be called from telling_tell(). */
void daemon_told(struct daemon *d, const char *recovery, enum moment moment);

/* keeping.c: records to the journal, answers back */
void keeping_submit(struct daemon *d, const struct engine_action *a);
void keeping_notify(void *daemon);
void keeping_answer(void *daemon, const struct journal_answer *a);
/** keeping_load() - all records into the engine as its first event. */
int keeping_load(struct daemon *d, struct osha_err *reterr);
/** keeping_path() - the journal's file below the configured state directory. */
bool keeping_path(const struct config *cfg, char *ret_path, size_t size);
/* Records read before the engine's first event. */
struct keeping_records {
	struct record *all; /* owned */
	size_t n, cap;
};
int keeping_add(struct keeping_records *l, const struct record *r, struct osha_err *reterr);
int keeping_give(struct daemon *d, struct keeping_records *l, struct osha_err *reterr);

/* perform.c: operations */
void perform_start(struct daemon *d, const struct engine_action *a);
void perform_cancel(struct daemon *d, uint64_t id);
int perform_open(struct daemon *d, struct osha_err *reterr);
/** perform_close() - forget every operation without an answer. */
void perform_close(struct daemon *d);
/** perform_abandon() - forget every operation under way: how it ends is unknown. Not from inside a step. */
void perform_abandon(struct daemon *d);
/** perform_agent_freed() - a fence agent has ended: let the next one in line start. */
void perform_agent_freed(struct daemon *d);
/** perform_has_room_for_routine() - may a fence agent that nobody waits for be started now? */
bool perform_has_room_for_routine(const struct daemon *d);

/* hosts.c: who is there, and what the configuration says of them */
/** hosts_join() - the engine's number of this host, made known where it is new; UINT32_MAX when out of memory. */
uint32_t hosts_join(struct daemon *d, const char *name);
void hosts_policy(struct daemon *d, uint32_t host);
/** hosts_policy_all() - after a reload. */
void hosts_policy_all(struct daemon *d);
int hosts_watch(struct daemon *d, struct osha_err *reterr);
void hosts_unwatch(struct daemon *d);
/** hosts_again() - the engine is another one: let it see at once what the monitors see. */
void hosts_again(struct daemon *d);
/** hosts_evidence_flush() - what was gathered in this turn into the engine now. Not from inside a step. */
void hosts_evidence_flush(struct daemon *d);

/* devices.c: routine readings */
void devices_start(struct daemon *d);
void devices_stop(struct daemon *d);
/** devices_note() - remember what a status of this level has answered; @key: of its device when it was asked. */
void devices_note(struct daemon *d, uint32_t host, uint32_t level, uint64_t key, const struct fence_answer *answer);
/** devices_all_read() - has each fence device that is not yet known to read on been asked once? For --once. */
bool devices_all_read(struct daemon *d);

/* agents_check.c: configured keys against the agents' metadata */
typedef void (*agents_checked_fn)(struct daemon *d, struct config_problems *problems);
/** agents_check() - @fn comes once on the loop, never from inside; @cfg is borrowed until then, @problems as well. */
int agents_check(struct daemon *d, const struct config *cfg, struct config_problems *problems, agents_checked_fn fn,
    struct osha_err *reterr);

/* dry_run.c: what would be done */
int dry_run_journal(struct daemon *d, char *ret_path, size_t size, struct osha_err *reterr);
/** dry_run_load() - what the real journal knows of hosts and their devices; its recoveries are named and left alone. */
int dry_run_load(struct daemon *d, struct osha_err *reterr);
/** dry_run_tell() - print what was seen and what would be done. Inside a step. */
void dry_run_tell(struct daemon *d, const char *recovery, enum moment moment);
void dry_run_clean(struct daemon *d);

/* once.c: one pass */
void once_start(struct daemon *d);
/** once_look() - after each turn of the engine: is the pass over? */
void once_look(struct daemon *d);
