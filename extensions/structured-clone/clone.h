/* SPDX-License-Identifier: MIT */
/* clone.h - how structuredClone works, in one walk:
 *
 *   structured-clone.c  the function, its options, what is transferred
 *   walk.c              objects that hold values, and the stack of them
 *   kinds.c             all others: boxed values, buffers, views, errors
 *
 * The HTML Standard writes a value down and reads it again. Nothing of the
 * program runs while it is read, so here the clone is made at once: an object
 * that holds values is made empty, and filled as the walk gets to its values.
 *
 *  (1) The walk keeps its own stack: depth costs memory, never native stack.
 *  (2) Getters, toString and iterators are the only code of the program that
 *      runs. Each may change anything that is being cloned, so nothing of the
 *      source is trusted longer than until the next of them.
 *  (3) Builtins are those that were there when the extension was loaded. The
 *      program may have replaced any before: what comes of one is any value,
 *      which holds nothing and has no size but what is looked up.
 *  (4) The module is to be small: builtins do most of the work. */
#ifndef CLONE_H
#define CLONE_H

#include "torpor-extension.h"

/* An object that is being filled, with what its source holds. */
typedef struct clone_frame {
  struct clone_frame *below;
  JSValue source, clone;
  JSPropertyEnum *names; /* own enumerable properties; or NULL, and: */
  JSValue items;         /* an array of what is given to 'fill' */
  uint32_t count, next;
  int fill; /* CLONE_MAP_SET: key, value, key ...; CLONE_SET_ADD; or
             * CLONE_CAUSE: the cause of an error */
} clone_frame;

typedef struct {
  JSContext *ctx;
  JSValue memory; /* a Map: which object has which clone */
  clone_frame *top;
} clone_walk;

/* Builtins: HOLDER(constructor's slot, its name) and behind it PROPERTY(slot,
 * name) of its prototype or of one further up, a getter as a function. */
#define CLONE_BUILTINS(HOLDER, PROPERTY)                                       \
  HOLDER(ERROR, "Error")                                                       \
  PROPERTY(ERROR_STACK, "stack")                                               \
  HOLDER(MAP, "Map")                                                           \
  PROPERTY(MAP_SET, "set")                                                     \
  PROPERTY(MAP_EACH, "forEach")                                                \
  PROPERTY(MAP_GET, "get")                                                     \
  HOLDER(SET, "Set")                                                           \
  PROPERTY(SET_ADD, "add")                                                     \
  PROPERTY(SET_EACH, "forEach")                                                \
  HOLDER(VIEW, "DataView")                                                     \
  PROPERTY(VIEW_BUFFER, "buffer")                                              \
  PROPERTY(VIEW_OFFSET, "byteOffset")                                          \
  PROPERTY(VIEW_LENGTH, "byteLength")                                          \
  HOLDER(ARRAY, "Uint8Array")                                                  \
  PROPERTY(ARRAY_LENGTH, "length")                                             \
  HOLDER(BUFFER, "ArrayBuffer")                                                \
  PROPERTY(RESIZABLE, "resizable")                                             \
  PROPERTY(MAX_LENGTH, "maxByteLength")                                        \
  PROPERTY(RESIZE, "resize")                                                   \
  HOLDER(OBJECT, "Object")                                                     \
  HOLDER(LIST, "Array")                                                        \
  HOLDER(DATE, "Date")                                                         \
  PROPERTY(DATE_VALUE, "valueOf")                                              \
  HOLDER(NUMBER, "Number")                                                     \
  PROPERTY(NUMBER_VALUE, "valueOf")                                            \
  HOLDER(STRING, "String")                                                     \
  PROPERTY(STRING_VALUE, "valueOf")                                            \
  HOLDER(BOOLEAN, "Boolean")                                                   \
  PROPERTY(BOOLEAN_VALUE, "valueOf")                                           \
  HOLDER(BIGINT, "BigInt")                                                     \
  PROPERTY(BIGINT_VALUE, "valueOf")                                            \
  HOLDER(REGEXP, "RegExp")                                                     \
  PROPERTY(REGEXP_COMPILE, "compile")                                          \
  HOLDER(DOM_EXCEPTION, "DOMException")                                        \
  PROPERTY(DOM_MESSAGE, "message")                                             \
  PROPERTY(DOM_NAME, "name")

#define X(name, text) CLONE_##name,
enum { CLONE_BUILTINS(X, X) CLONE_BUILTIN_COUNT, CLONE_CAUSE = -1 };
#undef X

extern JSValue clone__builtins[CLONE_BUILTIN_COUNT];
extern JSClassID clone__classes[CLONE_BUILTIN_COUNT]; /* of instances */
extern JSValue clone__errors;                         /* prototypes by name */

/* structured-clone.c. Questions to values are functions, since each of the
 * engine's inline ones takes ten bytes. */
bool clone__failed(JSValueConst value); /* is JS_EXCEPTION */
bool clone__undefined(JSValueConst value);
bool clone__absent(JSValueConst value); /* is JS_UNINITIALIZED */
bool clone__object(JSValueConst value);
/* The first of these always gives JS_EXCEPTION; the second says so
 * instead of what was thrown. */
JSValue clone__refuse(JSContext *ctx, const char *what);
JSValue clone__refuse_instead(JSContext *ctx, const char *what);
JSValue clone__call(JSContext *ctx, int builtin, JSValueConst self, int count,
                    JSValueConst *args);
/* A number that a builtin gives, or -1. */
int clone__measure(JSContext *ctx, int builtin, JSValueConst self);

/* An own property: the value, or of an accessor ('how') what asking gives, its
 * getter, or nothing. JS_UNINITIALIZED: there is none. */
enum { CLONE_ASK, CLONE_GETTER, CLONE_DATA };
JSValue clone__own(JSContext *ctx, JSValueConst object, JSAtom name, int how);

/* walk.c */
void clone__walk_start(JSContext *ctx);
JSValue clone__value(clone_walk *walk, JSValueConst value);
int clone__remember(clone_walk *walk, JSValueConst source, JSValueConst clone);
int clone__finish(clone_walk *walk);
/* Puts 'value', which it takes, behind the items of a frame. */
int clone__add_item(JSContext *ctx, clone_frame *frame, JSValue value);

/* kinds.c: all that are neither plain objects, arrays, maps nor sets. 'frame'
 * gets what is still to be put into the clone. */
JSValue clone__other(clone_walk *walk, JSValueConst value, JSClassID id,
                     clone_frame *frame);
JSValue clone__buffer(JSContext *ctx, JSValueConst value);
int clone__resize(JSContext *ctx, JSValueConst buffer, size_t size);

#endif
