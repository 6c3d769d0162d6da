/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop over libuv. Timers run off one timerfd on CLOCK_BOOTTIME, because libuv's own stop while the machine sleeps. The clock is read at
 * the first callback of a turn (io_loop_enter), before anything is done with what arrived; there stalls and jumps are noticed too.
 */
#include "io/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "io/child_start.h"
#include "io/timer.h"

enum { DESTROY_WAIT_MS = 3000, DESTROY_LOOK_MS = 100, NONE_DUE = -1 };

struct posted {
	io_loop_fn fn;
	void *arg;
};

struct signal_slot {
	uv_signal_t handle;
	struct io_loop *loop;
	io_signal_fn fn;
	void *arg;
	bool is_open;
};

struct io_loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_poll_t timer_poll;
	uv_async_t async;
	int timer_fd;
	struct signal_slot signals[IO_LOOP_SIGNAL_MAX];

	bool is_in_turn;
	int64_t now_ms;

	struct io_timer *heap;
	uint64_t order;
	int64_t armed_ms; /* what the timerfd is set to; NONE_DUE = nothing */

	pthread_mutex_t post_lock;
	struct posted *posts; /* ring of IO_LOOP_POST_MAX */
	size_t post_first, post_n;

	io_stall_fn stall_fn;
	void *stall_arg;
	int64_t stall_ms, wall_step_ms;
	int64_t wall_offset_ms;
	int64_t asleep_since_ms;
	struct io_timer tick;

	size_t child_count;
	struct io_starter *starter;
};

struct io_watch {
	uv_poll_t poll;
	struct io_loop *loop;
	io_watch_fn fn;
	void *arg;
	int events;
	bool is_stopped;
};

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t io_boot_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

int64_t io_wall_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

int64_t io_now_ms(const struct io_loop *loop)
{
	return loop->is_in_turn ? loop->now_ms : io_boot_ms();
}

int64_t io_loop_refresh(struct io_loop *loop)
{
	loop->now_ms = io_boot_ms();
	return loop->now_ms;
}

struct uv_loop_s *io_loop_uv(struct io_loop *loop)
{
	return &loop->uv;
}

size_t *io_loop_child_count(struct io_loop *loop)
{
	return &loop->child_count;
}

struct io_starter **io_loop_starter(struct io_loop *loop)
{
	return &loop->starter;
}

/* Stalls. */

static void tell_stall(struct io_loop *loop, enum io_stall kind, int64_t ms)
{
	if (loop->stall_fn != NULL)
		loop->stall_fn(loop->stall_arg, kind, ms);
}

static void look_at_clocks(struct io_loop *loop)
{
	int64_t wall_ms = io_wall_ms();
	int64_t after_ms = io_boot_ms();
	int64_t due_ms = loop->armed_ms;
	if (due_ms != NONE_DUE && due_ms < loop->asleep_since_ms)
		due_ms = loop->asleep_since_ms;
	if (due_ms != NONE_DUE && loop->now_ms - due_ms > loop->stall_ms)
		tell_stall(loop, IO_STALL_LATE, loop->now_ms - due_ms);
	/* Put off the CPU between the two readings, their difference says nothing; the next turn looks again. */
	if (after_ms - loop->now_ms > loop->wall_step_ms / 2)
		return;
	int64_t step_ms = wall_ms - loop->now_ms - loop->wall_offset_ms;
	loop->wall_offset_ms += step_ms;
	if (step_ms > loop->wall_step_ms || step_ms < -loop->wall_step_ms)
		tell_stall(loop, IO_STALL_WALL, step_ms);
}

void io_loop_enter(struct io_loop *loop)
{
	if (loop->is_in_turn)
		return;
	loop->is_in_turn = true;
	io_loop_refresh(loop);
	if (loop->stall_fn != NULL)
		look_at_clocks(loop);
}

static void on_tick(void *arg)
{
	(void)arg;
}

void io_loop_watch_stalls(struct io_loop *loop, int64_t stall_ms, int64_t wall_step_ms, io_stall_fn fn, void *arg)
{
	loop->stall_fn = fn;
	loop->stall_arg = arg;
	loop->stall_ms = stall_ms;
	loop->wall_step_ms = wall_step_ms;
	loop->wall_offset_ms = io_wall_ms() - io_boot_ms();
	if (fn == NULL)
		io_timer_stop(&loop->tick);
	else
		io_timer_start(loop, &loop->tick, IO_LOOP_TICK_MS, IO_LOOP_TICK_MS, on_tick, NULL);
}

/* Timers. */

void io_timer_start(
    struct io_loop *loop, struct io_timer *timer, int64_t delay_ms, int64_t repeat_ms, io_loop_fn fn, void *arg)
{
	io_timer_stop(timer);
	timer->loop = loop;
	timer->due_ms = io_now_ms(loop) + (delay_ms > 0 ? delay_ms : 0);
	timer->repeat_ms = repeat_ms;
	timer->order = loop->order++;
	timer->fn = fn;
	timer->arg = arg;
	io_timer_heap_add(&loop->heap, timer);
}

void io_timer_stop(struct io_timer *timer)
{
	if (timer->loop == NULL)
		return;
	io_timer_heap_remove(&timer->loop->heap, timer);
	timer->loop = NULL;
}

bool io_timer_is_armed(const struct io_timer *timer)
{
	return timer->loop != NULL;
}

static void fire_due(struct io_loop *loop)
{
	int64_t now_ms = loop->now_ms;
	uint64_t order_end =
	    loop->order; /* what is armed from here on waits for the next turn: no callback can starve the loop */
	while (loop->heap != NULL && loop->heap->due_ms <= now_ms && loop->heap->order < order_end) {
		struct io_timer *t = loop->heap;
		int64_t due_ms = t->due_ms;
		io_timer_stop(t);
		if (t->repeat_ms > 0) {
			io_timer_start(loop, t, t->repeat_ms, t->repeat_ms, t->fn, t->arg);
			/* keep the beat, unless rounds were missed */
			if (due_ms + t->repeat_ms > now_ms) {
				io_timer_heap_remove(&loop->heap, t);
				t->due_ms = due_ms + t->repeat_ms;
				io_timer_heap_add(&loop->heap, t);
			}
		}
		t->fn(t->arg);
	}
}

static void on_timer_fd(uv_poll_t *poll, int status, int events)
{
	struct io_loop *loop = poll->data;
	(void)status;
	(void)events;
	io_loop_enter(loop);
	uint64_t expirations;
	if (read(loop->timer_fd, &expirations, sizeof expirations) > 0)
		loop->armed_ms = NONE_DUE;
	fire_due(loop);
}

static void arm_timer_fd(struct io_loop *loop)
{
	int64_t due_ms = loop->heap != NULL ? loop->heap->due_ms : NONE_DUE;
	if (due_ms == loop->armed_ms)
		return;
	loop->armed_ms = due_ms;
	struct itimerspec when = {0};
	if (due_ms != NONE_DUE) {
		when.it_value.tv_sec = due_ms / 1000;
		when.it_value.tv_nsec = due_ms % 1000 * 1000000;
		if (due_ms <= 0)
			when.it_value.tv_nsec = 1; /* all zero would disarm */
	}
	timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Between the last callback of a turn and the sleep. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct io_loop *loop = prepare->data;
	int64_t now_ms = io_boot_ms();
	if (loop->is_in_turn && loop->stall_fn != NULL && now_ms - loop->now_ms > loop->stall_ms)
		tell_stall(loop, IO_STALL_TURN, now_ms - loop->now_ms);
	loop->is_in_turn = false;
	loop->asleep_since_ms = io_boot_ms();
	arm_timer_fd(loop);
}

/* Posts from other threads. */

int io_loop_post(struct io_loop *loop, io_loop_fn fn, void *arg)
{
	pthread_mutex_lock(&loop->post_lock);
	bool is_full = loop->post_n == IO_LOOP_POST_MAX;
	if (!is_full)
		loop->posts[(loop->post_first + loop->post_n++) % IO_LOOP_POST_MAX] = (struct posted){fn, arg};
	pthread_mutex_unlock(&loop->post_lock);
	if (is_full)
		return -OSHA_E_FULL;
	uv_async_send(&loop->async);
	return 0;
}

static bool take_post(struct io_loop *loop, struct posted *ret)
{
	pthread_mutex_lock(&loop->post_lock);
	bool has = loop->post_n > 0;
	if (has) {
		*ret = loop->posts[loop->post_first];
		loop->post_first = (loop->post_first + 1) % IO_LOOP_POST_MAX;
		loop->post_n--;
	}
	pthread_mutex_unlock(&loop->post_lock);
	return has;
}

static void on_async(uv_async_t *async)
{
	struct io_loop *loop = async->data;
	struct posted p;
	io_loop_enter(loop);
	/* One ring's worth a turn: a thread that posts without end must not keep the timers waiting. */
	for (int i = 0; i < IO_LOOP_POST_MAX; i++) {
		if (!take_post(loop, &p))
			return;
		p.fn(p.arg);
	}
	uv_async_send(async);
}

/* Signals. */

static void on_signal(uv_signal_t *handle, int signum)
{
	struct signal_slot *slot = handle->data;
	io_loop_enter(slot->loop);
	if (slot->fn != NULL)
		slot->fn(slot->arg, signum);
}

static struct signal_slot *slot_of(struct io_loop *loop, int signum)
{
	struct signal_slot *unused = NULL;
	for (size_t i = 0; i < IO_LOOP_SIGNAL_MAX; i++) {
		struct signal_slot *s = &loop->signals[i];
		if (s->is_open && s->fn != NULL && s->handle.signum == signum)
			return s;
		if (unused == NULL && (!s->is_open || s->fn == NULL))
			unused = s;
	}
	return unused;
}

int io_loop_signal(struct io_loop *loop, int signum, io_signal_fn fn, void *arg, struct osha_err *reterr)
{
	struct signal_slot *s = slot_of(loop, signum);
	if (s == NULL)
		return osha_err_set(reterr, OSHA_E_FULL, "more than %d signals with a callback", IO_LOOP_SIGNAL_MAX);
	if (fn == NULL) {
		if (s->is_open)
			uv_signal_stop(&s->handle);
		s->fn = NULL;
		return 0;
	}
	if (!s->is_open)
		uv_signal_init(&loop->uv, &s->handle);
	s->is_open = true;
	s->loop = loop;
	s->handle.data = s;
	s->fn = fn;
	s->arg = arg;
	int r = uv_signal_start(&s->handle, on_signal, signum);
	if (r < 0) {
		s->fn = NULL;
		return osha_err_set(reterr, OSHA_E_IO, "watch signal %d: %s", signum, uv_strerror(r));
	}
	return 0;
}

/* Descriptors. */

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct io_watch *w = poll->data;
	io_loop_enter(w->loop);
	w->fn(w->arg, status < 0 ? IO_READABLE | IO_WRITABLE : events);
	/* On an error libuv stops watching; whoever still wants the descriptor goes on. */
	if (status < 0 && !w->is_stopped && w->events != 0)
		uv_poll_start(&w->poll, w->events, on_poll);
}

struct io_watch *io_watch_start(
    struct io_loop *loop, int fd, int events, io_watch_fn fn, void *arg, struct osha_err *reterr)
{
	struct io_watch *w = calloc(1, sizeof *w);
	if (w == NULL) {
		osha_err_set(reterr, OSHA_E_NOMEM, "watch a descriptor");
		return NULL;
	}
	int r = uv_poll_init(&loop->uv, &w->poll, fd);
	if (r < 0) {
		free(w);
		osha_err_set(reterr, OSHA_E_IO, "watch descriptor %d: %s", fd, uv_strerror(r));
		return NULL;
	}
	w->poll.data = w;
	w->loop = loop;
	w->fn = fn;
	w->arg = arg;
	if (io_watch_change(w, events, reterr) < 0) {
		io_watch_stop(w);
		return NULL;
	}
	return w;
}

int io_watch_change(struct io_watch *watch, int events, struct osha_err *reterr)
{
	watch->events = events;
	int r = events == 0 ? uv_poll_stop(&watch->poll) : uv_poll_start(&watch->poll, events, on_poll);
	if (r < 0)
		return osha_err_set(reterr, OSHA_E_IO, "watch a descriptor: %s", uv_strerror(r));
	return 0;
}

void io_watch_stop(struct io_watch *watch)
{
	if (watch == NULL || watch->is_stopped)
		return;
	watch->is_stopped = true;
	uv_poll_stop(&watch->poll);
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

/* Life. */

static int open_handles(struct io_loop *loop, struct osha_err *reterr)
{
	loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->timer_fd < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "timerfd");
	uv_prepare_init(&loop->uv, &loop->prepare);
	int r = uv_poll_init(&loop->uv, &loop->timer_poll, loop->timer_fd);
	if (r == 0)
		r = uv_async_init(&loop->uv, &loop->async, on_async);
	loop->prepare.data = loop->timer_poll.data = loop->async.data = loop;
	if (r == 0)
		r = uv_prepare_start(&loop->prepare, on_prepare);
	if (r == 0)
		r = uv_poll_start(&loop->timer_poll, UV_READABLE, on_timer_fd);
	return r == 0 ? 0 : osha_err_set(reterr, OSHA_E_IO, "open the loop: %s", uv_strerror(r));
}

int io_loop_create(struct io_loop **ret_loop, struct osha_err *reterr)
{
	struct io_loop *loop = calloc(1, sizeof *loop);
	if (loop == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the loop");
	loop->posts = calloc(IO_LOOP_POST_MAX, sizeof *loop->posts);
	if (loop->posts == NULL) {
		free(loop);
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the loop");
	}
	loop->timer_fd = -1;
	loop->armed_ms = NONE_DUE;
	pthread_mutex_init(&loop->post_lock, NULL);
	signal(SIGPIPE, SIG_IGN);
	int r = uv_loop_init(&loop->uv);
	if (r < 0) {
		free(loop->posts);
		free(loop);
		return osha_err_set(reterr, OSHA_E_IO, "open the loop: %s", uv_strerror(r));
	}
	r = open_handles(loop, reterr);
	if (r < 0) {
		io_loop_destroy(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

static void on_nothing(uv_timer_t *timer)
{
	(void)timer;
}

static void close_any(uv_handle_t *handle, void *arg)
{
	(void)arg;
	/* Watches free themselves when closed; what else is still here belongs to somebody who forgot it and stays his. */
	if (!uv_is_closing(handle))
		uv_close(handle, handle->type == UV_POLL && handle->data != NULL ? on_watch_closed : NULL);
}

static void unref_own(uv_handle_t *handle, void *arg)
{
	struct io_loop *loop = arg;
	bool is_signal = false;
	for (size_t i = 0; i < IO_LOOP_SIGNAL_MAX; i++)
		is_signal |= handle == (uv_handle_t *)&loop->signals[i].handle;
	if (is_signal || handle == (uv_handle_t *)&loop->prepare || handle == (uv_handle_t *)&loop->timer_poll ||
	    handle == (uv_handle_t *)&loop->async)
		uv_unref(handle);
}

void io_loop_destroy(struct io_loop *loop)
{
	if (loop == NULL)
		return;
	loop->heap = NULL;
	loop->stall_fn = NULL;
	uv_walk(&loop->uv, unref_own, loop);
	uv_timer_t
	    bound; /* only wakes the waiting below; again and again, because libuv's time is not the one the wait is measured by */
	uv_timer_init(&loop->uv, &bound);
	uv_timer_start(&bound, on_nothing, DESTROY_LOOK_MS, DESTROY_LOOK_MS);
	uv_unref((uv_handle_t *)&bound);
	int64_t end_ms = io_boot_ms() + DESTROY_WAIT_MS;
	while (uv_loop_alive(&loop->uv) && io_boot_ms() < end_ms)
		uv_run(&loop->uv, UV_RUN_ONCE);
	io_starter_destroy(loop->starter);
	loop->timer_poll.data = NULL;
	uv_walk(&loop->uv, close_any, NULL);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	/* A look-up of a name may still run on a thread and would write into this memory: better lost than reused. */
	if (uv_loop_close(&loop->uv) != 0)
		return;
	pthread_mutex_destroy(&loop->post_lock);
	free(loop->posts);
	free(loop);
}

int io_loop_run(struct io_loop *loop, struct osha_err *reterr)
{
	if (uv_run(&loop->uv, UV_RUN_DEFAULT) < 0)
		return osha_err_set(reterr, OSHA_E_INTERNAL, "the loop failed");
	loop->is_in_turn = false;
	return 0;
}

void io_loop_stop(struct io_loop *loop)
{
	uv_stop(&loop->uv);
}
