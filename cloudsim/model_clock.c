/* SPDX-License-Identifier: Apache-2.0 */
/* What is still to happen, in order of time: a binary heap of events, and the one loop that takes them out. */
#include "cloudsim/model_parts.h"

static bool event_is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->serial < b->serial;
}

static void event_swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

/* Out of memory drops the event: what it stood for then hangs for ever, as things in a starved cloud do. */
void sim_event_add(struct cloudsim_model *m, int64_t at_ms, int kind, int index, uint32_t tag)
{
	size_t i = m->n_events;
	void *table = m->events;

	if (!sim_grow(&table, &m->cap_events, i + 1, sizeof(*m->events)))
		return;
	m->events = table;
	m->n_events++;
	m->events[i] =
	    (struct sim_event){.at_ms = at_ms, .serial = m->event_serial++, .kind = kind, .index = index, .tag = tag};
	for (; i > 0 && event_is_before(&m->events[i], &m->events[(i - 1) / 2]); i = (i - 1) / 2)
		event_swap(&m->events[i], &m->events[(i - 1) / 2]);
}

static struct sim_event event_take(struct cloudsim_model *m)
{
	struct sim_event first = m->events[0];
	size_t i = 0;

	m->events[0] = m->events[--m->n_events];
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;

		if (left < m->n_events && event_is_before(&m->events[left], &m->events[least]))
			least = left;
		if (right < m->n_events && event_is_before(&m->events[right], &m->events[least]))
			least = right;
		if (least == i)
			return first;
		event_swap(&m->events[i], &m->events[least]);
		i = least;
	}
}

static void event_run(struct cloudsim_model *m, const struct sim_event *ev)
{
	switch (ev->kind) {
	case SIM_EV_LEG:
		sim_leg(m, ev->index);
		break;
	case SIM_EV_BOOTED:
		sim_host_booted(m, ev->index, ev->tag);
		break;
	case SIM_EV_COMPUTE_READY:
		sim_host_compute_ready(m, ev->index, ev->tag);
		break;
	case SIM_EV_SERVER_OP:
		sim_instance_op_end(m, ev->index, ev->tag);
		break;
	default:
		break;
	}
}

void cloudsim_model_advance(struct cloudsim_model *m, int64_t now_ms)
{
	while (m->n_events && m->events[0].at_ms <= now_ms) {
		struct sim_event ev = event_take(m);

		if (ev.at_ms > m->now_ms)
			m->now_ms = ev.at_ms;
		event_run(m, &ev);
	}
	if (now_ms > m->now_ms)
		m->now_ms = now_ms;
}

int64_t cloudsim_model_next_ms(const struct cloudsim_model *m)
{
	return m->n_events ? m->events[0].at_ms : INT64_MAX;
}
