/* SPDX-License-Identifier: Apache-2.0 */
/* See failing_vfs.h. A file of ours is the system's file with a method table of our own in front. */
#include "test/unit/failing_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

atomic_int vfs_failure, vfs_failed;

struct failing_file {
	sqlite3_file base; /* must be first */
	int is_wal;
	sqlite3_file *real; /* right behind */
};

static sqlite3_vfs *real_vfs(void)
{
	return sqlite3_vfs_find("unix");
}

static sqlite3_file *real(sqlite3_file *f)
{
	return ((struct failing_file *)f)->real;
}

static int fail_or_ok(sqlite3_file *f, int is_sync)
{
	int mode = ((struct failing_file *)f)->is_wal ? atomic_load(&vfs_failure) : VFS_WORKS;
	int rc = mode == VFS_FULL && !is_sync          ? SQLITE_FULL
		 : mode == VFS_WRITE_ERROR && !is_sync ? SQLITE_IOERR_WRITE
		 : mode == VFS_SYNC_ERROR && is_sync   ? SQLITE_IOERR_FSYNC
						       : SQLITE_OK;

	if (rc != SQLITE_OK)
		atomic_fetch_add(&vfs_failed, 1);
	return rc;
}

#define PASS(name, args, call)                                                                                         \
	static int file_##name args                                                                                    \
	{                                                                                                              \
		return real(f)->pMethods->call;                                                                        \
	}
PASS(close, (sqlite3_file * f), xClose(real(f)))
PASS(read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), xRead(real(f), p, n, at))
PASS(truncate, (sqlite3_file * f, sqlite3_int64 n), xTruncate(real(f), n))
PASS(size, (sqlite3_file * f, sqlite3_int64 *n), xFileSize(real(f), n))
PASS(lock, (sqlite3_file * f, int l), xLock(real(f), l))
PASS(unlock, (sqlite3_file * f, int l), xUnlock(real(f), l))
PASS(reserved, (sqlite3_file * f, int *r), xCheckReservedLock(real(f), r))
PASS(control, (sqlite3_file * f, int op, void *p), xFileControl(real(f), op, p))
PASS(sector, (sqlite3_file * f), xSectorSize(real(f)))
PASS(traits, (sqlite3_file * f), xDeviceCharacteristics(real(f)))
PASS(shm_map, (sqlite3_file * f, int p, int n, int x, void volatile **pp), xShmMap(real(f), p, n, x, pp))
PASS(shm_lock, (sqlite3_file * f, int at, int n, int flags), xShmLock(real(f), at, n, flags))
PASS(shm_unmap, (sqlite3_file * f, int d), xShmUnmap(real(f), d))

static void file_shm_barrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	int rc = fail_or_ok(f, 0);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int file_sync(sqlite3_file *f, int flags)
{
	int rc = fail_or_ok(f, 1);

	return rc != SQLITE_OK ? rc : real(f)->pMethods->xSync(real(f), flags);
}

static const sqlite3_io_methods methods = {2, file_close, file_read, file_write, file_truncate, file_sync, file_size,
    file_lock, file_unlock, file_reserved, file_control, file_sector, file_traits, file_shm_map, file_shm_lock,
    file_shm_barrier, file_shm_unmap, NULL, NULL};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct failing_file *file = (struct failing_file *)f;
	int rc;

	file->real = (sqlite3_file *)(file + 1);
	file->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
	rc = real_vfs()->xOpen(real_vfs(), name, file->real, flags, ret_flags);
	file->base.pMethods = file->real->pMethods ? &methods : NULL;
	return rc;
}

void vfs_register(void)
{
	static sqlite3_vfs vfs;

	if (vfs.zName)
		return;
	vfs = *real_vfs();
	vfs.zName = "failing";
	vfs.szOsFile = (int)sizeof(struct failing_file) + real_vfs()->szOsFile;
	vfs.xOpen = vfs_open;
	sqlite3_vfs_register(&vfs, 0);
}
