/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option rows at work: keys and values in, checked by row, from stdin's text or from the command line; typed
 * readers out. Leaves metadata to agent_metadata.c and the actions to agent.c. Error texts name keys and kinds, never
 * values: a value may be a secret.
 */
#include "fence/agent.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct agent_option common_rows[] = {
    /* "option" is the key's former name. Agents that ignore it reboot the machine when asked for option=status. */
    {.name = "action",
	.obsolete = "option",
	.long_opt = "action",
	.letter = 'o',
	.type = AGENT_SELECT,
	.choices = "off|on|reboot|status|monitor|list|metadata|validate-all",
	.fallback = "reboot",
	.text = "What to do"},
    {.name = "delay",
	.long_opt = "delay",
	.type = AGENT_SECOND,
	.fallback = "0",
	.max = 600,
	.text = "Wait this long before off and reboot"},
    {.name = "login_timeout",
	.long_opt = "login-timeout",
	.type = AGENT_SECOND,
	.fallback = "5",
	.min = 1,
	.max = 600,
	.text = "Longest time to connect and log in, name lookup and password_script included"},
    {.name = "shell_timeout",
	.long_opt = "shell-timeout",
	.type = AGENT_SECOND,
	.fallback = "3",
	.min = 1,
	.max = 600,
	.text = "Longest wait for the answer to one command"},
    {.name = "power_timeout",
	.long_opt = "power-timeout",
	.type = AGENT_SECOND,
	.fallback = "20",
	.min = 1,
	.max = 3600,
	.text = "Longest wait until the power reads as asked after off or on"},
    {.name = "power_wait",
	.long_opt = "power-wait",
	.type = AGENT_SECOND,
	.fallback = "0",
	.max = 600,
	.text = "Wait this long after off or on before the power is read for the first time"},
    {.name = "version",
	.long_opt = "version",
	.letter = 'V',
	.type = AGENT_BOOLEAN,
	.text = "Print the version and exit"},
    {.name = "help", .long_opt = "help", .letter = 'h', .type = AGENT_BOOLEAN, .text = "Print the options and exit"},
};

static void add_rows(struct agent *a, const struct agent_option *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(a->options_n < AGENT_OPTIONS_MAX);
		a->options[a->options_n++] = &rows[i];
	}
}

void agent_init(struct agent *a, const struct agent_desc *desc)
{
	*a = (struct agent){.desc = desc};
	add_rows(a, common_rows, sizeof(common_rows) / sizeof(common_rows[0]));
	add_rows(a, desc->options, desc->options_n);
}

void agent_secret_free(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void agent_release(struct agent *a)
{
	for (size_t i = 0; i < a->options_n; i++)
		agent_secret_free(&a->values[i]);
}

/* Index of the row with this key, new or former; options_n when there is none. */
static size_t find_row(const struct agent *a, const char *key)
{
	size_t i = 0;

	while (i < a->options_n && !str_eq(a->options[i]->name, key) && !str_eq(a->options[i]->obsolete, key))
		i++;
	return i;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	for (const char *at = choices; at; at = strchr(at, '|')) {
		at += *at == '|';
		if (len && !strchr(value, '|') && !strncmp(at, value, len) && (at[len] == '|' || !at[len]))
			return true;
	}
	return false;
}

/* A non-negative decimal with at most three digits after the point, in thousandths. */
static bool parse_milli(const char *s, bool may_fraction, int64_t *ret)
{
	int64_t whole = 0, milli = 0, weight = 100;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		whole = whole * 10 + (*s - '0');
		if (whole > INT32_MAX)
			return false;
	}
	if (may_fraction && *s == '.')
		for (s++; isdigit((unsigned char)*s) && weight; s++, weight /= 10)
			milli += weight * (*s - '0');
	*ret = whole * 1000 + milli;
	return !*s;
}

/* 1 true, 0 false, -1 neither. */
static int parse_boolean(const char *s)
{
	static const char *const words[] = {"0", "1", "no", "yes", "off", "on", "false", "true"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(s, words[i]))
			return (int)(i % 2);
	return -1;
}

static int check_value(const struct agent_option *row, const char *value, struct osha_err *reterr)
{
	size_t max_bytes = row->max_bytes ? row->max_bytes : AGENT_VALUE_MAX_BYTES;
	int64_t milli;

	switch (row->type) {
	case AGENT_INTEGER:
	case AGENT_SECOND:
		if (!parse_milli(value, row->type == AGENT_SECOND, &milli) || milli < row->min * 1000 ||
		    milli > row->max * 1000)
			return osha_err_set(reterr, OSHA_E_USAGE, "%s: expected a number from %lld to %lld", row->name,
			    (long long)row->min, (long long)row->max);
		return 0;
	case AGENT_BOOLEAN:
		if (parse_boolean(value) < 0)
			return osha_err_set(reterr, OSHA_E_USAGE, "%s: expected 1 or 0", row->name);
		return 0;
	case AGENT_SELECT:
		if (!is_choice(row->choices, value))
			return osha_err_set(reterr, OSHA_E_USAGE, "%s: expected one of %s", row->name, row->choices);
		return 0;
	case AGENT_STRING:
	case AGENT_TYPE_N:
		break;
	}
	if (strlen(value) > max_bytes)
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: longer than %zu bytes", row->name, max_bytes);
	return 0;
}

static void remember_unknown(struct agent *a, const char *key)
{
	if (a->unknown_n < AGENT_UNKNOWN_MAX)
		str_copy(a->unknown[a->unknown_n], AGENT_UNKNOWN_SIZE, key);
	a->unknown_n++;
}

/* Checks @copy and moves it into the row; it stays the caller's on failure. */
static int store_value(struct agent *a, size_t i, char *copy, struct osha_err *reterr)
{
	int rc = check_value(a->options[i], copy, reterr);

	if (rc)
		return rc;
	/* Two addresses or two actions: whichever were taken, the other may be the one that was meant. */
	if (a->values[i] && !str_eq(a->values[i], copy)) {
		osha_err_set(reterr, OSHA_E_USAGE, "%s: given twice with different values", a->options[i]->name);
		return -OSHA_E_USAGE;
	}
	agent_secret_free(&a->values[i]);
	a->values[i] = copy;
	return 0;
}

int agent_options_set(struct agent *a, const char *key, const char *value, size_t value_len, struct osha_err *reterr)
{
	size_t i = find_row(a, key);
	char *copy;
	int rc;

	/* Cluster managers add the target's name to what the operator configured; it means nothing to a device. */
	if (str_eq(key, "nodename"))
		return 0;
	if (i == a->options_n) {
		remember_unknown(a, key);
		return 0;
	}
	copy = strndup(value, value_len);
	if (!copy)
		return osha_err_set(reterr, OSHA_E_NOMEM, "%s", a->options[i]->name);
	rc = store_value(a, i, copy, reterr);
	if (rc)
		agent_secret_free(&copy);
	return rc;
}

static int read_line(struct agent *a, const char *line, size_t len, struct osha_err *reterr)
{
	char key[AGENT_UNKNOWN_SIZE];
	const char *equals;
	size_t key_len;

	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	while (len && isspace((unsigned char)*line))
		line++, len--;
	if (!len || *line == '#')
		return 0;
	equals = memchr(line, '=', len);
	if (!equals)
		return osha_err_set(reterr, OSHA_E_USAGE, "expected key=value");
	key_len = (size_t)(equals - line);
	while (key_len && isspace((unsigned char)line[key_len - 1]))
		key_len--;
	if (key_len >= sizeof(key))
		key_len = sizeof(key) - 1;
	memcpy(key, line, key_len);
	key[key_len] = '\0';
	return agent_options_set(a, key, equals + 1, len - (size_t)(equals + 1 - line), reterr);
}

int agent_options_read_text(struct agent *a, const char *text, size_t len, struct osha_err *reterr)
{
	size_t number = 0;

	if (memchr(text, '\0', len))
		return osha_err_set(reterr, OSHA_E_USAGE, "standard input holds a NUL byte");
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t line_len = end ? (size_t)(end - text) : len;
		size_t step = line_len + (end != NULL);

		number++;
		if (read_line(a, text, line_len, reterr))
			return osha_err_wrap(reterr, "standard input, line %zu", number);
		text += step;
		len -= step;
	}
	return 0;
}

int agent_options_read_argv(struct agent *a, int argc, char **argv, struct osha_err *reterr)
{
	struct option longs[AGENT_OPTIONS_MAX + 1] = {0};
	char letters[2 * AGENT_OPTIONS_MAX + 2] = ":";
	size_t letters_n = 1;
	int c, rc = 0;

	/* Rows are numbered from 256 on, so that a long option's code cannot be taken for a letter. */
	for (size_t i = 0, n = 0; i < a->options_n; i++) {
		const struct agent_option *row = a->options[i];
		bool has_value = row->type != AGENT_BOOLEAN;

		if (row->long_opt)
			longs[n++] = (struct option){
			    row->long_opt, has_value ? required_argument : no_argument, NULL, 256 + (int)i};
		if (row->letter)
			letters[letters_n++] = row->letter;
		if (row->letter && has_value)
			letters[letters_n++] = ':';
	}
	opterr = 0;
	optind = 0;
	while (!rc && (c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		size_t i = 0;

		if (c == '?' || c == ':')
			return osha_err_set(reterr, OSHA_E_USAGE, "unknown or incomplete option; --help lists them");
		while (c < 256 && a->options[i]->letter != c)
			i++;
		i = c < 256 ? i : (size_t)(c - 256);
		rc = agent_options_set(
		    a, a->options[i]->name, optarg ? optarg : "1", optarg ? strlen(optarg) : 1, reterr);
	}
	if (!rc && optind < argc)
		return osha_err_set(reterr, OSHA_E_USAGE, "unexpected argument; --help lists the options");
	return rc;
}

int agent_options_check(const struct agent *a, struct osha_err *reterr)
{
	for (size_t i = 0; i < a->options_n; i++)
		if (a->options[i]->is_required && (!a->values[i] || !*a->values[i]))
			return osha_err_set(reterr, OSHA_E_USAGE, "%s: missing", a->options[i]->name);
	return a->desc->check ? a->desc->check(a, reterr) : 0;
}

const char *agent_text(const struct agent *a, const char *name)
{
	size_t i = find_row(a, name);

	assert(i < a->options_n);
	return a->values[i] ? a->values[i] : a->options[i]->fallback;
}

int64_t agent_ms(const struct agent *a, const char *name)
{
	const char *text = agent_text(a, name);
	int64_t milli = 0;

	assert(text);
	parse_milli(text, true, &milli);
	return milli;
}

int64_t agent_number(const struct agent *a, const char *name)
{
	return agent_ms(a, name) / 1000;
}

bool agent_is_set(const struct agent *a, const char *name)
{
	const char *text = agent_text(a, name);

	return text && parse_boolean(text) == 1;
}
