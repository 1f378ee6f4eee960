/* SPDX-License-Identifier: MIT */
/* lock.h - locks between processes, by the byte, on a file beside the store.
 *
 * Each byte of the file is a lock: byte 0 is the store's, byte n that of run n.
 * The kernel drops them when the process ends, however it ends.
 *
 *  (1) The locks belong to the open file, not to the process
 *      (F_OFD_SETLK), so that two stores opened by one process keep each other
 *      out as two processes do, and closing some other descriptor of the file
 *      gives nothing up.
 *  (2) The file is only ever locked: it stays empty.
 *
 * Local file systems only. Any thread, one at a time. */
#ifndef TORPOR_RUN_LOCK_H
#define TORPOR_RUN_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Opens the file, made when missing; -1 with errno set when that fails. */
int torpor__lock_open(const char *path);
/* For torpor__lock_taken only: opens a file that is there, for reading. */
int torpor__lock_look(const char *path);
void torpor__lock_close(int file);

/* Takes byte 'place', shared with others or alone; a lock that is held already
 * is changed. 0, or -1 with errno EAGAIN when others have it. Never waits. */
int torpor__lock_take(int file, int64_t place, bool shared);
void torpor__lock_drop(int file, int64_t place);

/* Whether others have byte 'place', without taking it. */
bool torpor__lock_taken(int file, int64_t place);

#endif
