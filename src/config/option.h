/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row per option. A row is all there is to an option: reading, range, default, secrecy, reloading, the sample file,
 * the manual page, the JSON schema and `explain` are made from it, so nothing about an option is written twice. To add
 * one: a field in config.h, a row in option_*.c, and a rule in check_*.c where it must agree with others. Not here:
 * what the daemon does with the value.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_BOOL = 0,   /* bool */
	OPTION_INT,        /* int64_t */
	OPTION_DURATION,   /* int64_t, milliseconds; written with a unit */
	OPTION_ENUM,       /* int: index in @words */
	OPTION_TEXT,       /* const char *, as all below unless said otherwise */
	OPTION_NAME,       /* letters, digits, . _ - */
	OPTION_HOST,       /* exact name of a nova-compute host */
	OPTION_HOSTS,      /* as a list item: host name, glob pattern, !pattern */
	OPTION_ADDRESS,    /* host name or IP address, {host} and {short} allowed */
	OPTION_SERVER,     /* host name or IP address of a server, no patterns */
	OPTION_PATH,       /* absolute path */
	OPTION_AGENT,      /* name of an executable, or an absolute path */
	OPTION_MAIL,       /* mail address */
	OPTION_POLICY,     /* unsigned: mask of monitors, written "nova and probe" */
	OPTION_WINDOW,     /* window of time, see base/window.h */
	OPTION_SECRET,     /* struct config_secret */
	OPTION_LIST,       /* struct config_texts; every item of type @element */
	OPTION_PARAMETERS, /* struct config_parameters: a mapping of name to text or secret */
	OPTION_OVERRIDES,  /* struct config_level_overrides: a mapping of level to parameters */
	OPTION_TABLE,      /* the struct of @table, embedded */
	OPTION_TABLES,     /* {items, n}: a list of @table */
	OPTION_TABLE_MAP,  /* {items, n}: a mapping of name to @table; the name goes to the struct's first member */
	OPTION_TYPE_N
};

enum {
	OPTION_RELOADABLE = 1u << 0, /* a changed value is taken over by a reload; otherwise by a restart only */
	OPTION_REQUIRED = 1u << 1,   /* no default: must be written */
	OPTION_EMPTY_OK = 1u << 2,   /* the empty text means "not given" */
	OPTION_SHOWN = 1u << 3,      /* the sample writes it live rather than as a comment */
};

struct option_table;

struct option {
	const char *name;
	enum option_type type;
	enum option_type element; /* OPTION_LIST */
	unsigned flags;
	size_t offset;
	const char *field;   /* the member's name, for the test of units */
	const char *def;     /* default, as written in YAML; of a list: items with commas between; "" = none */
	const char *example; /* in the sample, where the default would teach nothing; else NULL */
	int64_t min, max;    /* numbers and durations (ms): the range; texts and lists: smallest and greatest length */
	const char *const *words; /* OPTION_ENUM: NULL-terminated, in the order of the C enum */
	const struct option_table *table;
	const char *doc; /* full sentences */
};

struct option_table {
	const char *name; /* what one of it is called in messages: "a segment" */
	const struct option *rows;
	size_t row_n;
	size_t size_bytes; /* of the struct */
	const char *key;   /* OPTION_TABLE_MAP: what the names are: "HOST"; else NULL */
};

/* The whole file. */
extern const struct option_table option_table_root;

/* Tables that are used in more than one place or file. */
extern const struct option_table option_table_cloud;
extern const struct option_table option_table_log;
extern const struct option_table option_table_monitors;
extern const struct option_table option_table_verdict;
extern const struct option_table option_table_breaker;
extern const struct option_table option_table_recovery;
extern const struct option_table option_table_fencing;
extern const struct option_table option_table_evacuation;
extern const struct option_table option_table_notify;
extern const struct option_table option_table_segment;
extern const struct option_table option_table_level;
extern const struct option_table option_table_host;

/** option_find() - the row named @name, or NULL. */
const struct option *option_find(const struct option_table *t, const char *name);
/** option_nearest() - the name in @t that @name was probably meant to be, or NULL when none is near. */
const char *option_nearest(const struct option_table *t, const char *name);
/** text_nearest() - the same over a NULL-terminated list of words. */
const char *text_nearest(const char *const *words, const char *name);

/** option_expected() - "a duration from 100ms to 10m, such as 2s": what a value of this row looks like, into @text of
 * @size bytes. */
const char *option_expected(const struct option *o, char *text, size_t size);
/** duration_text() - milliseconds as an operator writes them: 90000 is "90s", 600000 "10m". */
const char *duration_text(int64_t ms, char *text, size_t size);
/** option_is_scalar() - is its value one YAML scalar? */
int option_is_scalar(const struct option *o);

#define OPTION_AT(s, f)  .offset = offsetof(struct s, f), .field = #f
#define OPTION_COUNT(rs) (sizeof(rs) / sizeof((rs)[0]))
/* A row between parentheses, since clang-format 14 crashes on arrays of braced rows. */
#define OPTION_ROW(...)                                                                                                \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}
