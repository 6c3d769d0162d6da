/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts programs on a thread of its own, one thread a loop: whoever starts a process waits until the new program has been read from disk
 * and executed, and the loop must not wait for that. What to run and what becomes of it is child.c's. For this room only.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "io/loop.h"

/* The pipes to a started program, by the descriptor they are in it. */
enum io_start_pipe { IO_START_IN = 0, IO_START_OUT, IO_START_ERR, IO_START_STATUS, IO_START_PIPE_N };

struct io_start;

/** Called exactly once per queued start, on the loop, never from inside io_start_queue(). */
typedef void (*io_start_fn)(struct io_start *start);

/* One start. It lies in the caller's struct and has to stay there until @fn was called. */
struct io_start {
	char *const *argv; /* borrowed until @fn; argv[0] is the program's path */
	char *const *env;  /* borrowed until @fn; the whole environment */
	bool is_stdin_null;
	io_start_fn fn;

	/* For @fn. Descriptors are the caller's to close, non-blocking, -1 where there is none. */
	int error;                  /* 0: it runs; else an errno, and nothing ran unless pid is set */
	int pid;                    /* 0: no process */
	int pidfd;                  /* readable when the process ended; whoever sees that has to reap it */
	int pipes[IO_START_PIPE_N]; /* our ends */

	/* Private. */
	struct io_start *next;
	atomic_int state;
};

/**
 * io_start_queue() - have a program started, after those queued before it.
 *
 * The program gets a session of its own, default signals, none of them blocked, and of our descriptors only the pipes as 0 to 3. Its
 * parent, for a parent-death signal, is the thread, which ends with the loop or the process. Never blocks. Errors (no call comes):
 * -OSHA_E_IO, -OSHA_E_NOMEM when the thread cannot be made.
 */
int io_start_queue(struct io_loop *loop, struct io_start *start, struct osha_err *reterr);

/**
 * io_start_withdraw() - it is not wanted any more. The call of its @fn comes all the same.
 *
 * Returns true when it was not begun and will not be (error ECANCELED comes), false when it was: then it is sent SIGTERM, now or as soon as
 * there is a process. It may have run, and is @fn's to bury.
 */
bool io_start_withdraw(struct io_start *start);

struct io_starter;

/** io_starter_destroy() - end the thread; for io_loop_destroy(). A start that hangs in the kernel is left behind with its thread. NULL is
 * fine. */
void io_starter_destroy(struct io_starter *starter);
