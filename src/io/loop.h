/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop that carries every message: time, timers, signals, watched descriptors, work posted from other threads. One
 * thread runs it; unless a function says otherwise it may be called on that thread alone. It leaves what an event means
 * to the caller.
 *
 * Time is CLOCK_BOOTTIME, which goes on while the machine sleeps: a lease that ran out during a suspend must read as
 * run out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct io_loop;
struct io_starter;
struct io_watch;
struct uv_loop_s;

enum {
	IO_LOOP_POST_MAX = 4096, /* calls posted and not yet made */
	IO_LOOP_SIGNAL_MAX = 8,  /* signals with a callback */
	IO_LOOP_TICK_MS = 250,   /* with a stall hook set, the loop wakes at least this often */
};

typedef void (*io_loop_fn)(void *arg);
typedef void (*io_signal_fn)(void *arg, int signum);
typedef void (*io_watch_fn)(void *arg, int events);

/* What the stall hook is told. All three mean: what was seen before may be old, look again before acting. */
enum io_stall {
	IO_STALL_NONE = 0,
	IO_STALL_TURN, /* the callbacks of one turn took @ms together */
	IO_STALL_LATE, /* the loop woke @ms after it should have: suspended, stopped, starved, or BOOTTIME jumped */
	IO_STALL_WALL, /* the wall clock was stepped by @ms (signed) against BOOTTIME */
	IO_STALL_N
};
typedef void (*io_stall_fn)(void *arg, enum io_stall kind, int64_t ms);

/**
 * io_loop_create() - a new loop.
 * @ret_loop: the loop; the caller ends it with io_loop_destroy()
 *
 * Ignores SIGPIPE for the process: a peer that closes must never end us. Errors: -OSHA_E_NOMEM, -OSHA_E_IO.
 */
int io_loop_create(struct io_loop **ret_loop, struct osha_err *reterr);

/**
 * io_loop_destroy() - end a loop that does not run. NULL is fine.
 *
 * Everything that lives on it (HTTP pools, children, probers, servers, watches) has been destroyed before; timers still
 * armed are forgotten. Children cancelled but not yet reaped are waited for up to 3 s.
 */
void io_loop_destroy(struct io_loop *loop);

/** io_loop_run() - turn until io_loop_stop(). Blocks; not re-entrant. Returns 0 or -OSHA_E_INTERNAL. */
int io_loop_run(struct io_loop *loop, struct osha_err *reterr);

/** io_loop_stop() - make io_loop_run() return at the end of this turn (or of its first, when it does not run yet). */
void io_loop_stop(struct io_loop *loop);

/** io_now_ms() - CLOCK_BOOTTIME in ms, read once per turn: the same for all that happens in one turn. */
int64_t io_now_ms(const struct io_loop *loop);

/** io_loop_refresh() - read the clock again inside a long turn; returns the new io_now_ms(). */
int64_t io_loop_refresh(struct io_loop *loop);

/** io_boot_ms() - CLOCK_BOOTTIME in ms, read now; for commands without a loop. Any thread. */
int64_t io_boot_ms(void);

/** io_wall_ms() - ms since 1970 UTC, read now; for records and people, never for a safety rule. Any thread. */
int64_t io_wall_ms(void);

/*
 * A timer, embedded in (and owned by) the caller's struct; zeroed memory is a timer at rest. It allocates nothing.
 * Fields are private. Stop it before its memory goes away.
 */
struct io_timer {
	struct io_loop *loop;                 /* set while armed */
	struct io_timer *child, *next, *prev; /* its place in the loop's heap */
	int64_t due_ms;
	int64_t repeat_ms;
	uint64_t order; /* timers due at the same time fire in the order they were armed */
	io_loop_fn fn;
	void *arg;
};

/**
 * io_timer_start() - arm (or arm anew) a timer.
 * @delay_ms: from io_now_ms(); <= 0 fires in the next turn, never inside this call
 * @repeat_ms: 0 = once; else again every so often, missed rounds are skipped, not made up for
 * @fn, @arg: called on the loop; may start, stop or free the timer. @arg is borrowed
 */
void io_timer_start(
    struct io_loop *loop, struct io_timer *timer, int64_t delay_ms, int64_t repeat_ms, io_loop_fn fn, void *arg);

/** io_timer_stop() - disarm; afterwards no call comes. Harmless on a timer at rest. */
void io_timer_stop(struct io_timer *timer);

/** io_timer_is_armed() - will it fire? */
bool io_timer_is_armed(const struct io_timer *timer);

/**
 * io_loop_signal() - call @fn on the loop when the process gets @signum.
 *
 * One callback a signal; a second call replaces it, @fn NULL gives the signal its default back.
 * Errors: -OSHA_E_FULL beyond IO_LOOP_SIGNAL_MAX, -OSHA_E_IO.
 */
int io_loop_signal(struct io_loop *loop, int signum, io_signal_fn fn, void *arg, struct osha_err *reterr);

/**
 * io_loop_post() - have @fn(@arg) called on the loop, in the order of posting. Any thread; never blocks on the loop.
 * @arg: moved to @fn on success, stays the caller's on error
 *
 * Errors: -OSHA_E_FULL (IO_LOOP_POST_MAX calls wait). What is still queued when the loop is destroyed is never called.
 */
int io_loop_post(struct io_loop *loop, io_loop_fn fn, void *arg);

/**
 * io_loop_watch_stalls() - be told of stalls and clock jumps, before any other callback of the turn that shows them.
 * @stall_ms: turns longer, or wake-ups later, than this are told; > 0
 * @wall_step_ms: steps of the wall clock beyond this are told; > 0
 * @fn: NULL switches it off; @arg is borrowed. A turn that took too long is told at its end, before the next one
 */
void io_loop_watch_stalls(struct io_loop *loop, int64_t stall_ms, int64_t wall_step_ms, io_stall_fn fn, void *arg);

/* Events of a watched descriptor. An error or hang-up is told as both readable and writable: the next read or write
 * shows it. */
enum { IO_READABLE = 1, IO_WRITABLE = 2 };

/**
 * io_watch_start() - call @fn when a non-blocking descriptor becomes ready (level-triggered).
 * @fd: borrowed; stays open until after io_watch_stop(). One watch a descriptor
 * @events: IO_READABLE | IO_WRITABLE
 * @arg: borrowed
 *
 * Returns the watch, ended by io_watch_stop(); NULL on error (-OSHA_E_NOMEM or -OSHA_E_IO in @reterr).
 */
struct io_watch *io_watch_start(
    struct io_loop *loop, int fd, int events, io_watch_fn fn, void *arg, struct osha_err *reterr);
/** io_watch_change() - wait for other events from now on; 0 = for none. */
int io_watch_change(struct io_watch *watch, int events, struct osha_err *reterr);
/** io_watch_stop() - no call comes after this; the descriptor may be closed at once. NULL is fine. Also from inside its
 * own @fn. */
void io_watch_stop(struct io_watch *watch);

/** io_loop_enter() - first line of every callback in this room that libuv makes directly: begins the turn, reads the
 * clock, tells stalls. */
void io_loop_enter(struct io_loop *loop);

/** io_loop_uv() - the libuv loop underneath, for files of this room only. Borrowed. */
struct uv_loop_s *io_loop_uv(struct io_loop *loop);

/** io_loop_child_count() - children alive on this loop; child.c counts in it. Borrowed. */
size_t *io_loop_child_count(struct io_loop *loop);

/** io_loop_starter() - where child_start.c keeps its thread; NULL until the first start. Ended by io_loop_destroy(). Borrowed. */
struct io_starter **io_loop_starter(struct io_loop *loop);
