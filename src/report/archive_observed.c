/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deaths that were only observed, and what followed: a recovery's record says what would have been done, the host's own records hold what
 * was seen afterwards. The whole history is read, since a host's newest record knows of its newest death only.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "journal/reader.h"
#include "report/archive_part.h"

enum { DEATHS_FIRST = 16 };

struct death {
	struct recovery_record recovery; /* id "" = its line is gone from the history */
	struct observed after;
	bool is_newest; /* of its host: what its record does not say has not been seen */
};

struct deaths {
	struct death *all;
	size_t n, cap;
};

static void deaths_free(struct deaths *d)
{
	free(d->all);
}

/* By the recovery's id, added when it is new; NULL without memory. Those mentioned last stand at the end. */
static struct death *death_of(struct deaths *d, const char *id)
{
	struct death *more;

	for (size_t k = d->n; k-- > 0;) {
		if (str_eq(d->all[k].after.recovery, id))
			return &d->all[k];
	}
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : DEATHS_FIRST;

		more = realloc(d->all, cap * sizeof(*more));
		if (!more)
			return NULL;
		d->all = more;
		d->cap = cap;
	}
	memset(&d->all[d->n], 0, sizeof(d->all[d->n]));
	str_copy(d->all[d->n].after.recovery, RECOVERY_ID_SIZE, id);
	return &d->all[d->n++];
}

static int take(struct deaths *d, const struct record *r, bool is_newest, struct osha_err *reterr)
{
	const char *id = r->type == RECORD_HOST                               ? r->host.observed.recovery
			 : r->type == RECORD_RECOVERY && r->recovery.observed ? r->recovery.id
									      : "";
	struct death *x = id[0] ? death_of(d, id) : NULL;

	if (!id[0])
		return 0;
	if (!x)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read the journal");
	if (r->type == RECORD_RECOVERY) {
		x->recovery = r->recovery;
		return 0;
	}
	x->after = r->host.observed;
	x->is_newest = is_newest;
	return 0;
}

static int take_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	return take(arg, line->record, false, reterr);
}

static int take_record(void *arg, const struct record *r, struct osha_err *reterr)
{
	return take(arg, r, true, reterr);
}

/* One word for machines and for counting; what a person did outweighs what came of it. */
static const char *followed(const struct death *d)
{
	const struct observed *o = &d->after;

	if (o->forced_down_wall_ms)
		return "forced-down";
	if (o->off_wall_ms && o->on_wall_ms)
		return "powered-off";
	if (o->alive_wall_ms)
		return "alive-again";
	if (!d->is_newest)
		return "unknown";
	return o->off_wall_ms ? "found-off" : "still-dead";
}

static cJSON *death(const struct death *d)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddStringToObject(o, "recovery", d->recovery.id);
	cJSON_AddStringToObject(o, "host", d->recovery.host);
	part_at(o, "suspect_at_ms", d->recovery.stamp_wall_ms[HOST_ROW_SUSPECT]);
	part_at(o, "would_act_at_ms", d->recovery.row_wall_ms);
	part_text(o, "why", d->recovery.why);
	cJSON_AddStringToObject(o, "followed", followed(d));
	part_at(o, "read_on_at_ms", d->after.on_wall_ms);
	part_at(o, "read_off_at_ms", d->after.off_wall_ms);
	part_at(o, "forced_down_at_ms", d->after.forced_down_wall_ms);
	part_at(o, "alive_at_ms", d->after.alive_wall_ms);
	return o;
}

static int by_time(const void *a, const void *b)
{
	const struct recovery_record *x = &((const struct death *)a)->recovery,
				     *y = &((const struct death *)b)->recovery;

	if (x->row_wall_ms != y->row_wall_ms)
		return x->row_wall_ms < y->row_wall_ms ? -1 : 1;
	return strcmp(x->id, y->id);
}

int archive_observed(const struct archive *a, cJSON **ret_json, struct osha_err *reterr)
{
	JOURNAL_READER_AUTO struct journal_reader *r = NULL;
	__attribute__((cleanup(deaths_free))) struct deaths d = {0};
	int e = journal_reader_open(a->path, &r, reterr);
	cJSON *all;

	/* the newest records last: they overrule what the history says, and know what it has lost */
	if (e == 0)
		e = journal_reader_history(r, NULL, take_line, &d, reterr);
	if (e == 0)
		e = journal_reader_records(r, take_record, &d, reterr);
	if (e < 0)
		return e;
	if (d.n)
		qsort(d.all, d.n, sizeof(*d.all), by_time);
	*ret_json = archive_answer(a);
	all = cJSON_AddArrayToObject(*ret_json, "deaths");
	for (size_t k = 0; k < d.n; k++) {
		if (d.all[k].recovery.id[0])
			cJSON_AddItemToArray(all, death(&d.all[k]));
	}
	return 0;
}
