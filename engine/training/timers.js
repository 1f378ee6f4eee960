/* SPDX-License-Identifier: MIT */
/* Timers, callbacks and an abort. */
const controller = new AbortController();
let calls = 0;
controller.signal.addEventListener("abort", () => calls++);
const timer = setTimeout(() => {}, 1000);
clearTimeout(timer);
queueMicrotask(() => calls++);
Promise.all([1, Promise.resolve(2)]).then((list) => (calls += list.length));
Promise.reject(new Error("handled")).catch((error) => (calls += !!error));
setTimeout(() => {
  controller.abort();
  globalThis.done = calls === 5;
}, 10);
