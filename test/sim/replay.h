/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a flight recorder holds goes into the production engine once more, and what comes out is held against what came out then. Up to the
 * first difference, because from there on the engine stands elsewhere than the one that was recorded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "daemon/event_line.h"

struct replay_counts {
	uint64_t lives;    /* whose beginning is there */
	uint64_t cut;      /* of them: lines are missing, so that the rest was not looked at */
	uint64_t headless; /* lines of a life whose beginning is not there */
	uint64_t events, decisions;
};

enum replay_end { REPLAY_EQUAL = 0, REPLAY_DIFFERS = 1, REPLAY_UNREADABLE = 2 };

struct replay;

/** replay_new() - @is_traced: say every decision on stdout. Aborts without memory. */
struct replay *replay_new(bool is_traced);
void replay_free(struct replay *r);
/** replay_line() - one line without its line feed. What is not REPLAY_EQUAL is the end, and replay_why() says it. */
enum replay_end replay_line(struct replay *r, const char *line, size_t n);
const struct replay_counts *replay_counts(const struct replay *r);
/* The first difference: the number of the event's line, the line, and what was decided then and now; or why a line is unreadable. */
struct replay_difference {
	uint64_t line;
	char event[400];
	char was[EVENT_ACTION_TEXT_SIZE], is[EVENT_ACTION_TEXT_SIZE];
	char unreadable[256];
};
const struct replay_difference *replay_why(const struct replay *r);

/** replay_text() - all lines of @text; says on stdout what differs, under the name @of. */
bool replay_text(const char *of, const struct strbuf *text);
/** replay_main() - osha-sim --replay FILE: FILE.1 first where it is there. Returns the exit status, an enum replay_end. */
int replay_main(const char *path, bool is_traced, bool is_json);

/* wire_flight.c */
/** flight_keep() - record what the daemons of a run do, from nothing, or record nothing. flight_forget() also gives the memory back. */
void flight_keep(bool is);
void flight_forget(void);
/** flight_replays() - does what each controller recorded lead to the same decisions? Says on stdout what differs, under the name @of. */
bool flight_replays(const char *of);
