/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about now: answered from the engine, at once. */
#include "daemon/control_part.h"

#include "io/file.h"

static void beside(void *arg, uint32_t host, struct report_host *ret)
{
	const struct daemon *d = arg;
	const struct daemon_host *h = &d->hosts[host];
	struct config_host from;

	config_host_resolve(d->cfg, h->name, &from);
	ret->segment = from.segment ? from.segment->name : NULL;
	ret->is_listed = h->is_listed;
	for (uint32_t l = 0; l < h->level_n; l++) {
		const struct daemon_reading *g = &h->reading[l];

		if (g->key == h->device_key[l])
			ret->reading[l] = (struct report_reading){g->power, g->wall_ms, g->reason};
	}
}

void control_live(struct control *c, struct report_live *ret, struct report_monitor *monitors)
{
	const struct daemon *d = c->d;

	monitors[CONFIG_MONITOR_NOVA] = (struct report_monitor){
	    "nova", d->cfg->monitors.nova.path, !d->nova_is_bad, d->nova_is_bad ? d->nova_reason : ""};
	monitors[CONFIG_MONITOR_PROBE] = (struct report_monitor){"probe", d->cfg->monitors.probe.path, true, ""};
	*ret = (struct report_live){.engine = d->engine,
	    .monitors = monitors,
	    .monitor_n = CONFIG_MONITOR_N,
	    .now_ms = io_now_ms(d->loop),
	    .wall_ms = io_wall_ms(),
	    .version = OSHA_VERSION,
	    .config_path = d->config_path,
	    .journal_path = d->cfg->state_dir,
	    .pid = io_pid(),
	    .started_wall_ms = c->started_wall_ms,
	    .epoch = d->store.epoch,
	    .is_dry_run = d->is_dry_run,
	    .looks_on = !lead_is_on(d),
	    .host = beside,
	    .arg = c->d};
}

static void answer(struct control *c, const struct control_request *q, cJSON *(*report)(const struct report_live *))
{
	struct report_monitor monitors[CONFIG_MONITOR_N];
	struct report_live l;
	char journal[256];

	control_live(c, &l, monitors);
	if (keeping_path(c->d->cfg, journal, sizeof(journal)))
		l.journal_path = journal;
	if (report == report_status)
		control_reply(c, q->peer->client, report(&l));
	else
		control_reply_long(c, q, report(&l));
}

void control_status(struct control *c, const struct control_request *q)
{
	answer(c, q, report_status);
}

void control_hosts(struct control *c, const struct control_request *q)
{
	answer(c, q, report_hosts);
}

void control_fences(struct control *c, const struct control_request *q)
{
	answer(c, q, report_fences);
}
