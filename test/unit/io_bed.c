/* SPDX-License-Identifier: Apache-2.0 */
/* See io_bed.h. The servers are plain blocking threads: what they do must not depend on the loop under test. */
#include "test/unit/io_bed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/child.h"
#include "io/file.h"

enum { BOUND_MS = 30000, PEER_TIMEOUT_S = 20 };

static void on_bound(void *arg)
{
	(void)arg;
	fail_msg("what the test waits for did not come in %d ms", BOUND_MS);
}

int bed_open(void **state)
{
	struct bed *bed = calloc(1, sizeof *bed);
	struct osha_err err = {0};
	str_copy(bed->dir, sizeof bed->dir, "/tmp/osha-test-XXXXXX");
	if (mkdtemp(bed->dir) == NULL || io_loop_create(&bed->loop, &err) < 0)
		return -1;
	if (io_http_create(bed->loop, NULL, &bed->http, &err) < 0)
		return -1;
	*state = bed;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int bed_close(void **state)
{
	struct bed *bed = *state;
	io_http_destroy(bed->http);
	io_timer_stop(&bed->bound);
	io_loop_destroy(bed->loop);
	nftw(bed->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(bed);
	return 0;
}

void bed_see(struct bed *bed)
{
	bed->seen++;
	io_loop_stop(bed->loop);
}

void bed_wait(struct bed *bed, const int *counter, int n)
{
	struct osha_err err = {0};
	io_timer_start(bed->loop, &bed->bound, BOUND_MS, 0, on_bound, bed);
	while (*counter < n)
		assert_int_equal(io_loop_run(bed->loop, &err), 0);
	io_timer_stop(&bed->bound);
}

const char *bed_path(const struct bed *bed, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", bed->dir, name);
	return buf;
}

const char *bed_launcher(void)
{
	const char *path = getenv("OSHA_TEST_LAUNCHER");
	assert_non_null(path);
	return path;
}

static void on_openssl(void *arg, const struct io_child_result *r)
{
	if (r->end != IO_CHILD_EXITED || r->code != 0)
		fail_msg("openssl: %s %d: %s", io_child_end_name(r->end), r->code, r->err);
	bed_see(arg);
}

static void openssl(struct bed *bed, const char *script)
{
	const char *argv[] = {"/bin/sh", "-euc", script, "sh", bed->dir, NULL};
	struct io_child_spec spec = {.launcher = bed_launcher(),
	    .argv = argv,
	    .inherit_env = true,
	    .uid = -1,
	    .gid = -1,
	    .deadline_ms = BOUND_MS};
	struct osha_err err = {0};
	int before = bed->seen;
	assert_int_equal(io_child_start(bed->loop, &spec, on_openssl, bed, NULL, &err), 0);
	bed_wait(bed, &bed->seen, before + 1);
	bed->seen = before;
}

void bed_make_certs(struct bed *bed)
{
	openssl(bed, "cd \"$1\"\n"
		     "new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'\n"
		     "for ca in ca other-ca; do\n"
		     "  openssl req -x509 $new -keyout $ca.key -out $ca.pem -days 2 -subj /CN=$ca\n"
		     "done\n"
		     "leaf() {\n"
		     "  openssl req $new -keyout $1.key -out $1.csr -subj /CN=$1\n"
		     "  echo \"subjectAltName=$2\" >$1.ext\n"
		     "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $1.ext "
		     "-out $1.pem\n"
		     "}\n"
		     "leaf good IP:127.0.0.1\n"
		     "leaf wrong DNS:other.example\n");
}

/* The scripted server. */

static int listen_any(uint16_t *ret_port, int backlog)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

static ssize_t peer_read(struct peer *p, char *buf, size_t size)
{
	if (p->ssl != NULL)
		return SSL_read(p->ssl, buf, (int)size);
	ssize_t n;
	do
		n = recv(p->fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

bool peer_expect(struct peer *p, const char *text)
{
	size_t want = strlen(text);
	for (;;) {
		char *at = memmem(p->in, p->n, text, want);
		if (at != NULL) {
			size_t take = (size_t)(at - p->in) + want;
			memcpy(p->taken, p->in, take);
			p->taken[take] = '\0';
			memmove(p->in, p->in + take, p->n - take);
			p->n -= take;
			return true;
		}
		if (p->n == sizeof p->in - 1)
			return false;
		ssize_t n = peer_read(p, p->in + p->n, sizeof p->in - 1 - p->n);
		if (n <= 0)
			return false;
		p->n += (size_t)n;
	}
}

bool peer_send(struct peer *p, const char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		ssize_t n = p->ssl != NULL ? SSL_write(p->ssl, text, (int)left) : send(p->fd, text, left, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return true;
}

bool peer_starttls(struct peer *p)
{
	p->ssl = SSL_new(p->server->tls);
	SSL_set_fd(p->ssl, p->fd);
	p->n = 0;
	return SSL_accept(p->ssl) == 1;
}

void peer_reset(struct peer *p)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

static void on_client_gone(void *arg)
{
	struct bed *bed = arg;
	bed->posted++;
	io_loop_stop(bed->loop);
}

void peer_await_close(struct peer *p)
{
	char buf[4096];
	while (peer_read(p, buf, sizeof buf) > 0)
		continue;
	io_loop_post(p->server->bed->loop, on_client_gone, p->server->bed);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	static __thread struct peer p;
	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 || __atomic_load_n(&s->is_stopping, __ATOMIC_SEQ_CST)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		struct timeval bound = {.tv_sec = PEER_TIMEOUT_S};
		int one = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
		__atomic_store_n(&s->current, fd, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&s->connections, 1, __ATOMIC_SEQ_CST);
		p = (struct peer){.server = s, .fd = fd};
		if (!s->is_tls_at_once || peer_starttls(&p))
			s->fn(&p);
		__atomic_store_n(&s->current, -1, __ATOMIC_SEQ_CST);
		SSL_free(p.ssl);
		close(fd);
	}
}

void server_start(struct server *s, struct bed *bed, peer_fn fn)
{
	struct ssl_ctx_st *tls = s->tls;
	bool is_tls_at_once = s->is_tls_at_once;
	*s = (struct server){.bed = bed, .fn = fn, .tls = tls, .is_tls_at_once = is_tls_at_once, .current = -1};
	s->fd = listen_any(&s->port, 16);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

void server_start_tls(struct server *s, struct bed *bed, peer_fn fn, const char *name, bool is_tls_at_once)
{
	char path[128], file[64];
	s->tls = SSL_CTX_new(TLS_server_method());
	s->is_tls_at_once = is_tls_at_once;
	snprintf(file, sizeof file, "%s.pem", name);
	assert_int_equal(
	    SSL_CTX_use_certificate_file(s->tls, bed_path(bed, file, path, sizeof path), SSL_FILETYPE_PEM), 1);
	snprintf(file, sizeof file, "%s.key", name);
	assert_int_equal(
	    SSL_CTX_use_PrivateKey_file(s->tls, bed_path(bed, file, path, sizeof path), SSL_FILETYPE_PEM), 1);
	server_start(s, bed, fn);
}

void server_stop(struct server *s)
{
	__atomic_store_n(&s->is_stopping, true, __ATOMIC_SEQ_CST);
	int current = __atomic_load_n(&s->current, __ATOMIC_SEQ_CST);
	if (current >= 0)
		shutdown(current, SHUT_RDWR);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->tls);
	s->tls = NULL;
	s->is_tls_at_once = false;
}

void deaf_open(struct deaf *d)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	d->fd = listen_any(&d->port, 0);
	at.sin_port = htons(d->port);
	for (size_t i = 0; i < sizeof d->fillers / sizeof d->fillers[0]; i++) {
		d->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(d->fillers[i], (struct sockaddr *)&at, sizeof at);
	}
}

void deaf_close(struct deaf *d)
{
	for (size_t i = 0; i < sizeof d->fillers / sizeof d->fillers[0]; i++)
		close(d->fillers[i]);
	close(d->fd);
}

uint16_t port_unused(void)
{
	uint16_t port;
	close(listen_any(&port, -1));
	return port;
}
