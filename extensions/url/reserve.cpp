// SPDX-License-Identifier: MIT
//
// reserve.cpp - see reserve.h. All C++ code here allocates by the two functions
// at the end, instead of the engine's of the same names.
//
//  (1) malloc never gives null, since what calls it could not go on. When the
//      engine has no memory and no reserve has enough, the VM ends by a trap.
//  (2) An arena stays, after its reserve has ended, for as long as blocks of it
//      are in use.
//  (3) One that nothing was taken from is kept for the next reserve.

#include "reserve.h"

#include <new>
#include <string>

// Weak, since another object may have it.
__attribute__((weak)) const std::nothrow_t std::nothrow{};

// What headers leave to the library, and the kit does not have.
template std::string std::operator+(const char *, const std::string &);

namespace torpor {

JSContext *context;
JSRuntime *runtime;
bool tables_loaded;

struct alignas(16) arena {
  arena *next;
  size_t size, used; // behind this header
  size_t count;      // blocks in use
  bool is_open;      // its reserve lives

  char *start() {
    return reinterpret_cast<char *>(this + 1);
  }
  bool has(const void *block) {
    return count > 0 && block >= start() && block < start() + used;
  }
};

static arena *arenas; // the newest first

// As large as most reserves are, at least. Its memory is zero, which a snapshot
// leaves out.
constexpr size_t kept_size = 4096;
static arena *kept; // or null

static void forget(arena *one) {
  if (kept == nullptr && one->used == 0 && one->size == kept_size)
    kept = one;
  else
    js_free_rt(runtime, one);
}

static arena *find(size_t size) {
  arena *found = kept;
  if (size > kept_size || found == nullptr)
    return static_cast<arena *>(js_malloc(context, sizeof(arena) + size));
  kept = nullptr;
  return found;
}

// Forgets those that nobody needs.
static void sweep() {
  for (arena **at = &arenas; *at != nullptr;) {
    arena *one = *at;
    if (one->is_open || one->count > 0) {
      at = &one->next;
      continue;
    }
    *at = one->next;
    forget(one);
  }
}

reserve::reserve(size_t size) {
  if (size < kept_size) size = kept_size;
  own = find(size);
  ok = own != nullptr;
  if (!ok) return;
  *own = {arenas, size, 0, 0, true};
  arenas = own;
}

reserve::~reserve() {
  if (!ok) return;
  own->is_open = false;
  sweep();
}

static void *allocate(size_t size) {
  void *block = js_malloc_rt(runtime, size);
  size = (size + 15) & ~size_t{15};
  for (arena *one = arenas; block == nullptr && one != nullptr; one = one->next)
    if (one->is_open && one->size - one->used >= size) {
      block = one->start() + one->used;
      one->used += size;
      one->count++;
    }
  return block;
}

} // namespace torpor

extern "C" {

void *malloc(size_t size) {
  void *block = torpor::allocate(size);
  if (block == nullptr) abort();
  if (size == torpor::tables_size) torpor::tables_loaded = true;
  return block;
}

void free(void *block) {
  using namespace torpor;
  for (arena *one = arenas; one != nullptr; one = one->next)
    if (one->has(block)) {
      if (--one->count == 0) sweep();
      return;
    }
  js_free_rt(runtime, block);
}
}
