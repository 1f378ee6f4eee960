/* SPDX-License-Identifier: MIT */
/* remember.c - the state of a VM that its next difference is from.
 *
 * A VM remembers what it was restored from, or its last save with
 * TORPOR_SAVE_PARENT. What has changed from the image to that state is kept in
 * the region's *shadow*, copies of pages:
 *
 *     remembered page = zero from the remembered limit on,
 *                       else its copy in the shadow,
 *                       else itself while it is shared,
 *                       else the image's
 *
 * Pages that were written are compared with that. After each save those that
 * did not change are *shared* with the shadow, if many were written: such a
 * page is copied only when it is written, and need not be compared until then.
 * If few were, comparing them costs less than the page faults.
 *
 * When a heap shrinks, copies and the image's pages behind its end stay what
 * they are, though zero is remembered there. When it grows again, pages are
 * compared with those, not with zero.
 *
 * Most restored VMs are never asked for a difference. So a restore only keeps
 * the bytes that it read, and the shadow is made of them when it is needed.
 *
 *  (1) While 'known' is set and 'pieces' is empty, image and shadow are the
 *      remembered state, up to 'limit'; beyond it is zero.
 *  (2) In the page that the limit lies in, they are zero from there on, and no
 *      page behind it is shared.
 *  (3) Whatever fails leaves a VM that remembers nothing.
 *
 * Runs on the VM's thread. */
#include "vm/memory/remember.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/common/bytes.h"
#include "vm/common/error.h"
#include "vm/common/threshold.h"
#include "vm/format/container.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/memory/runs.h"
#include "vm/memory/sketch.h"
#include "vm/vm.h"

/* With fewer written pages none is shared. */
TORPOR__THRESHOLD(share_from, 128);
/* When more pages than this have changed they are shared, too, not copied. */
TORPOR__THRESHOLD(copy_most, 256);

/* What is remembered of 'page' below the limit. */
static const uint8_t *find_page(const torpor_vm *vm, uint32_t page) {
  const uint8_t *copy = torpor__shadow_at(vm->region, page);
  if (copy) return copy;
  if (torpor__shadow_shares(vm->region, page))
    return vm->memory + (size_t)page * TORPOR__PAGE;
  return torpor__image_page(vm->image, page);
}

const uint8_t *torpor__remember_page(const torpor_vm *vm, uint32_t page) {
  if ((uint64_t)page * TORPOR__PAGE >= vm->remembered.limit)
    return torpor__zero_page;
  return find_page(vm, page);
}

/* The copy of 'page', made from the image when there is none. */
static uint8_t *make_copy(torpor_vm *vm, uint32_t page) {
  uint8_t *copy = torpor__shadow_at(vm->region, page);
  if (copy) return copy;
  copy = torpor__shadow_make_room(vm->region, page);
  if (copy) memcpy(copy, torpor__image_page(vm->image, page), TORPOR__PAGE);
  return copy;
}

/* ---- Names ----------------------------------------------------------------*/

torpor__name *torpor__name_new(void) {
  torpor__name *name = torpor__alloc(sizeof(*name));
  if (!name) return NULL;
  memset(name, 0, sizeof(*name));
  atomic_init(&name->references, 1);
  return name;
}

void torpor__name_set(torpor__name *name,
                      const uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]) {
  memcpy(name->id, id, sizeof(name->id));
  name->known = true;
}

void torpor__name_retain(torpor__name *name) {
  atomic_fetch_add(&name->references, 1);
}

void torpor__name_release(torpor__name *name) {
  if (name && atomic_fetch_sub(&name->references, 1) == 1)
    torpor__alloc_free(name);
}

/* ---- The limit ------------------------------------------------------------*/

/* Makes the page at 'address' count as written, and so not as shared. */
static bool count_written(torpor_vm *vm, uint32_t address) {
  volatile uint8_t *byte = torpor__memory_to(vm, address, 1);
  if (byte) *byte = *byte;
  return byte != NULL;
}

/* Clears what is remembered behind 'limit' in the page that it lies in. */
static bool cut_page(torpor_vm *vm, uint32_t limit) {
  uint32_t page = limit / TORPOR__PAGE, offset = limit % TORPOR__PAGE;
  size_t size = TORPOR__PAGE - offset;
  uint8_t *copy;
  if (torpor__bytes_are_zero(find_page(vm, page) + offset, size)) return true;
  if (!count_written(vm, limit)) return false;
  copy = make_copy(vm, page);
  if (copy) memset(copy + offset, 0, size);
  return copy != NULL;
}

/* Shares no page from 'limit' up to the limit before any longer. */
static bool unshare_beyond(torpor_vm *vm, uint32_t limit) {
  uint32_t page = (limit + TORPOR__PAGE - 1) / TORPOR__PAGE;
  for (; (uint64_t)page * TORPOR__PAGE < vm->remembered.limit; page++)
    if (torpor__shadow_shares(vm->region, page) &&
        !count_written(vm, page * TORPOR__PAGE))
      return false;
  return true;
}

static bool set_limit(torpor_vm *vm, uint32_t limit) {
  if (!unshare_beyond(vm, limit)) return false;
  if (limit % TORPOR__PAGE != 0 && !cut_page(vm, limit)) return false;
  vm->remembered.limit = limit;
  return true;
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
  torpor__piece *piece = torpor__alloc(sizeof(*piece) + size);
  if (!piece) return false;
  *piece =
      (torpor__piece){.owned = runs->owned, .size = runs->size, .copied = size};
  if (size > 0) memcpy(piece->bytes, data, size);
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
    uint8_t *copy = make_copy(vm, start / TORPOR__PAGE);
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
    status = torpor__runs_read(vm->image, torpor__memory_size(vm), piece->runs,
                               piece->size, put_copy, vm);
  return status;
}

/* Gives what was restored its name, unless it has one. */
static torpor_status identify(torpor_vm *vm) {
  torpor__remembered *remembered = &vm->remembered;
  const torpor__piece *piece = remembered->last;
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_status status;
  if (remembered->name) return TORPOR_OK;
  status =
      piece ? torpor_snapshot_identify(piece->bytes, piece->copied, id)
            : torpor__sketch_identify(vm->image->sketch, vm->image->bytes, id);
  if (status != TORPOR_OK) return status;
  remembered->name = torpor__name_new();
  if (!remembered->name) return TORPOR_NOMEM;
  torpor__name_set(remembered->name, id);
  return TORPOR_OK;
}

bool torpor__remember_pieces(torpor_vm *vm, const uint8_t *id) {
  if (id) {
    vm->remembered.name = torpor__name_new();
    if (!vm->remembered.name) return false;
    torpor__name_set(vm->remembered.name, id);
  }
  vm->remembered.known = true;
  return true;
}

torpor_status torpor__remember_ready(torpor_vm *vm) {
  torpor_status status;
  if (!vm->remembered.known)
    return torpor__fail(vm, TORPOR_NOT_FOUND,
                        "there is no state that was saved before; save the VM "
                        "whole first, with TORPOR_SAVE_PARENT");
  status = lay_out(vm);
  if (status == TORPOR_OK && !set_limit(vm, vm->remembered.limit))
    status = TORPOR_NOMEM;
  if (status == TORPOR_OK) status = identify(vm);
  free_pieces(&vm->remembered);
  if (status == TORPOR_OK) return TORPOR_OK;
  torpor__remember_forget(vm);
  return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
}

/* ---- Remembering the state of now -----------------------------------------*/

/* A pass over what was written: page by page, what it holds is compared with
 * what is remembered. */
typedef struct pass {
  torpor_vm *vm;
  uint32_t limit;
  uint32_t written;    /* pages */
  uint32_t changed;    /* of them */
  bool all;            /* shares the changed ones too */
  uint32_t start, end; /* pages that are to be shared; empty when equal */
  bool failed;
} pass;

/* Whether [start, end), in one page, is not what is remembered. */
static bool part_differs(const torpor_vm *vm, const uint8_t *known,
                         uint32_t start, uint32_t end, uint32_t low,
                         uint32_t high) {
  if (start < low) start = low;
  if (end > high) end = high;
  return start < end && memcmp(vm->memory + start, known + start % TORPOR__PAGE,
                               end - start) != 0;
}

static bool page_differs(const pass *p, uint32_t page) {
  const torpor_vm *vm = p->vm;
  const torpor__image *image = vm->image;
  uint32_t start = page * TORPOR__PAGE, end = start + TORPOR__PAGE;
  const uint8_t *known = find_page(vm, page);
  return part_differs(vm, known, start, end, image->stack_size,
                      image->host_start) ||
         part_differs(vm, known, start, end, image->host_end, p->limit);
}

/* Cuts [*start, *end) down to the pages that are remembered: not the stack, and
 * nothing beyond the limit. */
static void clip(const pass *p, uint32_t *start, uint32_t *end) {
  uint32_t low = p->vm->image->stack_size & ~(TORPOR__PAGE - 1);
  uint32_t high = (p->limit + TORPOR__PAGE - 1) & ~(TORPOR__PAGE - 1);
  if (*start < low) *start = low;
  if (*end > high) *end = high;
}

static void copy_page(pass *p, uint32_t page) {
  uint8_t *copy = torpor__shadow_make_room(p->vm->region, page);
  uint32_t size = p->limit - page * TORPOR__PAGE;
  if (!copy) {
    p->failed = true;
    return;
  }
  if (size > TORPOR__PAGE) size = TORPOR__PAGE;
  memcpy(copy, p->vm->memory + (size_t)page * TORPOR__PAGE, size);
  memset(copy + size, 0, TORPOR__PAGE - size);
}

static void copy_changed(void *user, uint32_t start, uint32_t end) {
  pass *p = user;
  clip(p, &start, &end);
  for (; start < end && !p->failed; start += TORPOR__PAGE)
    if (page_differs(p, start / TORPOR__PAGE))
      copy_page(p, start / TORPOR__PAGE);
}

static void count_changed(void *user, uint32_t start, uint32_t end) {
  pass *p = user;
  clip(p, &start, &end);
  for (; start < end; start += TORPOR__PAGE)
    if (page_differs(p, start / TORPOR__PAGE)) p->changed++;
}

static void count_pages(void *user, uint32_t start, uint32_t end) {
  pass *p = user;
  clip(p, &start, &end);
  if (start < end)
    p->written += (end - start + TORPOR__PAGE - 1) / TORPOR__PAGE;
}

static void share_found(pass *p) {
  if (p->start < p->end &&
      !torpor__region_share(p->vm->region, p->start, p->end))
    p->failed = true;
  p->start = p->end;
}

/* Whether the page at 'start' cannot be shared: the host writes it at any time,
 * or its end, behind the limit, is remembered as zero. */
static bool is_special(const pass *p, uint32_t start) {
  const torpor__image *image = p->vm->image;
  uint32_t low = image->host_start & ~(TORPOR__PAGE - 1);
  return (start >= low && start < image->host_end) ||
         p->limit - start < TORPOR__PAGE;
}

/* Shares the pages that did not change, copies the others. */
static void share_unchanged(void *user, uint32_t start, uint32_t end) {
  pass *p = user;
  clip(p, &start, &end);
  if (start != p->end) share_found(p);
  for (; start < end && !p->failed; start += TORPOR__PAGE) {
    uint32_t page = start / TORPOR__PAGE;
    if (is_special(p, start) || (!p->all && page_differs(p, page))) {
      share_found(p);
      copy_page(p, page);
    } else {
      if (p->start == p->end) p->start = start;
      p->end = start + TORPOR__PAGE;
    }
  }
}

/* Brings the shadow up to date. false: no memory. */
static bool update(torpor_vm *vm) {
  pass p = {.vm = vm, .limit = torpor__memory_limit(vm)};
  torpor__region_written_since(vm->region, count_pages, &p);
  if (p.written >= torpor__share_from) {
    torpor__region_written_since(vm->region, count_changed, &p);
    p.all = p.changed > torpor__copy_most;
    torpor__region_written_since(vm->region, share_unchanged, &p);
    share_found(&p);
    if (!p.failed) return true;
    p.failed = false; /* what is shared stays so; the rest is copied instead */
  }
  torpor__region_written_since(vm->region, copy_changed, &p);
  return !p.failed;
}

torpor_status torpor__remember_now(torpor_vm *vm, torpor__name *name) {
  bool done = vm->remembered.known || torpor__region_forget(vm->region);
  free_pieces(&vm->remembered);
  if (!done || !update(vm) || !set_limit(vm, torpor__memory_limit(vm))) {
    torpor__remember_forget(vm);
    return torpor__fail(vm, TORPOR_NOMEM, "out of memory for the snapshot");
  }
  torpor__name_retain(name);
  torpor__name_release(vm->remembered.name);
  vm->remembered.name = name;
  vm->remembered.known = true;
  return TORPOR_OK;
}

void torpor__remember_forget(torpor_vm *vm) {
  free_pieces(&vm->remembered);
  torpor__name_release(vm->remembered.name);
  /* If the system refuses, something is left in the shadow that nobody asks
   * for: remember_now forgets it first, and the pool does or closes it. */
  (void)torpor__region_forget(vm->region);
  vm->remembered = (torpor__remembered){0};
}
