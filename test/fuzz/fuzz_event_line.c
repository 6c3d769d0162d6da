/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines of a flight recorder: nothing is read out of bounds, and the numbers of what was read are in range. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/event_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void look_at(const struct event_line *l)
{
	for (uint32_t k = 0; l->event.type == ENGINE_EVIDENCE && k < l->event.evidence.n; k++) {
		if (l->event.evidence.all[k].host >= EVENT_LINE_HOSTS_MAX ||
		    l->event.evidence.all[k].monitor >= MONITOR_MAX)
			abort();
	}
	for (uint32_t k = 0; l->event.type == ENGINE_SERVICES && k < l->event.services.n; k++) {
		if (l->event.services.all[k].view->state >= SIGN_N)
			abort();
	}
	for (uint32_t k = 0; l->event.type == ENGINE_OP_ENDED && k < l->event.op_end.view_n; k++) {
		if (strlen(l->event.op_end.views[k].name) >= sizeof(l->event.op_end.views[k].name))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct event_reader *r = event_reader_new();
	struct event_line l;
	struct osha_err err;

	while (r && size) {
		const uint8_t *end = memchr(bytes, '\n', size);
		size_t n = end ? (size_t)(end - bytes) : size;

		if (event_reader_line(r, (const char *)bytes, n, &l, &err) == 0 && l.kind == EVENT_LINE_EVENT)
			look_at(&l);
		n += end != NULL;
		bytes += n;
		size -= n;
	}
	event_reader_free(r);
	return 0;
}
