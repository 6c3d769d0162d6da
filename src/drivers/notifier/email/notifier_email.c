/* SPDX-License-Identifier: Apache-2.0 */
/* From the configuration's words to one SMTP dialogue, and from its answers to an outcome. */
#include "drivers/notifier/email/notifier_email.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "io/smtp.h"

struct notifier_run {
	struct notifier_waiter waiter;
	struct io_mail_call *call;
};

/*
 * Only what was said about this recipient, or about the message once it was whole, is final. A sender or a login that is refused is the
 * configuration's fault, and the mail is to wait until that is mended.
 */
static enum outcome outcome_of(const struct io_mail_answer *a)
{
	const struct io_mail_rcpt_answer *rcpt = a->rcpt_n ? &a->rcpt[0] : NULL;

	if (a->outcome == IO_MAIL_SENT)
		return OUTCOME_DONE;
	if (a->outcome == IO_MAIL_REFUSED && rcpt && rcpt->code != 0)
		return OUTCOME_REFUSED;
	return OUTCOME_UNKNOWN;
}

static void mail_ended(void *arg, const struct io_mail_answer *a)
{
	struct notifier_run *run = arg;
	struct notifier_waiter waiter = run->waiter;
	struct notifier_answer answer = {.outcome = outcome_of(a), .code = a->code};
	bool is_about_rcpt = a->rcpt_n && a->rcpt[0].code >= 400;

	if (is_about_rcpt)
		answer.code = a->rcpt[0].code;
	if (answer.outcome != OUTCOME_DONE)
		(void)str_copy(answer.reason, sizeof(answer.reason), is_about_rcpt ? a->rcpt[0].text : a->text);
	if (answer.outcome != OUTCOME_DONE && !answer.reason[0])
		(void)str_copy(answer.reason, sizeof(answer.reason), osha_err_text(a->result));
	free(run);
	waiter.done(waiter.arg, &answer);
}

int notifier_email_start(struct io_http *http, const struct config_email *cfg, const struct notifier_message *message,
    const struct notifier_waiter *waiter, struct notifier_run **ret_run, struct osha_err *reterr)
{
	static const enum io_mail_tls tls[CONFIG_TLS_N] = {
	    [CONFIG_TLS_NONE] = IO_MAIL_TLS_NONE,
	    [CONFIG_TLS_STARTTLS] = IO_MAIL_TLS_STARTTLS,
	    [CONFIG_TLS_IMPLICIT] = IO_MAIL_TLS_IMPLICIT,
	};
	struct io_mail mail = {
	    .host = cfg->server,
	    .port = (uint16_t)cfg->port,
	    .tls = tls[(unsigned)cfg->tls < CONFIG_TLS_N ? cfg->tls : CONFIG_TLS_STARTTLS],
	    .user = cfg->user[0] ? cfg->user : NULL,
	    .password = cfg->password.value,
	    .cacert = cfg->cacert[0] ? cfg->cacert : NULL,
	    .from = cfg->from,
	    .to = &message->to,
	    .to_n = 1,
	    .bytes = message->bytes,
	    .size = message->size_bytes,
	    .timeout_ms = cfg->timeout_ms,
	    .helo_name = cfg->hello[0] ? cfg->hello : NULL,
	};
	struct notifier_run *run;
	int r;

	if (!cfg->server[0])
		return osha_err_set(reterr, OSHA_E_CONFIG, "no mail server is configured");
	run = calloc(1, sizeof(*run));
	if (!run)
		return osha_err_set(reterr, OSHA_E_NOMEM, "send a mail");
	run->waiter = *waiter;
	r = io_mail_start(http, &mail, mail_ended, run, &run->call, reterr);
	if (r < 0) {
		free(run);
		return r;
	}
	if (ret_run)
		*ret_run = run;
	return 0;
}

void notifier_email_cancel(struct notifier_run *run)
{
	if (!run)
		return;
	io_mail_cancel(run->call);
	free(run);
}
