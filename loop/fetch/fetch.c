/* SPDX-License-Identifier: MIT */
/* fetch.c - the driver of kind "fetch": asks a server by HTTP.
 *
 * fetch-request.h has the request. The result is
 *
 *   {url, status, statusText, headers, redirected, body}
 *
 * 'body' is a Uint8Array when all of it was there with the head, and else null:
 * it is read from the descriptor that the request named. A durable run gets up
 * to TORPOR__FETCH_WHOLE bytes with the head, so that they sleep with it.
 *
 * Errors of access are NotAllowedErrors. What goes wrong on the way is a
 * TypeError, as the Fetch Standard has it, with a code; a time that ran out is
 * a TimeoutError, a size a RangeError.
 *
 * Waking: a request with a safe method is repeated, others if they say so
 * (torpor__fetch_waking). Those that are have the header Idempotency-Key: the
 * key of the operation in its run, and a random number that the program made
 * when it called fetch. That lies in the request, so it is the same whenever
 * this operation is repeated, and another one for every call, also in copies of
 * a VM, and in stores that use the same names of runs.
 *
 * Runs on the loop's thread. */
#include "loop/fetch/fetch.h"

#include "loop/path.h"
#include "loop/task-end.h"
#include "loop/world.h"

/* ---- Failing -------------------------------------------------------------*/

static void fail_task(struct torpor__transfer *transfer) {
  const struct torpor__fetch_failure *failure = &transfer->failure;
  if (failure->message.data == NULL)
    torpor_task_fail(transfer->task, "RangeError", "out of memory on the host",
                     "ENOMEM");
  else
    torpor_task_fail(transfer->task, failure->name,
                     (const char *)failure->message.data, failure->code);
  transfer->task = NULL;
}

/* ---- The response --------------------------------------------------------*/

static void write_response(struct torpor__transfer *transfer,
                           torpor_writer *writer, bool whole) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  const struct torpor__fetch_bytes *bytes = &transfer->bytes;
  char *url = NULL;
  curl->url_get(transfer->url, CURLUPART_URL, &url, CURLU_NO_DEFAULT_PORT);
  torpor_writer_object(writer, SIZE_MAX);
  torpor_writer_key(writer, "url", SIZE_MAX);
  /* As the program wrote it, unless it was led elsewhere. */
  torpor_writer_string(
      writer, transfer->hops == 0 || url == NULL ? transfer->request.url : url,
      SIZE_MAX);
  curl->free(url);
  torpor_writer_key(writer, "status", SIZE_MAX);
  torpor_writer_integer(writer, transfer->head.status);
  torpor__head_write(&transfer->head, writer);
  torpor_writer_key(writer, "redirected", SIZE_MAX);
  torpor_writer_boolean(writer, transfer->hops > 0);
  torpor_writer_key(writer, "body", SIZE_MAX);
  if (whole)
    torpor_writer_bytes(
        writer, bytes->data == NULL ? "" : (char *)bytes->data + bytes->from,
        bytes->size - bytes->from);
  else
    torpor_writer_null(writer);
  torpor_writer_end(writer);
}

/* Gives the task its response. */
static void give_response(struct torpor__transfer *transfer, bool whole) {
  torpor_writer *writer = NULL;
  torpor_writer_open(NULL, 0, &writer);
  write_response(transfer, writer, whole);
  torpor__task_finish_written(transfer->task, writer);
  transfer->task = NULL;
}

/* The head is here: gives the response, unless more of it is waited for. */
static void settle_task(struct torpor__transfer *transfer) {
  const struct torpor__fetch_bytes *bytes = &transfer->bytes;
  bool small = bytes->size - bytes->from <= TORPOR__FETCH_WHOLE;
  bool failed = transfer->failure.message.data != NULL;
  if (!transfer->running && small && !failed) {
    give_response(transfer, true);
  } else if (!transfer->whole || !small) {
    if (torpor__body_open(transfer)) {
      give_response(transfer, false);
      return;
    }
    torpor__transfer_fail(transfer, "TypeError", "EBUSY",
                          "the number for the body is in use, or the program "
                          "has too many descriptors");
    torpor__fetch_stop(transfer);
    fail_task(transfer);
  }
}

/* torpor__fetcher.settle */
static void settle(struct torpor__transfer *transfer) {
  bool failed = transfer->failure.message.data != NULL;
  if (transfer->redirecting && !transfer->running && !failed) {
    if (torpor__hop_follow(transfer)) return;
    failed = true;
  }
  /* What fails behind the head fails whoever reads the body. */
  bool headed = transfer->head.done && !transfer->redirecting &&
                !(failed && transfer->whole);
  if (transfer->task != NULL && !headed && !transfer->running)
    fail_task(transfer);
  else if (transfer->task != NULL && headed)
    settle_task(transfer);
  torpor__body_answer(transfer);
  torpor__transfer_release(transfer);
}

/* ---- Beginning and ending ------------------------------------------------*/

/* Whether 'key' may be in a header. */
static bool is_plain(const char *key) {
  for (; *key != '\0'; key++)
    if (*key < 33 || *key > 126) return false;
  return true;
}

/* Makes the key of a request that is repeated; false: memory ran out. */
static bool make_key(struct torpor__transfer *transfer) {
  const torpor_operation *operation = torpor_task_operation(transfer->task);
  const char *nonce = transfer->request.nonce;
  const char *key = operation->key;
  torpor_bytes text;
  if (nonce[0] == '\0' ||
      torpor__fetch_waking(operation, NULL) != TORPOR_REPEAT)
    return true;
  bool named = key != NULL && is_plain(key);
  if (torpor__format(&text, "%s%s%s", named ? key : "", named ? "/" : "",
                     nonce) != TORPOR_OK)
    return false;
  transfer->key = (char *)text.data;
  return true;
}

static bool read_url(struct torpor__transfer *transfer) {
  const struct torpor__curl *curl = transfer->fetcher->curl;
  transfer->url = curl->url();
  if (transfer->url == NULL) {
    torpor__transfer_fail(transfer, "RangeError", "ENOMEM",
                          "out of memory on the host");
    return false;
  }
  if (curl->url_set(transfer->url, CURLUPART_URL, transfer->request.url,
                    CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
      curl->url_set(transfer->url, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK)
    return true;
  torpor__transfer_fail(transfer, "TypeError", "EINVAL",
                        "only http: and https: URLs can be fetched");
  return false;
}

/* Opens all that the transfer needs, and begins. False: it failed, or there is
 * a sentence about it. */
static bool begin(struct torpor__transfer *transfer, const char **sentence) {
  transfer->fetcher = torpor__fetcher_of(torpor_task_loop(transfer->task),
                                         torpor__hop_done, settle, sentence);
  if (transfer->fetcher == NULL) return false;
  if (!read_url(transfer)) return false;
  *sentence = "out of memory on the host";
  if (!make_key(transfer)) return false;
  *sentence =
      "the number of the stream is in use, or the program has too many "
      "descriptors";
  if (transfer->request.upload != TORPOR__FETCH_NONE &&
      !torpor__upload_open(transfer))
    return false;
  return torpor__hop_start(transfer);
}

static void start_fetch(torpor_task *task, void *user) {
  const char *sentence = "out of memory on the host";
  torpor_bytes why = {0};
  (void)user;
  struct torpor__transfer *transfer = calloc(1, sizeof(*transfer));
  if (transfer == NULL) {
    torpor_task_fail(task, "RangeError", sentence, "ENOMEM");
    return;
  }
  torpor__list_init(&transfer->link);
  transfer->task = task;
  transfer->world = torpor_task_world(task);
  torpor_task_set_state(task, transfer);
  if (!torpor__fetch_request_read(torpor_task_operation(task),
                                  &transfer->request, &why)) {
    torpor_task_fail(task, "TypeError",
                     why.data == NULL ? sentence : (char *)why.data, "EINVAL");
    torpor_bytes_free(&why);
  } else {
    const torpor_world *world = transfer->world;
    transfer->whole =
        transfer->request.fd == TORPOR__FETCH_NONE ||
        (world != NULL && world->options.durable && !transfer->request.stream);
    if (begin(transfer, &sentence)) return;
    if (transfer->failure.message.data != NULL)
      fail_task(transfer);
    else
      torpor_task_fail(task, "Error", sentence, "EFETCH");
  }
  transfer->task = NULL;
  torpor__transfer_release(transfer);
}

static void cancel_fetch(torpor_task *task, void *user) {
  struct torpor__transfer *transfer = torpor_task_state(task);
  (void)user;
  transfer->task = NULL;
  torpor__fetch_stop(transfer);
  torpor__upload_end(transfer);
  torpor__transfer_release(transfer);
}

/* torpor_driver.drop: nobody knows the response, so nobody reads its body. */
static void drop_fetch(torpor_task *task, void *user, torpor_outcome outcome,
                       const void *data, size_t size) {
  torpor_reader *reader = NULL;
  uint64_t number = TORPOR__FETCH_NONE;
  const torpor_operation *operation = torpor_task_operation(task);
  (void)user, (void)data, (void)size;
  if (outcome != TORPOR_RESOLVE ||
      torpor_reader_open(operation->request, operation->request_size,
                         &reader) != TORPOR_OK)
    return;
  if (torpor_reader_type(reader) == TORPOR_DATA_OBJECT) {
    torpor_reader_enter(reader);
    if (torpor_reader_find(reader, "fd", 2) &&
        torpor_reader_type(reader) == TORPOR_DATA_NUMBER) {
      double fd = torpor_reader_number(reader);
      if (fd >= 0 && fd <= 9007199254740991.0) number = (uint64_t)fd;
    }
  }
  torpor_reader_close(reader);
  struct torpor__descriptor *body =
      torpor__descriptor_find(torpor_task_world(task), number);
  if (torpor__body_is(body)) torpor__descriptor_close(body);
}

torpor_status torpor__fetch_add(torpor_loop *loop) {
  static const torpor_driver driver = {.size = sizeof(torpor_driver),
                                       .kind = "fetch",
                                       .waking = TORPOR_LOST,
                                       .start = start_fetch,
                                       .cancel = cancel_fetch,
                                       .waking_of = torpor__fetch_waking,
                                       .drop = drop_fetch};
  return torpor_loop_add_driver(loop, &driver);
}
