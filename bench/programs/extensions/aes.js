/* SPDX-License-Identifier: MIT */
/* aes.js - 10 MB encrypted by AES-GCM. */
const bytes = new Uint8Array(1e7).fill(7);
const iv = new Uint8Array(12).fill(1);
const key = crypto.subtle.importKey("raw", new Uint8Array(32).fill(2), "AES-GCM", false, [
  "encrypt",
]);
(async function () {
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key, bytes);
  globalThis.answer = Array.from(new Uint8Array(sealed, sealed.byteLength - 16)).join();
});
