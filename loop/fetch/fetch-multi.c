/* SPDX-License-Identifier: MIT */
/* fetch-multi.c - libcurl on the loop. See fetch.h.
 *
 * libcurl says which sockets it waits for, and until when; libuv waits, and
 * libcurl is told what happened (curl_multi_socket_action). One of libcurl's
 * "multi" handles serves all programs of a loop, so that they share connections
 * that are kept open.
 *
 *  (1) Whenever libcurl may have done something, torpor__fetch_settle follows.
 *  (2) A socket's watch is stopped before libcurl closes the socket: its number
 *      may be in use again at once.
 *
 * Runs on the loop's thread. */
#include <stdio.h>

#include "loop/fetch/fetch.h"
#include "loop/stream.h"

/* Connections that are kept open for later requests. */
enum { KEPT_MOST = 512 };

struct watch {
  uv_poll_t poll;
  struct torpor__fetcher *fetcher;
  curl_socket_t socket;
  int events;
};

/* ---- What libcurl waits for ----------------------------------------------*/

static void act(struct torpor__fetcher *fetcher, curl_socket_t socket,
                int events) {
  int running;
  fetcher->curl->multi_socket_action(fetcher->multi, socket, events, &running);
  torpor__fetch_settle(fetcher);
}

/* uv_poll_cb */
static void tell_events(uv_poll_t *poll, int failure, int events) {
  struct watch *watch = poll->data;
  int happened = 0;
  if (failure < 0) {
    /* libuv has stopped watching. What came before the error can still be
     * read, and then libcurl sees the error itself. */
    uv_poll_start(poll, watch->events, tell_events);
    happened = CURL_CSELECT_IN | CURL_CSELECT_OUT;
  }
  if (events & UV_READABLE) happened |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) happened |= CURL_CSELECT_OUT;
  act(watch->fetcher, watch->socket, happened);
}

/* uv_timer_cb. libuv may call this before it polls, and would then wait
 * although a task is complete: uv_stop prevents that. */
static void tell_time(uv_timer_t *timer) {
  struct torpor__fetcher *fetcher = timer->data;
  uv_stop(&fetcher->loop->uv);
  act(fetcher, CURL_SOCKET_TIMEOUT, 0);
}

static void free_watch(uv_handle_t *handle) {
  free(handle->data);
}

static struct watch *add_watch(struct torpor__fetcher *fetcher,
                               curl_socket_t socket) {
  struct watch *watch = calloc(1, sizeof(*watch));
  if (watch == NULL) return NULL;
  watch->fetcher = fetcher;
  watch->socket = socket;
  watch->poll.data = watch;
  if (uv_poll_init_socket(&fetcher->loop->uv, &watch->poll, socket) != 0) {
    free(watch);
    return NULL;
  }
  fetcher->curl->multi_assign(fetcher->multi, socket, watch);
  return watch;
}

/* CURLMOPT_SOCKETFUNCTION */
static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *user,
                        void *known) {
  struct torpor__fetcher *fetcher = user;
  struct watch *watch = known;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (watch == NULL) return 0;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
    return 0;
  }
  if (watch == NULL) watch = add_watch(fetcher, socket);
  if (watch == NULL) return -1;
  watch->events = 0;
  if (what & CURL_POLL_IN) watch->events |= UV_READABLE;
  if (what & CURL_POLL_OUT) watch->events |= UV_WRITABLE;
  return uv_poll_start(&watch->poll, watch->events, tell_events) == 0 ? 0 : -1;
}

/* CURLMOPT_TIMERFUNCTION */
static int set_timer(CURLM *multi, long ms, void *user) {
  struct torpor__fetcher *fetcher = user;
  (void)multi;
  if (ms < 0) return uv_timer_stop(&fetcher->timer) == 0 ? 0 : -1;
  uv_update_time(&fetcher->loop->uv);
  return uv_timer_start(&fetcher->timer, tell_time, (uint64_t)ms, 0) == 0 ? 0
                                                                          : -1;
}

/* ---- What came of it -----------------------------------------------------*/

void torpor__fetch_note(struct torpor__transfer *transfer) {
  if (torpor__list_empty(&transfer->link))
    torpor__list_append(&transfer->fetcher->settling, &transfer->link);
}

static void take_ended(struct torpor__fetcher *fetcher) {
  const struct torpor__curl *curl = fetcher->curl;
  CURLMsg *message;
  int left;
  while ((message = curl->multi_info_read(fetcher->multi, &left)) != NULL) {
    struct torpor__transfer *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode result = message->data.result;
    curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                       (char **)&transfer);
    fetcher->done(transfer, result);
    torpor__fetch_note(transfer);
  }
}

void torpor__fetch_settle(struct torpor__fetcher *fetcher) {
  take_ended(fetcher);
  while (!torpor__list_empty(&fetcher->settling)) {
    struct torpor__transfer *transfer = (void *)fetcher->settling.next;
    torpor__link_remove(&transfer->link);
    fetcher->settle(transfer);
  }
}

bool torpor__fetch_run(struct torpor__transfer *transfer) {
  struct torpor__fetcher *fetcher = transfer->fetcher;
  transfer->running = fetcher->curl->multi_add_handle(
                          fetcher->multi, transfer->easy) == CURLM_OK;
  return transfer->running;
}

void torpor__fetch_stop(struct torpor__transfer *transfer) {
  struct torpor__fetcher *fetcher = transfer->fetcher;
  if (transfer->running)
    fetcher->curl->multi_remove_handle(fetcher->multi, transfer->easy);
  transfer->running = false;
}

/* ---- One for a loop ------------------------------------------------------*/

static void free_fetcher(uv_handle_t *handle) {
  free(handle->data);
}

static void set_options(struct torpor__fetcher *fetcher) {
  const struct torpor__curl *curl = fetcher->curl;
  CURLM *multi = fetcher->multi;
  curl->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl->multi_setopt(multi, CURLMOPT_SOCKETDATA, fetcher);
  curl->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl->multi_setopt(multi, CURLMOPT_TIMERDATA, fetcher);
  curl->multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_MOST);
}

struct torpor__fetcher *torpor__fetcher_of(
    torpor_loop *loop,
    void (*done)(struct torpor__transfer *transfer, CURLcode result),
    void (*settle)(struct torpor__transfer *transfer), const char **why) {
  if (loop->fetcher != NULL) return loop->fetcher;
  const struct torpor__curl *curl = torpor__curl_load(why);
  if (curl == NULL) return NULL;
  *why = "out of memory on the host";
  struct torpor__fetcher *fetcher = calloc(1, sizeof(*fetcher));
  if (fetcher == NULL) return NULL;
  fetcher->loop = loop;
  fetcher->curl = curl;
  fetcher->done = done;
  fetcher->settle = settle;
  torpor__stream_ignore_broken_pipes(); /* libcurl's TLS does not */
  fetcher->multi = curl->multi_init();
  if (fetcher->multi == NULL) {
    free(fetcher);
    return NULL;
  }
  torpor__list_init(&fetcher->settling);
  uv_timer_init(&loop->uv, &fetcher->timer);
  fetcher->timer.data = fetcher;
  set_options(fetcher);
  loop->fetcher = fetcher;
  return fetcher;
}

void torpor__fetch_close(torpor_loop *loop) {
  struct torpor__fetcher *fetcher = loop->fetcher;
  if (fetcher == NULL) return;
  loop->fetcher = NULL;
  fetcher->curl->multi_cleanup(fetcher->multi);
  uv_close((uv_handle_t *)&fetcher->timer, free_fetcher);
}
