/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the daemon, or the journal in its stead, and printing the answer. */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/command.h"
#include "report/archive.h"

enum { ASK_SOON_MS = 10 * 1000, ASK_LONG_MS = 300 * 1000 };

typedef int (*archive_fn)(const struct archive *a, const struct ctl *c, cJSON **ret_json, struct osha_err *reterr);
typedef void (*text_fn)(const cJSON *answer, const struct text_style *style, struct strbuf *sb);

struct question {
	cJSON *request;     /* moved: {"command":...} */
	archive_fn archive; /* how the journal answers when no daemon does; NULL = it cannot */
	int64_t timeout_ms; /* 0 = ASK_SOON_MS */
};

/** ask_request() - {"command":@command} to be added to; NULL when out of memory. */
cJSON *ask_request(const char *command);

/**
 * ask() - put a question.
 * @q: its request is freed
 * @ret_answer: the object answered; the caller frees it; set only for EXIT_WELL
 *
 * Returns EXIT_WELL, the status of a refusal (printed), or a negative error.
 */
int ask(const struct ctl *c, struct question *q, cJSON **ret_answer, struct osha_err *reterr);

/** ask_show() - print the answer as JSON or as text. Returns EXIT_WELL or a negative error. */
int ask_show(const struct ctl *c, const cJSON *answer, text_fn text, struct osha_err *reterr);

/** ask_and_show() - both, one after the other: what a command does that only asks. @q as for ask(). */
int ask_and_show(const struct ctl *c, struct question *q, text_fn text, struct osha_err *reterr);
/** ask_order() - give an order and say in a line that it was taken: @done, for text. @q as for ask(). */
int ask_order(const struct ctl *c, struct question *q, const char *done, struct osha_err *reterr);

/** ask_order_of_recovery() - the order @command about the recovery that is the first operand; @done as in "recovery ID: released". */
int ask_order_of_recovery(const struct ctl *c, const char *command, const char *done, struct osha_err *reterr);

/** print_out() - bytes to standard output. Errors: -OSHA_E_IO. */
int print_out(const struct strbuf *sb, struct osha_err *reterr);
/** print_refusal() - a refusal on standard error, or as JSON. Returns @status. */
int print_refusal(const struct ctl *c, const char *text, int status);
/** print_complaint() - one line on standard error: "osha: text" or "warning: text". */
void print_complaint(const char *what, const char *text);
/** print_style() - what standard output is: a terminal of a width, with colours or without. */
struct text_style print_style(void);
/** login_name() - who calls, for the record; never NULL. Not re-entrant. */
const char *login_name(void);
