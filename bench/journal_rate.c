/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records a second through a store whose every commit takes so much longer, and the longest time that the owner's thread spent inside
 * one call: journal_rate [DELAY_MS [IN_FLIGHT [RECORDS]]]. Each of IN_FLIGHT instances submits its next record when the last one is
 * durable, as the workflow does. Prints one JSON object.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "journal/journal.h"

struct rate {
	struct journal *j;
	sem_t woken;
	uint64_t submitted, answered, failed, wanted;
	double stall_ms;
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void submit(struct rate *r, unsigned instance)
{
	struct record rec = {.type = RECORD_INSTANCE};
	struct osha_err err = {0};

	str_copy(rec.instance.recovery, sizeof(rec.instance.recovery), "bench0-1");
	snprintf(rec.instance.uuid, sizeof(rec.instance.uuid), "00000000-0000-4000-8000-%012u", instance);
	str_copy(rec.instance.source, sizeof(rec.instance.source), "compute-1");
	rec.instance.row = INSTANCE_ROW_CALLING;
	rec.instance.attempt = (uint32_t)r->submitted;
	if (journal_submit(r->j, instance, &rec, 1, "evacuate call begins", &err) < 0)
		r->failed++;
	else
		r->submitted++;
}

static void on_answer(void *arg, const struct journal_answer *a)
{
	struct rate *r = arg;

	r->answered++;
	r->failed += a->outcome != OUTCOME_DONE;
	if (r->submitted < r->wanted)
		submit(r, (unsigned)a->seq);
}

static void on_notify(void *arg)
{
	sem_post(&((struct rate *)arg)->woken);
}

static void run(struct rate *r, unsigned in_flight)
{
	double begin;

	for (unsigned i = 0; i < in_flight && r->submitted < r->wanted; i++)
		submit(r, i);
	while (r->answered < r->submitted) {
		while (sem_wait(&r->woken) < 0 && errno == EINTR)
			;
		begin = now_ms();
		journal_drain(r->j);
		if (now_ms() - begin > r->stall_ms)
			r->stall_ms = now_ms() - begin;
	}
}

static void clear(const char *dir)
{
	static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock"};
	char path[512];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

int main(int argc, char **argv)
{
	unsigned delay_ms = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20;
	unsigned in_flight = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;
	struct rate r = {.wanted = argc > 3 ? strtoull(argv[3], NULL, 10) : 3000};
	struct journal_opts opts = {
	    .notify = on_notify, .notify_arg = &r, .answer = on_answer, .answer_arg = &r, .commit_delay_ms = delay_ms};
	char dir[] = "/tmp/osha-bench-XXXXXX", path[64];
	struct osha_err err = {0};
	double begin, took_ms;

	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	snprintf(path, sizeof(path), "%s/journal.db", dir);
	sem_init(&r.woken, 0, 0);
	if (journal_open(path, &opts, &r.j, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	begin = now_ms();
	run(&r, in_flight);
	took_ms = now_ms() - begin;
	printf("{\"commit_delay_ms\":%u,\"in_flight\":%u,\"records\":%llu,\"failed\":%llu,\"commits\":%llu,\"records_"
	       "per_s\":%.0f,"
	       "\"longest_call_ms\":%.2f}\n",
	    delay_ms, in_flight, (unsigned long long)r.answered, (unsigned long long)r.failed,
	    (unsigned long long)journal_commits(r.j), (double)r.answered / took_ms * 1e3, r.stall_ms);
	journal_close(r.j);
	clear(dir);
	return r.failed ? 1 : 0;
}
