/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling without the rest of the daemon: tells moments of one recovery, described in a file, through a real journal, a real cloud session
 * and a real mail server, says what happened line by line, and ends when nothing is left to do. For run_tell.py.
 *
 *	tell_driver CONFIG JOURNAL FACTS [MOMENT | alert:KEY:TEXT | break-store | stay]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strbuf.h"
#include "cloud/session.h"
#include "daemon/telling.h"
#include "io/file.h"
#include "io/log.h"
#include "tell/template_folder.h"

struct bed {
	struct daemon d;
	struct engine_actions *actions;
	struct record records[600];
	uint32_t record_n;
	char id[RECOVERY_ID_SIZE];
	struct io_timer timer;
	char **orders;
	int order_n, order_at;
	uint32_t open; /* moments told and not yet durable */
	bool must_stay;
};

static void say(const char *word, const char *what)
{
	printf("%s %s\n", word, what);
	fflush(stdout);
}

static void fail(const char *what, const struct osha_err *err)
{
	fprintf(stderr, "%s: %s\n", what, err->msg);
	exit(1);
}

void daemon_told(struct daemon *d, const char *recovery, enum moment moment)
{
	struct bed *bed = (struct bed *)d;

	(void)recovery;
	bed->open--;
	say("told", moment_name(moment));
}

bool lead_is_on(const struct daemon *d)
{
	(void)d;
	return true;
}

bool lead_may_act(struct daemon *d)
{
	(void)d;
	return true;
}

void daemon_stop(struct daemon *d, int exit_status)
{
	(void)d;
	exit(exit_status);
}

void daemon_problems_log(const struct config_problems *problems)
{
	for (size_t k = 0; k < problems->n; k++)
		say("problem", problems->items[k].text);
}

static void drain(void *arg)
{
	journal_drain(((struct bed *)arg)->d.journal);
}

static void notify(void *arg)
{
	struct bed *bed = arg;

	(void)io_loop_post(bed->d.loop, drain, bed);
}

static void answer(void *arg, const struct journal_answer *a)
{
	telling_answer(&((struct bed *)arg)->d, a);
}

static int row_named(const char *(*name)(int), int n, const char *wanted)
{
	for (int k = 0; k < n; k++) {
		if (str_eq(name(k), wanted))
			return k;
	}
	fprintf(stderr, "no such word: %s\n", wanted);
	exit(1);
}

static const char *row_of_host(int k)
{
	return host_row_name((enum host_row)k);
}

static const char *row_of_instance(int k)
{
	return instance_row_name((enum instance_row)k);
}

static const char *cause(int k)
{
	return hold_cause_name((enum hold_cause)k);
}

static const char *moment_word(int k)
{
	return moment_name((enum moment)k);
}

static const char *state_word(int k)
{
	return server_state_name((enum server_state)k);
}

static void recovery_fill(struct recovery_record *r, const cJSON *o)
{
	const cJSON *stamps = json_object(o, "stamps"), *stamp;

	(void)str_copy(r->id, sizeof(r->id), json_str(o, "id", "test-1-1"));
	(void)str_copy(r->host, sizeof(r->host), json_str(o, "host", "c1"));
	(void)str_copy(r->why, sizeof(r->why), json_str(o, "why", ""));
	r->row = (enum host_row)row_named(row_of_host, HOST_ROW_N, json_str(o, "row", "recovered"));
	r->hold = (enum hold_cause)row_named(cause, HOLD_CAUSE_N, json_str(o, "hold", "none"));
	r->due = (uint16_t)json_int(o, "due", 1);
	r->told = (uint16_t)json_int(o, "told", 0);
	r->held_n = (uint16_t)json_int(o, "held_n", 0);
	r->epoch = 1;
	r->proof.kind = PROOF_POWER;
	(void)str_copy(r->proof.by, sizeof(r->proof.by), "ipmi");
	r->proof.at_wall_ms = json_int(o, "proof_at", 1700000003000);
	cJSON_ArrayForEach(stamp, stamps)
	{
		r->stamp_wall_ms[row_named(row_of_host, HOST_ROW_N, stamp->string)] = (int64_t)stamp->valuedouble;
	}
}

static void instance_fill(struct instance_record *i, const cJSON *o, const struct recovery_record *r)
{
	(void)str_copy(i->recovery, sizeof(i->recovery), r->id);
	(void)str_copy(i->uuid, sizeof(i->uuid), json_str(o, "uuid", ""));
	(void)str_copy(i->name, sizeof(i->name), json_str(o, "name", ""));
	(void)str_copy(i->project, sizeof(i->project), json_str(o, "project", ""));
	(void)str_copy(i->source, sizeof(i->source), r->host);
	(void)str_copy(i->dest, sizeof(i->dest), json_str(o, "dest", ""));
	(void)str_copy(i->why, sizeof(i->why), json_str(o, "why", ""));
	i->row = (enum instance_row)row_named(row_of_instance, INSTANCE_ROW_N, json_str(o, "row", "done"));
	i->wanted = (enum server_state)row_named(state_word, SERVER_STATE_N, json_str(o, "wanted", "active"));
}

static void facts_load(struct bed *bed, const char *path)
{
	STR_AUTO char *bytes = NULL;
	JSON_AUTO cJSON *json = NULL;
	struct osha_err err = {0};
	size_t size = 0;
	const cJSON *row;
	struct record *r = bed->records;
	struct engine_event ev = {.type = ENGINE_STARTED, .records.all = r};

	if (io_file_read(path, 0, false, &bytes, &size, &err) < 0 || json_parse(bytes, size, &json, &err) < 0)
		fail(path, &err);
	r[0] = (struct record){.type = RECORD_STORE, .store = {.tag = "test", .epoch = 1}};
	r[1].type = RECORD_RECOVERY;
	recovery_fill(&r[1].recovery, json_object(json, "recovery"));
	(void)str_copy(bed->id, sizeof(bed->id), r[1].recovery.id);
	bed->record_n = 2;
	cJSON_ArrayForEach(row, json_array(json, "instances"))
	{
		r[bed->record_n].type = RECORD_INSTANCE;
		instance_fill(&r[bed->record_n++].instance, row, &r[1].recovery);
	}
	ev.records.n = bed->record_n;
	ev.now_ms = io_boot_ms();
	ev.wall_ms = io_wall_ms();
	if (engine_reserve(bed->d.engine, 4, bed->record_n) < 0)
		exit(1);
	/* its own actions are nobody's here: the orders say what is told */
	engine_step(bed->d.engine, &ev, bed->actions, NULL);
}

static void order_take(struct bed *bed, const char *order)
{
	if (str_eq(order, "stay")) {
		bed->must_stay = true;
	} else if (str_eq(order, "break-store")) {
		journal_inject(bed->d.journal, JOURNAL_FAULT_IO, 1000);
	} else if (str_starts(order, "alert:")) {
		char key[64];
		const char *text = strchr(order + 6, ':');

		snprintf(key, sizeof(key), "%.*s", (int)(text - order - 6), order + 6);
		telling_alert(&bed->d, key, text + 1);
	} else {
		bed->open++;
		telling_tell(&bed->d, bed->id, (enum moment)row_named(moment_word, MOMENT_N, order), 1);
	}
}

/* Like the engine, one moment after the other. */
static void look(void *arg)
{
	struct bed *bed = arg;

	while (!bed->open && bed->order_at < bed->order_n)
		order_take(bed, bed->orders[bed->order_at++]);
	if (!bed->open && !bed->must_stay && bed->order_at == bed->order_n && telling_is_idle(&bed->d)) {
		say("idle", "");
		io_loop_stop(bed->d.loop);
	}
}

static void rooms_open(struct bed *bed, const char *config, const char *journal)
{
	struct config_problems problems = CONFIG_PROBLEMS_INIT;
	struct journal_opts opts = {.notify = notify, .notify_arg = bed, .answer = answer, .answer_arg = bed};
	struct engine_options o = engine_options_default();
	struct osha_err err = {0};

	o.monitor_n = 1;
	o.monitor_name[0] = "nova";
	log_open(LOG_TO_STDERR, NULL, "tell_driver", LOG_P_DEBUG, NULL);
	if (config_load(config, &bed->d.cfg, &problems, &err) < 0 ||
	    tell_folder_check(bed->d.cfg, &problems, &err) < 0) {
		for (size_t k = 0; k < problems.n; k++)
			say("problem", problems.items[k].text);
		exit(2);
	}
	problems_free(&problems);
	bed->d.env.cfg = bed->d.cfg;
	bed->actions = calloc(1, sizeof(*bed->actions));
	bed->d.engine = engine_create(&o);
	if (io_loop_create(&bed->d.loop, &err) < 0 || io_http_create(bed->d.loop, NULL, &bed->d.http, &err) < 0 ||
	    journal_open(journal, &opts, &bed->d.journal, &err) < 0 ||
	    journal_begin_epoch(bed->d.journal, &bed->d.store, &err) < 0)
		fail("open", &err);
	bed->d.env.loop = bed->d.loop;
	if (daemon_cloud_open(bed->d.loop, bed->d.cfg, &bed->d.env.cloud, &err) < 0 || telling_open(&bed->d, &err) < 0)
		fail("open", &err);
}

int main(int argc, char **argv)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct osha_err err = {0};

	if (argc < 4 || !bed) {
		free(bed);
		return 64;
	}
	rooms_open(bed, argv[1], argv[2]);
	facts_load(bed, argv[3]);
	bed->orders = argv + 4;
	bed->order_n = argc - 4;
	io_timer_start(bed->d.loop, &bed->timer, 0, 20, look, bed);
	say("ready", "");
	if (io_loop_run(bed->d.loop, &err) < 0)
		fail("loop", &err);
	io_timer_stop(&bed->timer);
	telling_close(&bed->d);
	cloud_session_free(&bed->d.env.cloud);
	io_http_destroy(bed->d.http);
	journal_close(bed->d.journal);
	engine_destroy(bed->d.engine);
	io_loop_destroy(bed->d.loop);
	config_free(bed->d.cfg);
	free(bed->actions);
	free(bed);
	return 0;
}
