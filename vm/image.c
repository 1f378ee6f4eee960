/* SPDX-License-Identifier: MIT */
/* image.c - the baseline of each engine, laid out flat.
 *
 * An engine brings its initialised memory as segments, the runs of its wasm
 * module. Resetting and comparing go by whole pages, so at the first use of an
 * engine the segments are laid out once, and kept: read-only from then on, and
 * shared by all threads.
 *
 *     image:  | stack: zero | data ... | control | ... | heap at bake time |
 *                                                                       size
 *
 * The image is the engine's own, so its control block can be believed. */
#include <pthread.h>
#include <string.h>

#include "vm/vm.h"

static pthread_mutex_t images_lock = PTHREAD_MUTEX_INITIALIZER;
static torpor__image *images;

static uint32_t round_to_page(uint32_t address) {
  return (address + TORPOR__PAGE - 1) & ~(TORPOR__PAGE - 1);
}

static uint32_t find_size(const torpor__engine *engine) {
  uint32_t size = engine->control + (uint32_t)sizeof(torpor_abi_control);
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    if (segment->address + segment->size > size)
      size = segment->address + segment->size;
  }
  return round_to_page(size);
}

static void lay_out(torpor__image *image) {
  const torpor__engine *engine = image->engine;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    memcpy(image->bytes + segment->address, segment->data, segment->size);
  }
  for (uint32_t page = 0; page < image->size / TORPOR__PAGE; page++) {
    const uint8_t *bytes = image->bytes + (size_t)page * TORPOR__PAGE;
    image->page_used[page] =
        bytes[0] != 0 || memcmp(bytes, bytes + 1, TORPOR__PAGE - 1) != 0;
  }
}

static void read_layout(torpor__image *image) {
  uint32_t control_at = image->engine->control;
  torpor_abi_control control;
  memcpy(&control, image->bytes + control_at, sizeof(control));
  image->stack_size = control.stack_size;
  image->host_start = control_at + (uint32_t)offsetof(torpor_abi_control, host);
  image->host_end = image->host_start + (uint32_t)sizeof(control.host);
}

static torpor__image *new_image(const torpor__engine *engine) {
  uint32_t size = find_size(engine), pages = size / TORPOR__PAGE;
  torpor__image *image = torpor__alloc(sizeof(*image) + pages);
  if (!image) return NULL;
  *image = (torpor__image){.engine = engine, .size = size};
  image->page_used = (uint8_t *)(image + 1);
  image->bytes = torpor__alloc(size);
  if (!image->bytes) {
    torpor__alloc_free(image);
    return NULL;
  }
  memset(image->bytes, 0, size);
  lay_out(image);
  read_layout(image);
  return image;
}

const torpor__image *torpor__image_find(const torpor__engine *engine) {
  torpor__image *image;
  pthread_mutex_lock(&images_lock);
  image = images;
  while (image && image->engine != engine) image = image->next;
  if (!image && (image = new_image(engine)) != NULL) {
    image->next = images;
    images = image;
  }
  pthread_mutex_unlock(&images_lock);
  return image;
}
