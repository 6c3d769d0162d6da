/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated BMC without a socket: discovery, limits of its tables, faults' words. Logins and orders are tested with
 * real clients by test/system/fence. */
#include "base/rng.h"
#include "cloudsim/bmc_crypt.h"
#include "cloudsim/bmc_ipmi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_on(void *user)
{
	return true;
}

static uint8_t power_ask(void *user, enum bmc_power_order order, int64_t delay_ms)
{
	++*(int *)user;
	return BMC_CC_OK;
}

static int orders;
static const struct bmc_ipmi_config config = {
    .username = "admin", .password = "secret", .seed = 1, .is_on = is_on, .power_ask = power_ask, .user = &orders};

static int setup(void **state)
{
	*state = bmc_ipmi_new(&config);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	bmc_ipmi_free(*state);
	return 0;
}

/* Get Channel Cipher Suites, from the first record on, outside of a session. */
static const uint8_t ask_suites[] = {0x06, 0x00, 0xff, 0x07, 0x06, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0x20, 0x18,
    0xc8, 0x81, 0x04, 0x54, 0x0e, 0x00, 0x80, 0x99};

static void test_discovery(void **state)
{
	static const uint8_t suites[] = {0x00, 0x01, 0xc0, 3, 1, 0x41, 0x81, 0xc0, 17, 3, 0x44, 0x81};
	struct bmc_ipmi *bmc = *state;
	uint8_t out[BMC_IPMI_DATAGRAM_MAX_BYTES];
	size_t n = bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, sizeof(out));

	assert_int_equal(n, 16 + 7 + sizeof(suites));
	assert_memory_equal(out + 16 + 6, suites, sizeof(suites));
	bmc_ipmi_faults(bmc)->is_refusing_suite_3 = true;
	n = bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, sizeof(out));
	assert_int_equal(n, 16 + 7 + sizeof(suites) - 5);
	assert_int_equal(out[16 + 6 + 3], 17);
}

static void test_each_cut_datagram_is_dropped(void **state)
{
	struct bmc_ipmi *bmc = *state;
	uint8_t out[BMC_IPMI_DATAGRAM_MAX_BYTES];

	for (size_t n = 0; n < sizeof(ask_suites); n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, ask_suites, n);
		assert_int_equal(bmc_ipmi_input(bmc, exact, n, out, sizeof(out)), 0);
		free(exact);
	}
	for (size_t cap = 0; cap < 35; cap++)
		assert_int_equal(bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, cap), 0);
	assert_int_equal(bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, 35), 35);
}

static void test_orders_outside_of_a_session_are_dropped(void **state)
{
	/* Chassis Control, power down */
	static const uint8_t order[] = {0x06, 0x00, 0xff, 0x07, 0x06, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x20, 0x00,
	    0xe0, 0x81, 0x04, 0x02, 0x00, 0x79};
	struct bmc_ipmi *bmc = *state;
	uint8_t out[BMC_IPMI_DATAGRAM_MAX_BYTES];

	orders = 0;
	assert_int_equal(bmc_ipmi_input(bmc, order, sizeof(order), out, sizeof(out)), 0);
	assert_int_equal(orders, 0);
}

static void make_open_request(uint8_t out[48], uint32_t id, uint8_t auth, uint8_t integrity)
{
	static const uint8_t head[] = {0x06, 0x00, 0xff, 0x07, 0x06, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0};

	memset(out, 0, 48);
	memcpy(out, head, sizeof(head));
	out[20] = (uint8_t)id;
	out[21] = (uint8_t)(id >> 8);
	for (uint8_t i = 0; i < 3; i++) {
		out[24 + 8 * i] = i;
		out[27 + 8 * i] = 8;
	}
	out[28] = auth;
	out[36] = integrity;
	out[44] = 1;
}

static void test_open_session(void **state)
{
	struct bmc_ipmi *bmc = *state;
	uint8_t in[48], out[BMC_IPMI_DATAGRAM_MAX_BYTES];

	/* More sessions than there are slots: each one is opened, the oldest makes room. */
	for (uint32_t i = 1; i < 5 * BMC_IPMI_SESSIONS; i++) {
		make_open_request(in, i, 3, 4);
		assert_int_equal(bmc_ipmi_input(bmc, in, sizeof(in), out, sizeof(out)), 16 + 36);
		assert_int_equal(out[16 + 1], 0);
	}
	make_open_request(in, 5, 2, 2);
	assert_int_equal(bmc_ipmi_input(bmc, in, sizeof(in), out, sizeof(out)), 16 + 8);
	assert_int_equal(out[16 + 1], 0x11);
	bmc_ipmi_faults(bmc)->is_refusing_suite_17 = true;
	make_open_request(in, 5, 3, 4);
	assert_int_equal(bmc_ipmi_input(bmc, in, sizeof(in), out, sizeof(out)), 16 + 8);
	make_open_request(in, 5, 1, 1);
	assert_int_equal(bmc_ipmi_input(bmc, in, sizeof(in), out, sizeof(out)), 16 + 36);
}

static void test_same_seed_same_answers(void **state)
{
	uint8_t in[48], a[BMC_IPMI_DATAGRAM_MAX_BYTES], b[BMC_IPMI_DATAGRAM_MAX_BYTES];
	struct bmc_ipmi *twin = bmc_ipmi_new(&config);

	make_open_request(in, 1, 3, 4);
	assert_int_equal(bmc_ipmi_input(*state, in, sizeof(in), a, sizeof(a)), 52);
	assert_int_equal(bmc_ipmi_input(twin, in, sizeof(in), b, sizeof(b)), 52);
	assert_memory_equal(a, b, 52);
	bmc_ipmi_free(twin);
}

static void test_loss(void **state)
{
	struct bmc_ipmi *bmc = *state;
	uint8_t out[BMC_IPMI_DATAGRAM_MAX_BYTES];
	int answered = 0;

	assert_true(bmc_ipmi_faults_parse(bmc_ipmi_faults(bmc), "lost=1/3"));
	for (int i = 0; i < 30; i++)
		answered += bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, sizeof(out)) != 0;
	assert_int_equal(answered, 20);
	assert_int_equal(bmc_ipmi_stats(bmc)->dropped, 10);
	assert_true(bmc_ipmi_faults_parse(bmc_ipmi_faults(bmc), "dead"));
	assert_int_equal(bmc_ipmi_input(bmc, ask_suites, sizeof(ask_suites), out, sizeof(out)), 0);
}

static void test_fault_words(void **state)
{
	static const char *const wrong[] = {"deaf", "dead=1", "delay", "delay=x", "delay=-1", "delay=4000000", "lost=1",
	    "lost=3/2", "lost=1/2/3", "lost=/", "privilege=root", "dead deaf", "delay= 5"};
	struct bmc_ipmi_faults f;

	assert_true(bmc_ipmi_faults_parse(&f, " dead,stays-on\nlost=1/2 delay=1500 privilege=user\n"));
	assert_true(f.is_dead && f.is_deaf_to_orders && f.lost_n == 1 && f.lost_of == 2 && f.power_delay_ms == 1500);
	assert_int_equal(f.privilege_limit, BMC_PRIVILEGE_USER);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(bmc_ipmi_faults_parse(&f, wrong[i]));
	assert_true(f.is_dead);
	assert_true(bmc_ipmi_faults_parse(&f, ""));
	assert_false(f.is_dead);
	assert_true(bmc_ipmi_fault_set(&f, "busy", "") && f.is_busy);
	assert_true(bmc_ipmi_fault_set(&f, "none", "") && !f.is_busy);
}

static void test_seal_and_open(void **state)
{
	static const uint8_t key[16] = {1}, iv[16] = {2};
	uint8_t in[200], sealed[256], opened[256];
	struct rng rng = {.state = (uint64_t)time(NULL)};

	print_message("seed %llu\n", (unsigned long long)rng.state);
	for (size_t n = 1; n <= sizeof(in); n++) {
		size_t len, at;

		for (size_t i = 0; i < n; i++)
			in[i] = (uint8_t)rng_next(&rng);
		len = bmc_aes_seal(key, iv, in, n, sealed, sizeof(sealed));
		assert_true(len > n && len % 16 == 0);
		assert_int_equal(bmc_aes_open(key, sealed, len, opened, sizeof(opened)), n);
		assert_memory_equal(in, opened, n);
		/* The last byte but one block turns the padding's length over. */
		at = len - 17;
		sealed[at] ^= 0xf0;
		assert_int_equal(bmc_aes_open(key, sealed, len, opened, sizeof(opened)), 0);
	}
	assert_int_equal(bmc_aes_open(key, sealed, 31, opened, sizeof(opened)), 0);
	assert_int_equal(bmc_aes_open(key, sealed, 16, opened, sizeof(opened)), 0);
	assert_int_equal(bmc_aes_seal(key, iv, in, 16, sealed, 47), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_discovery, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_each_cut_datagram_is_dropped, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_orders_outside_of_a_session_are_dropped, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_open_session, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_same_seed_same_answers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
	    cmocka_unit_test(test_fault_words),
	    cmocka_unit_test(test_seal_and_open),
	};

	return cmocka_run_group_tests_name("bmc_ipmi", tests, NULL, NULL);
}
