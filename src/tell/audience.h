/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is to be told, and of which projects. A reader is an address: whoever has roles in two affected projects is one reader of both, and
 * an administrator reads the administrators' letter only. What a reader may see follows from the readers' projects and from nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/record.h"

enum {
	TELL_ADDRESS_SIZE = 256,
	TELL_PERSON_NAME_SIZE = 96,
	TELL_USER_ID_SIZE = 72,
};

/* Someone with an effective role in a project. Plain values. */
struct tell_person {
	char user_id[TELL_USER_ID_SIZE];
	char name[TELL_PERSON_NAME_SIZE]; /* hostile text */
	char address[TELL_ADDRESS_SIZE];  /* "" = has none */
	bool is_enabled;
};

/* A project that owns at least one affected instance. */
struct tell_project {
	char id[UUID_SIZE];
	char name[TELL_PERSON_NAME_SIZE]; /* hostile text; "" = not known */
	struct tell_person *people;       /* owned by whoever made the project */
	size_t person_n;
};

/* One person's way to one project. */
struct tell_link {
	const struct tell_person *person;
	const struct tell_project *project;
};

/* One letter's addressee: links first .. first + n - 1 of the audience; each project once. */
struct tell_reader {
	size_t first, n;
};

struct tell_audience {
	struct tell_link *links; /* by address, then by project */
	size_t link_n;
	struct tell_reader *readers;
	size_t reader_n;
};

/** tell_address_ok() - is this an address that a mail can be sent to and that can stand in a header? ASCII, no quoting, no comment. */
bool tell_address_ok(const char *address);

/**
 * tell_audience_make() - the readers among these people: enabled, with an address, not an administrator.
 * @projects: @n of them; borrowed until tell_audience_free()
 * @admins: @admin_n addresses; borrowed for the call
 *
 * Addresses are compared without regard to the case of ASCII letters. Errors: -OSHA_E_NOMEM.
 */
int tell_audience_make(const struct tell_project *projects, size_t n, const char *const *admins, size_t admin_n,
    struct tell_audience *ret, struct osha_err *reterr);
/** tell_audience_free() - fit for cleanup. */
void tell_audience_free(struct tell_audience *a);

/** tell_reader_address(), tell_reader_name() - of its first link; borrowed. */
const char *tell_reader_address(const struct tell_audience *a, const struct tell_reader *r);
const char *tell_reader_name(const struct tell_audience *a, const struct tell_reader *r);
/** tell_reader_project() - the project with this id, if the reader may see it; else NULL. */
const struct tell_project *tell_reader_project(
    const struct tell_audience *a, const struct tell_reader *r, const char *project_id);

/** tell_users_are_affected() - does this moment of this recovery concern users at all?
 * Confirmed and recovered always; held only between the two: before, nothing is known to have failed (too much went silent, nobody could
 * tell), and after it their instances run and what remains is the host's own matter. Skipped and returned never. */
bool tell_users_are_affected(const struct recovery_record *r, enum moment moment);
