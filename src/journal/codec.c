/* SPDX-License-Identifier: Apache-2.0 */
/* Records to bytes and back; the walk over the tables of fields.c. See codec.h. */
#include "journal/codec.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_SIZE = 4, FIELD_HEAD_SIZE = 4, TAIL_SIZE = 4, WORD_SIZE = 8 };

struct writer {
	uint8_t *buf;
	size_t cap, len;
	bool is_full;
};

static void put(struct writer *w, uint64_t value, size_t bytes)
{
	if (w->cap - w->len < bytes) {
		w->is_full = true;
		return;
	}
	for (size_t i = 0; i < bytes; i++)
		w->buf[w->len++] = (uint8_t)(value >> (8 * i));
}

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	if (w->cap - w->len < n) {
		w->is_full = true;
		return;
	}
	memcpy(w->buf + w->len, bytes, n);
	w->len += n;
}

static uint64_t get(const uint8_t *p, size_t bytes)
{
	uint64_t v = 0;

	for (size_t i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint32_t journal_crc32c(const uint8_t *bytes, size_t n)
{
	/* the polynomial 0x1edc6f41 bit-reversed, four bits at a time: 16 words of table instead of 256, fast enough
	 * for 1 KiB */
	static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	    0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a,
	    0xf36e6f75};
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		crc = (crc >> 4) ^ table[crc & 15];
		crc = (crc >> 4) ^ table[crc & 15];
	}
	return ~crc;
}

/* The memory of an unsigned field of 2, 4 or 8 bytes, as a number. */
static uint64_t uint_load(const void *field, size_t size)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64 = 0;

	if (size == sizeof(u16)) {
		memcpy(&u16, field, size);
		return u16;
	}
	if (size == sizeof(u32)) {
		memcpy(&u32, field, size);
		return u32;
	}
	memcpy(&u64, field, sizeof(u64));
	return u64;
}

static void uint_store(void *field, size_t size, uint64_t value)
{
	uint16_t u16 = (uint16_t)value;
	uint32_t u32 = (uint32_t)value;

	if (size == sizeof(u16))
		memcpy(field, &u16, size);
	else if (size == sizeof(u32))
		memcpy(field, &u32, size);
	else
		memcpy(field, &value, sizeof(value));
}

/* May this number stand in this field? */
static bool uint_fits(const struct journal_field *f, uint64_t value)
{
	if (f->kind == JOURNAL_FIELD_ENUM)
		return value < f->limit;
	if (f->limit)
		return value >> f->limit == 0;
	return f->size >= WORD_SIZE || value >> (8 * f->size) == 0;
}

static size_t words_used(const void *field, size_t size)
{
	const char *bytes = field;
	size_t n = size / WORD_SIZE;

	while (n > 0 && uint_load(bytes + (n - 1) * WORD_SIZE, WORD_SIZE) == 0)
		n--;
	return n;
}

static int field_encode(struct writer *w, const struct journal_field *f, const char *field, struct osha_err *reterr)
{
	uint64_t value = 0;
	size_t n = 0;

	switch (f->kind) {
	case JOURNAL_FIELD_TEXT:
		n = strnlen(field, f->size);
		if (n == f->size)
			return osha_err_set(reterr, OSHA_E_INTERNAL, "%s has no end", f->name);
		break;
	case JOURNAL_FIELD_WORDS:
		n = words_used(field, f->size);
		break;
	case JOURNAL_FIELD_BOOL:
		n = value = (uint64_t)(*(const unsigned char *)field != 0);
		break;
	case JOURNAL_FIELD_ENUM:
	case JOURNAL_FIELD_UINT:
	case JOURNAL_FIELD_INT:
		n = value = uint_load(field, f->size);
		break;
	}
	if (n == 0)
		return 0;
	if ((f->kind == JOURNAL_FIELD_ENUM || f->kind == JOURNAL_FIELD_UINT) && !uint_fits(f, value))
		return osha_err_set(
		    reterr, OSHA_E_INTERNAL, "%s is out of range: %llu", f->name, (unsigned long long)value);
	put(w, f->tag, 2);
	if (f->kind == JOURNAL_FIELD_TEXT) {
		put(w, n, 2);
		put_bytes(w, field, n);
	} else if (f->kind == JOURNAL_FIELD_WORDS) {
		put(w, n * WORD_SIZE, 2);
		for (size_t i = 0; i < n; i++)
			put(w, uint_load(field + i * WORD_SIZE, WORD_SIZE), WORD_SIZE);
	} else {
		size_t bytes = f->kind == JOURNAL_FIELD_BOOL ? 1 : f->kind == JOURNAL_FIELD_ENUM ? 4 : WORD_SIZE;

		put(w, bytes, 2);
		put(w, value, bytes);
	}
	return 0;
}

int journal_record_encode(const struct record *r, uint8_t *buf, size_t cap, size_t *ret_size, struct osha_err *reterr)
{
	struct writer w = {.buf = buf, .cap = cap};
	char key[JOURNAL_KEY_SIZE];
	const struct journal_field *f;
	size_t n;
	int e;

	f = journal_codec_fields(r->type, &n);
	if (!f)
		return osha_err_set(reterr, OSHA_E_INTERNAL, "record of unknown type %u", (unsigned)r->type);
	put_bytes(&w, "OJ", 2);
	put(&w, JOURNAL_FORMAT_VERSION, 1);
	put(&w, r->type, 1);
	for (const struct journal_field *end = f + n; f < end; f++) {
		e = field_encode(&w, f, (const char *)r + f->offset, reterr);
		if (e < 0)
			return e;
	}
	if (!journal_record_key(r, key, sizeof(key)))
		return osha_err_set(reterr, OSHA_E_INTERNAL, "record without a name");
	put(&w, journal_crc32c(buf, w.len), 4);
	if (w.is_full)
		return osha_err_set(reterr, OSHA_E_FULL, "record longer than %zu bytes", cap);
	*ret_size = w.len;
	return 0;
}

/* Put a value into its field; false = it may not stand there. */
static bool field_decode(const struct journal_field *f, const uint8_t *value, size_t n, char *field)
{
	size_t words;
	uint64_t v;

	switch (f->kind) {
	case JOURNAL_FIELD_TEXT:
		if (n == 0 || n >= f->size || memchr(value, '\0', n))
			return false;
		memcpy(field, value, n);
		return true;
	case JOURNAL_FIELD_BOOL:
		if (n != 1 || value[0] != 1)
			return false;
		*(bool *)field = true;
		return true;
	case JOURNAL_FIELD_WORDS:
		if (n == 0 || n % WORD_SIZE != 0)
			return false;
		words = n < f->size ? n / WORD_SIZE : f->size / WORD_SIZE;
		for (size_t i = 0; i < words; i++)
			uint_store(field + i * WORD_SIZE, WORD_SIZE, get(value + i * WORD_SIZE, WORD_SIZE));
		return true;
	case JOURNAL_FIELD_ENUM:
	case JOURNAL_FIELD_UINT:
	case JOURNAL_FIELD_INT:
		break;
	}
	if (n != (f->kind == JOURNAL_FIELD_ENUM ? 4 : WORD_SIZE))
		return false;
	v = get(value, n);
	if (f->kind != JOURNAL_FIELD_INT && !uint_fits(f, v))
		return false;
	uint_store(field, f->size, v);
	return true;
}

static int fields_decode(const uint8_t *bytes, size_t end, struct record *r, struct osha_err *reterr)
{
	size_t n, at = HEAD_SIZE, len;
	const struct journal_field *f = journal_codec_fields(r->type, &n);
	const struct journal_field *f_end = f + n;
	uint64_t tag, last = 0;

	while (at < end) {
		if (end - at < FIELD_HEAD_SIZE)
			return osha_err_set(reterr, OSHA_E_CORRUPT, "record cut at byte %zu", at);
		tag = get(bytes + at, 2);
		len = (size_t)get(bytes + at + 2, 2);
		if (tag <= last)
			return osha_err_set(reterr, OSHA_E_CORRUPT, "record field out of order at byte %zu", at);
		if (len > end - at - FIELD_HEAD_SIZE)
			return osha_err_set(reterr, OSHA_E_CORRUPT, "record field too long at byte %zu", at);
		last = tag;
		while (f < f_end && f->tag < tag)
			f++;
		if (f < f_end && f->tag == tag &&
		    !field_decode(f, bytes + at + FIELD_HEAD_SIZE, len, (char *)r + f->offset))
			return osha_err_set(reterr, OSHA_E_CORRUPT, "%s out of range at byte %zu", f->name, at);
		at += FIELD_HEAD_SIZE + len;
	}
	return 0;
}

int journal_record_decode(const uint8_t *bytes, size_t size, struct record *ret_r, struct osha_err *reterr)
{
	char key[JOURNAL_KEY_SIZE];
	size_t n;
	int e;

	memset(ret_r, 0, sizeof(*ret_r));
	if (size < HEAD_SIZE + TAIL_SIZE || size > JOURNAL_RECORD_SIZE_MAX)
		return osha_err_set(reterr, OSHA_E_CORRUPT, "record of %zu bytes", size);
	if (memcmp(bytes, "OJ", 2) != 0)
		return osha_err_set(reterr, OSHA_E_CORRUPT, "not a record");
	if (get(bytes + size - TAIL_SIZE, TAIL_SIZE) != journal_crc32c(bytes, size - TAIL_SIZE))
		return osha_err_set(reterr, OSHA_E_CORRUPT, "record checksum wrong");
	if (bytes[2] != JOURNAL_FORMAT_VERSION)
		return osha_err_set(reterr, OSHA_E_CORRUPT, "record format %u is not known here", bytes[2]);
	if (!journal_codec_fields((enum record_type)bytes[3], &n))
		return osha_err_set(reterr, OSHA_E_CORRUPT, "record type %u is not known here", bytes[3]);
	ret_r->type = (enum record_type)bytes[3];
	e = fields_decode(bytes, size - TAIL_SIZE, ret_r, reterr);
	if (e == 0 && !journal_record_key(ret_r, key, sizeof(key)))
		e = osha_err_set(reterr, OSHA_E_CORRUPT, "record without a name");
	if (e < 0)
		memset(ret_r, 0, sizeof(*ret_r));
	return e;
}

static bool key_print(char *buf, size_t size, const char *kind, const char *a, const char *b)
{
	int n;

	if (!a[0] || (b && !b[0]))
		return false;
	n = b ? snprintf(buf, size, "%s/%s/%s", kind, a, b) : snprintf(buf, size, "%s/%s", kind, a);
	return n > 0 && (size_t)n < size;
}

bool journal_record_key(const struct record *r, char *buf, size_t size)
{
	bool fits = false;

	switch (r->type) {
	case RECORD_STORE:
		fits = (size_t)snprintf(buf, size, "store") < size;
		break;
	case RECORD_HOST:
		fits = key_print(buf, size, "host", r->host.name, NULL);
		break;
	case RECORD_RECOVERY:
		fits = key_print(buf, size, "recovery", r->recovery.id, NULL);
		break;
	case RECORD_INSTANCE:
		fits = key_print(buf, size, "instance", r->instance.recovery, r->instance.uuid);
		break;
	case RECORD_SUSPENSION:
		fits = key_print(buf, size, "suspension", r->suspension.segment, NULL);
		break;
	case RECORD_NONE:
	case RECORD_TYPE_N:
		break;
	}
	if (!fits && size > 0)
		buf[0] = '\0';
	return fits;
}

static bool field_equal(const struct journal_field *f, const char *a, const char *b)
{
	if (f->kind == JOURNAL_FIELD_TEXT)
		return strncmp(a, b, f->size) == 0;
	return memcmp(a, b, f->size) == 0;
}

bool journal_record_equal(const struct record *a, const struct record *b)
{
	size_t n;
	const struct journal_field *f = journal_codec_fields(a->type, &n);

	if (a->type != b->type)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!field_equal(&f[i], (const char *)a + f[i].offset, (const char *)b + f[i].offset))
			return false;
	}
	return true;
}

const char *journal_record_recovery(const struct record *r)
{
	if (r->type == RECORD_RECOVERY)
		return r->recovery.id;
	return r->type == RECORD_INSTANCE ? r->instance.recovery : "";
}

const char *journal_record_host(const struct record *r)
{
	if (r->type == RECORD_RECOVERY)
		return r->recovery.host;
	if (r->type == RECORD_INSTANCE)
		return r->instance.source;
	return r->type == RECORD_HOST ? r->host.name : "";
}

unsigned journal_record_row(const struct record *r)
{
	if (r->type == RECORD_RECOVERY)
		return (unsigned)r->recovery.row;
	return r->type == RECORD_INSTANCE ? (unsigned)r->instance.row : 0;
}
