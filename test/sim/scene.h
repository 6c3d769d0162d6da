/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: text files that say what happens to a small cloud, and which lines must come out of the daemon. HACKING.md, "Scenarios", holds
 * the words. This header is what their parser, their words, their runner and their judges share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/strbuf.h"
#include "test/sim/realm.h"

enum { SCENE_ACTS_MAX = 64, SCENE_CLAIMS_MAX = 64, SCENE_ARGS_MAX = 14, SCENE_LINE_SIZE = 1000 };

struct scene_act;
typedef void (*scene_fn)(const struct scene_act *act);

/* One thing that happens. Its words point into its line. */
struct scene_act {
	unsigned line;
	int64_t at_ms;    /* after the beginning, or after @once was heard */
	const char *once; /* NULL, or the text of the line that sets it off */
	bool is_fired;
	bool is_open;               /* an order that has no answer yet */
	bool was_set_off, was_done; /* in the newest run without a kill: it was set off; it was an order and was done */
	unsigned asked;             /* an order: so often */
	scene_fn fn;
	size_t n;
	const char *arg[SCENE_ARGS_MAX]; /* arg[0] is the verb */
	char text[SCENE_LINE_SIZE];
};

enum scene_claim_kind {
	CLAIM_EXPECT = 0, /* comes after what was expected before it */
	CLAIM_NOT,        /* does not come between the one expected before it and the one after it */
	CLAIM_ALSO,       /* comes somewhere */
	CLAIM_NEVER,      /* comes nowhere */
	CLAIM_COUNT,      /* comes so many times */
	CLAIM_END,        /* holds when the scenario is over */
	CLAIM_KILLED,     /* in a run with a kill it may be so instead of all that CLAIM_END says */
};

struct scene_claim {
	unsigned line;
	enum scene_claim_kind kind;
	long count;
	const char *pattern;
	size_t n;
	const char *arg[SCENE_ARGS_MAX]; /* CLAIM_END: its words */
	char text[SCENE_LINE_SIZE];
};

struct scene {
	const char *path; /* borrowed */
	char summary[SCENE_LINE_SIZE];
	struct realm_size size;
	uint64_t seed;
	int64_t until_ms;
	bool has_two;              /* controllers */
	bool is_unfinished;        /* its recoveries need not have come to rest */
	bool is_unfinished_killed; /* nor do they where the daemon was killed */
	struct strbuf config;
	struct scene_act acts[SCENE_ACTS_MAX];
	size_t act_n;
	struct scene_claim claims[SCENE_CLAIMS_MAX];
	size_t claim_n;
};

/** scene_read() - parse the file; false after having said on stdout which line is wrong and why. scene_free() gives it back. */
bool scene_read(const char *path, struct scene *ret);
void scene_free(struct scene *s);
/** scene_duration() - "20s", "500ms", "5m"; -1 when it is none. */
int64_t scene_duration(const char *text);
/** scene_host() - the number of host "c3"; UINT32_MAX when @text is no such name. Sizes are not checked. */
uint32_t scene_host(const char *text);
/** scene_words() - cut @text into words at blanks, '...' is one word; returns how many, or SCENE_ARGS_MAX + 1. */
size_t scene_words(char *text, const char *ret[SCENE_ARGS_MAX]);

/** scene_word_find() - the function of an act's words; NULL with the reason in @ret_why. */
scene_fn scene_word_find(const struct scene *s, const struct scene_act *act, char *ret_why, size_t size);
/** scene_word_play() - this one is being played: what a reload starts from. */
void scene_word_play(const struct scene *s);
/** scene_word_is_order() - does an operator ask the daemon with it? */
bool scene_word_is_order(const struct scene_act *act);
/** scene_instance() - the number of "c1/2", the second instance that c1 had when the scenario began; -1. */
int scene_instance(const char *text);
/** scene_end_is_known() - may an `end` claim have these words? */
bool scene_end_is_known(const struct scene_claim *c);
/** scene_end_holds() - does it hold now? What is instead: @ret_is. */
bool scene_end_holds(const struct scene_claim *c, char *ret_is, size_t size);

/** scene_matches() - does @line hold @pattern? A * in it stands for any text. */
bool scene_matches(const char *pattern, const char *line);
/** scene_run() - play it and judge it; says on stdout what failed. */
bool scene_run(struct scene *s, bool is_traced);
/**
 * scene_run_killed() - play it once more, with the daemon killed right before its @k-th outward act, or at the end where there are fewer.
 * Judged by the witnesses and by what the `end` claims say of hosts, instances, services and power, or a `killed` claim in place of them; it
 * gets time to come to rest.
 * After scene_run() of the same. An order that was done there is repeated until it is; where something was not set off that was there, it is
 * another story, and only the witnesses judge.
 * @ret: what came of it
 */
struct scene_killed {
	bool ok, was_last, is_other_story; /* was_last: it was killed at the end */
};
void scene_run_killed(struct scene *s, uint64_t k, bool is_traced, struct scene_killed *ret);
/* Which edges of the workflow tables were taken: not asked for, printed, or printed and all of them and no others wanted. */
enum scene_coverage { COVERAGE_NONE = 0, COVERAGE_PRINTED, COVERAGE_WHOLE };
/** scene_main() - osha-sim --scenario: all of @paths, then "N passed, N failed, 0 skipped". Returns the exit status. */
int scene_main(char **paths, size_t n, bool is_traced, enum scene_coverage coverage);

/** scene_matrix_main() - osha-sim --scenario --matrix: each of @paths, killed everywhere, in @jobs processes; the table of boundaries, then as
 * scene_main(). @kill_at: there alone, unless 0. */
int scene_matrix_main(char **paths, size_t n, unsigned jobs, uint64_t kill_at, bool is_traced);
/** scene_kill_turn() - look at the engine that may be killed next. scene_kill_dying() - it is. scene_kill_buried() - see what its disk kept. */
void scene_kill_turn(void);
void scene_kill_dying(void);
void scene_kill_buried(void);

/** scene_end_is_number() - does this `end` claim count something, which a restart may change? */
bool scene_end_is_number(const struct scene_claim *c);
/** scene_cover_begin() - another scenario begins. scene_cover_turn() - look at the engine after something happened. scene_cover_line() - a line was heard. scene_cover_print() - the report;
 * true: every edge of the tables was taken, and no other. */
void scene_cover_begin(void);
void scene_cover_turn(void);
void scene_cover_line(const char *line);
bool scene_cover_print(FILE *to);
