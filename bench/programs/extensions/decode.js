/* SPDX-License-Identifier: MIT */
/* decode.js - a text of 10 MB from UTF-8. */
const sentence = "The quick brown fox jumps over the lazy d\u00f6g. ";
const bytes = new TextEncoder().encode(sentence.repeat(218000));
const decoder = new TextDecoder();
(function () {
  globalThis.answer = String(decoder.decode(bytes).length);
});
