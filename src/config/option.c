/* SPDX-License-Identifier: Apache-2.0 */
/* Finding rows, guessing what a misspelt name was meant to be, and saying what a row expects. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/option.h"

enum { NEAR_LENGTH_MAX = 40 };

const struct option *option_find(const struct option_table *t, const char *name)
{
	for (size_t i = 0; i < t->row_n; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return &t->rows[i];
	return NULL;
}

static char folded(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '_' || c == ' ' ? '-' : c;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

/* Letters to insert, remove or change to make one name of the other; case and _ for - are free. */
static size_t distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), row[NEAR_LENGTH_MAX + 1];
	if (na > NEAR_LENGTH_MAX || nb > NEAR_LENGTH_MAX)
		return NEAR_LENGTH_MAX;
	for (size_t k = 0; k <= nb; k++)
		row[k] = k;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t k = 1; k <= nb; k++) {
			size_t change = diagonal + (folded(a[i - 1]) != folded(b[k - 1]));
			diagonal = row[k];
			row[k] = least(change, row[k] + 1, row[k - 1] + 1);
		}
	}
	return row[nb];
}

/* Near enough to be a slip: a third of the name, three letters at the most. A name that holds the other counts as well.
 */
static size_t slip(const char *name, const char *word)
{
	size_t d = distance(name, word), n = strlen(name);
	size_t limit = n / 3 < 3 ? n / 3 : 3;
	if (limit == 0)
		limit = n > 1;
	if (d <= limit)
		return d;
	bool holds = n >= 4 && strlen(word) >= 4 && (strstr(word, name) != NULL || strstr(name, word) != NULL);
	return holds ? NEAR_LENGTH_MAX - 1 : NEAR_LENGTH_MAX;
}

const char *option_nearest(const struct option_table *t, const char *name)
{
	const char *best = NULL;
	size_t best_slip = NEAR_LENGTH_MAX;
	for (size_t i = 0; i < t->row_n; i++) {
		size_t s = slip(name, t->rows[i].name);
		if (s < best_slip) {
			best_slip = s;
			best = t->rows[i].name;
		}
	}
	return best;
}

const char *text_nearest(const char *const *words, const char *name)
{
	const char *best = NULL;
	size_t best_slip = NEAR_LENGTH_MAX;
	for (; *words; words++) {
		size_t s = slip(name, *words);
		if (s < best_slip) {
			best_slip = s;
			best = *words;
		}
	}
	return best;
}

const char *duration_text(int64_t ms, char *text, size_t size)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;
	/* the largest unit that loses nothing, but 60s and 24h as people write them rather than 1m and 1d */
	while (units[i].ms > 1 && (ms % units[i].ms != 0 || ms < units[i].ms || (ms == units[i].ms && i % 2 == 0)))
		i++;
	(void)snprintf(text, size, "%lld%s", (long long)(ms / units[i].ms), ms == 0 ? "s" : units[i].unit);
	return text;
}

static void words_join(const struct option *o, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "one of");
	for (size_t i = 0; o->words[i] && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s %s", i ? "," : "", o->words[i]);
}

/* Types whose description is a fixed sentence. */
static const char *const EXPECTED[OPTION_TYPE_N] = {
    [OPTION_BOOL] = "true or false",
    [OPTION_TEXT] = "a text",
    [OPTION_NAME] = "a name of letters, digits, dots, dashes and underscores",
    [OPTION_HOST] = "the exact name of a host",
    [OPTION_HOSTS] = "a host name or a pattern such as \"compute-*\"",
    [OPTION_ADDRESS] = "a host name or an IP address, in which {host} and {short} may stand",
    [OPTION_SERVER] = "a host name or an IP address",
    [OPTION_PATH] = "an absolute path, such as /etc/osha/file",
    [OPTION_AGENT] = "the name of an executable, such as fence_ipmilan, or an absolute path",
    [OPTION_MAIL] = "a mail address, such as ops@example.com",
    [OPTION_POLICY] = "names of monitors joined by and, such as \"nova and probe\"",
    [OPTION_WINDOW] = "a window of time in UTC, such as \"sun 02:00-04:00\"",
    [OPTION_SECRET] = "a secret by reference: {file: /path} or {env: NAME}",
    [OPTION_LIST] = "a list",
    [OPTION_PARAMETERS] = "a mapping of parameter names to values",
    [OPTION_OVERRIDES] = "a mapping of fence level names to mappings of parameters",
    [OPTION_TABLE] = "a mapping of options",
    [OPTION_TABLES] = "a list of mappings, each beginning with a dash",
    [OPTION_TABLE_MAP] = "a mapping of names to mappings of options",
};

const char *option_expected(const struct option *o, char *text, size_t size)
{
	char low[32], high[32];
	if (o->type == OPTION_INT) {
		(void)snprintf(text, size, "a whole number from %lld to %lld", (long long)o->min, (long long)o->max);
	} else if (o->type == OPTION_DURATION) {
		(void)snprintf(text, size, "a duration from %s to %s", duration_text(o->min, low, sizeof(low)),
		    duration_text(o->max, high, sizeof(high)));
	} else if (o->type == OPTION_ENUM) {
		words_join(o, text, size);
	} else {
		(void)str_copy(text, size, EXPECTED[o->type]);
	}
	return text;
}

int option_is_scalar(const struct option *o)
{
	return o->type < OPTION_SECRET;
}
