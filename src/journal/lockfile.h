/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one lock of a journal: a file beside the database, locked for life and telling who holds it. Internal to the
 * room.
 */
#pragma once

#include "journal/journal.h"

/**
 * journal_lock_take() - lock "@path.lock" and write this process into it.
 * @ret_fd: on success; closing it gives the lock back, as does any death of the process
 *
 * An open-file-description lock: it is not lost when some other part of the process closes the same file, as a classic
 * one would be. Errors: as journal_open().
 */
int journal_lock_take(const char *path, int64_t now_wall_ms, int *ret_fd, struct osha_err *reterr);
