// SPDX-License-Identifier: MIT
//
// format.js - a number as a word.
export const inWords = (load) => (load < 0.5 ? "quiet" : load < 4 ? "busy" : "very busy");
