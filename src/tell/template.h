/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of the mail templates, and nothing beyond it: values, lists, and a word for the empty case. A template is parsed and held
 * against the names that its letter offers before it is ever used, so that a wrong one is found when the configuration is read and not in
 * the middle of a failure. It can compute nothing, include nothing and never runs long.
 *
 *	{{name}}              the value; escaped in HTML, on one line and without control characters in both
 *	{{#name}} {{/name}}   a list: once for each row, in which the row's own names are known too; a value: once unless it is empty
 *	{{^name}} {{/name}}   once if the list or value is empty
 *	{{! words }}          nothing: for whoever reads the template
 *
 * A line that holds nothing but one section tag or comment leaves no empty line behind. The first line of a text template is the subject
 * ("Subject: ..."), the second one is empty. Reading the files is left to the caller, what the names hold to letter.h.
 */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

enum {
	TELL_TEMPLATE_MAX_BYTES = 64 * 1024,
	TELL_TEMPLATE_DEPTH = 8, /* sections inside sections */
};

/* One letter: what it says and to whom. */
enum tell_kind {
	TELL_USER_CONFIRMED = 0,
	TELL_USER_RECOVERED,
	TELL_USER_HELD,
	TELL_ADMIN_CONFIRMED,
	TELL_ADMIN_RECOVERED,
	TELL_ADMIN_HELD,
	TELL_ADMIN_SKIPPED,
	TELL_ADMIN_RETURNED,
	TELL_ADMIN_ALERT,
	TELL_ADMIN_UNREACHED, /* who could not be told, and why */
	TELL_KIND_N
};

enum tell_format { TELL_TEXT = 0, TELL_HTML, TELL_FORMAT_N };

/** tell_template_name() - file name of a template: "user-confirmed.txt", "admin-held.html"; "?" out of range. Never renamed. */
const char *tell_template_name(enum tell_kind kind, enum tell_format format);

/* Where a template comes from. */
struct tell_source {
	enum tell_kind kind;
	enum tell_format format;
	const char *bytes; /* UTF-8; hostile; borrowed for the call */
	size_t size_bytes;
};

struct tell_template;

/**
 * tell_template_parse() - one template, checked whole.
 * @ret_line: on error the line it stands in, from 1; may be NULL
 * @ret: on success; the caller frees it (TELL_TEMPLATE_AUTO)
 *
 * Errors: -OSHA_E_CONFIG (what was expected and what was found), -OSHA_E_NOMEM.
 */
int tell_template_parse(
    const struct tell_source *source, int *ret_line, struct tell_template **ret, struct osha_err *reterr);
/** tell_template_free() - NULL inside is fine. */
void tell_template_free(struct tell_template **t);
#define TELL_TEMPLATE_AUTO __attribute__((cleanup(tell_template_free)))

/**
 * tell_template_render() - fill it in.
 * @facts: an object of letter.h; borrowed. A name that is not in it reads as empty
 * @out: appended to; when it overflows its cap it has failed, which the caller looks at
 *
 * The subject's line is left out here. Never fails otherwise.
 */
void tell_template_render(const struct tell_template *t, const cJSON *facts, struct strbuf *out);
/** tell_template_subject() - the first line of a text template, filled in; nothing for HTML. */
void tell_template_subject(const struct tell_template *t, const cJSON *facts, struct strbuf *out);

/** tell_text_add() - one value as it stands in a text or HTML part: on one line, no control or direction characters, valid UTF-8. */
void tell_text_add(struct strbuf *out, enum tell_format format, const char *value);

enum tell_name_kind { TELL_NAME_NONE = 0, TELL_NAME_VALUE, TELL_NAME_LIST };

/**
 * tell_name_find() - does a letter offer @name (of @n bytes) inside section @inside ("" = outside of every list)?
 * Its section and the names around it are looked at by the caller, from the inside out.
 */
enum tell_name_kind tell_name_find(enum tell_kind kind, const char *inside, const char *name, size_t n);

/**
 * tell_name_at() - all names that a letter offers, one after the other.
 * @at: 0, 1, ...
 * @ret_inside: the list that it stands in, "" = in none
 *
 * Returns the name; NULL past the last.
 */
const char *tell_name_at(enum tell_kind kind, size_t at, const char **ret_inside);
