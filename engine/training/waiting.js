/* SPDX-License-Identifier: MIT */
/* An async function waits for a promise that is settled from outside it. */
(async () => {
  const value = await new Promise((resolve) => {
    globalThis.settle = resolve;
  });
  globalThis.done = value === 41;
})();
settle(41);
