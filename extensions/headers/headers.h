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
 *  (1) Names and values are UTF-8 of ByteStrings, that is of U+0000 to U+00FF,
 *      and end with NUL. A NUL within stands as the byte 0xff, which UTF-8 does
 *      not have, until it is refused.
 *  (2) Names in a list are lower case. Nothing shows another case. */
#ifndef HEADERS_H
#define HEADERS_H

#include "torpor-extension.h"

typedef struct {
  char *name, *value;
} headers_entry;

typedef struct {
  headers_entry *entries;
  uint32_t count;
} headers_list;

/* ---- list.c ---------------------------------------------------------------*/

/* A ByteString of 'value' that the caller frees (js_free), or in 'room' where
 * that is given and long enough. */
enum { HEADERS_ROOM = 64 };
char *headers__bytes(JSContext *ctx, JSValueConst value, char *room);

/* Makes a name lower case. -1: it is none, and that is thrown. */
int headers__check_name(JSContext *ctx, char *name);

/* The first entry of a name, or where it would be; 'end' is behind the last. */
uint32_t headers__find(const headers_list *list, const char *name,
                       uint32_t *end);

/* Takes both texts, whatever happens. 'replace': instead of what is there. */
int headers__put(JSContext *ctx, headers_list *list, headers_entry entry,
                 bool replace);
/* Joins 'more' to the value of an entry. */
int headers__join(JSContext *ctx, headers_entry *entry, const char *more);
void headers__remove(JSContext *ctx, headers_list *list, uint32_t from,
                     uint32_t to);

/* Puts an entry at a place, as it is. Takes both texts, whatever happens. */
int headers__insert(JSContext *ctx, headers_list *list, headers_entry entry,
                    uint32_t at);

/* ---- init.c ---------------------------------------------------------------*/

/* Reads a sequence of pairs, or a record, into an empty list, without looking
 * at them: a name NULL stands for what was no pair. */
int headers__read(JSContext *ctx, JSValueConst init, headers_list *list);
int headers__read_start(JSContext *ctx);
extern JSAtom headers__iterator; /* Symbol.iterator */

#endif
