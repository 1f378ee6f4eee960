/* SPDX-License-Identifier: MIT */
/* emit.h - C source of compiled programs. */
#ifndef TORPOR_CLI_EMIT_H
#define TORPOR_CLI_EMIT_H

#include "cli/executable/executable.h"
#include "common/buffer.h"

/* Adds text as of printf. */
void cli_emit_text(torpor__buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds the first lines of a file. */
void cli_emit_head(torpor__buffer *out);

/* Adds an array of bytes and its size: NAME and NAME_size. */
void cli_emit_array(torpor__buffer *out, const char *name, const void *data,
                    size_t size);

/* Adds a main() that runs the bundle in array 'name'. */
void cli_emit_main(torpor__buffer *out, const char *name,
                   const struct cli_extern *externs, size_t count);

/* Whether 'name' may be a name in C. */
bool cli_emit_is_name(const char *name);

#endif
