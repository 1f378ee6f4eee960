/* SPDX-License-Identifier: MIT */
/* check.c - asserts what the top comments say of a VM, in test builds.
 *
 * At every call:
 *
 *     region      the states of memory (wasm/region.h)
 *     records     what the host keeps of a VM between calls: scopes, operations
 *                 that were given, whose image and memory it has (vm.h)
 *
 * And at one call of so many as a test says, since all memory is read for it:
 *
 *     bindings    what indexes stand for is bound still (binding.c)
 *     written     what was not found written is the image's (wasm/written.c)
 *     remembered  image and shadow are the state of then (remember.c), and what
 *                 was not found written since is still as it was
 *     clean       a VM in the pool is its image, and nothing else (pool.c)
 *     copy        a fork has the memory of its original (fork.c)
 *     sum         saving leaves memory as it is (snapshot.c)
 *     guest       its control block makes sense, ids of operations ascend, and
 *                 nothing lies beyond the heap's limit (abi.h, memory.c)
 *
 * Nothing is touched that was not accessible, but the system counts a page of
 * zeros that was only read as one that is there.
 *
 * The VM's thread. */
#include "vm/memory/check.h"

#ifdef TORPOR_TESTING

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vm/border/binding.h"
#include "vm/common/bytes.h"
#include "vm/memory/image.h"
#include "vm/memory/memory.h"
#include "vm/memory/remember.h"
#include "vm/value.h"

/* From here on a VM in the pool is zero. */
#define HOST_AT offsetof(struct torpor_vm, options)

static _Atomic unsigned every;
static _Atomic bool with_guest;
static _Thread_local unsigned calls;

torpor__check_depth torpor__check_set(torpor__check_depth depth) {
  torpor__check_depth before = {every, with_guest};
  every = depth.every;
  with_guest = depth.guest;
  return before;
}

static bool is_due(void) {
  unsigned period = every;
  return period != 0 && calls++ % period == period - 1;
}

/* ---- What the host keeps --------------------------------------------------*/

/* What belongs together when a VM is made, and stays so. */
static void check_parts(const torpor_vm *vm) {
  const torpor__image *image = vm->image;
  const torpor__wasm_memory *memory = torpor__region_memory(vm->region);
  bool image_is_the_engines =
      image->engine == vm->engine && image->baseline->engine == vm->engine;
  assert(image_is_the_engines);
  assert(image->references > 0 && image->vms > 0); /* this one */
  assert(vm->memory == (const uint8_t *)memory->data);
  assert((const uint8_t *)vm->control == vm->memory + vm->engine->control);
}

static void check_scopes(const torpor_vm *vm) {
  torpor_scope before = vm->owner << 32;
  assert(vm->scope_count <= vm->scope_room);
  assert(vm->scope_floor == 0); /* no host function runs */
  assert(vm->scopes_own == 0);
  for (uint32_t i = 0; i < vm->scope_count; i++) {
    assert(vm->scopes[i].number > before);
    before = vm->scopes[i].number;
  }
  assert(before <= (vm->owner << 32) + vm->scope_last);
}

static void check_given(const torpor_vm *vm) {
  assert(vm->given_count <= vm->given_room);
  for (size_t i = 0; i < vm->given_count; i++) {
    uint64_t id = vm->given[i] << 1 >> 1; /* without its mark */
    assert(i == 0 || vm->given[i - 1] << 1 >> 1 < id);
    assert(id <= vm->operation_cursor);
  }
}

/* What is kept by index is bound, each once. */
static void check_bindings(const torpor_vm *vm) {
  const torpor__binding *binding = vm->newest;
  uint32_t count = 0, kept = 0;
  for (; binding; binding = binding->older, count++) {
    if (binding->index == TORPOR__NO_INDEX) continue;
    assert(binding->index < vm->bound_count);
    assert(vm->bound[binding->index] == binding);
    kept++;
  }
  assert(count == vm->binding_count);
  for (uint32_t i = 0; i < vm->bound_count; i++) kept -= vm->bound[i] != NULL;
  assert(kept == 0);
}

/* Between calls. */
static void check_records(torpor_vm *vm) {
  assert(vm->calls == 0 && !vm->in_callback && !vm->closed);
  assert(vm->owner != 0 && *vm->seat == vm);
  assert(vm->broken || (!vm->exhausted && !vm->timed_out));
  assert(vm->error && (vm->error != vm->error_short ||
                       strnlen(vm->error, sizeof(vm->error_short)) <
                           sizeof(vm->error_short)));
  check_parts(vm);
  check_scopes(vm);
  check_given(vm);
}

/* ---- What the guest promises ----------------------------------------------*/

static void check_operations(torpor_vm *vm) {
  uint32_t count = vm->control->operation_count;
  const uint8_t *table =
      torpor__memory_kept(vm, vm->control->operations, (uint64_t)count * 4);
  uint64_t before = 0;
  assert(table);
  for (uint32_t i = 0; i < count; i++) {
    torpor_abi_operation entry;
    const uint8_t *place;
    uint32_t address;
    memcpy(&address, table + (size_t)i * sizeof(address), sizeof(address));
    place = torpor__memory_kept(vm, address, sizeof(entry));
    assert(place);
    memcpy(&entry, place, sizeof(entry));
    assert(entry.id > before);
    before = entry.id;
  }
}

static void check_guest(torpor_vm *vm) {
  const torpor_abi_control *control = vm->control;
  bool stack_is_empty =
      vm->engine->get_stack_pointer(vm->instance) == vm->engine->stack_pointer;
  assert(stack_is_empty);
  assert(control->version == vm->engine->abi_version);
  assert(control->heap_base <= control->heap_break);
  assert(control->heap_break <= torpor__memory_size(vm));
  assert(control->heap_used <= control->heap_break - control->heap_base);
  assert(control->handles <= TORPOR_ABI_HANDLES);
  check_operations(vm);
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

/* ---- A copy ---------------------------------------------------------------*/

void torpor__vm_check_copy(torpor_vm *vm, torpor_vm *copy) {
  uint32_t limit = torpor__memory_limit(vm);
  assert(torpor__memory_size(vm) == torpor__memory_size(copy));
  assert(torpor__memory_limit(copy) == limit);
  if (!is_due()) return;
  for (uint32_t page = 0; (uint64_t)page * TORPOR__PAGE < limit; page++) {
    bool page_is_the_same =
        is_same(vm, page, look_at(vm, page), look_at(copy, page), limit);
    assert(page_is_the_same);
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

uint64_t torpor__vm_check_sum(const torpor_vm *vm) {
  return is_due() ? add_up(vm, torpor__memory_limit(vm), look_at) : 0;
}

void torpor__vm_check_same(const torpor_vm *vm, uint64_t sum) {
  assert(sum == 0 || sum == add_up(vm, torpor__memory_limit(vm), look_at));
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

/* remember.c, (2). */
static void check_limit(const torpor_vm *vm) {
  uint32_t limit = vm->remembered.limit, page = limit / TORPOR__PAGE;
  const uint8_t *bytes;
  assert(limit <= torpor__memory_size(vm));
  if (limit % TORPOR__PAGE != 0) {
    bytes = torpor__remember_page(vm, page);
    assert(is_same_part(page, bytes, torpor__zero_page, limit,
                        (page + 1) * TORPOR__PAGE));
    page++;
  }
  for (; page < count_pages(vm); page++)
    assert(!torpor__shadow_shares(vm->region, page));
}

static void check_pieces(const torpor__remembered *remembered) {
  const torpor__piece *last = NULL, *piece = remembered->pieces;
  for (; piece; piece = piece->next) last = piece;
  assert(remembered->last == last);
}

static void check_remembered(const torpor_vm *vm) {
  const torpor__remembered *remembered = &vm->remembered;
  if (!remembered->known) assert(!remembered->pieces && !remembered->name);
  if (remembered->known)
    assert(remembered->pieces || remembered->name || vm->image->sketch);
  check_pieces(remembered);
  /* What was restored is laid out when it is needed. */
  if (!remembered->known || remembered->pieces) return;
  check_limit(vm);
  if (remembered->is_summed)
    assert(add_up(vm, remembered->limit, torpor__remember_page) ==
           remembered->sum);
  check_unwritten(vm);
}

/* ---- All of it ------------------------------------------------------------*/

void torpor__vm_check(torpor_vm *vm) {
  bool deep = is_due();
  torpor__region_check(vm->region, deep);
  check_records(vm);
  if (!deep || vm->broken) return;
  check_bindings(vm);
  check_written(vm);
  check_remembered(vm);
  if (!with_guest) return;
  check_guest(vm);
  check_zeros(vm);
}

void torpor__vm_check_clean(torpor_vm *vm) {
  const torpor__engine *engine = vm->engine;
  torpor__region_check(vm->region, false);
  assert(torpor__region_memory(vm->region)->pages == vm->image->pages);
  assert(engine->table_size(vm->instance) == vm->table_end);
  assert(engine->get_stack_pointer(vm->instance) == engine->stack_pointer);
  assert(*vm->seat == vm);
  check_parts(vm);
  assert(torpor__bytes_are_zero(&vm->options, sizeof(*vm) - HOST_AT));
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
