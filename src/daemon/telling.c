/* SPDX-License-Identifier: Apache-2.0 */
/* Telling's door: what the rest of the daemon calls. Every moment and every alert is a line in the log too, whoever else is told. */
#include "daemon/telling.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/telling_parts.h"
#include "io/log.h"
#include "tell/template_folder.h"

bool telling_has_server(const struct telling *t)
{
	return t->d->cfg->notify.email.server[0] != '\0';
}

int64_t telling_backoff_ms(const struct telling *t, uint32_t tries)
{
	const struct config_notify *n = &t->d->cfg->notify;
	int64_t ms = n->retry_first_ms;

	while (tries-- > 1 && ms < n->retry_max_ms)
		ms *= 2;
	return ms < n->retry_max_ms ? ms : n->retry_max_ms;
}

/* The configuration was checked at its load; a file that has changed since then must not stop anybody from being told. */
static int templates_open(struct telling *t, struct osha_err *reterr)
{
	PROBLEMS_AUTO struct config_problems problems = CONFIG_PROBLEMS_INIT;
	int r = tell_folder_load(t->d->cfg, &t->own, &problems, reterr);

	for (size_t k = 0; k < problems.n; k++)
		log_printf(LOG_P_ERR, "%s; the built-in template is used instead", problems.items[k].text);
	return r == -OSHA_E_CONFIG ? 0 : r;
}

int telling_open(struct daemon *d, struct osha_err *reterr)
{
	struct telling *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for telling");
	t->d = d;
	d->telling = t;
	r = tell_builtin_load(&t->builtin, reterr);
	if (r == 0)
		r = templates_open(t, reterr);
	if (r == 0 && d->journal && !d->is_dry_run)
		post_kick(t);
	return r;
}

void telling_close(struct daemon *d)
{
	struct telling *t = d->telling;

	if (!t)
		return;
	moments_free_all(t);
	people_free_all(t);
	post_close(t);
	tell_templates_free(&t->own);
	tell_templates_free(&t->builtin);
	free(t);
	d->telling = NULL;
}

void telling_reload(struct daemon *d)
{
	struct telling *t = d->telling;
	struct osha_err err = {0};

	if (!t)
		return;
	tell_templates_free(&t->own);
	if (templates_open(t, &err) < 0)
		log_printf(LOG_P_ERR, "templates: %s; the built-in ones are used", err.msg);
	people_session_lost(t);
	moments_session_lost(t);
	moments_wake(t);
	post_kick(t);
}

void telling_abandon(struct daemon *d)
{
	struct telling *t = d->telling;

	moments_free_all(t);
	post_close(t);
	t->post.list_seq = 0;
	for (size_t k = 0; k < TELLING_ALERTS_MAX; k++)
		t->alerts[k] = (struct telling_alert){0};
}

void telling_resume(struct daemon *d)
{
	post_kick(d->telling);
}

void telling_tell(struct daemon *d, const char *recovery, enum moment moment, uint32_t held_n)
{
	const struct recovery_record *r = NULL;

	log_printf(LOG_P_NOTICE, "%s: telling: %s", recovery, moment_name(moment));
	while ((r = engine_recovery_next(d->engine, r)) != NULL && !str_eq(r->id, recovery))
		;
	if (!d->telling || d->is_dry_run || !r || (!telling_has_server(d->telling))) {
		daemon_told(d, recovery, moment);
		return;
	}
	(void)held_n; /* it stands in the record as well */
	if (!moment_new(d->telling, r, moment)) {
		/* the engine asks again after a restart, and not before */
		log_printf(LOG_P_CRIT, "out of memory: the daemon ends and is to be started again");
		daemon_stop(d, EXIT_INTERNAL);
	}
}

void telling_alert(struct daemon *d, const char *key, const char *text)
{
	if (!lead_is_on(d)) {
		log_printf(LOG_P_NOTICE, "%s: %s (nobody is told: this daemon does not lead)", key, text);
		return;
	}
	log_printf(LOG_P_ALERT, "alert %s: %s", key, text);
	if (d->telling && !d->is_dry_run && telling_has_server(d->telling) && lead_may_act(d))
		alert_tell(d->telling, key, text);
}

void telling_answer(struct daemon *d, const struct journal_answer *a)
{
	if (!d->telling)
		return;
	if (a->op == JOURNAL_OP_MAIL_PUT) {
		moment_answer(d->telling, a);
		alert_answer(d->telling, a);
	} else {
		post_answer(d->telling, a);
	}
}

bool telling_is_idle(const struct daemon *d)
{
	const struct telling *t = d->telling;

	if (!t || d->is_dry_run || !telling_has_server(t))
		return true;
	for (size_t k = 0; k < TELLING_ALERTS_MAX; k++) {
		if (t->alerts[k].put_seq)
			return false;
	}
	return !t->moments && post_is_idle(t);
}
