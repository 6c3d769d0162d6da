/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP echo (RFC 792, RFC 4443). A raw socket hears every reply on the machine, so replies are known by a random cookie in their payload and by
 * the address they come from; identifier and sequence are only there to look right.
 */
#include "io/probe_icmp.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"

enum { BUCKETS = 4096, PACKET_BYTES = 2048, READS_PER_TURN = 16384, RECEIVE_BUFFER_BYTES = 1 << 20 };

struct icmp_socket {
	struct probe_icmp *icmp;
	int family;
	int fd; /* -1: this family is not there */
	bool is_raw;
	struct io_watch *watch;
};

struct probe_icmp {
	struct icmp_socket v4, v6;
	uint16_t id, sequence;
	struct probe_echo *buckets[BUCKETS];
};

struct echo_packet {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t id, sequence;
	uint64_t cookie;
} __attribute__((packed));

/* RFC 1071. For IPv6 the kernel does it. */
static uint16_t checksum(const struct echo_packet *p)
{
	uint16_t words[sizeof *p / 2];
	uint32_t sum = 0;
	memcpy(words, p, sizeof words);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		sum += words[i]; /* the sum is the same in either byte order, but for the order of its own bytes */
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool is_same_address(const union io_address *a, const union io_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) == 0;
}

static void take_packet(struct icmp_socket *s, const uint8_t *bytes, size_t n, const union io_address *from)
{
	struct echo_packet p;
	if (s->is_raw && s->family == AF_INET) {
		size_t header =
		    n > 0 ? (size_t)(bytes[0] & 15) * 4 : 0; /* a raw IPv4 socket hands out the IP header too */
		if (header < 20 || header > n)
			return;
		bytes += header;
		n -= header;
	}
	if (n < sizeof p)
		return;
	memcpy(&p, bytes, sizeof p);
	if (p.type != (s->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) || p.code != 0)
		return;
	for (struct probe_echo *e = s->icmp->buckets[p.cookie % BUCKETS]; e != NULL; e = e->next) {
		if (e->cookie != p.cookie || !is_same_address(&e->to, from))
			continue;
		probe_icmp_forget(e);
		e->fn(e);
		return;
	}
}

static void on_packets(void *arg, int events)
{
	struct icmp_socket *s = arg;
	uint8_t bytes[PACKET_BYTES];
	(void)events;
	for (int i = 0; i < READS_PER_TURN; i++) {
		union io_address from = {0};
		socklen_t size = sizeof from;
		ssize_t n = recvfrom(s->fd, bytes, sizeof bytes, 0, &from.any, &size);
		if (n < 0 && (errno == EAGAIN || errno == EBADF))
			return;
		if (n > 0)
			take_packet(s, bytes, (size_t)n, &from);
	}
}

static int open_socket(struct icmp_socket *s, struct probe_icmp *icmp, int family)
{
	int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	s->icmp = icmp;
	s->family = family;
	s->is_raw = true;
	s->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (s->fd < 0) {
		s->is_raw = false;
		s->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	}
	if (s->fd < 0)
		return errno;
	int bytes = RECEIVE_BUFFER_BYTES;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	/* What is not an echo reply need not wake us; take_packet() looks again all the same. */
	if (s->is_raw && family == AF_INET) {
		struct icmp_filter only_replies = {.data = ~(1U << ICMP_ECHOREPLY)};
		setsockopt(s->fd, SOL_RAW, ICMP_FILTER, &only_replies, sizeof only_replies);
	} else if (s->is_raw) {
		struct icmp6_filter only_replies;
		ICMP6_FILTER_SETBLOCKALL(&only_replies);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only_replies);
		setsockopt(s->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only_replies, sizeof only_replies);
	}
	return 0;
}

static int watch_socket(struct io_loop *loop, struct icmp_socket *s, struct osha_err *reterr)
{
	s->watch = io_watch_start(loop, s->fd, IO_READABLE, on_packets, s, reterr);
	return s->watch != NULL ? 0 : -OSHA_E_IO;
}

int probe_icmp_create(struct io_loop *loop, struct probe_icmp **ret_icmp, struct osha_err *reterr)
{
	struct probe_icmp *icmp = calloc(1, sizeof *icmp);
	if (icmp == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "make the ICMP prober");
	icmp->id = (uint16_t)io_random_u64();
	int e4 = open_socket(&icmp->v4, icmp, AF_INET);
	int e6 = open_socket(&icmp->v6, icmp, AF_INET6);
	int r = 0;
	if (e4 != 0 && e6 != 0)
		r = osha_err_set_errno(reterr, OSHA_E_REFUSED, e4,
		    "ICMP echo needs CAP_NET_RAW or a group within net.ipv4.ping_group_range");
	if (r == 0 && e4 == 0)
		r = watch_socket(loop, &icmp->v4, reterr);
	if (r == 0 && e6 == 0)
		r = watch_socket(loop, &icmp->v6, reterr);
	if (r < 0) {
		probe_icmp_destroy(icmp);
		return r;
	}
	*ret_icmp = icmp;
	return 0;
}

static void close_socket(struct icmp_socket *s)
{
	io_watch_stop(s->watch);
	if (s->fd >= 0)
		close(s->fd);
}

void probe_icmp_destroy(struct probe_icmp *icmp)
{
	if (icmp == NULL)
		return;
	close_socket(&icmp->v4);
	close_socket(&icmp->v6);
	free(icmp);
}

int probe_icmp_send(struct probe_icmp *icmp, struct probe_echo *echo, const union io_address *to)
{
	bool is_v4 = to->any.sa_family == AF_INET;
	const struct icmp_socket *s = is_v4 ? &icmp->v4 : &icmp->v6;
	if (s->fd < 0)
		return EAFNOSUPPORT;
	echo->cookie = io_random_u64();
	echo->to = *to;
	struct echo_packet p = {.type = is_v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
	    .id = htons(icmp->id),
	    .sequence = htons(icmp->sequence++),
	    .cookie = echo->cookie};
	p.checksum = is_v4 ? checksum(&p) : 0;
	if (sendto(s->fd, &p, sizeof p, 0, &to->any, is_v4 ? sizeof to->v4 : sizeof to->v6) < 0)
		return errno;
	echo->icmp = icmp;
	struct probe_echo **bucket = &icmp->buckets[echo->cookie % BUCKETS];
	echo->next = *bucket;
	*bucket = echo;
	return 0;
}

void probe_icmp_forget(struct probe_echo *echo)
{
	if (echo->icmp == NULL)
		return;
	struct probe_echo **at = &echo->icmp->buckets[echo->cookie % BUCKETS];
	while (*at != echo)
		at = &(*at)->next;
	*at = echo->next;
	echo->icmp = NULL;
	echo->next = NULL;
}
