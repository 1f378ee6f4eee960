// SPDX-License-Identifier: MIT
// runtime.cpp - what C++ code needs besides headers: memory, and the few functions
// of its library that are not templates. Exceptions and RTTI are off.
#include <stdlib.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <unordered_set>

// Asked for memory that there is not, C++ code without exceptions cannot go on;
// it traps. What can go on uses new (std::nothrow), or malloc.
static void *allocate(size_t size) {
  void *memory = malloc(size != 0 ? size : 1);
  if (memory == nullptr) __builtin_trap();
  return memory;
}

// The block itself is kept in front of what is given, which is aligned.
static void *allocate_aligned(size_t size, size_t align) {
  if (size > SIZE_MAX - align - sizeof(void *)) return nullptr;
  char *block = static_cast<char *>(malloc(size + align + sizeof(void *)));
  if (block == nullptr) return nullptr;
  uintptr_t place = reinterpret_cast<uintptr_t>(block) + sizeof(void *);
  void **memory =
      reinterpret_cast<void **>((place + align - 1) & ~(uintptr_t)(align - 1));
  memory[-1] = block;
  return memory;
}

static void free_aligned(void *memory) {
  if (memory != nullptr) free(static_cast<void **>(memory)[-1]);
}

const std::nothrow_t std::nothrow;

void *operator new(size_t size) {
  return allocate(size);
}
void *operator new[](size_t size) {
  return allocate(size);
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return malloc(size != 0 ? size : 1);
}
void *operator new[](size_t size, const std::nothrow_t &) noexcept {
  return malloc(size != 0 ? size : 1);
}
void operator delete(void *memory) noexcept {
  free(memory);
}
void operator delete[](void *memory) noexcept {
  free(memory);
}
void operator delete(void *memory, size_t) noexcept {
  free(memory);
}
void operator delete[](void *memory, size_t) noexcept {
  free(memory);
}
void operator delete(void *memory, const std::nothrow_t &) noexcept {
  free(memory);
}
void operator delete[](void *memory, const std::nothrow_t &) noexcept {
  free(memory);
}

void *operator new(size_t size, std::align_val_t align) {
  void *memory = allocate_aligned(size, static_cast<size_t>(align));
  if (memory == nullptr) __builtin_trap();
  return memory;
}
void *operator new[](size_t size, std::align_val_t align) {
  return operator new(size, align);
}
void operator delete(void *memory, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete[](void *memory, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete(void *memory, size_t, std::align_val_t) noexcept {
  free_aligned(memory);
}
void operator delete[](void *memory, size_t, std::align_val_t) noexcept {
  free_aligned(memory);
}

extern "C" {

// A module is never unloaded, so nothing is ever destroyed at its end.
int __cxa_atexit(void (*)(void *), void *, void *) {
  return 0;
}
void *__dso_handle = nullptr;

[[noreturn]] void __cxa_pure_virtual() {
  __builtin_trap();
}
[[noreturn]] void __cxa_deleted_virtual() {
  __builtin_trap();
}

// Values of 'static' in functions; there are no threads.
int __cxa_guard_acquire(char *guard) {
  return *guard == 0;
}
void __cxa_guard_release(char *guard) {
  *guard = 1;
}
void __cxa_guard_abort(char *) {
}
}

_LIBCPP_BEGIN_NAMESPACE_STD

[[noreturn]] void __libcpp_verbose_abort(const char *, ...) noexcept {
  __builtin_trap();
}

[[noreturn]] void terminate() noexcept {
  __builtin_trap();
}

// Strings, whose members headers declare and leave to the library.
template class basic_string<char>;
template string &string::__assign_no_alias<false>(const char *, size_t);
template string &string::__assign_no_alias<true>(const char *, size_t);

// Sorting numbers in their own order.
template <class compare, class iterator>
void __sort(iterator first, iterator last, compare) {
  ranges::less order;
  auto depth = 2 * std::__bit_log2(static_cast<size_t>(last - first));
  std::__introsort<_ClassicAlgPolicy, ranges::less &, iterator,
                   __use_branchless_sort<ranges::less, iterator>>(
      first, last, order, static_cast<ptrdiff_t>(depth));
}
#define SORT(type)                                                             \
  template void __sort<__less<type> &, type *>(type *, type *, __less<type> &);
SORT(char)
SORT(signed char)
SORT(unsigned char)
SORT(short)
SORT(unsigned short)
SORT(int)
SORT(unsigned)
SORT(long)
SORT(unsigned long)
SORT(long long)
SORT(unsigned long long)
SORT(float)
SORT(double)

// Hashed containers.
size_t __hash_memory(_LIBCPP_NOESCAPE const void *data, size_t size) noexcept {
  return __murmur2_or_cityhash<size_t>()(data, size);
}

static bool is_prime(size_t number) {
  for (size_t i = 3; i <= number / i; i += 2)
    if (number % i == 0) return false;
  return true;
}

size_t __next_prime(size_t least) {
  if (least <= 2) return least == 0 ? 0 : 2;
  size_t number = least | 1;
  while (!is_prime(number)) number += 2;
  return number;
}

// Shared pointers. Counts are one less than the number of owners.
__shared_count::~__shared_count() {
}
__shared_weak_count::~__shared_weak_count() {
}
const void *
__shared_weak_count::__get_deleter(const type_info &) const noexcept {
  return nullptr;
}
void __shared_weak_count::__release_weak() noexcept {
  if (__shared_weak_owners_-- == 0) __on_zero_shared_weak();
}
__shared_weak_count *__shared_weak_count::lock() noexcept {
  if (__shared_owners_ == -1) return nullptr;
  __shared_owners_++;
  return this;
}

template <class number> static string text_of(number value) {
  char digits[24];
  char *end = digits + sizeof digits, *at = end;
  bool negative = value < 0;
  do {
    int digit = static_cast<int>(value % 10);
    *--at = static_cast<char>('0' + (digit < 0 ? -digit : digit));
    value /= 10;
  } while (value != 0);
  if (negative) *--at = '-';
  return string(at, static_cast<size_t>(end - at));
}

string to_string(int value) {
  return text_of(value);
}
string to_string(unsigned value) {
  return text_of(value);
}
string to_string(long value) {
  return text_of(value);
}
string to_string(unsigned long value) {
  return text_of(value);
}
string to_string(long long value) {
  return text_of(value);
}
string to_string(unsigned long long value) {
  return text_of(value);
}

_LIBCPP_END_NAMESPACE_STD
