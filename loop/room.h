/* SPDX-License-Identifier: MIT */
/* room.h - whether the system has what libuv takes for granted.
 *
 * libuv ends the process where its first loop finds no file descriptors, and
 * where the first work for its pool finds no threads. So both are asked for
 * here before, and given back. What another thread takes in between is not
 * known.
 *
 * Any thread. */
#ifndef TORPOR_LOOP_ROOM_H
#define TORPOR_LOOP_ROOM_H

/* 0, or a failure of libuv: UV_EMFILE, UV_ENFILE, UV_ENOMEM. */
int torpor__room_for_loop(void);

/* The same for work on the pool: UV_EAGAIN. Once there were threads, there are.
 */
int torpor__room_for_pool(void);

#endif
