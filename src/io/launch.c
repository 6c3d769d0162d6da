/* SPDX-License-Identifier: Apache-2.0 */
/*
 * osha-launch: runs one program in a cage of time and resources, and takes all its descendants down with it. It stands between the daemon and
 * the program so that both bounds hold when the daemon is stopped or killed. The daemon (child.c) speaks to it by arguments and reads one
 * line from descriptor 3: "exited N", "signalled N", "deadline 0" or "not-started ERRNO", each with " stragglers" where some were left.
 *
 * It keeps the rights it was started with, so that a program running under another uid can neither kill nor stop it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_FD = 3, TERM_MS = 500, KILL_ALL_MS = 1500, KILL_ROUND_MS = 5, PROCESSES_MAX = 65536 };
enum { EXIT_DEADLINE = 124, EXIT_CANNOT = 127 };

struct cage {
	int64_t ppid, uid, gid;
	int64_t start_by_ms, end_by_ms; /* CLOCK_BOOTTIME; start_by 0 = any time */
	int64_t limit[5];               /* as limit_kinds; 0 = leave */
	char **argv;
};

static const struct {
	const char *option;
	int kind;
} limit_kinds[] = {{"nproc", RLIMIT_NPROC}, {"as", RLIMIT_AS}, {"nofile", RLIMIT_NOFILE}, {"cpu", RLIMIT_CPU}};
enum { LIMIT_N = sizeof limit_kinds / sizeof limit_kinds[0] };

struct run {
	pid_t pid;
	pid_t self;
	int signal_fd, timer_fd, exec_fd;
	int wait_status;
	int start_errno;  /* why the program never ran */
	bool is_over;     /* the program itself ended */
	bool is_late;     /* its deadline passed */
	bool is_told_off; /* our parent died or wants an end: no word to anybody */
	bool has_stragglers;
};

static int64_t boot_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t number(const char *s)
{
	char *end;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || n < 0) {
		fprintf(stderr, "osha-launch: not a number: %s\n", s);
		exit(EXIT_CANNOT);
	}
	return n;
}

static void parse(int argc, char **argv, struct cage *c)
{
	static const struct option options[] = {{"nproc", 1, NULL, 0}, {"as", 1, NULL, 1}, {"nofile", 1, NULL, 2},
	    {"cpu", 1, NULL, 3}, {"ppid", 1, NULL, 'p'}, {"uid", 1, NULL, 'u'}, {"gid", 1, NULL, 'g'},
	    {"start-by-ms", 1, NULL, 's'}, {"end-by-ms", 1, NULL, 'e'}, {0}};
	int o;
	*c = (struct cage){.uid = -1, .gid = -1};
	while ((o = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (o >= 0 && o < LIMIT_N)
			c->limit[o] = number(optarg);
		else if (o == 'p')
			c->ppid = number(optarg);
		else if (o == 'u')
			c->uid = number(optarg);
		else if (o == 'g')
			c->gid = number(optarg);
		else if (o == 's')
			c->start_by_ms = number(optarg);
		else if (o == 'e')
			c->end_by_ms = number(optarg);
		else
			exit(EXIT_CANNOT);
	}
	c->argv = argv + optind;
	if (c->end_by_ms <= 0 || c->argv[0] == NULL || strchr(c->argv[0], '/') == NULL) {
		fputs("usage: osha-launch --end-by-ms N [--start-by-ms N] [--ppid N] [--uid N] [--gid N] [--nproc N] "
		      "[--as N] [--nofile N] [--cpu N] -- /PROGRAM [ARGUMENT...]\n"
		      "-by-ms: milliseconds of CLOCK_BOOTTIME\n",
		    stderr);
		exit(EXIT_CANNOT);
	}
}

/* In the child. Returns only when it failed, with errno. */
static void become(const struct cage *c, pid_t launcher)
{
	struct rlimit none = {0, 0}; /* no core files: memory holds passwords */
	if (setsid() < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return;
	for (size_t i = 0; i < LIMIT_N; i++) {
		struct rlimit l = {(rlim_t)c->limit[i], (rlim_t)c->limit[i]};
		if (c->limit[i] > 0 && setrlimit((__rlimit_resource_t)limit_kinds[i].kind, &l) < 0)
			return;
	}
	if (c->gid >= 0 && (setgroups(0, NULL) < 0 || setresgid((gid_t)c->gid, (gid_t)c->gid, (gid_t)c->gid) < 0))
		return;
	if (c->uid >= 0 && setresuid((uid_t)c->uid, (uid_t)c->uid, (uid_t)c->uid) < 0)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return;
	/* After the change of uid, which clears it; and the parent may have died just before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return;
	if (getppid() != launcher)
		_exit(EXIT_CANNOT);
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigset_t no_signals;
	sigemptyset(&no_signals);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	execv(c->argv[0], c->argv);
}

static int start(const struct cage *c, struct run *r)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return errno;
	r->pid = fork();
	if (r->pid < 0)
		return errno;
	if (r->pid == 0) {
		close(fds[0]);
		close(STATUS_FD);
		become(c, r->self);
		int e = errno;
		ssize_t ignored = write(fds[1], &e, sizeof e);
		(void)ignored;
		_exit(EXIT_CANNOT);
	}
	close(fds[1]);
	r->exec_fd = fds[0];
	return 0;
}

/* The parent of a process by /proc; 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
	char path[64], line[512];
	snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, line, sizeof line - 1);
	close(fd);
	if (n <= 0)
		return 0;
	line[n] = '\0';
	const char *after = strrchr(line, ')'); /* the name before it may hold anything */
	if (after == NULL || strlen(after) < 5)
		return 0;
	return (pid_t)strtol(after + 4, NULL, 10);
}

struct process {
	pid_t pid, ppid;
	bool is_ours;
};

static size_t list_processes(struct process *ps, size_t max)
{
	DIR *d = opendir("/proc");
	size_t n = 0;
	struct dirent *e;
	while (d != NULL && n < max && (e = readdir(d)) != NULL) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		ps[n] = (struct process){(pid_t)strtol(e->d_name, NULL, 10), parent_of(e->d_name), false};
		n += ps[n].ppid != 0;
	}
	if (d != NULL)
		closedir(d);
	return n;
}

static bool is_parent_ours(const struct process *ps, size_t n, pid_t ppid, pid_t self)
{
	if (ppid == self)
		return true;
	for (size_t i = 0; i < n; i++)
		if (ps[i].pid == ppid)
			return ps[i].is_ours;
	return false;
}

/* Kill every descendant that can be seen now. Parents first need not be: whoever forks meanwhile is seen in the next round. */
static void kill_round(struct process *ps, pid_t self)
{
	size_t n = list_processes(ps, PROCESSES_MAX);
	for (bool is_changed = true; is_changed;) {
		is_changed = false;
		for (size_t i = 0; i < n; i++) {
			if (ps[i].is_ours || !is_parent_ours(ps, n, ps[i].ppid, self))
				continue;
			ps[i].is_ours = is_changed = true;
			kill(ps[i].pid, SIGKILL);
		}
	}
}

/* True while a child is left. Being subreaper, orphans below us are our children too. */
static bool reap(struct run *r)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid <= 0)
			return pid == 0;
		if (pid == r->pid) {
			r->wait_status = status;
			r->is_over = true;
		}
	}
}

static void kill_all(struct run *r)
{
	int64_t end_ms = boot_ms() + KILL_ALL_MS;
	if (!reap(r))
		return;
	r->has_stragglers = r->is_over && !r->is_late;
	struct process *ps = calloc(PROCESSES_MAX, sizeof *ps);
	kill(-r->pid, SIGKILL);
	while (reap(r) && boot_ms() < end_ms) {
		if (ps != NULL)
			kill_round(ps, r->self);
		struct pollfd p = {.fd = r->signal_fd, .events = POLLIN};
		poll(&p, 1, KILL_ROUND_MS);
		struct signalfd_siginfo info;
		while (read(r->signal_fd, &info, sizeof info) == sizeof info)
			continue;
	}
	free(ps);
}

static void arm(struct run *r, int64_t ms)
{
	struct itimerspec when = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}};
	timerfd_settime(r->timer_fd, 0, &when, NULL);
}

static void take_signals(struct run *r)
{
	struct signalfd_siginfo info;
	while (read(r->signal_fd, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD)
			r->is_told_off = true;
	reap(r);
}

/* Returns true when the time after SIGTERM is over too. */
static bool take_deadline(struct run *r)
{
	uint64_t n;
	if (read(r->timer_fd, &n, sizeof n) != sizeof n)
		return false;
	if (r->is_late)
		return true;
	r->is_late = true;
	kill(-r->pid, SIGTERM);
	kill(-r->pid, SIGCONT); /* a stopped program must get to see it */
	arm(r, TERM_MS);
	return false;
}

static void take_exec(struct run *r)
{
	int e = 0;
	if (read(r->exec_fd, &e, sizeof e) == (ssize_t)sizeof e)
		r->start_errno = e;
	close(r->exec_fd);
	r->exec_fd = -1;
}

static void watch(struct run *r)
{
	bool is_out_of_time = false;
	while (!r->is_over && !r->is_told_off && !is_out_of_time) {
		struct pollfd p[] = {{r->signal_fd, POLLIN, 0}, {r->timer_fd, POLLIN, 0}, {r->exec_fd, POLLIN, 0}};
		if (poll(p, 3, -1) < 0)
			continue;
		if (p[2].revents != 0)
			take_exec(r);
		if (p[0].revents != 0)
			take_signals(r);
		if (p[1].revents != 0)
			is_out_of_time = take_deadline(r);
	}
	if (r->exec_fd >= 0 && r->is_over)
		take_exec(r);
	kill_all(r);
}

static int report(const struct run *r)
{
	const char *word = "deadline";
	int code = 0, status = EXIT_DEADLINE;
	if (r->start_errno != 0) {
		word = "not-started";
		code = r->start_errno;
		status = EXIT_CANNOT;
	} else if (!r->is_late && WIFEXITED(r->wait_status)) {
		word = "exited";
		code = status = WEXITSTATUS(r->wait_status);
	} else if (!r->is_late) {
		word = "signalled";
		code = WTERMSIG(r->wait_status);
		status = 128 + code;
	}
	dprintf(STATUS_FD, "%s %d%s\n", word, code, r->has_stragglers ? " stragglers" : "");
	return status;
}

/* Everything that must stand before the program runs. Returns an errno. */
static int prepare(const struct cage *c, struct run *r)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGQUIT);
	if (close_range(STATUS_FD + 1, ~0U, 0) < 0)
		return errno;
	r->signal_fd = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
	r->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (r->signal_fd < 0 || r->timer_fd < 0)
		return errno;
	/* SIGTERM, not SIGKILL: there must be time to take the descendants along. The program itself has SIGKILL for our death. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return errno;
	/* Keeps a program of the same uid from writing into our descriptor 3 through /proc. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return errno;
	if (c->ppid > 0 && getppid() != (pid_t)c->ppid)
		_exit(EXIT_CANNOT);
	/* We may have waited for the disk or a processor on our way here, and nobody else looks again. */
	int64_t left_ms = c->end_by_ms - boot_ms();
	if (left_ms <= 0)
		return ETIMEDOUT;
	if (c->start_by_ms > 0 && boot_ms() > c->start_by_ms)
		return ETIME;
	arm(r, left_ms);
	return 0;
}

int main(int argc, char **argv)
{
	struct cage cage;
	parse(argc, argv, &cage);
	struct run run = {.self = getpid(), .exec_fd = -1};
	run.start_errno = prepare(&cage, &run);
	if (run.start_errno == 0)
		run.start_errno = start(&cage, &run);
	if (run.start_errno == 0)
		watch(&run);
	/* Not return: nothing of ours may run at exit, and a leak checker could not look at a process that is not dumpable. */
	_exit(run.is_told_off ? EXIT_CANNOT : report(&run));
}
