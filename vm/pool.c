/* SPDX-License-Identifier: MIT */
/* pool.c - recycling VMs: what makes opening one cost microseconds.
 *
 * The price of a new VM is its page faults. So a closed one is reset to the
 * baseline and kept, with its pages. The reset covers every byte that could
 * have been written, and asks the guest nothing: the region is sealed once the
 * baseline is in it, so that these are the pages that were let in for writing,
 * and what was committed since. A new VM pays a fault for each page that it
 * writes, about 0.2 ms in all; every snapshot of it is the faster for it, which
 * is what 100 runs that take a snapshot at each step live on.
 *
 *     written:     ####......##########################......####
 *     baseline:    stack     data, library       zero         grown heap
 *     reset:       zero      copy page by page   zero         given back
 *
 *  (1) A VM in the pool equals a new one, byte for byte: memory, globals,
 *      table. (test_pool.c compares.)
 *  (2) It is reset when it is closed: what its program knew is gone then.
 *
 * VMs of all threads share the pool, under a lock. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vm/vm.h"

#define POOL_LARGEST 32
/* Below the top of the stack this much stays. */
#define STACK_KEPT (UINT32_C(128) << 10)
/* Pages that some program wrote once need not be reset for ever: after so many
 * uses it is found out again which are. */
#define SEAL_ANEW 200

static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static torpor_vm *pool;
static size_t pool_size;

/* ---- Reset ----------------------------------------------------------------*/

/* The class of 'page', and in 'end' where pages of another class begin. */
static bool page_is_used(const torpor__image *image, uint32_t page,
                         uint32_t limit, uint32_t *end) {
  uint32_t pages = image->size / TORPOR__PAGE, next = page + 1;
  bool used = page < pages && image->page_used[page];
  if (page >= pages) {
    *end = limit;
    return false;
  }
  while (next < limit && next < pages && image->page_used[next] == used) next++;
  if (next == pages && !used) next = limit;
  *end = next;
  return used;
}

/* Pages that are zero already are only read: one that nobody ever wrote takes
 * no memory of its own. */
static void zero_pages(uint8_t *bytes, size_t size) {
  static const uint8_t zeros[TORPOR__PAGE];
  for (size_t at = 0; at < size; at += TORPOR__PAGE)
    if (memcmp(bytes + at, zeros, TORPOR__PAGE) != 0)
      memset(bytes + at, 0, TORPOR__PAGE);
}

static void reset_pages(torpor_vm *vm, uint32_t start, uint32_t end) {
  uint32_t page = start / TORPOR__PAGE, limit = end / TORPOR__PAGE, next;
  for (; page < limit; page = next) {
    bool used = page_is_used(vm->image, page, limit, &next);
    size_t at = (size_t)page * TORPOR__PAGE;
    size_t size = (size_t)(next - page) * TORPOR__PAGE;
    if (used)
      memcpy(vm->memory + at, vm->image->bytes + at, size);
    else
      zero_pages(vm->memory + at, size);
  }
}

/* Gives back the depths of the stack that few programs reach. */
static void trim_range(void *user, uint32_t start, uint32_t end) {
  torpor_vm *vm = user;
  uint32_t low = vm->image->stack_size & ~(TORPOR__CHUNK - 1);
  low = low > STACK_KEPT ? low - STACK_KEPT : 0;
  if (start < low)
    torpor__region_decommit(vm->region, start, end < low ? end : low);
}

static void reset_range(void *user, uint32_t start, uint32_t end) {
  reset_pages(user, start, end);
}

/* false: the system did not take back what the VM had grown by. */
static bool reset(torpor_vm *vm) {
  uint32_t pages = vm->engine->pages;
  if (!torpor__region_set_pages(vm->region, pages, pages)) return false;
  torpor__region_committed(vm->region, trim_range, vm);
  torpor__region_written(vm->region, reset_range, vm);
  vm->engine->set_stack_pointer(vm->instance, vm->engine->stack_pointer);
  return true;
}

/* The control block is written by the host at any time. */
static bool commit_control(torpor_vm *vm) {
  uint32_t start = vm->engine->control;
  return torpor__region_commit(vm->region, start,
                               start + (uint32_t)sizeof(torpor_abi_control));
}

static bool commit_image(torpor_vm *vm) {
  const torpor__engine *engine = vm->engine;
  for (size_t i = 0; i < engine->segment_count; i++) {
    const torpor__engine_segment *segment = &engine->segments[i];
    if (!torpor__region_commit(vm->region, segment->address,
                               segment->address + segment->size))
      return false;
  }
  return commit_control(vm);
}

static bool seal(torpor_vm *vm, bool anew) {
  torpor__region_seal(vm->region, anew);
  return commit_control(vm);
}

/* ---- New ones -------------------------------------------------------------*/

static void destroy(torpor_vm *vm) {
  vm->engine->release(vm->instance);
  torpor__region_close(vm->region);
  torpor__alloc_free(vm);
}

/* Writes the baseline into memory that is new, and so zero: pages that no one
 * writes cost nothing. */
static void lay_out(torpor_vm *vm) {
  const torpor__image *image = vm->image;
  for (uint32_t page = 0; page < image->size / TORPOR__PAGE; page++) {
    size_t at = (size_t)page * TORPOR__PAGE;
    if (image->page_used[page])
      memcpy(vm->memory + at, image->bytes + at, TORPOR__PAGE);
  }
  vm->engine->set_stack_pointer(vm->instance, vm->engine->stack_pointer);
}

static torpor_vm *create(const torpor__image *image) {
  const torpor__engine *engine = image->engine;
  torpor_vm *vm = torpor__alloc(sizeof(*vm));
  if (!vm) return NULL;
  memset(vm, 0, sizeof(*vm));
  vm->engine = engine;
  vm->image = image;
  vm->region = torpor__region_open(engine->pages, engine->pages);
  if (!vm->region) {
    torpor__alloc_free(vm);
    return NULL;
  }
  vm->instance = torpor__region_instance(vm->region);
  vm->memory = (uint8_t *)torpor__region_memory(vm->region)->data;
  vm->control = (torpor_abi_control *)(vm->memory + engine->control);
  if (!commit_image(vm) ||
      !engine->instantiate(vm->instance, &torpor__imports, vm)) {
    torpor__region_close(vm->region);
    torpor__alloc_free(vm);
    return NULL;
  }
  vm->table_size = engine->table_size(vm->instance);
  lay_out(vm);
  if (seal(vm, true)) return vm;
  destroy(vm);
  return NULL;
}

/* ---- The pool -------------------------------------------------------------*/

static torpor_vm *take_pooled(const torpor__image *image) {
  torpor_vm **link = &pool, *vm;
  pthread_mutex_lock(&pool_lock);
  while (*link && (*link)->image != image) link = &(*link)->next;
  vm = *link;
  if (vm) {
    *link = vm->next;
    pool_size--;
  }
  pthread_mutex_unlock(&pool_lock);
  return vm;
}

#ifdef TORPOR_TESTING
/* Leak checkers do not look into the regions from where a pooled VM's blocks
 * are reached, so the pool is emptied before they run. The lock is held. */
static void drain_at_exit(void) {
  static bool registered;
  if (!registered) registered = atexit(torpor__pool_drain) == 0;
}
#else
static inline void drain_at_exit(void) {
}
#endif

static bool keep_pooled(torpor_vm *vm) {
  bool room;
  pthread_mutex_lock(&pool_lock);
  drain_at_exit();
  room = pool_size < POOL_LARGEST;
  if (room) {
    vm->next = pool;
    pool = vm;
    pool_size++;
  }
  pthread_mutex_unlock(&pool_lock);
  return room;
}

torpor_vm *torpor__pool_take(const torpor__image *image, uint32_t pages_max) {
  torpor_vm *vm;
  if (!torpor__runtime_start()) return NULL; /* others may have its signals */
  vm = take_pooled(image);
  if (!vm) vm = create(image);
  if (!vm) return NULL;
  vm->next = NULL;
  if (torpor__region_set_pages(vm->region, image->engine->pages, pages_max))
    return vm;
  destroy(vm);
  return NULL;
}

void torpor__pool_give(torpor_vm *vm) {
  const size_t kept = offsetof(struct torpor_vm, host);
  bool table_grown = vm->engine->table_size(vm->instance) != vm->table_size;
  memset((uint8_t *)vm + kept, 0, sizeof(*vm) - kept);
  if (table_grown || !reset(vm)) {
    destroy(vm);
    return;
  }
  if (!seal(vm, ++vm->uses % SEAL_ANEW == 0) || !keep_pooled(vm)) destroy(vm);
}

void torpor__pool_drain(void) {
  torpor_vm *vm;
  pthread_mutex_lock(&pool_lock);
  vm = pool;
  pool = NULL;
  pool_size = 0;
  pthread_mutex_unlock(&pool_lock);
  while (vm) {
    torpor_vm *next = vm->next;
    destroy(vm);
    vm = next;
  }
}

size_t torpor__pool_count(void) {
  size_t count;
  pthread_mutex_lock(&pool_lock);
  count = pool_size;
  pthread_mutex_unlock(&pool_lock);
  return count;
}
