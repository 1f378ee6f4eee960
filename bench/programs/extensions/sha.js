/* SPDX-License-Identifier: MIT */
/* sha.js - SHA-256 of 10 MB. */
const bytes = new Uint8Array(1e7).fill(7);
(async function () {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  globalThis.answer = Array.from(new Uint8Array(digest)).join();
});
