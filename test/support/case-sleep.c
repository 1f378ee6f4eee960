/* SPDX-License-Identifier: MIT */
/* case-sleep.c - the ways in which a VM is put away and another one taken.
 *
 *   WHOLE   save, close, restore
 *   MAPPED  the same, into memory that is mapped
 *   CHAIN   a difference from the last sleep is saved, the chain restored; at
 *           each third sleep the VM goes on living, so that differences of both
 *           kinds of VM are in the chain
 *   BASE    the same, but a base of the first link is kept, and VMs are opened
 *           from it and the differences
 *   FORK    the VM is copied and closed, the copy goes on
 *
 *  (1) A VM that was just opened gives the same snapshot, byte for byte, as the
 *      one whose place it takes.
 *  (2) The host holds no handle while it sleeps; exported values have tokens.
 */
#include "case-sleep.h"
#include "test/support/save.h"

#include <stdio.h>
#include <string.h>

static const char *explain(const char *call, torpor_status status,
                           const torpor_vm *vm) {
  static char text[512];
  snprintf(text, sizeof(text), "%s: %s: %s", call, torpor_status_name(status),
           torpor_last_error(vm));
  return text;
}

/* ---- Links ---------------------------------------------------------------*/

static void drop_links(test_sleeper *sleeper) {
  for (size_t i = 0; i < sleeper->count; i++)
    torpor_bytes_free(&sleeper->links[i]);
  sleeper->count = 0;
  torpor_base_close(sleeper->base);
  sleeper->base = NULL;
}

static bool has_links(const test_sleeper *sleeper) {
  return sleeper->way == TEST_WAY_CHAIN || sleeper->way == TEST_WAY_BASE;
}

static const char *add_link(test_sleeper *sleeper, torpor_vm *vm) {
  if (sleeper->count == TEST_LINKS_MAX) drop_links(sleeper);
  torpor_bytes *link = &sleeper->links[sleeper->count];
  unsigned flags =
      TORPOR_SAVE_PARENT | (sleeper->count > 0 ? TORPOR_SAVE_DELTA : 0);
  torpor_status status = torpor_snapshot_save_with(vm, TEST_SAVE(flags), link);
  if (status != TORPOR_OK)
    return explain("torpor_snapshot_save_with", status, vm);
  sleeper->count++;
  if (sleeper->way != TEST_WAY_BASE || sleeper->count > 1) return NULL;
  const torpor_slice slice = {link->data, link->size};
  status = torpor_base_open(&slice, 1, NULL, &sleeper->base);
  return status == TORPOR_OK ? NULL : explain("torpor_base_open", status, NULL);
}

static torpor_status open_links(test_sleeper *sleeper,
                                const torpor_options *options,
                                torpor_vm **out) {
  torpor_slice slices[TEST_LINKS_MAX];
  for (size_t i = 0; i < sleeper->count; i++)
    slices[i] = (torpor_slice){sleeper->links[i].data, sleeper->links[i].size};
  if (sleeper->way == TEST_WAY_CHAIN)
    return torpor_snapshot_restore_chain(slices, sleeper->count, options, out);
  return torpor_base_restore(sleeper->base, slices + 1, sleeper->count - 1,
                             options, out);
}

/* ---- Sleeping ------------------------------------------------------------*/

/* Opens the VM that takes the place of 'vm', whose snapshot is 'whole'. */
static torpor_status open_next(test_sleeper *sleeper, torpor_vm *vm,
                               const torpor_bytes *whole,
                               const torpor_options *options, torpor_vm **out) {
  torpor_options mapped = *options;
  mapped.memory = TORPOR_MEMORY_MAPPED;
  switch (sleeper->way) {
  case TEST_WAY_MAPPED:
    return torpor_snapshot_restore(whole->data, whole->size, &mapped, out);
  case TEST_WAY_CHAIN:
  case TEST_WAY_BASE:
    return open_links(sleeper, options, out);
  case TEST_WAY_FORK:
    return torpor_vm_fork(vm, options, out);
  default:
    return torpor_snapshot_restore(whole->data, whole->size, options, out);
  }
}

/* See (1). */
static const char *check_same(torpor_vm *vm, const torpor_bytes *whole) {
  torpor_bytes again;
  torpor_status status = torpor_snapshot_save(vm, &again);
  if (status != TORPOR_OK) return explain("torpor_snapshot_save", status, vm);
  bool same = again.size == whole->size &&
              memcmp(again.data, whole->data, again.size) == 0;
  torpor_bytes_free(&again);
  return same ? NULL : "a VM that was just opened has another snapshot";
}

static const char *replace(test_sleeper *sleeper, torpor_vm **vm,
                           const torpor_bytes *whole,
                           const torpor_options *options) {
  torpor_vm *next;
  torpor_status status = open_next(sleeper, *vm, whole, options, &next);
  if (status != TORPOR_OK)
    return explain("opening a VM in place of another", status,
                   sleeper->way == TEST_WAY_FORK ? *vm : NULL);
  torpor_vm_close(*vm);
  *vm = next;
  return check_same(next, whole);
}

const char *test_sleeper_begin(test_sleeper *sleeper, torpor_vm *vm) {
  return has_links(sleeper) ? add_link(sleeper, vm) : NULL;
}

const char *test_sleeper_sleep(test_sleeper *sleeper, torpor_vm **vm,
                               const torpor_options *options) {
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_bytes whole;
  const char *failure = NULL;
  torpor_status status = torpor_vm_usage(*vm, &usage);
  if (status != TORPOR_OK) return explain("torpor_vm_usage", status, *vm);
  if (usage.handles != 0) return "the host holds handles"; /* (2) */
  status = torpor_snapshot_save(*vm, &whole);
  if (status != TORPOR_OK) return explain("torpor_snapshot_save", status, *vm);
  if (has_links(sleeper)) failure = add_link(sleeper, *vm);
  bool lives_on = has_links(sleeper) && sleeper->sleeps++ % 3 == 2;
  if (failure == NULL && !lives_on)
    failure = replace(sleeper, vm, &whole, options);
  torpor_bytes_free(&whole);
  return failure;
}

void test_sleeper_free(test_sleeper *sleeper) {
  drop_links(sleeper);
}
