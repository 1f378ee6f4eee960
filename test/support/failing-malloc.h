/* SPDX-License-Identifier: MIT */
/* failing-malloc.h - malloc and its kin, of which one call fails.
 *
 * While a scene plays, the n-th call returns NULL, for n = 0, 1, 2... until the
 * scene plays through without one:
 *
 *   long failed = 0;
 *   do {
 *     begin_failing(failed);
 *     ...
 *     assert_nothing_is_left(failed++);
 *   } while (has_failed());
 *
 * Replaces the functions of the program that includes it, which is a test of
 * its own; under the address sanitizer they stand before those of that, which
 * then looks for what leaks. libuv keeps the real ones (spare_libuv), since it
 * ends the process when it cannot grow its tables. */
#ifndef TORPOR_TEST_FAILING_MALLOC_H
#define TORPOR_TEST_FAILING_MALLOC_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#ifdef __SANITIZE_ADDRESS__
#define __libc_malloc __interceptor_malloc
#define __libc_calloc __interceptor_calloc
#define __libc_realloc __interceptor_realloc
#define __libc_free __interceptor_free
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);

static atomic_bool playing;
static atomic_long left; /* calls until one fails; negative: none will */
static atomic_long live; /* blocks made while playing and not freed */

static bool must_fail(void) {
  if (!atomic_load(&playing)) return false;
  if (atomic_fetch_sub(&left, 1) != 0) return false;
  errno = ENOMEM;
  return true;
}

static void *note(void *block) {
  if (block != NULL && atomic_load(&playing)) atomic_fetch_add(&live, 1);
  return block;
}

/* libc's own callers, such as strdup, must find these too. */
#define REPLACES __attribute__((visibility("default")))

REPLACES void *malloc(size_t size) {
  return must_fail() ? NULL : note(__libc_malloc(size));
}

REPLACES void *calloc(size_t count, size_t size) {
  return must_fail() ? NULL : note(__libc_calloc(count, size));
}

REPLACES void *realloc(void *block, size_t size) {
  if (must_fail()) return NULL;
  void *grown = __libc_realloc(block, size);
  return block == NULL ? note(grown) : grown;
}

REPLACES void free(void *block) {
  if (block != NULL && atomic_load(&playing)) atomic_fetch_sub(&live, 1);
  __libc_free(block);
}

static bool spare_libuv(void) {
  return uv_replace_allocator(__libc_malloc, __libc_realloc, __libc_calloc,
                              __libc_free) == 0;
}

/* From now on call number 'number' fails, and blocks are counted. */
static void begin_failing(long number) {
  atomic_store(&live, 0);
  atomic_store(&left, number);
  atomic_store(&playing, true);
}

static inline void assert_nothing_is_left(long number) {
  atomic_store(&playing, false);
  if (atomic_load(&live) != 0)
    fail_msg("allocation %ld: %ld blocks are left", number, atomic_load(&live));
}

static bool has_failed(void) {
  return atomic_load(&left) < 0;
}

#endif
