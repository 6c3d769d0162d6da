/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's inside: what it holds in memory, and the functions that its files share. Everything lives in arrays that
 * engine_reserve() sized; things refer to each other by index. Included by the engine alone.
 *
 * A thing (host record, recovery, instance) that has something to do stands in the ready queue; a thing that waits for time stands in
 * the heap. run.c drains the queue into actions, stops when the action list is full and goes on with the next step.
 */
#pragma once

#include "engine/engine.h"
#include "engine/workflow.h"

#define NEVER_MS INT64_MAX
enum { NIL = UINT32_MAX };

enum thing_type { THING_HOST = 0, THING_RECOVERY = 1, THING_INSTANCE = 2, THING_SUSPENSION = 3 };
/* thing reference: type in the two highest bits, index below */
#define THING_REF(type, index) (((uint32_t)(type) << 30) | (index))
#define THING_TYPE(ref)        ((enum thing_type)((ref) >> 30))
#define THING_INDEX(ref)       ((ref)&0x3fffffffu)

enum work_phase {
	WORK_IDLE = 0,
	WORK_ARMED,     /* the record that announces the operation is not yet confirmed */
	WORK_CONFIRMED, /* start it now */
	WORK_RUNNING,
};

/* What every thing has: a record to keep durable and at most one operation. */
struct work {
	uint32_t heap_at; /* place in the heap, NIL when not in it */
	bool queued;      /* stands in the ready queue */
	bool dirty;       /* the record differs from what was last given to the store */
	bool announced;   /* the record on its way to the store carries the armed intent */
	enum work_phase phase;
	enum op_kind kind;
	uint32_t gen;       /* raised with each operation, so that a late answer is known as such */
	uint64_t out_seq;   /* record on its way to the store, 0 = none */
	uint64_t cancel_op; /* operation to forget, 0 = none */
	int64_t
	    confirmed_ms; /* when the announcement became durable: the operation starts within start_window_ms of it */
	int64_t began_ms, deadline_ms;
	int64_t
	    since_ms;    /* since when the operation is wanted, however often it was late; 0 = it was not started yet */
	int64_t wake_ms; /* when the row acts by itself */
	char note[REASON_SIZE];
};

/* A reading beside the main operation: changes nothing in the world, hence no record. */
struct look {
	bool running, cancel;
	bool is_patient; /* nobody waits for it */
	bool is_missed;  /* the last one found no place in time */
	uint32_t gen;
	int64_t next_ms, began_ms, deadline_ms;
	int64_t since_ms; /* since when an answer is wanted, however often it was given up meanwhile; 0 = it is not */
};

struct host {
	struct host_record rec;
	struct work work;
	struct host_policy policy;
	struct {
		enum sign sign;
		int64_t seen_ms, since_ms, expires_ms;
	} evidence[MONITOR_MAX];
	bool service_known, disabled, forced_down;
	char disabled_reason[REASON_SIZE];
	int64_t updated_at_ms; /* nova's clock */
	int64_t
	    dead_since_ms; /* our clock: since when no required monitor is alive and some say dead; NEVER_MS = it is not so */
	int64_t back_ms,
	    back_from_ms;    /* our clock: when it was heard again, and since when it had looked dead; 0 = never */
	int64_t reported_ms; /* our clock: when `updated_at` was last seen to have moved; 0 = not yet */
	int64_t listed_ms;   /* our clock: when the newest record of it was asked for */
	int64_t off_since_ms
	    [FENCE_LEVEL_MAX]; /* our clock: first reading of off while it was up ever since; NEVER_MS = none */
	int64_t odd_since_ms;  /* since when the monitors disagree */
	int64_t cooling_ms;    /* our clock: when its cool-down began; after a restart, our start */
	int64_t fenced_ms[FENCE_MEMORY_MAX]; /* our clock: the same moments as in the record */
	uint32_t recovery;                   /* open one, NIL */
	uint32_t hash_next;
};

enum { UNSAID_MAX = 4 }; /* changes of row whose lines wait for the record */

/* A change of row that the log has not told yet. */
struct unsaid {
	enum host_row from, to;
	char why[REASON_SIZE];
};

struct recovery {
	struct recovery_record rec;
	struct work work;
	struct look power, poll;
	uint32_t host;
	uint32_t first, last; /* instances */
	uint32_t instance_n, waiting_n, active_n, ended_n;
	bool is_used;
	bool is_detached;            /* it has ended and is only to be told: its host may have another one */
	bool has_place;              /* counts among the recoveries that run at once; see limit.h */
	bool from_before;            /* opened before this start */
	bool proof_checked;          /* power was read again since this start */
	bool proof_durable;          /* the store confirmed the record that holds the proof */
	uint32_t unknown_readings;   /* of the device since this start, before one that said anything */
	uint32_t rounds;             /* of evacuating and verifying in this try */
	bool tell_pending;           /* an ACTION_TELL is on its way */
	uint16_t tell_held_n;        /* held_n that it said */
	int64_t proof_ms;            /* our clock, when the proof was written; 0 after a restart */
	int64_t baseline_asked_ms;   /* service records asked for after this may be compared with... */
	int64_t baseline_updated_ms; /* ...this `updated_at`; 0 = not yet seen */
	int64_t alive_seen_ms;       /* last sign of life that counted; 0 = none */
	int64_t cleaning_until_ms;
	int64_t filling_ms;  /* our clock: since when its instances could have been called; 0 = not yet in this entry */
	bool waits_for_nova; /* said already */
	int64_t called_ms;   /* our clock: when the newest evacuate call was sent */
	int64_t relied_ms; /* our clock: when another recovery last asked whether this host is proven dead; 0 = never */
	int64_t off_read_ms; /* our clock: when its device last read off; 0 = not since this start */
	int64_t
	    powerless_ms; /* our clock: held for a mass failure, its device has read off so often that it is dead for certain; 0 = not so */
	bool has_turn;        /* it is its turn among those that the breaker lets go by rate */
	uint32_t powerless_n; /* readings of off in a row that lead there */
	uint32_t next_free;
	struct unsaid unsaid[UNSAID_MAX];
	uint32_t unsaid_n, unsaid_out_n; /* all, and those that the record on its way to the store makes durable */
};

struct instance {
	struct instance_record rec;
	struct work work;
	uint32_t recovery, next, hash_next;
	bool is_used;
	bool has_slot;            /* counts against the limits */
	int64_t call_ms;          /* our clock: when the call was sent; after a restart, when we started */
	int64_t rebuild_until_ms; /* stuck after this */
	int64_t retry_ms;         /* back-off in use */
	uint32_t rested_attempt;  /* failed calls after which it has already waited */
	uint32_t side_steps;      /* resets and stops begun in this try */
};

/* Fencing suspended for every host or for a segment; see calm.c. */
struct suspension {
	struct suspension_record rec;
	struct work work;
	bool is_used;
	bool was_active; /* when it was last looked at */
};

/* a record on its way to the store */
struct engine_pending {
	uint64_t seq;
	uint32_t ref;
};

struct engine {
	struct engine_options o;
	struct store_record store;
	bool is_started;
	uint32_t recovery_count; /* opened in this epoch */
	uint64_t epoch;          /* 0 = not the leader: looks, does not act */
	int64_t now_ms, wall_ms, started_ms;
	int64_t stalled_ms; /* our clock: the end of the last time that we stood still; 0 = never */
	uint64_t seq_next;
	int64_t store_retry_at_ms;
	bool store_bad;
	bool monitor_bad[MONITOR_MAX];
	int64_t monitor_bad_ms[MONITOR_MAX];
	uint32_t fleet_active_n, fill_from;
	int64_t turn_ms; /* our clock: when the breaker last let a host go by rate; 0 = never */

	struct host *hosts;
	uint32_t host_n, host_cap;
	struct recovery *recoveries;
	uint32_t recovery_cap, recovery_free, recovery_n; /* recovery_n: in use */
	uint32_t detached_n; /* of these; never more than recovery_cap - host_cap, so that each host has its place */
	struct instance *instances;
	uint32_t instance_n, instance_cap, instance_free;
	uint32_t *host_hash, host_hash_n, *instance_hash, instance_hash_n;
	uint32_t *ready, ready_cap, ready_head, ready_n;
	uint32_t *heap, heap_n;
	struct engine_pending *pending;
	uint32_t pending_n;
	struct suspension suspensions[ENGINE_SUSPENSIONS_MAX];
	struct engine_actions *out; /* of the step under way */
};

/* reserve.c, and the lookups over what it sized */
struct host *engine_find_host(struct engine *e, const char *name);
struct recovery *engine_open_recovery(struct engine *e, uint32_t host);
/* an ended one, taken up to be told: in its host's place, or beside it where that is taken; NULL without room */
struct recovery *engine_take_ended_recovery(struct engine *e, uint32_t host);
/* it has ended: its host is free for another one; false without room for that, then it stays */
bool engine_detach_recovery(struct engine *e, struct recovery *r);
void engine_close_recovery(struct engine *e, struct recovery *r);
struct instance *engine_add_instance(struct engine *e, struct recovery *r, const char *uuid);
struct instance *engine_find_instance(struct engine *e, const struct recovery *r, const char *uuid);
void engine_drop_instances(struct engine *e, struct recovery *r);

static inline struct host *host_of(struct engine *e, const struct recovery *r)
{
	return &e->hosts[r->host];
}
static inline struct recovery *recovery_of(struct engine *e, const struct instance *i)
{
	return &e->recoveries[i->recovery];
}
static inline uint32_t host_ref(const struct engine *e, const struct host *h)
{
	return THING_REF(THING_HOST, (uint32_t)(h - e->hosts));
}
static inline uint32_t recovery_ref(const struct engine *e, const struct recovery *r)
{
	return THING_REF(THING_RECOVERY, (uint32_t)(r - e->recoveries));
}
static inline uint32_t instance_ref(const struct engine *e, const struct instance *i)
{
	return THING_REF(THING_INSTANCE, (uint32_t)(i - e->instances));
}

/* run.c: queue, heap, records and operations of things */
struct work *work_of(struct engine *e, uint32_t ref);
void work_queue(struct engine *e, uint32_t ref);
int64_t work_wake_ms(const struct work *w);
void work_wake_at(struct engine *e, uint32_t ref, int64_t ms);
void work_arm(struct engine *e, uint32_t ref, enum op_kind kind, int64_t budget_ms);
void work_disarm(struct engine *e, uint32_t ref);
void work_note(struct work *w, const char *text);
void engine_run(struct engine *e);
bool engine_out_is_full(const struct engine *e);
void engine_log(struct engine *e, int priority, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool engine_alert(struct engine *e, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* an ACTION_START whose times the caller fills in; NULL when the list is full, which engine_out_is_full() tells before */
struct engine_action *engine_emit_start(
    struct engine *e, uint64_t op, enum op_kind kind, const struct recovery *r, const struct instance *i);
void engine_emit_cancel(struct engine *e, uint64_t op);
/* operation number: which slot of which thing (2 bits), thing (32 bits), generation (30 bits) */
enum op_slot { SLOT_MAIN = 0, SLOT_POWER = 1, SLOT_POLL = 2 };
uint64_t op_number(enum op_slot slot, uint32_t ref, uint32_t gen);

/* verdict.c: evidence -> verdict */
enum verdict host_verdict(const struct engine *e, const struct host *h, int64_t now_ms, int64_t not_before_ms);
enum { SILENCES_MAX = MONITOR_MAX + 3 };
/** host_is_seen_up() - does every monitor that its policy names see it alive now? A verdict of up asks only those that can tell. */
bool host_is_seen_up(const struct engine *e, const struct host *h, int64_t now_ms);
/** host_is_up_in_nova() - may Nova's scheduler choose it? */
bool host_is_up_in_nova(const struct engine *e, const struct host *h, int64_t now_ms);
/** host_mistaken_ms() - has it stopped to report and looks dead, while Nova calls it up still? In how long Nova will know; -1 = it is not so. */
int64_t host_mistaken_ms(const struct engine *e, const struct host *h, int64_t now_ms);
/** host_silences() - when this host went silent in each way in which it is: by monitor, as a whole, by its record. Returns how many. */
uint32_t host_silences(const struct engine *e, const struct host *h, int64_t now_ms, int64_t ret_ms[SILENCES_MAX]);
/* write down what every monitor says of this host, what was seen before @not_before_ms as unknown */
void host_weigh(const struct engine *e, const struct host *h, int64_t not_before_ms, struct recovery_record *ret);
/* a death that is only observed begins to be followed */
void host_observe(struct engine *e, struct host *h, const char *recovery);
void host_take_evidence(struct engine *e, const struct engine_evidence *ev);
void host_take_service(struct engine *e, const struct engine_service *s);
void host_take_device(struct engine *e, uint32_t host, uint32_t level, enum power power);
void host_look(struct engine *e, struct host *h);
/* what other devices than the present ones have read counts for nothing */
void host_forget_devices(struct host *h);

/* the monitors (1 << number) of its policy that miss it, or begin to */
uint32_t host_silent_paths(const struct engine *e, const struct host *h, int64_t now_ms);

/* breaker.c: is the silence of this host part of a greater one? The reason goes to @ret_why. */
/** breaker_is_early() - has too little been heard since we started, or stood still, to tell how many are silent? Not for long. */
bool breaker_is_early(const struct engine *e, const struct host *h, int64_t now_ms);
bool breaker_holds(const struct engine *e, const struct host *h, int64_t now_ms, char *ret_why, size_t size);
struct gate_answer;
/* held before, and not yet its turn? When it may be: @ret->again_ms. */
bool breaker_paces(const struct engine *e, const struct recovery *r, int64_t now_ms, struct gate_answer *ret);
/* it enters fencing: where it goes by rate its turn is taken */
void breaker_take_turn(struct engine *e, struct recovery *r);
/* after a restart: who went last, and when, is not known; so somebody went just now */
void breaker_resume(struct engine *e);

/* gate.c: what holds a fence back */
enum gate { GATE_GO, GATE_WAIT, GATE_CLEAR, GATE_SKIP, GATE_OBSERVE, GATE_HOLD };
struct gate_answer {
	enum hold_cause cause;
	int64_t again_ms; /* worth asking again then, if that is before the hold's own time; 0 = it is not known */
	char why[REASON_SIZE];
};
enum gate fence_gate(
    const struct engine *e, const struct host *h, const struct recovery *r, int64_t now_ms, struct gate_answer *ret);
/* "power off by DEVICE, force down, disable, evacuate": of the level that would be used next; there has to be one */
void host_say_intent(const struct host *h, const struct recovery *r, char *ret, size_t size);
bool host_level_is_usable(const struct host *h, uint32_t level);
uint32_t host_next_level(const struct host *h, uint32_t from);
bool host_is_disabled_by(const struct host *h, const char *recovery_id);

/* host_flow.c: the interpreter of the host's table */
void recovery_open(struct engine *e, struct host *h);
void recovery_enter(struct engine *e, struct recovery *r, enum host_row row, const char *why);
/* through the gate into fencing, or where the gate sends it; @why "" = the row's own sentence */
void recovery_to_fencing(struct engine *e, struct recovery *r, const char *why);
void recovery_hold(struct engine *e, struct recovery *r, enum hold_cause cause, enum host_row back, const char *why);
void recovery_run(struct engine *e, struct recovery *r);
void recovery_op_ended(struct engine *e, struct recovery *r, const struct op_end *end);
bool recovery_may_start(struct engine *e, struct recovery *r);
int64_t recovery_wake_ms(const struct recovery *r);
/* its record is durable: say what it made so */
void recovery_say(struct engine *e, struct recovery *r);
void recovery_resume(struct engine *e, struct recovery *r);
bool recovery_proof_holds(const struct recovery *r);
void recovery_instance_ended(struct engine *e, struct recovery *r);
void recovery_compute_reports(struct engine *e, struct recovery *r);
void recovery_begin_proof(struct engine *e, struct recovery *r, enum proof_kind kind, const char *by);
/*
 * Is this host proven dead, and off at this moment? To ask is to rely on it: that is noted in relied_ms, and where the host's recovery is
 * at rest its power is read anew, so that a later question can be answered. False until then.
 */
bool engine_host_is_proven_dead(struct engine *e, const char *host);
/* host_judge.c: what an answer means for the host's row */
struct judged {
	enum outcome outcome;
	bool is_early;         /* not to be told yet: look again without counting the attempt */
	bool again;            /* transient: worth another attempt */
	enum hold_cause cause; /* HOLD_NONE = the row's own */
	enum host_row row;     /* HOST_ROW_NONE = the table's edge */
	char why[REASON_SIZE];
};
void recovery_judge(struct engine *e, struct recovery *r, const struct op_end *end, struct judged *ret);
/* host_watch.c: readings beside the main operation, signs of life, the way back */
void recovery_watch(struct engine *e, struct recovery *r);
void recovery_power_read(struct engine *e, struct recovery *r, const struct op_end *end);
void recovery_poll_read(struct engine *e, struct recovery *r, const struct op_end *end);
void recovery_sign_of_life(struct engine *e, struct recovery *r, const char *what);
bool recovery_is_watched(const struct recovery *r);
/* held among too many, but its own device says that it is off */
bool recovery_is_powerless(const struct engine *e, const struct recovery *r);
/* what the device read before counts no more, a reading under way neither */
void recovery_forget_readings(struct engine *e, struct recovery *r);
/* is the host being taken back, so that no instance of it is called any more? */
bool recovery_is_taking_back(const struct recovery *r);
/* instance_flow.c: the interpreter of the instance's table */
#define RETURNED_FIRST "the host returned before its turn came"
/* false: there is no room for it */
bool instance_select(struct engine *e, struct recovery *r, const struct instance_view *v);
/* a new try of the recovery: what was refused or held in the last one is asked for again, wherever it is by now */
void recovery_retry_instances(struct engine *e, struct recovery *r);
void instance_enter(struct engine *e, struct instance *i, enum instance_row row, const char *why);
void instance_log(struct engine *e, const struct instance *i, const char *note);
void instance_run(struct engine *e, struct instance *i);
void instance_op_ended(struct engine *e, struct instance *i, const struct op_end *end);
bool instance_may_start(struct engine *e, struct instance *i);
void instance_seen(struct engine *e, struct instance *i, const struct instance_view *v);
void instance_resume(struct engine *e, struct instance *i);
void recovery_fill(struct engine *e, struct recovery *r);
bool instance_is_ended(const struct instance_record *i);

/* instance_decide.c: pure: what is known of one instance -> what to do */
enum decision {
	DECIDE_AGAIN, /* not to be told yet: ask again soon */
	DECIDE_CALL,  /* nothing is under way: a call is safe */
	DECIDE_WATCH, /* an evacuation is under way */
	DECIDE_RESET, /* to ERROR first */
	DECIDE_STOP,  /* moved, but started: stop it */
	DECIDE_DONE,
	DECIDE_REFUSE,
	DECIDE_GONE,
	DECIDE_HOLD,
	DECISION_N
};
struct decide_facts {
	bool may_reset;  /* option */
	bool is_settled; /* the last call is older than evacuate_settle, and two readings since showed nothing of it */
	bool is_stuck;   /* the rebuild's time is over */
	bool dest_is_proven_dead;
	bool unfinished_is_dead; /* the destination of an older record under way was proven dead */
	bool has_attempts;       /* for another call */
	bool has_side_steps;     /* for another reset or stop */
};
/* is there no trace of a call of ours, in a reading that would show one? */
bool instance_shows_nothing(
    const struct instance_record *i, const struct instance_view *v, const struct decide_facts *f);
enum decision instance_decide(const struct instance_record *i, const struct instance_view *v,
    const struct decide_facts *f, char *ret_why, size_t size);

/* calm.c: suspensions, maintenance windows, hosts of the control plane */
/* true: it is not to be fenced now for one of them; @ret_why says which */
bool calm_holds(const struct engine *e, const struct host *h, const struct recovery *r, enum hold_cause *ret_cause,
    char *ret_why, size_t size);
/* how long a hold waits before it is looked at again: at most until what holds it ends by the clock */
int64_t calm_hold_wait_ms(const struct engine *e, const struct recovery *r);
/* a hold whose time is over: does the very same still hold it? Then nothing is told or looked at anew. */
bool calm_goes_on(const struct engine *e, const struct recovery *r);
/* suspension.c: the operator's word that suspends and resumes, and what ends by itself at its time */
int suspension_say(struct engine *e, const struct operator_word *w, struct osha_err *reterr);
bool suspension_is_active(const struct engine *e, const struct suspension *s);
void suspension_take(struct engine *e, const struct suspension_record *rec);
void suspension_run(struct engine *e, struct suspension *s);
/* each of them has to be looked at: after a start, a jump of the clock, a lease */
void suspension_queue_all(struct engine *e);
/* the end of a host's maintenance */
void host_run(struct engine *e, struct host *h);
/* operator.c */
int engine_operator(struct engine *e, const struct operator_word *w, struct osha_err *reterr);
/* restart.c */
void engine_take_records(struct engine *e, const struct record *all, uint32_t n);
