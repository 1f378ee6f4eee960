/* SPDX-License-Identifier: MIT */
/* payload.h - a bundle behind the end of an executable:
 *
 *     the executable, as the linker made it
 *     the bundle
 *     u64 size of the bundle, u32 version: 1, u32 zero, "TORPOR PROGRAM\n\0"
 */
#ifndef TORPOR_CLI_PAYLOAD_H
#define TORPOR_CLI_PAYLOAD_H

#include "torpor.h"

enum { CLI_PAYLOAD_FOOT = 32 };

enum cli_payload {
  CLI_PAYLOAD_NONE,    /* an executable like any other, or no executable */
  CLI_PAYLOAD_FOUND,   /* the bundle is in 'out', for torpor_bytes_free */
  CLI_PAYLOAD_DAMAGED, /* there was one; 'wrong' says what is wrong with it */
};

/* Looks for the bundle of the executable 'path'. */
enum cli_payload cli_payload_read(const char *path, torpor_bytes *out,
                                  const char **wrong);
/* Writes the last bytes of an executable whose bundle has 'size' bytes. */
void cli_payload_foot(uint64_t size, uint8_t out[CLI_PAYLOAD_FOOT]);

#endif
