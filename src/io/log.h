/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where log lines go: stderr, syslog or a file. One fact, one line: control characters are escaped here, so that
 * hostile text can neither forge a line nor move a terminal. What is worth a line is left to the callers. One sink per
 * process; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* syslog's numbers (RFC 5424, 6.2.1), which journald's <N> prefixes use too. */
enum log_priority {
	LOG_P_EMERG = 0,
	LOG_P_ALERT = 1,
	LOG_P_CRIT = 2,
	LOG_P_ERR = 3,
	LOG_P_WARNING = 4,
	LOG_P_NOTICE = 5,
	LOG_P_INFO = 6,
	LOG_P_DEBUG = 7,
};

enum { LOG_LINE_MAX_BYTES = 2048 }; /* a longer line is cut at a character and ends in "..." */

enum log_target {
	LOG_TO_STDERR = 0, /* "<N>text" when stderr is the journal (JOURNAL_STREAM), else "time level text" */
	LOG_TO_JOURNAL,    /* stderr, always with "<N>" */
	LOG_TO_SYSLOG,
	LOG_TO_FILE,
};

/**
 * log_open() - choose the sink; may be called again. Before the first call: stderr, up to INFO.
 * @path: the file (made with mode 0640 when missing), or for LOG_TO_SYSLOG another socket than /dev/log; copied
 * @name: program name for syslog; copied
 * @max_priority: lines less important than this are dropped
 *
 * On error the old sink stays. Errors: -OSHA_E_IO, -OSHA_E_REFUSED.
 */
int log_open(enum log_target target, const char *path, const char *name, enum log_priority max_priority,
    struct osha_err *reterr);

/** log_reopen() - open the log file anew (after it was moved away); nothing for the other sinks. On error the old one
 * stays. */
int log_reopen(struct osha_err *reterr);

/** log_close() - back to stderr. */
void log_close(void);

/** log_emit() - one line. Never fails: what cannot be written is dropped and counted. A file that blocks blocks the
 * caller. */
void log_emit(enum log_priority priority, const char *text);

/** log_printf() - the same, formatted. */
void log_printf(enum log_priority priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** log_is_on() - would a line of this priority be written? */
bool log_is_on(enum log_priority priority);

/** log_dropped() - lines lost since the start. */
unsigned long log_dropped(void);

/** log_priority_name() - "err", "warning", ...; "?" out of range. log_priority_parse() - the way back, -1 when unknown.
 */
const char *log_priority_name(enum log_priority priority);
int log_priority_parse(const char *name);
