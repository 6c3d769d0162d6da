/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes into the record codec, as they are and with a right checksum put behind them (or the checksum would keep everything out).
 * What decodes must encode, decode again and say the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "journal/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void try_decode(const uint8_t *bytes, size_t size)
{
	uint8_t buf[JOURNAL_RECORD_SIZE_MAX];
	struct record first, second;
	struct osha_err err;
	size_t n;

	if (journal_record_decode(bytes, size, &first, &err) < 0)
		return;
	if (journal_record_encode(&first, buf, sizeof(buf), &n, &err) < 0 ||
	    journal_record_decode(buf, n, &second, &err) < 0 || !journal_record_equal(&first, &second))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t sealed[JOURNAL_RECORD_SIZE_MAX + 8];
	uint32_t crc;

	try_decode(bytes, size);
	if (size > JOURNAL_RECORD_SIZE_MAX)
		return 0;
	if (size)
		memcpy(sealed, bytes, size);
	crc = journal_crc32c(sealed, size);
	for (int i = 0; i < 4; i++)
		sealed[size + (size_t)i] = (uint8_t)(crc >> (8 * i));
	try_decode(sealed, size + 4);
	return 0;
}
