/* SPDX-License-Identifier: MIT */
/* save.h - options for saving a VM, as an expression. */
#ifndef TORPOR_TEST_SAVE_H
#define TORPOR_TEST_SAVE_H

#include "torpor.h"

/* Stored, with 'flags' of torpor_save; and packed on so many threads. */
#define TEST_SAVE(with)                                                        \
  (&(torpor_save_options){.size = sizeof(torpor_save_options), .flags = (with)})
#define TEST_PACK(with, how_many)                                              \
  (&(torpor_save_options){.size = sizeof(torpor_save_options),                 \
                          .flags = (with),                                     \
                          .packing = TORPOR_PACKED,                            \
                          .threads = (how_many)})

#endif
