/* SPDX-License-Identifier: Apache-2.0 */
/* The flight recorder; see flight.h. */
#include "journal/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strbuf.h"

struct journal_flight {
	char *path, *older; /* "PATH", "PATH.1" */
	uint64_t max_bytes;
	pthread_t thread;
	bool has_thread;
	atomic_uint_fast64_t dropped;

	/* the writing thread only, once it runs */
	int fd; /* -1 = the disk refused; opened again with the next lines */
	uint64_t size;
	bool is_torn; /* the last write failed, perhaps in the middle */

	pthread_mutex_t mutex; /* guards what follows */
	pthread_cond_t work;
	struct strbuf waiting;
	uint64_t waiting_lines;
	bool is_closing;
};

static int flight_file_open(struct journal_flight *f)
{
	struct stat st;
	char last;

	f->fd = open(f->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (f->fd < 0)
		return -errno;
	f->size = fstat(f->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	/* whoever wrote it before may have been killed in the middle of a line */
	f->is_torn |= f->size > 0 && (pread(f->fd, &last, 1, st.st_size - 1) != 1 || last != '\n');
	return 0;
}

static void flight_turn(struct journal_flight *f)
{
	if (f->fd >= 0)
		close(f->fd);
	/* a rename that fails leaves the file as it is: truncate it then, the bound is what counts */
	if (rename(f->path, f->older) < 0)
		truncate(f->path, 0) < 0 ? (void)unlink(f->path) : (void)0;
	flight_file_open(f);
}

/* One piece that ends with a line; a piece that was cut by the disk is closed off so that the next line stands alone.
 */
static bool flight_write(struct journal_flight *f, const char *text, size_t n)
{
	ssize_t written;

	if (f->fd < 0 && flight_file_open(f) < 0)
		return false;
	if (f->is_torn && write(f->fd, "\n", 1) == 1) /* the disk may have cut a line: what follows must stand alone */
		f->is_torn = false;
	while (n > 0) {
		written = write(f->fd, text, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			close(f->fd);
			f->fd = -1;
			return false;
		}
		f->size += (uint64_t)written;
		text += written;
		n -= (size_t)written;
	}
	return true;
}

static uint64_t lines_in(const char *text, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* All waiting lines, turning the files between two of them where the bound falls. */
static void flight_write_lines(struct journal_flight *f, const char *text, size_t n)
{
	while (n > 0) {
		size_t piece = 0, line;

		if (f->size >= f->max_bytes)
			flight_turn(f);
		do {
			line = (size_t)((const char *)memchr(text + piece, '\n', n - piece) - (text + piece)) + 1;
			if (piece > 0 && f->size + piece + line > f->max_bytes)
				break;
			piece += line;
		} while (piece < n && f->size + piece < f->max_bytes);
		if (f->size > 0 && f->size + piece > f->max_bytes)
			flight_turn(f);
		if (!flight_write(f, text, piece)) {
			atomic_fetch_add(&f->dropped, lines_in(text, piece));
			f->is_torn = true;
		}
		text += piece;
		n -= piece;
	}
}

static void *flight_thread(void *arg)
{
	struct journal_flight *f = arg;
	struct strbuf mine = {.max_bytes = JOURNAL_FLIGHT_BUFFER_MAX};
	struct strbuf swap;
	bool is_last;

	do {
		pthread_mutex_lock(&f->mutex);
		while (f->waiting.len == 0 && !f->is_closing)
			pthread_cond_wait(&f->work, &f->mutex);
		swap = f->waiting;
		f->waiting = mine;
		mine = swap;
		is_last = f->is_closing;
		pthread_mutex_unlock(&f->mutex);
		flight_write_lines(f, mine.text, mine.len);
		strbuf_reset(&mine);
	} while (!is_last);
	strbuf_free(&mine);
	return NULL;
}

static int flight_start(struct journal_flight *f, const char *path, struct osha_err *reterr)
{
	int e;

	f->path = strdup(path);
	if (!f->path || asprintf(&f->older, "%s.1", path) < 0) {
		f->older = NULL;
		return osha_err_set(reterr, OSHA_E_NOMEM, "flight recorder %s", path);
	}
	e = flight_file_open(f);
	if (e < 0)
		return osha_err_set_errno(reterr, OSHA_E_IO, -e, "flight recorder %s", path);
	e = pthread_create(&f->thread, NULL, flight_thread, f);
	if (e)
		return osha_err_set_errno(reterr, OSHA_E_NOMEM, e, "flight recorder %s: start its thread", path);
	f->has_thread = true;
	return 0;
}

int journal_flight_open(const char *path, uint64_t max_bytes, struct journal_flight **ret_f, struct osha_err *reterr)
{
	struct journal_flight *f;
	int e;

	if (max_bytes < 2 * JOURNAL_FLIGHT_LINE_MAX)
		return osha_err_set(reterr, OSHA_E_USAGE, "flight recorder of %" PRIu64 " bytes", max_bytes);
	f = calloc(1, sizeof(*f));
	if (!f)
		return osha_err_set(reterr, OSHA_E_NOMEM, "flight recorder %s", path);
	f->max_bytes = max_bytes;
	f->fd = -1;
	f->waiting.max_bytes = JOURNAL_FLIGHT_BUFFER_MAX;
	pthread_mutex_init(&f->mutex, NULL);
	pthread_cond_init(&f->work, NULL);
	e = flight_start(f, path, reterr);
	if (e < 0)
		journal_flight_close(&f);
	else
		*ret_f = f;
	return e;
}

void journal_flight_close(struct journal_flight **ref)
{
	struct journal_flight *f = *ref;

	if (!f)
		return;
	if (f->has_thread) {
		pthread_mutex_lock(&f->mutex);
		f->is_closing = true;
		pthread_cond_signal(&f->work);
		pthread_mutex_unlock(&f->mutex);
		pthread_join(f->thread, NULL);
	}
	if (f->fd >= 0)
		close(f->fd);
	pthread_cond_destroy(&f->work);
	pthread_mutex_destroy(&f->mutex);
	strbuf_free(&f->waiting);
	free(f->path);
	free(f->older);
	free(f);
	*ref = NULL;
}

void journal_flight_add(struct journal_flight *f, int64_t wall_ms, const char *kind, const char *json, size_t n)
{
	char head[128];
	int head_n = snprintf(head, sizeof(head), "{\"t\":%" PRId64 ",\"kind\":\"%s\",\"in\":", wall_ms, kind);
	size_t line = (size_t)head_n + n + 2;

	if (head_n < 0 || (size_t)head_n >= sizeof(head) || line > JOURNAL_FLIGHT_LINE_MAX || memchr(json, '\n', n)) {
		atomic_fetch_add(&f->dropped, 1);
		return;
	}
	pthread_mutex_lock(&f->mutex);
	if (f->waiting.len + line > JOURNAL_FLIGHT_BUFFER_MAX) {
		atomic_fetch_add(&f->dropped, 1);
	} else {
		size_t before = f->waiting.len;

		strbuf_add(&f->waiting, head, (size_t)head_n);
		strbuf_add(&f->waiting, json, n);
		strbuf_add(&f->waiting, "}\n", 2);
		if (f->waiting.failed) { /* out of memory: keep whole lines only */
			f->waiting.len = before;
			f->waiting.failed = false;
			atomic_fetch_add(&f->dropped, 1);
		}
		pthread_cond_signal(&f->work);
	}
	pthread_mutex_unlock(&f->mutex);
}

uint64_t journal_flight_dropped(struct journal_flight *f)
{
	return atomic_load(&f->dropped);
}

struct flight_walk {
	int64_t from_wall_ms, to_wall_ms;
	journal_flight_fn fn;
	void *arg;
};

/* A line that ends with "}\n" and begins as ours do, within the time asked for. */
static int flight_line(const struct flight_walk *w, const char *line, size_t n, struct osha_err *reterr)
{
	static const char head[] = "{\"t\":";
	char *end;
	long long t;

	if (n < 3 || line[n - 1] != '\n' || line[n - 2] != '}' || !str_starts(line, head))
		return 0;
	t = strtoll(line + sizeof(head) - 1, &end, 10);
	if (*end != ',' || t < w->from_wall_ms || t > w->to_wall_ms)
		return 0;
	return w->fn(w->arg, t, line, n - 1, reterr);
}

static int flight_read_file(const char *path, const struct flight_walk *w, struct osha_err *reterr)
{
	FILE *file = fopen(path, "re");
	char *line;
	int e = 0;

	if (!file)
		return osha_err_set_errno(
		    reterr, errno == ENOENT ? OSHA_E_NOTFOUND : OSHA_E_IO, errno, "read %s", path);
	line = malloc(JOURNAL_FLIGHT_LINE_MAX + 1);
	if (!line)
		e = osha_err_set(reterr, OSHA_E_NOMEM, "read %s", path);
	while (e >= 0 && fgets(line, JOURNAL_FLIGHT_LINE_MAX + 1, file))
		e = flight_line(w, line, strlen(line), reterr);
	if (e >= 0 && ferror(file))
		e = osha_err_set_errno(reterr, OSHA_E_IO, errno, "read %s", path);
	free(line);
	fclose(file);
	return e;
}

int journal_flight_read(const char *path, int64_t from_wall_ms, int64_t to_wall_ms, journal_flight_fn fn, void *arg,
    struct osha_err *reterr)
{
	struct flight_walk w = {.from_wall_ms = from_wall_ms, .to_wall_ms = to_wall_ms, .fn = fn, .arg = arg};
	STR_AUTO char *older = NULL;
	int e;

	if (asprintf(&older, "%s.1", path) < 0) {
		older = NULL;
		return osha_err_set(reterr, OSHA_E_NOMEM, "read %s", path);
	}
	e = flight_read_file(older, &w, reterr);
	if (e >= 0 || e == -OSHA_E_NOTFOUND)
		e = flight_read_file(path, &w, reterr);
	return e;
}
