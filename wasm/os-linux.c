/* SPDX-License-Identifier: MIT */
/* os-linux.c - time, chance, and the program's files, on Linux. Memory, signals
 * and threads have files of their own. */
#define _GNU_SOURCE
#include "wasm/os.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(TORPOR__OS_PATH_LARGEST >= PATH_MAX, "os.h has room for paths");

/* ---- Refusing, for tests --------------------------------------------------*/

#ifdef TORPOR_TESTING
static _Atomic unsigned asked, refused_first = UINT32_MAX, refused_count;

void torpor__os_refuse(unsigned passed, unsigned refused) {
  refused_first = UINT32_MAX;
  asked = 0;
  refused_count = refused;
  refused_first = passed;
}

unsigned torpor__os_asked(void) {
  return asked;
}

bool torpor__os_is_refused(void) {
  unsigned number = atomic_fetch_add(&asked, 1);
  return number >= refused_first && number - refused_first < refused_count;
}
#endif

/* ---- Time and chance ------------------------------------------------------*/

static uint64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

uint64_t torpor__os_now(void) {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t torpor__os_now_utc(void) {
  return read_clock(CLOCK_REALTIME);
}

int torpor__os_zone(int64_t seconds) {
  time_t moment = (time_t)seconds;
  struct tm local;
  if (!localtime_r(&moment, &local)) return 0;
  return (int)(local.tm_gmtoff / 60);
}

bool torpor__os_random(void *bytes, size_t size) {
  uint8_t *at = bytes;
  while (size > 0) {
    ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno != EINTR) return false;
    if (got > 0) {
      at += got;
      size -= (size_t)got;
    }
  }
  return true;
}

/* ---- The program ----------------------------------------------------------*/

const char *torpor__os_setting(const char *name) {
  return secure_getenv(name);
}

void torpor__os_write_line(bool is_error, const char *text, size_t size) {
  FILE *stream = is_error ? stderr : stdout;
  flockfile(stream);
  fwrite(text, 1, size, stream);
  putc_unlocked('\n', stream);
  funlockfile(stream);
}

static locale_t plain_locale;

static void make_plain_locale(void) {
  plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

uintptr_t torpor__os_locale_plain(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_plain_locale);
  return (uintptr_t)uselocale(plain_locale);
}

void torpor__os_locale_set(uintptr_t before) {
  uselocale((locale_t)before);
}

/* ---- Files ----------------------------------------------------------------*/

bool torpor__os_program_path(char *path, size_t size) {
  ssize_t got = readlink("/proc/self/exe", path, size);
  if (got <= 0 || (size_t)got >= size) return false;
  path[got] = 0;
  return true;
}

bool torpor__os_library_path(char *path, size_t size) {
  Dl_info own;
  if (!dladdr(torpor__os_library_path, &own) || !own.dli_fname ||
      strlen(own.dli_fname) >= size)
    return false;
  strcpy(path, own.dli_fname);
  return true;
}

bool torpor__os_path_exists(const char *path) {
  return access(path, F_OK) == 0;
}

bool torpor__os_folder_each(const char *path,
                            bool (*visit)(void *user, const char *name),
                            void *user) {
  struct dirent **names;
  bool more = true;
  int count = scandir(path, &names, NULL, alphasort);
  for (int i = 0; i < count; i++) {
    more = more && visit(user, names[i]->d_name);
    free(names[i]);
  }
  if (count >= 0) free(names);
  return more;
}

/* ---- Libraries ------------------------------------------------------------*/

/* Whether the file has all that its program headers speak of. The dynamic
 * linker maps one that was cut short all the same, and dies of a signal. */
static bool is_whole(int file) {
  ElfW(Ehdr) head;
  ElfW(Phdr) part;
  struct stat about;
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode) ||
      pread(file, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
      memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_phentsize != sizeof(part))
    return false;
  for (size_t i = 0; i < head.e_phnum; i++) {
    off_t at = (off_t)(head.e_phoff + i * sizeof(part));
    if (pread(file, &part, sizeof(part), at) != (ssize_t)sizeof(part) ||
        part.p_filesz > (uint64_t)about.st_size ||
        part.p_offset > (uint64_t)about.st_size - part.p_filesz)
      return false;
  }
  return true;
}

void *torpor__os_library_open(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  bool whole = file >= 0 && is_whole(file);
  if (file >= 0) close(file);
  return whole ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
}

void torpor__os_library_close(void *library) {
  dlclose(library);
}

void *torpor__os_library_find(void *library, const char *name) {
  return dlsym(library, name);
}
