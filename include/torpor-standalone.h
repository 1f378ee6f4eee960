/* SPDX-License-Identifier: MIT */
/* torpor-standalone.h - programs in one executable.
 *
 * 'torpor build' and 'torpor compile -e' make such programs; what they write
 * calls this:
 *
 *   int main(int count, char **words) {
 *     return torpor_standalone_main(program, sizeof(program), count, words);
 *   }
 *
 * It is in libtorpor-standalone.a, which has VMs, the loop and the libraries
 * they need in it: link that with -lm -lpthread -ldl, or as
 * $(pkg-config --libs torpor-standalone) says. More: docs/standalone.md. */
#ifndef TORPOR_STANDALONE_H
#define TORPOR_STANDALONE_H

#include "torpor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Runs the program that 'torpor build' or 'torpor compile' made: 'size' bytes
 * at 'program'; NULL: those behind the end of the running executable. The words
 * behind the first are the program's. Gives the exit code of the process, after
 * saying what went wrong on standard error. Once in a process, on its first
 * thread.
 * [runs] */
TORPOR_API int torpor_standalone_main(const void *program, size_t size,
                                      int count, char **words);

#ifdef __cplusplus
}
#endif

#endif
