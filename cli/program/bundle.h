/* SPDX-License-Identifier: MIT */
/* bundle.h - a program with all that it needs, as one piece of bytes.
 *
 *     0  8   "TORPORBN"
 *     8  4   version: 1
 *    12  4   CRC-32 of all bytes, with zeros here
 *    16  8   size of all
 *    24 64   id of the engine, in hex
 *    88  4   number of entries
 *    92  4   zero
 *    96      the entries, sorted by kind, then name; no two of the same:
 *              u32 kind, u32 size of the name, u64 size of the data,
 *              the name, a zero byte, the data
 *
 * Numbers are little-endian. Modules have names such as "app:///lib/shop.mjs":
 * where they lie below the folder that all of them have in common.
 *
 *     kind    name                       data
 *     ABOUT   "main"                     the name of the main module
 *             "torpor"                   the version that made it
 *             "stack"                    decimal, of bytes; may be missing
 *             "token"                    snapshot: decimal, of function main
 *     OPTION  a word as "--memory=64M"   none
 *     CODE    a module                   what torpor_compile made of it
 *     DATA    a module                   its bytes: JSON, text, bytes
 *     EDGE    importer '\n' specifier    the module that is meant
 *     EXTERN  a module                   none: C code that is linked gives it
 *     SLEEP   ""                         a snapshot
 *
 * Bytes that were damaged, or made up, are refused with words. */
#ifndef TORPOR_CLI_BUNDLE_H
#define TORPOR_CLI_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLI_BUNDLE_MAGIC "TORPORBN"
#define CLI_BUNDLE_VERSION 1
#define CLI_BUNDLE_ROOT "app:///"
enum { CLI_BUNDLE_HEAD = 96, CLI_BUNDLE_ENTRY_HEAD = 16 };
#define CLI_BUNDLE_LARGEST ((uint64_t)2 << 30)

enum cli_entry_kind {
  CLI_ENTRY_ABOUT = 1,
  CLI_ENTRY_OPTION,
  CLI_ENTRY_CODE,
  CLI_ENTRY_DATA,
  CLI_ENTRY_EDGE,
  CLI_ENTRY_EXTERN,
  CLI_ENTRY_SLEEP,
  CLI_ENTRY_KINDS, /* one more than the last */
};

struct cli_entry {
  enum cli_entry_kind kind;
  const char *name; /* ends with a zero byte and has none before */
  const uint8_t *data;
  size_t size;
};

/* A bundle that was read. It points into its bytes. */
struct cli_bundle {
  char engine[65], version[65];
  struct cli_entry *entries;
  size_t count;
};

/* Reads the 'size' bytes at 'data', which must outlive it. NULL, or why not: a
 * sentence without a subject, as "was altered", from this file or from
 * 'words'. */
const char *cli_bundle_open(struct cli_bundle *bundle, const void *data,
                            uint64_t size, char words[160]);
void cli_bundle_close(struct cli_bundle *bundle);

/* NULL: there is none, as in no bundle (NULL). */
const struct cli_entry *cli_bundle_find(const struct cli_bundle *bundle,
                                        enum cli_entry_kind kind,
                                        const char *name);
/* The entries of a kind lie together. NULL: there is none. */
const struct cli_entry *cli_bundle_list(const struct cli_bundle *bundle,
                                        enum cli_entry_kind kind,
                                        size_t *count);

/* The checksum of 'size' bytes, at least CLI_BUNDLE_HEAD, that are a bundle. */
uint32_t cli_bundle_sum(const uint8_t *data, size_t size);
/* The order of entries. */
int cli_bundle_compare(enum cli_entry_kind kind, const char *name,
                       const struct cli_entry *entry);

#endif
