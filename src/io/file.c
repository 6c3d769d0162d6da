/* SPDX-License-Identifier: Apache-2.0 */
/* Files read and written whole, the lock for life, random bytes, and the few facts about this process that others ask for. */
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

enum { READ_BYTES = 65536, LOCK_TEXT_MAX = 200, PATH_BYTES = 4096 };

struct io_lock {
	int fd;
};

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define FD_AUTO __attribute__((cleanup(close_fd)))

static int move_fd(int *fd)
{
	int moved = *fd;
	*fd = -1;
	return moved;
}

static int code_of(int e)
{
	switch (e) {
	case ENOENT:
	case ENOTDIR:
		return OSHA_E_NOTFOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return OSHA_E_REFUSED;
	case ENOSPC:
	case EDQUOT:
		return OSHA_E_NOSPACE;
	case ENOMEM:
		return OSHA_E_NOMEM;
	default:
		return OSHA_E_IO;
	}
}

static int fail(struct osha_err *reterr, const char *what, const char *path)
{
	int e = errno;
	return osha_err_set_errno(reterr, code_of(e), e, "%s %s", what, path);
}

int io_file_read(
    const char *path, size_t max_bytes, bool is_secret, char **ret_bytes, size_t *ret_size, struct osha_err *reterr)
{
	size_t max = max_bytes > 0 ? max_bytes : IO_FILE_MAX_BYTES;
	FD_AUTO int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(reterr, "read", path);
	STRBUF_AUTO struct strbuf sb = {.max_bytes = max};
	char buf[READ_BYTES];
	for (;;) {
		ssize_t n = read(fd, buf, sizeof buf);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(reterr, "read", path);
		if (n == 0)
			break;
		if ((size_t)n > max - sb.len)
			return osha_err_set(reterr, OSHA_E_GARBAGE, "read %s: longer than %zu bytes", path, max);
		strbuf_add(&sb, buf, (size_t)n);
	}
	size_t size = sb.len;
	char *bytes = strbuf_steal(&sb);
	if (bytes == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", path);
	*ret_bytes = bytes;
	if (ret_size != NULL)
		*ret_size = size;
	return is_secret && (st.st_mode & (S_IRGRP | S_IROTH)) != 0 ? IO_FILE_OPEN_TO_OTHERS : 0;
}

static bool write_whole(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

/* The rename lasts only once the directory is on the disk. */
static int sync_dir_of(const char *path, struct osha_err *reterr)
{
	char dir[PATH_BYTES];
	str_copy(dir, sizeof dir, path);
	char *slash = strrchr(dir, '/');
	if (slash == NULL)
		str_copy(dir, sizeof dir, ".");
	else
		slash[slash == dir] = '\0';
	FD_AUTO int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return fail(reterr, "sync the directory of", path);
	return 0;
}

int io_file_write(const char *path, const void *bytes, size_t size, mode_t mode, struct osha_err *reterr)
{
	char tmp[PATH_BYTES];
	int n = snprintf(tmp, sizeof tmp, "%s.%08lx.tmp", path, (unsigned long)(io_random_u64() & 0xffffffff));
	if (n < 0 || (size_t)n >= sizeof tmp)
		return osha_err_set(reterr, OSHA_E_USAGE, "path too long");
	FD_AUTO int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(reterr, "write", path);
	if (!write_whole(fd, bytes, size) || fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(tmp, path) < 0) {
		int r = fail(reterr, "write", path);
		unlink(tmp);
		return r;
	}
	return sync_dir_of(path, reterr);
}

bool io_file_exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

int io_file_remove(const char *path, struct osha_err *reterr)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(reterr, "remove", path);
	return 0;
}

int io_dir_make(const char *path, mode_t mode, struct osha_err *reterr)
{
	char part[PATH_BYTES];
	if (!str_copy(part, sizeof part, path))
		return osha_err_set(reterr, OSHA_E_USAGE, "path too long");
	for (char *c = part + 1; part[0] != '\0'; c++) {
		if (*c != '/' && *c != '\0')
			continue;
		char end = *c;
		*c = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST && (end == '\0' || !io_file_exists(part)))
			return fail(reterr, "make directory", part);
		*c = end;
		if (end == '\0')
			break;
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return fail(reterr, "make directory", path);
	return S_ISDIR(st.st_mode)
		   ? 0
		   : osha_err_set(reterr, OSHA_E_IO, "make directory %s: something else is there", path);
}

static int say_holder(int fd, const char *path, struct osha_err *reterr)
{
	char text[LOCK_TEXT_MAX + 1];
	ssize_t n = pread(fd, text, LOCK_TEXT_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return osha_err_set(
	    reterr, OSHA_E_BUSY, "%s is held by %s", path, text[0] != '\0' ? text : "somebody who left no name");
}

int io_lock_acquire(const char *path, const char *text, struct io_lock **ret_lock, struct osha_err *reterr)
{
	FD_AUTO int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(reterr, "lock", path);
	/* An open-file-description lock: not lost when another descriptor of the same file is closed, as a POSIX lock is. */
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno == EAGAIN || errno == EACCES)
			return say_holder(fd, path, reterr);
		return fail(reterr, "lock", path);
	}
	size_t n = strnlen(text, LOCK_TEXT_MAX - 1);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, n, 0) != (ssize_t)n || pwrite(fd, "\n", 1, (off_t)n) != 1)
		return fail(reterr, "lock", path);
	struct io_lock *lock = malloc(sizeof *lock);
	if (lock == NULL)
		return osha_err_set(reterr, OSHA_E_NOMEM, "lock %s", path);
	lock->fd = move_fd(&fd);
	*ret_lock = lock;
	return 0;
}

void io_lock_release(struct io_lock *lock)
{
	if (lock == NULL)
		return;
	/* Nobody must read of a holder who is gone. */
	int ignored = ftruncate(lock->fd, 0);
	(void)ignored;
	close(lock->fd);
	free(lock);
}

int io_random(void *bytes, size_t n, struct osha_err *reterr)
{
	char *at = bytes;
	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return osha_err_set_errno(reterr, OSHA_E_IO, errno, "random bytes");
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

uint64_t io_random_u64(void)
{
	uint64_t n;
	if (io_random(&n, sizeof n, NULL) < 0)
		abort();
	return n;
}

void io_host_name(char *buf, size_t size)
{
	if (gethostname(buf, size) < 0 || buf[0] == '\0')
		str_copy(buf, size, "localhost");
	buf[size - 1] = '\0';
}

const char *io_env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

pid_t io_pid(void)
{
	return getpid();
}

uid_t io_uid(void)
{
	return getuid();
}
