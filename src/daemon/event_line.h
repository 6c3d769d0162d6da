/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into an engine and what it decides, as lines of the flight recorder and back. Pure: the daemon writes them, the simulator's
 * replay reads them. A life of an engine is the lines from "life" on; each line says its number in that life first, so that a lost one
 * shows. Numbers are the engine's own; a time within an event is said by its distance from the event's.
 *
 *	life      [0, FORMAT, VERSION, {OPTIONS}]       engine_create()
 *	options   [N, {OPTIONS}]                        engine_options_set()
 *	reserve   [N, HOSTS, INSTANCES]                 engine_reserve()
 *	host      [N, HOST, NAME]                       engine_host_add()
 *	policy    [N, HOST, {POLICY}]                   engine_host_set_policy()
 *	EVENT     [N, NOW, ...]                         engine_step(), by the event's type; a list too long for one line begins in lines "more"
 *	did       [N, TEXT]                             an action that came out of the step before, as event_action_text() says it
 *	said      [N, RESULT]                           what the step before returned, where it was not 0
 *	end       [N]                                   engine_destroy(): the life is whole
 *
 * Evidence is written as [MONITOR, SIGN, NOW - SEEN, EXPIRES - SEEN, FIRST, STEP, COUNT, ...]: hosts in arithmetic progressions. A service
 * whose words are those of its host's line before is [HOST, ASKED, UPDATED]; an instance's view that stands in its slot already is the
 * slot's number alone.
 */
#pragma once

#include "base/strbuf.h"
#include "engine/engine.h"

struct cJSON;

enum {
	EVENT_LINE_FORMAT = 1,
	EVENT_VIEW_SLOTS = 1024, /* views that a later line may name by number */
	EVENT_ACTION_TEXT_SIZE = 1536,
	EVENT_LINE_ITEMS_MAX = 1 << 20, /* of one event, over all of its lines */
	EVENT_LINE_HOSTS_MAX = 1 << 20,
};

typedef void (*event_line_fn)(void *arg, int64_t wall_ms, const char *kind, const char *json, size_t n);

/* The writing side of one life. Zeroed, then fn and arg set, then begun with event_write_life(). */
struct event_writer {
	event_line_fn fn; /* each line comes out here, none longer than JOURNAL_FLIGHT_LINE_MAX less its frame */
	void *arg;
	uint64_t next; /* number of the next line */
	int64_t wall_ms;
	struct strbuf sb;
	struct event_said {
		uint64_t service, policy; /* fingerprints of what was said of a host last; 0 = nothing */
	} * said;
	uint32_t said_n;
	uint32_t host_n, instance_n;     /* reserved so far */
	uint64_t view[EVENT_VIEW_SLOTS]; /* fingerprints */
};

/** event_write_life() - the first line. @options, @version: borrowed. */
void event_write_life(
    struct event_writer *w, int64_t wall_ms, const char *version, const struct engine_options *options);
void event_write_options(struct event_writer *w, int64_t wall_ms, const struct engine_options *options);
/** event_write_reserve(), event_write_policy() - nothing where it changes nothing in the engine either. */
void event_write_reserve(struct event_writer *w, int64_t wall_ms, uint32_t host_n, uint32_t instance_n);
void event_write_host(struct event_writer *w, int64_t wall_ms, uint32_t host, const char *name);
void event_write_policy(struct event_writer *w, int64_t wall_ms, uint32_t host, const struct host_policy *policy);
/** event_write_event() - before its step; borrowed with all it points to. */
void event_write_event(struct event_writer *w, const struct engine_event *ev);
/** event_write_decided() - after it: what the step returned and its actions. */
void event_write_decided(struct event_writer *w, int result, const struct engine_actions *actions);
void event_write_end(struct event_writer *w, int64_t wall_ms);
/** event_writer_free() - give its memory back. */
void event_writer_free(struct event_writer *w);

/**
 * event_action_text() - an action in one line: its kind and whatever of it matters, a record by key, row, note and fingerprint.
 * @ret: @size bytes, EVENT_ACTION_TEXT_SIZE are enough
 */
void event_action_text(const struct engine_action *a, char *ret, size_t size);

enum event_line_kind {
	EVENT_LINE_LIFE,
	EVENT_LINE_OPTIONS,
	EVENT_LINE_RESERVE,
	EVENT_LINE_HOST,
	EVENT_LINE_POLICY,
	EVENT_LINE_EVENT,
	EVENT_LINE_DID,
	EVENT_LINE_SAID,
	EVENT_LINE_END,
};

/* One thing that was read. Pointers are the reader's, until its next line. */
struct event_line {
	enum event_line_kind kind;
	int64_t wall_ms;
	union {
		struct {
			const char *version;
			struct engine_options options; /* LIFE, OPTIONS */
		};
		struct {
			uint32_t host_n, instance_n;
		} reserve;
		struct {
			uint32_t number;
			const char *name;          /* HOST */
			struct host_policy policy; /* POLICY */
		} host;
		struct engine_event event;
		const char *did;
		int said;
	};
};

/* The reading side. event_reader_new() makes it, because it is large. */
struct event_reader;

/** event_reader_new() - NULL without memory; event_reader_free() takes it, or NULL. */
struct event_reader *event_reader_new(void);
void event_reader_free(struct event_reader *r);
/**
 * event_reader_line() - take one line of a flight recorder.
 * @line: @n bytes without the line feed; may be anything
 *
 * Returns 0 with the whole thing in @ret, all of whose numbers of hosts, monitors, levels and enums are in range; EVENT_READ_PART: it goes
 * on in the next line; EVENT_READ_LOST: lines are missing before this one, so that nothing can be read before the next life;
 * EVENT_READ_NO_LIFE: likewise, it belongs to a life whose beginning is not there; -OSHA_E_GARBAGE, -OSHA_E_NOMEM with the reason.
 */
int event_reader_line(
    struct event_reader *r, const char *line, size_t n, struct event_line *ret, struct osha_err *reterr);
enum { EVENT_READ_PART = 1, EVENT_READ_LOST = 2, EVENT_READ_NO_LIFE = 3 };
/** event_kind_name() - the word that a line of this kind of event begins with; NULL when out of range. */
const char *event_kind_name(enum engine_event_type type);
const char *event_verb_name(enum operator_verb v);

/* event_options.c: the options and policies of both sides */
void event_text_put(struct strbuf *sb, const char *text);
void event_number_put(struct strbuf *sb, int64_t n);
void event_options_put(struct strbuf *sb, const struct engine_options *o);
void event_policy_put(struct strbuf *sb, const struct host_policy *p);
/* false: not such a thing. The names of the options' monitors go to @names. */
bool event_options_get(const struct cJSON *o, struct engine_options *ret, char names[MONITOR_MAX][MONITOR_NAME_SIZE]);
bool event_policy_get(const struct cJSON *o, struct host_policy *ret);
/* a number as event_number_put() writes it, within [low, high] */
bool event_number_get(const struct cJSON *n, int64_t low, int64_t high, int64_t *ret);
