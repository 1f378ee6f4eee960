/* SPDX-License-Identifier: MIT */
/* snapshot.h - putting a VM to sleep and waking it. Included by
 * torpor.h. */
#ifndef TORPOR_PUBLIC_SNAPSHOT_H
#define TORPOR_PUBLIC_SNAPSHOT_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Makes a snapshot of 'vm': its difference from the engine's baseline
 * (docs/snapshot-format.md). 'vm' may go on running. Possible between any two
 * jobs. TORPOR_BUSY while guest code is on the stack.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_snapshot_save(torpor_vm *vm, torpor_bytes *out);

/* How to save; flags. */
typedef enum torpor_save {
  /* Remember this state in 'vm': the next difference is from it. */
  TORPOR_SAVE_PARENT = 1,
  /* Save the difference from the state that 'vm' remembers, or else from what
   * it was restored from: time and size depend on what was written since. */
  TORPOR_SAVE_DELTA = 2,
  /* Add where each suspended function waits: section WAITING. */
  TORPOR_SAVE_WAITING = 4,
} torpor_save;

/* How the bytes are kept. */
typedef enum torpor_packing {
  TORPOR_STORED, /* they are copied: the fastest to write and to wake from */
  TORPOR_PACKED, /* what has 32 KiB or more is compressed with zstd */
} torpor_packing;

/* How to save. */
typedef struct torpor_save_options {
  size_t size;    /* sizeof(torpor_save_options) */
  unsigned flags; /* torpor_save */
  torpor_packing packing;
  int level; /* zstd's, -131072 to 22: higher ones take longer; 0: 1 */
  /* How many threads compress at most, the calling one among them; 0: 1. Each
   * takes 1 MiB at a time. The bytes are the same whatever their number. */
  unsigned threads;
} torpor_save_options;

#define TORPOR_SAVE_OPTIONS_INIT TORPOR_INIT(torpor_save_options)
#define TORPOR_SAVE_LEVEL_LARGEST 22
#define TORPOR_SAVE_LEVEL_SMALLEST (-131072)

/* As torpor_snapshot_save, which is the same with 'options' NULL: whole and
 * stored. TORPOR_NOT_FOUND: there is no state to take the difference from; save
 * a whole snapshot first.
 * [fails] [outside] */
TORPOR_API torpor_status torpor_snapshot_save_with(
    torpor_vm *vm, const torpor_save_options *options, torpor_bytes *out);

/* The same in two steps, of which the second needs no VM. (This job is one of
 * the host's, not of the queue in promise.h.) After the first, 'vm' may go on
 * running; the second packs the bytes, on any thread, and ends the job whatever
 * it returns. A job that is not wanted any more is freed instead. A difference
 * cannot be finished before the job of the state that it is from:
 * TORPOR_MISUSE. */
typedef struct torpor_snapshot_job torpor_snapshot_job;
/* Takes what is to be saved.
 * [fails] [outside] */
TORPOR_API torpor_status
torpor_snapshot_save_start(torpor_vm *vm, const torpor_save_options *options,
                           torpor_snapshot_job **out);
/* Gives the bytes.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_job_finish(torpor_snapshot_job *job,
                                                    torpor_bytes *out);
/* Drops it; NULL is accepted.
 * [any thread] */
TORPOR_API void torpor_snapshot_job_free(torpor_snapshot_job *job);

/* Opens a VM from a snapshot. Handles are gone, host functions have to be bound
 * again, operations are still pending. No VM is opened unless all of the bytes
 * are valid. Returns TORPOR_OK, TORPOR_FORMAT, TORPOR_NEWER,
 * TORPOR_ENGINE, TORPOR_EXTENSION, TORPOR_CHECKSUM, TORPOR_LIMIT, TORPOR_NOMEM,
 * or TORPOR_PARENT for a difference.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_restore(const void *data, size_t size,
                                                 const torpor_options *options,
                                                 torpor_vm **out);

#define TORPOR_CHAIN_LARGEST 1024

/* Opens a VM from a chain: a whole snapshot, then differences, each from the
 * one before it; at most TORPOR_CHAIN_LARGEST in all. As
 * torpor_snapshot_restore, and TORPOR_PARENT when they do not fit together.
 * [fails] [any thread] */
TORPOR_API torpor_status
torpor_snapshot_restore_chain(const torpor_slice *chain, size_t count,
                              const torpor_options *options, torpor_vm **out);

/* The id of a snapshot: the SHA-256 of its bytes. A difference carries the id
 * of the snapshot that it is from. */
#define TORPOR_SNAPSHOT_ID_SIZE 32
/* Computes the id of these bytes.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_identify(
    const void *data, size_t size, uint8_t id[TORPOR_SNAPSHOT_ID_SIZE]);

typedef struct torpor_section_size {
  uint64_t raw, stored; /* bytes, before and after compression */
} torpor_section_size;

/* Sections have numbers below this (docs/snapshot-format.md). */
#define TORPOR_SNAPSHOT_SECTIONS 7

/* What a snapshot says of itself, for which no engine is needed. */
typedef struct torpor_snapshot_info {
  size_t size;     /* sizeof(torpor_snapshot_info) */
  char engine[65]; /* hex */
  uint32_t version;
  uint64_t memory;     /* bytes of linear memory when awake */
  uint64_t bytes;      /* of memory that are stored, before compression */
  uint32_t operations; /* pending */
  bool has_parent;     /* it is a difference from 'parent' */
  uint8_t id[TORPOR_SNAPSHOT_ID_SIZE];
  uint8_t parent[TORPOR_SNAPSHOT_ID_SIZE];
  torpor_section_size sections[TORPOR_SNAPSHOT_SECTIONS]; /* by their number */
} torpor_snapshot_info;

#define TORPOR_SNAPSHOT_INFO_INIT TORPOR_INIT(torpor_snapshot_info)

/* Reads what a snapshot says of itself, without waking it. 'operations' (may be
 * NULL) is CBOR, to be released: an array of maps with id, kind, request, due
 * and begun.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_read(const void *data, size_t size,
                                              torpor_snapshot_info *info,
                                              torpor_bytes *operations);

/* Sections of a snapshot (docs/snapshot-format.md): CBOR, except memory. */
typedef enum torpor_section {
  TORPOR_SECTION_EXTENSIONS = 2, /* array: what was loaded into it */
  TORPOR_SECTION_OPERATIONS = 3, /* array: what it waits for */
  TORPOR_SECTION_WAITING = 4,    /* array: where; TORPOR_SAVE_WAITING */
  TORPOR_SECTION_MEMORY = 5,     /* unpacked: as large as the memory */
  TORPOR_SECTION_RUN = 6,        /* map: torpor_snapshot_attach */
} torpor_section;

/* The content of one section; release 'out'. NOT_FOUND when it is not there;
 * otherwise as torpor_snapshot_read.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_section(const void *data, size_t size,
                                                 torpor_section section,
                                                 torpor_bytes *out);

/* Makes a copy of a snapshot with the CBOR map 'run' as its section RUN: data
 * of the host's that travels with it. Restoring ignores it. The copy has
 * another id.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_snapshot_attach(const void *data, size_t size,
                                                const void *run,
                                                size_t run_size,
                                                torpor_bytes *out);

/* What the program hands over to its successor: calls the function that it
 * registered with exportState. TORPOR_NOT_FOUND when it has none.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_state_hand_over(torpor_vm *vm,
                                                torpor_value *out);

#ifdef __cplusplus
}
#endif

#endif
