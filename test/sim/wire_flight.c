/* SPDX-License-Identifier: Apache-2.0 */
/* journal/flight.h in the simulator: what is recorded stays in memory, and only where a run asked for it. */
#include "journal/flight.h"

#include <string.h>

#include "test/sim/clockwork.h"
#include "test/sim/replay.h"

enum { KEPT_MAX_BYTES = 512 * 1024 * 1024 };

static struct strbuf kept[SIM_NODES_MAX]; /* of each controller */
static bool is_wanted;

void flight_keep(bool is)
{
	is_wanted = is;
	for (size_t k = 0; k < SIM_NODES_MAX; k++) {
		kept[k].max_bytes = KEPT_MAX_BYTES;
		strbuf_reset(&kept[k]);
	}
}

bool flight_replays(const char *of)
{
	bool ok = true;

	for (size_t k = 0; k < SIM_NODES_MAX; k++)
		ok &= !kept[k].len || replay_text(of, &kept[k]);
	return ok;
}

void flight_forget(void)
{
	for (size_t k = 0; k < SIM_NODES_MAX; k++)
		strbuf_free(&kept[k]);
	is_wanted = false;
}

int journal_flight_open(const char *path, uint64_t max_bytes, struct journal_flight **ret_f, struct osha_err *reterr)
{
	*ret_f = is_wanted ? (struct journal_flight *)(void *)&kept[sim.current - sim.node] : NULL;
	return 0;
}

void journal_flight_close(struct journal_flight **f)
{
	*f = NULL;
}

void journal_flight_add(struct journal_flight *f, int64_t wall_ms, const char *kind, const char *json, size_t n)
{
	struct strbuf *to = (struct strbuf *)(void *)f;

	strbuf_puts(to, "{\"t\":");
	event_number_put(to, wall_ms);
	strbuf_puts(to, ",\"kind\":\"");
	strbuf_puts(to, kind);
	strbuf_puts(to, "\",\"in\":");
	strbuf_add(to, json, n);
	strbuf_puts(to, "}\n");
}

uint64_t journal_flight_dropped(struct journal_flight *f)
{
	return ((const struct strbuf *)(const void *)f)->failed;
}
