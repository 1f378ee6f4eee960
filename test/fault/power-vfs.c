/* SPDX-License-Identifier: MIT */
/* power-vfs.c - a file layer for SQLite whose power can be cut.
 *
 *      now       what the process reads
 *      platter   what survives for certain
 *      pending   the writes and truncations that lead from platter to now
 *
 * A write goes to 'now' and 'pending'; a sync makes 'platter' equal to 'now'
 * and 'pending' empty. At a power cut 'pending' is replayed onto 'platter', but
 * for each sector only if chance says so, and then perhaps only its first
 * bytes.
 *
 * Shared memory is plain memory: it never survives. See power-vfs.h. */
#include "fault/power-vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, NAME_MAX_SIZE = 64, SECTOR = 512, SHM_REGIONS = 8 };

struct image {
  uint8_t *data;
  int64_t size;
  int64_t capacity;
};

struct change {
  int64_t offset; /* or the new size, of a truncation */
  int64_t size;   /* -1: a truncation */
  uint8_t *data;
};

struct file {
  char name[NAME_MAX_SIZE];
  bool exists;  /* now */
  bool entered; /* in the folder on the platter */
  struct image now;
  struct image platter;
  struct change *changes;
  int64_t change_count;
};

struct handle {
  sqlite3_file base;
  struct file *file;
};

static struct {
  struct file files[FILES];
  void *regions[SHM_REGIONS];
  uint64_t random;
  int64_t events;
  int64_t cut_at; /* 0: never */
  int64_t capacity;
  bool cut;
} disk;

static uint64_t draw(uint64_t limit) {
  disk.random ^= disk.random << 13;
  disk.random ^= disk.random >> 7;
  disk.random ^= disk.random << 17;
  return disk.random % limit;
}

static void *must(void *memory) {
  if (memory == NULL) abort();
  return memory;
}

/* ---- images -------------------------------------------------------------- */

static void resize_image(struct image *image, int64_t size) {
  if (size > image->capacity) {
    image->capacity = size * 2 + 4096;
    image->data = must(realloc(image->data, (size_t)image->capacity));
  }
  if (size > image->size)
    memset(image->data + image->size, 0, (size_t)(size - image->size));
  image->size = size;
}

static void write_image(struct image *image, int64_t offset,
                        const uint8_t *data, int64_t size) {
  if (offset + size > image->size) resize_image(image, offset + size);
  memcpy(image->data + offset, data, (size_t)size);
}

static void copy_image(struct image *to, const struct image *from) {
  resize_image(to, from->size);
  if (from->size > 0) memcpy(to->data, from->data, (size_t)from->size);
}

static void forget_changes(struct file *file) {
  for (int64_t i = 0; i < file->change_count; i++) free(file->changes[i].data);
  free(file->changes);
  file->changes = NULL;
  file->change_count = 0;
}

static void add_change(struct file *file, int64_t offset, int64_t size,
                       const void *data) {
  file->changes = must(realloc(file->changes, (size_t)(file->change_count + 1) *
                                                  sizeof *file->changes));
  struct change *change = &file->changes[file->change_count++];
  *change = (struct change){.offset = offset, .size = size};
  if (size <= 0) return;
  change->data = must(malloc((size_t)size));
  memcpy(change->data, data, (size_t)size);
}

/* ---- losing power -------------------------------------------------------- */

/* Replays a write as far as it has reached the platter. */
static void replay_write(struct file *file, const struct change *change,
                         enum power_loss loss) {
  int64_t done = 0;
  while (done < change->size) {
    int64_t place = change->offset + done;
    int64_t piece = SECTOR - place % SECTOR;
    if (piece > change->size - done) piece = change->size - done;
    uint64_t fate = loss == POWER_LOSES_SOME ? draw(5) : 1;
    int64_t kept = fate >= 3 ? 0 : fate == 0 ? (int64_t)draw(SECTOR) : piece;
    if (kept > piece) kept = piece;
    if (kept > 0) write_image(&file->platter, place, change->data + done, kept);
    done += piece;
  }
}

static void lose_power(struct file *file, enum power_loss loss) {
  for (int64_t i = 0; i < file->change_count && loss != POWER_LOSES_ALL; i++) {
    const struct change *change = &file->changes[i];
    if (change->size >= 0)
      replay_write(file, change, loss);
    else if (loss == POWER_LOSES_NONE || draw(2) == 0)
      resize_image(&file->platter, change->offset);
  }
  if (file->exists != file->entered) {
    bool survives =
        loss == POWER_LOSES_NONE || (loss == POWER_LOSES_SOME && draw(2) == 0);
    if (survives) file->entered = file->exists;
  }
  file->exists = file->entered;
  if (!file->exists) resize_image(&file->platter, 0);
  forget_changes(file);
  copy_image(&file->now, &file->platter);
}

void power_restore(enum power_loss loss, uint64_t seed) {
  disk.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (int i = 0; i < FILES; i++) lose_power(&disk.files[i], loss);
  disk.cut = false;
  disk.cut_at = 0;
  disk.events = 0;
}

/* Counts an event; true when the power goes while it happens. */
static bool is_interrupted(void) {
  disk.events++;
  if (disk.events == disk.cut_at) disk.cut = true;
  return disk.cut;
}

/* ---- files --------------------------------------------------------------- */

static struct file *file_of(sqlite3_file *handle) {
  return ((struct handle *)handle)->file;
}

static int close_file(sqlite3_file *handle) {
  (void)handle;
  return SQLITE_OK;
}

static int read_file(sqlite3_file *handle, void *data, int size,
                     sqlite3_int64 offset) {
  const struct image *image = &file_of(handle)->now;
  if (disk.cut) return SQLITE_IOERR_READ;
  int64_t there = image->size - offset;
  if (there > size) there = size;
  if (there < 0) there = 0;
  if (there > 0) memcpy(data, image->data + offset, (size_t)there);
  if (there == size) return SQLITE_OK;
  memset((uint8_t *)data + there, 0, (size_t)(size - there));
  return SQLITE_IOERR_SHORT_READ;
}

static bool is_full(const struct file *file, int64_t size) {
  int64_t used = size > file->now.size ? size - file->now.size : 0;
  for (int i = 0; i < FILES; i++)
    if (disk.files[i].exists) used += disk.files[i].now.size;
  return disk.capacity > 0 && used > disk.capacity;
}

static int write_file(sqlite3_file *handle, const void *data, int size,
                      sqlite3_int64 offset) {
  struct file *file = file_of(handle);
  if (disk.cut) return SQLITE_IOERR_WRITE;
  if (is_full(file, offset + size)) return SQLITE_FULL;
  add_change(file, offset, size, data);
  if (is_interrupted()) return SQLITE_IOERR_WRITE;
  write_image(&file->now, offset, data, size);
  return SQLITE_OK;
}

static int truncate_file(sqlite3_file *handle, sqlite3_int64 size) {
  struct file *file = file_of(handle);
  if (disk.cut) return SQLITE_IOERR_TRUNCATE;
  add_change(file, size, -1, NULL);
  if (is_interrupted()) return SQLITE_IOERR_TRUNCATE;
  resize_image(&file->now, size);
  return SQLITE_OK;
}

/* What was made is in the folder now, what was deleted has left nothing. */
static void sync_folder(void) {
  for (int i = 0; i < FILES; i++) {
    struct file *file = &disk.files[i];
    file->entered = file->exists;
    if (file->exists) continue;
    forget_changes(file);
    resize_image(&file->platter, 0);
  }
}

static int sync_file(sqlite3_file *handle, int flags) {
  struct file *file = file_of(handle);
  (void)flags;
  if (disk.cut || is_interrupted()) return SQLITE_IOERR_FSYNC;
  if (!file->entered) sync_folder(); /* a new file syncs its folder */
  copy_image(&file->platter, &file->now);
  forget_changes(file);
  return SQLITE_OK;
}

static int get_size(sqlite3_file *handle, sqlite3_int64 *size) {
  if (disk.cut) return SQLITE_IOERR_FSTAT;
  *size = file_of(handle)->now.size;
  return SQLITE_OK;
}

static int set_lock(sqlite3_file *handle, int lock) {
  (void)handle;
  (void)lock;
  return disk.cut ? SQLITE_IOERR_LOCK : SQLITE_OK;
}

static int get_reserved(sqlite3_file *handle, int *reserved) {
  (void)handle;
  *reserved = 0;
  return SQLITE_OK;
}

static int control_file(sqlite3_file *handle, int request, void *data) {
  (void)handle;
  (void)request;
  (void)data;
  return SQLITE_NOTFOUND;
}

static int get_sector(sqlite3_file *handle) {
  (void)handle;
  return SECTOR;
}

/* As on Linux: a write that is interrupted leaves alone what lies beside it. */
static int get_traits(sqlite3_file *handle) {
  (void)handle;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int map_shared(sqlite3_file *handle, int region, int size, int extend,
                      void volatile **memory) {
  (void)handle;
  *memory = NULL;
  if (disk.cut || region >= SHM_REGIONS) return SQLITE_IOERR_SHMMAP;
  if (disk.regions[region] == NULL && extend)
    disk.regions[region] = must(calloc(1, (size_t)size));
  *memory = disk.regions[region];
  return SQLITE_OK;
}

static int lock_shared(sqlite3_file *handle, int offset, int count, int flags) {
  (void)handle;
  (void)offset;
  (void)count;
  (void)flags;
  return SQLITE_OK;
}

static void order_shared(sqlite3_file *handle) {
  (void)handle;
}

static int unmap_shared(sqlite3_file *handle, int drop) {
  (void)handle;
  (void)drop;
  for (int i = 0; i < SHM_REGIONS; i++) {
    free(disk.regions[i]);
    disk.regions[i] = NULL;
  }
  return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = get_size,
    .xLock = set_lock,
    .xUnlock = set_lock,
    .xCheckReservedLock = get_reserved,
    .xFileControl = control_file,
    .xSectorSize = get_sector,
    .xDeviceCharacteristics = get_traits,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = order_shared,
    .xShmUnmap = unmap_shared,
};

/* ---- the folder ---------------------------------------------------------- */

static struct file *find_file(const char *name) {
  for (int i = 0; i < FILES; i++)
    if (strcmp(disk.files[i].name, name) == 0) return &disk.files[i];
  return NULL;
}

static struct file *make_file(const char *name) {
  struct file *file = find_file(name);
  if (file == NULL) file = find_file("");
  if (file == NULL || strlen(name) >= NAME_MAX_SIZE) abort();
  strcpy(file->name, name);
  file->exists = true;
  return file;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *handle,
                     int flags, int *flags_out) {
  (void)vfs;
  handle->pMethods = NULL;
  if (disk.cut) return SQLITE_IOERR;
  struct file *file = find_file(name);
  if (file == NULL || !file->exists) {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    file = make_file(name);
  }
  ((struct handle *)handle)->file = file;
  handle->pMethods = &methods;
  if (flags_out != NULL) *flags_out = flags;
  return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs;
  struct file *file = find_file(name);
  if (disk.cut) return SQLITE_IOERR_DELETE;
  if (file == NULL || !file->exists) return SQLITE_IOERR_DELETE_NOENT;
  bool interrupted = is_interrupted();
  file->exists = false;
  if (interrupted) return SQLITE_IOERR_DELETE;
  resize_image(&file->now, 0);
  add_change(file, 0, -1, NULL);
  if (sync) sync_folder();
  return SQLITE_OK;
}

static int has_access(sqlite3_vfs *vfs, const char *name, int flags,
                      int *result) {
  (void)vfs;
  (void)flags;
  const struct file *file = find_file(name);
  *result = file != NULL && file->exists;
  return disk.cut ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int get_full_name(sqlite3_vfs *vfs, const char *name, int size,
                         char *full) {
  (void)vfs;
  sqlite3_snprintf(size, full, "%s", name);
  return SQLITE_OK;
}

static int fill_random(sqlite3_vfs *vfs, int size, char *bytes) {
  (void)vfs;
  for (int i = 0; i < size; i++) bytes[i] = (char)draw(256);
  return size;
}

static int sleep_not(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return microseconds;
}

static int get_time(sqlite3_vfs *vfs, double *days) {
  (void)vfs;
  *days = 2460000.5;
  return SQLITE_OK;
}

static int get_error(sqlite3_vfs *vfs, int size, char *text) {
  (void)vfs;
  (void)size;
  (void)text;
  return 0;
}

static sqlite3_vfs power_vfs = {
    .iVersion = 1,
    .szOsFile = sizeof(struct handle),
    .mxPathname = NAME_MAX_SIZE,
    .zName = POWER_VFS,
    .xOpen = open_file,
    .xDelete = delete_file,
    .xAccess = has_access,
    .xFullPathname = get_full_name,
    .xRandomness = fill_random,
    .xSleep = sleep_not,
    .xCurrentTime = get_time,
    .xGetLastError = get_error,
};

void power_on(uint64_t seed) {
  power_off();
  disk.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  sqlite3_vfs_register(&power_vfs, 0);
}

void power_off(void) {
  for (int i = 0; i < FILES; i++) {
    forget_changes(&disk.files[i]);
    free(disk.files[i].now.data);
    free(disk.files[i].platter.data);
  }
  unmap_shared(NULL, 1);
  memset(&disk, 0, sizeof disk);
}

void power_cut_at(int64_t event) {
  disk.cut_at = disk.events + event;
}

bool power_is_cut(void) {
  return disk.cut;
}

int64_t power_events(void) {
  return disk.events;
}

void power_capacity(int64_t bytes) {
  disk.capacity = bytes;
}

bool power_scribble(const char *name, int64_t offset, uint8_t byte) {
  struct file *file = find_file(name);
  if (file == NULL || offset >= file->now.size) return false;
  file->now.data[offset] = byte;
  write_image(&file->platter, offset, &byte, 1);
  return true;
}
