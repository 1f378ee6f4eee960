/* SPDX-License-Identifier: MIT */
/* eval.c - evaluating scripts and modules.
 *
 * While the guest links a module it asks for those that this imports
 * (torpor_options.module, by import.c). */
#include <string.h>

#include "vm/error.h"
#include "vm/invoke.h"
#include "vm/loan.h"
#include "vm/value.h"
#include "vm/vm.h"

static torpor_status check_source(torpor_vm *vm, const char *source,
                                  size_t size, const char *file,
                                  torpor_mode mode) {
  if (!file || (!source && size > 0) ||
      (mode != TORPOR_SCRIPT && mode != TORPOR_MODULE))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_eval needs a source, a file name and a mode");
  if (size > TORPOR_SOURCE_LARGEST)
    return torpor__fail(vm, TORPOR_LIMIT,
                        "%.200s: the source has %zu bytes; the limit is %zu "
                        "(TORPOR_SOURCE_LARGEST)",
                        file, size, TORPOR_SOURCE_LARGEST);
  return TORPOR_OK;
}

torpor_status torpor_eval(torpor_vm *vm, const char *source, size_t size,
                          const char *file, torpor_mode mode,
                          torpor_value *out) {
  torpor__loan loan = {0};
  uint64_t source_at, file_at;
  torpor_status status;
  if (out) *out = torpor_undefined();
  if (source && size == SIZE_MAX) size = strlen(source);
  status = torpor__begin_running(vm);
  if (status != TORPOR_OK) return status;
  status = check_source(vm, source, size, file, mode);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, file, strlen(file), &file_at);
  if (status == TORPOR_OK)
    status = torpor__loan_add(vm, &loan, source, size, &source_at);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, eval, source_at, size, file_at, strlen(file),
                            (uint64_t)mode);
  status = torpor__give_value(vm, status, out);
  torpor__loan_end(vm, &loan);
  return torpor__end(vm, status);
}
