// SPDX-License-Identifier: MIT
//
// url.h - what a URL object and its search parameters share.
//
//   URL object ──► url_state ◄── params_state ◄── URLSearchParams object
//                      │                                   ▲
//                      └── 'params', of the URL object ────┘
//
//  (1) A URL object owns its URLSearchParams object, and never the reverse, so
//      the two are no cycle: 'params' is undefined until it is first asked for,
//      and again once the URL object is gone. What keeps the address alive when
//      a program keeps only the parameters is the count in url_state.

#ifndef TORPOR_URL_URL_H
#define TORPOR_URL_URL_H

#include "glue.h"

namespace torpor {

struct url_state {
  ada::url_aggregator url;
  uint32_t count = 1;
  JSValue params = JS_UNDEFINED; // until a program asks the URL object for it
};

inline void release(url_state *state) {
  if (state != nullptr && --state->count == 0) delete state;
}

// A URLSearchParams object with the query of 'state', which it will keep up to
// date.
JSValue params_of(url_state *state);

// Tells that object, if there is one, that the query is another now. The caller
// holds memory back.
void params_reload(JSValueConst params, url_state *state);

// How much a change of the list of parameters may allocate.
struct params_state;

} // namespace torpor

#endif
