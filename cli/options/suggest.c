/* SPDX-License-Identifier: MIT */
/* suggest.c - what was probably meant by a word that is not known.
 *
 * The measure is the number of letters to insert, delete, replace or swap
 * (optimal string alignment), computed row by row. */
#include <string.h>

#include "cli/command.h"

enum { WORD_MAX = 32 };

static size_t least_of(size_t a, size_t b, size_t c) {
  size_t least = a < b ? a : b;
  return least < c ? least : c;
}

/* The distance of two words of at most WORD_MAX letters. */
static size_t measure(const char *a, const char *b) {
  size_t rows[3][WORD_MAX + 1];
  size_t *older = rows[0], *old = rows[1], *row = rows[2];
  size_t width = strlen(b);
  for (size_t j = 0; j <= width; j++) old[j] = j;
  for (size_t i = 1; a[i - 1] != '\0'; i++) {
    row[0] = i;
    for (size_t j = 1; j <= width; j++) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = least_of(old[j] + 1, row[j - 1] + 1, old[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
          older[j - 2] + 1 < row[j])
        row[j] = older[j - 2] + 1;
    }
    size_t *spare = older;
    older = old;
    old = row;
    row = spare;
  }
  return old[width];
}

const char *cli_suggest(const char *word, const char *const *names,
                        size_t count) {
  const char *best = NULL;
  size_t length = strlen(word);
  size_t least =
      length < 4 ? 2 : 3; /* a word at this distance is not suggested */
  if (length > WORD_MAX) return NULL;
  for (size_t i = 0; i < count; i++) {
    if (strlen(names[i]) > WORD_MAX) continue;
    size_t distance = measure(word, names[i]);
    if (distance >= least || distance >= length) continue;
    best = names[i];
    least = distance;
  }
  return best;
}
