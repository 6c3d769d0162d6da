/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a configuration: no crash, a configuration or at least one error, and one that loads resolves every host and shows itself
 * as a file that loads again. With clang's -fsanitize=fuzzer it runs on its own; without, main() runs the files it is given and a seeded
 * number of mutations of each.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "config/config.h"
#include "config/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "fuzz_config: %s\n", what);
	abort();
}

static void use(const struct config *cfg)
{
	static const char *const hosts[] = {"c1", "compute-1.example", "", "a\nb"};
	struct config_host h;
	struct config_fence *f = calloc(1, sizeof(*f));
	must(f != NULL, "out of memory");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		must(config_host_resolve(cfg, hosts[i], &h) == (h.segment ? CONFIG_HOST_FOUND : CONFIG_HOST_OUTSIDE),
		    "outcome and segment disagree");
		for (size_t k = 0; k < h.level_n; k++)
			(void)config_fence_resolve(cfg, hosts[i], k, f, NULL);
	}
	free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	PROBLEMS_AUTO struct config_problems ps = CONFIG_PROBLEMS_INIT, again = CONFIG_PROBLEMS_INIT;
	CONFIG_AUTO struct config *cfg = NULL, *shown_cfg = NULL;
	struct osha_err err = {0};
	int rc = config_parse("fuzz", (const char *)bytes, n, &cfg, &ps, &err);
	must((rc == 0) == (cfg != NULL) && (rc == 0) == (ps.error_n == 0), "neither whole nor refused");
	if (!cfg)
		return 0;
	use(cfg);
	STRBUF_AUTO struct strbuf shown = STRBUF_INIT;
	config_show(cfg, &shown);
	rc = config_parse("shown", shown.text, shown.len, &shown_cfg, &again, &err);
	for (size_t i = 0; rc < 0 && i < again.n; i++)
		(void)fprintf(stderr, "%s\n", again.items[i].text);
	must(rc == 0, "what is shown does not load");
	return 0;
}

#ifndef OSHA_LIBFUZZER
static size_t file_take(const char *path, uint8_t *ret, size_t size)
{
	FILE *f = fopen(path, "r");
	must(f != NULL, path);
	size_t n = fread(ret, 1, size, f);
	(void)fclose(f);
	return n;
}

static void mutate(struct rng *r, uint8_t *bytes, size_t *n)
{
	static const char pieces[] = "{}[]:#&*!|>'\"%@`\n\t -,?0";
	for (uint64_t k = rng_below(r, 6) + 1; k > 0 && *n > 2; k--) {
		size_t at = (size_t)rng_below(r, *n);
		if (rng_chance(r, 300)) {
			size_t cut = (size_t)rng_below(r, *n - at);
			memmove(bytes + at, bytes + at + cut, *n - at - cut);
			*n -= cut;
		} else {
			bytes[at] = rng_chance(r, 800) ? (uint8_t)pieces[rng_below(r, sizeof(pieces) - 1)]
						       : (uint8_t)rng_next(r);
		}
	}
}

/* fuzz_config ROUNDS SEED FILE... */
int main(int argc, char **argv)
{
	enum { SIZE = 256 * 1024 };
	uint8_t *whole = malloc(SIZE), *bytes = malloc(SIZE);
	must(argc > 3 && whole && bytes, "usage: fuzz_config ROUNDS SEED FILE...");
	struct rng r = {strtoull(argv[2], NULL, 10)};
	(void)printf("seed %" PRIu64 "\n", r.state);
	for (int i = 3; i < argc; i++) {
		size_t n = file_take(argv[i], whole, SIZE);
		(void)LLVMFuzzerTestOneInput(whole, n);
		for (unsigned long k = strtoul(argv[1], NULL, 10); k > 0; k--) {
			size_t m = n;
			memcpy(bytes, whole, n);
			mutate(&r, bytes, &m);
			(void)LLVMFuzzerTestOneInput(bytes, m);
		}
	}
	free(whole);
	free(bytes);
	return 0;
}
#endif
