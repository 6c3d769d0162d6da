/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --once: one pass, then the exit status says how it went. The pass is over when Nova was asked, each host is judged, each recovery is
 * recovered or held, each record is durable, and fence devices not yet known were asked once (a device proves nothing later otherwise).
 */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "daemon/telling.h"
#include "io/log.h"

enum {
	LOOK_MS = 100,
	LISTINGS_ENOUGH = 4,       /* a host that Nova shows as unknown so often is reported as such */
	STORE_PATIENCE_MS = 15000, /* a journal that takes no record for so long ends the pass */
};

static bool is_retried(const struct daemon *d, const struct recovery_record *r)
{
	for (uint32_t k = 0; k < d->held_before_n; k++) {
		if (str_eq(d->held_before[k].id, r->id))
			return r->entry != d->held_before[k].entry;
	}
	return true;
}

static bool recoveries_rest(const struct daemon *d)
{
	const struct recovery_record *r = NULL;

	while ((r = engine_recovery_next(d->engine, r)) != NULL) {
		bool rests = r->row == HOST_ROW_RECOVERED || (r->row == HOST_ROW_HELD && is_retried(d, r));

		if (!rests || recovery_untold(r))
			return false;
	}
	return true;
}

static void print_recovery(const struct recovery_record *r)
{
	printf("%s: %s: recovery %s: %s\n", r->host, host_row_name(r->row), r->id, r->why);
}

/* One line for each host that is not simply up; returns the exit status. */
static int print_hosts(struct daemon *d)
{
	int64_t now_ms = io_now_ms(d->loop);
	int status = EXIT_ALL_WELL;
	bool is_silent = true;
	struct host_snapshot s;

	for (uint32_t k = 0; k < engine_host_n(d->engine); k++) {
		engine_host_snapshot(d->engine, k, now_ms, &s);
		if (!d->hosts[k].is_listed && !s.recovery)
			continue;
		if (!s.recovery && s.verdict == VERDICT_UP)
			continue;
		is_silent = false;
		if (s.recovery)
			print_recovery(s.recovery);
		else
			printf("%s: %s%s%s\n", s.record->name, verdict_name(s.verdict),
			    s.held_back_by[0] ? ": not recovered: " : "", s.held_back_by);
		if (s.recovery ? s.recovery->row != HOST_ROW_RECOVERED : s.verdict != VERDICT_DEGRADED)
			status = !s.recovery && s.verdict == VERDICT_UNKNOWN && status == EXIT_ALL_WELL
				     ? EXIT_NO_CLOUD
				     : EXIT_NOT_RECOVERED;
	}
	if (is_silent)
		printf("No failed nodes\n");
	fflush(stdout);
	return status;
}

void once_look(struct daemon *d)
{
	int64_t now_ms = io_now_ms(d->loop);

	if (d->is_stopping || !io_timer_is_armed(&d->once_timer))
		return;
	if (d->store_is_bad && now_ms - d->store_bad_ms > STORE_PATIENCE_MS) {
		log_printf(LOG_P_CRIT, "the journal takes no records: the pass ends, nothing was started without one");
		daemon_stop(d, EXIT_INTERNAL);
		return;
	}
	if (!recoveries_rest(d))
		return;
	if (d->nova_is_bad) {
		log_printf(LOG_P_ERR, "the cloud could not be asked: %s", d->nova_reason);
		daemon_stop(d, EXIT_NO_CLOUD);
		return;
	}
	if (!d->listings || journal_pending(d->journal) || !devices_all_read(d) || !telling_is_idle(d))
		return;
	if (!engine_is_settled(d->engine, now_ms) && d->listings < LISTINGS_ENOUGH)
		return;
	daemon_stop(d, print_hosts(d));
}

static void look(void *arg)
{
	once_look(arg);
}

void once_start(struct daemon *d)
{
	const struct recovery_record *r = NULL;

	while ((r = engine_recovery_next(d->engine, r)) != NULL && d->held_before_n < DAEMON_HELD_MAX) {
		if (r->row != HOST_ROW_HELD)
			continue;
		str_copy(d->held_before[d->held_before_n].id, RECOVERY_ID_SIZE, r->id);
		d->held_before[d->held_before_n++].entry = r->entry;
	}
	io_timer_start(d->loop, &d->once_timer, LOOK_MS, LOOK_MS, look, d);
}
