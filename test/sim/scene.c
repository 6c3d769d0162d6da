/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of scenarios; see the header. A file is refused as a whole at its first mistake, with the number of the line. */
#include "test/sim/scene.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	struct scene *s;
	unsigned line;
	bool is_bad;
	bool has_cloud;
};

static bool wrong(struct reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(struct reading *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%s:%u: %s\n", r->s->path, r->line, text);
	r->is_bad = true;
	return false;
}

int64_t scene_duration(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	char *end;
	long n = strtol(text, &end, 10);

	for (size_t k = 0; end != text && n >= 0 && k < sizeof(units) / sizeof(units[0]); k++) {
		if (str_eq(end, units[k].unit))
			return n * units[k].ms;
	}
	return -1;
}

uint32_t scene_host(const char *text)
{
	char *end;
	long n = text[0] == 'c' ? strtol(text + 1, &end, 10) : 0;

	return n > 0 && *end == '\0' ? (uint32_t)n - 1 : UINT32_MAX;
}

size_t scene_words(char *text, const char *ret[SCENE_ARGS_MAX])
{
	size_t n = 0;

	for (char *at = text;; n++) {
		at += strspn(at, " \t");
		if (!*at || *at == '#')
			return n;
		if (n == SCENE_ARGS_MAX)
			return n + 1;
		ret[n] = *at == '\'' ? at + 1 : at;
		at += *at == '\'' ? 1 + strcspn(at + 1, "'") : strcspn(at, " \t");
		if (*at)
			*at++ = '\0';
	}
}

/* --- one kind of line each; @rest is what follows its first word --- */

static bool read_cloud(struct reading *r, char *rest)
{
	const char *word[SCENE_ARGS_MAX];
	size_t n = scene_words(rest, word);
	struct realm_size *size = &r->s->size;

	r->has_cloud = true;
	for (size_t k = 0; k < n && k < SCENE_ARGS_MAX; k++) {
		const char *value = strchr(word[k], '=');
		uint32_t number = value ? (uint32_t)strtoul(value + 1, NULL, 10) : 0;

		if (number && str_starts(word[k], "hosts="))
			size->hosts = number;
		else if (value && value[1] && str_starts(word[k], "instances="))
			size->instances = number;
		else if (number && str_starts(word[k], "projects="))
			size->projects = number;
		else if (value && value[1] && str_starts(word[k], "seed="))
			r->s->seed = number;
		else if (str_eq(word[k], "slow"))
			size->is_slow = true;
		else
			return wrong(
			    r, "cloud: hosts=N instances=N projects=N seed=N or slow expected, not \"%s\"", word[k]);
	}
	return size->hosts <= REALM_HOSTS_MAX || wrong(r, "cloud: at most %d hosts", REALM_HOSTS_MAX);
}

static bool read_controllers(struct reading *r, char *rest)
{
	r->s->has_two = str_eq(rest, "2");
	return r->s->has_two || wrong(r, "controllers: 2 expected");
}

static bool read_config(struct reading *r, char *rest)
{
	strbuf_printf(&r->s->config, "%s\n", rest);
	return true;
}

static bool act_take(struct reading *r, struct scene_act *act, size_t first)
{
	char why[200] = "what happens is missing";

	if (act->n > SCENE_ARGS_MAX)
		return wrong(r, "too many words");
	act->n -= first;
	memmove(act->arg, act->arg + first, act->n * sizeof(act->arg[0]));
	act->fn = act->n ? scene_word_find(r->s, act, why, sizeof(why)) : NULL;
	if (!act->fn)
		return wrong(r, "%s", why);
	r->s->act_n++;
	return true;
}

static struct scene_act *act_new(struct reading *r, const char *rest)
{
	struct scene_act *act = &r->s->acts[r->s->act_n];

	if (!r->has_cloud || r->s->act_n == SCENE_ACTS_MAX) {
		wrong(r, r->has_cloud ? "too many things happen" : "the cloud line comes first");
		return NULL;
	}
	memset(act, 0, sizeof(*act));
	act->line = r->line;
	str_copy(act->text, sizeof(act->text), rest);
	act->n = scene_words(act->text, act->arg);
	return act;
}

static bool read_at(struct reading *r, char *rest)
{
	struct scene_act *act = act_new(r, rest);

	if (!act)
		return false;
	act->at_ms = act->n ? scene_duration(act->arg[0]) : -1;
	if (act->at_ms < 0)
		return wrong(r, "at: a time such as 20s expected");
	return act_take(r, act, 1);
}

static bool read_once(struct reading *r, char *rest)
{
	struct scene_act *act = act_new(r, rest);
	bool is_late = act && act->n > 1 && act->arg[1][0] == '+';

	if (!act)
		return false;
	if (act->n < 2)
		return wrong(r, "once: 'TEXT' [+TIME] and what happens expected");
	act->once = act->arg[0];
	if (is_late)
		act->at_ms = scene_duration(act->arg[1] + 1);
	if (act->at_ms < 0)
		return wrong(r, "once: a time such as +20s expected");
	return act_take(r, act, is_late ? 2 : 1);
}

static bool read_until(struct reading *r, char *rest)
{
	r->s->until_ms = scene_duration(rest);
	return r->s->until_ms > 0 || wrong(r, "until: a time such as 300s expected");
}

static struct scene_claim *claim_new(struct reading *r, const char *rest, enum scene_claim_kind kind)
{
	struct scene_claim *c = &r->s->claims[r->s->claim_n];

	if (r->s->claim_n == SCENE_CLAIMS_MAX || !*rest) {
		wrong(r, *rest ? "too many claims" : "the text is missing");
		return NULL;
	}
	r->s->claim_n++;
	memset(c, 0, sizeof(*c));
	c->line = r->line;
	c->kind = kind;
	str_copy(c->text, sizeof(c->text), rest);
	c->pattern = c->text;
	return c;
}

static bool read_expect(struct reading *r, char *rest)
{
	return claim_new(r, rest, CLAIM_EXPECT) != NULL;
}

static bool read_not(struct reading *r, char *rest)
{
	return claim_new(r, rest, CLAIM_NOT) != NULL;
}

static bool read_also(struct reading *r, char *rest)
{
	return claim_new(r, rest, CLAIM_ALSO) != NULL;
}

static bool read_never(struct reading *r, char *rest)
{
	return claim_new(r, rest, CLAIM_NEVER) != NULL;
}

static bool read_count(struct reading *r, char *rest)
{
	struct scene_claim *c = claim_new(r, rest, CLAIM_COUNT);
	char *end;

	if (!c)
		return false;
	c->count = strtol(c->text, &end, 10);
	if (end == c->text || *end != ' ' || !end[1])
		return wrong(r, "count: a number and a text expected");
	c->pattern = end + 1;
	return true;
}

static bool read_sentence(struct reading *r, char *rest, enum scene_claim_kind kind)
{
	struct scene_claim *c = claim_new(r, rest, kind);

	if (!c)
		return false;
	c->n = scene_words(c->text, c->arg);
	return (c->n && c->n <= SCENE_ARGS_MAX && scene_end_is_known(c)) ||
	       wrong(r, "%s: nothing that is known", kind == CLAIM_END ? "end" : "killed");
}

static bool read_end(struct reading *r, char *rest)
{
	if (!str_eq(rest, "unfinished"))
		return read_sentence(r, rest, CLAIM_END);
	r->s->is_unfinished = true;
	return true;
}

static bool read_killed(struct reading *r, char *rest)
{
	if (!str_eq(rest, "unfinished"))
		return read_sentence(r, rest, CLAIM_KILLED);
	r->s->is_unfinished_killed = true;
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct reading *r, char *rest);
} lines[] = {
    {"cloud", read_cloud},
    {"controllers", read_controllers},
    {"config", read_config},
    {"at", read_at},
    {"once", read_once},
    {"until", read_until},
    {"expect", read_expect},
    {"not", read_not},
    {"also", read_also},
    {"never", read_never},
    {"count", read_count},
    {"end", read_end},
    {"killed", read_killed},
};

static bool read_line(struct reading *r, char *line)
{
	size_t n = strcspn(line, " \t");
	char *rest = line + n + (line[n] != '\0');

	if (!str_starts(line, "config "))
		rest += strspn(rest, " \t");
	for (size_t k = 0; k < sizeof(lines) / sizeof(lines[0]); k++) {
		if (strlen(lines[k].word) == n && strncmp(line, lines[k].word, n) == 0)
			return lines[k].read(r, rest);
	}
	return wrong(r, "\"%.*s\" is no word that a line begins with", (int)n, line);
}

static bool read_file(struct reading *r, FILE *f)
{
	char line[SCENE_LINE_SIZE];

	while (!r->is_bad && fgets(line, sizeof(line), f)) {
		size_t n = strcspn(line, "\n");

		r->line++;
		if (line[n] != '\n')
			return wrong(r, "the line is too long, or has no end");
		line[n] = '\0';
		if (r->line == 1 && (line[0] != '#' || line[1] != ' ' || !line[2]))
			return wrong(r, "the first line says what only this scenario shows: # SENTENCE");
		if (r->line == 1)
			str_copy(r->s->summary, sizeof(r->s->summary), line + 2);
		else if (line[0] && line[0] != '#')
			read_line(r, line);
	}
	return !r->is_bad;
}

bool scene_read(const char *path, struct scene *ret)
{
	struct reading r = {.s = ret};
	FILE *f = fopen(path, "r");
	bool ok;

	memset(ret, 0, sizeof(*ret));
	ret->path = path;
	ret->seed = 1;
	ret->size = (struct realm_size){.hosts = 5, .instances = 10, .projects = 2};
	if (!f) {
		printf("%s: cannot be read\n", path);
		return false;
	}
	ok = read_file(&r, f);
	fclose(f);
	if (ok && !r.has_cloud)
		return wrong(&r, "no cloud line");
	if (ok && (!ret->until_ms || !ret->claim_n))
		return wrong(&r, ret->claim_n ? "no until line" : "nothing is claimed");
	return ok;
}

void scene_free(struct scene *s)
{
	strbuf_free(&s->config);
}
