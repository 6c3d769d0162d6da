/* SPDX-License-Identifier: Apache-2.0 */
/* journal/flight.h in the simulator: what is recorded stays in memory, and only where a run asked for it. */
#include "journal/flight.h"

#include <string.h>

#include "test/sim/replay.h"

enum { KEPT_MAX_BYTES = 512 * 1024 * 1024 };

static struct strbuf kept = {.max_bytes = KEPT_MAX_BYTES};
static bool is_wanted;

void flight_keep(bool is)
{
	is_wanted = is;
	strbuf_reset(&kept);
}

const struct strbuf *flight_kept(void)
{
	return &kept;
}

void flight_forget(void)
{
	strbuf_free(&kept);
	kept.max_bytes = KEPT_MAX_BYTES;
	is_wanted = false;
}

int journal_flight_open(const char *path, uint64_t max_bytes, struct journal_flight **ret_f, struct osha_err *reterr)
{
	*ret_f = is_wanted ? (struct journal_flight *)(void *)&kept : NULL;
	return 0;
}

void journal_flight_close(struct journal_flight **f)
{
	*f = NULL;
}

void journal_flight_add(struct journal_flight *f, int64_t wall_ms, const char *kind, const char *json, size_t n)
{
	strbuf_puts(&kept, "{\"t\":");
	event_number_put(&kept, wall_ms);
	strbuf_puts(&kept, ",\"kind\":\"");
	strbuf_puts(&kept, kind);
	strbuf_puts(&kept, "\",\"in\":");
	strbuf_add(&kept, json, n);
	strbuf_puts(&kept, "}\n");
}

uint64_t journal_flight_dropped(struct journal_flight *f)
{
	return kept.failed;
}
