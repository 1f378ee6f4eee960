/* SPDX-License-Identifier: MIT */
/* shim.h - locks and threads for a sandbox that has one thread.
 *
 * The engine leaves Atomics and SharedArrayBuffer out where it finds no
 * threads. Inside one VM they are useful all the same, and need only the names
 * below: locks that are always free, and a wait that never happens because
 * the runtime may not block (Atomics.wait throws a TypeError).
 *
 * Included after quickjs-version.h and before quickjs.c. */
#ifndef TORPOR_SHIM_H
#define TORPOR_SHIM_H

typedef int js_once_t, js_mutex_t, js_cond_t;

#define JS_ONCE_INIT 0

static inline void js_once(js_once_t *guard, void (*callback)(void)) {
  if (*guard) return;
  *guard = 1;
  callback();
}

static inline void js_mutex_init(js_mutex_t *mutex) {
  *mutex = 0;
}
static inline void js_mutex_lock(js_mutex_t *mutex) {
  (void)mutex;
}
static inline void js_mutex_unlock(js_mutex_t *mutex) {
  (void)mutex;
}
static inline void js_cond_init(js_cond_t *cond) {
  *cond = 0;
}
static inline void js_cond_destroy(js_cond_t *cond) {
  (void)cond;
}
static inline void js_cond_signal(js_cond_t *cond) {
  (void)cond;
}

static inline void js_cond_wait(js_cond_t *cond, js_mutex_t *mutex) {
  (void)cond, (void)mutex;
  abort();
}

static inline int js_cond_timedwait(js_cond_t *cond, js_mutex_t *mutex,
                                    uint64_t timeout) {
  (void)cond, (void)mutex, (void)timeout;
  abort();
}

#endif
