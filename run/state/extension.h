/* SPDX-License-Identifier: MIT */
/* extension.h - the native extensions that a run keeps.
 *
 * A run that was given extensions keeps their side modules with the modules of
 * its program (extension-load.h). It keeps no native code, which could do
 * anything to whoever runs it, and a store may have been written by somebody
 * else; a side module can do no more than the program beside it. So each
 * machine has native code of its own making, and when it has none yet, the host
 * makes it (torpor_store_options.make_extension).
 *
 * On the thread of the store. */
#ifndef TORPOR_RUN_EXTENSION_H
#define TORPOR_RUN_EXTENSION_H

#include "run/state/extension-load.h"
#include "run/state/program.h"
#include "run/store.h"

/* Reads side modules from files, or of extensions that ship, by their names;
 * 'out' becomes a program of them, which is to be freed. NOT_FOUND, FORMAT (no
 * side module, such as a shared object, or one without a name), LIMIT,
 * EXTENSION (no native code, and none could be made), IO, NOMEM. */
torpor_status torpor__extension_read(torpor_store *store,
                                     const char *const *given, size_t count,
                                     struct torpor__program *out);

/* The same of those that a version of a run keeps. CORRUPT when one is missing
 * among them. */
torpor_status torpor__extension_copy(torpor_store *store, int64_t run,
                                     int64_t version,
                                     struct torpor__program *out);

/* Checks a module that a file of run 'run' brings, and prepares it. FORMAT and
 * LIMIT, as for one that is read, besides. */
torpor_status torpor__extension_receive(torpor_store *store, const char *run,
                                        const struct torpor__file *file,
                                        bool make);

/* Looks for native code of 'module' and, if 'make', makes it when there is
 * none. 'run' (an id, or NULL) is for the message. EXTENSION, NOMEM. */
torpor_status torpor__extension_prepare(torpor_store *store, const char *run,
                                        torpor_slice module, bool make);
/* Makes what is missing for all that a version of a run keeps. CORRUPT, as
 * well, when one is missing among them. */
torpor_status torpor__extension_prepare_all(torpor_store *store, const char *id,
                                            int64_t run, int64_t version);

#endif
