/* SPDX-License-Identifier: MIT */
/* container.h - the bytes of a snapshot: header, sections, checksum.
 *
 * Knows nothing of VMs, so that a snapshot can be looked into without an
 * engine. All of it is specified in docs/snapshot-format.md. */
#ifndef TORPOR_VM_CONTAINER_H
#define TORPOR_VM_CONTAINER_H

#include "common/buffer.h"
#include "vm/format/checksum.h"
#include "vm/format/pack.h"

#define TORPOR__SNAPSHOT_VERSION 1

/* Each at most once, in this order. */
typedef enum torpor__section {
  TORPOR__SECTION_GLOBALS = 1,
  TORPOR__SECTION_EXTENSIONS = 2, /* left out while there are none */
  TORPOR__SECTION_OPERATIONS = 3,
  TORPOR__SECTION_WAITING = 4, /* where suspended functions wait, if asked */
  TORPOR__SECTION_MEMORY = 5,
  TORPOR__SECTION_RUN = 6, /* what an exported run is besides its VM */
} torpor__section;
#define TORPOR__SECTION_END 7
/* Readers skip unknown sections from here on, and refuse those below. */
#define TORPOR__SECTION_SKIPPED 64

#define TORPOR__GLOBALS_SIZE 8

/* The most that all sections but memory may take, unpacked. */
#define TORPOR__SECTION_LARGEST (UINT64_C(256) << 20)

/* ---- Writing --------------------------------------------------------------*/

typedef struct torpor__container_writer {
  torpor__buffer out;
  torpor__packing packing;
  uint32_t sections;
  size_t section_at;            /* of the section that is being written */
  torpor__pieces *pieces;       /* its content; NULL: that is in 'out' */
  torpor__running_checksum sum; /* of the last section's content as it is
                                   written; empty: it is not known */
} torpor__container_writer;

/* Starts the snapshot of a VM of engine 'id' (hex) with 'pages' of memory. */
void torpor__container_start(torpor__container_writer *writer, const char *id,
                             uint32_t pages, const torpor__packing *packing);
/* Notes that it is a difference, and from which snapshot; at any time before it
 * is finished. */
void torpor__container_set_parent(
    torpor__container_writer *writer,
    const uint8_t parent[TORPOR_SNAPSHOT_ID_SIZE]);
/* Between these two, the content is added to writer->out. */
void torpor__section_start(torpor__container_writer *writer,
                           torpor__section type);
void torpor__section_stop(torpor__container_writer *writer);
torpor_status torpor__container_finish(torpor__container_writer *writer,
                                       torpor_bytes *out);

/* ---- Reading --------------------------------------------------------------*/

typedef struct torpor__content {
  const uint8_t *data; /* NULL: it was left compressed */
  size_t size;
  uint64_t raw_size, stored_size;
  uint8_t *owned; /* what was decompressed, or NULL */
  bool present;
} torpor__content;

typedef struct torpor__container {
  char engine[65];
  uint32_t version, pages;
  bool has_parent;
  uint8_t parent[TORPOR_SNAPSHOT_ID_SIZE];
  torpor__content sections[TORPOR__SECTION_END];
} torpor__container;

/* Reads and checks 'data', which stays borrowed; 'memory_max' is how much
 * memory its VM may have. Of compressed sections those are unpacked that are
 * needed: globals and memory for 'waking' a VM, else all but memory. On any
 * failure nothing is produced, and this thread's error says what to do. */
torpor_status torpor__container_read(torpor__container *container,
                                     const uint8_t *data, size_t size,
                                     uint64_t memory_max, bool waking);
void torpor__container_free(torpor__container *container);
/* Gives FORMAT, with a sentence: 'what' in the snapshot makes no sense, though
 * its checksum is right. */
torpor_status torpor__container_damaged(const char *what);

/* The snapshot 'data', which torpor__container_read found good, with 'content'
 * as its only section of 'type'. NOMEM. */
torpor_status torpor__container_replace(const uint8_t *data, size_t size,
                                        torpor__section type,
                                        const void *content,
                                        size_t content_size, torpor_bytes *out);

#endif
