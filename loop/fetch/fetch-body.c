/* SPDX-License-Identifier: MIT */
/* fetch-body.c - the bodies of a transfer, as descriptors. See fetch.h.
 *
 * The response's is read:
 *
 *   libcurl --take--> bytes (at most TORPOR__FETCH_AHEAD) --answer--> reader
 *
 * When that is full, libcurl is told to pause, and the sender waits until
 * somebody reads. The request's is written: 'data' is what the writer has left,
 * and when there is none, libcurl pauses until something is written.
 *
 *  (1) A reader waits only while 'bytes' is empty and libcurl runs, or until
 *      the note that something came is acted on.
 *
 * Runs on the loop's thread. */
#include <stddef.h>

#include "common/array.h"
#include "loop/fetch/fetch.h"
#include "loop/request.h"
#include "loop/task-end.h"

/* Behind so much of a redirect's body it is not worth to keep the connection.
 */
enum { DROPPED_MOST = 1 << 16 };

static struct torpor__transfer *of_body(struct torpor__descriptor *body) {
  return (void *)((char *)body - offsetof(struct torpor__transfer, body));
}

static struct torpor__transfer *of_upload(struct torpor__descriptor *upload) {
  return (void *)((char *)upload - offsetof(struct torpor__transfer, upload));
}

/* Tells libcurl which directions are paused. */
static void tell_paused(struct torpor__transfer *transfer) {
  int paused = (transfer->body_paused ? CURLPAUSE_RECV : 0) |
               (transfer->upload_paused ? CURLPAUSE_SEND : 0);
  if (transfer->running)
    transfer->fetcher->curl->easy_pause(transfer->easy, paused);
}

/* ---- The response's ------------------------------------------------------*/

static size_t waiting(const struct torpor__fetch_bytes *bytes) {
  return bytes->size - bytes->from;
}

static bool append(struct torpor__fetch_bytes *bytes, const void *data,
                   size_t size) {
  if (bytes->from > 0) {
    memmove(bytes->data, bytes->data + bytes->from, waiting(bytes));
    bytes->size -= bytes->from;
    bytes->from = 0;
  }
  if (!torpor__array_reserve(&bytes->data, &bytes->capacity, bytes->size + size,
                             1))
    return false;
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
  return true;
}

/* CURLOPT_WRITEFUNCTION */
size_t torpor__body_take(char *data, size_t size, size_t count, void *user) {
  struct torpor__transfer *transfer = user;
  size *= count;
  if (transfer->redirecting) {
    transfer->dropped += size;
    return transfer->dropped > DROPPED_MOST ? 0 : size;
  }
  bool whole = transfer->whole && transfer->task != NULL;
  size_t most = whole ? TORPOR__FETCH_WHOLE : TORPOR__FETCH_AHEAD;
  torpor__fetch_note(transfer);
  if (waiting(&transfer->bytes) + size > most) {
    transfer->whole = false;
    if (waiting(&transfer->bytes) > 0) {
      transfer->body_paused = true;
      return CURL_WRITEFUNC_PAUSE;
    }
  }
  return append(&transfer->bytes, data, size) ? size : 0;
}

static void give_bytes(struct torpor__transfer *transfer, torpor_task *task,
                       size_t largest) {
  struct torpor__fetch_bytes *bytes = &transfer->bytes;
  size_t size = waiting(bytes) < largest ? waiting(bytes) : largest;
  uint8_t *memory = malloc(TORPOR__RESULT_HEAD + size);
  if (memory == NULL) {
    torpor__task_fail_system(task, "reading", UV_ENOMEM);
    return;
  }
  memcpy(memory + TORPOR__RESULT_HEAD, bytes->data + bytes->from, size);
  bytes->from += size;
  torpor__task_finish_bytes(task, memory, size);
}

void torpor__body_answer(struct torpor__transfer *transfer) {
  torpor_task *task = transfer->reader;
  if (task == NULL) return;
  if (waiting(&transfer->bytes) == 0 && transfer->running) return;
  transfer->reader = NULL;
  if (waiting(&transfer->bytes) > 0)
    give_bytes(transfer, task, transfer->largest);
  else if (transfer->failure.message.data == NULL)
    torpor__task_finish_null(task);
  else
    torpor_task_fail(task, transfer->failure.name,
                     (const char *)transfer->failure.message.data,
                     transfer->failure.code);
}

static void read_body(struct torpor__descriptor *descriptor, torpor_task *task,
                      size_t largest) {
  struct torpor__transfer *transfer = of_body(descriptor);
  struct torpor__fetcher *fetcher = transfer->fetcher;
  if (transfer->reader != NULL) {
    torpor_task_fail(task, "Error", "the response is being read already",
                     "EBUSY");
    return;
  }
  transfer->reader = task;
  transfer->largest = largest;
  torpor__body_answer(transfer);
  if (!transfer->body_paused || waiting(&transfer->bytes) > 0) return;
  transfer->body_paused = false;
  tell_paused(transfer);
  torpor__fetch_settle(fetcher);
}

static void cancel_read(struct torpor__descriptor *descriptor,
                        torpor_task *task) {
  struct torpor__transfer *transfer = of_body(descriptor);
  if (transfer->reader == task) transfer->reader = NULL;
}

/* Puts the bytes of a result in front of the others. */
static void untake_bytes(struct torpor__descriptor *descriptor,
                         const void *data, size_t size) {
  struct torpor__fetch_bytes *bytes = &of_body(descriptor)->bytes;
  struct torpor__fetch_bytes both = {0};
  torpor_reader *reader;
  torpor_view view;
  if (torpor_reader_open(data, size, &reader) != TORPOR_OK) return;
  if (torpor_reader_type(reader) == TORPOR_DATA_VIEW) {
    torpor_slice taken = torpor_reader_view(reader, &view);
    if (append(&both, taken.data, taken.size) &&
        (waiting(bytes) == 0 ||
         append(&both, bytes->data + bytes->from, waiting(bytes)))) {
      free(bytes->data);
      *bytes = both;
    } else {
      free(both.data);
    }
  }
  torpor_reader_close(reader);
}

static void close_body(struct torpor__descriptor *descriptor) {
  struct torpor__transfer *transfer = of_body(descriptor);
  transfer->body_open = false;
  if (transfer->reader != NULL) torpor__task_fail_closed(transfer->reader);
  transfer->reader = NULL;
  torpor__fetch_stop(transfer);
  torpor__upload_end(transfer);
  torpor__transfer_release(transfer);
}

static const struct torpor__descriptor_type body_type = {
    .name = "the body of a response",
    .read = read_body,
    .cancel = cancel_read,
    .untake = untake_bytes,
    .close = close_body,
};

bool torpor__body_is(const struct torpor__descriptor *descriptor) {
  return descriptor != NULL && descriptor->type == &body_type;
}

bool torpor__body_open(struct torpor__transfer *transfer) {
  transfer->body.type = &body_type;
  transfer->body_open = torpor__descriptor_add(
      transfer->world, transfer->request.fd, &transfer->body);
  return transfer->body_open;
}

/* ---- The request's -------------------------------------------------------*/

/* CURLOPT_READFUNCTION */
size_t torpor__upload_give(char *data, size_t size, size_t count, void *user) {
  struct torpor__transfer *transfer = user;
  size_t given = size * count;
  if (transfer->writer == NULL) {
    if (transfer->upload_ended) return 0;
    if (!transfer->upload_open) return CURL_READFUNC_ABORT;
    transfer->upload_paused = true;
    return CURL_READFUNC_PAUSE;
  }
  if (given > transfer->data.size) given = transfer->data.size;
  memcpy(data, transfer->data.data, given);
  transfer->data.data = (const uint8_t *)transfer->data.data + given;
  transfer->data.size -= given;
  if (transfer->data.size == 0) {
    torpor__task_finish_empty(transfer->writer);
    transfer->writer = NULL;
  }
  return given;
}

static void go_on(struct torpor__transfer *transfer) {
  struct torpor__fetcher *fetcher = transfer->fetcher;
  if (!transfer->upload_paused) return;
  transfer->upload_paused = false;
  tell_paused(transfer);
  torpor__fetch_settle(fetcher);
}

static void fail_over(torpor_task *task) {
  torpor_task_fail(task, "Error", "the request is over: nobody reads its body",
                   "EPIPE");
}

static void write_upload(struct torpor__descriptor *descriptor,
                         torpor_task *task, torpor_slice data) {
  struct torpor__transfer *transfer = of_upload(descriptor);
  if (!transfer->running || transfer->redirecting) {
    fail_over(task);
  } else if (transfer->writer != NULL || transfer->upload_ended) {
    torpor_task_fail(task, "Error",
                     transfer->upload_ended
                         ? "the body of the request was ended"
                         : "the body of the request is being written already",
                     "EBUSY");
  } else if (data.size == 0) {
    torpor__task_finish_empty(task);
  } else {
    transfer->writer = task;
    transfer->data = data;
    go_on(transfer);
  }
}

static void end_upload(struct torpor__descriptor *descriptor,
                       torpor_task *task) {
  struct torpor__transfer *transfer = of_upload(descriptor);
  transfer->upload_ended = true;
  torpor__task_finish_empty(task);
  go_on(transfer);
}

static void cancel_write(struct torpor__descriptor *descriptor,
                         torpor_task *task) {
  struct torpor__transfer *transfer = of_upload(descriptor);
  if (transfer->writer != task) return;
  transfer->writer = NULL;
  transfer->data = (torpor_slice){0};
}

void torpor__upload_end(struct torpor__transfer *transfer) {
  if (transfer->writer != NULL) fail_over(transfer->writer);
  transfer->writer = NULL;
}

static void close_upload(struct torpor__descriptor *descriptor) {
  struct torpor__transfer *transfer = of_upload(descriptor);
  torpor__upload_end(transfer);
  transfer->upload_open = false;
  if (transfer->running)
    go_on(transfer); /* aborts it, unless all was written */
  else
    torpor__transfer_release(transfer);
}

static const struct torpor__descriptor_type upload_type = {
    .name = "the body of a request",
    .write = write_upload,
    .end = end_upload,
    .cancel = cancel_write,
    .close = close_upload,
};

bool torpor__upload_open(struct torpor__transfer *transfer) {
  transfer->upload.type = &upload_type;
  transfer->upload_open = torpor__descriptor_add(
      transfer->world, transfer->request.upload, &transfer->upload);
  return transfer->upload_open;
}
