/* SPDX-License-Identifier: MIT */
/* mail.c - what other threads have for a loop.
 *
 * A box outlives its loop for as long as somebody might put something into it.
 *
 *  (1) 'loop' is NULL once the loop is closed; then nothing is taken any more.
 *  (2) The lock is held while the loop is woken, so that it is there still.
 *
 * Any thread, but for torpor__mail_collect and torpor__mail_close, which are
 * the loop's. */
#include "loop/mail.h"

struct torpor__mailbox {
  uv_mutex_t lock;
  torpor_loop *loop;
  struct torpor__link letters; /* of struct torpor__letter */
  size_t references;
};

torpor_status torpor__mail_open(torpor_loop *loop) {
  struct torpor__mailbox *box = calloc(1, sizeof(*box));
  if (box == NULL) return TORPOR_NOMEM;
  if (uv_mutex_init(&box->lock) != 0) {
    free(box);
    return TORPOR_NOMEM;
  }
  box->loop = loop;
  box->references = 1;
  torpor__list_init(&box->letters);
  loop->mailbox = box;
  return TORPOR_OK;
}

struct torpor__mailbox *torpor__mail_retain(struct torpor__mailbox *box) {
  uv_mutex_lock(&box->lock);
  box->references++;
  uv_mutex_unlock(&box->lock);
  return box;
}

void torpor__mail_release(struct torpor__mailbox *box) {
  uv_mutex_lock(&box->lock);
  bool last = --box->references == 0;
  uv_mutex_unlock(&box->lock);
  if (!last) return;
  uv_mutex_destroy(&box->lock);
  free(box);
}

bool torpor__mail_post(struct torpor__mailbox *box,
                       struct torpor__letter *letter) {
  uv_mutex_lock(&box->lock);
  bool taken = box->loop != NULL;
  if (taken) {
    letter->posted = true;
    torpor__list_append(&box->letters, &letter->link);
    torpor_loop_wake(box->loop);
  }
  uv_mutex_unlock(&box->lock);
  return taken;
}

bool torpor__mail_is_posted(struct torpor__mailbox *box,
                            const struct torpor__letter *letter) {
  uv_mutex_lock(&box->lock);
  bool posted = letter->posted;
  uv_mutex_unlock(&box->lock);
  return posted;
}

void torpor__mail_collect(torpor_loop *loop) {
  struct torpor__mailbox *box = loop->mailbox;
  struct torpor__link sent;
  torpor__list_init(&sent);
  uv_mutex_lock(&box->lock);
  torpor__list_move(&box->letters, &sent);
  uv_mutex_unlock(&box->lock);
  while (!torpor__list_empty(&sent)) {
    struct torpor__letter *letter = (struct torpor__letter *)sent.next;
    torpor__link_remove(&letter->link);
    letter->arrived(letter);
  }
}

void torpor__mail_close(torpor_loop *loop) {
  struct torpor__mailbox *box = loop->mailbox;
  if (box == NULL) return;
  uv_mutex_lock(&box->lock);
  box->loop = NULL;
  uv_mutex_unlock(&box->lock);
  torpor__mail_collect(loop);
  loop->mailbox = NULL;
  torpor__mail_release(box);
}
