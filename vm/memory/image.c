/* SPDX-License-Identifier: MIT */
/* image.c - flat memory that never changes, which VMs start from.
 *
 * There are two kinds: the *baseline* of each engine, the memory of an engine
 * that has just been initialised, which is made of the engine's segments at its
 * first use and kept; and a snapshot that was laid out for a base (base.c) or
 * for one large VM (restore.c). VMs are reset to their image, and compared with
 * it, by whole pages.
 *
 *     image:  | stack: zero | data ... | control | ... | heap ... |
 *                                                                size
 *
 * The bytes lie in a file that is memory alone (memfd), so that VMs can be
 * mapped onto it; where the system has no such files, in plain memory, which
 * VMs copy.
 *
 *  (1) A finished image cannot be written, by anyone: the file is sealed and
 *      the only mapping of it read-only.
 *  (2) It is zero in the stack, in the host's part of the control block, and
 *      behind the end of its heap (torpor__memory_limit).
 *  (3) A VM holds a reference to its image.
 *
 * Any thread; an image that is being made belongs to one. */
#include "vm/memory/image.h"

#include <assert.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/common/bytes.h"
#include "vm/engines/engine.h"
#include "vm/memory/image-window.h"
#include "wasm/mutex.h"
#include "wasm/os.h"

/* The most files for images of one VM alone: a process may often have no more
 * than 1,024 files open. */
#define ALONE_MOST 64

static _Atomic unsigned alone;
const uint8_t torpor__zero_page[TORPOR__PAGE];

/* The baselines of all engines, which stay: added under the lock, found without
 * it. */
static torpor__image *_Atomic baselines;

static uint64_t round_up(uint64_t size, uint64_t unit) {
  return (size + unit - 1) / unit * unit;
}

/* ---- Files ----------------------------------------------------------------*/

#ifdef TORPOR_TESTING
static _Atomic bool files_refused;

void torpor__image_refuse_files(bool refuse) {
  files_refused = refuse;
}
#else
enum { files_refused = false };
#endif

static bool has_file(const torpor__image *image) {
  return image->file != TORPOR__OS_NO_FILE;
}

/* Opens a file, unless there is none to be had; false: no memory for what it
 * takes to write it. */
static bool open_file(torpor__image *image, uint64_t most) {
  if (!files_refused) image->file = torpor__os_file_open(most);
  if (!has_file(image)) return true;
  image->window = torpor__image_window_open(image->file);
  return image->window != NULL;
}

static void close_window(torpor__image *image) {
  torpor__image_window_close(image->window);
  image->window = NULL;
}

static void close_file(torpor__image *image) {
  close_window(image);
  if (has_file(image)) torpor__os_file_close(image->file);
  image->file = TORPOR__OS_NO_FILE;
}

/* ---- Making ---------------------------------------------------------------*/

/* Plain memory of 'size' bytes, which takes what is written of it. */
static void *reserve_memory(size_t size) {
  void *space = torpor__os_reserve(size);
  if (!space || torpor__os_protect(space, size, TORPOR__OS_WRITE)) return space;
  torpor__os_release(space, size);
  return NULL;
}

/* Address space for 'image', whose memory may have 'most' bytes. */
static bool reserve(torpor__image *image, uint64_t most) {
  size_t size = (size_t)most;
  image->bytes = has_file(image)
                     ? torpor__os_file_view(image->file, size, TORPOR__OS_WRITE)
                     : reserve_memory(size);
  if (image->bytes) image->reserved = most;
  return image->bytes != NULL;
}

static torpor__image *new_image(const torpor__engine *engine, uint64_t most) {
  torpor__image *image = torpor__alloc(sizeof(*image));
  if (!image) return NULL;
  *image = (torpor__image){.engine = engine, .file = TORPOR__OS_NO_FILE};
  atomic_init(&image->references, 1);
  if (open_file(image, most) && reserve(image, round_up(most, TORPOR__CHUNK)))
    return image;
  close_file(image);
  torpor__alloc_free(image);
  return NULL;
}

bool torpor__image_extend(torpor__image *image, uint64_t size) {
  if (size > image->reserved) return false;
  if (has_file(image) && !torpor__os_file_resize(image->file, size))
    return false;
  image->pages = (uint32_t)(size / TORPOR__WASM_PAGE);
  return true;
}

torpor_status torpor__image_put(void *user, uint32_t start, uint32_t size,
                                const uint8_t *bytes) {
  torpor__image *image = user;
  uint8_t *place = image->bytes + start;
  if (!bytes && start >= image->end) return TORPOR_OK;
  if (start + size > image->end) image->end = start + size;
  if (image->window) {
    uint64_t limit = (uint64_t)image->pages * TORPOR__WASM_PAGE;
    return torpor__image_window_put(image->window, limit, start, size, bytes)
               ? TORPOR_OK
               : TORPOR_NOMEM;
  }
  if (bytes)
    memcpy(place, bytes, size);
  else
    memset(place, 0, size);
  return TORPOR_OK;
}

bool torpor__image_settle(torpor__image *image) {
  return !image->window || torpor__image_window_flush(image->window);
}

static uint8_t classify_page(const torpor__image *image, uint32_t page) {
  size_t at = (size_t)page * TORPOR__PAGE;
  const torpor__image *baseline = image->baseline;
  bool zero = torpor__bytes_are_zero(image->bytes + at, TORPOR__PAGE);
  uint8_t use = zero ? 0 : TORPOR__PAGE_USED;
  if (at >= baseline->size)
    use |= use ? TORPOR__PAGE_OTHER : 0;
  else if (memcmp(image->bytes + at, baseline->bytes + at, TORPOR__PAGE) != 0)
    use |= TORPOR__PAGE_OTHER;
  return use;
}

static bool classify(torpor__image *image) {
  image->page_use = torpor__alloc(image->size / TORPOR__PAGE);
  if (!image->page_use) return false;
  for (uint32_t page = 0; page < image->size / TORPOR__PAGE; page++)
    image->page_use[page] = classify_page(image, page);
  return true;
}

/* Clears what snapshots of a chain put behind the end of the last heap. */
void torpor__image_cut(torpor__image *image, uint32_t limit) {
  uint64_t end = round_up(limit, TORPOR__CHUNK);
  if (limit >= image->end) return;
  if (end > image->end) end = image->end;
  memset(image->bytes + limit, 0, (size_t)(end - limit));
  image->end = limit;
}

/* Seals the file, and maps it read-only. false: that failed. */
static bool seal_file(torpor__image *image) {
  size_t size = image->mapped_size;
  close_window(image);
  if (!torpor__os_file_resize(image->file, size)) return false;
  torpor__os_release(image->bytes, (size_t)image->reserved);
  image->reserved = 0;
  if (!torpor__os_file_seal(image->file)) return false;
  image->bytes = torpor__os_file_view(image->file, size, TORPOR__OS_READ);
  if (image->bytes) image->reserved = size;
  return image->bytes != NULL;
}

static bool seal_memory(torpor__image *image) {
  size_t size = image->mapped_size;
  if (!torpor__os_release_rest(image->bytes, (size_t)image->reserved, size))
    return false;
  image->reserved = size;
  return torpor__os_protect(image->bytes, size, TORPOR__OS_READ);
}

#ifdef TORPOR_TESTING
/* Whether all bytes in [start, end) are zero. */
static bool is_zero(const torpor__image *image, uint32_t start, uint32_t end) {
  return torpor__bytes_are_zero(image->bytes + start, end - start);
}

/* (2), of an image that is finished. */
static void check_image(const torpor__image *image) {
  assert(image->end <= image->size && image->size <= image->mapped_size);
  assert(is_zero(image, 0, image->stack_size));
  assert(is_zero(image, image->host_start, image->host_end));
  assert(is_zero(image, image->end, image->mapped_size));
}
#else
static void check_image(const torpor__image *image) {
  (void)image;
}
#endif

bool torpor__image_finish(torpor__image *image, bool shared) {
  if (!torpor__image_settle(image)) return false;
  image->size = (uint32_t)round_up(image->end, TORPOR__PAGE);
  image->mapped_size = (uint32_t)round_up(image->end, TORPOR__CHUNK);
  if (!(has_file(image) ? seal_file(image) : seal_memory(image))) return false;
  check_image(image);
  return !shared || classify(image);
}

void torpor__image_retire(torpor__image *image) {
  image->retired = true;
  if (!has_file(image)) return;
  image->is_alone = atomic_fetch_add(&alone, 1) < ALONE_MOST;
  if (image->is_alone) return;
  atomic_fetch_sub(&alone, 1);
  close_file(image);
}

void torpor__image_release(torpor__image *image) {
  uint32_t before = image ? atomic_fetch_sub(&image->references, 1) : 0;
  assert(!image || before > 0);
  if (before != 1) return;
#ifdef TORPOR_TESTING
  assert(image->vms == 0);
#endif
  if (image->is_alone) atomic_fetch_sub(&alone, 1);
  if (image->reserved)
    torpor__os_release(image->bytes, (size_t)image->reserved);
  close_file(image);
  torpor__alloc_free(image->links);
  torpor__alloc_free(image->page_use);
  torpor__alloc_free(image->sketch);
  torpor__alloc_free(image);
}

void torpor__image_enter(torpor__image *image) {
  atomic_fetch_add(&image->references, 1);
#ifdef TORPOR_TESTING
  atomic_fetch_add(&image->vms, 1);
#endif
}

void torpor__image_leave(torpor__image *image) {
#ifdef TORPOR_TESTING
  uint32_t before = atomic_fetch_sub(&image->vms, 1);
  assert(before > 0);
#endif
  torpor__image_release(image);
}

/* ---- Baselines ------------------------------------------------------------*/

/* The layout is the engine's own, so its control block can be believed. */
static void read_layout(torpor__image *image) {
  uint32_t control_at = image->engine->control;
  torpor_abi_control control;
  memcpy(&control, image->bytes + control_at, sizeof(control));
  image->stack_size = control.stack_size;
  image->host_start = control_at + (uint32_t)offsetof(torpor_abi_control, host);
  image->host_end = image->host_start + (uint32_t)sizeof(control.host);
}

static bool put_segments(torpor__image *image) {
  const torpor__engine *engine = image->engine;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    if (torpor__image_put(image, segment->address, segment->size,
                          segment->data) != TORPOR_OK)
      return false;
  }
  image->end = (uint32_t)round_up(image->end, TORPOR__PAGE);
  return torpor__image_settle(image);
}

static torpor__image *make_baseline(const torpor__engine *engine) {
  uint64_t size = (uint64_t)engine->pages * TORPOR__WASM_PAGE;
  torpor__image *image = new_image(engine, size);
  if (!image) return NULL;
  image->baseline = image;
  image->end = engine->control + (uint32_t)sizeof(torpor_abi_control);
  if (torpor__image_extend(image, size) && put_segments(image)) {
    read_layout(image);
    if (torpor__image_finish(image, true)) return image;
  }
  torpor__image_release(image);
  return NULL;
}

static torpor__image *find_baseline(const torpor__engine *engine) {
  torpor__image *image = atomic_load_explicit(&baselines, memory_order_acquire);
  while (image && image->engine != engine) image = image->next;
  return image;
}

static torpor__image *add_baseline(const torpor__engine *engine) {
  torpor__image *image;
  torpor__mutex_take(TORPOR__MUTEX_BASELINES);
  image = find_baseline(engine);
  if (!image && (image = make_baseline(engine)) != NULL) {
    image->next = baselines;
    atomic_store_explicit(&baselines, image, memory_order_release);
  }
  torpor__mutex_give(TORPOR__MUTEX_BASELINES);
  return image;
}

#ifdef TORPOR_TESTING
void torpor__image_forget(const torpor__engine *engine) {
  torpor__image *image, *before;
  torpor__mutex_take(TORPOR__MUTEX_BASELINES);
  image = find_baseline(engine);
  before = atomic_load(&baselines);
  if (before == image) {
    if (image) atomic_store(&baselines, image->next);
  } else if (image) {
    while (before->next != image) before = before->next;
    before->next = image->next;
  }
  torpor__mutex_give(TORPOR__MUTEX_BASELINES);
  torpor__image_release(image);
}
#endif

torpor__image *torpor__image_find(const torpor__engine *engine) {
  torpor__image *image = find_baseline(engine);
  return image ? image : add_baseline(engine);
}

torpor__image *torpor__image_start(const torpor__engine *engine,
                                   uint64_t most) {
  const torpor__image *baseline = torpor__image_find(engine);
  torpor__image *image = baseline ? new_image(engine, most) : NULL;
  if (!image) return NULL;
  image->baseline = baseline;
  image->stack_size = baseline->stack_size;
  image->host_start = baseline->host_start;
  image->host_end = baseline->host_end;
  if (torpor__image_extend(image,
                           (uint64_t)baseline->pages * TORPOR__WASM_PAGE) &&
      torpor__image_put(image, 0, baseline->size, baseline->bytes) == TORPOR_OK)
    return image;
  torpor__image_release(image);
  return NULL;
}
