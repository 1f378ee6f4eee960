/* SPDX-License-Identifier: MIT */
/* state-chain.c - the states that are needed to wake from one. See
 * state-chain.h.
 *
 * Rows come the newest first, so the parts are collected backwards and reversed
 * in the end. On a branch steps rise by one, and each difference is from the
 * step before it: with a gap the store is damaged.
 *
 * An encrypted state is bound to the text "run/branch/step". */
#include "run/state/state-chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"

enum { CONTEXT_MAX = TORPOR__RUN_ID_MAX + 48 };

static int write_context(char context[CONTEXT_MAX], const char *id,
                         int64_t branch, int64_t step) {
  return snprintf(context, CONTEXT_MAX, "%s/%" PRId64 "/%" PRId64, id, branch,
                  step);
}

/* ---- reading -------------------------------------------------------------*/

struct reader {
  struct torpor__state_chain *chain;
  torpor_store *store;
  const char *id;
  int64_t next;         /* the step that the last part is a difference from */
  torpor_status status; /* why the walk was ended */
};

static torpor_status fail_key(const struct reader *reader, int64_t step,
                              const char *what) {
  return torpor__database_fail(reader->store->database, TORPOR_KEY,
                               "run %s, step %" PRId64 ": %s", reader->id, step,
                               what);
}

/* A copy of a state's bytes, decrypted. */
static torpor_status copy_plain(const struct reader *reader,
                                const struct torpor__state *row,
                                torpor_slice *out) {
  torpor_slice stored = row->snapshot;
  bool sealed = torpor_snapshot_is_protected(stored.data, stored.size);
  torpor_bytes plain = {0};
  char context[CONTEXT_MAX];
  if (!reader->store->keyed && sealed)
    return fail_key(reader, row->step,
                    "it is encrypted; open the store with its key");
  if (!reader->store->keyed) {
    out->data = torpor__array_copy(stored.data, stored.size);
    out->size = stored.size;
    if (out->data != NULL) return TORPOR_OK;
    return torpor__database_fail(reader->store->database, TORPOR_NOMEM, NULL);
  }
  if (!sealed)
    return fail_key(reader, row->step,
                    "it is not encrypted, so this store's key did not make "
                    "it; open the store without a key");
  int size = write_context(context, reader->id, row->branch, row->step);
  torpor_status status =
      torpor_snapshot_unprotect(stored.data, stored.size, reader->store->key,
                                context, (size_t)size, &plain);
  if (status == TORPOR_NOMEM)
    return torpor__database_fail(reader->store->database, status, NULL);
  if (status != TORPOR_OK)
    return fail_key(reader, row->step,
                    "the key is another one, or the state was altered or "
                    "taken from elsewhere");
  *out = (torpor_slice){.data = plain.data, .size = plain.size};
  return TORPOR_OK;
}

static torpor_status fail_gap(const struct reader *reader) {
  return torpor__database_fail(reader->store->database, TORPOR_CORRUPT,
                               "run %s: the state of step %" PRId64
                               " is missing, or does not fit",
                               reader->id, reader->next);
}

static bool describe_last(struct torpor__state_chain *chain,
                          const struct torpor__state *row) {
  if (row->engine.size > TORPOR__ENGINE_ID_MAX) return false;
  memcpy(chain->engine, row->engine.data, row->engine.size);
  chain->engine[row->engine.size] = '\0';
  chain->branch = row->branch;
  chain->step = row->step;
  chain->version = row->version;
  chain->runnable = row->runnable;
  chain->clone = row->clone;
  return true;
}

/* torpor__state_fn. Says CANCELLED when the chain is complete or broken. */
static torpor_status take_part(void *data, const struct torpor__state *row) {
  struct reader *reader = data;
  struct torpor__state_chain *chain = reader->chain;
  bool first = chain->count == 0;
  bool fits = first ? describe_last(chain, row)
                    : row->step == reader->next && row->branch == chain->branch;
  if (!fits || chain->count == TORPOR__STATE_CHAIN_MAX)
    reader->status = fail_gap(reader);
  else if (!torpor__array_reserve(&chain->parts, &chain->capacity,
                                  chain->count + 1, sizeof *chain->parts))
    reader->status =
        torpor__database_fail(reader->store->database, TORPOR_NOMEM, NULL);
  else
    reader->status = copy_plain(reader, row, &chain->parts[chain->count]);
  if (reader->status != TORPOR_OK) return TORPOR_CANCELLED;
  chain->count++;
  chain->stored += row->snapshot.size;
  reader->next = row->parent_step;
  return row->parent_step == 0 ? TORPOR_CANCELLED : TORPOR_OK;
}

static void reverse(struct torpor__state_chain *chain) {
  for (size_t i = 0; i < chain->count / 2; i++) {
    torpor_slice part = chain->parts[i];
    chain->parts[i] = chain->parts[chain->count - 1 - i];
    chain->parts[chain->count - 1 - i] = part;
  }
}

torpor_status torpor__state_chain_read(struct torpor__state_chain *chain,
                                       torpor_store *store, int64_t number,
                                       const char *id, int64_t step) {
  struct torpor__database *database = store->database;
  struct reader reader = {.chain = chain, .store = store, .id = id};
  *chain = (struct torpor__state_chain){.run = number};
  torpor_status status =
      database->calls->state_each(database, number, step, take_part, &reader);
  if (status == TORPOR_CANCELLED) status = reader.status;
  if (status == TORPOR_OK && chain->count == 0)
    status = torpor__database_fail(
        database, TORPOR_NOT_FOUND,
        "run '%s' has no state before its first step", id);
  else if (status == TORPOR_OK && reader.next != 0)
    status = fail_gap(&reader);
  if (status != TORPOR_OK) {
    torpor__state_chain_free(chain);
    return status;
  }
  reverse(chain);
  return TORPOR_OK;
}

void torpor__state_chain_free(struct torpor__state_chain *chain) {
  for (size_t i = 0; i < chain->count; i++) free((void *)chain->parts[i].data);
  free(chain->parts);
  *chain = (struct torpor__state_chain){0};
}

/* torpor__state_fn */
static torpor_status find_sealed(void *data, const struct torpor__state *row) {
  bool *sealed = data;
  *sealed = *sealed || torpor_snapshot_is_protected(row->snapshot.data,
                                                    row->snapshot.size);
  return TORPOR_OK;
}

/* A store is used either with a key or without: its oldest and its newest state
 * tell. */
torpor_status torpor__state_chain_check(torpor_store *store, const char *id) {
  struct torpor__database *database = store->database;
  bool sealed = false;
  if (store->keyed) return TORPOR_OK;
  torpor_status status =
      database->calls->state_ends(database, find_sealed, &sealed);
  if (status == TORPOR_CORRUPT) status = TORPOR_OK; /* another run's */
  if (status != TORPOR_OK || !sealed) return status;
  return torpor__database_fail(
      database, TORPOR_KEY,
      "run '%s': the states of this store are encrypted, "
      "and its would not be; open the store with its key",
      id);
}

/* ---- waking and writing --------------------------------------------------*/

torpor_status
torpor__state_chain_restore(const struct torpor__state_chain *chain,
                            const torpor_options *options, torpor_vm **vm) {
  const torpor_slice *parts = chain->parts;
  if (chain->count == 1)
    return torpor_snapshot_restore(parts[0].data, parts[0].size, options, vm);
  return torpor_snapshot_restore_chain(parts, chain->count, options, vm);
}

torpor_status torpor__state_chain_seal(torpor_store *store, const char *id,
                                       int64_t branch, int64_t step,
                                       torpor_bytes *bytes) {
  torpor_bytes sealed = {0};
  char context[CONTEXT_MAX];
  if (!store->keyed) return TORPOR_OK;
  int size = write_context(context, id, branch, step);
  torpor_status status =
      torpor_snapshot_protect(bytes->data, bytes->size, store->key,
                              TORPOR_ENCRYPT, context, (size_t)size, &sealed);
  if (status != TORPOR_OK) return status;
  torpor_bytes_free(bytes);
  *bytes = sealed;
  return TORPOR_OK;
}
