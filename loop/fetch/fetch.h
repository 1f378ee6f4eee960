/* SPDX-License-Identifier: MIT */
/* fetch.h - what the files of fetch share.
 *
 *   fetch.c           the driver: tasks begin and end transfers
 *   fetch-request.c   what a program asks for
 *   fetch-hop.c       one request and its answer; where a redirect leads
 *   fetch-head.c      the head of a response
 *   fetch-body.c      both bodies, as descriptors
 *   fetch-multi.c     libcurl on the loop
 *   fetch-transfer.c  what ends a transfer
 *   curl.c            libcurl
 *
 *            start        head is in           all of the body was read
 *   (task) --------> hop ------------> body --------------------------> gone
 *                    ^ |                 |       or the world closed it
 *                    +-+ redirect        | libcurl is done
 *                                        v
 *                                      kept: what was not read yet
 *
 *  (1) Functions that libcurl calls only note what came, and put the transfer
 *      into the fetcher's list; torpor__fetch_settle acts on it when libcurl
 *      has returned. So no transfer ends inside of libcurl.
 *  (2) A transfer is freed when libcurl does not have it, its task is done or
 *      gone, and neither of its descriptors is open: torpor__transfer_release.
 *  (3) What was checked is what libcurl connects to: both are in 'url'.
 *
 * Runs on the loop's thread. */
#ifndef TORPOR_LOOP_FETCH_H
#define TORPOR_LOOP_FETCH_H

#include "loop/descriptor.h"
#include "loop/fetch/curl.h"
#include "loop/fetch/fetch-request.h"

enum {
  TORPOR__FETCH_REDIRECTS = 20,
  /* Of a durable run: most bytes of a body that are given with the head. */
  TORPOR__FETCH_WHOLE = 1 << 20,
  /* Bytes that wait for a reader before the sender has to. */
  TORPOR__FETCH_AHEAD = 1 << 18,
  TORPOR__FETCH_CONNECT_MS = 30000
};

struct torpor__transfer;

/* libcurl on one loop. */
struct torpor__fetcher {
  torpor_loop *loop;
  const struct torpor__curl *curl;
  CURLM *multi;
  uv_timer_t timer;
  /* Called when libcurl is done with a transfer; and to act on a note. */
  void (*done)(struct torpor__transfer *transfer, CURLcode result);
  void (*settle)(struct torpor__transfer *transfer);
  struct torpor__link settling; /* transfers that something came for */
};

/* The head of a response: pairs of texts, each with a zero byte behind it. */
struct torpor__fetch_head {
  int status;   /* 0: none yet */
  bool done;    /* all of it is here */
  bool crowded; /* it is too large */
  char *text;   /* the reason, then the pairs */
  size_t size, capacity, count;
};

/* Bytes that came and were not read yet. */
struct torpor__fetch_bytes {
  uint8_t *data;
  size_t from, size, capacity;
};

/* Why a transfer failed; no message: it did not. */
struct torpor__fetch_failure {
  torpor_bytes message;
  char name[24], code[24];
};

struct torpor__transfer {
  struct torpor__link link; /* first; in the fetcher's 'settling', or alone */
  struct torpor__fetcher *fetcher;
  torpor_task *task; /* NULL: it has its response, or was cancelled */
  torpor_world *world;
  struct torpor__fetch_request request;
  struct torpor__fetch_failure failure;

  CURL *easy;
  CURLU *url;
  struct curl_slist *headers;
  char *key; /* header Idempotency-Key; NULL: none */
  char message[CURL_ERROR_SIZE];
  unsigned hops, attempts;
  bool running;     /* libcurl has it */
  bool redirecting; /* the response only says where to go */
  bool whole;       /* the body shall be given with the head */
  struct torpor__fetch_head head;
  size_t dropped; /* bytes of a redirect's body */

  struct torpor__descriptor body;
  struct torpor__fetch_bytes bytes;
  torpor_task *reader;
  size_t largest;
  bool body_open, body_paused;

  struct torpor__descriptor upload;
  torpor_task *writer;
  torpor_slice data; /* of the writer, what is left of it */
  bool upload_open, upload_paused, upload_ended;
};

/* fetch-multi.c: the fetcher of 'loop', made with these when there is none.
 * NULL, with a sentence. */
struct torpor__fetcher *torpor__fetcher_of(
    torpor_loop *loop,
    void (*done)(struct torpor__transfer *transfer, CURLcode result),
    void (*settle)(struct torpor__transfer *transfer), const char **why);
/* Notes that something came for 'transfer'; acts on all such notes, after which
 * transfers may be gone. */
void torpor__fetch_note(struct torpor__transfer *transfer);
void torpor__fetch_settle(struct torpor__fetcher *fetcher);
/* Gives 'transfer' to libcurl, and takes it back. */
bool torpor__fetch_run(struct torpor__transfer *transfer);
void torpor__fetch_stop(struct torpor__transfer *transfer);

/* fetch-hop.c: begins the request to 'url'; goes where the response says.
 * False: it failed. Notes that libcurl is done with it. */
bool torpor__hop_start(struct torpor__transfer *transfer);
bool torpor__hop_follow(struct torpor__transfer *transfer);
void torpor__hop_done(struct torpor__transfer *transfer, CURLcode result);

/* fetch-head.c: CURLOPT_HEADERFUNCTION without its user. The value of a header,
 * whose name is in lower case; NULL: there is none. Writes the two properties
 * "statusText" and "headers". */
bool torpor__head_take(struct torpor__fetch_head *head, const char *line,
                       size_t size);
const char *torpor__head_value(const struct torpor__fetch_head *head,
                               const char *name);
void torpor__head_write(const struct torpor__fetch_head *head,
                        torpor_writer *writer);
void torpor__head_clear(struct torpor__fetch_head *head);

/* fetch-body.c: functions for libcurl; opens the descriptors; answers a reader;
 * ends a writer, when nobody takes more. */
size_t torpor__body_take(char *data, size_t size, size_t count, void *user);
size_t torpor__upload_give(char *data, size_t size, size_t count, void *user);
bool torpor__body_open(struct torpor__transfer *transfer);
bool torpor__body_is(const struct torpor__descriptor *descriptor);
bool torpor__upload_open(struct torpor__transfer *transfer);
void torpor__body_answer(struct torpor__transfer *transfer);
void torpor__upload_end(struct torpor__transfer *transfer);

/* fetch-transfer.c: notes the first failure: "fetching URL: WHAT". Frees what
 * nobody needs any more. */
void torpor__transfer_fail(struct torpor__transfer *transfer, const char *name,
                           const char *code, const char *what);
void torpor__transfer_release(struct torpor__transfer *transfer);

#endif
