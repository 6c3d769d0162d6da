/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the io room share: a loop with a bound, a scripted server on a thread, certificates made on the spot. */
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/http.h"
#include "io/loop.h"

struct ssl_st;
struct ssl_ctx_st;

struct bed {
	struct io_loop *loop;
	struct io_http *http;
	struct io_timer bound;
	int seen;     /* things the test waits for */
	int posted;   /* server threads that said "the client is gone" */
	char dir[64]; /* a directory of its own */
};

/* cmocka set-up and tear-down; *state is the bed. */
int bed_open(void **state);
int bed_close(void **state);
/* Count one thing and let bed_wait() look. */
void bed_see(struct bed *bed);
/* Run the loop until *counter reaches n; fails the test after 30 s. */
void bed_wait(struct bed *bed, const int *counter, int n);
/* "DIR/name" in a buffer of the caller's. */
const char *bed_path(const struct bed *bed, const char *name, char *buf, size_t size);
/* Make a CA and certificates: ca.pem, other-ca.pem, good.pem/.key (127.0.0.1), wrong.pem/.key (other.example). */
void bed_make_certs(struct bed *bed);
/* Where osha-launch is. */
const char *bed_launcher(void);

struct server;

/* One connection, as a script sees it. */
struct peer {
	struct server *server;
	int fd;
	struct ssl_st *ssl;
	char in[65536]; /* what came and was not yet taken */
	size_t n;
	char taken[65536]; /* what the last peer_expect() took, terminated */
};
typedef void (*peer_fn)(struct peer *peer);

struct server {
	int fd;
	uint16_t port;
	pthread_t thread;
	peer_fn fn;
	struct bed *bed;
	struct ssl_ctx_st *tls;
	bool is_tls_at_once;
	int connections;  /* accepted so far */
	int counted;      /* what a script counts */
	char note[65536]; /* what a script notes */
	int current;      /* fd of the connection under way */
	bool is_stopping;
};

void server_start(struct server *s, struct bed *bed, peer_fn fn);
/* Certificate DIR/name.pem for implicit TLS or peer_starttls(). */
void server_start_tls(struct server *s, struct bed *bed, peer_fn fn, const char *name, bool is_tls_at_once);
void server_stop(struct server *s);
/* Read up to and with text; false when the client went away. */
bool peer_expect(struct peer *p, const char *text);
bool peer_send(struct peer *p, const char *text);
bool peer_starttls(struct peer *p);
void peer_reset(struct peer *p);
/* Wait until the client is gone, then count it in bed->posted. */
void peer_await_close(struct peer *p);

/* A listener on loopback whose queue is full: a SYN to it gets no answer. */
struct deaf {
	int fd;
	uint16_t port;
	int fillers[8];
};
void deaf_open(struct deaf *d);
void deaf_close(struct deaf *d);
/* A port on which nobody listens. */
uint16_t port_unused(void);
