/* SPDX-License-Identifier: MIT */
/* still.c - pages that stay the same from one snapshot of a VM to the next.
 *
 * A program that is saved again and again writes most of its pages once, when
 * it begins, and a few at each step. A page in which the same differed in some
 * snapshots in a row is sealed (wasm/seal.c) and what differs is kept, so that
 * the next ones need not look at it: it would have to come from far away, while
 * those that a step writes are in the processor's cache.
 *
 *     changing --patience times the same--> still --written--> changing
 *
 * A fault costs more than looking, so that each page that was still and moved
 * has to stay the same for much longer before it is still again; after the
 * third time it is looked at for ever.
 *
 *  (1) A page is known only while it cannot be written.
 *
 * The VM's thread. */
#include "vm/still.h"

#include <assert.h>
#include <string.h>

#include "vm/alloc.h"
#include "vm/check.h"
#include "vm/image.h"
#include "vm/vm.h"

/* Snapshots in a row with the same sum, at first; how much longer the next
 * time; more is for ever. */
#define PATIENCE_FIRST 3
#define PATIENCE_FACTOR 30
#define PATIENCE_MOST 3000
/* With this many snapshots there is reason to think that there will be more. */
#define SAVES_FIRST 2
#define PAGES_MOST 192u
#define STRETCHES_MOST 8192u
/* Of short stretches there is a copy, in one place: of a page that is not
 * looked at, not even the translation of its address is at hand. */
#define COPY_LARGEST 256u
#define COPIES_MOST (64u << 10)

typedef struct entry {
  uint32_t page;
  uint16_t same;     /* snapshots in a row with the same sum */
  uint16_t patience; /* how many make it still; 0: it never is */
  bool known;
  uint32_t first, count; /* of its stretches */
  uint64_t sum;
} entry;

struct torpor__still {
  torpor_vm *vm;
  uint32_t count, at; /* entries; the one that was asked for last */
  uint32_t stretch_count, stretch_room;
  torpor__stretch *stretches;
  uint8_t *copies;
  uint32_t copy_size, copy_room;
  entry entries[PAGES_MOST]; /* by page */
};

torpor__still *torpor__still_start(torpor_vm *vm) {
  if (vm->saves < SAVES_FIRST) vm->saves++;
  if (!vm->still && vm->saves == SAVES_FIRST) {
    vm->still = torpor__alloc(sizeof(*vm->still));
    if (vm->still) *vm->still = (torpor__still){.vm = vm};
  }
  if (vm->still) vm->still->at = 0;
  return vm->still;
}

void torpor__still_forget(torpor_vm *vm) {
  if (!vm->still) return;
  torpor__alloc_free(vm->still->stretches);
  torpor__alloc_free(vm->still->copies);
  torpor__alloc_free(vm->still);
  vm->still = NULL;
}

/* The entry of 'page', a new one if need be; NULL: there are too many. */
static entry *find_entry(torpor__still *still, uint32_t page) {
  entry *found;
  while (still->at < still->count && still->entries[still->at].page < page)
    still->at++;
  found = &still->entries[still->at];
  if (still->at < still->count && found->page == page) return found;
  if (still->count == PAGES_MOST) return NULL;
  memmove(found + 1, found, (still->count - still->at) * sizeof(*found));
  still->count++;
  *found = (entry){.page = page, .patience = PATIENCE_FIRST};
  return found;
}

/* A page that was still has moved. */
static void disappoint(entry *found) {
  uint32_t patience = (uint32_t)found->patience * PATIENCE_FACTOR;
  found->patience = patience > PATIENCE_MOST ? 0 : (uint16_t)patience;
  found->known = false;
  found->same = 0;
}

const torpor__stretch *torpor__still_find(torpor__still *still, uint32_t page,
                                          size_t *count) {
  entry *found = find_entry(still, page);
  if (!found || !found->known) return NULL;
  if (!torpor__region_is_quiet(still->vm->region, page)) {
    disappoint(found);
    return NULL;
  }
  *count = found->count;
  return still->stretches + found->first;
}

/* The host writes the control block whenever it likes. */
static bool is_control(const torpor_vm *vm, uint32_t page) {
  uint32_t start = vm->engine->control, end = start + sizeof(*vm->control);
  return page >= start / TORPOR__PAGE && page <= (end - 1) / TORPOR__PAGE;
}

bool torpor__still_note(torpor__still *still, uint32_t page, uint64_t sum) {
  entry *found = find_entry(still, page);
  if (!found || found->patience == 0) return false;
  if (found->sum != sum) {
    found->sum = sum;
    found->same = 0;
    return false;
  }
  if (++found->same < found->patience) return false;
  found->known = !is_control(still->vm, page) &&
                 still->stretch_count < STRETCHES_MOST &&
                 torpor__region_quiet(still->vm->region, page);
  if (!found->known) found->patience = 0;
  found->first = still->stretch_count;
  found->count = 0;
  return found->known;
}

static bool reserve_stretch(torpor__still *still) {
  uint32_t room = still->stretch_room ? still->stretch_room * 2 : 64;
  torpor__stretch *more;
  if (still->stretch_count < still->stretch_room) return true;
  if (room > STRETCHES_MOST) return false;
  more = torpor__alloc_resize(still->stretches, room * sizeof(*more));
  if (!more) return false;
  still->stretches = more;
  still->stretch_room = room;
  return true;
}

static bool reserve_copy(torpor__still *still, uint32_t size) {
  uint32_t room = still->copy_room ? still->copy_room * 2 : 4096;
  uint8_t *more;
  if (size <= still->copy_room - still->copy_size) return true;
  if (room > COPIES_MOST) return false;
  more = torpor__alloc_resize(still->copies, room);
  if (!more) return false;
  still->copies = more;
  still->copy_room = room;
  return true;
}

/* Where the copy of 'stretch' is, if there is one. */
static uint32_t copy_bytes(torpor__still *still,
                           const torpor__stretch *stretch) {
  uint32_t size = stretch->end - stretch->start, at = still->copy_size;
  if (size > COPY_LARGEST || !reserve_copy(still, size))
    return TORPOR__STILL_UNCOPIED;
  memcpy(still->copies + at, still->vm->memory + stretch->start, size);
  still->copy_size += size;
  return at;
}

void torpor__still_add(torpor__still *still, const torpor__stretch *stretch) {
  entry *found = &still->entries[still->at];
  torpor__stretch *kept;
  if (!found->known) return;
  if (!reserve_stretch(still)) {
    found->known = false;
    found->patience = 0;
    return;
  }
  kept = &still->stretches[still->stretch_count++];
  *kept = *stretch;
  kept->copy = copy_bytes(still, stretch);
  found->count++;
}

const uint8_t *torpor__still_bytes(const torpor__still *still,
                                   const torpor__stretch *stretch) {
  if (stretch->copy == TORPOR__STILL_UNCOPIED) return NULL;
  return still->copies + stretch->copy;
}

#ifdef TORPOR_TESTING
/* Asserts that [start, end), in one page, is the baseline's. */
static void check_same(const torpor_vm *vm, uint32_t start, uint32_t end) {
  const uint8_t *base =
      torpor__image_page(vm->image->baseline, start / TORPOR__PAGE);
  assert(start >= end || memcmp(vm->memory + start, base + start % TORPOR__PAGE,
                                end - start) == 0);
}

static void check_entry(const torpor__still *still, const entry *known) {
  uint32_t at = known->page * TORPOR__PAGE, end = at + TORPOR__PAGE;
  for (uint32_t i = 0; i < known->count; i++) {
    const torpor__stretch *stretch = &still->stretches[known->first + i];
    const uint8_t *bytes = torpor__still_bytes(still, stretch);
    assert(stretch->start >= at && stretch->end <= end);
    check_same(still->vm, at, stretch->start);
    assert(!bytes || memcmp(bytes, still->vm->memory + stretch->start,
                            stretch->end - stretch->start) == 0);
    at = stretch->end;
  }
  check_same(still->vm, at, end);
}

void torpor__still_check(const torpor_vm *vm) {
  const torpor__still *still = vm->still;
  for (uint32_t i = 0; still && i < still->count; i++)
    if (still->entries[i].known &&
        torpor__region_is_quiet(vm->region, still->entries[i].page))
      check_entry(still, &still->entries[i]);
}
#endif
