/* SPDX-License-Identifier: MIT */
/* image-window.h - writing an image's file without mapping it.
 *
 * The first write to each page of a mapped file is a fault, which costs several
 * times what writing the page to the file does. So the bytes of an image that
 * is being made are put together in a window of some pages, and written when it
 * moves on. */
#ifndef TORPOR_VM_IMAGE_WINDOW_H
#define TORPOR_VM_IMAGE_WINDOW_H

#include "vm/vm.h"

typedef struct torpor__image_window torpor__image_window;

/* A window on 'file', which has no bytes yet. NULL: no memory. */
torpor__image_window *torpor__image_window_open(torpor__os_file file);
/* Puts 'size' bytes at 'start', below the file's size of 'limit'; NULL: zeros.
 * false: the system has no memory for the file. */
bool torpor__image_window_put(torpor__image_window *window, uint64_t limit,
                              uint32_t start, uint32_t size,
                              const uint8_t *bytes);
/* Writes what was put. The file may change otherwise then, until the next put.
 * false: as above. */
bool torpor__image_window_flush(torpor__image_window *window);
/* Throws away what was not written. NULL is fine. */
void torpor__image_window_close(torpor__image_window *window);

#endif
