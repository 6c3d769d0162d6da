/* SPDX-License-Identifier: Apache-2.0 */
/* Plays a scenario on simulated time, hears every line, and holds them against what the file claims. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cloudsim/model.h"
#include "test/sim/closing.h"
#include "test/sim/controller.h"
#include "test/sim/lease_service.h"
#include "test/sim/replay.h"
#include "test/sim/scene.h"
#include "test/sim/store.h"
#include "test/sim/story.h"
#include "test/sim/witness.h"

enum { HEARD_MAX = 20000, NEAR_N = 4, UUID_CHARS = 36, EVER_MS = 2000000000 };

/* After a kill it may take longer to come to the same end: so often looks are taken, and so far apart. */
enum { REST_MS = 20000, REST_TURNS = 45, ASKED_MS = 2000, ASKED_MAX = 60 };

struct heard {
	int64_t at_ms;
	char *text;
};

static struct playing {
	struct scene *s;
	struct heard *lines;
	size_t line_n, line_cap;
	int64_t begin_ms;
	bool is_covered, is_killed;
} play;

/* Nothing is drawn: a machine that died stays off, and no fault ends but by the scenario's word. */
static const struct story_profile written = {
    .name = "scenario", .tale_ms = EVER_MS, .back_low_ms = EVER_MS, .back_high_ms = EVER_MS};

/* --- names of instances: c1/2 is the second one that c1 has at the beginning --- */

int scene_instance(const char *text)
{
	const char *slash = strchr(text, '/');
	char host[16];
	size_t at;
	uint32_t h;

	if (!slash || (size_t)(slash - text) >= sizeof(host))
		return -1;
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	h = scene_host(host);
	at = strtoul(slash + 1, NULL, 10);
	if (h >= realm.host_n || !at)
		return -1;
	at = h + (at - 1) * realm.host_n;
	return at < cloudsim_model_instance_count(realm.cloud) ? (int)at : -1;
}

static bool is_uuid_at(const char *at, const char *uuid)
{
	return strncmp(at, uuid, UUID_CHARS) == 0;
}

static bool name_instance(struct strbuf *sb, const char *at)
{
	for (size_t k = 0; k < cloudsim_model_instance_count(realm.cloud); k++) {
		if (!is_uuid_at(at, cloudsim_model_instance_uuid(realm.cloud, k)))
			continue;
		strbuf_printf(sb, "c%zu/%zu", k % realm.host_n + 1, k / realm.host_n + 1);
		return true;
	}
	return false;
}

static char *with_names(const char *line)
{
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char *text;

	for (size_t left = strlen(line); left;) {
		if (left >= UUID_CHARS && line[8] == '-' && line[13] == '-' && name_instance(&sb, line)) {
			line += UUID_CHARS;
			left -= UUID_CHARS;
			continue;
		}
		strbuf_add(&sb, line++, 1);
		left--;
	}
	text = strbuf_steal(&sb);
	if (!text)
		abort();
	return text;
}

/* --- matching --- */

static const char *find_piece(const char *in, const char *piece, size_t n)
{
	for (; *in; in++) {
		if (strncmp(in, piece, n) == 0)
			return in;
	}
	return n ? NULL : in;
}

bool scene_matches(const char *pattern, const char *line)
{
	while (*pattern) {
		size_t n = strcspn(pattern, "*");

		if (n)
			line = find_piece(line, pattern, n);
		if (!line)
			return false;
		line += n;
		pattern += n + (pattern[n] == '*');
	}
	return true;
}

/* How many words of the pattern the line holds. */
static size_t likeness(const char *pattern, const char *line)
{
	size_t score = 0;

	while (*pattern) {
		size_t n = strcspn(pattern, " *");

		score += n > 1 && find_piece(line, pattern, n) != NULL;
		pattern += n + (pattern[n] != '\0');
	}
	return score;
}

/* --- hearing --- */

static void act_begins(void *arg)
{
	struct scene_act *a = arg;

	if (sim.is_over)
		return;
	if (scene_word_is_order(a)) {
		a->asked++;
		a->is_open = true;
	}
	a->fn(a);
	witness_world();
}

/* An order has its answer, or will not have one. In a run with a kill it is given again until it is done, where it was done without the kill. */
static void order_ends(struct scene_act *a, bool is_done)
{
	a->is_open = false;
	if (!play.is_killed)
		a->was_done |= is_done;
	else if (!is_done && a->was_done && a->asked < ASKED_MAX)
		sim_after(ASKED_MS, act_begins, a);
}

/* Answers come in the order of what was asked; nobody answers the newest; a kill takes all of them along. */
static void hear_answer(const char *line)
{
	bool is_answer = str_starts(line, "answer: "), is_kill = str_starts(line, "--- oshad was killed");
	struct scene_act *newest = NULL;

	for (size_t k = 0; k < play.s->act_n; k++) {
		struct scene_act *a = &play.s->acts[k];

		if (!a->is_open)
			continue;
		newest = a;
		if (is_answer || is_kill)
			order_ends(a, is_answer && strstr(line, "\"ok\":true"));
		if (is_answer)
			return;
	}
	if (newest && str_eq(line, "--- nobody answers the operator"))
		order_ends(newest, false);
}

static void set_off(const char *line)
{
	for (size_t k = 0; k < play.s->act_n; k++) {
		struct scene_act *a = &play.s->acts[k];

		if (!a->once || a->is_fired || !scene_matches(a->once, line))
			continue;
		a->is_fired = true;
		sim_after(a->at_ms, act_begins, a);
	}
}

static void hear(void *arg, const char *line)
{
	struct heard *h;

	(void)arg;
	if (play.line_n == HEARD_MAX || sim.is_over)
		return;
	if (play.line_n == play.line_cap) {
		play.line_cap = play.line_cap ? play.line_cap * 2 : 256;
		play.lines = realloc(play.lines, play.line_cap * sizeof(*play.lines));
		if (!play.lines)
			abort();
	}
	h = &play.lines[play.line_n++];
	*h = (struct heard){sim.now_ms - play.begin_ms, with_names(line)};
	if (play.is_covered)
		scene_cover_line(h->text);
	hear_answer(h->text);
	set_off(h->text);
}

static void forget(void)
{
	for (size_t k = 0; k < play.line_n; k++)
		free(play.lines[k].text);
	free(play.lines);
	play.lines = NULL;
	play.line_n = play.line_cap = 0;
}

/* --- judging --- */

static void print_line(size_t k)
{
	printf("    [%9.3f] %s\n", (double)play.lines[k].at_ms / 1000, play.lines[k].text);
}

/* The lines from @from on that are most like what was expected, in their order. */
static void print_near(const char *pattern, size_t from)
{
	size_t best[NEAR_N], n = 0, least;

	for (size_t k = from; k < play.line_n; k++) {
		size_t score = likeness(pattern, play.lines[k].text);

		if (score < 2)
			continue;
		if (n < NEAR_N) {
			best[n++] = k;
			continue;
		}
		least = 0;
		for (size_t m = 1; m < n; m++) {
			if (likeness(pattern, play.lines[best[m]].text) <
			    likeness(pattern, play.lines[best[least]].text))
				least = m;
		}
		if (score <= likeness(pattern, play.lines[best[least]].text))
			continue;
		memmove(&best[least], &best[least + 1], (n - least - 1) * sizeof(best[0]));
		best[n - 1] = k;
	}
	printf("  lines that came near it%s\n", n ? ":" : ": none");
	for (size_t k = 0; k < n; k++)
		print_line(best[k]);
}

static bool failed(const struct scene_claim *c, const char *what)
{
	printf("FAILED %s:%u: %s: %s\n", play.s->path, c->line, what, c->kind == CLAIM_END ? "" : c->pattern);
	return false;
}

static bool judge_expect(const struct scene_claim *c, size_t *from)
{
	for (size_t k = *from; k < play.line_n; k++) {
		if (!scene_matches(c->pattern, play.lines[k].text))
			continue;
		*from = k + 1;
		return true;
	}
	failed(c, "expected, and did not come");
	if (*from) {
		printf("  after the line that was expected before it:\n");
		print_line(*from - 1);
	}
	print_near(c->pattern, 0);
	return false;
}

static bool judge_number(const struct scene_claim *c)
{
	size_t n = 0, at = 0;

	for (size_t k = 0; k < play.line_n; k++) {
		if (!scene_matches(c->pattern, play.lines[k].text))
			continue;
		at = n++ ? at : k;
	}
	if (c->kind == CLAIM_ALSO && !n) {
		failed(c, "expected anywhere, and did not come");
		print_near(c->pattern, 0);
		return false;
	}
	if (c->kind == CLAIM_NEVER && n) {
		failed(c, "must never come, and came");
		print_line(at);
		return false;
	}
	if (c->kind != CLAIM_COUNT || n == (size_t)c->count)
		return true;
	failed(c, "expected another number of times");
	printf("  it came %zu times\n", n);
	print_near(c->pattern, 0);
	return false;
}

static bool judge_end(const struct scene_claim *c)
{
	char is[400] = "";

	if (scene_end_holds(c, is, sizeof(is)))
		return true;
	printf("FAILED %s:%u: at the end expected:", play.s->path, c->line);
	for (size_t k = 0; k < c->n; k++)
		printf(" %s", c->arg[k]);
	printf("\n  but it is: %s\n", is);
	return false;
}

/* The claims right before the expectation at @at that forbid a line between the one before it and its own. */
static bool judge_between(size_t at, size_t from, size_t to)
{
	bool ok = true;

	for (size_t c = at; c-- > 0 && play.s->claims[c].kind == CLAIM_NOT;) {
		for (size_t k = from; k + 1 < to; k++) {
			if (!scene_matches(play.s->claims[c].pattern, play.lines[k].text))
				continue;
			ok = failed(&play.s->claims[c], "must not come in between, and came");
			print_line(k);
			break;
		}
	}
	return ok;
}

static bool judge(void)
{
	const struct scene *s = play.s;
	size_t from = 0;
	bool ok = true, is_lost = false;

	for (size_t k = 0; k < s->claim_n; k++) {
		const struct scene_claim *c = &s->claims[k];
		size_t before = from;
		bool holds = true;

		if (c->kind == CLAIM_EXPECT && !is_lost) {
			is_lost = !judge_expect(c, &from);
			holds = !is_lost && judge_between(k, before, from);
		} else if (c->kind == CLAIM_END) {
			holds = judge_end(c);
		} else if (c->kind != CLAIM_EXPECT && c->kind != CLAIM_NOT && c->kind != CLAIM_KILLED) {
			holds = judge_number(c);
		}
		ok &= holds;
	}
	for (size_t k = 0; !ok && k < play.line_n; k++) {
		if (!str_starts(play.lines[k].text, "oshad did not start"))
			continue;
		print_line(k);
		break;
	}
	for (size_t k = 0; k < s->act_n; k++) {
		if (!s->acts[k].once || s->acts[k].is_fired)
			continue;
		printf("FAILED %s:%u: never came, so nothing was set off: %s\n", s->path, s->acts[k].line,
		    s->acts[k].once);
		ok = false;
	}
	return ok;
}

/* --- playing --- */

static void prepare(void)
{
	struct scene *s = play.s;

	sim_begin(s->seed);
	realm_begin(&s->size);
	controller_configure(s->size.is_slow, s->config.text ? s->config.text : "");
	witness_begin();
	for (size_t k = 0; k < s->act_n; k++) {
		s->acts[k].is_fired = false;
		s->acts[k].is_open = false;
		s->acts[k].asked = 0;
	}
	scene_word_play(s);
	scene_cover_begin();
	if (s->has_two)
		lease_service_begin();
	story_begin(&written);
	play.begin_ms = sim.now_ms;
	sim.heard = hear;
	for (size_t k = 0; k < s->act_n; k++) {
		if (!s->acts[k].once)
			sim_after(s->acts[k].at_ms, act_begins, &s->acts[k]);
	}
}

static void say_violation(void)
{
	printf("FAILED %s: at %.3f s: %s\n", play.s->path, (double)(sim.violation_ms - play.begin_ms) / 1000,
	    sim.violation);
}

static bool end(bool ok)
{
	controllers_stop();
	ok &= play.is_killed || flight_replays(play.s->path);
	sim_end();
	realm_end();
	witness_end();
	forget();
	return ok;
}

bool scene_run(struct scene *s, bool is_traced)
{
	struct closing_counts counts = {0};
	bool ok = true;

	play.s = s;
	play.is_killed = false;
	sim.is_traced = is_traced;
	prepare();
	flight_keep(true);
	controllers_start();
	while (!sim.violation[0] && sim_turn(play.begin_ms + s->until_ms)) {
		if (play.is_covered)
			scene_cover_turn();
	}
	if (!sim.violation[0] && !s->is_unfinished)
		closing_judge(&counts);
	if (sim.violation[0]) {
		say_violation();
		ok = false;
	}
	ok &= judge();
	if (!ok)
		printf("  again: build/osha-sim --scenario %s --trace\n", s->path);
	for (size_t k = 0; k < s->act_n; k++)
		s->acts[k].was_set_off = s->acts[k].is_fired;
	return end(ok);
}

/* --- playing it with a kill --- */

static void turn_with_kill(int64_t until_ms)
{
	while (!sim.violation[0] && sim_turn(until_ms)) {
		scene_kill_buried();
		scene_kill_turn();
	}
}

/* The first thing that is not as the scenario says that it ends; numbers aside. NULL too where it ends as it may with a kill. */
static const struct scene_claim *end_missed(char *ret_is, size_t size)
{
	const struct scene_claim *missed = NULL;
	char is[400];

	for (size_t k = 0; k < play.s->claim_n; k++) {
		const struct scene_claim *c = &play.s->claims[k];

		if (c->kind == CLAIM_KILLED && scene_end_holds(c, is, sizeof(is)))
			return NULL;
		if (!missed && c->kind == CLAIM_END && !scene_end_is_number(c) && !scene_end_holds(c, ret_is, size))
			missed = c;
	}
	return missed;
}

static bool is_at_its_end(void)
{
	char is[400];

	if (play.s->is_unfinished_killed)
		return true;
	return (play.s->is_unfinished || closing_is_at_rest()) && !end_missed(is, sizeof(is));
}

static bool is_other_story(void)
{
	for (size_t k = 0; k < play.s->act_n; k++) {
		if (play.s->acts[k].was_set_off && !play.s->acts[k].is_fired)
			return true;
	}
	return false;
}

static bool judge_killed(uint64_t k, bool is_compared)
{
	struct closing_counts counts = {0};
	char is[400] = "";
	const struct scene_claim *missed =
	    is_compared && !play.s->is_unfinished_killed ? end_missed(is, sizeof(is)) : NULL;

	if (!sim.violation[0] && !play.s->is_unfinished && !play.s->is_unfinished_killed)
		closing_judge(&counts);
	if (!sim.violation[0] && !missed)
		return true;
	if (sim.violation[0])
		say_violation();
	else
		(void)judge_end(missed);
	printf("  again: build/osha-sim --scenario %s --kill-at %llu --trace\n", play.s->path, (unsigned long long)k);
	return false;
}

void scene_run_killed(struct scene *s, uint64_t k, bool is_traced, struct scene_killed *ret)
{
	int64_t end_ms;

	play.s = s;
	play.is_killed = true;
	sim.is_traced = is_traced;
	prepare();
	sim.kill_at_act = k;
	sim.dying = scene_kill_dying;
	flight_keep(false);
	controllers_start();
	end_ms = play.begin_ms + s->until_ms;
	turn_with_kill(end_ms);
	ret->was_last = sim.acts < k;
	if (ret->was_last && !sim.violation[0] && sim.node[0].daemon) {
		sim.current = &sim.node[0];
		scene_kill_dying();
		sim_kill(&sim.node[0]);
		controller_bury(&sim.node[0]);
		scene_kill_buried();
	}
	for (int n = 0; n < REST_TURNS && !is_at_its_end(); n++) {
		end_ms += REST_MS;
		turn_with_kill(end_ms);
	}
	ret->is_other_story = is_other_story();
	ret->ok = end(judge_killed(k, !ret->is_other_story));
}

int scene_main(char **paths, size_t n, bool is_traced, enum scene_coverage coverage)
{
	static struct scene s;
	size_t passed = 0, failed;

	play.is_covered = coverage != COVERAGE_NONE;
	for (size_t k = 0; k < n; k++) {
		if (scene_read(paths[k], &s))
			passed += scene_run(&s, is_traced);
		scene_free(&s);
	}
	controller_unconfigure();
	flight_forget();
	failed = n - passed;
	if (coverage && !scene_cover_print(stdout) && coverage == COVERAGE_WHOLE)
		failed++;
	printf("%zu passed, %zu failed, 0 skipped\n", passed, failed);
	return !failed && n ? 0 : 1;
}
