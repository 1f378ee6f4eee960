/* SPDX-License-Identifier: MIT */
/* extension.h - native extensions: C code that runs inside a VM.
 *
 * An extension adds classes, functions and globals to a VM. It is a WebAssembly
 * side module (docs/extensions.md), so it can do no more than the VM's program
 * can; here it is translated to native code. Some ship with the library:
 *
 *   torpor_vm_load_extension(vm, "url", NULL);
 *   torpor_eval(vm, "new URL('/a', 'http://b').href", SIZE_MAX, "a.js",
 *               TORPOR_SCRIPT, &value);
 *
 * Others are shared objects that 'torpor extension build' makes of a side
 * module. Such a file is code of this process: load none that you do not trust.
 *
 * What an extension made sleeps with the VM. A snapshot names its extensions,
 * by name and hash, and is restored where they are to be had: those that ship,
 * those that this process has loaded once, and files <hash>.so in
 * lib/torpor/extensions beside the library, in the user's cache
 * (~/.cache/torpor/extensions), and in the folders of TORPOR_EXTENSION_PATH
 * (separated by colons). Included by torpor.h. */
#ifndef TORPOR_PUBLIC_EXTENSION_H
#define TORPOR_PUBLIC_EXTENSION_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Loads an extension into 'vm', at any time between calls: 'extension' is the
 * name of one that ships, or the path of a shared object or of a side module,
 * with a slash in it, or the SHA-256 of a side module (64 lower-case hex
 * digits); of a module there has to be native code where snapshots look for it.
 * Its init function runs, which is named 'init' or, when that is NULL,
 * qjs_ext_<name>_init with '_' for '-'.
 *
 * Returns EXTENSION when there is no such extension or it does not fit the VM's
 * engine; EXISTS when the VM has it; THROWN when its init function failed.
 * After LIMIT, THROWN and what else happens to code that runs, the VM has the
 * extension, if only in part: close it.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_vm_load_extension(torpor_vm *vm,
                                                  const char *extension,
                                                  const char *init);

typedef struct torpor_extension_info {
  size_t size;       /* sizeof(torpor_extension_info) */
  char name[64];     /* as it was loaded, or as it says */
  char version[64];  /* as it says; may be empty */
  char hash[65];     /* of its side module: SHA-256, lower-case hex digits */
  bool instrumented; /* its loops keep to the limits of fuel and deadline */
  uint32_t memory;   /* address of its data, and their size in bytes */
  uint32_t memory_size;
} torpor_extension_info;

#define TORPOR_EXTENSION_INFO_INIT TORPOR_INIT(torpor_extension_info)

/* What an extension says of itself: of one that torpor_vm_load_extension would
 * find under that name, path or hash. Its name may be empty. EXTENSION: there
 * is none. NOMEM.
 * [fails] */
TORPOR_API torpor_status torpor_extension_find(const char *extension,
                                               torpor_extension_info *info);

/* The side module of an extension that ships, by its name: what other hosts
 * load, and native code is made of. It lies beside the native code, as
 * <hash>.wasm. EXTENSION: no such one ships, or its module is not installed.
 * NOMEM.
 * [fails] */
TORPOR_API torpor_status torpor_extension_module(const char *name,
                                                 torpor_bytes *out);

/* How many extensions 'vm' has.
 * [-] */
TORPOR_API size_t torpor_vm_extension_count(const torpor_vm *vm);
/* Number 'index' of them, in the order of loading. NOT_FOUND.
 * [fails] */
TORPOR_API torpor_status torpor_vm_extension_at(torpor_vm *vm, size_t index,
                                                torpor_extension_info *info);

#ifdef __cplusplus
}
#endif

#endif
