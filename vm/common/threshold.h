/* SPDX-License-Identifier: MIT */
/* threshold.h - numbers from which on another way is cheaper.
 *
 * They decide what something costs, never what comes out. In test builds they
 * are variables, so that small VMs can be treated as large ones are; a test
 * that sets one declares it:
 *
 *     extern _Atomic uint32_t torpor__share_from; */
#ifndef TORPOR_VM_THRESHOLD_H
#define TORPOR_VM_THRESHOLD_H

#include <stdint.h>

#ifdef TORPOR_TESTING
#define TORPOR__THRESHOLD(name, value) _Atomic uint32_t torpor__##name = (value)
#else
#define TORPOR__THRESHOLD(name, value)                                         \
  static const uint32_t torpor__##name = (value)
#endif

#endif
