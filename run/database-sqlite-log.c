/* SPDX-License-Identifier: MIT */
/* database-sqlite-log.c - a file layer of SQLite that writes the log in large
 * pieces. See database-sqlite-log.h.
 *
 * The log is a file of the other layer with a struct log_file before it. The
 * database is the other layer's, but for the giving up of its locks. All else
 * is the other's alone.
 *
 *  (1) 'pending' are bytes that the file does not have yet, in one piece, the
 *      first of which goes to offset 'at'. What SQLite asks of the file is
 *      answered after they are written.
 *  (2) When writing them fails, that is the answer, and they are gone: SQLite
 *      takes the transaction back then.
 *  (3) There are none without the lock for writing: what is left when that is
 *      given up, of a transaction that was taken back, is written before.
 *      Others may write in its place from then on.
 *
 * On the thread of the connection. */
#include "database-sqlite-log.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SQLite itself never writes more at once than its largest page, 64 KiB, and
 * its layer for Unix cannot write certain larger sizes. */
enum { PENDING_SIZE = 64 << 10 };

struct torpor__sqlite_log {
  sqlite3_vfs layer; /* first */
  sqlite3_vfs *base;
  bool gathers;               /* see 'open_main' */
  struct log_file *file;      /* the log, while it is open */
  sqlite3_io_methods methods; /* of the database's file: its own but one */
  int (*shm_lock)(sqlite3_file *file, int first, int count, int flags);
  char name[40];
};

struct log_file {
  sqlite3_file file; /* first: what SQLite sees */
  struct torpor__sqlite_log *layer;
  sqlite3_file *under;
  uint8_t *pending; /* room for PENDING_SIZE, once anything is written */
  int size;
  sqlite3_int64 at;
};

/* The other's file lies behind ours, aligned as it would be alone. */
#define UNDER_OFFSET ((sizeof(struct log_file) + 15) & ~(size_t)15)

static struct log_file *file_of(sqlite3_file *file) {
  return (struct log_file *)file;
}

static sqlite3_file *under(sqlite3_file *file) {
  return file_of(file)->under;
}

/* ---- the log -------------------------------------------------------------*/

static int write_pending(sqlite3_file *file) {
  struct log_file *log = file_of(file);
  int size = log->size;
  log->size = 0;
  if (size == 0) return SQLITE_OK;
  return log->under->pMethods->xWrite(log->under, log->pending, size, log->at);
}

static int log_close(sqlite3_file *file) {
  int result = under(file)->pMethods->xClose(under(file));
  free(file_of(file)->pending);
  file_of(file)->layer->file = NULL;
  file->pMethods = NULL;
  return result;
}

static int log_read(sqlite3_file *file, void *out, int size,
                    sqlite3_int64 offset) {
  int result = write_pending(file);
  if (result != SQLITE_OK) return result;
  return under(file)->pMethods->xRead(under(file), out, size, offset);
}

/* Without memory for them, pieces go where they would without us. */
static int log_write(sqlite3_file *file, const void *data, int size,
                     sqlite3_int64 offset) {
  struct log_file *log = file_of(file);
  int result = SQLITE_OK;
  if (offset != log->at + log->size || size > PENDING_SIZE - log->size)
    result = write_pending(file);
  if (log->pending == NULL && log->layer->gathers)
    log->pending = malloc(PENDING_SIZE);
  if (result != SQLITE_OK) return result;
  if (log->pending == NULL || size > PENDING_SIZE)
    return log->under->pMethods->xWrite(log->under, data, size, offset);
  if (log->size == 0) log->at = offset;
  memcpy(log->pending + log->size, data, (size_t)size);
  log->size += size;
  return SQLITE_OK;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int result = write_pending(file);
  if (result != SQLITE_OK) return result;
  return under(file)->pMethods->xTruncate(under(file), size);
}

static int log_sync(sqlite3_file *file, int flags) {
  int result = write_pending(file);
  if (result != SQLITE_OK) return result;
  return under(file)->pMethods->xSync(under(file), flags);
}

static int log_file_size(sqlite3_file *file, sqlite3_int64 *size) {
  int result = write_pending(file);
  if (result != SQLITE_OK) return result;
  return under(file)->pMethods->xFileSize(under(file), size);
}

static int log_lock(sqlite3_file *file, int lock) {
  return under(file)->pMethods->xLock(under(file), lock);
}

static int log_unlock(sqlite3_file *file, int lock) {
  return under(file)->pMethods->xUnlock(under(file), lock);
}

static int log_check_lock(sqlite3_file *file, int *out) {
  return under(file)->pMethods->xCheckReservedLock(under(file), out);
}

static int log_control(sqlite3_file *file, int operation, void *argument) {
  return under(file)->pMethods->xFileControl(under(file), operation, argument);
}

static int log_sector_size(sqlite3_file *file) {
  return under(file)->pMethods->xSectorSize(under(file));
}

static int log_characteristics(sqlite3_file *file) {
  return under(file)->pMethods->xDeviceCharacteristics(under(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1, /* nobody maps the log, or shares memory by it */
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_file_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector_size,
    .xDeviceCharacteristics = log_characteristics,
};

/* ---- the layer -----------------------------------------------------------*/

static struct torpor__sqlite_log *log_of(sqlite3_vfs *layer) {
  return (struct torpor__sqlite_log *)layer;
}

static sqlite3_vfs *base_of(sqlite3_vfs *layer) {
  return log_of(layer)->base;
}

static int open_log(sqlite3_vfs *layer, const char *name, sqlite3_file *file,
                    int flags, int *out_flags) {
  sqlite3_vfs *base = base_of(layer);
  struct log_file *log = file_of(file);
  *log = (struct log_file){
      .layer = log_of(layer),
      .under = (sqlite3_file *)((uint8_t *)file + UNDER_OFFSET)};
  int result = base->xOpen(base, name, log->under, flags, out_flags);
  if (log->under->pMethods == NULL) return result;
  file->pMethods = &log_methods;
  log->layer->file = log;
  return result;
}

/* The first of the locks that are shared memory's is the one for writing. */
static int lock_shared(sqlite3_file *file, int first, int count, int flags) {
  struct torpor__sqlite_log *log =
      (struct torpor__sqlite_log *)((uint8_t *)file->pMethods -
                                    offsetof(struct torpor__sqlite_log,
                                             methods));
  if (first == 0 && flags & SQLITE_SHM_UNLOCK && flags & SQLITE_SHM_EXCLUSIVE &&
      log->file != NULL)
    write_pending(&log->file->file);
  return log->shm_lock(file, first, count, flags);
}

/* Where a write that the power interrupts may damage what lies beside it,
 * SQLite fills the log up to the end of a sector, and does not sync that: there
 * nothing is gathered. The file stays the other layer's, with a table of
 * methods of which one is ours. */
static int open_main(sqlite3_vfs *layer, const char *name, sqlite3_file *file,
                     int flags, int *out_flags) {
  struct torpor__sqlite_log *log = log_of(layer);
  int result = log->base->xOpen(log->base, name, file, flags, out_flags);
  if (result != SQLITE_OK || file->pMethods->iVersion < 2 ||
      !(file->pMethods->xDeviceCharacteristics(file) &
        SQLITE_IOCAP_POWERSAFE_OVERWRITE))
    return result;
  log->methods = *file->pMethods;
  log->shm_lock = log->methods.xShmLock;
  log->methods.xShmLock = lock_shared;
  file->pMethods = &log->methods;
  log->gathers = true;
  return SQLITE_OK;
}

static int layer_open(sqlite3_vfs *layer, const char *name, sqlite3_file *file,
                      int flags, int *out_flags) {
  sqlite3_vfs *base = base_of(layer);
  if (flags & SQLITE_OPEN_WAL)
    return open_log(layer, name, file, flags, out_flags);
  if (flags & SQLITE_OPEN_MAIN_DB)
    return open_main(layer, name, file, flags, out_flags);
  return base->xOpen(base, name, file, flags, out_flags);
}

static int layer_delete(sqlite3_vfs *layer, const char *name, int sync) {
  return base_of(layer)->xDelete(base_of(layer), name, sync);
}

static int layer_access(sqlite3_vfs *layer, const char *name, int flags,
                        int *out) {
  return base_of(layer)->xAccess(base_of(layer), name, flags, out);
}

static int layer_full_path(sqlite3_vfs *layer, const char *name, int size,
                           char *out) {
  return base_of(layer)->xFullPathname(base_of(layer), name, size, out);
}

static int layer_randomness(sqlite3_vfs *layer, int size, char *out) {
  return base_of(layer)->xRandomness(base_of(layer), size, out);
}

static int layer_sleep(sqlite3_vfs *layer, int us) {
  return base_of(layer)->xSleep(base_of(layer), us);
}

static int layer_time(sqlite3_vfs *layer, double *out) {
  return base_of(layer)->xCurrentTime(base_of(layer), out);
}

static int layer_last_error(sqlite3_vfs *layer, int size, char *out) {
  sqlite3_vfs *base = base_of(layer);
  return base->xGetLastError != NULL ? base->xGetLastError(base, size, out) : 0;
}

struct torpor__sqlite_log *torpor__sqlite_log_open(const char *base) {
  sqlite3_vfs *under = sqlite3_vfs_find(base);
  struct torpor__sqlite_log *log = calloc(1, sizeof *log);
  if (under == NULL || log == NULL) {
    free(log);
    return NULL;
  }
  log->base = under;
  snprintf(log->name, sizeof log->name, "torpor-log-%p", (void *)log);
  log->layer = (sqlite3_vfs){.iVersion = 1,
                             .szOsFile = (int)UNDER_OFFSET + under->szOsFile,
                             .mxPathname = under->mxPathname,
                             .zName = log->name,
                             .xOpen = layer_open,
                             .xDelete = layer_delete,
                             .xAccess = layer_access,
                             .xFullPathname = layer_full_path,
                             .xRandomness = layer_randomness,
                             .xSleep = layer_sleep,
                             .xCurrentTime = layer_time,
                             .xGetLastError = layer_last_error};
  if (sqlite3_vfs_register(&log->layer, 0) == SQLITE_OK) return log;
  free(log);
  return NULL;
}

const char *torpor__sqlite_log_name(const struct torpor__sqlite_log *log) {
  return log->name;
}

void torpor__sqlite_log_close(struct torpor__sqlite_log *log) {
  if (log == NULL) return;
  sqlite3_vfs_unregister(&log->layer);
  free(log);
}
