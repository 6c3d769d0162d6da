/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of simulated BMCs. Loopback only. */
#include "cloudsim/bmc_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int bmc_udp_open(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct osha_err *reterr)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
	socklen_t len = sizeof(sa);
	int fd;

	if (inet_pton(AF_INET, address, &sa.sin_addr) != 1 || ntohl(sa.sin_addr.s_addr) >> 24 != 127)
		return osha_err_set(reterr, OSHA_E_USAGE, "%s: expected an address in 127.0.0.0/8", address);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, errno, "UDP socket");
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
		osha_err_set_errno(reterr, OSHA_E_IO, errno, "%s port %u", address, port);
		close(fd);
		return -OSHA_E_IO;
	}
	*ret_fd = fd;
	if (ret_port)
		*ret_port = ntohs(sa.sin_port);
	return 0;
}

bool bmc_udp_serve_one(int fd, struct bmc_ipmi *bmc)
{
	/* One byte more than is ever answered, so that a longer datagram is seen as such. */
	uint8_t in[BMC_IPMI_DATAGRAM_MAX_BYTES + 1], out[BMC_IPMI_DATAGRAM_MAX_BYTES];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
	size_t len;

	if (n < 0)
		return false;
	len = bmc_ipmi_input(bmc, in, (size_t)n, out, sizeof(out));
	if (len)
		(void)sendto(fd, out, len, 0, (struct sockaddr *)&from, from_len); /* one that cannot be sent is lost */
	return true;
}

void bmc_udp_serve(int fd, struct bmc_ipmi *bmc)
{
	for (int i = 0; i < BMC_UDP_BURST && bmc_udp_serve_one(fd, bmc); i++)
		;
}
