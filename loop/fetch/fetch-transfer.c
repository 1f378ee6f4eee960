/* SPDX-License-Identifier: MIT */
/* fetch-transfer.c - what ends a transfer: a failure, and that nobody needs it
 * any more. See fetch.h.
 *
 * Runs on the loop's thread. */
#include <assert.h>

#include "loop/fetch/fetch.h"
#include "loop/path.h"

/* The URL without what follows '?': that may hold secrets. */
static int shown_size(const char *url) {
  size_t size = strcspn(url, "?#");
  return size > 200 ? 200 : (int)size;
}

void torpor__transfer_fail(struct torpor__transfer *transfer, const char *name,
                           const char *code, const char *what) {
  struct torpor__fetch_failure *failure = &transfer->failure;
  const char *url = transfer->request.url;
  if (failure->message.data != NULL) return;
  if (torpor__format(&failure->message, "fetching %.*s: %s", shown_size(url),
                     url, what) != TORPOR_OK)
    return;
  strncpy(failure->name, name, sizeof(failure->name) - 1);
  strncpy(failure->code, code, sizeof(failure->code) - 1);
}

void torpor__transfer_release(struct torpor__transfer *transfer) {
  if (transfer->running || transfer->task != NULL || transfer->body_open ||
      transfer->upload_open)
    return;
  const struct torpor__fetcher *fetcher = transfer->fetcher;
  assert(transfer->reader == NULL && transfer->writer == NULL);
  torpor__link_remove(&transfer->link);
  if (fetcher != NULL) {
    if (transfer->easy != NULL) fetcher->curl->easy_cleanup(transfer->easy);
    fetcher->curl->url_cleanup(transfer->url);
    fetcher->curl->slist_free_all(transfer->headers);
  }
  torpor__head_clear(&transfer->head);
  torpor__fetch_request_free(&transfer->request);
  torpor_bytes_free(&transfer->failure.message);
  free(transfer->bytes.data);
  free(transfer->key);
  free(transfer);
}
