/* SPDX-License-Identifier: MIT */
/* bigint.c - integers of any size made and read, and dates.
 *
 * The border has words of 32 bits, the public functions 64: as bytes in memory
 * they are the same here, where the lowest byte comes first. */
#include "torpor.h"

#include <string.h>

#include "common/alloc.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/make.h"
#include "vm/vm.h"

/* ---- Making ---------------------------------------------------------------*/

torpor_status torpor_bigint_new_words(torpor_vm *vm, bool negative,
                                      const uint64_t *words, size_t count,
                                      torpor_value *out) {
  torpor__making making = {0};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  if (count > 0) TORPOR__REQUIRE(vm, words);
  if (count > UINT32_MAX / sizeof(*words))
    return torpor__fail(vm, TORPOR_LIMIT,
                        "%zu words are more than a VM can take at once", count);
  while (count > 0 && words[count - 1] == 0) count--;
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  torpor__making_add(&making, negative);
  status = torpor__making_lend(vm, &making, words, count * sizeof(*words));
  making.slots[2] = count * 2;
  return torpor__make_end(vm, status, TORPOR_ABI_MAKE_BIGINT, &making, out);
}

torpor_status torpor_bigint_new_uint64(torpor_vm *vm, uint64_t number,
                                       torpor_value *out) {
  return torpor_bigint_new_words(vm, false, &number, 1, out);
}

torpor_status torpor_bigint_new_int64(torpor_vm *vm, int64_t number,
                                      torpor_value *out) {
  uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  return torpor_bigint_new_words(vm, number < 0, &magnitude, 1, out);
}

torpor_status torpor_bigint_new_text(torpor_vm *vm, const char *text,
                                     size_t size, torpor_value *out) {
  torpor__making making = {0};
  torpor_status status;
  torpor__put(out, torpor_undefined());
  if (size > 0) TORPOR__REQUIRE(vm, text);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status =
      torpor__making_lend(vm, &making, text, torpor__text_size(text, size));
  return torpor__make_end(vm, status, TORPOR_ABI_MAKE_BIGINT_TEXT, &making,
                          out);
}

/* ---- Reading --------------------------------------------------------------*/

torpor_status torpor_bigint_read_words(torpor_vm *vm, torpor_value value,
                                       bool *negative, uint64_t *words,
                                       size_t room, size_t *count) {
  torpor_bytes bytes;
  torpor_status status;
  size_t needed;
  bool below;
  if (negative) *negative = false;
  if (count) *count = 0;
  if (room > 0) TORPOR__REQUIRE(vm, words);
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_BIGINT, value);
  if (status != TORPOR_OK) return status;
  below = vm->result[3] == 1;
  status = torpor__text_take(vm, &bytes);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  needed = (bytes.size + sizeof(*words) - 1) / sizeof(*words);
  if (room > needed) room = needed;
  if (room > 0) {
    words[room - 1] = 0;
    memcpy(words, bytes.data,
           bytes.size < room * sizeof(*words) ? bytes.size
                                              : room * sizeof(*words));
  }
  torpor_bytes_free(&bytes);
  if (negative) *negative = below;
  if (count) *count = needed;
  return torpor__end(vm, TORPOR_OK);
}

/* The one word of 'value'. */
static torpor_status read_word(torpor_vm *vm, torpor_value value,
                               bool *negative, uint64_t *word) {
  size_t count;
  torpor_status status;
  *word = 0;
  status = torpor_bigint_read_words(vm, value, negative, word, 1, &count);
  if (status == TORPOR_OK && count > 1)
    return torpor__fail(vm, TORPOR_LIMIT, "the BigInt has more than 64 bits");
  return status;
}

torpor_status torpor_bigint_read_int64(torpor_vm *vm, torpor_value value,
                                       int64_t *out) {
  uint64_t word;
  bool negative;
  torpor_status status;
  if (out) *out = 0;
  status = read_word(vm, value, &negative, &word);
  if (status != TORPOR_OK) return status;
  if (word > (uint64_t)INT64_MAX + negative)
    return torpor__fail(vm, TORPOR_LIMIT, "the BigInt does not fit an int64_t");
  if (negative) word = 0 - word;
  if (out) memcpy(out, &word, sizeof(word));
  return TORPOR_OK;
}

torpor_status torpor_bigint_read_uint64(torpor_vm *vm, torpor_value value,
                                        uint64_t *out) {
  uint64_t word;
  bool negative;
  torpor_status status;
  if (out) *out = 0;
  status = read_word(vm, value, &negative, &word);
  if (status != TORPOR_OK) return status;
  if (negative) return torpor__fail(vm, TORPOR_LIMIT, "the BigInt is negative");
  if (out) *out = word;
  return TORPOR_OK;
}

/* ---- Dates ----------------------------------------------------------------*/

torpor_status torpor_date_new(torpor_vm *vm, double ms, torpor_value *out) {
  torpor__making making = {0};
  torpor__making_add(&making, torpor_number(ms).bits);
  return torpor__make_call(vm, TORPOR_ABI_MAKE_DATE, &making, out);
}

torpor_status torpor_date_read(torpor_vm *vm, torpor_value date, double *ms) {
  torpor_status status;
  if (ms) *ms = 0;
  status = torpor__look_begin(vm, TORPOR_ABI_LOOK_DATE, date);
  if (status != TORPOR_OK) return status;
  if (ms) memcpy(ms, &vm->result[0], sizeof(*ms));
  return torpor__end(vm, TORPOR_OK);
}
