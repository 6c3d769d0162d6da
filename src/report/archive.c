/* SPDX-License-Identifier: Apache-2.0 */
/* A journal as JSON; see archive.h. One recovery in full is archive_recovery.c. */
#include "report/archive.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "journal/reader.h"
#include "report/archive_part.h"

enum { FOLD_FIRST = 64 };

/* Newest records, gathered. */
struct fold {
	struct record *all; /* hosts, recoveries, suspensions */
	size_t n, cap;
};

static void fold_free(struct fold *f)
{
	free(f->all);
}
#define FOLD_AUTO __attribute__((cleanup(fold_free)))

static struct record *fold_find(struct fold *f, const struct record *r)
{
	for (size_t k = f->n; k-- > 0;) {
		struct record *x = &f->all[k];

		if (x->type == r->type && r->type == RECORD_RECOVERY && str_eq(x->recovery.id, r->recovery.id))
			return x;
	}
	return NULL;
}

static int fold_add(struct fold *f, const struct record *r, struct osha_err *reterr)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : FOLD_FIRST;
		struct record *more = realloc(f->all, cap * sizeof(*more));

		if (!more)
			return osha_err_set(reterr, OSHA_E_NOMEM, "read the journal");
		f->all = more;
		f->cap = cap;
	}
	f->all[f->n++] = *r;
	return 0;
}

static int take_record(void *arg, const struct record *r, struct osha_err *reterr)
{
	return r->type == RECORD_HOST || r->type == RECORD_RECOVERY || r->type == RECORD_SUSPENSION
		   ? fold_add(arg, r, reterr)
		   : 0;
}

/* History is in order of writing: a later line of the same recovery is its newer state. */
static int take_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	struct record *known;

	if (line->record->type != RECORD_RECOVERY)
		return 0;
	known = fold_find(arg, line->record);
	if (!known)
		return fold_add(arg, line->record, reterr);
	*known = *line->record;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->type == RECORD_HOST)
		return strcmp(x->host.name, y->host.name);
	if (x->type == RECORD_SUSPENSION)
		return strcmp(x->suspension.segment, y->suspension.segment);
	if (x->recovery.opened_wall_ms != y->recovery.opened_wall_ms)
		return x->recovery.opened_wall_ms < y->recovery.opened_wall_ms ? -1 : 1;
	return strcmp(x->recovery.id, y->recovery.id);
}

/* Hosts by name first, then recoveries by age. */
static int gather(const struct archive *a, bool has_history, struct fold *f, struct osha_err *reterr)
{
	JOURNAL_READER_AUTO struct journal_reader *r = NULL;
	int e = journal_reader_open(a->path, &r, reterr);

	if (e == 0)
		e = journal_reader_records(r, take_record, f, reterr);
	if (e == 0 && has_history)
		e = journal_reader_history(r, NULL, take_line, f, reterr);
	if (e == 0 && f->n)
		qsort(f->all, f->n, sizeof(*f->all), by_age);
	return e;
}

cJSON *archive_answer(const struct archive *a)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddBoolToObject(o, "ok", true);
	cJSON_AddStringToObject(o, "source", "journal");
	part_at(o, "now_at_ms", a->wall_ms);
	return o;
}

static cJSON *recoveries(const struct fold *f, bool has_ended, uint32_t *ret_held)
{
	cJSON *all = cJSON_CreateArray();

	for (size_t k = 0; k < f->n; k++) {
		const struct recovery_record *r = &f->all[k].recovery;

		if (f->all[k].type != RECORD_RECOVERY || !(has_ended || row_is_open(r->row)))
			continue;
		cJSON_AddItemToArray(all, part_recovery(r));
		*ret_held += r->row == HOST_ROW_HELD;
	}
	return all;
}

static cJSON *suspensions(const struct fold *f, int64_t wall_ms)
{
	cJSON *all = cJSON_CreateArray();

	for (size_t k = 0; k < f->n; k++) {
		const struct suspension_record *s = &f->all[k].suspension;

		if (f->all[k].type == RECORD_SUSPENSION && s->is_on &&
		    !(s->until_wall_ms && s->until_wall_ms <= wall_ms))
			cJSON_AddItemToArray(all, part_suspension(s));
	}
	return all;
}

int archive_status(const struct archive *a, cJSON **ret_json, struct osha_err *reterr)
{
	FOLD_AUTO struct fold f = {0};
	int e = gather(a, false, &f, reterr);
	uint32_t held = 0, hosts = 0, maintenance = 0;
	cJSON *o, *c;

	if (e < 0)
		return e;
	for (size_t k = 0; k < f.n && f.all[k].type == RECORD_HOST; k++) {
		hosts++;
		maintenance += f.all[k].host.maintenance;
	}
	o = archive_answer(a);
	cJSON_AddNullToObject(o, "daemon");
	cJSON_AddStringToObject(o, "journal", a->path);
	c = cJSON_AddObjectToObject(o, "hosts_n");
	cJSON_AddNumberToObject(c, "all", hosts);
	cJSON_AddNumberToObject(c, "maintenance", maintenance);
	cJSON_AddItemToObject(o, "suspensions", suspensions(&f, a->wall_ms));
	cJSON_AddItemToObject(o, "recoveries", recoveries(&f, false, &held));
	cJSON_AddNumberToObject(o, "held_n", held);
	part_held_add(o);
	*ret_json = o;
	return 0;
}

int archive_recoveries(const struct archive *a, bool has_ended, cJSON **ret_json, struct osha_err *reterr)
{
	FOLD_AUTO struct fold f = {0};
	int e = gather(a, has_ended, &f, reterr);
	uint32_t held = 0;

	if (e < 0)
		return e;
	*ret_json = archive_answer(a);
	cJSON_AddItemToObject(*ret_json, "recoveries", recoveries(&f, has_ended, &held));
	return 0;
}

static const struct recovery_record *open_of(const struct fold *f, const char *host)
{
	for (size_t k = 0; k < f->n; k++) {
		const struct recovery_record *r = &f->all[k].recovery;

		if (f->all[k].type == RECORD_RECOVERY && row_is_open(r->row) && str_eq(r->host, host))
			return r;
	}
	return NULL;
}

static cJSON *host_of(const struct fold *f, const struct host_record *h)
{
	const struct recovery_record *r = open_of(f, h->name);
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "name", h->name);
	cJSON_AddStringToObject(o, "verdict", verdict_name(VERDICT_UNKNOWN));
	cJSON_AddItemToObject(o, "maintenance", part_maintenance(h));
	cJSON_AddItemToObject(o, "fence_levels", part_levels(h, NULL, NULL));
	cJSON_AddItemToObject(o, "recovery", r ? part_recovery(r) : cJSON_CreateNull());
	return o;
}

int archive_hosts(const struct archive *a, cJSON **ret_json, struct osha_err *reterr)
{
	FOLD_AUTO struct fold f = {0};
	int e = gather(a, false, &f, reterr);
	cJSON *all;

	if (e < 0)
		return e;
	*ret_json = archive_answer(a);
	all = cJSON_AddArrayToObject(*ret_json, "hosts");
	for (size_t k = 0; k < f.n && f.all[k].type == RECORD_HOST; k++)
		cJSON_AddItemToArray(all, host_of(&f, &f.all[k].host));
	return 0;
}

int archive_fences(const struct archive *a, cJSON **ret_json, struct osha_err *reterr)
{
	return archive_hosts(a, ret_json, reterr);
}

static const struct recovery_record *last_of(const struct fold *f, const char *host)
{
	for (size_t k = f->n; k-- > 0;) {
		if (f->all[k].type == RECORD_RECOVERY && str_eq(f->all[k].recovery.host, host))
			return &f->all[k].recovery;
	}
	return NULL;
}

int archive_last_of(const struct archive *a, const char *host, cJSON **ret_json, struct osha_err *reterr)
{
	FOLD_AUTO struct fold f = {0};
	const struct recovery_record *r;
	int e = gather(a, true, &f, reterr);

	if (e < 0)
		return e;
	r = last_of(&f, host);
	*ret_json = r ? part_recovery(r) : cJSON_CreateNull();
	return 0;
}

int archive_explain(const struct archive *a, const char *host, cJSON **ret_json, struct osha_err *reterr)
{
	FOLD_AUTO struct fold f = {0};
	struct host_record unseen = {0};
	const struct host_record *h = NULL;
	const struct recovery_record *last;
	int e = gather(a, true, &f, reterr);
	cJSON *o, *next;

	if (e < 0)
		return e;
	last = last_of(&f, host);
	for (size_t k = 0; k < f.n && f.all[k].type == RECORD_HOST; k++)
		h = str_eq(f.all[k].host.name, host) ? &f.all[k].host : h;
	if (!h && !last)
		return osha_err_set(
		    reterr, OSHA_E_NOTFOUND, "the journal knows no host named exactly \"%s\"; see `osha hosts`", host);
	str_copy(unseen.name, sizeof(unseen.name), host);
	o = host_of(&f, h ? h : &unseen);
	next = cJSON_AddArrayToObject(o, "next");
	cJSON_AddItemToArray(
	    next, cJSON_CreateString("nothing: no daemon runs, so nothing is watched and nothing is fenced"));
	cJSON_AddItemToObject(o, "last_recovery", last ? part_recovery(last) : cJSON_CreateNull());
	*ret_json = archive_answer(a);
	cJSON_AddItemToObject(*ret_json, "host", o);
	return 0;
}
