/* SPDX-License-Identifier: MIT */
/* target-cbor.c - CBOR from anywhere, read in a VM and in C.
 *
 *  (1) What a VM reads, the reader in C opens.
 *  (2) What was read is written to bytes that another VM reads and writes to
 *      the same; so does torpor_writer, call by call. */
#include <string.h>

#include "test/fuzz/target.h"
#include "test/fuzz/walk.h"

static torpor_vm *open_vm(void) {
  torpor_options options = fuzz_options();
  options.memory_max = (uint64_t)64 << 20;
  return fuzz_open(&options);
}

static void must_be_same(const torpor_bytes *a, const torpor_bytes *b) {
  fuzz_must(a->size == b->size);
  fuzz_must(a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static torpor_status encode(torpor_vm *vm, torpor_value value,
                            torpor_views views, torpor_bytes *out) {
  torpor_cbor_options options = TORPOR_CBOR_OPTIONS_INIT;
  options.views = views;
  return torpor_cbor_encode_with(vm, value, &options, out);
}

static void check_copy(const torpor_bytes *tree) {
  torpor_bytes made;
  if (!fuzz_walk_copy(tree, &made)) return;
  must_be_same(tree, &made);
  torpor_bytes_free(&made);
}

/* See (2). What has its views copied has nothing that the writer lacks. */
static void check_again(const torpor_bytes *tree, torpor_views views) {
  torpor_vm *vm = open_vm();
  torpor_value value;
  torpor_bytes again;
  fuzz_must(fuzz_walk(tree->data, tree->size));
  fuzz_must(torpor_cbor_decode(vm, tree->data, tree->size, &value) ==
            TORPOR_OK);
  fuzz_must(encode(vm, value, views, &again) == TORPOR_OK);
  must_be_same(tree, &again);
  if (views == TORPOR_VIEWS_COPY) check_copy(tree);
  torpor_bytes_free(&again);
  torpor_vm_close(vm);
}

/* With handles in it, of which some live; what comes out is encoded again. */
static void check_live(torpor_vm *vm, const uint8_t *data, size_t size) {
  torpor_cbor_options live = TORPOR_CBOR_OPTIONS_INIT;
  torpor_value value, kept;
  torpor_bytes tree;
  torpor_status status;
  live.not_data = TORPOR_LIVE;
  for (int i = 0; i < 3; i++) {
    fuzz_must(torpor_promise_new(vm, &value, NULL, NULL) == TORPOR_OK);
    fuzz_must(torpor_value_retain(vm, value, &kept) == TORPOR_OK);
  }
  status = torpor_cbor_decode_with(vm, data, size, &live, &value);
  fuzz_must(fuzz_succeeded(vm, status) || status == TORPOR_THROWN ||
            status == TORPOR_STALE);
  if (status != TORPOR_OK) return;
  fuzz_must(torpor_cbor_encode_with(vm, value, &live, &tree) == TORPOR_OK);
  fuzz_must(torpor_cbor_decode_with(vm, tree.data, tree.size, &live, NULL) ==
            TORPOR_OK);
  torpor_bytes_free(&tree);
}

static bool run(const uint8_t *data, size_t size) {
  torpor_vm *vm = open_vm();
  torpor_value value;
  torpor_status status = torpor_cbor_decode(vm, data, size, &value);
  bool opened = fuzz_walk(data, size), good = fuzz_succeeded(vm, status);
  fuzz_must(good || status == TORPOR_THROWN);
  fuzz_must(opened || !good);
  for (int i = 0; good && i < 2; i++) {
    torpor_views views = i == 0 ? TORPOR_VIEWS_KEEP : TORPOR_VIEWS_COPY;
    torpor_bytes tree;
    status = encode(vm, value, views, &tree);
    fuzz_must(fuzz_succeeded(vm, status));
    check_again(&tree, views);
    torpor_bytes_free(&tree);
  }
  check_live(vm, data, size);
  torpor_vm_close(vm);
  return good;
}

static void nothing(void) {
}

const fuzz_target fuzz_cbor = {
    .name = "cbor",
    .size_max = 4096,
    .setup = nothing,
    .teardown = nothing,
    .run = run,
};
