/* SPDX-License-Identifier: MIT */
/* signals.c - signals to runs: sending them, and giving them to what waits.
 *
 * Each topic has a queue of its messages by rising sequence, and a hash table
 * finds the queue: neither many topics nor many messages make matching slow.
 *
 *      first       first + held          count
 *        ▼              ▼                  ▼
 *   gone │ held for     │ free ... newest  │
 *        └ what waits ──┘
 *
 *  (1) A message is in its queue once: 'last' tells which are known already.
 *  (2) Those held are the oldest of their queue.
 *  (3) There are no empty queues.
 *
 * On the thread of the database. */
#include "run/protocol/signals.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/search.h"
#include "run/fault.h"
#include "run/request.h"

static torpor_status check_sendable(struct torpor__database *database,
                                    int64_t run) {
  struct torpor__head head;
  torpor_status status = database->calls->head_get(database, run, &head);
  if (status != TORPOR_OK) return status;
  if (head.status != TORPOR__RUN_ACTIVE && head.status != TORPOR__RUN_PARKED)
    return torpor__database_fail(database, TORPOR_ENDED, NULL);
  struct torpor__counts counts;
  status = database->calls->run_count(database, run, &counts);
  if (status == TORPOR_OK && counts.signals >= TORPOR__SIGNAL_COUNT_MAX)
    return torpor__database_fail(
        database, TORPOR_LIMIT,
        "%d signals wait in this run already; send more "
        "when it has taken some",
        TORPOR__SIGNAL_COUNT_MAX);
  return status;
}

static torpor_status write_signal(struct torpor__database *database,
                                  int64_t run,
                                  const struct torpor__signal *row) {
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = check_sendable(database, run);
  if (status == TORPOR_OK)
    status = database->calls->signal_add(database, run, row);
  if (status == TORPOR_OK) status = torpor__request_tell(database, run);
  TORPOR__FAULT(SIGNAL_BEFORE);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

torpor_status torpor__signals_send(struct torpor__database *database,
                                   int64_t run, const char *topic,
                                   torpor_slice value, int64_t now_ms) {
  if (strlen(topic) > TORPOR__TOPIC_MAX)
    return torpor__database_fail(database, TORPOR_LIMIT,
                                 "a signal's name has at most %d bytes",
                                 TORPOR__TOPIC_MAX);
  if (value.size > TORPOR__SIGNAL_SIZE_MAX)
    return torpor__database_fail(database, TORPOR_LIMIT,
                                 "a signal's value has at most %d bytes, and "
                                 "this one %zu; send where it lies instead",
                                 TORPOR__SIGNAL_SIZE_MAX, value.size);
  struct torpor__signal row = {
      .topic = topic, .value = value, .sent_ms = now_ms};
  torpor_status status = write_signal(database, run, &row);
  if (status == TORPOR_OK) TORPOR__FAULT(SIGNAL_AFTER);
  return status;
}

/* ---- dropping ----------------------------------------------------------- */

struct wanted {
  int64_t sequence;
  bool found;
};

/* torpor__signal_fn: looks at the first that comes. */
static torpor_status find_signal(void *data, const struct torpor__signal *row) {
  struct wanted *wanted = data;
  wanted->found = row->sequence == wanted->sequence;
  return TORPOR_CANCELLED;
}

static torpor_status remove_signal(struct torpor__database *database,
                                   int64_t run, int64_t sequence) {
  struct wanted wanted = {.sequence = sequence};
  torpor_status status = database->calls->signal_each(
      database, run, sequence - 1, find_signal, &wanted);
  if (status != TORPOR_OK && status != TORPOR_CANCELLED) return status;
  if (!wanted.found)
    return torpor__database_fail(database, TORPOR_NOT_FOUND,
                                 "no signal with the number %lld waits in the "
                                 "mailbox",
                                 (long long)sequence);
  return database->calls->signal_remove(database, run, sequence);
}

torpor_status torpor__signals_drop(struct torpor__database *database,
                                   int64_t run, int64_t sequence) {
  torpor_status status = database->calls->begin(database);
  if (status != TORPOR_OK) return status;
  status = remove_signal(database, run, sequence);
  if (status == TORPOR_OK) status = database->calls->commit(database);
  if (status != TORPOR_OK) database->calls->rollback(database);
  return status;
}

struct torpor__queue {
  struct torpor__queue *next; /* in the bucket */
  struct torpor__message *messages;
  size_t first, held, count, capacity;
  uint32_t hash;
  char topic[];
};

/* ---- topics ------------------------------------------------------------- */

/* FNV-1a. The run's owner chooses the topics: the hash needs no secret. */
static uint32_t hash_topic(const char *topic) {
  uint32_t hash = 2166136261u;
  for (; *topic != '\0'; topic++)
    hash = (hash ^ (unsigned char)*topic) * 16777619u;
  return hash;
}

/* Where the pointer to the queue of 'topic' is, or would be put; NULL when
 * there are no buckets. */
static struct torpor__queue **find_place(const struct torpor__signals *signals,
                                         const char *topic) {
  if (signals->bucket_count == 0) return NULL;
  uint32_t hash = hash_topic(topic);
  struct torpor__queue **place =
      &signals->buckets[hash & (signals->bucket_count - 1)];
  while (*place != NULL &&
         ((*place)->hash != hash || strcmp((*place)->topic, topic) != 0))
    place = &(*place)->next;
  return place;
}

static struct torpor__queue *find_queue(const struct torpor__signals *signals,
                                        const char *topic) {
  struct torpor__queue **place = find_place(signals, topic);
  return place != NULL ? *place : NULL;
}

static bool grow_buckets(struct torpor__signals *signals) {
  size_t count = signals->bucket_count == 0 ? 8 : signals->bucket_count * 2;
  struct torpor__queue **buckets = calloc(count, sizeof *buckets);
  if (buckets == NULL) return false;
  for (size_t i = 0; i < signals->bucket_count; i++)
    while (signals->buckets[i] != NULL) {
      struct torpor__queue *queue = signals->buckets[i];
      signals->buckets[i] = queue->next;
      queue->next = buckets[queue->hash & (count - 1)];
      buckets[queue->hash & (count - 1)] = queue;
    }
  free(signals->buckets);
  signals->buckets = buckets;
  signals->bucket_count = count;
  return true;
}

static struct torpor__queue *add_queue(struct torpor__signals *signals,
                                       const char *topic) {
  if (signals->queue_count == signals->bucket_count && !grow_buckets(signals))
    return NULL;
  size_t size = strlen(topic) + 1;
  struct torpor__queue *queue = calloc(1, sizeof *queue + size);
  if (queue == NULL) return NULL;
  queue->hash = hash_topic(topic);
  memcpy(queue->topic, topic, size);
  *find_place(signals, topic) = queue;
  signals->queue_count++;
  return queue;
}

static void free_queue(struct torpor__queue *queue) {
  for (size_t i = queue->first; i < queue->count; i++)
    free(queue->messages[i].value);
  free(queue->messages);
  free(queue);
}

static void remove_queue(struct torpor__signals *signals, const char *topic) {
  struct torpor__queue **place = find_place(signals, topic), *queue = *place;
  *place = queue->next;
  signals->queue_count--;
  free_queue(queue);
}

/* ---- messages ----------------------------------------------------------- */

/* Makes room for one more at the end, first by moving all to the front. */
static bool reserve_message(struct torpor__queue *queue) {
  if (queue->count == queue->capacity && queue->first > queue->count / 2) {
    memmove(queue->messages, &queue->messages[queue->first],
            (queue->count - queue->first) * sizeof *queue->messages);
    queue->count -= queue->first;
    queue->first = 0;
  }
  return torpor__array_reserve(&queue->messages, &queue->capacity,
                               queue->count + 1, sizeof *queue->messages);
}

static torpor_status put_message(void *data, const struct torpor__signal *row) {
  struct torpor__signals *signals = data;
  if (row->sequence <= signals->last) return TORPOR_OK;
  struct torpor__queue *queue = find_queue(signals, row->topic);
  if (queue == NULL) queue = add_queue(signals, row->topic);
  if (queue == NULL) return TORPOR_NOMEM;
  void *value = torpor__array_copy(row->value.data, row->value.size);
  if (value == NULL || !reserve_message(queue)) {
    free(value);
    if (queue->first == queue->count) remove_queue(signals, row->topic);
    return TORPOR_NOMEM;
  }
  queue->messages[queue->count++] = (struct torpor__message){
      .sequence = row->sequence, .value = value, .size = row->value.size};
  signals->count++;
  signals->last = row->sequence;
  return TORPOR_OK;
}

torpor_status torpor__signals_refresh(struct torpor__signals *signals,
                                      struct torpor__database *database,
                                      int64_t run) {
  torpor_status status = database->calls->signal_each(
      database, run, signals->last, put_message, signals);
  return status == TORPOR_NOMEM ? torpor__database_fail(database, status, NULL)
                                : status;
}

static bool has_free(const struct torpor__queue *queue) {
  return queue != NULL && queue->first + queue->held < queue->count;
}

const struct torpor__message *
torpor__signals_match(struct torpor__signals *signals, const char *topic) {
  struct torpor__queue *queue = find_queue(signals, topic);
  if (!has_free(queue)) return NULL;
  return &queue->messages[queue->first + queue->held++];
}

bool torpor__signals_has(const struct torpor__signals *signals,
                         const char *topic) {
  return has_free(find_queue(signals, topic));
}

void torpor__signals_give_back(struct torpor__signals *signals) {
  for (size_t i = 0; i < signals->bucket_count; i++)
    for (struct torpor__queue *queue = signals->buckets[i]; queue != NULL;
         queue = queue->next)
      queue->held = 0;
}

/* Takes messages[at] out, moving the held ones that are older. */
static void remove_message(struct torpor__queue *queue, size_t at) {
  free(queue->messages[at].value);
  memmove(&queue->messages[queue->first + 1], &queue->messages[queue->first],
          (at - queue->first) * sizeof *queue->messages);
  queue->first++;
  if (queue->held > 0) queue->held--;
}

void torpor__signals_take(struct torpor__signals *signals, const char *topic,
                          int64_t sequence) {
  struct torpor__queue *queue = find_queue(signals, topic);
  if (queue == NULL) return;
  size_t at = queue->first +
              torpor__search(&sequence, queue->messages + queue->first,
                             queue->count - queue->first,
                             sizeof *queue->messages, torpor__compare_i64);
  if (at == queue->count || queue->messages[at].sequence != sequence) return;
  remove_message(queue, at);
  signals->count--;
  if (queue->first == queue->count) remove_queue(signals, topic);
}

void torpor__signals_clear(struct torpor__signals *signals) {
  for (size_t i = 0; i < signals->bucket_count; i++)
    while (signals->buckets[i] != NULL) {
      struct torpor__queue *queue = signals->buckets[i];
      signals->buckets[i] = queue->next;
      free_queue(queue);
    }
  free(signals->buckets);
  *signals = (struct torpor__signals){0};
}

#ifdef TORPOR_TESTING

static void check_queue(const struct torpor__signals *signals,
                        const struct torpor__queue *queue) {
  assert(queue->first < queue->count);
  assert(queue->held <= queue->count - queue->first);
  assert(find_queue(signals, queue->topic) == queue);
  for (size_t i = queue->first; i < queue->count; i++) {
    const struct torpor__message *message = &queue->messages[i];
    assert(message->sequence <= signals->last);
    assert(i == queue->first || message[-1].sequence < message->sequence);
  }
}

size_t torpor__signals_check(const struct torpor__signals *signals) {
  size_t queues = 0, messages = 0, held = 0;
  for (size_t i = 0; i < signals->bucket_count; i++)
    for (const struct torpor__queue *queue = signals->buckets[i]; queue != NULL;
         queue = queue->next) {
      check_queue(signals, queue);
      queues++;
      messages += queue->count - queue->first;
      held += queue->held;
    }
  assert(queues == signals->queue_count && messages == signals->count);
  return held;
}

#endif
