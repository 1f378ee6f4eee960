/* SPDX-License-Identifier: MIT */
/* operation.c - an operation of a VM, copied into the row that is kept of it.
 * See operation.h. */
#include "run/state/operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cbor.h"
#include "common/search.h"

#define TIME_LARGEST INT64_C(8640000000000000) /* of ECMAScript, in ms */

/* The name of the signal that an operation waits for: its request's 'name'. */
static bool read_topic(torpor_slice request, torpor_slice *topic) {
  torpor__cbor_reader reader = torpor__cbor_read(request.data, request.size);
  *topic = (torpor_slice){.data = "", .size = 0};
  size_t pairs = torpor__cbor_get_map(&reader);
  for (size_t i = 0; i < pairs && !reader.bad; i++) {
    torpor_slice key = torpor__cbor_get_text(&reader);
    if (torpor__slice_is(key, "name"))
      *topic = torpor__cbor_get_text(&reader);
    else
      torpor__cbor_get_past(&reader);
  }
  return !reader.bad && topic->size > 0;
}

/* Puts the name behind the request; there is room for the longest. */
static torpor_status copy_topic(struct torpor__operation *copy, char *at,
                                char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  torpor_slice topic;
  if (!read_topic(copy->request, &topic)) {
    snprintf(message, TORPOR__DATABASE_MESSAGE_MAX,
             "the name of a signal is a text without U+0000");
    return TORPOR_LIMIT;
  }
  if (topic.size > TORPOR__TOPIC_MAX) {
    snprintf(message, TORPOR__DATABASE_MESSAGE_MAX,
             "the name of a signal has at most %d bytes", TORPOR__TOPIC_MAX);
    return TORPOR_LIMIT;
  }
  memcpy(at, topic.data, topic.size);
  at[topic.size] = '\0';
  copy->topic = at;
  return TORPOR_OK;
}

/* 'due' comes from guest memory, and need not be a time at all. */
static int64_t read_time(double time, int64_t none) {
  if (!(time > 0)) return none;
  return time < (double)TIME_LARGEST ? (int64_t)time : TIME_LARGEST;
}

torpor_status
torpor__operation_copy(const torpor_operation *operation,
                       struct torpor__operation *copy,
                       char message[TORPOR__DATABASE_MESSAGE_MAX]) {
  size_t kind = strlen(operation->kind) + 1, request = operation->request_size;
  char *block = malloc(kind + request + TORPOR__TOPIC_MAX + 1);
  if (block == NULL) {
    snprintf(message, TORPOR__DATABASE_MESSAGE_MAX, "out of memory");
    return TORPOR_NOMEM;
  }
  memcpy(block, operation->kind, kind);
  if (request > 0) memcpy(block + kind, operation->request, request);
  *copy = (struct torpor__operation){
      .id = operation->id,
      .kind = block,
      .request = {.data = block + kind, .size = request},
      .due_ms = read_time(operation->due, TORPOR__NEVER),
      .begun_ms = read_time(operation->begun, 0)};
  if (strcmp(block, "signal") != 0) return TORPOR_OK;
  torpor_status status = copy_topic(copy, block + kind + request, message);
  if (status != TORPOR_OK) free(block);
  return status;
}

void torpor__operation_free(struct torpor__operation *copies, size_t count) {
  for (size_t i = 0; i < count; i++) free((char *)copies[i].kind);
}

int torpor__operation_compare(const void *key, const void *operation) {
  const struct torpor__operation *other = operation;
  return torpor__compare_u64(key, &other->id);
}
