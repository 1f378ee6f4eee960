/* SPDX-License-Identifier: MIT */
/* mutex.h - the locks of the library.
 *
 * All of them are listed here, so that a process may fork while other threads
 * hold some: a child has only the thread that forked, and a lock that another
 * one held would never be released. */
#ifndef TORPOR_WASM_MUTEX_H
#define TORPOR_WASM_MUTEX_H

#include "wasm/os.h"

/* In the order in which they are taken: who holds one takes later ones only. */
typedef enum torpor__mutex {
  TORPOR__MUTEX_STOPS,   /* which VM a stop belongs to */
  TORPOR__MUTEX_ENGINES, /* loaded engines */
  TORPOR__MUTEX_EXTENSIONS,
  TORPOR__MUTEX_BASELINES, /* images that engines begin with */
  TORPOR__MUTEX_POOL,      /* VMs that wait to be used again */
  TORPOR__MUTEX_RESTING,   /* which thread has which ring, resting.c */
  TORPOR__MUTEX_REGIONS,   /* spare regions */
  TORPOR__MUTEX_TABLES,
  TORPOR__MUTEX_TYPES,   /* numbers of function types */
  TORPOR__MUTEX_FAULT,   /* the signal handlers */
  TORPOR__MUTEX_THREADS, /* their records, and the watchdog */
  TORPOR__MUTEXES,
} torpor__mutex;

void torpor__mutex_take(torpor__mutex mutex);
void torpor__mutex_give(torpor__mutex mutex);
/* To wait for a condition with. */
torpor__os_mutex *torpor__mutex_of(torpor__mutex mutex);

#endif
