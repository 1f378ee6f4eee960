/* SPDX-License-Identifier: MIT */
/* exercise.c - using what may be a snapshot in every way that there is.
 *
 * What must hold, whatever the bytes are:
 *
 *  (1) A call that fails says why and gives nothing.
 *  (2) What was restored and not entered saves to bytes that restore to a VM
 *      which saves to the same.
 *  (3) A VM hurts only itself: a fault or a hang in the host is found by the
 *      sanitizers and the fuzzer. */
#include "test/fuzz/exercise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUEL 30000
#define DEADLINE_MS 5
#define MEMORY_LARGEST ((uint64_t)16 << 20)
/* Of what is written as text, at most that much is read in. */
#define TEXT_LARGEST ((size_t)1 << 16)

#define must(truth)                                                            \
  do {                                                                         \
    if (!(truth)) give_up(#truth, __LINE__);                                   \
  } while (0)

static void give_up(const char *what, int line) {
  fprintf(stderr, "exercise.c:%d: this does not hold: %s\n", line, what);
  abort();
}

/* Notes what a call that has no VM answered; true when it gave something. */
static bool succeeded(torpor_status status, bool gave) {
  must((status == TORPOR_OK) == gave);
  must(strcmp(torpor_status_name(status), "UNKNOWN") != 0);
  must(status == TORPOR_OK || strlen(torpor_last_error(NULL)) > 10);
  return gave;
}

/* ---- Without an engine ----------------------------------------------------*/

static void read_plain(const void *data, size_t size) {
  torpor_snapshot_info info;
  torpor_bytes operations, json;
  torpor_status status = torpor_snapshot_read(data, size, &info, &operations);
  if (!succeeded(status, operations.data != NULL)) return;
  if (operations.size < TEXT_LARGEST &&
      torpor_cbor_to_json(operations.data, operations.size, &json) == TORPOR_OK)
    torpor_bytes_free(&json);
  torpor_bytes_free(&operations);
}

static void read_piece(const torpor_bytes *piece) {
  torpor_bytes plain;
  read_plain(piece->data, piece->size);
  if (succeeded(torpor_snapshot_unprotect(piece->data, piece->size, recipe_key,
                                          RECIPE_CONTEXT,
                                          sizeof(RECIPE_CONTEXT), &plain),
                plain.data != NULL)) {
    must(torpor_snapshot_is_protected(piece->data, piece->size));
    read_plain(plain.data, plain.size);
    torpor_bytes_free(&plain);
  }
}

/* ---- A VM -----------------------------------------------------------------*/

static torpor_status call_back(torpor_vm *vm, const torpor_arguments *arguments,
                               torpor_value *result, void *user) {
  (void)user;
  if (arguments->count == 0) return TORPOR_OK;
  return torpor_call(vm, arguments->args[0], arguments->self, NULL, 0, result);
}

static void list_operations(torpor_vm *vm) {
  torpor_operation operation;
  for (int i = 0; i < 100; i++)
    if (torpor_operation_next(vm, &operation) != TORPOR_OK) break;
}

static void evaluate(torpor_vm *vm) {
  static const char source[] =
      "back(() => list.map(x => x.f())); for (const x of list) x.k.p; "
      "go(1); JSON.stringify([...map]); console.log(list); list.pop()";
  torpor_value out;
  torpor_bytes bytes;
  torpor_error error;
  torpor_status status =
      torpor_eval(vm, source, strlen(source), "x.js", TORPOR_SCRIPT, &out);
  if (status == TORPOR_OK && torpor_string_read(vm, out, &bytes) == TORPOR_OK)
    torpor_bytes_free(&bytes);
  if (status == TORPOR_THROWN &&
      torpor_error_read(vm, torpor_exception(vm), &error) == TORPOR_OK)
    torpor_error_free(&error);
}

static void use(torpor_vm *vm) {
  torpor_value global, list;
  torpor_bytes bytes;
  torpor_usage usage;
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
  torpor_vm_usage(vm, &usage);
  torpor_vm_collect(vm);
}

static bool save(torpor_vm *vm, torpor_bytes *out) {
  return torpor_snapshot_save(vm, out) == TORPOR_OK;
}

/* See (2). */
static void check_again(const torpor_bytes *saved,
                        const torpor_options *options) {
  torpor_bytes again;
  torpor_vm *vm;
  torpor_status status =
      torpor_snapshot_restore(saved->data, saved->size, options, &vm);
  if (!succeeded(status, vm != NULL)) return;
  must(save(vm, &again));
  must(again.size == saved->size);
  must(memcmp(again.data, saved->data, saved->size) == 0);
  torpor_bytes_free(&again);
  torpor_vm_close(vm);
}

static void live(torpor_vm *vm, const torpor_options *options) {
  torpor_bytes bytes;
  if (save(vm, &bytes)) {
    check_again(&bytes, options);
    torpor_bytes_free(&bytes);
  }
  use(vm);
  if (save(vm, &bytes)) torpor_bytes_free(&bytes);
}

/* ---- All of it ------------------------------------------------------------*/

bool exercise(const recipe_dish *dish) {
  torpor_options options = recipe_options();
  const torpor_bytes *last;
  torpor_vm *vm;
  options.fuel = FUEL;
  options.deadline_ms = DEADLINE_MS;
  options.memory_max = MEMORY_LARGEST >> dish->head[0] % 4;
  for (size_t i = 0; i < dish->count; i++) read_piece(&dish->pieces[i]);
  if (dish->count == 0) return false;
  last = &dish->pieces[dish->count - 1];
  if (!succeeded(torpor_snapshot_restore(last->data, last->size, &options, &vm),
                 vm != NULL))
    return false;
  live(vm, &options);
  torpor_vm_close(vm);
  return true;
}
