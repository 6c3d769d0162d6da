/* SPDX-License-Identifier: Apache-2.0 */
/* People of projects folded to readers: by sorting their links, so that thousands of people cost no square of anything. */
#include "tell/audience.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/strbuf.h"

enum { LOCAL_MAX = 64 }; /* RFC 5321, 4.5.3.1.1 */

static bool is_address_byte(char c, bool is_domain)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-')
		return true;
	return !is_domain && c && strchr("!#$%&'*+/=?^_`{|}~", c);
}

bool tell_address_ok(const char *address)
{
	const char *at = strchr(address, '@');
	size_t n = strlen(address);

	if (!at || at == address || at - address > LOCAL_MAX || n >= TELL_ADDRESS_SIZE || !at[1] || at[1] == '-')
		return false;
	for (const char *c = address; *c; c++) {
		bool dot_is_bad =
		    *c == '.' && (c == address || c[1] == '\0' || c[1] == '.' || c[1] == '@' || c == at + 1);

		if (c != at && (dot_is_bad || !is_address_byte(*c, c > at)))
			return false;
	}
	return true;
}

static int link_compare(const void *a, const void *b)
{
	const struct tell_link *x = a, *y = b;
	int by_address = strcasecmp(x->person->address, y->person->address);

	if (by_address)
		return by_address;
	return strcmp(x->project->id, y->project->id);
}

static bool is_admin(const char *address, const char *const *admins, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		if (strcasecmp(address, admins[k]) == 0)
			return true;
	}
	return false;
}

static void readers_fold(struct tell_audience *a)
{
	size_t kept = 0;

	for (size_t k = 0; k < a->link_n; k++) {
		bool is_same = kept && strcasecmp(a->links[kept - 1].person->address, a->links[k].person->address) == 0;

		if (is_same && str_eq(a->links[kept - 1].project->id, a->links[k].project->id))
			continue;
		a->links[kept] = a->links[k];
		if (!is_same)
			a->readers[a->reader_n++] = (struct tell_reader){.first = kept};
		a->readers[a->reader_n - 1].n++;
		kept++;
	}
	a->link_n = kept;
}

int tell_audience_make(const struct tell_project *projects, size_t n, const char *const *admins, size_t admin_n,
    struct tell_audience *ret, struct osha_err *reterr)
{
	size_t all = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t k = 0; k < n; k++)
		all += projects[k].person_n;
	ret->links = calloc(all + 1, sizeof(*ret->links));
	ret->readers = calloc(all + 1, sizeof(*ret->readers));
	if (!ret->links || !ret->readers) {
		tell_audience_free(ret);
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for %zu readers", all);
	}
	for (size_t k = 0; k < n; k++) {
		for (size_t i = 0; i < projects[k].person_n; i++) {
			const struct tell_person *person = &projects[k].people[i];

			if (person->is_enabled && tell_address_ok(person->address) &&
			    !is_admin(person->address, admins, admin_n))
				ret->links[ret->link_n++] = (struct tell_link){person, &projects[k]};
		}
	}
	qsort(ret->links, ret->link_n, sizeof(*ret->links), link_compare);
	readers_fold(ret);
	return 0;
}

void tell_audience_free(struct tell_audience *a)
{
	free(a->links);
	free(a->readers);
	memset(a, 0, sizeof(*a));
}

const char *tell_reader_address(const struct tell_audience *a, const struct tell_reader *r)
{
	return a->links[r->first].person->address;
}

const char *tell_reader_name(const struct tell_audience *a, const struct tell_reader *r)
{
	return a->links[r->first].person->name;
}

const struct tell_project *tell_reader_project(
    const struct tell_audience *a, const struct tell_reader *r, const char *project_id)
{
	for (size_t k = r->first; k < r->first + r->n; k++) {
		if (str_eq(a->links[k].project->id, project_id))
			return a->links[k].project;
	}
	return NULL;
}

bool tell_users_are_affected(const struct recovery_record *r, enum moment moment)
{
	bool was_confirmed = r->due & (1u << MOMENT_CONFIRMED), was_recovered = r->due & (1u << MOMENT_RECOVERED);

	if (moment == MOMENT_HELD)
		return was_confirmed && !was_recovered;
	return moment == MOMENT_CONFIRMED || moment == MOMENT_RECOVERED;
}
