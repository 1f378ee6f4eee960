/* SPDX-License-Identifier: MIT */
/* power-vfs.h - a file layer for SQLite whose power can be cut.
 *
 * Killing a process leaves the page cache whole, so it proves nothing about
 * syncing. This layer keeps files in memory, each as it is on the platter, plus
 * the writes since then that nobody has synced. When the power goes, each
 * 512-byte sector of those writes has reached the platter, or has not, or has
 * in part, independent of all others: later writes may be there and earlier
 * ones not.
 *
 *   power_on(seed);              an empty disk, as SQLite VFS "power"
 *   power_cut_at(n);             the n-th write, sync, truncation or deletion
 *                                from now on is interrupted; then all fail
 *   power_restore(loss, seed);   what survived is the disk now
 *   power_off();
 *
 *  (1) A synced write survives, and so does the existence of a synced file.
 *  (2) A deletion survives when SQLite asked for the folder to be synced, or
 *      when some file of the folder was synced afterwards for the first time;
 *      else the file may be back.
 *
 * One disk, one connection at a time, one thread. */
#ifndef TORPOR_TEST_POWER_VFS_H
#define TORPOR_TEST_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum power_loss {
  POWER_LOSES_ALL,  /* nothing that was not synced has survived */
  POWER_LOSES_NONE, /* everything has */
  POWER_LOSES_SOME  /* chance decides, sector by sector */
};

#define POWER_VFS "power"

void power_on(uint64_t seed);
void power_off(void);
void power_cut_at(int64_t event);
bool power_is_cut(void);
void power_restore(enum power_loss loss, uint64_t seed);

/* Writes, syncs, truncations and deletions since power_on or power_restore. */
int64_t power_events(void);

/* The disk is full at this many bytes; 0: never. */
void power_capacity(int64_t bytes);

/* Changes a byte on the platter; false when the file is not so long. */
bool power_scribble(const char *name, int64_t offset, uint8_t byte);

#endif
