/* SPDX-License-Identifier: Apache-2.0 */
/* As many monitors as there may be and as many hosts as there is room for: the last of each counts, and nothing behind them is looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/engine_bed.h"

enum {
	HOSTS = 16, /* engine_create() makes room for so many, and bed_new() for two more than it adds */
	LAST = HOSTS - 1,
	LAST_MONITOR = MONITOR_MAX - 1,
	WIDE = 20, /* a mass limit above the number of hosts */
};

static void one_says(struct bed *b, uint32_t host, uint32_t monitor, enum sign sign)
{
	struct engine_evidence one = {host, monitor, sign, b->now_ms, b->now_ms + 3600000};
	struct engine_event ev = {.type = ENGINE_EVIDENCE, .evidence = {&one, 1}};

	bed_event(b, &ev, NULL);
}

static void all_say(struct bed *b, uint32_t host, enum sign sign)
{
	for (uint32_t m = 0; m < MONITOR_MAX; m++)
		one_says(b, host, m, sign);
}

/* Every host in a segment of its own; their policies ask every monitor, by every bit that a policy has. */
static struct bed *full(uint32_t mass_hosts_n)
{
	static const char *const names[MONITOR_MAX] = {"nova", "m1", "m2", "m3", "m4", "m5", "m6", "m7"};
	struct engine_options o = engine_options_default();
	struct bed *b;
	char name[HOST_NAME_SIZE];

	o.monitor_n = MONITOR_MAX;
	memcpy(o.monitor_name, names, sizeof(names));
	o.mass_hosts_n = mass_hosts_n;
	b = bed_new(HOSTS - 2, &o);
	for (uint32_t k = 0; k < HOSTS; k++) {
		struct host_policy p = bed_policy(k);

		snprintf(name, sizeof(name), "h%u", k + 1);
		assert_int_equal(engine_host_add(b->e, name), k);
		p.must_be_dead = UINT32_MAX;
		p.segment = k;
		engine_host_set_policy(b->e, k, &p);
		all_say(b, k, SIGN_ALIVE);
	}
	assert_int_equal(engine_host_add(b->e, "one-more"), UINT32_MAX);
	return b;
}

static void the_last_monitor_counts_like_the_first(void **state)
{
	struct bed *b = full(2);
	struct host *h = &b->e->hosts[LAST];
	int64_t ms[SILENCES_MAX];

	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_UP);
	assert_true(host_is_seen_up(b->e, h, b->now_ms));
	assert_int_equal(host_silences(b->e, h, b->now_ms, ms), 0);
	one_says(b, LAST, LAST_MONITOR, SIGN_UNKNOWN);
	assert_false(host_is_seen_up(b->e, h, b->now_ms));
	one_says(b, LAST, LAST_MONITOR, SIGN_DEAD);
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_DEGRADED);
	assert_int_equal(host_silences(b->e, h, b->now_ms, ms), 1);
	assert_int_equal(host_silent_paths(b->e, h, b->now_ms), 1u << LAST_MONITOR);
	h->reported_ms = b->now_ms;
	assert_int_equal(host_mistaken_ms(b->e, h, b->now_ms + 1000 + b->o.service_down_time_ms), 0);
	all_say(b, LAST, SIGN_DEAD);
	one_says(b, LAST, LAST_MONITOR, SIGN_ALIVE);
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_DEGRADED);
	one_says(b, LAST, LAST_MONITOR, SIGN_DEAD);
	assert_int_equal(host_verdict(b->e, h, b->now_ms, 0), VERDICT_DOWN);
	assert_int_equal(host_silences(b->e, h, b->now_ms, ms), MONITOR_MAX + 1); /* and as a whole */
	assert_int_equal(host_silent_paths(b->e, h, b->now_ms), (1u << MONITOR_MAX) - 1);
	bed_free(b);
}

static void a_record_has_room_for_the_first_of_them(void **state)
{
	struct bed *b = full(2);
	struct host *h = &b->e->hosts[LAST];
	struct recovery_record weighed = {.instance_n = 7};

	host_weigh(b->e, h, 0, &weighed);
	assert_string_equal(weighed.sightings[0].monitor, "nova");
	assert_string_equal(weighed.sightings[SIGHTING_MAX - 1].monitor, "m3");
	h->policy.must_be_dead = 1u << LAST_MONITOR;
	host_weigh(b->e, h, 0, &weighed);
	assert_string_equal(weighed.sightings[0].monitor, "m7");
	assert_string_equal(weighed.sightings[SIGHTING_MAX - 1].monitor, "m2");
	assert_int_equal(weighed.instance_n, 7);
	bed_free(b);
}

/* All but the first host are dead to the last monitor, one after the other. */
static struct bed *last_monitor_misses(uint32_t from)
{
	struct bed *b = full(WIDE);

	all_say(b, 0, SIGN_DEAD);
	for (uint32_t k = from; k < HOSTS; k++) {
		b->now_ms += 2 * b->o.service_down_time_ms;
		one_says(b, k, LAST_MONITOR, SIGN_DEAD);
	}
	return b;
}

static void the_breaker_weighs_every_monitor_and_host(void **state)
{
	struct bed *b = full(2);

	all_say(b, 0, SIGN_DEAD);
	bed_breaker_says(b, NULL);
	b = full(2);
	all_say(b, 0, SIGN_DEAD);
	all_say(b, LAST - 1, SIGN_DEAD);
	all_say(b, LAST, SIGN_DEAD);
	bed_breaker_says(b, "3 of 16 hosts went silent");
	bed_breaker_says(last_monitor_misses(1), "monitor m7 calls 16 of 16 hosts dead and nova does not");
	bed_breaker_says(last_monitor_misses(2), "monitor m7 calls 15 of 16 hosts dead and nova does not");
	bed_breaker_says(last_monitor_misses(3), NULL);
}

/* Nothing was heard since the daemon stood still, but from the first host. */
static void the_last_host_is_waited_for_too(void **state)
{
	struct engine_event stalled = {.type = ENGINE_STALLED, .stall_ms = 900};
	struct bed *b = full(1);

	all_say(b, 0, SIGN_DEAD);
	b->now_ms += 1000;
	bed_event(b, &stalled, NULL);
	for (uint32_t k = 0; k < LAST; k++)
		all_say(b, k, k ? SIGN_ALIVE : SIGN_DEAD);
	for (uint32_t m = 0; m < MONITOR_MAX; m++) {
		assert_true(breaker_is_early(b->e, &b->e->hosts[0], b->now_ms));
		one_says(b, LAST, m, SIGN_ALIVE);
	}
	assert_false(breaker_is_early(b->e, &b->e->hosts[0], b->now_ms));
	bed_free(b);
}

/* Numbers behind the last one, while there is no room behind it: nothing is taken, nothing is done. */
static void nothing_is_taken_for_one_that_is_not_there(void **state)
{
	struct bed *b = full(2);
	struct service_view v = {.state = SIGN_DEAD, .updated_at_ms = 5, .forced_down = true};
	struct engine_event reads = {.type = ENGINE_DEVICE, .device = {HOSTS, 0, POWER_OFF}};
	struct host_policy p = bed_policy(LAST);

	b->store = BED_STORE_WAITS;
	one_says(b, HOSTS, 0, SIGN_DEAD);
	one_says(b, LAST, MONITOR_MAX, SIGN_DEAD);
	bed_service(b, HOSTS, &v);
	bed_event(b, &reads, NULL);
	p.must_be_dead = UINT32_MAX;
	for (p.level_n = 2; p.level_n < FENCE_LEVEL_MAX; p.level_n++)
		p.level[p.level_n] = p.level[1];
	engine_host_set_policy(b->e, LAST, &p);
	reads.device.host = LAST;
	reads.device.level = FENCE_LEVEL_MAX;
	reads.device.power = POWER_ON;
	bed_event(b, &reads, NULL);
	assert_int_equal(host_verdict(b->e, &b->e->hosts[LAST], b->now_ms, 0), VERDICT_UP);
	assert_int_equal(b->e->recovery_n, 0);
	assert_int_equal(b->waiting_n, 0);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_monitor_counts_like_the_first),
	    cmocka_unit_test(a_record_has_room_for_the_first_of_them),
	    cmocka_unit_test(the_breaker_weighs_every_monitor_and_host),
	    cmocka_unit_test(the_last_host_is_waited_for_too),
	    cmocka_unit_test(nothing_is_taken_for_one_that_is_not_there)};

	return cmocka_run_group_tests_name("engine_full", tests, NULL, NULL);
}
