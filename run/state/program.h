/* SPDX-License-Identifier: MIT */
/* program.h - the modules of a durable program, read once.
 *
 * A run keeps the text of its main module and of all that this imports
 * statically, as they were when the run was made, and the side modules of the
 * extensions that it was given (extension.h). So it does not matter later
 * whether the files have changed, moved or gone.
 *
 * Runs on the caller's thread. */
#ifndef TORPOR_RUN_PROGRAM_H
#define TORPOR_RUN_PROGRAM_H

#include "run/request.h"
#include "torpor-loop.h"

/* Zeroed is empty. The main module is 'files[0]'. */
struct torpor__program {
  struct torpor__file *files;
  size_t count;
  size_t capacity;
  char message[TORPOR__DATABASE_MESSAGE_MAX]; /* why reading failed */
  bool lacked_files; /* that was for want of file descriptors */
};

/* Adds a copy of a module. OK, NOMEM. */
torpor_status torpor__program_add(struct torpor__program *program,
                                  const char *name, torpor_slice source);

/* Reads the program whose main module is the file 'path'; what lies outside its
 * folder only if 'access' allows it. It keeps 'extensions' too, and is linked
 * in a VM that has them. Links all modules, so that what is missing
 * or is not JavaScript is told now; runs none of them. OK; NOT_FOUND, DENIED,
 * IO, LIMIT, THROWN (a SyntaxError, say), NOMEM, or what became of loading an
 * extension, with a message. */
torpor_status torpor__program_read(struct torpor__program *program,
                                   const char *path,
                                   const torpor_access *access,
                                   const struct torpor__program *extensions);
void torpor__program_free(struct torpor__program *program);

/* Writes 'name' as a string of JavaScript and JSON into 'out', which has room
 * for six times its bytes and three. */
void torpor__program_quote(const char *name, char *out);

/* The source of one of the modules that a run keeps. OK, NOT_FOUND, NOMEM, IO.
 */
torpor_status torpor__program_find(struct torpor__database *database,
                                   int64_t run, int64_t version,
                                   const char *name, torpor_bytes *source);

/* Reads all modules that a run keeps, for a VM on another thread than the
 * database's. OK, NOMEM, or what the database says; 'message' is not used. */
torpor_status torpor__program_load(struct torpor__program *program,
                                   struct torpor__database *database,
                                   int64_t run, int64_t version);
/* The source of one of them. OK, NOT_FOUND, NOMEM. */
torpor_status torpor__program_give(const struct torpor__program *program,
                                   const char *name, torpor_bytes *source);

#endif
