/* SPDX-License-Identifier: MIT */
/* check.c - asserts what the top comments say of a VM's memory.
 *
 *     records     the states of memory (wasm/region.h)
 *     written     what was not found written is the image's (wasm/written.c)
 *     zeros       nothing lies beyond the heap's limit (changes.c, memory.c)
 *     remembered  image and shadow are the state of then (remember.c), and what
 *                 was not found written since is still as it was
 *     clean       a VM in the pool is its image (pool.c)
 *
 * In test builds only; all but the records is read as often as a test says. It
 * touches nothing that was not accessible, but the system counts a page of
 * zeros that was only read as one that is there.
 *
 * The VM's thread. */
#include "vm/check.h"

#ifdef TORPOR_TESTING

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vm/image.h"
#include "vm/memory.h"
#include "vm/remember.h"

static _Atomic unsigned every;
static _Atomic bool with_zeros;
static _Thread_local unsigned calls;

torpor__check_depth torpor__check_set(torpor__check_depth depth) {
  torpor__check_depth before = {every, with_zeros};
  every = depth.every;
  with_zeros = depth.zeros;
  return before;
}

static bool is_due(void) {
  unsigned period = every;
  return period != 0 && calls++ % period == period - 1;
}

/* ---- Pages ----------------------------------------------------------------*/

static const uint8_t *look_at(const torpor_vm *vm, uint32_t page) {
  if (!torpor__region_is_committed(vm->region, page * TORPOR__PAGE))
    return torpor__zero_page;
  return vm->memory + (size_t)page * TORPOR__PAGE;
}

/* Whether 'bytes' and 'others', both of 'page', are the same in [low, high). */
static bool is_same_part(uint32_t page, const uint8_t *bytes,
                         const uint8_t *others, uint32_t low, uint32_t high) {
  uint32_t start = page * TORPOR__PAGE, end = start + TORPOR__PAGE;
  uint32_t from = start < low ? low : start, to = end > high ? high : end;
  return from >= to || bytes == others ||
         memcmp(bytes + (from - start), others + (from - start), to - from) ==
             0;
}

/* The same in all of the page that sleeps, up to 'limit'. */
static bool is_same(const torpor_vm *vm, uint32_t page, const uint8_t *bytes,
                    const uint8_t *others, uint32_t limit) {
  const torpor__image *image = vm->image;
  return is_same_part(page, bytes, others, image->stack_size,
                      image->host_start) &&
         is_same_part(page, bytes, others, image->host_end, limit);
}

static uint32_t count_pages(const torpor_vm *vm) {
  return (uint32_t)(torpor__memory_size(vm) / TORPOR__PAGE);
}

/* ---- Written --------------------------------------------------------------*/

/* A bit for each page that was found; NULL: there is no memory to look. */
typedef uint8_t *found;

static void add_found(void *user, uint32_t start, uint32_t end) {
  found pages = user;
  for (uint32_t page = start / TORPOR__PAGE; page < end / TORPOR__PAGE; page++)
    pages[page / 8] |= (uint8_t)(1u << page % 8);
}

static bool has(const uint8_t *pages, uint32_t page) {
  return pages[page / 8] >> page % 8 & 1;
}

static found make_found(const torpor_vm *vm) {
  return calloc(count_pages(vm) / 8 + 1, 1);
}

static void check_written(const torpor_vm *vm) {
  found written = make_found(vm);
  if (!written) return;
  torpor__region_written(vm->region, add_found, written);
  for (uint32_t page = 0; page < count_pages(vm); page++) {
    const uint8_t *bytes = look_at(vm, page);
    bool page_is_the_images =
        has(written, page) || bytes == torpor__zero_page ||
        memcmp(bytes, torpor__image_page(vm->image, page), TORPOR__PAGE) == 0;
    assert(page_is_the_images);
  }
  free(written);
}

/* ---- Zeros ----------------------------------------------------------------*/

static void check_zeros(const torpor_vm *vm) {
  uint32_t limit = torpor__memory_limit(vm);
  for (uint32_t page = limit / TORPOR__PAGE; page < count_pages(vm); page++) {
    bool nothing_lies_beyond_the_limit =
        is_same_part(page, look_at(vm, page), torpor__zero_page, limit,
                     (page + 1) * TORPOR__PAGE);
    assert(nothing_lies_beyond_the_limit);
  }
}

/* ---- Remembered -----------------------------------------------------------*/

static uint64_t mix(uint64_t sum, uint32_t at, uint64_t word) {
  if (word == 0) return sum;
  return sum + (word ^ at * UINT64_C(0xd6e8feb86659fd93)) *
                   UINT64_C(0x9e3779b97f4a7c15);
}

/* A sum of what sleeps, as 'page_of' has it. */
static uint64_t add_up(const torpor_vm *vm, uint32_t limit,
                       const uint8_t *(*page_of)(const torpor_vm *vm,
                                                 uint32_t page)) {
  const torpor__image *image = vm->image;
  uint64_t sum = limit;
  for (uint32_t page = 0; (uint64_t)page * TORPOR__PAGE < limit; page++) {
    const uint8_t *bytes = page_of(vm, page);
    if (bytes == torpor__zero_page) continue;
    for (uint32_t i = 0; i < TORPOR__PAGE; i += 8) {
      uint32_t at = page * TORPOR__PAGE + i;
      uint64_t word;
      if (at < image->stack_size || at >= limit ||
          (at + 8 > image->host_start && at < image->host_end))
        continue;
      memcpy(&word, bytes + i, sizeof(word));
      sum = mix(sum, at, word);
    }
  }
  return sum;
}

void torpor__vm_check_remembers(torpor_vm *vm) {
  vm->remembered.is_summed = every == 1 || is_due();
  if (vm->remembered.is_summed)
    vm->remembered.sum = add_up(vm, torpor__memory_limit(vm), look_at);
}

/* A difference looks at what was found written, and at what the image has
 * beyond the limit that is remembered. */
static bool is_looked_at(const torpor_vm *vm, const uint8_t *written,
                         uint32_t page) {
  return has(written, page) ||
         ((page + 1) * TORPOR__PAGE > vm->remembered.limit &&
          torpor__image_page_use(vm->image, page) & TORPOR__PAGE_OTHER);
}

static void check_unwritten(const torpor_vm *vm) {
  uint32_t limit = torpor__memory_limit(vm);
  found written = make_found(vm);
  if (!written) return;
  torpor__region_written_since(vm->region, add_found, written);
  for (uint32_t page = 0; (uint64_t)page * TORPOR__PAGE < limit; page++) {
    const uint8_t *bytes = look_at(vm, page);
    bool page_is_as_remembered =
        is_looked_at(vm, written, page) ||
        is_same(vm, page, bytes, torpor__remember_page(vm, page), limit);
    assert(page_is_as_remembered);
  }
  free(written);
}

static void check_remembered(const torpor_vm *vm) {
  const torpor__remembered *remembered = &vm->remembered;
  if (!remembered->known) assert(!remembered->pieces && !remembered->name);
  /* What was restored is laid out when it is needed. */
  if (!remembered->known || remembered->pieces) return;
  if (remembered->is_summed)
    assert(add_up(vm, remembered->limit, torpor__remember_page) ==
           remembered->sum);
  check_unwritten(vm);
}

/* ---- All of it ------------------------------------------------------------*/

void torpor__vm_check(torpor_vm *vm) {
  bool deep = is_due();
  torpor__region_check(vm->region, deep);
  assert(vm->calls == 0 && !vm->in_callback);
  if (!deep || vm->broken) return;
  check_written(vm);
  check_remembered(vm);
  if (with_zeros) check_zeros(vm);
}

void torpor__vm_check_clean(torpor_vm *vm) {
  const torpor__engine *engine = vm->engine;
  torpor__region_check(vm->region, false);
  assert(torpor__region_memory(vm->region)->pages == vm->image->pages);
  assert(engine->table_size(vm->instance) == vm->table_size);
  assert(engine->get_stack_pointer(vm->instance) == engine->stack_pointer);
  if (!is_due()) return;
  torpor__region_check(vm->region, true);
  for (uint32_t page = 0; page < count_pages(vm); page++) {
    const uint8_t *bytes = look_at(vm, page);
    assert(!torpor__shadow_at(vm->region, page) &&
           !torpor__shadow_shares(vm->region, page));
    bool page_is_the_images =
        bytes == torpor__zero_page ||
        memcmp(bytes, torpor__image_page(vm->image, page), TORPOR__PAGE) == 0;
    assert(page_is_the_images);
  }
}

#else

typedef int torpor__no_checks; /* a file of C has something in it */

#endif
