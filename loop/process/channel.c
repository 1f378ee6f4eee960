/* SPDX-License-Identifier: MIT */
/* channel.c - messages between two threads. See channel.h.
 *
 *  (1) All fields are read and written under 'lock'.
 *  (2) A side that was left has no messages, and no handle.
 *  (3) A handle that was closed frees itself; it does not know the channel.
 *
 * Runs on two threads. */
#include "loop/process/channel.h"

#include <errno.h>

/* Most bytes that wait to be taken. */
enum { WAITING_LARGEST = 256 << 20 };

struct message {
  struct message *next;
  size_t size;
  uint8_t data[];
};

struct waker {
  uv_async_t handle; /* first */
  void (*wake)(void *user);
  void *user;
};

struct side {
  struct message *first, *last; /* posted to this side */
  size_t waiting;               /* bytes of those */
  struct waker *waker;
  torpor_bytes error;
  bool left;
};

struct torpor__channel {
  uv_mutex_t lock;
  struct side sides[2];
};

static enum torpor__side other(enum torpor__side side) {
  return side == TORPOR__PARENT ? TORPOR__CHILD : TORPOR__PARENT;
}

struct torpor__channel *torpor__channel_new(void) {
  struct torpor__channel *channel = calloc(1, sizeof(*channel));
  if (channel == NULL || uv_mutex_init(&channel->lock) == 0) return channel;
  free(channel);
  return NULL;
}

/* uv_async_cb */
static void call_waker(uv_async_t *handle) {
  struct waker *waker = (struct waker *)handle;
  waker->wake(waker->user);
}

bool torpor__channel_join(struct torpor__channel *channel,
                          enum torpor__side side, torpor_loop *loop,
                          void (*wake)(void *user), void *user) {
  struct waker *waker = malloc(sizeof(*waker));
  if (waker == NULL) return false;
  waker->wake = wake;
  waker->user = user;
  if (uv_async_init(&loop->uv, &waker->handle, call_waker) != 0) {
    free(waker);
    return false;
  }
  uv_unref((uv_handle_t *)&waker->handle);
  uv_mutex_lock(&channel->lock);
  channel->sides[side].waker = waker;
  uv_mutex_unlock(&channel->lock);
  /* What was posted before. */
  uv_async_send(&waker->handle);
  return true;
}

/* With the lock held. */
static void wake_side(struct torpor__channel *channel, enum torpor__side side) {
  if (channel->sides[side].waker != NULL)
    uv_async_send(&channel->sides[side].waker->handle);
}

int torpor__channel_post(struct torpor__channel *channel,
                         enum torpor__side side, const void *data,
                         size_t size) {
  struct side *to = &channel->sides[other(side)];
  struct message *message = malloc(sizeof(*message) + size);
  int failure = message == NULL ? -ENOMEM : 0;
  if (message != NULL) {
    message->next = NULL;
    message->size = size;
    memcpy(message->data, data, size);
  }
  uv_mutex_lock(&channel->lock);
  if (to->left)
    failure = -EPIPE;
  else if (to->first != NULL && to->waiting + size > WAITING_LARGEST)
    failure = -ENOBUFS;
  if (failure == 0) {
    *(to->first == NULL ? &to->first : &to->last->next) = message;
    to->last = message;
    to->waiting += size;
    wake_side(channel, other(side));
  }
  uv_mutex_unlock(&channel->lock);
  if (failure != 0) free(message);
  return failure;
}

int torpor__channel_take(struct torpor__channel *channel,
                         enum torpor__side side, torpor_bytes *out) {
  struct side *own = &channel->sides[side];
  *out = (torpor_bytes){0};
  uv_mutex_lock(&channel->lock);
  struct message *message = own->first;
  int found = message != NULL                    ? 1
              : channel->sides[other(side)].left ? -EPIPE
                                                 : 0;
  if (message != NULL) {
    own->first = message->next;
    own->waiting -= message->size;
  }
  uv_mutex_unlock(&channel->lock);
  if (message == NULL) return found;
  out->size = message->size;
  out->data = malloc(message->size + 1);
  if (out->data != NULL) memcpy(out->data, message->data, message->size);
  free(message);
  return out->data == NULL ? -ENOMEM : 1;
}

static void free_waker(uv_handle_t *handle) {
  free(handle);
}

static void free_messages(struct message *message) {
  while (message != NULL) {
    struct message *next = message->next;
    free(message);
    message = next;
  }
}

static void free_channel(struct torpor__channel *channel) {
  for (int i = 0; i < 2; i++) torpor_bytes_free(&channel->sides[i].error);
  uv_mutex_destroy(&channel->lock);
  free(channel);
}

void torpor__channel_part(struct torpor__channel *channel,
                          enum torpor__side side) {
  uv_mutex_lock(&channel->lock);
  struct waker *waker = channel->sides[side].waker;
  channel->sides[side].waker = NULL;
  uv_mutex_unlock(&channel->lock);
  if (waker != NULL) uv_close((uv_handle_t *)&waker->handle, free_waker);
}

void torpor__channel_leave(struct torpor__channel *channel,
                           enum torpor__side side, torpor_bytes *error) {
  struct side *own = &channel->sides[side];
  torpor__channel_part(channel, side);
  uv_mutex_lock(&channel->lock);
  struct message *messages = own->first;
  bool last = channel->sides[other(side)].left;
  own->first = NULL;
  own->left = true;
  if (error != NULL) own->error = *error;
  wake_side(channel, other(side));
  uv_mutex_unlock(&channel->lock);
  free_messages(messages);
  if (last) free_channel(channel);
}

bool torpor__channel_left(struct torpor__channel *channel,
                          enum torpor__side side, torpor_slice *error) {
  const struct side *from = &channel->sides[other(side)];
  uv_mutex_lock(&channel->lock);
  bool left = from->left;
  *error = (torpor_slice){from->error.data, from->error.size};
  uv_mutex_unlock(&channel->lock);
  return left;
}
