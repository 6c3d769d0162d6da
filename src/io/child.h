/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs another program under bounds of time, output and resources, through the launcher osha-launch, which holds them
 * even when we are stopped or killed: no descendant outlives its deadline or its parent. What the program's answer
 * means is left to the callers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "io/loop.h"

struct io_child;

enum {
	IO_CHILD_MAX = 512,                /* children at one time, per loop */
	IO_CHILD_OUTPUT_BYTES = 64 * 1024, /* default cap of stdout and of stderr, each */
	IO_CHILD_STDIN_MAX_BYTES = 1024 * 1024,
	IO_CHILD_TERM_MS = 500,   /* between SIGTERM and SIGKILL at the deadline */
	IO_CHILD_GRACE_MS = 2000, /* after the launcher's last word: what is still there is given up and reported */
};

/* All pointers are borrowed for the duration of io_child_start() and copied there. */
struct io_child_spec {
	const char *launcher;    /* path of osha-launch; NULL = io_child_launcher_find() */
	const char *const *argv; /* NULL-terminated; argv[0] is the program: a path with '/', never searched. No
				    secrets: ps shows them */
	const char *const *env;  /* the whole environment, "K=V", NULL-terminated; NULL = empty */
	bool inherit_env;        /* put our own environment in front of @env */
	const char *stdin_bytes; /* NULL = /dev/null */
	size_t stdin_size;       /* <= IO_CHILD_STDIN_MAX_BYTES */
	int64_t uid;             /* -1 = ours */
	int64_t gid;             /* -1 = ours; with it all supplementary groups are dropped */
	int64_t
	    deadline_ms; /* > 0; from io_child_start(). SIGTERM to the group, IO_CHILD_TERM_MS later SIGKILL to every descendant */
	int64_t start_by_ms; /* CLOCK_BOOTTIME; the program does not start later than this; 0 = until its deadline */
	size_t output_max_bytes; /* of stdout and of stderr, each; the rest is read and thrown away; 0 =
				    IO_CHILD_OUTPUT_BYTES */
	/* limits; 0 = ours */
	uint64_t
	    max_processes; /* RLIMIT_NPROC: counts all processes of the uid, so it is of use with a uid of its own */
	uint64_t max_memory_bytes; /* RLIMIT_AS */
	uint64_t max_files;        /* RLIMIT_NOFILE */
	uint64_t max_cpu_s;        /* RLIMIT_CPU */
};

enum io_child_end {
	IO_CHILD_UNKNOWN = 0, /* the launcher itself was killed or fell silent: the program may have done its work */
	IO_CHILD_EXITED,      /* @code: its exit status */
	IO_CHILD_SIGNALLED,   /* @code: the signal */
	IO_CHILD_DEADLINE,    /* ended by the deadline: it may have done its work */
	IO_CHILD_NOT_STARTED, /* the program never ran; @code: errno; ETIME: start_by_ms was over, ETIMEDOUT: deadline_ms */
	IO_CHILD_END_N
};

/* Valid inside the callback only. */
struct io_child_result {
	enum io_child_end end;
	int code;
	const char *out; /* stdout, NUL-terminated beyond its end, never NULL; may hold NULs */
	size_t out_size;
	const char *err; /* stderr, likewise */
	size_t err_size;
	bool out_cut; /* there was more */
	bool err_cut;
	bool has_stragglers; /* descendants were left when the program ended; they were killed */
	int64_t ms;
};

/** Called exactly once per started child, on the loop, never from inside io_child_start(), when the program and all its
 * descendants are gone. The handle is void from here on. */
typedef void (*io_child_fn)(void *arg, const struct io_child_result *result);

/**
 * io_child_start() - run a program.
 * @fn, @arg: the one callback; @arg is borrowed until it was called or the child cancelled
 * @ret_child: handle for io_child_cancel(); NULL when not wanted
 *
 * The program runs in a session of its own, with no_new_privs, no descriptors but 0-2, default signals, and SIGKILL at
 * its parent's death. It is started by a thread of the loop's, one after the other, so this neither waits nor knows whether it can be: a
 * launcher that is missing, no processes or descriptors left come as IO_CHILD_NOT_STARTED. Errors (then no callback comes): -OSHA_E_USAGE,
 * -OSHA_E_FULL (IO_CHILD_MAX), -OSHA_E_IO (no thread), -OSHA_E_NOMEM.
 */
int io_child_start(struct io_loop *loop, const struct io_child_spec *spec, io_child_fn fn, void *arg,
    struct io_child **ret_child, struct osha_err *reterr);

/** io_child_cancel() - kill it and all its descendants now, or as soon as its start is over; after this returns no callback comes. What it
 * did is unknown. NULL is fine. */
void io_child_cancel(struct io_child *child);

/** io_child_launcher_find() - osha-launch beside the running program, or where it was installed. Static text, never
 * NULL. */
const char *io_child_launcher_find(void);

/** io_child_end_name() - "exited", "signalled", ...; "?" out of range. */
const char *io_child_end_name(enum io_child_end end);
