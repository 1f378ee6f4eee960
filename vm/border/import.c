/* SPDX-License-Identifier: MIT */
/* import.c - what guest code calls on its host: module "torpor" of abi.h.
 *
 * Each import begins with torpor__host_begin and ends with torpor__host_end:
 * after that the watchdog may jump over what is left of it. So by then it holds
 * no lock and no memory.
 *
 *  (1) Host functions are never jumped over. A trap below one comes back to it
 *      as TORPOR_TRAPPED; only after it has returned are the guest frames
 *      above trapped as well.
 *  (2) Arguments are checked and copied before a callback sees them.
 *  (3) Guest code that has to stop does not go on after a host function,
 *      whatever that answers, and cannot catch that. Other imports have no
 *      answer that says so: after them the guest is made to ask soon ('hurry').
 *
 * 'host' is the seat of the VM whose memory it is that runs (vm.h). */
#include "vm/border/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "vm/border/attach.h"
#include "vm/border/binding.h"
#include "vm/border/collected.h"
#include "vm/border/enter.h"
#include "vm/border/instance.h"
#include "vm/border/limit.h"
#include "vm/border/loan.h"
#include "vm/border/raise.h"
#include "vm/border/thrown.h"
#include "vm/common/error.h"
#include "vm/engines/engine.h"
#include "vm/format/bytecode.h"
#include "vm/memory/memory.h"
#include "vm/value.h"
#include "vm/vm.h"
#include "wasm/os.h"

#define ARGUMENTS_SMALL 16
_Static_assert(ARGUMENTS_SMALL >= TORPOR_ARGUMENTS_LEAST, "as torpor.h says");
#define MODULE_NAME_LARGEST 4096
#define TRAP_TEXT_LARGEST 200u
#define STOPS_MOST 1000u
/* So many wait, before a call that goes on is a good moment to tell of them. */
#define COLLECTED_MANY 256u

/* ---- Host functions -------------------------------------------------------*/

/* The guest throws what it was told last; an older engine, which does not keep
 * that, takes it from result[0]. */
static uint32_t throw_on(torpor_vm *vm) {
  vm->control->host.result[0] = vm->exception.bits;
  return TORPOR_THROWN;
}

static uint32_t throw_named(torpor_vm *vm, const char *name,
                            const char *message) {
  torpor_value error;
  torpor_status status;
  vm->scopes_own++; /* that of the call */
  status = torpor__error_make(vm, name, message, &error);
  vm->scopes_own--;
  if (status != TORPOR_OK || vm->broken) return TORPOR_THROWN;
  torpor__exception_put(vm, error, false);
  torpor__enter(vm, TORPOR__EXPORT_torpor_throw, &error.bits);
  return throw_on(vm);
}

static uint32_t throw_error(torpor_vm *vm, const char *message) {
  return throw_named(vm, "Error", message);
}

static uint32_t throw_unbound(torpor_vm *vm, const char *name) {
  char message[TORPOR__NAME_LARGEST + 80];
  snprintf(message, sizeof(message),
           "the host function '%s' is not bound on this host", name);
  return throw_error(vm, message);
}

/* What a host function answered, to the guest. */
static uint32_t answer(torpor_vm *vm, torpor_status status,
                       torpor_value result) {
  if (vm->broken) return TORPOR_THROWN;
  if (status == TORPOR_THROWN) return throw_on(vm);
  if (status == TORPOR_OK) {
    if (torpor__check_value(vm, result) != TORPOR_OK)
      return throw_error(vm, torpor_last_error(vm));
    vm->control->host.result[0] = result.bits;
    return TORPOR_OK;
  }
  if (status == TORPOR_INTERRUPTED) {
    torpor__limit_stop(vm);
    return status;
  }
  return throw_error(vm, status == vm->failed ? torpor_last_error(vm)
                                              : torpor_status_text(status));
}

/* What failed in a host function that is called in between does not count for
 * the one around it, whose own sentence is there still if no other came. */
typedef struct told {
  torpor_status failed;
  uint32_t sentences;
} told;

static told begin_told(torpor_vm *vm) {
  told outer = {vm->failed, vm->sentences};
  vm->failed = TORPOR_OK;
  return outer;
}

static void end_told(torpor_vm *vm, told outer) {
  vm->failed = vm->sentences == outer.sentences ? outer.failed : TORPOR_OK;
}

static uint32_t call_bound(torpor_vm *vm, const torpor__bound *to,
                           const torpor_arguments *arguments) {
  torpor_value result = torpor_undefined();
  told outer = begin_told(vm);
  torpor_status status = to->function(vm, arguments, &result, to->user);
  uint32_t answered = answer(vm, status, result);
  end_told(vm, outer);
  return answered;
}

/* ---- Classes of the host --------------------------------------------------*/

/* What the constructor gave is kept from then on, whatever happens. */
static uint32_t call_constructor(torpor_vm *vm, torpor__class *class,
                                 const torpor_arguments *arguments,
                                 uint64_t serial) {
  torpor__object *object;
  torpor_status status;
  uint32_t answered;
  told outer;
  if (!class->def.construct)
    return throw_named(vm, "TypeError",
                       "objects of this class are made by the "
                       "host only");
  object = torpor__object_new(vm, class);
  if (!object) return throw_error(vm, torpor_status_text(TORPOR_NOMEM));
  outer = begin_told(vm);
  status =
      class->def.construct(vm, arguments, &object->instance, class->def.user);
  answered = answer(vm, status, torpor_undefined());
  end_told(vm, outer);
  if (status != TORPOR_OK) {
    torpor__object_free(object);
    return answered;
  }
  torpor__object_add(vm, object, serial);
  if (vm->broken) return TORPOR_THROWN;
  vm->control->host.result[0] = object->instance.id;
  return TORPOR_OK;
}

/* The object that a method is called on. The guest has seen that it is one of
 * the class, and is not believed. OK, or why the call fails. */
static torpor_status find_instance(torpor_vm *vm, const torpor__class *class,
                                   const torpor_arguments *arguments,
                                   uint64_t serial, torpor_instance *out) {
  torpor__object *object = torpor__object_find(vm, serial);
  if (!object) {
    torpor_status status = torpor__attach(vm, arguments->self, &object);
    if (status != TORPOR_OK) return status;
  }
  if (object->class != class)
    return torpor__fail(vm, TORPOR_WRONG_TYPE, "an object of another class");
  *out = object->instance;
  return TORPOR_OK;
}

static uint32_t call_method(torpor_vm *vm, const torpor__bound *to,
                            torpor_arguments *arguments, uint64_t serial) {
  torpor_status status = TORPOR_OK;
  if (serial != 0)
    status =
        find_instance(vm, to->class, arguments, serial, &arguments->instance);
  if (status == TORPOR_OK) return call_bound(vm, to, arguments);
  if (vm->broken) return TORPOR_THROWN;
  if (status == TORPOR_INTERRUPTED || status == TORPOR_THROWN)
    return answer(vm, status, torpor_undefined());
  return throw_named(vm,
                     status == TORPOR_WRONG_TYPE    ? "TypeError"
                     : status == TORPOR_UNSUPPORTED ? "LostError"
                                                    : "Error",
                     torpor_last_error(vm));
}

/* A call that has more: 'more' is result[1..3], as abi.h says. */
static uint32_t call_more(torpor_vm *vm, const torpor__bound *to,
                          torpor_arguments *arguments, const uint64_t *more) {
  arguments->captured = torpor__value_of(vm, more[0]);
  arguments->new_target = torpor__value_of(vm, more[1]);
  if (!to->class) return call_bound(vm, to, arguments);
  if (!to->function) return call_constructor(vm, to->class, arguments, more[2]);
  return call_method(vm, to, arguments, more[2]);
}

/* ---- Calls ----------------------------------------------------------------*/

/* The arguments of a call; 'values' is filled up to TORPOR_ARGUMENTS_LEAST with
 * undefined, so that a host function need not count them. */
static void read_values(torpor_vm *vm, const uint8_t *given, uint32_t count,
                        torpor_value *values) {
  for (uint32_t i = count; i < TORPOR_ARGUMENTS_LEAST; i++)
    values[i] = torpor_undefined();
  for (uint32_t i = 0; i < count; i++) {
    memcpy(&values[i].bits, given + (size_t)i * sizeof(uint64_t),
           sizeof(uint64_t));
    values[i].owner = torpor__is_handle(values[i]) ? vm->owner : 0;
  }
}

/* Whether a call has the object that what it calls is about. The guest sees to
 * that, but not for a function that the host made under the name of a class or
 * of a method. */
static bool has_object(const torpor__bound *to, const uint64_t *more) {
  if (!to->class || (to->function && !to->is_method)) return true;
  return more && more[2] != 0;
}

static uint32_t call_with(torpor_vm *vm, const torpor__bound *to,
                          torpor_arguments *arguments, const uint64_t *more) {
  uint32_t status, floor = vm->scope_floor;
  uint32_t outer = torpor__callback_begin(vm);
  vm->scope_floor = vm->scope_count;
  if (!has_object(to, more))
    status =
        throw_named(vm, "TypeError",
                    to->function ? "a method of a class was called without an "
                                   "object of it"
                                 : "a class was called as a function");
  else if (more)
    status = call_more(vm, to, arguments, more);
  else
    status = call_bound(vm, to, arguments);
  vm->scope_count = vm->scope_floor;
  vm->scope_floor = floor;
  torpor__callback_end(vm, outer);
  return status;
}

/* 'self' NULL: it lies at 'address', before the arguments. */
static uint32_t call_function(torpor_vm *vm, uint32_t function,
                              const uint64_t *self, uint32_t address,
                              uint32_t count) {
  torpor_value small[ARGUMENTS_SMALL], *values = small;
  torpor_arguments arguments = {.size = sizeof(arguments),
                                .count = count,
                                .captured = torpor_undefined(),
                                .new_target = torpor_undefined()};
  char name[TORPOR__NAME_LARGEST + 1];
  bool more = function & TORPOR_ABI_CALL_MORE;
  const torpor__binding *binding =
      torpor__binding_find(vm, function & ~TORPOR_ABI_CALL_MORE, name);
  const uint64_t there = (uint64_t)count + (self ? 0 : 1);
  const uint8_t *given =
      torpor__memory_at(vm, address, there * sizeof(uint64_t));
  uint64_t receiver, rest[3];
  uint32_t status;
  if (!given) {
    torpor__fail_damaged(vm, "the arguments of a host call");
    return TORPOR_THROWN;
  }
  if (!binding) return throw_unbound(vm, name);
  if (count > ARGUMENTS_SMALL) values = torpor__alloc(count * sizeof(*values));
  if (!values) return throw_error(vm, torpor_status_text(TORPOR_NOMEM));
  if (more) memcpy(rest, vm->control->host.result + 1, sizeof(rest));
  memcpy(&receiver, self ? (const uint8_t *)self : given, sizeof(receiver));
  if (!self) given += sizeof(receiver);
  read_values(vm, given, count, values);
  arguments.self = torpor__value_of(vm, receiver);
  arguments.args = values;
  status = call_with(vm, &binding->to, &arguments, more ? rest : NULL);
  if (values != small) torpor__alloc_free(values);
  return status;
}

/* Guest code that is told to stop leaves soon. If it calls the host again and
 * again instead, during which the watchdog waits, it is ended here. */
static void tell_to_stop(torpor__entry *entry) {
  if (++entry->stops > STOPS_MOST) torpor__trap_raise(TORPOR__TRAP_WATCHDOG);
}

static bool must_stop(torpor_vm *vm, torpor__entry *entry) {
  if (!torpor__limit_after(vm, entry)) return false;
  tell_to_stop(entry);
  return true;
}

/* Answers a call of a host function; 'self' as in call_function. */
static uint32_t answer_call(torpor_vm *vm, uint32_t function,
                            const uint64_t *self, uint32_t address,
                            uint32_t count) {
  torpor__entry *entry = torpor__host_begin();
  const torpor_value outer = vm->exception;
  const bool own = vm->exception_own;
  uint32_t status;
  vm->exception = torpor_undefined();
  vm->exception_own = false;
  status = call_function(vm, function, self, address, count);
  if (vm->exception.bits != torpor_undefined().bits)
    torpor__exception_put(vm, torpor_undefined(), false);
  vm->exception = outer;
  vm->exception_own = own;
  vm->control->host.retain = torpor__retains(vm); /* entries meanwhile differ */
  /* No host function is below this one, so none knows what was collected. */
  if (vm->calls == 1 && torpor__collected_count(vm) >= COLLECTED_MANY &&
      !vm->broken)
    torpor__collected_tell(vm);
  if (vm->broken) torpor__trap_raise(TORPOR__TRAP_HOST);
  if (must_stop(vm, entry)) status = TORPOR_INTERRUPTED;
  torpor__host_end(entry);
  return status;
}

static uint32_t import_invoke(void *host, uint32_t function, uint32_t values,
                              uint32_t count) {
  return answer_call(*(torpor_vm **)host, function, NULL, values, count);
}

/* What engines before version 4 of the interface call instead. */
static uint32_t import_call(void *host, uint32_t function, uint64_t self,
                            uint32_t args, uint32_t count) {
  return answer_call(*(torpor_vm **)host, function, &self, args, count);
}

/* The end of other imports: guest code that has to stop is made to ask soon.
 * What was requested stays so until then, or until the next entry. */
static void end_import(torpor_vm *vm, torpor__entry *entry) {
  if (vm->broken) torpor__trap_raise(TORPOR__TRAP_HOST);
  if (torpor__limit_is_due(vm, entry)) vm->control->host.hurry = 1;
  torpor__host_end(entry);
}

/* ---- Modules --------------------------------------------------------------*/

/* Copies a name that the guest gave into 'out'; NOT_FOUND when it is none. */
static torpor_status read_name(torpor_vm *vm, uint32_t address, uint32_t size,
                               char out[MODULE_NAME_LARGEST + 1]) {
  const uint8_t *text = torpor__memory_at(vm, address, size);
  if (!text) return torpor__fail_damaged(vm, "the name of a module");
  if (size > MODULE_NAME_LARGEST || memchr(text, 0, size))
    return TORPOR_NOT_FOUND;
  memcpy(out, text, size);
  out[size] = 0;
  return TORPOR_OK;
}

/* The first version of guest/abi.h with TORPOR_ABI_COMPILED. */
enum { COMPILED_SINCE = 3 };

/* Names as the guest gave them. */
typedef struct names {
  char name[MODULE_NAME_LARGEST + 1], importer[MODULE_NAME_LARGEST + 1];
} names;

static torpor_status read_names(torpor_vm *vm, names *out, uint32_t name,
                                uint32_t size, uint32_t importer,
                                uint32_t importer_size) {
  torpor_status status = read_name(vm, name, size, out->name);
  if (status != TORPOR_OK) return status;
  status = read_name(vm, importer, importer_size, out->importer);
  if (status == TORPOR_NOT_FOUND) out->importer[0] = 0;
  return vm->broken ? status : TORPOR_OK;
}

static torpor_status ask_source(torpor_vm *vm, const names *names,
                                uint32_t type, torpor_module_answer *answer) {
  torpor_module_request request = {.size = sizeof(request),
                                   .name = names->name,
                                   .importer = names->importer,
                                   .type = (torpor_module_type)type};
  torpor_status status;
  if (!vm->options.module) return TORPOR_UNSUPPORTED;
  vm->in_callback = true;
  status = vm->options.module(vm->options.user, &request, answer);
  vm->in_callback = false;
  if (status == TORPOR_OK && answer->text.size > TORPOR_SOURCE_LARGEST)
    status = TORPOR_LIMIT;
  return status;
}

/* The file of the host's library that module 'name' is. */
static torpor_status ask_library(torpor_vm *vm, const char *name,
                                 torpor_module_answer *answer) {
  torpor_status status = TORPOR_NOT_FOUND;
  if (!vm->options.library) return status;
  vm->in_callback = true;
  status = vm->options.library(vm->options.user, name, answer);
  vm->in_callback = false;
  answer->later = false;
  return status;
}

static torpor_status ask_resolve(torpor_vm *vm, const names *names,
                                 torpor_module_answer *answer) {
  torpor_status status;
  if (!vm->options.resolve) return TORPOR_OK;
  vm->in_callback = true;
  status = vm->options.resolve(vm->options.user, names->name, names->importer,
                               answer);
  vm->in_callback = false;
  if (status == TORPOR_OK && answer->text.size > MODULE_NAME_LARGEST)
    status = TORPOR_LIMIT;
  return status;
}

/* Gives the guest 'size' bytes in memory of its own, which it frees; nothing
 * when 'data' is NULL. */
static torpor_status give_bytes(torpor_vm *vm, const void *data, size_t size) {
  /* Full, so that none of it lies in the window. */
  torpor__loan loan = {.window_used = TORPOR_ABI_WINDOW};
  uint64_t address = 0;
  torpor_status status = TORPOR_OK;
  if (data) status = torpor__loan_add(vm, &loan, data, size, &address);
  if (status != TORPOR_OK) address = 0;
  vm->control->host.result[0] = address;
  vm->control->host.result[1] = address ? size : 0;
  return status;
}

/* Hands over what came, or why nothing did, and frees the answer. */
static torpor_status give_answer(torpor_vm *vm, torpor_status status,
                                 torpor_module_answer *answer) {
  bool given = status == TORPOR_OK;
  const void *data = given ? (char *)answer->text.data : answer->message;
  size_t size = given ? answer->text.size : data ? strlen(data) : 0;
  torpor_status passed = give_bytes(vm, data, size);
  free(answer->text.data);
  free(answer->message);
  return given ? passed : status;
}

/* Takes the header off the bytecode that the host answered; the words of the
 * answer say what is wrong with it. */
static torpor_status open_compiled(torpor_vm *vm, uint32_t type,
                                   torpor_module_answer *answer) {
  torpor_slice inner;
  uint32_t flags;
  torpor_status status = TORPOR_UNSUPPORTED;
  if (vm->engine->abi_version < COMPILED_SINCE)
    torpor__fail_as(vm, status,
                    "this VM's engine is older and imports no bytecode");
  else if (type != TORPOR_MODULE_CODE || !answer->text.data)
    status = torpor__fail_as(vm, TORPOR_MISUSE,
                             "only an ES module can be answered as bytecode");
  else
    status = torpor__bytecode_open(vm, answer->text.data, answer->text.size,
                                   &flags, &inner);
  if (status == TORPOR_OK && !(flags & TORPOR_ABI_EVAL_MODULE))
    status = torpor__fail_as(vm, TORPOR_FORMAT,
                             "the bytecode is of a script, not of a module");
  if (status != TORPOR_OK) {
    free(answer->message);
    answer->message = strdup(torpor_last_error(vm));
    return status;
  }
  memmove(answer->text.data, inner.data, inner.size);
  answer->text.size = inner.size;
  return TORPOR_OK;
}

static uint32_t import_source(void *host, uint32_t name, uint32_t size,
                              uint32_t type, uint32_t importer,
                              uint32_t importer_size) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  torpor_module_answer answer = {.size = sizeof(answer)};
  names names;
  torpor_status status =
      read_names(vm, &names, name, size, importer, importer_size);
  bool later, compiled;
  if (status == TORPOR_OK)
    status = type == TORPOR_ABI_SOURCE_LIBRARY
                 ? ask_library(vm, names.name, &answer)
                 : ask_source(vm, &names, type, &answer);
  later = status == TORPOR_OK && answer.later;
  compiled = status == TORPOR_OK && answer.compiled && !later;
  if (compiled) status = open_compiled(vm, type, &answer);
  if (later) { /* of both, that it comes later counts */
    free(answer.text.data);
    answer.text = (torpor_bytes){NULL, 0};
  } else if (status == TORPOR_OK && !answer.text.data) {
    answer.text.data = calloc(1, 1);
  }
  status = give_answer(vm, status, &answer);
  end_import(vm, entry);
  if (later) return TORPOR_ABI_LATER;
  return compiled && status == TORPOR_OK ? TORPOR_ABI_COMPILED : status;
}

static uint32_t import_resolve(void *host, uint32_t name, uint32_t size,
                               uint32_t importer, uint32_t importer_size) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  torpor_module_answer answer = {.size = sizeof(answer)};
  names names;
  torpor_status status =
      read_names(vm, &names, name, size, importer, importer_size);
  if (status == TORPOR_OK) status = ask_resolve(vm, &names, &answer);
  status = give_answer(vm, status, &answer);
  end_import(vm, entry);
  return status;
}

/* What older engines call. */
static uint32_t import_module(void *host, uint32_t name, uint32_t size) {
  torpor_vm *vm = *(torpor_vm **)host;
  uint32_t status = import_source(host, name, size, TORPOR_MODULE_CODE, 0, 0);
  if (status == TORPOR_ABI_LATER) return TORPOR_UNSUPPORTED;
  if (status != TORPOR_OK) vm->control->host.result[0] = 0;
  return status;
}

/* ---- Time and randomness --------------------------------------------------*/

/* Milliseconds, of whole microseconds. */
static double read_clock(torpor_clock which) {
  uint64_t now =
      which == TORPOR_CLOCK_WALL ? torpor__os_now_utc() : torpor__os_now();
  return (double)(now / 1000) / 1e3;
}

static uint32_t import_poll(void *host) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  uint32_t stop = torpor__limit_poll(vm);
  if (stop) tell_to_stop(entry);
  torpor__host_end(entry);
  return stop;
}

static double import_clock(void *host, uint32_t which) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  torpor_clock clock = which == TORPOR_CLOCK_MONOTONIC ? TORPOR_CLOCK_MONOTONIC
                                                       : TORPOR_CLOCK_WALL;
  double now;
  vm->in_callback = true;
  now = vm->options.clock ? vm->options.clock(vm->options.user, clock)
                          : read_clock(clock);
  vm->in_callback = false;
  end_import(vm, entry);
  return now;
}

static uint32_t import_zone(void *host, double ms) {
  const double largest = 8.64e15; /* of an ECMAScript time value */
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  int minutes = 0;
  if (ms >= -largest && ms <= largest) {
    vm->in_callback = true;
    minutes = vm->options.zone ? vm->options.zone(vm->options.user, ms)
              : vm->options.zone_is == TORPOR_ZONE_FIXED
                  ? vm->options.zone_minutes
                  : torpor__os_zone((int64_t)floor(ms / 1e3));
    vm->in_callback = false;
  }
  end_import(vm, entry);
  return (uint32_t)minutes;
}

static void import_random(void *host, uint32_t address, uint32_t size) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  uint8_t *data = torpor__memory_to(vm, address, size);
  if (!data) {
    torpor__fail_damaged(vm, "a buffer for random bytes");
  } else if (vm->options.random) {
    vm->in_callback = true;
    vm->options.random(vm->options.user, data, size);
    vm->in_callback = false;
  } else if (!torpor__os_random(data, size)) {
    vm->broken = true;
    torpor__fail(vm, TORPOR_TRAPPED, "the system gives no random bytes");
  }
  end_import(vm, entry);
}

/* ---- Console and the end --------------------------------------------------*/

static void import_console(void *host, uint32_t level, uint32_t address,
                           uint32_t size) {
  torpor_vm *vm = *(torpor_vm **)host;
  torpor__entry *entry = torpor__host_begin();
  const char *text = (const char *)torpor__memory_at(vm, address, size);
  torpor_level known =
      level <= TORPOR_LEVEL_ERROR ? (torpor_level)level : TORPOR_LEVEL_LOG;
  if (!text) {
    torpor__fail_damaged(vm, "a message to the console");
  } else if (vm->options.console) {
    vm->in_callback = true;
    vm->options.console(vm->options.user, known, text, size);
    vm->in_callback = false;
  } else if (vm->options.write) {
    int stream = known >= TORPOR_LEVEL_WARN ? 2 : 1;
    vm->in_callback = true;
    vm->options.write(vm->options.user, stream, text, size);
    vm->options.write(vm->options.user, stream, "\n", 1);
    vm->in_callback = false;
  } else {
    torpor__os_write_line(known >= TORPOR_LEVEL_WARN, text, size);
  }
  end_import(vm, entry);
}

static void import_trap(void *host, uint32_t code, uint32_t address,
                        uint32_t size) {
  torpor_vm *vm = *(torpor_vm **)host;
  const uint8_t *text;
  torpor__host_begin();
  if (size > TRAP_TEXT_LARGEST) size = TRAP_TEXT_LARGEST;
  text = torpor__memory_at(vm, address, size);
  vm->exhausted = code == TORPOR_ABI_TRAP_MEMORY;
  vm->timed_out =
      code == TORPOR_ABI_TRAP_INTERRUPTED && torpor__limit_is_time(vm);
  if (code == TORPOR_ABI_TRAP_INTERRUPTED)
    torpor__limit_interrupted(vm,
                              " inside an extension; close this VM or restore "
                              "a snapshot");
  else if (vm->exhausted)
    torpor__fail(vm, TORPOR_TRAPPED,
                 "out of memory, where no error could be thrown; close this VM "
                 "or restore a snapshot, and raise memory_max");
  else
    torpor__fail(vm, TORPOR_TRAPPED,
                 "guest code ended itself (%s): %.*s; close this VM or restore "
                 "a snapshot",
                 code == TORPOR_ABI_TRAP_ASSERT ? "assertion" : "abort",
                 text ? (int)size : 0, text ? (const char *)text : "");
  torpor__trap_raise(TORPOR__TRAP_HOST);
}

const torpor__engine_imports torpor__imports = {
    .call = import_call,
    .module = import_module,
    .poll = import_poll,
    .clock = import_clock,
    .zone = import_zone,
    .random = import_random,
    .console = import_console,
    .trap = import_trap,
    .source = import_source,
    .resolve = import_resolve,
    .invoke = import_invoke,
};
