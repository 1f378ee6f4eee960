/* SPDX-License-Identifier: MIT */
/* class.c - classes of the host: binding them, making them, and their objects.
 *
 * A class consists of its constructor, whose name in the guest is that of the
 * class, and of members, host functions named after it. Binding one binds all
 * of them; making it is done once in the life of a program, however often it
 * sleeps. */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/sized.h"
#include "vm/border/attach.h"
#include "vm/border/binding.h"
#include "vm/border/function-make.h"
#include "vm/border/instance.h"
#include "vm/border/invoke.h"
#include "vm/border/loan.h"
#include "vm/common/error.h"
#include "vm/value.h"
#include "vm/vm.h"

#define FLAGS_MEMBER                                                           \
  (TORPOR_FUNCTION_ASYNC | TORPOR_FUNCTION_GETTER | TORPOR_FUNCTION_SETTER |   \
   TORPOR_FUNCTION_STATIC)

/* ---- What is asked for ----------------------------------------------------*/

/* The name of a member's host function. false: it is too long. */
static bool name_member(const torpor_class_def *def,
                        const torpor_function_entry *member,
                        char name[TORPOR__NAME_LARGEST + 1]) {
  int size = snprintf(name, TORPOR__NAME_LARGEST + 1, "%s.%s%s%s", def->name,
                      member->flags & TORPOR_FUNCTION_STATIC ? "static " : "",
                      member->flags & TORPOR_FUNCTION_GETTER   ? "get "
                      : member->flags & TORPOR_FUNCTION_SETTER ? "set "
                                                               : "",
                      member->name);
  return size > 0 && size <= TORPOR__NAME_LARGEST;
}

static torpor_status check_member(torpor_vm *vm, const torpor_class_def *def,
                                  const torpor_function_entry *member) {
  const unsigned both = TORPOR_FUNCTION_GETTER | TORPOR_FUNCTION_SETTER;
  char name[TORPOR__NAME_LARGEST + 1];
  if (torpor__name_size(member->name) == 0 || !member->function ||
      member->length < 0 || !name_member(def, member, name))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a member of a class needs a name, which with that of "
                        "the class has at most %d bytes, a function, and a "
                        "length of 0 or more",
                        TORPOR__NAME_LARGEST);
  if (member->flags & ~(unsigned)FLAGS_MEMBER || (member->flags & both) == both)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "'%s' has flags that a member of a class cannot have",
                        name);
  return TORPOR_OK;
}

static torpor_status check_def(torpor_vm *vm, const torpor_class_def *def,
                               torpor_class_def *own) {
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, def);
  if (!torpor__sized_take(own, sizeof(*own), def))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_class_def has an impossible size, or sets a "
                        "field that this version does not know: start from "
                        "TORPOR_CLASS_DEF_INIT");
  if (own->flags & ~(unsigned)TORPOR_CLASS_HIDDEN)
    return torpor__fail(vm, TORPOR_MISUSE,
                        "torpor_class_def has unknown flags");
  if (torpor__name_size(own->name) == 0 || own->length < 0 ||
      (own->member_count > 0 && !own->members))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "a class needs a name of 1 to %d bytes, a length of 0 "
                        "or more, and as many members as 'member_count' says",
                        TORPOR__NAME_LARGEST);
  for (size_t i = 0; i < own->member_count && status == TORPOR_OK; i++)
    status = check_member(vm, own, &own->members[i]);
  return status;
}

/* ---- Binding --------------------------------------------------------------*/

static torpor__class *new_class(const torpor_class_def *def) {
  size_t size = strlen(def->name);
  torpor__class *class = torpor__alloc(sizeof(*class) + size + 1);
  if (!class) return NULL;
  *class = (torpor__class){.def = *def, .name_size = size};
  memcpy(class->name, def->name, size + 1);
  class->def.name = NULL;
  class->def.members = NULL;
  class->def.member_count = 0;
  return class;
}

static torpor_status bind_members(torpor_vm *vm, torpor__class *class,
                                  const torpor_class_def *def) {
  torpor_status status = torpor__binding_add(vm, class->name, class->name_size,
                                             &(torpor__bound){.class = class});
  for (size_t i = 0; i < def->member_count && status == TORPOR_OK; i++) {
    const torpor_function_entry *member = &def->members[i];
    const torpor__bound to = {.function = member->function,
                              .user = def->user,
                              .class = class,
                              .is_method =
                                  !(member->flags & TORPOR_FUNCTION_STATIC)};
    char name[TORPOR__NAME_LARGEST + 1];
    name_member(def, member, name);
    status = torpor__binding_add(vm, name, strlen(name), &to);
  }
  return status;
}

/* Binds what can be bound, or nothing. */
static torpor_status bind_class(torpor_vm *vm, const torpor_class_def *def) {
  torpor__class *class;
  torpor_status status;
  if (torpor__class_find(vm, def->name))
    return torpor__fail(vm, TORPOR_MISUSE,
                        "the class '%s' is bound already in this VM",
                        def->name);
  class = new_class(def);
  if (!class) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  status = bind_members(vm, class, def);
  if (status == TORPOR_OK) {
    class->next = vm->classes;
    vm->classes = class;
    return TORPOR_OK;
  }
  torpor__binding_remove_class(vm, class);
  torpor__alloc_free(class);
  return status;
}

/* Takes back what was bound just now. */
static void unbind_class(torpor_vm *vm) {
  torpor__class *class = vm->classes;
  vm->classes = class->next;
  torpor__binding_remove_class(vm, class);
  torpor__alloc_free(class);
}

torpor_status torpor_class_bind(torpor_vm *vm, const torpor_class_def *def) {
  torpor_class_def own;
  torpor_status status = check_def(vm, def, &own);
  if (status == TORPOR_OK) status = torpor__begin_outside(vm);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, bind_class(vm, &own));
}

/* ---- Making ---------------------------------------------------------------*/

static torpor_status make_member(torpor_vm *vm, const torpor_class_def *def,
                                 const torpor_function_entry *member,
                                 uint32_t number) {
  char name[TORPOR__NAME_LARGEST + 1];
  torpor__function_making making = {
      .name = name,
      .shown_size = strlen(member->name),
      .length = member->length,
      .flags = member->flags,
      .class = number,
      .captured = torpor_undefined(),
      .target = torpor_undefined(),
  };
  name_member(def, member, name);
  making.name_size = strlen(name);
  return torpor__function_make(vm, &making, NULL);
}

/* The constructor, new or not, is in result[0]. */
static torpor_status invoke_named(torpor_vm *vm, torpor__export export,
                                  const char *name, uint32_t length) {
  torpor__loan loan = {0};
  uint64_t arguments[3] = {0, strlen(name), length};
  torpor_status status;
  if (!vm->engine->exports.torpor_class_make)
    return torpor__fail(vm, TORPOR_UNSUPPORTED,
                        "the engine of this VM is older than classes of the "
                        "host");
  status = torpor__loan_add(vm, &loan, name, strlen(name), &arguments[0]);
  if (status == TORPOR_OK) status = torpor__invoke(vm, export, arguments);
  torpor__loan_end(vm, &loan);
  return status;
}

/* In a scope. Nothing of the program's runs before it is finished. */
static torpor_status make_class(torpor_vm *vm, const torpor_class_def *def) {
  bool global = !(def->flags & TORPOR_CLASS_HIDDEN);
  torpor_status status = invoke_named(vm, TORPOR__EXPORT_torpor_class_make,
                                      def->name, (uint32_t)def->length);
  uint32_t number = (uint32_t)vm->result[1];
  if (status != TORPOR_OK) return status;
  vm->classes->number = number + 1;
  if (vm->result[2] == 1) return TORPOR_OK; /* it slept */
  for (size_t i = 0; i < def->member_count && status == TORPOR_OK; i++)
    status = make_member(vm, def, &def->members[i], number + 1);
  if (status != TORPOR_OK) return status;
  return TORPOR__INVOKE(vm, class_finish, number, global);
}

torpor_status torpor_class_add(torpor_vm *vm, const torpor_class_def *def) {
  torpor_class_def own;
  torpor_status status = check_def(vm, def, &own);
  uint64_t scope;
  if (status == TORPOR_OK) status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = bind_class(vm, &own);
  if (status != TORPOR_OK) return torpor__end(vm, status);
  scope = torpor__scope_open(vm);
  status = torpor__scope_end(vm, scope, make_class(vm, &own));
  if (status != TORPOR_OK) unbind_class(vm);
  return torpor__end(vm, status);
}

torpor_status torpor_class_get(torpor_vm *vm, const char *name,
                               torpor_value *out) {
  torpor_status status = torpor__check_open(vm);
  if (out) *out = torpor_undefined();
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, name);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  status = invoke_named(vm, TORPOR__EXPORT_torpor_class_find, name, 0);
  if (status == TORPOR_NOT_FOUND)
    torpor__fail(vm, status, "the VM has no class '%.255s'", name);
  status = torpor__give_value(vm, status, out);
  return torpor__end(vm, status);
}

/* ---- Objects --------------------------------------------------------------*/

/* The bound class 'name', or NULL with a sentence. */
static torpor__class *find_class(torpor_vm *vm, const char *name) {
  torpor__class *class = torpor__class_find(vm, name);
  if (!class)
    torpor__fail(vm, TORPOR_NOT_FOUND,
                 "the class '%.255s' is not bound in this VM; see "
                 "torpor_class_add",
                 name);
  return class;
}

/* Finds out the guest's number of 'class'. */
static torpor_status number_class(torpor_vm *vm, torpor__class *class) {
  uint64_t scope;
  torpor_status status;
  if (class->number) return TORPOR_OK;
  scope = torpor__scope_open(vm);
  status = invoke_named(vm, TORPOR__EXPORT_torpor_class_find, class->name, 0);
  torpor__scope_end(vm, scope, status);
  if (status == TORPOR_OK) class->number = (uint32_t)vm->result[1] + 1;
  if (status == TORPOR_NOT_FOUND)
    torpor__fail(vm, status,
                 "the class '%s' is bound, but this VM never had it; use "
                 "torpor_class_add",
                 class->name);
  return status;
}

static torpor_status make_object(torpor_vm *vm, torpor__class *class,
                                 const torpor_instance *instance,
                                 torpor_value *out) {
  torpor__object *object = torpor__object_new(vm, class);
  torpor_status status;
  if (!object) return torpor__fail(vm, TORPOR_NOMEM, "out of memory");
  object->instance = *instance;
  status = TORPOR__INVOKE(vm, instance_make, instance->id, class->number - 1);
  if (status != TORPOR_OK) {
    torpor__object_free(object);
    return status;
  }
  torpor__object_add(vm, object, vm->result[1]);
  return torpor__give_value(vm, status, out);
}

torpor_status torpor_instance_new(torpor_vm *vm, const char *name,
                                  const torpor_instance *instance,
                                  torpor_value *out) {
  torpor__class *class;
  torpor_status status = torpor__check_open(vm);
  if (out) *out = torpor_undefined();
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, instance);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  class = find_class(vm, name);
  status = class ? number_class(vm, class) : TORPOR_NOT_FOUND;
  if (status == TORPOR_OK) status = make_object(vm, class, instance, out);
  return torpor__end(vm, status);
}

static torpor_status read_object(torpor_vm *vm, torpor_value value,
                                 const char *name, torpor_instance *out) {
  torpor__object *object;
  torpor_status status = torpor__attach(vm, value, &object);
  if (status == TORPOR_OK && strcmp(object->class->name, name) != 0)
    status = TORPOR_WRONG_TYPE;
  if (status == TORPOR_WRONG_TYPE)
    return torpor__fail(
        vm, status, "the value is not an object of the class '%.255s'", name);
  if (status == TORPOR_OK && out) *out = object->instance;
  return status;
}

torpor_status torpor_instance_read(torpor_vm *vm, torpor_value value,
                                   const char *name, torpor_instance *out) {
  torpor_status status = torpor__check_open(vm);
  if (out) *out = (torpor_instance){0, NULL};
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, name);
  status = torpor__begin_on(vm, value);
  if (status != TORPOR_OK) return status;
  return torpor__end(vm, read_object(vm, value, name, out));
}

typedef torpor_status (*visit_fn)(torpor_vm *vm, torpor_value value,
                                  const torpor_instance *instance, void *user);

/* Object 'index' of 'list', which is an array of our own. */
static torpor_status visit_object(torpor_vm *vm, const torpor__class *class,
                                  torpor_value list, uint32_t index,
                                  visit_fn visit, void *user) {
  torpor_instance instance;
  torpor_value value;
  uint64_t scope = torpor__scope_open(vm);
  torpor_status status = torpor_get_index(vm, list, index, &value);
  if (status == TORPOR_OK)
    status = read_object(vm, value, class->name, &instance);
  if (status == TORPOR_OK) {
    uint32_t outer = torpor__callback_begin(vm);
    status = visit(vm, value, &instance, user);
    torpor__callback_end(vm, outer);
  }
  return torpor__scope_end(vm, scope, status);
}

static torpor_status visit_all(torpor_vm *vm, torpor__class *class,
                               visit_fn visit, void *user) {
  torpor_value list;
  uint64_t count;
  torpor_status status = number_class(vm, class);
  if (status == TORPOR_OK)
    status = TORPOR__INVOKE(vm, instance_list, class->number - 1);
  if (status != TORPOR_OK) return status;
  list = torpor__value_of(vm, vm->result[0]);
  count = vm->result[1];
  for (uint32_t i = 0; i < count && status == TORPOR_OK; i++)
    status = visit_object(vm, class, list, i, visit, user);
  return status;
}

torpor_status torpor_instance_each(torpor_vm *vm, const char *name,
                                   visit_fn visit, void *user) {
  torpor__class *class;
  uint64_t scope;
  torpor_status status = torpor__check_open(vm);
  if (status != TORPOR_OK) return status;
  TORPOR__REQUIRE(vm, name);
  TORPOR__REQUIRE(vm, visit);
  status = torpor__begin(vm);
  if (status != TORPOR_OK) return status;
  class = find_class(vm, name);
  if (!class) return torpor__end(vm, TORPOR_NOT_FOUND);
  scope = torpor__scope_open(vm);
  status = visit_all(vm, class, visit, user);
  return torpor__end(vm, torpor__scope_end(vm, scope, status));
}
