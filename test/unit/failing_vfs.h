/* SPDX-License-Identifier: Apache-2.0 */
/* A SQLite VFS over the system's own that can be told to fail, so that real SQLite meets a real full or broken disk. */
#pragma once

#include <stdatomic.h>

enum vfs_failure { VFS_WORKS = 0, VFS_FULL, VFS_WRITE_ERROR, VFS_SYNC_ERROR };

/* What writes and syncs of the write-ahead log do from now on; any thread. */
extern atomic_int vfs_failure;
/* How often it failed something. */
extern atomic_int vfs_failed;

/* Register it as "failing"; may be called again. */
void vfs_register(void);
