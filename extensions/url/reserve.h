// SPDX-License-Identifier: MIT
//
// reserve.h - memory for C++ code that cannot be told that there is none.
//
// ada allocates where it likes, and without exceptions it cannot stop half way.
// So whoever calls it sets memory apart first, as much as the call may need;
// when that fails, there is an ordinary error and nothing has happened yet. The
// call allocates as usual, and what the engine does not give comes from there.

#ifndef TORPOR_URL_RESERVE_H
#define TORPOR_URL_RESERVE_H

#include <torpor-extension.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

namespace torpor {

// The realm and runtime of the VM, which has one of each.
extern JSContext *context;
extern JSRuntime *runtime;

// A block of this size is ada's tables; whether they are there.
constexpr size_t tables_size = 224608;
extern bool tables_loaded;

// What they are unpacked from (pack-tables.py).
constexpr size_t packed_size = 62384;
void write_packed(uint64_t *to);

struct arena;

// While it lives, 'size' bytes can be allocated. When 'ok' is false, an error
// has been thrown.
struct reserve {
  explicit reserve(size_t size);
  ~reserve();
  reserve(const reserve &) = delete;
  reserve &operator=(const reserve &) = delete;

  bool ok;

private:
  arena *own;
};

} // namespace torpor

#endif
