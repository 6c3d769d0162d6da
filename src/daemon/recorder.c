/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's calls with the flight recorder beside them; see the header. */
#include "daemon/recorder.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/event_line.h"
#include "io/log.h"
#include "journal/flight.h"

struct recorder {
	struct journal_flight *flight;
	struct event_writer writer;
	bool is_lossy; /* said already */
};

static void line_out(void *arg, int64_t wall_ms, const char *kind, const char *json, size_t n)
{
	struct recorder *r = arg;

	journal_flight_add(r->flight, wall_ms, kind, json, n);
}

void recorder_open(struct daemon *d)
{
	uint64_t bytes = (uint64_t)d->cfg->flight_recorder.size_mib * 1024 * 1024;
	struct recorder *r = NULL;
	struct osha_err err = {0};
	char path[256];

	if (!bytes || d->is_dry_run)
		return;
	snprintf(path, sizeof(path), "%s/%s", d->cfg->state_dir, DAEMON_FLIGHT_NAME);
	r = calloc(1, sizeof(*r));
	if (r && journal_flight_open(path, bytes / 2, &r->flight, &err) == 0 && r->flight) {
		r->writer.fn = line_out;
		r->writer.arg = r;
		d->recorder = r;
		return;
	}
	if (err.msg[0])
		log_printf(LOG_P_WARNING, "%s: nothing is recorded", err.msg);
	free(r);
}

void recorder_close(struct daemon *d)
{
	struct recorder *r = d->recorder;

	if (!r)
		return;
	d->recorder = NULL;
	if (d->engine)
		event_write_end(&r->writer, io_wall_ms());
	journal_flight_close(&r->flight);
	event_writer_free(&r->writer);
	free(r);
}

struct engine *recorder_create(struct daemon *d, const struct engine_options *options)
{
	if (d->recorder)
		event_write_life(&d->recorder->writer, io_wall_ms(), OSHA_VERSION, options);
	return engine_create(options);
}

void recorder_options_set(struct daemon *d, const struct engine_options *options)
{
	if (d->recorder)
		event_write_options(&d->recorder->writer, io_wall_ms(), options);
	engine_options_set(d->engine, options);
}

int recorder_reserve(struct daemon *d, uint32_t host_n, uint32_t instance_n)
{
	if (d->recorder)
		event_write_reserve(&d->recorder->writer, io_wall_ms(), host_n, instance_n);
	return engine_reserve(d->engine, host_n, instance_n);
}

uint32_t recorder_host_add(struct daemon *d, const char *name)
{
	uint32_t n = engine_host_n(d->engine), host = engine_host_add(d->engine, name);

	if (d->recorder && engine_host_n(d->engine) > n)
		event_write_host(&d->recorder->writer, io_wall_ms(), host, name);
	return host;
}

void recorder_host_set_policy(struct daemon *d, uint32_t host, const struct host_policy *policy)
{
	if (d->recorder)
		event_write_policy(&d->recorder->writer, io_wall_ms(), host, policy);
	engine_host_set_policy(d->engine, host, policy);
}

static void loss_say(struct recorder *r)
{
	if (r->is_lossy || !journal_flight_dropped(r->flight))
		return;
	r->is_lossy = true;
	log_printf(LOG_P_WARNING,
	    "flight recorder: lines were lost: what is recorded from here to the next start cannot be replayed");
}

int recorder_step(struct daemon *d, const struct engine_event *ev, struct osha_err *reterr)
{
	struct recorder *r = d->recorder;
	int e;

	if (!r)
		return engine_step(d->engine, ev, d->actions, reterr);
	event_write_event(&r->writer, ev);
	e = engine_step(d->engine, ev, d->actions, reterr);
	event_write_decided(&r->writer, e, d->actions);
	loss_say(r);
	return e;
}
