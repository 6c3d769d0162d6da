/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would take the loop too long is done at a desk, that is one thread with a short line of jobs before it, which touches nothing of
 * the daemon and hands each answer back to the loop. One desk reads the journal for questions about what is over; another one writes
 * out long answers, so that they come even while a disk hangs.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "daemon/control_part.h"
#include "report/archive.h"

enum { DESK_LINE_MAX = 16 };

enum past { PAST_RECOVERIES, PAST_RECOVERY, PAST_OBSERVED, PAST_EXPLAIN, PAST_NOTHING };

struct past_job {
	struct past_job *next;
	uint64_t client;
	enum past what;
	char name[HOST_NAME_SIZE]; /* recovery or host */
	int64_t wall_ms;
	cJSON *answer; /* begun by the loop, or made at the desk; gone once it is written out */
	char *line;    /* the answer written out */
	int result;
	struct osha_err err;
};

struct control_desk {
	struct control *c;
	char journal[256];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct past_job *asked, *answered; /* under the lock, as all below */
	size_t asked_n;
	bool is_posted, is_ending;
};

static void job_free(struct past_job *j)
{
	cJSON_Delete(j->answer);
	free(j->line);
	free(j);
}

static void jobs_free(struct past_job *j)
{
	while (j) {
		struct past_job *next = j->next;

		job_free(j);
		j = next;
	}
}

/* A host's own past is a trimming: without it the answer stands all the same. */
static void explain_add(const struct archive *a, struct past_job *j)
{
	cJSON *host = cJSON_GetObjectItemCaseSensitive(j->answer, "host"), *last = NULL;

	if (archive_last_of(a, j->name, &last, &j->err) < 0) {
		cJSON_AddStringToObject(host, "journal_error", j->err.msg);
		last = cJSON_CreateNull();
	}
	cJSON_AddItemToObject(host, "last_recovery", last);
}

static void job_do(const struct control_desk *desk, struct past_job *j)
{
	const struct archive a = {.path = desk->journal, .wall_ms = j->wall_ms};

	if (j->what == PAST_EXPLAIN)
		explain_add(&a, j);
	else if (j->what == PAST_RECOVERY)
		j->result = archive_recovery(&a, j->name, &j->answer, &j->err);
	else if (j->what == PAST_RECOVERIES)
		j->result = archive_recoveries(&a, true, &j->answer, &j->err);
	else if (j->what == PAST_OBSERVED)
		j->result = archive_observed(&a, &j->answer, &j->err);
	if (!j->answer)
		return;
	cJSON_ReplaceItemInObjectCaseSensitive(j->answer, "source", cJSON_CreateString("daemon"));
	j->line = cJSON_PrintUnformatted(j->answer);
	cJSON_Delete(j->answer);
	j->answer = NULL;
}

static void job_answer(struct control *c, struct past_job *j)
{
	if (j->result < 0)
		control_refuse(
		    c, j->client, j->result == -OSHA_E_NOTFOUND ? REFUSED_WRONG : REFUSED_INTERNAL, "%s", j->err.msg);
	else
		control_reply_line(c, j->client, j->line);
}

static void desk_answers(void *arg)
{
	struct control_desk *desk = arg;
	struct past_job *j;

	pthread_mutex_lock(&desk->lock);
	j = desk->answered;
	desk->answered = NULL;
	desk->is_posted = false;
	pthread_mutex_unlock(&desk->lock);
	for (const struct past_job *k = j; k; k = k->next)
		job_answer(desk->c, (struct past_job *)(uintptr_t)k);
	jobs_free(j);
}

/* Under the lock. Answers that could not be posted now go with the next. */
static void desk_deliver(struct control_desk *desk, struct past_job *j)
{
	j->next = desk->answered;
	desk->answered = j;
	if (!desk->is_posted)
		desk->is_posted = io_loop_post(desk->c->d->loop, desk_answers, desk) == 0;
}

static void *desk_work(void *arg)
{
	struct control_desk *desk = arg;

	pthread_mutex_lock(&desk->lock);
	while (!desk->is_ending) {
		struct past_job *j = desk->asked;

		if (!j) {
			pthread_cond_wait(&desk->work, &desk->lock);
			continue;
		}
		desk->asked = j->next;
		pthread_mutex_unlock(&desk->lock);
		job_do(desk, j);
		pthread_mutex_lock(&desk->lock);
		desk->asked_n--;
		desk_deliver(desk, j);
	}
	pthread_mutex_unlock(&desk->lock);
	return NULL;
}

static int desk_open(struct control *c, struct control_desk **ret, struct osha_err *reterr)
{
	struct control_desk *desk = calloc(1, sizeof(*desk));
	int e;

	if (!desk)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for the control socket");
	desk->c = c;
	keeping_path(c->d->cfg, desk->journal, sizeof(desk->journal));
	pthread_mutex_init(&desk->lock, NULL);
	pthread_cond_init(&desk->work, NULL);
	e = pthread_create(&desk->thread, NULL, desk_work, desk);
	if (e) {
		pthread_cond_destroy(&desk->work);
		pthread_mutex_destroy(&desk->lock);
		free(desk);
		return osha_err_set_errno(reterr, OSHA_E_IO, e, "no thread for the control socket");
	}
	*ret = desk;
	return 0;
}

int control_desks_open(struct control *c, struct osha_err *reterr)
{
	int r = desk_open(c, &c->past_desk, reterr);

	return r < 0 ? r : desk_open(c, &c->print_desk, reterr);
}

/* The loop does not turn any more, so no answer that is posted will come to a desk that is gone. */
static void desk_close(struct control_desk *desk)
{
	if (!desk)
		return;
	pthread_mutex_lock(&desk->lock);
	desk->is_ending = true;
	pthread_cond_signal(&desk->work);
	pthread_mutex_unlock(&desk->lock);
	pthread_join(desk->thread, NULL);
	jobs_free(desk->asked);
	jobs_free(desk->answered);
	pthread_cond_destroy(&desk->work);
	pthread_mutex_destroy(&desk->lock);
	free(desk);
}

void control_desks_close(struct control *c)
{
	desk_close(c->past_desk);
	desk_close(c->print_desk);
	c->past_desk = c->print_desk = NULL;
}

/* @answer is moved. */
static void ask(struct control *c, const struct control_request *q, enum past what, const char *name, cJSON *answer)
{
	struct control_desk *desk = what == PAST_NOTHING ? c->print_desk : c->past_desk;
	struct past_job *j = calloc(1, sizeof(*j)), **at;

	if (!j) {
		cJSON_Delete(answer);
		control_reply(c, q->peer->client, NULL);
		return;
	}
	*j = (struct past_job){.client = q->peer->client, .what = what, .wall_ms = io_wall_ms(), .answer = answer};
	str_copy(j->name, sizeof(j->name), name);
	pthread_mutex_lock(&desk->lock);
	if (desk->asked_n < DESK_LINE_MAX) {
		for (at = &desk->asked; *at; at = &(*at)->next)
			;
		*at = j;
		j = NULL;
		desk->asked_n++;
		pthread_cond_signal(&desk->work);
	}
	pthread_mutex_unlock(&desk->lock);
	if (!j)
		return;
	job_free(j);
	control_refuse(c, q->peer->client, REFUSED_HELD, "%d questions wait already; ask again later", DESK_LINE_MAX);
}

void control_recoveries(struct control *c, const struct control_request *q)
{
	struct report_monitor monitors[CONFIG_MONITOR_N];
	struct report_live l;

	if (json_bool(q->json, "all", false)) {
		ask(c, q, PAST_RECOVERIES, "", NULL);
		return;
	}
	control_live(c, &l, monitors);
	control_reply(c, q->peer->client, report_recoveries(&l));
}

void control_recovery(struct control *c, const struct control_request *q)
{
	ask(c, q, PAST_RECOVERY, json_str(q->json, "recovery", ""), NULL);
}

void control_observed(struct control *c, const struct control_request *q)
{
	ask(c, q, PAST_OBSERVED, "", NULL);
}

void control_explain(struct control *c, const struct control_request *q)
{
	const char *host = json_str(q->json, "host", "");
	struct report_monitor monitors[CONFIG_MONITOR_N];
	struct report_live l;
	cJSON *answer;

	control_live(c, &l, monitors);
	answer = report_explain(&l, host);
	if (answer)
		ask(c, q, PAST_EXPLAIN, host, answer);
	else
		control_refuse(c, q->peer->client, REFUSED_WRONG,
		    "no compute host is named exactly \"%s\"; `osha hosts` lists them", host);
}

void control_reply_long(struct control *c, const struct control_request *q, cJSON *answer)
{
	ask(c, q, PAST_NOTHING, "", answer);
}
