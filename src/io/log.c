/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink of log lines. A line is escaped, framed for its target and written in one call, so that lines of several threads do not mix.
 * A reader that does not keep up costs lines, not the loop's time: their number is told once it reads again.
 */
#include "io/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { WAIT_MS = 20, FRAME_BYTES = 160, FACILITY_DAEMON = 3 };

static struct {
	pthread_mutex_t lock;
	enum log_target target;
	enum log_priority max_priority;
	bool has_prefix; /* "<N>" in front, for the journal */
	bool is_known;   /* stderr was looked at */
	int fd;          /* of the file or of /dev/log; -1 = none */
	char path[4096];
	char name[64];
	unsigned long dropped, dropped_told;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .max_priority = LOG_P_INFO, .fd = -1, .name = "osha"};

static const char *const priority_names[] = {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

const char *log_priority_name(enum log_priority priority)
{
	return (unsigned)priority <= LOG_P_DEBUG ? priority_names[priority] : "?";
}

int log_priority_parse(const char *name)
{
	for (int i = 0; i <= LOG_P_DEBUG; i++)
		if (str_eq(name, priority_names[i]))
			return i;
	return -1;
}

/* Is stderr the very stream that the journal gave us? $JOURNAL_STREAM holds its device and inode (systemd.exec(5)). */
static bool is_stderr_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;
	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	dev = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	ino = strtoull(end + 1, &end, 10);
	return *end == '\0' && dev == st.st_dev && ino == st.st_ino;
}

/* Length of the well-formed UTF-8 sequence at @s that is fit for a line, 0 for a byte to be escaped. */
static size_t fit_length(const unsigned char *s)
{
	if (s[0] < 0x80)
		return s[0] >= ' ' && s[0] != 0x7f;
	size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
		   : s[0] >= 0xe0 && s[0] <= 0xef ? 3
		   : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						  : 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool is_overlong =
	    (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f);
	bool is_surrogate = s[0] == 0xed && s[1] > 0x9f;
	bool is_control = s[0] == 0xc2 && s[1] < 0xa0;
	/* line and paragraph separators, and what turns the direction of writing around */
	bool is_turning = (s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae) ||
			  (s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9);
	return is_overlong || is_surrogate || is_control || is_turning ? 0 : n;
}

static size_t escape(char *dst, size_t size, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = 0;
	while (*s != '\0') {
		char one[8];
		size_t n = fit_length(s), take = n > 0 ? n : 1;
		if (n > 0)
			memcpy(one, s, n);
		else if (*s == '\n' || *s == '\t')
			n = (size_t)snprintf(one, sizeof one, "\\%c", *s == '\n' ? 'n' : 't');
		else
			n = (size_t)snprintf(one, sizeof one, "\\x%02x", *s);
		if (len + n + sizeof "..." > size) {
			for (int i = 0; i < 3; i++)
				dst[len++] = '.';
			return len;
		}
		memcpy(dst + len, one, n);
		len += n;
		s += take;
	}
	return len;
}

static size_t frame(char *buf, size_t size, enum log_priority priority)
{
	struct timespec ts;
	struct tm tm;
	int n = 0;
	clock_gettime(CLOCK_REALTIME, &ts);
	if (sink.target == LOG_TO_SYSLOG) {
		char when[32] = "";
		localtime_r(&ts.tv_sec, &tm);
		if (strftime(when, sizeof when, "%b %e %H:%M:%S", &tm) == 0)
			when[0] = '\0';
		n = snprintf(
		    buf, size, "<%d>%s %s[%d]: ", FACILITY_DAEMON << 3 | (int)priority, when, sink.name, getpid());
	} else if (sink.has_prefix) {
		n = snprintf(buf, size, "<%d>", (int)priority);
	} else {
		char when[32] = "";
		gmtime_r(&ts.tv_sec, &tm);
		if (strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
			when[0] = '\0';
		n = snprintf(buf, size, "%s.%03ldZ %-7s ", when, ts.tv_nsec / 1000000, log_priority_name(priority));
	}
	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static int open_syslog(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	str_copy(to.sun_path, sizeof to.sun_path, sink.path[0] != '\0' ? sink.path : "/dev/log");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool send_syslog(const char *line, size_t n)
{
	if (sink.fd >= 0 && send(sink.fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (sink.fd >= 0 && errno == EAGAIN)
		return false;
	/* The syslog daemon was restarted: its socket is a new one. */
	if (sink.fd >= 0)
		close(sink.fd);
	sink.fd = open_syslog();
	return sink.fd >= 0 && send(sink.fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static bool write_line(char *line, size_t n)
{
	if (sink.target == LOG_TO_SYSLOG)
		return send_syslog(line, n);
	int fd = sink.target == LOG_TO_FILE ? sink.fd : STDERR_FILENO;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	line[n++] = '\n';
	if (poll(&p, 1, sink.dropped == sink.dropped_told ? WAIT_MS : 0) == 0)
		return false;
	return write(fd, line, n) == (ssize_t)n;
}

static void emit_locked(enum log_priority priority, const char *text)
{
	char line[FRAME_BYTES + LOG_LINE_MAX_BYTES + 1];
	if (!sink.is_known) {
		sink.has_prefix = is_stderr_journal();
		sink.is_known = true;
	}
	if (sink.dropped != sink.dropped_told) {
		char lost[64];
		snprintf(lost, sizeof lost, "%lu log lines were lost", sink.dropped - sink.dropped_told);
		size_t n = frame(line, FRAME_BYTES, LOG_P_WARNING);
		n += escape(line + n, LOG_LINE_MAX_BYTES, lost);
		if (write_line(line, n))
			sink.dropped_told = sink.dropped;
	}
	size_t n = frame(line, FRAME_BYTES, priority);
	n += escape(line + n, LOG_LINE_MAX_BYTES, text);
	if (!write_line(line, n))
		sink.dropped++;
}

void log_emit(enum log_priority priority, const char *text)
{
	if (!log_is_on(priority))
		return;
	int saved_errno = errno;
	pthread_mutex_lock(&sink.lock);
	emit_locked(priority, text);
	pthread_mutex_unlock(&sink.lock);
	errno = saved_errno;
}

void log_printf(enum log_priority priority, const char *fmt, ...)
{
	char text[LOG_LINE_MAX_BYTES + 8]; /* so much over that the cut shows */
	if (!log_is_on(priority))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	log_emit(priority, text);
}

bool log_is_on(enum log_priority priority)
{
	return priority <= __atomic_load_n(&sink.max_priority, __ATOMIC_RELAXED);
}

unsigned long log_dropped(void)
{
	pthread_mutex_lock(&sink.lock);
	unsigned long n = sink.dropped;
	pthread_mutex_unlock(&sink.lock);
	return n;
}

static int open_file(const char *path, struct osha_err *reterr)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0) {
		int e = errno;
		int code = e == EACCES || e == EPERM ? OSHA_E_REFUSED : OSHA_E_IO;
		return osha_err_set_errno(reterr, code, e, "open log file %s", path);
	}
	return fd;
}

static void swap_fd(int fd)
{
	if (sink.fd >= 0)
		close(sink.fd);
	sink.fd = fd;
}

int log_open(
    enum log_target target, const char *path, const char *name, enum log_priority max_priority, struct osha_err *reterr)
{
	int fd = -1;
	if (target == LOG_TO_FILE) {
		fd = open_file(path, reterr);
		if (fd < 0)
			return fd;
	}
	pthread_mutex_lock(&sink.lock);
	swap_fd(fd);
	sink.target = target;
	str_copy(sink.path, sizeof sink.path, path);
	if (name != NULL)
		str_copy(sink.name, sizeof sink.name, name);
	sink.has_prefix = target == LOG_TO_JOURNAL || (target == LOG_TO_STDERR && is_stderr_journal());
	sink.is_known = true;
	__atomic_store_n(&sink.max_priority, max_priority, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&sink.lock);
	return 0;
}

int log_reopen(struct osha_err *reterr)
{
	if (sink.target != LOG_TO_FILE)
		return 0;
	int fd = open_file(sink.path, reterr);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&sink.lock);
	swap_fd(fd);
	pthread_mutex_unlock(&sink.lock);
	return 0;
}

void log_close(void)
{
	log_open(LOG_TO_STDERR, NULL, NULL, sink.max_priority, NULL);
}
