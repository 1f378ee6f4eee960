/* SPDX-License-Identifier: MIT */
/* class.h - classes whose objects belong to the host. Included by torpor.h.
 *
 * A class of the host's looks like any class to JavaScript: 'new', methods,
 * accessors, static members, instanceof, and classes that extend it. What one
 * of its objects stands for is the host's: the constructor gives each an id and
 * a pointer, and methods get both back.
 *
 * Methods get only objects of the class: for every other 'this', also a proxy
 * of one, they throw a TypeError, and no program can make an object look like
 * one.
 *
 *  (1) The id sleeps with the object. The pointer is of one VM in one process:
 *      in a VM that was restored or forked 'restore' gives it anew, when an
 *      object is first used there.
 *  (2) For each pointer that the host gave, 'finalize' is called once: after
 *      its object was collected, at the end of a call into the VM or between
 *      two calls to the host; or when the VM is closed, the newest first. Then
 *      no host function of the VM is running. It may not enter the VM.
 *  (3) A class stays as long as its VM. */
#ifndef TORPOR_PUBLIC_CLASS_H
#define TORPOR_PUBLIC_CLASS_H

#include <stddef.h>
#include <stdint.h>

#include "function.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a class may be; flags. */
typedef enum torpor_class_flag {
  TORPOR_CLASS_HIDDEN = 1, /* it is no global; torpor_class_get gives it */
} torpor_class_flag;

typedef struct torpor_class_def {
  size_t size;      /* sizeof(torpor_class_def) */
  const char *name; /* as for functions: "fs.File" is the class File */

  /* Called for 'new', with new.target and the new object in 'arguments': fills
   * 'instance', which is zero, and returns TORPOR_OK. Other codes mean what
   * they mean for host functions, and what it put into 'instance' is not kept.
   * NULL: programs cannot make such objects, only torpor_instance_new can. */
  torpor_status (*construct)(torpor_vm *vm, const torpor_arguments *arguments,
                             torpor_instance *instance, void *user);
  int length; /* the constructor's */

  /* Methods, accessors and static members, called with 'user'. They are bound
   * as "File.read", "File.get size", "File.static open". A name such as
   * "[Symbol.iterator]" stands for that symbol. */
  const torpor_function_entry *members;
  size_t member_count;

  /* Gives up what 'instance' has; may be NULL. */
  void (*finalize)(const torpor_instance *instance, void *user);
  /* An object that slept, or whose VM was copied, is used for the first time
   * here: sets 'data' by 'id'. May not enter the VM. For other codes than
   * TORPOR_OK the guest sees an Error, and it is asked again the next time.
   * NULL, or TORPOR_UNSUPPORTED: using such an object throws a LostError. */
  torpor_status (*restore)(torpor_vm *vm, torpor_instance *instance,
                           void *user);

  void *user;
  void (*release)(void *user); /* when the VM is closed; may be NULL */
  unsigned flags;              /* torpor_class_flag */
} torpor_class_def;

#define TORPOR_CLASS_DEF_INIT TORPOR_INIT(torpor_class_def)

/* Binds the class, makes it with all its members, and sets it as a global. In a
 * VM that has the class already, since it was restored or forked, it only binds
 * it; what the program did with it stays. MISUSE: it is bound already. 'def' is
 * copied.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_class_add(torpor_vm *vm,
                                          const torpor_class_def *def);
/* Only binds it, for a VM that was restored; one that is asleep stays so.
 * [fails] */
TORPOR_API torpor_status torpor_class_bind(torpor_vm *vm,
                                           const torpor_class_def *def);
/* The constructor of the class 'name', also of one that is not bound.
 * NOT_FOUND: the VM has no such class.
 * [fails] */
TORPOR_API torpor_status torpor_class_get(torpor_vm *vm, const char *name,
                                          torpor_value *out);

/* A new object of the class 'name', which is bound, as if its constructor had
 * given 'instance', which is still the caller's when it fails.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_instance_new(torpor_vm *vm, const char *name,
                                             const torpor_instance *instance,
                                             torpor_value *out);
/* What the host gave to 'value', which must be an object of the class 'name':
 * TORPOR_WRONG_TYPE. NOT_FOUND: the class is not bound.
 * [fails] */
TORPOR_API torpor_status torpor_instance_read(torpor_vm *vm, torpor_value value,
                                              const char *name,
                                              torpor_instance *out);
/* Calls 'visit' for each object of the class 'name' that lives in 'vm', in no
 * order; objects that the host does not know yet are restored before. It stops
 * when 'visit' returns another code than TORPOR_OK, with that code.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_instance_each(
    torpor_vm *vm, const char *name,
    torpor_status (*visit)(torpor_vm *vm, torpor_value value,
                           const torpor_instance *instance, void *user),
    void *user);

#ifdef __cplusplus
}
#endif

#endif
