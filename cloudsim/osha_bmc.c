/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osha-bmc: one simulated BMC as a process, for tests against real clients. The machine's power is the first character
 * of a file (1 or 0); a hook can be run for each change; faults are the words in another file, read anew for each
 * datagram.
 */
#include "base/strbuf.h"
#include "cloudsim/bmc_udp.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct machine {
	const char *address, *power_file, *faults_file, *hook, *password_file;
	uint16_t port;
	bool is_pending; /* an accepted order waits for its time */
	enum bmc_power_order pending;
	int64_t due_ms;
	struct bmc_ipmi_config config;
	struct bmc_ipmi *bmc;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads a small text file; returns its length, or -1. */
static ssize_t read_small(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static bool machine_is_on(void *user)
{
	const struct machine *m = user;
	char buf[8];

	return read_small(m->power_file, buf, sizeof(buf)) > 0 && buf[0] == '1';
}

/* The hook comes first: the power must not read off before the machine is. Returns false when it failed. */
static bool run_hook(const struct machine *m, bool is_on)
{
	char *argv[] = {"sh", "-c", (char *)m->hook, NULL};
	pid_t pid;
	int status = 0;

	if (!m->hook)
		return true;
	setenv("POWER", is_on ? "on" : "off", 1);
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ))
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* Readers see the old power or the new one, never an empty file. */
static bool write_power(const struct machine *m, bool is_on)
{
	char fresh[4096];
	FILE *f;

	if (machine_is_on((void *)m) == is_on)
		return true;
	if (!run_hook(m, is_on) || snprintf(fresh, sizeof(fresh), "%s.new", m->power_file) >= (int)sizeof(fresh))
		return false;
	f = fopen(fresh, "we");
	if (!f)
		return false;
	fputs(is_on ? "1\n" : "0\n", f);
	return !fclose(f) && !rename(fresh, m->power_file);
}

static uint8_t carry_out(struct machine *m, enum bmc_power_order order)
{
	bool ok = true;

	m->is_pending = false;
	if (order == BMC_POWER_OFF || order == BMC_POWER_SOFT_OFF || order == BMC_POWER_CYCLE)
		ok = write_power(m, false);
	if (order == BMC_POWER_ON || order == BMC_POWER_CYCLE)
		ok = ok && write_power(m, true);
	return ok ? BMC_CC_OK : BMC_CC_UNSPECIFIED;
}

static uint8_t machine_ask(void *user, enum bmc_power_order order, int64_t delay_ms)
{
	struct machine *m = user;

	if (!delay_ms)
		return carry_out(m, order);
	m->is_pending = true;
	m->pending = order;
	m->due_ms = now_ms() + delay_ms;
	return BMC_CC_OK;
}

/* A file that is missing means no faults; one that cannot be parsed is said once and changes nothing. */
static void refresh_faults(struct machine *m)
{
	static bool is_told;
	char buf[1024];

	if (!m->faults_file)
		return;
	if (read_small(m->faults_file, buf, sizeof(buf)) < 0)
		buf[0] = '\0';
	if (bmc_ipmi_faults_parse(bmc_ipmi_faults(m->bmc), buf)) {
		is_told = false;
		return;
	}
	if (!is_told)
		fprintf(stderr, "osha-bmc: %s: unknown fault or value\n", m->faults_file);
	is_told = true;
}

static int serve(struct machine *m, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t wait_ms = m->is_pending ? m->due_ms - now_ms() : -1;

		if (m->is_pending && wait_ms <= 0) {
			carry_out(m, m->pending);
			continue;
		}
		if (poll(&p, 1, (int)wait_ms) < 0 && errno != EINTR)
			return 1;
		refresh_faults(m);
		if (p.revents & POLLIN)
			bmc_udp_serve_one(fd, m->bmc); /* one: an order in it may bring other faults for the next */
	}
}

static const char usage[] =
    "osha-bmc: a simulated IPMI 2.0 BMC on loopback\n"
    "  --address A        address in 127.0.0.0/8 [127.0.0.1]\n"
    "  --port P           UDP port, 0 picks one [0]\n"
    "  --power-file F     the machine's power: 1 or 0 (required)\n"
    "  --faults-file F    words that switch faults, read for each datagram: dead stays-on refuse-repeat "
    "wrong-password\n"
    "                     busy no-suite-3 no-suite-17 garble delay=MS lost=N/M privilege=user|operator\n"
    "  --hook CMD         shell command run before each change, with POWER=on or off\n"
    "  --username U       [admin]\n"
    "  --password-file F  its first line; without it the environment's OSHA_BMC_PASSWORD\n"
    "The BMC key (Kg), where it has one, is OSHA_BMC_KG in the environment, in hexadecimal.\n"
    "Prints \"ready ADDRESS PORT\" once it answers.\n";

static int parse_options(struct machine *m, int argc, char **argv)
{
	static const struct option longs[] = {{"address", required_argument, NULL, 'a'},
	    {"port", required_argument, NULL, 'p'}, {"power-file", required_argument, NULL, 'f'},
	    {"faults-file", required_argument, NULL, 'x'}, {"hook", required_argument, NULL, 'k'},
	    {"username", required_argument, NULL, 'l'}, {"password-file", required_argument, NULL, 's'},
	    {"help", no_argument, NULL, 'h'}, {0}};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'a')
			m->address = optarg;
		else if (c == 'p')
			m->port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (c == 'f')
			m->power_file = optarg;
		else if (c == 'x')
			m->faults_file = optarg;
		else if (c == 'k')
			m->hook = optarg;
		else if (c == 'l')
			ok = str_copy(m->config.username, sizeof(m->config.username), optarg);
		else if (c == 's')
			m->password_file = optarg;
		else
			ok = false;
	}
	return ok && optind == argc && m->power_file ? 0 : -OSHA_E_USAGE;
}

static int read_password(struct machine *m, struct osha_err *reterr)
{
	char buf[256] = "";
	const char *given = getenv("OSHA_BMC_PASSWORD");

	if (m->password_file && read_small(m->password_file, buf, sizeof(buf)) < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "%s", m->password_file);
	if (!m->password_file && given)
		str_copy(buf, sizeof(buf), given);
	buf[strcspn(buf, "\r\n")] = '\0';
	if (!str_copy(m->config.password, sizeof(m->config.password), buf))
		return osha_err_set(reterr, OSHA_E_USAGE, "password: longer than 20 bytes");
	return 0;
}

/* The BMC key from OSHA_BMC_KG: pairs of hexadecimal digits. */
static int read_kg(struct machine *m, struct osha_err *reterr)
{
	const char *given = getenv("OSHA_BMC_KG");

	for (; given && given[0]; given += 2) {
		char pair[3] = {given[0], given[1], '\0'};

		if (m->config.kg_bytes == sizeof(m->config.kg) || strspn(pair, "0123456789abcdefABCDEF") != 2)
			return osha_err_set(
			    reterr, OSHA_E_USAGE, "OSHA_BMC_KG: expected up to 20 bytes in hexadecimal");
		m->config.kg[m->config.kg_bytes++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return 0;
}

/* GUID and seed from the address and the port, so that each BMC has its own and the same one again. */
static void set_identity(struct machine *m)
{
	uint64_t x = 0xcbf29ce484222325u;

	for (const char *s = m->address; *s; s++)
		x = (x ^ (uint8_t)*s) * 0x100000001b3u;
	x = (x ^ m->port) * 0x100000001b3u;
	for (size_t i = 0; i < sizeof(m->config.guid); i++)
		m->config.guid[i] = (uint8_t)(x >> (8 * (i % 8)));
	m->config.seed = x ^ (uint64_t)getpid() << 32;
}

int main(int argc, char **argv)
{
	struct machine m = {.address = "127.0.0.1", .config = {.username = "admin"}};
	struct osha_err err = {0};
	int fd = -1, rc;

	if (parse_options(&m, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	rc = read_password(&m, &err);
	if (!rc)
		rc = read_kg(&m, &err);
	if (!rc)
		rc = bmc_udp_open(m.address, m.port, &fd, &m.port, &err);
	if (rc) {
		fprintf(stderr, "osha-bmc: %s\n", err.msg);
		return 1;
	}
	set_identity(&m);
	m.config.is_on = machine_is_on;
	m.config.power_ask = machine_ask;
	m.config.user = &m;
	m.bmc = bmc_ipmi_new(&m.config);
	if (!m.bmc)
		return 1;
	printf("ready %s %u\n", m.address, m.port);
	fflush(stdout);
	rc = serve(&m, fd);
	bmc_ipmi_free(m.bmc);
	return rc;
}
