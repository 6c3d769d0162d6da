/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bed for the engine's tests: events in, actions out, a store that confirms at once, later or not at all, and a list of the operations
 * under way. Each start is held to "record before act" on what the store really confirmed. The expectations are the tests' own.
 */
#pragma once

#include "engine/state.h"

enum { BED_HOSTS = 400, BED_OPS = 64, BED_RECORDS = 4096, BED_TALK = 256, BED_LOG_SIZE = 65536 };

enum bed_store { BED_STORE_CONFIRMS, BED_STORE_WAITS, BED_STORE_REFUSES };

struct bed_talk {
	enum engine_action_type type; /* ACTION_TELL or ACTION_ALERT */
	enum moment moment;
	uint32_t held_n;
	char key[HOST_NAME_SIZE + 32];
	char text[ENGINE_TEXT_SIZE];
};

struct bed {
	struct engine *e;
	struct engine_options o;
	struct engine_actions *actions;
	int64_t now_ms;
	enum sign sign[BED_HOSTS][2]; /* what nova and probe see now */
	uint32_t host_n;
	enum bed_store store;
	struct record *durable, *on_its_way;
	uint64_t *seq;
	uint32_t durable_n, waiting_n;
	struct engine_action op[BED_OPS]; /* ACTION_START of what is under way */
	uint32_t op_n;
	uint32_t started[OP_KIND_N]; /* starts by kind */
	uint32_t cancelled;
	struct bed_talk talk[BED_TALK];
	uint32_t talk_n;
	char log[BED_LOG_SIZE];    /* lines of the log, as far as there is room */
	char warned[BED_LOG_SIZE]; /* those of them that are warnings, or worse */
	uint32_t line_n[8];        /* lines of the log by priority, all of them */
	bool keep_untold;          /* do not answer ACTION_TELL by itself */
	bool is_late;              /* answer every start of an acting operation with FAULT_LATE */
	uint32_t steps, again;     /* engine steps, and those that were asked for by `again` */
};

/** bed_new() - an engine with @host_n hosts h1.. seen alive, each with two fence levels that have read on. bed_free() gives it back. */
struct bed *bed_new(uint32_t host_n, const struct engine_options *o);
void bed_free(struct bed *b);
/** bed_restart() - kill it: a new engine with what is durable; nothing is under way, nothing has been seen. */
void bed_restart(struct bed *b);
/** bed_policy() - the policy that bed_new() gives each host. */
struct host_policy bed_policy(uint32_t host);
/** bed_event() - one event, every action of it, and what the store answers to them. */
int bed_event(struct bed *b, struct engine_event *ev, struct osha_err *reterr);
/** bed_settle_store() - deliver what the store was asked for, by its present mood. */
void bed_settle_store(struct bed *b, bool is_confirmed);
/** bed_see() - both monitors report what `sign` says of this host. */
void bed_see(struct bed *b, uint32_t host);
void bed_set(struct bed *b, uint32_t host, enum sign nova, enum sign probe);
/** bed_service() - nova's service record of the host, asked for now. */
void bed_service(struct bed *b, uint32_t host, const struct service_view *v);
/** bed_pass() - let time go by; timers fire when they are due. */
void bed_pass(struct bed *b, int64_t ms);
/** bed_op() - the oldest operation of this kind under way, NULL = none. */
struct engine_action *bed_op(struct bed *b, enum op_kind kind);
/** bed_end() - the oldest operation of this kind ends so; fails the test when there is none. */
void bed_end(struct bed *b, enum op_kind kind, enum outcome outcome, enum fault_class fault);
/** bed_end_why() - the same with a sentence, which may be NULL. */
void bed_end_why(struct bed *b, enum op_kind kind, enum outcome outcome, enum fault_class fault, const char *reason);
void bed_end_power(struct bed *b, enum power power);
void bed_end_views(struct bed *b, enum op_kind kind, const struct instance_view *v, uint32_t n);
/** bed_end_look() - the second look ends after both monitors reported. */
void bed_end_look(struct bed *b, uint32_t host);
int bed_say(
    struct bed *b, enum operator_verb verb, const char *name, const char *despite_life, struct osha_err *reterr);
/** bed_recovery() - the open recovery of the host as the engine holds it, NULL = none. */
const struct recovery_record *bed_recovery(struct bed *b, uint32_t host);
enum host_row bed_row(struct bed *b, uint32_t host);
/** bed_durable() - the same as the store holds it. */
const struct recovery_record *bed_durable(struct bed *b, const char *host);
const struct instance_record *bed_instance(struct bed *b, uint32_t host, const char *uuid);
uint32_t bed_told(const struct bed *b, enum moment m);
uint32_t bed_alerts(const struct bed *b, const char *key_begin);
/** bed_view() - one server, ACTIVE, without an evacuation. */
struct instance_view bed_view(uint32_t number, const char *host);
/** bed_moved() - the same with an evacuation that is done. */
struct instance_view bed_moved(uint32_t number, const char *from, const char *to, int64_t migration);

/* The steps of a recovery, each asserting that the one before has led there. */
void bed_to_fencing(struct bed *b, uint32_t host);
void bed_to_proven(struct bed *b, uint32_t host);
void bed_to_listing(struct bed *b, uint32_t host);
/** bed_to_recovered() - all the way, with one instance moved to h2. */
void bed_to_recovered(struct bed *b, uint32_t host);
/** bed_dies() - it is silent for as long as it takes to be confirmed, wherever that leads. bed_die_together() - the first @n hosts are. */
void bed_dies(struct bed *b, uint32_t host);
void bed_die_together(struct bed *b, uint32_t n);
/** bed_marked_service() - nova's record of h1 with the marks of its first recovery, last reported then. */
void bed_marked_service(struct bed *b, int64_t updated_ms);
/** bed_breaker_says() - the breaker holds h1 with a reason that has @says in it; NULL: it does not hold it. Frees the bed. */
void bed_breaker_says(struct bed *b, const char *says);
