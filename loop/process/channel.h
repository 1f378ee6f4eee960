/* SPDX-License-Identifier: MIT */
/* channel.h - messages between two threads, each with a loop of its own.
 *
 * A channel has two sides. What one side posts the other takes, in order. A
 * side that is left takes nothing more; the other side is told the end when it
 * has taken all.
 *
 * All functions may be called on either thread, each for its own side. */
#ifndef TORPOR_LOOP_CHANNEL_H
#define TORPOR_LOOP_CHANNEL_H

#include "loop/loop.h"

struct torpor__channel;

/* The sides. */
enum torpor__side { TORPOR__PARENT, TORPOR__CHILD };

/* A channel that both sides hold. NULL: memory ran out. */
struct torpor__channel *torpor__channel_new(void);

/* Has 'wake' called, on the thread of 'loop', when there may be something for
 * 'side'. False: there are no resources for it. */
bool torpor__channel_join(struct torpor__channel *channel,
                          enum torpor__side side, torpor_loop *loop,
                          void (*wake)(void *user), void *user);

/* Posts 'size' bytes, which are copied. 0; -EPIPE: the other side was left;
 * -ENOBUFS: it does not take what was posted; -ENOMEM. */
int torpor__channel_post(struct torpor__channel *channel,
                         enum torpor__side side, const void *data, size_t size);

/* Takes the next message, whose memory is then the caller's. 1; 0: there is
 * none yet; -EPIPE: there will be none. */
int torpor__channel_take(struct torpor__channel *channel,
                         enum torpor__side side, torpor_bytes *out);

/* Has nothing called for 'side' any more, on its thread. */
void torpor__channel_part(struct torpor__channel *channel,
                          enum torpor__side side);

/* Leaves. 'error', which is taken over, is what ended the side, as CBOR, or
 * NULL. The last side that leaves frees the channel. */
void torpor__channel_leave(struct torpor__channel *channel,
                           enum torpor__side side, torpor_bytes *error);

/* Whether the other side was left, and with what error; that is the channel's.
 */
bool torpor__channel_left(struct torpor__channel *channel,
                          enum torpor__side side, torpor_slice *error);

#endif
