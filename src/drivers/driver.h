/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The in-tree contract between the daemon and its drivers: monitors see, fencers cut power, evacuators change the cloud. A driver
 * starts something, reports one outcome on the loop and can be cancelled; deadlines, retries, records and log lines belong to the
 * daemon and the engine. Compiled in; no ABI is promised. Cancelling is not undoing: what was cancelled may have been done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vocab.h"
#include "config/config.h"

struct io_loop;
struct io_prober;
struct cloud_session;
struct cloud_service;

/* What the daemon lends to every driver. Its members change with a reload, so a driver keeps the struct and never a member. */
struct driver_env {
	struct io_loop *loop;
	struct io_prober *prober;
	const struct config *cfg;
	struct cloud_session *cloud;
};

/* What one monitor saw of one host. */
struct driver_evidence {
	const char *host; /* exact name; borrowed for the call */
	enum sign sign;
	int64_t seen_ms;    /* io_now_ms() when the question was asked */
	int64_t expires_ms; /* after this it counts as unknown */
};

/* Where a monitor's findings go. All pointers are borrowed for the call; called on the loop, never from inside a driver's own start. */
struct monitor_sink {
	void *arg;
	void (*evidence)(void *arg, const struct driver_evidence *all, uint32_t n);
	/* the monitor as a whole works or not; @reason is a sentence for people when not */
	void (*health)(void *arg, bool is_ok, const char *reason);
	/* nova only: every nova-compute record there is, as of a listing asked for at @asked_ms; comes before its evidence */
	void (*services)(void *arg, int64_t asked_ms, const struct cloud_service *all, size_t n);
};

struct monitor; /* each driver's own */

/** A second look is over: what it found was given to the sink before. */
typedef void (*monitor_looked_fn)(void *arg);

enum { MONITOR_LOOK_STARTED = 0, MONITOR_LOOK_NONE = 1 };

struct monitor_driver {
	const char *name;
	/**
	 * create() - begin to watch.
	 * @env: borrowed, outlives the monitor
	 * @sink: copied
	 */
	int (*create)(const struct driver_env *env, const struct monitor_sink *sink, struct monitor **ret,
	    struct osha_err *reterr);
	/** destroy() - stop; looks under way are forgotten without a call. NULL is fine. */
	void (*destroy)(struct monitor *m);
	/** host_set() - a host joined or its address changed; @address "" = it is not watched. May be NULL. Errors: -OSHA_E_NOMEM. */
	int (*host_set)(struct monitor *m, const char *host, const char *address, struct osha_err *reterr);
	/**
	 * look() - see this host anew: evidence whose question is asked after this call.
	 * Returns MONITOR_LOOK_STARTED (@fn comes once, on the loop) or MONITOR_LOOK_NONE (nothing to wait for). Errors: -OSHA_E_NOMEM.
	 */
	int (*look)(struct monitor *m, const char *host, monitor_looked_fn fn, void *arg, struct osha_err *reterr);
	/** reload() - the configuration in the env is another one. May be NULL. */
	void (*reload)(struct monitor *m);
};

extern const struct monitor_driver monitor_nova;
extern const struct monitor_driver monitor_probe;

/* --- fencers --- */

enum fence_action { FENCE_OFF = 0, FENCE_STATUS, FENCE_ON, FENCE_ACTION_N };

struct fence_answer {
	enum outcome outcome; /* off, on: what the device did; status: done when it could be read */
	enum power power;     /* status */
	enum fault_class fault;
	char reason[REASON_SIZE]; /* "" when done; secrets are masked */
};

typedef void (*fence_done_fn)(void *arg, const struct fence_answer *answer);
struct fence_run;

struct fence_job {
	const struct config_fence *level; /* borrowed for the call; its secrets go to the child's standard input only */
	enum fence_action action;
	int64_t timeout_ms;  /* > 0; afterwards the agent and all its children are killed */
	int64_t start_by_ms; /* CLOCK_BOOTTIME; not started by then, it never is: refused, FAULT_LATE; 0 = any time */
	fence_done_fn fn;    /* called once on the loop, never from inside fence_run_start() */
	void *arg;
};

/**
 * fence_run_start() - have a fence agent do one action on one device.
 * @job: borrowed for the call
 * @ret_run: for fence_run_cancel(); void once the callback was called
 *
 * Errors: -OSHA_E_NOTFOUND (no such agent), and as io_child_start(). Source: the ClusterLabs fence agent API.
 */
int fence_run_start(
    const struct driver_env *env, const struct fence_job *job, struct fence_run **ret_run, struct osha_err *reterr);
/** fence_run_cancel() - kill it; no call comes. NULL is fine. */
void fence_run_cancel(struct fence_run *run);

/* --- evacuators --- */

enum evacuator_verb {
	EVACUATOR_FORCE_DOWN = 0,
	EVACUATOR_CLEAR_DOWN,
	EVACUATOR_DISABLE,
	EVACUATOR_ENABLE,
	EVACUATOR_LIST,       /* servers of the host and evacuations from and onto it */
	EVACUATOR_MIGRATIONS, /* evacuations away from the host */
	EVACUATOR_ASK,        /* one instance */
	EVACUATOR_RESET_STATE,
	EVACUATOR_EVACUATE,
	EVACUATOR_STOP,
	EVACUATOR_VERB_N
};

struct evacuator_request {
	enum evacuator_verb verb;
	const char *host, *instance, *reason; /* borrowed for the call */
	int64_t timeout_ms;
	int64_t start_by_ms; /* what changes an instance is not sent after this (CLOCK_BOOTTIME); 0 = any time */
	bool is_brief;       /* ASK, MIGRATIONS: what the answer shows is all that is wanted; it may lack the rest */
};

struct evacuator_answer {
	enum outcome outcome;
	enum fault_class fault;
	const char *reason; /* "" when done; borrowed, as is all below */
	unsigned retry_after_s;
	const struct instance_view *views;
	uint32_t view_n;
};

typedef void (*evacuator_done_fn)(void *arg, const struct evacuator_answer *answer);
struct evacuator_run;

/**
 * evacuator_start() - one operation against the cloud.
 * @fn: called once on the loop, never from inside this function
 * Errors: as cloud_session_start(); then nothing was sent.
 */
int evacuator_start(const struct driver_env *env, const struct evacuator_request *request, evacuator_done_fn fn,
    void *arg, struct evacuator_run **ret_run, struct osha_err *reterr);
/** evacuator_cancel() - forget it; no call comes. NULL is fine. */
void evacuator_cancel(struct evacuator_run *run);
