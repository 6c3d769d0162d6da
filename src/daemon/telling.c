/* SPDX-License-Identifier: Apache-2.0 */
/* Telling by the log: every moment and every alert is a line there, whoever else is told. */
#include "daemon/telling.h"

#include "io/log.h"

int telling_open(struct daemon *d, struct osha_err *reterr)
{
	(void)d;
	(void)reterr;
	return 0;
}

void telling_close(struct daemon *d)
{
	(void)d;
}

void telling_reload(struct daemon *d)
{
	(void)d;
}

void telling_tell(struct daemon *d, const char *recovery, enum moment moment, uint32_t held_n)
{
	log_printf(LOG_P_NOTICE, "%s: tell: %s (%u)", recovery, moment_name(moment), held_n);
	daemon_told(d, recovery, moment);
}

void telling_alert(struct daemon *d, const char *key, const char *text)
{
	(void)d;
	log_printf(LOG_P_ALERT, "alert %s: %s", key, text);
}

void telling_answer(struct daemon *d, const struct journal_answer *a)
{
	(void)d;
	(void)a;
}
