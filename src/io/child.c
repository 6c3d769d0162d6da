/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of osha-launch: starts it, feeds and drains the pipes within their caps, and knows when all is over. Should the launcher
 * itself fall silent, a timer here ends it.
 */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/strbuf.h"

enum { PIPE_IN = 0, PIPE_OUT, PIPE_ERR, PIPE_STATUS, PIPE_N };
enum { READ_BYTES = 16384, READS_PER_TURN = 16, STATUS_MAX_BYTES = 64, ARGS_MAX = 1024, NUMBER_SIZE = 24 };
enum { LAUNCHER_OPTIONS_MAX = 20 };

struct pipe_end {
	struct io_child *child;
	int fd; /* ours; -1 = closed */
	struct io_watch *watch;
	struct strbuf bytes;
	size_t max_bytes;
	bool is_cut;
};

struct io_child {
	struct io_loop *loop;
	uv_process_t process;
	uv_timer_t killer; /* after a cancel: SIGKILL for a launcher that does not go */
	int open_handles;
	bool is_running;
	io_child_fn fn; /* NULL once told or cancelled */
	void *arg;
	struct pipe_end pipes[PIPE_N];
	const char *stdin_at;
	char *stdin_bytes;
	size_t stdin_left;
	struct io_timer timer; /* the outer bound; then the wait for the pipes' end */
	int64_t start_ms;
	bool is_late;
};

static void on_handle_closed(uv_handle_t *handle)
{
	struct io_child *child = handle->data;
	if (--child->open_handles == 0)
		free(child);
}

static void close_pipe(struct pipe_end *p)
{
	if (p->fd < 0)
		return;
	io_watch_stop(p->watch);
	close(p->fd);
	p->fd = -1;
}

/* What the caller sees is over; the launcher may still be on its way out. */
static void let_go(struct io_child *child)
{
	io_timer_stop(&child->timer);
	for (int i = 0; i < PIPE_N; i++) {
		close_pipe(&child->pipes[i]);
		strbuf_free(&child->pipes[i].bytes);
	}
	if (child->stdin_bytes != NULL)
		explicit_bzero(child->stdin_bytes, (size_t)(child->stdin_at - child->stdin_bytes) + child->stdin_left);
	free(child->stdin_bytes);
	child->stdin_bytes = NULL;
}

static void close_handles(struct io_child *child)
{
	uv_close((uv_handle_t *)&child->process, on_handle_closed);
	uv_close((uv_handle_t *)&child->killer, on_handle_closed);
}

static void parse_status(const struct io_child *child, struct io_child_result *ret)
{
	static const struct {
		const char *word;
		enum io_child_end end;
	} words[] = {{"exited ", IO_CHILD_EXITED}, {"signalled ", IO_CHILD_SIGNALLED}, {"deadline ", IO_CHILD_DEADLINE},
	    {"not-started ", IO_CHILD_NOT_STARTED}};
	const char *s = child->pipes[PIPE_STATUS].bytes.text;
	if (s == NULL || strchr(s, '\n') == NULL) {
		ret->end = child->is_late ? IO_CHILD_DEADLINE : IO_CHILD_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!str_starts(s, words[i].word))
			continue;
		ret->end = words[i].end;
		ret->code = (int)strtol(s + strlen(words[i].word), NULL, 10);
	}
	ret->has_stragglers = strstr(s, " stragglers") != NULL;
}

static const char *text_of(const struct strbuf *sb)
{
	return sb->text != NULL ? sb->text : "";
}

static void finish(struct io_child *child)
{
	const struct pipe_end *out = &child->pipes[PIPE_OUT], *err = &child->pipes[PIPE_ERR];
	struct io_child_result result = {
	    .out = text_of(&out->bytes),
	    .out_size = out->bytes.len,
	    .out_cut = out->is_cut,
	    .err = text_of(&err->bytes),
	    .err_size = err->bytes.len,
	    .err_cut = err->is_cut,
	    .ms = io_now_ms(child->loop) - child->start_ms,
	};
	parse_status(child, &result);
	io_child_fn fn = child->fn;
	child->fn = NULL;
	fn(child->arg, &result);
	let_go(child);
	if (!child->is_running)
		close_handles(child);
}

static void finish_when_done(struct io_child *child)
{
	bool is_drained =
	    child->pipes[PIPE_OUT].fd < 0 && child->pipes[PIPE_ERR].fd < 0 && child->pipes[PIPE_STATUS].fd < 0;
	if (child->fn != NULL && !child->is_running && is_drained)
		finish(child);
}

static void on_given_up(void *arg)
{
	finish(arg);
}

/* The launcher should have ended everything by now. */
static void on_outer_bound(void *arg)
{
	struct io_child *child = arg;
	child->is_late = true;
	uv_process_kill(&child->process, SIGKILL);
	io_timer_start(child->loop, &child->timer, IO_CHILD_GRACE_MS, 0, on_given_up, child);
}

static void on_launcher_exit(uv_process_t *process, int64_t status, int signum)
{
	struct io_child *child = process->data;
	(void)status;
	(void)signum;
	io_loop_enter(child->loop);
	child->is_running = false;
	--*io_loop_child_count(child->loop);
	uv_timer_stop(&child->killer);
	if (child->fn == NULL) {
		close_handles(child);
		return;
	}
	/* Every writer is dead, so the pipes end now; a descriptor smuggled to a stranger must not keep us waiting. */
	io_timer_start(child->loop, &child->timer, IO_CHILD_GRACE_MS, 0, on_given_up, child);
	finish_when_done(child);
}

static void keep(struct pipe_end *p, const char *bytes, size_t n)
{
	size_t room = p->max_bytes - p->bytes.len;
	if (n > room) {
		p->is_cut = true;
		n = room;
	}
	strbuf_add(&p->bytes, bytes, n);
	if (p->bytes.failed)
		p->is_cut = true;
}

static void on_readable(void *arg, int events)
{
	struct pipe_end *p = arg;
	char buf[READ_BYTES];
	(void)events;
	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = read(p->fd, buf, sizeof buf);
		if (n > 0) {
			keep(p, buf, (size_t)n);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		close_pipe(p);
		finish_when_done(p->child);
		return;
	}
}

static void on_writable(void *arg, int events)
{
	struct pipe_end *p = arg;
	struct io_child *child = p->child;
	(void)events;
	ssize_t n = write(p->fd, child->stdin_at, child->stdin_left);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		child->stdin_at += n;
		child->stdin_left -= (size_t)n;
	}
	if (n <= 0 || child->stdin_left == 0)
		close_pipe(p); /* all given, or it does not want any more */
}

/* Starting. */

struct launch {
	const char *argv[ARGS_MAX];
	size_t argc;
	char numbers[LAUNCHER_OPTIONS_MAX][NUMBER_SIZE];
	size_t number_n;
	char **env;
	int theirs[PIPE_N]; /* the launcher's ends */
	bool is_stdin_null;
};

static void add_option(struct launch *l, const char *name, int64_t value)
{
	char *text = l->numbers[l->number_n++];
	snprintf(text, NUMBER_SIZE, "%lld", (long long)value);
	l->argv[l->argc++] = name;
	l->argv[l->argc++] = text;
}

static int make_argv(struct launch *l, const struct io_child_spec *spec, struct osha_err *reterr)
{
	l->argv[l->argc++] = spec->launcher != NULL ? spec->launcher : io_child_launcher_find();
	add_option(l, "--ppid", (int64_t)getpid());
	add_option(l, "--deadline-ms", spec->deadline_ms);
	if (spec->uid >= 0)
		add_option(l, "--uid", spec->uid);
	if (spec->gid >= 0)
		add_option(l, "--gid", spec->gid);
	if (spec->max_processes > 0)
		add_option(l, "--nproc", (int64_t)spec->max_processes);
	if (spec->max_memory_bytes > 0)
		add_option(l, "--as", (int64_t)spec->max_memory_bytes);
	if (spec->max_files > 0)
		add_option(l, "--nofile", (int64_t)spec->max_files);
	if (spec->max_cpu_s > 0)
		add_option(l, "--cpu", (int64_t)spec->max_cpu_s);
	l->argv[l->argc++] = "--";
	for (size_t i = 0; spec->argv[i] != NULL; i++) {
		if (l->argc == ARGS_MAX - 1)
			return osha_err_set(reterr, OSHA_E_USAGE, "more than %d arguments", ARGS_MAX);
		l->argv[l->argc++] = spec->argv[i];
	}
	return 0;
}

static size_t count(char *const *list)
{
	size_t n = 0;
	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static bool is_set_in(char *const *env, const char *entry)
{
	size_t n = strcspn(entry, "=");
	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, entry, n) == 0 && (*env)[n] == '=')
			return true;
	return false;
}

static bool make_env(struct launch *l, const struct io_child_spec *spec)
{
	char *const *given = (char *const *)spec->env;
	char **ours = spec->inherit_env ? environ : NULL;
	size_t n = 0;
	l->env = calloc(count(ours) + count(given) + 1, sizeof *l->env);
	if (l->env == NULL)
		return false;
	for (; ours != NULL && *ours != NULL; ours++)
		if (!is_set_in(given, *ours))
			l->env[n++] = *ours;
	for (; given != NULL && *given != NULL; given++)
		l->env[n++] = *given;
	return true;
}

static int open_pipes(struct io_child *child, struct launch *l, struct osha_err *reterr)
{
	for (int i = 0; i < PIPE_N; i++) {
		int fds[2];
		if (i == PIPE_IN && l->is_stdin_null)
			continue;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return osha_err_set_errno(reterr, OSHA_E_IO, errno, "pipe");
		int ours = i == PIPE_IN ? fds[1] : fds[0];
		l->theirs[i] = i == PIPE_IN ? fds[0] : fds[1];
		child->pipes[i].fd = ours;
		fcntl(ours, F_SETFL, O_NONBLOCK);
		bool is_in = i == PIPE_IN;
		child->pipes[i].watch = io_watch_start(child->loop, ours, is_in ? IO_WRITABLE : IO_READABLE,
		    is_in ? on_writable : on_readable, &child->pipes[i], reterr);
		if (child->pipes[i].watch == NULL)
			return -OSHA_E_IO;
	}
	return 0;
}

static int spawn(struct io_child *child, struct launch *l, struct osha_err *reterr)
{
	uv_stdio_container_t stdio[PIPE_N];
	for (int i = 0; i < PIPE_N; i++)
		stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = l->theirs[i]};
	if (l->is_stdin_null)
		stdio[PIPE_IN].flags = UV_IGNORE;
	uv_process_options_t options = {
	    .exit_cb = on_launcher_exit,
	    .file = l->argv[0],
	    .args = (char **)(uintptr_t)l->argv, /* libuv only reads them */
	    .env = l->env,
	    .flags = UV_PROCESS_DETACHED, /* a session of its own: ^C at our terminal is not for it */
	    .stdio_count = PIPE_N,
	    .stdio = stdio,
	};
	uv_timer_init(io_loop_uv(child->loop), &child->killer);
	child->open_handles = 2;
	child->killer.data = child->process.data = child;
	int r = uv_spawn(io_loop_uv(child->loop), &child->process, &options);
	if (r < 0)
		return osha_err_set(reterr, OSHA_E_IO, "start %s: %s", l->argv[0], uv_strerror(r));
	child->is_running = true;
	++*io_loop_child_count(child->loop);
	return 0;
}

static int start_with(
    struct io_child *child, struct launch *l, const struct io_child_spec *spec, struct osha_err *reterr)
{
	l->is_stdin_null = spec->stdin_bytes == NULL || spec->stdin_size == 0;
	if (!l->is_stdin_null) {
		child->stdin_bytes = malloc(spec->stdin_size);
		if (child->stdin_bytes == NULL)
			return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
		memcpy(child->stdin_bytes, spec->stdin_bytes, spec->stdin_size);
		child->stdin_at = child->stdin_bytes;
		child->stdin_left = spec->stdin_size;
	}
	int r = make_argv(l, spec, reterr);
	if (r == 0 && !make_env(l, spec))
		r = osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
	if (r == 0)
		r = open_pipes(child, l, reterr);
	return r == 0 ? spawn(child, l, reterr) : r;
}

static int check_spec(const struct io_loop *loop, const struct io_child_spec *spec, struct osha_err *reterr)
{
	if (spec->argv == NULL || spec->argv[0] == NULL || strchr(spec->argv[0], '/') == NULL)
		return osha_err_set(reterr, OSHA_E_USAGE, "a program is named by its path");
	if (spec->deadline_ms <= 0)
		return osha_err_set(reterr, OSHA_E_USAGE, "a program needs a deadline");
	if (spec->stdin_size > IO_CHILD_STDIN_MAX_BYTES)
		return osha_err_set(reterr, OSHA_E_USAGE, "more than %d bytes for stdin", IO_CHILD_STDIN_MAX_BYTES);
	if (*io_loop_child_count((struct io_loop *)(uintptr_t)loop) >= IO_CHILD_MAX)
		return osha_err_set(reterr, OSHA_E_FULL, "%d programs are running", IO_CHILD_MAX);
	return 0;
}

int io_child_start(struct io_loop *loop, const struct io_child_spec *spec, io_child_fn fn, void *arg,
    struct io_child **ret_child, struct osha_err *reterr)
{
	int r = check_spec(loop, spec, reterr);
	if (r < 0)
		return r;
	struct io_child *child = calloc(1, sizeof *child);
	if (child == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
	size_t max_bytes = spec->output_max_bytes > 0 ? spec->output_max_bytes : IO_CHILD_OUTPUT_BYTES;
	child->loop = loop;
	child->fn = fn;
	child->arg = arg;
	child->start_ms = io_now_ms(loop);
	for (int i = 0; i < PIPE_N; i++)
		child->pipes[i] = (struct pipe_end){
		    .child = child, .fd = -1, .max_bytes = i == PIPE_STATUS ? STATUS_MAX_BYTES : max_bytes};
	struct launch l = {.theirs = {-1, -1, -1, -1}};
	r = start_with(child, &l, spec, reterr);
	free(l.env);
	for (int i = 0; i < PIPE_N; i++)
		if (l.theirs[i] >= 0)
			close(l.theirs[i]);
	if (r < 0) {
		let_go(child);
		if (child->open_handles > 0)
			close_handles(child);
		else
			free(child);
		return r;
	}
	io_timer_start(
	    loop, &child->timer, spec->deadline_ms + IO_CHILD_TERM_MS + IO_CHILD_GRACE_MS, 0, on_outer_bound, child);
	if (ret_child != NULL)
		*ret_child = child;
	return 0;
}

static void on_kill(uv_timer_t *timer)
{
	struct io_child *child = timer->data;
	uv_process_kill(&child->process, SIGKILL);
}

void io_child_cancel(struct io_child *child)
{
	if (child == NULL)
		return;
	child->fn = NULL;
	let_go(child);
	if (!child->is_running) {
		close_handles(child);
		return;
	}
	uv_process_kill(&child->process, SIGTERM);
	uv_timer_start(&child->killer, on_kill, IO_CHILD_GRACE_MS, 0);
	uv_unref((uv_handle_t *)&child->killer);
}

const char *io_child_launcher_find(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "/osha-launch");
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;
	if (slash != NULL) {
		memcpy(slash, "/osha-launch", sizeof "/osha-launch");
		if (access(path, X_OK) == 0)
			return path;
	}
	return OSHA_LAUNCH_PATH;
}

const char *io_child_end_name(enum io_child_end end)
{
	static const char *const names[IO_CHILD_END_N] = {"unknown", "exited", "signalled", "deadline", "not-started"};
	return (unsigned)end < IO_CHILD_END_N ? names[end] : "?";
}
