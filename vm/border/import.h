/* SPDX-License-Identifier: MIT */
/* import.h - what guest code calls on its host. */
#ifndef TORPOR_VM_IMPORT_H
#define TORPOR_VM_IMPORT_H

#include "vm/engines/engine.h"

/* What an engine calls on us. */
extern const torpor__engine_imports torpor__imports;

#endif
