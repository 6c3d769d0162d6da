/* SPDX-License-Identifier: Apache-2.0 */
/* See machine.h. */
#include "cloudsim/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { BACKLOG = 64 };

static void machine_address(const struct machine *m, struct sockaddr_in *ret)
{
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(m->port)};
	inet_pton(AF_INET, m->address, &ret->sin_addr);
}

static void accept_all(struct machine *m)
{
	for (;;) {
		int fd = accept4(m->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			return;
		close(fd);
	}
}

static void machine_up(uv_poll_t *poll, int status, int events)
{
	accept_all(poll->data);
}

int machine_open(struct machine *m, uv_loop_t *loop, const char *address, uint16_t port, struct osha_err *reterr)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int one = 1;

	*m = (struct machine){.fd = -1, .filler = -1, .port = port, .is_on = true};
	str_copy(m->address, sizeof(m->address), address);
	machine_address(m, &sa);
	m->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->fd < 0)
		return osha_err_set_errno(reterr, OSHA_E_NET, errno, "socket");
	setsockopt(m->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(m->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 || listen(m->fd, BACKLOG) < 0 ||
	    getsockname(m->fd, (struct sockaddr *)&sa, &len) < 0) {
		int e = errno;

		close(m->fd);
		m->fd = -1;
		return osha_err_set_errno(reterr, OSHA_E_NET, e, "listen on %s:%u", address, port);
	}
	m->port = ntohs(sa.sin_port);
	uv_poll_init(loop, &m->poll, m->fd);
	m->poll.data = m;
	uv_poll_start(&m->poll, UV_READABLE, machine_up);
	return 0;
}

static int machine_silence(struct machine *m, struct osha_err *reterr)
{
	struct sockaddr_in sa;
	struct pollfd p = {.events = POLLOUT};

	machine_address(m, &sa);
	accept_all(m);
	m->filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (m->filler < 0 || listen(m->fd, 0) < 0)
		return osha_err_set_errno(reterr, OSHA_E_NET, errno, "silence %s", m->address);
	/* on loopback the handshake is over before connect() returns; a prober that came first fills the place as well */
	if (connect(m->filler, (struct sockaddr *)&sa, sizeof(sa)) < 0 && errno == EINPROGRESS) {
		p.fd = m->filler;
		poll(&p, 1, 0);
	}
	return 0;
}

int machine_switch(struct machine *m, bool is_on, struct osha_err *reterr)
{
	if (m->fd < 0 || m->is_on == is_on)
		return 0;
	m->is_on = is_on;
	if (!is_on) {
		uv_poll_stop(&m->poll);
		return machine_silence(m, reterr);
	}
	close(m->filler);
	m->filler = -1;
	if (listen(m->fd, BACKLOG) < 0)
		return osha_err_set_errno(reterr, OSHA_E_NET, errno, "wake %s", m->address);
	accept_all(m);
	uv_poll_start(&m->poll, UV_READABLE, machine_up);
	return 0;
}

void machine_close(struct machine *m)
{
	if (m->fd < 0)
		return;
	uv_close((uv_handle_t *)&m->poll, NULL);
	close(m->fd);
	if (m->filler >= 0)
		close(m->filler);
	m->fd = m->filler = -1;
}
