/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: timers, signals, posts, watches, stalls. The wall clock is wrapped, so that a step of it can be played. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "test/unit/io_bed.h"

static int64_t wall_extra_s;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);
	if (id == CLOCK_REALTIME)
		ts->tv_sec += wall_extra_s;
	return r;
}

enum { TIMERS = 500 };

struct many {
	struct bed *bed;
	struct io_timer timers[TIMERS];
	int64_t due_ms[TIMERS];
	int64_t last_ms;
	int fired;
};
static struct many many;

static void on_one_of_many(void *arg)
{
	int64_t due_ms = *(int64_t *)arg;
	assert_true(due_ms >= many.last_ms);
	assert_true(io_now_ms(many.bed->loop) >= due_ms);
	many.last_ms = due_ms;
	many.fired++;
	bed_see(many.bed);
}

static void test_timers_fire_in_order(void **state)
{
	many = (struct many){.bed = *state};
	struct rng rng = {.state = (uint64_t)io_boot_ms()};
	print_message("seed %llu\n", (unsigned long long)rng.state);
	int stopped = 0;
	for (int i = 0; i < TIMERS; i++) {
		int64_t delay_ms = rng_range(&rng, 0, 50);
		io_timer_start(many.bed->loop, &many.timers[i], delay_ms, 0, on_one_of_many, &many.due_ms[i]);
		many.due_ms[i] = many.timers[i].due_ms;
	}
	for (int i = 0; i < TIMERS; i++) {
		if (!rng_chance(&rng, 300))
			continue;
		io_timer_stop(&many.timers[i]);
		stopped++;
	}
	bed_wait(many.bed, &many.fired, TIMERS - stopped);
	for (int i = 0; i < TIMERS; i++)
		assert_false(io_timer_is_armed(&many.timers[i]));
}

struct again {
	struct bed *bed;
	struct io_timer timer, other;
	int n;
	bool is_inside;
};

static void on_never(void *arg)
{
	(void)arg;
	fail_msg("a stopped timer fired");
}

static void on_restart(void *arg)
{
	struct again *a = arg;
	assert_false(a->is_inside);
	a->is_inside = true;
	io_timer_stop(&a->other);
	if (++a->n < 5)
		io_timer_start(a->bed->loop, &a->timer, 0, 0, on_restart, a);
	a->is_inside = false;
	bed_see(a->bed);
}

static void test_timer_restarts_itself(void **state)
{
	struct again a = {.bed = *state};
	io_timer_start(a.bed->loop, &a.timer, -5, 0, on_restart, &a);
	io_timer_start(a.bed->loop, &a.other, 0, 0, on_never, &a);
	bed_wait(a.bed, &a.n, 5);
	assert_false(io_timer_is_armed(&a.timer));
}

static void on_beat(void *arg)
{
	struct again *a = arg;
	if (++a->n == 3)
		io_timer_stop(&a->timer);
	bed_see(a->bed);
}

static void test_timer_repeats(void **state)
{
	struct again a = {.bed = *state};
	int64_t start_ms = io_boot_ms();
	io_timer_start(a.bed->loop, &a.timer, 5, 10, on_beat, &a);
	bed_wait(a.bed, &a.n, 3);
	assert_true(io_boot_ms() - start_ms >= 25);
	assert_false(io_timer_is_armed(&a.timer));
}

static void on_post(void *arg)
{
	bed_see(arg);
}

static void *post_some(void *arg)
{
	struct bed *bed = arg;
	for (int i = 0; i < 1000; i++)
		while (io_loop_post(bed->loop, on_post, bed) != 0)
			continue;
	return NULL;
}

static void test_posts_from_threads(void **state)
{
	struct bed *bed = *state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_some, bed), 0);
	bed_wait(bed, &bed->seen, 4000);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(bed->seen, 4000);
}

static void test_posts_are_bounded(void **state)
{
	struct bed *bed = *state;
	for (int i = 0; i < IO_LOOP_POST_MAX; i++)
		assert_int_equal(io_loop_post(bed->loop, on_post, bed), 0);
	assert_int_equal(io_loop_post(bed->loop, on_post, bed), -OSHA_E_FULL);
	bed_wait(bed, &bed->seen, IO_LOOP_POST_MAX);
}

static void on_signal(void *arg, int signum)
{
	assert_int_equal(signum, SIGHUP);
	bed_see(arg);
}

static void test_signals(void **state)
{
	struct bed *bed = *state;
	struct osha_err err = {0};
	assert_int_equal(io_loop_signal(bed->loop, SIGHUP, on_signal, bed, &err), 0);
	kill(getpid(), SIGHUP);
	bed_wait(bed, &bed->seen, 1);
	assert_int_equal(io_loop_signal(bed->loop, SIGHUP, NULL, NULL, &err), 0);
	assert_int_equal(io_loop_signal(bed->loop, SIGHUP, on_signal, bed, &err), 0);
	kill(getpid(), SIGHUP);
	bed_wait(bed, &bed->seen, 2);
}

struct piped {
	struct bed *bed;
	int fd;
	struct io_watch *watch;
};

static void on_pipe(void *arg, int events)
{
	struct piped *p = arg;
	char c;
	assert_true(events & IO_READABLE);
	assert_int_equal(read(p->fd, &c, 1), 1);
	if (c == 'b')
		io_watch_stop(p->watch);
	bed_see(p->bed);
}

static void test_watch(void **state)
{
	struct piped p = {.bed = *state};
	struct osha_err err = {0};
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	p.fd = fds[0];
	p.watch = io_watch_start(p.bed->loop, p.fd, IO_READABLE, on_pipe, &p, &err);
	assert_non_null(p.watch);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	bed_wait(p.bed, &p.bed->seen, 2);
	/* After the stop nothing comes, though a byte waits: a timer gets its turn instead. */
	io_loop_post(p.bed->loop, on_post, p.bed);
	bed_wait(p.bed, &p.bed->seen, 3);
	char c;
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(c, 'c');
	close(fds[0]);
	close(fds[1]);
}

struct stalls {
	struct bed *bed;
	int n[IO_STALL_N];
	int64_t ms[IO_STALL_N];
	struct io_timer timer;
	bool has_looked;
	int stopped_fd; /* readable once the process was stopped */
};

static void on_stall(void *arg, enum io_stall kind, int64_t ms)
{
	struct stalls *s = arg;
	s->n[kind]++;
	s->ms[kind] = ms;
	bed_see(s->bed);
}

static void on_busy(void *arg)
{
	(void)arg;
	int64_t end_ms = io_boot_ms() + 120;
	while (io_boot_ms() < end_ms)
		continue;
}

static void test_long_turn_is_told(void **state)
{
	struct stalls s = {.bed = *state};
	io_loop_watch_stalls(s.bed->loop, 100, 60000, on_stall, &s);
	io_timer_start(s.bed->loop, &s.timer, 0, 0, on_busy, &s);
	bed_wait(s.bed, &s.n[IO_STALL_TURN], 1);
	assert_true(s.ms[IO_STALL_TURN] >= 100);
	assert_int_equal(s.n[IO_STALL_WALL], 0);
}

static void on_late_timer(void *arg)
{
	struct stalls *s = arg;
	struct pollfd stopped = {.fd = s->stopped_fd, .events = POLLIN};
	if (poll(&stopped, 1, 0) == 0) {
		/* a busy machine: the child has not come to its turn yet */
		io_timer_start(s->bed->loop, &s->timer, 300, 0, on_late_timer, s);
		return;
	}
	s->has_looked = true;
	assert_true(s->n[IO_STALL_LATE] > 0); /* told before anything that waited is done */
}

static void test_stopped_process_is_told_first(void **state)
{
	struct stalls s = {.bed = *state};
	io_loop_watch_stalls(s.bed->loop, 400, 60000, on_stall, &s);
	io_timer_start(s.bed->loop, &s.timer, 300, 0, on_late_timer, &s);
	pid_t parent = getpid();
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	s.stopped_fd = fds[0];
	pid_t pid = fork();
	if (pid == 0) {
		/* the length of the stop that is to be noticed */
		struct timespec stop = {.tv_sec = 1, .tv_nsec = 500000000};
		kill(parent, SIGSTOP);
		_exit(write(fds[1], "s", 1) == 1 && nanosleep(&stop, NULL) == 0 ? kill(parent, SIGCONT) : 1);
	}
	bed_wait(s.bed, &s.n[IO_STALL_LATE], 1);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	assert_true(s.ms[IO_STALL_LATE] > 400);
}

static void test_wall_step_is_told(void **state)
{
	struct stalls s = {.bed = *state};
	io_loop_watch_stalls(s.bed->loop, 60000, 1000, on_stall, &s);
	wall_extra_s = -3600;
	bed_wait(s.bed, &s.n[IO_STALL_WALL], 1);
	assert_true(s.ms[IO_STALL_WALL] < -3590000 && s.ms[IO_STALL_WALL] > -3610000);
	wall_extra_s = 0;
	bed_wait(s.bed, &s.n[IO_STALL_WALL], 2);
	assert_true(s.ms[IO_STALL_WALL] > 3590000);
	assert_int_equal(s.n[IO_STALL_LATE], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_timers_fire_in_order, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_timer_restarts_itself, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_timer_repeats, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_posts_from_threads, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_posts_are_bounded, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_signals, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_watch, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_long_turn_is_told, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_stopped_process_is_told_first, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_wall_step_is_told, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
