/* SPDX-License-Identifier: MIT */
/* image-window.c - writing an image's file without mapping it.
 *
 *     file:     | written ...      |    window    | nothing yet |
 *     window:                      |..##...####...|
 *                                     the pages that were put into it
 *
 * What is put comes in the order of addresses, so the window moves on over a
 * snapshot once. It begins with what the file has there. Long stretches are
 * written as they are, without it.
 *
 * The thread that makes the image. */
#include "vm/memory/image-window.h"

#include <string.h>

#include "common/alloc.h"
#include "wasm/os.h"

#define PAGES 64u
#define SIZE (PAGES * TORPOR__PAGE)
/* From so many bytes on a stretch is written as it is. */
#define LONG (16u * TORPOR__PAGE)
#define NOWHERE UINT64_MAX

struct torpor__image_window {
  torpor__os_file file;
  uint64_t start; /* in the file, a multiple of SIZE; or NOWHERE */
  uint64_t end;   /* of what was written to the file */
  uint64_t put;   /* by page: something was put there */
  uint8_t bytes[SIZE];
};

torpor__image_window *torpor__image_window_open(torpor__os_file file) {
  torpor__image_window *window = torpor__alloc(sizeof(*window));
  if (!window) return NULL;
  window->file = file;
  window->start = NOWHERE;
  window->end = 0;
  window->put = 0;
  return window;
}

void torpor__image_window_close(torpor__image_window *window) {
  torpor__alloc_free(window);
}

static bool write_file(torpor__image_window *window, uint64_t at,
                       const uint8_t *bytes, size_t size) {
  if (!torpor__os_file_write(window->file, at, bytes, size)) return false;
  if (at + size > window->end) window->end = at + size;
  return true;
}

bool torpor__image_window_flush(torpor__image_window *window) {
  bool written = true;
  while (written && window->put != 0) {
    unsigned first = (unsigned)__builtin_ctzll(window->put);
    uint64_t behind = window->put >> first;
    unsigned count = ~behind ? (unsigned)__builtin_ctzll(~behind) : PAGES;
    size_t at = (size_t)first * TORPOR__PAGE;
    written = write_file(window, window->start + at, window->bytes + at,
                         (size_t)count * TORPOR__PAGE);
    window->put &=
        ~((count < PAGES ? (UINT64_C(1) << count) - 1 : UINT64_MAX) << first);
  }
  window->put = 0;
  window->start = NOWHERE;
  return written;
}

/* Moves the window to where 'address' lies. */
static bool move_to(torpor__image_window *window, uint64_t limit,
                    uint32_t address) {
  uint64_t start = address & ~(uint64_t)(SIZE - 1), size = limit - start;
  if (start == window->start) return true;
  if (!torpor__image_window_flush(window)) return false;
  if (size > SIZE) size = SIZE;
  if (start >= window->end)
    memset(window->bytes, 0, SIZE);
  else if (!torpor__os_file_read(window->file, start, window->bytes,
                                 (size_t)size))
    return false;
  window->start = start;
  return true;
}

/* Puts what fits into the window; gives how much that is, or 0: it failed. */
static uint32_t put_part(torpor__image_window *window, uint64_t limit,
                         uint32_t start, uint32_t size, const uint8_t *bytes) {
  uint32_t at = start % SIZE, first, last;
  if (!move_to(window, limit, start)) return 0;
  if (size > SIZE - at) size = SIZE - at;
  if (bytes)
    memcpy(window->bytes + at, bytes, size);
  else
    memset(window->bytes + at, 0, size);
  first = at / TORPOR__PAGE;
  last = (at + size - 1) / TORPOR__PAGE;
  window->put |= (UINT64_MAX << first) & (UINT64_MAX >> (PAGES - 1 - last));
  return size;
}

/* The same for a long stretch: its whole pages. */
static uint32_t put_pages(torpor__image_window *window, uint32_t start,
                          uint32_t size, const uint8_t *bytes) {
  size &= ~(TORPOR__PAGE - 1);
  if (!torpor__image_window_flush(window)) return 0;
  return write_file(window, start, bytes, size) ? size : 0;
}

bool torpor__image_window_put(torpor__image_window *window, uint64_t limit,
                              uint32_t start, uint32_t size,
                              const uint8_t *bytes) {
  while (size > 0) {
    uint32_t rest = start % TORPOR__PAGE, part = size, done;
    bool is_long = bytes && size >= LONG;
    if (is_long && rest != 0) part = TORPOR__PAGE - rest;
    if (is_long && rest == 0)
      done = put_pages(window, start, size, bytes);
    else
      done = put_part(window, limit, start, part, bytes);
    if (done == 0) return false;
    start += done;
    size -= done;
    if (bytes) bytes += done;
  }
  return true;
}
