/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated time; see the header. */
#include "test/sim/clockwork.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/log.h"
#include "io/timer.h"
#include "test/sim/controller.h"

enum { START_MS = 1000000, POSTS_MAX = 64 };

struct sim sim;

struct posted {
	io_loop_fn fn;
	void *arg;
};

struct io_loop {
	struct sim_node *node;
	struct io_timer *heap;
	uint64_t order;
	struct posted posts[POSTS_MAX];
	size_t post_n;
	bool is_stopped;
	io_stall_fn stall_fn;
	void *stall_arg;
	int64_t stall_ms;
	size_t children;
};

void sim_begin(uint64_t seed)
{
	struct sim_event *queue = sim.queue;
	size_t cap = sim.queue_cap;
	bool is_traced = sim.is_traced;

	sim = (struct sim){
	    .now_ms = START_MS, .queue = queue, .queue_cap = cap, .rng = {seed}, .hash = 1469598103934665603u};
	sim.is_traced = is_traced;
	sim.current = &sim.node[0];
}

/* --- the queue --- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(size_t a, size_t b)
{
	struct sim_event t = sim.queue[a];

	sim.queue[a] = sim.queue[b];
	sim.queue[b] = t;
}

void sim_after(int64_t in_ms, sim_fn fn, void *arg)
{
	size_t i = sim.queue_n;

	if (i == sim.queue_cap) {
		size_t cap = sim.queue_cap ? sim.queue_cap * 2 : 256;
		struct sim_event *more = realloc(sim.queue, cap * sizeof(*more));

		if (!more)
			abort();
		sim.queue = more;
		sim.queue_cap = cap;
	}
	sim.queue[sim.queue_n++] = (struct sim_event){sim.now_ms + (in_ms > 0 ? in_ms : 0), sim.order++, fn, arg};
	for (; i > 0 && is_before(&sim.queue[i], &sim.queue[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static struct sim_event queue_take(void)
{
	struct sim_event first = sim.queue[0];
	size_t i = 0;

	sim.queue[0] = sim.queue[--sim.queue_n];
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;

		if (left < sim.queue_n && is_before(&sim.queue[left], &sim.queue[least]))
			least = left;
		if (right < sim.queue_n && is_before(&sim.queue[right], &sim.queue[least]))
			least = right;
		if (least == i)
			return first;
		swap(i, least);
		i = least;
	}
}

void sim_end(void)
{
	sim.is_over = true;
	while (sim.queue_n) {
		struct sim_event ev = queue_take();

		ev.fn(ev.arg);
	}
}

/* --- whose turn it is --- */

static int64_t node_due_ms(const struct sim_node *n)
{
	if (!n->loop || n->is_dying || !n->loop->heap)
		return INT64_MAX;
	return n->loop->heap->due_ms > n->frozen_until_ms ? n->loop->heap->due_ms : n->frozen_until_ms;
}

static void timers_fire(struct sim_node *n)
{
	struct io_loop *loop = n->loop;
	uint64_t order_end;

	if (!sim_enter(n))
		return;
	order_end = loop->order;
	while (n->loop == loop && !n->is_dying && loop->heap && loop->heap->due_ms <= sim.now_ms &&
	       loop->heap->order < order_end) {
		struct io_timer *t = loop->heap;
		int64_t due_ms = t->due_ms;

		io_timer_stop(t);
		if (t->repeat_ms > 0) {
			io_timer_start(loop, t, t->repeat_ms, t->repeat_ms, t->fn, t->arg);
			if (due_ms + t->repeat_ms > sim.now_ms) { /* keep the beat, unless rounds were missed */
				io_timer_heap_remove(&loop->heap, t);
				t->due_ms = due_ms + t->repeat_ms;
				io_timer_heap_add(&loop->heap, t);
			}
		}
		t->fn(t->arg);
	}
}

static void dead_are_buried(void)
{
	for (int k = 0; k < SIM_NODES_MAX; k++) {
		if (sim.node[k].is_dying && !sim.node[k].is_opening)
			controller_bury(&sim.node[k]);
	}
}

bool sim_turn(int64_t until_ms)
{
	int64_t at_ms = sim.queue_n ? sim.queue[0].at_ms : INT64_MAX;
	struct sim_node *next = NULL;

	for (int k = 0; k < SIM_NODES_MAX; k++) {
		int64_t due_ms = node_due_ms(&sim.node[k]);

		if (due_ms < at_ms) {
			at_ms = due_ms;
			next = &sim.node[k];
		}
	}
	if (at_ms > until_ms) {
		sim.now_ms = until_ms;
		return false;
	}
	if (at_ms > sim.now_ms)
		sim.now_ms = at_ms;
	if (next) {
		timers_fire(next);
	} else {
		struct sim_event ev = queue_take();

		ev.fn(ev.arg);
	}
	dead_are_buried();
	return true;
}

bool sim_enter(struct sim_node *n)
{
	int64_t ms;

	if (!n->loop || n->is_dying || n->frozen_until_ms > sim.now_ms)
		return false;
	sim.current = n;
	if (n->stall_ms) {
		ms = n->stall_ms;
		n->stall_ms = 0;
		if (n->loop->stall_fn && ms > n->loop->stall_ms) {
			n->anew_ms = sim.now_ms;
			n->loop->stall_fn(n->loop->stall_arg, IO_STALL_LATE, ms);
		}
	}
	if (n->wall_step_ms) {
		ms = n->wall_step_ms;
		n->wall_step_ms = 0;
		if (n->loop->stall_fn)
			n->loop->stall_fn(n->loop->stall_arg, IO_STALL_WALL, ms);
	}
	return !n->is_dying;
}

bool sim_act(void)
{
	if (sim.current->is_dying)
		return false;
	if (++sim.acts != sim.kill_at_act)
		return true;
	if (sim.dying)
		sim.dying();
	sim.current->stays_dead = sim.is_takeover;
	sim_kill(sim.current);
	return false;
}

void sim_kill(struct sim_node *n)
{
	if (n->loop || n->is_opening)
		n->is_dying = true;
}

void sim_freeze(struct sim_node *n, int64_t ms)
{
	if (!n->loop)
		return;
	n->frozen_until_ms = sim.now_ms + ms;
	n->stall_ms += ms;
}

void sim_wall_step(struct sim_node *n, int64_t ms)
{
	n->wall_offset_ms += ms;
	if (n->loop)
		n->wall_step_ms += ms;
}

struct sim_node *sim_node_of(const struct io_loop *loop)
{
	return loop->node;
}

void sim_say(const char *mark, const char *fmt, ...)
{
	char line[LOG_LINE_MAX_BYTES + 64];
	va_list ap;

	if (!sim.is_traced && !sim.heard)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (sim.is_traced)
		printf("[%9.3f] %s%s\n", (double)sim.now_ms / 1000, mark, line);
	if (sim.heard)
		sim.heard(sim.heard_arg, line);
}

void sim_hash(const char *text)
{
	for (; *text; text++)
		sim.hash = (sim.hash ^ (uint8_t)*text) * 1099511628211u;
}

void sim_violated(const char *fmt, ...)
{
	va_list ap;

	if (sim.violation[0])
		return;
	va_start(ap, fmt);
	vsnprintf(sim.violation, sizeof(sim.violation), fmt, ap);
	va_end(ap);
	sim.violation_ms = sim.now_ms;
}

int64_t sim_between(int64_t low, int64_t high)
{
	return rng_range(&sim.rng, low, high);
}

/* --- io/loop.h --- */

int io_loop_create(struct io_loop **ret_loop, struct osha_err *reterr)
{
	*ret_loop = calloc(1, sizeof(**ret_loop));
	if (!*ret_loop)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for a loop");
	(*ret_loop)->node = sim.current;
	sim.current->loop = *ret_loop;
	return 0;
}

void io_loop_destroy(struct io_loop *loop)
{
	loop->node->loop = NULL;
	free(loop);
}

/* Turns by itself only while the daemon opens; afterwards the simulation turns for all. */
int io_loop_run(struct io_loop *loop, struct osha_err *reterr)
{
	(void)reterr;
	if (!loop->node->is_opening)
		return 0;
	while (!loop->is_stopped && !loop->node->is_dying && sim_turn(INT64_MAX - 1))
		;
	loop->is_stopped = false;
	sim.current = loop->node; /* others ran meanwhile */
	return 0;
}

void io_loop_stop(struct io_loop *loop)
{
	loop->is_stopped = true;
}

int64_t io_now_ms(const struct io_loop *loop)
{
	(void)loop;
	return sim.now_ms;
}

int64_t io_loop_refresh(struct io_loop *loop)
{
	(void)loop;
	return sim.now_ms;
}

int64_t io_boot_ms(void)
{
	return sim.now_ms;
}

int64_t io_wall_ms(void)
{
	return SIM_WALL_ZERO_MS + sim.now_ms + sim.current->wall_offset_ms;
}

void io_timer_start(
    struct io_loop *loop, struct io_timer *timer, int64_t delay_ms, int64_t repeat_ms, io_loop_fn fn, void *arg)
{
	io_timer_stop(timer);
	timer->loop = loop;
	timer->due_ms = sim.now_ms + (delay_ms > 0 ? delay_ms : 0);
	timer->repeat_ms = repeat_ms;
	timer->order = loop->order++;
	timer->fn = fn;
	timer->arg = arg;
	io_timer_heap_add(&loop->heap, timer);
}

void io_timer_stop(struct io_timer *timer)
{
	if (!timer->loop)
		return;
	io_timer_heap_remove(&timer->loop->heap, timer);
	timer->loop = NULL;
}

bool io_timer_is_armed(const struct io_timer *timer)
{
	return timer->loop != NULL;
}

int io_loop_signal(struct io_loop *loop, int signum, io_signal_fn fn, void *arg, struct osha_err *reterr)
{
	(void)loop;
	(void)signum;
	(void)fn;
	(void)arg;
	(void)reterr;
	return 0;
}

static void posts_run(void *arg)
{
	struct sim_node *n = arg;
	struct posted posts[POSTS_MAX];
	size_t post_n;

	if (n->loop && !n->is_dying && n->frozen_until_ms > sim.now_ms) {
		sim_after(n->frozen_until_ms - sim.now_ms, posts_run, n);
		return;
	}
	if (!sim_enter(n))
		return;
	post_n = n->loop->post_n;
	memcpy(posts, n->loop->posts, sizeof(posts));
	n->loop->post_n = 0;
	for (size_t k = 0; k < post_n && n->loop && !n->is_dying; k++)
		posts[k].fn(posts[k].arg);
}

int io_loop_post(struct io_loop *loop, io_loop_fn fn, void *arg)
{
	if (loop->post_n == POSTS_MAX)
		return -OSHA_E_FULL;
	if (!loop->post_n)
		sim_after(0, posts_run, loop->node);
	loop->posts[loop->post_n++] = (struct posted){fn, arg};
	return 0;
}

void io_loop_watch_stalls(struct io_loop *loop, int64_t stall_ms, int64_t wall_step_ms, io_stall_fn fn, void *arg)
{
	(void)wall_step_ms;
	loop->stall_ms = stall_ms;
	loop->stall_fn = fn;
	loop->stall_arg = arg;
}

size_t *io_loop_child_count(struct io_loop *loop)
{
	return &loop->children;
}
