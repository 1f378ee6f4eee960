/* SPDX-License-Identifier: MIT */
/* poll.c - descriptors that are watched.
 *
 * What the caller has is not what libuv has: the handle lives until libuv has
 * closed it, and the poll until its owner has.
 *
 *  (1) A poll is in the list of its loop until it is *cut*: closed, or left
 *      behind by its loop or its module. A poll that was cut has no handle.
 *  (2) 'polling' of the loop counts the polls that watch for something.
 *  (3) After 'ready' was called the poll may be gone.
 *
 * Runs on the loop's thread. */
#include <assert.h>

#include "loop/loop.h"

struct torpor_poll {
  struct torpor__link link; /* first: a link is its poll */
  torpor_loop *loop;        /* NULL: it was cut */
  uv_poll_t *handle;
  unsigned events; /* what is watched for */
  torpor_ready_fn ready;
  void *user;
  const void *owner; /* the modules of a VM, or NULL */
};

static void free_handle(uv_handle_t *handle) {
  free(handle);
}

static void note_events(torpor_poll *poll, unsigned events) {
  if (poll->events == 0 && events != 0) poll->loop->polling++;
  if (poll->events != 0 && events == 0) poll->loop->polling--;
  poll->events = events;
}

/* Takes 'poll' from its loop. */
static void cut(torpor_poll *poll) {
  if (poll->loop == NULL) return;
  note_events(poll, 0);
  torpor__link_remove(&poll->link);
  uv_close((uv_handle_t *)poll->handle, free_handle);
  poll->handle = NULL;
  poll->loop = NULL;
}

/* After an error libuv watches no longer. */
static void report(uv_poll_t *handle, int failure, int events) {
  torpor_poll *poll = handle->data;
  unsigned seen = 0;
  if (events & UV_READABLE) seen |= TORPOR_POLL_READABLE;
  if (events & UV_WRITABLE) seen |= TORPOR_POLL_WRITABLE;
  if (failure != 0) {
    seen = poll->events;
    note_events(poll, 0);
  }
  poll->loop->stirred = true;
  poll->ready(poll->user, seen);
}

static bool is_good(unsigned events) {
  return (events & ~(unsigned)(TORPOR_POLL_READABLE | TORPOR_POLL_WRITABLE)) ==
         0;
}

torpor_status torpor_poll_change(torpor_poll *poll, unsigned events) {
  int wanted = 0, failure;
  if (poll == NULL || !is_good(events)) return TORPOR_MISUSE;
  if (poll->loop == NULL) return TORPOR_CANCELLED;
  if (events & TORPOR_POLL_READABLE) wanted |= UV_READABLE;
  if (events & TORPOR_POLL_WRITABLE) wanted |= UV_WRITABLE;
  failure = events == 0 ? uv_poll_stop(poll->handle)
                        : uv_poll_start(poll->handle, wanted, report);
  if (failure != 0) return TORPOR_IO;
  note_events(poll, events);
  poll->loop->stirred = true;
  return TORPOR_OK;
}

static torpor_status init_handle(torpor_loop *loop, int descriptor,
                                 uv_poll_t **out) {
  uv_poll_t *handle = malloc(sizeof(*handle));
  if (handle == NULL) return TORPOR_NOMEM;
  int failure = uv_poll_init(&loop->uv, handle, descriptor);
  if (failure == 0) {
    *out = handle;
    return TORPOR_OK;
  }
  free(handle);
  switch (failure) {
  case UV_EEXIST:
    return TORPOR_EXISTS;
  case UV_EPERM:
    return TORPOR_UNSUPPORTED;
  case UV_ENOMEM:
    return TORPOR_NOMEM;
  default:
    return TORPOR_IO;
  }
}

torpor_status torpor__poll_open(torpor_loop *loop, int descriptor,
                                unsigned events, torpor_ready_fn ready,
                                void *user, const void *owner,
                                torpor_poll **out) {
  if (out == NULL) return TORPOR_MISUSE;
  *out = NULL;
  if (descriptor < 0 || ready == NULL || !is_good(events)) return TORPOR_MISUSE;
  torpor_poll *poll = malloc(sizeof(*poll));
  if (poll == NULL) return TORPOR_NOMEM;
  *poll =
      (torpor_poll){.loop = loop, .ready = ready, .user = user, .owner = owner};
  torpor_status status = init_handle(loop, descriptor, &poll->handle);
  if (status != TORPOR_OK) {
    free(poll);
    return status;
  }
  poll->handle->data = poll;
  torpor__list_append(&loop->polls, &poll->link);
  if (events != 0) status = torpor_poll_change(poll, events);
  if (status != TORPOR_OK) {
    torpor_poll_close(poll);
    return status;
  }
  *out = poll;
  return TORPOR_OK;
}

torpor_status torpor_poll_open(torpor_loop *loop, int descriptor,
                               unsigned events, torpor_ready_fn ready,
                               void *user, torpor_poll **out) {
  return torpor__poll_open(loop, descriptor, events, ready, user, NULL, out);
}

void torpor_poll_close(torpor_poll *poll) {
  if (poll == NULL) return;
  cut(poll);
  free(poll);
}

void torpor__polls_cut(torpor_loop *loop, const void *owner) {
  struct torpor__link *link = loop->polls.next;
  while (link != &loop->polls) {
    torpor_poll *poll = (torpor_poll *)link;
    link = link->next;
    if (owner == NULL || poll->owner == owner) cut(poll);
  }
  assert(owner != NULL || loop->polling == 0);
}

#ifdef TORPOR_TESTING
/* Asserts (1) and (2). */
void torpor__polls_check(const torpor_loop *loop) {
  size_t polling = 0;
  const struct torpor__link *link = loop->polls.next;
  for (; link != &loop->polls; link = link->next) {
    const torpor_poll *poll = (const torpor_poll *)link;
    assert(poll->loop == loop && poll->handle != NULL);
    polling += poll->events != 0;
  }
  assert(polling == loop->polling);
}
#endif
