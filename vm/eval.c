/* SPDX-License-Identifier: MIT */
/* eval.c - evaluating scripts and modules, from their source and from bytecode.
 *
 * While the guest links a module it asks for those that this imports
 * (torpor_options.module, by import.c). */
#include <string.h>

#include "common/sized.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/format/bytecode.h"
#include "vm/value.h"
#include "vm/vm.h"

#define FILE_UNNAMED "<eval>"

/* Code as a caller gave it, checked. */
typedef struct code {
  const char *source, *file;
  size_t size;
  uint32_t flags, line;
} code;

static torpor_status check_source(torpor_vm *vm, const code *code) {
  if (!code->source && code->size > 0)
    return torpor__fail(vm, TORPOR_MISUSE, "there is no source");
  if (code->size > TORPOR_SOURCE_LARGEST)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "%.200s: the source has %zu bytes; the limit is %zu "
                        "(TORPOR_SOURCE_LARGEST)",
                        code->file, code->size, TORPOR_SOURCE_LARGEST);
  return TORPOR_OK;
}

/* Fields that the caller's version lacks are 0. */
static torpor_status read_options(torpor_vm *vm,
                                  const torpor_eval_options *options,
                                  torpor_eval_options *out) {
  *out = (torpor_eval_options)TORPOR_EVAL_OPTIONS_INIT;
  if (!options) return TORPOR_OK;
  if (!torpor__sized_take(out, sizeof(*out), options))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_eval_options has to begin as "
                        "TORPOR_EVAL_OPTIONS_INIT says, and fields that this "
                        "version does not know have to be 0");
  if (out->mode != TORPOR_SCRIPT && out->mode != TORPOR_MODULE)
    return torpor__fail(vm, TORPOR_MISUSE, "there is no such torpor_mode");
  if (out->line > INT32_MAX)
    return torpor__fail(vm, TORPOR_MISUSE, "the line's number is too large");
  return TORPOR_OK;
}

static uint32_t eval_flags(const torpor_eval_options *options) {
  uint32_t flags = (options->strip ? TORPOR_ABI_EVAL_STRIP : 0) |
                   (options->barrier ? TORPOR_ABI_EVAL_BARRIER : 0);
  if (options->mode == TORPOR_MODULE) return flags | TORPOR_ABI_EVAL_MODULE;
  return flags | (options->strict ? TORPOR_ABI_EVAL_STRICT : 0) |
         (options->async ? TORPOR_ABI_EVAL_ASYNC : 0);
}

static torpor_status read_code(torpor_vm *vm, const char *source, size_t size,
                               const torpor_eval_options *options, code *out) {
  torpor_eval_options read;
  torpor_status status = read_options(vm, options, &read);
  if (status != TORPOR_OK) return status;
  if (source && size == SIZE_MAX) size = strlen(source);
  *out = (code){source, read.file ? read.file : FILE_UNNAMED, size,
                eval_flags(&read), read.line ? read.line : 1};
  return check_source(vm, out);
}

/* Hands 'code' to one of the exports that take it. */
static torpor_status pass_code(torpor_vm *vm, torpor__export export,
                               torpor__loan *loan, const code *code) {
  uint64_t source_at, file_at;
  torpor_status status =
      torpor__loan_add(vm, loan, code->file, strlen(code->file), &file_at);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, loan, code->source, code->size, &source_at);
  if (status != TORPOR_OK) return status;
  return torpor__invoke(vm, export,
                        (const uint64_t[]){source_at, code->size, file_at,
                                           strlen(code->file), code->flags,
                                           code->line});
}

/* ---- Source --------------------------------------------------------------*/

/* Engines that are older know no options. */
static torpor__export eval_export(const code *code) {
  return code->line == 1 && !(code->flags & ~(unsigned)TORPOR_ABI_EVAL_MODULE)
             ? TORPOR__EXPORT_torpor_eval
             : TORPOR__EXPORT_torpor_eval_with;
}

_Static_assert((int)TORPOR_ABI_EVAL_MODULE == (int)TORPOR_MODULE,
               "as torpor_eval's");

static torpor_status eval_code(torpor_vm *vm, const code *code,
                               torpor_value *out) {
  torpor__loan loan = {0};
  torpor_status status = pass_code(vm, eval_export(code), &loan, code);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return status;
}

torpor_status torpor_eval_with(torpor_vm *vm, const char *source, size_t size,
                               const torpor_eval_options *options,
                               torpor_value *out) {
  code code;
  torpor_status status;
  if (out) *out = torpor_undefined();
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = read_code(vm, source, size, options, &code);
  if (status == TORPOR_OK) status = eval_code(vm, &code, out);
  return torpor__end(vm, status);
}

torpor_status torpor_eval(torpor_vm *vm, const char *source, size_t size,
                          const char *file, torpor_mode mode,
                          torpor_value *out) {
  torpor_eval_options options = TORPOR_EVAL_OPTIONS_INIT;
  TORPOR__REQUIRE(vm, file);
  options.file = file;
  options.mode = mode;
  return torpor_eval_with(vm, source, size, &options, out);
}

/* ---- Bytecode ------------------------------------------------------------*/

torpor_status torpor_compile(torpor_vm *vm, const char *source, size_t size,
                             const torpor_eval_options *options,
                             torpor_bytes *out) {
  torpor__loan loan = {0};
  torpor_bytes inner = {NULL, 0};
  code code;
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_bytes){NULL, 0};
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = read_code(vm, source, size, options, &code);
  if (status == TORPOR_OK)
    status = pass_code(vm, TORPOR__EXPORT_torpor_compile, &loan, &code);
  if (status == TORPOR_OK) status = torpor__text_take(vm, &inner);
  torpor__loan_end(vm, &loan);
  if (status == TORPOR_OK)
    status = torpor__bytecode_wrap(vm, code.flags, &inner, out);
  torpor_bytes_free(&inner);
  return torpor__end(vm, status);
}

torpor_status torpor_bytecode_run(torpor_vm *vm, const void *data, size_t size,
                                  torpor_value *out) {
  torpor__loan loan = {0};
  torpor_slice inner;
  uint64_t address;
  uint32_t flags;
  torpor_status status;
  if (out) *out = torpor_undefined();
  TORPOR__REQUIRE(vm, data);
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = torpor__bytecode_open(vm, data, size, &flags, &inner);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, inner.data, inner.size, &address);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, bytecode_run, address, inner.size, flags);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}
