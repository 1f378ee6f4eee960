/* SPDX-License-Identifier: MIT */
/* mailbox.c - signals to runs: sending, and matching with who waits.
 *
 * Messages are kept in an array by rising sequence, which is the order in
 * which the store got them; matching walks it from the front. A mailbox is
 * small: messages leave as soon as somebody waits for them, and sending has a
 * limit.
 *
 *  (1) A message is in the array once: 'last' tells which are known already.
 *  (2) At most one message is held for an operation.
 *
 * Runs on the worker's thread; sending, on that of whoever sends. */
#include "mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "fault.h"

static torpor_status check_sendable(struct torpor__store *store, int64_t run) {
  struct torpor__head head;
  torpor_status status = store->calls->head_get(store, run, &head);
  if (status != TORPOR_OK) return status;
  if (head.status != TORPOR__RUN_ACTIVE && head.status != TORPOR__RUN_PARKED)
    return torpor__store_fail(store, TORPOR_ENDED, NULL);
  struct torpor__counts counts;
  status = store->calls->run_count(store, run, &counts);
  if (status == TORPOR_OK && counts.signals >= TORPOR__MAILBOX_COUNT_MAX)
    return torpor__store_fail(store, TORPOR_LIMIT,
                              "%d signals wait in this run already; send more "
                              "when it has taken some",
                              TORPOR__MAILBOX_COUNT_MAX);
  return status;
}

static torpor_status write_signal(struct torpor__store *store, int64_t run,
                                  const struct torpor__signal *row) {
  torpor_status status = store->calls->begin(store);
  if (status != TORPOR_OK) return status;
  status = check_sendable(store, run);
  if (status == TORPOR_OK) status = store->calls->signal_add(store, run, row);
  TORPOR__FAULT(SIGNAL_BEFORE);
  if (status == TORPOR_OK) status = store->calls->commit(store);
  if (status != TORPOR_OK) store->calls->rollback(store);
  return status;
}

torpor_status torpor__mailbox_send(struct torpor__store *store, int64_t run,
                                   const char *topic,
                                   struct torpor__slice value, int64_t now_ms) {
  if (strlen(topic) > TORPOR__TOPIC_MAX)
    return torpor__store_fail(store, TORPOR_LIMIT,
                              "a signal's name has at most %d bytes",
                              TORPOR__TOPIC_MAX);
  if (value.size > TORPOR__SIGNAL_SIZE_MAX)
    return torpor__store_fail(store, TORPOR_LIMIT,
                              "a signal's value has at most %d bytes",
                              TORPOR__SIGNAL_SIZE_MAX);
  struct torpor__signal row = {
      .topic = topic, .value = value, .sent_ms = now_ms};
  torpor_status status = write_signal(store, run, &row);
  if (status == TORPOR_OK) TORPOR__FAULT(SIGNAL_AFTER);
  return status;
}

static torpor_status put_message(void *data, const struct torpor__signal *row) {
  struct torpor__mailbox *box = data;
  if (row->sequence <= box->last) return TORPOR_OK;
  if (!torpor__array_reserve(&box->messages, &box->capacity, box->count + 1,
                             sizeof *box->messages))
    return TORPOR_NOMEM;
  char *topic = torpor__array_copy(row->topic, strlen(row->topic) + 1);
  void *value = torpor__array_copy(row->value.data, row->value.size);
  if (topic == NULL || value == NULL) {
    free(topic);
    free(value);
    return TORPOR_NOMEM;
  }
  box->messages[box->count++] =
      (struct torpor__message){.sequence = row->sequence,
                               .topic = topic,
                               .value = value,
                               .size = row->value.size};
  box->last = row->sequence;
  return TORPOR_OK;
}

torpor_status torpor__mailbox_refresh(struct torpor__mailbox *box,
                                      struct torpor__store *store,
                                      int64_t run) {
  torpor_status status =
      store->calls->signal_each(store, run, box->last, put_message, box);
  return status == TORPOR_NOMEM ? torpor__store_fail(store, status, NULL)
                                : status;
}

static struct torpor__message *find_free(const struct torpor__mailbox *box,
                                         const char *topic) {
  for (size_t i = 0; i < box->count; i++) {
    struct torpor__message *message = &box->messages[i];
    if (!message->held && strcmp(message->topic, topic) == 0) return message;
  }
  return NULL;
}

struct torpor__message *torpor__mailbox_match(struct torpor__mailbox *box,
                                              const char *topic, int64_t branch,
                                              uint64_t operation) {
  struct torpor__message *message = find_free(box, topic);
  if (message == NULL) return NULL;
  message->held = true;
  message->branch = branch;
  message->operation = operation;
  return message;
}

bool torpor__mailbox_has(const struct torpor__mailbox *box, const char *topic) {
  return find_free(box, topic) != NULL;
}

struct torpor__message *torpor__mailbox_held(const struct torpor__mailbox *box,
                                             int64_t branch,
                                             uint64_t operation) {
  for (size_t i = 0; i < box->count; i++) {
    struct torpor__message *message = &box->messages[i];
    if (message->held && message->branch == branch &&
        message->operation == operation)
      return message;
  }
  return NULL;
}

void torpor__mailbox_give_back(struct torpor__mailbox *box) {
  for (size_t i = 0; i < box->count; i++) box->messages[i].held = false;
}

static void free_message(struct torpor__message *message) {
  free(message->topic);
  free(message->value);
}

void torpor__mailbox_take(struct torpor__mailbox *box, int64_t sequence) {
  for (size_t i = 0; i < box->count; i++) {
    if (box->messages[i].sequence != sequence) continue;
    free_message(&box->messages[i]);
    box->count--;
    memmove(&box->messages[i], &box->messages[i + 1],
            (box->count - i) * sizeof *box->messages);
    return;
  }
}

void torpor__mailbox_clear(struct torpor__mailbox *box) {
  for (size_t i = 0; i < box->count; i++) free_message(&box->messages[i]);
  free(box->messages);
  *box = (struct torpor__mailbox){0};
}
