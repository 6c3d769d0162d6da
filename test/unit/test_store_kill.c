/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 at random points: each answer DONE that the killed process saw must hold in the next life, nothing half-written may be
 * there, and the lock must be free. The seed is printed; OSHA_SEED repeats a run.
 */
#include "test/unit/journal_bed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"

enum { ROUNDS = 15, HOSTS = 7, IN_FLIGHT = 64, DONE_MAX = 600, MAIL_EACH = 5 };

static uint64_t seed;

/* ---- the life that ends ---- */

struct victim {
	struct journal *j;
	int pipe_fd;
	sem_t woken;
};

static void victim_answer(void *arg, const struct journal_answer *a)
{
	struct victim *v = arg;

	if (a->outcome != OUTCOME_DONE || write(v->pipe_fd, &a->seq, sizeof(a->seq)) != sizeof(a->seq))
		_exit(3);
}

static void victim_notify(void *arg)
{
	sem_post(&((struct victim *)arg)->woken);
}

static void victim_submit(struct victim *v, uint64_t seq)
{
	struct record r = bed_host((unsigned)(seq % HOSTS), seq);
	struct journal_mail m = {
	    .state = MAIL_QUEUED, .address = "ops@example.com", .body = (const uint8_t *)"x", .body_size = 1};

	snprintf(m.key, sizeof(m.key), "mail-%llu", (unsigned long long)seq);
	if (seq % MAIL_EACH == 0 ? journal_outbox_put(v->j, seq, &m, 1, NULL)
				 : journal_submit(v->j, seq, &r, 1, "n", NULL))
		_exit(4);
}

static _Noreturn void victim_live(const char *path, int pipe_fd, uint64_t first_seq)
{
	struct victim v = {.pipe_fd = pipe_fd};
	struct journal_opts opts = {
	    .notify = victim_notify, .notify_arg = &v, .answer = victim_answer, .answer_arg = &v};
	struct store_record store;

	sem_init(&v.woken, 0, 0);
	if (journal_open(path, &opts, &v.j, NULL) < 0 || journal_begin_epoch(v.j, &store, NULL) < 0)
		_exit(5);
	for (uint64_t seq = first_seq;; seq++) {
		victim_submit(&v, seq);
		while (journal_pending(v.j) >= IN_FLIGHT) {
			sem_wait(&v.woken);
			journal_drain(v.j);
		}
	}
}

/* ---- the life after ---- */

struct after {
	uint64_t value[HOSTS];
	uint64_t epoch;
};

static int see_record(void *arg, const struct record *r, struct osha_err *reterr)
{
	struct after *a = arg;

	if (r->type == RECORD_STORE)
		a->epoch = r->store.epoch;
	else
		a->value[strtoul(r->host.name + 1, NULL, 10)] = r->host.device_key[0];
	return 0;
}

struct mails_after {
	bool *has;
	uint64_t max;
};

static int see_mail(void *arg, const struct journal_mail *m, struct osha_err *reterr)
{
	struct mails_after *a = arg;
	uint64_t seq = strtoull(m->key + strlen("mail-"), NULL, 10);

	assert_true(seq < a->max);
	a->has[seq] = true;
	return 0;
}

static int see_line(void *arg, const struct journal_line *line, struct osha_err *reterr)
{
	uint64_t *last = arg;

	assert_true(line->seq > *last);
	*last = line->seq;
	return 0;
}

/* Returns the highest seq that was answered; *last_done[host] the highest of each host. */
static uint64_t kill_after(const char *path, uint64_t first_seq, uint64_t answers, bool *mail_done, uint64_t *last_done)
{
	uint64_t seq, highest = first_seq, n = 0;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		victim_live(path, fds[1], first_seq);
	}
	close(fds[1]);
	if (answers == 0)
		kill(pid, SIGKILL);
	while (read(fds[0], &seq, sizeof(seq)) == sizeof(seq)) {
		if (seq % MAIL_EACH == 0)
			mail_done[seq] = true;
		else
			last_done[seq % HOSTS] = seq;
		highest = seq > highest ? seq : highest;
		if (++n == answers)
			kill(pid, SIGKILL);
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return highest;
}

static void look_again(
    struct bed *b, const uint64_t *last_done, const bool *mail_done, uint64_t max, uint64_t *ret_epoch)
{
	struct after after = {0};
	struct mails_after mails = {.has = calloc(max, sizeof(bool)), .max = max};
	struct journal_reader *r = NULL;
	uint64_t last_line = 0;

	bed_open(b);
	assert_int_equal(journal_load(b->j, see_record, &after, NULL), 0);
	for (size_t i = 0; i < HOSTS; i++)
		assert_true(after.value[i] >= last_done[i]);
	assert_true(after.epoch >= *ret_epoch);
	*ret_epoch = after.epoch;
	assert_int_equal(journal_reader_open(b->path, &r, NULL), 0);
	assert_int_equal(journal_reader_outbox(r, NULL, see_mail, &mails, NULL), 0);
	assert_int_equal(journal_reader_history(r, NULL, see_line, &last_line, NULL), 0);
	for (uint64_t i = 0; i < max; i++)
		assert_true(mails.has[i] || !mail_done[i]);
	journal_reader_close(&r);
	bed_close(b);
	free(mails.has);
}

static void test_done_survives_kill(void **state)
{
	static bool mail_done[ROUNDS * (DONE_MAX + 1000)];
	const uint64_t max = sizeof(mail_done);
	struct rng rng = {seed};
	uint64_t last_done[HOSTS] = {0}, next_seq = 1, epoch = 0, highest;
	struct bed b;

	bed_make(&b);
	for (int round = 0; round < ROUNDS; round++) {
		highest = kill_after(b.path, next_seq, rng_below(&rng, DONE_MAX), mail_done, last_done);
		/* what was in flight has numbers that no later life may use again */
		next_seq = highest + 2 * IN_FLIGHT;
		assert_true(next_seq + DONE_MAX + 4 * IN_FLIGHT < max);
		look_again(&b, last_done, mail_done, max, &epoch);
	}
	assert_true(epoch >= 2);
	bed_remove(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_done_survives_kill)};
	const char *given = getenv("OSHA_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("# OSHA_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
