/* SPDX-License-Identifier: MIT */
/* mutex.h - the locks of the library, all of them, so that a process may fork
 * while other threads hold some: a child has only the thread that forked, and
 * whatever another one held would stay held for ever. */
#ifndef TORPOR_WASM_MUTEX_H
#define TORPOR_WASM_MUTEX_H

#include "wasm/os.h"

/* In the order in which they are taken: who holds one takes later ones only. */
typedef enum torpor__mutex {
  TORPOR__MUTEX_ENGINES,   /* those that are loaded */
  TORPOR__MUTEX_BASELINES, /* the images that engines begin with */
  TORPOR__MUTEX_POOL,      /* VMs that wait to be used again */
  TORPOR__MUTEX_REGIONS,   /* regions that do */
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
