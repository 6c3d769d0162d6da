/* SPDX-License-Identifier: Apache-2.0 */
/* The judge of fence agents: see the header. */
#include "drivers/fencer/agent/fence_judge.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

enum { SECRET_SHORTEST = 3 }; /* shorter ones would mask half of every sentence */

/* Signs of a program that never got as far as asking its device. */
static const char *const NEVER_ASKED[] = {"traceback (most recent call last)", "usage:", "unrecognized option",
    "invalid option", "unknown option", "can't open file", "no such file or directory", "syntax error",
    "command not found", "parse error", "modulenotfounderror", "importerror"};

static const char *find_text(const char *in, const char *what)
{
	size_t n = strlen(what);

	for (; *in; in++) {
		if (strncasecmp(in, what, n) == 0)
			return in;
	}
	return NULL;
}

/* "off" as a word of its own: neither "offline" nor "cutoff". */
static bool has_word(const char *in, const char *word)
{
	size_t n = strlen(word);
	const char *start = in;

	while ((in = find_text(in, word)) != NULL) {
		bool begins = in == start || !isalnum((unsigned char)in[-1]);

		if (begins && !isalnum((unsigned char)in[n]))
			return true;
		in += n;
	}
	return false;
}

static bool never_asked(const struct io_child_result *r)
{
	for (size_t k = 0; k < sizeof(NEVER_ASKED) / sizeof(NEVER_ASKED[0]); k++) {
		if (find_text(r->out, NEVER_ASKED[k]) || find_text(r->err, NEVER_ASKED[k]))
			return true;
	}
	return false;
}

/* The last line that says anything, without control characters. */
static void last_line(const char *text, char *ret, size_t size)
{
	const char *end = text + strlen(text), *start;
	size_t n = 0;

	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	for (start = end; start > text && start[-1] != '\n';)
		start--;
	for (; start < end && n + 1 < size; start++)
		ret[n++] = (unsigned char)*start < 0x20 || *start == 0x7f ? ' ' : *start;
	ret[n] = '\0';
}

static void mask(char *text, const char *secret)
{
	size_t n = strlen(secret);
	char *at = text;

	if (n < SECRET_SHORTEST)
		return;
	while ((at = strstr(at, secret)) != NULL) {
		memset(at, '*', n);
		at += n;
	}
}

static void explain(const struct config_fence *level, const struct io_child_result *r, struct fence_answer *ret)
{
	char line[1024];

	last_line(r->err[0] ? r->err : r->out, line, sizeof(line));
	for (size_t k = 0; k < level->parameter_n; k++) {
		if (level->parameters[k].is_secret)
			mask(line, level->parameters[k].value);
	}
	if (r->end == IO_CHILD_EXITED)
		snprintf(ret->reason, sizeof(ret->reason), "%.40s: exit %d%s%.100s", level->name, r->code,
		    line[0] ? ": " : "", line);
	else if (r->end == IO_CHILD_DEADLINE)
		snprintf(ret->reason, sizeof(ret->reason), "%.40s: did not end in time and was killed", level->name);
	else
		snprintf(ret->reason, sizeof(ret->reason), "%.40s: %s (%d)", level->name, io_child_end_name(r->end),
		    r->code);
}

static enum power power_of(const struct io_child_result *r)
{
	if (r->end != IO_CHILD_EXITED || never_asked(r))
		return POWER_UNKNOWN;
	if (r->code == 0)
		return has_word(r->out, "off") ? POWER_UNKNOWN : POWER_ON;
	if (r->code == 2)
		return has_word(r->out, "off") && !has_word(r->out, "on") ? POWER_OFF : POWER_UNKNOWN;
	return POWER_UNKNOWN;
}

static enum outcome outcome_of(const struct io_child_result *r)
{
	if (r->end == IO_CHILD_NOT_STARTED)
		return OUTCOME_REFUSED;
	if (r->end != IO_CHILD_EXITED || never_asked(r))
		return OUTCOME_UNKNOWN;
	return r->code == 0 ? OUTCOME_DONE : r->code == 1 ? OUTCOME_REFUSED : OUTCOME_UNKNOWN;
}

void fence_judge(const struct config_fence *level, enum fence_action action, const struct io_child_result *r,
    struct fence_answer *ret)
{
	*ret = (struct fence_answer){.outcome = OUTCOME_UNKNOWN};
	if (action == FENCE_STATUS) {
		ret->power = power_of(r);
		ret->outcome = ret->power == POWER_UNKNOWN ? OUTCOME_UNKNOWN : OUTCOME_DONE;
	} else {
		ret->outcome = outcome_of(r);
	}
	if (ret->outcome == OUTCOME_DONE)
		return;
	ret->fault = r->end == IO_CHILD_NOT_STARTED && r->code == ETIME ? FAULT_LATE : FAULT_TRANSIENT;
	explain(level, r, ret);
}
