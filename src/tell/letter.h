/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letters: the facts of a moment, cut to what one reader may see, filled into the templates. The facts are an object whose names are those
 * of template_names.c. A user's facts are built from the instances of the reader's own projects alone and hold no host name, no
 * reason of the cloud's and no other project: what is not in them no template can show.
 */
#pragma once

#include <stdint.h>

#include "engine/record.h"
#include "tell/audience.h"
#include "tell/template.h"

enum {
	TELL_ROWS_MAX = 200,             /* instances listed in one letter; the rest is counted */
	TELL_PART_MAX_BYTES = 64 * 1024, /* of one part of a letter, filled in */
	TELL_SUBJECT_SIZE = 200,
};

/* What happened, as it stood when it was told. All pointers are borrowed. */
struct tell_facts {
	const struct recovery_record *recovery;
	enum moment moment;
	const struct instance_record *instances; /* row INSTANCE_ROW_NONE: known to be there, nothing was decided yet */
	size_t instance_n;
	bool is_listed;                      /* the instances are known */
	const struct tell_project *projects; /* names for the administrators' letter; may be fewer than there are */
	size_t project_n;
	/* the name of a project that is not among them, "" or NULL = not known; the function may be NULL */
	const char *(*project_name)(const void *arg, const char *project_id);
	const void *arg;
	int64_t wall_ms; /* now */
};

/* A letter ready to be sent. Texts are owned by it. */
struct tell_letter {
	char subject[TELL_SUBJECT_SIZE]; /* UTF-8, one line */
	char *text, *html;
};
/** tell_letter_free() - fit for cleanup. */
void tell_letter_free(struct tell_letter *l);
#define TELL_LETTER_AUTO __attribute__((cleanup(tell_letter_free)))

/** tell_kind_of() - which letter tells of this moment. */
enum tell_kind tell_kind_of(enum moment moment, bool for_admin);

/**
 * tell_user_facts() - what this reader may see.
 * @rows_max: instances listed at most, those that need attention first
 *
 * Returns the object, which the caller frees (JSON_AUTO); NULL when out of memory.
 */
cJSON *tell_user_facts(
    const struct tell_facts *f, const struct tell_audience *a, const struct tell_reader *r, size_t rows_max);
/** tell_admin_facts() - everything. */
cJSON *tell_admin_facts(const struct tell_facts *f, size_t rows_max);
/** tell_alert_facts() - an alert of the engine or the daemon. */
cJSON *tell_alert_facts(const char *key, const char *text, int64_t wall_ms);

/* Somebody who could not be told. */
struct tell_unreached {
	char who[TELL_ADDRESS_SIZE]; /* "project ID", "user NAME (ID)" */
	char why[REASON_SIZE];
};
/** tell_unreached_facts() - a list of them. */
cJSON *tell_unreached_facts(const struct tell_facts *f, const struct tell_unreached *all, size_t n);

/* The templates in use. A member that is NULL is never asked for: tell_builtin_load() fills all of them. */
struct tell_templates {
	struct tell_template *all[TELL_KIND_N][TELL_FORMAT_N];
};
/**
 * tell_builtin_load() - the templates that come with the program.
 * @ret: overwritten; the caller frees it with tell_templates_free()
 *
 * Errors: -OSHA_E_NOMEM; -OSHA_E_CONFIG would be a fault of the build, and a test holds it away.
 */
int tell_builtin_load(struct tell_templates *ret, struct osha_err *reterr);
/** tell_templates_free() - fit for cleanup. */
void tell_templates_free(struct tell_templates *t);
#define TELL_TEMPLATES_AUTO __attribute__((cleanup(tell_templates_free)))

/**
 * tell_letter_write() - fill one letter's templates.
 * @facts: borrowed
 *
 * Errors: -OSHA_E_FULL (a part grew over TELL_PART_MAX_BYTES: list fewer rows), -OSHA_E_NOMEM.
 */
int tell_letter_write(const struct tell_templates *t, enum tell_kind kind, const cJSON *facts, struct tell_letter *ret,
    struct osha_err *reterr);

/** tell_time_text() - "2026-01-31 23:59:59 UTC"; "" for 0. */
const char *tell_time_text(int64_t wall_ms, char *text, size_t size);
enum { TELL_TIME_SIZE = 40 };

/* One built-in template, made from templates/ at build time. */
struct tell_builtin {
	enum tell_kind kind;
	enum tell_format format;
	const char *bytes;
};
extern const struct tell_builtin tell_builtins[TELL_KIND_N * TELL_FORMAT_N];
