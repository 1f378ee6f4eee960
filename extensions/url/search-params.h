// SPDX-License-Identifier: MIT
//
// search-params.h - the list of a URLSearchParams object, for its iterators.

#ifndef TORPOR_URL_SEARCH_PARAMS_H
#define TORPOR_URL_SEARCH_PARAMS_H

#include "url.h"

#include <utility>
#include <vector>

namespace torpor {

struct params_state {
  ada::url_search_params list;
  size_t capacity = 0;        // for how many pairs the list has room
  url_state *state = nullptr; // of the URL whose query it is, if there is one

  const std::pair<std::string, std::string> &at(size_t index) const {
    return list.begin()[static_cast<ptrdiff_t>(index)];
  }

  // What the list allocates when it grows by one: then it doubles.
  size_t room_to_grow() const {
    return list.size() < capacity ? 0 : 64 * list.size() + 64;
  }

  void append(std::string_view key, std::string_view value) {
    list.append(key, value);
    if (list.size() > capacity)
      capacity = capacity * 2 < list.size() ? list.size() : capacity * 2;
    const auto &last = at(list.size() - 1);
    settle_pair(last.first, last.second);
  }

  void set(std::string_view key, std::string_view value) {
    if (!list.has(key)) return append(key, value);
    list.set(key, value);
    for (const auto &[name, of] : list)
      if (name == key) settle_pair(name, of);
  }

  void reset(std::string_view query) {
    list.reset(query);
    if (!query.empty() && query.front() == '?') query.remove_prefix(1);
    size_t pairs = 1;
    for (char c : query) pairs += c == '&';
    if (!query.empty() && pairs > capacity) capacity = pairs;
    for (const auto &[key, value] : list) settle_pair(key, value);
  }

private:
  static void settle_pair(std::string_view key, std::string_view value) {
    settle(key);
    settle(value);
  }
};

// What iterating gives.
enum { KEYS, VALUES, ENTRIES };

// Throws when the value is no such object.
params_state *params_self(JSValueConst value);

// An iterator over the parameters of that object.
JSValue iterate_params(JSValueConst params, int what);

// Fills an empty list with what a constructor was given.
bool fill_params(params_state *params, JSValueConst init);

} // namespace torpor

#endif
