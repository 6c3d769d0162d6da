/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of a journal; see lockfile.h. */
#include "journal/lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/strbuf.h"

enum { LOCK_PATH_SIZE = 4096, LOCK_TEXT_SIZE = 512 };

static int lock_path(const char *path, char *ret_path, struct osha_err *reterr)
{
	if (snprintf(ret_path, LOCK_PATH_SIZE, "%s.lock", path) >= LOCK_PATH_SIZE)
		return osha_err_set(reterr, OSHA_E_CONFIG, "journal path longer than %d bytes", LOCK_PATH_SIZE - 6);
	return 0;
}

static void holder_parse(int fd, struct journal_holder *holder)
{
	char text[LOCK_TEXT_SIZE];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	JSON_AUTO cJSON *o = NULL;

	if (n <= 0 || json_parse(text, (size_t)n, &o, NULL) < 0)
		return;
	holder->pid = json_int(o, "pid", 0);
	holder->since_wall_ms = json_int(o, "since_ms", 0);
	str_copy(holder->host, sizeof(holder->host), json_str(o, "host", ""));
}

static int lock_write(int fd, int64_t now_wall_ms)
{
	char host[HOST_NAME_SIZE] = "";
	char text[LOCK_TEXT_SIZE];
	JSON_AUTO cJSON *o = cJSON_CreateObject();

	gethostname(host, sizeof(host) - 1);
	if (!cJSON_AddNumberToObject(o, "pid", (double)getpid()) || !cJSON_AddStringToObject(o, "host", host) ||
	    !cJSON_AddNumberToObject(o, "since_ms", (double)now_wall_ms) ||
	    !cJSON_PrintPreallocated(o, text, sizeof(text) - 8, false))
		return ENOMEM;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		return errno ? errno : EIO;
	return 0;
}

static int busy(const char *path, int fd, struct osha_err *reterr)
{
	struct journal_holder holder = {0};
	char since[32];
	struct tm tm;
	time_t t;

	holder_parse(fd, &holder);
	if (!holder.pid)
		return osha_err_set(reterr, OSHA_E_BUSY, "journal %s is held by another process", path);
	t = (time_t)(holder.since_wall_ms / 1000);
	if (!gmtime_r(&t, &tm) || strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		str_copy(since, sizeof(since), "?");
	return osha_err_set(reterr, OSHA_E_BUSY, "journal %s is held by process %" PRId64 " on %s since %s", path,
	    holder.pid, holder.host, since);
}

static int lock_open(const char *path, const char *lock, int *ret_fd, struct osha_err *reterr)
{
	*ret_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (*ret_fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return osha_err_set_errno(reterr, OSHA_E_NOTFOUND, errno, "journal %s: its directory", path);
	if (errno == ENOSPC || errno == EDQUOT)
		return osha_err_set_errno(reterr, OSHA_E_NOSPACE, errno, "journal %s: create %s", path, lock);
	return osha_err_set_errno(reterr, OSHA_E_IO, errno, "journal %s: write its directory", path);
}

int journal_lock_take(const char *path, int64_t now_wall_ms, int *ret_fd, struct osha_err *reterr)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char lock[LOCK_PATH_SIZE];
	int fd = -1, e;

	e = lock_path(path, lock, reterr);
	if (e == 0)
		e = lock_open(path, lock, &fd, reterr);
	if (e < 0)
		return e;
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		e = errno;
		e = e == EAGAIN || e == EACCES ? busy(path, fd, reterr)
					       : osha_err_set_errno(reterr, OSHA_E_IO, e, "lock %s", lock);
		close(fd);
		return e;
	}
	e = lock_write(fd, now_wall_ms);
	if (e) {
		close(fd);
		return osha_err_set_errno(reterr, e == ENOSPC ? OSHA_E_NOSPACE : OSHA_E_IO, e, "write %s", lock);
	}
	*ret_fd = fd;
	return 0;
}

int journal_holder_read(const char *path, struct journal_holder *ret_holder, struct osha_err *reterr)
{
	struct flock whole = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	char lock[LOCK_PATH_SIZE];
	int fd, e;

	*ret_holder = (struct journal_holder){0};
	e = lock_path(path, lock, reterr);
	if (e < 0)
		return e;
	fd = open(lock, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : osha_err_set_errno(reterr, OSHA_E_IO, errno, "read %s", lock);
	if (fcntl(fd, F_OFD_GETLK, &whole) < 0) {
		e = osha_err_set_errno(reterr, OSHA_E_IO, errno, "ask the lock of %s", lock);
		close(fd);
		return e;
	}
	ret_holder->is_held = whole.l_type != F_UNLCK;
	if (ret_holder->is_held)
		holder_parse(fd, ret_holder);
	close(fd);
	return 0;
}
