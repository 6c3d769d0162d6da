/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of a call, shared by call.c (the order of steps), call_build.c (requests) and call_step.c (answers). For
 * nobody else.
 */
#pragma once

#include "base/json.h"
#include "base/strbuf.h"
#include "cloud/call.h"
#include "cloud/rows.h"

enum step {
	STEP_END = 0,
	STEP_SERVICES,   /* list of services, of one binary or all */
	STEP_FIND,       /* the one nova-compute of exactly this host */
	STEP_CHANGE,     /* PUT on the service found */
	STEP_DETAIL,     /* pages of /servers/detail; when nova cannot give them, pages of the short list */
	STEP_SINGLE,     /* each server of the short list by itself */
	STEP_MIGRATIONS, /* pages of evacuations of the host */
	STEP_ASK,        /* each pending server by itself ... */
	STEP_HISTORY,    /* ... and its evacuations; then back to STEP_ASK for the next one */
	STEP_ACTION,     /* POST */
	STEP_PROJECT,
	STEP_ASSIGNMENTS,
	STEP_USER,
	STEP_N
};

/* What a judge of a step's answer decides. */
enum verdict_next {
	NEXT_AGAIN, /* same step: next page, next item */
	NEXT_STEP,  /* the row's next step */
	NEXT_STOP,  /* the result has been filled: failed, or done early */
};

struct cloud_call {
	enum cloud_kind kind;
	char host[HOST_NAME_SIZE];
	char instance[UUID_SIZE];
	char project[UUID_SIZE];
	char reason[256];

	const enum step *steps; /* of the kind, ended by STEP_END */
	size_t at;              /* index into steps */
	enum step step;         /* steps[at], or STEP_HISTORY within STEP_ASK */
	bool is_over;

	struct strbuf path;
	struct strbuf body;

	char marker[UUID_SIZE]; /* last id of the page before; "" at the first page */
	unsigned pages;
	bool is_short;          /* STEP_DETAIL fell back to the short list */
	size_t item;            /* of STEP_SINGLE, STEP_ASK, STEP_USER */
	unsigned failed_in_row; /* single look-ups that failed one after the other */

	bool is_brief;
	struct instance_view *pending; /* of STEP_ASK */
	size_t n_pending;
	struct migration_view *history; /* of the item in STEP_HISTORY */
	size_t n_history;

	struct cloud_result result;
};

/** call_build_path() - path and body of the current step into call->path, call->body; false when out of memory. */
bool call_build_path(struct cloud_call *call);
/** call_step_judge() - judge the answer to the current step. */
enum verdict_next call_step_judge(struct cloud_call *call, const struct cloud_answer *answer);
/** call_step_begin() - make the current step ready; false when it has nothing to ask and is to be skipped. */
bool call_step_begin(struct cloud_call *call);
/** call_step_is_mutating() - is the current request a PUT or POST? */
bool call_step_is_mutating(const struct cloud_call *call);

/** call_people_judge() - STEP_PROJECT, STEP_ASSIGNMENTS, STEP_USER. */
enum verdict_next call_people_judge(struct cloud_call *call, const struct cloud_answer *answer);

/** call_stop_failed() - end by a request that failed. */
enum verdict_next call_stop_failed(struct cloud_call *call, const struct cloud_answer *answer);
/** call_stop_garbage() - end by an answer that cannot be understood. */
enum verdict_next call_stop_garbage(struct cloud_call *call, const struct cloud_answer *answer, const char *why);
/** call_stop() - end refused for a reason of our own. */
enum verdict_next call_stop(struct cloud_call *call, enum fault_class fault, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/** call_body() - parse a 200 answer; NULL when there is none or it is no object. The caller frees it. */
cJSON *call_body(const struct cloud_answer *answer);
