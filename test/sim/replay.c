/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded events into an engine; see the header. */
#include "test/sim/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay {
	struct event_reader *reader;
	struct engine *engine; /* of the life that is being read; NULL between two */
	struct engine_actions actions;
	uint32_t said_n; /* of the newest step's actions: those that the recording has named so far */
	int result;      /* of the newest step, still to be named */
	struct replay_counts counts;
	struct replay_difference why;
	uint64_t line, event_line;
	uint64_t *begun; /* operations that this engine has started: an open hash, 0 = free */
	size_t begun_n, begun_cap;
	bool is_traced, is_cut;
};

struct replay *replay_new(bool is_traced)
{
	struct replay *r = calloc(1, sizeof(*r));

	if (!r || !(r->reader = event_reader_new()))
		abort();
	r->is_traced = is_traced;
	return r;
}

void replay_free(struct replay *r)
{
	event_reader_free(r->reader);
	engine_destroy(r->engine);
	free(r->begun);
	free(r);
}

const struct replay_counts *replay_counts(const struct replay *r)
{
	return &r->counts;
}

const struct replay_difference *replay_why(const struct replay *r)
{
	return &r->why;
}

/* --- operations that were begun: an engine takes no answer to any other --- */

static uint64_t *begun_slot(uint64_t *table, size_t cap, uint64_t op)
{
	size_t k = (size_t)((op + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20) % cap;

	while (table[k] && table[k] != op + 1)
		k = (k + 1) % cap;
	return &table[k];
}

static void begun_add(struct replay *r, uint64_t op)
{
	uint64_t *slot;

	if (r->begun_n * 2 >= r->begun_cap) {
		size_t cap = r->begun_cap ? r->begun_cap * 2 : 256;
		uint64_t *more = calloc(cap, sizeof(*more));

		if (!more)
			abort();
		for (size_t k = 0; k < r->begun_cap; k++) {
			if (r->begun[k])
				*begun_slot(more, cap, r->begun[k] - 1) = r->begun[k];
		}
		free(r->begun);
		r->begun = more;
		r->begun_cap = cap;
	}
	slot = begun_slot(r->begun, r->begun_cap, op);
	r->begun_n += !*slot;
	*slot = op + 1;
}

static bool is_begun(const struct replay *r, uint64_t op)
{
	return r->begun_cap && *begun_slot(r->begun, r->begun_cap, op);
}

/* --- one step --- */

static enum replay_end unreadable(struct replay *r, const char *why)
{
	r->why.line = r->line;
	str_copy(r->why.unreadable, sizeof(r->why.unreadable), why);
	return REPLAY_UNREADABLE;
}

static enum replay_end differs(struct replay *r, const char *was, const char *is)
{
	r->why.line = r->event_line;
	str_copy(r->why.was, sizeof(r->why.was), was);
	str_copy(r->why.is, sizeof(r->why.is), is);
	return REPLAY_DIFFERS;
}

/* What the engine does at this place now, which the recording may not have. */
static const char *next_text(const struct replay *r, char *ret, size_t size)
{
	if (r->said_n < r->actions.n)
		event_action_text(&r->actions.all[r->said_n], ret, size);
	else if (r->result)
		snprintf(ret, size, "said %d", r->result);
	else
		snprintf(ret, size, "nothing more");
	return ret;
}

/* Another line follows in the same life, so the recording has named all that came out of the step before. */
static enum replay_end step_end(struct replay *r)
{
	char is[EVENT_ACTION_TEXT_SIZE];

	if (r->said_n == r->actions.n && !r->result)
		return REPLAY_EQUAL;
	return differs(r, "nothing more", next_text(r, is, sizeof(is)));
}

static enum replay_end did(struct replay *r, const struct event_line *l)
{
	char is[EVENT_ACTION_TEXT_SIZE];

	next_text(r, is, sizeof(is));
	if (r->said_n == r->actions.n || !str_eq(is, l->did))
		return differs(r, l->did, is);
	if (r->is_traced)
		printf("%" PRIu64 ": %s\n", r->line, is);
	r->said_n++;
	r->counts.decisions++;
	return REPLAY_EQUAL;
}

static enum replay_end said(struct replay *r, const struct event_line *l)
{
	char was[40], is[EVENT_ACTION_TEXT_SIZE];

	if (r->said_n == r->actions.n && r->result == l->said) {
		r->result = 0;
		r->counts.decisions++;
		return REPLAY_EQUAL;
	}
	snprintf(was, sizeof(was), "said %d", l->said);
	return differs(r, was, next_text(r, is, sizeof(is)));
}

static enum replay_end step(struct replay *r, const struct event_line *l, const char *line, size_t n)
{
	struct osha_err err = {0};

	if (l->event.type == ENGINE_OP_ENDED && !is_begun(r, l->event.op_end.op))
		return unreadable(r, "the answer to an operation that nobody began");
	r->event_line = r->line;
	snprintf(r->why.event, sizeof(r->why.event), "%.*s", (int)n, line);
	r->result = engine_step(r->engine, &l->event, &r->actions, &err);
	r->said_n = 0;
	r->counts.events++;
	for (uint32_t k = 0; k < r->actions.n; k++) {
		if (r->actions.all[k].type == ACTION_START)
			begun_add(r, r->actions.all[k].start.op);
	}
	return REPLAY_EQUAL;
}

/* --- lines --- */

static void life_end(struct replay *r)
{
	engine_destroy(r->engine);
	r->engine = NULL;
	r->actions.n = r->said_n = 0;
	r->result = 0;
	if (r->begun)
		memset(r->begun, 0, r->begun_cap * sizeof(*r->begun));
	r->begun_n = 0;
}

static enum replay_end life_begin(struct replay *r, const struct event_line *l)
{
	life_end(r); /* one that was killed has no end of its own */
	r->engine = engine_create(&l->options);
	if (!r->engine)
		return unreadable(r, "no memory for an engine");
	r->counts.lives++;
	r->is_cut = false;
	if (r->is_traced)
		printf("%" PRIu64 ": a life of oshad %s begins\n", r->line, l->version);
	return REPLAY_EQUAL;
}

static enum replay_end configure(struct replay *r, const struct event_line *l)
{
	switch (l->kind) {
	case EVENT_LINE_OPTIONS:
		engine_options_set(r->engine, &l->options);
		return REPLAY_EQUAL;
	case EVENT_LINE_RESERVE:
		if (engine_reserve(r->engine, l->reserve.host_n, l->reserve.instance_n) < 0)
			return unreadable(r, "no memory for so many hosts and instances");
		return REPLAY_EQUAL;
	case EVENT_LINE_HOST:
		if (engine_host_add(r->engine, l->host.name) != l->host.number)
			return unreadable(r, "a host that has another number");
		return REPLAY_EQUAL;
	default:
		engine_host_set_policy(r->engine, l->host.number, &l->host.policy);
		return REPLAY_EQUAL;
	}
}

static enum replay_end take(struct replay *r, const struct event_line *l, const char *line, size_t n)
{
	enum replay_end end;

	if (l->kind == EVENT_LINE_LIFE)
		return life_begin(r, l);
	if (l->kind == EVENT_LINE_DID)
		return did(r, l);
	if (l->kind == EVENT_LINE_SAID)
		return said(r, l);
	end = step_end(r);
	if (end != REPLAY_EQUAL)
		return end;
	if (l->kind == EVENT_LINE_EVENT)
		return step(r, l, line, n);
	if (l->kind != EVENT_LINE_END)
		return configure(r, l);
	life_end(r);
	return REPLAY_EQUAL;
}

/* Cut by a disk or a kill: the numbers of the lines around it tell whether anything is missing. */
static bool is_whole(const char *line, size_t n)
{
	static const char head[] = "{\"t\":";

	return n > sizeof(head) && strncmp(line, head, sizeof(head) - 1) == 0 && line[n - 1] == '}';
}

enum replay_end replay_line(struct replay *r, const char *line, size_t n)
{
	struct osha_err err = {0};
	struct event_line l;
	int e;

	r->line++;
	if (!is_whole(line, n))
		return REPLAY_EQUAL;
	e = event_reader_line(r->reader, line, n, &l, &err);
	switch (e) {
	case 0:
		return take(r, &l, line, n);
	case EVENT_READ_PART:
		return step_end(r);
	case EVENT_READ_NO_LIFE:
		r->counts.headless++;
		return REPLAY_EQUAL;
	case EVENT_READ_LOST:
		r->counts.cut += !r->is_cut;
		r->is_cut = true;
		return REPLAY_EQUAL;
	default:
		return unreadable(r, err.msg);
	}
}

bool replay_text(const char *of, const struct strbuf *text)
{
	struct replay *r = replay_new(false);
	enum replay_end end = text->failed ? unreadable(r, "too much was recorded") : REPLAY_EQUAL;
	const char *at = text->text;

	while (end == REPLAY_EQUAL && at && *at) {
		size_t n = strcspn(at, "\n");

		end = replay_line(r, at, n);
		at += n + (at[n] == '\n');
	}
	if (end == REPLAY_DIFFERS)
		printf("FAILED %s: the replay of line %" PRIu64 " decides otherwise\n    %s\n  then: %s\n  now:  %s\n",
		    of, r->why.line, r->why.event, r->why.was, r->why.is);
	else if (end == REPLAY_UNREADABLE)
		printf("FAILED %s: line %" PRIu64 " of the recording: %s\n", of, r->why.line, r->why.unreadable);
	else if (r->counts.cut || r->counts.headless || !r->counts.events)
		printf("FAILED %s: the recording is not whole\n", of);
	end = end == REPLAY_EQUAL && !r->counts.cut && !r->counts.headless && r->counts.events ? end : REPLAY_DIFFERS;
	replay_free(r);
	return end == REPLAY_EQUAL;
}

/* --- osha-sim --replay --- */

/* A file that is not there holds nothing; @ret_there says so. */
static enum replay_end replay_file(struct replay *r, const char *path, bool *ret_there)
{
	enum replay_end end = REPLAY_EQUAL;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	*ret_there = f != NULL;
	if (!f)
		return end;
	r->line = 0;
	while (end == REPLAY_EQUAL && (n = getline(&line, &cap, f)) > 0) {
		if (line[n - 1] == '\n') /* the last one may still be being written */
			end = replay_line(r, line, (size_t)n - 1);
	}
	free(line);
	fclose(f);
	return end;
}

static void json_text(const char *name, const char *text)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;

	event_text_put(&sb, text);
	printf(",\"%s\":%s", name, sb.text);
}

static void print_json(const struct replay *r, enum replay_end end, const char *file)
{
	const struct replay_counts *c = &r->counts;

	printf("{\"end\":\"%s\",\"lives\":%" PRIu64 ",\"cut\":%" PRIu64 ",\"headless_lines\":%" PRIu64
	       ",\"events\":%" PRIu64 ",\"decisions\":%" PRIu64,
	    end == REPLAY_EQUAL     ? "equal"
	    : end == REPLAY_DIFFERS ? "different"
				    : "unreadable",
	    c->lives, c->cut, c->headless, c->events, c->decisions);
	if (end != REPLAY_EQUAL) {
		json_text("file", file);
		printf(",\"line\":%" PRIu64, r->why.line);
		json_text("event", r->why.event);
		json_text("then", r->why.was);
		json_text("now", r->why.is);
		json_text("why", r->why.unreadable);
	}
	printf("}\n");
}

static void print_text(const struct replay *r, enum replay_end end, const char *file)
{
	const struct replay_counts *c = &r->counts;

	if (end == REPLAY_DIFFERS)
		printf("%s:%" PRIu64 ": this engine decides otherwise\n    %s\n  then: %s\n  now:  %s\n", file,
		    r->why.line, r->why.event, r->why.was, r->why.is);
	if (end == REPLAY_UNREADABLE)
		printf("%s:%" PRIu64 ": %s\n", file, r->why.line, r->why.unreadable);
	if (c->headless)
		printf("%" PRIu64 " lines belong to a life whose beginning was overwritten (flight-recorder.size-mib): "
		       "they cannot be replayed\n",
		    c->headless);
	if (c->cut)
		printf("in %" PRIu64 " lives lines are missing: what follows there was not replayed\n", c->cut);
	printf("%" PRIu64 " lives, %" PRIu64 " events: %" PRIu64 " decisions equal%s\n", c->lives, c->events,
	    c->decisions, end == REPLAY_EQUAL ? "" : " before that");
}

int replay_main(const char *path, bool is_traced, bool is_json)
{
	struct replay *r = replay_new(is_traced);
	STRBUF_AUTO struct strbuf older = STRBUF_INIT;
	const char *file = path;
	enum replay_end end;
	bool is_there;

	strbuf_printf(&older, "%s.1", path);
	end = replay_file(r, older.text, &is_there);
	if (end != REPLAY_EQUAL) {
		file = older.text;
	} else {
		end = replay_file(r, path, &is_there);
		if (!is_there)
			end = unreadable(r, "cannot be read");
		else if (end == REPLAY_EQUAL && !r->counts.lives)
			end = unreadable(
			    r, "holds no life from its beginning on; a larger flight-recorder.size-mib keeps more");
	}
	(is_json ? print_json : print_text)(r, end, file);
	replay_free(r);
	return (int)end;
}
