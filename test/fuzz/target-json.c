/* SPDX-License-Identifier: MIT */
/* target-json.c - JSON text from anywhere, read in a VM and in C.
 *
 *  (1) Both take the same texts.
 *  (2) What a VM read is written to a text that is read and written as itself.
 *  (3) Both make the same tree of that text, but for lone surrogates.
 *  (4) In C, CBOR of a text as text is a text that gives the same CBOR. */
#include <string.h>

#include "test/fuzz/target.h"

static void must_be_same(const torpor_bytes *a, const torpor_bytes *b) {
  fuzz_must(a->size == b->size);
  fuzz_must(memcmp(a->data, b->data, a->size) == 0);
}

static bool has_surrogates(const torpor_bytes *text) {
  return strstr((const char *)text->data, "\\ud") != NULL;
}

/* See (2) and (3). */
static void check_again(const torpor_bytes *text) {
  torpor_vm *vm = fuzz_open(NULL);
  const char *json = (const char *)text->data;
  torpor_value value;
  torpor_bytes again, tree, other;
  fuzz_must(torpor_json_decode(vm, json, text->size, &value) == TORPOR_OK);
  fuzz_must(torpor_json_encode(vm, value, &again) == TORPOR_OK);
  must_be_same(text, &again);
  fuzz_must(torpor_cbor_encode(vm, value, &tree) == TORPOR_OK);
  fuzz_must(torpor_json_to_cbor(json, text->size, &other) == TORPOR_OK);
  if (!has_surrogates(text)) must_be_same(&tree, &other);
  torpor_bytes_free(&again);
  torpor_bytes_free(&tree);
  torpor_bytes_free(&other);
  torpor_vm_close(vm);
}

/* See (4). */
static void check_in_c(const torpor_bytes *cbor) {
  torpor_bytes text, again, third;
  fuzz_must(torpor_cbor_to_json(cbor->data, cbor->size, &text) == TORPOR_OK);
  fuzz_must(torpor_json_to_cbor((const char *)text.data, text.size, &again) ==
            TORPOR_OK);
  fuzz_must(torpor_cbor_to_json(again.data, again.size, &third) == TORPOR_OK);
  must_be_same(&text, &third);
  torpor_bytes_free(&text);
  torpor_bytes_free(&again);
  torpor_bytes_free(&third);
}

static bool run(const uint8_t *data, size_t size) {
  torpor_vm *vm = fuzz_open(NULL);
  torpor_value value;
  torpor_bytes cbor, text;
  const char *json = (const char *)data;
  torpor_status status = torpor_json_decode(vm, json, size, &value);
  bool good = fuzz_succeeded(vm, status);
  fuzz_must(good || status == TORPOR_THROWN);
  status = torpor_json_to_cbor(json, size, &cbor);
  fuzz_must(fuzz_succeeded(NULL, status) == good);
  if (good) {
    check_in_c(&cbor);
    torpor_bytes_free(&cbor);
    fuzz_must(torpor_json_encode(vm, value, &text) == TORPOR_OK);
    check_again(&text);
    torpor_bytes_free(&text);
  }
  torpor_vm_close(vm);
  return good;
}

static void nothing(void) {
}

const fuzz_target fuzz_json = {
    .name = "json",
    .size_max = 4096,
    .setup = nothing,
    .teardown = nothing,
    .run = run,
};
