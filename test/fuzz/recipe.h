/* SPDX-License-Identifier: MIT */
/* recipe.h - snapshots that are almost right, made from a few bytes.
 *
 * An input of the fuzzer is not a snapshot but a *recipe*: steps that take
 * snapshots which the library made moments ago, and spoil them. So lengths,
 * checksums, compression and the links of a chain are right wherever no step
 * says otherwise, the reader is reached in its depths, and a corpus of tiny
 * files outlives every change of the engine.
 *
 *     input:  8 bytes  how the dish is to be eaten (exercise.c)
 *             steps    of 8 bytes each: u8 kind, u8 which, u16 index, u32 value
 *
 * Every input is a recipe: kinds and indexes are taken modulo what there is,
 * and a step that has nothing to work on does nothing. */
#ifndef TORPOR_TEST_RECIPE_H
#define TORPOR_TEST_RECIPE_H

#include "torpor.h"

#define RECIPE_HEAD 8
#define RECIPE_STEP 8
#define RECIPE_PIECES 6

/* Kinds of steps. The newest piece is the one they work on. */
#define RECIPE_STEPS(X)                                                        \
  X(SEED)     /* a new piece: seed 'which' */                                  \
  X(DELTA)    /* a new piece: the difference 'which' of the seeds */           \
  X(WORD)     /* 'value' (as 'which' says) into memory */                      \
  X(CONTROL)  /* the same into the guest's control block */                    \
  X(HEADER)   /* field 'which' of the header becomes 'value' */                \
  X(TYPE)     /* section 'which' gets type 'value' */                          \
  X(METHOD)   /* section 'which' gets method 'value' */                        \
  X(RAW)      /* section 'which' lies about its raw size */                    \
  X(STORED)   /* section 'which' lies about its stored size */                 \
  X(BYTE)     /* byte 'value' of section 'which' changes */                    \
  X(CUT)      /* section 'which' ends after 'value' bytes */                   \
  X(DROP)     /* section 'which' is left out */                                \
  X(COPY)     /* section 'which' comes twice */                                \
  X(SWAP)     /* sections 'which' and 'index' change places */                 \
  X(ADD)      /* a new section of type 'value' */                              \
  X(SPLICE)   /* section 'which' is that of seed 'index' */                    \
  X(RUN)      /* run 'index' of memory lies about itself */                    \
  X(BOMB)     /* memory is very many zeros, packed */                          \
  X(COUNT)    /* the number of sections is another */                          \
  X(UNLINK)   /* the parent stays as it was, or is 'value' */                  \
  X(REORDER)  /* the piece changes places with piece 'which' */                \
  X(REPEAT)   /* piece 'which' once more */                                    \
  X(FLIP)     /* byte 'value' of the finished piece changes */                 \
  X(TRUNCATE) /* the finished piece ends after 'value' bytes */                \
  X(CHECKSUM) /* the checksum is wrong */                                      \
  X(PROTECT)  /* the finished piece is protected, then byte 'value' changes */ \
  X(LITERAL)  /* a new piece: the next 'index' bytes of the recipe */

typedef enum recipe_kind {
#define X(name) RECIPE_##name,
  RECIPE_STEPS(X)
#undef X
      RECIPE_KINDS
} recipe_kind;

/* What a recipe gives. */
typedef struct recipe_dish {
  uint8_t head[RECIPE_HEAD];
  torpor_bytes pieces[RECIPE_PIECES];
  size_t count;
  bool is_spoiled; /* not all of it is as the library made it */
} recipe_dish;

/* The key and context that PROTECT uses. */
extern const uint8_t recipe_key[TORPOR_KEY_SIZE];
#define RECIPE_CONTEXT "recipe"

/* Makes the seeds; before all else. */
void recipe_setup(void);
void recipe_teardown(void);

void recipe_cook(const uint8_t *data, size_t size, recipe_dish *out);
void recipe_dish_free(recipe_dish *dish);

#endif
