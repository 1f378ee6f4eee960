/* SPDX-License-Identifier: MIT */
/* lock.h - locks between processes: one for each byte of a file.
 *
 * The file lies beside the database. Byte 0 is locked for all of it, byte n for
 * run n. The kernel drops the locks when the process ends, however it ends.
 *
 *  (1) A lock belongs to the open file, not to the process (F_OFD_SETLK). So
 *      two databases that one process has open keep each other out, as those of
 *      two processes do, and closing another descriptor of the file drops
 *      nothing.
 *  (2) Nothing is written: the file stays empty. Those that watch it are woken
 *      by its times.
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

/* Takes byte 'place', shared with others or alone, also when it is held in the
 * other way. 0; or -1, with errno EAGAIN when others have it. Never waits. */
int torpor__lock_take(int file, int64_t place, bool shared);
void torpor__lock_drop(int file, int64_t place);

/* Wakes those that watch the file. */
void torpor__lock_touch(int file);

/* Whether others have byte 'place', without taking it. */
bool torpor__lock_taken(int file, int64_t place);

#endif
