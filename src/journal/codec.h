/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records to bytes and back, pure. A record is a list of fields {tag, length, value}, little-endian, closed by a
 *CRC32C: an older version skips the fields that it does not know, a newer one reads a missing field as zero. No struct
 *image is ever written. Where the bytes are kept is journal.h's matter.
 *
 *	byte 0-1  'O' 'J'
 *	byte 2    format version, 1
 *	byte 3    enum record_type
 *	then      fields in ascending order of tag: tag u16, length u16, value
 *	last 4    CRC32C of everything before
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/record.h"

enum {
	JOURNAL_RECORD_SIZE_MAX = 4096, /* encoded bytes of any record of this version; decoding takes no more either */
	JOURNAL_KEY_SIZE = 264,         /* "host/" with the longest host name, and the NUL */
	JOURNAL_FORMAT_VERSION = 1,
};

/* How a field's value is written; a field that is all zero is left out. */
enum journal_field_kind {
	JOURNAL_FIELD_TEXT,  /* char[size], at most size - 1 bytes, no NUL inside */
	JOURNAL_FIELD_BOOL,  /* one byte, 1 */
	JOURNAL_FIELD_ENUM,  /* u32, below limit */
	JOURNAL_FIELD_UINT,  /* uint16_t, uint32_t or uint64_t by size, as u64; limit: 0 or the number of bits that may
				be set */
	JOURNAL_FIELD_INT,   /* int64_t */
	JOURNAL_FIELD_WORDS, /* 64-bit words, size / 8 of them, zero ones at the end left out; more of them than known
				are dropped */
};

struct journal_field {
	uint16_t tag; /* stored: never reused, never renumbered; ascending in the table */
	enum journal_field_kind kind;
	size_t offset; /* within struct record */
	size_t size;   /* bytes in memory */
	uint32_t limit;
	const char *name;
};

/**
 * journal_codec_fields() - the fields of one type of record, in order of tag.
 * @ret_n: how many
 *
 * Returns the table; NULL and 0 for a type that this version does not know.
 */
const struct journal_field *journal_codec_fields(enum record_type type, size_t *ret_n);

/**
 * journal_record_encode() - write @r as bytes.
 * @r: borrowed
 * @buf: @cap bytes, borrowed; JOURNAL_RECORD_SIZE_MAX are always enough
 * @ret_size: bytes written
 *
 * Errors: -OSHA_E_INTERNAL for a record that could not be read back (type or enum out of range, text without NUL, no
 * name in its key), -OSHA_E_FULL when @cap is too small.
 */
int journal_record_encode(const struct record *r, uint8_t *buf, size_t cap, size_t *ret_size, struct osha_err *reterr);

/**
 * journal_record_decode() - read one record; @bytes may be anything.
 * @bytes: @size bytes, borrowed
 * @ret_r: filled on success, else zeroed; every enum in it is in range, every text terminated, its key not empty
 *
 * Errors: -OSHA_E_CORRUPT (what and at which byte).
 */
int journal_record_decode(const uint8_t *bytes, size_t size, struct record *ret_r, struct osha_err *reterr);

/**
 * journal_record_key() - the name under which a record replaces its older self: "store", "host/NAME", "recovery/ID",
 * "instance/ID/UUID".
 * @buf: @size bytes, borrowed; JOURNAL_KEY_SIZE are always enough
 *
 * Returns false, with "" in @buf, for a record of no known type or one whose key does not fit.
 */
bool journal_record_key(const struct record *r, char *buf, size_t size);

/** journal_record_equal() - do both say the same, field by field? Padding does not count. */
bool journal_record_equal(const struct record *a, const struct record *b);

/** journal_record_recovery() - id of the recovery that a record belongs to; "" for host and store. Borrowed from @r. */
const char *journal_record_recovery(const struct record *r);

/** journal_record_host() - the host that a record speaks of (an instance: its source); "" for the store. Borrowed from
 * @r. */
const char *journal_record_host(const struct record *r);

/** journal_record_row() - the row's number in its workflow (enum host_row or instance_row); 0 for host and store. */
unsigned journal_record_row(const struct record *r);

/** journal_crc32c() - CRC-32C (Castagnoli polynomial, as in RFC 3720 appendix B.4) of @n bytes. */
uint32_t journal_crc32c(const uint8_t *bytes, size_t n);
