/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fence agent of ours shares: the field's protocol (key=value lines on stdin or command-line options,
 * actions, exit codes), the metadata made from the same option rows, time limits that hold even while a library blocks,
 * and "off means read off". An agent adds its option rows and five functions (struct agent_desc) and leaves everything
 * else to agent_main(). Source of the protocol: ClusterLabs fence-agents, doc/FenceAgentAPI.md, and the behaviour of
 * its agents in version 4.12.
 */
#pragma once

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of the field. 2 is said by `status` for a machine that is off and by nothing else. */
enum { AGENT_EXIT_OK = 0, AGENT_EXIT_FAILED = 1, AGENT_EXIT_OFF = 2 };

enum {
	AGENT_INPUT_MAX_BYTES = 64 * 1024, /* of one stdin, and of one script's output */
	AGENT_VALUE_MAX_BYTES = 4096,      /* of one value */
	AGENT_OPTIONS_MAX = 48,            /* rows of one agent, the common ones included */
	AGENT_UNKNOWN_MAX = 8,             /* unknown keys remembered by name */
	AGENT_UNKNOWN_SIZE = 48,
};

/* How an option's value is checked, and the content type that the metadata announce for it. */
enum agent_type { AGENT_STRING, AGENT_INTEGER, AGENT_SECOND, AGENT_BOOLEAN, AGENT_SELECT, AGENT_TYPE_N };

struct agent_option {
	const char *name;     /* key on stdin */
	const char *obsolete; /* the same option's former key, still accepted; NULL when none */
	const char *long_opt; /* command-line name without "--"; NULL: stdin only */
	char letter;          /* command-line letter; 0 when none */
	enum agent_type type;
	bool is_required;
	bool is_secret;       /* its value never appears in any output */
	const char *fallback; /* default; NULL when none */
	const char *choices;  /* AGENT_SELECT: "a|b|c" */
	int64_t min, max;     /* AGENT_INTEGER, AGENT_SECOND: inclusive range (whole seconds) */
	size_t max_bytes;     /* AGENT_STRING: longest value; 0 = AGENT_VALUE_MAX_BYTES */
	const char *text;     /* one sentence for people, without the final full stop */
};

enum agent_power { AGENT_POWER_UNKNOWN = 0, AGENT_POWER_OFF, AGENT_POWER_ON };

/* Outcomes of power_set() beside 0 (accepted, which proves nothing) and a negative error. */
enum { AGENT_SET_REFUSED = 1, AGENT_SET_BUSY = 2 };

struct agent;

struct agent_desc {
	const char *name; /* of the executable */
	const char *shortdesc;
	const char *longdesc;
	const struct agent_option *options; /* its own rows; the common ones are added to them */
	size_t options_n;
	/* check() judges what no row can express. NULL: nothing to add. Called before anything is contacted. */
	int (*check)(const struct agent *a, struct osha_err *reterr);
	/* open() connects and logs in. Returns 0 with *ret_device (moved to close()), or negative. May block: the
	 * caller's limit ends it. */
	int (*open)(const struct agent *a, void **ret_device, struct osha_err *reterr);
	void (*close)(void *device);
	/* power_get() reads the machine's power now; never from a memory of what was set. */
	int (*power_get)(void *device, enum agent_power *ret_power, struct osha_err *reterr);
	/* power_set() asks for AGENT_POWER_OFF or _ON. Returns 0, AGENT_SET_REFUSED or _BUSY (both with @reterr
	 * filled), or negative. */
	int (*power_set)(void *device, enum agent_power wanted, struct osha_err *reterr);
	/* list() adds one "plug,alias" line per machine. NULL: the agent has no `list` action and no plug of its own.
	 */
	int (*list)(void *device, struct strbuf *out, struct osha_err *reterr);
};

/* One run of an agent: its rows and the values given. Filled by the agent_options_*() functions below. */
struct agent {
	const struct agent_desc *desc;
	const struct agent_option *options[AGENT_OPTIONS_MAX];
	char *values[AGENT_OPTIONS_MAX]; /* owned; NULL where nothing was given */
	size_t options_n;
	char unknown[AGENT_UNKNOWN_MAX][AGENT_UNKNOWN_SIZE];
	size_t unknown_n; /* counts on beyond AGENT_UNKNOWN_MAX */
};

/**
 * agent_main() - the whole life of an agent process.
 * @desc: borrowed, static
 *
 * Reads the options (from stdin when @argc is 1), performs the action, prints one line. Blocks, bounded by the timeouts
 * given. Returns the exit status. `off`, `on` and `reboot` succeed only after the power was read in the wanted state.
 */
int agent_main(const struct agent_desc *desc, int argc, char **argv);

/** agent_init() - an agent without values: the common rows first, then @desc's. Asserts that they fit. */
void agent_init(struct agent *a, const struct agent_desc *desc);
/** agent_release() - wipe and free all values. */
void agent_release(struct agent *a);

/**
 * agent_options_set() - give an option a value under any of its keys.
 * @key: borrowed; an unknown one is remembered and warned about on stderr (the field ignores it too), and is no error
 * here
 * @value: borrowed; copied; @value_len bytes without a NUL among them
 *
 * Returns 0, or -OSHA_E_USAGE: value of the wrong kind, out of range, or a second, different value for the same option.
 */
int agent_options_set(struct agent *a, const char *key, const char *value, size_t value_len, struct osha_err *reterr);

/**
 * agent_options_read_text() - take key=value lines as they come on stdin.
 * @text: borrowed, @len bytes, hostile; blank lines and lines that start with # are skipped, blanks around the key are
 * too
 *
 * Returns 0 or -OSHA_E_USAGE (a line without "=", a NUL byte, or as agent_options_set()); the text of the error names
 * the line's number only.
 */
int agent_options_read_text(struct agent *a, const char *text, size_t len, struct osha_err *reterr);

/** agent_options_read_argv() - take command-line options, as the metadata announce them. Returns 0 or -OSHA_E_USAGE. */
int agent_options_read_argv(struct agent *a, int argc, char **argv, struct osha_err *reterr);

/** agent_options_check() - everything required is there and the agent's own check() agrees. Returns 0 or -OSHA_E_USAGE.
 */
int agent_options_check(const struct agent *a, struct osha_err *reterr);

/** agent_text() - value of the option @name, else its default, else NULL. Borrowed until agent_release(). Asserts that
 * the row exists. */
const char *agent_text(const struct agent *a, const char *name);
/** agent_number() - the same for AGENT_INTEGER; asserts that there is a value or a default. */
int64_t agent_number(const struct agent *a, const char *name);
/** agent_ms() - the same for AGENT_SECOND, in milliseconds. */
int64_t agent_ms(const struct agent *a, const char *name);
/** agent_is_set() - the same for AGENT_BOOLEAN; false where nothing was given and no default stands. */
bool agent_is_set(const struct agent *a, const char *name);

/** agent_metadata_print() - the metadata XML: rows, actions, descriptions. */
void agent_metadata_print(const struct agent *a, FILE *out);
/** agent_usage_print() - the same facts for a person (--help). */
void agent_usage_print(const struct agent *a, FILE *out);

/**
 * agent_password_get() - the password, given directly or printed by password_script.
 * @ret_password: moved to the caller, who wipes and frees it; NULL where neither was given
 *
 * Runs the script by /bin/sh; blocks until it ends, under the caller's limit. Returns 0, -OSHA_E_IO or -OSHA_E_USAGE
 * (script failed, silent, or too talkative).
 */
int agent_password_get(const struct agent *a, char **ret_password, struct osha_err *reterr);
/** agent_script_kill() - end a running password_script and all that it started. Async-signal-safe; nothing where none
 * runs. */
void agent_script_kill(void);
/** agent_secret_free() - wipe and free; as cleanup: `AGENT_SECRET_AUTO char *p = NULL`. */
void agent_secret_free(char **secret);
#define AGENT_SECRET_AUTO __attribute__((cleanup(agent_secret_free)))

/* Rows that only agents with a login want; an agent puts them into its own table. */
#define AGENT_ROWS_LOGIN                                                                                               \
	{.name = "username",                                                                                           \
	    .obsolete = "login",                                                                                       \
	    .long_opt = "username",                                                                                    \
	    .letter = 'l',                                                                                             \
	    .type = AGENT_STRING,                                                                                      \
	    .text = "Login name"},                                                                                     \
	    {.name = "password",                                                                                       \
		.obsolete = "passwd",                                                                                  \
		.long_opt = "password",                                                                                \
		.letter = 'p',                                                                                         \
		.type = AGENT_STRING,                                                                                  \
		.is_secret = true,                                                                                     \
		.text = "Login password; insecure on the command line, where every user of the machine can read it"},  \
	{                                                                                                              \
		.name = "password_script", .obsolete = "passwd_script", .long_opt = "password-script", .letter = 'S',  \
		.type = AGENT_STRING, .text = "Shell command that prints the password"                                 \
	}
