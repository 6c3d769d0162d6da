/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes: one TCP connect each, or one ICMP echo on a socket that all share. What the kernel says is turned into alive, silent or unknown.
 *
 * Thousands a second cost what the kernel takes for them. So a socket that connected is disconnected and used again: two system calls a probe
 * instead of five. And the last word of the handshake is put off: the host has answered by then, and we end the connection with RST before
 * it stands on the other side. The probed service is not woken, accepts nothing and has nothing to log; no port is left in TIME_WAIT.
 * The sockets stand in one epoll set of the prober's own, edge-triggered, for as long as they live; the loop watches that.
 */
#include "io/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/address.h"
#include "io/probe_icmp.h"

enum {
	BATCH_MAX = 128, /* answers taken from the kernel at once */
	ROUNDS_MAX = 16, /* batches in one turn */
	IDLE_MAX = 256,  /* sockets kept for the next probes, of each family */
};

struct connector {
	int fd;
	int family;
	struct io_probe *probe; /* NULL: it is idle */
	struct connector *next; /* idle ones */
};

struct idle {
	struct connector *first;
	size_t n;
};

struct io_prober {
	struct io_loop *loop;
	int connects; /* epoll set of the sockets, its events' data their connectors */
	struct io_watch *watch;
	struct epoll_event batch[BATCH_MAX];
	int batch_n;
	struct idle idle_v4, idle_v6;
	struct io_names *names;
	struct probe_icmp *icmp; /* NULL: not wanted */
	struct io_probe *probes;
	size_t n;
};

struct io_probe {
	struct io_name_waiter waiter; /* first: address.c gives it back */
	struct probe_echo echo;
	struct io_prober *prober;
	struct io_probe *next, *prev;
	enum io_probe_kind kind;
	uint16_t port;
	io_probe_fn fn;
	void *arg;
	struct io_timer timer; /* the timeout, or the answer that must not come from inside start */
	int64_t sent_us;
	bool is_last_look;
	struct connector *connector; /* NULL: none is needed, or yet */
	enum io_probe_outcome outcome;
	char detail[96];
};

static int64_t boot_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void unlink_probe(struct io_probe *p)
{
	struct io_prober *prober = p->prober;
	if (p->next != NULL)
		p->next->prev = p->prev;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		prober->probes = p->next;
	prober->n--;
}

/* Connectors. */

static int disconnect(const struct connector *c)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	return connect(c->fd, &nobody, sizeof nobody);
}

static void connector_free(struct io_prober *prober, struct connector *c)
{
	if (c == NULL)
		return;
	/* The batch at hand may hold an answer to it. */
	for (int i = 0; i < prober->batch_n; i++)
		if (prober->batch[i].data.ptr == c)
			prober->batch[i].data.ptr = NULL;
	/* Closing alone takes it out of the set only when nobody else has it, and a process being started does, until it executes. */
	(void)epoll_ctl(prober->connects, EPOLL_CTL_DEL, c->fd, NULL);
	disconnect(c); /* it may have connected just now */
	close(c->fd);
	free(c);
}

static struct idle *idle_of(struct io_prober *prober, int family)
{
	return family == AF_INET ? &prober->idle_v4 : &prober->idle_v6;
}

/* Only one whose connect was answered may be used again: an error that the kernel keeps for later is forgotten when something is
 * acknowledged, and not before; it would speak for the next host. */
static void connector_rest(struct io_prober *prober, struct connector *c)
{
	struct idle *idle = idle_of(prober, c->family);
	c->probe = NULL;
	if (idle->n == IDLE_MAX || disconnect(c) < 0) {
		connector_free(prober, c);
		return;
	}
	c->next = idle->first;
	idle->first = c;
	idle->n++;
}

static struct connector *connector_take(struct io_prober *prober, int family)
{
	struct idle *idle = idle_of(prober, family);
	struct connector *c = idle->first;
	if (c != NULL) {
		idle->first = c->next;
		idle->n--;
	}
	return c;
}

static void connectors_free(struct io_prober *prober, int family)
{
	struct connector *c;
	while ((c = connector_take(prober, family)) != NULL)
		connector_free(prober, c);
}

/* tcp(7) promises this for listeners alone; on a socket that connects, Linux waits with its acknowledgement of the answer for data of ours, or
 * 200 ms. Where it does not, the service sees a connection that is reset at once. */
static void acknowledge_late(int fd)
{
	int seconds = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds);
}

/* Returns an errno. */
static int connector_create(struct io_prober *prober, int family, struct connector **ret_connector)
{
	struct connector *c = calloc(1, sizeof *c);
	if (c == NULL)
		return ENOMEM;
	c->family = family;
	c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event wanted = {.events = EPOLLOUT | EPOLLET, .data.ptr = c};
	if (c->fd < 0 || epoll_ctl(prober->connects, EPOLL_CTL_ADD, c->fd, &wanted) < 0) {
		int e = errno;
		if (c->fd >= 0)
			close(c->fd);
		free(c);
		return e;
	}
	acknowledge_late(c->fd);
	*ret_connector = c;
	return 0;
}

void io_probe_cancel(struct io_probe *p)
{
	if (p == NULL)
		return;
	io_name_forget(&p->waiter);
	io_timer_stop(&p->timer);
	probe_icmp_forget(&p->echo);
	connector_free(p->prober, p->connector);
	unlink_probe(p);
	free(p);
}

static void answer(struct io_probe *p, enum io_probe_outcome outcome, const char *detail)
{
	struct io_probe_answer a = {.outcome = outcome, .detail = detail};
	char copy[sizeof p->detail];
	if (outcome == IO_PROBE_ALIVE)
		a.rtt_us = boot_us() - p->sent_us;
	if (detail == p->detail) {
		str_copy(copy, sizeof copy, detail);
		a.detail = copy;
	}
	io_probe_fn fn = p->fn;
	void *arg = p->arg;
	io_probe_cancel(p);
	fn(arg, &a);
}

static void on_later(void *arg)
{
	struct io_probe *p = arg;
	answer(p, p->outcome, p->detail);
}

static void answer_later(struct io_probe *p, enum io_probe_outcome outcome, const char *detail)
{
	p->outcome = outcome;
	str_copy(p->detail, sizeof p->detail, detail);
	io_timer_start(p->prober->loop, &p->timer, 0, 0, on_later, p);
}

/* What an error of connect() or sendto() says about the host. Only what another machine must have said counts for or against it. */
static enum io_probe_outcome outcome_of_errno(int e)
{
	switch (e) {
	case 0:
	case ECONNREFUSED:
	case ECONNRESET:
		return IO_PROBE_ALIVE;
	case ETIMEDOUT:
	case EHOSTUNREACH: /* no answer to ARP, or the last router says so */
	case EHOSTDOWN:
		return IO_PROBE_SILENT;
	default: /* ENETUNREACH, EMFILE, EPERM, EADDRNOTAVAIL, ENOBUFS, ...: we could not ask */
		return IO_PROBE_UNKNOWN;
	}
}

static const char *detail_of_errno(int e)
{
	if (e == 0)
		return "connected";
	return e == ECONNREFUSED || e == ECONNRESET ? "refused" : strerror(e);
}

static void on_connect(struct io_probe *p, uint32_t events)
{
	int e = 0;
	socklen_t size = sizeof e;
	/* Writable and nothing else is a connection that stands. */
	if (events != EPOLLOUT && getsockopt(p->connector->fd, SOL_SOCKET, SO_ERROR, &e, &size) < 0)
		e = errno;
	if (events == EPOLLOUT) {
		connector_rest(p->prober, p->connector);
		p->connector = NULL;
	}
	str_copy(p->detail, sizeof p->detail, detail_of_errno(e));
	answer(p, outcome_of_errno(e), p->detail);
}

/* An event tells how the socket stands now, not how it stood when it was woken: what comes of disconnecting one is either seen while it is
 * idle, or not at all once it connects again. */
static void on_connects(void *arg, int events)
{
	struct io_prober *prober = arg;
	(void)events;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		prober->batch_n = epoll_wait(prober->connects, prober->batch, BATCH_MAX, 0);
		for (int i = 0; i < prober->batch_n; i++) {
			const struct connector *c = prober->batch[i].data.ptr;
			if (c != NULL && c->probe != NULL)
				on_connect(c->probe, prober->batch[i].events);
		}
		if (prober->batch_n <= 0)
			break;
	}
	prober->batch_n = 0;
}

static void start_tcp(struct io_probe *p, union io_address *to)
{
	int family = to->any.sa_family;
	socklen_t size = family == AF_INET ? sizeof to->v4 : sizeof to->v6;
	p->connector = connector_take(p->prober, family);
	int e = p->connector == NULL ? connector_create(p->prober, family, &p->connector) : 0;
	if (e != 0) {
		answer_later(p, IO_PROBE_UNKNOWN, strerror(e));
		return;
	}
	if (family == AF_INET)
		to->v4.sin_port = htons(p->port);
	else
		to->v6.sin6_port = htons(p->port);
	e = connect(p->connector->fd, &to->any, size) == 0 ? 0 : errno;
	if (e == EINPROGRESS)
		p->connector->probe = p; /* else the answer is known, whatever the set says of the socket */
	else
		answer_later(p, outcome_of_errno(e), detail_of_errno(e));
}

static void on_echo(struct probe_echo *echo)
{
	answer(echo->owner, IO_PROBE_ALIVE, "echo reply");
}

static void start_icmp(struct io_probe *p, const union io_address *to)
{
	p->echo.owner = p;
	p->echo.fn = on_echo;
	int e = probe_icmp_send(p->prober->icmp, &p->echo, to);
	if (e != 0)
		answer_later(
		    p, outcome_of_errno(e) == IO_PROBE_SILENT ? IO_PROBE_SILENT : IO_PROBE_UNKNOWN, strerror(e));
}

static void start_at(struct io_probe *p, const union io_address *address)
{
	union io_address to = *address;
	p->sent_us = boot_us();
	if (p->kind == IO_PROBE_TCP)
		start_tcp(p, &to);
	else
		start_icmp(p, &to);
}

static void on_timeout(void *arg)
{
	struct io_probe *p = arg;
	/* After a stall of our own, answers that came in time lie in the sockets still: they are read in this turn, we ask in the next. */
	if (!p->is_last_look) {
		p->is_last_look = true;
		io_timer_start(p->prober->loop, &p->timer, 0, 0, on_timeout, p);
		return;
	}
	/* Not knowing the name says nothing of the host. */
	if (p->sent_us == 0)
		answer(p, IO_PROBE_UNKNOWN, "name not resolved in time");
	else
		answer(p, IO_PROBE_SILENT, "no answer");
}

static void on_name(struct io_name_waiter *waiter, const union io_address *address, const char *error)
{
	struct io_probe *p = (struct io_probe *)waiter;
	if (address != NULL)
		start_at(p, address);
	else
		answer_later(p, IO_PROBE_UNKNOWN, error);
}

static void find_address(struct io_probe *p, const char *addr)
{
	union io_address address;
	const char *error = "too many names";
	int r =
	    io_address_parse(addr, &address) ? 0 : io_name_find(p->prober->names, addr, &p->waiter, &address, &error);
	if (r == 0)
		start_at(p, &address);
	else if (r < 0)
		answer_later(p, IO_PROBE_UNKNOWN, error);
}

int io_probe_start(struct io_prober *prober, const struct io_probe_spec *spec, io_probe_fn fn, void *arg,
    struct io_probe **ret_probe, struct osha_err *reterr)
{
	const char *addr = spec->addr;
	if (addr == NULL || addr[0] == '\0' || spec->timeout_ms <= 0 || (spec->kind == IO_PROBE_TCP && spec->port == 0))
		return osha_err_set(reterr, OSHA_E_USAGE, "probe: address, port or timeout missing");
	if (spec->kind == IO_PROBE_ICMP && prober->icmp == NULL)
		return osha_err_set(reterr, OSHA_E_USAGE, "probe: made without ICMP");
	if (prober->n >= IO_PROBE_MAX)
		return osha_err_set(reterr, OSHA_E_FULL, "%d probes are under way", IO_PROBE_MAX);
	struct io_probe *p = calloc(1, sizeof *p);
	if (p == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "probe %s", addr);
	p->prober = prober;
	p->kind = spec->kind;
	p->port = spec->port;
	p->fn = fn;
	p->arg = arg;
	p->waiter.fn = on_name;
	p->next = prober->probes;
	if (p->next != NULL)
		p->next->prev = p;
	prober->probes = p;
	prober->n++;
	io_timer_start(prober->loop, &p->timer, spec->timeout_ms, 0, on_timeout, p);
	find_address(p, addr);
	if (ret_probe != NULL)
		*ret_probe = p;
	return 0;
}

static int connects_open(struct io_prober *prober, struct osha_err *reterr)
{
	prober->connects = epoll_create1(EPOLL_CLOEXEC);
	if (prober->connects < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "make the prober");
	prober->watch = io_watch_start(prober->loop, prober->connects, IO_READABLE, on_connects, prober, reterr);
	return prober->watch == NULL ? -OSHA_E_IO : 0;
}

int io_prober_create(struct io_loop *loop, bool needs_icmp, struct io_prober **ret_prober, struct osha_err *reterr)
{
	struct io_prober *prober = calloc(1, sizeof *prober);
	if (prober == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the prober");
	prober->loop = loop;
	int r = connects_open(prober, reterr);
	if (r == 0)
		r = io_names_create(loop, &prober->names, reterr);
	if (r == 0 && needs_icmp)
		r = probe_icmp_create(loop, &prober->icmp, reterr);
	if (r < 0) {
		io_prober_destroy(prober);
		return r;
	}
	*ret_prober = prober;
	return 0;
}

void io_prober_destroy(struct io_prober *prober)
{
	if (prober == NULL)
		return;
	for (struct io_probe *p = prober->probes, *next; p != NULL; p = next) {
		next = p->next;
		io_probe_cancel(p);
	}
	connectors_free(prober, AF_INET);
	connectors_free(prober, AF_INET6);
	io_watch_stop(prober->watch);
	if (prober->connects >= 0)
		close(prober->connects);
	probe_icmp_destroy(prober->icmp);
	io_names_destroy(prober->names);
	free(prober);
}
