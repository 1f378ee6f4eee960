/* SPDX-License-Identifier: MIT */
/* forged.h - a copy of the built-in engine whose numbers may be changed. */
#ifndef TORPOR_TEST_FORGED_H
#define TORPOR_TEST_FORGED_H

#include "vm/engines/engine.h"

enum { FORGED_SEGMENTS_MOST = 4096 };

struct forged {
  torpor__engine engine;
  torpor__engine_segment segments[FORGED_SEGMENTS_MOST];
  torpor_abi_control *control; /* in the data of a segment */
};

struct forged *forged_new(void);
void forged_free(struct forged *forged);

#endif
