/* SPDX-License-Identifier: MIT */
/* exercise.c - using what may be a snapshot in every way that there is.
 *
 * What must hold, whatever the bytes are:
 *
 *  (1) A call that fails says why and gives nothing.
 *  (2) What was restored and not entered saves to bytes that restore to a VM
 *      which saves to the same; so does its copy.
 *  (3) What a VM is restored to from a whole snapshot and a difference saves to
 *      the same as the VM that they were made of, unless its guest's own state
 *      was spoiled: one that says its heap ended where it did not, loses what
 *      lies behind.
 *  (4) A VM hurts only itself: a fault or a hang in the host is found by the
 *      sanitizers and the fuzzer. */
#include "test/fuzz/exercise.h"
#include "test/fuzz/target.h"
#include "test/support/save.h"

#include <string.h>

#define FUEL 30000
#define DEADLINE_MS 5
#define MEMORY_LARGEST ((uint64_t)16 << 20)
/* Of what is written as text, at most that much is read in. */
#define TEXT_LARGEST ((size_t)1 << 16)

/* Notes what a call that has no VM answered; true when it gave something. */
static bool succeeded(torpor_status status, bool gave) {
  fuzz_must((status == TORPOR_OK) == gave);
  return fuzz_succeeded(NULL, status);
}

/* ---- Without an engine ----------------------------------------------------*/

static void read_section(const void *data, size_t size, torpor_section which) {
  torpor_bytes content, json;
  torpor_status status = torpor_snapshot_section(data, size, which, &content);
  if (!succeeded(status, content.data != NULL)) return;
  if (content.size < TEXT_LARGEST &&
      torpor_cbor_to_json(content.data, content.size, &json) == TORPOR_OK)
    torpor_bytes_free(&json);
  torpor_bytes_free(&content);
}

/* What is attached is found again, and nothing else is lost by it. */
static void attach(const void *data, size_t size) {
  static const uint8_t run[] = {0xa1, 0x61, 'a', 0x01};
  torpor_bytes with, found;
  torpor_status status =
      torpor_snapshot_attach(data, size, run, sizeof(run), &with);
  if (!succeeded(status, with.data != NULL)) return;
  status =
      torpor_snapshot_section(with.data, with.size, TORPOR_SECTION_RUN, &found);
  fuzz_must(status == TORPOR_OK && found.size == sizeof(run));
  torpor_bytes_free(&found);
  torpor_bytes_free(&with);
}

static void read_plain(const void *data, size_t size) {
  torpor_snapshot_info info = TORPOR_SNAPSHOT_INFO_INIT;
  torpor_bytes operations;
  torpor_status status = torpor_snapshot_read(data, size, &info, &operations);
  if (!succeeded(status, operations.data != NULL)) return;
  torpor_bytes_free(&operations);
  read_section(data, size, TORPOR_SECTION_OPERATIONS);
  read_section(data, size, TORPOR_SECTION_WAITING);
  read_section(data, size, TORPOR_SECTION_RUN);
  attach(data, size);
}

static void read_piece(const torpor_bytes *piece) {
  torpor_bytes plain;
  torpor_status status;
  read_plain(piece->data, piece->size);
  status =
      torpor_snapshot_unprotect(piece->data, piece->size, recipe_key,
                                RECIPE_CONTEXT, sizeof(RECIPE_CONTEXT), &plain);
  if (!succeeded(status, plain.data != NULL)) return;
  fuzz_must(torpor_snapshot_is_protected(piece->data, piece->size));
  read_plain(plain.data, plain.size);
  torpor_bytes_free(&plain);
}

/* ---- A VM -----------------------------------------------------------------*/

static torpor_status call_back(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  if (arguments->count == 0) return TORPOR_OK;
  return torpor_call(vm, arguments->args[0], arguments->self, NULL, 0, result);
}

static void list_operations(torpor_vm *vm) {
  torpor_operation operation = TORPOR_OPERATION_INIT;
  for (int i = 0; i < 100; i++)
    if (torpor_operation_next(vm, &operation) != TORPOR_OK) break;
}

static void evaluate(torpor_vm *vm) {
  static const char source[] =
      "back(() => list.map(x => x.f())); for (const x of list) x.k.p; "
      "go(1); JSON.stringify([...map]); console.log(list); list.pop()";
  torpor_value out;
  torpor_bytes bytes;
  torpor_error error = TORPOR_ERROR_INIT;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "x.js", TORPOR_SCRIPT, &out);
  if (status == TORPOR_OK && torpor_string_read(vm, out, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
  if (status == TORPOR_THROWN &&
      torpor_error_read(vm, torpor_exception(vm), &error) == TORPOR_OK)
    torpor_error_free(&error);
}

void exercise_use(torpor_vm *vm) {
  torpor_value global, list;
  torpor_bytes bytes;
  torpor_usage usage = TORPOR_USAGE_INIT;
  torpor_function_bind(vm, "back", call_back, NULL, NULL);
  list_operations(vm);
  evaluate(vm);
  torpor_job_run(vm, 50, NULL);
  torpor_operation_settle(vm, 1, TORPOR_RESOLVE, torpor_null());
  if (torpor_global(vm, &global) == TORPOR_OK &&
      torpor_get(vm, global, "list", &list) == TORPOR_OK &&
      torpor_cbor_encode(vm, list, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
  torpor_job_run(vm, 50, NULL);
  torpor_vm_reseed(vm);
  if (torpor_vm_inspect(vm, &bytes) == TORPOR_OK) torpor_bytes_free(&bytes);
  torpor_vm_usage(vm, &usage);
  torpor_vm_collect(vm);
}

static bool save(torpor_vm *vm, torpor_bytes *out) {
  return torpor_snapshot_save(vm, out) == TORPOR_OK;
}

static void must_save_to(torpor_vm *vm, const torpor_bytes *expected) {
  torpor_bytes bytes;
  fuzz_must(save(vm, &bytes));
  fuzz_must(bytes.size == expected->size);
  fuzz_must(memcmp(bytes.data, expected->data, bytes.size) == 0);
  torpor_bytes_free(&bytes);
}

/* In two steps it is the same. */
static void check_job(torpor_vm *vm, const torpor_bytes *expected) {
  torpor_snapshot_job *job;
  torpor_bytes bytes;
  fuzz_must(torpor_snapshot_save_start(vm, TEST_SAVE(0), &job) == TORPOR_OK);
  fuzz_must(torpor_snapshot_job_finish(job, &bytes) == TORPOR_OK);
  fuzz_must(bytes.size == expected->size);
  fuzz_must(memcmp(bytes.data, expected->data, bytes.size) == 0);
  torpor_bytes_free(&bytes);
  if (torpor_snapshot_save_start(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &job) ==
      TORPOR_OK)
    torpor_snapshot_job_free(job);
}

/* See (2). */
static void check_again(torpor_vm *vm, const torpor_options *options) {
  torpor_bytes saved;
  torpor_vm *again;
  torpor_status status;
  if (!save(vm, &saved)) return;
  check_job(vm, &saved);
  status = torpor_snapshot_restore(saved.data, saved.size, options, &again);
  if (succeeded(status, again != NULL)) {
    must_save_to(again, &saved);
    torpor_vm_close(again);
  }
  if (torpor_vm_fork(vm, options, &again) == TORPOR_OK) {
    must_save_to(again, &saved);
    exercise_use(again);
    torpor_vm_close(again);
    must_save_to(vm, &saved);
  }
  torpor_bytes_free(&saved);
}

/* See (3). */
static void check_delta(torpor_vm *vm, torpor_bytes *whole, bool is_spoiled,
                        const torpor_options *options) {
  torpor_bytes delta, now;
  torpor_vm *again;
  if (torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &delta) !=
      TORPOR_OK)
    return;
  fuzz_must(save(vm, &now));
  torpor_slice chain[] = {{whole->data, whole->size}, {delta.data, delta.size}};
  torpor_status status =
      torpor_snapshot_restore_chain(chain, 2, options, &again);
  if (succeeded(status, again != NULL)) {
    if (!is_spoiled) must_save_to(again, &now);
    exercise_use(again);
    torpor_vm_close(again);
  }
  torpor_bytes_free(&now);
  torpor_bytes_free(&delta);
}

static void live(torpor_vm *vm, bool is_spoiled,
                 const torpor_options *options) {
  torpor_bytes whole, delta;
  check_again(vm, options);
  if (torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_DELTA), &delta) ==
      TORPOR_OK)
    torpor_bytes_free(&delta);
  if (torpor_snapshot_save_with(vm, TEST_SAVE(TORPOR_SAVE_PARENT), &whole) !=
      TORPOR_OK)
    return;
  exercise_use(vm);
  check_delta(vm, &whole, is_spoiled, options);
  torpor_bytes_free(&whole);
}

/* ---- All of it ------------------------------------------------------------*/

/* Two VMs of a base made of the first pieces; the second is used after the
 * first, which it must not have been hurt by, is gone. */
static torpor_status open_from_base(const torpor_slice *chain, size_t count,
                                    size_t first, const torpor_options *options,
                                    torpor_vm **out) {
  torpor_base *base;
  torpor_vm *other;
  torpor_status status = torpor_base_open(chain, first, options, &base);
  *out = NULL;
  if (!succeeded(status, base != NULL)) return status;
  status =
      torpor_base_restore(base, chain + first, count - first, options, &other);
  if (succeeded(status, other != NULL)) {
    exercise_use(other);
    torpor_vm_close(other);
    status =
        torpor_base_restore(base, chain + first, count - first, options, out);
    fuzz_must(status == TORPOR_OK);
  }
  torpor_base_close(base);
  return status;
}

static torpor_status open_dish(const recipe_dish *dish,
                               const torpor_options *options, torpor_vm **out) {
  torpor_slice chain[RECIPE_PIECES];
  size_t count = dish->count;
  for (size_t i = 0; i < count; i++)
    chain[i] = (torpor_slice){dish->pieces[i].data, dish->pieces[i].size};
  switch (dish->head[1] % 4) {
  case 0:
    return torpor_snapshot_restore(chain[count - 1].data, chain[count - 1].size,
                                   options, out);
  case 1:
    return open_from_base(chain, count, 1 + dish->head[3] % count, options,
                          out);
  default:
    return torpor_snapshot_restore_chain(chain, count, options, out);
  }
}

bool exercise(const recipe_dish *dish) {
  torpor_options options = fuzz_options();
  torpor_status status;
  torpor_vm *vm;
  options.fuel = FUEL;
  options.deadline_ms = DEADLINE_MS;
  options.memory_max = MEMORY_LARGEST >> dish->head[0] % 4;
  options.memory = (torpor_memory)(dish->head[2] % 3);
  options.wake = dish->head[4] % 4;
  for (size_t i = 0; i < dish->count; i++) read_piece(&dish->pieces[i]);
  if (dish->count == 0) return false;
  status = open_dish(dish, &options, &vm);
  if (!succeeded(status, vm != NULL)) return false;
  live(vm, dish->is_spoiled, &options);
  torpor_vm_close(vm);
  return true;
}
