/* SPDX-License-Identifier: MIT */
/* operation.h - operations: promises that the outside settles. Included
 * by torpor.h. */
#ifndef TORPOR_PUBLIC_OPERATION_H
#define TORPOR_PUBLIC_OPERATION_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A promise that the outside has to settle. The table of pending ones lies in
 * guest memory, so they sleep and wake with the VM. */
typedef struct torpor_operation {
  size_t size;      /* sizeof(torpor_operation) */
  uint64_t id;      /* never reused within a VM and its copies */
  const char *kind; /* "timer", "signal", "file-read", ...; zero-terminated */
  const uint8_t *request; /* CBOR */
  size_t request_size;
  double due;   /* wall-clock milliseconds; 0 when it has none */
  double begun; /* wall-clock milliseconds */
  bool woken;   /* it was pending when the VM was restored or forked */
  /* Stays the same whenever this operation is done again, and is no other's in
   * its store; NULL: it has none. Runs give it to drivers. */
  const char *key;
} torpor_operation;

#define TORPOR_OPERATION_INIT TORPOR_INIT(torpor_operation)

#define TORPOR_KIND_LARGEST 63

/* Begins an operation of 'kind' with the plain data 'request' and gives its
 * promise. 'due' in wall-clock milliseconds, finite, 0 for none.
 * [fails] [throws] [runs] */
TORPOR_API torpor_status torpor_operation_begin(torpor_vm *vm, const char *kind,
                                                torpor_value request,
                                                double due, uint64_t *id,
                                                torpor_value *promise);

/* The next pending operation that this host has not been given yet, in the
 * order of ids; after a restore these are all that are pending. What 'out'
 * points to is borrowed until the next call into the VM. TORPOR_NOT_FOUND: no
 * more.
 * [fails] */
TORPOR_API torpor_status torpor_operation_next(torpor_vm *vm,
                                               torpor_operation *out);

/* Takes the id of one operation that guest code has cancelled. Only those that
 * torpor_operation_next gave are reported. TORPOR_NOT_FOUND: no more.
 * [fails] */
TORPOR_API torpor_status torpor_operation_take_cancelled(torpor_vm *vm,
                                                         uint64_t *id);

/* How many operations are pending.
 * [-] */
TORPOR_API size_t torpor_operation_count(const torpor_vm *vm);
/* The pending operation at place 'index', which counts from 0 in order of ids;
 * for listing, since it does not count as given.
 * [fails] */
TORPOR_API torpor_status torpor_operation_at(torpor_vm *vm, size_t index,
                                             torpor_operation *out);

typedef enum torpor_outcome {
  TORPOR_RESOLVE,
  TORPOR_REJECT,
} torpor_outcome;

/* Settles operation 'id' with a value of the VM. The program goes on in a job:
 * none of its code runs in this call. TORPOR_NOT_FOUND: settled already, or
 * cancelled.
 * [fails] */
TORPOR_API torpor_status torpor_operation_settle(torpor_vm *vm, uint64_t id,
                                                 torpor_outcome outcome,
                                                 torpor_value value);
/* The same with data in CBOR. THROWN: it cannot be read, and the operation is
 * still pending.
 * [fails] [throws] */
TORPOR_API torpor_status torpor_operation_settle_cbor(torpor_vm *vm,
                                                      uint64_t id,
                                                      torpor_outcome outcome,
                                                      const void *data,
                                                      size_t size);

/* CBOR of an error, to reject an operation with; 'code' may be NULL.
 * [fails] [any thread] */
TORPOR_API torpor_status torpor_cbor_error(const char *name,
                                           const char *message,
                                           const char *code, torpor_bytes *out);

#ifdef __cplusplus
}
#endif

#endif
