/* SPDX-License-Identifier: Apache-2.0 */
/* Probes on loopback: what answers, what does not, and what we could not ask. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/probe.h"
#include "test/unit/io_bed.h"

enum { LONG_MS = 20000, MANY = 2000 };

struct got {
	struct bed *bed;
	int calls;
	enum io_probe_outcome outcome;
	int64_t rtt_us;
	char detail[128];
};

static void on_probe(void *arg, const struct io_probe_answer *a)
{
	struct got *g = arg;
	g->calls++;
	g->outcome = a->outcome;
	g->rtt_us = a->rtt_us;
	str_copy(g->detail, sizeof g->detail, a->detail);
	bed_see(g->bed);
}

static struct io_prober *prober_of(struct bed *bed, bool needs_icmp)
{
	struct io_prober *prober = NULL;
	struct osha_err err = {0};
	int r = io_prober_create(bed->loop, needs_icmp, &prober, &err);
	if (r == -OSHA_E_REFUSED)
		skip();
	assert_int_equal(r, 0);
	return prober;
}

static struct got ask(struct bed *bed, struct io_prober *prober, const struct io_probe_spec *spec)
{
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_probe_start(prober, spec, on_probe, &g, NULL, &err), 0);
	assert_int_equal(g.calls, 0);
	bed_wait(bed, &g.calls, 1);
	return g;
}

static void test_connected_and_refused_are_alive(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct server s = {0};
	server_start(&s, bed, peer_await_close);
	struct io_probe_spec spec = {"127.0.0.1", s.port, IO_PROBE_TCP, LONG_MS};
	struct got g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	assert_string_equal(g.detail, "connected");
	assert_true(g.rtt_us >= 0 && g.rtt_us < LONG_MS * 1000);
	server_stop(&s);
	spec.port = port_unused();
	spec.addr = "localhost";
	g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	assert_string_equal(g.detail, "refused");
	g = ask(bed, prober, &spec); /* from the cache */
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	io_prober_destroy(prober);
}

/* Each answer is from the address that was asked, though the sockets are used again and again. */
static void test_sockets_are_used_again(void **state)
{
	enum { ROUNDS = 60 };
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct server s = {0};
	struct deaf d;
	server_start(&s, bed, peer_await_close);
	deaf_open(&d);
	struct io_probe_spec heard = {"127.0.0.1", s.port, IO_PROBE_TCP, LONG_MS};
	struct io_probe_spec closed = {"127.0.0.2", port_unused(), IO_PROBE_TCP, LONG_MS};
	struct io_probe_spec deaf = {"127.0.0.1", d.port, IO_PROBE_TCP, 1};
	struct io_probe_spec barred = {"255.255.255.255", 9, IO_PROBE_TCP, LONG_MS};
	for (int i = 0; i < ROUNDS; i++) {
		struct got a = ask(bed, prober, &heard);
		assert_string_equal(a.detail, "connected");
		a = ask(bed, prober, i % 2 ? &closed : &deaf);
		assert_string_equal(a.detail, i % 2 ? "refused" : "no answer");
		a = ask(bed, prober, &heard);
		assert_string_equal(a.detail, "connected");
		a = ask(bed, prober, &barred);
		assert_int_equal(a.outcome, IO_PROBE_UNKNOWN);
	}
	io_prober_destroy(prober);
	/* Those of which the service heard are those after which we came 200 ms late. */
	assert_true(__atomic_load_n(&s.connections, __ATOMIC_SEQ_CST) < ROUNDS);
	server_stop(&s);
	deaf_close(&d);
}

/* Two started by the answer of another, and one of them cancelled by the next answer, which may lie in the same batch. */
struct more {
	struct got got; /* first: on_probe() takes it */
	struct io_prober *prober;
	struct io_probe_spec spec;
	struct io_probe *victim;
	int left;
};

static void on_victim(void *arg, const struct io_probe_answer *a)
{
	struct more *m = arg;
	assert_string_equal(a->detail, "connected"); /* it was first */
	m->victim = NULL;
}

static void on_probe_asks_more(void *arg, const struct io_probe_answer *a)
{
	struct more *m = arg;
	on_probe(&m->got, a);
	io_probe_cancel(m->victim);
	m->victim = NULL;
	if (m->left-- == 0)
		return;
	/* Now the one comes first, now the other. */
	if (m->left % 2)
		assert_int_equal(io_probe_start(m->prober, &m->spec, on_probe_asks_more, m, NULL, NULL), 0);
	assert_int_equal(io_probe_start(m->prober, &m->spec, on_victim, m, &m->victim, NULL), 0);
	if (!(m->left % 2))
		assert_int_equal(io_probe_start(m->prober, &m->spec, on_probe_asks_more, m, NULL, NULL), 0);
}

static void test_asked_and_cancelled_inside_an_answer(void **state)
{
	enum { ROUNDS = 200 };
	struct bed *bed = *state;
	struct server s = {0};
	server_start(&s, bed, peer_await_close);
	struct more m = {.got = {.bed = bed},
	    .prober = prober_of(bed, false),
	    .spec = {"127.0.0.1", s.port, IO_PROBE_TCP, LONG_MS},
	    .left = ROUNDS};
	assert_int_equal(io_probe_start(m.prober, &m.spec, on_probe_asks_more, &m, NULL, NULL), 0);
	bed_wait(bed, &m.got.calls, ROUNDS + 1);
	assert_string_equal(m.got.detail, "connected");
	io_prober_destroy(m.prober);
	server_stop(&s);
}

static void test_no_answer_is_silent(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct deaf d;
	deaf_open(&d);
	struct io_probe_spec spec = {"127.0.0.1", d.port, IO_PROBE_TCP, 200};
	struct got g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_SILENT);
	assert_string_equal(g.detail, "no answer");
	deaf_close(&d);
	io_prober_destroy(prober);
}

static void test_our_own_troubles_are_unknown(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	/* A broadcast address has no TCP: the kernel refuses, no packet leaves. */
	struct io_probe_spec spec = {"255.255.255.255", 9, IO_PROBE_TCP, LONG_MS};
	struct got g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_UNKNOWN);
	struct rlimit old, none;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	int next = dup(0);
	close(next);
	none = (struct rlimit){(rlim_t)next, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	spec.addr = "127.0.0.1";
	g = ask(bed, prober, &spec);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(g.outcome, IO_PROBE_UNKNOWN);
	char name[300];
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	spec.addr = name;
	g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_UNKNOWN);
	io_prober_destroy(prober);
}

static void test_icmp(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, true);
	struct io_probe_spec spec = {"127.0.0.77", 0, IO_PROBE_ICMP, LONG_MS};
	struct got g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	spec.addr = "255.255.255.255"; /* not permitted without being asked for: nothing was sent */
	g = ask(bed, prober, &spec);
	assert_int_equal(g.outcome, IO_PROBE_UNKNOWN);
	io_prober_destroy(prober);
}

static void ask_many(struct bed *bed, struct io_prober *prober, enum io_probe_kind kind)
{
	static struct got many[MANY];
	uint16_t port = port_unused();
	struct osha_err err = {0};
	memset(many, 0, sizeof many);
	int before = bed->seen;
	for (int i = 0; i < MANY; i++) {
		char addr[32];
		snprintf(addr, sizeof addr, "127.0.%d.%d", 1 + i / 250, 1 + i % 250);
		struct io_probe_spec spec = {addr, port, kind, LONG_MS};
		many[i].bed = bed;
		assert_int_equal(io_probe_start(prober, &spec, on_probe, &many[i], NULL, &err), 0);
	}
	bed_wait(bed, &bed->seen, before + MANY);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].calls, 1);
		assert_int_equal(many[i].outcome, IO_PROBE_ALIVE);
	}
}

static void test_many(void **state)
{
	struct io_prober *prober = prober_of(*state, false);
	ask_many(*state, prober, IO_PROBE_TCP);
	io_prober_destroy(prober);
	prober = prober_of(*state, true);
	ask_many(*state, prober, IO_PROBE_ICMP);
	io_prober_destroy(prober);
}

static void test_answer_in_the_socket_counts_after_a_stall(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct server s = {0};
	server_start(&s, bed, peer_await_close);
	struct io_probe_spec spec = {"127.0.0.1", s.port, IO_PROBE_TCP, 20};
	struct got g = {.bed = bed};
	struct osha_err err = {0};
	assert_int_equal(io_probe_start(prober, &spec, on_probe, &g, NULL, &err), 0);
	/* We stand still past the timeout, while the host answers. */
	int64_t end_ms = io_boot_ms() + 100;
	while (io_boot_ms() < end_ms || __atomic_load_n(&s.connections, __ATOMIC_SEQ_CST) == 0)
		continue;
	bed_wait(bed, &g.calls, 1);
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	io_prober_destroy(prober);
	server_stop(&s);
}

static void test_cancel_and_destroy(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct deaf d;
	deaf_open(&d);
	struct io_probe_spec spec = {"127.0.0.1", d.port, IO_PROBE_TCP, 1};
	struct got g = {.bed = bed}, later = {.bed = bed};
	struct io_probe *probe;
	struct osha_err err = {0};
	assert_int_equal(io_probe_start(prober, &spec, on_probe, &g, &probe, &err), 0);
	assert_int_equal(io_probe_start(prober, &spec, on_probe, &later, NULL, &err), 0);
	io_probe_cancel(probe);
	bed_wait(bed, &later.calls, 1);
	assert_int_equal(g.calls, 0);
	spec.addr = "localhost"; /* waits for its name */
	assert_int_equal(io_probe_start(prober, &spec, on_probe, &g, NULL, &err), 0);
	io_prober_destroy(prober);
	assert_int_equal(g.calls, 0);
	deaf_close(&d);
}

/* A process that is being started holds copies of our descriptors until it executes: a socket that we close then is not gone. */
static void test_cancelled_while_a_process_is_started(void **state)
{
	struct bed *bed = *state;
	struct io_prober *prober = prober_of(bed, false);
	struct server s = {0};
	server_start(&s, bed, peer_await_close);
	struct io_probe_spec spec = {"127.0.0.1", s.port, IO_PROBE_TCP, LONG_MS};
	struct got cancelled = {.bed = bed};
	struct io_probe *probe = NULL;
	int hold[2];
	assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
	assert_int_equal(io_probe_start(prober, &spec, on_probe, &cancelled, &probe, NULL), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char end;
		close(hold[1]);
		_exit(read(hold[0], &end, 1) == 0 ? 0 : 1);
	}
	assert_true(pid > 0);
	io_probe_cancel(probe);
	struct got g = ask(bed, prober, &spec); /* takes in what the set has of the cancelled one's socket */
	assert_int_equal(g.outcome, IO_PROBE_ALIVE);
	assert_int_equal(cancelled.calls, 0);
	close(hold[0]);
	close(hold[1]);
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	server_stop(&s);
	io_prober_destroy(prober);
}

static void test_malformed_probes_are_refused(void **state)
{
	struct io_prober *prober = prober_of(*state, false);
	const struct io_probe_spec specs[] = {
	    {"", 1, IO_PROBE_TCP, 1}, {"127.0.0.1", 0, IO_PROBE_TCP, 1}, {"127.0.0.1", 1, IO_PROBE_TCP, 0},
	    {"127.0.0.1", 1, IO_PROBE_ICMP, 1}, /* made without ICMP */
	};
	for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
		struct osha_err err = {0};
		assert_int_equal(io_probe_start(prober, &specs[i], on_probe, NULL, NULL, &err), -OSHA_E_USAGE);
	}
	io_prober_destroy(prober);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_connected_and_refused_are_alive, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_sockets_are_used_again, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_asked_and_cancelled_inside_an_answer, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_no_answer_is_silent, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_our_own_troubles_are_unknown, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_icmp, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_many, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_answer_in_the_socket_counts_after_a_stall, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancel_and_destroy, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_cancelled_while_a_process_is_started, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_malformed_probes_are_refused, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
