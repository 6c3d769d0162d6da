/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of the room io in the simulator: log lines, the control socket, files, numbers by chance, the service manager. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/file.h"
#include "io/log.h"
#include "io/notify.h"
#include "io/usock.h"
#include "test/sim/clockwork.h"
#include "test/sim/controller.h"

/* --- log --- */

static enum log_priority most = LOG_P_INFO;

int log_open(
    enum log_target target, const char *path, const char *name, enum log_priority max_priority, struct osha_err *reterr)
{
	(void)target;
	(void)path;
	(void)name;
	(void)reterr;
	most = max_priority;
	return 0;
}

int log_reopen(struct osha_err *reterr)
{
	(void)reterr;
	return 0;
}

void log_close(void)
{
}

bool log_is_on(enum log_priority priority)
{
	return priority <= most && !sim.current->is_dying;
}

void log_emit(enum log_priority priority, const char *text)
{
	if (!log_is_on(priority))
		return;
	sim_hash(text);
	controller_line(sim.current, (int)priority, text);
}

void log_printf(enum log_priority priority, const char *fmt, ...)
{
	char text[LOG_LINE_MAX_BYTES];
	va_list ap;

	if (!log_is_on(priority))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_emit(priority, text);
}

unsigned long log_dropped(void)
{
	return 0;
}

static const char *const PRIORITIES[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

const char *log_priority_name(enum log_priority priority)
{
	return (unsigned)priority < 8 ? PRIORITIES[priority] : "?";
}

int log_priority_parse(const char *name)
{
	for (int k = 0; k < 8; k++) {
		if (str_eq(PRIORITIES[k], name))
			return k;
	}
	return -1;
}

/* --- control socket --- */

struct io_usock {
	struct sim_node *node;
	io_usock_fn fn;
	void *arg;
	uint64_t asked;
};

int io_usock_create(
    struct io_loop *loop, const struct io_usock_spec *spec, struct io_usock **ret_server, struct osha_err *reterr)
{
	*ret_server = calloc(1, sizeof(**ret_server));
	if (!*ret_server)
		return osha_err_set(reterr, OSHA_E_NOMEM, "no memory");
	**ret_server = (struct io_usock){.node = sim_node_of(loop), .fn = spec->fn, .arg = spec->arg};
	(*ret_server)->node->control = *ret_server;
	return 0;
}

void io_usock_destroy(struct io_usock *server)
{
	if (server)
		server->node->control = NULL;
	free(server);
}

int io_usock_reply(struct io_usock *server, uint64_t client, const char *line, size_t size)
{
	(void)client;
	if (!server->node->is_dying)
		controller_replied(server->node, line, size);
	return 0;
}

bool io_usock_is_trusted(struct io_usock *server, uint64_t client)
{
	(void)server;
	(void)client;
	return true;
}

void io_usock_close(struct io_usock *server, uint64_t client)
{
	(void)server;
	(void)client;
}

bool controller_ask(struct sim_node *node, const char *line)
{
	struct io_usock_peer peer = {.pid = 1};

	if (!node->control || !sim_enter(node))
		return false;
	peer.client = ++node->control->asked;
	node->control->fn(node->control->arg, &peer, line, strlen(line));
	return true;
}

/* --- files: the daemon's configuration is a real file; everything below /sim is not --- */

int io_file_read(
    const char *path, size_t max_bytes, bool is_secret, char **ret_bytes, size_t *ret_size, struct osha_err *reterr)
{
	FILE *f = fopen(path, "r");
	STRBUF_AUTO struct strbuf sb = STRBUF_INIT;
	char piece[4096];
	size_t n;

	(void)is_secret;
	(void)max_bytes;
	if (!f)
		return osha_err_set(reterr, OSHA_E_NOTFOUND, "%s is not there", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		strbuf_add(&sb, piece, n);
	fclose(f);
	if (ret_size)
		*ret_size = sb.len;
	*ret_bytes = strbuf_steal(&sb);
	return *ret_bytes ? 0 : osha_err_set(reterr, OSHA_E_NOMEM, "no memory to read %s", path);
}

int io_file_write(const char *path, const void *bytes, size_t size, mode_t mode, struct osha_err *reterr)
{
	(void)bytes;
	(void)size;
	(void)mode;
	return osha_err_set(reterr, OSHA_E_IO, "%s: no file is written in a simulation", path);
}

bool io_file_exists(const char *path)
{
	return str_starts(path, "/sim/") || access(path, F_OK) == 0;
}

int io_file_remove(const char *path, struct osha_err *reterr)
{
	(void)path;
	(void)reterr;
	return 0;
}

int io_dir_make(const char *path, mode_t mode, struct osha_err *reterr)
{
	(void)path;
	(void)mode;
	(void)reterr;
	return 0;
}

int io_lock_acquire(const char *path, const char *text, struct io_lock **ret_lock, struct osha_err *reterr)
{
	(void)path;
	(void)text;
	(void)reterr;
	*ret_lock = NULL;
	return 0;
}

void io_lock_release(struct io_lock *lock)
{
	(void)lock;
}

uint64_t io_random_u64(void)
{
	return rng_next(&sim.rng);
}

int io_random(void *bytes, size_t n, struct osha_err *reterr)
{
	uint8_t *at = bytes;

	(void)reterr;
	while (n--)
		*at++ = (uint8_t)rng_next(&sim.rng);
	return 0;
}

void io_host_name(char *buf, size_t size)
{
	snprintf(buf, size, "controller-%d", (int)(sim.current - sim.node) + 1);
}

const char *io_env(const char *name)
{
	return str_eq(name, "PATH") ? "/sim" : NULL;
}

pid_t io_pid(void)
{
	return 1000 + (pid_t)sim.current->starts;
}

uid_t io_uid(void)
{
	return 0;
}

/* --- the service manager: there is none --- */

bool notify_send(const char *text)
{
	(void)text;
	return false;
}

bool notify_ready(void)
{
	return false;
}

bool notify_reloading(void)
{
	return false;
}

bool notify_stopping(void)
{
	return false;
}

bool notify_watchdog(void)
{
	return false;
}

bool notify_status(const char *text)
{
	(void)text;
	return false;
}

int64_t notify_watchdog_ms(void)
{
	return 0;
}
