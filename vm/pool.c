/* SPDX-License-Identifier: MIT */
/* pool.c - recycling VMs: what makes opening one cost microseconds.
 *
 * What a new VM costs is its page faults. So a closed one is kept, after its
 * memory was reset to its image. The reset covers every byte that could have
 * been written, and asks the guest nothing. There are two kinds of memory:
 *
 * A *copy* of the image keeps the pages that programs wrote. It is tracked: the
 * first write to a page is noted, so that only such pages have to be reset, and
 * looked at for a snapshot. A new VM pays a fault for each page that it writes,
 * about 0.1 ms in all.
 *
 *     written:     ####......##########################......####
 *     image:       stack     data, library       zero         grown heap
 *     reset:       zero      copy page by page   zero         given back
 *
 * *Mapped* memory is the image's file until it is written. Pages that were
 * written are given back to the system when the VM is closed.
 *
 *  (1) A VM in the pool equals a new one, byte for byte: memory, globals,
 *      table. (test_pool.c compares.)
 *  (2) It is reset when it is closed: what its program knew is gone then.
 *
 * Each thread has the VM that it closed last; all threads share the others,
 * under a lock. */
#include "vm/pool.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/border/import.h"
#include "vm/common/bytes.h"
#include "vm/common/threshold.h"
#include "vm/engines/engine.h"
#include "vm/extensions/linking.h"
#include "vm/memory/check.h"
#include "vm/memory/image.h"
#include "vm/resting.h"
#include "vm/vm.h"
#include "wasm/mutex.h"
#include "wasm/os.h"

#define POOL_LARGEST 32
/* A VM that wrote more than this gives back what it can. */
TORPOR__THRESHOLD(written_kept, UINT32_C(4) << 20);
/* Below the top of the stack this much stays. */
#define STACK_KEPT (UINT32_C(128) << 10)
/* A page that one program wrote is reset at each use from then on. So after
 * so many bytes were reset, in some thousand uses by small programs or 128
 * and more by large ones, it is found out again which are written. That costs
 * about as much as 75 resets, in page faults, for which the threads of a
 * process wait for each other. A VM that wrote more than written_kept does
 * not count: its pages are given back at once. */
#define TRACK_ANEW (UINT64_C(512) << 20)

static torpor_vm *pool;
static _Atomic size_t pool_size;
static _Atomic size_t copies; /* that there are, in use or not */

/* ---- Reset ----------------------------------------------------------------*/

/* Whether 'page' is not zero in the image; '*end' is the next page for which
 * the answer is another, or 'limit'. */
static bool page_is_used(const torpor__image *image, uint32_t page,
                         uint32_t limit, uint32_t *end) {
  bool used = torpor__image_page_use(image, page) != 0;
  uint32_t next = page + 1;
  if (page >= image->size / TORPOR__PAGE) next = limit;
  while (next < limit && (torpor__image_page_use(image, next) != 0) == used)
    next++;
  *end = next;
  return used;
}

/* Pages that are zero already are only read: a page that nobody ever wrote
 * takes no memory. */
static void zero_pages(uint8_t *bytes, size_t size) {
  for (size_t at = 0; at < size; at += TORPOR__PAGE)
    if (!torpor__bytes_are_zero(bytes + at, TORPOR__PAGE))
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

/* Gives back the part of the stack that few programs reach. */
static void trim_range(void *user, uint32_t start, uint32_t end) {
  torpor_vm *vm = user;
  uint32_t low = vm->image->stack_size & ~(TORPOR__CHUNK - 1);
  low = low > STACK_KEPT ? low - STACK_KEPT : 0;
  if (start < low)
    torpor__region_decommit(vm->region, start, end < low ? end : low);
}

/* The pages may be clean, and so read-only. */
static void reset_range(void *user, uint32_t start, uint32_t end) {
  torpor_vm *vm = user;
  if (torpor__region_commit(vm->region, start, end))
    reset_pages(vm, start, end);
  else
    vm->reset_failed = true;
}

static void count_range(void *user, uint32_t start, uint32_t end) {
  *(uint32_t *)user += end - start;
}

static bool reset_memory(torpor_vm *vm) {
  uint32_t written = 0;
  if (vm->mapped) return torpor__region_reset(vm->region);
  torpor__region_committed(vm->region, trim_range, vm);
  torpor__region_written(vm->region, count_range, &written);
  if (written > torpor__written_kept)
    torpor__region_revert(vm->region);
  else
    vm->tracked += written;
  torpor__region_written(vm->region, reset_range, vm);
  return !vm->reset_failed;
}

/* false: the system did not take back what the VM had grown by. */
static bool reset(torpor_vm *vm) {
  uint32_t pages = vm->image->pages;
  if (!torpor__region_forget(vm->region) ||
      !torpor__region_set_pages(vm->region, pages, pages) || !reset_memory(vm))
    return false;
  vm->engine->set_stack_pointer(vm->instance, vm->engine->stack_pointer);
  return true;
}

/* The control block is written by the host at any time. */
static bool commit_control(torpor_vm *vm) {
  uint32_t start = vm->engine->control;
  return torpor__region_commit(vm->region, start,
                               start + (uint32_t)sizeof(torpor_abi_control));
}

static bool track(torpor_vm *vm, bool anew) {
  if (vm->mapped) return true;
  torpor__region_track(vm->region, anew);
  if (anew) vm->tracked = 0;
  return commit_control(vm);
}

/* ---- New ones -------------------------------------------------------------*/

static void destroy_memory(torpor_vm *vm) {
  if (!vm->mapped) atomic_fetch_sub(&copies, 1);
  if (vm->instance) {
    torpor__link_cut(vm, 0);
    vm->engine->release(vm->instance);
  }
  torpor__region_close(vm->region);
  torpor__image_leave(vm->image);
  torpor__alloc_free(vm->seat);
}

static void destroy(torpor_vm *vm) {
  destroy_memory(vm);
  torpor__alloc_free(vm);
}

/* ---- At rest --------------------------------------------------------------
 *
 * Memory is recycled at once, the struct, to which the host has a pointer,
 * later (resting.c). */

/* A struct for the memory of 'vm'; NULL: no memory. */
static torpor_vm *succeed(const torpor_vm *vm, torpor_vm *next) {
  const size_t kept = offsetof(struct torpor_vm, options);
  if (!next) next = torpor__alloc(sizeof(*next));
  if (!next) return NULL;
  memcpy(next, vm, kept);
  memset((uint8_t *)next + kept, 0, sizeof(*next) - kept);
  *next->seat = next;
  return next;
}

/* Closes the struct of 'vm' and gives another one, which has its memory; NULL:
 * the memory is gone. */
static torpor_vm *rest(torpor_vm *vm) {
  torpor_vm *_Atomic *place = torpor__resting_place();
  torpor_vm *next = succeed(vm, atomic_exchange(place, NULL));
  if (!next) destroy_memory(vm);
  memset(vm, 0, sizeof(*vm));
  vm->closed = vm->broken = true;
  vm->exception = torpor_undefined();
  vm->error = vm->error_short;
  strcpy(vm->error_short, "the VM was closed; it cannot be used any more");
  torpor__alloc_free(atomic_exchange(place, vm));
  return next;
}

/* Writes the image into new memory, which is zero: so only pages that are not
 * zero in it are touched. */
static bool lay_out(torpor_vm *vm) {
  const torpor__image *image = vm->image;
  uint32_t limit = image->size / TORPOR__PAGE, next;
  for (uint32_t page = 0; page < limit; page = next) {
    bool used = page_is_used(image, page, limit, &next);
    size_t at = (size_t)page * TORPOR__PAGE;
    size_t size = (size_t)(next - page) * TORPOR__PAGE;
    if (!used) continue;
    if (!torpor__region_commit(vm->region, (uint32_t)at, (uint32_t)(at + size)))
      return false;
    memcpy(vm->memory + at, image->bytes + at, size);
  }
  return commit_control(vm) && track(vm, true);
}

/* A copy is mapped onto the file as well where there is one: pages that no
 * program writes are then the same memory in all of them, and in the caches. */
static bool put_image(torpor_vm *vm) {
  const torpor__image *image = vm->image;
  uint32_t size = image->mapped_size;
  if (image->file != TORPOR__OS_NO_FILE &&
      torpor__region_map(vm->region, image->file, size, !vm->mapped))
    return vm->mapped || commit_control(vm);
  return !vm->mapped && lay_out(vm);
}

static bool fill(torpor_vm *vm) {
  torpor__image *image = vm->image;
  const torpor__engine *engine = image->engine;
  torpor__instance *instance = torpor__region_instance(vm->region);
  vm->memory = (uint8_t *)torpor__region_memory(vm->region)->data;
  vm->control = (torpor_abi_control *)(vm->memory + engine->control);
  if (!put_image(vm) ||
      !engine->instantiate(instance, &torpor__imports, vm->seat))
    return false;
  vm->instance = instance;
  vm->table_size = engine->table_size(instance);
  engine->set_stack_pointer(instance, engine->stack_pointer);
  if (torpor__link_all(vm, image->links) != TORPOR_OK) return false;
  vm->table_end = engine->table_size(instance);
  return true;
}

static torpor_vm *create(torpor__image *image, bool mapped) {
  torpor_vm *vm = torpor__alloc(sizeof(*vm));
  if (!vm) return NULL;
  memset(vm, 0, sizeof(*vm));
  vm->engine = image->engine;
  vm->image = image;
  vm->mapped = mapped;
  torpor__image_enter(image);
  if (!mapped) atomic_fetch_add(&copies, 1);
  vm->seat = torpor__alloc(sizeof(*vm->seat));
  if (vm->seat) *vm->seat = vm;
  if (vm->seat) vm->region = torpor__region_open(image->pages, image->pages);
  if (vm->region && fill(vm)) return vm;
  destroy(vm);
  return NULL;
}

/* ---- The pool -------------------------------------------------------------*/

static bool fits(const torpor_vm *vm, const torpor__image *image, bool mapped) {
  return vm->image == image && vm->mapped == mapped;
}

static torpor_vm *take_shared(const torpor__image *image, bool mapped) {
  torpor_vm **link = &pool, *vm;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  while (*link && !fits(*link, image, mapped)) link = &(*link)->next;
  vm = *link;
  if (vm) {
    *link = vm->next;
    pool_size--;
  }
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  return vm;
}

/* Takes out the VM that waited longest. The lock is held. */
static torpor_vm *remove_oldest(void) {
  torpor_vm **link = &pool, *oldest;
  while ((*link)->next) link = &(*link)->next;
  oldest = *link;
  *link = NULL;
  pool_size--;
  return oldest;
}

/* Puts 'vm' in, and gives the one that has to go for it, or NULL. */
static torpor_vm *give_shared(torpor_vm *vm) {
  torpor_vm *leaving = vm;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  if (!vm->image->retired) {
    leaving = pool_size >= POOL_LARGEST ? remove_oldest() : NULL;
    vm->next = pool;
    pool = vm;
    pool_size++;
  }
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  return leaving;
}

/* ---- A place for each thread ----------------------------------------------
 *
 * A thread keeps the VM that it closed last, whose pages are still in its
 * processor's caches, and needs no lock to take it again. Other threads take it
 * out only when its image is dropped. */

struct place {
  torpor_vm *_Atomic vm;
  struct place *next, **link; /* among all; locked */
  bool entered;               /* it is among them; the thread's own */
};

static _Thread_local struct place here;
static struct place *places;

/* Of a thread that ends. */
static void leave_place(void *user) {
  struct place *place = user;
  torpor_vm *vm;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  *place->link = place->next;
  if (place->next) place->next->link = place->link;
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  place->entered = false;
  vm = atomic_exchange(&place->vm, NULL);
  if (vm) vm = give_shared(vm);
  if (vm) destroy(vm);
}

/* In a child process only this thread is left. What the others kept is put into
 * the shared list; their places are forgotten, since the memory of threads that
 * are gone is used again. */
static void leave_in_child(void) {
  struct place *place = places;
  for (; place; place = place->next) {
    torpor_vm *vm = place == &here ? NULL : atomic_exchange(&place->vm, NULL);
    if (!vm) continue;
    vm->next = pool;
    pool = vm;
    pool_size++;
  }
  places = here.entered ? &here : NULL;
  here.next = NULL;
  here.link = &places;
}

static void prepare_forks(void) {
  torpor__os_at_fork(NULL, NULL, leave_in_child);
}

/* Whether this thread has a place. */
static bool enter_place(void) {
  static torpor__os_at_end at_end = {.end = leave_place};
  static torpor__os_once_flag once;
  if (here.entered) return true;
  torpor__os_once(&once, prepare_forks);
  if (!torpor__os_at_thread_end(&at_end, &here)) return false;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  here.next = places;
  here.link = &places;
  if (places) places->link = &here.next;
  places = &here;
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  here.entered = true;
  return true;
}

static torpor_vm *take_pooled(const torpor__image *image, bool mapped) {
  torpor_vm *vm = atomic_exchange(&here.vm, NULL);
  if (vm && fits(vm, image, mapped)) return vm;
  if (vm) atomic_store(&here.vm, vm);
  return take_shared(image, mapped);
}

/* Keeps 'vm' in the thread's own place, or else in the list of all threads.
 * Gives the VM that has to be destroyed to make room, or NULL. If the image is
 * dropped at this very moment, 'vm' stays until its thread closes another. */
static torpor_vm *keep_pooled(torpor_vm *vm) {
  if (enter_place() && !vm->image->retired) {
    vm = atomic_exchange(&here.vm, vm);
    if (!vm) return NULL;
  }
  return give_shared(vm);
}

torpor_vm *torpor__pool_take(torpor__image *image, uint32_t pages_max,
                             bool mapped) {
  torpor_vm *vm;
  if (!torpor__runtime_start()) return NULL; /* others may have its signals */
  vm = take_pooled(image, mapped);
  if (vm) torpor__vm_check_clean(vm);
  if (!vm) vm = create(image, mapped);
  if (!vm) return NULL;
  vm->next = NULL;
  if (!torpor__region_set_pages(vm->region, image->pages, pages_max)) {
    destroy(vm);
    return NULL;
  }
  return vm;
}

void torpor__pool_give(torpor_vm *vm) {
  bool table_grown;
  torpor__link_cut(vm, vm->image->links ? vm->image->links->count : 0);
  table_grown = vm->engine->table_size(vm->instance) != vm->table_end;
  vm = rest(vm);
  if (!vm) return;
  if (!table_grown && !vm->image->retired && reset(vm) &&
      track(vm, vm->tracked >= TRACK_ANEW)) {
    torpor__vm_check_clean(vm);
    vm = keep_pooled(vm);
  }
  if (vm) destroy(vm);
}

static bool is_of(const torpor_vm *vm, const torpor__image *image) {
  return !image || vm->image == image;
}

/* Takes all VMs of 'image' out of the pool, as a list. The lock is held. */
static torpor_vm *remove_shared(const torpor__image *image) {
  torpor_vm **link = &pool, *removed = NULL;
  while (*link) {
    torpor_vm *vm = *link;
    if (!is_of(vm, image)) {
      link = &vm->next;
      continue;
    }
    *link = vm->next;
    vm->next = removed;
    removed = vm;
    pool_size--;
  }
  return removed;
}

/* The same from the places. One of another image goes back, or to 'others' when
 * its thread has put in another one meanwhile. */
static torpor_vm *remove_placed(const torpor__image *image,
                                torpor_vm **others) {
  torpor_vm *removed = NULL;
  for (struct place *place = places; place; place = place->next) {
    torpor_vm *vm = atomic_exchange(&place->vm, NULL), *none = NULL;
    torpor_vm **list = vm && is_of(vm, image) ? &removed : others;
    if (!vm || (list == others &&
                atomic_compare_exchange_strong(&place->vm, &none, vm)))
      continue;
    vm->next = *list;
    *list = vm;
  }
  return removed;
}

static void destroy_all(torpor_vm *vm) {
  while (vm) {
    torpor_vm *next = vm->next;
    destroy(vm);
    vm = next;
  }
}

void torpor__pool_drop(const torpor__image *image) {
  torpor_vm *shared, *placed, *others = NULL;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  shared = remove_shared(image);
  placed = remove_placed(image, &others);
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  destroy_all(shared);
  destroy_all(placed);
  destroy_all(others);
}

/* Structs of closed VMs stay, so that using one still fails. */
void torpor_pool_drain(void) {
  torpor__pool_drop(NULL);
  torpor__region_drain();
}

size_t torpor__pool_copies(void) {
  size_t all = copies, pooled = pool_size;
  return all > pooled ? all - pooled : 0;
}

#ifdef TORPOR_TESTING
void torpor__pool_drain(void) {
  torpor__pool_drop(NULL);
  torpor__resting_drain();
}

size_t torpor__pool_count(void) {
  size_t count;
  torpor__mutex_take(TORPOR__MUTEX_POOL);
  count = pool_size;
  for (const struct place *place = places; place; place = place->next)
    count += place->vm != NULL;
  torpor__mutex_give(TORPOR__MUTEX_POOL);
  return count;
}
#endif
