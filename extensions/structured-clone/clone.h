/* SPDX-License-Identifier: MIT */
/* clone.h - how structuredClone works, in one walk:
 *
 *   structured-clone.c  the function, and what it gives to the kernel
 *   walk.c              plain objects and arrays, and the stack of objects
 *   kernel.js           all other kinds, and what is transferred
 *
 * The HTML Standard writes a value down and reads it again. Nothing of the
 * program runs while it is read, so here the clone is made at once: an object
 * that holds values is made empty, and filled as the walk gets to its values.
 * What is made often is C; all else is JavaScript, which takes less room.
 *
 *  (1) The walk keeps its own stack: depth costs memory, never native stack.
 *  (2) Getters, toString and iterators are the only code of the program that
 *      runs. Each may change anything that is being cloned, so nothing of the
 *      source is trusted longer than until the next of them.
 *  (3) Builtins are those that were there at the first call. The program may
 *      have replaced any before: what comes of one is any value.
 *  (4) The module is to be small: builtins do most of the work. */
#ifndef CLONE_H
#define CLONE_H

#include "torpor-extension.h"

/* A plain object or an array that is being filled. */
typedef struct clone_frame {
  struct clone_frame *below;
  JSValue source, clone;
  JSPropertyEnum *names; /* own enumerable properties */
  uint32_t count, next;
} clone_frame;

typedef struct clone_walk {
  JSContext *ctx;
  struct clone_walk *outer; /* in whose getters this one runs */
  JSValue state;            /* the kernel's */
  JSValue memory;           /* a Map: which object has which clone */
  clone_frame *top;
} clone_walk;

/* What the kernel gives, in its order. */
enum {
  CLONE_GET,
  CLONE_SET,
  CLONE_MAKE,
  CLONE_BEGIN,
  CLONE_FINISH,
  CLONE_PARTS
};

/* structured-clone.c. Questions to values are functions, since each of the
 * engine's inline ones takes ten bytes. */
bool clone__failed(JSValueConst value); /* is JS_EXCEPTION */
bool clone__undefined(JSValueConst value);
bool clone__object(JSValueConst value);
/* Calls what the kernel gives. */
JSValue clone__call(JSContext *ctx, int what, JSValueConst self, int count,
                    JSValueConst *args);
/* The same of what may refuse: throws then, and gives JS_EXCEPTION. */
JSValue clone__ask(JSContext *ctx, int what, int count, JSValueConst *args);

/* walk.c */
JSValue clone__value(clone_walk *walk, JSValueConst value);
int clone__finish(clone_walk *walk);

#endif
