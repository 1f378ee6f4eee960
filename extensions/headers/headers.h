/* SPDX-License-Identifier: MIT */
/* headers.h - Headers, by the Fetch Standard:
 *
 *   list.c      a header list: names in order, values joined
 *   init.c      what the constructor takes
 *   headers.c   the class and its iterators
 *
 * A list is kept as it is seen: sorted by name, one entry for each name with
 * all its values joined, except for set-cookie, which has an entry for each
 * value in the order of appending. So an iterator is an index.
 *
 *  (1) A name is the UTF-8 of a ByteString, that is of U+0000 to U+00FF, and
 *      ends with NUL. A NUL within stands as the byte 0xff, which UTF-8 does
 *      not have, until it is refused. A value is a string of JavaScript's.
 *  (2) Names in a list are lower case. Nothing shows another case.
 *  (3) A name is followed by zeros up to a multiple of eight bytes, at least
 *      one, so that two can be compared eight bytes at a time. */
#ifndef HEADERS_H
#define HEADERS_H

#include "torpor-extension.h"

typedef struct {
  char *name;
  JSValue value;
} headers_entry;

typedef struct {
  headers_entry *entries;
  uint32_t count;
} headers_list;

/* ---- list.c ---------------------------------------------------------------*/

/* What a text of that length takes (3). */
#define HEADERS_SIZE(length) (((length) + 8) & ~(size_t)7)

/* 'value' as a ByteString: a name, which the caller frees (js_free), or a
 * value, neither of which has been looked at. */
char *headers__raw_name(JSContext *ctx, JSValueConst value);
JSValue headers__raw_value(JSContext *ctx, JSValueConst value);

/* 'value' as a name in lower case: in 'room' if it fits, else the caller frees
 * it (js_free). NULL: it is none, and that is thrown. */
enum { HEADERS_ROOM = 64 };
char *headers__name(JSContext *ctx, JSValueConst value, char *room);

/* The first entry of a name, or where it would be; 'end' is behind the last. */
uint32_t headers__find(const headers_list *list, const char *name,
                       uint32_t *end);

/* Looks at a raw name and value and puts them, joined to what is there or, with
 * 'replace', instead of it. Takes both, whatever happens. */
int headers__put(JSContext *ctx, headers_list *list, headers_entry raw,
                 bool replace);
/* Two values as one. Takes the first. */
JSValue headers__join(JSContext *ctx, JSValue one, JSValueConst other);
void headers__remove(JSContext *ctx, headers_list *list, uint32_t from,
                     uint32_t to);

/* Puts an entry at a place, as it is. Takes it, whatever happens. */
int headers__insert(JSContext *ctx, headers_list *list, headers_entry entry,
                    uint32_t at);

extern const char headers__set_cookie[]; /* the name */

/* ---- init.c ---------------------------------------------------------------*/

/* Reads a sequence of pairs, or a record, into an empty list, without looking
 * at them: a name NULL stands for what was no pair. */
int headers__read(JSContext *ctx, JSValueConst init, headers_list *list);
int headers__read_start(JSContext *ctx);
extern JSAtom headers__iterator; /* Symbol.iterator */

#endif
