/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target where no libFuzzer brings one: each file as it is, then a seeded number of changed copies of it, and as many
 * inputs out of nothing. Which target it is, the build decides.
 *
 *	fuzz_NAME ROUNDS SEED [FILE...]
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { INPUT_MAX_BYTES = 256 * 1024, RANDOM_MAX_BYTES = 512, CHANGES_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* On the heap and of exact size, so that the sanitizer sees one byte too far. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);

	if (!exact)
		abort();
	memcpy(exact, bytes, n);
	(void)LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static void change(struct rng *r, uint8_t *bytes, size_t *n)
{
	static const uint8_t pieces[] = "{}[]\"':,.-09 \n\r\t\\/<>&#^!\x1e\x7f\xff\x80";
	size_t at, len;

	for (uint64_t k = 1 + rng_below(r, CHANGES_MAX); k > 0 && *n > 1; k--) {
		at = (size_t)rng_below(r, *n);
		len = (size_t)rng_below(r, *n - at);
		if (rng_chance(r, 100)) {
			memmove(bytes + at, bytes + at + len, *n - at - len);
			*n -= len;
		} else if (rng_chance(r, 150)) {
			memmove(bytes + rng_below(r, *n - len), bytes + at, len);
		} else {
			bytes[at] = rng_chance(r, 600) ? pieces[rng_below(r, sizeof(pieces))] : (uint8_t)rng_next(r);
		}
	}
}

static void run_nothing(struct rng *r, uint8_t *bytes)
{
	size_t n = (size_t)rng_below(r, RANDOM_MAX_BYTES);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)rng_next(r);
	run(bytes, n);
}

static size_t file_take(const char *path, uint8_t *ret)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	n = fread(ret, 1, INPUT_MAX_BYTES, f);
	(void)fclose(f);
	return n;
}

int main(int argc, char **argv)
{
	static uint8_t whole[INPUT_MAX_BYTES], bytes[INPUT_MAX_BYTES];
	struct rng r;

	if (argc < 3) {
		(void)fprintf(stderr, "usage: %s ROUNDS SEED [FILE...]\n", argv[0]);
		return 2;
	}
	r = (struct rng){strtoull(argv[2], NULL, 10)};
	(void)printf("seed %" PRIu64 "\n", r.state);
	for (unsigned long k = strtoul(argv[1], NULL, 10); k > 0; k--)
		run_nothing(&r, bytes);
	for (int i = 3; i < argc; i++) {
		size_t n = file_take(argv[i], whole);

		run(whole, n);
		for (unsigned long k = strtoul(argv[1], NULL, 10); k > 0; k--) {
			size_t m = n;

			memcpy(bytes, whole, n);
			change(&r, bytes, &m);
			run(bytes, m);
		}
	}
	return 0;
}
