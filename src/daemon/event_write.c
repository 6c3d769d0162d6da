/* SPDX-License-Identifier: Apache-2.0 */
/* The writing side of event_line.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/event_line.h"
#include "journal/codec.h"

enum {
	LINE_FULL_BYTES = 40 * 1024
}; /* a list goes on in another line from here; its largest item is far below the rest */

static const char *const NAMES[ENGINE_EVENT_N] = {[ENGINE_STARTED] = "started",
    [ENGINE_EVIDENCE] = "evidence",
    [ENGINE_SERVICES] = "services",
    [ENGINE_DEVICE] = "device",
    [ENGINE_OP_ENDED] = "op-ended",
    [ENGINE_PERSISTED] = "persisted",
    [ENGINE_TIMER] = "timer",
    [ENGINE_STALLED] = "stalled",
    [ENGINE_LEASE] = "lease",
    [ENGINE_OPERATOR] = "operator",
    [ENGINE_TOLD] = "told",
    [ENGINE_MONITOR_HEALTH] = "health"};

const char *event_kind_name(enum engine_event_type type)
{
	return (unsigned)type < ENGINE_EVENT_N ? NAMES[type] : NULL;
}

static uint64_t fingerprint(uint64_t h, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;

	for (size_t k = 0; k < n; k++)
		h = (h ^ at[k]) * UINT64_C(1099511628211);
	return h;
}

#define FINGERPRINT_BEGIN UINT64_C(14695981039346656037)

/* --- lines --- */

static struct strbuf *line_begin(struct event_writer *w, int64_t wall_ms)
{
	w->wall_ms = wall_ms;
	strbuf_reset(&w->sb);
	strbuf_add(&w->sb, "[", 1);
	event_number_put(&w->sb, (int64_t)w->next++);
	return &w->sb;
}

/* A line that there was no memory for is missed by its number. */
static void line_end(struct event_writer *w, const char *kind)
{
	strbuf_puts(&w->sb, "]");
	if (!w->sb.failed)
		w->fn(w->arg, w->wall_ms, kind, w->sb.text, w->sb.len);
}

static void number(struct strbuf *sb, int64_t n)
{
	strbuf_add(sb, ",", 1);
	event_number_put(sb, n);
}

static void text(struct strbuf *sb, const char *t)
{
	strbuf_add(sb, ",", 1);
	event_text_put(sb, t);
}

static void flag(struct strbuf *sb, bool is)
{
	strbuf_puts(sb, is ? ",1" : ",0");
}

static int64_t span_ms(int64_t from_ms, int64_t to_ms)
{
	return (int64_t)((uint64_t)to_ms - (uint64_t)from_ms);
}

void event_write_life(
    struct event_writer *w, int64_t wall_ms, const char *version, const struct engine_options *options)
{
	struct strbuf *sb;

	w->next = 0;
	memset(w->view, 0, sizeof(w->view));
	w->host_n = w->instance_n = 0;
	if (w->said)
		memset(w->said, 0, w->said_n * sizeof(*w->said));
	sb = line_begin(w, wall_ms);
	number(sb, EVENT_LINE_FORMAT);
	text(sb, version);
	strbuf_puts(sb, ",");
	event_options_put(sb, options);
	line_end(w, "life");
}

void event_write_options(struct event_writer *w, int64_t wall_ms, const struct engine_options *options)
{
	struct strbuf *sb = line_begin(w, wall_ms);

	strbuf_puts(sb, ",");
	event_options_put(sb, options);
	line_end(w, "options");
}

void event_write_reserve(struct event_writer *w, int64_t wall_ms, uint32_t host_n, uint32_t instance_n)
{
	struct strbuf *sb;

	if (host_n <= w->host_n && instance_n <= w->instance_n)
		return;
	w->host_n = host_n > w->host_n ? host_n : w->host_n;
	w->instance_n = instance_n > w->instance_n ? instance_n : w->instance_n;
	sb = line_begin(w, wall_ms);
	number(sb, host_n);
	number(sb, instance_n);
	line_end(w, "reserve");
}

void event_write_host(struct event_writer *w, int64_t wall_ms, uint32_t host, const char *name)
{
	struct strbuf *sb = line_begin(w, wall_ms);

	number(sb, host);
	text(sb, name);
	line_end(w, "host");
}

/* What was said of this host; NULL without memory. */
static struct event_said *said_of(struct event_writer *w, uint32_t host)
{
	uint32_t n = host + host / 2 + 64;
	struct event_said *more;

	if (host < w->said_n)
		return &w->said[host];
	more = host < EVENT_LINE_HOSTS_MAX ? realloc(w->said, n * sizeof(*more)) : NULL;
	if (!more)
		return NULL;
	memset(more + w->said_n, 0, (n - w->said_n) * sizeof(*more));
	w->said = more;
	w->said_n = n;
	return &w->said[host];
}

/* Is this what was said last? Remembers it. */
static bool is_said(uint64_t *last, uint64_t print)
{
	bool is = *last == (print | 1);

	*last = print | 1;
	return is;
}

void event_write_policy(struct event_writer *w, int64_t wall_ms, uint32_t host, const struct host_policy *policy)
{
	struct event_said *said = said_of(w, host);
	struct strbuf *sb = line_begin(w, wall_ms);
	size_t from;

	number(sb, host);
	strbuf_puts(sb, ",");
	from = sb->len;
	event_policy_put(sb, policy);
	if (said && !sb->failed &&
	    is_said(&said->policy, fingerprint(FINGERPRINT_BEGIN, sb->text + from, sb->len - from)))
		w->next--;
	else
		line_end(w, "policy");
}

void event_write_end(struct event_writer *w, int64_t wall_ms)
{
	line_begin(w, wall_ms);
	line_end(w, "end");
}

void event_writer_free(struct event_writer *w)
{
	strbuf_free(&w->sb);
	free(w->said);
	w->said = NULL;
	w->said_n = 0;
}

/* --- lists: what does not fit into the event's own line stands before it --- */

struct list {
	struct event_writer *w;
	const struct engine_event *ev;
	uint32_t left; /* items that are still to be written */
	bool is_own;   /* the event's own line is being written */
	bool has_item;
};

static void head_put(struct strbuf *sb, const struct engine_event *ev);

/* The last line is begun once what is left fits into it for certain. */
static void list_line(struct list *l, size_t item_max_bytes)
{
	struct strbuf *sb = line_begin(l->w, l->ev->wall_ms);

	l->is_own = l->left <= LINE_FULL_BYTES / item_max_bytes;
	l->has_item = false;
	if (l->is_own)
		head_put(sb, l->ev);
	else
		text(sb, event_kind_name(l->ev->type));
	strbuf_puts(sb, ",[");
}

static void list_line_end(struct list *l)
{
	strbuf_puts(&l->w->sb, "]");
	line_end(l->w, l->is_own ? event_kind_name(l->ev->type) : "more");
}

/* Room for one more item. */
static struct strbuf *list_item(struct list *l, size_t item_max_bytes)
{
	if (!l->is_own && l->w->sb.len + item_max_bytes > LINE_FULL_BYTES && l->has_item) {
		list_line_end(l);
		list_line(l, item_max_bytes);
	}
	if (l->has_item)
		strbuf_puts(&l->w->sb, ",");
	l->has_item = true;
	l->left--;
	return &l->w->sb;
}

static void list_end(struct list *l, size_t item_max_bytes)
{
	if (!l->is_own) {
		list_line_end(l);
		l->left = 0;
		list_line(l, item_max_bytes);
	}
	list_line_end(l);
}

enum {
	EVIDENCE_BYTES = 160,
	SERVICE_BYTES = 6 * (REASON_SIZE + UUID_SIZE) + 120,
	VIEW_BYTES = 6 * (3 * UUID_SIZE + 96 + 4 * HOST_NAME_SIZE + REASON_SIZE) + 400,
	RECORD_BYTES = 2 * JOURNAL_RECORD_SIZE_MAX + 4,
};

static void records_put(struct list *l)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	char hex[2 * JOURNAL_RECORD_SIZE_MAX];
	size_t n;

	for (uint32_t k = 0; k < l->ev->records.n; k++) {
		struct strbuf *sb = list_item(l, RECORD_BYTES);

		if (journal_record_encode(&l->ev->records.all[k], bytes, sizeof(bytes), &n, NULL) < 0)
			n = 0; /* nothing that a store has given; read as garbage */
		for (size_t i = 0; i < n; i++) {
			hex[2 * i] = digits[bytes[i] >> 4];
			hex[2 * i + 1] = digits[bytes[i] & 15];
		}
		strbuf_puts(sb, "\"");
		strbuf_add(sb, hex, 2 * n);
		strbuf_puts(sb, "\"");
	}
	list_end(l, RECORD_BYTES);
}

static bool is_alike(const struct engine_evidence *a, const struct engine_evidence *b)
{
	return a->monitor == b->monitor && a->sign == b->sign && a->seen_ms == b->seen_ms &&
	       a->expires_ms == b->expires_ms;
}

/* How many from here on are alike and have hosts in even steps. */
static uint32_t progression(const struct engine_evidence *all, uint32_t n, int64_t *ret_step)
{
	uint32_t k = 1;

	*ret_step = n > 1 && is_alike(&all[0], &all[1]) ? (int64_t)all[1].host - all[0].host : 0;
	while (k < n && is_alike(&all[0], &all[k]) && (int64_t)all[k].host - all[k - 1].host == *ret_step)
		k++;
	return k;
}

static void evidence_put(struct list *l)
{
	const struct engine_evidence *all = l->ev->evidence.all;
	uint32_t n = l->ev->evidence.n;

	for (uint32_t k = 0; k < n;) {
		struct strbuf *sb = list_item(l, EVIDENCE_BYTES);
		const struct engine_evidence *first = &all[k];
		uint32_t in_line = 0;

		strbuf_add(sb, "[", 1);
		event_number_put(sb, first->monitor);
		text(sb, sign_name(first->sign));
		number(sb, span_ms(first->seen_ms, l->ev->now_ms));
		number(sb, span_ms(first->seen_ms, first->expires_ms));
		while (k < n && is_alike(first, &all[k]) && in_line < 512) {
			int64_t step;
			uint32_t run = progression(&all[k], n - k, &step);

			number(sb, all[k].host);
			number(sb, step);
			number(sb, run);
			k += run;
			in_line++;
		}
		strbuf_puts(sb, "]");
		l->left = n - k;
	}
	list_end(l, EVIDENCE_BYTES);
}

static bool service_is_known(struct event_writer *w, const struct engine_service *s)
{
	const struct service_view *v = s->view;
	struct event_said *said = said_of(w, s->host);
	uint64_t print = FINGERPRINT_BEGIN;

	print = fingerprint(print, (const uint8_t[]){(uint8_t)v->state, v->disabled, v->forced_down}, 3);
	print = fingerprint(print, v->disabled_reason, strlen(v->disabled_reason) + 1);
	print = fingerprint(print, v->service_id, strlen(v->service_id));
	return said && is_said(&said->service, print);
}

static void services_put(struct list *l)
{
	for (uint32_t k = 0; k < l->ev->services.n; k++) {
		const struct engine_service *s = &l->ev->services.all[k];
		struct strbuf *sb = list_item(l, SERVICE_BYTES);

		strbuf_add(sb, "[", 1);
		event_number_put(sb, s->host);
		number(sb, span_ms(s->asked_ms, l->ev->now_ms));
		number(sb, s->view->updated_at_ms);
		if (!service_is_known(l->w, s)) {
			text(sb, sign_name(s->view->state));
			flag(sb, s->view->disabled);
			flag(sb, s->view->forced_down);
			text(sb, s->view->disabled_reason);
			text(sb, s->view->service_id);
		}
		strbuf_puts(sb, "]");
	}
	list_end(l, SERVICE_BYTES);
}

static void evacuation_put(struct strbuf *sb, const struct migration_view *m)
{
	strbuf_puts(sb, ",[");
	event_number_put(sb, m->id);
	text(sb, migration_status_name(m->status));
	number(sb, m->created_at_ms);
	text(sb, m->instance);
	text(sb, m->source);
	text(sb, m->dest);
	strbuf_puts(sb, "]");
}

static void view_put(struct event_writer *w, const struct instance_view *v)
{
	struct strbuf *sb = &w->sb;
	size_t from = sb->len;
	uint64_t print;
	unsigned slot;

	strbuf_puts(sb, v->exists ? "[1" : "[0");
	text(sb, v->uuid);
	text(sb, v->name);
	text(sb, v->project);
	text(sb, v->host);
	text(sb, server_state_name(v->state));
	text(sb, server_task_name(v->task));
	flag(sb, v->locked);
	number(sb, v->fault_at_ms);
	text(sb, v->fault);
	flag(sb, v->lacks_history);
	evacuation_put(sb, &v->evacuation);
	number(sb, v->unfinished.id);
	text(sb, v->unfinished.dest);
	if (sb->failed)
		return;
	print = fingerprint(FINGERPRINT_BEGIN, sb->text + from, sb->len - from) | 1;
	slot = (unsigned)(print >> 32) % EVENT_VIEW_SLOTS;
	if (w->view[slot] == print) {
		sb->len = from;
		strbuf_printf(sb, "%u", slot);
		return;
	}
	w->view[slot] = print;
	strbuf_printf(sb, ",%u]", slot);
}

static void views_put(struct list *l)
{
	for (uint32_t k = 0; k < l->ev->op_end.view_n; k++) {
		(void)list_item(l, VIEW_BYTES);
		view_put(l->w, &l->ev->op_end.views[k]);
	}
	list_end(l, VIEW_BYTES);
}

const char *event_verb_name(enum operator_verb v)
{
	static const char *const names[OPERATOR_VERB_N] = {[OPERATOR_MAINTENANCE_ON] = "maintenance-on",
	    [OPERATOR_MAINTENANCE_OFF] = "maintenance-off",
	    [OPERATOR_RELEASE] = "release",
	    [OPERATOR_APPROVE] = "approve",
	    [OPERATOR_CONFIRM_DEAD] = "confirm-dead",
	    [OPERATOR_SUSPEND] = "suspend",
	    [OPERATOR_RESUME] = "resume"};

	return (unsigned)v < OPERATOR_VERB_N ? names[v] : "?";
}

static void word_put(struct strbuf *sb, const struct operator_word *w)
{
	text(sb, event_verb_name(w->verb));
	text(sb, w->host);
	text(sb, w->recovery);
	text(sb, w->who);
	text(sb, w->despite_life);
	number(sb, w->until_wall_ms);
	text(sb, w->segment);
	text(sb, w->reason);
}

static void op_end_put(struct strbuf *sb, const struct op_end *end)
{
	strbuf_printf(sb, ",\"%" PRIx64 "\"", end->op);
	text(sb, outcome_name(end->outcome));
	text(sb, fault_class_name(end->fault));
	text(sb, power_name(end->power));
	text(sb, end->reason);
}

/* All but the list. */
static void head_put(struct strbuf *sb, const struct engine_event *ev)
{
	number(sb, ev->now_ms);
	switch (ev->type) {
	case ENGINE_DEVICE:
		number(sb, ev->device.host);
		number(sb, ev->device.level);
		text(sb, power_name(ev->device.power));
		break;
	case ENGINE_OP_ENDED:
		op_end_put(sb, &ev->op_end);
		break;
	case ENGINE_PERSISTED:
		number(sb, (int64_t)ev->persisted.seq);
		text(sb, outcome_name(ev->persisted.outcome));
		break;
	case ENGINE_STALLED:
		number(sb, ev->stall_ms);
		break;
	case ENGINE_LEASE:
		number(sb, (int64_t)ev->epoch);
		break;
	case ENGINE_OPERATOR:
		word_put(sb, &ev->word);
		break;
	case ENGINE_TOLD:
		text(sb, ev->told.recovery);
		text(sb, moment_name(ev->told.moment));
		break;
	case ENGINE_MONITOR_HEALTH:
		number(sb, ev->health.monitor);
		flag(sb, ev->health.is_ok);
		text(sb, ev->health.reason);
		break;
	default:
		break;
	}
}

void event_write_event(struct event_writer *w, const struct engine_event *ev)
{
	static const struct {
		size_t item_max_bytes;
		void (*put)(struct list *l);
	} lists[ENGINE_EVENT_N] = {[ENGINE_STARTED] = {RECORD_BYTES, records_put},
	    [ENGINE_EVIDENCE] = {EVIDENCE_BYTES, evidence_put},
	    [ENGINE_SERVICES] = {SERVICE_BYTES, services_put},
	    [ENGINE_OP_ENDED] = {VIEW_BYTES, views_put}};
	struct list l = {.w = w, .ev = ev};

	if ((unsigned)ev->type >= ENGINE_EVENT_N)
		return;
	if (!lists[ev->type].put) {
		head_put(line_begin(w, ev->wall_ms), ev);
		line_end(w, event_kind_name(ev->type));
		return;
	}
	l.left = ev->type == ENGINE_STARTED    ? ev->records.n
		 : ev->type == ENGINE_EVIDENCE ? ev->evidence.n
		 : ev->type == ENGINE_SERVICES ? ev->services.n
					       : ev->op_end.view_n;
	list_line(&l, lists[ev->type].item_max_bytes);
	lists[ev->type].put(&l);
}

/* --- what came out --- */

static void persist_text(const struct engine_action *a, char *ret, size_t size)
{
	const struct record *r = &a->persist.record;
	uint8_t bytes[JOURNAL_RECORD_SIZE_MAX];
	char key[JOURNAL_KEY_SIZE];
	const char *row = "";
	size_t n = 0;

	(void)journal_record_key(r, key, sizeof(key));
	if (journal_record_encode(r, bytes, sizeof(bytes), &n, NULL) < 0)
		n = 0;
	if (r->type == RECORD_RECOVERY)
		row = host_row_name(r->recovery.row);
	if (r->type == RECORD_INSTANCE)
		row = instance_row_name(r->instance.row);
	snprintf(ret, size, "persist %" PRIu64 " %s%s%s record %016" PRIx64 "%s%s", a->persist.seq, key,
	    row[0] ? " " : "", row, fingerprint(FINGERPRINT_BEGIN, bytes, n), a->persist.note[0] ? ": " : "",
	    a->persist.note);
}

void event_action_text(const struct engine_action *a, char *ret, size_t size)
{
	switch (a->type) {
	case ACTION_PERSIST:
		persist_text(a, ret, size);
		break;
	case ACTION_START:
		snprintf(ret, size,
		    "start %s %" PRIx64 " host %u %s level %u recovery %s instance %s by %" PRId64 " until %" PRId64
		    " since %" PRId64 "%s%s%s%s",
		    op_kind_name(a->start.kind), a->start.op, a->start.host, a->start.host_name, a->start.level,
		    a->start.recovery, a->start.instance[0] ? a->start.instance : "-", a->start.start_by_ms,
		    a->start.deadline_ms, a->start.since_ms, a->start.is_patient ? " patient" : "",
		    a->start.is_brief ? " brief" : "", a->start.reason[0] ? ": " : "", a->start.reason);
		break;
	case ACTION_CANCEL:
		snprintf(ret, size, "cancel %" PRIx64, a->cancel.op);
		break;
	case ACTION_TELL:
		snprintf(ret, size, "tell %s %s %u", moment_name(a->tell.moment), a->tell.recovery, a->tell.held_n);
		break;
	case ACTION_ALERT:
		snprintf(ret, size, "alert %s: %s", a->alert.key, a->alert.text);
		break;
	case ACTION_LOG:
		snprintf(ret, size, "log %d %s", a->log.priority, a->log.text);
		break;
	}
}

void event_write_decided(struct event_writer *w, int result, const struct engine_actions *actions)
{
	char did[EVENT_ACTION_TEXT_SIZE];

	for (uint32_t k = 0; k < actions->n; k++) {
		event_action_text(&actions->all[k], did, sizeof(did));
		text(line_begin(w, w->wall_ms), did);
		line_end(w, "did");
	}
	if (!result)
		return;
	number(line_begin(w, w->wall_ms), result);
	line_end(w, "said");
}
