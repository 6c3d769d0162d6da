/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of records: what goes in comes out, what never was a record does not, and newer and older versions read one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/strbuf.h"
#include "journal/codec.h"

static uint64_t seed;

static void *field_of(struct record *r, const struct journal_field *f)
{
	return (char *)r + f->offset;
}

static void fill_number(void *field, const struct journal_field *f, uint64_t v)
{
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	if (f->size == 2)
		memcpy(field, &u16, 2);
	else if (f->size == 4)
		memcpy(field, &u32, 4);
	else
		memcpy(field, &v, 8);
}

/* A valid value that is not the default. */
static void fill_field(struct rng *rng, struct record *r, const struct journal_field *f, bool is_full)
{
	char *field = field_of(r, f);
	unsigned bits = f->limit ? f->limit : (unsigned)(8 * f->size);
	size_t n;

	switch (f->kind) {
	case JOURNAL_FIELD_TEXT:
		n = is_full ? f->size - 1 : 1 + (size_t)rng_below(rng, f->size - 1);
		for (size_t i = 0; i < n; i++)
			field[i] = (char)(1 + rng_below(rng, 255));
		field[n] = '\0';
		break;
	case JOURNAL_FIELD_BOOL:
		*(bool *)field = true;
		break;
	case JOURNAL_FIELD_ENUM:
		fill_number(field, f, 1 + rng_below(rng, f->limit - 1));
		break;
	case JOURNAL_FIELD_UINT:
	case JOURNAL_FIELD_INT:
		fill_number(field, f, 1 + rng_next(rng) % (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1));
		break;
	case JOURNAL_FIELD_WORDS:
		for (size_t i = 0; i < f->size; i += 8)
			fill_number(field + i, &(struct journal_field){.size = 8}, 1 + rng_next(rng) / 2);
		break;
	}
}

static struct record filled(struct rng *rng, enum record_type type, bool is_full, unsigned per_mille)
{
	struct record r;
	size_t n;
	const struct journal_field *f = journal_codec_fields(type, &n);

	memset(&r, 0, sizeof(r));
	r.type = type;
	for (size_t i = 0; i < n; i++) {
		bool is_name = f[i].tag == 1 || (type == RECORD_INSTANCE && f[i].tag == 2);

		if (is_name || rng_chance(rng, per_mille))
			fill_field(rng, &r, &f[i], is_full);
	}
	return r;
}

/* ---- records made by hand, as another version would write them ---- */

struct bytes {
	uint8_t b[8192];
	size_t n;
};

static void add(struct bytes *out, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out->b[out->n++] = (uint8_t)(v >> (8 * i));
}

static struct bytes head(enum record_type type)
{
	struct bytes out = {.b = {'O', 'J', JOURNAL_FORMAT_VERSION, (uint8_t)type}, .n = 4};

	return out;
}

static void add_text(struct bytes *out, unsigned tag, const char *text)
{
	add(out, tag, 2);
	add(out, strlen(text), 2);
	memcpy(out->b + out->n, text, strlen(text));
	out->n += strlen(text);
}

static void add_number(struct bytes *out, unsigned tag, uint64_t v, size_t n)
{
	add(out, tag, 2);
	add(out, n, 2);
	add(out, v, n);
}

static int decode(struct bytes *in, struct record *r, struct osha_err *err)
{
	struct bytes sealed = *in;

	add(&sealed, journal_crc32c(in->b, in->n), 4);
	return journal_record_decode(sealed.b, sealed.n, r, err);
}

static void assert_corrupt(struct bytes *in)
{
	struct record r, zero;
	struct osha_err err = {0};

	memset(&zero, 0, sizeof(zero));
	assert_int_equal(decode(in, &r, &err), -OSHA_E_CORRUPT);
	assert_int_equal(err.code, OSHA_E_CORRUPT);
	assert_true(err.msg[0]);
	assert_memory_equal(&r, &zero, sizeof(r));
}

/* ---- tests ---- */

static void test_crc_is_castagnoli(void **state)
{
	uint8_t zeros[32] = {0};

	assert_int_equal(journal_crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
	assert_int_equal(journal_crc32c(zeros, 32), 0x8a9136aa); /* RFC 3720 B.4 */
}

static void test_tables_are_sound(void **state)
{
	for (unsigned type = RECORD_STORE; type < RECORD_TYPE_N; type++) {
		size_t n;
		const struct journal_field *f = journal_codec_fields((enum record_type)type, &n);

		assert_non_null(f);
		assert_int_equal(f[0].kind, JOURNAL_FIELD_TEXT);
		for (size_t i = 0; i < n; i++) {
			assert_true(i == 0 ? f[i].tag == 1 : f[i].tag > f[i - 1].tag);
			assert_true(f[i].offset + f[i].size <= sizeof(struct record));
			if (f[i].kind == JOURNAL_FIELD_BOOL)
				assert_int_equal(f[i].size, 1);
			if (f[i].kind == JOURNAL_FIELD_ENUM)
				assert_true(f[i].size == 4 && f[i].limit > 1);
			if (f[i].kind == JOURNAL_FIELD_INT)
				assert_int_equal(f[i].size, 8);
			if (f[i].kind == JOURNAL_FIELD_WORDS)
				assert_int_equal(f[i].size % 8, 0);
		}
	}
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define HAS_CLEAR_PADDING 1
#endif
#endif

#ifdef HAS_CLEAR_PADDING /* gcc; a build with clang has one test less */
/* A field that somebody added to record.h and forgot here would be lost by each restart. */
static void test_tables_cover_every_member(void **state)
{
	for (unsigned type = RECORD_STORE; type < RECORD_TYPE_N; type++) {
		struct record r;
		size_t n;
		const struct journal_field *f = journal_codec_fields((enum record_type)type, &n);
		const unsigned char *bytes = (const unsigned char *)&r;

		memset(&r, 0xff, sizeof(r));
		if (type == RECORD_STORE)
			__builtin_clear_padding(&r.store);
		else if (type == RECORD_HOST)
			__builtin_clear_padding(&r.host);
		else if (type == RECORD_RECOVERY)
			__builtin_clear_padding(&r.recovery);
		else if (type == RECORD_SUSPENSION)
			__builtin_clear_padding(&r.suspension);
		else
			__builtin_clear_padding(&r.instance);
		for (size_t i = 0; i < n; i++)
			memset(field_of(&r, &f[i]), 0, f[i].size);
		size_t size = type == RECORD_STORE        ? sizeof(r.store)
			      : type == RECORD_HOST       ? sizeof(r.host)
			      : type == RECORD_RECOVERY   ? sizeof(r.recovery)
			      : type == RECORD_SUSPENSION ? sizeof(r.suspension)
							  : sizeof(r.instance);
		for (size_t i = offsetof(struct record, store); i < offsetof(struct record, store) + size; i++) {
			if (bytes[i])
				fail_msg("record type %u: byte %zu belongs to a member without a tag", type,
				    i - offsetof(struct record, store));
		}
	}
}
#endif

static void test_round_trip(void **state)
{
	struct rng rng = {seed};
	uint8_t buf[JOURNAL_RECORD_SIZE_MAX], again[JOURNAL_RECORD_SIZE_MAX];

	for (int i = 0; i < 4000; i++) {
		enum record_type type = (enum record_type)(RECORD_STORE + i % (RECORD_TYPE_N - RECORD_STORE));
		struct record r = filled(&rng, type, i % 40 < 4, i % 80 < 40 ? 1000 : 500), back;
		struct osha_err err = {0};
		size_t n, n_again;

		assert_int_equal(journal_record_encode(&r, buf, sizeof(buf), &n, &err), 0);
		assert_int_equal(journal_record_decode(buf, n, &back, &err), 0);
		assert_true(journal_record_equal(&r, &back));
		assert_int_equal(journal_record_encode(&back, again, sizeof(again), &n_again, &err), 0);
		assert_int_equal(n, n_again);
		assert_memory_equal(buf, again, n);
	}
}

static void test_equal_sees_each_field(void **state)
{
	struct rng rng = {seed};

	for (unsigned type = RECORD_STORE; type < RECORD_TYPE_N; type++) {
		struct record r = filled(&rng, (enum record_type)type, false, 1000);
		size_t n;
		const struct journal_field *f = journal_codec_fields(r.type, &n);

		for (size_t i = 0; i < n; i++) {
			struct record other = r;

			memset(field_of(&other, &f[i]), 0, f[i].size);
			assert_false(journal_record_equal(&r, &other));
		}
	}
}

static void test_newer_fields_are_skipped(void **state)
{
	struct bytes in = head(RECORD_RECOVERY);
	struct osha_err err = {0};
	struct record r;

	add_text(&in, 1, "kq3f7m-42");
	add_text(&in, 2, "compute-3");
	add_number(&in, 3, HOST_ROW_FENCING, 4);
	add_number(&in, 29, 11, 8);
	in.b[in.n - 10] = 8 * (HOST_ROW_N + 2); /* two rows more than are known here */
	for (int i = 1; i < HOST_ROW_N + 2; i++)
		add(&in, 11 + (uint64_t)i, 8);
	add_text(&in, 900, "a word of the future");
	add_number(&in, 65535, 7, 8);
	assert_int_equal(decode(&in, &r, &err), 0);
	assert_string_equal(r.recovery.id, "kq3f7m-42");
	assert_string_equal(r.recovery.host, "compute-3");
	assert_int_equal(r.recovery.row, HOST_ROW_FENCING);
	assert_int_equal(r.recovery.stamp_wall_ms[HOST_ROW_N - 1], 11 + HOST_ROW_N - 1);
	assert_int_equal(r.recovery.instance_n, 0);
}

static void test_missing_fields_are_zero(void **state)
{
	struct bytes in = head(RECORD_HOST);
	struct osha_err err = {0};
	struct record r, want;

	memset(&want, 0, sizeof(want));
	want.type = RECORD_HOST;
	str_copy(want.host.name, sizeof(want.host.name), "compute-1");
	want.host.device_key[0] = 5;
	add_text(&in, 1, "compute-1");
	add_number(&in, 7, 5, 8); /* fewer words than there are now */
	assert_int_equal(decode(&in, &r, &err), 0);
	assert_true(journal_record_equal(&r, &want));
}

static void test_out_of_range_is_corrupt(void **state)
{
	for (unsigned type = RECORD_STORE; type < RECORD_TYPE_N; type++) {
		size_t n;
		const struct journal_field *f = journal_codec_fields((enum record_type)type, &n);

		for (size_t i = 0; i < n; i++) {
			struct bytes in = head((enum record_type)type);
			size_t width = f[i].kind == JOURNAL_FIELD_ENUM ? 4 : f[i].kind == JOURNAL_FIELD_BOOL ? 1 : 8;
			uint64_t bad = f[i].kind == JOURNAL_FIELD_ENUM ? f[i].limit : UINT64_C(1) << f[i].limit;

			if (f[i].kind == JOURNAL_FIELD_UINT && !f[i].limit)
				bad = f[i].size == 8 ? 0 : UINT64_C(1) << (8 * f[i].size);
			if (f[i].kind == JOURNAL_FIELD_BOOL)
				bad = 2;
			if (bad == 0 || f[i].kind == JOURNAL_FIELD_INT || f[i].kind == JOURNAL_FIELD_WORDS ||
			    f[i].kind == JOURNAL_FIELD_TEXT)
				width = 3; /* a length that none of them has */
			if (f[i].tag > 1)
				add_text(&in, 1, "a");
			if (type == RECORD_INSTANCE && f[i].tag > 2)
				add_text(&in, 2, "b");
			if (f[i].kind == JOURNAL_FIELD_TEXT)
				add_number(&in, f[i].tag, 0x610061, width); /* a NUL inside */
			else
				add_number(&in, f[i].tag, bad, width);
			assert_corrupt(&in);
		}
	}
}

static void test_encode_refuses_what_it_could_not_read(void **state)
{
	struct rng rng = {seed};
	uint8_t buf[JOURNAL_RECORD_SIZE_MAX];
	struct osha_err err;
	size_t size;

	for (unsigned type = RECORD_STORE; type < RECORD_TYPE_N; type++) {
		size_t n;
		const struct journal_field *f = journal_codec_fields((enum record_type)type, &n);

		for (size_t i = 0; i < n; i++) {
			struct record r = filled(&rng, (enum record_type)type, false, 1000);

			if (f[i].kind == JOURNAL_FIELD_TEXT)
				memset(field_of(&r, &f[i]), 'x', f[i].size);
			else if (f[i].kind == JOURNAL_FIELD_ENUM)
				fill_number(field_of(&r, &f[i]), &f[i], f[i].limit);
			else if (f[i].kind == JOURNAL_FIELD_UINT && f[i].limit)
				fill_number(field_of(&r, &f[i]), &f[i], UINT64_C(1) << f[i].limit);
			else
				continue;
			assert_int_equal(journal_record_encode(&r, buf, sizeof(buf), &size, &err), -OSHA_E_INTERNAL);
		}
	}
	struct record nameless = {.type = RECORD_HOST}, none = {0};

	assert_int_equal(journal_record_encode(&nameless, buf, sizeof(buf), &size, &err), -OSHA_E_INTERNAL);
	assert_int_equal(journal_record_encode(&none, buf, sizeof(buf), &size, &err), -OSHA_E_INTERNAL);
}

static void test_damage_is_seen(void **state)
{
	struct rng rng = {seed};
	struct record r = filled(&rng, RECORD_INSTANCE, false, 1000), back;
	uint8_t buf[JOURNAL_RECORD_SIZE_MAX], small[JOURNAL_RECORD_SIZE_MAX];
	struct osha_err err;
	size_t n, size;

	assert_int_equal(journal_record_encode(&r, buf, sizeof(buf), &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(journal_record_decode(buf, i, &back, &err), -OSHA_E_CORRUPT);
		assert_int_equal(journal_record_encode(&r, small, i, &size, &err), -OSHA_E_FULL);
		for (int bit = 0; bit < 8; bit++) {
			buf[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(journal_record_decode(buf, n, &back, &err), -OSHA_E_CORRUPT);
			buf[i] ^= (uint8_t)(1 << bit);
		}
	}
}

static void test_hand_made_nonsense(void **state)
{
	struct bytes in = head(RECORD_STORE);

	add_number(&in, 2, 1, 8);
	add_number(&in, 2, 1, 8); /* twice */
	assert_corrupt(&in);
	in = head(RECORD_STORE);
	add_number(&in, 3, 1, 8);
	add_number(&in, 2, 1, 8); /* out of order */
	assert_corrupt(&in);
	in = head(RECORD_STORE);
	add(&in, 1, 2);
	add(&in, 65535, 2); /* longer than what follows */
	assert_corrupt(&in);
	in = head(RECORD_STORE);
	add(&in, 1, 3); /* cut in the head of a field */
	assert_corrupt(&in);
	in = head(RECORD_STORE);
	add_text(&in, 1, "eightxxx"); /* one byte too long */
	assert_corrupt(&in);
	in = head(RECORD_HOST); /* no name */
	assert_corrupt(&in);
	in = head(RECORD_TYPE_N);
	assert_corrupt(&in);
	in = head(RECORD_NONE);
	assert_corrupt(&in);
	in = head(RECORD_STORE);
	in.b[2] = JOURNAL_FORMAT_VERSION + 1;
	assert_corrupt(&in);
	in.n = 8000; /* too long altogether */
	assert_corrupt(&in);
}

/* The bytes themselves: a change here makes every journal in the field unreadable. */
static void test_bytes_stay_as_they_are(void **state)
{
	static const uint8_t want[] = {'O', 'J', 1, RECORD_INSTANCE, 1, 0, 3, 0, 'k', '-', '1', 2, 0, 2, 0, 'u', '1', 7,
	    0, 4, 0, INSTANCE_ROW_CALLING, 0, 0, 0, 10, 0, 8, 0, 2, 1, 0, 0, 0, 0, 0, 0, 13, 0, 1, 0, 1, 16, 0, 8, 0,
	    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct record r = {.type = RECORD_INSTANCE};
	uint8_t buf[JOURNAL_RECORD_SIZE_MAX];
	size_t n;

	str_copy(r.instance.recovery, sizeof(r.instance.recovery), "k-1");
	str_copy(r.instance.uuid, sizeof(r.instance.uuid), "u1");
	r.instance.row = INSTANCE_ROW_CALLING;
	r.instance.attempt = 258;
	r.instance.call_open = true;
	r.instance.seen_migration_id = -2;
	assert_int_equal(journal_record_encode(&r, buf, sizeof(buf), &n, NULL), 0);
	assert_int_equal(n, sizeof(want) + 4);
	assert_memory_equal(buf, want, sizeof(want));
}

static void test_keys(void **state)
{
	struct record r = {.type = RECORD_STORE};
	char key[JOURNAL_KEY_SIZE], tiny[8];

	assert_true(journal_record_key(&r, key, sizeof(key)));
	assert_string_equal(key, "store");
	r.type = RECORD_HOST;
	assert_false(journal_record_key(&r, key, sizeof(key)));
	assert_string_equal(key, "");
	memset(r.host.name, 'h', sizeof(r.host.name) - 1);
	assert_true(journal_record_key(&r, key, sizeof(key)));
	assert_false(journal_record_key(&r, tiny, sizeof(tiny)));
	assert_string_equal(tiny, "");
	r = (struct record){.type = RECORD_RECOVERY};
	str_copy(r.recovery.id, sizeof(r.recovery.id), "kq3f7m-42");
	str_copy(r.recovery.host, sizeof(r.recovery.host), "c1");
	assert_true(journal_record_key(&r, key, sizeof(key)));
	assert_string_equal(key, "recovery/kq3f7m-42");
	assert_string_equal(journal_record_recovery(&r), "kq3f7m-42");
	assert_string_equal(journal_record_host(&r), "c1");
	r = (struct record){.type = RECORD_INSTANCE};
	str_copy(r.instance.recovery, sizeof(r.instance.recovery), "kq3f7m-42");
	assert_false(journal_record_key(&r, key, sizeof(key)));
	str_copy(r.instance.uuid, sizeof(r.instance.uuid), "0a");
	assert_true(journal_record_key(&r, key, sizeof(key)));
	assert_string_equal(key, "instance/kq3f7m-42/0a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_crc_is_castagnoli),
	    cmocka_unit_test(test_tables_are_sound),
#ifdef HAS_CLEAR_PADDING
	    cmocka_unit_test(test_tables_cover_every_member),
#endif
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_equal_sees_each_field),
	    cmocka_unit_test(test_newer_fields_are_skipped),
	    cmocka_unit_test(test_missing_fields_are_zero),
	    cmocka_unit_test(test_out_of_range_is_corrupt),
	    cmocka_unit_test(test_encode_refuses_what_it_could_not_read),
	    cmocka_unit_test(test_damage_is_seen),
	    cmocka_unit_test(test_hand_made_nonsense),
	    cmocka_unit_test(test_bytes_stay_as_they_are),
	    cmocka_unit_test(test_keys),
	};
	const char *given = getenv("OSHA_SEED");

	seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("# OSHA_SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
