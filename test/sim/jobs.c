/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of processes; see the header. One that ends without an answer counts as failed. */
#include "test/sim/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct job {
	pid_t pid;
	int from; /* read end */
};

static bool read_all(int fd, void *to, size_t size)
{
	char *at = to;

	while (size) {
		ssize_t n = read(fd, at, size);

		if (n <= 0)
			return false;
		at += n;
		size -= (size_t)n;
	}
	return true;
}

static void job_run(jobs_fn fn, void *arg, uint64_t from, uint64_t n, uint64_t *totals, size_t total_n, int to)
{
	uint64_t ok;

	memset(totals, 0, total_n * sizeof(*totals));
	ok = fn(arg, from, n, totals);
	fflush(stdout);
	_exit(write(to, &ok, sizeof(ok)) == (ssize_t)sizeof(ok) &&
		      write(to, totals, total_n * sizeof(*totals)) == (ssize_t)(total_n * sizeof(*totals))
		  ? 0
		  : 1);
}

static struct job job_start(jobs_fn fn, void *arg, uint64_t from, uint64_t n, uint64_t *totals, size_t total_n)
{
	struct job job = {.pid = -1, .from = -1};
	int ends[2];

	fflush(stdout);
	if (pipe(ends) < 0)
		return job;
	job.pid = fork();
	if (job.pid == 0) {
		close(ends[0]);
		job_run(fn, arg, from, n, totals, total_n, ends[1]);
	}
	close(ends[1]);
	job.from = ends[0];
	return job;
}

static bool job_end(const struct job *job, uint64_t *totals, size_t total_n)
{
	uint64_t *counts = calloc(total_n + 1, sizeof(*counts));
	bool ok = counts && job->pid > 0 && read_all(job->from, counts, (total_n + 1) * sizeof(*counts));

	for (size_t k = 0; ok && k < total_n; k++)
		totals[k] += counts[k + 1];
	ok = ok && counts[0];
	if (job->from >= 0)
		close(job->from);
	if (job->pid > 0)
		(void)waitpid(job->pid, NULL, 0);
	free(counts);
	return ok;
}

bool jobs_round(const struct jobs *jobs, uint64_t from, uint64_t left, uint64_t *ret_done, uint64_t *totals, size_t n)
{
	struct job all[JOBS_MAX];
	uint64_t *scratch = calloc(n, sizeof(*scratch));
	unsigned started = 0;
	bool ok = scratch != NULL;

	*ret_done = 0;
	for (; ok && started < jobs->n && started < JOBS_MAX && *ret_done < left; started++) {
		uint64_t chunk = left - *ret_done < jobs->chunk ? left - *ret_done : jobs->chunk;

		all[started] = job_start(jobs->fn, jobs->arg, from + *ret_done, chunk, scratch, n);
		*ret_done += chunk;
	}
	for (unsigned k = 0; k < started; k++)
		ok = job_end(&all[k], totals, n) && ok;
	free(scratch);
	return ok;
}
