/* SPDX-License-Identifier: MIT */
/* mail.h - what other threads have for a loop. See mail.c. */
#ifndef TORPOR_LOOP_MAIL_H
#define TORPOR_LOOP_MAIL_H

#include "loop/loop.h"

/* Part of what is sent. 'arrived' is called on the loop's thread, in a turn or
 * when the loop is closed. */
struct torpor__letter {
  struct torpor__link link; /* first: a link is its letter */
  void (*arrived)(struct torpor__letter *letter);
  bool posted; /* under the lock of the box */
};

struct torpor__mailbox;

/* The box of 'loop'. */
torpor_status torpor__mail_open(torpor_loop *loop);
void torpor__mail_close(torpor_loop *loop);

struct torpor__mailbox *torpor__mail_retain(struct torpor__mailbox *box);
void torpor__mail_release(struct torpor__mailbox *box);

/* Sends 'letter', which is in no list, and wakes the loop. False: the loop is
 * closed, and the letter is still the caller's. */
bool torpor__mail_post(struct torpor__mailbox *box,
                       struct torpor__letter *letter);

/* Whether 'letter' was sent already, also if it has not arrived yet. */
bool torpor__mail_is_posted(struct torpor__mailbox *box,
                            const struct torpor__letter *letter);

/* Lets all that was sent arrive. */
void torpor__mail_collect(torpor_loop *loop);

#endif
