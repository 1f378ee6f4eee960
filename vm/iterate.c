/* SPDX-License-Identifier: MIT */
/* iterate.c - taking values out of what can be iterated.
 *
 * An iterator is two handles and whether it has come to its end, which the
 * caller keeps; so a host that forgets it loses nothing. */
#include "vm/border/invoke.h"
#include "vm/border/reflect.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

torpor_status torpor_iterator_open(torpor_vm *vm, torpor_value iterable,
                                   torpor_iterator *out) {
  torpor_status status;
  TORPOR__REQUIRE(vm, out);
  *out = (torpor_iterator){torpor_undefined(), torpor_undefined(), true};
  status = torpor__begin_running_on(vm, iterable);
  if (status != TORPOR_OK) return status;
  status = torpor__reflect(vm, TORPOR_ABI_ITERATE, iterable, NULL,
                           torpor_undefined().bits);
  if (status == TORPOR_OK)
    *out = (torpor_iterator){torpor__value_of(vm, vm->result[0]),
                             torpor__value_of(vm, vm->result[1]), false};
  return torpor__end(vm, status);
}

static torpor_status fail_end(torpor_vm *vm) {
  return torpor__fail(vm, TORPOR_NOT_FOUND, "the iterator has come to its end");
}

torpor_status torpor_iterator_next(torpor_vm *vm, torpor_iterator *iterator,
                                   torpor_value *out) {
  torpor_status status;
  if (out) *out = torpor_undefined();
  TORPOR__REQUIRE(vm, iterator);
  status = torpor__begin_running_on(vm, iterator->object);
  if (status != TORPOR_OK) return status;
  if (iterator->done) return torpor__end(vm, fail_end(vm));
  status = torpor__check_value(vm, iterator->next);
  if (status == TORPOR_OK)
    status = torpor__reflect(vm, TORPOR_ABI_ITERATE_NEXT, iterator->object,
                             NULL, iterator->next.bits);
  /* One that threw, or was stopped, is not asked to return. */
  iterator->done = status == TORPOR_THROWN || status == TORPOR_INTERRUPTED;
  if (status == TORPOR_OK && vm->result[1] == 1) {
    iterator->done = true;
    status = fail_end(vm);
  }
  return torpor__end(vm, torpor__give_value(vm, status, out));
}

/* What the iterator was, if that is retained. */
static void release(torpor_vm *vm, torpor_iterator *iterator) {
  torpor_value *handles[] = {&iterator->object, &iterator->next};
  for (int i = 0; i < 2; i++) {
    if (torpor__is_handle(*handles[i]) && !vm->broken)
      torpor__enter(vm, TORPOR__EXPORT_torpor_value_release, &handles[i]->bits);
    *handles[i] = torpor_undefined();
  }
}

torpor_status torpor_iterator_close(torpor_vm *vm, torpor_iterator *iterator,
                                    torpor_status status) {
  torpor_status ended;
  TORPOR__REQUIRE(vm, iterator);
  if (status == TORPOR_NOT_FOUND) status = TORPOR_OK;
  ended = torpor__begin_running_on(vm, iterator->object);
  if (ended != TORPOR_OK) return status != TORPOR_OK ? status : ended;
  if (!iterator->done) {
    iterator->done = true;
    ended = torpor__reflect(vm, TORPOR_ABI_ITERATE_END, iterator->object, NULL,
                            status != TORPOR_OK);
  }
  if (vm->options.retain_results) release(vm, iterator);
  if (ended == TORPOR_OK) ended = status;
  return torpor__end(vm, ended);
}
