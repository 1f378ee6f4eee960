/* SPDX-License-Identifier: MIT */
/* remember.c - the state of a VM that its next difference is from.
 *
 * A VM remembers what it was restored from, or its state at the last save that
 * was asked to. Of a page that has changed since the image, the region's shadow
 * holds a copy as it was:
 *
 *     remembered page = its copy in the shadow, else the image's
 *
 * Most restored VMs are never asked for a difference. So a restore only keeps
 * the bytes that it read; the shadow is laid out when it is needed.
 *
 *  (1) While 'known' is set and 'pieces' is empty, image and shadow are the
 *      remembered state, up to 'limit'; beyond it is zero.
 *  (2) Whatever fails leaves a VM that remembers nothing.
 *
 * Runs on the VM's thread. */
#include "vm/remember.h"

#include <string.h>

#include "vm/changes.h"

static const uint8_t zeros[TORPOR__PAGE];

static const uint8_t *image_page(const torpor_vm *vm, uint32_t page) {
  size_t at = (size_t)page * TORPOR__PAGE;
  return at < vm->image->size ? vm->image->bytes + at : zeros;
}

/* The copy of 'page', made from the image when there is none. */
static uint8_t *hold_page(torpor_vm *vm, uint32_t page) {
  uint8_t *copy = torpor__shadow_at(vm->region, page);
  if (copy) return copy;
  copy = torpor__shadow_hold(vm->region, page);
  if (copy) memcpy(copy, image_page(vm, page), TORPOR__PAGE);
  return copy;
}

/* ---- What a VM was restored from ------------------------------------------*/

static void free_pieces(torpor__remembered *remembered) {
  torpor__piece *piece = remembered->pieces;
  while (piece) {
    torpor__piece *next = piece->next;
    torpor__alloc_free(piece->owned);
    torpor__alloc_free(piece);
    piece = next;
  }
  remembered->pieces = remembered->last = NULL;
}

bool torpor__remember_piece(torpor_vm *vm, torpor__content *runs,
                            const void *data, size_t size) {
  torpor__remembered *remembered = &vm->remembered;
  size_t copied = runs->owned ? 0 : size;
  torpor__piece *piece = torpor__alloc(sizeof(*piece) + copied);
  if (!piece) return false;
  *piece = (torpor__piece){.owned = runs->owned, .size = runs->size};
  piece->copied = copied;
  memcpy(piece->bytes, data, copied);
  piece->runs = runs->data;
  if (!piece->owned)
    piece->runs = piece->bytes + (runs->data - (const uint8_t *)data);
  runs->owned = NULL;
  if (remembered->last)
    remembered->last->next = piece;
  else
    remembered->pieces = piece;
  remembered->last = piece;
  remembered->limit = torpor__memory_limit(vm);
  return true;
}

static torpor_status put_copy(void *user, uint32_t start, uint32_t size,
                              const uint8_t *bytes) {
  torpor_vm *vm = user;
  while (size > 0) {
    uint32_t offset = start % TORPOR__PAGE, part = TORPOR__PAGE - offset;
    uint8_t *copy = hold_page(vm, start / TORPOR__PAGE);
    if (!copy) return TORPOR_NOMEM;
    if (part > size) part = size;
    if (bytes) {
      memcpy(copy + offset, bytes, part);
      bytes += part;
    } else {
      memset(copy + offset, 0, part);
    }
    start += part;
    size -= part;
  }
  return TORPOR_OK;
}

static torpor_status lay_out(torpor_vm *vm) {
  const torpor__remembered *remembered = &vm->remembered;
  const torpor__piece *piece = remembered->pieces;
  torpor_status status = TORPOR_OK;
  for (; piece && status == TORPOR_OK; piece = piece->next)
    status = torpor__changes_read(vm->image, torpor__memory_size(vm),
                                  piece->runs, piece->size, put_copy, vm);
  if (status == TORPOR_OK && remembered->last && remembered->last->copied)
    status = torpor_snapshot_identify(
        remembered->last->bytes, remembered->last->copied, vm->remembered.id);
  return status;
}

torpor_status torpor__remember_ready(torpor_vm *vm) {
  torpor_status status;
  if (!vm->remembered.known)
    return torpor__fail(vm, TORPOR_NOT_FOUND,
                        "the VM remembers no state that a difference could be "
                        "from; save it whole with TORPOR_SAVE_PARENT first");
  status = lay_out(vm);
  free_pieces(&vm->remembered);
  if (status == TORPOR_OK) return TORPOR_OK;
  torpor__remember_forget(vm);
  return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
}

/* ---- Remembering the state of now -----------------------------------------*/

typedef struct update {
  torpor_vm *vm;
  uint32_t limit;
  bool failed;
} update;

static void update_page(update *u, uint32_t start, uint32_t end) {
  torpor_vm *vm = u->vm;
  uint32_t page = start / TORPOR__PAGE;
  const uint8_t *known = torpor__shadow_at(vm->region, page);
  uint8_t *copy;
  if (!known) known = image_page(vm, page);
  if (memcmp(vm->memory + start, known + start % TORPOR__PAGE, end - start) ==
      0)
    return;
  copy = torpor__shadow_hold(vm->region, page);
  if (copy)
    memcpy(copy, vm->memory + (size_t)page * TORPOR__PAGE, TORPOR__PAGE);
  else
    u->failed = true;
}

static void update_part(update *u, uint32_t start, uint32_t end, uint32_t low,
                        uint32_t high) {
  if (start < low) start = low;
  if (end > high) end = high;
  while (start < end && !u->failed) {
    uint32_t stop = (start & ~(TORPOR__PAGE - 1)) + TORPOR__PAGE;
    if (stop > end) stop = end;
    update_page(u, start, stop);
    start = stop;
  }
}

static void update_range(void *user, uint32_t start, uint32_t end) {
  update *u = user;
  const torpor__image *image = u->vm->image;
  update_part(u, start, end, image->stack_size, image->host_start);
  update_part(u, start, end, image->host_end, u->limit);
}

/* Zeros in what lies beyond the new limit. */
static bool drop_pages(torpor_vm *vm, uint32_t start, uint32_t end) {
  while (start < end) {
    uint32_t page = start / TORPOR__PAGE, offset = start % TORPOR__PAGE;
    if (torpor__shadow_at(vm->region, page) || image_page(vm, page) != zeros) {
      uint8_t *copy = hold_page(vm, page);
      if (!copy) return false;
      memset(copy + offset, 0, TORPOR__PAGE - offset);
    }
    start += TORPOR__PAGE - offset;
  }
  return true;
}

torpor_status torpor__remember_now(torpor_vm *vm) {
  update u = {.vm = vm, .limit = torpor__memory_limit(vm)};
  if (!vm->remembered.known) torpor__shadow_forget(vm->region);
  free_pieces(&vm->remembered);
  torpor__region_written(vm->region, update_range, &u);
  if (u.failed || !drop_pages(vm, u.limit, vm->remembered.limit)) {
    torpor__remember_forget(vm);
    return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
  }
  vm->remembered.limit = u.limit;
  vm->remembered.known = true;
  return TORPOR_OK;
}

void torpor__remember_forget(torpor_vm *vm) {
  free_pieces(&vm->remembered);
  torpor__shadow_forget(vm->region);
  vm->remembered = (torpor__remembered){0};
}
