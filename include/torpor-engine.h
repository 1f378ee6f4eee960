/* SPDX-License-Identifier: MIT */
/* torpor-engine.h - the engines that this computer has.
 *
 * A snapshot belongs to the engine that it was made with, which its id names.
 * One engine is built into the library. Others are files <id>.so, in the
 * folders of TORPOR_ENGINE_PATH and in lib/torpor/engines; they are loaded when
 * a snapshot, or torpor_options.engine, names them. 'torpor engine' lists and
 * installs them with the functions below.
 *
 * An engine's .so is code: whoever can write to these folders can run code in
 * the processes that look there, and reading a file with one of the functions
 * below runs it. */
#ifndef TORPOR_ENGINE_H
#define TORPOR_ENGINE_H

#include "torpor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct torpor_engine_info {
  size_t size;      /* sizeof(torpor_engine_info) */
  char id[65];      /* "": unknown */
  char quickjs[32]; /* the version of its QuickJS-NG, "0.17.0"; "": unknown */
  unsigned abi;     /* version of its interface (guest/abi.h); 0: unknown */
  const char *path; /* NULL: the built-in one */
  const char *unusable; /* why it cannot be used, and what to do; or NULL */
} torpor_engine_info;

#define TORPOR_ENGINE_INFO_INIT TORPOR_INIT(torpor_engine_info)

/* 'info' is valid during the call. Returning false ends the visit. */
typedef bool (*torpor_engine_visit_fn)(void *user,
                                       const torpor_engine_info *info);

/* Tells what engine 'vm' has.
 * [fails] */
TORPOR_API torpor_status torpor_engine_of(torpor_vm *vm,
                                          torpor_engine_info *info);

/* Visits the built-in engine, then those in the folders, in the order in which
 * they are searched: of two with the same id the first is used.
 * [any thread] */
TORPOR_API void torpor_engine_each(torpor_engine_visit_fn visit, void *user);

/* Tells what engine the file 'path', which needs a slash in it, holds. 'path'
 * is kept in 'info', not copied. Returns TORPOR_OK, or TORPOR_ENGINE when it
 * cannot be used, as info->unusable says.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_engine_read(const char *path,
                                            torpor_engine_info *info);

/* The folder into which engines are installed: the first of TORPOR_ENGINE_PATH,
 * else lib/torpor/engines beside the folder of the program. It need not exist.
 * Returns TORPOR_OK, or TORPOR_LIMIT when 'size' bytes do not hold it.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_engine_folder(char *path, size_t size);

#ifdef __cplusplus
}
#endif

#endif
