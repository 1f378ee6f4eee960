/* SPDX-License-Identifier: MIT */
/* encode.js - a text of 10 MB to UTF-8. */
const text = "The quick brown fox jumps over the lazy d\u00f6g. ".repeat(218000);
const encoder = new TextEncoder();
(function () {
  globalThis.answer = String(encoder.encode(text).length);
});
