/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the control socket share. Private to them. */
#pragma once

#include <cjson/cJSON.h>

#include "daemon/control_socket.h"
#include "io/usock.h"
#include "report/report.h"

enum {
	CONTROL_LINE_MAX_BYTES = 64 * 1024,
	CONTROL_WAITS_MAX = 32,  /* orders that wait for the journal */
	CONTROL_RELOADS_MAX = 8, /* clients that wait for the end of a reload */
	CONTROL_TESTS_MAX = 4,   /* tests of fence devices under way */
	CONTROL_WHO_SIZE = 48,   /* "name (uid 1000)" */
};

/* Exit statuses of the osha command that a refusal carries. */
enum { REFUSED_INTERNAL = 1, REFUSED_WRONG = 2, REFUSED_HELD = 3 };

/* An order that the engine took and the journal does not hold yet. */
struct control_wait {
	struct control *c;
	bool is_used;
	uint64_t client, seq;
	enum operator_verb verb;
	char key[JOURNAL_KEY_SIZE];
	char who[CONTROL_WHO_SIZE];
	int64_t until_wall_ms; /* maintenance, suspend */
	int64_t give_up_ms;
	struct io_timer again;
};

/* One level's reading of a fence test. */
struct control_reading {
	struct control_test *test;
	struct fence_run *run;
	int64_t began_ms, took_ms;
	uint64_t key; /* of the device */
	char device[DEVICE_NAME_SIZE];
	enum power power;
	char reason[REASON_SIZE];
};

struct control_test {
	struct control *c;
	bool is_used;
	uint64_t client;
	uint32_t host, level_n, running;
	struct control_reading level[FENCE_LEVEL_MAX];
};

struct control {
	struct daemon *d;
	struct io_usock *server;
	int64_t started_wall_ms;
	uint64_t read_seq; /* of our reads of the journal; never used twice */
	struct control_wait wait[CONTROL_WAITS_MAX];
	uint64_t reload[CONTROL_RELOADS_MAX];
	size_t reload_n;
	struct control_test test[CONTROL_TESTS_MAX];
	struct control_desk *past_desk, *print_desk;
};

/* One request, judged already: all keys known, of the right type, the required ones there. */
struct control_request {
	const struct io_usock_peer *peer;
	const cJSON *json; /* borrowed */
};
typedef void (*control_fn)(struct control *c, const struct control_request *q);

/** control_reply() - @answer is moved; NULL tells that there was no memory for it. */
void control_reply(struct control *c, uint64_t client, cJSON *answer);
/** control_reply_line() - the same, written out already; borrowed. */
void control_reply_line(struct control *c, uint64_t client, const char *line);
void control_refuse(struct control *c, uint64_t client, int status, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* control_live.c: questions about now */
void control_status(struct control *c, const struct control_request *q);
void control_hosts(struct control *c, const struct control_request *q);
void control_fences(struct control *c, const struct control_request *q);
/* control_past.c: questions about what is over, at a desk of their own */
void control_recoveries(struct control *c, const struct control_request *q);
void control_recovery(struct control *c, const struct control_request *q);
void control_observed(struct control *c, const struct control_request *q);
void control_explain(struct control *c, const struct control_request *q);
/** control_reply_long() - control_reply() for an answer that may have a line for each host: written out beside the loop. */
void control_reply_long(struct control *c, const struct control_request *q, cJSON *answer);
int control_desks_open(struct control *c, struct osha_err *reterr);
void control_desks_close(struct control *c);
/* control_order.c: the operator's words */
void control_maintenance(struct control *c, const struct control_request *q);
void control_release(struct control *c, const struct control_request *q);
void control_approve(struct control *c, const struct control_request *q);
void control_confirm_dead(struct control *c, const struct control_request *q);
void control_suspend(struct control *c, const struct control_request *q);
void control_resume(struct control *c, const struct control_request *q);
void control_reload(struct control *c, const struct control_request *q);
void control_orders_close(struct control *c);
/* control_fence.c: reading fence devices now */
void control_fence_test(struct control *c, const struct control_request *q);
void control_tests_close(struct control *c);

/** control_live() - what report needs of this daemon. Borrows from it. */
void control_live(struct control *c, struct report_live *ret, struct report_monitor *monitors);
