/* SPDX-License-Identifier: Apache-2.0 */
/* Operators who suspend fencing and resume it. */
#include <stdio.h>

#include "base/calendar.h"
#include "test/sim/controller.h"
#include "test/sim/story.h"

enum { SOON_MS = 60000, LINE_SIZE = 200 };

/* Of every host for a minute, so that it ends by itself first and to resume is refused; or of the segment until it is resumed. */
void story_suspend(uint32_t host)
{
	char line[LINE_SIZE], until[CALENDAR_TEXT_SIZE];

	if (host % 2)
		snprintf(line, sizeof(line), "{\"command\":\"suspend\",\"until\":\"%s\"}",
		    calendar_text(SIM_WALL_ZERO_MS + sim.now_ms + sim.node[0].wall_offset_ms + SOON_MS, until));
	else
		snprintf(line, sizeof(line), "{\"command\":\"suspend\",\"segment\":\"all\"}");
	controller_ask(&sim.node[0], line);
}

void story_resume(uint32_t host)
{
	controller_ask(
	    &sim.node[0], host % 2 ? "{\"command\":\"resume\"}" : "{\"command\":\"resume\",\"segment\":\"all\"}");
}
