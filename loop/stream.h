/* SPDX-License-Identifier: MIT */
/* stream.h - descriptors that bytes flow through: pipes, sockets, terminals. */
#ifndef TORPOR_LOOP_STREAM_H
#define TORPOR_LOOP_STREAM_H

#include "loop/descriptor.h"

struct torpor__stream;

/* From now on, writing to a pipe or a socket whose reader is gone fails, and
 * does not end this process, unless its host has a handler that says otherwise.
 * Processes that are started get the default back. */
void torpor__stream_ignore_broken_pipes(void);

/* A stream of a pipe ('ipc' false) or a TCP socket that is not connected yet,
 * in no world. NULL: memory ran out. */
struct torpor__stream *torpor__stream_new_pipe(torpor_loop *loop);
struct torpor__stream *torpor__stream_new_tcp(torpor_loop *loop);
/* A stream of the open file 'fd', a pipe, socket or terminal, which it takes
 * over; 'failure' is 0 or what libuv says, and then there is none. */
struct torpor__stream *torpor__stream_of(torpor_loop *loop, int fd,
                                         int *failure);

/* The handle, for libuv's connect, accept, spawn. */
uv_stream_t *torpor__stream_handle(struct torpor__stream *stream);

/* Opens 'stream' in 'world' under 'number'. When that fails, or 'world' is
 * NULL, it is ended, and false. */
bool torpor__stream_add(struct torpor__stream *stream, torpor_world *world,
                        uint64_t number);
/* Ends one that is in no world. */
void torpor__stream_discard(struct torpor__stream *stream);

/* The stream of that number, for processes that shall have it; NULL: it is not
 * open, or no stream. */
struct torpor__stream *torpor__stream_find(torpor_world *world,
                                           uint64_t number);

#endif
