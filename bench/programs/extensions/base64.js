/* SPDX-License-Identifier: MIT */
/* base64.js - 10 MB to base64 and back. */
const bytes = new Uint8Array(1e7);
for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 2654435761) >>> 13;
(function () {
  const back = Uint8Array.fromBase64(bytes.toBase64());
  globalThis.answer = `${back.length} ${back[12345]}`;
});
