/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a configuration: a bounded list of errors and warnings, each with file, line, option, what was
 * expected, what was found and what to do, so that an operator mends all of them in one round. Not here: finding them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PROBLEM_MAX = 100, PROBLEM_TEXT_SIZE = 600 };

struct config_problem {
	bool is_warning;
	int line;   /* from 1; 0 = none, as for a variable of the environment */
	int column; /* from 1; 0 = none */
	char *text; /* "osha.yaml:12:7: segments[0].down-when: expected ..., found ...; do ..."; owned by the list */
};

struct config_problems {
	struct config_problem *items; /* in the order of the file */
	size_t n;
	size_t error_n;   /* errors found, those beyond PROBLEM_MAX included */
	size_t warning_n; /* warnings found, likewise */
};

#define CONFIG_PROBLEMS_INIT ((struct config_problems){0})

/* Where a problem is. */
struct config_place {
	const char *file; /* "" = no file: the environment */
	int line, column; /* from 1; 0 = not known */
	const char *path; /* of the option: "segments[0].down-when"; "" = none */
};
#define PLACE(...) (&(const struct config_place){__VA_ARGS__})

/** problems_add() - add one at @at, of which nothing is kept. Beyond PROBLEM_MAX only counted. @fmt: never a secret. */
void problems_add(struct config_problems *ps, bool is_warning, const struct config_place *at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/** problems_sort() - bring them into the order of the file. */
void problems_sort(struct config_problems *ps);
/** problems_free() - give the list back; fit for cleanup. */
void problems_free(struct config_problems *ps);
#define PROBLEMS_AUTO __attribute__((cleanup(problems_free)))
