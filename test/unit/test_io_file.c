/* SPDX-License-Identifier: Apache-2.0 */
/* Files, the lock, random bytes, log lines and the words to systemd. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "io/file.h"
#include "io/log.h"
#include "io/notify.h"
#include "test/unit/io_bed.h"

static char path[100];
static struct osha_err err;

static const char *slurp(const char *at)
{
	static char text[65536];
	char *bytes = NULL;
	assert_true(io_file_read(at, 0, false, &bytes, NULL, &err) >= 0);
	str_copy(text, sizeof text, bytes);
	free(bytes);
	return text;
}

static void test_write_and_read(void **state)
{
	char *bytes = NULL;
	size_t size;
	struct stat st;
	bed_path(*state, "f", path, sizeof path);
	assert_int_equal(io_file_read(path, 0, false, &bytes, NULL, &err), -OSHA_E_NOTFOUND);
	assert_int_equal(io_file_write(path, "a\0b", 3, 0640, &err), 0);
	assert_int_equal(io_file_read(path, 3, false, &bytes, &size, &err), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(bytes, "a\0b", 4);
	free(bytes);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(io_file_read(path, 2, false, &bytes, NULL, &err), -OSHA_E_GARBAGE);
	assert_int_equal(io_file_read(path, 0, true, &bytes, NULL, &err), IO_FILE_OPEN_TO_OTHERS);
	free(bytes);
	assert_int_equal(io_file_write(path, "new", 3, 0600, &err), 0);
	assert_int_equal(io_file_read(path, 0, true, &bytes, NULL, &err), 0);
	assert_string_equal(bytes, "new");
	free(bytes);
	assert_int_equal(io_file_remove(path, &err), 0);
	assert_int_equal(io_file_remove(path, &err), 0);
}

static void test_failed_write_leaves_the_old_file(void **state)
{
	static char much[100000];
	struct rlimit old, small;
	bed_path(*state, "f", path, sizeof path);
	assert_int_equal(io_file_write(path, "old", 3, 0600, &err), 0);
	/* A limit stands in for a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){5000, old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = io_file_write(path, much, sizeof much, 0600, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, -OSHA_E_IO);
	assert_string_equal(slurp(path), "old");
	struct bed *bed = *state;
	assert_int_equal(rmdir(bed->dir), -1); /* holds the file ... */
	assert_int_equal(io_file_remove(path, &err), 0);
	assert_int_equal(rmdir(bed->dir), 0); /* ... and nothing else */
	assert_int_equal(mkdir(bed->dir, 0700), 0);
	assert_int_equal(io_file_write("/nonexistent/f", "x", 1, 0600, &err), -OSHA_E_NOTFOUND);
}

static void test_directories(void **state)
{
	bed_path(*state, "a/b/c", path, sizeof path);
	assert_int_equal(io_dir_make(path, 0700, &err), 0);
	assert_int_equal(io_dir_make(path, 0700, &err), 0);
	assert_true(io_file_exists(path));
	bed_path(*state, "f", path, sizeof path);
	assert_int_equal(io_file_write(path, "x", 1, 0600, &err), 0);
	assert_true(io_dir_make(path, 0700, &err) < 0);
	bed_path(*state, "f/g", path, sizeof path);
	assert_true(io_dir_make(path, 0700, &err) < 0);
}

static void test_lock_says_who_holds_it(void **state)
{
	struct io_lock *lock = NULL, *second = NULL;
	bed_path(*state, "lock", path, sizeof path);
	assert_int_equal(io_lock_acquire(path, "oshad pid 7 on ctl1", &lock, &err), 0);
	assert_int_equal(io_lock_acquire(path, "another", &second, &err), -OSHA_E_BUSY);
	assert_non_null(strstr(err.msg, "held by oshad pid 7 on ctl1"));
	/* Reading the file must not lose it, as it would with a POSIX lock. */
	assert_string_equal(slurp(path), "oshad pid 7 on ctl1\n");
	assert_int_equal(io_lock_acquire(path, "another", &second, &err), -OSHA_E_BUSY);
	io_lock_release(lock);
	assert_int_equal(io_lock_acquire(path, "another", &second, &err), 0);
	io_lock_release(second);
}

static void test_lock_ends_with_its_holder(void **state)
{
	struct io_lock *lock = NULL;
	int fds[2];
	char c;
	bed_path(*state, "lock", path, sizeof path);
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		bool is_held = io_lock_acquire(path, "child", &lock, &err) == 0;
		if (write(fds[1], is_held ? "y" : "n", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(c, 'y');
	assert_int_equal(io_lock_acquire(path, "me", &lock, &err), -OSHA_E_BUSY);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(io_lock_acquire(path, "me", &lock, &err), 0);
	io_lock_release(lock);
	close(fds[0]);
	close(fds[1]);
}

static void test_random(void **state)
{
	(void)state;
	unsigned char a[64] = {0}, b[64] = {0};
	assert_int_equal(io_random(a, sizeof a, &err), 0);
	assert_int_equal(io_random(b, sizeof b, &err), 0);
	assert_memory_not_equal(a, b, sizeof a);
}

static void test_log_to_file(void **state)
{
	char moved[100];
	bed_path(*state, "log", path, sizeof path);
	bed_path(*state, "log.1", moved, sizeof moved);
	assert_int_equal(log_open(LOG_TO_FILE, path, "oshad", LOG_P_INFO, &err), 0);
	log_emit(LOG_P_INFO, "one\nforged\r\x1b[31m \xff \xc2\x9b \xe2\x80\xae grün");
	log_emit(LOG_P_DEBUG, "not wanted");
	assert_false(log_is_on(LOG_P_DEBUG));
	const char *text = slurp(path);
	assert_non_null(strstr(text, "info    one\\nforged\\x0d\\x1b[31m \\xff \\xc2\\x9b \\xe2\\x80\\xae grün\n"));
	assert_null(strstr(text, "not wanted"));
	assert_int_equal(rename(path, moved), 0);
	log_emit(LOG_P_ERR, "still old");
	assert_int_equal(log_reopen(&err), 0);
	log_printf(LOG_P_WARNING, "number %d", 5);
	assert_non_null(strstr(slurp(moved), "err     still old\n"));
	assert_non_null(strstr(slurp(path), "warning number 5\n"));
	assert_null(strstr(slurp(path), "still old"));
	char line[5000];
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	log_emit(LOG_P_ERR, line);
	text = slurp(path);
	assert_true(strlen(text) < LOG_LINE_MAX_BYTES + 300);
	assert_string_equal(text + strlen(text) - 4, "...\n");
	assert_true(log_open(LOG_TO_FILE, "/nonexistent/log", "oshad", LOG_P_INFO, &err) < 0);
	log_emit(LOG_P_ERR, "kept the old sink");
	assert_non_null(strstr(slurp(path), "kept the old sink"));
	log_close();
}

/* With stderr on a file of ours, @fn, then what came. */
static const char *stderr_of(struct bed *bed, void (*fn)(void))
{
	int old = dup(STDERR_FILENO);
	bed_path(bed, "stderr", path, sizeof path);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	fn();
	dup2(old, STDERR_FILENO);
	close(old);
	return slurp(path);
}

static void say_hello(void)
{
	assert_int_equal(log_open(LOG_TO_STDERR, NULL, NULL, LOG_P_INFO, &err), 0);
	log_emit(LOG_P_ERR, "hello");
}

static void say_hello_to_journal(void)
{
	struct stat st;
	char stream[64];
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	say_hello();
	unsetenv("JOURNAL_STREAM");
}

static void test_log_to_stderr(void **state)
{
	assert_string_equal(stderr_of(*state, say_hello_to_journal), "<3>hello\n");
	const char *text = stderr_of(*state, say_hello);
	assert_non_null(strstr(text, "Z err     hello\n"));
	log_close();
}

static int datagrams_at(const char *at)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	str_copy(to.sun_path, sizeof to.sun_path, at);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static const char *datagram(int fd)
{
	static char buf[8192];
	ssize_t n = recv(fd, buf, sizeof buf - 1, 0);
	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static void test_log_to_syslog(void **state)
{
	bed_path(*state, "devlog", path, sizeof path);
	int fd = datagrams_at(path);
	assert_int_equal(log_open(LOG_TO_SYSLOG, path, "oshad", LOG_P_INFO, &err), 0);
	log_emit(LOG_P_WARNING, "word");
	const char *text = datagram(fd);
	assert_true(str_starts(text, "<28>"));
	assert_non_null(strstr(text, " oshad["));
	assert_string_equal(text + strlen(text) - 7, "]: word");
	/* A syslog daemon that reads nothing costs lines, never time. */
	unsigned long before = log_dropped();
	for (int i = 0; i < 5000; i++)
		log_emit(LOG_P_WARNING, "flood");
	assert_true(log_dropped() > before);
	while (datagram(fd)[0] != '\0')
		continue;
	log_emit(LOG_P_WARNING, "after");
	assert_non_null(strstr(datagram(fd), " log lines were lost"));
	assert_non_null(strstr(datagram(fd), ": after"));
	/* Restarted: another socket at the same place. */
	close(fd);
	unlink(path);
	fd = datagrams_at(path);
	log_emit(LOG_P_WARNING, "again");
	assert_non_null(strstr(datagram(fd), ": again"));
	close(fd);
	log_close();
}

static void test_priorities(void **state)
{
	(void)state;
	for (int i = 0; i <= LOG_P_DEBUG; i++)
		assert_int_equal(log_priority_parse(log_priority_name((enum log_priority)i)), i);
	assert_int_equal(log_priority_parse("loud"), -1);
	assert_string_equal(log_priority_name((enum log_priority)8), "?");
}

static void test_notify(void **state)
{
	bed_path(*state, "notify", path, sizeof path);
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_ready());
	int fd = datagrams_at(path);
	setenv("NOTIFY_SOCKET", path, 1);
	assert_true(notify_ready());
	assert_string_equal(datagram(fd), "READY=1");
	assert_true(notify_reloading());
	assert_true(str_starts(datagram(fd), "RELOADING=1\nMONOTONIC_USEC="));
	assert_true(notify_status("two\nlines"));
	assert_string_equal(datagram(fd), "STATUS=two lines");
	close(fd);
	assert_false(notify_watchdog());
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ms(), 15000);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ms(), 0);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_write_and_read, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_failed_write_leaves_the_old_file, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_directories, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_lock_says_who_holds_it, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_lock_ends_with_its_holder, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_random, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_log_to_file, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_log_to_stderr, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_log_to_syslog, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_priorities, bed_open, bed_close),
	    cmocka_unit_test_setup_teardown(test_notify, bed_open, bed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
