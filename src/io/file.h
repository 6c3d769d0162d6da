/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as the project needs them: read whole, written whole or not at all, locked for life; and random bytes. All of
 * these block on the disk: they belong to start-up, commands and threads of their own, not to the loop. What stands in
 * a file is left to the callers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct io_lock;

enum { IO_FILE_MAX_BYTES = 16 * 1024 * 1024 }; /* default cap of a file read whole */

/* Positive outcomes of io_file_read(). */
enum {
	IO_FILE_OPEN_TO_OTHERS = 1, /* read, but its group or everybody may read this secret: warn */
};

/**
 * io_file_read() - read a regular file (or pipe) whole.
 * @max_bytes: 0 = IO_FILE_MAX_BYTES; a longer one is -OSHA_E_GARBAGE
 * @is_secret: look at its permissions
 * @ret_bytes: NUL-terminated beyond its end; the caller frees it
 * @ret_size: may be NULL
 *
 * Returns 0 or IO_FILE_OPEN_TO_OTHERS. Errors: -OSHA_E_NOTFOUND, -OSHA_E_REFUSED (not permitted), -OSHA_E_GARBAGE,
 * -OSHA_E_IO, -OSHA_E_NOMEM.
 */
int io_file_read(
    const char *path, size_t max_bytes, bool is_secret, char **ret_bytes, size_t *ret_size, struct osha_err *reterr);

/**
 * io_file_write() - replace a file atomically and durably: temporary file beside it, fsync, rename, fsync of the
 * directory.
 * @mode: permissions of the new file
 *
 * On error the old file stands unchanged. Errors: -OSHA_E_NOSPACE, -OSHA_E_REFUSED, -OSHA_E_NOTFOUND (no such
 * directory), -OSHA_E_IO.
 */
int io_file_write(const char *path, const void *bytes, size_t size, mode_t mode, struct osha_err *reterr);

/** io_file_exists() - is there anything at @path that we can see? */
bool io_file_exists(const char *path);

/** io_file_remove() - unlink; one that is not there is fine. */
int io_file_remove(const char *path, struct osha_err *reterr);

/** io_dir_make() - make a directory and its missing parents; one that is there is fine, its mode stays. */
int io_dir_make(const char *path, mode_t mode, struct osha_err *reterr);

/**
 * io_lock_acquire() - hold an exclusive lock on @path until io_lock_release() or the end of the process, however it
 * ends.
 * @text: one line about the holder ("oshad pid 12 on ctl1 since ..."), written into the file; copied
 * @ret_lock: ended by io_lock_release()
 *
 * Does not wait. Not inherited by children. Errors: -OSHA_E_BUSY with the holder's text in @reterr, -OSHA_E_IO,
 * -OSHA_E_REFUSED, -OSHA_E_NOMEM.
 */
int io_lock_acquire(const char *path, const char *text, struct io_lock **ret_lock, struct osha_err *reterr);

/** io_lock_release() - give it back; the file stays (removing it would let two hold "it"). NULL is fine. */
void io_lock_release(struct io_lock *lock);

/** io_random() - @n bytes from the kernel's generator. Errors: -OSHA_E_IO. */
int io_random(void *bytes, size_t n, struct osha_err *reterr);
/** io_random_u64() - 64 of its bits; ends the process when the kernel has none, which no supported kernel does. */
uint64_t io_random_u64(void);

/** io_host_name() - this machine's name into @buf, "localhost" when it has none; always terminated. */
void io_host_name(char *buf, size_t size);
/** io_env() - an environment variable or NULL when unset or empty. Borrowed. */
const char *io_env(const char *name);
/** io_pid(), io_uid() - our own. */
pid_t io_pid(void);
uid_t io_uid(void);
