/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that starts programs. Nothing here takes a lock: a thread that is put off the processor while it holds one would keep the loop
 * waiting, which is what this file is there to avoid. Starts go over and come back by two lists with atomic heads, waking is a semaphore
 * one way and an eventfd the other.
 *
 * posix_spawn() shares our memory with the new process until it executes, where fork() copies the page tables and makes the loop fault
 * each page back in.
 */
#include "io/child_start.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STATE_QUEUED = 0,
	STATE_TAKEN,     /* the thread is at it */
	STATE_OVER,      /* the thread is done with it */
	STATE_WITHDRAWN, /* before the thread took it */
	STATE_UNWANTED,  /* since the thread took it */
};

typedef _Atomic(struct io_start *) start_list; /* newest first */

struct io_starter {
	struct io_loop *loop;
	pthread_t thread;
	sem_t work; /* one for each start queued, and one for the end */
	start_list queued, done;
	atomic_bool is_ending;
	int done_fd; /* eventfd: something is in done */
	/* The loop's side. The watch is there while anything is under way, so that a loop that ends waits for it. */
	struct io_watch *watch;
	size_t under_way;
};

static void list_add(start_list *list, struct io_start *s)
{
	s->next = atomic_load(list);
	while (!atomic_compare_exchange_weak(list, &s->next, s))
		continue;
}

/* All of them, oldest first. */
static struct io_start *list_take(start_list *list)
{
	struct io_start *s = atomic_exchange(list, NULL), *first = NULL;
	while (s != NULL) {
		struct io_start *next = s->next;
		s->next = first;
		first = s;
		s = next;
	}
	return first;
}

/* The thread. */

static void close_all(int *fds)
{
	for (int i = 0; i < IO_START_PIPE_N; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* An end for the program. It must lie above the places that the program's descriptors get, or one would be put over another. */
static int move_up(int fd)
{
	if (fd >= IO_START_PIPE_N)
		return fd;
	int up = fcntl(fd, F_DUPFD_CLOEXEC, IO_START_PIPE_N);
	close(fd);
	return up;
}

static int open_pipes(struct io_start *s, int *theirs)
{
	for (int i = 0; i < IO_START_PIPE_N; i++) {
		int fds[2];
		if (i == IO_START_IN && s->is_stdin_null)
			continue;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return errno;
		s->pipes[i] = i == IO_START_IN ? fds[1] : fds[0];
		theirs[i] = move_up(i == IO_START_IN ? fds[0] : fds[1]);
		if (theirs[i] < 0 || fcntl(s->pipes[i], F_SETFL, O_NONBLOCK) < 0)
			return errno;
	}
	return 0;
}

/* The calls below only fill memory of their own. */
static int place_descriptors(posix_spawn_file_actions_t *places, const struct io_start *s, const int *theirs)
{
	int e = 0;
	if (s->is_stdin_null)
		e = posix_spawn_file_actions_addopen(places, IO_START_IN, "/dev/null", O_RDONLY, 0);
	for (int i = 0; i < IO_START_PIPE_N && e == 0; i++)
		if (theirs[i] >= 0)
			e = posix_spawn_file_actions_adddup2(places, theirs[i], i);
	return e;
}

static int set_manners(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	/* A session of its own: ^C at our terminal is not for it. */
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn(struct io_start *s, const int *theirs)
{
	posix_spawn_file_actions_t places;
	posix_spawnattr_t attr;
	pid_t pid = 0;
	int e = posix_spawn_file_actions_init(&places);
	if (e != 0)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e == 0) {
		e = place_descriptors(&places, s, theirs);
		if (e == 0)
			e = set_manners(&attr);
		if (e == 0)
			e = posix_spawn(&pid, s->argv[0], &places, &attr, s->argv, s->env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&places);
	if (e == 0)
		s->pid = pid;
	return e;
}

/* Without a pidfd nobody would see its end. It is not reaped yet, so the number is still its own. */
static int watch_process(struct io_start *s)
{
	s->pidfd = pidfd_open(s->pid, 0);
	if (s->pidfd >= 0)
		return 0;
	int e = errno;
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return e;
}

static void end_process(const struct io_start *s)
{
	if (s->pidfd >= 0)
		pidfd_send_signal(s->pidfd, SIGTERM, NULL, 0);
}

static void start_one(struct io_start *s)
{
	int theirs[IO_START_PIPE_N] = {-1, -1, -1, -1};
	int state = STATE_QUEUED;
	if (!atomic_compare_exchange_strong(&s->state, &state, STATE_TAKEN)) {
		s->error = ECANCELED;
		return;
	}
	s->error = open_pipes(s, theirs);
	if (s->error == 0)
		s->error = spawn(s, theirs);
	close_all(theirs);
	if (s->error == 0)
		s->error = watch_process(s);
	if (s->error != 0)
		close_all(s->pipes);
	state = STATE_TAKEN;
	if (!atomic_compare_exchange_strong(&s->state, &state, STATE_OVER))
		end_process(s);
}

static void *starter_thread(void *arg)
{
	struct io_starter *starter = arg;
	uint64_t one = 1;
	while (!atomic_load(&starter->is_ending)) {
		while (sem_wait(&starter->work) < 0 && errno == EINTR)
			continue;
		for (struct io_start *s = list_take(&starter->queued), *next; s != NULL; s = next) {
			next = s->next;
			start_one(s);
			list_add(&starter->done, s); /* from here on it is the loop's */
			ssize_t ignored = write(starter->done_fd, &one, sizeof one);
			(void)ignored; /* fails only when 2^64 are waiting */
		}
	}
	return NULL;
}

/* The loop's side. */

static void on_done(void *arg, int events)
{
	struct io_starter *starter = arg;
	uint64_t n;
	(void)events;
	if (read(starter->done_fd, &n, sizeof n) < 0)
		return;
	for (struct io_start *s = list_take(&starter->done), *next; s != NULL; s = next) {
		next = s->next;
		if (--starter->under_way == 0) {
			io_watch_stop(starter->watch);
			starter->watch = NULL;
		}
		s->fn(s); /* may free it, and may queue others */
	}
}

static int start_thread(struct io_starter *starter)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the loop's thread */
	int e = pthread_create(&starter->thread, NULL, starter_thread, starter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e;
}

/* Inherited, it would have the kernel bury our children before we look, and their numbers could belong to strangers. */
static void want_to_bury_children(void)
{
	struct sigaction now;
	if (sigaction(SIGCHLD, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
}

static int starter_create(struct io_loop *loop, struct io_starter **ret_starter, struct osha_err *reterr)
{
	struct io_starter *starter = calloc(1, sizeof *starter);
	if (starter == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
	want_to_bury_children();
	starter->loop = loop;
	sem_init(&starter->work, 0, 0);
	starter->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int e = starter->done_fd < 0 ? errno : start_thread(starter);
	if (e != 0) {
		if (starter->done_fd >= 0)
			close(starter->done_fd);
		sem_destroy(&starter->work);
		free(starter);
		return osha_err_set_errno(reterr, OSHA_E_IO, e, "make the thread that starts programs");
	}
	*ret_starter = starter;
	return 0;
}

int io_start_queue(struct io_loop *loop, struct io_start *start, struct osha_err *reterr)
{
	struct io_starter **place = io_loop_starter(loop);
	int r = *place != NULL ? 0 : starter_create(loop, place, reterr);
	if (r < 0)
		return r;
	struct io_starter *starter = *place;
	if (starter->watch == NULL)
		starter->watch = io_watch_start(loop, starter->done_fd, IO_READABLE, on_done, starter, reterr);
	if (starter->watch == NULL)
		return -OSHA_E_IO;
	start->error = start->pid = 0;
	start->pidfd = -1;
	for (int i = 0; i < IO_START_PIPE_N; i++)
		start->pipes[i] = -1;
	atomic_init(&start->state, STATE_QUEUED);
	starter->under_way++;
	list_add(&starter->queued, start);
	sem_post(&starter->work);
	return 0;
}

bool io_start_withdraw(struct io_start *start)
{
	int state = STATE_QUEUED;
	if (atomic_compare_exchange_strong(&start->state, &state, STATE_WITHDRAWN) || state == STATE_WITHDRAWN)
		return true;
	state = STATE_TAKEN;
	if (!atomic_compare_exchange_strong(&start->state, &state, STATE_UNWANTED) && state == STATE_OVER)
		end_process(start);
	return false;
}

void io_starter_destroy(struct io_starter *starter)
{
	if (starter == NULL)
		return;
	atomic_store(&starter->is_ending, true);
	sem_post(&starter->work);
	if (starter->under_way > 0) {
		pthread_detach(starter->thread); /* it still writes into this memory: better lost than reused */
		return;
	}
	pthread_join(starter->thread, NULL);
	sem_destroy(&starter->work);
	close(starter->done_fd);
	free(starter);
}
