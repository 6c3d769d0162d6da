/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simulated time, and the machines that the daemons run on. Everything that will happen stands in one queue or in the timers of a daemon's
 * own loop; one seed decides all. clockwork.c answers to io/loop.h in place of the real loop, the files wire_*.c to the other headers of
 * that room, so that the daemon above them is the production code to the last line. One simulation a process, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "io/loop.h"

struct daemon;
struct io_usock;
struct sim_store;

enum { SIM_NODES_MAX = 2 };

/* The true wall clock at time zero of each run: 2026-01-01 00:00:00 UTC. */
#define SIM_WALL_ZERO_MS INT64_C(1767225600000)

/* A controller: a machine of the control plane with at most one daemon on it. */
struct sim_node {
	struct io_loop *loop;     /* NULL: no daemon runs here */
	struct daemon *daemon;    /* likewise */
	struct io_usock *control; /* its socket, NULL while it is not open */
	struct sim_store *store;  /* its disk */
	int64_t frozen_until_ms;  /* stopped (SIGSTOP, swap, hypervisor): nothing is called before this */
	int64_t stall_ms;         /* of the stop that it has not been told of yet */
	int64_t anew_ms; /* when it was last started, or told that it had stood still: what it knew is of before */
	int64_t wall_offset_ms; /* its wall clock against the true time */
	int64_t wall_step_ms;   /* of a jump that it has not been told of yet */
	bool is_dying;          /* killed: what it still does reaches nobody */
	bool stays_dead;        /* killed, and not started again */
	bool is_opening;        /* on the stack: it is cleared away once daemon_open() has returned */
	uint32_t starts;        /* lives so far */
};

typedef void (*sim_fn)(void *arg);
typedef void (*sim_heard_fn)(void *arg, const char *line);

struct sim_event {
	int64_t at_ms;
	uint64_t order;
	sim_fn fn;
	void *arg;
};

struct sim {
	int64_t now_ms;
	uint64_t order;
	struct sim_event *queue; /* a binary heap */
	size_t queue_n, queue_cap;
	struct rng rng;
	uint64_t hash; /* of everything that happened: equal on replay */
	struct sim_node node[SIM_NODES_MAX];
	struct sim_node *current; /* whose code runs; never NULL */
	bool is_traced;
	sim_heard_fn heard; /* every line of daemon and world, or NULL */
	void *heard_arg;
	bool is_over; /* the run has ended: events only give back what they hold */
	/* the daemon is killed at its k-th outward act; 0 = never */
	uint64_t acts, kill_at_act;
	void (*dying)(void); /* called right before that, or NULL */
	bool is_takeover;    /* and it stays dead: another controller is there */
	char violation[256]; /* the first one; "" = none */
	int64_t violation_ms;
};

extern struct sim sim;

/** sim_begin() - time zero of a run. sim_end() lets what is still queued give its memory back; before the realm ends. */
void sim_begin(uint64_t seed);
void sim_end(void);
/** sim_after() - call @fn(@arg) in @in_ms; it cannot be taken back, so what it needs has to outlive it. */
void sim_after(int64_t in_ms, sim_fn fn, void *arg);
/** sim_turn() - let the next thing happen, at @until_ms at the latest. False: nothing more until then; time is @until_ms. */
bool sim_turn(int64_t until_ms);
/** sim_enter() - @node's code runs from here on: tells stalls and clock jumps first. False: it cannot run now (dead, or frozen until its time). */
bool sim_enter(struct sim_node *node);
/** sim_act() - the current daemon is about to act outward. False: it was killed before it could. */
bool sim_act(void);
/** sim_kill() - kill -9 of the daemon on @node. sim_freeze() - stop it for so long. sim_wall_step() - its wall clock jumps. */
void sim_kill(struct sim_node *node);
void sim_freeze(struct sim_node *node, int64_t ms);
void sim_wall_step(struct sim_node *node, int64_t ms);
/** sim_node_of() - the machine that a loop is on. */
struct sim_node *sim_node_of(const struct io_loop *loop);
/** sim_say() - a line for whoever looks on: printed in a trace as @mark and text, and heard as text. */
void sim_say(const char *mark, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** sim_hash() - one more thing that has to be equal on replay. */
void sim_hash(const char *text);
/** sim_violated() - an invariant does not hold; the first one is kept. */
void sim_violated(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** sim_between() - a number in [low, high] from the run's seed. */
int64_t sim_between(int64_t low, int64_t high);
