/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flight recorder: what came in, as JSON lines, in two files of bounded size that take turns. Not synced, and lossy
 * rather than late: a thread of its own writes, and lines that it cannot keep up with are counted and dropped. Nothing
 * is ever decided from it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct journal_flight;

enum {
	JOURNAL_FLIGHT_LINE_MAX = 64 * 1024,     /* one line */
	JOURNAL_FLIGHT_BUFFER_MAX = 1024 * 1024, /* not yet written */
};

/**
 * journal_flight_open() - go on writing at @path; when it holds @max_bytes it becomes "@path.1" and a new one begins.
 * @path: copied; created with mode 0640
 * @max_bytes: of one file, at least 2 * JOURNAL_FLIGHT_LINE_MAX
 *
 * Errors: -OSHA_E_IO, -OSHA_E_USAGE, -OSHA_E_NOMEM.
 */
int journal_flight_open(const char *path, uint64_t max_bytes, struct journal_flight **ret_f, struct osha_err *reterr);
/** journal_flight_close() - write what is buffered and end; also as cleanup for `struct journal_flight *`. */
void journal_flight_close(struct journal_flight **f);
#define JOURNAL_FLIGHT_AUTO __attribute__((cleanup(journal_flight_close)))

/**
 * journal_flight_add() - one line {"t":WALL_MS,"kind":KIND,"in":JSON}. Never blocks on a disk, never fails: drops and
 * counts.
 * @kind: a short word of letters, digits and '-'; borrowed
 * @json: one JSON value without line feeds, @n bytes; borrowed; never a secret
 */
void journal_flight_add(struct journal_flight *f, int64_t wall_ms, const char *kind, const char *json, size_t n);

/** journal_flight_dropped() - lines lost so far: too long, too fast, or the disk refused. */
uint64_t journal_flight_dropped(struct journal_flight *f);

/* One whole line without its line feed, @n bytes, borrowed; a negative result ends the walk. */
typedef int (*journal_flight_fn)(void *arg, int64_t wall_ms, const char *line, size_t n, struct osha_err *reterr);

/**
 * journal_flight_read() - the lines at @path with from <= t <= to, oldest file first. Blocking; works beside a writer.
 * A cut last line or one that is none of ours is skipped. Errors: -OSHA_E_NOTFOUND, -OSHA_E_IO, what @fn returned.
 */
int journal_flight_read(const char *path, int64_t from_wall_ms, int64_t to_wall_ms, journal_flight_fn fn, void *arg,
    struct osha_err *reterr);
