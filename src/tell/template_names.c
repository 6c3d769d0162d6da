/* SPDX-License-Identifier: Apache-2.0 */
/* What each letter offers to its template. letter_facts.c fills exactly these names, and a test holds both to each other. */
#include <string.h>

#include "base/strbuf.h"
#include "tell/template.h"

enum {
	FOR_USER = 1u << 0,
	FOR_ADMIN = 1u << 1, /* of a recovery's moment */
	FOR_ALERT = 1u << 2,
	FOR_UNREACHED = 1u << 3,
	FOR_ALL = FOR_USER | FOR_ADMIN | FOR_ALERT | FOR_UNREACHED,
};

struct name_row {
	const char *name, *inside;
	enum tell_name_kind kind;
	unsigned letters;
};

static const struct name_row name_rows[] = {
    {"now", "", TELL_NAME_VALUE, FOR_ALL},                                   /* when the letter was written, UTC */
    {"recovery", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN | FOR_UNREACHED}, /* the recovery's id */
    {"person", "", TELL_NAME_VALUE, FOR_USER},                               /* the reader's name */
    {"failed_at", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* first doubt, confirmation, end: UTC, empty = not yet */
    {"confirmed_at", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},
    {"recovered_at", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},
    {"instance_n", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},  /* how many, of those that the reader may see */
    {"recovered_n", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* of them back in their wanted state */
    {"failed_n", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},    /* of them not (yet); empty when none */
    {"more_n", "", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* of them not listed for want of room; empty when none */
    {"project_names", "", TELL_NAME_VALUE, FOR_USER},      /* "alpha, beta" */
    {"projects", "", TELL_NAME_LIST, FOR_USER | FOR_ADMIN},
    {"project", "projects", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* its name, or its id where that is not known */
    {"project_id", "projects", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},
    {"is_named", "projects", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* "yes" where its name is known, or empty */
    {"instances", "projects", TELL_NAME_LIST, FOR_USER | FOR_ADMIN},
    {"name", "instances", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},
    {"uuid", "instances", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},
    {"state", "instances", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* the state it had and is to end in */
    {"end", "instances", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN},   /* how it stands now, in words for the reader */
    {"is_ok", "instances", TELL_NAME_VALUE, FOR_USER | FOR_ADMIN}, /* "yes", or empty */
    {"from", "instances", TELL_NAME_VALUE, FOR_ADMIN},
    {"to", "instances", TELL_NAME_VALUE, FOR_ADMIN},
    {"why", "instances", TELL_NAME_VALUE, FOR_ADMIN},
    {"host", "", TELL_NAME_VALUE, FOR_ADMIN | FOR_UNREACHED},
    {"moment", "", TELL_NAME_VALUE, FOR_ADMIN | FOR_UNREACHED},
    {"state_of_recovery", "", TELL_NAME_VALUE, FOR_ADMIN},
    {"why", "", TELL_NAME_VALUE, FOR_ADMIN},
    {"hold", "", TELL_NAME_VALUE, FOR_ADMIN},      /* the hold's cause, empty when it is none */
    {"release", "", TELL_NAME_VALUE, FOR_ADMIN},   /* what would end the hold */
    {"observed", "", TELL_NAME_VALUE, FOR_ADMIN},  /* "yes" where its segment only observes, or empty */
    {"is_listed", "", TELL_NAME_VALUE, FOR_ADMIN}, /* "yes" once its instances are known */
    {"proof", "", TELL_NAME_VALUE, FOR_ADMIN},     /* kind of proof, empty = there is none; likewise below */
    {"proof_by", "", TELL_NAME_VALUE, FOR_ADMIN},
    {"proof_at", "", TELL_NAME_VALUE, FOR_ADMIN},
    {"evidence", "", TELL_NAME_LIST, FOR_ADMIN}, /* what the monitors said when they were weighed last */
    {"monitor", "evidence", TELL_NAME_VALUE, FOR_ADMIN},
    {"path", "evidence", TELL_NAME_VALUE, FOR_ADMIN},
    {"says", "evidence", TELL_NAME_VALUE, FOR_ADMIN},    /* alive, dead, unknown */
    {"seen_at", "evidence", TELL_NAME_VALUE, FOR_ADMIN}, /* UTC, empty = never */
    {"since", "evidence", TELL_NAME_VALUE, FOR_ADMIN},   /* UTC, empty when it says unknown */
    {"timeline", "", TELL_NAME_LIST, FOR_ADMIN},
    {"at", "timeline", TELL_NAME_VALUE, FOR_ADMIN},
    {"what", "timeline", TELL_NAME_VALUE, FOR_ADMIN},
    {"key", "", TELL_NAME_VALUE, FOR_ALERT},
    {"text", "", TELL_NAME_VALUE, FOR_ALERT},
    {"unreached", "", TELL_NAME_LIST, FOR_UNREACHED},
    {"who", "unreached", TELL_NAME_VALUE, FOR_UNREACHED},
    {"why", "unreached", TELL_NAME_VALUE, FOR_UNREACHED},
};

static unsigned letter_of(enum tell_kind kind)
{
	if (kind <= TELL_USER_HELD)
		return FOR_USER;
	if (kind == TELL_ADMIN_ALERT)
		return FOR_ALERT;
	return kind == TELL_ADMIN_UNREACHED ? FOR_UNREACHED : FOR_ADMIN;
}

enum tell_name_kind tell_name_find(enum tell_kind kind, const char *inside, const char *name, size_t n)
{
	unsigned letter = letter_of(kind);

	for (size_t k = 0; k < sizeof(name_rows) / sizeof(name_rows[0]); k++) {
		const struct name_row *row = &name_rows[k];

		if ((row->letters & letter) && str_eq(row->inside, inside) && strlen(row->name) == n &&
		    memcmp(row->name, name, n) == 0)
			return row->kind;
	}
	return TELL_NAME_NONE;
}

const char *tell_name_at(enum tell_kind kind, size_t at, const char **ret_inside)
{
	for (size_t k = 0; k < sizeof(name_rows) / sizeof(name_rows[0]); k++) {
		if (!(name_rows[k].letters & letter_of(kind)) || at-- > 0)
			continue;
		*ret_inside = name_rows[k].inside;
		return name_rows[k].name;
	}
	return NULL;
}

const char *tell_template_name(enum tell_kind kind, enum tell_format format)
{
	static const char *const names[TELL_KIND_N][TELL_FORMAT_N] = {
	    [TELL_USER_CONFIRMED] = {"user-confirmed.txt", "user-confirmed.html"},
	    [TELL_USER_RECOVERED] = {"user-recovered.txt", "user-recovered.html"},
	    [TELL_USER_HELD] = {"user-held.txt", "user-held.html"},
	    [TELL_ADMIN_CONFIRMED] = {"admin-confirmed.txt", "admin-confirmed.html"},
	    [TELL_ADMIN_RECOVERED] = {"admin-recovered.txt", "admin-recovered.html"},
	    [TELL_ADMIN_HELD] = {"admin-held.txt", "admin-held.html"},
	    [TELL_ADMIN_SKIPPED] = {"admin-skipped.txt", "admin-skipped.html"},
	    [TELL_ADMIN_RETURNED] = {"admin-returned.txt", "admin-returned.html"},
	    [TELL_ADMIN_ALERT] = {"admin-alert.txt", "admin-alert.html"},
	    [TELL_ADMIN_UNREACHED] = {"admin-unreached.txt", "admin-unreached.html"},
	};

	if ((unsigned)kind >= TELL_KIND_N || (unsigned)format >= TELL_FORMAT_N)
		return "?";
	return names[kind][format];
}
