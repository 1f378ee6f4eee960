/* SPDX-License-Identifier: MIT */
/* call.js - 20,000 calls of a method. */
const headers = new Headers({ accept: "text/html", "content-type": "a/b" });
(function () {
  let sum = 0;
  for (let i = 0; i < 20000; i++) sum += headers.get("content-type").length;
  globalThis.answer = String(sum);
});
