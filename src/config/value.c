/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars: strict, with a hint for each of the slips that people make. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "base/window.h"
#include "config/config.h"
#include "config/value.h"

#define HINT(...) (void)snprintf(hint, VALUE_HINT_SIZE, __VA_ARGS__)

static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool value_is_line(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

/* Only letters, digits and those of @more. */
static bool is_made_of(const char *text, const char *more)
{
	for (; *text; text++)
		if (!strchr(LETTERS, *text) && !strchr(more, *text))
			return false;
	return true;
}

static bool set_bool(const char *text, bool *field, char *hint)
{
	*field = strcmp(text, "true") == 0;
	if (*field || strcmp(text, "false") == 0)
		return true;
	HINT("write true or false, in small letters");
	return false;
}

static bool set_int(const struct option *o, const char *text, int64_t *field, char *hint)
{
	char *end = NULL;
	errno = 0;
	long long v = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno || isspace((unsigned char)text[0]) || text[0] == '+') {
		HINT("write digits only");
		return false;
	}
	if (v < o->min || v > o->max) {
		HINT("choose a number in this range");
		return false;
	}
	*field = v;
	return true;
}

static int64_t unit_ms(const char *unit)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return units[i].ms;
	return 0;
}

bool value_duration_ms(const char *text, int64_t *ret_ms, char *hint)
{
	int64_t whole = 0, thousandths = 0, scale = 1000;
	const char *p = text;
	for (; *p >= '0' && *p <= '9' && whole < 1000000000; p++)
		whole = whole * 10 + (*p - '0');
	bool has_digit = p > text;
	if (has_digit && *p == '.' && p[1] >= '0' && p[1] <= '9')
		for (p++; *p >= '0' && *p <= '9' && scale > 1; p++)
			thousandths = thousandths * 10 + (*p - '0'), scale /= 10;
	while (*p == ' ')
		p++;
	int64_t unit = unit_ms(p);
	if (has_digit && unit) {
		*ret_ms = whole * unit + thousandths * scale * unit / 1000;
		return true;
	}
	if (has_digit && *p == '\0' && whole == 0) {
		*ret_ms = 0;
		return true;
	}
	if (has_digit && *p == '\0')
		HINT("add the unit, such as %.20ss for seconds; known are ms, s, m, h and d", text);
	else
		HINT("write a number and a unit of ms, s, m, h and d, such as 30s");
	return false;
}

static bool set_duration(const struct option *o, const char *text, int64_t *field, char *hint)
{
	int64_t ms = 0;
	if (!value_duration_ms(text, &ms, hint))
		return false;
	if (ms < o->min || ms > o->max) {
		HINT("choose a time in this range");
		return false;
	}
	*field = ms;
	return true;
}

static bool set_enum(const struct option *o, const char *text, int *field, char *hint)
{
	for (int i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0) {
			*field = i;
			return true;
		}
	}
	const char *near = text_nearest(o->words, text);
	if (near)
		HINT("did you mean %s?", near);
	else
		HINT("write one of these words");
	return false;
}

static const char *const MONITOR_WORDS[CONFIG_MONITOR_N + 1] = {"nova", "probe", NULL};

/* One word of a policy; returns its bit or 0. */
static unsigned monitor_bit(const char *word)
{
	for (unsigned i = 0; i < CONFIG_MONITOR_N; i++)
		if (strcmp(MONITOR_WORDS[i], word) == 0)
			return 1u << i;
	return 0;
}

static bool policy_word_failed(const char *word, bool is_name_due, char *hint)
{
	const char *near = text_nearest(MONITOR_WORDS, word);
	if (!is_name_due)
		HINT("write and between two monitors, found \"%.40s\" there", word);
	else if (near)
		HINT("there is no monitor \"%.40s\", did you mean %s?", word, near);
	else
		HINT("there is no monitor \"%.40s\"; known are nova and probe", word);
	return false;
}

static bool set_policy(const char *text, unsigned *field, char *hint)
{
	unsigned mask = 0;
	bool is_name_due = true;
	while (*text) {
		char word[64];
		size_t n = strcspn(text, " ");
		(void)snprintf(word, sizeof(word), "%.*s", (int)(n < 60 ? n : 60), text);
		text += n + strspn(text + n, " ");
		unsigned bit = monitor_bit(word);
		if (n && is_name_due ? bit == 0 : strcmp(word, "and") != 0)
			return policy_word_failed(word, is_name_due, hint);
		if (is_name_due && (mask & bit)) {
			HINT("name %s once", word);
			return false;
		}
		mask |= is_name_due ? bit : 0;
		is_name_due = !is_name_due;
	}
	if (is_name_due) {
		HINT("%s", mask ? "name a monitor after the last and" : "name at least one monitor");
		return false;
	}
	*field = mask;
	return true;
}

static size_t brace_length(const char *p)
{
	static const char *const known[] = {"{host}", "{short}", "{{", "}}"};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_starts(p, known[i]))
			return strlen(known[i]);
	return 0;
}

bool value_pattern_check(const char *text, char *hint)
{
	while (*text) {
		size_t n = *text == '{' || *text == '}' ? brace_length(text) : 1;
		if (n == 0) {
			HINT("\"%.20s\" is no known pattern; write {host}, {short}, or {{ and }} for braces", text);
			return false;
		}
		text += n;
	}
	return true;
}

static bool check_path(const char *text, char *hint)
{
	if (text[0] == '/')
		return true;
	HINT("begin it with /%s", text[0] == '~' ? ", ~ is not expanded" : "");
	return false;
}

static bool check_mail(const char *text, char *hint)
{
	const char *at = strchr(text, '@');
	bool ok = at && at > text && at[1] != '\0' && !strchr(at + 1, '@') && !strpbrk(text, " <>,;:\"()[]\\");
	if (!ok)
		HINT("write the bare address, name@domain");
	return ok;
}

static bool check_agent(const char *text, char *hint)
{
	if (text[0] == '/')
		return true;
	if (is_made_of(text, "._-") && text[0] != '-' && text[0] != '.')
		return true;
	HINT("an agent is started without a shell: write its name alone, its parameters go under parameters");
	return false;
}

static bool check_made_of(const char *text, const char *more, char *hint)
{
	if (is_made_of(text, more))
		return true;
	HINT("remove other characters");
	return false;
}

static bool check_hosts(const char *text, char *hint)
{
	const char *p = text[0] == '!' ? text + 1 : text;
	if (*p == '\0' || strpbrk(p, " \t,")) {
		HINT("write each host as an item of its own: [c1, c2]");
		return false;
	}
	if (strchr(p, '[') && !strchr(p, ']')) {
		HINT("close the bracket [ of the pattern");
		return false;
	}
	return true;
}

static bool check_address(const char *text, char *hint)
{
	if (!value_pattern_check(text, hint))
		return false;
	return check_made_of(text, ".-_:%{}", hint);
}

static bool check_window(const char *text, char *hint)
{
	struct window w;

	if (window_read(text, &w))
		return true;
	HINT("write \"daily 23:30-00:30\", \"sun 02:00-04:00\", \"sat 20:00 - mon 06:00\" or "
	     "\"2026-12-24 18:00 - 2026-12-26 08:00\": two digits each, days mon to sun, all in UTC");
	return false;
}

static bool check_text(enum option_type type, const char *text, char *hint)
{
	switch (type) {
	case OPTION_NAME:
	case OPTION_HOST:
		return check_made_of(text, "._-", hint);
	case OPTION_SERVER:
		return check_made_of(text, ".-_:%", hint);
	case OPTION_HOSTS:
		return check_hosts(text, hint);
	case OPTION_ADDRESS:
		return check_address(text, hint);
	case OPTION_PATH:
		return check_path(text, hint);
	case OPTION_AGENT:
		return check_agent(text, hint);
	case OPTION_MAIL:
		return check_mail(text, hint);
	case OPTION_WINDOW:
		return check_window(text, hint);
	default:
		return true;
	}
}

static bool set_text(const struct option *o, enum option_type type, const char *text, const char **field,
    struct config_memory *mem, char *hint)
{
	size_t n = strlen(text), max = type == o->type ? (size_t)o->max : 500;
	if (n == 0 && (o->flags & OPTION_EMPTY_OK) && type == o->type) {
		*field = "";
		return true;
	}
	if (n == 0) {
		HINT("write a value, or remove the line");
		return false;
	}
	if (n > max) {
		HINT("shorten it to %zu characters at the most", max);
		return false;
	}
	if (!value_is_line(text)) {
		HINT("remove the line break or control character in it");
		return false;
	}
	if (!check_text(type, text, hint))
		return false;
	*field = config_memory_text(mem, text, n);
	return true;
}

bool value_set(
    const struct option *o, enum option_type type, const char *text, void *field, struct config_memory *mem, char *hint)
{
	hint[0] = '\0';
	switch (type) {
	case OPTION_BOOL:
		return set_bool(text, field, hint);
	case OPTION_INT:
		return set_int(o, text, field, hint);
	case OPTION_DURATION:
		return set_duration(o, text, field, hint);
	case OPTION_ENUM:
		return set_enum(o, text, field, hint);
	case OPTION_POLICY:
		return set_policy(text, field, hint);
	default:
		return set_text(o, type, text, field, mem, hint);
	}
}
