/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of osha-launch: has it started, feeds and drains the pipes within their caps, and knows when all is over. Should the
 * launcher itself fall silent, a timer here ends it. How a process is started without keeping the loop waiting is child_start.c's.
 */
#include "io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/strbuf.h"
#include "io/child_start.h"

enum { READ_BYTES = 16384, READS_PER_TURN = 16, STATUS_MAX_BYTES = 64, ARGS_MAX = 1024, NUMBER_SIZE = 24 };
enum { LAUNCHER_ARGS_MAX = 24 }; /* its own, before the program's */

struct pipe_end {
	struct io_child *child;
	int fd; /* ours; -1 = closed, or not there yet */
	struct io_watch *watch;
	struct strbuf bytes;
	size_t max_bytes;
	bool is_cut;
};

/* The launcher's arguments and environment, in memory of their own: it is started when the caller's may be gone. */
struct launch {
	char *args[ARGS_MAX + 1];
	size_t argc;
	char **env;
	size_t env_n;
	bool has_failed; /* out of memory */
};

struct io_child {
	struct io_start start; /* first: child_start.c gives it back */
	struct io_loop *loop;
	struct launch *launch; /* NULL once started */
	struct io_watch *exit_watch;
	uv_timer_t killer; /* after a cancel: SIGKILL for a launcher that does not go */
	bool has_killer;
	bool is_starting; /* on its way to child_start.c and back: our memory must stay */
	bool is_running;  /* the launcher is there, or not yet buried */
	int start_errno;  /* why it never ran */
	io_child_fn fn;   /* NULL once told or cancelled */
	void *arg;
	struct pipe_end pipes[IO_START_PIPE_N];
	const char *stdin_at;
	char *stdin_bytes;
	size_t stdin_left;
	struct io_timer timer; /* the outer bound; then the wait for the pipes' end */
	int64_t start_ms;
	bool is_late;
};

static void launch_free(struct launch *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->argc; i++)
		free(l->args[i]);
	for (size_t i = 0; i < l->env_n; i++) {
		explicit_bzero(l->env[i], strlen(l->env[i])); /* it may hold a password */
		free(l->env[i]);
	}
	free(l->env);
	free(l);
}

static void on_killer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

/* Free it when neither the caller, nor the starting thread, nor a launcher needs it any more. */
static void release(struct io_child *child)
{
	if (child->fn != NULL || child->is_starting || child->is_running)
		return;
	launch_free(child->launch);
	child->launch = NULL;
	if (child->has_killer)
		uv_close((uv_handle_t *)&child->killer, on_killer_closed);
	else
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
	for (int i = 0; i < IO_START_PIPE_N; i++) {
		close_pipe(&child->pipes[i]);
		strbuf_free(&child->pipes[i].bytes);
	}
	if (child->stdin_bytes != NULL)
		explicit_bzero(child->stdin_bytes, (size_t)(child->stdin_at - child->stdin_bytes) + child->stdin_left);
	free(child->stdin_bytes);
	child->stdin_bytes = NULL;
}

static void parse_status(const struct io_child *child, struct io_child_result *ret)
{
	static const struct {
		const char *word;
		enum io_child_end end;
	} words[] = {{"exited ", IO_CHILD_EXITED}, {"signalled ", IO_CHILD_SIGNALLED}, {"deadline ", IO_CHILD_DEADLINE},
	    {"not-started ", IO_CHILD_NOT_STARTED}};
	const char *s = child->pipes[IO_START_STATUS].bytes.text;
	if (child->start_errno != 0) {
		ret->end = IO_CHILD_NOT_STARTED;
		ret->code = child->start_errno;
		return;
	}
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
	const struct pipe_end *out = &child->pipes[IO_START_OUT], *err = &child->pipes[IO_START_ERR];
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
	release(child);
}

static void finish_when_done(struct io_child *child)
{
	bool is_drained = child->pipes[IO_START_OUT].fd < 0 && child->pipes[IO_START_ERR].fd < 0 &&
			  child->pipes[IO_START_STATUS].fd < 0;
	if (child->fn != NULL && !child->is_starting && !child->is_running && is_drained)
		finish(child);
}

static void on_given_up(void *arg)
{
	finish(arg);
}

static void send_launcher(const struct io_child *child, int signum)
{
	if (child->is_running)
		pidfd_send_signal(child->start.pidfd, signum, NULL, 0);
}

/* The launcher should have ended everything by now; or it never got so far. */
static void on_outer_bound(void *arg)
{
	struct io_child *child = arg;
	if (child->is_starting && io_start_withdraw(&child->start)) {
		child->start_errno = ETIMEDOUT;
		finish(child);
		return;
	}
	child->is_late = true;
	send_launcher(child, SIGKILL);
	io_timer_start(child->loop, &child->timer, IO_CHILD_GRACE_MS, 0, on_given_up, child);
}

static void on_kill(uv_timer_t *timer)
{
	send_launcher(timer->data, SIGKILL);
}

/* Nobody waits for it any more. It may have been sent SIGTERM before; twice does no harm. */
static void end_launcher(struct io_child *child)
{
	send_launcher(child, SIGTERM);
	child->has_killer = true;
	child->killer.data = child;
	uv_timer_init(io_loop_uv(child->loop), &child->killer);
	uv_timer_start(&child->killer, on_kill, IO_CHILD_GRACE_MS, 0);
	uv_unref((uv_handle_t *)&child->killer);
}

static void on_launcher_exit(void *arg, int events)
{
	struct io_child *child = arg;
	(void)events;
	waitid(P_PIDFD, (id_t)child->start.pidfd, &(siginfo_t){0}, WEXITED | WNOHANG);
	io_watch_stop(child->exit_watch);
	close(child->start.pidfd);
	child->is_running = false;
	--*io_loop_child_count(child->loop);
	if (child->fn == NULL) {
		release(child);
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

static void add_arg(struct launch *l, const char *text)
{
	char *copy = l->argc < ARGS_MAX ? strdup(text) : NULL;
	if (copy != NULL)
		l->args[l->argc++] = copy;
	else
		l->has_failed = true;
}

static void add_option(struct launch *l, const char *name, int64_t value)
{
	char text[NUMBER_SIZE];
	snprintf(text, sizeof text, "%lld", (long long)value);
	add_arg(l, name);
	add_arg(l, text);
}

static size_t count(const char *const *list)
{
	size_t n = 0;
	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static void make_argv(struct launch *l, const struct io_child_spec *spec, int64_t end_by_ms)
{
	add_arg(l, spec->launcher != NULL ? spec->launcher : io_child_launcher_find());
	add_option(l, "--ppid", (int64_t)getpid());
	add_option(l, "--end-by-ms", end_by_ms);
	if (spec->start_by_ms > 0)
		add_option(l, "--start-by-ms", spec->start_by_ms);
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
	add_arg(l, "--");
	for (size_t i = 0; spec->argv[i] != NULL; i++)
		add_arg(l, spec->argv[i]);
}

static bool is_set_in(const char *const *env, const char *entry)
{
	size_t n = strcspn(entry, "=");
	for (; env != NULL && *env != NULL; env++)
		if (strncmp(*env, entry, n) == 0 && (*env)[n] == '=')
			return true;
	return false;
}

static void add_env(struct launch *l, const char *entry)
{
	char *copy = strdup(entry);
	if (copy != NULL)
		l->env[l->env_n++] = copy;
	else
		l->has_failed = true;
}

static void make_env(struct launch *l, const struct io_child_spec *spec)
{
	const char *const *ours = spec->inherit_env ? (const char *const *)environ : NULL;
	l->env = calloc(count(ours) + count(spec->env) + 1, sizeof *l->env);
	if (l->env == NULL) {
		l->has_failed = true;
		return;
	}
	for (; ours != NULL && *ours != NULL; ours++)
		if (!is_set_in(spec->env, *ours))
			add_env(l, *ours);
	for (size_t i = 0; i < count(spec->env); i++)
		add_env(l, spec->env[i]);
}

/* Everything of @spec that is needed later than now. */
static int copy_spec(struct io_child *child, const struct io_child_spec *spec, struct osha_err *reterr)
{
	child->start.is_stdin_null = spec->stdin_bytes == NULL || spec->stdin_size == 0;
	if (!child->start.is_stdin_null) {
		child->stdin_bytes = malloc(spec->stdin_size);
		if (child->stdin_bytes == NULL)
			return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
		memcpy(child->stdin_bytes, spec->stdin_bytes, spec->stdin_size);
		child->stdin_at = child->stdin_bytes;
		child->stdin_left = spec->stdin_size;
	}
	child->launch = calloc(1, sizeof *child->launch);
	if (child->launch == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
	make_argv(child->launch, spec, child->start_ms + spec->deadline_ms);
	make_env(child->launch, spec);
	if (child->launch->has_failed)
		return osha_err_set(reterr, OSHA_E_NOMEM, "start a program");
	child->start.argv = child->launch->args;
	child->start.env = child->launch->env;
	return 0;
}

/* A pipe that nobody can watch ends its launcher: what it would have said is unknown then. */
static void watch_pipe(struct io_child *child, enum io_start_pipe i)
{
	struct pipe_end *p = &child->pipes[i];
	bool is_in = i == IO_START_IN;
	p->watch = io_watch_start(
	    child->loop, p->fd, is_in ? IO_WRITABLE : IO_READABLE, is_in ? on_writable : on_readable, p, NULL);
	if (p->watch != NULL)
		return;
	close_pipe(p);
	send_launcher(child, SIGKILL);
}

/* The launcher runs: take it over, or end it where nobody wants it any more. */
static void take_launcher(struct io_child *child)
{
	child->is_running = true;
	if (child->fn == NULL || child->is_late)
		end_launcher(child);
	for (int i = 0; i < IO_START_PIPE_N; i++) {
		child->pipes[i].fd = child->start.pipes[i];
		if (child->fn == NULL)
			close_pipe(&child->pipes[i]);
		else if (child->pipes[i].fd >= 0)
			watch_pipe(child, (enum io_start_pipe)i);
	}
	child->exit_watch = io_watch_start(child->loop, child->start.pidfd, IO_READABLE, on_launcher_exit, child, NULL);
	if (child->exit_watch == NULL) {
		/* Out of memory: its end is waited for, which SIGKILL keeps short. */
		send_launcher(child, SIGKILL);
		waitid(P_PIDFD, (id_t)child->start.pidfd, &(siginfo_t){0}, WEXITED | WNOWAIT);
		on_launcher_exit(child, 0);
	}
}

static void on_started(struct io_start *start)
{
	struct io_child *child = (struct io_child *)start;
	child->is_starting = false;
	launch_free(child->launch);
	child->launch = NULL;
	if (start->error == 0) {
		take_launcher(child);
		return;
	}
	--*io_loop_child_count(child->loop);
	if (child->fn == NULL) {
		release(child);
		return;
	}
	if (start->pid == 0)
		child->start_errno = start->error;
	finish(child);
}

static int check_spec(const struct io_loop *loop, const struct io_child_spec *spec, struct osha_err *reterr)
{
	if (spec->argv == NULL || spec->argv[0] == NULL || strchr(spec->argv[0], '/') == NULL)
		return osha_err_set(reterr, OSHA_E_USAGE, "a program is named by its path");
	if (count(spec->argv) > ARGS_MAX - LAUNCHER_ARGS_MAX)
		return osha_err_set(reterr, OSHA_E_USAGE, "more than %d arguments", ARGS_MAX - LAUNCHER_ARGS_MAX);
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
	child->start.fn = on_started;
	child->arg = arg;
	child->start_ms = io_now_ms(loop);
	for (int i = 0; i < IO_START_PIPE_N; i++)
		child->pipes[i] = (struct pipe_end){
		    .child = child, .fd = -1, .max_bytes = i == IO_START_STATUS ? STATUS_MAX_BYTES : max_bytes};
	r = copy_spec(child, spec, reterr);
	if (r == 0)
		r = io_start_queue(loop, &child->start, reterr);
	if (r < 0) {
		let_go(child);
		release(child);
		return r;
	}
	child->fn = fn;
	child->is_starting = true;
	++*io_loop_child_count(loop);
	io_timer_start(
	    loop, &child->timer, spec->deadline_ms + IO_CHILD_TERM_MS + IO_CHILD_GRACE_MS, 0, on_outer_bound, child);
	if (ret_child != NULL)
		*ret_child = child;
	return 0;
}

void io_child_cancel(struct io_child *child)
{
	if (child == NULL)
		return;
	child->fn = NULL;
	let_go(child);
	if (child->is_starting)
		io_start_withdraw(&child->start);
	else if (child->is_running)
		end_launcher(child);
	release(child);
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
