/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side of event_line.h. The bytes may be anybody's: what comes out of here may be given to an engine as it is. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/event_line.h"
#include "daemon/event_words.h"
#include "journal/codec.h"

/* Items of one event, gathered over its lines. */
struct items {
	void *all; /* owned */
	uint32_t n, cap;
};

struct event_reader {
	cJSON *tree; /* of the newest line: texts are borrowed from it */
	bool is_alive, is_lost;
	uint64_t next;
	int64_t now_ms;
	uint32_t host_n;
	char names[MONITOR_MAX][MONITOR_NAME_SIZE];
	struct items evidence, services, views, records;
	enum engine_event_type part_of; /* whose items are gathered; ENGINE_EVENT_N = none */
	struct items service;           /* by host: what was last said of it */
	struct instance_view view[EVENT_VIEW_SLOTS];
	bool has_view[EVENT_VIEW_SLOTS];
};

struct event_reader *event_reader_new(void)
{
	struct event_reader *r = calloc(1, sizeof(*r));

	if (r)
		r->part_of = ENGINE_EVENT_N;
	return r;
}

static void items_free(struct items *i)
{
	free(i->all);
	*i = (struct items){0};
}

void event_reader_free(struct event_reader *r)
{
	if (!r)
		return;
	json_free(&r->tree);
	items_free(&r->evidence);
	items_free(&r->services);
	items_free(&r->views);
	items_free(&r->records);
	items_free(&r->service);
	free(r);
}

static void *item_add(struct items *i, size_t size)
{
	char *at;

	if (i->n >= EVENT_LINE_ITEMS_MAX)
		return NULL;
	if (i->n == i->cap) {
		uint32_t cap = i->cap ? i->cap * 2 : 64;
		void *more = realloc(i->all, cap * size);

		if (!more)
			return NULL;
		i->all = more;
		i->cap = cap;
	}
	at = (char *)i->all + size * i->n++;
	memset(at, 0, size);
	return at;
}

static const cJSON *at(const cJSON *list, int k)
{
	return cJSON_IsArray(list) ? cJSON_GetArrayItem(list, k) : NULL;
}

static int64_t later_ms(int64_t ms, int64_t by_ms)
{
	return (int64_t)((uint64_t)ms + (uint64_t)by_ms);
}

/* --- items --- */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool record_read(struct event_reader *r, const cJSON *item)
{
	const char *hex = cJSON_GetStringValue(item);
	size_t n = hex ? strlen(hex) / 2 : 0;
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	struct record *to;

	if (!n || n > sizeof(bytes) || strlen(hex) != 2 * n)
		return false;
	for (size_t k = 0; k < n; k++) {
		int high = digit(hex[2 * k]), low = digit(hex[2 * k + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[k] = (uint8_t)(high << 4 | low);
	}
	to = item_add(&r->records, sizeof(struct record));
	return to && journal_record_decode(bytes, n, to, NULL) == 0;
}

static bool progression_read(struct event_reader *r, const cJSON *first, const struct engine_evidence *like)
{
	const cJSON *step_item = first->next, *n_item = step_item ? step_item->next : NULL;
	int64_t host, step, n;

	if (!n_item || !event_number_get(first, 0, r->host_n, &host) ||
	    !event_number_get(step_item, -EVENT_LINE_HOSTS_MAX, EVENT_LINE_HOSTS_MAX, &step) ||
	    !event_number_get(n_item, 1, EVENT_LINE_ITEMS_MAX, &n))
		return false;
	for (; n > 0; n--, host += step) {
		struct engine_evidence *to = host >= 0 && host < r->host_n ? item_add(&r->evidence, sizeof(*to)) : NULL;

		if (!to)
			return false;
		*to = *like;
		to->host = (uint32_t)host;
	}
	return true;
}

static bool evidence_read(struct event_reader *r, const cJSON *item)
{
	struct engine_evidence like = {0};
	int64_t ago_ms, fresh_ms;
	const cJSON *first;

	if (!word_u32(at(item, 0), MONITOR_MAX, &like.monitor) || !word_sign(at(item, 1), &like.sign) ||
	    !word_int(at(item, 2), &ago_ms) || !word_int(at(item, 3), &fresh_ms))
		return false;
	/* told from the event's time, which its own line says: until then by distance from nothing */
	like.seen_ms = later_ms(0, (int64_t)(0 - (uint64_t)ago_ms));
	like.expires_ms = later_ms(like.seen_ms, fresh_ms);
	for (first = at(item, 4); first; first = first->next->next->next) {
		if (!progression_read(r, first, &like))
			return false;
	}
	return true;
}

static bool service_words_read(const cJSON *item, struct service_view *ret)
{
	return word_sign(at(item, 3), &ret->state) && word_flag(at(item, 4), &ret->disabled) &&
	       word_flag(at(item, 5), &ret->forced_down) &&
	       word_text(at(item, 6), ret->disabled_reason, sizeof(ret->disabled_reason)) &&
	       word_text(at(item, 7), ret->service_id, sizeof(ret->service_id)) && !at(item, 8);
}

struct service_said {
	bool is_said;
	struct service_view view;
};

/* One service as it was read; its view is found once all are there. */
struct service_read {
	uint32_t host;
	int64_t ago_ms;
	struct service_view view;
};

static bool service_read(struct event_reader *r, const cJSON *item)
{
	struct service_read *to = item_add(&r->services, sizeof(*to));
	struct service_said *said;

	if (!to || !word_u32(at(item, 0), r->host_n, &to->host) || !word_int(at(item, 1), &to->ago_ms) ||
	    !word_int(at(item, 2), &to->view.updated_at_ms))
		return false;
	while (r->service.n <= to->host) {
		if (!item_add(&r->service, sizeof(struct service_said)))
			return false;
	}
	said = (struct service_said *)r->service.all + to->host;
	if (at(item, 3)) {
		if (!service_words_read(item, &to->view))
			return false;
		said->is_said = true;
		said->view = to->view;
	} else {
		int64_t updated_at_ms = to->view.updated_at_ms;

		to->view = said->view;
		to->view.updated_at_ms = updated_at_ms;
	}
	return said->is_said;
}

static bool evacuation_read(const cJSON *item, struct migration_view *m)
{
	return word_int(at(item, 0), &m->id) && word_status(at(item, 1), &m->status) &&
	       word_int(at(item, 2), &m->created_at_ms) && word_text(at(item, 3), m->instance, sizeof(m->instance)) &&
	       word_text(at(item, 4), m->source, sizeof(m->source)) &&
	       word_text(at(item, 5), m->dest, sizeof(m->dest)) && !at(item, 6);
}

static bool view_words_read(const cJSON *item, struct instance_view *v)
{
	return word_flag(at(item, 0), &v->exists) && word_text(at(item, 1), v->uuid, sizeof(v->uuid)) &&
	       word_text(at(item, 2), v->name, sizeof(v->name)) &&
	       word_text(at(item, 3), v->project, sizeof(v->project)) &&
	       word_text(at(item, 4), v->host, sizeof(v->host)) && word_state(at(item, 5), &v->state) &&
	       word_task(at(item, 6), &v->task) && word_flag(at(item, 7), &v->locked) &&
	       word_int(at(item, 8), &v->fault_at_ms) && word_text(at(item, 9), v->fault, sizeof(v->fault)) &&
	       word_flag(at(item, 10), &v->lacks_history) && evacuation_read(at(item, 11), &v->evacuation) &&
	       word_int(at(item, 12), &v->unfinished.id) &&
	       word_text(at(item, 13), v->unfinished.dest, sizeof(v->unfinished.dest));
}

static bool view_read(struct event_reader *r, const cJSON *item)
{
	struct instance_view *to = item_add(&r->views, sizeof(*to));
	uint32_t slot;

	if (!to)
		return false;
	if (cJSON_IsNumber(item)) {
		if (!word_u32(item, EVENT_VIEW_SLOTS, &slot) || !r->has_view[slot])
			return false;
		*to = r->view[slot];
		return true;
	}
	if (!view_words_read(item, to) || !word_u32(at(item, 14), EVENT_VIEW_SLOTS, &slot) || at(item, 15))
		return false;
	r->view[slot] = *to;
	r->has_view[slot] = true;
	return true;
}

static bool items_read(struct event_reader *r, enum engine_event_type type, const cJSON *list)
{
	static bool (*const reads[ENGINE_EVENT_N])(struct event_reader *, const cJSON *) = {
	    [ENGINE_STARTED] = record_read,
	    [ENGINE_EVIDENCE] = evidence_read,
	    [ENGINE_SERVICES] = service_read,
	    [ENGINE_OP_ENDED] = view_read};
	const cJSON *item;

	if (!cJSON_IsArray(list) || !reads[type])
		return false;
	if (r->part_of != ENGINE_EVENT_N && r->part_of != type)
		return false;
	if (r->part_of == ENGINE_EVENT_N)
		r->evidence.n = r->services.n = r->views.n = r->records.n = 0;
	r->part_of = type;
	cJSON_ArrayForEach(item, list)
	{
		if (!reads[type](r, item))
			return false;
	}
	return true;
}

/* --- events --- */

static bool started_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	if (!items_read(r, ENGINE_STARTED, at(in, 2)))
		return false;
	ev->records.all = r->records.all;
	ev->records.n = r->records.n;
	return true;
}

static bool evidences_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	struct engine_evidence *all;

	if (!items_read(r, ENGINE_EVIDENCE, at(in, 2)))
		return false;
	all = r->evidence.all;
	for (uint32_t k = 0; k < r->evidence.n; k++) {
		all[k].seen_ms = later_ms(all[k].seen_ms, ev->now_ms);
		all[k].expires_ms = later_ms(all[k].expires_ms, ev->now_ms);
	}
	ev->evidence.all = all;
	ev->evidence.n = r->evidence.n;
	return true;
}

/* The engine's form of them needs room of its own, which the evidence's has: neither event has both. */
static bool services_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	struct engine_service *all;

	if (!items_read(r, ENGINE_SERVICES, at(in, 2)))
		return false;
	items_free(&r->evidence);
	all = calloc(r->services.n + 1u, sizeof(*all));
	if (!all)
		return false;
	r->evidence.all = all;
	for (uint32_t k = 0; k < r->services.n; k++) {
		const struct service_read *s = (const struct service_read *)r->services.all + k;

		all[k] = (struct engine_service){
		    s->host, later_ms(ev->now_ms, (int64_t)(0 - (uint64_t)s->ago_ms)), &s->view};
	}
	ev->services.all = all;
	ev->services.n = r->services.n;
	return true;
}

static bool device_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	return word_u32(at(in, 2), r->host_n, &ev->device.host) &&
	       word_u32(at(in, 3), FENCE_LEVEL_MAX, &ev->device.level) && word_power(at(in, 4), &ev->device.power);
}

static bool op_end_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	struct op_end *end = &ev->op_end;

	if (!word_hex(at(in, 2), &end->op) || !word_outcome(at(in, 3), &end->outcome) ||
	    !word_fault(at(in, 4), &end->fault) || !word_power(at(in, 5), &end->power) ||
	    !word_borrow(at(in, 6), &end->reason) || !items_read(r, ENGINE_OP_ENDED, at(in, 7)))
		return false;
	end->views = r->views.all;
	end->view_n = r->views.n;
	return true;
}

static bool persisted_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	int64_t seq;

	if (!word_int(at(in, 2), &seq) || !word_outcome(at(in, 3), &ev->persisted.outcome))
		return false;
	ev->persisted.seq = (uint64_t)seq;
	return true;
}

static bool timer_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	return true;
}

static bool stalled_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	return word_int(at(in, 2), &ev->stall_ms);
}

static bool lease_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	int64_t epoch;

	if (!word_int(at(in, 2), &epoch))
		return false;
	ev->epoch = (uint64_t)epoch;
	return true;
}

/* Each verb has the words that the engine looks at. */
static bool word_is_whole(const struct operator_word *w)
{
	switch (w->verb) {
	case OPERATOR_RELEASE:
	case OPERATOR_APPROVE:
		return w->recovery;
	case OPERATOR_SUSPEND:
	case OPERATOR_RESUME:
		return true;
	default:
		return w->host;
	}
}

static bool operator_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	struct operator_word *w = &ev->word;

	if (!word_verb(at(in, 2), &w->verb) || !word_borrow(at(in, 3), &w->host) ||
	    !word_borrow(at(in, 4), &w->recovery) || !word_borrow(at(in, 5), &w->who) ||
	    !word_borrow(at(in, 6), &w->despite_life))
		return false;
	/* a build without suspensions wrote no more */
	if (at(in, 7) && (!word_int(at(in, 7), &w->until_wall_ms) || !word_borrow(at(in, 8), &w->segment) ||
			     !word_borrow(at(in, 9), &w->reason)))
		return false;
	return w->who && word_is_whole(w);
}

static bool told_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	return word_borrow(at(in, 2), &ev->told.recovery) && ev->told.recovery &&
	       word_moment(at(in, 3), &ev->told.moment);
}

static bool health_read(struct event_reader *r, const cJSON *in, struct engine_event *ev)
{
	return word_u32(at(in, 2), MONITOR_MAX, &ev->health.monitor) && word_flag(at(in, 3), &ev->health.is_ok) &&
	       word_borrow(at(in, 4), &ev->health.reason);
}

static bool event_read(struct event_reader *r, enum engine_event_type type, const cJSON *in, struct event_line *ret)
{
	static bool (*const reads[ENGINE_EVENT_N])(struct event_reader *, const cJSON *, struct engine_event *) = {
	    [ENGINE_STARTED] = started_read,
	    [ENGINE_EVIDENCE] = evidences_read,
	    [ENGINE_SERVICES] = services_read,
	    [ENGINE_DEVICE] = device_read,
	    [ENGINE_OP_ENDED] = op_end_read,
	    [ENGINE_PERSISTED] = persisted_read,
	    [ENGINE_TIMER] = timer_read,
	    [ENGINE_STALLED] = stalled_read,
	    [ENGINE_LEASE] = lease_read,
	    [ENGINE_OPERATOR] = operator_read,
	    [ENGINE_TOLD] = told_read,
	    [ENGINE_MONITOR_HEALTH] = health_read};
	struct engine_event *ev = &ret->event;
	bool ok;

	ret->kind = EVENT_LINE_EVENT;
	*ev = (struct engine_event){.type = type, .wall_ms = ret->wall_ms};
	ok = (r->part_of == ENGINE_EVENT_N || r->part_of == type) && word_int(at(in, 1), &ev->now_ms) &&
	     reads[type](r, in, ev);
	r->part_of = ENGINE_EVENT_N;
	return ok;
}

/* --- the other lines --- */

static bool life_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	int64_t format;

	memset(r->has_view, 0, sizeof(r->has_view));
	r->service.n = r->host_n = 0;
	r->part_of = ENGINE_EVENT_N;
	return event_number_get(at(in, 1), EVENT_LINE_FORMAT, EVENT_LINE_FORMAT, &format) &&
	       word_borrow(at(in, 2), &ret->version) && ret->version &&
	       event_options_get(at(in, 3), &ret->options, r->names);
}

static bool options_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	return event_options_get(at(in, 1), &ret->options, r->names);
}

static bool reserve_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	return word_u32(at(in, 1), EVENT_LINE_HOSTS_MAX, &ret->reserve.host_n) &&
	       word_u32(at(in, 2), EVENT_LINE_ITEMS_MAX, &ret->reserve.instance_n);
}

static bool host_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	ret->host.name = cJSON_GetStringValue(at(in, 2));
	if (!ret->host.name || !word_u32(at(in, 1), r->host_n + 1, &ret->host.number) ||
	    ret->host.number != r->host_n || strlen(ret->host.name) >= HOST_NAME_SIZE ||
	    r->host_n == EVENT_LINE_HOSTS_MAX)
		return false;
	r->host_n++;
	return true;
}

static bool policy_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	return word_u32(at(in, 1), r->host_n, &ret->host.number) && event_policy_get(at(in, 2), &ret->host.policy);
}

static bool did_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	ret->did = cJSON_GetStringValue(at(in, 1));
	return ret->did != NULL;
}

static bool said_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	int64_t said;

	if (!event_number_get(at(in, 1), INT32_MIN, INT32_MAX, &said))
		return false;
	ret->said = (int)said;
	return true;
}

static bool end_read(struct event_reader *r, const cJSON *in, struct event_line *ret)
{
	r->is_alive = false;
	return true;
}

static const struct {
	const char *name;
	enum event_line_kind kind;
	bool (*read)(struct event_reader *r, const cJSON *in, struct event_line *ret);
} OTHERS[] = {{"life", EVENT_LINE_LIFE, life_read}, {"options", EVENT_LINE_OPTIONS, options_read},
    {"reserve", EVENT_LINE_RESERVE, reserve_read}, {"host", EVENT_LINE_HOST, host_read},
    {"policy", EVENT_LINE_POLICY, policy_read}, {"did", EVENT_LINE_DID, did_read}, {"said", EVENT_LINE_SAID, said_read},
    {"end", EVENT_LINE_END, end_read}};

static bool type_get(const char *name, enum engine_event_type *ret)
{
	for (int k = 0; name && k < ENGINE_EVENT_N; k++) {
		*ret = (enum engine_event_type)k;
		if (str_eq(name, event_kind_name(*ret)))
			return true;
	}
	return false;
}

/* 0, EVENT_READ_PART, or negative: not such a line. */
static int line_read(struct event_reader *r, const char *kind, const cJSON *in, struct event_line *ret)
{
	enum engine_event_type type;

	if (type_get(kind, &type))
		return event_read(r, type, in, ret) ? 0 : -OSHA_E_GARBAGE;
	if (str_eq(kind, "more"))
		return type_get(cJSON_GetStringValue(at(in, 1)), &type) && items_read(r, type, at(in, 2))
			   ? EVENT_READ_PART
			   : -OSHA_E_GARBAGE;
	for (size_t k = 0; k < sizeof(OTHERS) / sizeof(OTHERS[0]); k++) {
		ret->kind = OTHERS[k].kind;
		if (str_eq(kind, OTHERS[k].name))
			return OTHERS[k].read(r, in, ret) ? 0 : -OSHA_E_GARBAGE;
	}
	return -OSHA_E_GARBAGE;
}

int event_reader_line(
    struct event_reader *r, const char *line, size_t n, struct event_line *ret, struct osha_err *reterr)
{
	const char *kind;
	const cJSON *in;
	int64_t number;
	int e;

	json_free(&r->tree);
	memset(ret, 0, sizeof(*ret));
	e = json_parse(line, n, &r->tree, reterr);
	if (e < 0)
		return e;
	kind = json_str(r->tree, "kind", "");
	in = json_array(r->tree, "in");
	ret->wall_ms = json_int(r->tree, "t", INT64_MIN);
	if (ret->wall_ms == INT64_MIN || !event_number_get(at(in, 0), 0, INT64_MAX, &number))
		return osha_err_set(reterr, OSHA_E_GARBAGE, "no line of a flight recorder");
	if (str_eq(kind, "life")) {
		r->is_alive = true;
		r->is_lost = false;
		r->next = 0;
	}
	if (!r->is_alive)
		return EVENT_READ_NO_LIFE;
	if (r->is_lost || (uint64_t)number != r->next) {
		r->is_lost = true;
		return EVENT_READ_LOST;
	}
	r->next++;
	e = line_read(r, kind, in, ret);
	return e < 0 ? osha_err_set(reterr, OSHA_E_GARBAGE, "\"%.20s\" cannot be read", kind) : e;
}
