/* SPDX-License-Identifier: MIT */
/* module.h - what the files of C modules share.
 *
 *   loader-attach.c   a VM is attached to a loop with a loader
 *   loader.c          an import names a file, or what is linked in
 *   module-import.c   what is imported becomes a module, and its source
 *   modules.c         the modules of a VM, and what its memory knows of them
 *   module-make.c     binding a module's exports, and making them
 *   module-await.c    promises that a descriptor settles
 *   deferred.c        promises that modules settle
 *   module.c          one module in one VM: its exports, its own data
 *   module-file.c     what is linked in, and shared objects
 *
 * From an import to a module:
 *
 *   import { f } from "./m.so"      the engine asks the host for a source
 *     module-import.c               the file may be loaded; it is; 'start' says
 *                                   what it exports; the source is
 *                                     import load from "torpor-module:load";
 *                                     const $ = load("m");
 *                                     const $0 = $.f; export { $0 as f };
 *     modules.c                     load("m") makes the exports: now the VM can
 *                                   be entered
 *
 *  (1) load() gives only modules that were let in by an import of this VM in
 *      this process.
 *  (2) What a VM's memory says of its modules decides nothing but which files
 *      are asked for again, and each needs its grant.
 *
 * Runs on the VM's thread, but for what says otherwise. */
#ifndef TORPOR_LOOP_MODULE_H
#define TORPOR_LOOP_MODULE_H

#include "loop/loop.h"
#include "torpor-module.h"

enum { TORPOR__MODULE_NAME_LARGEST = 63, TORPOR__EXPORT_NAME_LARGEST = 127 };

/* ---- One module ----------------------------------------------------------*/

enum torpor__export_kind {
  TORPOR__EXPORT_FUNCTION,
  TORPOR__EXPORT_CLASS,
  TORPOR__EXPORT_CONSTANT,
  TORPOR__EXPORT_TEXT,
  TORPOR__EXPORT_VALUE,
};

struct torpor__export {
  enum torpor__export_kind kind;
  char *name;
  char *bound;   /* of functions and classes: "MODULE.NAME" */
  bool is_bound; /* of classes, which are bound once */
  torpor_function_entry function;
  torpor_class_def class;
  torpor_value value;
  char *text;
  torpor_module_make_fn make;
};

struct torpor__modules;

struct torpor_module {
  struct torpor__modules *home;
  size_t references; /* its home's, and one for each binding */
  char *name;        /* "NAME" of what it exports */
  char *path;        /* resolved; "" when it is linked in */
  const torpor_module_def *def;
  bool started; /* 'start' has returned */
  struct torpor__export *exports;
  size_t count, capacity;
  char *failure; /* what torpor_module_fail said */
  void *user;
  void (*finalize)(void *user);
};

/* module.c */
torpor_module *torpor__module_new(struct torpor__modules *home,
                                  const char *name, const char *path);
/* Throws that 'what' needs a loop. */
torpor_status torpor__module_lacks_loop(const torpor_module *module,
                                        const char *what);
void torpor__module_retain(torpor_module *module);
void torpor__module_release(void *module);
/* Whether 'text' has 1 to 'largest' letters, digits, '_' and 'more'. */
bool torpor__module_is_name(const char *text, size_t largest, char more);

/* ---- Files ---------------------------------------------------------------*/

/* module-file.c */

/* What is linked in under 'name', or NULL; what calls itself so; whether
 * anything is. Any thread. */
const torpor_module_def *torpor__module_linked(const char *name);
const torpor_module_def *torpor__module_linked_as(const char *name);
bool torpor__module_any_linked(void);
/* Loads the file 'path', which may be loaded. Otherwise 'sentence' says what is
 * wrong with it. */
torpor_status torpor__module_load(const char *path,
                                  const torpor_module_def **out,
                                  torpor_bytes *sentence);
/* Asks 'init' for what it is. FORMAT, NEWER: for another interface. */
torpor_status torpor__module_ask(torpor_module_init_fn init,
                                 const torpor_module_def **out);

/* ---- In the VM -----------------------------------------------------------*/

/* module-make.c: binds all that 'module' exports; makes it, as an object that
 * has the exports as properties; binds functions of those names that throw an
 * error with 'sentence', which is copied. */
torpor_status torpor__module_bind(torpor_module *module);
torpor_status torpor__module_make(torpor_module *module, torpor_value *out);
torpor_status torpor__module_bind_absent(torpor_vm *vm, const char *name,
                                         const char *sentence);

/* ---- The modules of a VM -------------------------------------------------*/

struct torpor__modules {
  struct torpor__tenant tenant; /* first: a tenant is its modules */
  size_t references;            /* the VM's, and one for each module */
  torpor_vm *vm;
  struct attached *attached; /* NULL: to no loop */
  torpor_module **items;
  size_t count, capacity;
  struct torpor__link begun, started; /* deferreds, see deferred.c */
  unsigned flags;                     /* that each module has to have */
};

/* modules.c */

/* Those of 'vm': made if it has none yet and 'make' is true, else NOT_FOUND.
 * The VM must be one that can be entered. */
torpor_status torpor__modules_open(torpor_vm *vm, bool make,
                                   struct torpor__modules **out);
void torpor__modules_release(struct torpor__modules *modules);
/* Lets them live on 'attached', until that is gone. */
void torpor__modules_settle(struct torpor__modules *modules,
                            struct attached *attached);
/* Lets the program load what is imported. */
torpor_status torpor__modules_give_load(struct torpor__modules *modules);
/* The module of that name, or NULL. */
torpor_module *torpor__modules_find(const struct torpor__modules *modules,
                                    const char *name);
/* Starts a module of 'def' under 'name' and adds it; 'sentence' (empty at
 * first) says why not. */
torpor_status torpor__modules_start(struct torpor__modules *modules,
                                    const torpor_module_def *def,
                                    const char *name, const char *path,
                                    torpor_module **out,
                                    torpor_bytes *sentence);
/* Notes in the VM's memory that it has 'module'. */
torpor_status torpor__modules_remember(struct torpor__modules *modules,
                                       const torpor_module *module);
/* Whether the VM's memory has a module of that name. */
torpor_status torpor__modules_recall(struct torpor__modules *modules,
                                     const char *name, bool *known);
/* Calls 'visit' for each module that the VM's memory has; 'exports' has the
 * 'count' names of what is bound. */
typedef torpor_status (*torpor__remembered_fn)(struct torpor__modules *modules,
                                               const char *name,
                                               const char *path,
                                               char *const *exports,
                                               size_t count, void *user);
torpor_status torpor__modules_each(struct torpor__modules *modules,
                                   torpor__remembered_fn visit, void *user);

/* ---- Promises ------------------------------------------------------------*/

/* deferred.c: tells all deferreds of 'modules' that nobody waits any more. */
void torpor__deferreds_leave(struct torpor__modules *modules);

/* ---- Imports -------------------------------------------------------------*/

/* module-import.c */

/* Whether an import of 'name' means a C module: it is linked in, or a ".so". */
bool torpor__module_is_meant(const char *name);
/* The source of the C module 'name'. 'modules' NULL: this host has none.
 * 'sentence' (empty at first) says why there is none. */
torpor_status torpor__module_import(struct torpor__modules *modules,
                                    const torpor_access *access,
                                    const char *name, torpor_bytes *source,
                                    torpor_bytes *sentence);
/* Starts and binds anew what a VM that slept had. */
torpor_status torpor__modules_wake(struct torpor__modules *modules,
                                   const torpor_access *access);

/* loader.c: gives 'loader' the modules of its VM, or takes them (NULL); what
 * its program may touch. */
void torpor__loader_use(torpor_loader *loader, struct torpor__modules *modules);
const torpor_access *torpor__loader_access(const torpor_loader *loader);

#endif
