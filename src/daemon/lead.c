/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leading and looking on. A daemon acts while it has the lease and writes nothing before; with the lease comes a fresh engine that is
 * given what the store holds, as at a start, and with its loss that engine goes, and all that it had begun is unknown. Whether the lease
 * still runs is asked of the daemon's own clock before each act, so that one that stood still finds out by itself.
 */
#include <string.h>

#include "base/strbuf.h"
#include "daemon/control_socket.h"
#include "daemon/daemon.h"
#include "daemon/recorder.h"
#include "daemon/telling.h"
#include "io/log.h"

#define LEASE_NAME "osha"

enum { LEASE_TTL_DEFAULT_MS = 10000 };

static const char OWN_CLOCK[] = "by its own clock its lease has ended";

int64_t lead_left_ms(const struct daemon *d)
{
	return d->lead.is_over || !d->lead.lease ? 0 : lease_left_ms(d->lead.lease, io_boot_ms());
}

bool lead_is_on(const struct daemon *d)
{
	return d->lead.is_on;
}

bool lead_may_act(struct daemon *d)
{
	if (!d->lead.is_on)
		return false;
	if (lead_left_ms(d) > 0)
		return true;
	/* once it was refused an act there is no way back: what the engine waits for will not come */
	d->lead.is_over = true;
	return false;
}

int64_t lead_start_by_ms(const struct daemon *d, int64_t start_by_ms)
{
	int64_t left_ms = lead_left_ms(d), now_ms = io_boot_ms();

	return left_ms < start_by_ms - now_ms ? now_ms + left_ms : start_by_ms;
}

/* --- the engine --- */

static void hosts_forget(struct daemon *d)
{
	for (uint32_t k = 0; k < d->host_cap; k++) {
		d->hosts[k].has_view = d->hosts[k].was_read = d->hosts[k].is_reading = false;
		d->hosts[k].read_next_ms = 0;
		d->hosts[k].read_level = 0;
	}
}

/* The hosts keep their numbers. What was seen of them is seen again within one round of the monitors. */
static int engine_anew(struct daemon *d, struct osha_err *reterr)
{
	struct engine_options o = daemon_engine_options(d);
	struct engine *was = d->engine;
	uint32_t host_n = engine_host_n(was);

	d->engine = recorder_create(d, &o);
	if (!d->engine || recorder_reserve(d, d->host_cap, 0) < 0) {
		engine_destroy(d->engine);
		d->engine = was;
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory for an engine");
	}
	for (uint32_t k = 0; k < host_n; k++)
		(void)recorder_host_add(d, d->hosts[k].name);
	d->lead.engine_n++;
	engine_destroy(was);
	d->evidence_n = 0;
	io_timer_stop(&d->flush_timer);
	daemon_defer_forget(d);
	hosts_forget(d);
	hosts_policy_all(d);
	return 0;
}

static void looks_on(struct daemon *d)
{
	struct osha_err err = {0};

	perform_abandon(d);
	devices_stop(d);
	telling_abandon(d);
	control_abandon(d);
	if (engine_anew(d, &err) == 0) {
		hosts_again(d);
		return;
	}
	log_printf(LOG_P_CRIT, "%s: the daemon ends and is to be started again", err.msg);
	daemon_stop(d, EXIT_INTERNAL);
}

/* --- gained and lost --- */

static void lease_fired(void *arg)
{
	lead_look(arg);
}

static void timer_set(struct daemon *d)
{
	int64_t left_ms = lead_left_ms(d);

	if (left_ms != INT64_MAX)
		io_timer_start(d->loop, &d->lead.timer, left_ms, 0, lease_fired, d);
}

static void lead_end(struct daemon *d, const char *why)
{
	bool was_on = d->lead.is_on;

	d->lead.is_on = d->lead.is_granted = d->lead.is_over = false;
	io_timer_stop(&d->lead.timer);
	if (!was_on)
		return;
	log_printf(LOG_P_WARNING, "leads no more (epoch %llu): %s. It looks on and does nothing",
	    (unsigned long long)d->store.epoch, why);
	looks_on(d);
}

static void lead_begin(struct daemon *d)
{
	struct osha_err err = {0};
	int r = lead_left_ms(d) > 0 ? 0 : osha_err_set(&err, OSHA_E_TIMEOUT, "%s", OWN_CLOCK);

	if (r == 0)
		r = journal_claim_epoch(d->journal, d->lead.epoch, &d->store, &err);
	if (r == 0)
		r = engine_anew(d, &err);
	d->lead.is_on = r == 0; /* what the records call for is done while they are taken */
	if (r == 0)
		r = keeping_load(d, &err);
	if (r < 0) {
		log_printf(LOG_P_ERR, "has the lease and cannot lead: %s", err.msg);
		lead_end(d, "the store's records cannot be taken");
		d->lead.lease->driver->yield(d->lead.lease);
		return;
	}
	log_printf(LOG_P_NOTICE, "leads: store %s, epoch %llu", d->store.tag, (unsigned long long)d->store.epoch);
	timer_set(d);
	hosts_again(d);
	devices_start(d);
	telling_resume(d);
}

static void gained(void *arg, uint64_t epoch)
{
	struct daemon *d = arg;

	d->lead.epoch = epoch;
	d->lead.is_granted = true;
	if (d->lead.is_open)
		lead_begin(d);
}

static void lost(void *arg, const char *why)
{
	lead_end(arg, why);
}

void lead_look(struct daemon *d)
{
	if (!d->lead.is_on || lead_left_ms(d) == INT64_MAX)
		return;
	if (lead_left_ms(d) > 0) {
		timer_set(d);
		return;
	}
	lead_end(d, OWN_CLOCK);
	d->lead.lease->driver->yield(d->lead.lease);
}

bool lead_resign(struct daemon *d, const char *why)
{
	if (!d->lead.is_on || lead_left_ms(d) == INT64_MAX)
		return false;
	lead_end(d, why);
	d->lead.lease->driver->yield(d->lead.lease);
	return true;
}

/* --- its life --- */

int lead_open(struct daemon *d, struct osha_err *reterr)
{
	const struct lease_driver *driver = d->lease_driver ? d->lease_driver : &lease_alone;
	const struct lease_spec spec = {
	    .loop = d->loop, .name = LEASE_NAME, .ttl_ms = LEASE_TTL_DEFAULT_MS, .sink = {d, gained, lost}};
	int r = driver->open(&spec, &d->lead.lease, reterr);

	/* one that has it at once begins its epoch before anything else is done */
	if (r == 0 && d->lead.is_granted)
		r = journal_claim_epoch(d->journal, d->lead.epoch, &d->store, reterr);
	d->lead.is_on = r == 0 && d->lead.is_granted;
	return r;
}

void lead_start(struct daemon *d)
{
	d->lead.is_open = true;
	if (d->lead.is_on)
		return;
	log_printf(LOG_P_NOTICE, "looks on: it leads once it has the lease");
	if (d->lead.is_granted)
		lead_begin(d);
}

void lead_close(struct daemon *d)
{
	io_timer_stop(&d->lead.timer);
	if (d->lead.lease)
		d->lead.lease->driver->close(d->lead.lease);
	d->lead.lease = NULL;
	d->lead.is_on = d->lead.is_open = false;
}
