/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a story of misfortunes (test/sim/story_bytes.h), played by the simulator: no invariant breaks, and nothing is left behind.
 * With libFuzzer the coverage of engine and daemon leads from one story to the next: it is the source of seeds that no profile draws.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/sim/clockwork.h"
#include "test/sim/controller.h"
#include "test/sim/play.h"
#include "test/sim/story_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static bool is_configured;
	struct play p = {.profile = story_profile_named("bytes"), .bytes = bytes, .byte_n = n};
	int64_t at_ms;

	if (!is_configured) {
		is_configured = true;
		play_configure(p.profile, 1);
		(void)atexit(controller_unconfigure);
	}
	p.seed = story_bytes_seed(bytes, n);
	if (play_run(&p, NULL, NULL, &at_ms))
		return 0;
	(void)fprintf(stderr, "broken promise: at %.3f s: %s\nsee it: echo ", (double)at_ms / 1000, sim.violation);
	for (size_t k = 0; k < n && k < STORY_BYTES_MAX; k++)
		(void)fprintf(stderr, "%02x", bytes[k]);
	(void)fprintf(stderr, " | xxd -r -p > FILE; build/osha-sim --bytes --trace FILE\n");
	abort();
}
